#include "metrics.h"

#include <stdio.h>

#include "arena.h"
#include "corpus.h"

double lk_tally_precision(lk_tally tally) { return lk_ratio(tally.correct, tally.found); }

double lk_tally_recall(lk_tally tally) { return lk_ratio(tally.correct, tally.gold); }

/* the harmonic mean 2 p r / (p + r), from whole numbers */
double lk_tally_f1(lk_tally tally) { return lk_ratio(2 * tally.correct, tally.found + tally.gold); }

lk_tally lk_tally_sum(const lk_tally *tally, ptrdiff_t n) {
  lk_tally sum = {0};
  for (ptrdiff_t i = 0; i < n; i++) {
    sum.gold += tally[i].gold;
    sum.found += tally[i].found;
    sum.correct += tally[i].correct;
  }
  return sum;
}

double lk_tally_macro_f1(const lk_tally *tally, ptrdiff_t n) {
  double sum = 0;
  ptrdiff_t classes = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    if (tally[i].gold == 0 && tally[i].found == 0) continue;
    sum += lk_tally_f1(tally[i]);
    classes++;
  }
  return classes > 0 ? sum / (double)classes : NAN;
}

static const lk_tag outside = {'O', -1};

static lk_tag tag_of(const lk_tagset *set, int32_t label) {
  LK_ASSERT(label < set->count && label != LK_NO_LABEL);
  return set->tag[label >= 0 ? label : set->count + LK_UNSEEN_LABEL - label];
}

void lk_spans_count(const lk_tagset *set, const int32_t *gold, const int32_t *found, ptrdiff_t n, lk_tally *by_type) {
  int together = 0; /* both are inside spans that started at one word, with one type */
  lk_tag gold_before = outside, found_before = outside;
  for (ptrdiff_t i = 0; i <= n; i++) {
    const int counts = i < n && gold[i] != LK_NO_LABEL; /* a sentence's ends lie outside of any span */
    lk_tag g = counts ? tag_of(set, gold[i]) : outside, f = counts ? tag_of(set, found[i]) : outside;
    int gold_ends = lk_tag_ends(gold_before, g), found_ends = lk_tag_ends(found_before, f);
    if (together && gold_ends && found_ends) by_type[gold_before.type].correct++;
    if (gold_ends || found_ends) together = 0;
    int gold_starts = lk_tag_starts(gold_before, g), found_starts = lk_tag_starts(found_before, f);
    if (gold_starts) by_type[g.type].gold++;
    if (found_starts) by_type[f.type].found++;
    if (gold_starts && found_starts) together = g.type == f.type;
    gold_before = g;
    found_before = f;
  }
}

int lk_metric_put(lk_metric *metrics, int count, const char *name, double value, int rising) {
  LK_ASSERT(count < LK_MAX_METRICS);
  metrics[count] = (lk_metric){.value = value, .rising = rising};
  (void)snprintf(metrics[count].name, sizeof metrics[count].name, "%s", name);
  return count + 1;
}
