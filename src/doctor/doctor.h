/* doctor.h - what makes a set-up slow or unsafe.
 *
 * Measuring and judging are separate. Each rank measures its facts, which are plain data; the ranks exchange them, so
 * that every rank has the facts of all (the survey), and the checks judge them. A check reads nothing but the survey,
 * so all ranks come to the same answers, and tests judge facts that they made up.
 *
 *   doctor.c    measures and exchanges the facts         checks.c    the table of checks
 *   facts_*.c   one kind of facts each                   check_*.c   the checks of these facts
 *
 * To add a check: a function in check_<group>.c and a line in checks.c. */
#pragma once
#include "doctor_facts.h"
#include "comm.h"

typedef struct lk_doctor_spec {
  const char *root;    /* "", or a folder in which tests keep their own /proc and /sys */
  const char *run_dir; /* the folder of the run, which need not exist */
  const char *kernels; /* the setting */
  const lk_model_facts *model;
} lk_doctor_spec;

typedef enum lk_verdict {
  LK_WELL,
  LK_WRONG,
  LK_NOT_KNOWN /* it could not be measured, or there is nothing to measure */
} lk_verdict;

typedef struct lk_finding {
  lk_verdict verdict;
  char fact[384]; /* what was measured, without a full stop; always set */
  char why[256];  /* where wrong: why it matters */
  char mend[384]; /* where wrong: the line that mends it, a command or a setting */
} lk_finding;

typedef struct lk_check {
  const char *name;  /* "huge-pages" */
  const char *about; /* what it looks at, in a few words */
  void (*judge)(const lk_survey *survey, lk_finding *finding);
} lk_check;

/** The checks, in the order in which they are printed.                              Not collective. */
const lk_check *lk_doctor_checks(size_t *count);
/** Measure for about a second, and exchange the facts; the caller releases the survey. LK_MEMORY, LK_INTERNAL. A fact
 *  that cannot be measured is marked as unknown and is no error.                     Collective. */
LK_CHECKED lk_status lk_doctor_measure(lk_survey *survey, lk_comm *comm, const lk_doctor_spec *spec);
void lk_doctor_release(lk_survey *survey);
