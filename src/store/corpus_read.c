#include "corpus.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus_apart.h"
#include "corpus_impl.h"
#include "h5_apart.h"
#include "arena.h"
#include "vectors_file.h"

struct lk_corpus {
  lk_h5 *file;
  lk_corpus_info info;
  bool apart; /* info is another's */
};

#define PATH 64
enum { MOST_ROW = 1 << 28 }; /* bytes of a row of ids or frames, since readers load whole rows */

static const char *bucket_path(char path[PATH], lk_split split, ptrdiff_t width, const char *name) {
  snprintf(path, PATH, "/%s/len_%04td/%s", lk_split_names[split], width, name);
  return path;
}

/* Check that a data set has the shape of its bucket; where *rows < 0 it determines the number of rows. */
static lk_status check_array(const lk_h5 *file, const char *path, int axes, lk_type type, ptrdiff_t *rows,
                             ptrdiff_t width, ptrdiff_t across) {
  lk_type found = LK_INT32;
  int dims = 0;
  ptrdiff_t shape[LK_H5_DIMS] = {0};
  LK_TRY(lk_h5_shape(file, path, &found, &dims, shape));
  if (found != type)
    return LK_FAIL(LK_DATA, "%s: %s does not hold %s", lk_h5_path(file), path, type == LK_INT32 ? "int32" : "float32");
  if (dims == axes && *rows < 0) *rows = shape[0];
  if (dims != axes || shape[0] != *rows || (axes > 1 && shape[1] != width) || (axes > 2 && shape[2] != across))
    return LK_FAIL(LK_DATA, "%s: %s has not the shape that its bucket asks for", lk_h5_path(file), path);
  return LK_OK;
}

static lk_status check_column(const lk_corpus *corpus, lk_split split, const lk_corpus_column *column, ptrdiff_t *rows,
                              ptrdiff_t width) {
  char path[PATH];
  bucket_path(path, split, width, column->name);
  if (width > MOST_ROW / (ptrdiff_t)sizeof(float) / column->width)
    return LK_FAIL(LK_DATA, "%s: %s has rows of more than %d MiB", lk_h5_path(corpus->file), path, MOST_ROW >> 20);
  return column->numbers ? check_array(corpus->file, path, 3, LK_FLOAT32, rows, width, column->width)
                         : check_array(corpus->file, path, 2, LK_INT32, rows, width, 1);
}

static lk_status open_bucket(lk_corpus *corpus, lk_split split, ptrdiff_t width) {
  lk_corpus_info *info = &corpus->info;
  char path[PATH];
  const int axes = lk_kind_target_axes(info->kind);
  ptrdiff_t rows = -1;
  if (info->buckets[split] == LK_MAX_BUCKETS)
    return LK_FAIL(LK_DATA, "%s: /%s has more than %d buckets", lk_h5_path(corpus->file), lk_split_names[split],
                   LK_MAX_BUCKETS);
  if (info->frames)
    LK_TRY(check_array(corpus->file, bucket_path(path, split, width, "frames"), 3, LK_FLOAT32, &rows, width,
                       info->frames));
  else
    LK_TRY(check_array(corpus->file, bucket_path(path, split, width, "source"), 2, LK_INT32, &rows, width, 1));
  LK_TRY(check_array(corpus->file, bucket_path(path, split, width, "length"), 1, LK_INT32, &rows, 1, 1));
  if (axes)
    LK_TRY(check_array(corpus->file, bucket_path(path, split, width, "target"), axes, LK_INT32, &rows, width, 1));
  if (info->kind == LK_CORPUS_PAIRS)
    LK_TRY(check_array(corpus->file, bucket_path(path, split, width, "target_length"), 1, LK_INT32, &rows, 1, 1));
  for (int c = 0; c < info->columns; c++) LK_TRY(check_column(corpus, split, &info->column[c], &rows, width));
  if (width > MOST_ROW / (ptrdiff_t)sizeof(float) / (info->frames ? info->frames : 1))
    return LK_FAIL(LK_DATA, "%s: /%s/len_%04td has rows of more than %d MiB", lk_h5_path(corpus->file),
                   lk_split_names[split], width, MOST_ROW >> 20);
  info->bucket[split][info->buckets[split]++] =
      (lk_bucket){.width = width,
                  .rows = rows,
                  .target_width = axes == 2 ? width : axes,
                  .references = info->kind == LK_CORPUS_PAIRS &&
                                lk_h5_exists(corpus->file, bucket_path(path, split, width, "references"))};
  info->rows[split] += rows;
  return LK_OK;
}

