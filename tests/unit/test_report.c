/* What the report is made of: escaping, ticks, and curves that become few and smooth. */
#include <math.h>
#include <string.h>

#include "data_fixture.h"
#include "attention_map.h"
#include "curve.h"
#include "html.h"
#include "plot.h"
#include "scale.h"

static void expect_near(double value, double expected, double by) { assert_true(fabs(value - expected) <= by); }

static void expect_html(lk_html *h, const char *expected) {
  assert_int_equal(h->status, LK_OK);
  assert_string_equal(h->out.data, expected);
  lk_buffer_release(&h->out);
}

static void escapes(void **state) {
  (void)state;
  lk_html h = {0};
  lk_html_put(&h, "<a title=\"%s\">%s</a>", "\"'><x>&amp;", "</script>&\t\n");
  expect_html(&h, "<a title=\"&quot;&#39;&gt;&lt;x&gt;&amp;amp;\">&lt;/script&gt;&amp;\t\n</a>");
  lk_html_text(&h, "a\0b", 3);
  expect_html(&h,
              "a\xEF\xBF\xBD"
              "b");
  /* control characters, invalid UTF-8 (cut, overlong, a surrogate), U+0085, U+FFFE, U+FFFF */
  lk_html_put(&h, "%s",
              "\x01\x1b\x7f"
              "e\xc3"
              "\xc0\xaf"
              "\xed\xa0\x80"
              "\xc2\x85"
              "\xef\xbf\xbe"
              "\xef\xbf\xbf");
  char expected[64] = "";
  for (int i = 0; i < 12; i++) strcat(strcat(expected, i == 3 ? "e" : ""), "\xEF\xBF\xBD");
  expect_html(&h, expected);
  lk_html_put(&h, "%s", "naïve 😀 \xef\xbf\xbd \xd8\xb3");
  expect_html(&h, "naïve 😀 \xef\xbf\xbd \xd8\xb3");
}

static void formats(void **state) {
  (void)state;
  lk_html h = {0};
  lk_html_put(&h, "%d %lld %td %zu %.2f%% %g %5.1f|%s", -3, 1LL << 40, (ptrdiff_t)-7, (size_t)9, 1.25, 1e-7, 2.0, "");
  expect_html(&h, "-3 1099511627776 -7 9 1.25% 1e-07   2.0|");
}

static void expect_ticks(double low, double high, bool log, int most, int n, const double *expected) {
  double ticks[LK_MOST_TICKS];
  const lk_scale s = {low, high, log};
  assert_int_equal(lk_scale_ticks(&s, most, ticks), n);
  for (int i = 0; i < n; i++) expect_near(ticks[i], expected[i], 1e-9 * fabs(expected[n - 1]));
}

static void ticks(void **state) {
  (void)state;
  expect_ticks(0, 1, false, 5, 6, (double[]){0, 0.2, 0.4, 0.6, 0.8, 1});
  expect_ticks(-3, 7, false, 5, 5, (double[]){-2, 0, 2, 4, 6});
  expect_ticks(0, 1459, false, 5, 3, (double[]){0, 500, 1000});
  expect_ticks(0.01, 100, true, 6, 5, (double[]){0.01, 0.1, 1, 10, 100});
  expect_ticks(0.9, 11, true, 5, 5, (double[]){1, 2, 3, 5, 10});
  expect_ticks(0.9, 30, true, 3, 4, (double[]){1, 3, 10, 30});
  expect_ticks(2, 2.6, true, 4, 4, (double[]){2, 2.2, 2.4, 2.6});
  expect_ticks(1e-12, 1, true, 4, 5, (double[]){1e-12, 1e-9, 1e-6, 1e-3, 1});
}

/* Whatever the range: round numbers inside of it, rising, at least two, and not too many. */
static void ticks_of_any_range(void **state) {
  (void)state;
  for (int e = -9; e <= 9; e++)
    for (double low = -4; low < 4; low += 0.37)
      for (double size = 0.013; size < 90; size *= 2.3)
        for (int log = 0; log < 2; log++) {
          const double unit = pow(10, e), from = log ? exp(low) : low;
          const lk_scale s = lk_scale_make(from * unit, (from + size) * unit, log, 5);
          double tick[LK_MOST_TICKS];
          const int n = lk_scale_ticks(&s, 5, tick);
          assert_true(s.low <= from * unit && s.high >= (from + size) * unit);
          assert_true(n >= 2 && n <= 12);
          for (int i = 0; i < n; i++) {
            assert_true(lk_scale_at(&s, tick[i]) > -1e-6 && lk_scale_at(&s, tick[i]) < 1 + 1e-6);
            assert_true(i == 0 || tick[i] > tick[i - 1]);
          }
        }
}

