#include "params.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "nn_impl.h"

struct lk_params {
  lk_param *tensor;
  size_t capacity;
  int tensors;
  ptrdiff_t count; /* elements declared so far, a multiple of LK_LANES */
  ptrdiff_t rows;  /* total rows of the tensors with sparse gradients */
  lk_real *values; /* NULL before lk_params_commit() */
  void (*need)(void *context, int before);
  void *context;
  lk_arena arena;
};

lk_status lk_params_create(lk_params **params) { return lk_alloc(params, 1, sizeof **params); }

void lk_params_destroy(lk_params **params) {
  if (*params == NULL) return;
  lk_arena_release(&(*params)->arena);
  free((*params)->tensor);
  free(*params);
  *params = NULL;
}

lk_status lk_params_add(lk_params *params, const lk_param *p, int *id) {
  LK_ASSERT(params->values == NULL && p->dims >= 1 && p->dims <= LK_MAX_DIMS && p->name[0] != '\0');
  for (int i = 0; i < params->tensors; i++) LK_ASSERT(strcmp(params->tensor[i].name, p->name) != 0);
  LK_TRY(lk_grow(&params->tensor, &params->capacity, (size_t)params->tensors + 1, sizeof *params->tensor));
  lk_param *own = &params->tensor[params->tensors];
  *own = *p;
  own->count = 1;
  for (int d = 0; d < p->dims; d++) {
    LK_ASSERT(p->shape[d] >= 1);
    if (__builtin_mul_overflow(own->count, p->shape[d], &own->count))
      return LK_FAIL(LK_USAGE, "tensor %s is too large", p->name);
  }
  own->offset = params->count;
  if (own->count > PTRDIFF_MAX / 8 - LK_LANES - params->count)
    return LK_FAIL(LK_USAGE, "the model is too large, at tensor %s", p->name);
  params->count += lk_padded(own->count);
  own->first_row = params->rows;
  if (own->sparse) params->rows += own->shape[0];
  *id = params->tensors++;
  return LK_OK;
}

lk_status lk_params_zeros(lk_params *params) {
  LK_ASSERT(params->values == NULL);
  (void)lk_arena_reals(&params->arena, params->count);
  LK_TRY(lk_arena_reserve(&params->arena)); /* zeroed memory */
  params->values = lk_arena_reals(&params->arena, params->count);
  return LK_OK;
}

static lk_status init(lk_params *params, uint64_t seed, lk_part part) {
  for (int i = part.index; i < params->tensors; i += part.count)
    LK_TRY(lk_init_tensor(&params->tensor[i], seed, (uint32_t)i, params->values + params->tensor[i].offset));
  return LK_OK;
}

lk_status lk_params_commit(lk_params *params, uint64_t seed) {
  LK_TRY(lk_params_zeros(params));
  return init(params, seed, LK_WHOLE);
}

lk_status lk_params_commit_at(lk_params *params, uint64_t seed, lk_real *values, lk_part part) {
  LK_ASSERT(params->values == NULL);
  params->values = values;
  return init(params, seed, part);
}

void lk_params_zeros_at(lk_params *params, lk_real *values, lk_part part) {
  LK_ASSERT(params->values == NULL);
  params->values = values;
  for (int i = part.index; i < params->tensors; i += part.count) {
    const lk_param *p = &params->tensor[i];
    memset(values + p->offset, 0, (size_t)p->count * sizeof *values);
  }
}

int lk_params_tensors(const lk_params *params) { return params->tensors; }

const lk_param *lk_params_at(const lk_params *params, int id) {
  LK_ASSERT(id >= 0 && id < params->tensors);
  return &params->tensor[id];
}

ptrdiff_t lk_params_count(const lk_params *params) { return params->count; }

int lk_params_row_blocks(const lk_params *params, lk_row_block *blocks, int most) {
  int count = 0;
  for (int i = 0; i < params->tensors; i++) {
    const lk_param *p = &params->tensor[i];
    if (!p->sparse) continue;
    if (count < most)
      blocks[count] = (lk_row_block){.offset = p->offset, .rows = p->shape[0], .width = p->count / p->shape[0]};
    count++;
  }
  return count;
}

ptrdiff_t lk_params_trainable(const lk_params *params) {
  ptrdiff_t sum = 0;
  for (int i = 0; i < params->tensors; i++) sum += params->tensor[i].count;
  return sum;
}

lk_real *lk_params_values(lk_params *params) { return params->values; }

lk_real *lk_params_value(const lk_params *params, int id) {
  LK_ASSERT(params->values != NULL);
  return params->values + lk_params_at(params, id)->offset;
}

void lk_params_awaited(lk_params *params, void (*need)(void *context, int before), void *context) {
  params->need = need, params->context = context;
}

void lk_params_need(const lk_params *params, int before) {
  if (params->need) params->need(params->context, before);
}

void lk_params_pass(const lk_params *params) { lk_params_need(params, 0); }

void lk_grads_at(const lk_grads *grads, int id, ptrdiff_t first, lk_real *to[LK_MAX_SUBTREES]) {
  const ptrdiff_t offset = lk_params_at(grads->params, id)->offset + first;
  for (int p = 0; p < grads->shards->subtrees; p++) to[p] = grads->subtree[p] + offset;
}

void lk_grads_of(const lk_grads *grads, int id, lk_real *to[LK_MAX_SUBTREES]) { lk_grads_at(grads, id, 0, to); }

void lk_grads_touched(const lk_grads *grads, int id, uint8_t *to[LK_MAX_SUBTREES]) {
  const lk_param *p = lk_params_at(grads->params, id);
  LK_ASSERT(p->sparse);
  for (int i = 0; i < grads->shards->subtrees; i++) to[i] = grads->touched[i] ? grads->touched[i] + p->first_row : NULL;
}

void lk_grads_final(const lk_grads *grads, int id) {
  if (!grads->tell || grads->inside) return;
  const bool behind = id == lk_params_tensors(grads->params);
  grads->tell(grads->context, behind ? lk_params_count(grads->params) : lk_params_at(grads->params, id)->offset);
}

void lk_grads_pass(const lk_grads *grads) {
  if (grads->tell) grads->tell(grads->context, lk_params_count(grads->params));
}

lk_grads lk_grads_inside(const lk_grads *grads) {
  lk_grads inside = *grads;
  inside.inside = true;
  return inside;
}
