#include "decode.h"

#include <stdlib.h>

#include "decode_impl.h"

lk_status lk_score_lines(lk_model *model, const lk_lines *lines, lk_score *out) {
  if (lk_task_view(model->task) == LK_VIEW_PAIRS) return lk_score_pairs(model, lines, out);
  if (lk_task_view(model->task) == LK_VIEW_LABEL) return lk_score_labels(model, lines, out);
  if (lk_task_view(model->task) != LK_VIEW_LM)
    return LK_FAIL(
        LK_USAGE,
        "this is a classifier: use predict --scores; only a language model, a translator or a tagger can score");
  lk_line_batch b = {.model = model, .lines = lines};
  lk_scores s = {0};
  lk_status status;
  for (;;) {
    LK_GO(lk_line_batch_next(&b));
    if (b.count == 0) break;
    LK_GO(lk_scores_measure(&s, model, &b.batch));
    for (ptrdiff_t i = 0; i < b.count; i++)
      out[b.first + i] = b.seq[i] >= 0 ? lk_scores_sum(&s, &b.batch, b.seq[i]) : (lk_score){0};
  }
done:
  free(s.log_p);
  lk_line_batch_release(&b);
  return status;
}
