/* evaluate.h - evaluate a split of the corpus, sharded over all ranks: the same figures for any number of ranks.
 *
 * Losses are summed per shard and then along the shard tree; counts are integers. Collective throughout. */
#pragma once
#include "adapt.h"
#include "batch_parts.h"
#include "comm.h"
#include "task.h"

typedef struct lk_evaluation {
  lk_metric metric[LK_MAX_METRICS];
  int metrics;
  int64_t *counts; /* [lk_task_counts()] of all ranks */
  int64_t units;   /* predictions that count */
  int64_t unseen;  /* of them with a label that training does not have: wrong, and without a loss */
  int64_t tokens;  /* read by the net */
  double seconds;
  ptrdiff_t lanes;      /* of a running text, each from zero states on; 0: of sequences */
  double largest_state; /* largest magnitude of a state that a lane carried on */
} lk_evaluation;

typedef struct lk_evaluator_settings {
  lk_split split;
  ptrdiff_t batch, unroll; /* sequences, or lanes of a running text, of all shards together; units a step of a lane */
  int parts;               /* that a rank computes its share of a batch in (batch_parts.h) */
  size_t memory;           /* bytes for rows; 0: all are held, as lanes that an adapter reads must be */
} lk_evaluator_settings;
/** The settings that follow from a configuration. */
lk_evaluator_settings lk_evaluator_settings_of(const lk_config *config, lk_split split);

typedef struct lk_evaluator lk_evaluator;

/** Read this rank's rows of a split and reserve the task's buffers for it. LK_DATA, LK_MEMORY, on all ranks alike. */
LK_CHECKED lk_status lk_evaluator_create(lk_evaluator **evaluator, lk_comm *comm, const lk_corpus *corpus,
                                         const lk_shards *shards, lk_task *task, lk_evaluator_settings settings);
void lk_evaluator_destroy(lk_evaluator **evaluator);
/** LK_USAGE if the task has no metric of the name in eval.metric, naming those it has, or if that metric cannot be
 *  computed on this corpus, saying why.                                           Not collective. */
LK_CHECKED lk_status lk_evaluator_check(lk_evaluator *evaluator, const lk_config *config);
/** Why a tagger has no metrics of spans, for a message: the first label that is not a span tag, and where it occurs.
 *  LK_DATA, LK_MEMORY.                                                    Not collective. */
LK_CHECKED lk_status lk_evaluator_why_no_spans(const lk_evaluator *evaluator, lk_buffer *why);
/** From the next run on, each lane of a running text is read by this adapter, from the trained weights and an empty cache,
 *  one lane after the other. Not collective. */
void lk_evaluator_adapt(lk_evaluator *evaluator, lk_adapter *adapter);
/** From the next run on tell(context, share of the work that is done) is called on each rank after each of its batches.
 *  Not collective. */
void lk_evaluator_tell(lk_evaluator *evaluator, void (*tell)(void *context, double share), void *context);
/** From the next run on record (expected class, predicted class) pairs, of tasks with classes. Not collective. */
void lk_evaluator_note_pairs(lk_evaluator *evaluator);
/** The recorded pairs of all ranks: on rank 0 a list sorted by expected, then predicted class, which the caller frees;
 *  empty on other ranks. LK_MEMORY. */
LK_CHECKED lk_status lk_evaluator_pairs(lk_evaluator *evaluator, lk_pair **list, ptrdiff_t *count);
/** Evaluate the parameters; the result's counts belong to the evaluator and hold until the next call. */
LK_CHECKED lk_status lk_evaluator_run(lk_evaluator *evaluator, const lk_params *params, lk_evaluation *result);
/** The metric of that name, or NULL.                                              Not collective. */
const lk_metric *lk_evaluation_metric(const lk_evaluation *result, const char *name);
