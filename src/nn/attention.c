#include "attention.h"

#include <math.h>
#include <string.h>

#include "attention_impl.h"
#include "choices.h"
#include "nn_impl.h"

extern const lk_attention_rows lk_attention_rows_portable, lk_attention_rows_blas;
#if defined(__x86_64__) && !defined(LK_ONLY_PORTABLE)
extern const lk_attention_rows lk_attention_rows_avx2, lk_attention_rows_avx512, lk_attention_rows_avx512bf16;
static const lk_attention_rows *const kernels[] = {&lk_attention_rows_portable, &lk_attention_rows_avx2,
                                                   &lk_attention_rows_avx512, &lk_attention_rows_avx512bf16,
                                                   &lk_attention_rows_blas};
#else
static const lk_attention_rows *const kernels[] = {[0] = &lk_attention_rows_portable, [4] = &lk_attention_rows_blas};
#endif

/* Indexed by lk_attention_kind. */
static lk_choice attention_choice(size_t i) {
  static const char reads[] = "model.input_feeding";
  static const lk_choice kinds[] = {{"none", "the decoder sees the final states only", NULL},
                                    {"additive", "a small net of both states (Bahdanau et al. 2015)", reads},
                                    {"dot", "dot product; needs an encoder as wide as the decoder", reads},
                                    {"general", "dot product after a learned map (Luong et al. 2015)", reads}};
  return i < sizeof kinds / sizeof *kinds ? kinds[i] : (lk_choice){0};
}
LK_CHOICES("model.attention", attention_choice)

static int has_query(const lk_attention *a) {
  return a->kind == LK_ATTENTION_GENERAL || a->kind == LK_ATTENTION_ADDITIVE;
}
static int has_keys(const lk_attention *a) { return a->kind == LK_ATTENTION_ADDITIVE; }

lk_status lk_attention_declare(lk_attention *a, lk_params *params, lk_attention_kind kind, ptrdiff_t H, ptrdiff_t W) {
  *a = (lk_attention){.kind = kind, .H = H, .W = W, .A = H, .score = -1};
  a->Q = kind == LK_ATTENTION_ADDITIVE ? a->A : W;
  if (kind == LK_ATTENTION_NONE) return LK_OK;
  LK_ASSERT(kind != LK_ATTENTION_DOT || H == W);
  a->ldv = lk_padded(W);
  a->ldq = lk_padded(a->Q);
  if (has_query(a)) LK_TRY(lk_dense_declare_linear(&a->query, params, "attention.query", H, a->Q));
  if (!has_keys(a)) return LK_OK;
  LK_TRY(lk_dense_declare(&a->key, params, "attention.key", W, a->A, -1));
  const lk_param v = {.name = "attention.score.weight",
                      .note = "A",
                      .dims = 1,
                      .shape = {a->A},
                      .init = {LK_INIT_UNIFORM, 1 / sqrt((double)a->A)},
                      .decay = 1};
  return lk_params_add(params, &v, &a->score);
}

void lk_attention_layout_weights(lk_attention *a, lk_arena *weights, int training) {
  if (has_query(a)) lk_dense_layout_weights(&a->query, weights, training);
  if (!has_keys(a)) return;
  lk_dense_layout_weights(&a->key, weights, training);
  a->v = lk_arena_reals(weights, a->ldq);
}

void lk_attention_layout(lk_attention *a, lk_arena *arena, ptrdiff_t N, ptrdiff_t B, ptrdiff_t M, ptrdiff_t T,
                         int training) {
  if (a->kind == LK_ATTENTION_NONE) return;
  a->lda = lk_padded(T);
  a->start = lk_arena_ints(arena, B);
  a->length = lk_arena_ints(arena, B);
  a->row = lk_arena_ints(arena, M);
  a->values = lk_arena_reals(arena, M * a->ldv);
  a->weights = lk_arena_reals(arena, N * a->lda);
  a->context = lk_arena_reals(arena, N * a->ldv);
  if (has_query(a)) {
    lk_dense_layout(&a->query, arena, training);
    a->q = lk_arena_reals(arena, N * a->ldq);
  }
  if (has_keys(a)) {
    lk_dense_layout(&a->key, arena, training);
    a->keys = lk_arena_reals(arena, M * a->ldq);
  }
  if (!training) return;
  a->dvalues = lk_arena_reals(arena, M * a->ldv);
  a->dq = lk_arena_reals(arena, N * a->ldq);
  a->inner = lk_arena_reals(arena, a->lda);
  if (!has_keys(a)) return;
  a->dkeys = lk_arena_reals(arena, M * a->ldq);
  a->dv = lk_arena_reals(arena, N * a->ldq);
  a->scratch = lk_arena_reals(arena, lk_sum_scratch(1));
}

