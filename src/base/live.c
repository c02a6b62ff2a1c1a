#include "live.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

const char *lk_say_seconds(double seconds, char out[32]) {
  long s = seconds < 0 ? 0 : (long)(seconds + 0.5);
  if (s >= 3600)
    snprintf(out, 32, "%ldh %02ldm", s / 3600, s % 3600 / 60);
  else if (s >= 60)
    snprintf(out, 32, "%ldm %02lds", s / 60, s % 60);
  else
    snprintf(out, 32, "%lds", s);
  return out;
}

lk_live lk_live_make(double share, double left) { return (lk_live){.share = share > 1 ? 1 : share, .left = left}; }

static void add(lk_live *live, int order, bool screen, const char *format, va_list args) {
  if (live->items == LK_LIVE_ITEMS) return;
  lk_live_item *item = &live->item[live->items++];
  item->order = order;
  item->screen = screen;
  (void)vsnprintf(item->text, sizeof item->text, format, args);
}

void lk_live_add(lk_live *live, int order, const char *format, ...) {
  va_list args;
  va_start(args, format);
  add(live, order, false, format, args);
  va_end(args);
}

void lk_live_add_screen(lk_live *live, int order, const char *format, ...) {
  va_list args;
  va_start(args, format);
  add(live, order, true, format, args);
  va_end(args);
}

/* "3m 20s left"; never "0s left", as ending takes time too. */
static const char *say_left(double left, char out[48]) {
  char time[32];
  *out = '\0';
  if (left >= 0.5) (void)snprintf(out, 48, "%s left", lk_say_seconds(left, time));
  if (left >= 0 && left < 0.5) (void)snprintf(out, 48, "nearly done");
  return out;
}

static void append(char *out, size_t room, const char *text) {
  const size_t size = strlen(out);
  if (*text) (void)snprintf(out + size, room - size, "%s%s", size > 0 ? "  " : "", text);
}

void lk_live_plain(const lk_live *live, char *out, size_t room) {
  char left[48];
  (void)snprintf(out, room, "%s", live->title);
  for (int i = 0; i < live->items; i++)
    if (!live->item[i].screen) append(out, room, live->item[i].text);
  append(out, room, say_left(live->left, left));
}

static int width_of(const char *text) { return lk_utf8_width(text, strlen(text)); }

void lk_picture_add(lk_picture *picture, const lk_window *window, const char *text) {
  if (picture->rows == LK_PICTURE_ROWS) return;
  char *row = picture->text[picture->rows];
  size_t size = 0, left = strlen(text);
  int width = 0;
  for (size_t bytes; left > 0; text += bytes, left -= bytes) {
    bytes = lk_utf8_next(text, left);
    const bool shown = bytes > 0 && (bytes > 1 || ((unsigned char)*text >= ' ' && *text != 0x7f));
    const int columns = shown ? lk_utf8_width(text, bytes) : 1;
    if (bytes == 0) bytes = 1; /* not UTF-8 */
    if (width + columns >= window->columns || size + bytes >= LK_PICTURE_BYTES) break;
    if (shown)
      memcpy(row + size, text, bytes);
    else
      row[size] = '?';
    size += shown ? bytes : 1;
    width += columns;
  }
  row[size] = '\0';
  picture->width[picture->rows++] = width;
}

/* The line before it is written: which items stay, how long the bar is. */
typedef struct line {
  const lk_live *live;
  bool stays[LK_LIVE_ITEMS];
  int bar; /* columns */
  char percent[8], left[48];
} line;

/* Every part is followed by two blanks but the last; bar and percentage have one between them. */
static int line_width(const line *l) {
  int width = -2;
  for (int i = 0; i < l->live->items; i++)
    if (l->stays[i]) width += 2 + width_of(l->live->item[i].text);
  if (*l->left) width += 2 + width_of(l->left);
  if (*l->percent) width += 2 + width_of(l->percent) + (l->bar > 0 ? l->bar + 1 : 0);
  return width;
}

