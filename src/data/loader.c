#include "loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "loader_ahead_impl.h"

static const char *const view_words[] = {"a language model", "a classifier", "a labeller", "a translator"};

int lk_corpus_columns(const lk_corpus_info *info, lk_column_form forms[LK_MAX_COLUMNS]) {
  if (info->frames > 0)
    forms[0] = (lk_column_form){.name = "frames", .width = info->frames};
  else
    forms[0] =
        (lk_column_form){.name = "source", .values = info->source.count, .width = 1, .counts = info->source.number};
  if (info->vectors.row_of) forms[0].vectors = &info->vectors;
  for (int c = 0; c < info->columns; c++) {
    const lk_corpus_column *column = &info->column[c];
    forms[c + 1] = (lk_column_form){.name = column->name, .values = lk_column_tokens(column), .width = column->width};
    if (column->forms) forms[c + 1].values = info->character.count, forms[c + 1].spelled = 1;
    if (lk_column_borrows(column)) forms[c + 1].vectors = &info->vectors;
  }
  return 1 + info->columns;
}

/* Whether a view can read a corpus of this kind. */
static bool fits(lk_view view, const lk_corpus_info *info) {
  switch (view) {
    case LK_VIEW_LM:
      return info->frames == 0;
    case LK_VIEW_CLASSIFY:
      return info->kind == LK_CORPUS_CLASSIFY || info->kind == LK_CORPUS_FRAMES;
    case LK_VIEW_LABEL:
      return info->kind == LK_CORPUS_LABEL;
    case LK_VIEW_PAIRS:
      return info->kind == LK_CORPUS_PAIRS;
  }
  return false;
}

static lk_status check(const lk_corpus_info *info, const lk_loader_settings *settings) {
  const char *split = lk_split_names[settings->split];
  if (!fits(settings->view, info))
    return LK_FAIL(LK_DATA, "%s cannot read a corpus of kind %s", view_words[settings->view],
                   lk_corpus_kind_names[info->kind]);
  const bool nothing = (info->stream ? info->tokens : info->rows)[settings->split] < 1;
  if (nothing && settings->split == LK_TRAIN)
    return LK_FAIL(LK_DATA,
                   "the corpus holds nothing in /train: it was prepared for other parts alone (prepare --like)");
  if (nothing)
    return LK_FAIL(LK_DATA, "the corpus holds nothing in /%s: prepare it with --%s FILE or --%s-fraction X", split,
                   split, split);
  if (settings->batch < 1) return LK_FAIL(LK_USAGE, "a batch of %td sequences: at least 1", settings->batch);
  if (info->stream && settings->unroll < 1)
    return LK_FAIL(LK_USAGE, "unroll of %td units: at least 1", settings->unroll);
  if (info->rows[settings->split] > INT32_MAX)
    return LK_FAIL(LK_DATA, "/%s holds %td rows: more than %d cannot be read", split, info->rows[settings->split],
                   INT32_MAX);
  return LK_OK;
}

/* Keep the forms of those columns that are to be read. */
static void choose_columns(lk_loader *loader) {
  const lk_column_names *wanted = &loader->settings.columns;
  const int all = loader->columns;
  loader->columns = 1;
  for (int c = 1; c < all; c++) {
    if (wanted->count > 0 && !lk_column_named(wanted, loader->form[c].name)) continue;
    loader->further[loader->columns] = c - 1;
    loader->form[loader->columns++] = loader->form[c];
  }
}

static void describe(lk_loader *loader, const lk_corpus_info *info, const lk_shards *shards,
                     const lk_loader_settings *settings) {
  *loader = (lk_loader){.settings = *settings, .shards = *shards, .kind = info->kind, .stream = info->stream};
  loader->epoch = -1;
  loader->D = info->frames;
  loader->columns = lk_corpus_columns(info, loader->form);
  choose_columns(loader);
  loader->labels = info->label.count;
  loader->least_label = lk_corpus_least_label(info, settings->split);
  loader->buckets = info->buckets[settings->split];
  memcpy(loader->bucket, info->bucket[settings->split], sizeof loader->bucket);
  loader->units = info->stream ? info->tokens[settings->split] : 0;
  loader->plan = (lk_plan){.shards = shards->total,
                           .rows = info->rows[settings->split],
                           .batch = settings->batch,
                           .pool = settings->pool,
                           .shuffle = settings->shuffle,
                           .rng = lk_rng_make(settings->seed, LK_PURPOSE_SHUFFLE)};
  if (!info->stream) loader->steps = lk_plan_steps(&loader->plan);
}

