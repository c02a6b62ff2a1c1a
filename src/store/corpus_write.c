#include "corpus_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus_impl.h"
#include "references_impl.h"
#include "arena.h"

enum {
  CHUNK_BYTES = 128 << 10,  /* of a chunk of rows */
  SHELF_BYTES = 1 << 20,    /* of a bucket collected before they are written */
  STREAM_CHUNK = 64 << 10,  /* ids */
  STREAM_SHELF = 256 << 10, /* ids */
  DEFLATE = 1
};

#ifndef LK_VERSION
#define LK_VERSION "unknown"
#endif

/* Rows of one bucket that are not written yet. Arrays have room for `capacity` rows. */
typedef struct gathered {
  ptrdiff_t width, rows, capacity;
  int32_t *source, *length, *target, *target_length;
  float *frames;
  int32_t *column[LK_MOST_FURTHER]; /* cells of 4 bytes, int32 or float */
  ptrdiff_t flushed;                /* rows that are in the file */
  lk_references references;         /* of all rows, written at the end */
} gathered;

typedef struct portion {
  gathered shelf[LK_MAX_BUCKETS];
  int32_t *stream, *stream_column[LK_MOST_FURTHER]; /* [STREAM_SHELF] */
  ptrdiff_t stream_count;
  ptrdiff_t rows, tokens;
} portion;

struct lk_corpus_writer {
  lk_h5 *file;
  lk_corpus_info info; /* without the vocabularies, which the caller keeps */
  portion part[LK_SPLITS];
  lk_spool references; /* of rows that are in the file */
};

/* Widths of buckets: 4 6, then eight for each doubling: 8 9 .. 16 18 20 .. 32 36 40 ... Padding is at most a ninth of a
 * row, on average a few per cent. */
static ptrdiff_t bucket_width(int bucket) {
  if (bucket < 2) return 4 + 2 * bucket;
  return (ptrdiff_t)(8 + (bucket - 2) % 8) << (bucket - 2) / 8;
}

static int bucket_of(ptrdiff_t length) {
  int bucket = 0;
  while (bucket_width(bucket) < length) bucket++;
  LK_ASSERT(bucket < LK_MAX_BUCKETS);
  return bucket;
}

static lk_status write_header(lk_corpus_writer *writer, const lk_corpus_info *info, const char *source) {
  lk_h5 *file = writer->file;
  LK_TRY(lk_h5_set_text(file, "/", "format", "lockstep-corpus"));
  LK_TRY(lk_h5_set_int(file, "/", "version", LK_CORPUS_VERSION));
  LK_TRY(lk_h5_set_text(file, "/", "created_by", "Lockstep " LK_VERSION));
  LK_TRY(lk_h5_set_text(file, "/", "source", source ? source : ""));
  LK_TRY(lk_h5_set_text(file, "/", "description",
                        "padded sequences in buckets of similar length; <pad> 0, <sos> 1, <eos> 2, <unk> 3"));
  LK_TRY(lk_vocab_write(file, info));
  return lk_vectors_write(file, info, true, DEFLATE);
}

lk_status lk_corpus_create(lk_corpus_writer **writer, const char *path, const lk_corpus_info *info,
                           const char *source) {
  lk_corpus_writer *made;
  *writer = NULL;
  LK_TRY(lk_alloc(&made, 1, sizeof *made));
  made->references = (lk_spool){.fd = -1, .beside = path};
  made->info.kind = info->kind;
  memcpy(made->info.unit, info->unit, sizeof info->unit);
  memcpy(made->info.target_unit, info->target_unit, sizeof info->target_unit);
  made->info.shared = info->shared;
  made->info.stream = info->stream;
  memcpy(made->info.split, info->split, sizeof info->split);
  made->info.frames = info->frames;
  made->info.lower = info->lower;
  made->info.nfc = info->nfc;
  made->info.digits = info->digits;
  made->info.tags = info->tags;
  made->info.conllu_word = info->conllu_word;
  made->info.conllu_tag = info->conllu_tag;
  made->info.columns = info->columns;
  memcpy(made->info.column, info->column, sizeof info->column);
  lk_status status = lk_h5_create(&made->file, path, false);
  if (status == LK_OK) status = write_header(made, info, source);
  if (status != LK_OK)
    lk_corpus_discard(&made);
  else
    *writer = made;
  return status;
}

