/* The loader on pairs: two packs a batch, the same on any number of ranks; every target finds its source; references. */
#include <math.h>

#include "batch_parts.h"
#include "corpus_writer.h"
#include "data_fixture.h"
#include "loader.h"

enum { S = 8, SOURCES = 60, TARGETS = 90, ROWS_MOST = 1500 };

static uint64_t mix(uint64_t hash, uint64_t value) { return (hash ^ value) * 0x9e3779b97f4a7c15u + (hash >> 29); }

/* The words of one side of a row; sometimes the two sides' lengths differ a lot. */
static ptrdiff_t words_of(int row, int side) {
  const lk_rng rng = lk_rng_make(11, LK_PURPOSE_INIT);
  const double z = lk_rng_normal(rng, (uint32_t)row, 0, 0, 0), other = lk_rng_normal(rng, (uint32_t)row, 1, 0, 0);
  const double words = exp(1.8 + 0.6 * z + (side ? 0.4 * other : 0));
  return words < 1 ? 1 : words > 60 ? 60 : (ptrdiff_t)words;
}

static int32_t word_of(int row, int side, ptrdiff_t t) {
  return (int32_t)(LK_SPECIALS +
                   ((ptrdiff_t)row * (side ? 37 : 31) + t * 7) % ((side ? TARGETS : SOURCES) - LK_SPECIALS));
}

static void add_words(lk_strings *strings, int count) {
  static const char *const special[] = {"<pad>", "<sos>", "<eos>", "<unk>"};
  char text[32];
  for (int i = 0; i < count; i++) {
    const int size = snprintf(text, sizeof text, "%s%d", i < LK_SPECIALS ? special[i] : "w", i);
    assert_int_equal(
        lk_strings_add(strings, i < LK_SPECIALS ? special[i] : text, i < LK_SPECIALS ? 5 : (size_t)size, 1), LK_OK);
  }
}

static ptrdiff_t fill(int32_t *out, int row, int side) {
  const ptrdiff_t n = words_of(row, side);
  out[0] = LK_SOS;
  for (ptrdiff_t t = 0; t < n; t++) out[t + 1] = word_of(row, side, t);
  out[n + 1] = LK_EOS;
  return n + 2;
}

/* `rows` rows to train on, without references, and 50 to validate on, with them. Row r of the input is identified by
 * its words. */
static lk_corpus *make_corpus(int rows) {
  lk_corpus_info info = {.kind = LK_CORPUS_PAIRS, .unit = "word", .target_unit = "word"};
  lk_corpus_writer *writer = NULL;
  lk_corpus *corpus = NULL;
  int32_t source[128], target[128];
  char text[32];
  const char *path = path_of("pairs.h5");
  add_words(&info.source, SOURCES);
  add_words(&info.target, TARGETS);
  assert_int_equal(lk_corpus_create(&writer, path, &info, "test"), LK_OK);
  for (int i = 0; i < rows + 50; i++) {
    lk_corpus_row row = {.source = source, .length = fill(source, i, 0), .target = target};
    row.target_length = fill(target, i, 1);
    if (i >= rows) {
      row.references = text;
      row.references_size = (size_t)snprintf(text, sizeof text, "row %d\tor %d", i, i + 1);
    }
    assert_int_equal(lk_corpus_add(writer, i < rows ? LK_TRAIN : LK_VALID, &row), LK_OK);
  }
  assert_int_equal(lk_corpus_commit(writer), LK_OK);
  lk_corpus_discard(&writer);
  assert_int_equal(lk_corpus_open(&corpus, path, true), LK_OK);
  lk_strings_release(&info.source);
  lk_strings_release(&info.target);
  return corpus;
}

typedef struct rank {
  lk_shards shards;
  lk_loader *loader;
  lk_arena arena;
  lk_batch batch;
  lk_batch_parts parts;
} rank;

enum { PARTS = 3 };
static void layout(rank *r) {
  lk_loader_layout(r->loader, &r->batch, &r->arena);
  lk_batch_parts_layout(&r->parts, r->loader, PARTS, &r->arena);
}

