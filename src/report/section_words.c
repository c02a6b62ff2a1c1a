/* section_words.c - words and numbers that several sections write. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "scale.h"
#include "section_impl.h"

bool lk_run_is(const lk_run *run, const char *task) {
  const char *own = run->has_model ? run->model.config.task : run->has_config ? run->config.task : "";
  return strcmp(own, task) == 0;
}

void lk_section_missing(lk_html *html, const char *what, const lk_buffer *why) {
  lk_html_put(html, "<p class=\"missing\">%s: %s.</p>", what, why->size > 0 ? why->data : "not recorded");
}

const char *lk_metric_words(const char *name) {
  static const char *const words[][2] = {{"macro_f1", "macro F1"},
                                         {"f1", "F1 of spans"},
                                         {"precision", "precision of spans"},
                                         {"recall", "recall of spans"},
                                         {"bleu", "BLEU"},
                                         {"chrf", "chrF"},
                                         {"exact_match", "exact match"},
                                         {"bits_per_character", "bits per character"},
                                         {"unknown_accuracy", "accuracy on unknown words"},
                                         {"sequence_error_rate", "sequence error rate"},
                                         {"symbol_error_rate", "symbol error rate"},
                                         {"word_error_rate", "word error rate"}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(name, words[i][0]) == 0) return words[i][1];
  return name;
}

const char *lk_duration(char out[32], double seconds) {
  const long s = lround(seconds);
  if (!isfinite(seconds) || seconds < 0 || seconds > 1e12)
    (void)snprintf(out, 32, "–");
  else if (s >= 3600)
    (void)snprintf(out, 32, "%ldh %02ldm", s / 3600, s % 3600 / 60);
  else if (s >= 60)
    (void)snprintf(out, 32, "%ldm %02lds", s / 60, s % 60);
  else
    (void)snprintf(out, 32, seconds >= 1 ? "%.1f s" : seconds >= 0.001 ? "%.3f s" : "%.1g s", seconds);
  return out;
}

const char *lk_bytes(char out[32], double bytes) {
  static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
  int u = 0;
  while (bytes >= 999.5 && u < 4) bytes /= 1000, u++;
  (void)snprintf(out, 32, u > 0 && bytes < 9.95 ? "%.1f %s" : "%.0f %s", bytes, units[u]);
  return out;
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double lk_curve_median(const lk_curve *curve, lk_status *status) {
  double *y = NULL, median = NAN;
  if (curve->n == 0 || *status != LK_OK) return NAN;
  if ((*status = lk_alloc(&y, (size_t)curve->n, sizeof *y)) != LK_OK) return NAN;
  memcpy(y, curve->y, (size_t)curve->n * sizeof *y);
  qsort(y, (size_t)curve->n, sizeof *y, by_value);
  median = y[curve->n / 2];
  free(y);
  return median;
}
