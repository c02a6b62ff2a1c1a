/* Fills a part of what is read ahead. */
#include <string.h>

#include "loader_ahead_impl.h"
#include "loader_block_impl.h"

enum { BLOCK = 1 << 20 }; /* bytes per read at most: a chunk of the file, or a few */

/* What a part holds. */
typedef struct extent {
  ptrdiff_t steps, rows, stored, targets; /* stored: positions; targets: units of pairs' targets */
} extent;

/* The rows of a part in the order of the file. */
typedef struct sorting {
  int32_t *key, *order, *scratch; /* [rows] each; the row of the loader is ~key[] */
} sorting;

static void lay_out_further(const lk_loader *loader, const extent *e, lk_held *held, lk_arena *arena) {
  if (loader->D > 0)
    held->frames = lk_arena_take(arena, (size_t)(e->stored * loader->D) * sizeof *held->frames);
  else
    held->source = lk_arena_ints(arena, e->stored);
  for (int c = 1; c < loader->columns; c++) held->further[c] = lk_arena_ints(arena, e->stored * loader->form[c].width);
}

static void lay_out(const lk_loader *loader, const extent *e, lk_supply *part, sorting *sort, lk_arena *arena) {
  lk_held *held = &part->held;
  const lk_view view = loader->settings.view;
  *held = (lk_held){0};
  part->begin = lk_arena_take(arena, (size_t)(e->steps + 1) * sizeof *part->begin);
  lay_out_further(loader, e, held, arena);
  held->offset = lk_arena_take(arena, (size_t)e->rows * sizeof *held->offset);
  if (loader->stream) return;
  part->visit = lk_arena_ints(arena, e->steps);
  held->id = lk_arena_take(arena, (size_t)e->rows * sizeof *held->id);
  held->length = lk_arena_ints(arena, e->rows);
  if (view == LK_VIEW_CLASSIFY) held->target = lk_arena_ints(arena, e->rows);
  if (view == LK_VIEW_LABEL) held->target = lk_arena_ints(arena, e->stored);
  if (view == LK_VIEW_PAIRS) {
    held->target = lk_arena_ints(arena, e->targets);
    held->target_length = lk_arena_ints(arena, e->rows);
    held->target_offset = lk_arena_take(arena, (size_t)e->rows * sizeof *held->target_offset);
    if (loader->has_references) held->reference = lk_arena_ints(arena, e->rows);
  }
  sort->key = lk_arena_ints(arena, e->rows);
  sort->order = lk_arena_ints(arena, e->rows);
  sort->scratch = lk_arena_ints(arena, e->rows);
}

static size_t bytes_of(const lk_loader *loader, const extent *e) {
  lk_arena plan = {0};
  lk_supply part;
  sorting sort;
  lay_out(loader, e, &part, &sort, &plan);
  return plan.used;
}

size_t lk_supply_block(const lk_loader *loader) {
  const size_t share = loader->settings.memory / 8;
  return share < BLOCK ? share : BLOCK;
}

size_t lk_supply_least(const lk_loader *loader) {
  const bool pairs = loader->settings.view == LK_VIEW_PAIRS;
  const ptrdiff_t B = loader->most.B;
  const extent one = {.steps = 1,
                      .rows = B,
                      .stored = (pairs ? loader->most.source_N : loader->most.N) + B,
                      .targets = pairs ? loader->most.N + B : 0};
  return bytes_of(loader, &one);
}

/* ---- running text ---- */

/* The units of a lane that steps from time `begin` to `end` read, and one more; possibly none. */
static lk_range stretch(const lk_loader *loader, ptrdiff_t lane, int64_t begin, int64_t end) {
  const lk_range own = lk_plan_lane(loader->units, loader->settings.batch, loader->lanes.begin + lane);
  if (begin >= lk_range_size(own)) return (lk_range){0};
  const ptrdiff_t to = end < lk_range_size(own) ? (ptrdiff_t)end : lk_range_size(own);
  return (lk_range){own.begin + (ptrdiff_t)begin, own.begin + to + 1};
}

static extent text_extent(const lk_loader *loader, int64_t first, int64_t last) {
  extent e = {.steps = (ptrdiff_t)(last - first), .rows = lk_range_size(loader->lanes)};
  for (ptrdiff_t lane = 0; lane < e.rows; lane++)
    e.stored += lk_range_size(stretch(loader, lane, loader->window[first], loader->window[last]));
  return e;
}

