/* The loader: the same batches on any number of ranks, every row once an epoch, every unit of a text predicted once. */
#include "loader.h"

#include <math.h>

#include "batch_parts.h"
#include "corpus_writer.h"
#include "data_fixture.h"

enum { S = 8, VOCABULARY = 200, LABELS = 5, D = 3, ROWS_MOST = 4000 };

/* Count allocations, as lk_loader_batch() must make none. Sanitizers replace the allocator. */
static long allocations;
#if !LK_SANITIZED
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *malloc(size_t size) { return allocations++, __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return allocations++, __libc_calloc(count, size); }
void *realloc(void *block, size_t size) { return allocations++, __libc_realloc(block, size); }
#endif

static uint64_t mix(uint64_t hash, uint64_t value) { return (hash ^ value) * 0x9e3779b97f4a7c15u + (hash >> 29); }

/* Lengths like those of sentences: log-normal around eleven words. */
static ptrdiff_t length_of(int row) {
  const double z = lk_rng_normal(lk_rng_make(3, LK_PURPOSE_INIT), (uint32_t)row, 0, 0, 0);
  const double words = exp(2.4 + 0.75 * z);
  return words < 1 ? 1 : words > 120 ? 120 : (ptrdiff_t)words;
}

static void describe(lk_corpus_info *info, lk_corpus_kind kind) {
  memset(info, 0, sizeof *info);
  info->kind = kind;
  strcpy(info->unit, kind == LK_CORPUS_FRAMES ? "frame" : "word");
  if (kind == LK_CORPUS_FRAMES)
    info->frames = D;
  else
    info->source = many("w", VOCABULARY, true);
  if (kind != LK_CORPUS_TEXT) info->label = many("L", LABELS, false);
}

/* A corpus of `rows` rows in which every number encodes its row and position. */
static lk_corpus *make_rows(lk_corpus_kind kind, int rows) {
  static lk_corpus_info info;
  int32_t source[128], target[128];
  float frames[128 * D];
  lk_corpus_writer *writer = NULL;
  lk_corpus *corpus = NULL;
  const char *path = path_of("rows.h5");
  describe(&info, kind);
  assert_int_equal(lk_corpus_create(&writer, path, &info, "test"), LK_OK);
  for (int i = 0; i < rows; i++) {
    const ptrdiff_t n = length_of(i), length = kind == LK_CORPUS_FRAMES ? n : n + 2;
    for (ptrdiff_t t = 0; t < length; t++) {
      const bool edge = t == 0 || t == length - 1;
      source[t] = t == 0 ? LK_SOS : edge ? LK_EOS : (int32_t)(LK_SPECIALS + (i * 31 + t) % (VOCABULARY - LK_SPECIALS));
      target[t] = edge ? -1 : (int32_t)((i + t) % LABELS);
    }
    for (ptrdiff_t k = 0; k < length * D; k++) frames[k] = (float)(i * 1000 + k);
    if (kind == LK_CORPUS_CLASSIFY || kind == LK_CORPUS_FRAMES) target[0] = i % LABELS;
    const lk_corpus_row row = {.source = kind == LK_CORPUS_FRAMES ? NULL : source,
                               .length = length,
                               .target = kind == LK_CORPUS_TEXT ? NULL : target,
                               .target_length = kind == LK_CORPUS_TEXT    ? 0
                                                : kind == LK_CORPUS_LABEL ? length
                                                                          : 1,
                               .frames = kind == LK_CORPUS_FRAMES ? frames : NULL};
    assert_int_equal(lk_corpus_add(writer, LK_TRAIN, &row), LK_OK);
  }
  assert_int_equal(lk_corpus_commit(writer), LK_OK);
  lk_corpus_discard(&writer);
  assert_int_equal(lk_corpus_open(&corpus, path, true), LK_OK);
  lk_strings_release(&info.source);
  lk_strings_release(&info.label);
  return corpus;
}

enum { PARTS = 3 };

/* A rank: its loader, and a batch and its parts laid out for the limits that the loader states. */
typedef struct rank {
  lk_shards shards;
  lk_loader *loader;
  lk_arena arena;
  lk_batch batch;
  lk_bounds most;
  lk_batch_parts parts;
  lk_bounds part_most;
} rank;

