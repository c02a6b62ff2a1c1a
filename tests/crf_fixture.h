/* crf_fixture.h - a head over label sequences on a small batch, and the same by summing over all sequences of a sentence. */
#pragma once
#include <math.h>
#include <stdio.h>

#include "head_kind.h"
#include "nn_fixture.h"

enum { CRF_I = 3, CRF_LD = 16, CRF_T = 5 };

typedef struct crf_net {
  lk_config config;
  lk_params *params;
  lk_head head;
  lk_arena arena;
  fixture_rank rank;
  lk_units units;
  lk_real *x, *dx;
  int32_t *target;
} crf_net;

static inline void crf_layout(crf_net *n) {
  const ptrdiff_t N = n->rank.pack.N;
  lk_head_layout_weights(&n->head, &n->arena, 1);
  lk_head_layout(&n->head, &n->arena, N, N, 1);
}

/* Rank r of R. Scores of a few nats; of the words with a target every `missing`th has none (0: all have one), and one
 * sentence in four has none at all. */
static inline void crf_open_width(crf_net *n, const fixture_corpus *corpus, int r, int R, ptrdiff_t I, ptrdiff_t O,
                                  int missing, const char *output) {
  memset(n, 0, sizeof *n);
  char setting[64];
  (void)snprintf(setting, sizeof setting, "model.output=%s", output);
  assert_int_equal(lk_config_init(&n->config), LK_OK);
  assert_int_equal(lk_config_override(&n->config, setting), LK_OK);
  assert_int_equal(lk_params_create(&n->params), LK_OK);
  assert_int_equal(lk_head_declare(&n->head, n->params, &n->config, I, O, -1), LK_OK);
  assert_int_equal(lk_params_commit(n->params, 3), LK_OK);
  for (int t = 0; t < lk_params_tensors(n->params); t++)
    for (ptrdiff_t i = 0; i < lk_params_at(n->params, t)->count; i++)
      lk_params_value(n->params, t)[i] = 3 * fixture_real((uint32_t)t, 9, 0, i);
  fixture_rank_open(&n->rank, corpus, r, R, n->params);
  const lk_pack *pack = &n->rank.pack;
  crf_layout(n);
  assert_int_equal(lk_arena_reserve(&n->arena), LK_OK);
  fixture_poison(&n->arena);
  crf_layout(n);
  lk_head_pack(&n->head, n->params, 1, LK_WHOLE);
  n->x = fixture_alloc(pack->N * CRF_LD);
  n->dx = fixture_alloc(pack->N * CRF_LD);
  n->target = malloc((size_t)(pack->N + 1) * sizeof *n->target);
  fixture_rows(pack, 2, I, n->x, CRF_LD);
  for (ptrdiff_t i = 0; i < pack->N; i++) {
    const uint32_t id = pack->id[pack->seq[i]], t = (uint32_t)pack->time[i];
    n->target[i] = fixture_word(3, id, t, O);
    if (missing > 0 && (id / 7 + t) % (uint32_t)missing == 0) n->target[i] = t % 2 ? -1 : -3;
    if (missing > 0 && id / 7 % 4 == 1) n->target[i] = -1;
  }
  n->units = (lk_units){.pack = pack, .n = pack->N, .x = n->x, .ldx = CRF_LD, .target = n->target};
}

static inline void crf_open(crf_net *n, const fixture_corpus *corpus, int r, int R, ptrdiff_t O, int missing,
                            const char *output) {
  crf_open_width(n, corpus, r, R, CRF_I, O, missing, output);
}

static inline void crf_close(crf_net *n) {
  free(n->x), free(n->dx), free(n->target);
  fixture_rank_close(&n->rank);
  lk_arena_release(&n->arena);
  lk_params_destroy(&n->params);
  lk_config_release(&n->config);
}

/* s(r, j) in double, from the parameters. */
static inline double crf_word_score(const crf_net *n, ptrdiff_t r, ptrdiff_t j) {
  const lk_real *w = lk_params_value(n->params, n->head.dense.weight);
  double sum = (double)lk_params_value(n->params, n->head.dense.bias)[j];
  for (ptrdiff_t i = 0; i < CRF_I; i++) sum += (double)w[j * CRF_I + i] * (double)n->x[r * CRF_LD + i];
  return sum;
}

static inline double crf_own(const crf_net *n, int tensor, ptrdiff_t i) {
  return n->head.tensors > 0 ? (double)lk_params_value(n->params, n->head.tensor[tensor])[i] : 0;
}

/* A label sequence of sentence b: path number `index` of O^length, the last word's label changing fastest. */
typedef struct crf_path {
  int32_t label[CRF_T];
  double score;
  bool given; /* it has the labels that are given */
} crf_path;

static inline ptrdiff_t crf_paths(const crf_net *n, ptrdiff_t b) {
  ptrdiff_t count = 1;
  for (int32_t t = 0; t < n->rank.pack.length[b]; t++) count *= n->head.O;
  return count;
}

static inline crf_path crf_path_at(const crf_net *n, ptrdiff_t b, ptrdiff_t index) {
  const lk_pack *pack = &n->rank.pack;
  const ptrdiff_t length = pack->length[b], O = n->head.O;
  crf_path p = {.given = true};
  for (ptrdiff_t t = length - 1; t >= 0; t--, index /= O) p.label[t] = (int32_t)(index % O);
  for (ptrdiff_t t = 0; t < length; t++) {
    const ptrdiff_t r = lk_pack_row(pack, b, t);
    p.score += crf_word_score(n, r, p.label[t]);
    if (t > 0) p.score += crf_own(n, 0, p.label[t - 1] * O + p.label[t]);
    p.given = p.given && (n->target[r] < 0 || n->target[r] == p.label[t]);
  }
  p.score += crf_own(n, 1, p.label[0]) + crf_own(n, 2, p.label[length - 1]);
  return p;
}

/* log of the sum of e^score over all sequences of sentence b, or those with the given labels. */
static inline double crf_log_sum(const crf_net *n, ptrdiff_t b, bool given) {
  double sum = 0;
  for (ptrdiff_t i = 0; i < crf_paths(n, b); i++) {
    const crf_path p = crf_path_at(n, b, i);
    if (p.given || !given) sum += exp(p.score);
  }
  return log(sum);
}