static void odd_ranges(void **state) {
  (void)state;
  const double odd[][2] = {{0, 0}, {5, 5}, {-2, -2}, {NAN, 3}, {1, INFINITY}, {INFINITY, -INFINITY}};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
    for (int log = 0; log < 2; log++) {
      if (log && !(odd[i][0] > 0)) continue;
      double tick[LK_MOST_TICKS];
      const lk_scale s = lk_scale_make(odd[i][0], odd[i][1], log, 5);
      assert_true(isfinite(s.low) && isfinite(s.high) && s.low < s.high);
      assert_true(lk_scale_ticks(&s, 5, tick) >= 2);
    }
}

static void numbers(void **state) {
  (void)state;
  char out[32];
  assert_string_equal(lk_scale_text(out, 1234567, 1000), "1,234,567");
  assert_string_equal(lk_scale_text(out, -12000, 2000), "-12,000");
  assert_string_equal(lk_scale_text(out, 0.5, 0.25), "0.5");
  assert_string_equal(lk_scale_text(out, 0.5, 0.05), "0.50");
  assert_string_equal(lk_scale_text(out, 2e-6, 1e-6), "2e-06");
  assert_string_equal(lk_scale_text(out, 0, 0.1), "0");
  assert_string_equal(lk_number_short(out, 0.93451, 4), "0.9345");
  assert_string_equal(lk_number_short(out, 0.0032749, 4), "0.003275");
  assert_string_equal(lk_number_short(out, 74.3149, 4), "74.31");
  assert_string_equal(lk_number_short(out, 81456.7, 3), "81,457");
  assert_string_equal(lk_number_short(out, NAN, 3), "–");
}

/* The same curve, added up from points that are refused where they go back or are not finite. */
static void points(void **state) {
  (void)state;
  lk_curve c = {0};
  lk_status status = LK_OK;
  assert_true(lk_curve_add(&c, 1, 2, &status) && lk_curve_add(&c, 1, 3, &status) && lk_curve_add(&c, 4, 5, &status));
  assert_false(lk_curve_add(&c, 3, 1, &status) || lk_curve_add(&c, 5, NAN, &status) ||
               lk_curve_add(&c, NAN, 1, &status) || lk_curve_add(&c, INFINITY, 1, &status));
  assert_int_equal(c.n, 3);
  assert_int_equal(status, LK_OK);
  lk_curve_release(&c);
}

static void fill(lk_curve *c, ptrdiff_t n, double (*f)(double)) {
  lk_status status = LK_OK;
  for (ptrdiff_t i = 0; i < n; i++) assert_true(lk_curve_add(c, (double)i, f((double)i), &status));
}

/* A spike of one point among a million, up and one down, is still there; and few points are left. */
static double spikes(double x) { return x == 765432 ? 50 : x == 123456 ? -50 : sin(x); }
static void thins(void **state) {
  (void)state;
  enum { N = 1000000, COLUMNS = 400 };
  lk_curve all = {0}, thin = {0};
  double low = 0, high = 0;
  fill(&all, N, spikes);
  assert_int_equal(lk_curve_thin(&thin, &all, 0, N - 1, COLUMNS), LK_OK);
  assert_true(thin.n <= 4 * (COLUMNS + 1) && thin.n > COLUMNS);
  for (ptrdiff_t i = 0; i < thin.n; i++) {
    low = fmin(low, thin.y[i]), high = fmax(high, thin.y[i]);
    expect_near(thin.y[i], spikes(thin.x[i]), 0);
    assert_true(i == 0 || thin.x[i] > thin.x[i - 1]);
  }
  expect_near(low, -50, 0);
  expect_near(high, 50, 0);
  expect_near(thin.x[0], 0, 0);
  expect_near(thin.x[thin.n - 1], N - 1, 0);
  lk_curve_release(&all);
  lk_curve_release(&thin);
}

static double line(double x) { return 3 * x + 1; }
static double saw(double x) { return 5 + (fmod(x, 2) < 1 ? 1 : -1); }

