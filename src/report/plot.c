/* plot.c - axes, curves and marks. */
#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scale.h"

enum { WIDTH = 1000, PIXELS_A_TICK = 44, LABEL_HEIGHT = 15, MOST_DOTS = 60, NEAR_THE_END = 88 };

/* Where the numbers of a plot are in its picture. */
typedef struct frame {
  lk_scale x, y;
  int height, y_ticks;
} frame;

void lk_plot_add(lk_plot *p, lk_series series) {
  if (p->count < LK_PLOT_SERIES) p->series[p->count++] = series;
}

void lk_plot_mark(lk_plot *p, lk_mark mark) {
  if (p->marks < LK_PLOT_MARKS) p->mark[p->marks++] = mark;
}

bool lk_plot_range(const lk_plot *p, double *low, double *high) {
  *low = INFINITY, *high = -INFINITY;
  for (int s = 0; s < p->count; s++)
    for (ptrdiff_t i = 0; i < p->series[s].curve->n; i++)
      *low = fmin(*low, p->series[s].curve->y[i]), *high = fmax(*high, p->series[s].curve->y[i]);
  return *low <= *high;
}

bool lk_plot_has_points(const lk_plot *p) {
  double low, high;
  return lk_plot_range(p, &low, &high);
}

static double last_x(const lk_plot *p) {
  double last = 0;
  for (int s = 0; s < p->count; s++) {
    const lk_curve *c = p->series[s].curve;
    if (c->n > 0) last = fmax(last, c->x[c->n - 1]);
  }
  return last > 0 ? last : 1;
}

/* Room for the texts of points. */
static void add_room(const lk_plot *p, double *low, double *high) {
  const double room = 0.14 * (*high - *low);
  bool below = false, above = false;
  for (int i = 0; i < p->marks; i++) {
    if (p->mark[i].kind != LK_MARK_POINT || !p->mark[i].text[0]) continue;
    below = below || p->mark[i].below;
    above = above || !p->mark[i].below;
  }
  if (below) *low = p->log ? *low * 0.8 : *low > 0 ? fmax(*low - room, 0) : *low - room;
  if (above) *high = p->log ? *high * 1.2 : *high + room;
}

static frame make_frame(const lk_plot *p) {
  double low, high;
  (void)lk_plot_range(p, &low, &high);
  add_room(p, &low, &high);
  if (p->from_zero) low = fmin(low, 0);
  const int ticks = p->height / PIXELS_A_TICK;
  return (frame){.x = {.low = 0, .high = last_x(p)},
                 .y = lk_scale_make(low, high, p->log && low > 0, ticks),
                 .height = p->height,
                 .y_ticks = ticks};
}

static double x_percent(const frame *f, double x) { return 100 * lk_scale_at(&f->x, x); }
static double y_pixel(const frame *f, double y) {
  const double at = lk_scale_at(&f->y, y);
  return f->height * (1 - (at < 0 ? 0 : at > 1 ? 1 : at));
}

static void draw_axes(lk_html *h, const lk_plot *p, const frame *f) {
  double tick[LK_MOST_TICKS];
  char text[32];
  int n = lk_scale_ticks(&f->y, f->y_ticks, tick);
  for (int i = 0; i < n; i++) {
    const double y = y_pixel(f, tick[i]), step = n > 1 ? (i > 0 ? tick[i] - tick[i - 1] : tick[1] - tick[0]) : tick[0];
    lk_html_put(h, "<line class=\"grid\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>", y, y);
    lk_html_put(h, "<text class=\"tick\" x=\"-8\" y=\"%.1f\" dy=\".35em\" text-anchor=\"end\">%s</text>", y,
                lk_scale_text(text, tick[i], step));
  }
  lk_html_put(h, "<line class=\"axis\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/>", f->height, f->height);
  n = lk_scale_ticks(&f->x, p->x_ticks, tick);
  for (int i = 0; i < n; i++) {
    const double x = x_percent(f, tick[i]);
    lk_html_put(h, "<line class=\"axis\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>", x, x, f->height,
                f->height + 4);
    if (x < 88) /* beyond it stands what the axis is */
      lk_html_put(h, "<text class=\"tick\" x=\"%.2f%%\" y=\"%d\" text-anchor=\"middle\">%s</text>", x, f->height + 18,
                  lk_scale_text(text, tick[i], n > 1 ? tick[1] - tick[0] : 1));
  }
  lk_html_put(h, "<text class=\"name\" x=\"100%%\" y=\"%d\" text-anchor=\"end\">%s</text>", f->height + 18, p->x_name);
}