static void layout(rank *r) {
  lk_loader_layout(r->loader, &r->batch, &r->arena);
  lk_batch_parts_layout(&r->parts, r->loader, PARTS, &r->arena);
}

static void start(rank *r, const lk_corpus *corpus, int number, int size, const lk_loader_settings *settings) {
  *r = (rank){.shards = lk_shards_make(S, number, size)};
  assert_int_equal(lk_loader_open(&r->loader, corpus, &r->shards, settings), LK_OK);
  r->most = lk_loader_bounds(r->loader, 1);
  r->part_most = lk_loader_bounds(r->loader, PARTS);
  layout(r);
  assert_int_equal(lk_arena_reserve(&r->arena), LK_OK);
  layout(r);
}

static void stop(rank *r) {
  lk_loader_close(&r->loader);
  lk_arena_release(&r->arena);
}

/* One sequence of a step. */
typedef struct sequence {
  int shard;
  uint32_t id;
  int32_t length;
  uint64_t content;
} sequence;

static uint64_t content_of(const lk_batch *batch, ptrdiff_t b, lk_view view) {
  uint64_t hash = 1;
  for (ptrdiff_t t = 0; t < batch->pack.length[b]; t++) {
    const ptrdiff_t r = lk_pack_row(&batch->pack, b, t);
    if (lk_batch_ids(batch)) hash = mix(hash, (uint64_t)lk_batch_ids(batch)[r]);
    for (int d = 0; !lk_batch_ids(batch) && d < D; d++)
      hash = mix(hash, (uint64_t)batch->input.column[0].numbers[r * D + d]);
    if (view != LK_VIEW_CLASSIFY) hash = mix(hash, (uint64_t)batch->target[r]);
  }
  return view == LK_VIEW_CLASSIFY ? mix(hash, (uint64_t)batch->target[b]) : hash;
}

/* The parts of the batch have its sequences, `whole`, in the same order. */
static void check_parts(rank *r, lk_view view, const sequence *whole) {
  ptrdiff_t k = 0, tokens = 0;
  int first;
  for (int i = 0; i < r->parts.count; i++) {
    const lk_batch *part = lk_batch_part(&r->parts, &r->batch, i, &first);
    const lk_bounds *most = &r->part_most;
    assert_true(part->pack.B <= most->B && part->pack.N <= most->N && part->pack.T <= most->T);
    assert_int_equal(part->pack.shards->first, r->shards.first + first);
    assert_int_equal(part->reset, r->batch.reset);
    assert_true(part->rate_factor == r->batch.rate_factor);
    tokens += part->tokens;
    for (ptrdiff_t b = 0; b < part->pack.B; b++, k++) {
      assert_int_equal(part->pack.shards->first + part->pack.home[b], whole[k].shard);
      assert_int_equal(part->pack.id[b], whole[k].id);
      assert_int_equal(part->pack.length[b], whole[k].length);
      assert_true(content_of(part, b, view) == whole[k].content);
      if (r->batch.lane) assert_int_equal(part->lane[b], r->batch.lane[k]);
    }
  }
  assert_int_equal(k, r->batch.pack.B);
  assert_int_equal(tokens, r->batch.tokens);
}

/* Append the batch's sequences, in shard order. */
static ptrdiff_t collect(rank *r, lk_view view, sequence *out, ptrdiff_t count) {
  const lk_batch *batch = &r->batch;
  assert_true(batch->pack.B <= r->most.B && batch->pack.N <= r->most.N && batch->pack.T <= r->most.T);
  assert_int_equal(batch->tokens, batch->pack.N);
  for (ptrdiff_t b = 0; b < batch->pack.B; b++)
    out[count++] = (sequence){.shard = r->shards.first + batch->pack.home[b],
                              .id = batch->pack.id[b],
                              .length = batch->pack.length[b],
                              .content = content_of(batch, b, view)};
  check_parts(r, view, out + count - batch->pack.B);
  return count;
}

