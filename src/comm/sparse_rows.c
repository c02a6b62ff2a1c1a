#include "sparse_rows_impl.h"

#include <string.h>

#include "arena.h"

lk_status lk_row_table_init(lk_row_table *table, const lk_row_block *blocks, int count, ptrdiff_t P) {
  ptrdiff_t end = 0;
  *table = (lk_row_table){0};
  LK_TRY(lk_alloc(&table->block, (size_t)count, sizeof *table->block));
  for (int i = 0; i < count; i++) {
    const lk_row_block *b = &blocks[i];
    LK_ASSERT(b->rows > 0 && b->width > 0 && b->offset >= end && b->offset + b->rows * b->width <= P);
    end = b->offset + b->rows * b->width;
    table->rows += b->rows;
    table->block[table->blocks++] = *b;
  }
  return LK_OK;
}

static ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

lk_row_run lk_row_run_at(const lk_row_table *table, ptrdiff_t at, ptrdiff_t end) {
  ptrdiff_t row = 0;
  for (int i = 0; i < table->blocks; row += table->block[i++].rows) {
    const lk_row_block *b = &table->block[i];
    ptrdiff_t stop = b->offset + b->rows * b->width;
    if (at >= stop) continue;
    if (at < b->offset) return (lk_row_run){.end = smaller(b->offset, end), .row = -1};
    ptrdiff_t k = (at - b->offset) / b->width;
    return (lk_row_run){
        .end = smaller(stop, end), .row = row + k, .row_end = b->offset + (k + 1) * b->width, .width = b->width};
  }
  return (lk_row_run){.end = end, .row = -1};
}

/* The number of rows that end before `at`; with `begun`, of those that begin before it. */
static ptrdiff_t rows_before(const lk_row_table *table, ptrdiff_t at, bool begun) {
  ptrdiff_t row = 0;
  for (int i = 0; i < table->blocks && at > table->block[i].offset; i++) {
    const lk_row_block *b = &table->block[i];
    row += smaller((at - b->offset + (begun ? b->width - 1 : 0)) / b->width, b->rows);
  }
  return row;
}

ptrdiff_t lk_row_at(const lk_row_table *table, ptrdiff_t at) { return rows_before(table, at, false); }

ptrdiff_t lk_row_after(const lk_row_table *table, ptrdiff_t at) { return rows_before(table, at, true); }

/* The reals of a part, item by item: a run of dense ones, or what the part has of one row. */
typedef struct walk {
  const lk_row_table *table;
  lk_row_run run;
  ptrdiff_t begin, end, row; /* the item; its row, counted from the part's first, -1: dense */
  ptrdiff_t first_row, stop;
} walk;

static walk walk_start(const lk_row_table *table, lk_range part) {
  return (walk){.table = table,
                .end = part.begin,
                .stop = part.end,
                .run.end = part.begin,
                .first_row = lk_row_at(table, part.begin)};
}

static bool walk_next(walk *w) {
  w->begin = w->end;
  if (w->begin == w->stop) return false;
  if (w->begin == w->run.end)
    w->run = lk_row_run_at(w->table, w->begin, w->stop);
  else
    w->run.row++, w->run.row_end += w->run.width;
  bool dense = w->run.row < 0;
  w->row = dense ? -1 : w->run.row - w->first_row;
  w->end = dense ? w->run.end : smaller(w->run.row_end, w->run.end);
  return true;
}

static ptrdiff_t rows_of(const lk_row_table *table, lk_range part) {
  return lk_row_after(table, part.end) - lk_row_at(table, part.begin);
}

static size_t bitmap_bytes(ptrdiff_t rows) { return (size_t)((rows + 7) / 8); }

bool lk_rows_next(const lk_row_table *table, lk_range range, const uint8_t *marks, ptrdiff_t at, lk_range *found) {
  const ptrdiff_t first = lk_row_at(table, range.begin);
  bool any = false;
  walk w = walk_start(table, (lk_range){at, range.end});
  while (walk_next(&w)) {
    const bool zero = w.row >= 0 && !marks[w.first_row + w.row - first];
    if (zero && any) break;
    if (zero) continue;
    if (!any) found->begin = w.begin;
    found->end = w.end;
    any = true;
  }
  return any;
}