/* How many steps fit, by halving: the extent grows with their number. */
static int64_t text_end(const lk_loader *loader, int64_t first, int64_t most, size_t room) {
  int64_t good = first + 1, bad = first + most + 1;
  while (bad - good > 1) {
    const int64_t middle = good + (bad - good) / 2;
    const extent e = text_extent(loader, first, middle);
    if (bytes_of(loader, &e) <= room)
      good = middle;
    else
      bad = middle;
  }
  return good;
}

static lk_status fill_text(lk_loader *loader, lk_supply *part, int64_t most, unsigned asked) {
  const lk_ahead *ahead = loader->ahead;
  const lk_split split = loader->settings.split;
  sorting none;
  part->last = text_end(loader, part->first, most, ahead->room);
  const extent e = text_extent(loader, part->first, part->last);
  lk_arena arena = {.base = part->memory, .reserved = ahead->room};
  lay_out(loader, &e, part, &none, &arena);
  memcpy(part->begin, loader->window + part->first, (size_t)(e.steps + 1) * sizeof *part->begin);
  for (ptrdiff_t lane = 0, at = 0; lane < e.rows && ahead->asked == asked; lane++) {
    const lk_range range = stretch(loader, lane, part->begin[0], part->begin[e.steps]);
    const ptrdiff_t count = lk_range_size(range);
    part->held.offset[lane] = at;
    if (count == 0) continue;
    LK_TRY(lk_corpus_stream(ahead->corpus, split, range.begin, count, part->held.source + at));
    for (int c = 1; c < loader->columns; c++) {
      int32_t *values = part->held.further[c] + at;
      LK_TRY(lk_corpus_stream_column(ahead->corpus, split, loader->further[c], range.begin, count, values));
      if (loader->form[c].spelled) lk_loader_spell(loader, count, part->held.source + at, values);
    }
    at += count;
  }
  return LK_OK;
}

/* ---- rows ---- */

/* Add the rows of a step to *e. */
static void add_step(const lk_loader *loader, int64_t step, extent *e) {
  const bool pairs = loader->settings.view == LK_VIEW_PAIRS;
  e->steps++;
  for (int s = 0; s < loader->shards.count; s++) {
    const ptrdiff_t base = loader->first[s];
    const lk_range share = lk_plan_rows(&loader->plan, loader->shards.first + s, loader->visits[step]);
    e->rows += lk_range_size(share);
    for (ptrdiff_t i = share.begin; i < share.end; i++) {
      const ptrdiff_t row = base + loader->order[base + i];
      e->stored += lk_loader_stored(loader, loader->all.length[row]);
      if (pairs) e->targets += loader->all.target_length[row] + 1;
    }
  }
}

/* The places of the rows of a step, from place `at` on: *end says where the next begins. */
static void place_step(const lk_loader *loader, int64_t step, lk_supply *part, const sorting *sort, extent *end) {
  const lk_held *all = &loader->all;
  lk_held *held = &part->held;
  part->visit[step - part->first] = loader->visits[step];
  part->begin[step - part->first] = end->rows;
  for (int s = 0; s < loader->shards.count; s++) {
    const ptrdiff_t base = loader->first[s];
    const lk_range share = lk_plan_rows(&loader->plan, loader->shards.first + s, loader->visits[step]);
    for (ptrdiff_t i = share.begin; i < share.end; i++) {
      const ptrdiff_t row = base + loader->order[base + i], at = end->rows++;
      sort->order[at] = (int32_t)at;
      sort->key[at] = ~(int32_t)row;
      held->length[at] = all->length[row];
      held->offset[at] = end->stored;
      end->stored += lk_loader_stored(loader, all->length[row]);
      if (loader->settings.view == LK_VIEW_CLASSIFY) held->target[at] = all->target[row];
      if (held->reference) held->reference[at] = all->reference[row];
      if (!held->target_length) continue;
      held->target_length[at] = all->target_length[row];
      held->target_offset[at] = end->targets;
      end->targets += all->target_length[row] + 1;
    }
  }
}

/* The rows of a part, in the order of the file. */
typedef struct cursor {
  const sorting *sort;
  ptrdiff_t next, rows;
} cursor;