/* All sequences of an epoch on R ranks together; end[step]: where a step's sequences end. */
static ptrdiff_t epoch_of(const lk_corpus *corpus, int R, const lk_loader_settings *settings, int64_t epoch,
                          sequence *out, ptrdiff_t *end) {
  rank r[S];
  ptrdiff_t count = 0;
  for (int i = 0; i < R; i++) start(&r[i], corpus, i, R, settings);
  const int64_t steps = lk_loader_steps(r[0].loader);
  const long before = allocations;
  for (int64_t step = 0; step < steps; step++) {
    for (int i = 0; i < R; i++) {
      assert_int_equal(lk_loader_batch(r[i].loader, epoch, step, &r[i].batch), LK_OK);
      count = collect(&r[i], settings->view, out, count);
    }
    end[step] = count;
  }
  assert_int_equal(allocations, before);
  for (int i = 0; i < R; i++) {
    assert_int_equal(lk_loader_steps(r[i].loader), steps);
    stop(&r[i]);
  }
  return count;
}

static const struct {
  lk_corpus_kind kind;
  lk_view view;
  int rows;
  ptrdiff_t batch, pool;
} cases[] = {{LK_CORPUS_TEXT, LK_VIEW_LM, 1500, 32, 0},
             {LK_CORPUS_LABEL, LK_VIEW_LABEL, 1501, 20, 5},
             {LK_CORPUS_CLASSIFY, LK_VIEW_CLASSIFY, 777, 9, 1},
             {LK_CORPUS_FRAMES, LK_VIEW_CLASSIFY, 300, 16, 3},
             {LK_CORPUS_TEXT, LK_VIEW_LM, 5, 32, 0},
             {LK_CORPUS_LABEL, LK_VIEW_LABEL, 100, 3, 0}};
enum { CASES = sizeof cases / sizeof *cases };

static sequence one[ROWS_MOST], other[ROWS_MOST];
static ptrdiff_t one_end[ROWS_MOST], other_end[ROWS_MOST];

static void the_same_batches_for_any_number_of_ranks(void **state) {
  (void)state;
  const int sizes[] = {2, 3, 4, 8};
  for (int i = 0; i < CASES; i++) {
    lk_corpus *corpus = make_rows(cases[i].kind, cases[i].rows);
    const lk_loader_settings settings = {
        .view = cases[i].view, .seed = 5, .batch = cases[i].batch, .pool = cases[i].pool, .shuffle = true};
    const ptrdiff_t count = epoch_of(corpus, 1, &settings, 1, one, one_end);
    bool seen[ROWS_MOST] = {false};
    assert_int_equal(count, cases[i].rows);
    for (ptrdiff_t k = 0; k < count; k++) {
      assert_true(one[k].id < (uint32_t)count && !seen[one[k].id]);
      seen[one[k].id] = true;
    }
    for (int k = 0; k < 4; k++) {
      memset(other, 0, sizeof other);
      assert_int_equal(epoch_of(corpus, sizes[k], &settings, 1, other, other_end), count);
      for (ptrdiff_t j = 0; j < count; j++)
        assert_true(one[j].shard == other[j].shard && one[j].id == other[j].id && one[j].length == other[j].length &&
                    one[j].content == other[j].content);
      assert_memory_equal(one_end, other_end,
                          (size_t)((count + cases[i].batch - 1) / cases[i].batch) * sizeof *one_end);
    }
    lk_corpus_close(&corpus);
  }
}

