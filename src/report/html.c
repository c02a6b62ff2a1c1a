#include "html.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void append(lk_html *h, const char *bytes, size_t size) {
  if (h->status == LK_OK) h->status = lk_buffer_append(&h->out, bytes, size);
}

void lk_html_raw(lk_html *h, const char *markup) { append(h, markup, strlen(markup)); }

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

/* What stands for the character at text (of `bytes` bytes), or NULL: itself. */
static const char *escape(const char *text, size_t bytes) {
  const unsigned char c = (unsigned char)*text;
  if (c == '&') return "&amp;";
  if (c == '<') return "&lt;";
  if (c == '>') return "&gt;";
  if (c == '"') return "&quot;";
  if (c == '\'') return "&#39;";
  if (c < 0x20 && c != '\t' && c != '\n') return replacement;
  if (c == 0x7F) return replacement;
  if (bytes == 2 && c == 0xC2 && (unsigned char)text[1] < 0xA0) return replacement;        /* U+0080 .. U+009F */
  if (bytes == 3 && memcmp(text, "\xEF\xBF\xBE", 3) >= 0 && c == 0xEF) return replacement; /* U+FFFE, U+FFFF */
  return NULL;
}

void lk_html_text(lk_html *h, const char *text, size_t size) {
  for (size_t at = 0, plain = 0; at <= size;) {
    const size_t bytes = at < size ? lk_utf8_next(text + at, size - at) : 0;
    const char *instead = at == size ? "" : bytes == 0 ? replacement : escape(text + at, bytes);
    const size_t step = bytes > 0 ? bytes : 1;
    if (instead) {
      append(h, text + plain, at - plain);
      append(h, instead, strlen(instead));
      plain = at + step;
    }
    at += step;
  }
}

/* The number of a directive "%...X", of `size` characters. */
static void put_number(lk_html *h, const char *directive, size_t size, va_list *arguments) {
  char spec[16], out[512];
  LK_ASSERT(size < sizeof spec);
  memcpy(spec, directive, size);
  spec[size] = '\0';
  const char kind = spec[size - 1], length = size > 2 ? spec[size - 2] : '%';
  if (strchr("eEfFgG", kind))
    (void)snprintf(out, sizeof out, spec, va_arg(*arguments, double));
  else if (length == 'l' || length == 't' || length == 'z')
    (void)snprintf(out, sizeof out, spec, va_arg(*arguments, int64_t)); /* all of 64 bits where this program runs */
  else
    (void)snprintf(out, sizeof out, spec, va_arg(*arguments, int));
  append(h, out, strlen(out));
}

void lk_html_put(lk_html *h, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  for (const char *at = format; *at;) {
    const size_t plain = strcspn(at, "%");
    append(h, at, plain);
    at += plain;
    if (*at == '\0') break;
    const size_t size = strcspn(at + 1, "%sdiufFeEgG") + 2;
    const char kind = at[size - 1];
    if (kind == '%') {
      append(h, "%", 1);
    } else if (kind == 's') {
      const char *text = va_arg(arguments, const char *);
      lk_html_text(h, text, strlen(text));
    } else {
      put_number(h, at, size, &arguments);
    }
    at += size;
  }
  va_end(arguments);
}
