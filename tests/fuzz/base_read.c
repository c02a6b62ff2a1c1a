#include "base.h"
#include "fuzz.h"

enum { ROWS = 16, WIDEST = 1 << 16 };

static void in_range(const int32_t *ids, ptrdiff_t count, ptrdiff_t least, ptrdiff_t most) {
  for (ptrdiff_t i = 0; i < count; i++) FUZZ_MUST(ids[i] >= least && ids[i] <= most);
}

static void read_rows(const lk_corpus *corpus, lk_split split, int k) {
  const lk_corpus_info *info = lk_corpus_about(corpus);
  const lk_bucket *b = &info->bucket[split][k];
  const ptrdiff_t n = b->rows < ROWS ? b->rows : ROWS, D = info->frames ? info->frames : 1;
  FUZZ_MUST(b->width > 0 && b->rows >= 0);
  if (b->width > WIDEST / D) return;
  int32_t *ids = calloc((size_t)(ROWS * b->width), 4), *target = calloc((size_t)(ROWS * b->width), 4),
          length[ROWS] = {0};
  float *frames = calloc((size_t)(ROWS * b->width * D), 4);
  FUZZ_MUST(ids && target && frames);
  if (fuzz_good(lk_corpus_rows(corpus, split, k, b->rows - n, n, ids, length, target, frames))) {
    if (!info->frames) in_range(ids, n * b->width, 0, info->source.count - 1);
    in_range(length, n, 1, b->width);
    if (b->target_width)
      in_range(target, n * b->target_width, -1, (info->kind == LK_CORPUS_PAIRS ? info->target : info->label).count - 1);
  }
  if (info->kind == LK_CORPUS_PAIRS && fuzz_good(lk_corpus_target_lengths(corpus, split, k, 0, n, length)))
    in_range(length, n, 2, b->width);
  lk_strings references = {0};
  if (b->references && fuzz_good(lk_corpus_references(corpus, split, k, &references)))
    FUZZ_MUST(references.count == b->rows);
  lk_strings_release(&references);
  free(ids);
  free(target);
  free(frames);
}

static void read_stream(const lk_corpus *corpus, lk_split split) {
  const lk_corpus_info *info = lk_corpus_about(corpus);
  static int32_t ids[WIDEST];
  const ptrdiff_t n = info->tokens[split] < WIDEST ? info->tokens[split] : WIDEST;
  if (fuzz_good(lk_corpus_stream(corpus, split, info->tokens[split] - n, n, ids)))
    in_range(ids, n, 0, info->source.count - 1);
}

void base_read_corpus(const char *path) {
  lk_corpus *corpus;
  if (!fuzz_good(lk_corpus_open(&corpus, path, true))) return;
  const lk_corpus_info *info = lk_corpus_about(corpus);
  for (lk_split s = LK_TRAIN; s < LK_SPLITS; s++) {
    FUZZ_MUST(info->buckets[s] >= 0 && info->buckets[s] <= LK_MAX_BUCKETS && info->rows[s] >= 0 &&
              info->tokens[s] >= 0);
    if (info->stream) read_stream(corpus, s);
    for (int k = 0; k < info->buckets[s]; k++) read_rows(corpus, s, k);
  }
  lk_corpus_close(&corpus);
}

void base_read_checkpoint(const char *path) {
  lk_checkpoint_file *file;
  static float values[BASE_REALS];
  ptrdiff_t lanes = 0, width = 0;
  lk_history train = {0}, valid = {0};
  if (!fuzz_good(lk_checkpoint_open(&file, path))) return;
  FUZZ_MUST(lk_checkpoint_config(file) && lk_checkpoint_state(file)->step >= 0);
  const int holds = fuzz_good(lk_checkpoint_holds(file, base_tensors, BASE_TENSORS));
  const int read = fuzz_good(lk_checkpoint_values(file, base_tensors, BASE_TENSORS, values));
  FUZZ_MUST(holds || !read);
  fuzz_good(lk_checkpoint_moment(file, "first", base_tensors, BASE_TENSORS, values));
  if (fuzz_good(lk_checkpoint_lanes(file, &lanes, &width, NULL)) && lanes * width <= WIDEST) {
    float *states = calloc((size_t)(lanes * width) + 1, sizeof *states);
    FUZZ_MUST(states != NULL);
    fuzz_good(lk_checkpoint_lanes(file, &lanes, &width, states));
    free(states);
  }
  fuzz_good(lk_checkpoint_history(file, &train, &valid));
  free(train.rows);
  free(valid.rows);
  lk_checkpoint_close(&file);
}