/* The contents of a row, read from the file, as the view must give them. */
static uint64_t row_content(const lk_corpus *corpus, lk_view view, uint32_t id, int32_t *length, char where[96]) {
  const lk_corpus_info *info = lk_corpus_about(corpus);
  int32_t source[256], target[256] = {0}, n;
  float frames[256 * D];
  uint64_t hash = 1;
  int k = 0;
  ptrdiff_t row = (ptrdiff_t)id;
  while (row >= info->bucket[LK_TRAIN][k].rows) row -= info->bucket[LK_TRAIN][k++].rows;
  (void)snprintf(where, 96, "train/len_%04td row %td", info->bucket[LK_TRAIN][k].width, row);
  assert_int_equal(lk_corpus_rows(corpus, LK_TRAIN, k, row, 1, info->frames ? NULL : source, &n,
                                  info->kind == LK_CORPUS_TEXT ? NULL : target, info->frames ? frames : NULL),
                   LK_OK);
  const int32_t first = info->frames || view == LK_VIEW_LM ? 0 : 1;
  *length = info->frames ? n : view == LK_VIEW_LM ? n - 1 : n - 2;
  for (int32_t t = first; t < first + *length; t++) {
    if (!info->frames) hash = mix(hash, (uint64_t)source[t]);
    for (int d = 0; info->frames && d < D; d++) hash = mix(hash, (uint64_t)frames[t * D + d]);
    if (view == LK_VIEW_LM) hash = mix(hash, (uint64_t)source[t + 1]);
    if (view == LK_VIEW_LABEL) hash = mix(hash, (uint64_t)target[t]);
  }
  return view == LK_VIEW_CLASSIFY ? mix(hash, (uint64_t)target[0]) : hash;
}

static void batches_hold_what_the_file_holds(void **state) {
  (void)state;
  for (int i = 0; i < CASES; i++) {
    lk_corpus *corpus = make_rows(cases[i].kind, cases[i].rows);
    const lk_loader_settings settings = {.view = cases[i].view, .batch = cases[i].batch, .shuffle = true};
    rank r;
    char where[96], expected[96];
    start(&r, corpus, 1, 2, &settings);
    for (int64_t step = 0; step < lk_loader_steps(r.loader); step++) {
      assert_int_equal(lk_loader_batch(r.loader, 0, step, &r.batch), LK_OK);
      const ptrdiff_t count = collect(&r, settings.view, one, 0);
      for (ptrdiff_t b = 0; b < count; b++) {
        int32_t length;
        assert_true(row_content(corpus, settings.view, one[b].id, &length, expected) == one[b].content);
        assert_int_equal(length, one[b].length);
        assert_string_equal(lk_loader_where(r.loader, &r.batch, b, where), expected);
      }
    }
    stop(&r);
    lk_corpus_close(&corpus);
  }
}

static void epochs_differ_and_repeat(void **state) {
  (void)state;
  lk_corpus *corpus = make_rows(LK_CORPUS_TEXT, 600);
  lk_loader_settings settings = {.view = LK_VIEW_LM, .seed = 5, .batch = 16, .shuffle = true};
  const ptrdiff_t count = epoch_of(corpus, 2, &settings, 3, one, one_end);
  (void)epoch_of(corpus, 2, &settings, 3, other, other_end);
  assert_memory_equal(one, other, (size_t)count * sizeof *one);
  (void)epoch_of(corpus, 2, &settings, 4, other, other_end);
  assert_memory_not_equal(one, other, (size_t)count * sizeof *one);
  settings.seed = 6;
  (void)epoch_of(corpus, 2, &settings, 3, other, other_end);
  assert_memory_not_equal(one, other, (size_t)count * sizeof *one);
  lk_corpus_close(&corpus);
}

static void without_shuffling_rows_come_by_length(void **state) {
  (void)state;
  lk_corpus *corpus = make_rows(LK_CORPUS_LABEL, 600);
  const lk_loader_settings settings = {.view = LK_VIEW_LABEL, .seed = 5, .batch = 16, .pool = 2};
  const ptrdiff_t count = epoch_of(corpus, 1, &settings, 0, one, one_end);
  int32_t last[S];
  for (int s = 0; s < S; s++) last[s] = INT32_MAX;
  for (ptrdiff_t k = 0; k < count; k++) {
    assert_true(one[k].length <= last[one[k].shard]);
    last[one[k].shard] = one[k].length;
  }
  (void)epoch_of(corpus, 1, &settings, 7, other, other_end);
  assert_memory_equal(one, other, (size_t)count * sizeof *one);
  lk_corpus_close(&corpus);
}

