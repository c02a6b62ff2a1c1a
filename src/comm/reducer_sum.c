/* The local arithmetic of the reduction: no MPI here. */
#include <string.h>

#include "reducer_impl.h"

/* Elementwise, so vector width does not change bits; two forms because an exact overlap would defeat the compiler's
 * run-time alias check. */
static void add_to(float *restrict out, const float *restrict x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] += x[i];
}

static void add_two(float *restrict out, const float *restrict x, const float *restrict y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] = x[i] + y[i];
}

static void add(float *out, const float *x, const float *y, ptrdiff_t n) {
  if (out == x)
    add_to(out, y, n);
  else if (out == y)
    add_to(out, x, n);
  else
    add_two(out, x, y, n);
}

int lk_reducer_plan(lk_reducer *reducer) {
  int value[LK_TREE_LEVELS + 1], ops = 0, source = 0;
  lk_tree tree = lk_tree_start(reducer->shards, 0);
  for (int r = 0; r < reducer->comm->size; r++) {
    lk_shards shards = lk_shards_make(reducer->shards, r, reducer->comm->size);
    for (int p = 0; p < shards.pieces; p++, source++) {
      value[lk_tree_push(&tree, shards.piece[p])] = source;
      for (int into, from; lk_tree_merge(&tree, &into, &from);) {
        int sum = reducer->sources + into; /* a slot of the tree and its temporary have the same number */
        reducer->op[ops++] = (lk_sum_op){.into = sum, .left = value[into], .right = value[from]};
        value[into] = sum;
      }
    }
  }
  LK_ASSERT(source == reducer->sources && tree.depth == 1 && ops == source - 1);
  return ops;
}

static const float *value_at(const lk_reducer *reducer, const float *const *source, int value, ptrdiff_t at) {
  if (value < reducer->sources) return source[value] + at;
  return reducer->temporary + (ptrdiff_t)(value - reducer->sources) * LK_SUM_BLOCK;
}

void lk_reducer_add(const lk_reducer *reducer, const float *const *source, float *out, ptrdiff_t n) {
  if (reducer->ops == 0 && out != source[0]) memmove(out, source[0], (size_t)n * sizeof *out);
  for (ptrdiff_t at = 0; at < n && reducer->ops > 0; at += LK_SUM_BLOCK) {
    ptrdiff_t count = n - at < LK_SUM_BLOCK ? n - at : LK_SUM_BLOCK;
    for (int i = 0; i < reducer->ops; i++) {
      const lk_sum_op *op = &reducer->op[i];
      float *temporary = reducer->temporary + (ptrdiff_t)(op->into - reducer->sources) * LK_SUM_BLOCK;
      add(i == reducer->ops - 1 ? out + at : temporary, value_at(reducer, source, op->left, at),
          value_at(reducer, source, op->right, at), count);
    }
  }
}

/* Eight running sums, combined in a fixed order; the square of a float is exact in double, so a fused multiply-add
 * gives the same bits. */
static double square_sum(const float *x, ptrdiff_t n) {
  double s[8] = {0};
  ptrdiff_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int j = 0; j < 8; j++) s[j] += (double)x[i + j] * (double)x[i + j];
  for (int j = 0; i < n; i++, j++) s[j] += (double)x[i] * (double)x[i];
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

void lk_square_sums(const float *x, ptrdiff_t n, double *out) {
  for (ptrdiff_t at = 0; at < n; at += LK_SLICE_BLOCK)
    *out++ = square_sum(x + at, n - at < LK_SLICE_BLOCK ? n - at : LK_SLICE_BLOCK);
}

double lk_pairwise_sum(double *v, ptrdiff_t n) {
  if (n <= 0) return 0;
  for (; n > 1; n = (n + 1) / 2) {
    for (ptrdiff_t i = 0; i < n / 2; i++) v[i] = v[2 * i] + v[2 * i + 1];
    if (n % 2 != 0) v[n / 2] = v[n - 1];
  }
  return v[0];
}
