/* Rows that are read ahead: each batch is the one of a loader that holds all rows, whatever the memory, in any order of
 * steps; and what is said of a corpus that changes meanwhile. */
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "corpus_writer.h"
#include "data_fixture.h"
#include "loader.h"

enum { S = 4, VOCABULARY = 200, LABELS = 5, D = 3, WIDTH = 2, ROWS = 12000, UNITS = 600000, MOST = 128 };

static uint32_t noise(uint32_t row, uint32_t at) {
  return (uint32_t)(lk_rng_uniform(lk_rng_make(7, LK_PURPOSE_INIT), row, at, 0, 0) * 1e9);
}

/* Labelled words have two further columns: of tokens, and of numbers. */
static void describe(lk_corpus_info *info, lk_corpus_kind kind, bool stream) {
  memset(info, 0, sizeof *info);
  info->kind = kind;
  info->stream = stream;
  strcpy(info->unit, kind == LK_CORPUS_FRAMES ? "frame" : "word");
  strcpy(info->target_unit, kind == LK_CORPUS_PAIRS ? "word" : "");
  if (kind == LK_CORPUS_FRAMES)
    info->frames = D;
  else
    info->source = many("w", VOCABULARY, true);
  if (kind == LK_CORPUS_PAIRS) info->target = many("t", VOCABULARY, true);
  if (kind == LK_CORPUS_CLASSIFY || kind == LK_CORPUS_LABEL || kind == LK_CORPUS_FRAMES)
    info->label = many("L", LABELS, false);
  if (kind != LK_CORPUS_LABEL && !stream) return;
  strcpy(info->column[0].name, "shape");
  info->column[0].width = 1;
  info->column[0].values = many("s", 9, false);
  info->columns = 1;
  if (stream) return;
  strcpy(info->column[1].name, "figures");
  info->column[1].numbers = true;
  info->column[1].width = WIDTH;
  info->columns = 2;
}

static void release(lk_corpus_info *info) {
  lk_strings_release(&info->source);
  lk_strings_release(&info->target);
  lk_strings_release(&info->label);
  lk_strings_release(&info->column[0].values);
}

static void add_row(lk_corpus_writer *writer, const lk_corpus_info *info, uint32_t i) {
  int32_t source[MOST], target[MOST], shape[MOST];
  float frames[MOST * D], figures[MOST * WIDTH];
  const lk_corpus_kind kind = info->kind;
  const ptrdiff_t length = 3 + noise(i, 1000) % (noise(i, 1001) % 8 == 0 ? 100 : 14);
  ptrdiff_t targets = kind == LK_CORPUS_TEXT ? 0 : kind == LK_CORPUS_LABEL ? length : 1;
  if (kind == LK_CORPUS_PAIRS) targets = 3 + noise(i, 1002) % 20;
  for (uint32_t t = 0; t < MOST; t++) {
    const bool edge = t == 0 || t == length - 1;
    source[t] = t == 0 ? LK_SOS : edge ? LK_EOS : (int32_t)(LK_SPECIALS + noise(i, t) % (VOCABULARY - LK_SPECIALS));
    target[t] = kind == LK_CORPUS_PAIRS           ? source[t]
                : edge && kind == LK_CORPUS_LABEL ? -1
                                                  : (int32_t)(noise(i, t) % LABELS);
    shape[t] = (int32_t)(noise(i, t) % 9);
    for (uint32_t d = 0; d < D; d++) frames[t * D + d] = (float)noise(i, 3 * t + d);
    for (uint32_t d = 0; d < WIDTH; d++) figures[t * WIDTH + d] = (float)noise(i, 2 * t + d);
  }
  const lk_corpus_row row = {.source = info->frames ? NULL : source,
                             .length = length,
                             .target = targets ? target : NULL,
                             .target_length = targets,
                             .frames = info->frames ? frames : NULL,
                             .column = {shape, figures}};
  assert_int_equal(lk_corpus_add(writer, LK_TRAIN, &row), LK_OK);
}

static void add_text(lk_corpus_writer *writer) {
  enum { BLOCK = 1000 };
  int32_t ids[BLOCK], shape[BLOCK], *column[] = {shape};
  for (uint32_t i = 0; i < UNITS / BLOCK; i++) {
    for (uint32_t t = 0; t < BLOCK; t++) {
      ids[t] = (int32_t)(LK_SPECIALS + noise(i, t) % (VOCABULARY - LK_SPECIALS));
      shape[t] = (int32_t)(noise(i, t) % 9);
    }
    assert_int_equal(lk_corpus_add_stream(writer, LK_TRAIN, ids, column, BLOCK), LK_OK);
  }
}

