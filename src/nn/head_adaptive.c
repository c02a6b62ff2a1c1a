/* head_adaptive.c - a softmax over very many outputs that are numbered by falling frequency, as vocabularies are: the
 * frequent ones in the common layer, rare ones in tails, each behind one more output of it, with fewer inputs.
 *
 *   o < cut_0                 P(o) = softmax(W x + b)(o)                              W [cut_0 + tails, I]
 *   cut_i <= o < cut_i+1      P(o) = softmax(W x + b)(cut_0 + i) softmax(V_i U_i x)(o - cut_i)
 *                                                               U_i [H_i, I]   V_i [cut_i+1 - cut_i, H_i]   H_i = I / 4^(i+1)
 *
 * In training a tail is computed for the units alone whose target it holds. They are packed: tail by tail, and in each in
 * the order of the units, so that those of a shard are together and gradients are summed along the tree of shards.
 * Source: Grave et al. 2017, "Efficient softmax approximation for GPUs"; as torch.nn.AdaptiveLogSoftmaxWithLoss with
 * head_bias=True. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "head_kind.h"
#include "nn_impl.h"

enum { TAILS = LK_HEAD_DENSES / 2, FACTOR = 4, SOME = 64 };

/* Reals of the scores of tails, and of all outputs, that evaluation and search hold at once; but SOME rows at least. */
static const ptrdiff_t most_scores = (ptrdiff_t)4 << 20;

typedef struct adaptive {
  int tails;
  ptrdiff_t cut[TAILS + 1]; /* outputs of tail i: cut[i] .. cut[i+1] */
  ptrdiff_t wide, deep;     /* the widest row of scores, and of inputs, of a tail */

  /* The units of a pass, packed: those of tail i are begin[i] .. begin[i+1]. */
  ptrdiff_t *begin; /* [tails + 1] */
  ptrdiff_t *first; /* [tails, shards + 1] training: where in its tail each shard begins */
  int32_t *row;     /* [units] the unit */
  int32_t *target;  /* [units] its output, in the tail */
  int32_t *common;  /* [units] the output of the common layer that each unit (not packed) is to have */
  double *loss;     /* [units] */
  lk_softmax *softmax;
  lk_real *x, *dx; /* [units, I] inputs, and their gradients */
  lk_real *h, *dh; /* [units, H_i] U_i x */
  lk_real *y;      /* [units in training, else `room`; outputs] scores */
  ptrdiff_t room;  /* units of evaluations whose scores of one tail, or of all outputs, are held at once */
  lk_real *all;    /* [room, O] log-probabilities */
} adaptive;
_Static_assert(sizeof(adaptive) <= LK_HEAD_STATE, "the state of a head is too small");

static const adaptive *adaptive_of(const lk_head *h) { return (const adaptive *)(const void *)h->state; }
static const lk_dense *narrow(const lk_head *h, int i) { return &h->own[2 * i]; }      /* U_i */
static const lk_dense *outputs(const lk_head *h, int i) { return &h->own[2 * i + 1]; } /* V_i */

/* ---- tensors ---- */

/* Without model.cutoffs: a twentieth of the outputs in the common layer, a fifth in the first tail, the rest in another. */
static void cut_by_size(adaptive *a, ptrdiff_t O) {
  a->cut[0] = O / 20 > 1 ? O / 20 : 1;
  a->cut[1] = O / 4 > a->cut[0] + 1 ? O / 4 : a->cut[0] + 2;
  a->tails = 2;
}

static lk_status cut_by_list(adaptive *a, const lk_config *config, ptrdiff_t O) {
  const char *text = config->model.cutoffs;
  for (a->tails = 0; *text; a->tails++) {
    char *end;
    const long long cut = strtoll(text, &end, 10);
    const long long least = a->tails > 0 ? (long long)a->cut[a->tails - 1] + 1 : 1;
    text = end + strspn(end, " ");
    if (end == config->model.cutoffs || (*text != ',' && *text != '\0') || cut < least || cut >= O || a->tails == TAILS)
      return lk_config_error(config, "model.cutoffs",
                             "expected up to %d rising whole numbers from 1 to %td, found '%s'", TAILS, O - 1,
                             config->model.cutoffs);
    a->cut[a->tails] = (ptrdiff_t)cut;
    if (*text == ',') text++;
  }
  return LK_OK;
}

