/* head_kind.h - what a kind of head is made of: for the files src/nn/head_<name>.c, and for those who ask what a kind can. */
#pragma once
#include "chain.h"
#include "head.h"

/* What makes a kind of head. The functions below get units [u->n] and read their scores in head->scores [u->n, ld]. A
 * kind whose loss is one of whole sequences sets `whole`: then u is always a whole batch of rows, losses and
 * log-probabilities are those of sequences and stand at the first row of one (lk_pack_row(pack, b, 0)), with zeros at the
 * others, and classifiers refuse the head. */
struct lk_head_kind {
  const char *name;  /* as model.output has it */
  const char *help;  /* a few words, or NULL */
  const char *reads; /* settings that this kind and others that name them read (choices.h), or NULL */
  int whole;
  /** Bytes that `loss` keeps for `gradient`, a unit: head->kept [n]. */
  size_t kept;
  /** Declare the common dense layer, head->dense ("output"), perhaps with fewer outputs than O, then what else the kind
   *  has: tensors, their ids to head->tensor[], and dense layers, to head->own[], which are laid out and packed with the
   *  common one. NULL: the common one alone. */
  lk_status (*declare)(lk_head *head, lk_params *params, const lk_config *config, ptrdiff_t I, ptrdiff_t O, int tied);
  /** Lay out further buffers, for `units` units, in head->state. Runs twice, as any layout (arena.h). Or NULL. */
  void (*layout)(lk_head *head, lk_arena *arena, ptrdiff_t units, int training);
  /** After the backward pass of the common layer: assign the gradients of head->tensor[] and head->own[], summed along the
   *  tree of shards (lk_sum_shards()), and add to dx [n, lddx] what passes through the latter. Or NULL. */
  void (*backward)(const lk_head *head, const lk_units *u, lk_real *dx, ptrdiff_t lddx, const lk_grads *grads);
  /** Training: the loss [n] of each unit, 0 where it has no target; keeps in head->kept what the gradient needs. */
  void (*loss)(const lk_head *head, const lk_units *u, double *loss);
  /** Columns [begin, end) of the gradient of the sum of these losses by the scores: to [n, end - begin], pads zero. `to`
   *  may be these columns of the scores: columns of other blocks may be gone by then. */
  void (*gradient)(const lk_head *head, const lk_units *u, lk_range columns, lk_real *to, ptrdiff_t ldto);
  /** Evaluation: the plain loss [n], without what only helps training, and the best output [n]. */
  void (*measure)(const lk_head *head, const lk_units *u, double *loss, int32_t *best);
  /** The best output [n], and, with log_p [n], its log-probability in nats. */
  void (*answer)(const lk_head *head, const lk_units *u, int32_t *best, double *log_p);
  /** The log-probability [n] of the targets, nats. NULL: this head has no probabilities: `predict --scores` is refused
   *  and `answer` gets no log_p, and language models and translators, which live on probabilities, refuse the head. */
  void (*log_probability)(const lk_head *head, const lk_units *u, double *log_p);
  /** norm [n], the number by which each score of unit i is above the log-probability of its output. NULL where
   *  log_probability is, and where an output's probability depends on units that follow: such heads cannot be searched
   *  unit by unit, and language models and translators refuse them. */
  void (*norm)(const lk_head *head, ptrdiff_t n, double *norm);
  /** The scores of all outputs, of the first units or all, where those of the common layer are others: outputs are then
   *  numbered by frequency, which the labels of taggers and classifiers are not. NULL: head->scores are. */
  lk_next (*next)(const lk_head *head, const lk_units *u);
  /* For label sequences of sentences; NULL where log_probability is, and for kinds that no tagger has. */
  /** The scores of the steps from label to label, in the kind's memory. NULL: there are none. */
  lk_chain (*chain)(const lk_head *head);
  /** log_z [n], whose sum over the rows of a sequence is how much its labels' score is above their log-probability. */
  void (*log_z)(const lk_head *head, const lk_units *u, double *log_z);
  /** In place of the scores: the probability of each label of a unit, whatever the others have. */
  void (*marginals)(const lk_head *head, const lk_units *u);
};
