/* Corpora: every kind is read back row by row as it was added, from the smallest bucket that fits; a malformed file is
 * refused with the names of file, data set and row. */
#include "corpus_writer.h"

#include <math.h>

#include "clock.h"
#include "store_fixture.h"

enum { WORDS = 50, LABELS = 5, D = 3 };

static void add_words(lk_strings *strings, int count, const char *prefix) {
  static const char *const special[] = {"<pad>", "<sos>", "<eos>", "<unk>"};
  char text[32];
  for (int i = 0; i < count; i++) {
    snprintf(text, sizeof text, "%s%d", prefix, i);
    const char *word = *prefix == 'w' && i < LK_SPECIALS ? special[i] : text;
    OK(lk_strings_add(strings, word, strlen(word), 1000 - i));
  }
}

static lk_corpus_info describe(lk_corpus_kind kind) {
  lk_corpus_info info = {.kind = kind, .unit = "word", .lower = 1, .nfc = 0};
  if (kind == LK_CORPUS_FRAMES) {
    info.frames = D;
    snprintf(info.unit, sizeof info.unit, "frame");
  } else {
    add_words(&info.source, WORDS, "w");
  }
  if (kind == LK_CORPUS_PAIRS) add_words(&info.target, WORDS + 7, "w");
  if (kind == LK_CORPUS_CLASSIFY || kind == LK_CORPUS_LABEL || kind == LK_CORPUS_FRAMES)
    add_words(&info.label, LABELS, "label");
  return info;
}

static void release(lk_corpus_info *info) {
  lk_strings_release(&info->source);
  lk_strings_release(&info->target);
  lk_strings_release(&info->label);
}

/* Row i of a generated corpus. The buffers are reused, as rows are copied when they are added. */
typedef struct made_row {
  int32_t source[400], target[400];
  float frames[400 * D];
  lk_corpus_row row;
} made_row;

static void make_row(made_row *made, const lk_corpus_info *info, int i) {
  uint64_t random = (uint64_t)i * 7 + 1;
  const ptrdiff_t length = info->frames ? 1 + next_random(&random) % 70 : 2 + next_random(&random) % (i % 9 ? 30 : 300);
  made->row = (lk_corpus_row){.length = length};
  for (ptrdiff_t j = 0; j < length; j++) {
    made->source[j] = j == 0 ? LK_SOS : j == length - 1 ? LK_EOS : (int32_t)(next_random(&random) % (WORDS - 4)) + 3;
    for (int d = 0; d < D; d++) made->frames[j * D + d] = (float)next_random(&random) * 1e-9f;
  }
  ptrdiff_t targets = info->kind == LK_CORPUS_LABEL ? length : 1;
  if (info->kind == LK_CORPUS_PAIRS) targets = 2 + next_random(&random) % 40;
  for (ptrdiff_t j = 0; j < targets; j++)
    made->target[j] = (int32_t)(next_random(&random) % (LABELS + 1)) - (info->kind == LK_CORPUS_PAIRS ? -1 : 1);
  if (info->frames)
    made->row.frames = made->frames;
  else
    made->row.source = made->source;
  if (info->kind == LK_CORPUS_TEXT) return;
  made->row.target = made->target;
  made->row.target_length = targets;
}

static int rows_of(lk_split split) { return split == LK_TRAIN ? 3000 : split == LK_VALID ? 40 : 0; }

static void write_corpus(const char *path, const lk_corpus_info *info) {
  static made_row made;
  lk_corpus_writer *writer;
  OK(lk_corpus_create(&writer, path, info, "a.txt 0123"));
  for (lk_split split = LK_TRAIN; split < LK_SPLITS; split++)
    for (int i = 0; i < rows_of(split); i++) {
      make_row(&made, info, i + 10000 * (int)split);
      OK(lk_corpus_add(writer, split, &made.row));
    }
  OK(lk_corpus_commit(writer));
  lk_corpus_discard(&writer);
}

static ptrdiff_t longest_of(const lk_corpus_row *row, lk_corpus_kind kind) {
  return kind == LK_CORPUS_PAIRS && row->target_length > row->length ? row->target_length : row->length;
}

