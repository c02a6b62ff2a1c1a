/* mixture_impl.h - the mean of the probabilities that several models give for the same units.
 *
 *   log P(o) = log (1/M sum over models m of e^(score_m(o) - norm_m))
 *
 * Outputs are those of the first model. The mean is taken of log-probabilities relative to the largest, so that models
 * which say the same give the bits of one of them; and as the mean is never above the largest, most outputs of a large
 * vocabulary are passed over without computing it. One model is a mixture too. Not collective throughout. */
#pragma once
#include "decode_impl.h"

/* One of the models. */
typedef struct lk_voice {
  lk_model *model;
  lk_units units; /* set by the caller: unit i is the same for all models, see lk_mixture_rows() */
  lk_next next;
  double *norm; /* [next.n] */
  size_t norm_capacity;
  int32_t *rows; /* [units of the first model] */
  size_t row_capacity;

  const lk_real *score; /* of the unit that lk_mixture_at() chose */
  double base;          /* is added to them */
} lk_voice;

typedef struct lk_mixture {
  lk_voice *voice; /* [count] */
  int count;
  ptrdiff_t first, n;     /* units that have scores */
  lk_head_joined *joined; /* of further models whose heads choose for whole sequences */
  lk_real *mean;
} lk_mixture;

LK_CHECKED lk_status lk_mixture_create(lk_mixture *mixture, lk_model *model);
void lk_mixture_release(lk_mixture *mixture);
/** Allocate voice->rows [n], zeros, for a further model whose units are in another order than the first model's; the
 *  caller fills in the row of each unit. LK_MEMORY. */
LK_CHECKED lk_status lk_mixture_rows(lk_voice *voice, ptrdiff_t n);
/** To be called instead of the functions below for heads that choose for whole sequences: until the next batch the
 *  first model's head answers by the means of all scores. LK_MEMORY. */
LK_CHECKED lk_status lk_mixture_join(lk_mixture *mixture);
/** Score units first, first + 1, ...: mixture->n of them, all or as many as are scored at once. LK_MEMORY. */
LK_CHECKED lk_status lk_mixture_next(lk_mixture *mixture, ptrdiff_t first);
/** Select unit i of these. The functions below then return log P(o) + base for its outputs o. */
void lk_mixture_at(lk_mixture *mixture, ptrdiff_t i, double base);
/** The best output, the first of equals, and its log-probability where it is asked for. */
int32_t lk_mixture_best(const lk_mixture *mixture, double *log_p);

/** Whether the first model's head alone gives the answers: there is no other, or the others were joined to it. */
static inline bool lk_mixture_is_one(const lk_mixture *m) {
  return m->count == 1 || lk_head_is_whole(lk_task_head(m->voice[0].model->task));
}

/* Lines on their way through one model or several, each of which makes its own batch of them. */
typedef struct lk_joint_lines {
  lk_line_batch *batch; /* [models] */
  lk_mixture mixture;
} lk_joint_lines;
LK_CHECKED lk_status lk_joint_lines_begin(lk_joint_lines *joint, lk_model *model, const lk_lines *lines);
void lk_joint_lines_end(lk_joint_lines *joint);
/** The next lines, batch[0].count of them: as many as fit into a batch of each model; 0 at the end. LK_DATA. */
LK_CHECKED lk_status lk_joint_lines_next(lk_joint_lines *joint);
/** Let each model read its batch, so that unit i is the same for all; heads that choose for whole sequences are joined.
 *  A line that is empty for one model is empty in batch[0]; *empty: all lines are. LK_DATA if the models find other
 *  words. */
LK_CHECKED lk_status lk_joint_lines_forward(lk_joint_lines *joint, bool *empty);

/** The largest log-probability that a model gives to output o. */
static inline double lk_mixture_most(const lk_mixture *m, int32_t o) {
  double most = m->voice[0].base + (double)m->voice[0].score[o];
  for (int k = 1; k < m->count; k++) {
    const lk_voice *v = &m->voice[k];
    const double p = v->base + (double)v->score[v->model->output ? v->model->output[o] : o];
    if (p > most) most = p;
  }
  return most;
}
/** The log-probability of output o. */
double lk_mixture_log_p(const lk_mixture *mixture, int32_t o);
