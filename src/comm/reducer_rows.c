/* Rows that few steps touch: where they lie in a part of the flat vector, and how they travel.
 *
 * A packed part is its dense reals and the touched rows, in order, then a bit for each row of the part. It is packed where
 * that is less than the dense reals, so its length says which it is. */
#include <string.h>

#include "reducer_impl.h"

static ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

lk_stretch lk_stretch_at(const lk_reducer *reducer, ptrdiff_t at, ptrdiff_t end) {
  ptrdiff_t row = 0;
  for (int i = 0; i < reducer->blocks; row += reducer->block[i++].rows) {
    const lk_row_block *b = &reducer->block[i];
    ptrdiff_t stop = b->offset + b->rows * b->width;
    if (at >= stop) continue;
    if (at < b->offset) return (lk_stretch){.end = smaller(b->offset, end), .row = -1};
    ptrdiff_t k = (at - b->offset) / b->width;
    return (lk_stretch){
        .end = smaller(stop, end), .row = row + k, .row_end = b->offset + (k + 1) * b->width, .width = b->width};
  }
  return (lk_stretch){.end = end, .row = -1};
}

/* Rows that end, or with `begun` begin, before `at`. */
static ptrdiff_t rows_before(const lk_reducer *reducer, ptrdiff_t at, bool begun) {
  ptrdiff_t row = 0;
  for (int i = 0; i < reducer->blocks && at > reducer->block[i].offset; i++) {
    const lk_row_block *b = &reducer->block[i];
    row += smaller((at - b->offset + (begun ? b->width - 1 : 0)) / b->width, b->rows);
  }
  return row;
}

ptrdiff_t lk_row_at(const lk_reducer *reducer, ptrdiff_t at) { return rows_before(reducer, at, false); }

ptrdiff_t lk_row_behind(const lk_reducer *reducer, ptrdiff_t at) { return rows_before(reducer, at, true); }

/* The reals of a part, a stretch of dense ones or what it has of one row at a time. */
typedef struct walk {
  const lk_reducer *reducer;
  lk_stretch stretch;
  ptrdiff_t begin, end, row; /* the item; its row, counted from the part's first, -1: dense */
  ptrdiff_t first_row, stop;
} walk;

static walk walk_start(const lk_reducer *reducer, lk_range part) {
  return (walk){.reducer = reducer,
                .end = part.begin,
                .stop = part.end,
                .stretch.end = part.begin,
                .first_row = lk_row_at(reducer, part.begin)};
}

static bool walk_next(walk *w) {
  w->begin = w->end;
  if (w->begin == w->stop) return false;
  if (w->begin == w->stretch.end)
    w->stretch = lk_stretch_at(w->reducer, w->begin, w->stop);
  else
    w->stretch.row++, w->stretch.row_end += w->stretch.width;
  bool dense = w->stretch.row < 0;
  w->row = dense ? -1 : w->stretch.row - w->first_row;
  w->end = dense ? w->stretch.end : smaller(w->stretch.row_end, w->stretch.end);
  return true;
}

static ptrdiff_t rows_of(const lk_reducer *reducer, lk_range part) {
  return lk_row_behind(reducer, part.end) - lk_row_at(reducer, part.begin);
}

static size_t bitmap_bytes(ptrdiff_t rows) { return (size_t)((rows + 7) / 8); }

/* Marks of the slice's rows: the total's own, or of the one subtree that is the total. */
static const uint8_t *total_marks(const lk_reducer *reducer, ptrdiff_t first_row) {
  if (reducer->total.ops > 0) return reducer->written;
  return reducer->rows > 0 ? lk_reducer_touched(reducer, 0) + first_row : NULL;
}

bool lk_reducer_next_part(const lk_reducer *reducer, lk_range *part) {
  const lk_range own = reducer->own;
  const ptrdiff_t first = lk_row_at(reducer, own.begin), behind = own.begin + part->end;
  const uint8_t *marks = total_marks(reducer, first);
  bool found = false;
  walk w = walk_start(reducer, (lk_range){behind, own.end});
  while (walk_next(&w)) {
    const bool zero = w.row >= 0 && !marks[w.first_row + w.row - first];
    if (zero && found) break;
    if (zero) continue;
    if (!found) part->begin = w.begin - own.begin;
    part->end = w.end - own.begin;
    found = true;
  }
  return found;
}

size_t lk_rows_bytes(const lk_reducer *reducer, lk_range part, const uint8_t *touched, bool *packed) {
  ptrdiff_t reals = 0, rows = rows_of(reducer, part);
  size_t dense = (size_t)(part.end - part.begin) * sizeof(float);
  *packed = false;
  if (rows == 0) return dense;
  for (walk w = walk_start(reducer, part); walk_next(&w);)
    if (w.row < 0 || touched[w.row]) reals += w.end - w.begin;
  size_t bytes = (size_t)reals * sizeof(float) + bitmap_bytes(rows);
  *packed = bytes < dense;
  return *packed ? bytes : dense;
}

void lk_rows_pack(const lk_reducer *reducer, lk_range part, const uint8_t *touched, const float *x, float *to) {
  ptrdiff_t reals = 0, rows = rows_of(reducer, part);
  for (walk w = walk_start(reducer, part); walk_next(&w);) {
    if (w.row >= 0 && !touched[w.row]) continue;
    ptrdiff_t n = w.end - w.begin;
    memmove(to + reals, x + (w.begin - part.begin), (size_t)n * sizeof *to);
    reals += n;
  }
  uint8_t *bitmap = (uint8_t *)(to + reals);
  memset(bitmap, 0, bitmap_bytes(rows));
  for (ptrdiff_t i = 0; i < rows; i++)
    if (touched[i]) bitmap[i / 8] = (uint8_t)(bitmap[i / 8] | 1 << i % 8);
}

void lk_rows_unpack(const lk_reducer *reducer, lk_range part, size_t bytes, float *x, uint8_t *marks) {
  ptrdiff_t rows = rows_of(reducer, part), n = part.end - part.begin;
  if (bytes == (size_t)n * sizeof *x) {
    memset(marks, 1, (size_t)rows);
    return;
  }
  LK_ASSERT(bytes >= bitmap_bytes(rows) && (bytes - bitmap_bytes(rows)) % sizeof *x == 0);
  ptrdiff_t reals = (ptrdiff_t)((bytes - bitmap_bytes(rows)) / sizeof *x);
  const uint8_t *bitmap = (const uint8_t *)(x + reals);
  for (ptrdiff_t i = 0; i < rows; i++) marks[i] = bitmap[i / 8] >> i % 8 & 1;
  /* To the end first: then no real's place lies behind the one that it is taken from. */
  float *from = x + n - reals;
  memmove(from, x, (size_t)reals * sizeof *x);
  for (walk w = walk_start(reducer, part); walk_next(&w);) {
    if (w.row >= 0 && !marks[w.row]) continue;
    memmove(x + (w.begin - part.begin), from, (size_t)(w.end - w.begin) * sizeof *x);
    from += w.end - w.begin;
  }
  LK_ASSERT(from == x + n);
}

void lk_rows_clear(const lk_reducer *reducer, lk_range part, const uint8_t *touched, float *x) {
  for (walk w = walk_start(reducer, part); walk_next(&w);)
    if (w.row >= 0 && !touched[w.row]) memset(x + (w.begin - part.begin), 0, (size_t)(w.end - w.begin) * sizeof *x);
}
