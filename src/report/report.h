/* report.h - what one or more runs did, as one page of HTML that needs nothing else: no network, no script, no files.
 *
 * Curves come from metrics.jsonl, hosts and times from starts.jsonl; classes, translations and samples are computed
 * from best.h5 (else last.h5) and the corpus. In the place of anything missing a line says so. A section is one file,
 * section_<name>.c, and one line in the table of report.c. Not collective throughout. */
#pragma once
#include "text.h"

typedef struct lk_report {
  const char *const *path; /* [runs] folders of runs */
  int runs;
  double seconds; /* that evaluating models, translating and generating may take, for all runs together; 0: nothing of
                     that */
} lk_report;

enum { LK_REPORT_MOST = 16 }; /* runs on one page */

/** Append the page to `out`. LK_IO, LK_DATA, LK_USAGE where a path is not the folder of a run; LK_MEMORY. */
LK_CHECKED lk_status lk_report_make(const lk_report *report, lk_buffer *out);
/** Whether a file begins as a page of lk_report_make() does. */
bool lk_report_is_one(const char *path);
