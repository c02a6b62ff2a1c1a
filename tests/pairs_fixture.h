/* pairs_fixture.h - pairs in memory, whose sources have other lengths than their targets and another order. */
#pragma once
#include "task_fixture.h"

/* The sources of the same shards: as many, lengths 1..T falling inside a shard; target b of a shard belongs to the last
 * source but b. */
static inline fixture_corpus fixture_sources(const fixture_corpus *target, int T) {
  fixture_corpus c = *target;
  for (int s = 0; s < c.S; s++) {
    int first = c.shard_seq[s], last = c.shard_seq[s + 1], length = T;
    for (int b = first; b < last; b++) {
      length = 1 + fixture_word(9, c.id[b], 0, length);
      if (b == first && length < T / 2) length = T;
      c.length[b] = length;
      c.id[b] = target->id[first + last - 1 - b];
    }
  }
  return c;
}

static inline void fixture_pairs_settings(fixture_task *f, ptrdiff_t V, ptrdiff_t target_V,
                                          const char *const *settings) {
  fixture_task_settings(f, LK_CORPUS_PAIRS, V, settings);
  (void)snprintf(f->info.target_unit, sizeof f->info.target_unit, "char");
  fixture_names(&f->info.target, target_V, 1);
  f->info.shared = V == target_V;
}

static inline void fixture_pairs_open(fixture_task *f, ptrdiff_t V, ptrdiff_t target_V, const char *const *settings) {
  fixture_pairs_settings(f, V, target_V, settings);
  lk_status status = lk_task_create(&f->task, &f->config, &f->info, f->params);
  if (status != LK_OK) fail_msg("%s", lk_error_get()->text);
  assert_int_equal(lk_params_commit(f->params, 5), LK_OK);
}

static inline void fixture_pairs_close(fixture_task *f) {
  fixture_task_close(f);
  lk_strings_release(&f->info.target);
}

/* Source row: a word of its corpus row and time; target: <sos> y_1 .. reads, y_1 .. <eos> is predicted. */
static inline void fixture_pairs_batch(const fixture_task *f, const lk_pack *target, const lk_pack *source,
                                       lk_batch *batch) {
  *batch = (lk_batch){.pack = *target, .encoder_pack = *source, .tokens = target->N + source->N};
  batch->decoder_ids = calloc((size_t)target->N + 1, sizeof *batch->decoder_ids);
  batch->target = calloc((size_t)target->N + 1, sizeof *batch->target);
  batch->input = fixture_ids(calloc((size_t)source->N + 1, sizeof(int32_t)));
  batch->partner = calloc((size_t)target->B + 1, sizeof *batch->partner);
  for (ptrdiff_t r = 0; r < source->N; r++)
    lk_batch_ids(batch)[r] =
        LK_UNK + fixture_word(1, source->id[source->seq[r]], source->time[r], f->info.source.count - LK_UNK);
  for (ptrdiff_t r = 0; r < target->N; r++) {
    const uint32_t id = target->id[target->seq[r]];
    const ptrdiff_t t = target->time[r], V = f->info.target.count - LK_UNK;
    batch->decoder_ids[r] = t == 0 ? LK_SOS : LK_UNK + fixture_word(2, id, t - 1, V);
    batch->target[r] = target->later[r] < 0 ? LK_EOS : LK_UNK + fixture_word(2, id, t, V);
  }
  for (int s = 0; s < target->shards->count; s++)
    for (ptrdiff_t b = target->shard_seq[s]; b < target->shard_seq[s + 1]; b++)
      batch->partner[b] = (int32_t)(target->shard_seq[s] + target->shard_seq[s + 1] - 1 - b);
}

static inline void fixture_pairs_batch_close(lk_batch *batch) {
  free(batch->decoder_ids);
  free(batch->partner);
  fixture_batch_close(batch);
}

static inline ptrdiff_t fixture_larger(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

/* Reserve buffers and fill them with NaN, so that reading before writing is noticed; then pack the weights. */
static inline void fixture_pairs_ready(fixture_task *f, const lk_batch *batch, int training) {
  const lk_pack *a = &batch->pack, *b = &batch->encoder_pack;
  assert_int_equal(lk_task_reserve(f->task, fixture_larger(a->B, b->B), fixture_larger(a->N, b->N),
                                   fixture_larger(a->T, b->T), training),
                   LK_OK);
  fixture_poison(&f->task->weights);
  fixture_poison(&f->task->arena);
  lk_task_pack(f->task, f->params);
}