static lk_corpus *make(const char *path, lk_corpus_kind kind, bool stream) {
  static lk_corpus_info info;
  lk_corpus_writer *writer = NULL;
  lk_corpus *corpus = NULL;
  describe(&info, kind, stream);
  assert_int_equal(lk_corpus_create(&writer, path, &info, "test"), LK_OK);
  for (uint32_t i = 0; i < ROWS && !stream; i++) add_row(writer, &info, i);
  if (stream) add_text(writer);
  assert_int_equal(lk_corpus_commit(writer), LK_OK);
  lk_corpus_discard(&writer);
  release(&info);
  assert_int_equal(lk_corpus_open(&corpus, path, true), LK_OK);
  return corpus;
}

typedef struct reader {
  lk_shards shards;
  lk_loader *loader;
  lk_arena arena;
  lk_batch batch;
} reader;

static void start(reader *r, const lk_corpus *corpus, int number, int size, const lk_loader_settings *settings,
                  bool ahead) {
  bool is;
  *r = (reader){.shards = lk_shards_make(S, number, size)};
  if (lk_loader_open(&r->loader, corpus, &r->shards, settings) != LK_OK) fail_msg("%s", lk_error_get()->text);
  (void)lk_loader_memory(r->loader, &is);
  assert_int_equal(is, ahead);
  lk_loader_layout(r->loader, &r->batch, &r->arena);
  assert_int_equal(lk_arena_reserve(&r->arena), LK_OK);
  lk_loader_layout(r->loader, &r->batch, &r->arena);
}

static void stop(reader *r) {
  lk_loader_close(&r->loader);
  lk_arena_release(&r->arena);
}

static void same_packs(const lk_pack *a, const lk_pack *b) {
  assert_int_equal(a->B, b->B);
  assert_int_equal(a->N, b->N);
  assert_memory_equal(a->length, b->length, (size_t)a->B * sizeof *a->length);
  assert_memory_equal(a->id, b->id, (size_t)a->B * sizeof *a->id);
}

static void same(const lk_batch *a, const lk_batch *b, lk_view view) {
  const size_t N = (size_t)a->pack.N, B = (size_t)a->pack.B;
  const size_t in = view == LK_VIEW_PAIRS ? (size_t)a->encoder_pack.N : N;
  same_packs(&a->pack, &b->pack);
  if (view == LK_VIEW_PAIRS) same_packs(&a->encoder_pack, &b->encoder_pack);
  for (int c = 0; c < a->input.count; c++) {
    const lk_column *x = &a->input.column[c], *y = &b->input.column[c];
    const size_t width = x->ids ? 1 : a->input.count > 1 ? WIDTH : D;
    if (in == 0) continue;
    assert_memory_equal(x->ids ? (void *)x->ids : (void *)x->numbers, y->ids ? (void *)y->ids : (void *)y->numbers,
                        in * width * 4);
  }
  if (N > 0) assert_memory_equal(a->target, b->target, (view == LK_VIEW_CLASSIFY ? B : N) * sizeof *a->target);
  assert_int_equal(a->tokens, b->tokens);
  assert_int_equal(a->reset, b->reset);
  assert_true(a->rate_factor == b->rate_factor);
  if (a->lane) assert_memory_equal(a->lane, b->lane, B * sizeof *a->lane);
  if (view != LK_VIEW_PAIRS) return;
  assert_memory_equal(a->decoder_ids, b->decoder_ids, N * sizeof *a->decoder_ids);
  assert_memory_equal(a->partner, b->partner, B * sizeof *a->partner);
}

static void compare(reader *all, reader *some, int64_t epoch, int64_t step, lk_view view) {
  assert_int_equal(lk_loader_batch(all->loader, epoch, step, &all->batch), LK_OK);
  if (lk_loader_batch(some->loader, epoch, step, &some->batch) != LK_OK) fail_msg("%s", lk_error_get()->text);
  same(&all->batch, &some->batch, view);
}

static const struct {
  lk_corpus_kind kind;
  lk_view view;
  bool stream, random;
  ptrdiff_t pool;
  double share; /* of the estimated memory of all rows */
} cases[] = {
    {LK_CORPUS_TEXT, LK_VIEW_LM, false, false, 16, 0.85},
    {LK_CORPUS_TEXT, LK_VIEW_LM, false, false, 0, 0.75},
    {LK_CORPUS_TEXT, LK_VIEW_LM, true, false, 0, 0.85},
    {LK_CORPUS_TEXT, LK_VIEW_LM, true, true, 0, 0.95},
    {LK_CORPUS_CLASSIFY, LK_VIEW_CLASSIFY, false, false, 8, 0.95},
    {LK_CORPUS_LABEL, LK_VIEW_LABEL, false, false, 16, 0.95},
    {LK_CORPUS_PAIRS, LK_VIEW_PAIRS, false, false, 16, 0.9},
    {LK_CORPUS_FRAMES, LK_VIEW_CLASSIFY, false, false, 16, 0.5},
};
enum { CASES = sizeof cases / sizeof *cases };