static void draw_curve(lk_html *h, const lk_plot *p, const frame *f, const lk_series *s) {
  static const char *const lines[] = {"pale", "strong", "strong"};
  lk_curve thin = {0};
  const lk_status status = lk_curve_thin(&thin, s->curve, f->x.low, f->x.high, p->columns);
  if (h->status == LK_OK) h->status = status;
  if (thin.n > 1) {
    lk_html_put(h, "<path class=\"%s c%d\" d=\"M", lines[s->line], s->colour);
    for (ptrdiff_t i = 0; i < thin.n; i++)
      lk_html_put(h, "%s%.1f %.1f", i > 0 ? " " : "", WIDTH * lk_scale_at(&f->x, thin.x[i]), y_pixel(f, thin.y[i]));
    lk_html_raw(h, "\"/>");
  }
  lk_curve_release(&thin);
}

/* Points as circles of the outer picture, which is not stretched. */
static void draw_dots(lk_html *h, const frame *f, const lk_series *s) {
  const lk_curve *c = s->curve;
  if (c->n == 0 || (c->n > 1 && s->line != LK_LINE_DOTS) || c->n > MOST_DOTS) return;
  for (ptrdiff_t i = 0; i < c->n; i++)
    lk_html_put(h, "<circle class=\"dot c%d\" cx=\"%.2f%%\" cy=\"%.1f\" r=\"2.5\"/>", s->colour, x_percent(f, c->x[i]),
                y_pixel(f, c->y[i]));
}

static void draw_moment(lk_html *h, const frame *f, const lk_mark *m, double *last_text) {
  const double x = x_percent(f, m->x);
  const bool all = m->kind == LK_MARK_MOMENT;
  if (all)
    lk_html_put(h, "<line class=\"moment\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"-4\" y2=\"%d\"/>", x, x, f->height);
  else
    lk_html_put(h, "<line class=\"short c%d\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"-6\" y2=\"4\"/>", m->colour, x, x);
  if (m->text[0] == '\0' || !all || x - *last_text < 16) return;
  lk_html_put(h, "<text class=\"note\" x=\"%.2f%%\" y=\"-9\" text-anchor=\"%s\">%s</text>", x,
              x > 85   ? "end"
              : x < 10 ? "start"
                       : "middle",
              m->text);
  *last_text = x;
}

/* How many points of curves a text between these places would cover, if the plot is about 700 pixels wide. */
static int covered(const lk_plot *p, const frame *f, const lk_mark *m, double top) {
  const double wide = 100.0 * 7 * (double)strlen(m->text) / 700, x = x_percent(f, m->x);
  const double left = x > 75 ? x - wide : x < 25 ? x : x - wide / 2;
  int points = 0;
  for (int s = 0; s < p->count; s++) {
    lk_curve some = {0};
    if (lk_curve_thin(&some, p->series[s].curve, f->x.low, f->x.high, 100) != LK_OK) lk_error_clear();
    for (ptrdiff_t i = 0; i < some.n; i++) {
      const double at = x_percent(f, some.x[i]), y = y_pixel(f, some.y[i]);
      points += at >= left && at <= left + wide && y >= top && y <= top + LABEL_HEIGHT;
    }
    lk_curve_release(&some);
  }
  return points;
}

/* On the side where there is room and the text covers less, else where the mark wants it. */
static bool goes_below(const lk_plot *p, const frame *f, const lk_mark *m, double y) {
  if (y > f->height - 26) return false;
  if (y < 16) return true;
  const int above = covered(p, f, m, y - 24), below = covered(p, f, m, y + 8);
  return above == below ? m->below : below < above;
}

static void draw_point(lk_html *h, const lk_plot *p, const frame *f, const lk_mark *m) {
  const double x = x_percent(f, m->x), y = y_pixel(f, m->y);
  const bool below = goes_below(p, f, m, y);
  lk_html_put(h, "<circle class=\"point c%d\" cx=\"%.2f%%\" cy=\"%.1f\" r=\"5\"/>", m->colour, x, y);
  if (m->text[0])
    lk_html_put(h, "<text class=\"note c%d\" x=\"%.2f%%\" y=\"%.1f\" text-anchor=\"%s\">%s</text>", m->colour, x,
                below ? y + 20 : y - 11,
                x > 75   ? "end"
                : x < 25 ? "start"
                         : "middle",
                m->text);
}

static void draw_marks(lk_html *h, const lk_plot *p, const frame *f, bool points) {
  double last_text = -100;
  for (int i = 0; i < p->marks; i++)
    if (points && p->mark[i].kind == LK_MARK_POINT)
      draw_point(h, p, f, &p->mark[i]);
    else if (!points && p->mark[i].kind != LK_MARK_POINT)
      draw_moment(h, f, &p->mark[i], &last_text);
}

typedef struct end_label {
  const lk_series *series;
  double y;
} end_label;

static int by_height(const void *a, const void *b) {
  const double x = ((const end_label *)a)->y, y = ((const end_label *)b)->y;
  return (x > y) - (x < y);
}

