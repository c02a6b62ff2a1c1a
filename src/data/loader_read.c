#include "loader_ahead_impl.h"
#include "loader_block_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 32 << 20, SMALL_BLOCK = 1 << 20 }; /* bytes per read; of a rank that has to be sparing */

static lk_status check_label(const lk_loader *loader, int32_t label, const char *bucket, ptrdiff_t row) {
  if (label >= loader->least_label && label < loader->labels) return LK_OK;
  return LK_FAIL(LK_DATA, "%s row %td: label %d, but the corpus has %td labels", bucket, row, (int)label,
                 loader->labels);
}

/* Check the labels of row i of a block, and make room for its targets. */
static lk_status keep_targets(lk_loader *loader, const lk_block *b, ptrdiff_t i, ptrdiff_t keep, ptrdiff_t row,
                              const char *name, ptrdiff_t file_row) {
  lk_held *all = &loader->all;
  if (loader->settings.view == LK_VIEW_LM) return LK_OK;
  if (loader->settings.view == LK_VIEW_PAIRS) return lk_loader_keep_target(loader, row, b->target_length[i]);
  const int32_t *from = b->target + i * b->target_width;
  if (loader->settings.view == LK_VIEW_CLASSIFY) {
    LK_TRY(check_label(loader, from[0], name, file_row));
    all->target[row] = from[0];
    return LK_OK;
  }
  for (ptrdiff_t t = 0; t < keep; t++) LK_TRY(check_label(loader, from[1 + t], name, file_row));
  return lk_grow(&all->target, &loader->target_capacity, (size_t)(loader->used + keep), sizeof *all->target);
}

/* Rows of characters of `count` positions. */
static ptrdiff_t spelled_rows(const lk_loader *loader, ptrdiff_t at, ptrdiff_t count) {
  ptrdiff_t rows = 0;
  for (int c = 1; c < loader->columns; c++)
    for (ptrdiff_t i = at; loader->form[c].spelled && i < at + count; i++) {
      const int64_t *begin = loader->speller.begin + loader->all.further[c][i];
      rows += (ptrdiff_t)(begin[1] - begin[0]);
    }
  return rows;
}

/* Take a row that the next one will overwrite. */
static void take_alone(const lk_loader *loader, const lk_block *b, ptrdiff_t i, int32_t length) {
  lk_held one = loader->all;
  int64_t offset = 0;
  one.length = &length;
  one.offset = &offset;
  lk_block_take(b, loader, i, &one, 0);
}

/* Store row i of the block as row `row` of the loader; with `ahead` the next row takes its place. */
static lk_status keep_row(lk_loader *loader, const lk_block *b, ptrdiff_t i, ptrdiff_t row, const char *name,
                          ptrdiff_t file_row) {
  lk_held *all = &loader->all;
  const ptrdiff_t positions = lk_loader_positions(loader, b->length[i]), keep = lk_loader_stored(loader, positions);
  if (positions < 1) return LK_FAIL(LK_DATA, "%s row %td: nothing to read in it", name, file_row);
  if (loader->ahead) loader->used = loader->target_used = 0;
  LK_TRY(keep_targets(loader, b, i, keep, row, name, file_row));
  const size_t need = (size_t)(loader->used + keep), D = (size_t)loader->D;
  all->length[row] = (int32_t)positions;
  if (loader->D > 0)
    LK_TRY(lk_grow(&all->frames, &loader->frames_capacity, need * D, sizeof *all->frames));
  else
    LK_TRY(lk_grow(&all->source, &loader->source_capacity, need, sizeof *all->source));
  for (int c = 1; c < loader->columns; c++)
    LK_TRY(lk_grow(&all->further[c], &loader->further_capacity[c], need * (size_t)loader->form[c].width,
                   sizeof *all->further[c]));
  if (!loader->ahead) {
    all->offset[row] = loader->used;
    lk_block_take(b, loader, i, all, row);
  } else if (loader->characters) {
    take_alone(loader, b, i, (int32_t)positions);
  }
  if (loader->characters) loader->characters[row] = (int32_t)spelled_rows(loader, loader->used, positions);
  loader->used += keep;
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
  lk_block b;
  int s = 0;
  lk_range owned = lk_plan_block(&loader->plan, shards->first, before, bucket->rows);
  lk_status status =
      lk_block_reserve(&b, loader, bucket, lk_range_size(mine), loader->ahead ? SMALL_BLOCK : BLOCK_BYTES, true);
  if (status != LK_OK) return status;
  if (loader->has_references) LK_GO(lk_corpus_references(corpus, split, k, &b.references));
  for (ptrdiff_t at = mine.begin; at < mine.end;) {
    ptrdiff_t count = mine.end - at < b.rows_most ? mine.end - at : b.rows_most;
    LK_GO(lk_block_read(&b, loader, corpus, k, at, count));
    for (ptrdiff_t i = 0; i < count; i++, at++) {
      while (at >= owned.end) owned = lk_plan_block(&loader->plan, shards->first + ++s, before, bucket->rows);
      if (loader->all.id) loader->all.id[next[s]] = (uint32_t)(before + at);
      if (loader->has_references) LK_GO(lk_loader_keep_reference(loader, next[s], &b.references, at));
      LK_GO(keep_row(loader, &b, i, next[s]++, name, at));
    }
  }
done:
  lk_block_release(&b);
  return status;
}