static void start(rank *r, const lk_corpus *corpus, int number, int size, const lk_loader_settings *settings) {
  *r = (rank){.shards = lk_shards_make(S, number, size)};
  assert_int_equal(lk_loader_open(&r->loader, corpus, &r->shards, settings), LK_OK);
  layout(r);
  assert_int_equal(lk_arena_reserve(&r->arena), LK_OK);
  layout(r);
}

static void stop(rank *r) {
  lk_loader_close(&r->loader);
  lk_arena_release(&r->arena);
}

/* One pair of a step. */
typedef struct pair {
  int shard, source_shard;
  uint32_t id, source_id;
  int32_t length, source_length;
  uint64_t content;
} pair;

static uint64_t content_of(const lk_batch *batch, ptrdiff_t b) {
  const ptrdiff_t e = batch->partner[b];
  uint64_t hash = 1;
  for (ptrdiff_t t = 0; t < batch->encoder_pack.length[e]; t++)
    hash = mix(hash, (uint64_t)lk_batch_ids(batch)[lk_pack_row(&batch->encoder_pack, e, t)]);
  for (ptrdiff_t t = 0; t < batch->pack.length[b]; t++) {
    const ptrdiff_t r = lk_pack_row(&batch->pack, b, t);
    hash = mix(mix(hash, (uint64_t)batch->decoder_ids[r]), (uint64_t)batch->target[r]);
  }
  return hash;
}

/* The same from the file: words and <eos> of the source, <sos> and words, words and <eos> of the target. */
static uint64_t row_content(const lk_corpus *corpus, lk_split split, uint32_t id, int32_t *length, int32_t *other) {
  const lk_corpus_info *info = lk_corpus_about(corpus);
  int32_t source[256], target[256];
  uint64_t hash = 1;
  int k = 0;
  ptrdiff_t row = (ptrdiff_t)id;
  while (row >= info->bucket[split][k].rows) row -= info->bucket[split][k++].rows;
  assert_int_equal(lk_corpus_rows(corpus, split, k, row, 1, source, length, target, NULL), LK_OK);
  assert_int_equal(lk_corpus_target_lengths(corpus, split, k, row, 1, other), LK_OK);
  for (ptrdiff_t t = 1; t < *length; t++) hash = mix(hash, (uint64_t)source[t]);
  for (ptrdiff_t t = 1; t < *other; t++) hash = mix(mix(hash, (uint64_t)target[t - 1]), (uint64_t)target[t]);
  --*length;
  --*other;
  return hash;
}

static void assert_within_limits(const rank *r) {
  const lk_batch *batch = &r->batch;
  const lk_bounds most = lk_loader_bounds(r->loader, 1);
  assert_true(batch->pack.B <= most.B && batch->pack.N <= most.N && batch->pack.T <= most.T);
  assert_true(batch->encoder_pack.B <= most.B && batch->encoder_pack.N <= most.source_N &&
              batch->encoder_pack.T <= most.source_T);
  assert_int_equal(batch->encoder_pack.B, batch->pack.B);
  assert_int_equal(batch->tokens, batch->pack.N + batch->encoder_pack.N);
}

static pair pair_of(const lk_batch *batch, ptrdiff_t b) {
  const ptrdiff_t e = batch->partner[b];
  return (pair){.shard = batch->pack.shards->first + batch->pack.home[b],
                .source_shard = batch->encoder_pack.shards->first + batch->encoder_pack.home[e],
                .id = batch->pack.id[b],
                .source_id = batch->encoder_pack.id[e],
                .length = batch->pack.length[b],
                .source_length = batch->encoder_pack.length[e],
                .content = content_of(batch, b)};
}