/* The excess of the largest shard of a step over the mean, for which the other ranks would wait. */
static double imbalance(const lk_corpus *corpus, ptrdiff_t batch, ptrdiff_t pool) {
  const lk_loader_settings settings = {.view = LK_VIEW_LABEL, .seed = 5, .batch = batch, .pool = pool, .shuffle = true};
  const ptrdiff_t count = epoch_of(corpus, 1, &settings, 0, one, one_end);
  double most_sum = 0, mean_sum = 0;
  ptrdiff_t k = 0;
  for (int64_t step = 0; k < count; step++) {
    double tokens[S] = {0}, most = 0, all = 0;
    for (; k < one_end[step]; k++) tokens[one[k].shard] += one[k].length;
    for (int s = 0; s < S; s++) {
      all += tokens[s];
      if (tokens[s] > most) most = tokens[s];
    }
    most_sum += most;
    mean_sum += all / S;
  }
  return most_sum / mean_sum;
}

static void shards_of_a_step_are_of_similar_length(void **state) {
  (void)state;
  lk_corpus *corpus = make_rows(LK_CORPUS_LABEL, ROWS_MOST);
  const double whole = imbalance(corpus, 32, 0), pooled = imbalance(corpus, 32, 20),
               unsorted = imbalance(corpus, 32, 1);
  print_message("busiest shard / mean shard: %.3f sorted by epoch, %.3f in pools of 20, %.3f in pools of 1\n", whole,
                pooled, unsorted);
  assert_true(whole < 1.06 && pooled < 1.08 && pooled < unsorted);
  lk_corpus_close(&corpus);
}

static lk_corpus *make_stream(ptrdiff_t units) {
  static lk_corpus_info info;
  lk_corpus_writer *writer = NULL;
  lk_corpus *corpus = NULL;
  int32_t ids[2000];
  describe(&info, LK_CORPUS_TEXT);
  info.stream = 1;
  for (ptrdiff_t i = 0; i < units; i++) ids[i] = (int32_t)(LK_SPECIALS + i * i % 191);
  assert_int_equal(lk_corpus_create(&writer, path_of("stream.h5"), &info, "test"), LK_OK);
  assert_int_equal(lk_corpus_add_stream(writer, LK_TRAIN, ids, NULL, units), LK_OK);
  assert_int_equal(lk_corpus_commit(writer), LK_OK);
  lk_corpus_discard(&writer);
  assert_int_equal(lk_corpus_open(&corpus, path_of("stream.h5"), true), LK_OK);
  lk_strings_release(&info.source);
  return corpus;
}

/* Count the rank's batch in `times` (how often each unit was predicted) and `next` (where each lane continues). */
static void follow_lanes(const rank *r, ptrdiff_t units, ptrdiff_t lanes, int *times, ptrdiff_t *next) {
  const lk_batch *batch = &r->batch;
  ptrdiff_t first;
  const ptrdiff_t mine = lk_loader_lanes(r->loader, &first);
  assert_true(batch->pack.B <= mine && batch->pack.N <= r->most.N && batch->pack.T <= r->most.T);
  for (ptrdiff_t b = 0; b < batch->pack.B; b++) {
    const ptrdiff_t lane = (ptrdiff_t)batch->pack.id[b];
    assert_int_equal(batch->lane[b], lane - first);
    assert_true(lane >= first && lane < first + mine);
    if (next[lane] < 0) next[lane] = (units - 1) * lane / lanes;
    for (ptrdiff_t t = 0; t < batch->pack.length[b]; t++) {
      const ptrdiff_t row = lk_pack_row(&batch->pack, b, t), at = next[lane]++;
      assert_int_equal(lk_batch_ids(batch)[row], LK_SPECIALS + at * at % 191);
      assert_int_equal(batch->target[row], LK_SPECIALS + (at + 1) * (at + 1) % 191);
      times[at + 1]++;
    }
  }
}