size_t lk_rows_bytes(const lk_row_table *table, lk_range part, const uint8_t *marks, size_t real, bool *packed) {
  ptrdiff_t reals = 0, rows = rows_of(table, part);
  size_t dense = (size_t)(part.end - part.begin) * real;
  *packed = false;
  if (rows == 0) return dense;
  for (walk w = walk_start(table, part); walk_next(&w);)
    if (w.row < 0 || marks[w.row]) reals += w.end - w.begin;
  size_t bytes = (size_t)reals * real + bitmap_bytes(rows);
  *packed = bytes < dense;
  return *packed ? bytes : dense;
}

static size_t item_bytes(const walk *w, size_t real) { return (size_t)(w->end - w->begin) * real; }

/* Where the reals of an item are, in those of its part. */
static size_t item_at(const walk *w, lk_range part, size_t real) { return (size_t)(w->begin - part.begin) * real; }

void lk_rows_pack(const lk_row_table *table, lk_range part, const uint8_t *marks, size_t real, const void *x,
                  void *to) {
  const char *from = x;
  uint8_t *bitmap = to;
  ptrdiff_t rows = rows_of(table, part);
  for (walk w = walk_start(table, part); walk_next(&w);) {
    if (w.row >= 0 && !marks[w.row]) continue;
    memmove(bitmap, from + item_at(&w, part, real), item_bytes(&w, real));
    bitmap += item_bytes(&w, real);
  }
  memset(bitmap, 0, bitmap_bytes(rows));
  for (ptrdiff_t i = 0; i < rows; i++)
    if (marks[i]) bitmap[i / 8] = (uint8_t)(bitmap[i / 8] | 1 << i % 8);
}

/* Bytes of the reals of a part that was sent packed; its bits follow them. */
static size_t packed_bytes(size_t bytes, ptrdiff_t rows, size_t real) {
  LK_ASSERT(bytes >= bitmap_bytes(rows) && (bytes - bitmap_bytes(rows)) % real == 0);
  return bytes - bitmap_bytes(rows);
}

void lk_rows_assign(const lk_row_table *table, lk_range part, size_t bytes, size_t real, const void *message, void *x) {
  const ptrdiff_t rows = rows_of(table, part);
  if (bytes == (size_t)(part.end - part.begin) * real) {
    memcpy(x, message, bytes);
    return;
  }
  const char *from = message, *end = from + packed_bytes(bytes, rows, real);
  const uint8_t *bitmap = (const uint8_t *)end;
  for (walk w = walk_start(table, part); walk_next(&w);) {
    if (w.row >= 0 && !(bitmap[w.row / 8] >> w.row % 8 & 1)) continue;
    memcpy((char *)x + item_at(&w, part, real), from, item_bytes(&w, real));
    from += item_bytes(&w, real);
  }
  LK_ASSERT(from == end);
}

void lk_rows_unpack(const lk_row_table *table, lk_range part, size_t bytes, size_t real, void *x, uint8_t *marks) {
  const ptrdiff_t rows = rows_of(table, part);
  const size_t dense = (size_t)(part.end - part.begin) * real;
  char *to = x, *end = to + dense;
  if (bytes == dense) {
    memset(marks, 1, (size_t)rows);
    return;
  }
  const size_t sent = packed_bytes(bytes, rows, real);
  const uint8_t *bitmap = (const uint8_t *)to + sent;
  for (ptrdiff_t i = 0; i < rows; i++) marks[i] = bitmap[i / 8] >> i % 8 & 1;
  /* Moved to the end first: then every real moves towards the beginning, or stays. */
  char *from = end - sent;
  memmove(from, to, sent);
  for (walk w = walk_start(table, part); walk_next(&w);) {
    if (w.row >= 0 && !marks[w.row]) continue;
    memmove(to + item_at(&w, part, real), from, item_bytes(&w, real));
    from += item_bytes(&w, real);
  }
  LK_ASSERT(from == end);
}

void lk_rows_clear(const lk_row_table *table, lk_range part, const uint8_t *marks, size_t real, void *x) {
  for (walk w = walk_start(table, part); walk_next(&w);)
    if (w.row >= 0 && !marks[w.row]) memset((char *)x + item_at(&w, part, real), 0, item_bytes(&w, real));
}