/* The parts of the batch have its pairs, `whole`, in the same order. */
static void check_parts(rank *r, const pair *whole) {
  const lk_bounds most = lk_loader_bounds(r->loader, PARTS);
  ptrdiff_t k = 0, tokens = 0;
  int first;
  for (int i = 0; i < r->parts.count; i++) {
    const lk_batch *part = lk_batch_part(&r->parts, &r->batch, i, &first);
    assert_true(part->pack.B <= most.B && part->pack.N <= most.N && part->encoder_pack.N <= most.source_N);
    assert_true(part->pack.T <= most.T && part->encoder_pack.T <= most.source_T);
    tokens += part->tokens;
    for (ptrdiff_t b = 0; b < part->pack.B; b++, k++) {
      const pair found = pair_of(part, b);
      assert_int_equal(found.shard, whole[k].shard);
      assert_int_equal(found.source_shard, whole[k].source_shard);
      assert_int_equal(found.id, whole[k].id);
      assert_int_equal(found.source_id, whole[k].source_id);
      assert_true(found.content == whole[k].content);
      if (part->references) assert_ptr_equal(part->references[b], r->batch.references[k]);
    }
  }
  assert_int_equal(k, r->batch.pack.B);
  assert_int_equal(tokens, r->batch.tokens);
}

static ptrdiff_t collect(rank *r, pair *out, ptrdiff_t count) {
  const lk_batch *batch = &r->batch;
  bool taken[256] = {false};
  assert_within_limits(r);
  for (ptrdiff_t b = 0; b < batch->pack.B; b++) {
    const ptrdiff_t e = batch->partner[b];
    assert_true(e >= 0 && e < batch->encoder_pack.B && !taken[e]);
    taken[e] = true;
    out[count++] = pair_of(batch, b);
  }
  check_parts(r, out + count - batch->pack.B);
  return count;
}

/* All pairs of an epoch on R ranks together; end[step]: where a step's pairs end. */
static ptrdiff_t epoch_of(const lk_corpus *corpus, int R, const lk_loader_settings *settings, pair *out,
                          ptrdiff_t *end) {
  rank r[S];
  ptrdiff_t count = 0;
  for (int i = 0; i < R; i++) start(&r[i], corpus, i, R, settings);
  for (int64_t step = 0; step < lk_loader_steps(r[0].loader); step++) {
    for (int i = 0; i < R; i++) {
      assert_int_equal(lk_loader_batch(r[i].loader, 1, step, &r[i].batch), LK_OK);
      count = collect(&r[i], out, count);
    }
    end[step] = count;
  }
  for (int i = 0; i < R; i++) stop(&r[i]);
  return count;
}

static pair one[ROWS_MOST], other[ROWS_MOST];
static ptrdiff_t one_end[ROWS_MOST], other_end[ROWS_MOST];

static void the_same_pairs_for_any_number_of_ranks(void **state) {
  (void)state;
  static const struct {
    int rows;
    ptrdiff_t batch, pool;
  } cases[] = {{1201, 32, 0}, {1201, 20, 5}, {97, 9, 1}, {5, 32, 0}, {100, 3, 0}};
  const int sizes[] = {2, 3, 8};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    lk_corpus *corpus = make_corpus(cases[i].rows);
    const lk_loader_settings settings = {
        .view = LK_VIEW_PAIRS, .seed = 5, .batch = cases[i].batch, .pool = cases[i].pool, .shuffle = true};
    const ptrdiff_t count = epoch_of(corpus, 1, &settings, one, one_end);
    bool seen[ROWS_MOST] = {false};
    assert_int_equal(count, cases[i].rows);
    for (ptrdiff_t k = 0; k < count; k++) {
      int32_t length, target_length;
      assert_true(one[k].id < (uint32_t)count && !seen[one[k].id]);
      seen[one[k].id] = true;
      assert_int_equal(one[k].source_id, one[k].id);
      assert_int_equal(one[k].source_shard, one[k].shard);
      assert_true(row_content(corpus, LK_TRAIN, one[k].id, &length, &target_length) == one[k].content);
      assert_int_equal(one[k].source_length, length);
      assert_int_equal(one[k].length, target_length);
    }
    for (int k = 0; k < 3; k++) {
      memset(other, 0, sizeof other);
      assert_int_equal(epoch_of(corpus, sizes[k], &settings, other, other_end), count);
      assert_memory_equal(one, other, (size_t)count * sizeof *one);
      assert_memory_equal(one_end, other_end,
                          (size_t)((count + cases[i].batch - 1) / cases[i].batch) * sizeof *one_end);
    }
    lk_corpus_close(&corpus);
  }
}

