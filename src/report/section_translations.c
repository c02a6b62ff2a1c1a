/* section_translations.c - twenty lines that a translator was not trained on, and where it looked. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "attention_map.h"
#include "clock.h"
#include "decode.h"
#include "measure.h"
#include "section_impl.h"

enum { EXAMPLES = 20, LONGEST = 40, AT_A_TIME = 4 };

/* Sources and their accepted targets, as text. */
typedef struct examples {
  lk_strings source, references; /* references: separated by TABs, or "" */
} examples;

/* The source of one row, and its references, unless it is long. */
static lk_status take_row(lk_run *run, lk_split split, int bucket, ptrdiff_t row, examples *e) {
  lk_status status = LK_OK;
  const lk_bucket *b = &lk_corpus_about(run->corpus)->bucket[split][bucket];
  int32_t *ids = NULL, length = 0;
  lk_buffer text = {0};
  lk_strings references = {0};
  LK_GO(lk_alloc(&ids, (size_t)b->width, sizeof *ids));
  LK_GO(lk_corpus_rows(run->corpus, split, bucket, row, 1, ids, &length, NULL, NULL));
  if (length > LONGEST || length < 3) goto done;
  LK_GO(lk_tokenizer_decode(run->model.tokenizer[LK_SOURCE], ids + 1, length - 2, &text));
  if (text.size == 0) goto done;
  if (b->references) LK_GO(lk_corpus_references(run->corpus, split, bucket, &references));
  LK_GO(lk_strings_add(&e->source, text.data, text.size, 0));
  if (b->references)
    LK_GO(lk_strings_add(&e->references, lk_strings_get(&references, row), lk_strings_size(&references, row), 0));
  else
    LK_GO(lk_strings_add(&e->references, "", 0, 0));
done:
  free(ids);
  lk_buffer_release(&text);
  lk_strings_release(&references);
  return status;
}

/* Rows at even distances, from the short ones to the long ones. */
static lk_status take_rows(lk_run *run, lk_split split, examples *e) {
  const lk_corpus_info *info = lk_corpus_about(run->corpus);
  const ptrdiff_t all = info->rows[split], n = all < EXAMPLES ? all : EXAMPLES;
  for (ptrdiff_t k = 0; k < n; k++) {
    ptrdiff_t row = (2 * k + 1) * all / (2 * n);
    int bucket = 0;
    while (bucket + 1 < info->buckets[split] && row >= info->bucket[split][bucket].rows)
      row -= info->bucket[split][bucket++].rows;
    LK_TRY(take_row(run, split, bucket, row, e));
  }
  return LK_OK;
}

/* Whether `text` is one of the texts that TABs separate. */
static bool is_reference(const char *text, const char *references) {
  const size_t size = strlen(text);
  for (const char *at = references; *at;) {
    const size_t one = strcspn(at, "\t");
    if (one == size && memcmp(at, text, size) == 0) return true;
    at += one + (at[one] == '\t');
  }
  return false;
}

/* Units of a list, and "end" for the last time, which the list does not have. */
static int take_units(const json_t *list, int n, const char *units[]) {
  for (int i = 0; i < n; i++) {
    const char *text = json_string_value(json_array_get(list, (size_t)i));
    units[i] = text ? text : "end";
  }
  return n;
}

static void draw_weights(lk_html *h, const json_t *line) {
  enum { MOST = LONGEST + 2, MOST_ROWS = 64 };
  const char *source[MOST], *target[MOST_ROWS];
  double weight[MOST_ROWS * MOST];
  const json_t *rows = json_object_get(line, "weights");
  const int n = (int)json_array_size(rows), columns = (int)json_array_size(json_array_get(rows, 0));
  if (n < 1 || n > MOST_ROWS || columns < 1 || columns > MOST) return;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < columns; j++)
      weight[i * columns + j] = json_number_value(json_array_get(json_array_get(rows, (size_t)i), (size_t)j));
  lk_attention_draw(h, &(lk_attention_map){.source = source,
                                           .columns = take_units(json_object_get(line, "source"), columns, source),
                                           .target = target,
                                           .rows = take_units(json_object_get(line, "target"), n, target),
                                           .weight = weight});
}

