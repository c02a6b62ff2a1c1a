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

/* Reals of 4 or 2 bytes; which numbers they are does not matter here. */
enum { HALF = sizeof(uint16_t), WHOLE = sizeof(uint32_t), ABSENT = 0xffff };

static uint32_t get(const void *x, ptrdiff_t i, size_t real) {
  uint32_t number = 0;
  memcpy(&number, (const char *)x + (size_t)i * real, real); /* of small numbers the first bytes come first */
  return number;
}

static void set(void *x, ptrdiff_t i, size_t real, uint32_t number) {
  memcpy((char *)x + (size_t)i * real, &number, real);
}

static void fill(void *x, ptrdiff_t n, size_t real, uint32_t number) {
  for (ptrdiff_t i = 0; i < n; i++) set(x, i, real, number);
}

/* Where unmarked rows of [begin, end) are larger than their marks: packing is shorter, and unpacking restores it. */
static void check_part(lk_range part, size_t real, const uint8_t *touched, bool must_pack) {
  uint32_t x[P], sent[P], back[P];
  uint8_t marks[ROWS];
  ptrdiff_t first = lk_row_at(&table, part.begin), rows = lk_row_after(&table, part.end) - first;
  ptrdiff_t n = part.end - part.begin, kept = 0;
  bool packed = false;
  for (ptrdiff_t i = 0; i < n; i++) {
    ptrdiff_t row = row_of(part.begin + i);
    set(x, i, real, row < 0 || touched[row] ? (uint32_t)(part.begin + i) : ABSENT);
    kept += get(x, i, real) != ABSENT;
  }
  size_t bytes = lk_rows_bytes(&table, part, touched + first, real, &packed);
  size_t dense = (size_t)n * real, least = (size_t)kept * real + (size_t)(rows + 7) / 8;
  CHECK(bytes == (rows > 0 && least < dense ? least : dense) && packed == (bytes < dense));
  CHECK(!must_pack || packed);
  if (packed)
    lk_rows_pack(&table, part, touched + first, real, x, sent);
  else
    memcpy(sent, x, dense);
  fill(back, n, real, ABSENT);
  lk_rows_assign(&table, part, bytes, real, sent, back);
  CHECK(memcmp(back, x, dense) == 0); /* ABSENT in rows without a mark: they stay as they are */
  memset(back, 0xff, sizeof back);
  memcpy(back, sent, bytes);
  lk_rows_unpack(&table, part, bytes, real, back, marks);
  CHECK(memcmp(marks, touched + first, (size_t)rows) == 0 || !packed);
  for (ptrdiff_t i = 0; i < n; i++)
    CHECK((packed && get(x, i, real) == ABSENT) || get(back, i, real) == get(x, i, real));
  if (packed) { /* in place, as sums are packed */
    memcpy(sent, x, dense);
    lk_rows_pack(&table, part, touched + first, real, sent, sent);
    lk_rows_unpack(&table, part, bytes, real, sent, marks);
    for (ptrdiff_t i = 0; i < n; i++) CHECK(get(x, i, real) == ABSENT || get(sent, i, real) == get(x, i, real));
  }
  lk_rows_clear(&table, part, touched + first, real, x);
  for (ptrdiff_t i = 0; i < n; i++) {
    ptrdiff_t row = row_of(part.begin + i);
    CHECK(get(x, i, real) == (row < 0 || touched[row] ? (uint32_t)(part.begin + i) : 0));
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
      check_part((lk_range){begin, end}, draw % 2 ? WHOLE : HALF, touched, false);
    }
  memset(touched, 0, sizeof touched);
  check_part((lk_range){0, P}, WHOLE, touched, true);
  check_part((lk_range){0, P}, HALF, touched, true);
}

int main(int argc, char **argv) {
  lk_comm *comm = check_start(&argc, &argv);
  test_rows_of_every_place();
  test_parts_of_every_kind();
  return check_end(comm);
}