/* Leave out the item of the highest order, of several the last; false where only order 0 is left. */
static bool leave_out(line *l) {
  int worst = -1;
  for (int i = 0; i < l->live->items; i++)
    if (l->stays[i] && l->live->item[i].order > 0 &&
        (worst < 0 || l->live->item[i].order >= l->live->item[worst].order))
      worst = i;
  if (worst >= 0) l->stays[worst] = false;
  return worst >= 0;
}

/* The bar gives way where that keeps an item, to one of a few lengths: so it does not jump with the digits beside it. */
static void fit(line *l, int columns) {
  static const int lengths[] = {32, 20, 12, 8, 5, 0};
  int i = columns >= 160 ? 0 : columns >= 100 ? 1 : 2;
  l->bar = 5;
  while (line_width(l) >= columns && leave_out(l)) continue;
  for (l->bar = lengths[i]; l->bar > 0 && line_width(l) >= columns; i++) l->bar = lengths[i + 1];
  if (line_width(l) >= columns) *l->left = '\0';
}

static void put(lk_picture *picture, const char *text) {
  char *row = picture->text[picture->rows];
  const size_t size = strlen(row);
  (void)snprintf(row + size, LK_PICTURE_BYTES - size, "%s", text);
}

/* ━━━━━╸────, or [####----] in the same width. */
static void put_bar(lk_picture *picture, const lk_window *w, int columns, double share) {
  const int cells = w->utf8 ? columns : columns - 2, halves = (int)(share * 2 * cells + 0.5), full = halves / 2;
  const bool half = w->utf8 && halves % 2;
  if (!w->utf8) put(picture, "[");
  if (w->colour) put(picture, LK_COLOUR_DONE);
  for (int i = 0; i < full; i++) put(picture, w->utf8 ? "━" : "#");
  if (half) put(picture, "╸");
  if (w->colour) put(picture, LK_COLOUR_END);
  if (w->colour && full + half < cells) put(picture, LK_COLOUR_PALE);
  for (int i = full + half; i < cells; i++) put(picture, w->utf8 ? "─" : "-");
  if (w->colour && full + half < cells) put(picture, LK_COLOUR_END);
  if (!w->utf8) put(picture, "]");
}

static void put_line(const line *l, const lk_window *w, lk_picture *picture) {
  const char *between = "";
  picture->text[picture->rows][0] = '\0';
  if (*l->percent && l->bar > 0) put_bar(picture, w, l->bar, l->live->share), put(picture, " ");
  if (*l->percent) put(picture, l->percent), between = "  ";
  for (int i = 0; i < l->live->items; i++) {
    if (!l->stays[i]) continue;
    put(picture, between), put(picture, l->live->item[i].text);
    between = "  ";
  }
  if (*l->left) put(picture, between), put(picture, l->left);
  picture->width[picture->rows++] = line_width(l);
}

/* Where not even the items of order 0 fit, the line is cut; it has no colours then. */
static void put_cut_line(const line *l, const lk_window *w, lk_picture *picture) {
  char text[LK_PICTURE_BYTES] = "";
  for (int i = 0; i < l->live->items; i++)
    if (l->stays[i]) append(text, sizeof text, l->live->item[i].text);
  lk_picture_add(picture, w, text);
}

void lk_live_draw(const lk_live *live, const lk_window *window, lk_picture *picture) {
  line l = {.live = live};
  picture->rows = 0;
  if (*live->title) lk_picture_add(picture, window, live->title);
  if (window->columns >= LK_CURVE_COLUMNS && window->rows >= LK_CURVE_ROWS)
    lk_curve_draw(&live->loss, &live->valid, window, window->rows >= 36 ? 9 : 6, picture);
  for (int i = 0; i < live->items; i++) l.stays[i] = true;
  if (live->share >= 0) (void)snprintf(l.percent, sizeof l.percent, "%3d%%", (int)(100 * live->share));
  say_left(live->left, l.left);
  fit(&l, window->columns);
  if (live->items == 0 && live->share < 0 && live->left < 0) return;
  if (line_width(&l) < window->columns)
    put_line(&l, window, picture);
  else
    put_cut_line(&l, window, picture);
}
