/* The picture of a state: which parts a window of each width shows, the bar, the curve, and characters of every width. */
#include "live.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "screen.h"
#include "text.h"

static lk_picture picture;

static lk_live training(void) {
  lk_live live = lk_live_make(0.525, 80);
  lk_live_add(&live, 4, "step 1050/2000");
  lk_live_add(&live, 6, "epoch 2.10");
  lk_live_add(&live, 0, "loss 1.5123");
  lk_live_add_screen(&live, 2, "best valid 1.5990");
  lk_live_add(&live, 3, "17726 tokens/s");
  lk_live_add(&live, 5, "rate 0.002");
  return live;
}

static void assert_line(const lk_live *live, lk_window window, const char *expected) {
  lk_live_draw(live, &window, &picture);
  assert_int_equal(picture.rows, 1);
  assert_string_equal(picture.text[0], expected);
  assert_int_equal(picture.width[0], lk_utf8_width(expected, strlen(expected)));
  assert_true(picture.width[0] < window.columns);
}

static void widths(void **state) {
  (void)state;
  const lk_live live = training();
  assert_line(&live, (lk_window){.columns = 160, .rows = 10, .utf8 = true},
              "━━━━━━━━━━━━━━━━━───────────────  52%  step 1050/2000  epoch 2.10  loss 1.5123  best valid 1.5990  "
              "17726 tokens/s  rate 0.002  1m 20s left");
  assert_line(&live, (lk_window){.columns = 120, .rows = 10, .utf8 = true},
              "━━━━━━╸─────  52%  step 1050/2000  epoch 2.10  loss 1.5123  best valid 1.5990  17726 tokens/s  rate "
              "0.002  1m 20s left");
  assert_line(&live, (lk_window){.columns = 80, .rows = 30, .utf8 = true},
              "━━━━━━╸─────  52%  loss 1.5123  best valid 1.5990  17726 tokens/s  1m 20s left");
  assert_line(&live, (lk_window){.columns = 80, .rows = 24},
              "[#####-----]  52%  loss 1.5123  best valid 1.5990  17726 tokens/s  1m 20s left");
  assert_line(&live, (lk_window){.columns = 60, .rows = 24, .utf8 = true},
              "━━━━────  52%  loss 1.5123  best valid 1.5990  1m 20s left");
  assert_line(&live, (lk_window){.columns = 42, .rows = 24, .utf8 = true}, "━━━━────  52%  loss 1.5123  1m 20s left");
  assert_line(&live, (lk_window){.columns = 40, .rows = 24, .utf8 = true}, "━━━━────  52%  loss 1.5123  1m 20s left");
  assert_line(&live, (lk_window){.columns = 20, .rows = 24, .utf8 = true}, " 52%  loss 1.5123");
  assert_line(&live, (lk_window){.columns = 9, .rows = 24, .utf8 = true}, "loss 1.5");
  assert_line(&live, (lk_window){.columns = 2, .rows = 2, .utf8 = true}, "l");
  for (int columns = 2; columns < 300; columns++) {
    lk_live_draw(&live, &(lk_window){.columns = columns, .rows = 50, .utf8 = columns % 2}, &picture);
    const char *text = picture.text[0];
    assert_int_equal(picture.width[0], lk_utf8_width(text, strlen(text)));
    assert_true(picture.width[0] < columns);
  }
}

static void plain(void **state) {
  (void)state;
  char line[256];
  lk_live live = training();
  lk_live_plain(&live, line, sizeof line);
  assert_string_equal(line, "step 1050/2000  epoch 2.10  loss 1.5123  17726 tokens/s  rate 0.002  1m 20s left");
  live.left = 0.4;
  lk_live_plain(&live, line, 40);
  assert_string_equal(line, "step 1050/2000  epoch 2.10  loss 1.5123");
  live.items = 1;
  lk_live_plain(&live, line, sizeof line);
  assert_string_equal(line, "step 1050/2000  nearly done");
  live.left = -1;
  lk_live_plain(&live, line, sizeof line);
  assert_string_equal(line, "step 1050/2000");
}

