/* evaluate.h - a split of the corpus through the net, sharded over all ranks: the same figures for every R.
 *
 * Losses are summed per shard and then along the shard tree; counts are integers. Collective throughout. */
#pragma once
#include "comm.h"
#include "task.h"

typedef struct lk_evaluation {
  lk_metric metric[LK_MAX_METRICS];
  int metrics;
  int64_t *counts; /* [lk_task_counts()] of all ranks */
  int64_t units;   /* predictions that were measured */
  int64_t unseen;  /* of them against labels that training never had: wrong, and without a loss */
  int64_t tokens;  /* read */
  double seconds;
} lk_evaluation;

typedef struct lk_evaluator lk_evaluator;

/** Read this rank's rows of a split and reserve the task's buffers for it. LK_DATA, LK_MEMORY, agreed on.
 *  batch: sequences (or lanes of a running text) of all shards together; unroll: units a step of a running text. */
LK_CHECKED lk_status lk_evaluator_create(lk_evaluator **evaluator, lk_comm *comm, const lk_corpus *corpus,
                                         const lk_shards *shards, lk_task *task, lk_split split, ptrdiff_t batch,
                                         ptrdiff_t unroll);
void lk_evaluator_destroy(lk_evaluator **evaluator);
/** Whether the task has the metric that eval.metric names: else LK_USAGE with all of them, or with the reason why this
 *  corpus has not that one.                                                       Not collective. */
LK_CHECKED lk_status lk_evaluator_check(lk_evaluator *evaluator, const lk_config *config);
/** Why a labeller has no figures of spans, as words for a message: the first label that is no span tag, and where it
 *  stands. LK_DATA, LK_MEMORY.                                                    Not collective. */
LK_CHECKED lk_status lk_evaluator_why_no_spans(const lk_evaluator *evaluator, lk_buffer *why);
/** From the next run on gather which class was taken for which, of tasks with classes. Not collective. */
void lk_evaluator_note_pairs(lk_evaluator *evaluator);
/** What was gathered, of all ranks: on rank 0 a list sorted by gold, then found, that the caller frees; [0] elsewhere.
 *  LK_MEMORY. */
LK_CHECKED lk_status lk_evaluator_pairs(lk_evaluator *evaluator, lk_pair **list, ptrdiff_t *count);
/** Evaluate the parameters; the result's counts belong to the evaluator and hold until the next call. */
LK_CHECKED lk_status lk_evaluator_run(lk_evaluator *evaluator, const lk_params *params, lk_evaluation *result);
/** The metric of that name, or NULL.                                              Not collective. */
const lk_metric *lk_evaluation_metric(const lk_evaluation *result, const char *name);
