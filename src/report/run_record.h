/* run_record.h - what a run's folder says about it: figures, starts, configuration, model and corpus.
 *
 * Everything is optional. What is missing or cannot be read leaves a sentence in its `why`, which the page prints in its
 * place; lines that are no JSON, half a line of a killed writer among them, are skipped and counted. Not collective
 * throughout. */
#pragma once
#include "corpus.h"
#include "curve.h"
#include "model.h"

enum { LK_RUN_METRICS = 24, LK_RUN_PARTS = 16 };

typedef struct lk_run_metric {
  char name[40];
  lk_curve valid; /* by step */
  double test;    /* NaN: not evaluated on the test part */
} lk_run_metric;

/* A start of the program. Numbers that are not known are negative. */
typedef struct lk_run_start {
  char time[32], version[32], commit[48], kernels[24], end[96]; /* end: why it ended, "": nobody recorded that */
  double step, last_step, steps, ranks, memory, largest_memory; /* bytes: of all ranks, of one */
  lk_strings hosts;                                             /* their numbers are ranks */
  char part[LK_RUN_PARTS][24];                                  /* of the time: names */
  double seconds[LK_RUN_PARTS];
  int parts;
} lk_run_start;

typedef struct lk_run {
  const char *path; /* as it was given */
  char *whole_path; /* from the root on */
  char name[64];    /* of the folder, shortened */
  lk_curve train;   /* loss by step */
  lk_curve rate, norm, speed;
  lk_run_metric metric[LK_RUN_METRICS];
  int metrics;
  double last_step, epoch, test_step; /* test_step: negative where there is none */
  double trained_seconds;             /* in the lines of training */
  double window_tokens;               /* of the last of these that is a point of `train` */
  ptrdiff_t lines, bad_lines;         /* of both files */
  lk_run_start *start;                /* [starts] */
  int starts;
  size_t start_capacity;

  bool has_config;
  lk_config config;
  lk_buffer why_config;

  lk_model model; /* best.h5, else last.h5 */
  bool has_model;
  lk_buffer model_path, why_model;
  lk_corpus *corpus; /* NULL: not there, or another one */
  lk_buffer why_corpus;
} lk_run;

/** Read metrics.jsonl, starts.jsonl and config.yaml of the folder `path`, which must outlive the run. LK_IO where it is
 *  no folder, LK_DATA where nothing in it is of a run; LK_MEMORY. */
LK_CHECKED lk_status lk_run_open(lk_run *run, const char *path);
/** Open the model, of at most so many bytes, and the corpus that it was trained on, likewise. LK_MEMORY. */
LK_CHECKED lk_status lk_run_open_model(lk_run *run, double most_bytes);
/** Close the model and the corpus again. */
void lk_run_close_model(lk_run *run);
void lk_run_close(lk_run *run);
/** The metric of that name, or NULL. */
const lk_run_metric *lk_run_find(const lk_run *run, const char *name);
/** The metric that the run chooses its best model by (eval.metric), or loss where that is not known; NULL where it was
 *  never evaluated. */
const lk_run_metric *lk_run_chosen(const lk_run *run);
/** Whether larger values of a metric are better. */
bool lk_run_rises(const char *metric);
/** The index of the best value of a metric, the first of equals; -1 where there is none. */
ptrdiff_t lk_run_best(const lk_run_metric *metric);
