/* joined.c - several heads that answer as one, by the means of their scores and of the kind's own tensors. */
#include "head_kind.h"
#include "nn_impl.h"

ptrdiff_t lk_head_mean_size(const lk_head *h, const lk_params *params) {
  ptrdiff_t size = 0;
  for (int i = 0; i < h->tensors; i++) size += lk_params_at(params, h->tensor[i])->count;
  return size;
}

void lk_head_join(lk_head *h, const lk_head_joined *joined, int joins, lk_real *mean) {
  LK_ASSERT(joins == 0 || h->kind->whole); /* then all units are scored at once */
  h->joined = joined;
  h->joins = joins;
  h->mean = mean;
}

static ptrdiff_t output_of(const lk_head_joined *j, ptrdiff_t o) { return j->output ? j->output[o] : o; }

/* Where element i of a tensor, all of whose axes are outputs, stands in that of a joined head. */
static ptrdiff_t place_of(const lk_head_joined *j, int dims, ptrdiff_t O, ptrdiff_t i) {
  ptrdiff_t at = 0, stride = 1;
  for (int d = 0; d < dims; d++, i /= O, stride *= O) at += output_of(j, i % O) * stride;
  return at;
}

static void average_scores(lk_head *h, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++)
    for (ptrdiff_t o = 0; o < h->O; o++) {
      double sum = (double)h->scores[i * h->ld + o];
      for (int k = 0; k < h->joins; k++) {
        const lk_head *other = h->joined[k].head;
        sum += (double)other->scores[i * other->ld + output_of(&h->joined[k], o)];
      }
      h->scores[i * h->ld + o] = (lk_real)(sum / (1 + h->joins));
    }
}

static void average_tensor(lk_head *h, const lk_param *p, int index, lk_real *to) {
  for (int d = 0; d < p->dims; d++) LK_ASSERT(p->shape[d] == h->O);
  for (ptrdiff_t i = 0; i < p->count; i++) {
    double sum = (double)h->value[index][i];
    for (int k = 0; k < h->joins; k++)
      sum += (double)h->joined[k].head->value[index][place_of(&h->joined[k], p->dims, h->O, i)];
    to[i] = (lk_real)(sum / (1 + h->joins));
  }
  h->value[index] = to;
}

void lk_head_average(lk_head *h, const lk_params *params, ptrdiff_t n) {
  lk_real *to = h->mean;
  average_scores(h, n);
  for (int i = 0; i < h->tensors; i++) {
    const lk_param *p = lk_params_at(params, h->tensor[i]);
    average_tensor(h, p, i, to);
    to += p->count;
  }
}