/* "len_0032" is 32; 0 for other names. */
static ptrdiff_t width_of(const char *name) {
  char again[32];
  ptrdiff_t width = 0;
  if (sscanf(name, "len_%9td", &width) != 1 || width < 1) return 0;
  snprintf(again, sizeof again, "len_%04td", width);
  return strcmp(again, name) == 0 ? width : 0;
}

static int by_width(const void *a, const void *b) {
  const lk_bucket *x = a, *y = b;
  return (x->width > y->width) - (x->width < y->width);
}

static lk_status open_buckets(lk_corpus *corpus, lk_split split, const lk_strings *names) {
  lk_corpus_info *info = &corpus->info;
  ptrdiff_t places = 0;
  for (ptrdiff_t i = 0; i < names->count; i++) {
    const ptrdiff_t width = width_of(lk_strings_get(names, i));
    if (!width)
      return LK_FAIL(LK_DATA, "%s: /%s/%.60s is not a bucket (len_0032 and the like)", lk_h5_path(corpus->file),
                     lk_split_names[split], lk_strings_get(names, i));
    LK_TRY(open_bucket(corpus, split, width));
  }
  qsort(info->bucket[split], (size_t)info->buckets[split], sizeof(lk_bucket),
        by_width); /* by number: as text len_10000 comes before len_9999 */
  for (int i = 0; i < info->buckets[split]; i++) places += info->bucket[split][i].rows * info->bucket[split][i].width;
  if (info->tokens[split] > places)
    return LK_FAIL(LK_DATA, "%s: /%s says it has %td tokens; there is no place for them", lk_h5_path(corpus->file),
                   lk_split_names[split], info->tokens[split]);
  return LK_OK;
}

static lk_status open_stream(lk_corpus *corpus, lk_split split) {
  char path[PATH];
  ptrdiff_t count = -1;
  snprintf(path, sizeof path, "/%s/stream", lk_split_names[split]);
  LK_TRY(check_array(corpus->file, path, 1, LK_INT32, &count, 1, 1));
  if (count != corpus->info.tokens[split])
    return LK_FAIL(LK_DATA, "%s: %s has %td ids, expected %td", lk_h5_path(corpus->file), path, count,
                   corpus->info.tokens[split]);
  for (int c = 0; c < corpus->info.columns; c++) {
    snprintf(path, sizeof path, "/%s/%s", lk_split_names[split], corpus->info.column[c].name);
    LK_TRY(check_array(corpus->file, path, 1, LK_INT32, &count, 1, 1));
  }
  return LK_OK;
}

static lk_status open_split(lk_corpus *corpus, lk_split split) {
  lk_corpus_info *info = &corpus->info;
  lk_strings names = {0};
  lk_status status = LK_OK;
  char group[PATH];
  int64_t rows = 0, tokens = 0;
  snprintf(group, sizeof group, "/%s", lk_split_names[split]);
  if (!lk_h5_exists(corpus->file, group)) return LK_OK;
  LK_TRY(lk_h5_get_int(corpus->file, group, "rows", &rows));
  LK_TRY(lk_h5_get_int(corpus->file, group, "tokens", &tokens));
  if (tokens < 0)
    return LK_FAIL(LK_DATA, "%s: %s says it has %" PRId64 " tokens", lk_h5_path(corpus->file), group, tokens);
  info->tokens[split] = (ptrdiff_t)tokens;
  if (info->stream) return open_stream(corpus, split);
  LK_GO(lk_h5_list(corpus->file, group, &names));
  LK_GO(open_buckets(corpus, split, &names));
  if (info->rows[split] != rows)
    LK_GO(LK_FAIL(LK_DATA, "%s: %s has %td row%s, expected %" PRId64, lk_h5_path(corpus->file), group,
                  info->rows[split], lk_plural(info->rows[split]), rows));
done:
  lk_strings_release(&names);
  return status;
}

/* Buffers are allocated for max_length, so it may not exceed the widest bucket. */
static lk_status check_longest(const lk_corpus *corpus) {
  const lk_corpus_info *info = &corpus->info;
  ptrdiff_t widest = 0;
  for (int s = 0; s < LK_SPLITS; s++)
    for (int i = 0; i < info->buckets[s]; i++)
      if (info->bucket[s][i].width > widest) widest = info->bucket[s][i].width;
  if (info->stream || info->max_length <= widest) return LK_OK;
  return LK_FAIL(LK_DATA, "%s: attribute \"max_length\" of / is %td, but no bucket is wider than %td",
                 lk_h5_path(corpus->file), info->max_length, widest);
}

