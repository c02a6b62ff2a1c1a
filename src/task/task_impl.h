/* task_impl.h - what the sources of task/ share: the net that all tasks are, and the table of what differs.
 *
 *   batch -> body -> rows [N, width] -> (pooling) -> units [n, width] -> head -> loss, answers
 *
 * A unit is what a prediction is made for: a row of the pack, n = N, or, with pooling, a sequence, n = B. What one kind of
 * task needs besides lies behind `state`, which that kind allocates, lays out and frees. */
#pragma once
#include "classes.h"
#include "encoder.h"
#include "head.h"
#include "pooling.h"
#include "task.h"

/* The recurrent part of a net: from a batch to rows, and back. */
typedef struct lk_body {
  /** Declare its tensors; *width of its rows; *tied: the tensor that output weights may share (model.tied), or -1. */
  lk_status (*declare)(lk_task *task, lk_params *params, ptrdiff_t *width, int *tied);
  void (*layout_weights)(lk_task *task, lk_arena *weights, int training);
  void (*layout)(lk_task *task, lk_arena *arena);
  void (*pack)(lk_task *task, const lk_params *params);
  /** The rows [pack.N, *ld]. lanes: as lk_task_train() has them. */
  const lk_real *(*forward)(lk_task *task, const lk_params *params, const lk_batch *batch, lk_mode mode, lk_real *lanes,
                            ptrdiff_t *ld);
  /** Where the gradient by these rows goes, [N, *ld]. */
  lk_real *(*gradient)(lk_task *task, ptrdiff_t *ld);
  /** From there backward: all its tensors' gradients are assigned. tied: see lk_embedding_backward(); or NULL. */
  void (*backward)(lk_task *task, const lk_batch *batch, lk_mode mode, const lk_shard_product *tied,
                   const lk_grads *grads);
} lk_body;

extern const lk_body lk_body_encoder; /* the encoder alone, with carried states where a batch has lanes */

/* What makes a task: one of these in its own file, one line in the table of task.c. */
typedef struct lk_task_kind {
  const char *name, *help;
  const char *reads; /* settings that this kind and others that name them read (choices.h), or NULL */
  lk_view view;
  const lk_body *body;
  int per_sequence;                /* units are sequences: rows are pooled */
  int needs_probabilities;         /* of outputs one after the other: not every head has them */
  const char *const *metric_names; /* all that metrics() may give on some corpus, "loss" first; NULL at the end */
  lk_status (*settings)(const lk_config *config); /* LK_USAGE for settings that suit no corpus; or NULL */
  /** Compare configuration and corpus, set task->V and allocate task->state. LK_USAGE, LK_DATA, LK_MEMORY. */
  lk_status (*check)(lk_task *task);
  void (*release)(lk_task *task);                 /* task->state; or NULL */
  void (*layout)(lk_task *task, lk_arena *arena); /* buffers of task->state; or NULL */
  ptrdiff_t (*counts)(const lk_task *task);
  /** Add to counts[1..] what task->head.best is worth on the batch; counts[0], the units with a loss, is the caller's. Or
   *  NULL. LK_MEMORY. */
  lk_status (*count)(lk_task *task, const lk_params *params, const lk_batch *batch, int64_t *counts);
  /** Metrics after "loss", which is there already; returns how many there are in all. */
  int (*metrics)(const lk_task *task, double loss, const int64_t *counts, lk_metric *metrics);
  ptrdiff_t tallies; /* where in counts those of task->classes begin, for tasks that have classes */
  /** lk_task_unseen() of labels by name, lk_task_spans(); both or neither. */
  lk_status (*unseen)(lk_task *task, const lk_strings *unseen);
  const lk_tally *(*spans)(const lk_task *task, const int64_t *counts, const lk_tagset **tags);
} lk_task_kind;

extern const lk_task_kind lk_task_lm, lk_task_classify, lk_task_label, lk_task_translate;

struct lk_task {
  const lk_task_kind *kind;
  const lk_config *config;
  const lk_corpus_info *info;
  lk_encoder encoder;
  lk_pooling pooling;
  lk_head head;
  ptrdiff_t V;         /* outputs of the head */
  void *state;         /* of the kind; or NULL */
  lk_classes *classes; /* part of it, where answers are classes; else NULL */
  lk_units units;      /* of the last forward pass */

  lk_arena weights;    /* packed */
  int lent;            /* their memory is the caller's */
  lk_part part;        /* the part of them that this rank packs */
  int weights_trained; /* they are laid out for backward too */
  int packed;

  lk_arena arena;              /* all other buffers, for batches of at most ... */
  ptrdiff_t B, N, T;           /* ... sequences, rows, times */
  int by_steps;                /* of targets one row a sequence only: see lk_task_reserve_steps() */
  ptrdiff_t train_B, train_N;  /* of batches to train on; 0: none */
  int training;                /* there are buffers for backward */
  lk_real *carry, *carry_next; /* [B, carry size] states before and after the batch, of lk_body_encoder */
};

/** As lk_task_reserve(), but with room for one unit a target at a time: scoring all units of a long target at once would
 *  take memory by the square of its length for the attention. */
LK_CHECKED lk_status lk_task_reserve_steps(lk_task *task, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T);
/** Pack the weights where nobody did yet. Weights that ranks share are packed by the trainer. */
void lk_net_ready(lk_task *task, const lk_params *params);
/** Settings of a kind whose output weights cannot be tied. LK_USAGE. */
LK_CHECKED lk_status lk_task_untied(const lk_config *config);
/** Tied weights need an embedding as wide as the output layer's input, model.hidden. LK_USAGE. */
LK_CHECKED lk_status lk_task_tied_width(const lk_config *config);