static lk_status reserve_rows(lk_loader *loader) {
  LK_TRY(lk_alloc(&loader->first, (size_t)loader->shards.count + 1, sizeof *loader->first));
  for (int s = 0; s < loader->shards.count; s++)
    loader->first[s + 1] = loader->first[s] + lk_plan_owned(&loader->plan, loader->shards.first + s);
  loader->rows = loader->first[loader->shards.count];
  const size_t rows = (size_t)loader->rows;
  lk_held *all = &loader->all;
  ptrdiff_t most = 0;
  for (int s = 0; s < loader->shards.count; s++)
    if (loader->first[s + 1] - loader->first[s] > most) most = loader->first[s + 1] - loader->first[s];
  LK_TRY(lk_alloc(&all->length, rows, sizeof *all->length));
  if (!loader->ahead) LK_TRY(lk_alloc(&all->id, rows, sizeof *all->id));
  if (!loader->ahead) LK_TRY(lk_alloc(&all->offset, rows, sizeof *all->offset));
  LK_TRY(lk_alloc(&loader->order, rows, sizeof *loader->order));
  LK_TRY(lk_alloc(&loader->scratch, 2 * (size_t)most, sizeof *loader->scratch));
  LK_TRY(lk_alloc(&loader->visits, (size_t)loader->steps, sizeof *loader->visits));
  if (loader->settings.view == LK_VIEW_CLASSIFY) LK_TRY(lk_alloc(&all->target, rows, sizeof *all->target));
  if (loader->speller.spelling.count > 0) LK_TRY(lk_alloc(&loader->characters, rows + 1, sizeof *loader->characters));
  loader->key = all->length;
  return loader->settings.view == LK_VIEW_PAIRS ? lk_loader_reserve_pairs(loader) : LK_OK;
}

static void measure_characters(lk_loader *loader) {
  ptrdiff_t longest;
  if (!loader->characters) return;
  for (int s = 0; s < loader->shards.count; s++)
    lk_loader_measure(loader, s, loader->characters, &loader->shard_most[s].characters, &longest);
  free(loader->characters);
  loader->characters = NULL;
}

/* What is left of the last row that was looked at. */
static void release_last(lk_loader *loader) {
  lk_held *all = &loader->all;
  free(all->source);
  free(all->frames);
  if (loader->settings.view != LK_VIEW_CLASSIFY) free(all->target), all->target = NULL;
  for (int c = 1; c < loader->columns; c++) free(all->further[c]), all->further[c] = NULL;
  all->source = NULL, all->frames = NULL;
}