/* Rows stay in order inside a bucket, so the next row of the expected bucket must be this one. */
static void check_row(const lk_corpus *corpus, lk_split split, const lk_corpus_row *row, ptrdiff_t *next) {
  const lk_corpus_info *info = lk_corpus_about(corpus);
  static int32_t source[512], target[512];
  static float frames[512 * D];
  int32_t length;
  int bucket = 0;
  while (info->bucket[split][bucket].width < longest_of(row, info->kind)) assert_true(++bucket < info->buckets[split]);
  const lk_bucket *b = &info->bucket[split][bucket];
  OK(lk_corpus_rows(corpus, split, bucket, next[bucket]++, 1, source, &length, target, frames));
  assert_int_equal(length, row->length);
  for (ptrdiff_t j = 0; j < b->width; j++) {
    if (row->source) assert_int_equal(source[j], j < length ? row->source[j] : LK_PAD);
    for (int d = 0; row->frames && d < D; d++)
      assert_true(frames[j * D + d] == (j < length ? row->frames[j * D + d] : 0));
  }
  const int32_t fill = info->kind == LK_CORPUS_LABEL ? -1 : LK_PAD;
  for (ptrdiff_t j = 0; j < b->target_width; j++)
    assert_int_equal(target[j], j < row->target_length ? row->target[j] : fill);
}

static void check_kind(lk_corpus_kind kind) {
  static made_row made;
  lk_corpus *corpus;
  lk_corpus_info info = describe(kind);
  write_corpus("c.h5", &info);
  OK(lk_corpus_open(&corpus, "c.h5", true));
  const lk_corpus_info *about = lk_corpus_about(corpus);
  assert_int_equal(about->kind, kind);
  assert_string_equal(about->unit, info.unit);
  assert_true(about->lower == 1 && about->nfc == 0 && about->frames == info.frames && !about->stream);
  assert_int_equal(about->source.count, info.source.count);
  assert_int_equal(about->target.count, info.target.count);
  assert_int_equal(about->label.count, info.label.count);
  if (about->source.count) assert_string_equal(lk_strings_get(&about->source, 3), "<unk>");
  if (about->source.count) assert_int_equal(about->source.number[7], 1000 - 7);
  assert_int_equal(strlen(about->digest), 32);
  assert_int_equal(about->buckets[LK_TEST], 0);
  ptrdiff_t longest = 0;
  for (lk_split split = LK_TRAIN; split < LK_SPLITS; split++) {
    ptrdiff_t next[LK_MAX_BUCKETS] = {0}, tokens = 0;
    for (int i = 0; i < rows_of(split); i++) {
      make_row(&made, &info, i + 10000 * (int)split);
      check_row(corpus, split, &made.row, next);
      tokens += made.row.length - (kind == LK_CORPUS_FRAMES ? 0 : 2);
      if (longest_of(&made.row, kind) > longest) longest = longest_of(&made.row, kind);
    }
    assert_int_equal(about->rows[split], rows_of(split));
    assert_int_equal(about->tokens[split], tokens);
    for (int b = 0; b < about->buckets[split]; b++) assert_int_equal(next[b], about->bucket[split][b].rows);
    for (int b = 1; b < about->buckets[split]; b++)
      assert_true(about->bucket[split][b].width > about->bucket[split][b - 1].width);
  }
  assert_int_equal(about->max_length, longest);
  lk_corpus_close(&corpus);
  assert_null(corpus);
  release(&info);
}

static void every_kind_comes_back(void **state) {
  (void)state;
  for (int kind = 0; kind < LK_CORPUS_KINDS; kind++) check_kind((lk_corpus_kind)kind);
  assert_int_equal(count_files("."), 1);
}