lk_status lk_corpus_open_lean(lk_corpus **corpus, const char *path, bool verify) {
  lk_corpus *made;
  lk_status status = LK_OK;
  *corpus = NULL;
  LK_TRY(lk_alloc(&made, 1, sizeof *made));
  LK_GO(lk_h5_open(&made->file, path, verify));
  LK_GO(lk_format_check(made->file, LK_CORPUS_FORMAT, "Lockstep corpus", LK_CORPUS_VERSION));
  LK_GO(lk_not_understood(made->file, lk_info_read(made->file, "/", &made->info)));
  LK_GO(lk_not_understood(made->file, lk_vocab_read(made->file, &made->info)));
  for (lk_split split = LK_TRAIN; split < LK_SPLITS; split++) LK_GO(open_split(made, split));
  LK_GO(check_longest(made));
  memcpy(made->info.digest, lk_h5_digest(made->file), sizeof made->info.digest);
  *corpus = made;
  return LK_OK;
done:
  lk_corpus_close(&made);
  return status;
}

lk_vectors_file lk_corpus_vectors(lk_corpus *corpus) { return (lk_vectors_file){corpus->file, &corpus->info}; }

lk_status lk_corpus_open(lk_corpus **corpus, const char *path, bool verify) {
  LK_TRY(lk_corpus_open_lean(corpus, path, verify));
  const lk_status status = lk_vectors_fetch(lk_corpus_vectors(*corpus));
  if (status != LK_OK) lk_corpus_close(corpus);
  return status;
}

void lk_corpus_close(lk_corpus **corpus) {
  if (!*corpus) return;
  lk_h5_close(&(*corpus)->file);
  if (!(*corpus)->apart) lk_info_release(&(*corpus)->info);
  free(*corpus);
  *corpus = NULL;
}

const lk_corpus_info *lk_corpus_about(const lk_corpus *corpus) { return &corpus->info; }

/* ---- rows ---- */

static lk_status outside(const lk_corpus *corpus, const char *path, ptrdiff_t row, int32_t value, const char *what,
                         ptrdiff_t least, ptrdiff_t most) {
  return LK_FAIL(LK_DATA, "%s: %s row %td: %s %" PRId32 " is not in %td to %td", lk_h5_path(corpus->file), path, row,
                 what, value, least, most);
}

/* Check that all of [rows, columns] are in least..most; the message names the first that is not. */
static lk_status check_ids(const lk_corpus *corpus, const char *path, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t columns,
                           const int32_t *ids, const char *what, ptrdiff_t least, ptrdiff_t most) {
  const int32_t low = (int32_t)least, high = (int32_t)most;
  bool bad = false;
  for (ptrdiff_t i = 0; i < rows * columns; i++) bad |= (ids[i] < low) | (ids[i] > high); /* one pass in vectors */
  for (ptrdiff_t i = 0; bad && i < rows * columns; i++)
    if (ids[i] < low || ids[i] > high) return outside(corpus, path, row + i / columns, ids[i], what, least, most);
  return LK_OK;
}

static lk_status check_numbers(const lk_corpus *corpus, const char *path, ptrdiff_t row, ptrdiff_t count,
                               ptrdiff_t columns, const float *frames) {
  for (ptrdiff_t i = 0; i < count; i++)
    if (!isfinite(frames[i]))
      return LK_FAIL(LK_DATA, "%s: %s row %td: a frame holds %s", lk_h5_path(corpus->file), path, row + i / columns,
                     isnan(frames[i]) ? "NaN" : "an infinite number");
  return LK_OK;
}

static lk_status read_target(const lk_corpus *corpus, lk_split split, const lk_bucket *bucket, ptrdiff_t row,
                             ptrdiff_t rows, int32_t *target) {
  const lk_corpus_info *info = &corpus->info;
  char path[PATH];
  bucket_path(path, split, bucket->width, "target");
  LK_TRY(lk_h5_read(corpus->file, path, LK_INT32, row, rows, target));
  if (info->kind == LK_CORPUS_PAIRS)
    return check_ids(corpus, path, row, rows, bucket->target_width, target, "id", 0, info->target.count - 1);
  const ptrdiff_t least = lk_corpus_least_label(info, split);
  return check_ids(corpus, path, row, rows, bucket->target_width, target, "label", least, info->label.count - 1);
}

