#include <math.h>
#include <stdio.h>
#include <string.h>

#include "live.h"

/* A cell of the curve shows 2 x 4 dots as a braille character, or 1 x 3 in ASCII. */
enum { MOST_COLUMNS = 240, MOST_ROWS = LK_PICTURE_ROWS - 1, LABEL = 8, DOT_COLUMNS = 2, DOT_ROWS = 4 };

typedef struct chart {
  int columns, rows; /* cells */
  int across, down;  /* dots of a cell */
  bool utf8, logarithmic;
  double first, last, low, high;               /* ranges of x and y, y perhaps as logarithm */
  unsigned char dots[MOST_ROWS][MOST_COLUMNS]; /* bit: row of dots * across + column of dots */
  bool valid[MOST_ROWS][MOST_COLUMNS];
} chart;

static double x_of(const lk_series *s, ptrdiff_t i) { return s->at[i * s->stride]; }
static double y_of(const lk_series *s, ptrdiff_t i) { return s->at[i * s->stride + s->y]; }

static void widen(chart *c, const lk_series *s) {
  for (ptrdiff_t i = 0; i < s->count; i++) {
    if (!isfinite(y_of(s, i))) continue;
    c->first = fmin(c->first, x_of(s, i)), c->last = fmax(c->last, x_of(s, i));
    c->low = fmin(c->low, y_of(s, i)), c->high = fmax(c->high, y_of(s, i));
  }
}

/* The ranges; false where there is nothing to draw. Losses that fall to a tenth and further are drawn by logarithm. */
static bool measure(chart *c, const lk_series *loss, const lk_series *valid) {
  c->first = c->low = INFINITY, c->last = c->high = -INFINITY;
  widen(c, loss);
  widen(c, valid);
  if (!(c->last > c->first)) return false;
  c->logarithmic = c->low > 0 && c->high > 10 * c->low;
  if (c->logarithmic) c->low = log10(c->low), c->high = log10(c->high);
  return true;
}

/* The row of dots for a loss, counted from the top. */
static double dot_row(const chart *c, double y) {
  const double value = c->logarithmic ? log10(y) : y, span = c->high - c->low;
  return span > 0 ? (c->high - value) / span * (c->rows * c->down - 1) : (c->rows * c->down - 1) / 2.0;
}

static int dot_column(const chart *c, double x) {
  return (int)((x - c->first) / (c->last - c->first) * (c->columns * c->across - 1) + 0.5);
}

static void dot(chart *c, int column, int row) {
  c->dots[row / c->down][column / c->across] |= (unsigned char)(1 << (row % c->down * c->across + column % c->across));
}

/* Fill the dots of a column between the height of the column before and its own. */
static void stroke(chart *c, int column, double from, double to) {
  int a = (int)(from + 0.5), b = (int)(to + 0.5);
  if (a < b) a++; /* the column before has that dot */
  if (a > b) a--;
  for (int row = a < b ? a : b; row <= (a < b ? b : a); row++) dot(c, column, row);
}

/* A line through the mean of the points of each column of dots, straight where a column has none. */
static void draw_line(chart *c, const lk_series *s) {
  double before = 0;
  int reached = -1;
  for (ptrdiff_t i = 0; i < s->count;) {
    const int column = dot_column(c, x_of(s, i));
    double sum = 0;
    int n = 0;
    for (; i < s->count && dot_column(c, x_of(s, i)) == column; i++)
      if (isfinite(y_of(s, i))) sum += dot_row(c, y_of(s, i)), n++;
    if (n == 0) continue;
    const double here = sum / n;
    if (reached < 0) before = here, reached = column - 1;
    for (int k = reached + 1; k <= column; k++) {
      const double next = before + (here - before) / (column - k + 1);
      stroke(c, k, before, next);
      before = next;
    }
    reached = column;
  }
}

static void mark_valid(chart *c, const lk_series *s) {
  for (ptrdiff_t i = 0; i < s->count; i++)
    if (isfinite(y_of(s, i)))
      c->valid[(int)(dot_row(c, y_of(s, i)) + 0.5) / c->down][dot_column(c, x_of(s, i)) / c->across] = true;
}