/* Without shuffling a shard's sources are sorted by falling length, those of equal length by the target's. */
static void pairs_come_by_both_lengths(void **state) {
  (void)state;
  lk_corpus *corpus = make_corpus(800);
  const lk_loader_settings settings = {.view = LK_VIEW_PAIRS, .batch = 16};
  rank r;
  int32_t last[S][2];
  for (int s = 0; s < S; s++) last[s][0] = last[s][1] = INT32_MAX;
  start(&r, corpus, 0, 1, &settings);
  assert_null(r.batch.references);
  for (int64_t step = 0; step < lk_loader_steps(r.loader); step++) {
    assert_int_equal(lk_loader_batch(r.loader, 0, step, &r.batch), LK_OK);
    const lk_pack *source = &r.batch.encoder_pack;
    for (int s = 0; s < S; s++) {
      int32_t least[2] = {INT32_MAX, INT32_MAX}; /* of this step: what the next may have at most */
      for (ptrdiff_t b = r.batch.pack.shard_seq[s]; b < r.batch.pack.shard_seq[s + 1]; b++) {
        const int32_t length = source->length[r.batch.partner[b]], target = r.batch.pack.length[b];
        assert_true(length < last[s][0] || (length == last[s][0] && target <= last[s][1]));
        if (length > least[0] || (length == least[0] && target > least[1])) continue;
        least[0] = length;
        least[1] = target;
      }
      if (least[0] < INT32_MAX) memcpy(last[s], least, sizeof least);
    }
  }
  stop(&r);
  lk_corpus_close(&corpus);
}

/* The accepted targets of every row, on every rank; "row 17" names the row of the input. */
static void references_go_with_their_rows(void **state) {
  (void)state;
  lk_corpus *corpus = make_corpus(30);
  const lk_loader_settings settings = {.view = LK_VIEW_PAIRS, .split = LK_VALID, .batch = 11};
  int rows = 0;
  for (int R = 1; R <= 3; R++)
    for (int k = 0; k < R; k++) {
      rank r;
      start(&r, corpus, k, R, &settings);
      for (int64_t step = 0; step < lk_loader_steps(r.loader); step++) {
        assert_int_equal(lk_loader_batch(r.loader, 0, step, &r.batch), LK_OK);
        for (ptrdiff_t b = 0; b < r.batch.pack.B; b++, rows++) {
          int row, next;
          assert_int_equal(sscanf(r.batch.references[b], "row %d\tor %d", &row, &next), 2);
          assert_int_equal(r.batch.pack.length[b], words_of(row, 1) + 1);
          assert_int_equal(r.batch.target[lk_pack_row(&r.batch.pack, b, 0)], word_of(row, 1, 0));
          assert_int_equal(lk_batch_ids(&r.batch)[lk_pack_row(&r.batch.encoder_pack, r.batch.partner[b], 0)],
                           word_of(row, 0, 0));
        }
      }
      stop(&r);
    }
  assert_int_equal(rows, 3 * 50);
  lk_corpus_close(&corpus);
}

static void other_views_and_corpora_are_refused(void **state) {
  (void)state;
  lk_corpus *corpus = make_corpus(30);
  lk_loader *loader = NULL;
  const lk_shards shards = lk_shards_make(S, 0, 1);
  lk_loader_settings settings = {.view = LK_VIEW_LABEL, .batch = 4};
  assert_fails(lk_loader_open(&loader, corpus, &shards, &settings), LK_DATA,
               "a labeller cannot read a corpus of kind pairs");
  settings.view = LK_VIEW_LM; /* of the sources */
  assert_int_equal(lk_loader_open(&loader, corpus, &shards, &settings), LK_OK);
  const lk_bounds most = lk_loader_bounds(loader, 1);
  assert_true(most.N > 0 && most.source_N == 0 && most.source_T == 0);
  lk_loader_close(&loader);
  settings = (lk_loader_settings){.view = LK_VIEW_PAIRS, .split = LK_TEST, .batch = 4};
  assert_fails(lk_loader_open(&loader, corpus, &shards, &settings), LK_DATA,
               "the corpus holds nothing in /test: prepare it with --test FILE or --test-fraction X");
  lk_corpus_close(&corpus);
}

