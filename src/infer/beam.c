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
  LK_TRY(lk_grow(&b->coverage, &b->coverage_capacity, (size_t)(count * b->T), sizeof *b->coverage));
  LK_TRY(lk_grow(&b->coverage_next, &b->coverage_next_capacity, (size_t)(count * b->T), sizeof *b->coverage));
  LK_TRY(lk_grow(&b->way, &b->way_capacity, (size_t)(b->B * 2 * b->K), sizeof *b->way));
  LK_TRY(lk_grow(&b->ways, &b->ways_capacity, (size_t)b->B, sizeof *b->ways));
  LK_TRY(lk_grow(&b->finished, &b->finished_capacity, (size_t)(b->B * b->K), sizeof *b->finished));
  return lk_grow(&b->found, &b->found_capacity, (size_t)b->B, sizeof *b->found);
}

/* Have one of the models read its sources, and room for `count` beginnings. */
static lk_status begin_reader(lk_reader *r, const lk_voice *voice, const lk_batch *batch, ptrdiff_t count) {
  const lk_pack *sources = &batch->encoder_pack;
  lk_task *task = voice->model->task;
  LK_TRY(lk_translate_reserve(task, sources->B, sources->N, sources->T, count));
  r->width = lk_translate_width(task);
  const size_t reals = (size_t)(count * r->width);
  LK_TRY(lk_grow(&r->states, &r->states_capacity, reals, sizeof *r->states));
  LK_TRY(lk_grow(&r->states_next, &r->states_next_capacity, reals, sizeof *r->states));
  LK_TRY(lk_grow(&r->ids, &r->id_capacity, (size_t)count, sizeof *r->ids));
  LK_TRY(lk_grow(&r->source, &r->source_capacity, (size_t)count, sizeof *r->source));
  lk_translate_read(task, voice->model->params, sources, &batch->input);
  return LK_OK;
}

