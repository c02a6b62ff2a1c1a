/* The rows of a probe as a batch, and what the net says of it. */
#include <math.h>
#include <stdlib.h>

#include "probe_rows_impl.h"

void lk_probe_init(lk_probe *probe, lk_model *model) {
  *probe = (lk_probe){.model = model, .pairs = lk_task_view(model->task) == LK_VIEW_PAIRS};
  probe->columns = lk_corpus_columns(model->corpus, probe->form);
}

lk_status lk_probe_reserve(lk_probe *probe, ptrdiff_t rows, ptrdiff_t steps, ptrdiff_t words, ptrdiff_t letters,
                           ptrdiff_t target_steps) {
  lk_probe *p = probe;
  const size_t cells = (size_t)(rows * steps);
  p->rows = rows;
  p->steps = steps;
  p->target_steps = target_steps;
  LK_TRY(lk_alloc(&p->length, (size_t)rows, sizeof *p->length));
  for (int c = 0; c < p->columns; c++) {
    const size_t width = (size_t)p->form[c].width;
    if (c == 0 || p->form[c].values > 0) LK_TRY(lk_alloc(&p->ids[c], cells, sizeof *p->ids[c]));
    if (p->form[c].values == 0) LK_TRY(lk_alloc(&p->number[c], cells * width, sizeof *p->number[c]));
  }
  LK_TRY(lk_alloc(&p->letter, (size_t)letters + 1, sizeof *p->letter));
  LK_TRY(lk_alloc(&p->begin, (size_t)words + 1, sizeof *p->begin));
  p->spelling = (lk_spelling){.count = words, .character = p->letter, .begin = p->begin};
  LK_TRY(lk_alloc(&p->target_length, (size_t)rows, sizeof *p->target_length));
  return lk_alloc(&p->target, (size_t)(rows * target_steps) + 1, sizeof *p->target);
}

void lk_probe_release(lk_probe *probe) {
  for (int c = 0; c < LK_MAX_COLUMNS; c++) {
    free(probe->ids[c]);
    free(probe->number[c]);
  }
  free(probe->length);
  free(probe->letter);
  free(probe->begin);
  free(probe->target_length);
  free(probe->target);
  free(probe->score);
  lk_arena_release(&probe->memory);
  lk_arena_release(&probe->arena);
  *probe = (lk_probe){0};
}

/* ---- the batch ---- */

typedef struct sides { /* [rows] each */
  const int32_t **ids, **target;
  ptrdiff_t *units, *target_units, *perm;
} sides;

static void lay_out_sides(lk_arena *arena, ptrdiff_t rows, sides *s) {
  s->ids = lk_arena_take(arena, (size_t)rows * sizeof *s->ids);
  s->target = lk_arena_take(arena, (size_t)rows * sizeof *s->target);
  s->units = lk_arena_take(arena, (size_t)rows * sizeof *s->units);
  s->target_units = lk_arena_take(arena, (size_t)rows * sizeof *s->target_units);
  s->perm = lk_arena_take(arena, (size_t)rows * sizeof *s->perm);
}

static lk_status fill_batch(lk_probe *p, const sides *s) {
  for (ptrdiff_t i = 0; i < p->rows; i++) {
    s->ids[i] = p->ids[0] + i * p->steps;
    s->units[i] = p->length[i] - p->pairs;
    s->target[i] = p->target + i * p->target_steps + 1;
    s->target_units[i] = p->target_length[i] - 1;
  }
  const lk_shards *one = &p->model->one;
  p->in = p->pairs ? &p->batch.encoder_pack : &p->batch.pack;
  if (!p->pairs) return lk_batch_from_ids(&p->batch, &p->arena, one, p->rows, s->ids, s->units, s->perm);
  return lk_batch_from_pairs(&p->batch, &p->arena, one, p->rows, s->ids, s->units, s->target, s->target_units, s->perm);
}

static lk_status make_batch(lk_probe *p) {
  lk_arena scratch = {0};
  sides s;
  lk_status status;
  lay_out_sides(&scratch, p->rows, &s);
  LK_GO(lk_arena_reserve(&scratch));
  lay_out_sides(&scratch, p->rows, &s);
  LK_GO(fill_batch(p, &s));
done:
  lk_arena_release(&scratch);
  return status;
}