/* The next row of the loader below `end`; -1: there is none. *at: its number in the part. */
static ptrdiff_t next_row(const cursor *c, ptrdiff_t end, ptrdiff_t *at) {
  if (c->next == c->rows) return -1;
  *at = c->sort->order[c->next];
  const ptrdiff_t row = ~c->sort->key[*at];
  return row < end ? row : -1;
}

/* Read the rows that the part wants of one shard's block of bucket k: rows of the loader from `first` on are those of
 * the file from own.begin on. before: rows of the buckets before. */
static lk_status fill_from(const lk_loader *loader, lk_supply *part, int k, lk_range own, ptrdiff_t first,
                           ptrdiff_t before, cursor *c, unsigned asked) {
  const lk_ahead *ahead = loader->ahead;
  const lk_bucket *bucket = &loader->bucket[k];
  const ptrdiff_t end = first + lk_range_size(own);
  ptrdiff_t at, row = next_row(c, end, &at);
  lk_block block;
  if (row < 0) return LK_OK;
  LK_TRY(lk_block_reserve(&block, loader, bucket, bucket->rows, lk_supply_block(loader), false));
  lk_status status = LK_OK;
  ptrdiff_t piece = lk_corpus_piece(ahead->corpus, loader->settings.split, k);
  if (piece > block.rows_most) piece = block.rows_most;
  while (row >= 0 && ahead->asked == asked) {
    const ptrdiff_t in_file = own.begin + (row - first), from = in_file - in_file % piece;
    const ptrdiff_t count = piece < bucket->rows - from ? piece : bucket->rows - from;
    LK_GO(lk_block_read(&block, loader, ahead->corpus, k, from, count));
    for (ptrdiff_t i; row >= 0 && (i = own.begin + (row - first) - from) < count; row = next_row(c, end, &at)) {
      part->held.id[at] = (uint32_t)(before + from + i);
      lk_block_take(&block, loader, i, &part->held, at);
      c->next++;
    }
  }
done:
  lk_block_release(&block);
  return status;
}

static lk_status fill_places(const lk_loader *loader, lk_supply *part, const sorting *sort, ptrdiff_t rows,
                             unsigned asked) {
  cursor c = {.sort = sort, .rows = rows};
  for (int s = 0; s < loader->shards.count; s++) {
    ptrdiff_t before = 0, first = loader->first[s];
    for (int k = 0; k < loader->buckets && loader->ahead->asked == asked; k++) {
      const lk_range own = lk_plan_block(&loader->plan, loader->shards.first + s, before, loader->bucket[k].rows);
      LK_TRY(fill_from(loader, part, k, own, first, before, &c, asked));
      first += lk_range_size(own);
      before += loader->bucket[k].rows;
    }
  }
  LK_ASSERT(c.next == rows || loader->ahead->asked != asked);
  return LK_OK;
}

static lk_status fill_rows(lk_loader *loader, lk_supply *part, int64_t most, unsigned asked) {
  const lk_ahead *ahead = loader->ahead;
  extent e = {0}, end = {0};
  sorting sort;
  for (part->last = part->first; part->last < part->first + most; part->last++) {
    extent more = e;
    add_step(loader, part->last, &more);
    if (bytes_of(loader, &more) > ahead->room) break;
    e = more;
  }
  LK_ASSERT(part->last > part->first); /* lk_supply_least() */
  lk_arena arena = {.base = part->memory, .reserved = ahead->room};
  lay_out(loader, &e, part, &sort, &arena);
  for (int64_t step = part->first; step < part->last; step++) place_step(loader, step, part, &sort, &end);
  part->begin[e.steps] = end.rows;
  lk_sort_falling(sort.order, sort.scratch, e.rows, sort.key);
  return fill_places(loader, part, &sort, e.rows, asked);
}

lk_status lk_supply_fill(lk_loader *loader, lk_supply *part, int64_t epoch, int64_t first, int64_t most,
                         unsigned asked) {
  lk_loader_plan(loader, epoch);
  part->epoch = epoch;
  part->first = first;
  if (most > loader->steps - first) most = loader->steps - first;
  LK_TRY(loader->stream ? fill_text(loader, part, most, asked) : fill_rows(loader, part, most, asked));
  return lk_corpus_check_same(loader->ahead->corpus);
}
