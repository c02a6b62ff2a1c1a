/* init.c - initial values of the parameters. Computed in double, so that both builds draw the same numbers. */
#include "nn_impl.h"

#include <math.h>
#include <stdlib.h>

#include "arena.h"
#include "rng.h"

#define PARTS \
  8 /* partial sums of a dot product; a fixed number, so that the order does not depend on compiler or vector width */

static double draw_normal(lk_rng rng, uint32_t tensor, ptrdiff_t i) {
  return lk_rng_normal(rng, tensor, (uint32_t)i, (uint32_t)((uint64_t)i >> 32), 0);
}

static double draw_uniform(lk_rng rng, uint32_t tensor, ptrdiff_t i) {
  return 2 * lk_rng_uniform(rng, tensor, (uint32_t)i, (uint32_t)((uint64_t)i >> 32), 0) - 1;
}

static double dot(const double *a, const double *b, ptrdiff_t n) {
  double part[PARTS] = {0}, sum = 0;
  ptrdiff_t i = 0;
  for (; i + PARTS <= n; i += PARTS)
    for (int j = 0; j < PARTS; j++) part[j] += a[i + j] * b[i + j];
  for (; i < n; i++) part[i % PARTS] += a[i] * b[i];
  for (int j = 0; j < PARTS; j++) sum += part[j];
  return sum;
}

/* Orthonormalise `vectors` rows of length n >= vectors by modified Gram-Schmidt. The input is normally distributed,
 * so the result is uniform over the orthogonal matrices (the diagonal of R is positive), and in practice no two rows
 * are nearly parallel. */
static void orthonormalise(double *v, ptrdiff_t vectors, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < vectors; i++) {
    double *q = v + i * n, norm = 1 / sqrt(dot(q, q, n));
    for (ptrdiff_t k = 0; k < n; k++) q[k] *= norm;
    for (ptrdiff_t j = i + 1; j < vectors; j++) {
      double *w = v + j * n, r = dot(q, w, n);
      for (ptrdiff_t k = 0; k < n; k++) w[k] -= r * q[k];
    }
  }
}

/* Tensor [M, K]: an orthogonal [K, K] block for each gate if K divides M; otherwise orthonormal rows if there are
 * fewer rows than columns, or orthonormal columns if there are more. */
static lk_status init_orthogonal(const lk_param *p, lk_rng rng, uint32_t index, lk_real *values) {
  LK_ASSERT(p->dims == 2);
  ptrdiff_t K = p->shape[1], M = p->shape[0] % K == 0 ? K : p->shape[0];
  ptrdiff_t vectors = M < K ? M : K, n = M < K ? K : M;
  double *v;
  LK_TRY(lk_alloc(&v, (size_t)(M * K), sizeof *v));
  for (ptrdiff_t block = 0; block < p->count; block += M * K) {
    for (ptrdiff_t i = 0; i < M * K; i++) v[i] = draw_normal(rng, index, block + i);
    orthonormalise(v, vectors, n);
    for (ptrdiff_t m = 0; m < M; m++)
      for (ptrdiff_t k = 0; k < K; k++)
        values[block + m * K + k] = (lk_real)(p->init.scale * (M < K ? v[m * n + k] : v[k * n + m]));
  }
  free(v);
  return LK_OK;
}

lk_status lk_init_tensor(const lk_param *p, uint64_t seed, uint32_t index, lk_real *values) {
  lk_rng rng = lk_rng_make(seed, LK_PURPOSE_INIT);
  for (ptrdiff_t i = 0; p->values && i < p->count; i++) values[i] = (lk_real)p->values[i];
  if (p->values) return LK_OK;
  switch (p->init.kind) {
    case LK_INIT_CONSTANT:
      for (ptrdiff_t i = 0; i < p->count; i++) values[i] = (lk_real)p->init.scale;
      break;
    case LK_INIT_UNIFORM:
      for (ptrdiff_t i = 0; i < p->count; i++) values[i] = (lk_real)(p->init.scale * draw_uniform(rng, index, i));
      break;
    case LK_INIT_NORMAL:
      for (ptrdiff_t i = 0; i < p->count; i++) values[i] = (lk_real)(p->init.scale * draw_normal(rng, index, i));
      break;
    case LK_INIT_ORTHOGONAL:
      LK_TRY(init_orthogonal(p, rng, index, values));
      break;
  }
  ptrdiff_t row = p->count / p->shape[0];
  for (ptrdiff_t i = p->special_begin * row; i < p->special_end * row; i++) values[i] = (lk_real)p->special;
  return LK_OK;
}
