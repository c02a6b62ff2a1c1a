/* Sparse rows in a range of the flat vector, and packed for messages. Not collective. */
#include <string.h>

#include "check.h"
#include "rng.h"
#include "sparse_rows_impl.h"

enum { P = 640, ROWS = 3 + 40 + 5 };

/* Rows 0-2 of 16 reals from 0, 3-42 of 7 from 64, 43-47 of 50 from 352, ending at 602. */
static lk_row_block blocks[] = {{0, 3, 16}, {64, 40, 7}, {352, 5, 50}};
static const lk_row_table table = {.rows = ROWS, .block = blocks, .blocks = 3};

/* The row that real i belongs to, by the definition; -1: dense. */
static ptrdiff_t row_of(ptrdiff_t i) {
  ptrdiff_t row = 0;
  for (int b = 0; b < 3; row += blocks[b++].rows)
    for (ptrdiff_t r = 0; r < blocks[b].rows; r++) {
      ptrdiff_t begin = blocks[b].offset + r * blocks[b].width;
      if (i >= begin && i < begin + blocks[b].width) return row + r;
    }
  return -1;
}

static void test_rows_of_every_place(void) {
  ptrdiff_t before[P + 1], ended = 0, begun = 0;
  for (ptrdiff_t i = 0; i < P; i++) {
    CHECK(lk_row_at(&table, i) == ended && lk_row_after(&table, i) == begun);
    ptrdiff_t row = before[i] = row_of(i), next = row_of(i + 1);
    if (row >= 0 && row + 1 > begun) begun = row + 1;
    if (row >= 0 && row != next) ended = row + 1;
  }
  for (ptrdiff_t i = 0, end; i < P; i++) {
    lk_row_run s = lk_row_run_at(&table, i, P);
    CHECK(s.row == before[i] && s.end > i);
    for (end = i; end < s.end; end++) CHECK((before[end] < 0) == (s.row < 0));
    if (s.row < 0) continue;
    for (end = i; before[end] == s.row;) end++;
    CHECK(s.row_end == end);
    CHECK(lk_row_run_at(&table, i, i + 1).end == i + 1);
  }
}

/* Where unmarked rows of [begin, end) are larger than their marks: packing is shorter, and unpacking restores it. */
static void check_part(lk_range part, const uint8_t *touched, bool must_pack) {
  float x[P], sent[P], back[P];
  uint8_t marks[ROWS];
  ptrdiff_t first = lk_row_at(&table, part.begin), rows = lk_row_after(&table, part.end) - first;
  ptrdiff_t n = part.end - part.begin, kept = 0;
  bool packed = false;
  for (ptrdiff_t i = 0; i < n; i++) {
    ptrdiff_t row = row_of(part.begin + i);
    x[i] = row < 0 || touched[row] ? (float)(part.begin + i) : -1;
    kept += x[i] >= 0;
  }
  size_t bytes = lk_rows_bytes(&table, part, touched + first, &packed);
  size_t dense = (size_t)n * sizeof(float), least = (size_t)kept * sizeof(float) + (size_t)(rows + 7) / 8;
  CHECK(bytes == (rows > 0 && least < dense ? least : dense) && packed == (bytes < dense));
  CHECK(!must_pack || packed);
  memset(back, 0xff, sizeof back);
  if (packed)
    lk_rows_pack(&table, part, touched + first, x, sent);
  else
    memcpy(sent, x, dense);
  memcpy(back, sent, bytes);
  lk_rows_unpack(&table, part, bytes, back, marks);
  CHECK(memcmp(marks, touched + first, (size_t)rows) == 0 || !packed);
  for (ptrdiff_t i = 0; i < n; i++) CHECK((packed && x[i] < 0) || back[i] == x[i]);
  if (packed) { /* in place, as sums are packed */
    memcpy(sent, x, dense);
    lk_rows_pack(&table, part, touched + first, sent, sent);
    lk_rows_unpack(&table, part, bytes, sent, marks);
    for (ptrdiff_t i = 0; i < n; i++) CHECK(x[i] < 0 || sent[i] == x[i]);
  }
  lk_rows_clear(&table, part, touched + first, x);
  for (ptrdiff_t i = 0; i < n; i++) {
    ptrdiff_t row = row_of(part.begin + i);
    CHECK(x[i] == (row < 0 || touched[row] ? (float)(part.begin + i) : 0));
  }
}

static void test_parts_of_every_kind(void) {
  uint8_t touched[ROWS + 1] = {0};
  lk_rng rng = lk_rng_make(3, LK_PURPOSE_SAMPLE);
  for (int density = 0; density <= 4; density++)
    for (uint32_t draw = 0; draw < 300; draw++) {
      uint32_t bits[4];
      for (uint32_t r = 0; r < ROWS; r++) touched[r] = 4 * lk_rng_uniform(rng, draw, r, (uint32_t)density, 0) < density;
      lk_rng_block(rng, draw, 0, 0, 1, bits);
      ptrdiff_t begin = bits[0] % P, end = begin + 1 + bits[1] % (uint32_t)(P - begin);
      check_part((lk_range){begin, end}, touched, false);
    }
  memset(touched, 0, sizeof touched);
  check_part((lk_range){0, P}, touched, true);
}

int main(int argc, char **argv) {
  lk_comm *comm = check_start(&argc, &argv);
  test_rows_of_every_place();
  test_parts_of_every_kind();
  return check_end(comm);
}
