#include "attention_map.h"

#include <stdio.h>
#include <string.h>

enum {
  CELL = 16,
  LETTER = 7,
  ROOM = 12,
  SHADES = 10,
  UPRIGHT = 2
}; /* pixels; ROOM: characters of a unit that are shown; UPRIGHT: longer ones are slanted */

/* Width of a unit on a terminal, at most ROOM. */
static int width_of(const char *unit) {
  const int width = lk_utf8_width(unit, strlen(unit));
  return width > ROOM ? ROOM : width < 1 ? 1 : width;
}

static int widest(const char *const *units, int n) {
  int most = 1;
  for (int i = 0; i < n; i++)
    if (width_of(units[i]) > most) most = width_of(units[i]);
  return most;
}

/* A unit, with "…" where it is long. */
static void put_unit(lk_html *h, const char *unit) {
  size_t size = 0, bytes;
  for (int n = 0; n < ROOM && (bytes = lk_utf8_next(unit + size, strlen(unit + size))) > 0; n++) size += bytes;
  lk_html_text(h, unit, size);
  if (unit[size]) lk_html_raw(h, "…");
}

static int shade_of(double weight) {
  const int shade = (int)(weight * SHADES + 0.5);
  return shade < 0 ? 0 : shade > SHADES ? SHADES : shade;
}

/* The cells of one shade as one path; cells lighter than half a shade are left out. */
static void draw_shade(lk_html *h, const lk_attention_map *m, int shade) {
  bool any = false;
  for (int i = 0; i < m->rows; i++)
    for (int j = 0; j < m->columns; j++) {
      if (shade_of(m->weight[i * m->columns + j]) != shade) continue;
      if (!any) lk_html_put(h, "<path class=\"a%d\" d=\"", shade);
      lk_html_put(h, "M%d %dh15v15h-15z", j * CELL, i * CELL);
      any = true;
    }
  if (any) lk_html_raw(h, "\"/>");
}

void lk_attention_draw(lk_html *h, const lk_attention_map *m) {
  const int above = widest(m->source, m->columns), beside = widest(m->target, m->rows);
  const bool upright = above <= UPRIGHT;
  const int top = upright ? 20 : 10 + above * 6, left = 10 + beside * LETTER;
  const int right = upright ? 4 : 4 + width_of(m->source[m->columns - 1]) * 4; /* slanted words lean to the right */
  lk_html_put(h, "<svg class=\"map\" role=\"img\" width=\"%d\" viewBox=\"%d %d %d %d\"><title>Attention</title>",
              left + m->columns * CELL + right, -left, -top, left + m->columns * CELL + right,
              top + m->rows * CELL + 2);
  lk_html_put(
      h,
      "<desc>Columns: units of the source; rows: units of the translation; the darker a cell, the more the row's "
      "unit depends on the column's.</desc><rect class=\"ground\" width=\"%d\" height=\"%d\"/>",
      m->columns * CELL - 1, m->rows * CELL - 1);
  for (int shade = 1; shade <= SHADES; shade++) draw_shade(h, m, shade);
  for (int j = 0; j < m->columns; j++) {
    if (width_of(m->source[j]) <= UPRIGHT)
      lk_html_put(h, "<text x=\"%d\" y=\"-6\" text-anchor=\"middle\">", j * CELL + CELL / 2);
    else
      lk_html_put(h, "<text transform=\"translate(%d -5) rotate(-55)\">", j * CELL + 10);
    put_unit(h, m->source[j]);
    lk_html_raw(h, "</text>");
  }
  for (int i = 0; i < m->rows; i++) {
    lk_html_put(h, "<text x=\"-6\" y=\"%d\" text-anchor=\"end\">", i * CELL + 12);
    put_unit(h, m->target[i]);
    lk_html_raw(h, "</text>");
  }
  lk_html_raw(h, "</svg>");
}