static void draw_end_label(lk_html *h, const end_label *end, double x) {
  lk_html_put(h, "<text class=\"end c%d\" x=\"%.2f%%\" dx=\"12\" y=\"%.1f\" dy=\".35em\">%s</text>",
              end->series->colour, x, end->y, end->series->name);
}

/* Names at the ends of the curves; those on the right pushed apart where they would overlap; none where there is no room for all. */
static void draw_end_labels(lk_html *h, const lk_plot *p, const frame *f) {
  end_label label[LK_PLOT_SERIES];
  int n = 0;
  for (int s = 0; s < p->count; s++) {
    const lk_curve *c = p->series[s].curve;
    if (!p->series[s].name || c->n == 0) continue;
    const end_label end = {&p->series[s], y_pixel(f, c->y[c->n - 1])};
    if (x_percent(f, c->x[c->n - 1]) < NEAR_THE_END)
      draw_end_label(h, &end, x_percent(f, c->x[c->n - 1]));
    else
      label[n++] = end;
  }
  if (n * LABEL_HEIGHT > f->height + LABEL_HEIGHT) return;
  qsort(label, (size_t)n, sizeof *label, by_height);
  for (int i = 1; i < n; i++) label[i].y = fmax(label[i].y, label[i - 1].y + LABEL_HEIGHT);
  double most = f->height;
  for (int i = n - 1; i >= 0; i--, most -= LABEL_HEIGHT) label[i].y = fmin(label[i].y, most);
  for (int i = 0; i < n; i++) draw_end_label(h, &label[i], 100);
}

static void draw_legend(lk_html *h, const lk_plot *p) {
  lk_html_raw(h, "<div class=\"legend\">");
  for (int s = 0; s < p->count; s++)
    if (p->series[s].name)
      lk_html_put(h, "<span class=\"key c%d\"><bdi>%s</bdi></span> ", p->series[s].colour, p->series[s].name);
  lk_html_raw(h, "</div>");
}

static void draw_table(lk_html *h, const lk_plot *p, const lk_series *s) {
  enum { ROWS = 40 };
  char text[32];
  lk_curve some = {0};
  const lk_status status = lk_curve_pick(&some, s->curve, ROWS);
  if (h->status == LK_OK) h->status = status;
  lk_html_put(h, "<table class=\"numbers\"><caption><bdi>%s</bdi>", s->name ? s->name : p->title);
  if (some.n < s->curve->n) lk_html_put(h, ", %td of %td values", some.n, s->curve->n);
  lk_html_put(h, "</caption><thead><tr><th scope=\"col\">%s</th><th scope=\"col\">value</th></tr></thead><tbody>",
              p->x_name);
  for (ptrdiff_t i = 0; i < some.n; i++) {
    lk_html_put(h, "<tr><td>%s</td>", lk_scale_text(text, some.x[i], 1));
    lk_html_put(h, "<td>%s</td></tr>", lk_number_short(text, some.y[i], 5));
  }
  lk_html_raw(h, "</tbody></table>");
  lk_curve_release(&some);
}

static void draw_tables(lk_html *h, const lk_plot *p) {
  lk_html_raw(h, "<details><summary>Numbers</summary><div class=\"tables\">");
  for (int s = 0; s < p->count; s++)
    if (!p->series[s].unlisted && p->series[s].curve->n > 0) draw_table(h, p, &p->series[s]);
  lk_html_raw(h, "</div></details>");
}

void lk_plot_draw(lk_html *h, const lk_plot *p) {
  const frame f = make_frame(p);
  int names = 0;
  for (int s = 0; s < p->count; s++) names += p->series[s].name != NULL;
  lk_html_put(h, "<figure class=\"plot%s\">", p->small ? " small" : "");
  if (names > 0) draw_legend(h, p);
  lk_html_put(h,
              "<div class=\"frame\"><svg role=\"img\" width=\"100%%\" height=\"%d\"><title>%s</title><desc>%s</desc>",
              f.height, p->title, p->description);
  draw_axes(h, p, &f);
  draw_marks(h, p, &f, false);
  lk_html_put(h, "<svg width=\"100%%\" height=\"%d\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\">", f.height,
              WIDTH, f.height);
  for (int s = 0; s < p->count; s++) draw_curve(h, p, &f, &p->series[s]);
  lk_html_raw(h, "</svg>");
  for (int s = 0; s < p->count; s++) draw_dots(h, &f, &p->series[s]);
  draw_marks(h, p, &f, true);
  if (!p->small) draw_end_labels(h, p, &f);
  lk_html_raw(h, "</svg></div>");
  if (p->caption) lk_html_put(h, "<figcaption>%s</figcaption>", p->caption);
  draw_tables(h, p);
  lk_html_raw(h, "</figure>");
}