static lk_status declare_tail(lk_head *h, lk_params *params, int i, ptrdiff_t I) {
  adaptive *a = (adaptive *)(void *)h->state;
  char name[64];
  ptrdiff_t width = I;
  for (int k = 0; k <= i; k++) width = width / FACTOR > 1 ? width / FACTOR : 1;
  (void)snprintf(name, sizeof name, "output.tail.%d.input", i);
  LK_TRY(lk_dense_declare_linear(&h->own[2 * i], params, name, I, width));
  (void)snprintf(name, sizeof name, "output.tail.%d.output", i);
  LK_TRY(lk_dense_declare_linear(&h->own[2 * i + 1], params, name, width, a->cut[i + 1] - a->cut[i]));
  h->owns += 2;
  if (lk_padded(width) > a->deep) a->deep = lk_padded(width);
  if (lk_padded(outputs(h, i)->O) > a->wide) a->wide = lk_padded(outputs(h, i)->O);
  return LK_OK;
}

static lk_status declare(lk_head *h, lk_params *params, const lk_config *config, ptrdiff_t I, ptrdiff_t O, int tied) {
  adaptive *a = (adaptive *)(void *)h->state;
  if (tied >= 0)
    return lk_config_error(config, "model.tied",
                           "an adaptive softmax has no weight of the embedding's shape to share with "
                           "it: give model.tied=false, or model.output=softmax");
  if (O < 5) return lk_config_error(config, "model.output", "adaptive needs five outputs at least, found %td", O);
  if (config->model.cutoffs[0])
    LK_TRY(cut_by_list(a, config, O));
  else
    cut_by_size(a, O);
  a->cut[a->tails] = O;
  LK_TRY(lk_dense_declare(&h->dense, params, "output.common", I, a->cut[0] + a->tails, -1));
  h->ld = lk_padded(h->dense.O);
  for (int i = 0; i < a->tails; i++) LK_TRY(declare_tail(h, params, i, I));
  return LK_OK;
}

static void layout(lk_head *h, lk_arena *arena, ptrdiff_t units, int training) {
  adaptive *a = (adaptive *)(void *)h->state;
  const ptrdiff_t fit = most_scores / lk_padded(h->O), ldx = lk_padded(h->dense.I);
  a->room = fit > SOME ? fit : SOME;
  const ptrdiff_t scored = training && units > a->room ? units : a->room;
  if (units < a->room) units = a->room;
  a->begin = lk_arena_take(arena, (size_t)(a->tails + 1) * sizeof *a->begin);
  a->row = lk_arena_ints(arena, units);
  a->target = lk_arena_ints(arena, units);
  a->common = lk_arena_ints(arena, units);
  a->loss = lk_arena_take(arena, (size_t)units * sizeof *a->loss);
  a->x = lk_arena_reals(arena, units * ldx);
  a->h = lk_arena_reals(arena, units * a->deep);
  a->y = lk_arena_reals(arena, scored * a->wide);
  a->all = lk_arena_reals(arena, a->room * lk_padded(h->O));
  if (!training) return;
  a->first = lk_arena_take(arena, (size_t)a->tails * (LK_MAX_SHARDS + 1) * sizeof *a->first);
  a->softmax = lk_arena_take(arena, (size_t)units * sizeof *a->softmax);
  a->dx = lk_arena_reals(arena, units * ldx);
  a->dh = lk_arena_reals(arena, units * a->deep);
}

/* ---- packed units ---- */

/* The tail that holds output o; -1: the common layer does. */
static int tail_of(const adaptive *a, int32_t o) {
  int i = -1;
  while (i + 1 < a->tails && o >= a->cut[i + 1]) i++;
  return i;
}

/* Pack the units with targets in tails, and note what the common layer is to say of each unit. */
static void pack(const lk_head *h, const lk_units *u) {
  const adaptive *a = adaptive_of(h);
  ptrdiff_t n = 0;
  for (ptrdiff_t r = 0; r < u->n; r++) {
    const int32_t o = u->target[r];
    const int i = o < 0 ? -1 : tail_of(a, o);
    LK_ASSERT(o < h->O);
    a->common[r] = i < 0 ? o : (int32_t)a->cut[0] + i;
  }
  for (int i = 0; i < a->tails; i++) {
    a->begin[i] = n;
    for (ptrdiff_t r = 0; r < u->n; r++) {
      if (a->common[r] != a->cut[0] + i) continue;
      a->row[n] = (int32_t)r;
      a->target[n++] = u->target[r] - (int32_t)a->cut[i];
    }
  }
  a->begin[a->tails] = n;
}