/* Braille numbers its dots down the left column, then the right one, and the fourth row last. */
static void put_cell(unsigned char dots, bool utf8, char out[4]) {
  static const unsigned char bit[8] = {0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80};
  static const char ascii[8] = {' ', '\'', '-', '|', '.', ':', '|', '|'};
  unsigned code = 0x2800;
  for (int i = 0; i < 8; i++)
    if (dots >> i & 1) code |= bit[i];
  if (!utf8)
    out[0] = ascii[dots & 7], out[1] = '\0';
  else if (dots == 0)
    memcpy(out, " ", 2);
  else
    out[0] = (char)(0xe0 | code >> 12), out[1] = (char)(0x80 | (code >> 6 & 0x3f)),
    out[2] = (char)(0x80 | (code & 0x3f)), out[3] = '\0';
}

typedef struct writer {
  char *at;
  size_t left;
} writer;

static void write_text(writer *w, const char *text) {
  const size_t size = strlen(text);
  if (size >= w->left) return;
  memcpy(w->at, text, size + 1);
  w->at += size, w->left -= size;
}

static double label_of(const chart *c, double value) { return c->logarithmic ? pow(10, value) : value; }

static const char legend[] = "loss", legend_valid[] = " validation";

/* The width of the legend at the end of the first row, in columns; 0 where the curve leaves no room for it. */
static int legend_width(const chart *c, bool valid) {
  const int width = (int)(sizeof legend - 1) + (valid ? 3 + (int)(sizeof legend_valid - 1) : 0);
  for (int k = c->columns - width - 2; k < c->columns; k++)
    if (k < 0 || c->dots[0][k] || c->valid[0][k]) return 0;
  return width;
}

static void write_row(const chart *c, int row, const lk_window *window, bool has_valid, writer *w) {
  const int title = row == 0 ? legend_width(c, has_valid) : 0;
  const char *mark = c->utf8 ? "•" : "o";
  char label[32] = "";
  char cell[4];
  if (row == 0) (void)snprintf(label, sizeof label, "%.3g", label_of(c, c->high));
  if (row == c->rows - 1 && c->high > c->low) (void)snprintf(label, sizeof label, "%.3g", label_of(c, c->low));
  const char *axis = !c->utf8 ? (*label ? " +" : " |") : *label ? " ┤" : " │";
  if (window->colour) write_text(w, LK_COLOUR_PALE);
  char aligned[48];
  (void)snprintf(aligned, sizeof aligned, "%*.*s%s", LABEL - 2, LABEL - 2, label, axis);
  write_text(w, aligned);
  if (window->colour) write_text(w, LK_COLOUR_END);
  for (int k = 0; k < c->columns - title; k++) {
    put_cell(c->dots[row][k], c->utf8, cell);
    if (c->valid[row][k] && window->colour) write_text(w, LK_COLOUR_VALID);
    write_text(w, c->valid[row][k] ? mark : cell);
    if (c->valid[row][k] && window->colour) write_text(w, LK_COLOUR_END);
  }
  if (title == 0) return;
  write_text(w, legend);
  if (!has_valid) return;
  write_text(w, "  ");
  if (window->colour) write_text(w, LK_COLOUR_VALID);
  write_text(w, mark);
  if (window->colour) write_text(w, LK_COLOUR_END);
  write_text(w, legend_valid);
}

/* Two thousand points at most, evenly chosen: a long run draws its curve as fast as a short one. */
static lk_series thin(const lk_series *all) {
  lk_series s = *all;
  const ptrdiff_t every = s.count / 2000 + 1;
  s.count = (s.count + every - 1) / every;
  s.stride *= every;
  return s;
}

void lk_curve_draw(const lk_series *loss, const lk_series *valid, const lk_window *window, int rows,
                   lk_picture *picture) {
  const lk_series points = thin(loss), marks = thin(valid);
  chart c = {.rows = rows < MOST_ROWS ? rows : MOST_ROWS, .utf8 = window->utf8};
  c.columns = window->columns - LABEL - 1;
  if (c.columns > MOST_COLUMNS) c.columns = MOST_COLUMNS;
  c.across = c.utf8 ? DOT_COLUMNS : 1, c.down = c.utf8 ? DOT_ROWS : DOT_ROWS - 1;
  if (c.columns < 10 || c.rows < 2 || !measure(&c, &points, &marks)) return;
  draw_line(&c, &points);
  mark_valid(&c, &marks);
  for (int row = 0; row < c.rows && picture->rows < LK_PICTURE_ROWS; row++) {
    writer w = {.at = picture->text[picture->rows], .left = LK_PICTURE_BYTES};
    write_row(&c, row, window, valid->count > 0, &w);
    picture->width[picture->rows++] = LABEL + c.columns;
  }
}
