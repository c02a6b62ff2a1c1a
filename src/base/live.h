/* live.h - the progress of work, drawn as text: a line with a bar, and a curve above it if there is room.
 *
 *   4.17 ┤⢇                             loss  • validation
 *        │⠈⠢⡀
 *   1.42 ┤  ⠈⠑⠒⠤⠤•⠤⠤⠤⢄⣀⣀•⣀⣀⣀⣀
 *   ━━━━━━━━━━━━╸───────────  52%  step 1040/2000  loss 1.5123  best valid 1.5990  17726 tokens/s  1m 20s left
 *
 * Pure functions: from a state and the window's properties to rows of text. screen.h puts them on a terminal. An item
 * has an order; where the window is too narrow for all, those of the highest order are left out first.
 * Every function: Not collective. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "status.h"

/* What the terminal can show. */
typedef struct lk_window {
  int columns, rows;
  bool utf8, colour;
} lk_window;

enum { LK_LIVE_ITEMS = 12, LK_LIVE_WORDS = 96, LK_PICTURE_ROWS = 12, LK_PICTURE_BYTES = 4096 };
#define LK_CURVE_COLUMNS 100 /* the least width and height of a window for a curve */
#define LK_CURVE_ROWS    20

/* Points (x, y): x = at[i * stride], y = at[i * stride + y]; x never decreases. */
typedef struct lk_series {
  const double *at;
  ptrdiff_t count, stride, y;
} lk_series;

typedef struct lk_live_item {
  char text[LK_LIVE_WORDS];
  int order;
  bool screen; /* not part of the plain line */
} lk_live_item;

typedef struct lk_live {
  double share;    /* of the work that is done, 0 to 1; negative: not known, there is no bar */
  double left;     /* seconds; negative: not known */
  bool screen;     /* a passing state that is no line of a file */
  char title[512]; /* a row above, "": none */
  int items;
  lk_live_item item[LK_LIVE_ITEMS];
  lk_series loss, valid; /* the curve; none without points */
} lk_live;

/* Rows of text, each narrower than the window, without newlines. */
typedef struct lk_picture {
  int rows;
  int width[LK_PICTURE_ROWS]; /* columns */
  char text[LK_PICTURE_ROWS][LK_PICTURE_BYTES];
} lk_picture;

/** A state with nothing in it. */
lk_live lk_live_make(double share, double left);
/** Append an item; order 0 is left out last. One that does not fit any more is dropped. */
void lk_live_add(lk_live *live, int order, const char *format, ...) LK_PRINTF(3, 4);
/** The same for the screen alone. */
void lk_live_add_screen(lk_live *live, int order, const char *format, ...) LK_PRINTF(3, 4);
/** One line for files: all items, then the time left. */
void lk_live_plain(const lk_live *live, char *out, size_t room);
/** The picture for a window. */
void lk_live_draw(const lk_live *live, const lk_window *window, lk_picture *picture);

/** "1h 02m", "3m 20s", "12s"; returns out. */
const char *lk_say_seconds(double seconds, char out[32]);
/** Add one row, cut to the window's width by characters; control characters become '?'. */
void lk_picture_add(lk_picture *picture, const lk_window *window, const char *text);

/** curve.c: add so many rows with the curve. No effect for fewer than two points. */
void lk_curve_draw(const lk_series *loss, const lk_series *valid, const lk_window *window, int rows,
                   lk_picture *picture);
/* Colours (ECMA-48): */
#define LK_COLOUR_DONE  "\x1b[36m" /* cyan */
#define LK_COLOUR_VALID "\x1b[33m" /* yellow */
#define LK_COLOUR_PALE  "\x1b[2m"
#define LK_COLOUR_END   "\x1b[0m"
