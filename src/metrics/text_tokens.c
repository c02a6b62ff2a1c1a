/* text_tokens.c - the tokens of mteval-v13a, the script that scored WMT: BLEU depends on them to the point. */
#include <string.h>

#include "text_impl.h"

/* Replace every `what` by `by`, which is no longer, in the bytes of out from `from` on. */
static void replace(lk_buffer *out, size_t from, const char *what, const char *by) {
  const size_t size = strlen(what), by_size = strlen(by);
  size_t to = from;
  for (size_t i = from; i < out->size;) {
    const bool here = out->size - i >= size && memcmp(out->data + i, what, size) == 0;
    if (here) memcpy(out->data + to, by, by_size);
    if (!here) out->data[to] = out->data[i];
    to += here ? by_size : 1;
    i += here ? size : 1;
  }
  lk_buffer_truncate(out, to);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_stop(char c) { return c == '.' || c == ','; }
/* Signs that are tokens wherever they stand: ASCII without letters, digits and ' , - . */
static bool is_sign(char c) {
  return (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') || c == '/' || (c >= ':' && c <= '@') ||
         (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

/* The rules, in the order in which the script goes over the line: each takes the text as the one before left it, and
 * what a rule has matched, two characters but for the first, it does not look at again. */
typedef enum rule { SIGNS, STOP_AFTER, STOP_BEFORE, DASH, RULES } rule;

static bool matches(rule which, char a, char b) {
  switch (which) {
    case STOP_AFTER: /* a period or comma, unless preceded by a digit */
      return !is_digit(a) && is_stop(b);
    case STOP_BEFORE: /* a period or comma, unless followed by a digit */
      return is_stop(a) && !is_digit(b);
    case DASH: /* a dash that is preceded by a digit */
      return is_digit(a) && b == '-';
    case SIGNS:
    case RULES:
      break;
  }
  return false;
}

/* Put blanks around what a rule finds, from `in` to the end of `out`. Bytes will do: a character of several bytes is
 * neither digit nor sign in any of them. */
static lk_status apply(rule which, lk_buffer *out, const char *in, size_t size) {
  for (size_t i = 0; i < size;) {
    char text[5] = {in[i]};
    size_t length = 1, used = 1;
    if (which == SIGNS && is_sign(in[i])) {
      memcpy(text, (char[]){' ', in[i], ' '}, length = 3);
    } else if (i + 1 < size && matches(which, in[i], in[i + 1])) {
      used = 2;
      if (which == STOP_BEFORE)
        memcpy(text, (char[]){' ', in[i], ' ', in[i + 1]}, length = 4);
      else
        memcpy(text, (char[]){in[i], ' ', in[i + 1], ' '}, length = 4);
    }
    LK_TRY(lk_buffer_append(out, text, length));
    i += used;
  }
  return LK_OK;
}

lk_status lk_tokenize_13a(lk_buffer *out, const char *text, size_t size) {
  static const char *const marks[][2] = {{"<skipped>", ""}, {"-\n", ""},   {"\n", " "},  {"&quot;", "\""},
                                         {"&amp;", "&"},    {"&lt;", "<"}, {"&gt;", ">"}};
  lk_buffer line = {0}, next = {0};
  lk_status status;
  LK_GO(lk_buffer_append(&line, " ", 1));
  LK_GO(lk_buffer_append(&line, text, size));
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) replace(&line, 1, marks[i][0], marks[i][1]);
  LK_GO(lk_buffer_append(&line, " ", 1));
  for (rule which = SIGNS; which < RULES; which++) {
    next.size = 0;
    LK_GO(apply(which, &next, line.data, line.size));
    const lk_buffer swap = line;
    line = next;
    next = swap;
  }
  LK_GO(lk_buffer_append(out, line.data, line.size));
done:
  lk_buffer_release(&line);
  lk_buffer_release(&next);
  return status;
}