void lk_attention_pack(lk_attention *a, const lk_params *params, int training, lk_part part) {
  if (has_query(a)) lk_dense_pack(&a->query, params, training, part);
  if (!has_keys(a)) return;
  lk_dense_pack(&a->key, params, training, part);
  if (part.index > 0) return;
  copy_row(a->v, lk_params_value(params, a->score), a->A);
  zero_pads(a->v, a->A, a->ldq);
}

void lk_attention_read(lk_attention *a, const lk_params *params, const lk_pack *source, const lk_real *y,
                       ptrdiff_t ld) {
  if (a->kind == LK_ATTENTION_NONE) return;
  LK_ASSERT(source->T <= a->lda);
  ptrdiff_t at = 0;
  for (ptrdiff_t b = 0; b < source->B; b++) {
    a->start[b] = (int32_t)at;
    a->length[b] = source->length[b];
    for (ptrdiff_t r = lk_pack_row(source, b, 0); r >= 0; r = source->later[r]) {
      copy_row(a->values + at * a->ldv, y + r * ld, a->W);
      zero_pads(a->values + at * a->ldv, a->W, a->ldv);
      a->row[at++] = (int32_t)r;
    }
  }
  a->B = source->B;
  a->M = at;
  if (has_keys(a)) lk_dense_forward(&a->key, params, a->M, a->values, a->ldv, a->keys, a->ldq);
}

void lk_attention_forward(lk_attention *a, const lk_params *params, const lk_attending *rows, const lk_real *h,
                          ptrdiff_t ldh) {
  (void)params; /* the weights were packed by lk_attention_pack() */
  if (has_query(a)) {
    const lk_product product = {
        .n = rows->n, .x = h, .ldx = ldh, .in = rows->rows, .y = a->q, .ldy = a->ldq, .out = rows->rows};
    lk_kernels_get()->product(&a->query.w, &product);
    h = a->q;
    ldh = a->ldq;
  }
  kernels[lk_kernels_isa()]->forward(a, rows, h, ldh);
}

void lk_attention_back_begin(lk_attention *a) {
  if (a->kind == LK_ATTENTION_NONE) return;
  memset(a->dvalues, 0, (size_t)(a->M * a->ldv) * sizeof *a->dvalues);
  if (has_keys(a)) memset(a->dkeys, 0, (size_t)(a->M * a->ldq) * sizeof *a->dkeys);
}

void lk_attention_backward(lk_attention *a, const lk_attending *rows, const lk_real *h, ptrdiff_t ldh,
                           const lk_real *dcontext, ptrdiff_t ldc, lk_real *dh, ptrdiff_t lddh) {
  const lk_real *q = has_query(a) ? a->q : h;
  kernels[lk_kernels_isa()]->backward(a, rows, q, has_query(a) ? a->ldq : ldh, dcontext, ldc);
  if (has_query(a)) {
    const lk_product product = {
        .n = rows->n, .x = a->dq, .ldx = a->ldq, .in = rows->rows, .y = dh, .ldy = lddh, .out = rows->rows, .add = 1};
    lk_kernels_get()->product(&a->query.transposed, &product);
    return;
  }
  for (ptrdiff_t i = 0; i < rows->n; i++) {
    const ptrdiff_t r = rows->rows ? rows->rows[i] : i;
    for (ptrdiff_t k = 0; k < a->H; k++) dh[r * lddh + k] += a->dq[r * a->ldq + k];
  }
}

void lk_attention_back_end(lk_attention *a, const lk_pack *target, const lk_pack *source, const lk_real *h,
                           ptrdiff_t ldh, lk_real *dy, ptrdiff_t lddy, const lk_grads *grads) {
  if (has_query(a)) lk_dense_backward(&a->query, target->shard_row, h, ldh, a->dq, a->ldq, NULL, 0, grads);
  if (has_keys(a)) {
    /* The memory stores sequences in the order of the pack, so a shard has as many rows in it as in the encoder's
     * pack, and they begin at the same index. */
    lk_dense_backward(&a->key, source->shard_row, a->values, a->ldv, a->dkeys, a->ldq, NULL, 0, grads);
    const lk_product product = {.n = a->M, .x = a->dkeys, .ldx = a->ldq, .y = a->dvalues, .ldy = a->ldv, .add = 1};
    lk_kernels_get()->product(&a->key.transposed, &product);
    const lk_shard_columns gradient = {.shard_row = target->shard_row, .dy = a->dv, .ldy = a->ldq};
    lk_real *to[LK_MAX_SUBTREES];
    lk_grads_of(grads, a->score, to);
    lk_sum_shards(grads->shards, a->A, 1, lk_shard_columns_block, &gradient, to, 1, a->scratch);
  }
  for (ptrdiff_t i = 0; i < a->M; i++) {
    copy_row(dy + a->row[i] * lddy, a->dvalues + i * a->ldv, a->W);
    zero_pads(dy + a->row[i] * lddy, a->W, lddy);
  }
}