static void bucket_widths(void **state) {
  (void)state;
  static const ptrdiff_t lengths[] = {1, 4, 5, 6, 7, 8, 9, 12, 13, 16, 17, 33, 49, 200, 257, 12289};
  static const ptrdiff_t widths[] = {4, 6, 8, 9, 12, 13, 16, 18, 36, 52, 208, 288, 13312};
  lk_corpus *corpus;
  lk_corpus_writer *writer;
  lk_corpus_info info = describe(LK_CORPUS_FRAMES);
  float *frames = calloc(12289 * D, sizeof *frames);
  const int32_t label = 0;
  OK(lk_corpus_create(&writer, "c.h5", &info, NULL));
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    OK(lk_corpus_add(writer, LK_TEST,
                     &(lk_corpus_row){.length = lengths[i], .frames = frames, .target = &label, .target_length = 1}));
  OK(lk_corpus_commit(writer));
  lk_corpus_discard(&writer);
  OK(lk_corpus_open(&corpus, "c.h5", true));
  assert_int_equal(lk_corpus_about(corpus)->buckets[LK_TEST], 13);
  for (int i = 0; i < 13; i++) assert_int_equal(lk_corpus_about(corpus)->bucket[LK_TEST][i].width, widths[i]);
  lk_corpus_close(&corpus);
  free(frames);
  release(&info);
}

static void streams(void **state) {
  (void)state;
  enum { COUNT = 700001 };
  lk_corpus *corpus;
  lk_corpus_writer *writer;
  lk_corpus_info info = describe(LK_CORPUS_TEXT);
  int32_t *ids = malloc(COUNT * sizeof *ids), *back = malloc(COUNT * sizeof *back);
  uint64_t random = 5;
  info.stream = 1;
  for (int i = 0; i < COUNT; i++) ids[i] = (int32_t)(next_random(&random) % WORDS);
  OK(lk_corpus_create(&writer, "c.h5", &info, "a"));
  for (ptrdiff_t at = 0, n = 1; at < COUNT; at += n, n = n * 3 < COUNT - at ? n * 3 : COUNT - at)
    OK(lk_corpus_add_stream(writer, LK_TRAIN, ids + at, NULL, n));
  OK(lk_corpus_add_stream(writer, LK_VALID, ids, NULL, 10));
  OK(lk_corpus_commit(writer));
  lk_corpus_discard(&writer);
  OK(lk_corpus_open(&corpus, "c.h5", true));
  assert_true(lk_corpus_about(corpus)->stream);
  assert_int_equal(lk_corpus_about(corpus)->tokens[LK_TRAIN], COUNT);
  assert_int_equal(lk_corpus_about(corpus)->tokens[LK_VALID], 10);
  OK(lk_corpus_stream(corpus, LK_TRAIN, 0, COUNT, back));
  assert_memory_equal(back, ids, COUNT * sizeof *ids);
  OK(lk_corpus_stream(corpus, LK_TRAIN, 65530, 100000, back));
  assert_memory_equal(back, ids + 65530, 100000 * sizeof *ids);
  OK(lk_corpus_stream(corpus, LK_TEST, 0, 0, back));
  FAILS(LK_DATA, "are not in the", lk_corpus_stream(corpus, LK_TRAIN, COUNT - 1, 2, back));
  FAILS(LK_DATA, "are not in the", lk_corpus_stream(corpus, LK_TRAIN, -1, 2, back));
  FAILS(LK_DATA, "are not in the", lk_corpus_stream(corpus, LK_TEST, 0, 1, back));
  lk_corpus_close(&corpus);
  free(ids);
  free(back);
  release(&info);
}

static void same_rows_same_bytes(void **state) {
  (void)state;
  size_t size[2];
  lk_corpus_info info = describe(LK_CORPUS_LABEL);
  write_corpus("a.h5", &info);
  write_corpus("b.h5", &info);
  char *a = read_all("a.h5", &size[0]), *b = read_all("b.h5", &size[1]);
  assert_int_equal(size[0], size[1]);
  assert_memory_equal(a, b, size[0]);
  free(a);
  free(b);
  release(&info);
}

static void damage_is_found(void **state) {
  (void)state;
  size_t size;
  uint64_t random = 9;
  lk_corpus *corpus;
  lk_corpus_info info = describe(LK_CORPUS_CLASSIFY);
  write_corpus("a.h5", &info);
  char *bytes = read_all("a.h5", &size);
  for (int i = 0; i < 200; i++) {
    const size_t at = next_random(&random) % size;
    bytes[at] = (char)(bytes[at] ^ 1 << i % 8);
    write_all("b.h5", bytes, size);
    bytes[at] = (char)(bytes[at] ^ 1 << i % 8);
    FAILS(LK_DATA, "b.h5 is ", lk_corpus_open(&corpus, "b.h5", true));
  }
  for (int i = 1; i < 30; i++) {
    write_all("b.h5", bytes, size * (size_t)i / 30);
    FAILS(LK_DATA, "b.h5 is damaged", lk_corpus_open(&corpus, "b.h5", false));
  }
  free(bytes);
  release(&info);
}

