#include "text_metrics.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "fixed_math.h"
#include "text_impl.h"

typedef struct slice {
  const char *text;
  size_t size;
} slice;

struct lk_text_scorer {
  lk_unit unit;
  lk_numbers numbers;
  ptrdiff_t texts; /* the one found and its references */
  slice *text;     /* [texts] */
  lk_buffer tokens;
  int32_t *row;                      /* of the edit distance */
  int64_t *found, *reference, *most; /* [kinds] tallies */
  lk_chrf_counts *chrf;              /* [texts] against each reference */
  size_t text_capacity, row_capacity, chrf_capacity;
  size_t found_capacity, reference_capacity, most_capacity;
};

lk_status lk_text_scorer_create(lk_text_scorer **scorer, lk_unit unit) {
  *scorer = NULL;
  LK_TRY(lk_alloc(scorer, 1, sizeof **scorer));
  (*scorer)->unit = unit;
  return LK_OK;
}

void lk_text_scorer_destroy(lk_text_scorer **scorer) {
  lk_text_scorer *s = *scorer;
  if (!s) return;
  lk_numbers_release(&s->numbers);
  lk_buffer_release(&s->tokens);
  free(s->text);
  free(s->row);
  free(s->found);
  free(s->reference);
  free(s->most);
  free(s->chrf);
  free(s);
  *scorer = NULL;
}

static lk_status add_text(lk_text_scorer *s, const char *text, size_t size) {
  LK_TRY(lk_grow(&s->text, &s->text_capacity, (size_t)s->texts + 1, sizeof *s->text));
  s->text[s->texts++] = (slice){text, size};
  return LK_OK;
}

static lk_status split(lk_text_scorer *s, slice found, const char *references, size_t size) {
  s->texts = 0;
  LK_TRY(add_text(s, found.text, found.size));
  for (size_t at = 0; at <= size;) {
    const char *tab = at < size ? memchr(references + at, '\t', size - at) : NULL;
    const size_t length = tab ? (size_t)(tab - references) - at : size - at;
    LK_TRY(add_text(s, references + at, length));
    at += length + 1;
  }
  return LK_OK;
}

/* All texts as numbers, and room for tallies. */
static lk_status number(lk_text_scorer *s, lk_cut cut, const slice *text) {
  lk_numbers_start(&s->numbers);
  for (ptrdiff_t t = 0; t < s->texts; t++) LK_TRY(lk_numbers_add(&s->numbers, cut, text[t].text, text[t].size));
  LK_TRY(lk_numbers_finish(&s->numbers));
  const size_t count = (size_t)s->numbers.count + 1;
  LK_TRY(lk_grow(&s->row, &s->row_capacity, count, sizeof *s->row));
  LK_TRY(lk_grow(&s->found, &s->found_capacity, count, sizeof *s->found));
  LK_TRY(lk_grow(&s->reference, &s->reference_capacity, count, sizeof *s->reference));
  return lk_grow(&s->most, &s->most_capacity, count, sizeof *s->most);
}

/* To the nearest reference. */
static lk_status count_edits(lk_text_scorer *s, lk_cut cut, lk_edit_counts *nearest) {
  *nearest = (lk_edit_counts){.edits = INT64_MAX};
  LK_TRY(number(s, cut, s->text));
  for (ptrdiff_t t = 1; t < s->texts && nearest->edits > 0; t++) {
    const int64_t edits = lk_numbers_edits(&s->numbers, 0, t, s->row);
    if (edits < nearest->edits) *nearest = (lk_edit_counts){edits, lk_numbers_length(&s->numbers, t)};
  }
  return LK_OK;
}

