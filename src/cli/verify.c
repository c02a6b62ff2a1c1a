#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_impl.h"
#include "checkpoint.h"
#include "arena.h"
#include "model.h"
#include "work.h"

static error_t parse(int key, char *text, struct argp_state *state) {
  (void)text;
  return lk_cli_take_files(key, state, state->input);
}

static const struct argp argp = {.parser = parse,
                                 .args_doc = "FILE.h5...",
                                 .doc =
                                     "Check corpus and model files for damage.\v"
                                     "Example:\n  lockstep verify run/last.h5 book.h5\n\n"
                                     "Checks the digest, the structure, and every id, length and tensor. Prints one "
                                     "line for each file; exit code 65 "
                                     "if one of them is damaged."};

enum { POSITIONS = 1 << 16, REALS = 1 << 20 }; /* ids, or numbers of frames, read at once (at least one row) */

static ptrdiff_t rows_at_once(const lk_corpus_info *info, const lk_bucket *bucket) {
  ptrdiff_t rows = POSITIONS / bucket->width;
  if (info->frames && rows > REALS / (bucket->width * info->frames)) rows = REALS / (bucket->width * info->frames);
  return rows > 0 ? rows : 1;
}

/* lk_corpus_read_column() checks what it reads. */
static lk_status read_columns(const lk_corpus *corpus, lk_split split, int bucket, ptrdiff_t row, ptrdiff_t n) {
  const lk_corpus_info *info = lk_corpus_about(corpus);
  for (int c = 0; c < info->columns; c++) {
    int32_t *cells;
    LK_TRY(lk_alloc(&cells, (size_t)(n * info->bucket[split][bucket].width * info->column[c].width), sizeof *cells));
    const lk_status status = lk_corpus_read_column(corpus, split, bucket, c, row, n, cells);
    free(cells);
    LK_TRY(status);
  }
  return LK_OK;
}

/* lk_corpus_rows() checks the rows that it reads. The buffers hold the largest block of rows. */
static lk_status read_bucket(const lk_corpus *corpus, lk_split split, int bucket, int32_t *ids, float *frames,
                             double *done) {
  const lk_corpus_info *info = lk_corpus_about(corpus);
  const lk_bucket *b = &info->bucket[split][bucket];
  ptrdiff_t block = rows_at_once(info, b);
  for (ptrdiff_t row = 0; row < b->rows; row += block) {
    ptrdiff_t n = b->rows - row < block ? b->rows - row : block;
    ptrdiff_t positions = n * b->width;
    LK_TRY(lk_corpus_rows(corpus, split, bucket, row, n, info->frames ? NULL : ids, ids + positions,
                          b->target_width ? ids + 2 * positions : NULL, info->frames ? frames : NULL));
    if (info->kind == LK_CORPUS_PAIRS) LK_TRY(lk_corpus_target_lengths(corpus, split, bucket, row, n, ids));
    LK_TRY(read_columns(corpus, split, bucket, row, n));
    lk_work_at(*done += (double)positions);
  }
  if (!b->references) return LK_OK;
  lk_strings references = {0};
  const lk_status status = lk_corpus_references(corpus, split, bucket, &references);
  lk_strings_release(&references);
  return status;
}

static lk_status read_stream(const lk_corpus *corpus, lk_split split, int32_t *ids, double *done) {
  const lk_corpus_info *info = lk_corpus_about(corpus);
  for (ptrdiff_t at = 0, n; at < info->tokens[split]; at += n) {
    n = info->tokens[split] - at < POSITIONS ? info->tokens[split] - at : POSITIONS;
    LK_TRY(lk_corpus_stream(corpus, split, at, n, ids));
    for (int c = 0; c < info->columns; c++) LK_TRY(lk_corpus_stream_column(corpus, split, c, at, n, ids));
    lk_work_at(*done += (double)n);
  }
  return LK_OK;
}

/* The size of the largest block, in ids or numbers of frames. */
static ptrdiff_t room_of(const lk_corpus_info *info) {
  ptrdiff_t room = POSITIONS;
  for (int s = 0; s < LK_SPLITS; s++)
    for (int i = 0; i < info->buckets[s]; i++) {
      const lk_bucket *b = &info->bucket[s][i];
      const ptrdiff_t need = rows_at_once(info, b) * b->width * (info->frames ? info->frames : 1);
      if (need > room) room = need;
    }
  return room;
}

/* Units, and the positions of rows that are stored. */
static double positions_of(const lk_corpus_info *info) {
  double all = 0;
  for (int s = 0; s < LK_SPLITS; s++) {
    all += info->stream ? (double)info->tokens[s] : 0;
    for (int i = 0; i < info->buckets[s]; i++) all += (double)(info->bucket[s][i].rows * info->bucket[s][i].width);
  }
  return all;
}

static lk_status verify_corpus(const char *path) {
  lk_status status = LK_OK;
  lk_corpus *corpus = NULL;
  lk_arena arena = {0};
  LK_TRY(lk_corpus_open(&corpus, path, true));
  const lk_corpus_info *info = lk_corpus_about(corpus);
  const ptrdiff_t room = room_of(info);
  int32_t *ids = NULL;
  float *frames = NULL;
  for (int pass = 0; pass < 2; pass++) { /* the first pass measures the arena, the second gets the pointers */
    ids = lk_arena_ints(&arena, 3 * room);
    frames = lk_arena_take(&arena, sizeof(float) * (size_t)(info->frames ? room : 0));
    if (pass == 0) LK_GO(lk_arena_reserve(&arena));
  }
  double done = 0;
  lk_work_next("checking the rows", NULL, positions_of(info));
  for (int s = 0; s < LK_SPLITS; s++) {
    if (info->stream && info->tokens[s] > 0) LK_GO(read_stream(corpus, (lk_split)s, ids, &done));
    for (int b = 0; b < info->buckets[s]; b++) LK_GO(read_bucket(corpus, (lk_split)s, b, ids, frames, &done));
  }
  lk_work_end();
  printf("%s: a valid corpus, digest %s\n", path, info->digest);
done:
  lk_arena_release(&arena);
  lk_corpus_close(&corpus);
  return status;
}

/* The loss history is needed only to resume a run, so lk_model_open() does not read it. */
static lk_status read_history(const lk_checkpoint_file *file) {
  lk_history train = {0}, valid = {0};
  const lk_status status = lk_checkpoint_history(file, &train, &valid);
  free(train.rows);
  free(valid.rows);
  return status;
}

static lk_status verify_checkpoint(const char *path) {
  lk_model model = {0};
  lk_status status = lk_model_open(&model, path);
  if (status == LK_OK) status = read_history(model.file);
  lk_work_end();
  if (status == LK_OK)
    printf("%s: a valid checkpoint of step %lld, %td parameters\n", path,
           (long long)lk_checkpoint_state(model.file)->step, lk_params_trainable(model.params));
  lk_model_close(&model);
  return status;
}

static lk_status verify(const char *path, void *context) {
  (void)context;
  char format[64];
  lk_work_begin();
  lk_status status = lk_cli_format(path, format);
  if (status == LK_OK) status = strcmp(format, "lockstep-corpus") == 0 ? verify_corpus(path) : verify_checkpoint(path);
  lk_work_end();
  return status;
}

lk_status lk_command_verify(int argc, char **argv, lk_comm *comm) {
  (void)comm;
  int help = 0;
  lk_cli_files files = {0};
  LK_TRY(lk_cli_parse(&argp, "lockstep verify", argc, argv, &files, &help));
  return lk_cli_each_file(&files, verify, NULL);
}
