/* head_kind.h - the parts of a kind of head: for src/nn/head_<name>.c, and for code that asks what a kind can do. */
#pragma once
#include "chain.h"
#include "head.h"

/* A kind of head. The functions get units [u->n] and read their scores in head->scores [u->n, ld]. A kind whose loss is
 * one of whole sequences sets `whole`: then u is always a whole batch of rows, losses and log-probabilities are those
 * of sequences, at the first row of each (lk_pack_row(pack, b, 0)), with zeros in the other rows, and classifiers
 * refuse the head. */
struct lk_head_kind {
  const char *name;  /* as model.output has it */
  const char *help;  /* a few words, or NULL */
  const char *reads; /* settings that this kind and others that name them read (choices.h), or NULL */
  int whole;
  /** Bytes per unit that `loss` keeps for `gradient`: head->kept [n]. */
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
  /** Columns [begin, end) of the gradient of the sum of these losses with respect to the scores: to [n, end - begin],
   *  pads zero. `to` may be these columns of the scores: those of other blocks may have been overwritten before. */
  void (*gradient)(const lk_head *head, const lk_units *u, lk_range columns, lk_real *to, ptrdiff_t ldto);
  /** Evaluation: the plain loss [n], without what only helps training, and the best output [n]. */
  void (*measure)(const lk_head *head, const lk_units *u, double *loss, int32_t *best);
  /** The best output [n], and, with log_p [n], its log-probability in nats. */
  void (*answer)(const lk_head *head, const lk_units *u, int32_t *best, double *log_p);
  /** The log-probability [n] of the targets, nats. NULL: this head has no probabilities: `predict --scores` is refused
   *  and `answer` gets no log_p, and language models and translators, which live on probabilities, refuse the head. */
  void (*log_probability)(const lk_head *head, const lk_units *u, double *log_p);
  /** norm [n]: by how much each score of unit i is above the log-probability of its output. NULL if log_probability is
   *  NULL, and if an output's probability depends on units that follow: such heads cannot be searched unit by unit, and
   *  language models and translators refuse them. */
  void (*norm)(const lk_head *head, ptrdiff_t n, double *norm);
  /** The scores of all outputs, for the first units or all, if the common layer does not give them; outputs must then
   *  be numbered by frequency, which the labels of taggers and classifiers are not. NULL: they are head->scores. */
  lk_next (*next)(const lk_head *head, const lk_units *u);
  /* For label sequences of sentences; NULL where log_probability is, and for kinds that no tagger has. */
  /** The scores of the steps from label to label, in the kind's memory. NULL: there are none. */
  lk_chain (*chain)(const lk_head *head);
  /** log_z [n]: its sum over the rows of a sequence is the score of its labels minus their log-probability. */
  void (*log_z)(const lk_head *head, const lk_units *u, double *log_z);
  /** Replace the scores by the probability of each label of a unit, whatever the labels of other units. */
  void (*marginals)(const lk_head *head, const lk_units *u);
};