static void bar(void **state) {
  (void)state;
  const lk_window narrow = {.columns = 40, .rows = 5, .utf8 = true};
  lk_live live = lk_live_make(0, -1);
  lk_live_add(&live, 0, "x");
  assert_line(&live, narrow, "────────────   0%  x");
  live.share = 0.999;
  assert_line(&live, narrow, "━━━━━━━━━━━━  99%  x");
  live = lk_live_make(1.5, 0);
  lk_live_add(&live, 0, "x");
  assert_line(&live, narrow, "━━━━━━━━━━━━ 100%  x  nearly done");
  live.share = -1; /* not known */
  assert_line(&live, narrow, "x  nearly done");
  live.share = 0.5;
  lk_live_draw(&live, &(lk_window){.columns = 40, .rows = 5, .colour = true}, &picture);
  assert_string_equal(picture.text[0], "[\x1b[36m#####\x1b[0m\x1b[2m-----\x1b[0m]  50%  x  nearly done");
  assert_int_equal(picture.width[0], lk_utf8_width("[#####-----]  50%  x  nearly done", 33));
}

/* Wide characters take two columns, combining ones none; what would move the cursor is not let through. */
static void characters(void **state) {
  (void)state;
  picture.rows = 0;
  lk_picture_add(&picture, &(lk_window){.columns = 7}, "日本語語");
  assert_string_equal(picture.text[0], "日本語");
  assert_int_equal(picture.width[0], 6);
  lk_picture_add(&picture, &(lk_window){.columns = 6}, "日本語");
  assert_string_equal(picture.text[1], "日本");
  lk_picture_add(&picture, &(lk_window){.columns = 4}, "e\xcc\x81t\xc3\xa9s");
  assert_string_equal(picture.text[2], "e\xcc\x81t\xc3\xa9");
  assert_int_equal(picture.width[2], 3);
  lk_picture_add(&picture, &(lk_window){.columns = 20}, "a\x1b[2Jb\n\377c");
  assert_string_equal(picture.text[3], "a?[2Jb??c");
  for (int i = 0; i < 2 * LK_PICTURE_ROWS; i++) lk_picture_add(&picture, &(lk_window){.columns = 20}, "more");
  assert_int_equal(picture.rows, LK_PICTURE_ROWS);
}

enum { POINTS = 400 };
static double points[POINTS][3];

static lk_live with_curve(int count) {
  lk_live live = training();
  live.loss = (lk_series){.at = points[0], .count = count, .stride = 3, .y = 1};
  live.valid = (lk_series){.at = points[0], .count = count / 100, .stride = 300, .y = 2};
  return live;
}

static void curve(void **state) {
  (void)state;
  for (int i = 0; i < POINTS; i++) points[i][0] = i, points[i][1] = POINTS - i, points[i][2] = 20;
  const lk_window window = {.columns = 100, .rows = 24, .utf8 = true}, ascii = {.columns = 100, .rows = 24};
  lk_live live = with_curve(POINTS);
  lk_live_draw(&live, &window, &picture);
  assert_int_equal(picture.rows, 7);
  /* 400 to 1: by logarithm. The first dot is in the upper left corner, the last one in the lower right. */
  assert_int_equal(strncmp(picture.text[0], "   400 ┤⠉⠉", strlen("   400 ┤⠉⠉")), 0);
  assert_non_null(strstr(picture.text[0], "loss  • validation"));
  assert_int_equal(strncmp(picture.text[5], "     1 ┤", strlen("     1 ┤")), 0);
  assert_non_null(strstr(picture.text[3], "•"));
  for (int i = 0; i < 6; i++) {
    assert_int_equal(picture.width[i], 99);
    assert_int_equal(lk_utf8_width(picture.text[i], strlen(picture.text[i])), 99);
  }
  lk_live_draw(&live, &ascii, &picture);
  assert_int_equal(picture.rows, 7);
  for (int i = 0; i < 7; i++)
    for (const char *c = picture.text[i]; *c; c++) assert_in_range(*c, ' ', '~');
  lk_live_draw(&live, &(lk_window){.columns = 100, .rows = 40, .utf8 = true}, &picture);
  assert_int_equal(picture.rows, 10);
  /* too narrow, too low, no points, one point, nothing finite */
  lk_live_draw(&live, &(lk_window){.columns = 99, .rows = 24}, &picture);
  assert_int_equal(picture.rows, 1);
  lk_live_draw(&live, &(lk_window){.columns = 100, .rows = 19}, &picture);
  assert_int_equal(picture.rows, 1);
  for (int count = 0; count < 2; count++) {
    live = with_curve(count);
    lk_live_draw(&live, &window, &picture);
    assert_int_equal(picture.rows, 1);
  }
  for (int i = 0; i < POINTS; i++) points[i][1] = NAN, points[i][2] = INFINITY;
  live = with_curve(POINTS);
  lk_live_draw(&live, &window, &picture);
  assert_int_equal(picture.rows, 1);
}