void lk_corpus_discard(lk_corpus_writer **writer) {
  lk_corpus_writer *w = *writer;
  if (!w) return;
  *writer = NULL;
  lk_h5_close(&w->file);
  lk_spool_close(&w->references);
  for (lk_split split = LK_TRAIN; split < LK_SPLITS; split++) {
    free(w->part[split].stream);
    for (int c = 0; c < LK_MOST_FURTHER; c++) free(w->part[split].stream_column[c]);
    for (int bucket = 0; bucket < LK_MAX_BUCKETS; bucket++) {
      gathered *shelf = &w->part[split].shelf[bucket];
      free(shelf->source);
      free(shelf->length);
      free(shelf->target);
      free(shelf->target_length);
      free(shelf->frames);
      for (int c = 0; c < LK_MOST_FURTHER; c++) free(shelf->column[c]);
      lk_references_release(&shelf->references);
    }
  }
  free(w);
}

/* ---- rows ---- */

static ptrdiff_t target_columns(const lk_corpus_info *info, ptrdiff_t width) {
  const int axes = lk_kind_target_axes(info->kind);
  return axes == 2 ? width : axes;
}

static ptrdiff_t chunk_rows(ptrdiff_t row_bytes) {
  const ptrdiff_t rows = CHUNK_BYTES / row_bytes;
  return rows < 1 ? 1 : rows > 8192 ? 8192 : rows;
}

/* The first row of a bucket determines how many rows are collected: about a megabyte, a whole number of chunks. */
static lk_status begin_shelf(const lk_corpus_writer *writer, gathered *shelf, ptrdiff_t width) {
  const lk_corpus_info *info = &writer->info;
  const ptrdiff_t row_bytes = width * (info->frames ? info->frames * (ptrdiff_t)sizeof(float) : 4);
  const ptrdiff_t chunk = chunk_rows(row_bytes);
  shelf->width = width;
  shelf->capacity = row_bytes * chunk < SHELF_BYTES ? SHELF_BYTES / (row_bytes * chunk) * chunk : chunk;
  const size_t capacity = (size_t)shelf->capacity;
  LK_TRY(lk_alloc(&shelf->length, capacity, sizeof *shelf->length));
  LK_TRY(lk_alloc(&shelf->target_length, capacity, sizeof *shelf->target_length));
  LK_TRY(lk_alloc(&shelf->target, capacity * (size_t)target_columns(info, width) + 1, sizeof *shelf->target));
  for (int c = 0; c < info->columns; c++)
    LK_TRY(lk_alloc(&shelf->column[c], capacity * (size_t)(width * info->column[c].width), sizeof *shelf->column[c]));
  if (info->frames) return lk_alloc(&shelf->frames, capacity * (size_t)(width * info->frames), sizeof *shelf->frames);
  return lk_alloc(&shelf->source, capacity * (size_t)width, sizeof *shelf->source);
}

