#include "mixture_impl.h"

#include <stdlib.h>
#include <string.h>

#include "fixed_math.h"

lk_status lk_mixture_create(lk_mixture *m, lk_model *model) {
  *m = (lk_mixture){0};
  LK_TRY(lk_alloc(&m->voice, (size_t)lk_model_count(model), sizeof *m->voice));
  for (; model; model = model->next) m->voice[m->count++].model = model;
  return LK_OK;
}

lk_status lk_mixture_join(lk_mixture *m) {
  lk_head *head = lk_task_head(m->voice[0].model->task);
  if (!m->joined) LK_TRY(lk_alloc(&m->joined, (size_t)m->count, sizeof *m->joined));
  if (!m->mean) LK_TRY(lk_alloc(&m->mean, (size_t)lk_head_mean_size(head, m->voice[0].model->params), sizeof *m->mean));
  for (int k = 1; k < m->count; k++) {
    const lk_voice *v = &m->voice[k];
    m->joined[k - 1] = (lk_head_joined){.head = lk_task_head(v->model->task),
                                        .params = v->model->params,
                                        .units = v->units,
                                        .output = v->model->output};
  }
  lk_head_join(head, m->joined, m->count - 1, m->mean);
  return LK_OK;
}

void lk_mixture_release(lk_mixture *m) {
  if (m->joined) lk_head_join(lk_task_head(m->voice[0].model->task), NULL, 0, NULL);
  free(m->joined);
  free(m->mean);
  for (int k = 0; k < m->count; k++) {
    free(m->voice[k].norm);
    free(m->voice[k].rows);
  }
  free(m->voice);
  *m = (lk_mixture){0};
}

lk_status lk_mixture_rows(lk_voice *v, ptrdiff_t n) {
  LK_TRY(lk_grow(&v->rows, &v->row_capacity, (size_t)n, sizeof *v->rows));
  memset(v->rows, 0, (size_t)n * sizeof *v->rows);
  v->units.rows = v->rows;
  v->units.n = n;
  return LK_OK;
}

lk_status lk_mixture_next(lk_mixture *m, ptrdiff_t first) {
  m->first = first;
  for (int k = 0; k < m->count; k++) {
    lk_voice *v = &m->voice[k];
    lk_head *head = lk_task_head(v->model->task);
    v->next = lk_head_next(head, v->model->params, &v->units, first);
    LK_TRY(lk_grow(&v->norm, &v->norm_capacity, (size_t)v->next.n, sizeof *v->norm));
    lk_head_norms(head, v->next, v->norm);
    if (k == 0 || v->next.n < m->n) m->n = v->next.n;
  }
  return LK_OK;
}

void lk_mixture_at(lk_mixture *m, ptrdiff_t i, double base) {
  for (int k = 0; k < m->count; k++) {
    lk_voice *v = &m->voice[k];
    v->score = v->next.score + (i - m->first) * v->next.ld;
    v->base = base - v->norm[i - m->first];
  }
}

double lk_mixture_log_p(const lk_mixture *m, int32_t o) {
  const double most = lk_mixture_most(m, o);
  double sum = 0;
  if (m->count == 1) return most;
  for (int k = 0; k < m->count; k++) {
    const lk_voice *v = &m->voice[k];
    sum += lk_fixed_exp(v->base + (double)v->score[v->model->output ? v->model->output[o] : o] - most);
  }
  return most + lk_fixed_log(sum / m->count);
}

int32_t lk_mixture_best(const lk_mixture *m, double *log_p) {
  const int32_t O = (int32_t)lk_task_head(m->voice[0].model->task)->O;
  int32_t best = 0;
  double best_p = lk_mixture_log_p(m, 0);
  for (int32_t o = 1; o < O; o++) {
    if (!(lk_mixture_most(m, o) > best_p)) continue;
    const double p = lk_mixture_log_p(m, o);
    if (p > best_p) best = o, best_p = p;
  }
  if (log_p) *log_p = best_p;
  return best;
}