static lk_status begin(lk_beam *b, const lk_sources *sources) {
  const lk_pack *first = &sources->batch->encoder_pack;
  if (!b->mixture.voice) LK_TRY(lk_mixture_create(&b->mixture, b->model));
  if (!b->reader) LK_TRY(lk_alloc(&b->reader, (size_t)b->mixture.count, sizeof *b->reader));
  b->B = first->B;
  b->T = first->T;
  b->V = lk_task_head(b->model->task)->O;
  b->K = (ptrdiff_t)b->how->beam;
  b->nodes = 0;
  LK_TRY(grow(b, b->B * b->K));
  for (int k = 0; k < b->mixture.count; k++)
    LK_TRY(begin_reader(&b->reader[k], &b->mixture.voice[k], sources[k].batch, b->B * b->K));
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

/* All ways to continue live hypothesis i, which the mixture has turned to; `closing`: only by its end. */
static void offer_all(lk_beam *b, int32_t i, int closing) {
  const lk_live *live = &b->live[i];
  const lk_way *best = b->way + live->source * 2 * b->K;
  for (int32_t id = closing ? LK_EOS : 0, end = closing ? LK_EOS + 1 : (int32_t)b->V; id < end; id++) {
    if (b->ways[live->source] == 2 * b->K && !(lk_mixture_most(&b->mixture, id) > best[2 * b->K - 1].log_probability))
      continue;
    if (!lk_translate_writes(id)) continue;
    offer(b, live->source, (lk_way){.live = i, .id = id, .log_probability = lk_mixture_log_p(&b->mixture, id)});
  }
}

/* A translation of as many units as there may be has to end. */
static int at_limit(ptrdiff_t units, const lk_pack *sources, int32_t source) {
  return units > lk_translate_limit(sources->length[source]);
}

/* The best ways to continue each source's hypotheses. */
static lk_status find_ways(lk_beam *b, ptrdiff_t units, const lk_pack *sources) {
  for (ptrdiff_t i = 0; i < b->B; i++) b->ways[i] = 0;
  for (ptrdiff_t first = 0; first < b->count; first += b->mixture.n) {
    LK_TRY(lk_mixture_next(&b->mixture, first));
    for (ptrdiff_t i = first; i < first + b->mixture.n; i++) {
      lk_mixture_at(&b->mixture, i, b->live[i].log_probability);
      offer_all(b, (int32_t)i, at_limit(units, sources, b->live[i].source));
    }
  }
  return LK_OK;
}

static double score_of(const lk_beam *b, const lk_finished *f, const double *coverage, ptrdiff_t times) {
  double sum = 0;
  for (ptrdiff_t j = 0; j < times && keeps_coverage(b); j++) sum += lk_fixed_log(fmin(fmax(coverage[j], 1e-10), 1));
  return f->log_probability / lk_fixed_power((5 + (double)f->units) / 6, b->how->length_penalty) +
         b->how->coverage_penalty * sum;
}

/* How many models attend; their weights are those of the step just made. */
static int attending(const lk_beam *b) {
  int count = 0;
  ptrdiff_t n;
  for (int k = 0; k < b->mixture.count; k++)
    count += lk_translate_weights(b->mixture.voice[k].model->task, 0, &n) != NULL;
  return count;
}

bool lk_beam_attends(const lk_beam *b) { return attending(b) > 0; }

/* Add attention over the source's times in the step just made, the mean over the models that attend: to [T]. */
static void add_weights(const lk_beam *b, ptrdiff_t live, double *to) {
  const int count = attending(b);
  ptrdiff_t n;
  for (int k = 0; k < b->mixture.count; k++) {
    const lk_real *w = lk_translate_weights(b->mixture.voice[k].model->task, live, &n);
    for (ptrdiff_t j = 0; j < n && j < b->T; j++) to[j] += (double)w[j] / count;
  }
}

/* A node for a way; its weights are those of the step just made. */
static lk_status add_node(lk_beam *b, const lk_way *way, int32_t *node) {
  LK_TRY(lk_grow(&b->node, &b->node_capacity, (size_t)b->nodes + 1, sizeof *b->node));
  if (keeps_weights(b)) {
    LK_TRY(lk_grow(&b->weights, &b->weight_capacity, (size_t)((b->nodes + 1) * b->T), sizeof *b->weights));
    double *to = b->weights + b->nodes * b->T;
    memset(to, 0, (size_t)b->T * sizeof *to);
    add_weights(b, way->live, to);
  }
  b->node[b->nodes] = (lk_beam_node){.parent = b->live[way->live].node, .id = way->id};
  *node = (int32_t)b->nodes++;
  return LK_OK;
}

/* Attention over the source's times after a way was gone. */
static void cover(const lk_beam *b, const lk_way *way, double *to) {
  if (!keeps_coverage(b)) return;
  memcpy(to, b->coverage + way->live * b->T, (size_t)b->T * sizeof *to);
  add_weights(b, way->live, to);
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

static void keep_states(lk_reader *r, ptrdiff_t from, ptrdiff_t to) {
  memcpy(r->states_next + to * r->width, r->states + from * r->width, (size_t)r->width * sizeof *r->states);
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
    for (int k = 0; k < b->mixture.count; k++) keep_states(&b->reader[k], way->live, *next);
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
  for (int k = 0; k < b->mixture.count; k++) {
    lk_reader *r = &b->reader[k];
    swap(&r->states, &r->states_next, sizeof r->states);
    swap(&r->states_capacity, &r->states_next_capacity, sizeof r->states_capacity);
  }
  swap(&b->coverage, &b->coverage_next, sizeof b->coverage);
  swap(&b->coverage_capacity, &b->coverage_next_capacity, sizeof b->coverage_capacity);
}

/* Have one of the models read the unit that each beginning ends with. */
static void step(const lk_beam *b, int k, const int32_t *at, ptrdiff_t units) {
  lk_reader *r = &b->reader[k];
  lk_voice *voice = &b->mixture.voice[k];
  const int32_t *output = voice->model->output;
  for (ptrdiff_t i = 0; i < b->count; i++) {
    const int32_t id = b->live[i].node < 0 ? LK_SOS : b->node[b->live[i].node].id, source = b->live[i].source;
    r->ids[i] = output ? output[id] : id;
    r->source[i] = at ? at[source] : source;
  }
  lk_translate_step(voice->model->task, voice->model->params, b->count, r->ids, r->source, units > 1 ? r->states : NULL,
                    r->states);
  voice->units = *lk_task_units(voice->model->task);
}

lk_status lk_beam_search(lk_beam *b, const lk_sources *sources) {
  const lk_pack *first = &sources->batch->encoder_pack;
  LK_TRY(begin(b, sources));
  for (ptrdiff_t units = 1; b->count > 0; units++) {
    ptrdiff_t next = 0;
    for (int k = 0; k < b->mixture.count; k++) step(b, k, sources[k].at, units);
    LK_TRY(find_ways(b, units, first));
    for (int32_t source = 0; source < b->B; source++) LK_TRY(go_on(b, source, units, first, &next));
    turn(b, next);
  }
  return LK_OK;
}

void lk_beam_release(lk_beam *b) {
  for (int k = 0; k < b->mixture.count && b->reader; k++) {
    lk_reader *r = &b->reader[k];
    free(r->states);
    free(r->states_next);
    free(r->ids);
    free(r->source);
  }
  free(b->reader);
  lk_mixture_release(&b->mixture);
  free(b->node);
  free(b->weights);
  free(b->live);
  free(b->next);
  free(b->coverage);
  free(b->coverage_next);
  free(b->way);
  free(b->ways);
  free(b->finished);
  free(b->found);
  *b = (lk_beam){0};
}