static lk_status read_length(const lk_corpus *corpus, lk_split split, const lk_bucket *bucket, ptrdiff_t row,
                             ptrdiff_t rows, const char *name, int32_t *length) {
  const lk_corpus_info *info = &corpus->info;
  const ptrdiff_t most = info->max_length < bucket->width ? info->max_length : bucket->width;
  const ptrdiff_t least = lk_kind_frame(info->kind) ? lk_kind_frame(info->kind) : 1;
  char path[PATH];
  bucket_path(path, split, bucket->width, name);
  LK_TRY(lk_h5_read(corpus->file, path, LK_INT32, row, rows, length));
  return check_ids(corpus, path, row, rows, 1, length, "length", least, most);
}

static lk_status check_range(const lk_corpus *corpus, lk_split split, ptrdiff_t begin, ptrdiff_t count, ptrdiff_t all) {
  if (begin >= 0 && count >= 0 && begin <= all && count <= all - begin) return LK_OK;
  return LK_FAIL(LK_DATA, "%s: %td from %td are not in the %td of /%s", lk_h5_path(corpus->file), count, begin, all,
                 lk_split_names[split]);
}

lk_status lk_corpus_rows(const lk_corpus *corpus, lk_split split, int bucket, ptrdiff_t row, ptrdiff_t rows,
                         int32_t *source, int32_t *length, int32_t *target, float *frames) {
  const lk_corpus_info *info = &corpus->info;
  LK_ASSERT(bucket >= 0 && bucket < info->buckets[split]);
  const lk_bucket *from = &info->bucket[split][bucket];
  char path[PATH];
  LK_TRY(check_range(corpus, split, row, rows, from->rows));
  if (source && !info->frames) {
    bucket_path(path, split, from->width, "source");
    LK_TRY(lk_h5_read(corpus->file, path, LK_INT32, row, rows, source));
    LK_TRY(check_ids(corpus, path, row, rows, from->width, source, "id", 0, info->source.count - 1));
  }
  if (frames && info->frames) {
    const ptrdiff_t columns = from->width * info->frames;
    bucket_path(path, split, from->width, "frames");
    LK_TRY(lk_h5_read(corpus->file, path, LK_FLOAT32, row, rows, frames));
    LK_TRY(check_numbers(corpus, path, row, rows * columns, columns, frames));
  }
  if (length) LK_TRY(read_length(corpus, split, from, row, rows, "length", length));
  return target && from->target_width ? read_target(corpus, split, from, row, rows, target) : LK_OK;
}

lk_status lk_corpus_read_column(const lk_corpus *corpus, lk_split split, int bucket, int column, ptrdiff_t row,
                                ptrdiff_t rows, void *out) {
  const lk_corpus_info *info = &corpus->info;
  LK_ASSERT(bucket >= 0 && bucket < info->buckets[split] && column >= 0 && column < info->columns);
  const lk_bucket *from = &info->bucket[split][bucket];
  const lk_corpus_column *c = &info->column[column];
  const ptrdiff_t cells = from->width * c->width;
  char path[PATH];
  LK_TRY(check_range(corpus, split, row, rows, from->rows));
  bucket_path(path, split, from->width, c->name);
  LK_TRY(lk_h5_read(corpus->file, path, c->numbers ? LK_FLOAT32 : LK_INT32, row, rows, out));
  if (c->numbers) return check_numbers(corpus, path, row, rows * cells, cells, out);
  return check_ids(corpus, path, row, rows, cells, out, "value", 0, lk_column_tokens(c) - 1);
}

lk_status lk_corpus_forms(const lk_corpus *corpus, lk_strings *forms) {
  return lk_h5_read_strings(corpus->file, "/vocab/" LK_FORMS, forms);
}

lk_status lk_corpus_target_lengths(const lk_corpus *corpus, lk_split split, int bucket, ptrdiff_t row, ptrdiff_t rows,
                                   int32_t *length) {
  const lk_corpus_info *info = &corpus->info;
  LK_ASSERT(info->kind == LK_CORPUS_PAIRS && bucket >= 0 && bucket < info->buckets[split]);
  const lk_bucket *from = &info->bucket[split][bucket];
  LK_TRY(check_range(corpus, split, row, rows, from->rows));
  return read_length(corpus, split, from, row, rows, "target_length", length);
}

lk_status lk_corpus_references(const lk_corpus *corpus, lk_split split, int bucket, lk_strings *references) {
  const lk_corpus_info *info = &corpus->info;
  LK_ASSERT(info->kind == LK_CORPUS_PAIRS && bucket >= 0 && bucket < info->buckets[split]);
  const lk_bucket *from = &info->bucket[split][bucket];
  const ptrdiff_t before = references->count;
  char path[PATH];
  bucket_path(path, split, from->width, "references");
  LK_TRY(lk_h5_read_strings(corpus->file, path, references));
  if (references->count - before != from->rows)
    return LK_FAIL(LK_DATA, "%s: %s has %td row%s, expected %td", lk_h5_path(corpus->file), path,
                   references->count - before, lk_plural(references->count - before), from->rows);
  return LK_OK;
}

