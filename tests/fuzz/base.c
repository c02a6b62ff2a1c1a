#include "base.h"

#include "corpus_writer.h"
#include "fuzz.h"
#include "h5.h"

static void add_words(lk_strings *strings) {
  static const char *const words[] = {"<pad>", "<sos>", "<eos>", "<unk>", "a", "b", "c", "d"};
  for (int i = 0; i < 8; i++) FUZZ_MUST(lk_strings_add(strings, words[i], strlen(words[i]), i) == LK_OK);
}

static void release(lk_corpus_info *info) {
  lk_strings_release(&info->source);
  lk_strings_release(&info->target);
  lk_strings_release(&info->label);
}

static lk_corpus_info describe(lk_corpus_kind kind, int stream) {
  lk_corpus_info info = {.kind = kind, .unit = "word", .nfc = 1, .stream = stream, .max_length = 6};
  if (kind == LK_CORPUS_FRAMES) info.frames = 2;
  if (kind != LK_CORPUS_FRAMES) add_words(&info.source);
  if (kind == LK_CORPUS_PAIRS) add_words(&info.target);
  if (kind == LK_CORPUS_PAIRS) memcpy(info.target_unit, "word", 5);
  if (kind == LK_CORPUS_CLASSIFY || kind == LK_CORPUS_LABEL || kind == LK_CORPUS_FRAMES)
    FUZZ_MUST(lk_strings_add(&info.label, "yes", 3, 1) == LK_OK && lk_strings_add(&info.label, "no", 2, 1) == LK_OK);
  return info;
}

static void add_rows(lk_corpus_writer *writer, const lk_corpus_info *info) {
  static const int32_t ids[] = {1, 4, 5, 6, 7, 2}, labels[] = {-1, 0, 1, 0, 1, -1};
  static const float frames[12] = {1, 2, 3};
  for (int i = 0; i < 24; i++) {
    const lk_split split = i % 3 ? LK_TRAIN : LK_VALID;
    const ptrdiff_t length = i % 2 ? 6 : 4;
    lk_corpus_row row = {.source = ids, .length = length, .target = labels + 1, .target_length = 1};
    int32_t row_ids[6], row_labels[6];
    memcpy(row_ids, ids, sizeof ids);
    memcpy(row_labels, labels, sizeof labels);
    row_ids[length - 1] = 2;
    row_labels[length - 1] = -1;
    row.source = row_ids;
    if (info->kind == LK_CORPUS_LABEL) row.target = row_labels, row.target_length = length;
    if (info->kind == LK_CORPUS_PAIRS) row.target = row_ids, row.target_length = length;
    if (info->kind == LK_CORPUS_PAIRS && split) row.references = "a b\tc", row.references_size = 5;
    if (info->frames) row.source = NULL, row.frames = frames;
    FUZZ_MUST(lk_corpus_add(writer, split, &row) == LK_OK);
  }
}

static base_file read_base(const char *path) {
  lk_buffer bytes = {0};
  FUZZ_MUST(lk_buffer_read_file(&bytes, path) == LK_OK && bytes.size > 512);
  return (base_file){(uint8_t *)bytes.data, bytes.size};
}

base_file base_corpus(int which) {
  const int stream = which == LK_CORPUS_KINDS;
  lk_corpus_info info = describe(stream ? LK_CORPUS_TEXT : (lk_corpus_kind)which, stream);
  lk_corpus_writer *writer;
  static const int32_t text[] = {4, 5, 6, 7, 4, 5, 6, 7, 2, 3};
  FUZZ_MUST(lk_corpus_create(&writer, fuzz_path("base.h5"), &info, "none") == LK_OK);
  if (stream) {
    FUZZ_MUST(lk_corpus_add_stream(writer, LK_TRAIN, text, NULL, 10) == LK_OK);
    FUZZ_MUST(lk_corpus_add_stream(writer, LK_VALID, text, NULL, 7) == LK_OK);
  } else {
    add_rows(writer, &info);
  }
  FUZZ_MUST(lk_corpus_commit(writer) == LK_OK);
  lk_corpus_discard(&writer);
  release(&info);
  return read_base(fuzz_path("base.h5"));
}

const lk_tensor base_tensors[BASE_TENSORS] = {
    {.name = "embedding.weight", .note = "[V, I]", .dims = 2, .shape = {5, 3, 1}, .offset = 0, .count = 15},
    {.name = "rnn.0.bias", .note = "gates", .dims = 1, .shape = {7, 1, 1}, .offset = 15, .count = 7},
    {.name = "scale", .note = NULL, .dims = 0, .shape = {1, 1, 1}, .offset = 22, .count = 1},
};

base_file base_checkpoint(void) {
  static float values[BASE_REALS], lanes[8];
  static double history[3 * LK_HISTORY_COLUMNS];
  lk_corpus_info info = describe(LK_CORPUS_TEXT, 0);
  snprintf(info.digest, sizeof info.digest, "%032d", 42);
  const lk_checkpoint checkpoint = {.config = "task: lm\n",
                                    .corpus = &info,
                                    .tensors = base_tensors,
                                    .tensor_count = BASE_TENSORS,
                                    .values = values,
                                    .moments = 1,
                                    .moment = {values},
                                    .moment_name = {"first"},
                                    .lanes = lanes,
                                    .lane_count = 2,
                                    .lane_width = 4,
                                    .train = {history, 3, 0},
                                    .valid = {history, 1, 0}};
  void *bytes = NULL;
  size_t size = 0;
  FUZZ_MUST(lk_checkpoint_image(&checkpoint, &bytes, &size) == LK_OK);
  release(&info);
  return (base_file){bytes, size};
}
