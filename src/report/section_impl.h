/* section_impl.h - a section of the page: one file, section_<name>.c, and one line in the table of report.c.
 *
 * A section writes its contents; report.c writes its heading. It may be about all runs together, or about one. */
#pragma once
#include "html.h"
#include "plot.h"
#include "report.h"
#include "run_record.h"

typedef struct lk_scope {
  lk_run *run; /* [runs], or the one that the section is about */
  int runs;
  double seconds; /* that work with the model may take */
  int columns;    /* parts of x that curves are thinned to */
} lk_scope;

typedef struct lk_section {
  const char *title;
  bool together; /* of all runs */
  /** Whether it has something to say, be it why something is missing. */
  bool (*fits)(const lk_scope *scope);
  /** After a failure other than LK_MEMORY, the message replaces what it wrote. */
  lk_status (*draw)(lk_html *html, const lk_scope *scope);
} lk_section;

extern const lk_section lk_section_overview, lk_section_loss, lk_section_rate, lk_section_metrics, lk_section_course,
    lk_section_differences, lk_section_classes, lk_section_translations, lk_section_sample, lk_section_time,
    lk_section_settings, lk_section_corpus, lk_section_starts;

/** Whether a run's task is `task`, by its configuration or its model. */
bool lk_run_is(const lk_run *run, const char *task);
/** A paragraph in the place of what is missing. */
void lk_section_missing(lk_html *html, const char *what, const lk_buffer *why);
/** The name of a metric as words: "macro F1". */
const char *lk_metric_words(const char *name);
/** "1h 02m", "3m 20s", "12.3 s", "0.05 s"; returns out. */
const char *lk_duration(char out[32], double seconds);
/** "52 MB", "1.4 GB"; returns out. */
const char *lk_bytes(char out[32], double bytes);
/** Median of a curve's y; NaN where it has no point. LK_MEMORY ends in *status. */
double lk_curve_median(const lk_curve *curve, lk_status *status);
