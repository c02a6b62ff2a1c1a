/* unknown.c - limits and the warning for input that a model was not trained on. */
#include <stdio.h>
#include <string.h>

#include "lines_impl.h"
#include "log.h"

/* Whether all letters of the vocabulary are capitals (or all are small letters). False if memory runs out. */
static bool has_one_case(const lk_vocab *vocab, bool capitals) {
  const lk_strings *units = lk_vocab_strings(vocab);
  lk_buffer other = {0};
  bool one = true;
  for (ptrdiff_t i = LK_SPECIALS; i < units->count && one; i++) {
    const char *text = lk_strings_get(units, i);
    const size_t size = lk_strings_size(units, i);
    lk_buffer_truncate(&other, 0);
    one = (capitals ? lk_utf8_upper(&other, text, size)
                    : lk_utf8_fold(&other, text, size, (lk_folding){.nfc = true, .lower = true})) == LK_OK &&
          other.size == size && memcmp(other.data, text, size) == 0;
  }
  lk_buffer_release(&other);
  return one;
}

/* Why more than half of the unknown units may be unknown; "" if no reason is evident. */
static const char *reason(const lk_model *model, const int64_t *seen) {
  const int64_t half = seen[LK_SEEN_TRIED] / 2;
  if (seen[LK_SEEN_TRIED] == 0 || !model->vocab) return "";
  if (seen[LK_SEEN_UPPER] > half)
    return has_one_case(model->vocab, true) ? "; the model's vocabulary has capital letters only"
                                            : "; most of them are in its vocabulary in capital letters";
  if (seen[LK_SEEN_LOWER] > half)
    return has_one_case(model->vocab, false) ? "; the model's vocabulary has small letters only"
                                             : "; most of them are in its vocabulary in small letters";
  if (seen[LK_SEEN_SPELT] > half)
    return "; its vocabulary has single letters: separate the letters of a word by spaces";
  return "";
}

lk_status lk_cli_warn_unknown(lk_comm *comm, lk_model *model) {
  int64_t *seen = model->seen;
  if (comm) LK_TRY(lk_comm_sum_counts(comm, seen, LK_SEEN));
  if ((comm && lk_comm_rank(comm) > 0) || seen[LK_SEEN_UNKNOWN] == 0) return LK_OK;
  if (seen[LK_SEEN_UNKNOWN] * 10 < seen[LK_SEEN_UNITS] && seen[LK_SEEN_LOST] == 0) return LK_OK;
  char lost[80] = "";
  if (seen[LK_SEEN_LOST] > 0)
    (void)snprintf(lost, sizeof lost, ", all units of %lld line%s", (long long)seen[LK_SEEN_LOST],
                   lk_plural(seen[LK_SEEN_LOST]));
  LK_WARN("%.1f %% of the units are unknown to the model (%lld of %lld%s)%s",
          100.0 * (double)seen[LK_SEEN_UNKNOWN] / (double)seen[LK_SEEN_UNITS], (long long)seen[LK_SEEN_UNKNOWN],
          (long long)seen[LK_SEEN_UNITS], lost, reason(model, seen));
  return LK_OK;
}
