/* plot.h - curves on one pair of axes, as a <figure> of SVG with its caption and, to unfold, its numbers as tables.
 *
 * The plot is as wide as the page: places along x are percentages, so that text keeps its size on any screen; heights are
 * pixels. Colours are classes c0 .. c7 of the page's style, which has a light and a dark one for each. Not collective
 * throughout. */
#pragma once
#include "curve.h"
#include "html.h"

enum { LK_PLOT_SERIES = 48, LK_PLOT_MARKS = 96, LK_PLOT_COLOURS = 8 };

/* PALE: thin, the noise itself. STRONG: what is to be seen. DOTS: strong, with its points where they are few. */
typedef enum lk_line { LK_LINE_PALE, LK_LINE_STRONG, LK_LINE_DOTS } lk_line;

typedef struct lk_series {
  const char *name;      /* at its end, in the legend and over its table; NULL: in none of them */
  const lk_curve *curve; /* borrowed */
  lk_line line;
  int colour;
  bool unlisted; /* no table: it is made of another curve */
} lk_series;

/* A moment (a vertical line; SHORT: only at the top), or a point with a name. */
typedef enum lk_mark_kind { LK_MARK_MOMENT, LK_MARK_SHORT, LK_MARK_POINT } lk_mark_kind;
typedef struct lk_mark {
  lk_mark_kind kind;
  double x, y;
  char text[80]; /* "" none */
  int colour;
  bool below; /* the text stands below the point */
} lk_mark;

typedef struct lk_plot {
  const char *title;       /* names it for who cannot see it */
  const char *description; /* what is to be seen, in a sentence */
  const char *caption;     /* below it; NULL none */
  const char *x_name;
  int height;                 /* pixels */
  int columns;                /* parts of x that curves are thinned to */
  int x_ticks;                /* about so many */
  bool log, from_zero, small; /* small: without room for names at the ends of curves */
  lk_series series[LK_PLOT_SERIES];
  int count;
  lk_mark mark[LK_PLOT_MARKS];
  int marks;
} lk_plot;

/** Add a series or a mark; it is left out if there is no room for more. */
void lk_plot_add(lk_plot *plot, lk_series series);
void lk_plot_mark(lk_plot *plot, lk_mark mark);
/** Whether any series has a point. */
bool lk_plot_has_points(const lk_plot *plot);
/** Least and largest y of all series; false where there is none. */
bool lk_plot_range(const lk_plot *plot, double *low, double *high);
void lk_plot_draw(lk_html *html, const lk_plot *plot);
