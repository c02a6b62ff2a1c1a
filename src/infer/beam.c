/* beam.c - the K most probable beginnings of each source go on side by side, all sources in one step of the net.
 *
 * Of a source's ways to go on the best 2K are looked at: those among the first K that end are finished, the first K that
 * do not end go on. A source is done when K of its translations are finished, or at the limit of their length, where the
 * beginnings count as they are. Finished ones are ranked by
 *
 *   log P / ((5 + units) / 6)^length_penalty + coverage_penalty * sum over the source of log(min(attention, 1))
 *
 * (Wu et al. 2016). Which beginnings go on is decided by log P, equals by the older one, then by id. */
#include "beam_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fixed_math.h"

static int keeps_weights(const lk_beam *b) { return b->how->alignment; }
static int keeps_coverage(const lk_beam *b) { return b->how->coverage_penalty > 0; }

static lk_status grow(lk_beam *b, ptrdiff_t count) {
  LK_TRY(lk_grow(&b->live, &b->live_capacity, (size_t)count, sizeof *b->live));
  LK_TRY(lk_grow(&b->next, &b->next_capacity, (size_t)count, sizeof *b->next));
  LK_TRY(lk_grow(&b->states, &b->states_capacity, (size_t)(count * b->width), sizeof *b->states));
  LK_TRY(lk_grow(&b->states_next, &b->states_next_capacity, (size_t)(count * b->width), sizeof *b->states));
  LK_TRY(lk_grow(&b->coverage, &b->coverage_capacity, (size_t)(count * b->T), sizeof *b->coverage));
  LK_TRY(lk_grow(&b->coverage_next, &b->coverage_next_capacity, (size_t)(count * b->T), sizeof *b->coverage));
  LK_TRY(lk_grow(&b->ids, &b->id_capacity, (size_t)count, sizeof *b->ids));
  LK_TRY(lk_grow(&b->source, &b->source_capacity, (size_t)count, sizeof *b->source));
  LK_TRY(lk_grow(&b->norm, &b->norm_capacity, (size_t)count, sizeof *b->norm));
  LK_TRY(lk_grow(&b->way, &b->way_capacity, (size_t)(b->B * 2 * b->K), sizeof *b->way));
  LK_TRY(lk_grow(&b->ways, &b->ways_capacity, (size_t)b->B, sizeof *b->ways));
  LK_TRY(lk_grow(&b->finished, &b->finished_capacity, (size_t)(b->B * b->K), sizeof *b->finished));
  return lk_grow(&b->found, &b->found_capacity, (size_t)b->B, sizeof *b->found);
}

static lk_status begin(lk_beam *b, const lk_batch *batch) {
  const lk_pack *sources = &batch->encoder_pack;
  lk_task *task = b->model->task;
  b->B = sources->B;
  b->T = sources->T;
  b->V = lk_task_head(task)->dense.O;
  b->K = (ptrdiff_t)b->how->beam;
  b->nodes = 0;
  LK_TRY(lk_translate_reserve(task, sources->B, sources->N, sources->T, b->B * b->K));
  b->width = lk_translate_width(task);
  LK_TRY(grow(b, b->B * b->K));
  lk_translate_read(task, b->model->params, sources, &batch->input);
  b->count = b->B;
  for (int32_t i = 0; i < b->B; i++) {
    b->live[i] = (lk_live){.source = i, .node = -1};
    b->found[i] = 0;
  }
  memset(b->coverage, 0, (size_t)(b->count * b->T) * sizeof *b->coverage);
  return LK_OK;
}

/* Insert a way among the best 2K of its source; earlier ones stay in front of their equals. */
static void offer(lk_beam *b, int32_t source, lk_way way) {
  lk_way *best = b->way + source * 2 * b->K;
  ptrdiff_t n = b->ways[source], at;
  if (n == 2 * b->K && !(way.log_probability > best[n - 1].log_probability)) return;
  if (n < 2 * b->K) n = ++b->ways[source];
  for (at = n - 1; at > 0 && way.log_probability > best[at - 1].log_probability; at--) best[at] = best[at - 1];
  best[at] = way;
}

/* All ways to continue live hypothesis i, whose outputs have these scores; `closing`: only by its end. */
static void offer_all(lk_beam *b, int32_t i, const lk_real *scores, int closing) {
  const lk_live *live = &b->live[i];
  const lk_way *best = b->way + live->source * 2 * b->K;
  const double base = live->log_probability - b->norm[i];
  for (int32_t id = closing ? LK_EOS : 0, end = closing ? LK_EOS + 1 : (int32_t)b->V; id < end; id++) {
    const double p = base + (double)scores[id];
    if (b->ways[live->source] == 2 * b->K && !(p > best[2 * b->K - 1].log_probability)) continue;
    if (lk_translate_writes(id)) offer(b, live->source, (lk_way){.live = i, .id = id, .log_probability = p});
  }
}

/* A translation of as many units as there may be has to end. */
static int at_limit(ptrdiff_t units, const lk_pack *sources, int32_t source) {
  return units > lk_translate_limit(sources->length[source]);
}

/* The best ways to continue each source's hypotheses. */
static void find_ways(lk_beam *b, ptrdiff_t units, const lk_pack *sources) {
  lk_task *task = b->model->task;
  lk_head *head = lk_task_head(task);
  lk_next next;
  for (ptrdiff_t i = 0; i < b->B; i++) b->ways[i] = 0;
  for (ptrdiff_t first = 0; first < b->count; first += next.n) {
    next = lk_head_next(head, b->model->params, lk_task_units(task), first);
    lk_head_norms(head, next, b->norm + first);
    for (ptrdiff_t i = 0; i < next.n; i++)
      offer_all(b, (int32_t)(first + i), next.score + i * next.ld, at_limit(units, sources, b->live[first + i].source));
  }
}

