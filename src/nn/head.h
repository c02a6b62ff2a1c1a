/* head.h - the end of a net, which turns its outputs into losses, answers and probabilities.
 *
 *   x [n, I] from the body or the pooling -> dense layer -> scores [n, O] -> a kind of head -> loss, answers, probabilities
 *
 * A unit is what a prediction is made for: a row of a packed batch or, after a pooling, a sequence. All heads share the
 * dense layer (whose weight may be an embedding: tied), the buffer of scores and the backward pass through both. A kind
 * gives the scores their meaning. It is one file, src/nn/head_<name>.c, and one line in the table of head.c;
 * model.output chooses it, and nothing outside knows which one it is. Every head answers with one output per unit. A
 * kind may have tensors and dense layers of its own beside the common one.
 *
 * Evaluation and search may have more units than scores fit into memory at once: they are then scored in parts of
 * `rows` units. In training all units of the batch are scored at once. The gradient with respect to the scores is
 * computed for a block of outputs at a time and used while it is in cache; for a large vocabulary it is never in memory
 * as a whole.
 *
 * Lifetime of the buffers: the arena that the head was laid out in. Not collective throughout. */
#pragma once
#include "config.h"
#include "layers.h"
#include "tags.h"

/* The units of a batch. */
typedef struct lk_units {
  const lk_pack *pack;
  int per_sequence; /* unit i is sequence i of the pack, else its row i */
  ptrdiff_t n;
  const lk_real *x; /* unit i is row i of it, or row rows[i] */
  ptrdiff_t ldx;
  const int32_t *rows;
  const int32_t *target; /* [n] the right output; below 0: none, the unit has no loss; NULL: of no unit */
} lk_units;

/** Units of local shard s: first[s] .. first[s+1]. */
static inline const ptrdiff_t *lk_units_of_shards(const lk_units *u) {
  return u->per_sequence ? u->pack->shard_seq : u->pack->shard_row;
}

typedef struct lk_head lk_head;
typedef struct lk_head_kind lk_head_kind; /* head_kind.h */

enum { LK_HEAD_TENSORS = 4, LK_HEAD_DENSES = 8, LK_HEAD_STATE = 512 };

/* A further head of the same kind and outputs, whose scores are averaged with a head's own (lk_head_join()). */
typedef struct lk_head_joined {
  lk_head *head;
  const lk_params *params;
  lk_units units;        /* of its own net, each for the same word as the first one's */
  const int32_t *output; /* [O] its output for each of the first one's; NULL: the same */
} lk_head_joined;

struct lk_head {
  const lk_head_kind *kind;
  ptrdiff_t O;      /* outputs */
  lk_dense dense;   /* [O, I] */
  double smoothing; /* e: the target distribution is (1-e) onehot + e/O; for kinds that read train.smoothing */
  ptrdiff_t rows;   /* units that are scored at once */
  ptrdiff_t ld;
  lk_real *scores; /* [rows, ld] */
  lk_real *block;  /* of the gradient by them */
  void *kept;      /* [units of a training batch] of kind->kept bytes */
  double *loss;    /* [units] of the last lk_head_loss() or lk_head_evaluate() */
  int32_t *best;   /* [units] of the last lk_head_evaluate() or lk_head_answer() */

  int tensors, owns;                      /* of the kind's own */
  int tensor[LK_HEAD_TENSORS];            /* [tensors] ids */
  const lk_real *value[LK_HEAD_TENSORS];  /* [tensors] their values in the parameters of the running call */
  lk_dense own[LK_HEAD_DENSES];           /* [owns] */
  _Alignas(16) char state[LK_HEAD_STATE]; /* a structure of the kind's own, with its buffers; copied with the head */
  const lk_tagset *tags;        /* whose scheme the answers keep to, of kinds that choose labels together; NULL: none */
  const lk_head_joined *joined; /* [joins] */
  int joins;
  lk_real *mean; /* the kind's own tensors, averaged */
};

/** The kind that model.output names. LK_USAGE with the place. */
LK_CHECKED lk_status lk_head_find(const lk_config *config, const lk_head_kind **kind);
/** Declare output.weight [O, I] (unless `tied`, the id of a tensor of that shape, is not -1), output.bias [O] and what the
 *  kind has besides. */