static void measure_rows(lk_loader *loader) {
  const lk_held *all = &loader->all;
  for (int s = 0; s < loader->shards.count; s++) {
    lk_bounds *most = &loader->shard_most[s];
    most->B = lk_plan_most_rows(&loader->plan, loader->shards.first + s);
    lk_loader_measure(loader, s, all->target_length ? all->target_length : all->length, &most->N, &most->T);
    if (all->target_length) lk_loader_measure(loader, s, all->length, &most->source_N, &most->source_T);
  }
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
  measure_rows(loader);
  measure_characters(loader);
  lk_loader_join_bounds(loader);
  if (loader->settings.view == LK_VIEW_PAIRS) LK_GO(lk_loader_finish_pairs(loader));
  if (loader->ahead) release_last(loader);
  status = lk_alloc(&loader->picked, (size_t)loader->most.B, sizeof *loader->picked);
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

/* Read a stretch of the text and its columns to the beginning of `to`. */
static lk_status read_stretch(const lk_loader *loader, const lk_corpus *corpus, ptrdiff_t begin, ptrdiff_t count,
                              const lk_held *to) {
  LK_TRY(lk_corpus_stream(corpus, loader->settings.split, begin, count, to->source));
  for (int c = 1; c < loader->columns; c++) {
    LK_TRY(lk_corpus_stream_column(corpus, loader->settings.split, loader->further[c], begin, count, to->further[c]));
    if (loader->form[c].spelled) lk_loader_spell(loader, count, to->source, to->further[c]);
  }
  return LK_OK;
}

/* Add the rows of characters of a lane to those of each time. */
static lk_status count_lane(lk_loader *loader, const lk_corpus *corpus, lk_range own, int32_t *rows) {
  for (ptrdiff_t t = 0; t < lk_range_size(own);) {
    ptrdiff_t count = lk_range_size(own) - t, at = own.begin - loader->begin + t;
    if (loader->ahead) {
      if (count > SMALL_BLOCK / 4) count = SMALL_BLOCK / 4;
      LK_TRY(read_stretch(loader, corpus, own.begin + t, count, &loader->all));
      at = 0;
    }
    for (ptrdiff_t i = 0; i < count; i++) rows[t + i] += (int32_t)spelled_rows(loader, at + i, 1);
    t += count;
  }
  return LK_OK;
}

/* Over all windows of T times: the sum of the characters that these lanes have there. rows [longest]: scratch. */
static lk_status lane_characters(lk_loader *loader, const lk_corpus *corpus, lk_range lanes, int32_t *rows,
                                 ptrdiff_t longest, ptrdiff_t *most) {
  const ptrdiff_t T = loader->most.T;
  ptrdiff_t sum = 0;
  for (ptrdiff_t t = 0; t < longest; t++) rows[t] = 0;
  for (ptrdiff_t lane = lanes.begin; lane < lanes.end; lane++)
    LK_TRY(count_lane(loader, corpus, lk_plan_lane(loader->units, loader->settings.batch, lane), rows));
  for (ptrdiff_t t = 0; t < longest; t++) {
    sum += rows[t] - (t >= T ? rows[t - T] : 0);
    if (sum > *most) *most = sum;
  }
  return LK_OK;
}

static lk_range shard_lanes(const lk_loader *loader, int s) {
  return lk_plan_lanes(loader->shards.total, loader->settings.batch, loader->shards.first + s);
}

/* longest: units of the longest lane. */
static lk_status measure_lane_characters(lk_loader *loader, const lk_corpus *corpus, ptrdiff_t longest) {
  int32_t *rows;
  lk_status status = LK_OK;
  if (loader->speller.spelling.count == 0) return LK_OK;
  LK_TRY(lk_alloc(&rows, (size_t)longest, sizeof *rows));
  for (int s = 0; s < loader->shards.count; s++)
    LK_GO(lane_characters(loader, corpus, shard_lanes(loader, s), rows, longest, &loader->shard_most[s].characters));
  lk_loader_join_bounds(loader);
done:
  free(rows);
  return status;
}

static lk_status reserve_text(lk_held *all, int columns, ptrdiff_t count) {
  LK_TRY(lk_alloc(&all->source, (size_t)count, sizeof *all->source));
  for (int c = 1; c < columns; c++) LK_TRY(lk_alloc(&all->further[c], (size_t)count, sizeof *all->further[c]));
  return LK_OK;
}

static void measure_lanes(lk_loader *loader) {
  const ptrdiff_t T = lk_windows_longest(&loader->windows);
  for (int s = 0; s < loader->shards.count; s++) {
    const ptrdiff_t B = lk_range_size(shard_lanes(loader, s));
    loader->shard_most[s] = (lk_bounds){.B = B, .N = B * T, .T = B > 0 ? T : 0};
  }
  lk_loader_join_bounds(loader);
}

lk_status lk_loader_read_lanes(lk_loader *loader, const lk_corpus *corpus) {
  const ptrdiff_t lanes = loader->settings.batch, units = loader->units;
  LK_TRY(check_lanes(loader));
  loader->lanes.begin = shard_lanes(loader, 0).begin;
  loader->lanes.end = shard_lanes(loader, loader->shards.count - 1).end;
  const ptrdiff_t longest = (units - 1 + lanes - 1) / lanes;
  LK_TRY(reserve_windows(loader, longest));
  measure_lanes(loader);
  if (loader->most.B == 0) return LK_OK;
  loader->begin = lk_plan_lane(units, lanes, loader->lanes.begin).begin;
  const ptrdiff_t count = lk_plan_lane(units, lanes, loader->lanes.end - 1).end + 1 - loader->begin;
  LK_TRY(reserve_text(&loader->all, loader->columns, loader->ahead ? SMALL_BLOCK / 4 : count));
  if (!loader->ahead) {
    LK_TRY(lk_alloc(&loader->all.offset, (size_t)loader->most.B, sizeof *loader->all.offset));
    for (ptrdiff_t i = 0; i < loader->most.B; i++)
      loader->all.offset[i] = lk_plan_lane(units, lanes, loader->lanes.begin + i).begin - loader->begin;
    LK_TRY(read_stretch(loader, corpus, loader->begin, count, &loader->all));
  }
  LK_TRY(measure_lane_characters(loader, corpus, longest));
  if (loader->ahead) release_last(loader);
  return LK_OK;
}