/* The columns beside the ids, or all of frames, in memory that was measured before. */
static void lay_out(const lk_probe *p, lk_arena *arena, lk_inputs *to) {
  for (int c = p->form[0].values > 0; c < p->columns; c++) {
    const lk_column_form *form = &p->form[c];
    lk_column column = {.name = form->name, .spelling = form->spelled ? &p->spelling : NULL};
    if (form->values > 0)
      column.ids = lk_arena_ints(arena, p->in->N);
    else
      column.numbers = lk_arena_take(arena, (size_t)(p->in->N * form->width) * sizeof(float));
    to->column[c] = column;
  }
  to->count = p->columns;
}

static void fill_column(const lk_probe *p, int c, const lk_column *column) {
  const ptrdiff_t width = p->form[c].width;
  for (ptrdiff_t r = 0; r < p->in->N; r++) {
    const ptrdiff_t at = (ptrdiff_t)p->in->id[p->in->seq[r]] * p->steps + p->in->time[r];
    if (column->ids) column->ids[r] = p->ids[c][at];
    for (ptrdiff_t k = 0; !column->ids && k < width; k++) column->numbers[r * width + k] = p->number[c][at * width + k];
  }
}

static lk_status fill_columns(lk_probe *p) {
  lk_arena plan = {0};
  lk_inputs unused = {0}, *in = &p->batch.input;
  lay_out(p, &plan, &unused);
  p->memory.used = plan.used;
  LK_TRY(lk_arena_reserve(&p->memory));
  lay_out(p, &p->memory, in);
  for (int c = p->form[0].values > 0; c < p->columns; c++) fill_column(p, c, &in->column[c]);
  return LK_OK;
}

/* ---- what the net says ---- */

static lk_status ask(lk_probe *p, const lk_units *u, lk_probe_kind kind) {
  lk_head *head = lk_task_head(p->model->task);
  const bool norms = kind != LK_PROBE_SCORES;
  double *norm;
  lk_next next;
  LK_TRY(lk_alloc(&norm, (size_t)u->n + 1, sizeof *norm));
  for (ptrdiff_t first = 0; first < u->n; first += next.n) {
    next = lk_head_next(head, p->model->params, u, first);
    if (norms) lk_head_norms(head, next, norm);
    for (ptrdiff_t i = 0; i < next.n; i++)
      for (ptrdiff_t o = 0; o < p->outputs; o++) {
        const double score = (double)next.score[i * next.ld + o] - (norms ? norm[i] : 0);
        p->score[(first + i) * p->outputs + o] = (float)(kind == LK_PROBE_PROBABILITIES ? exp(score) : score);
      }
  }
  free(norm);
  return LK_OK;
}

lk_status lk_probe_answer(lk_probe *probe, ptrdiff_t outputs, lk_probe_kind kind) {
  lk_probe *p = probe;
  lk_task *task = p->model->task;
  LK_TRY(make_batch(p));
  LK_TRY(fill_columns(p));
  const lk_pack *a = &p->batch.pack, *b = p->in;
  /* other programs compute in float32, whatever the model was trained in */
  LK_TRY(lk_kernels_select(lk_kernels_get()->name));
  LK_TRY(lk_task_reserve(task, p->rows, a->N > b->N ? a->N : b->N, a->T > b->T ? a->T : b->T, 0));
  const lk_units units = lk_task_forward(task, p->model->params, &p->batch, NULL);
  p->units = units.n;
  p->outputs = outputs;
  LK_TRY(lk_alloc(&p->score, (size_t)(units.n * outputs), sizeof *p->score));
  return ask(p, &units, kind);
}

ptrdiff_t lk_probe_unit(const lk_probe *probe, ptrdiff_t i, ptrdiff_t t) {
  const lk_pack *pack = &probe->batch.pack;
  ptrdiff_t b = 0;
  while ((ptrdiff_t)pack->id[b] != i) b++;
  if (lk_task_view(probe->model->task) == LK_VIEW_CLASSIFY) return b;
  return t < pack->length[b] ? lk_pack_row(pack, b, t) : -1;
}
