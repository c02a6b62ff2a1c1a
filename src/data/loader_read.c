#include "loader_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 32 << 20 }; /* bytes per read: a few chunks of the file, and a small part of the memory */

/* A block of rows of one bucket, padded as in the file. */
typedef struct block {
  ptrdiff_t rows_most, width, target_width;
  int32_t *source, *length, *target, *target_length;
  float *frames;
  int32_t *further[LK_MAX_COLUMNS]; /* parallel to the loader's */
  lk_strings references;            /* accepted targets of the whole bucket */
} block;

static void block_release(block *b) {
  free(b->source);
  free(b->length);
  free(b->target);
  free(b->target_length);
  lk_strings_release(&b->references);
  free(b->frames);
  for (int c = 1; c < LK_MAX_COLUMNS; c++) free(b->further[c]);
}

static lk_status block_reserve(block *b, const lk_loader *loader, const lk_bucket *bucket, ptrdiff_t rows) {
  lk_status status;
  const ptrdiff_t row_bytes = bucket->width * (8 + 4 * loader->D) + 8;
  *b = (block){.width = bucket->width, .target_width = bucket->target_width > 0 ? bucket->target_width : 1};
  b->rows_most = BLOCK_BYTES / row_bytes + 1;
  if (b->rows_most > rows) b->rows_most = rows;
  const size_t n = (size_t)b->rows_most;
  LK_GO(lk_alloc(&b->length, n, sizeof *b->length));
  LK_GO(lk_alloc(&b->target_length, n, sizeof *b->target_length));
  if (loader->D > 0)
    LK_GO(lk_alloc(&b->frames, n * (size_t)b->width, (size_t)loader->D * sizeof *b->frames));
  else
    LK_GO(lk_alloc(&b->source, n * (size_t)b->width, sizeof *b->source));
  for (int c = 1; c < loader->columns; c++)
    LK_GO(lk_alloc(&b->further[c], n * (size_t)(b->width * loader->form[c].width), sizeof *b->further[c]));
  if (loader->settings.view != LK_VIEW_LM) LK_GO(lk_alloc(&b->target, n * (size_t)b->target_width, sizeof *b->target));
done:
  if (status != LK_OK) block_release(b);
  return status;
}

/* Which of the `length` units of a row the view reads. */
typedef struct view_part {
  ptrdiff_t skip, keep; /* units skipped at the start, units stored */
  ptrdiff_t positions;  /* number of inputs */
} view_part;

static view_part view_of(const lk_loader *loader, ptrdiff_t length) {
  if (loader->D > 0) return (view_part){.keep = length, .positions = length};
  if (loader->settings.view == LK_VIEW_LM) return (view_part){.keep = length, .positions = length - 1};
  if (loader->settings.view == LK_VIEW_PAIRS)
    return (view_part){.skip = 1, .keep = length - 1, .positions = length - 1};
  return (view_part){.skip = 1, .keep = length - 2, .positions = length - 2};
}

static lk_status check_label(const lk_loader *loader, int32_t label, const char *bucket, ptrdiff_t row) {
  if (label >= loader->least_label && label < loader->labels) return LK_OK;
  return LK_FAIL(LK_DATA, "%s row %td: label %d, but the corpus has %td labels", bucket, row, (int)label,
                 loader->labels);
}

static lk_status keep_targets(lk_loader *loader, const block *b, ptrdiff_t i, view_part s, ptrdiff_t row,
                              const char *name, ptrdiff_t file_row) {
  if (loader->settings.view == LK_VIEW_LM) return LK_OK;
  const int32_t *from = b->target + i * b->target_width;
  if (loader->settings.view == LK_VIEW_PAIRS) return lk_loader_keep_target(loader, row, from, b->target_length[i]);
  if (loader->settings.view == LK_VIEW_CLASSIFY) {
    LK_TRY(check_label(loader, from[0], name, file_row));
    loader->target[row] = from[0];
    return LK_OK;
  }
  LK_TRY(lk_grow(&loader->target, &loader->target_capacity, (size_t)(loader->used + s.keep), sizeof *loader->target));
  for (ptrdiff_t t = 0; t < s.keep; t++) {
    LK_TRY(check_label(loader, from[s.skip + t], name, file_row));
    loader->target[loader->used + t] = from[s.skip + t];
  }
  return LK_OK;
}