/* The units, and behind them the words that are written in other ways. */
static lk_status spell(lk_loader *loader, const lk_corpus *corpus) {
  const lk_corpus_info *info = lk_corpus_about(corpus);
  lk_strings forms = {0};
  lk_status status;
  loader->spelled_units = (int32_t)info->source.count;
  LK_GO(lk_speller_add_all(&loader->speller, &info->character, &info->source));
  LK_GO(lk_corpus_forms(corpus, &forms));
  LK_GO(lk_speller_add_all(&loader->speller, &info->character, &forms));
done:
  lk_strings_release(&forms);
  return status;
}

lk_status lk_loader_open(lk_loader **loader, const lk_corpus *corpus, const lk_shards *shards,
                         const lk_loader_settings *settings) {
  const lk_corpus_info *info = lk_corpus_about(corpus);
  lk_status status;
  lk_loader *made = NULL;
  LK_TRY(check(info, settings));
  LK_TRY(lk_alloc(&made, 1, sizeof *made));
  describe(made, info, shards, settings);
  for (int c = 1; c < made->columns; c++)
    if (made->form[c].spelled) LK_GO(spell(made, corpus));
  LK_GO(lk_loader_reserve_bounds(made));
  LK_GO(lk_loader_choose_memory(made, info));
  if (made->ahead) LK_GO(lk_corpus_apart(&made->ahead->corpus, corpus, settings->split));
  LK_GO(made->stream ? lk_loader_read_lanes(made, corpus) : lk_loader_read_rows(made, corpus));
  const ptrdiff_t units = made->most.N > made->most.source_N ? made->most.N : made->most.source_N;
  if (units > INT32_MAX - made->most.B)
    LK_GO(LK_FAIL(LK_USAGE,
                  "a batch of %td sequences may hold %td units on one rank, more than %d: choose a smaller one",
                  settings->batch, units, INT32_MAX));
  if (made->ahead) LK_GO(lk_ahead_start(made));
  *loader = made;
  made = NULL;
done:
  lk_loader_close(&made);
  return status;
}

void lk_loader_close(lk_loader **loader) {
  lk_loader *l = *loader;
  if (!l) return;
  lk_ahead_stop(l);
  free(l->shard_most);
  free(l->first);
  free(l->all.id);
  free(l->all.offset);
  free(l->all.source);
  free(l->all.target);
  free(l->all.frames);
  for (int c = 1; c < l->columns; c++) free(l->all.further[c]);
  free(l->characters);
  lk_speller_release(&l->speller);
  free(l->order);
  free(l->scratch);
  free(l->visits);
  free(l->picked);
  free(l->window);
  if (l->key != l->all.length) free(l->key);
  free(l->all.target_length);
  free(l->all.target_offset);
  lk_strings_release(&l->references);
  free(l->all.reference);
  free(l->places);
  free(l->source_row);
  free(l->all.length);
  free(l);
  *loader = NULL;
}

int64_t lk_loader_steps(const lk_loader *loader) { return loader->steps; }

ptrdiff_t lk_loader_lanes(const lk_loader *loader, ptrdiff_t *first) {
  if (first) *first = loader->lanes.begin;
  return lk_range_size(loader->lanes);
}

/* Column c of a batch, still without its values. */
static lk_column column_of(const lk_loader *loader, int c) {
  const lk_column_form *form = &loader->form[c];
  return (lk_column){.name = form->name, .spelling = form->spelled ? &loader->speller.spelling : NULL};
}

void lk_loader_lane(const lk_loader *loader, ptrdiff_t lane, lk_inputs *text, ptrdiff_t *count, int *shard) {
  const lk_loader_settings *s = &loader->settings;
  lane += loader->lanes.begin;
  LK_ASSERT(lane < loader->lanes.end && !loader->ahead);
  const lk_range units = lk_plan_lane(loader->units, s->batch, lane);
  *count = lk_range_size(units);
  for (*shard = 0; lk_plan_lanes(loader->shards.total, s->batch, loader->shards.first + *shard).end <= lane;) ++*shard;
  *text = (lk_inputs){.count = loader->columns};
  for (int c = 0; c < loader->columns; c++) {
    text->column[c] = column_of(loader, c);
    text->column[c].ids = (c == 0 ? loader->all.source : loader->all.further[c]) + (units.begin - loader->begin);
  }
}

static void lay_out_inputs(const lk_loader *loader, lk_inputs *in, lk_arena *arena, ptrdiff_t N) {
  *in = (lk_inputs){.count = loader->columns};
  for (int c = 0; c < loader->columns; c++) {
    const lk_column_form *form = &loader->form[c];
    in->column[c] = column_of(loader, c);
    if (form->values > 0)
      in->column[c].ids = lk_arena_ints(arena, N * form->width);
    else
      in->column[c].numbers = lk_arena_take(arena, (size_t)(N * form->width) * sizeof(float));
  }
}