static void every_unit_of_a_text_is_predicted_once(void **state) {
  (void)state;
  const ptrdiff_t shapes[][3] = {{1003, 20, 7}, {1003, 5, 50}, {100, 8, 1}, {9, 8, 4}, {1000, 1, 2000}};
  for (int i = 0; i < 10; i++) {
    const ptrdiff_t units = shapes[i / 2][0], lanes = shapes[i / 2][1];
    lk_corpus *corpus = make_stream(units);
    const lk_loader_settings settings = {
        .view = LK_VIEW_LM, .batch = lanes, .unroll = shapes[i / 2][2], .shuffle = true, .unroll_random = i % 2};
    for (int R = 1; R <= S; R++) {
      int times[2000] = {0};
      ptrdiff_t next[64];
      for (int l = 0; l < 64; l++) next[l] = -1;
      for (int k = 0; k < R; k++) {
        rank r;
        start(&r, corpus, k, R, &settings);
        const long before = allocations;
        for (int64_t step = 0; step < lk_loader_steps(r.loader); step++) {
          assert_int_equal(lk_loader_batch(r.loader, 2, step, &r.batch), LK_OK);
          assert_int_equal(r.batch.reset, step == 0);
          follow_lanes(&r, units, lanes, times, next);
        }
        assert_int_equal(allocations, before);
        stop(&r);
      }
      assert_int_equal(times[0], 0);
      for (ptrdiff_t u = 1; u < units; u++) assert_int_equal(times[u], 1);
    }
    lk_corpus_close(&corpus);
  }
}

static void refused(const lk_corpus *corpus, lk_loader_settings settings, lk_status code, const char *words) {
  lk_loader *loader = NULL;
  const lk_shards shards = lk_shards_make(S, 0, 1);
  assert_fails(lk_loader_open(&loader, corpus, &shards, &settings), code, words);
  assert_null(loader);
}

static void what_does_not_fit_is_refused(void **state) {
  (void)state;
  lk_corpus *text = make_rows(LK_CORPUS_TEXT, 10), *stream = make_stream(10);
  refused(text, (lk_loader_settings){.view = LK_VIEW_LABEL, .batch = 4}, LK_DATA,
          "a labeller cannot read a corpus of kind text");
  refused(text, (lk_loader_settings){.view = LK_VIEW_CLASSIFY, .batch = 4}, LK_DATA,
          "a classifier cannot read a corpus of kind text");
  refused(text, (lk_loader_settings){.view = LK_VIEW_LM, .split = LK_VALID, .batch = 4}, LK_DATA,
          "the corpus holds nothing in /valid: prepare it with --valid FILE or --valid-fraction X");
  refused(text, (lk_loader_settings){.view = LK_VIEW_LM}, LK_USAGE, "a batch of 0 sequences: at least 1");
  refused(stream, (lk_loader_settings){.view = LK_VIEW_LM, .batch = 10, .unroll = 5}, LK_USAGE,
          "train/stream has 10 units, too few for 10 lanes: eval.batch (or eval --batch) can be 9 at most");
  refused(stream, (lk_loader_settings){.view = LK_VIEW_LM, .batch = 10, .unroll = 5, .shuffle = true}, LK_USAGE,
          "train/stream has 10 units, too few for 10 lanes: train.batch can be 9 at most");
  refused(stream, (lk_loader_settings){.view = LK_VIEW_LM, .batch = 2}, LK_USAGE, "unroll of 0 units: at least 1");
  lk_corpus_close(&text);
  lk_corpus_close(&stream);
  lk_corpus *frames = make_rows(LK_CORPUS_FRAMES, 10);
  refused(frames, (lk_loader_settings){.view = LK_VIEW_LM, .batch = 4}, LK_DATA,
          "a language model cannot read a corpus of kind frames");
  lk_corpus_close(&frames);
}

static void batches_from_memory(void **state) {
  (void)state;
  const int32_t a[] = {1, 10, 11}, b[] = {1}, c[] = {1, 20, 21, 22, 23}, d[] = {1, 30, 31};
  const lk_shards shards = lk_shards_make(1, 0, 1);
  lk_arena arena = {0};
  lk_batch batch;
  ptrdiff_t perm[4];
  for (int again = 0; again < 3; again++) { /* the arena is used again, and grows */
    const ptrdiff_t count = again == 0 ? 2 : 4;
    assert_int_equal(lk_batch_from_ids(&batch, &arena, &shards, count, (const int32_t *const[]){a, b, c, d},
                                       (const ptrdiff_t[]){3, 1, 5, 3}, perm),
                     LK_OK);
    assert_int_equal(batch.pack.B, count);
    assert_int_equal(batch.tokens, again == 0 ? 4 : 12);
  }
  assert_memory_equal(perm, ((ptrdiff_t[]){2, 0, 3, 1}), sizeof perm);
  assert_memory_equal(lk_batch_ids(&batch), ((int32_t[]){1, 1, 1, 1, 20, 10, 30, 21, 11, 31, 22, 23}), 48);
  assert_memory_equal(batch.pack.length, ((int32_t[]){5, 3, 3, 1}), 16);
  assert_null(batch.target);
  lk_arena_release(&arena);
}