/* The scores y [n, outputs of tail i] of n units of a list; x and h are kept for a backward pass. */
static void score_tail(const lk_head *h, const lk_units *u, int i, ptrdiff_t n, const int32_t *row, lk_real *x,
                       lk_real *hidden, lk_real *y) {
  const ptrdiff_t I = h->dense.I, ldx = lk_padded(I);
  const lk_dense *in = narrow(h, i), *out = outputs(h, i);
  for (ptrdiff_t k = 0; k < n; k++) {
    copy_row(x + k * ldx, u->x + (u->rows ? u->rows[row[k]] : row[k]) * u->ldx, I);
    zero_pads(x + k * ldx, I, ldx);
  }
  lk_dense_forward(in, NULL, n, x, ldx, hidden, lk_padded(in->O));
  lk_dense_forward(out, NULL, n, hidden, lk_padded(in->O), y, lk_padded(out->O));
}

/* Where tail i keeps its scores in training: behind those of the tails before it. */
static lk_real *scores_of(const lk_head *h, int i) {
  const adaptive *a = adaptive_of(h);
  lk_real *y = a->y;
  for (int k = 0; k < i; k++) y += (a->begin[k + 1] - a->begin[k]) * lk_padded(outputs(h, k)->O);
  return y;
}

/* ---- training ---- */

static void find_shards(const lk_head *h, const lk_units *u) {
  const adaptive *a = adaptive_of(h);
  const ptrdiff_t *shard = lk_units_of_shards(u);
  const int shards = u->pack->shards->count;
  for (int i = 0; i < a->tails; i++) {
    ptrdiff_t *first = a->first + i * (LK_MAX_SHARDS + 1), k = a->begin[i];
    for (int s = 0; s <= shards; s++) {
      while (k < a->begin[i + 1] && a->row[k] < shard[s]) k++;
      first[s] = k - a->begin[i];
    }
  }
}

static void loss(const lk_head *h, const lk_units *u, double *to) {
  const adaptive *a = adaptive_of(h);
  pack(h, u);
  find_shards(h, u);
  lk_kernels_get()->softmax_loss(u->n, h->dense.O, h->scores, h->ld, a->common, 0, to, NULL, h->kept);
  for (int i = 0; i < a->tails; i++) {
    const ptrdiff_t begin = a->begin[i], n = a->begin[i + 1] - begin, O = outputs(h, i)->O;
    lk_real *y = scores_of(h, i);
    score_tail(h, u, i, n, a->row + begin, a->x + begin * lk_padded(h->dense.I), a->h + begin * a->deep, y);
    lk_kernels_get()->softmax_loss(n, O, y, lk_padded(O), a->target + begin, 0, a->loss + begin, NULL,
                                   a->softmax + begin);
    for (ptrdiff_t k = begin; k < begin + n; k++) to[a->row[k]] += a->loss[k];
  }
}

static void gradient(const lk_head *h, const lk_units *u, lk_range columns, lk_real *to, ptrdiff_t ldto) {
  lk_kernels_get()->softmax_gradient(u->n, h->dense.O, columns, h->scores, h->ld, adaptive_of(h)->common, 0, h->kept,
                                     to, ldto);
}

static void backward(const lk_head *h, const lk_units *u, lk_real *dx, ptrdiff_t lddx, const lk_grads *grads) {
  const adaptive *a = adaptive_of(h);
  const ptrdiff_t I = h->dense.I, ldx = lk_padded(I);
  (void)u;
  for (int i = 0; i < a->tails; i++) {
    const lk_dense *in = narrow(h, i), *out = outputs(h, i);
    const ptrdiff_t begin = a->begin[i], n = a->begin[i + 1] - begin, O = out->O, ldh = lk_padded(in->O);
    const ptrdiff_t *first = a->first + i * (LK_MAX_SHARDS + 1);
    lk_real *y = scores_of(h, i), *hidden = a->h + begin * a->deep, *x = a->x + begin * ldx;
    lk_kernels_get()->softmax_gradient(n, O, (lk_range){0, O}, y, lk_padded(O), a->target + begin, 0,
                                       a->softmax + begin, y, lk_padded(O));
    lk_dense_backward(out, first, hidden, ldh, y, lk_padded(O), a->dh, ldh, grads);
    lk_dense_backward(in, first, x, ldx, a->dh, ldh, a->dx, ldx, grads);
    for (ptrdiff_t k = 0; k < n; k++) lk_kernels_get()->add(I, a->dx + k * ldx, dx + a->row[begin + k] * lddx);
  }
}