void lk_loader_layout(const lk_loader *loader, lk_batch *batch, lk_arena *arena) {
  const lk_bounds *most = &loader->most;
  const ptrdiff_t B = most->B, N = most->N;
  *batch = (lk_batch){0};
  lk_pack_layout(&batch->pack, arena, &loader->shards, B, N, most->T);
  lay_out_inputs(loader, &batch->input, arena, loader->settings.view == LK_VIEW_PAIRS ? most->source_N : N);
  batch->target = lk_arena_ints(arena, loader->settings.view == LK_VIEW_CLASSIFY ? B : N);
  if (loader->stream) batch->lane = lk_arena_ints(arena, B);
  if (loader->settings.view != LK_VIEW_PAIRS) return;
  lk_pack_layout(&batch->encoder_pack, arena, &loader->shards, B, most->source_N, most->source_T);
  batch->decoder_ids = lk_arena_ints(arena, N);
  batch->partner = lk_arena_ints(arena, B);
  if (loader->has_references) batch->references = lk_arena_take(arena, (size_t)B * sizeof *batch->references);
}

/* Select the rows of a step: sets lengths and ids of the pack, and loader->picked. */
static void pick_rows(lk_loader *loader, int64_t step, lk_pack *pack) {
  const lk_held *held = loader->held;
  ptrdiff_t b = 0;
  pack->shard_seq[0] = 0;
  for (int s = 0; s < loader->shards.count; s++) {
    const lk_taken taken = lk_loader_take(loader, step, s, b);
    for (ptrdiff_t i = 0; i < taken.count; i++, b++) {
      const ptrdiff_t row = taken.base + (taken.order ? taken.order[i] : i);
      loader->picked[b] = (int32_t)row;
      pack->length[b] = held->length[row];
      pack->id[b] = held->id[row];
    }
    pack->shard_seq[s + 1] = b;
  }
}

/* Copy the value of one position into row r of further column c. Ids and numbers both have 4 bytes. */
static void fill_further(const lk_loader *loader, const lk_batch *batch, int c, ptrdiff_t r, ptrdiff_t position) {
  const ptrdiff_t width = loader->form[c].width;
  const lk_column *column = &batch->input.column[c];
  void *to = column->ids ? (void *)(column->ids + r * width) : (void *)(column->numbers + r * width);
  memcpy(to, loader->held->further[c] + position * width, (size_t)width * sizeof(int32_t));
}

/* Fill in the inputs and targets of one sequence, following its packed rows from time to time. */
static void fill_sequence(const lk_loader *loader, lk_batch *batch, ptrdiff_t b) {
  const lk_held *held = loader->held;
  const ptrdiff_t row = loader->picked[b], at = held->offset[row], D = loader->D;
  const lk_view view = loader->settings.view;
  const lk_column *column = &batch->input.column[0];
  ptrdiff_t r = lk_pack_row(&batch->pack, b, 0);
  for (ptrdiff_t t = 0; r >= 0; r = batch->pack.later[r], t++) {
    if (D > 0)
      memcpy(column->numbers + r * D, held->frames + (at + t) * D, (size_t)D * sizeof *column->numbers);
    else
      column->ids[r] = held->source[at + t];
    for (int c = 1; c < loader->columns; c++) fill_further(loader, batch, c, r, at + t);
    if (view == LK_VIEW_LM) batch->target[r] = held->source[at + t + 1];
    if (view == LK_VIEW_LABEL) batch->target[r] = held->target[at + t];
  }
  if (view == LK_VIEW_CLASSIFY) batch->target[b] = held->target[row];
}

/* Where the window of a step begins, and behind it where it ends. */
static const int64_t *window_of(const lk_loader *loader, int64_t step) {
  return loader->part ? loader->part->begin + (step - loader->part->first) : loader->window + step;
}

/* Select the lanes of a step, the longer ones of each shard first; lanes that have ended are left out. */
static void pick_lanes(const lk_loader *loader, int64_t step, lk_batch *batch) {
  lk_pack *pack = &batch->pack;
  const int64_t *window = window_of(loader, step);
  const ptrdiff_t at = (ptrdiff_t)window[0], length = (ptrdiff_t)window[1] - at;
  LK_ASSERT(length <= lk_windows_longest(&loader->windows));
  ptrdiff_t b = 0;
  pack->shard_seq[0] = 0;
  for (int s = 0; s < loader->shards.count; s++) {
    const lk_range lanes = lk_plan_lanes(loader->shards.total, loader->settings.batch, loader->shards.first + s);
    const ptrdiff_t first = b;
    for (ptrdiff_t lane = lanes.begin; lane < lanes.end; lane++) {
      ptrdiff_t left = lk_range_size(lk_plan_lane(loader->units, loader->settings.batch, lane)) - at;
      if (left > length) left = length;
      if (left < 1) continue;
      ptrdiff_t place = b++;
      for (; place > first && pack->length[place - 1] < left; place--) {
        pack->length[place] = pack->length[place - 1];
        pack->id[place] = pack->id[place - 1];
      }
      pack->length[place] = (int32_t)left;
      pack->id[place] = (uint32_t)lane;
    }
    pack->shard_seq[s + 1] = b;
  }
}

