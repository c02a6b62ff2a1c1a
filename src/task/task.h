/* task.h - a task: a net, its loss, its metrics.
 *
 * A task is one file, src/task/task_<name>.c, and one line in the table of task.c. The trainer, evaluation and decoding
 * know only what stands here. Losses are sums over predicted units (tokens or sequences), kept per shard in double;
 * the division by the global count of units happens once, in the optimizer step.
 *
 * Life: create (declares the tensors) -> lk_params_commit -> reserve (buffers for the largest batch) -> pack, after every
 * change of the parameters -> train / evaluate / forward. Nothing is allocated after reserve. */
#pragma once
#include "head.h"
#include "loader.h"
#include "metrics.h"
#include "pairs.h"

typedef struct lk_task lk_task;

/* The share of one shard in a training step; travels with the gradient. */
typedef struct lk_shard_stat {
  double
      loss; /* nats, sum; of the objective that the gradient is of: train.smoothing, train.ar and train.tar included */
  int64_t units;  /* predicted */
  int64_t tokens; /* read, of pairs on both sides */
} lk_shard_stat;

/** Check config->task with its settings, and eval.metric, as far as that needs no corpus. LK_USAGE with the place. */
LK_CHECKED lk_status lk_task_check(const lk_config *config);
/** Build the task that config->task names for a corpus, declaring its tensors in `params`. LK_USAGE with the place in
 *  the configuration (an unknown task, a corpus of another kind, tied weights of unequal width, ...). config and info
 *  must outlive the task.                                                         Not collective. */
LK_CHECKED lk_status lk_task_create(lk_task **task, const lk_config *config, const lk_corpus_info *info,
                                    lk_params *params);
void lk_task_destroy(lk_task **task);
lk_view lk_task_view(const lk_task *task);
/** The columns of a corpus that its net reads, by name.                             Not collective. */
lk_column_names lk_task_columns(const lk_task *task);
/** How a loader reads a split for it: view, split and columns are set.              Not collective. */
lk_loader_settings lk_task_loading(const lk_task *task, lk_split split);
/** Reserve buffers for batches of at most B sequences, N rows and T steps; larger values of an earlier call are kept.
 *  LK_MEMORY. Packed weights suit one kind of kernels: after other kernels were chosen a task must reserve again before
 *  its next pass, and a task with lent weights does not allow that choice. */
LK_CHECKED lk_status lk_task_reserve(lk_task *task, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T, int training);
/** The same for the largest batch of a loader, both sides of pairs; if each is computed in several parts
 *  (batch_parts.h), for the largest part. */
LK_CHECKED lk_status lk_task_reserve_for(lk_task *task, const lk_loader *loader, int parts, int training);
/** Bytes of the packed weights of a task that is trained.                           Not collective. */
size_t lk_task_weights(lk_task *task);
/** Lend the task memory for its packed weights: `memory`, 64-byte aligned, zeros. If several ranks share it, each packs
 *  its part, and none goes on before all have. To be called before the first reserve; else a task has memory of its
 *  own.                                                                                              Not collective. */
void lk_task_weights_at(lk_task *task, void *memory, lk_part part);
/** Bring packed weights up to date, after each change of the parameters. Weights in memory of the task's own that were
 *  never packed are packed by the next pass.                                       Not collective. */
void lk_task_pack(lk_task *task, const lk_params *params);
/** The same in stages, in the order in which a pass reads the weights (it calls lk_params_need() at each). The number
 *  of stages; how many of the first tensors stages 0 to `stage` need; pack one stage.            Not collective. */
int lk_task_stages(const lk_task *task);
int lk_task_stage_end(const lk_task *task, const lk_params *params, int stage);
void lk_task_pack_stage(lk_task *task, const lk_params *params, int stage);
/** Reals of one lane's carried states: 0 where the task carries none.              Not collective. */
ptrdiff_t lk_task_lane_width(const lk_task *task);
/** The largest magnitude among the carried states of so many lanes; NaN is passed over.   Not collective. */
double lk_task_largest_state(const lk_task *task, const lk_real *lanes, ptrdiff_t count);
/** Reals of one sequence's states, for decoding step by step: 0 with two directions. */
ptrdiff_t lk_task_carry_width(const lk_task *task);

