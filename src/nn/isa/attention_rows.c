/* Processes target rows one by one, each over the rows of its own source. The order of every sum depends only on the
 * widths and the length of the source. */
#include "attention_impl.h"

#include "tile.h"
#include "vector_math.h"

enum {
  CHAINS = 4,               /* independent accumulators, to hide the latency of additions */
  PARTS = CHAINS * LK_SPLIT /* vectors that hold CHAINS partial sums of LK_LANES lanes each, the same on any CPU */
};

/* What the computation of one target row needs. */
typedef struct view {
  ptrdiff_t n;               /* number of rows of its source */
  const lk_real *values, *q; /* [n, ldv]; [ldq] */
  const lk_real *keys;       /* [n, ldq] additive only */
  lk_real *weights;
} view;

static view view_of(const lk_attention *a, const lk_attending *rows, ptrdiff_t r, const lk_real *q, ptrdiff_t ldq) {
  const int32_t b = rows->source[rows->pack->seq[r]];
  const ptrdiff_t first = a->start[b];
  return (view){.n = a->length[b],
                .values = a->values + first * a->ldv,
                .q = q + r * ldq,
                .keys = a->keys ? a->keys + first * a->ldq : NULL,
                .weights = a->weights + r * a->lda};
}

static lk_real lane_sum(const lk_vec *part) {
  lk_real lane[LK_LANES], sum = 0;
  for (int j = 0; j < LK_SPLIT; j++)
    lk_store(lane + j * LK_VL, (part[j] + part[LK_SPLIT + j]) + (part[2 * LK_SPLIT + j] + part[3 * LK_SPLIT + j]));
  for (ptrdiff_t i = 0; i < LK_LANES; i++) sum += lane[i];
  return sum;
}

/* Dot product; n is a multiple of LK_LANES, padding is zero. */
static lk_real dot(ptrdiff_t n, const lk_real *x, const lk_real *y) {
  lk_vec part[PARTS] = {lk_zero()};
  ptrdiff_t k = 0;
  for (; k + PARTS * LK_VL <= n; k += PARTS * LK_VL)
    LK_UNROLL for (int c = 0; c < PARTS; c++) part[c] =
        lk_fma(lk_load(x + k + c * LK_VL), lk_load(y + k + c * LK_VL), part[c]);
  for (; k < n; k += LK_LANES)
    LK_UNROLL for (int j = 0; j < LK_SPLIT; j++) part[j] =
        lk_fma(lk_load(x + k + j * LK_VL), lk_load(y + k + j * LK_VL), part[j]);
  return lane_sum(part);
}

/* v . tanh(q + key) */
static lk_real additive(ptrdiff_t n, const lk_real *v, const lk_real *q, const lk_real *key) {
  lk_vec part[PARTS] = {lk_zero()};
  for (ptrdiff_t k = 0, c = 0; k < n; k += LK_VL, c = (c + 1) % PARTS)
    part[c] = lk_fma(lk_load(v + k), lk_tanh(lk_load(q + k) + lk_load(key + k)), part[c]);
  return lane_sum(part);
}

/* Replace scores by weights. The row is padded to whole lanes; entries from n on become zero. */
static void softmax(lk_real *w, ptrdiff_t n) {
  const ptrdiff_t end = lk_padded(n);
  lk_real max = w[0];
  double sum = 0;
  for (ptrdiff_t j = 1; j < n; j++) max = w[j] > max ? w[j] : max;
  for (ptrdiff_t j = n; j < end; j++) w[j] = max;
  for (ptrdiff_t j = 0; j < end; j += LK_VL) lk_store(w + j, lk_exp(lk_load(w + j) - lk_splat(max)));
  for (ptrdiff_t j = 0; j < n; j++) sum += (double)w[j];
  const lk_real scale = (lk_real)(1 / sum);
  for (ptrdiff_t j = 0; j < n; j++) w[j] *= scale;
  for (ptrdiff_t j = n; j < end; j++) w[j] = 0;
}

/* y [width] = sum over j of w[j] x[j] */
static void mix(ptrdiff_t n, const lk_real *w, ptrdiff_t width, const lk_real *x, lk_real *y) {
  ptrdiff_t k = 0;
  for (; k + CHAINS * LK_VL <= width; k += CHAINS * LK_VL) {
    lk_vec part[CHAINS] = {lk_zero(), lk_zero(), lk_zero(), lk_zero()};
    for (ptrdiff_t j = 0; j < n; j++) {
      const lk_vec wj = lk_splat(w[j]);
      LK_UNROLL for (int c = 0; c < CHAINS; c++) part[c] = lk_fma(wj, lk_load(x + j * width + k + c * LK_VL), part[c]);
    }
    LK_UNROLL for (int c = 0; c < CHAINS; c++) lk_store(y + k + c * LK_VL, part[c]);
  }
  for (; k < width; k += LK_VL) {
    lk_vec part = lk_zero();
    for (ptrdiff_t j = 0; j < n; j++) part = lk_fma(lk_splat(w[j]), lk_load(x + j * width + k), part);
    lk_store(y + k, part);
  }
}