static void same_batches_on(const lk_corpus *corpus, int i, int number, int size) {
  lk_loader_settings settings = {.view = cases[i].view,
                                 .seed = 5,
                                 .batch = 24,
                                 .unroll = 20,
                                 .unroll_random = cases[i].random,
                                 .pool = cases[i].pool,
                                 .shuffle = true};
  reader all, some;
  start(&all, corpus, number, size, &settings, false);
  const lk_shards shards = lk_shards_make(S, number, size);
  settings.memory = (size_t)(cases[i].share * lk_loader_estimate(lk_corpus_about(corpus), &settings, &shards));
  start(&some, corpus, number, size, &settings, true);
  const int64_t steps = lk_loader_steps(all.loader);
  assert_int_equal(lk_loader_steps(some.loader), steps);
  for (int64_t step = steps / 3; step < steps; step++) compare(&all, &some, 0, step, cases[i].view); /* as resumed */
  for (int64_t step = 0; step < steps; step++) compare(&all, &some, 1, step, cases[i].view);
  compare(&all, &some, 0, 7, cases[i].view); /* jumps, as a run that goes back */
  compare(&all, &some, 0, steps - 1, cases[i].view);
  compare(&all, &some, 2, 1, cases[i].view);
  compare(&all, &some, 2, 0, cases[i].view);
  stop(&all);
  stop(&some);
}

static void same_batches(void **state) {
  (void)state;
  for (int i = 0; i < CASES; i++) {
    lk_corpus *corpus = make(path_of("ahead.h5"), cases[i].kind, cases[i].stream);
    same_batches_on(corpus, i, 0, 1);
    if (i % 2 == 0 && !cases[i].stream) same_batches_on(corpus, i, 1, 2);
    lk_corpus_close(&corpus);
  }
}

/* ---- a file that changes ---- */

/* Read steps until one fails. */
static lk_status read_on(reader *r, int64_t from) {
  const int64_t steps = lk_loader_steps(r->loader);
  for (int64_t i = 0; i < 4 * steps; i++) {
    const lk_status status = lk_loader_batch(r->loader, (from + i) / steps, (from + i) % steps, &r->batch);
    if (status == LK_OK) continue;
    assert_int_equal(r->batch.pack.B, 0); /* what ranks exchange after a failure is valid */
    assert_int_equal(r->batch.tokens, 0);
    return status;
  }
  return LK_OK;
}

enum change { TOUCHED, OVERWRITTEN, CUT };

static void changed(enum change change, lk_status expected, const char *words) {
  const char *path = path_of("changed.h5");
  lk_corpus *corpus = make(path, LK_CORPUS_TEXT, false);
  const lk_shards shards = lk_shards_make(S, 0, 1);
  lk_loader_settings settings = {.view = LK_VIEW_LM, .seed = 5, .batch = 24, .pool = 16, .shuffle = true};
  settings.memory = (size_t)(0.85 * lk_loader_estimate(lk_corpus_about(corpus), &settings, &shards));
  reader r;
  start(&r, corpus, 0, 1, &settings, true);
  assert_int_equal(lk_loader_batch(r.loader, 0, 0, &r.batch), LK_OK);
  const int fd = open(path, O_RDWR);
  assert_true(fd >= 0);
  struct stat about;
  assert_int_equal(fstat(fd, &about), 0);
  if (change == TOUCHED) assert_int_equal(futimens(fd, (const struct timespec[]){{1, 0}, {1, 0}}), 0);
  if (change == CUT) assert_int_equal(ftruncate(fd, about.st_size / 3), 0);
  if (change == OVERWRITTEN) /* with other bytes of the same size, in many places */
    for (off_t at = about.st_size / 4; at < about.st_size; at += 4096) assert_int_equal(pwrite(fd, "\x55", 1, at), 1);
  close(fd);
  const lk_status status = read_on(&r, 1);
  assert_int_equal(status, expected);
  if (words) assert_non_null(strstr(lk_error_get()->text, words));
  if (words) assert_non_null(strstr(lk_error_get()->text, "changed.h5"));
  lk_error_clear();
  stop(&r);
  lk_corpus_close(&corpus);
}

static void changed_files(void **state) {
  (void)state;
  changed(TOUCHED, LK_OK, NULL);
  changed(OVERWRITTEN, LK_DATA, "");
  changed(CUT, LK_DATA, "");
}

static void too_little(void **state) {
  (void)state;
  lk_corpus *corpus = make(path_of("little.h5"), LK_CORPUS_TEXT, false);
  const lk_shards shards = lk_shards_make(S, 0, 1);
  lk_loader *loader = NULL;
  const lk_loader_settings settings = {
      .view = LK_VIEW_LM, .seed = 5, .batch = 24, .pool = 16, .shuffle = true, .memory = 100000};
  assert_int_equal(lk_loader_open(&loader, corpus, &shards, &settings), LK_USAGE);
  assert_non_null(strstr(lk_error_get()->text, " KiB for the rows of /train on a rank, but their plan takes "));
  lk_error_clear();
  lk_corpus_close(&corpus);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_batches),
      cmocka_unit_test(changed_files),
      cmocka_unit_test(too_little),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
