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

/* What one shard gave to a training step; travels with the gradient. */
typedef struct lk_shard_stat {
  double
      loss; /* nats, sum; of the objective that the gradient is of: train.smoothing, train.ar and train.tar included */
  int64_t units;  /* predicted */
  int64_t tokens; /* read, of pairs on both sides */
} lk_shard_stat;

/** The settings of config->task and eval.metric, as far as no corpus is needed. LK_USAGE with the place. */
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
/** Buffers for batches of at most B sequences, N rows and T steps. Larger values of an earlier call are kept. LK_MEMORY.
 *  Packed weights are those of one kind of kernels: after a choice of others, a task reserves again before its next pass,
 *  and one with lent weights may not see such a choice. */
LK_CHECKED lk_status lk_task_reserve(lk_task *task, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T, int training);
/** The same for the largest batch of a loader, both sides of pairs; each computed in so many parts (batch_parts.h): for
 *  the largest of these. */
LK_CHECKED lk_status lk_task_reserve_for(lk_task *task, const lk_loader *loader, int parts, int training);
/** Bytes of the packed weights of a task that is trained.                           Not collective. */
size_t lk_task_weights(lk_task *task);
/** Have them at `memory`, 64-byte aligned, zeros, where several ranks hold them together: each packs its part, and all
 *  must have before one goes on. Before the first reserve; else a task has memory of its own for them. Not collective. */
void lk_task_weights_at(lk_task *task, void *memory, lk_part part);
/** Bring packed weights up to date with the parameters: after each change of these. Weights of the task's own that were
 *  never packed the next pass packs by itself.                                     Not collective. */
void lk_task_pack(lk_task *task, const lk_params *params);
/** The same in stages, in the order in which a pass reads the weights; it tells when it comes to one (lk_params_need()):
 *  how many there are, how many of the first tensors stages 0 to `stage` need, and one of them.  Not collective. */
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
/** Forward and count: loss [shards of this rank], the head's plain loss, is added to, and so is counts
 *  [lk_task_counts()]; counts[0] are the units that have a loss. LK_MEMORY while texts were compared or pairs noted.
 *                                                                                 Not collective. */
LK_CHECKED lk_status lk_task_evaluate(lk_task *task, const lk_params *params, const lk_batch *batch, lk_real *lanes,
                                      double *loss, int64_t *counts);
ptrdiff_t lk_task_counts(const lk_task *task);
/** The metrics of summed losses and counts; returns how many. The first is "loss", nats per unit that has one: units of
 *  LK_UNSEEN_LABEL and below have none, but are among those that accuracy and its like are shares of. NaN: nothing to measure it on. */
int lk_task_metrics(const lk_task *task, double loss, const int64_t *counts, lk_metric metrics[LK_MAX_METRICS]);
/** Labels that training never had and that evaluations will meet (lk_corpus_info.unseen; empty: without names). They are
 *  classes too, behind those of the model, so that the counts become more. LK_MEMORY. */
LK_CHECKED lk_status lk_task_unseen(lk_task *task, const lk_strings *unseen);
/** Inside counts, by class (or tag) [*classes], those that training never had at the end; NULL, *classes 0: of a task
 *  without classes. */
const lk_tally *lk_task_tallies(const lk_task *task, const int64_t *counts, ptrdiff_t *classes);
/** Units whose label training never had. */
int64_t lk_task_unseen_units(const lk_task *task, const int64_t *counts);
/** Where labels are BIOES tags of spans that the corpus' files mark in another scheme (lk_corpus_info.tags): write those of
 *  a sentence [n] as the files have them, or as the task is trained on them. Else they stay as they are. */
void lk_task_tags_as_filed(const lk_task *task, int32_t *label, ptrdiff_t n);
void lk_task_tags_as_trained(const lk_task *task, int32_t *label, ptrdiff_t n);
/** Inside counts, spans by type [tags->types.count + 1], as lk_spans_count() has them; NULL where the task counts none.
 *  *tags: those of a labeller, also where they mark no spans; else NULL. */
const lk_tally *lk_task_spans(const lk_task *task, const int64_t *counts, const lk_tagset **tags);
/** From now on evaluations of a task with classes also note which class was taken for which. NULL: no more. */
void lk_task_note_pairs(lk_task *task, lk_pairs *pairs);

/* Another judgement of units than the head's, for evaluations. */
typedef struct lk_judge {
  /** The plain loss [units->n] and the best output [units->n] of the units that the task made of `batch`. LK_MEMORY. */
  lk_status (*judge)(void *context, const lk_batch *batch, const lk_units *units, double *loss, int32_t *best);
  void *context;
} lk_judge;
/** Have evaluations measure what `judge`, which must outlive them, says; NULL: the head again. Not collective. */
void lk_task_judged_by(lk_task *task, const lk_judge *judge);

/** Forward only, up to the head: its units, N rows or, for a classifier, B sequences; valid while the batch is and until
 *  the next pass. Lanes [., carry width] are used as in lk_task_train(), by any model in one direction.
 *                                                                                 Not collective. */
lk_units lk_task_forward(lk_task *task, const lk_params *params, const lk_batch *batch, lk_real *lanes);
/** The units of the last lk_task_forward() or lk_translate_step(). */
const lk_units *lk_task_units(const lk_task *task);
/** The head, which answers about these units (head.h). */
lk_head *lk_task_head(lk_task *task);