static void forward(const lk_attention *a, const lk_attending *rows, const lk_real *q, ptrdiff_t ldq) {
  for (ptrdiff_t i = 0; i < rows->n; i++) {
    const ptrdiff_t r = rows->rows ? rows->rows[i] : i;
    const view x = view_of(a, rows, r, q, ldq);
    for (ptrdiff_t j = 0; j < x.n; j++)
      x.weights[j] = a->kind == LK_ATTENTION_ADDITIVE ? additive(a->ldq, a->v, x.q, x.keys + j * a->ldq)
                                                      : dot(a->ldv, x.q, x.values + j * a->ldv);
    softmax(x.weights, x.n);
    mix(x.n, x.weights, a->ldv, x.values, a->context + r * a->ldv);
  }
}

/* ds [n] = gradient with respect to the scores, through the softmax. */
static void score_gradients(const lk_attention *a, const view *x, const lk_real *dcontext, lk_real *ds) {
  double mean = 0;
  for (ptrdiff_t j = 0; j < x->n; j++) {
    ds[j] = dot(a->ldv, dcontext, x->values + j * a->ldv);
    mean += (double)x->weights[j] * (double)ds[j];
  }
  for (ptrdiff_t j = 0; j < x->n; j++) ds[j] = x->weights[j] * (ds[j] - (lk_real)mean);
}

/* y += s x */
static void add_scaled(ptrdiff_t n, lk_real s, const lk_real *x, lk_real *y) {
  const lk_vec scale = lk_splat(s);
  for (ptrdiff_t k = 0; k < n; k += LK_VL) lk_store(y + k, lk_fma(scale, lk_load(x + k), lk_load(y + k)));
}

/* With u = tanh(q + key_j): dv = sum ds_j u, dkey_j += d_j, dq = sum d_j, where d_j = ds_j v (1 - u^2). */
static void through_additive(const lk_attention *a, const view *x, const lk_real *ds, lk_real *dkeys, lk_real *dq,
                             lk_real *dv) {
  for (ptrdiff_t k = 0; k < a->ldq; k += LK_VL) {
    const lk_vec q = lk_load(x->q + k), v = lk_load(a->v + k);
    lk_vec q_sum = lk_zero(), v_sum = lk_zero();
    for (ptrdiff_t j = 0; j < x->n; j++) {
      const lk_vec s = lk_splat(ds[j]), u = lk_tanh(q + lk_load(x->keys + j * a->ldq + k));
      const lk_vec d = s * v * lk_fma(-u, u, lk_splat(1));
      lk_real *dkey = dkeys + j * a->ldq + k;
      lk_store(dkey, lk_load(dkey) + d);
      q_sum += d;
      v_sum = lk_fma(s, u, v_sum);
    }
    lk_store(dq + k, q_sum);
    lk_store(dv + k, v_sum);
  }
}

static void backward(const lk_attention *a, const lk_attending *rows, const lk_real *q, ptrdiff_t ldq,
                     const lk_real *dcontext, ptrdiff_t ldc) {
  for (ptrdiff_t i = 0; i < rows->n; i++) {
    const ptrdiff_t r = rows->rows ? rows->rows[i] : i, first = a->start[rows->source[rows->pack->seq[r]]];
    const view x = view_of(a, rows, r, q, ldq);
    const lk_real *dc = dcontext + r * ldc;
    lk_real *dvalues = a->dvalues + first * a->ldv, *ds = a->inner;
    score_gradients(a, &x, dc, ds);
    for (ptrdiff_t j = 0; j < x.n; j++) add_scaled(a->ldv, x.weights[j], dc, dvalues + j * a->ldv);
    if (a->kind == LK_ATTENTION_ADDITIVE) {
      through_additive(a, &x, ds, a->dkeys + first * a->ldq, a->dq + r * a->ldq, a->dv + r * a->ldq);
    } else {
      for (ptrdiff_t j = 0; j < x.n; j++) add_scaled(a->ldv, ds[j], x.q, dvalues + j * a->ldv);
      mix(x.n, ds, a->ldv, x.values, a->dq + r * a->ldq);
    }
  }
}

const lk_attention_rows LK_ISA_NAME(lk_attention_rows) = {.forward = forward, .backward = backward};