/* Append one array of the collected rows; names the axes where the data set is new. */
static lk_status write_array(lk_corpus_writer *writer, lk_split split, const gathered *shelf, const char *name,
                             lk_type type, int dims, ptrdiff_t across, const void *data, const char *note,
                             const char *axes) {
  char path[128];
  const ptrdiff_t shape[LK_H5_DIMS] = {shelf->rows, dims > 1 ? shelf->width : 1, dims > 2 ? across : 1};
  const ptrdiff_t row_bytes = shape[1] * shape[2] * (ptrdiff_t)sizeof(int32_t);
  ptrdiff_t chunk = chunk_rows(row_bytes);
  if (chunk > shelf->rows && shelf->rows < shelf->capacity) chunk = shelf->rows; /* there will be no more rows */
  snprintf(path, sizeof path, "/%s/len_%04td/%s", lk_split_names[split], shelf->width, name);
  const bool is_new = !lk_h5_exists(writer->file, path);
  LK_TRY(lk_h5_append(writer->file, path, type, dims, shape, data, chunk, DEFLATE, is_new ? note : NULL));
  if (!is_new) return LK_OK;
  LK_TRY(lk_h5_set_text(writer->file, path, "shape_names", axes));
  return lk_h5_set_text(writer->file, path, "units",
                        strstr(name, "length") ? "positions"
                        : type == LK_FLOAT32   ? "as in the source"
                                               : "id");
}

static lk_status write_target(lk_corpus_writer *writer, lk_split split, const gathered *shelf) {
  switch (writer->info.kind) {
    case LK_CORPUS_TEXT:
    case LK_CORPUS_KINDS:
      return LK_OK;
    case LK_CORPUS_LABEL:
      return write_array(writer, split, shelf, "target", LK_INT32, 2, 1, shelf->target,
                         "label of each word, -1 for none", "sequence, position");
    case LK_CORPUS_PAIRS:
      LK_TRY(write_array(writer, split, shelf, "target", LK_INT32, 2, 1, shelf->target,
                         "ids of the target: <sos> words <eos>, then <pad>", "sequence, position"));
      return write_array(writer, split, shelf, "target_length", LK_INT32, 1, 1, shelf->target_length,
                         "positions of target in use, <sos> and <eos> included", "sequence");
    case LK_CORPUS_CLASSIFY:
    case LK_CORPUS_FRAMES:
      return write_array(writer, split, shelf, "target", LK_INT32, 1, 1, shelf->target,
                         "label of the sequence, -1 for none", "sequence");
  }
  return LK_OK;
}

static lk_status write_columns(lk_corpus_writer *writer, lk_split split, const gathered *shelf) {
  for (int c = 0; c < writer->info.columns; c++) {
    const lk_corpus_column *column = &writer->info.column[c];
    if (column->numbers)
      LK_TRY(write_array(writer, split, shelf, column->name, LK_FLOAT32, 3, column->width, shelf->column[c],
                         "numbers of each position, zero where there is none", "sequence, position, feature"));
    else
      LK_TRY(write_array(writer, split, shelf, column->name, LK_INT32, 2, 1, shelf->column[c],
                         "value of each position, by its row in /vocab; 0 where there is none", "sequence, position"));
  }
  return LK_OK;
}

static lk_status flush_shelf(lk_corpus_writer *writer, lk_split split, gathered *shelf) {
  if (!shelf->rows) return LK_OK;
  if (writer->info.frames)
    LK_TRY(write_array(writer, split, shelf, "frames", LK_FLOAT32, 3, writer->info.frames, shelf->frames,
                       "frames, zero beyond the length", "sequence, position, feature"));
  else
    LK_TRY(write_array(writer, split, shelf, "source", LK_INT32, 2, 1, shelf->source,
                       "ids: <sos> words <eos>, then <pad>", "sequence, position"));
  LK_TRY(write_array(writer, split, shelf, "length", LK_INT32, 1, 1, shelf->length,
                     "positions in use, <sos> and <eos> included", "sequence"));
  LK_TRY(write_target(writer, split, shelf));
  LK_TRY(write_columns(writer, split, shelf));
  shelf->flushed += shelf->rows;
  shelf->rows = 0;
  return LK_OK;
}

static void put_ids(int32_t *to, ptrdiff_t width, const int32_t *ids, ptrdiff_t count, int32_t fill) {
  memcpy(to, ids, (size_t)count * sizeof *ids);
  for (ptrdiff_t i = count; i < width; i++) to[i] = fill;
}