static void fill_lane(const lk_loader *loader, int64_t step, lk_batch *batch, ptrdiff_t b) {
  const lk_held *held = loader->held;
  const ptrdiff_t lane = (ptrdiff_t)batch->pack.id[b] - loader->lanes.begin;
  const int64_t held_from = loader->part ? loader->part->begin[0] : 0;
  const ptrdiff_t at = (ptrdiff_t)(held->offset[lane] + window_of(loader, step)[0] - held_from);
  const int32_t *text = held->source + at;
  int32_t *ids = lk_batch_ids(batch);
  batch->lane[b] = (int32_t)lane;
  ptrdiff_t r = lk_pack_row(&batch->pack, b, 0);
  for (ptrdiff_t t = 0; r >= 0; r = batch->pack.later[r], t++) {
    ids[r] = text[t];
    batch->target[r] = text[t + 1];
    for (int c = 1; c < loader->columns; c++) fill_further(loader, batch, c, r, at + t);
  }
}

/* A batch without sequences. */
static void fill_nothing(const lk_loader *loader, lk_batch *batch) {
  for (int s = 0; s <= loader->shards.count; s++) batch->pack.shard_seq[s] = 0;
  lk_pack_fill(&batch->pack);
  batch->reset = 0;
  batch->rate_factor = 1;
  batch->tokens = 0;
  if (loader->settings.view != LK_VIEW_PAIRS) return;
  for (int s = 0; s <= loader->shards.count; s++) batch->encoder_pack.shard_seq[s] = 0;
  lk_pack_fill(&batch->encoder_pack);
}

/* Have the rows of the step in memory, and its plan. */
static lk_status find_rows(lk_loader *loader, int64_t epoch, int64_t step) {
  loader->held = &loader->all;
  if (!loader->ahead) {
    lk_loader_plan(loader, epoch);
    return LK_OK;
  }
  LK_TRY(lk_ahead_turn(loader, epoch, step, &loader->part));
  loader->held = &loader->part->held;
  return LK_OK;
}

lk_status lk_loader_batch(lk_loader *loader, int64_t epoch, int64_t step, lk_batch *batch) {
  LK_ASSERT(epoch >= 0 && step >= 0 && step < loader->steps);
  const lk_status status = find_rows(loader, epoch, step);
  if (status != LK_OK) {
    fill_nothing(loader, batch);
    return status;
  }
  if (loader->stream) {
    pick_lanes(loader, step, batch);
    lk_pack_fill(&batch->pack);
    for (ptrdiff_t b = 0; b < batch->pack.B; b++) fill_lane(loader, step, batch, b);
  } else if (loader->settings.view == LK_VIEW_PAIRS) {
    lk_loader_pick_pairs(loader, step, batch);
    lk_loader_fill_pairs(loader, batch);
  } else {
    pick_rows(loader, step, &batch->pack);
    lk_pack_fill(&batch->pack);
    for (ptrdiff_t b = 0; b < batch->pack.B; b++) fill_sequence(loader, batch, b);
  }
  batch->reset = loader->stream && step == 0;
  batch->rate_factor = 1;
  if (loader->settings.unroll_random) {
    const int64_t *window = window_of(loader, step);
    batch->rate_factor = (double)(window[1] - window[0]) / (double)loader->settings.unroll;
  }
  batch->tokens = batch->pack.N + batch->encoder_pack.N;
  return LK_OK;
}

const char *lk_loader_where(const lk_loader *loader, const lk_batch *batch, ptrdiff_t b, char out[96]) {
  LK_ASSERT(b >= 0 && b < batch->pack.B);
  const char *split = lk_split_names[loader->settings.split];
  ptrdiff_t row = (ptrdiff_t)batch->pack.id[b];
  if (loader->stream) {
    snprintf(out, 96, "%s/stream lane %td of %td", split, row, loader->settings.batch);
    return out;
  }
  int k = 0;
  while (k + 1 < loader->buckets && row >= loader->bucket[k].rows) row -= loader->bucket[k++].rows;
  snprintf(out, 96, "%s/len_%04td row %td", split, loader->bucket[k].width, row);
  return out;
}