/* Missing labels, and labels that training does not have, are passed through; training has none of the latter. */
static void labels_that_are_none(void **state) {
  (void)state;
  static const lk_corpus_kind kinds[] = {LK_CORPUS_LABEL, LK_CORPUS_CLASSIFY, LK_CORPUS_FRAMES};
  static const int32_t labels[] = {1, LK_NO_LABEL, LK_UNSEEN_LABEL};
  const lk_shards alone = lk_shards_make(1, 0, 1);
  for (int k = 0; k < 3; k++) {
    lk_corpus_info info;
    lk_corpus_writer *writer = NULL;
    lk_corpus *corpus = NULL;
    lk_loader *loader = NULL;
    lk_batch batch;
    lk_arena arena = {0};
    const float frames[3 * D] = {0};
    const int frame = kinds[k] == LK_CORPUS_FRAMES, words = kinds[k] == LK_CORPUS_LABEL;
    describe(&info, kinds[k]);
    assert_int_equal(lk_corpus_create(&writer, path_of("none.h5"), &info, "test"), LK_OK);
    for (int i = 0; i < 3; i++) {
      const int32_t source[3] = {LK_SOS, LK_SPECIALS, LK_EOS}, target[3] = {-1, labels[i], -1};
      const lk_corpus_row row = {.source = frame ? NULL : source,
                                 .length = 3,
                                 .target = words ? target : target + 1,
                                 .target_length = words ? 3 : 1,
                                 .frames = frame ? frames : NULL};
      assert_int_equal(lk_corpus_add(writer, LK_VALID, &row), LK_OK);
      assert_int_equal(lk_corpus_add(writer, LK_TRAIN, &row), LK_OK);
    }
    assert_int_equal(lk_corpus_commit(writer), LK_OK);
    lk_corpus_discard(&writer);
    assert_int_equal(lk_corpus_open(&corpus, path_of("none.h5"), true), LK_OK);
    lk_loader_settings settings = {.view = words ? LK_VIEW_LABEL : LK_VIEW_CLASSIFY, .split = LK_VALID, .batch = 3};
    assert_int_equal(lk_loader_open(&loader, corpus, &alone, &settings), LK_OK);
    lk_loader_layout(loader, &batch, &arena);
    assert_int_equal(lk_arena_reserve(&arena), LK_OK);
    lk_loader_layout(loader, &batch, &arena);
    assert_int_equal(lk_loader_batch(loader, 0, 0, &batch), LK_OK);
    int seen[3] = {0};
    for (int i = 0; i < 3; i++) seen[batch.target[i] < 0 ? -batch.target[i] : 0]++;
    assert_true(seen[0] == 1 && seen[1] == 1 && seen[2] == 1);
    lk_loader_close(&loader);
    settings.split = LK_TRAIN;
    assert_int_equal(lk_loader_open(&loader, corpus, &alone, &settings), LK_DATA);
    lk_error_clear();
    lk_arena_release(&arena);
    lk_corpus_close(&corpus);
    lk_strings_release(&info.source);
    lk_strings_release(&info.label);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_same_batches_for_any_number_of_ranks),
                                     cmocka_unit_test(batches_hold_what_the_file_holds),
                                     cmocka_unit_test(epochs_differ_and_repeat),
                                     cmocka_unit_test(without_shuffling_rows_come_by_length),
                                     cmocka_unit_test(shards_of_a_step_are_of_similar_length),
                                     cmocka_unit_test(every_unit_of_a_text_is_predicted_once),
                                     cmocka_unit_test(what_does_not_fit_is_refused),
                                     cmocka_unit_test(labels_that_are_none),
                                     cmocka_unit_test(batches_from_memory)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