static void put_row(const lk_corpus_info *info, gathered *shelf, const lk_corpus_row *row) {
  const ptrdiff_t at = shelf->rows++, width = shelf->width, columns = target_columns(info, width);
  shelf->length[at] = (int32_t)row->length;
  shelf->target_length[at] = (int32_t)row->target_length;
  if (info->frames) {
    float *to = shelf->frames + at * width * info->frames;
    memcpy(to, row->frames, (size_t)(row->length * info->frames) * sizeof *to);
    memset(to + row->length * info->frames, 0, (size_t)((width - row->length) * info->frames) * sizeof *to);
  } else {
    put_ids(shelf->source + at * width, width, row->source, row->length, LK_PAD);
  }
  for (int c = 0; c < info->columns; c++) {
    const ptrdiff_t cells = info->column[c].width;
    put_ids(shelf->column[c] + at * width * cells, width * cells, row->column[c], row->length * cells, 0);
  }
  if (columns)
    put_ids(shelf->target + at * columns, columns, row->target, row->target_length,
            info->kind == LK_CORPUS_LABEL ? LK_NO_LABEL : LK_PAD);
}

lk_status lk_corpus_add(lk_corpus_writer *writer, lk_split split, const lk_corpus_row *row) {
  lk_corpus_info *info = &writer->info;
  portion *part = &writer->part[split];
  ptrdiff_t longest = row->length;
  LK_ASSERT(!info->stream && row->length >= 1 && row->length <= INT32_MAX);
  LK_ASSERT(info->frames ? row->frames != NULL : row->source != NULL);
  if (info->kind == LK_CORPUS_LABEL) LK_ASSERT(row->target_length == row->length);
  if (lk_kind_target_axes(info->kind) == 1) LK_ASSERT(row->target_length == 1);
  if (info->kind == LK_CORPUS_PAIRS) LK_ASSERT(row->target_length >= 1 && row->target_length <= INT32_MAX);
  if (info->kind == LK_CORPUS_PAIRS && row->target_length > longest) longest = row->target_length;
  const int bucket = bucket_of(longest);
  gathered *shelf = &part->shelf[bucket];
  if (!shelf->capacity) LK_TRY(begin_shelf(writer, shelf, bucket_width(bucket)));
  put_row(info, shelf, row);
  if (row->references) LK_TRY(lk_references_add(&shelf->references, row->references, row->references_size));
  part->rows++;
  part->tokens += row->length - lk_kind_frame(info->kind);
  if (longest > info->max_length) info->max_length = longest;
  if (shelf->rows < shelf->capacity) return LK_OK;
  LK_TRY(flush_shelf(writer, split, shelf));
  return lk_references_put_away(&shelf->references, &writer->references);
}

/* ---- streams ---- */

static lk_status append_stream(lk_corpus_writer *writer, lk_split split, const char *name, const int32_t *ids,
                               const char *note) {
  const portion *part = &writer->part[split];
  char path[64];
  snprintf(path, sizeof path, "/%s/%s", lk_split_names[split], name);
  const bool is_new = !lk_h5_exists(writer->file, path);
  const ptrdiff_t chunk = part->stream_count < STREAM_CHUNK ? part->stream_count : STREAM_CHUNK;
  LK_TRY(lk_h5_append(writer->file, path, LK_INT32, 1, &part->stream_count, ids, chunk, DEFLATE, is_new ? note : NULL));
  if (!is_new) return LK_OK;
  LK_TRY(lk_h5_set_text(writer->file, path, "shape_names", "position"));
  return lk_h5_set_text(writer->file, path, "units", "id");
}

