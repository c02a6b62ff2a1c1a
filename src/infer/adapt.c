#include "adapt.h"

#include <stdlib.h>
#include <string.h>

#include "cache_impl.h"
#include "decode_impl.h"
#include "dynamic_impl.h"

struct lk_adapter {
  lk_model *model;
  lk_adapt_settings how;
  ptrdiff_t segment;
  lk_dynamic dynamic; /* where how.dynamic is a rule */
  lk_cache cache;     /* where how.cache > 0 */
  lk_real *lane;      /* states after the units that were read */
  lk_batch batch;     /* a segment, a shard of its own */
  lk_arena arena;
  int32_t *target; /* [segment] */
  double *log_p;   /* [segment] */
  int32_t zero;    /* the lane of the only sequence */
  int64_t read;    /* units */
};

static lk_status build(lk_adapter *a) {
  lk_task *task = a->model->task;
  const bool dynamic = a->how.dynamic != LK_DYNAMIC_NONE;
  a->segment = dynamic ? (ptrdiff_t)a->how.segment : (ptrdiff_t)a->model->config.train.unroll;
  LK_TRY(lk_task_reserve(task, 1, a->segment, a->segment, dynamic));
  LK_TRY(lk_alloc(&a->target, (size_t)a->segment, sizeof *a->target));
  LK_TRY(lk_alloc(&a->log_p, (size_t)a->segment, sizeof *a->log_p));
  LK_TRY(lk_alloc(&a->lane, (size_t)lk_task_carry_width(task), sizeof *a->lane));
  if (a->how.cache > 0)
    LK_TRY(lk_cache_init(&a->cache, (ptrdiff_t)a->how.cache, lk_task_head(task)->dense.I, a->how.theta, a->how.weight));
  return dynamic ? lk_dynamic_init(&a->dynamic, a->model, &a->how) : LK_OK;
}

lk_status lk_adapter_create(lk_adapter **adapter, lk_model *model, const lk_adapt_settings *how) {
  lk_adapter *made = NULL;
  if (lk_task_view(model->task) != LK_VIEW_LM)
    return LK_FAIL(LK_USAGE, "--dynamic and --cache are for language models, and the model's task is %s",
                   model->config.task);
  LK_TRY(lk_alloc(&made, 1, sizeof *made));
  made->model = model;
  made->how = *how;
  const lk_status status = build(made);
  if (status != LK_OK) lk_adapter_destroy(&made);
  *adapter = made;
  return status;
}

void lk_adapter_destroy(lk_adapter **adapter) {
  lk_adapter *a = *adapter;
  *adapter = NULL;
  if (!a) return;
  lk_dynamic_release(&a->dynamic, a->model);
  lk_cache_release(&a->cache);
  lk_arena_release(&a->arena);
  free(a->lane);
  free(a->target);
  free(a->log_p);
  free(a);
}

lk_status lk_adapter_measure(lk_adapter *a, const lk_corpus *corpus) {
  LK_ASSERT(a->how.dynamic == LK_DYNAMIC_RMS && a->read == 0);
  return lk_dynamic_measure(&a->dynamic, a->model, corpus);
}

void lk_adapter_reset(lk_adapter *a) {
  if (a->how.dynamic != LK_DYNAMIC_NONE) lk_dynamic_reset(&a->dynamic, a->model);
  a->cache.count = a->cache.next = 0;
}

ptrdiff_t lk_adapter_segment(const lk_adapter *a) { return a->segment; }

const lk_real *lk_adapter_states(const lk_adapter *a) { return a->lane; }