static void clear(const lk_text_scorer *s, int64_t *tally) {
  memset(tally, 0, (size_t)s->numbers.kinds * sizeof *tally);
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* The length of the reference nearest to the text's own, of two as near the shorter. */
static ptrdiff_t nearest_length(const lk_numbers *n) {
  const ptrdiff_t own = lk_numbers_length(n, 0);
  ptrdiff_t nearest = lk_numbers_length(n, 1);
  for (ptrdiff_t t = 2; t < n->texts; t++) {
    const ptrdiff_t length = lk_numbers_length(n, t), off = labs(length - own), best = labs(nearest - own);
    if (off < best || (off == best && length < nearest)) nearest = length;
  }
  return nearest;
}

/* An n-gram is correct as often as the reference that has it most often has it. */
static lk_status count_bleu(lk_text_scorer *s, lk_bleu_counts *counts) {
  lk_numbers *n = &s->numbers;
  size_t at = 0;
  s->tokens.size = 0;
  for (ptrdiff_t t = 0; t < s->texts; t++) {
    LK_TRY(lk_tokenize_13a(&s->tokens, s->text[t].text, s->text[t].size));
    s->text[t].size = s->tokens.size - at;
    at = s->tokens.size;
  }
  at = 0;
  for (ptrdiff_t t = 0; t < s->texts; at += s->text[t++].size) s->text[t].text = s->tokens.data + at;
  LK_TRY(number(s, LK_CUT_WORDS, s->text));
  counts->length += lk_numbers_length(n, 0);
  counts->reference += nearest_length(n);
  for (int order = 0; order < LK_BLEU_ORDER; order++) {
    if (order > 0) lk_numbers_next_order(n);
    clear(s, s->found);
    clear(s, s->most);
    counts->total[order] += lk_numbers_tally(n, 0, s->found);
    for (ptrdiff_t t = 1; t < n->texts; t++) {
      clear(s, s->reference);
      (void)lk_numbers_tally(n, t, s->reference);
      for (int32_t g = 0; g < n->kinds; g++) s->most[g] = larger(s->most[g], s->reference[g]);
    }
    for (int32_t g = 0; g < n->kinds; g++) counts->correct[order] += smaller(s->found[g], s->most[g]);
  }
  return LK_OK;
}

/* chrf[t - 1]: the text against reference t alone. */
static void count_letters(lk_text_scorer *s) {
  lk_numbers *n = &s->numbers;
  for (int order = 0; order < LK_CHRF_ORDER; order++) {
    if (order > 0) lk_numbers_next_order(n);
    clear(s, s->found);
    const int64_t found = lk_numbers_tally(n, 0, s->found);
    for (ptrdiff_t t = 1; t < n->texts; t++) {
      lk_chrf_counts *c = &s->chrf[t - 1];
      clear(s, s->reference);
      c->reference[order] = lk_numbers_tally(n, t, s->reference);
      c->found[order] = c->reference[order] > 0 ? found : 0; /* an order that the reference is too short for */
      c->common[order] = 0;
      for (int32_t g = 0; g < n->kinds; g++) c->common[order] += smaller(s->found[g], s->reference[g]);
    }
  }
}

static lk_status count_chrf(lk_text_scorer *s, lk_chrf_counts *counts) {
  LK_TRY(number(s, LK_CUT_LETTERS, s->text));
  LK_TRY(lk_grow(&s->chrf, &s->chrf_capacity, (size_t)s->texts, sizeof *s->chrf));
  count_letters(s);
  const lk_chrf_counts *best = s->chrf;
  for (ptrdiff_t t = 2; t < s->texts; t++)
    if (lk_chrf(&s->chrf[t - 1], 2) > lk_chrf(best, 2)) best = &s->chrf[t - 1];
  for (int order = 0; order < LK_CHRF_ORDER; order++) {
    counts->found[order] += best->found[order];
    counts->reference[order] += best->reference[order];
    counts->common[order] += best->common[order];
  }
  return LK_OK;
}

static void add_edits(lk_edit_counts *sum, lk_edit_counts edits) {
  sum->edits += edits.edits;
  sum->length += edits.length;
}

lk_status lk_text_score(lk_text_scorer *s, const char *found, size_t found_size, const char *references,
                        size_t references_size, lk_text_counts *counts) {
  lk_text_counts sum = *counts;
  lk_edit_counts symbol, word;
  LK_TRY(split(s, (slice){found_size ? found : "", found_size}, references_size ? references : "", references_size));
  LK_TRY(count_edits(s, LK_CUT_WORDS, &word));
  symbol = word;
  if (s->unit == LK_CHAR) LK_TRY(count_edits(s, LK_CUT_CHARACTERS, &symbol));
  add_edits(&sum.symbol, symbol);
  add_edits(&sum.word, word);
  LK_TRY(count_chrf(s, &sum.chrf));
  LK_TRY(count_bleu(s, &sum.bleu)); /* last: it puts the tokens in place of the texts */
  sum.texts++;
  sum.exact += symbol.edits == 0;
  *counts = sum;
  return LK_OK;
}

/* ---- values ---- */

double lk_edit_rate(const lk_edit_counts *counts) { return lk_ratio(counts->edits, counts->length); }

double lk_bleu_brevity(const lk_bleu_counts *counts) {
  if (counts->length >= counts->reference) return 1;
  return counts->length > 0 ? lk_fixed_exp(1 - (double)counts->reference / (double)counts->length) : 0;
}

/* BP exp(1/4 sum log p_n); the k-th order without a match counts as 1 / 2^k of one. */
double lk_bleu(const lk_bleu_counts *counts) {
  double sum = 0, share = 1;
  int64_t any = 0;
  for (int order = 0; order < LK_BLEU_ORDER; order++) {
    if (counts->total[order] == 0) return 0;
    any += counts->correct[order];
    double correct = (double)counts->correct[order];
    if (counts->correct[order] == 0) correct = share /= 2;
    sum += lk_fixed_log(correct / (double)counts->total[order]);
  }
  return any > 0 ? 100 * lk_bleu_brevity(counts) * lk_fixed_exp(sum / LK_BLEU_ORDER) : 0;
}

double lk_chrf(const lk_chrf_counts *counts, double beta) {
  double precision = 0, recall = 0, square = beta * beta;
  int orders = 0;
  for (int order = 0; order < LK_CHRF_ORDER; order++) {
    if (counts->found[order] == 0 || counts->reference[order] == 0) continue;
    precision += lk_ratio(counts->common[order], counts->found[order]);
    recall += lk_ratio(counts->common[order], counts->reference[order]);
    orders++;
  }
  if (precision + recall <= 0) return 0;
  precision /= orders;
  recall /= orders;
  return 100 * (1 + square) * precision * recall / (square * precision + recall);
}

int lk_text_metrics(const lk_text_counts *counts, lk_metric metrics[LK_MAX_METRICS], int count) {
  count = lk_metric_put(metrics, count, "bleu", lk_bleu(&counts->bleu), 1);
  count = lk_metric_put(metrics, count, "chrf", lk_chrf(&counts->chrf, 2), 1);
  count = lk_metric_put(metrics, count, "exact_match", lk_ratio(counts->exact, counts->texts), 1);
  count =
      lk_metric_put(metrics, count, "sequence_error_rate", lk_ratio(counts->texts - counts->exact, counts->texts), 0);
  count = lk_metric_put(metrics, count, "word_error_rate", lk_edit_rate(&counts->word), 0);
  return lk_metric_put(metrics, count, "symbol_error_rate", lk_edit_rate(&counts->symbol), 0);
}