static void discarded_leaves_nothing(void **state) {
  (void)state;
  lk_corpus_writer *writer;
  lk_corpus_info info = describe(LK_CORPUS_TEXT);
  const int32_t ids[] = {1, 2};
  OK(lk_corpus_create(&writer, "a.h5", &info, "x"));
  OK(lk_corpus_add(writer, LK_TRAIN, &(lk_corpus_row){.source = ids, .length = 2}));
  lk_corpus_discard(&writer);
  assert_int_equal(count_files("."), 0);
  FAILS(LK_IO, "none/a.h5", lk_corpus_create(&writer, "none/a.h5", &info, "x"));
  assert_null(writer);
  release(&info);
}

/* A small labelled corpus made attribute by attribute, with one thing wrong: each `case` of the list below. */
typedef enum mistake {
  NOTHING,
  FORMAT,
  NO_FORMAT,
  VERSION,
  TASK,
  NO_UNIT,
  LONG_UNIT,
  FRAMES,
  STREAM,
  NO_LABELS,
  FEW_WORDS,
  COUNTS,
  BUCKET_NAME,
  BUCKET_WIDTH,
  LENGTHS_SHORT,
  NO_TARGET,
  REAL_IDS,
  ROWS,
  TOKENS,
  MAX_LENGTH,
  CASES
} mistake;

static void set_attributes(lk_h5 *file, mistake wrong) {
  if (wrong != NO_FORMAT)
    OK(lk_h5_set_text(file, "/", "format", wrong == FORMAT ? "lockstep-checkpoint" : "lockstep-corpus"));
  OK(lk_h5_set_int(file, "/", "version", wrong == VERSION ? 2 : 1));
  OK(lk_h5_set_text(file, "/", "task", wrong == TASK ? "dance" : "label"));
  if (wrong != NO_UNIT) OK(lk_h5_set_text(file, "/", "unit", wrong == LONG_UNIT ? "paragraph of text" : "word"));
  OK(lk_h5_set_int(file, "/", "frames", wrong == FRAMES ? 4 : 0));
  OK(lk_h5_set_int(file, "/", "stream", wrong == STREAM));
  OK(lk_h5_set_int(file, "/", "lower", 0));
  OK(lk_h5_set_int(file, "/", "nfc", 0));
  OK(lk_h5_set_int(file, "/", "max_length", wrong == MAX_LENGTH ? -3 : 6));
  OK(lk_h5_set_int(file, "/train", "rows", wrong == ROWS ? 3 : 2));
  OK(lk_h5_set_int(file, "/train", "tokens", wrong == TOKENS ? 100 : 5));
}

static void make_wrong(mistake wrong, const int32_t *source, const int32_t *length, const int32_t *target) {
  lk_h5 *file;
  lk_strings words = {0}, labels = {0};
  char path[64];
  const ptrdiff_t shape[] = {2, wrong == BUCKET_WIDTH ? 5 : 6}, counts = wrong == COUNTS ? WORDS - 1 : WORDS;
  const char *bucket = wrong == BUCKET_NAME ? "len_6" : "len_0006";
  add_words(&words, wrong == FEW_WORDS ? 3 : WORDS, "w");
  add_words(&labels, LABELS, "label");
  OK(lk_h5_create(&file, "c.h5", true));
  set_attributes(file, wrong);
  OK(lk_h5_write_strings(file, "/vocab/source", &words, NULL));
  if (wrong != FEW_WORDS) OK(lk_h5_write(file, "/vocab/source_count", LK_INT64, 1, &counts, words.number, 0, NULL));
  if (wrong != NO_LABELS) OK(lk_h5_write_strings(file, "/vocab/label", &labels, NULL));
  snprintf(path, sizeof path, "/train/%s/source", bucket);
  OK(lk_h5_write(file, path, wrong == REAL_IDS ? LK_FLOAT32 : LK_INT32, 2, shape, source, 0, NULL));
  snprintf(path, sizeof path, "/train/%s/length", bucket);
  OK(lk_h5_write(file, path, LK_INT32, 1, &(ptrdiff_t){wrong == LENGTHS_SHORT ? 1 : 2}, length, 0, NULL));
  snprintf(path, sizeof path, "/train/%s/target", bucket);
  if (wrong != NO_TARGET) OK(lk_h5_write(file, path, LK_INT32, 2, shape, target, 0, NULL));
  OK(lk_h5_commit(file));
  lk_h5_close(&file);
  lk_strings_release(&words);
  lk_strings_release(&labels);
}