/* ---- evaluation and search ---- */

/* The loss of each target, as in training but for memory: the scores of `room` units at a time. */
static void losses(const lk_head *h, const lk_units *u, double *to) {
  const adaptive *a = adaptive_of(h);
  pack(h, u);
  lk_kernels_get()->softmax_loss(u->n, h->dense.O, h->scores, h->ld, a->common, 0, to, NULL, NULL);
  for (int i = 0; i < a->tails; i++) {
    const ptrdiff_t O = outputs(h, i)->O;
    for (ptrdiff_t k = a->begin[i], n; k < a->begin[i + 1]; k += n) {
      n = a->begin[i + 1] - k < a->room ? a->begin[i + 1] - k : a->room;
      score_tail(h, u, i, n, a->row + k, a->x, a->h, a->y);
      lk_kernels_get()->softmax_loss(n, O, a->y, lk_padded(O), a->target + k, 0, a->loss + k, NULL, NULL);
      for (ptrdiff_t j = k; j < k + n; j++) to[a->row[j]] += a->loss[j];
    }
  }
}

/* What each score of rows y is above the log-probability of its output, norm [n]. */
static void norms(ptrdiff_t n, ptrdiff_t O, const lk_real *y, ptrdiff_t ld, double *norm) {
  static const int32_t zeros[SOME] = {0};
  for (ptrdiff_t first = 0, some; first < n; first += some) {
    some = n - first < SOME ? n - first : SOME;
    lk_kernels_get()->softmax_loss(some, O, y + first * ld, ld, zeros, 0, norm + first, NULL, NULL);
    for (ptrdiff_t r = first; r < first + some; r++) norm[r] += (double)y[r * ld];
  }
}

/* The best output of rows y, best [n]; at most SOME. */
static void best_of(ptrdiff_t n, ptrdiff_t O, const lk_real *y, ptrdiff_t ld, int32_t *best) {
  int32_t none[SOME];
  double unused[SOME];
  for (ptrdiff_t r = 0; r < n; r++) none[r] = -1;
  lk_kernels_get()->softmax_loss(n, O, y, ld, none, 0, unused, best, NULL);
}

/* At most SOME units of a pass: their common scores, and their best outputs. */
typedef struct some_units {
  lk_units u;
  const lk_real *scores;
  double norm[SOME], log_p[SOME];
  int32_t best[SOME];
} some_units;

static some_units some_of(const lk_head *h, const lk_units *u, ptrdiff_t first) {
  some_units s = {.u = *u, .scores = h->scores + first * h->ld};
  s.u.n = u->n - first < SOME ? u->n - first : SOME;
  if (u->rows)
    s.u.rows += first;
  else
    s.u.x += first * u->ldx;
  norms(s.u.n, h->dense.O, s.scores, h->ld, s.norm);
  return s;
}

/* log P of tail i as a whole, for unit r. */
static double log_p_of_tail(const lk_head *h, const some_units *s, int i, ptrdiff_t r) {
  return (double)s->scores[r * h->ld + adaptive_of(h)->cut[0] + i] - s->norm[r];
}

/* Outputs of the tails that are better than the best ones so far, for n of the units. */
static void look_in_tails(const lk_head *h, some_units *s, ptrdiff_t n, const int32_t *row) {
  const adaptive *a = adaptive_of(h);
  for (int i = 0; i < a->tails; i++) {
    const ptrdiff_t O = outputs(h, i)->O, ld = lk_padded(O);
    int32_t found[SOME];
    double norm[SOME];
    score_tail(h, &s->u, i, n, row, a->x, a->h, a->y);
    best_of(n, O, a->y, ld, found);
    norms(n, O, a->y, ld, norm);
    for (ptrdiff_t k = 0; k < n; k++) {
      const ptrdiff_t r = row[k];
      const double log_p = log_p_of_tail(h, s, i, r) + ((double)a->y[k * ld + found[k]] - norm[k]);
      if (log_p > s->log_p[r]) s->log_p[r] = log_p, s->best[r] = (int32_t)a->cut[i] + found[k];
    }
  }
}

