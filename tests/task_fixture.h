/* task_fixture.h - whole tasks on corpora in memory: configuration, vocabularies, parameters, batches. */
#pragma once
#include <stdio.h>

#include "task.h"
#include "nn_fixture.h"
#include "task_impl.h"

typedef struct fixture_task {
  lk_config config;
  lk_corpus_info info;
  lk_params *params;
  lk_task *task;
} fixture_task;

/* "w0", "w1", ... seen 1, 2, ... times, after the specials where asked for. */
static inline void fixture_names(lk_strings *s, ptrdiff_t count, int specials) {
  static const char *const special[] = {"<pad>", "<sos>", "<eos>", "<unk>"};
  for (ptrdiff_t i = 0; i < count; i++) {
    char name[32];
    (void)snprintf(name, sizeof name, "w%td", i);
    const char *text = specials && i < LK_SPECIALS ? special[i] : name;
    assert_int_equal(lk_strings_add(s, text, strlen(text), i + 1), LK_OK);
  }
}

static inline void fixture_labels(lk_strings *s, const char *const *names, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) assert_int_equal(lk_strings_add(s, names[i], strlen(names[i]), 1), LK_OK);
}

static const char *const fixture_tags[] = {"O", "B-x", "I-x", "B-y", "I-y"};

/* settings: "key=value" strings, NULL at the end. */
static inline void fixture_task_settings(fixture_task *f, lk_corpus_kind kind, ptrdiff_t V,
                                         const char *const *settings) {
  memset(f, 0, sizeof *f);
  assert_int_equal(lk_config_init(&f->config), LK_OK);
  for (; *settings; settings++) assert_int_equal(lk_config_override(&f->config, *settings), LK_OK);
  f->info.kind = kind;
  (void)snprintf(f->info.unit, sizeof f->info.unit, "char");
  if (kind == LK_CORPUS_FRAMES)
    f->info.frames = 3;
  else
    fixture_names(&f->info.source, V, 1);
  if (kind != LK_CORPUS_TEXT) fixture_labels(&f->info.label, fixture_tags, 5);
  assert_int_equal(lk_params_create(&f->params), LK_OK);
}

static inline void fixture_task_open(fixture_task *f, lk_corpus_kind kind, int stream, ptrdiff_t V,
                                     const char *const *settings) {
  fixture_task_settings(f, kind, V, settings);
  f->info.stream = stream;
  lk_status status = lk_task_create(&f->task, &f->config, &f->info, f->params);
  if (status != LK_OK) fail_msg("%s", lk_error_get()->text);
  assert_int_equal(lk_params_commit(f->params, 5), LK_OK);
}

static inline void fixture_task_close(fixture_task *f) {
  lk_task_destroy(&f->task);
  lk_params_destroy(&f->params);
  lk_strings_release(&f->info.source);
  lk_strings_release(&f->info.label);
  lk_config_release(&f->config);
}

static inline lk_inputs fixture_ids(int32_t *ids) {
  return (lk_inputs){.count = 1, .column = {{.name = "source", .ids = ids}}};
}

/* The batch of a rank; the contents of a row depend only on corpus row and time. Every seventh target is missing. */
static inline void fixture_batch(const fixture_task *f, const lk_pack *pack, lk_batch *batch) {
  lk_view view = lk_task_view(f->task);
  ptrdiff_t V = f->info.source.count, D = f->info.frames, labels = view == LK_VIEW_LM ? V : f->info.label.count;
  *batch = (lk_batch){.pack = *pack, .tokens = pack->N, .reset = 1};
  if (D > 0) {
    float *frames = calloc((size_t)(pack->N * D + 1), sizeof *frames);
    batch->input = (lk_inputs){.count = 1, .column = {{.name = "frames", .numbers = frames}}};
    for (ptrdiff_t i = 0; i < pack->N * D; i++) {
      ptrdiff_t r = i / D;
      frames[i] = (float)fixture_real(3, pack->id[pack->seq[r]], pack->time[r], i % D);
    }
  } else {
    batch->input = fixture_ids(calloc((size_t)pack->N + 1, sizeof(int32_t)));
    for (ptrdiff_t r = 0; r < pack->N; r++)
      lk_batch_ids(batch)[r] = LK_UNK + fixture_word(1, pack->id[pack->seq[r]], pack->time[r], V - LK_UNK);
  }
  ptrdiff_t n = view == LK_VIEW_CLASSIFY ? pack->B : pack->N;
  batch->target = calloc((size_t)n + 1, sizeof *batch->target);
  for (ptrdiff_t i = 0; i < n; i++) {
    uint32_t id = pack->id[view == LK_VIEW_CLASSIFY ? i : pack->seq[i]];
    ptrdiff_t time = view == LK_VIEW_CLASSIFY ? 0 : pack->time[i];
    int none = view == LK_VIEW_LABEL && (id + (uint32_t)time) % 7 == 0;
    batch->target[i] = none ? -1 : fixture_word(2, id, time, labels);
  }
  batch->lane = calloc((size_t)pack->B + 1, sizeof *batch->lane);
  for (ptrdiff_t b = 0; b < pack->B; b++) batch->lane[b] = (int32_t)(pack->B - 1 - b);
}

static inline void fixture_batch_close(lk_batch *batch) {
  for (int i = 0; i < batch->input.count; i++) {
    free(batch->input.column[i].ids);
    free(batch->input.column[i].numbers);
  }
  free(batch->target);
  free(batch->lane);
}

/* Reserve buffers and fill them with NaN, so that reading before writing is noticed; then pack the weights. */
static inline void fixture_task_ready(fixture_task *f, const lk_pack *pack, int training) {
  assert_int_equal(lk_task_reserve(f->task, pack->B, pack->N, pack->T, training), LK_OK);
  fixture_poison(&f->task->weights);
  fixture_poison(&f->task->arena);
  lk_task_pack(f->task, f->params);
}