/* A line falls from corner to corner, without a gap and without a dot beside it, whatever the number of points. */
static void straight_line(void **state) {
  (void)state;
  const lk_window ascii = {.columns = 100, .rows = 24};
  for (int i = 0; i < POINTS; i++) points[i][0] = i, points[i][1] = 10 + POINTS - i;
  for (int count = 2; count <= POINTS; count += 398) {
    if (count == 2) points[1][0] = 399, points[1][1] = 11;
    const lk_series loss = {.at = points[0], .count = count, .stride = 3, .y = 1}, none = {0};
    picture.rows = 0;
    lk_curve_draw(&loss, &none, &ascii, 6, &picture);
    assert_int_equal(picture.rows, 6);
    for (int column = 8; column < 99; column++) {
      int dots = 0;
      for (int row = 0; row < 6; row++) dots += picture.text[row][column] != ' ';
      if (column < 90) assert_int_equal(dots, 1); /* the legend stands behind */
    }
    points[1][0] = 1, points[1][1] = 9 + POINTS;
  }
}

/* Thousands of points with spikes and holes stay inside; a constant loss has a line in the middle. */
static void wild_curves(void **state) {
  (void)state;
  static double wild[50000][2];
  for (int i = 0; i < 50000; i++)
    wild[i][0] = i - i % 3, wild[i][1] = i % 977 == 0 ? 1e30 : i % 13 == 0 ? (double)NAN : -(double)i;
  const lk_series loss = {.at = wild[0], .count = 50000, .stride = 2, .y = 1};
  for (int columns = 2; columns < 400; columns += 7)
    for (int rows = 1; rows < 15; rows++) {
      picture.rows = 0;
      lk_curve_draw(&loss, &loss, &(lk_window){.columns = columns, .rows = 30, .utf8 = rows % 2, .colour = true}, rows,
                    &picture);
      for (int i = 0; i < picture.rows; i++) assert_true(picture.width[i] < columns);
    }
  for (int i = 0; i < 50000; i++) wild[i][1] = 2;
  picture.rows = 0;
  lk_curve_draw(&loss, &(lk_series){0}, &(lk_window){.columns = 30, .rows = 30}, 5, &picture);
  assert_string_equal(picture.text[0] + 6, " +                 loss");
  assert_string_equal(picture.text[2] + 6, " |---------------------");
  assert_string_equal(picture.text[4] + 6, " |                     ");
}

static void locale(void **state) {
  (void)state;
  assert_true(lk_screen_utf8((const char *const[]){NULL, NULL, "de_DE.UTF-8"}));
  assert_true(lk_screen_utf8((const char *const[]){"C.utf8", NULL, "C"}));
  assert_true(lk_screen_utf8((const char *const[]){"", "en_US.UTF-8", "C"}));
  assert_false(lk_screen_utf8((const char *const[]){"C", NULL, "de_DE.UTF-8"}));
  assert_false(lk_screen_utf8((const char *const[]){"", "POSIX", "de_DE.UTF-8"}));
  assert_false(lk_screen_utf8((const char *const[]){NULL, NULL, "ja_JP.eucJP"}));
  assert_false(lk_screen_utf8((const char *const[]){NULL, NULL, NULL}));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(widths),     cmocka_unit_test(plain),         cmocka_unit_test(bar),
      cmocka_unit_test(characters), cmocka_unit_test(straight_line), cmocka_unit_test(wild_curves),
      cmocka_unit_test(curve),      cmocka_unit_test(locale),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