/* No output of a tail can be the best one where none of the common outputs that stand for tails has the highest score. */
static void find_best(const lk_head *h, some_units *s) {
  const adaptive *a = adaptive_of(h);
  int32_t row[SOME], any[SOME];
  ptrdiff_t n = 0;
  best_of(s->u.n, h->dense.O, s->scores, h->ld, any);
  best_of(s->u.n, a->cut[0], s->scores, h->ld, s->best);
  for (ptrdiff_t r = 0; r < s->u.n; r++) {
    s->log_p[r] = (double)s->scores[r * h->ld + s->best[r]] - s->norm[r];
    if (any[r] >= a->cut[0]) row[n++] = (int32_t)r;
  }
  if (n > 0) look_in_tails(h, s, n, row);
}

static void answer(const lk_head *h, const lk_units *u, int32_t *best, double *log_p) {
  for (ptrdiff_t first = 0; first < u->n; first += SOME) {
    some_units s = some_of(h, u, first);
    find_best(h, &s);
    memcpy(best + first, s.best, (size_t)s.u.n * sizeof *best);
    if (log_p) memcpy(log_p + first, s.log_p, (size_t)s.u.n * sizeof *log_p);
  }
}

static void measure(const lk_head *h, const lk_units *u, double *to, int32_t *best) {
  losses(h, u, to);
  answer(h, u, best, NULL);
}

static void log_probability(const lk_head *h, const lk_units *u, double *log_p) {
  losses(h, u, log_p);
  for (ptrdiff_t r = 0; r < u->n; r++) log_p[r] = -log_p[r];
}

/* The log-probabilities of all outputs, to [units, ld]. */
static void score_all(const lk_head *h, const some_units *s, lk_real *to, ptrdiff_t ld) {
  const adaptive *a = adaptive_of(h);
  int32_t row[SOME];
  double norm[SOME];
  for (ptrdiff_t r = 0; r < s->u.n; r++) {
    row[r] = (int32_t)r;
    for (ptrdiff_t o = 0; o < a->cut[0]; o++) to[r * ld + o] = (lk_real)((double)s->scores[r * h->ld + o] - s->norm[r]);
  }
  for (int i = 0; i < a->tails; i++) {
    const ptrdiff_t O = outputs(h, i)->O, ldy = lk_padded(O);
    score_tail(h, &s->u, i, s->u.n, row, a->x, a->h, a->y);
    norms(s->u.n, O, a->y, ldy, norm);
    for (ptrdiff_t r = 0; r < s->u.n; r++) {
      const double above = norm[r] - log_p_of_tail(h, s, i, r);
      for (ptrdiff_t o = 0; o < O; o++) to[r * ld + a->cut[i] + o] = (lk_real)((double)a->y[r * ldy + o] - above);
    }
  }
}

static lk_next next(const lk_head *h, const lk_units *u) {
  const adaptive *a = adaptive_of(h);
  const lk_next next = {.n = u->n < a->room ? u->n : a->room, .ld = lk_padded(h->O), .score = a->all};
  lk_units part = *u;
  part.n = next.n;
  for (ptrdiff_t first = 0; first < next.n; first += SOME) {
    const some_units s = some_of(h, &part, first);
    score_all(h, &s, a->all + first * next.ld, next.ld);
  }
  return next;
}

static void norm(const lk_head *h, ptrdiff_t n, double *to) {
  (void)h;
  for (ptrdiff_t i = 0; i < n; i++) to[i] = 0;
}

const lk_head_kind lk_head_adaptive = {.name = "adaptive",
                                       .help = "softmax for 100,000 outputs and more, by frequency (Grave et al. 2017)",
                                       .reads = "model.cutoffs",
                                       .kept = sizeof(lk_softmax),
                                       .declare = declare,
                                       .layout = layout,
                                       .backward = backward,
                                       .loss = loss,
                                       .gradient = gradient,
                                       .measure = measure,
                                       .answer = answer,
                                       .log_probability = log_probability,
                                       .next = next,
                                       .norm = norm};