static void draw_example(lk_html *h, const json_t *line, const char *source, const char *references) {
  const char *text = json_string_value(json_object_get(line, "text"));
  const bool right = text && is_reference(text, references);
  if (!text) return;
  lk_html_put(h, "<figure class=\"example\"><p class=\"source\" dir=\"auto\"><bdi>%s</bdi></p>", source);
  lk_html_put(h, "<p class=\"target\" dir=\"auto\"><bdi>%s</bdi></p><p class=\"quiet\">", text);
  if (right)
    lk_html_raw(h, "<span class=\"right\">as the reference</span>");
  else if (*references)
    lk_html_put(h, "reference: <bdi>%s</bdi>", references);
  lk_html_put(h, " · log P %.2f</p>", json_number_value(json_object_get(line, "log_probability")));
  draw_weights(h, line);
  lk_html_raw(h, "</figure>");
}

/* Translate sources [first, first + n) and draw them. */
static lk_status draw_some(lk_html *h, lk_run *run, const examples *e, ptrdiff_t first, ptrdiff_t n) {
  const char *text[AT_A_TIME];
  size_t size[AT_A_TIME];
  lk_buffer out = {0};
  for (ptrdiff_t i = 0; i < n; i++)
    text[i] = lk_strings_get(&e->source, first + i), size[i] = (size_t)lk_strings_size(&e->source, first + i);
  const lk_lines lines = {.name = "the corpus", .text = text, .size = size, .count = n, .first = 1};
  const lk_translate how = {.beam = 1, .nbest = 1, .alignment = true};
  const lk_status status = lk_translate_lines(&run->model, &lines, &how, &out);
  for (const char *at = out.data; status == LK_OK && at && *at;) {
    const char *end = strchr(at, '\n');
    json_t *line = json_loadb(at, (size_t)(end - at), 0, NULL);
    const json_int_t number = json_integer_value(json_object_get(line, "line"));
    if (number >= 1 && number <= n)
      draw_example(h, line, text[number - 1], lk_strings_get(&e->references, first + (ptrdiff_t)number - 1));
    json_decref(line);
    at = end + 1;
  }
  lk_buffer_release(&out);
  return status;
}

static lk_status draw_all(lk_html *h, const lk_scope *scope, const examples *e) {
  const ptrdiff_t all = e->source.count;
  const double until = lk_clock_seconds() + scope->seconds;
  ptrdiff_t done = 0;
  lk_html_raw(h, "<div class=\"examples\">");
  do {
    const ptrdiff_t n = all - done < AT_A_TIME ? all - done : AT_A_TIME;
    LK_TRY(draw_some(h, scope->run, e, done, n));
    done += n;
  } while (done < all && lk_clock_seconds() < until);
  lk_html_raw(h, "</div>");
  if (done < all)
    lk_html_put(h, "<p class=\"quiet\">%td of %td examples: the time for them was over (--seconds).</p>", done, all);
  return LK_OK;
}

static bool is_translator(const lk_scope *scope) { return lk_run_is(scope->run, "translate"); }

static lk_status draw(lk_html *h, const lk_scope *scope) {
  lk_status status = LK_OK;
  lk_run *run = scope->run;
  examples e = {0};
  if (!run->has_model) return lk_section_missing(h, "Translations", &run->why_model), LK_OK;
  if (!run->corpus) return lk_section_missing(h, "Translations", &run->why_corpus), LK_OK;
  const lk_split split = lk_measured_split(lk_corpus_about(run->corpus));
  lk_model_limit_length(&run->model, 0);
  LK_GO(take_rows(run, split, &e));
  lk_html_put(
      h,
      "<p class=\"quiet\">Lines of the %s part, from short to long, each translated greedily. Maps: columns are the "
      "source, rows the translation.</p>",
      lk_split_names[split]);
  if (e.source.count > 0) LK_GO(draw_all(h, scope, &e));
done:
  lk_strings_release(&e.source);
  lk_strings_release(&e.references);
  return status;
}

const lk_section lk_section_translations = {"Translations", false, is_translator, draw};