static void wrong_files_are_named(void **state) {
  (void)state;
  static const char *const says[CASES] = {
      [FORMAT] = "c.h5 is not a Lockstep corpus: it is a Lockstep checkpoint",
      [NO_FORMAT] = "c.h5 is not a Lockstep corpus",
      [VERSION] = "c.h5 was written by a newer version of Lockstep (format 2; this program reads up to 1)",
      [TASK] = "attribute \"task\" of / is \"dance\"",
      [NO_UNIT] = "no attribute \"unit\"",
      [LONG_UNIT] = "\"unit\" of / is too long",
      [FRAMES] = "does not go with task \"label\"",
      [STREAM] = "only a corpus of text is a stream",
      [NO_LABELS] = "there is no /vocab/label",
      [FEW_WORDS] = "/vocab/source has 3 entries; at least 4",
      [COUNTS] = "not one number for each of the 50 strings",
      [BUCKET_NAME] = "/train/len_6 is not a bucket",
      [BUCKET_WIDTH] = "/train/len_0006/source has not the shape",
      [LENGTHS_SHORT] = "/train/len_0006/length has not the shape",
      [NO_TARGET] = "there is no /train/len_0006/target",
      [REAL_IDS] = "/train/len_0006/source does not hold int32",
      [ROWS] = "/train has 2 rows, expected 3",
      [TOKENS] = "/train says it has 100 tokens",
      [MAX_LENGTH] = "attribute \"max_length\" of / is -3",
  };
  const int32_t source[12] = {1, 4, 5, 2, 0, 0, 1, 7, 9, 9, 9, 2}, length[2] = {4, 6}, target[12] = {-1, 4};
  lk_corpus *corpus;
  make_wrong(NOTHING, source, length, target);
  OK(lk_corpus_open(&corpus, "c.h5", true));
  lk_corpus_close(&corpus);
  for (int i = NOTHING + 1; i < CASES; i++) {
    make_wrong((mistake)i, source, length, target);
    FAILS(i == VERSION ? LK_NEWER : LK_DATA, says[i], lk_corpus_open(&corpus, "c.h5", true));
    assert_null(corpus);
  }
}