LK_CHECKED lk_status lk_head_declare(lk_head *head, lk_params *params, const lk_config *config, ptrdiff_t I,
                                     ptrdiff_t O, int tied);
/** See lk_recurrent_layout_weights(). */
void lk_head_layout_weights(lk_head *head, lk_arena *weights, int training);
/** Lay out buffers for at most `units` units; training batches have at most train_units. training 0: no backward
 *  pass. */
void lk_head_layout(lk_head *head, lk_arena *arena, ptrdiff_t units, ptrdiff_t train_units, int training);
void lk_head_pack(lk_head *head, const lk_params *params, int training, lk_part part);

/** Number of reals that lk_head_average() needs for the means of the tensors that the kind of head owns. */
ptrdiff_t lk_head_mean_size(const lk_head *head, const lk_params *params);
/** From now on a head whose kind is `whole` answers and evaluates by means: of its scores and own tensors and those of
 *  the joined heads [joins], whose units must have been computed. mean: lk_head_mean_size() reals; it and `joined`
 *  belong to the caller. joins 0: by its own scores and tensors again. */
void lk_head_join(lk_head *head, const lk_head_joined *joined, int joins, lk_real *mean);

/** The training losses of all units: head->loss. */
void lk_head_loss(lk_head *head, const lk_params *params, const lk_units *u);
/** After lk_head_loss(): dx [n, lddx] and the gradients of the head's tensors are assigned, but not a tied weight's. */
void lk_head_backward(lk_head *head, const lk_units *u, lk_real *dx, ptrdiff_t lddx, const lk_grads *grads);
/** After lk_head_backward(): the shard gradients of a tied weight, for the embedding that owns it to add to its own. */
lk_shard_product lk_head_tied(const lk_head *head, const lk_units *u);

/** Plain losses and best outputs: head->loss, head->best. */
void lk_head_evaluate(lk_head *head, const lk_params *params, const lk_units *u);
/** The sum of head->loss over the units of local shard s, in their order; the number of those that have a target is added
 *  to *units. */
double lk_head_shard_loss(const lk_head *head, const lk_units *u, int s, int64_t *units);
/** Best outputs, head->best, and, with log_p [n] (needs lk_head_has_probabilities()), their log-probabilities. */
void lk_head_answer(lk_head *head, const lk_params *params, const lk_units *u, double *log_p);
bool lk_head_has_probabilities(const lk_head *head);
/** Whether lk_head_norms() may be called. */
bool lk_head_has_norms(const lk_head *head);
/** Whether its answers are chosen for whole sequences. */
bool lk_head_is_whole(const lk_head *head);
/** log_p [n] of the targets, nats; needs lk_head_has_probabilities(). */
void lk_head_log_probability(lk_head *head, const lk_params *params, const lk_units *u, double *log_p);

/* Scores and probabilities of the labels of all units of a batch; ld: row stride. */
typedef struct lk_lattice {
  ptrdiff_t ld;
  lk_real *score;    /* [n, ld] of each label */
  double *log_z;     /* [n] see lk_head_kind */
  lk_real *marginal; /* [n, ld] probability of each label; NULL: not asked for */
} lk_lattice;
/** Fill *to; needs lk_head_has_probabilities(). lk_chain_best() finds sequences by the scores and the kind's chain. */
void lk_head_lattice(lk_head *head, const lk_params *params, const lk_units *u, const lk_lattice *to);

/* What may come next after some units: log P(output o of row i) = score[i ld + o] - norm, see lk_head_norms(). */
typedef struct lk_next {
  ptrdiff_t n, ld;
  const lk_real *score; /* [n, ld]; the head's, until it is asked again */
} lk_next;
/** Scores of units first, first + 1, ...: n of them, all or as many as are scored at once. */
lk_next lk_head_next(lk_head *head, const lk_params *params, const lk_units *u, ptrdiff_t first);
/** norm [next.n] of the scores just given; for kinds that have them. */
void lk_head_norms(const lk_head *head, lk_next next, double *norm);