static void sources_from_memory(void **state) {
  (void)state;
  const int32_t a[] = {10, 11}, c[] = {20, 21, 22, 23}, d[] = {30, 31};
  const lk_shards shards = lk_shards_make(1, 0, 1);
  lk_arena arena = {0};
  lk_batch batch;
  ptrdiff_t perm[4];
  for (int again = 0; again < 2; again++) { /* the arena grows */
    const ptrdiff_t count = again == 0 ? 1 : 4;
    assert_int_equal(lk_batch_from_sources(&batch, &arena, &shards, count, (const int32_t *const[]){a, NULL, c, d},
                                           (const ptrdiff_t[]){2, 0, 4, 2}, perm),
                     LK_OK);
    assert_int_equal(batch.encoder_pack.B, count);
    assert_int_equal(batch.pack.B, 0);
    assert_int_equal(batch.tokens, again == 0 ? 3 : 12);
  }
  assert_memory_equal(perm, ((ptrdiff_t[]){2, 0, 3, 1}), sizeof perm);
  assert_memory_equal(batch.encoder_pack.length, ((int32_t[]){5, 3, 3, 1}), 16);
  assert_memory_equal(lk_batch_ids(&batch),
                      ((int32_t[]){20, 10, 30, LK_EOS, 21, 11, 31, 22, LK_EOS, LK_EOS, 23, LK_EOS}), 48);
  assert_true(!batch.decoder_ids && !batch.target && !batch.partner && !batch.references);
  lk_arena_release(&arena);
}

static void pairs_from_memory(void **state) {
  (void)state;
  const int32_t a[] = {10, 11, 12}, b[] = {20}, x[] = {50}, y[] = {60, 61};
  const lk_shards shards = lk_shards_make(1, 0, 1);
  lk_arena arena = {0};
  lk_batch batch;
  ptrdiff_t perm[3];
  assert_int_equal(
      lk_batch_from_pairs(&batch, &arena, &shards, 3, (const int32_t *const[]){b, a, b}, (const ptrdiff_t[]){1, 3, 1},
                          (const int32_t *const[]){x, NULL, y}, (const ptrdiff_t[]){1, 0, 2}, perm),
      LK_OK);
  assert_memory_equal(perm, ((ptrdiff_t[]){2, 0, 1}), sizeof perm);
  assert_memory_equal(batch.pack.length, ((int32_t[]){3, 2, 1}), 12);
  assert_memory_equal(batch.encoder_pack.length, ((int32_t[]){4, 2, 2}), 12);
  assert_memory_equal(batch.encoder_pack.id, ((uint32_t[]){1, 0, 2}), 12);
  assert_memory_equal(batch.partner, ((int32_t[]){2, 1, 0}), 12);
  assert_memory_equal(batch.decoder_ids, ((int32_t[]){LK_SOS, LK_SOS, LK_SOS, 60, 50, 61}), 24);
  assert_memory_equal(batch.target, ((int32_t[]){60, 50, LK_EOS, 61, LK_EOS, LK_EOS}), 24);
  assert_memory_equal(lk_batch_ids(&batch), ((int32_t[]){10, 20, 20, 11, LK_EOS, LK_EOS, 12, LK_EOS}), 32);
  assert_int_equal(batch.tokens, 6 + 8);
  lk_arena_release(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_same_pairs_for_any_number_of_ranks),
                                     cmocka_unit_test(pairs_come_by_both_lengths),
                                     cmocka_unit_test(references_go_with_their_rows),
                                     cmocka_unit_test(other_views_and_corpora_are_refused),
                                     cmocka_unit_test(sources_from_memory),
                                     cmocka_unit_test(pairs_from_memory)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