static void wrong_rows_are_named(void **state) {
  (void)state;
  static const struct {
    int32_t at, value;
    char array;
    const char *says;
  } cases[] = {
      {7, WORDS, 's', "c.h5: /train/len_0006/source row 1: id 50 is not in 0 to 49"},
      {0, -1, 's', "c.h5: /train/len_0006/source row 0: id -1"},
      {1, 7, 'l', "c.h5: /train/len_0006/length row 1: length 7 is not in 2 to 6"},
      {0, 1, 'l', "c.h5: /train/len_0006/length row 0: length 1"},
      {0, -2147483647, 'l', "length -2147483647"},
      {11, LABELS, 't', "c.h5: /train/len_0006/target row 1: label 5 is not in -1 to 4"},
      {6, -2, 't', "c.h5: /train/len_0006/target row 1: label -2"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int32_t source[12] = {1, 4, 5, 2, 0, 0, 1, 7, 9, 9, 9, 2}, length[2] = {4, 6}, target[12] = {-1, 4};
    int32_t *array = cases[i].array == 's' ? source : cases[i].array == 'l' ? length : target;
    lk_corpus *corpus;
    array[cases[i].at] = cases[i].value;
    make_wrong(NOTHING, source, length, target);
    OK(lk_corpus_open(&corpus, "c.h5", false));
    FAILS(LK_DATA, cases[i].says, lk_corpus_rows(corpus, LK_TRAIN, 0, 0, 2, source, length, target, NULL));
    FAILS(LK_DATA, "are not in the", lk_corpus_rows(corpus, LK_TRAIN, 0, 1, 2, source, length, target, NULL));
    lk_corpus_close(&corpus);
  }
}

/* A label that training does not have may only be in the other splits. */
static void unseen_labels(void **state) {
  (void)state;
  static const lk_corpus_kind kinds[] = {LK_CORPUS_LABEL, LK_CORPUS_CLASSIFY};
  const int32_t source[4] = {LK_SOS, 4, 5, LK_EOS};
  const int32_t target[4] = {LK_UNSEEN_LABEL, LK_NO_LABEL, 1, LK_NO_LABEL};
  for (int k = 0; k < 2; k++) {
    lk_corpus *corpus;
    lk_corpus_writer *writer;
    lk_corpus_info info = describe(kinds[k]);
    const ptrdiff_t targets = kinds[k] == LK_CORPUS_LABEL ? 4 : 1;
    lk_corpus_row row = {.source = source, .length = 4, .target = target, .target_length = targets};
    OK(lk_corpus_create(&writer, "c.h5", &info, "x"));
    for (int s = 0; s < LK_SPLITS; s++) OK(lk_corpus_add(writer, (lk_split)s, &row));
    OK(lk_corpus_commit(writer));
    lk_corpus_discard(&writer);
    OK(lk_corpus_open(&corpus, "c.h5", true));
    for (int s = LK_VALID; s < LK_SPLITS; s++) {
      int32_t back[4];
      OK(lk_corpus_rows(corpus, (lk_split)s, 0, 0, 1, NULL, NULL, back, NULL));
      assert_memory_equal(back, target, (size_t)targets * sizeof *back);
    }
    int32_t back[4];
    FAILS(LK_DATA, "/train/len_0004/target row 0: label -2 is not in -1 to 4",
          lk_corpus_rows(corpus, LK_TRAIN, 0, 0, 1, NULL, NULL, back, NULL));
    lk_corpus_close(&corpus);
    release(&info);
  }
}

/* Such labels are numbered downwards from the first; numbers beyond the named ones are refused. */
static lk_corpus *name_unseen(const lk_corpus_info *info, int rows) {
  const int32_t source[4] = {LK_SOS, 4, 5, LK_EOS};
  lk_corpus *corpus;
  lk_corpus_writer *writer;
  lk_strings names = {0};
  OK(lk_strings_add(&names, "one", 3, 7));
  OK(lk_strings_add(&names, "two", 3, 1));
  OK(lk_corpus_create(&writer, "c.h5", info, "x"));
  for (int32_t i = 0; i < rows; i++) {
    const int32_t target[4] = {LK_NO_LABEL, i, LK_UNSEEN_LABEL - i, LK_NO_LABEL};
    lk_corpus_row row = {.source = source, .length = 4, .target = target, .target_length = 4};
    OK(lk_corpus_add(writer, LK_TEST, &row));
  }
  OK(lk_corpus_name_unseen(writer, &names));
  OK(lk_corpus_commit(writer));
  lk_corpus_discard(&writer);
  OK(lk_corpus_open(&corpus, "c.h5", true));
  lk_strings_release(&names);
  return corpus;
}

static void unseen_labels_with_names(void **state) {
  (void)state;
  lk_corpus_info info = describe(LK_CORPUS_LABEL);
  lk_corpus *corpus = name_unseen(&info, 2);
  const lk_corpus_info *about = lk_corpus_about(corpus);
  int32_t back[8];
  char place[96];
  assert_int_equal(lk_corpus_unseen(about), 2);
  assert_string_equal(lk_strings_get(&about->unseen, 1), "two");
  assert_int_equal(lk_corpus_least_label(about, LK_TRAIN), -1);
  assert_int_equal(lk_corpus_least_label(about, LK_VALID), -3);
  OK(lk_corpus_rows(corpus, LK_TEST, 0, 0, 2, NULL, NULL, back, NULL));
  assert_int_equal(back[6], -3);
  OK(lk_corpus_find_label(corpus, 1, place));
  assert_string_equal(place, "test/len_0004 row 1, word 1");
  OK(lk_corpus_find_label(corpus, -2, place));
  assert_string_equal(place, "test/len_0004 row 0, word 2");
  OK(lk_corpus_find_label(corpus, 4, place));
  assert_string_equal(place, "");
  lk_corpus_close(&corpus);
  corpus = name_unseen(&info, 3); /* the last of which has no name */
  FAILS(LK_DATA, "/test/len_0004/target row 2: label -4 is not in -3 to 4",
        lk_corpus_rows(corpus, LK_TEST, 0, 2, 1, NULL, NULL, back, NULL));
  lk_corpus_close(&corpus);
  release(&info);
}

/* The folding of text is read back; older files, without folding of digits, have none. */
static void folding_comes_back(void **state) {
  (void)state;
  for (int digits = 0; digits < 2; digits++) {
    lk_corpus *corpus;
    lk_corpus_writer *writer;
    lk_corpus_info info = describe(LK_CORPUS_TEXT);
    info.digits = digits;
    OK(lk_corpus_create(&writer, "c.h5", &info, "x"));
    OK(lk_corpus_commit(writer));
    lk_corpus_discard(&writer);
    OK(lk_corpus_open(&corpus, "c.h5", true));
    const lk_folding folding = lk_corpus_folding(lk_corpus_about(corpus));
    assert_true(folding.digits == digits && folding.lower && !folding.nfc);
    lk_corpus_close(&corpus);
    release(&info);
  }
}

static void frames_are_finite(void **state) {
  (void)state;
  lk_corpus *corpus;
  lk_corpus_writer *writer;
  lk_corpus_info info = describe(LK_CORPUS_FRAMES);
  float frames[4 * D] = {1, 2, 3}, back[4 * D];
  const int32_t label = 2;
  lk_corpus_row row = {.length = 2, .frames = frames, .target = &label, .target_length = 1};
  OK(lk_corpus_create(&writer, "c.h5", &info, "x"));
  OK(lk_corpus_add(writer, LK_TRAIN, &row));
  frames[4] = NAN;
  OK(lk_corpus_add(writer, LK_TRAIN, &row));
  OK(lk_corpus_commit(writer));
  lk_corpus_discard(&writer);
  OK(lk_corpus_open(&corpus, "c.h5", true));
  OK(lk_corpus_rows(corpus, LK_TRAIN, 0, 0, 1, NULL, NULL, NULL, back));
  FAILS(LK_DATA, "c.h5: /train/len_0004/frames row 1: a frame holds NaN",
        lk_corpus_rows(corpus, LK_TRAIN, 0, 1, 1, NULL, NULL, NULL, back));
  lk_corpus_close(&corpus);
  release(&info);
}

/* No benchmark: only that nothing is hundreds of times slower than expected. */
static void writing_is_not_slow(void **state) {
  (void)state;
  enum { COUNT = 100000, LENGTH = 60 };
  lk_corpus_writer *writer;
  lk_corpus_info info = describe(LK_CORPUS_TEXT);
  int32_t ids[LENGTH];
  uint64_t random = 5;
  OK(lk_corpus_create(&writer, "c.h5", &info, "x"));
  const double begin = lk_clock_seconds();
  for (int i = 0; i < COUNT; i++) {
    for (int j = 0; j < LENGTH; j++) ids[j] = (int32_t)(next_random(&random) % WORDS);
    OK(lk_corpus_add(writer, LK_TRAIN, &(lk_corpus_row){.source = ids, .length = LENGTH - i % 50}));
  }
  OK(lk_corpus_commit(writer));
  const double seconds = lk_clock_seconds() - begin;
  lk_corpus_discard(&writer);
  print_message("wrote %.0f MB of ids a second\n", COUNT * LENGTH * 4e-6 / seconds);
  assert_true(seconds < 30);
  release(&info);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_scratch, leave_scratch)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_kind_comes_back),
      TEST(bucket_widths),
      TEST(streams),
      TEST(same_rows_same_bytes),
      TEST(damage_is_found),
      TEST(discarded_leaves_nothing),
      TEST(wrong_files_are_named),
      TEST(wrong_rows_are_named),
      TEST(frames_are_finite),
      TEST(unseen_labels),
      TEST(unseen_labels_with_names),
      TEST(folding_comes_back),
      TEST(writing_is_not_slow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
