/* recorder_impl.h - where the figures of a run are written down: in metrics.jsonl, and elsewhere where the
 * configuration asks for it. A recorder is one file and a line in the table of recorder.c. Rank 0 only; every function:
 * Not collective. */
#pragma once
#include <stdbool.h>

#include "checkpoint.h"
#include "config.h"
#include "metrics.h"

/* The figures of one window of training, or of one evaluation. */
typedef struct lk_record {
  const char *kind;               /* "train", "valid" or "test" */
  int64_t run_step;               /* steps of the run so far; row[0] is the step that was measured, an earlier best one
                                      perhaps */
  int64_t averaged_since;         /* the first step of the average that was measured; 0: none was */
  double row[LK_HISTORY_COLUMNS]; /* as in /history; only "train" has a rate and a norm */
  const lk_metric *metrics;       /* [count] */
  int count;
} lk_record;

/* One place to record at. */
typedef struct lk_recorder_kind {
  /** Whether the configuration asks for it; NULL: always. */
  bool (*wanted)(const lk_config *config);
  /** The run begins (step -1) or goes on after `step`: what was recorded for later steps no longer holds. *tested, which
   *  may be set: the test split was evaluated at that very step. *state is the recorder's own, NULL before the first
   *  call. LK_IO, LK_MEMORY. */
  lk_status (*resume)(const char *run_dir, int64_t step, bool *tested, void **state) LK_CHECKED;
  /** Write it down, so that readers see it now. LK_IO, LK_MEMORY. */
  lk_status (*write)(const char *run_dir, const lk_record *record, void *state) LK_CHECKED;
  void (*release)(void *state); /* NULL where there is no state */
} lk_recorder_kind;

enum { LK_RECORDERS = 2 };
typedef struct lk_recorders {
  void *state[LK_RECORDERS];
} lk_recorders;

/** All recorders that the configuration asks for, one after the other; the first that fails ends the run. */
LK_CHECKED lk_status lk_recorders_resume(lk_recorders *recorders, const lk_config *config, int64_t step, bool *tested);
LK_CHECKED lk_status lk_recorders_write(const lk_recorders *recorders, const lk_config *config,
                                        const lk_record *record);
void lk_recorders_release(lk_recorders *recorders);

extern const lk_recorder_kind lk_recorder_metrics;     /* metrics_file.c */
extern const lk_recorder_kind lk_recorder_tensorboard; /* tensorboard.c */
