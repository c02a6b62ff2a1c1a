/* html.h - writes a page: markup that is ours, and text that is not.
 *
 * Names of runs, words, settings and messages come from files and may hold anything. lk_html_put() escapes every %s, so
 * that text becomes markup only where lk_html_raw() is written. The page is HTML and well-formed XML at once: what XML
 * cannot hold (control characters, invalid UTF-8) becomes U+FFFD.
 *
 * After the first failure (LK_MEMORY) all calls do nothing, and `status` is that failure. Not collective throughout. */
#pragma once
#include "text.h"

typedef struct lk_html {
  lk_buffer out;
  lk_status status;
} lk_html; /* {0} is empty; release with lk_buffer_release(&html.out) */

/** Append markup as it is. */
void lk_html_raw(lk_html *html, const char *markup);
/** Append text, escaped for elements and quoted attributes. */
void lk_html_text(lk_html *html, const char *text, size_t size);
/** Append a format of printf: %s is escaped; numbers by %d, %td, %lld, %zu, %f, %g and their kind. */
void lk_html_put(lk_html *html, const char *format, ...) LK_PRINTF(2, 3);