static lk_status read_stream(const lk_corpus *corpus, lk_split split, const char *name, const char *what,
                             ptrdiff_t values, ptrdiff_t begin, ptrdiff_t count, int32_t *out) {
  const lk_corpus_info *info = &corpus->info;
  char path[PATH];
  LK_TRY(check_range(corpus, split, begin, count, info->stream ? info->tokens[split] : 0));
  if (!count) return LK_OK;
  snprintf(path, sizeof path, "/%s/%s", lk_split_names[split], name);
  LK_TRY(lk_h5_read(corpus->file, path, LK_INT32, begin, count, out));
  return check_ids(corpus, path, begin, count, 1, out, what, 0, values - 1);
}

lk_status lk_corpus_stream(const lk_corpus *corpus, lk_split split, ptrdiff_t begin, ptrdiff_t count, int32_t *ids) {
  return read_stream(corpus, split, "stream", "id", corpus->info.source.count, begin, count, ids);
}

lk_status lk_corpus_stream_column(const lk_corpus *corpus, lk_split split, int column, ptrdiff_t begin, ptrdiff_t count,
                                  int32_t *values) {
  const lk_corpus_column *c = &corpus->info.column[column];
  LK_ASSERT(column >= 0 && column < corpus->info.columns);
  return read_stream(corpus, split, c->name, "value", lk_column_tokens(c), begin, count, values);
}

/* ---- apart ---- */

static lk_status add_bucket(lk_corpus *apart, const lk_h5 *file, lk_split split, const lk_bucket *bucket) {
  const lk_corpus_info *info = &apart->info;
  char path[PATH];
  bucket_path(path, split, bucket->width, info->frames ? "frames" : "source");
  LK_TRY(lk_h5_add_apart(apart->file, file, path, info->frames ? LK_FLOAT32 : LK_INT32));
  if (bucket->target_width)
    LK_TRY(lk_h5_add_apart(apart->file, file, bucket_path(path, split, bucket->width, "target"), LK_INT32));
  for (int c = 0; c < info->columns; c++) {
    bucket_path(path, split, bucket->width, info->column[c].name);
    LK_TRY(lk_h5_add_apart(apart->file, file, path, info->column[c].numbers ? LK_FLOAT32 : LK_INT32));
  }
  return LK_OK;
}

static lk_status add_stream(lk_corpus *apart, const lk_h5 *file, lk_split split) {
  char path[PATH];
  for (int c = -1; c < apart->info.columns; c++) {
    snprintf(path, sizeof path, "/%s/%s", lk_split_names[split], c < 0 ? "stream" : apart->info.column[c].name);
    LK_TRY(lk_h5_add_apart(apart->file, file, path, LK_INT32));
  }
  return LK_OK;
}

lk_status lk_corpus_apart(lk_corpus **apart, const lk_corpus *corpus, lk_split split) {
  lk_corpus *made;
  lk_status status = LK_OK;
  *apart = NULL;
  LK_TRY(lk_alloc(&made, 1, sizeof *made));
  made->apart = true;
  made->info = corpus->info;
  LK_GO(lk_h5_apart(&made->file, corpus->file, (made->info.kind == LK_CORPUS_TEXT ? 1 : 2) + made->info.columns));
  if (made->info.stream) LK_GO(add_stream(made, corpus->file, split));
  for (int k = 0; k < made->info.buckets[split]; k++)
    LK_GO(add_bucket(made, corpus->file, split, &made->info.bucket[split][k]));
  *apart = made;
  made = NULL;
done:
  lk_corpus_close(&made);
  return status;
}

size_t lk_corpus_apart_bytes(const lk_corpus *apart) { return lk_h5_apart_bytes(apart->file); }

lk_status lk_corpus_check_same(const lk_corpus *apart) { return lk_h5_check_same(apart->file); }

ptrdiff_t lk_corpus_piece(const lk_corpus *apart, lk_split split, int bucket) {
  const lk_corpus_info *info = &apart->info;
  char path[PATH];
  bucket_path(path, split, info->bucket[split][bucket].width, info->frames ? "frames" : "source");
  return lk_h5_piece(apart->file, path);
}