static lk_status keep_further(lk_loader *loader, const block *b, ptrdiff_t i, view_part s) {
  for (int c = 1; c < loader->columns; c++) {
    const ptrdiff_t width = loader->form[c].width;
    const size_t need = (size_t)((loader->used + s.keep) * width);
    LK_TRY(lk_grow(&loader->further[c], &loader->further_capacity[c], need, sizeof *loader->further[c]));
    memcpy(loader->further[c] + loader->used * width, b->further[c] + (i * b->width + s.skip) * width,
           (size_t)(s.keep * width) * sizeof *loader->further[c]);
    if (loader->form[c].spelled)
      lk_loader_spell(loader, s.keep, loader->source + loader->used, loader->further[c] + loader->used);
  }
  return LK_OK;
}

/* Store row i of the block as row `row` of the loader. */
static lk_status keep_row(lk_loader *loader, const block *b, ptrdiff_t i, ptrdiff_t row, const char *name,
                          ptrdiff_t file_row) {
  const view_part s = view_of(loader, b->length[i]);
  if (s.positions < 1) return LK_FAIL(LK_DATA, "%s row %td: nothing to read in it", name, file_row);
  LK_TRY(keep_targets(loader, b, i, s, row, name, file_row));
  const size_t need = (size_t)(loader->used + s.keep);
  if (loader->D > 0) {
    const size_t D = (size_t)loader->D;
    LK_TRY(lk_grow(&loader->frames, &loader->frames_capacity, need * D, sizeof *loader->frames));
    memcpy(loader->frames + (size_t)loader->used * D, b->frames + (size_t)(i * b->width) * D,
           (size_t)s.keep * D * sizeof *b->frames);
  } else {
    LK_TRY(lk_grow(&loader->source, &loader->source_capacity, need, sizeof *loader->source));
    memcpy(loader->source + loader->used, b->source + i * b->width + s.skip, (size_t)s.keep * sizeof *b->source);
  }
  LK_TRY(keep_further(loader, b, i, s));
  loader->offset[row] = loader->used;
  loader->length[row] = (int32_t)s.positions;
  loader->used += s.keep;
  return LK_OK;
}

/* Read this rank's rows of one bucket, in large blocks. next [shards]: index of the next row of each local shard. */
static lk_status read_bucket(lk_loader *loader, const lk_corpus *corpus, int k, ptrdiff_t before, ptrdiff_t *next) {
  const lk_bucket *bucket = &loader->bucket[k];
  const lk_shards *shards = &loader->shards;
  const lk_split split = loader->settings.split;
  lk_range mine = lk_plan_block(&loader->plan, shards->first, before, bucket->rows);
  mine.end = lk_plan_block(&loader->plan, shards->first + shards->count - 1, before, bucket->rows).end;
  if (lk_range_size(mine) == 0) return LK_OK;

  char name[64];
  snprintf(name, sizeof name, "%s/len_%04td", lk_split_names[split], bucket->width);
  block b;
  int s = 0;
  lk_range owned = lk_plan_block(&loader->plan, shards->first, before, bucket->rows);
  lk_status status = block_reserve(&b, loader, bucket, lk_range_size(mine));
  if (status != LK_OK) return status;
  if (loader->has_references) LK_GO(lk_corpus_references(corpus, split, k, &b.references));
  for (ptrdiff_t at = mine.begin; at < mine.end;) {
    ptrdiff_t count = mine.end - at < b.rows_most ? mine.end - at : b.rows_most;
    LK_GO(lk_corpus_rows(corpus, split, k, at, count, b.source, b.length, b.target, b.frames));
    for (int c = 1; c < loader->columns; c++)
      LK_GO(lk_corpus_read_column(corpus, split, k, c - 1, at, count, b.further[c]));
    if (loader->settings.view == LK_VIEW_PAIRS)
      LK_GO(lk_corpus_target_lengths(corpus, split, k, at, count, b.target_length));
    for (ptrdiff_t i = 0; i < count; i++, at++) {
      while (at >= owned.end) owned = lk_plan_block(&loader->plan, shards->first + ++s, before, bucket->rows);
      loader->id[next[s]] = (uint32_t)(before + at);
      if (loader->has_references) LK_GO(lk_loader_keep_reference(loader, next[s], &b.references, at));
      LK_GO(keep_row(loader, &b, i, next[s]++, name, at));
    }
  }
done:
  block_release(&b);
  return status;
}

