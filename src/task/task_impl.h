/* task_impl.h - what the task files share: a net of encoder and head, and the few things in which tasks differ.
 *
 *   batch -> encoder -> y [N, width] -> (gather) -> units [n, width] -> head -> logits [n, V] -> softmax, cross-entropy
 *
 * A unit is what a prediction is made for: a row of the pack, n = N, or, where the kind gathers, a sequence, n = B. */
#pragma once
#include <math.h>

#include "task.h"

/* What makes a task: one of these in its own file, one line in the table of task.c. */
typedef struct lk_task_kind {
  const char *name;
  lk_view view;
  int per_sequence;                /* units are sequences: gather and scatter are given */
  const char *const *metric_names; /* all that metrics() may give on some corpus, "loss" first; NULL at the end */
  lk_status (*settings)(const lk_config *config); /* LK_USAGE where they do not do, whatever the corpus; or NULL */
  /** Check configuration and corpus against each other and set V, and what else the task keeps. LK_USAGE, LK_DATA. */
  lk_status (*check)(lk_task *task);
  void (*release)(lk_task *task); /* or NULL */
  /* A net of another shape: behind the encoder's tensors (or NULL): what the head reads, and what it may be tied to, -1;
   * where its packed weights lie, and packing; forward up to the head, which sets x and ldx; where the head's gradient
   * goes; backward from there. */
  lk_status (*declare)(lk_task *task, lk_params *params, ptrdiff_t *width, int *tied);
  void (*layout_weights)(lk_task *task, lk_arena *weights, int training);
  void (*pack)(lk_task *task, const lk_params *params);
  void (*forward)(lk_task *task, const lk_params *params, const lk_batch *batch, lk_mode mode);
  lk_real *(*gradient)(lk_task *task, ptrdiff_t *ld);
  void (*backward)(lk_task *task, const lk_params *params, const lk_batch *batch, lk_mode mode,
                   const lk_shard_product *tied, const lk_grads *grads);
  void (*layout)(lk_task *task, lk_arena *arena);   /* its own buffers, or NULL */
  void (*gather)(lk_task *task, const lk_pack *p);  /* encoder's output -> task->x; or NULL */
  void (*scatter)(lk_task *task, const lk_pack *p); /* task->dpooled -> gradient by the encoder's output; or NULL */
  ptrdiff_t (*counts)(const lk_task *task);
  /** Add to counts[1..] what task->best says of the batch; counts[0], the units, is added by the caller. */
  void (*count)(lk_task *task, const lk_params *params, const lk_batch *batch, int64_t *counts);
  /** Metrics after "loss", which is there already; returns how many there are in all. */
  int (*metrics)(const lk_task *task, double loss, const int64_t *counts, lk_metric *metrics);
  ptrdiff_t (*tallies)(const lk_task *task); /* where in counts those of [V + unseen] classes begin; or NULL: none */
  ptrdiff_t (*spans)(const lk_task *task);   /* where those of [tags.types.count + 1] types do; or NULL */
} lk_task_kind;

extern const lk_task_kind lk_task_lm, lk_task_classify, lk_task_label, lk_task_translate;

struct lk_task {
  const lk_task_kind *kind;
  const lk_config *config;
  const lk_corpus_info *info;
  lk_encoder encoder;
  lk_output head;
  ptrdiff_t V, Vp; /* outputs; row stride of the logits */
  int tied;

  lk_arena weights;    /* packed */
  int lent;            /* their memory is the caller's */
  lk_part part;        /* of them that this rank packs */
  int weights_trained; /* laid out for backward too */
  int packed;
  lk_arena arena;             /* all else */
  ptrdiff_t B, N, T;          /* what the buffers hold */
  int by_steps;               /* of targets they hold a unit a sequence only: see lk_task_reserve_steps() */
  ptrdiff_t train_B, train_N; /* of batches to train on: these need all their logits at once; 0: none */
  ptrdiff_t logit_rows;
  int training;
  lk_real *logits;             /* [logit_rows, Vp] */
  double *loss;                /* [n] nats of each unit */
  int32_t *best;               /* [n] most probable output */
  lk_real *carry, *carry_next; /* [B, carry size] states before and after the batch */

  const lk_real *x; /* [n, ldx] what the head reads, of the last forward */
  ptrdiff_t ldx, n;

  lk_pool pool; /* classify */
  lk_real *pooled, *dpooled;
  int32_t *arg;
  ptrdiff_t unseen; /* classes that training never had: at least 1 */
  lk_tagset tags;   /* label */
  int32_t *gold, *found;
  lk_pairs *pairs;                  /* the caller's: which class is taken for which, or NULL */
  lk_status status;                 /* of an evaluation, which returns none itself */
  struct lk_translator *translator; /* translate */
};

/** As lk_task_reserve(), but for units one at a time: a long source for all units of a target at once would take the
 *  square of its length for the attention. */
LK_CHECKED lk_status lk_task_reserve_steps(lk_task *task, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T);
/** Packed weights, for the pass that comes first. Shared ones the trainer packs. */
void lk_net_ready(lk_task *task, const lk_params *params);
/** Encoder, lanes and gather: sets x, ldx, n. */
void lk_net_forward(lk_task *task, const lk_params *params, const lk_batch *batch, lk_mode mode, lk_real *lanes);
/** Units of local shard s: first[s] .. first[s+1]. */
static inline const ptrdiff_t *lk_net_units(const lk_task *task, const lk_pack *pack) {
  return task->kind->per_sequence ? pack->shard_seq : pack->shard_row;
}
/** A kind's settings where no weights can be tied. LK_USAGE. */
LK_CHECKED lk_status lk_task_untied(const lk_config *config);
/** Tied weights are an embedding of model.embedding numbers for an output of model.hidden. LK_USAGE. */
LK_CHECKED lk_status lk_task_tied_width(const lk_config *config);
/** Count in tally [V + unseen] what task->best says of n targets. */
void lk_task_tally(lk_task *task, const int32_t *target, ptrdiff_t n, lk_tally *tally);
/** Counts that tallies of n classes take. */
static inline ptrdiff_t lk_tally_counts(ptrdiff_t n) { return n * (ptrdiff_t)(sizeof(lk_tally) / sizeof(int64_t)); }