/** One training pass: forward, loss, backward. stat [shards of this rank] and every tensor of grads are assigned (also
 *  for an empty batch). lanes [lanes, width]: carried states, read unless batch->reset and updated; NULL without lanes.
 *                                                                                 Not collective. */
void lk_task_train(lk_task *task, const lk_params *params, const lk_batch *batch, lk_mode mode, lk_real *lanes,
                   lk_shard_stat *stat, const lk_grads *grads);
/** Forward pass that counts: the head's plain loss is added to loss [shards of this rank], and what was counted to
 *  counts [lk_task_counts()]; counts[0] are the units that have a loss. LK_MEMORY from comparing texts or noting pairs.
 *                                                                                 Not collective. */
LK_CHECKED lk_status lk_task_evaluate(lk_task *task, const lk_params *params, const lk_batch *batch, lk_real *lanes,
                                      double *loss, int64_t *counts);
ptrdiff_t lk_task_counts(const lk_task *task);
/** The metrics of summed losses and counts; returns how many. The first is "loss", nats per unit that has one. Units of
 *  LK_UNSEEN_LABEL and below have none, but count in accuracy and other shares of units. NaN: nothing to measure. */
int lk_task_metrics(const lk_task *task, double loss, const int64_t *counts, lk_metric metrics[LK_MAX_METRICS]);
/** Announce labels that training never had and that evaluations will meet (lk_corpus_info.unseen; empty: without
 *  names). They are further classes after those of the model, so lk_task_counts() grows. LK_MEMORY. */
LK_CHECKED lk_status lk_task_unseen(lk_task *task, const lk_strings *unseen);
/** The tallies inside counts, by class (or tag) [*classes], those that training never had at the end; for a task
 *  without classes NULL, and *classes 0. */
const lk_tally *lk_task_tallies(const lk_task *task, const int64_t *counts, ptrdiff_t *classes);
/** Units whose label training never had. */
int64_t lk_task_unseen_units(const lk_task *task, const int64_t *counts);
/** If labels are BIOES tags, but the corpus' files mark spans in another scheme (lk_corpus_info.tags): convert those of
 *  a sentence [n] to that of the files, or to what the task is trained on. Else they stay as they are. */
void lk_task_tags_as_filed(const lk_task *task, int32_t *label, ptrdiff_t n);
void lk_task_tags_as_trained(const lk_task *task, int32_t *label, ptrdiff_t n);
/** The tallies of spans inside counts, by type [tags->types.count + 1], see lk_spans_count(); NULL if the task counts
 *  none. *tags: those of a labeller, even if they mark no spans; else NULL. */
const lk_tally *lk_task_spans(const lk_task *task, const int64_t *counts, const lk_tagset **tags);
/** From now on evaluations of a task with classes also note which class was taken for which. NULL: no more. */
void lk_task_note_pairs(lk_task *task, lk_pairs *pairs);

/* Judges units in evaluations, instead of the head. */
typedef struct lk_judge {
  /** The plain loss [units->n] and the best output [units->n] of the units that the task made of `batch`. LK_MEMORY. */
  lk_status (*judge)(void *context, const lk_batch *batch, const lk_units *units, double *loss, int32_t *best);
  void *context;
} lk_judge;
/** Let `judge`, which must outlive them, judge the units in evaluations; NULL: the head again. Not collective. */
void lk_task_judged_by(lk_task *task, const lk_judge *judge);

/** Forward pass only, up to the head: its units, N rows or, for a classifier, B sequences; valid as long as the batch,
 *  and until the next pass. Lanes [., carry width] are used as in lk_task_train(), by any model in one direction.
 *                                                                                 Not collective. */
lk_units lk_task_forward(lk_task *task, const lk_params *params, const lk_batch *batch, lk_real *lanes);
/** The units of the last lk_task_forward() or lk_translate_step(). */
const lk_units *lk_task_units(const lk_task *task);
/** The head, which answers about these units (head.h). */
lk_head *lk_task_head(lk_task *task);
