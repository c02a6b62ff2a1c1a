/* task_impl.h - shared by the sources of task/: the net, whose structure is the same for all tasks, and the table of
 * their differences.
 *
 *   batch -> body -> rows [N, width] -> (pooling) -> units [n, width] -> head -> loss, answers
 *
 * A unit is what one prediction is made for: a row of the pack (n = N) or, with pooling, a sequence (n = B). Data
 * that only one kind of task needs is behind `state`, which that kind allocates, lays out and frees. */
#pragma once
#include "classes.h"
#include "encoder.h"
#include "head.h"
#include "pooling.h"
#include "task.h"

/* The recurrent part of a net, from a batch to rows, with its backward pass. */
typedef struct lk_body {
  /** Declare the tensors. *width: width of the rows; *tied: the tensor that output weights may share (model.tied),
   *  or -1. */
  lk_status (*declare)(lk_task *task, lk_params *params, ptrdiff_t *width, int *tied);
  void (*layout_weights)(lk_task *task, lk_arena *weights, int training);
  void (*layout)(lk_task *task, lk_arena *arena);
  void (*pack)(lk_task *task, const lk_params *params); /* what follows the encoder; or NULL */
  /** Compute the rows [pack.N, *ld]. lanes: see lk_task_train(). */
  const lk_real *(*forward)(lk_task *task, const lk_params *params, const lk_batch *batch, lk_mode mode, lk_real *lanes,
                            ptrdiff_t *ld);
  /** The buffer [N, *ld] for the gradient with respect to the rows. */
  lk_real *(*gradient)(lk_task *task, ptrdiff_t *ld);
  /** Backward pass from that buffer; assigns the gradients of all its tensors. tied: see lk_embedding_backward(); or
   *  NULL. */
  void (*backward)(lk_task *task, const lk_batch *batch, lk_mode mode, const lk_shard_product *tied,
                   const lk_grads *grads);
} lk_body;

extern const lk_body lk_body_encoder; /* only the encoder; states are carried if the batch has lanes */

/* A kind of task: defined in its own file, with one line in the table of task.c. */
typedef struct lk_task_kind {
  const char *name, *help;
  const char *reads; /* settings that this kind reads, and others that name them (choices.h); or NULL */
  lk_view view;
  const lk_body *body;
  int per_sequence;                /* units are sequences: rows are pooled */
  int needs_probabilities;         /* needs log-probabilities of successive outputs, which not every head provides */
  const char *const *metric_names; /* all metrics that metrics() can return, "loss" first; ends with NULL */
  /* LK_USAGE for settings that are invalid for every corpus; or NULL */
  lk_status (*settings)(const lk_config *config);
  /** Check the configuration against the corpus, set task->V and allocate task->state. LK_USAGE, LK_DATA, LK_MEMORY. */
  lk_status (*check)(lk_task *task);
  void (*release)(lk_task *task);                 /* free task->state; or NULL */
  void (*layout)(lk_task *task, lk_arena *arena); /* lay out buffers of task->state; or NULL */
  ptrdiff_t (*counts)(const lk_task *task);
  /** Add the counts for task->head.best on the batch to counts[1..]; counts[0], the number of units with a loss, is
   *  maintained by the caller. Or NULL. LK_MEMORY. */
  lk_status (*count)(lk_task *task, const lk_params *params, const lk_batch *batch, int64_t *counts);
  /** Append the metrics after "loss", which is already present; returns the total number. */
  int (*metrics)(const lk_task *task, double loss, const int64_t *counts, lk_metric *metrics);
  ptrdiff_t tallies; /* for tasks with classes: index in counts at which those of task->classes begin */
  /** Implement lk_task_unseen() for labels by name, and lk_task_spans(); both or neither. */
  lk_status (*unseen)(lk_task *task, const lk_strings *unseen);
  const lk_tally *(*spans)(const lk_task *task, const int64_t *counts, const lk_tagset **tags);
} lk_task_kind;

struct lk_task {
  const lk_task_kind *kind;
  const lk_config *config;
  const lk_corpus_info *info;
  lk_encoder encoder;
  lk_pooling pooling;
  lk_head head;
  int head_first;                     /* its first tensor */
  ptrdiff_t V;                        /* number of outputs of the head */
  void *state;                        /* data of the kind; or NULL */
  lk_classes *classes;                /* if answers are classes: part of state; else NULL */
  lk_units units;                     /* units of the last forward pass */
  const lk_judge *judge;              /* of evaluations; not owned; NULL: the head */
  const lk_scheme_labels *tag_labels; /* of a corpus with info->tags: part of state; else NULL */
  const lk_tagset *tags;              /* if answers are tags of words: part of state; else NULL */

  lk_arena weights;          /* packed weights */
  int lent;                  /* their memory belongs to the caller */
  lk_part part;              /* the part that this rank packs */
  int weights_trained;       /* nonzero: laid out for backward too */
  const lk_kernels *kernels; /* that the task's own weights are laid out for */
  int packed;

  lk_arena arena;              /* all other buffers, for batches of at most: */
  ptrdiff_t B, N, T;           /* sequences, rows, time steps */
  int by_steps;                /* targets are processed with one row per sequence only: see lk_task_reserve_steps() */
  ptrdiff_t train_B, train_N;  /* limits of training batches; 0: no training */
  int training;                /* nonzero: there are buffers for backward */
  lk_real *carry, *carry_next; /* [B, carry size] states before and after the batch, of lk_body_encoder */
};

/** Like lk_task_reserve(), but with room for only one unit per target at a time, because scoring all units of a long
 *  target at once needs attention memory quadratic in its length. */
LK_CHECKED lk_status lk_task_reserve_steps(lk_task *task, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T);
/** Pack the weights unless that has been done. Weights shared by ranks are packed by the trainer. */
void lk_net_ready(lk_task *task, const lk_params *params);
/** LK_USAGE if model.tied is set, for kinds whose output weights cannot be tied. */
LK_CHECKED lk_status lk_task_untied(const lk_config *config);
/** LK_USAGE for `key` where vectors of words are read beside the embedding or instead of it. */
LK_CHECKED lk_status lk_task_embedding_alone(const lk_config *config, const char *key);
/** With tied weights the embedding must be as wide as the input of the output layer, the last layer. LK_USAGE. */
LK_CHECKED lk_status lk_task_tied_width(const lk_config *config);