static lk_status reserve_rows(lk_loader *loader) {
  LK_TRY(lk_alloc(&loader->first, (size_t)loader->shards.count + 1, sizeof *loader->first));
  for (int s = 0; s < loader->shards.count; s++)
    loader->first[s + 1] = loader->first[s] + lk_plan_owned(&loader->plan, loader->shards.first + s);
  loader->rows = loader->first[loader->shards.count];
  const size_t rows = (size_t)loader->rows;
  LK_TRY(lk_alloc(&loader->id, rows, sizeof *loader->id));
  LK_TRY(lk_alloc(&loader->length, rows, sizeof *loader->length));
  LK_TRY(lk_alloc(&loader->offset, rows, sizeof *loader->offset));
  LK_TRY(lk_alloc(&loader->order, rows, sizeof *loader->order));
  LK_TRY(lk_alloc(&loader->scratch, 2 * rows, sizeof *loader->scratch));
  LK_TRY(lk_alloc(&loader->visits, (size_t)loader->steps, sizeof *loader->visits));
  if (loader->settings.view == LK_VIEW_CLASSIFY) LK_TRY(lk_alloc(&loader->target, rows, sizeof *loader->target));
  loader->key = loader->length;
  return loader->settings.view == LK_VIEW_PAIRS ? lk_loader_reserve_pairs(loader) : LK_OK;
}

/* Rows of characters of `count` positions. */
static ptrdiff_t spelled_rows(const lk_loader *loader, ptrdiff_t at, ptrdiff_t count) {
  ptrdiff_t rows = 0;
  for (int c = 1; c < loader->columns; c++)
    for (ptrdiff_t i = at; loader->form[c].spelled && i < at + count; i++) {
      const int64_t *begin = loader->speller.begin + loader->further[c][i];
      rows += (ptrdiff_t)(begin[1] - begin[0]);
    }
  return rows;
}

static lk_status measure_characters(lk_loader *loader) {
  int32_t *characters;
  ptrdiff_t ignored;
  if (loader->speller.spelling.count == 0) return LK_OK;
  LK_TRY(lk_alloc(&characters, (size_t)loader->rows + 1, sizeof *characters));
  for (ptrdiff_t row = 0; row < loader->rows; row++)
    characters[row] = (int32_t)spelled_rows(loader, loader->offset[row], loader->length[row]);
  lk_loader_measure(loader, characters, &ignored, &loader->character_most, &ignored);
  free(characters);
  return LK_OK;
}

lk_status lk_loader_read_rows(lk_loader *loader, const lk_corpus *corpus) {
  lk_status status;
  ptrdiff_t *next = NULL, before = 0;
  LK_TRY(reserve_rows(loader));
  LK_TRY(lk_alloc(&next, (size_t)loader->shards.count, sizeof *next));
  memcpy(next, loader->first, (size_t)loader->shards.count * sizeof *next);
  for (int k = 0; k < loader->buckets; k++) {
    LK_GO(read_bucket(loader, corpus, k, before, next));
    before += loader->bucket[k].rows;
  }
  lk_loader_measure(loader, loader->length, &loader->B_most, &loader->N_most, &loader->T_most);
  LK_GO(measure_characters(loader));
  if (loader->settings.view == LK_VIEW_PAIRS) LK_GO(lk_loader_finish_pairs(loader));
  status = lk_alloc(&loader->picked, (size_t)loader->B_most, sizeof *loader->picked);
done:
  free(next);
  return status;
}