/* The batch of units at .. at+n-1: its row r is unit at+r, so that further columns are read where they lie. */
static lk_status make_batch(lk_adapter *a, const lk_inputs *text, ptrdiff_t at, ptrdiff_t n, bool fresh) {
  ptrdiff_t perm;
  const int32_t *ids = text->column[0].ids + at;
  LK_TRY(lk_batch_from_ids(&a->batch, &a->arena, &a->model->one, 1, &ids, &n, &perm));
  for (int c = 1; c < text->count; c++) {
    LK_ASSERT(text->column[c].ids); /* one token a unit: no corpus of text has others */
    a->batch.input.column[c] = text->column[c];
    a->batch.input.column[c].ids += at;
  }
  a->batch.input.count = text->count;
  memcpy(a->target, ids + 1, (size_t)n * sizeof *ids);
  a->batch.target = a->target;
  a->batch.lane = &a->zero;
  a->batch.reset = fresh;
  return LK_OK;
}

/* log_p [n] under the weights as they were before this segment. Where they are to change, lk_dynamic_train() also makes
 * the gradient; its pass is the one of an evaluation. */
static void predict(lk_adapter *a) {
  lk_task *task = a->model->task;
  if (a->how.dynamic != LK_DYNAMIC_NONE) {
    lk_dynamic_train(&a->dynamic, a->model, &a->batch, a->lane, a->log_p);
    return;
  }
  const lk_units units = lk_task_forward(task, a->model->params, &a->batch, a->lane);
  lk_head_log_probability(lk_task_head(task), a->model->params, &units, a->log_p);
}

/* The cache has its say, and then learns, unit by unit. */
static void consult(lk_adapter *a, ptrdiff_t n) {
  const lk_units *u = lk_task_units(a->model->task);
  for (ptrdiff_t r = 0; r < n; r++) {
    a->log_p[r] = lk_cache_mix(&a->cache, u->x + r * u->ldx, a->target[r], a->log_p[r]);
    lk_cache_add(&a->cache, u->x + r * u->ldx, a->target[r]);
  }
}

static const double absurd = 1000; /* nats a unit: no text is so improbable */

static lk_status read_segment(lk_adapter *a, const lk_inputs *text, ptrdiff_t at, ptrdiff_t n, bool fresh,
                              double *log_p) {
  LK_TRY(make_batch(a, text, at, n, fresh));
  predict(a);
  if (a->how.cache > 0) consult(a, n);
  double sum = 0;
  for (ptrdiff_t r = 0; r < n; r++) *log_p += a->log_p[r], sum += a->log_p[r];
  a->read += n;
  if (a->how.dynamic == LK_DYNAMIC_NONE) return LK_OK;
  if (!(sum > -absurd * (double)n))
    return LK_FAIL(LK_DATA, "dynamic evaluation has diverged after %lld units: give a lower --dynamic-rate",
                   (long long)a->read);
  lk_dynamic_update(&a->dynamic, a->model, n);
  return LK_OK;
}

lk_status lk_adapter_read(lk_adapter *a, const lk_inputs *text, ptrdiff_t first, ptrdiff_t n, bool fresh,
                          double *log_p) {
  for (ptrdiff_t at = 0, some; at < n; at += some) {
    some = n - at < a->segment ? n - at : a->segment;
    LK_TRY(read_segment(a, text, first + at, some, fresh && at == 0, log_p));
  }
  return LK_OK;
}

static lk_status score_line(lk_adapter *a, const lk_line_batch *b, ptrdiff_t line, lk_score *out) {
  lk_inputs text;
  const ptrdiff_t n = b->length[line];
  lk_line_text(b, line, &text);
  *out = (lk_score){.units = n};
  for (ptrdiff_t t = 1; t <= n; t++) out->unknown += text.column[0].ids[t] == LK_UNK;
  return lk_adapter_read(a, &text, 0, n, true, &out->log_probability);
}

lk_status lk_adapter_score(lk_adapter *a, const lk_lines *lines, lk_score *out) {
  lk_line_batch b = {.model = a->model, .lines = lines};
  lk_status status;
  for (;;) {
    LK_GO(lk_line_batch_next(&b));
    if (b.count == 0) break;
    for (ptrdiff_t i = 0; i < b.count; i++) LK_GO(score_line(a, &b, i, &out[b.first + i]));
  }
done:
  lk_line_batch_release(&b);
  return status;
}
