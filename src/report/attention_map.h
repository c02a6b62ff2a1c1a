/* attention_map.h - what a translator looked at, as a picture: a column for each unit of the source, a row for each of
 * the target. Not collective throughout. */
#pragma once
#include "html.h"

typedef struct lk_attention_map {
  const char *const *source, *const *target; /* [columns], [rows] units as text */
  int columns, rows;
  const double *weight; /* [rows, columns] 0 to 1 */
} lk_attention_map;

void lk_attention_draw(lk_html *html, const lk_attention_map *map);