static lk_status flush_stream(lk_corpus_writer *writer, lk_split split) {
  portion *part = &writer->part[split];
  if (!part->stream_count) return LK_OK;
  LK_TRY(append_stream(writer, split, "stream", part->stream, "ids of one running text"));
  for (int c = 0; c < writer->info.columns; c++)
    LK_TRY(append_stream(writer, split, writer->info.column[c].name, part->stream_column[c],
                         "value of each position, by its row in /vocab"));
  part->stream_count = 0;
  return LK_OK;
}

static lk_status begin_stream(const lk_corpus_writer *writer, portion *part) {
  if (part->stream) return LK_OK;
  for (int c = 0; c < writer->info.columns; c++)
    LK_TRY(lk_alloc(&part->stream_column[c], STREAM_SHELF, sizeof *part->stream_column[c]));
  return lk_alloc(&part->stream, STREAM_SHELF, sizeof *part->stream);
}

lk_status lk_corpus_add_stream(lk_corpus_writer *writer, lk_split split, const int32_t *ids, int32_t *const *column,
                               ptrdiff_t count) {
  portion *part = &writer->part[split];
  LK_ASSERT(writer->info.stream && count >= 0);
  LK_TRY(begin_stream(writer, part));
  part->tokens += count;
  for (ptrdiff_t at = 0; at < count;) {
    const ptrdiff_t room = STREAM_SHELF - part->stream_count, take = count - at < room ? count - at : room;
    memcpy(part->stream + part->stream_count, ids + at, (size_t)take * sizeof *ids);
    for (int c = 0; c < writer->info.columns; c++)
      memcpy(part->stream_column[c] + part->stream_count, column[c] + at, (size_t)take * sizeof *ids);
    part->stream_count += take;
    at += take;
    if (part->stream_count == STREAM_SHELF) LK_TRY(flush_stream(writer, split));
  }
  return LK_OK;
}

/* ---- the end ---- */

static lk_status write_references(lk_corpus_writer *writer, lk_split split, const gathered *shelf) {
  char path[64];
  if (!shelf->references.count) return LK_OK;
  LK_ASSERT(shelf->references.count == shelf->flushed);
  snprintf(path, sizeof path, "/%s/len_%04td/references", lk_split_names[split], shelf->width);
  LK_TRY(lk_references_write(&shelf->references, &writer->references, writer->file, path));
  return lk_h5_set_text(writer->file, path, "shape_names", "sequence");
}

static lk_status finish_split(lk_corpus_writer *writer, lk_split split) {
  portion *part = &writer->part[split];
  char path[32];
  for (int bucket = 0; bucket < LK_MAX_BUCKETS; bucket++) {
    LK_TRY(flush_shelf(writer, split, &part->shelf[bucket]));
    LK_TRY(write_references(writer, split, &part->shelf[bucket]));
  }
  LK_TRY(flush_stream(writer, split));
  if (!part->rows && !part->tokens) return LK_OK;
  snprintf(path, sizeof path, "/%s", lk_split_names[split]);
  LK_TRY(lk_h5_set_int(writer->file, path, "rows", part->rows));
  return lk_h5_set_int(writer->file, path, "tokens", part->tokens);
}

lk_status lk_corpus_name_unseen(lk_corpus_writer *writer, const lk_strings *unseen) {
  return lk_h5_write_strings(writer->file, "/vocab/unseen", unseen,
                             "labels that training never has: -2 in target is the first, -3 the second");
}

lk_status lk_corpus_name_forms(lk_corpus_writer *writer, const lk_strings *forms) {
  return lk_h5_write_strings(
      writer->file, "/vocab/" LK_FORMS, forms,
      "words that are not written as in source: the value of a position is the row, 0 as in source");
}

lk_status lk_corpus_commit(lk_corpus_writer *writer) {
  for (lk_split split = LK_TRAIN; split < LK_SPLITS; split++) LK_TRY(finish_split(writer, split));
  LK_TRY(lk_info_write(writer->file, "/", &writer->info));
  return lk_h5_commit(writer->file);
}