static double score_of(const lk_beam *b, const lk_finished *f, const double *coverage, ptrdiff_t times) {
  double sum = 0;
  for (ptrdiff_t j = 0; j < times && keeps_coverage(b); j++) sum += lk_fixed_log(fmin(fmax(coverage[j], 1e-10), 1));
  return f->log_probability / lk_fixed_power((5 + (double)f->units) / 6, b->how->length_penalty) +
         b->how->coverage_penalty * sum;
}

/* A node for a way; its weights are those of the step just made. */
static lk_status add_node(lk_beam *b, const lk_way *way, int32_t *node) {
  LK_TRY(lk_grow(&b->node, &b->node_capacity, (size_t)b->nodes + 1, sizeof *b->node));
  if (keeps_weights(b)) {
    ptrdiff_t n;
    LK_TRY(lk_grow(&b->weights, &b->weight_capacity, (size_t)((b->nodes + 1) * b->T), sizeof *b->weights));
    const lk_real *from = lk_translate_weights(b->model->task, way->live, &n);
    lk_real *to = b->weights + b->nodes * b->T;
    for (ptrdiff_t j = 0; j < b->T; j++) to[j] = j < n ? from[j] : 0;
  }
  b->node[b->nodes] = (lk_beam_node){.parent = b->live[way->live].node, .id = way->id};
  *node = (int32_t)b->nodes++;
  return LK_OK;
}

/* Attention over the source's times after a way was gone. */
static void cover(const lk_beam *b, const lk_way *way, double *to) {
  ptrdiff_t n;
  if (!keeps_coverage(b)) return;
  const lk_real *w = lk_translate_weights(b->model->task, way->live, &n);
  const double *from = b->coverage + way->live * b->T;
  for (ptrdiff_t j = 0; j < b->T; j++) to[j] = from[j] + (j < n ? (double)w[j] : 0);
}

static lk_status finish(lk_beam *b, const lk_way *way, ptrdiff_t units, ptrdiff_t times, double *coverage) {
  const int32_t source = b->live[way->live].source;
  lk_finished *list = b->finished + source * b->K, f = {.units = units, .log_probability = way->log_probability};
  LK_TRY(add_node(b, way, &f.node));
  cover(b, way, coverage);
  f.score = score_of(b, &f, coverage, times);
  ptrdiff_t at = b->found[source]++;
  for (; at > 0 && f.score > list[at - 1].score; at--) list[at] = list[at - 1];
  list[at] = f;
  return LK_OK;
}

/* What becomes of one source's ways; *next counts the live beginnings of all. */
static lk_status go_on(lk_beam *b, int32_t source, ptrdiff_t units, const lk_pack *sources, ptrdiff_t *next) {
  const ptrdiff_t times = sources->length[source];
  const ptrdiff_t first = *next;
  for (ptrdiff_t i = 0; i < b->ways[source]; i++) {
    const lk_way *way = &b->way[source * 2 * b->K + i];
    double *coverage = b->coverage_next + *next * b->T;
    if (b->found[source] == b->K || *next - first == b->K) break;
    if (way->id == LK_EOS) {
      if (i < b->K) LK_TRY(finish(b, way, units, times, coverage));
      continue;
    }
    lk_live *live = &b->next[*next];
    *live = (lk_live){.source = source, .log_probability = way->log_probability};
    LK_TRY(add_node(b, way, &live->node));
    cover(b, way, coverage);
    memcpy(b->states_next + *next * b->width, b->states + way->live * b->width, (size_t)b->width * sizeof *b->states);
    ++*next;
  }
  if (b->found[source] == b->K) *next = first;
  return LK_OK;
}

static void swap(void *a, void *b, size_t size) {
  char kept[sizeof(void *)];
  memcpy(kept, a, size);
  memcpy(a, b, size);
  memcpy(b, kept, size);
}

static void turn(lk_beam *b, ptrdiff_t next) {
  b->count = next;
  swap(&b->live, &b->next, sizeof b->live);
  swap(&b->live_capacity, &b->next_capacity, sizeof b->live_capacity);
  swap(&b->states, &b->states_next, sizeof b->states);
  swap(&b->states_capacity, &b->states_next_capacity, sizeof b->states_capacity);
  swap(&b->coverage, &b->coverage_next, sizeof b->coverage);
  swap(&b->coverage_capacity, &b->coverage_next_capacity, sizeof b->coverage_capacity);
}

lk_status lk_beam_search(lk_beam *b, const lk_batch *batch) {
  const lk_pack *sources = &batch->encoder_pack;
  LK_TRY(begin(b, batch));
  for (ptrdiff_t units = 1; b->count > 0; units++) {
    ptrdiff_t next = 0;
    for (ptrdiff_t i = 0; i < b->count; i++) {
      b->ids[i] = b->live[i].node < 0 ? LK_SOS : b->node[b->live[i].node].id;
      b->source[i] = b->live[i].source;
    }
    lk_translate_step(b->model->task, b->model->params, b->count, b->ids, b->source, units > 1 ? b->states : NULL,
                      b->states);
    find_ways(b, units, sources);
    for (int32_t source = 0; source < b->B; source++) LK_TRY(go_on(b, source, units, sources, &next));
    turn(b, next);
  }
  return LK_OK;
}

void lk_beam_release(lk_beam *b) {
  free(b->node);
  free(b->weights);
  free(b->live);
  free(b->next);
  free(b->states);
  free(b->states_next);
  free(b->coverage);
  free(b->coverage_next);
  free(b->ids);
  free(b->source);
  free(b->norm);
  free(b->way);
  free(b->ways);
  free(b->finished);
  free(b->found);
  *b = (lk_beam){0};
}