/* Every lane needs at least one unit and the one that follows it. */
static lk_status check_lanes(const lk_loader *loader) {
  const ptrdiff_t lanes = loader->settings.batch, units = loader->units;
  const char *split = lk_split_names[loader->settings.split];
  if (units > lanes) return LK_OK;
  if (units < 2) return LK_FAIL(LK_DATA, "%s/stream has %td unit: nothing follows it", split, units);
  return LK_FAIL(LK_USAGE, "%s/stream has %td units, too few for %td lanes: %s can be %td at most", split, units, lanes,
                 loader->settings.shuffle ? "train.batch" : "eval.batch (or eval --batch)", units - 1);
}

/* longest: input positions of the longest lane. */
static lk_status reserve_windows(lk_loader *loader, ptrdiff_t longest) {
  const lk_loader_settings *s = &loader->settings;
  loader->windows = (lk_windows){.length = longest,
                                 .unroll = s->unroll,
                                 .random = s->unroll_random,
                                 .rng = lk_rng_make(s->seed, LK_PURPOSE_WINDOW)};
  loader->steps = lk_windows_count(&loader->windows);
  LK_TRY(lk_alloc(&loader->scratch, (size_t)loader->steps, sizeof *loader->scratch));
  return lk_alloc(&loader->window, (size_t)loader->steps + 1, sizeof *loader->window);
}

/* Over all windows of T_most times: the sum of the characters that the lanes have there. */
static lk_status measure_lane_characters(lk_loader *loader, ptrdiff_t longest) {
  ptrdiff_t *rows, sum = 0;
  if (loader->speller.spelling.count == 0) return LK_OK;
  LK_TRY(lk_alloc(&rows, (size_t)longest, sizeof *rows));
  for (ptrdiff_t lane = loader->lanes.begin; lane < loader->lanes.end; lane++) {
    const lk_range own = lk_plan_lane(loader->units, loader->settings.batch, lane);
    for (ptrdiff_t t = 0; t < lk_range_size(own); t++)
      rows[t] += spelled_rows(loader, own.begin - loader->begin + t, 1);
  }
  for (ptrdiff_t t = 0; t < longest; t++) {
    sum += rows[t] - (t >= loader->T_most ? rows[t - loader->T_most] : 0);
    if (sum > loader->character_most) loader->character_most = sum;
  }
  free(rows);
  return LK_OK;
}

lk_status lk_loader_read_lanes(lk_loader *loader, const lk_corpus *corpus) {
  const ptrdiff_t lanes = loader->settings.batch, units = loader->units;
  const lk_shards *shards = &loader->shards;
  LK_TRY(check_lanes(loader));
  loader->lanes.begin = lk_plan_lanes(shards->total, lanes, shards->first).begin;
  loader->lanes.end = lk_plan_lanes(shards->total, lanes, shards->first + shards->count - 1).end;
  const ptrdiff_t longest = (units - 1 + lanes - 1) / lanes;
  LK_TRY(reserve_windows(loader, longest));
  loader->B_most = lk_range_size(loader->lanes);
  loader->T_most = loader->B_most == 0 ? 0 : lk_windows_longest(&loader->windows);
  loader->N_most = loader->B_most * loader->T_most;
  if (loader->B_most == 0) return LK_OK;
  loader->begin = lk_plan_lane(units, lanes, loader->lanes.begin).begin;
  const ptrdiff_t count = lk_plan_lane(units, lanes, loader->lanes.end - 1).end + 1 - loader->begin;
  LK_TRY(lk_alloc(&loader->text, (size_t)count, sizeof *loader->text));
  LK_TRY(lk_corpus_stream(corpus, loader->settings.split, loader->begin, count, loader->text));
  for (int c = 1; c < loader->columns; c++) {
    LK_TRY(lk_alloc(&loader->further[c], (size_t)count, sizeof *loader->further[c]));
    LK_TRY(lk_corpus_stream_column(corpus, loader->settings.split, c - 1, loader->begin, count, loader->further[c]));
    if (loader->form[c].spelled) lk_loader_spell(loader, count, loader->text, loader->further[c]);
  }
  return measure_lane_characters(loader, longest);
}