/* A straight line stays as it is, ends included; noise becomes small; few points are themselves. */
static void smooths(void **state) {
  (void)state;
  lk_curve c = {0}, s = {0};
  fill(&c, 600, line);
  assert_int_equal(lk_curve_smooth(&s, &c), LK_OK);
  assert_int_equal(s.n, 600);
  for (ptrdiff_t i = 0; i < s.n; i++) expect_near(s.y[i], line(s.x[i]), 1e-9);
  lk_curve_release(&c), lk_curve_release(&s);
  fill(&c, 600, saw);
  assert_int_equal(lk_curve_smooth(&s, &c), LK_OK);
  for (ptrdiff_t i = 20; i < s.n - 20; i++) expect_near(s.y[i], 5, 0.1);
  lk_curve_release(&c), lk_curve_release(&s);
  fill(&c, 100000, line);
  assert_int_equal(lk_curve_smooth(&s, &c), LK_OK);
  assert_int_equal(s.n, 4000);
  for (ptrdiff_t i = 0; i < s.n; i++) expect_near(s.y[i], line(s.x[i]), 1e-6);
  lk_curve_release(&c), lk_curve_release(&s);
  fill(&c, 23, saw);
  assert_int_equal(lk_curve_smooth(&s, &c), LK_OK);
  assert_memory_equal(s.y, c.y, 23 * sizeof *c.y);
  lk_curve_release(&c), lk_curve_release(&s);
  assert_int_equal(lk_curve_smooth(&s, &c), LK_OK); /* no point at all */
  assert_int_equal(s.n, 0);
}

static void picks(void **state) {
  (void)state;
  lk_curve c = {0}, some = {0};
  fill(&c, 101, line);
  assert_int_equal(lk_curve_pick(&some, &c, 11), LK_OK);
  assert_int_equal(some.n, 11);
  for (int i = 0; i < 11; i++) expect_near(some.x[i], 10 * i, 0);
  lk_curve_release(&c), lk_curve_release(&some);
}

static int count(const char *text, const char *what) {
  int n = 0;
  for (const char *at = text; (at = strstr(at, what)); at++) n++;
  return n;
}

/* Names at the ends of curves that end alike stand 15 pixels apart. */
static void end_labels(void **state) {
  (void)state;
  lk_curve a = {0}, b = {0};
  lk_html h = {0};
  fill(&a, 50, line);
  fill(&b, 50, line);
  lk_plot p = {.title = "a<b", .description = "&", .x_name = "step", .height = 200, .columns = 100, .x_ticks = 5};
  lk_plot_add(&p, (lk_series){.name = "first", .curve = &a});
  lk_plot_add(&p, (lk_series){.name = "second", .curve = &b, .colour = 1});
  lk_plot_draw(&h, &p);
  assert_int_equal(h.status, LK_OK);
  double y[2] = {0};
  const char *at = h.out.data;
  for (int i = 0; i < 2; i++) {
    at = strstr(at, "<text class=\"end");
    assert_non_null(at);
    assert_int_equal(sscanf(strstr(at, " y=\""), " y=\"%lf\"", &y[i]), 1);
    at++;
  }
  assert_true(fabs(y[1] - y[0]) >= 15);
  assert_true(y[0] <= 200 && y[1] <= 200);
  assert_int_equal(count(h.out.data, "<title>a&lt;b</title><desc>&amp;</desc>"), 1);
  assert_int_equal(count(h.out.data, "<table"), 2);
  lk_buffer_release(&h.out);
  lk_curve_release(&a), lk_curve_release(&b);
}

/* A cell for each weight that is to be seen, by its shade. */
static void attention(void **state) {
  (void)state;
  lk_html h = {0};
  const char *const source[] = {"a", "b", "end"}, *const target[] = {"<x>", "end"};
  const double weight[] = {1, 0.04, 0, 0, 0.5, 0.52};
  lk_attention_draw(&h, &(lk_attention_map){source, target, 3, 2, weight});
  assert_int_equal(h.status, LK_OK);
  assert_int_equal(count(h.out.data, "<path"), 2);
  assert_int_equal(count(h.out.data, "<path class=\"a10\" d=\"M0 0h15v15h-15z\"/>"), 1);
  assert_int_equal(count(h.out.data, "<path class=\"a5\" d=\"M16 16h15v15h-15zM32 16h15v15h-15z\"/>"), 1);
  assert_int_equal(count(h.out.data, "&lt;x&gt;"), 1);
  lk_buffer_release(&h.out);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(escapes),    cmocka_unit_test(formats),
                                     cmocka_unit_test(ticks),      cmocka_unit_test(ticks_of_any_range),
                                     cmocka_unit_test(odd_ranges), cmocka_unit_test(numbers),
                                     cmocka_unit_test(points),     cmocka_unit_test(thins),
                                     cmocka_unit_test(smooths),    cmocka_unit_test(picks),
                                     cmocka_unit_test(end_labels), cmocka_unit_test(attention)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
