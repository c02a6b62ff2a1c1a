/* Fuzzes a reader of text (LK_FUZZ_KIND): the first byte selects options, the rest is the file. A corpus written by
 * `prepare` must open, and all its rows must pass the checks made on reading. */
#include "corpus.h"
#include "log.h"
#include "prepare.h"

#include "fuzz.h"

enum { ROWS = 64 };

static void read_bucket(const lk_corpus *corpus, lk_split split, int k) {
  const lk_corpus_info *info = lk_corpus_about(corpus);
  const lk_bucket *b = &info->bucket[split][k];
  const size_t positions = (size_t)(ROWS * b->width);
  int32_t *ids = malloc(positions * sizeof *ids), *target = malloc(positions * sizeof *target), length[ROWS];
  float *frames = info->frames ? malloc(positions * (size_t)info->frames * sizeof *frames) : NULL;
  FUZZ_MUST(ids && target && (frames || !info->frames));
  for (ptrdiff_t row = 0; row < b->rows; row += ROWS) {
    const ptrdiff_t n = b->rows - row < ROWS ? b->rows - row : ROWS;
    FUZZ_MUST(lk_corpus_rows(corpus, split, k, row, n, info->frames ? NULL : ids, length,
                             b->target_width ? target : NULL, frames) == LK_OK);
    if (info->kind == LK_CORPUS_PAIRS) FUZZ_MUST(lk_corpus_target_lengths(corpus, split, k, row, n, length) == LK_OK);
  }
  free(ids);
  free(target);
  free(frames);
}

static void read_back(const char *path, const lk_prepare_report *report) {
  lk_corpus *corpus;
  FUZZ_MUST(lk_corpus_open(&corpus, path, false) == LK_OK);
  const lk_corpus_info *info = lk_corpus_about(corpus);
  for (lk_split s = LK_TRAIN; s < LK_SPLITS; s++) {
    if (!info->stream) FUZZ_MUST(info->rows[s] == report->rows[s]);
    int32_t *ids = malloc(((size_t)info->tokens[s] + 1) * sizeof *ids);
    FUZZ_MUST(ids != NULL);
    if (info->stream) FUZZ_MUST(lk_corpus_stream(corpus, s, 0, info->tokens[s], ids) == LK_OK);
    free(ids);
    for (int k = 0; k < info->buckets[s]; k++) read_bucket(corpus, s, k);
  }
  lk_corpus_close(&corpus);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char input[512], output[512];
  lk_prepare prepare;
  lk_prepare_report report = {0};
  if (!size) return 0;
  if (!input[0]) {
    lk_log_init(LK_LOG_ERROR, true); /* no warnings */
    snprintf(input, sizeof input, "%s", fuzz_path("input"));
    snprintf(output, sizeof output, "%s", fuzz_path("output.h5"));
  }
  const unsigned bits = data[0];
  fuzz_write(input, data + 1, size - 1);
  lk_prepare_init(&prepare);
  prepare.kind = LK_FUZZ_KIND;
  prepare.input[LK_TRAIN] = input;
  prepare.output = output;
  if (strcmp(LK_FUZZ_KIND, "frames") != 0) {
    prepare.unit = bits & 1 ? LK_CHAR : LK_WORD;
    prepare.lower = bits & 2;
    prepare.minimum = bits & 4 ? 2 : 1;
  }
  prepare.nfc = !(bits & 8);
  prepare.max_length = bits & 16 ? 4 : 10000;
  prepare.too_long = bits & 16 ? LK_TOO_LONG_SKIP : LK_TOO_LONG_ERROR;
  prepare.fraction[LK_VALID] = bits & 32 ? 0.3 : 0;
  if (strcmp(LK_FUZZ_KIND, "text") == 0) prepare.stream = bits & 64;
  if (strcmp(LK_FUZZ_KIND, "label") == 0) prepare.conllu = bits & 64;
  if (strcmp(LK_FUZZ_KIND, "label") == 0 && bits & 128) prepare.column_word = 1, prepare.column_tag = 2;
  if (strcmp(LK_FUZZ_KIND, "classify") == 0) prepare.separator = bits & 64 ? "" : bits & 128 ? "; " : NULL;
  if (strcmp(LK_FUZZ_KIND, "frames") == 0) prepare.separator = bits & 64 ? "" : NULL;
  if (bits & 16) prepare.empty = LK_EMPTY_SKIP, prepare.no_label[prepare.no_labels++] = "_", prepare.digits = true;
  if (strcmp(LK_FUZZ_KIND, "pairs") == 0) prepare.pairs.shared = bits & 64;
  if (strcmp(LK_FUZZ_KIND, "pairs") == 0) prepare.pairs.unit = bits & 128 ? LK_CHAR : LK_WORD;
  if (fuzz_good(lk_prepare_run(&prepare, &report))) read_back(output, &report);
  return 0;
}
