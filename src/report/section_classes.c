/* section_classes.c - classifiers and taggers: which class was taken for which, and how well each is found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "measure.h"
#include "scale.h"
#include "section_impl.h"

enum { MOST_IN_MATRIX = 30, MOST_CLASSES = 120, MOST_MISTAKES = 40, SHADES = 9 };

/* The classes that occur, the most frequent first. */
typedef struct classes {
  const lk_run *run;
  const lk_measured *measured;
  const lk_tally *tally; /* by class */
  int32_t *order;        /* [shown] */
  int32_t *place;        /* [count] in order; -1 where it does not occur */
  ptrdiff_t count, shown;
} classes;

static const char *name_of(const classes *c, ptrdiff_t label) {
  const lk_strings *known = &c->run->model.corpus->label, *unseen = &lk_corpus_about(c->run->corpus)->unseen;
  if (label < known->count) return lk_strings_get(known, label);
  return label - known->count < unseen->count ? lk_strings_get(unseen, label - known->count) : "<unseen>";
}

typedef struct ranked {
  int32_t label;
  int64_t gold;
} ranked;

static int by_support(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  if (x->gold != y->gold) return x->gold > y->gold ? -1 : 1;
  return (x->label > y->label) - (x->label < y->label);
}

static lk_status sort(classes *c) {
  ranked *list = NULL;
  lk_status status;
  LK_GO(lk_alloc(&list, (size_t)c->count + 1, sizeof *list));
  LK_GO(lk_alloc(&c->order, (size_t)c->count + 1, sizeof *c->order));
  LK_GO(lk_alloc(&c->place, (size_t)c->count + 1, sizeof *c->place));
  for (int32_t label = 0; label < c->count; label++) {
    c->place[label] = -1;
    if (c->tally[label].gold + c->tally[label].found > 0) list[c->shown++] = (ranked){label, c->tally[label].gold};
  }
  qsort(list, (size_t)c->shown, sizeof *list, by_support);
  for (int32_t i = 0; i < c->shown; i++) c->order[i] = list[i].label, c->place[list[i].label] = i;
done:
  free(list);
  return status;
}

static void draw_cell(lk_html *h, const classes *c, ptrdiff_t row, ptrdiff_t column, int64_t n) {
  char text[32];
  const int64_t all = c->tally[c->order[row]].gold;
  const int shade = n > 0 && all > 0 ? (int)((n * SHADES + all - 1) / all) : 0;
  if (n == 0) {
    lk_html_raw(h, row == column ? "<td class=\"d0\">0</td>" : "<td class=\"none\">·</td>");
    return;
  }
  lk_html_put(h, "<td class=\"%s%d\">%s</td>", row == column ? "d" : "m", shade > SHADES ? SHADES : shade,
              lk_number_whole_text(text, (long long)n));
}

static lk_status draw_matrix(lk_html *h, const classes *c) {
  int64_t *cell = NULL; /* [shown, shown] */
  LK_TRY(lk_alloc(&cell, (size_t)(c->shown * c->shown), sizeof *cell));
  for (const lk_pair *p = c->measured->pair; p < c->measured->pair + c->measured->pairs; p++)
    cell[c->place[p->gold] * c->shown + c->place[p->found]] += p->count;
  lk_html_raw(h,
              "<h3>Confusion matrix</h3><p class=\"quiet\">Rows: the true class. Columns: the class found. Blue: "
              "right; orange: "
              "mistakes; the darker, the larger a share of its row.</p>"
              "<div class=\"scroll\"><table class=\"matrix\"><thead><tr><td></td>");
  for (ptrdiff_t j = 0; j < c->shown; j++)
    lk_html_put(h, "<th scope=\"col\"><span><bdi>%s</bdi></span></th>", name_of(c, c->order[j]));
  lk_html_raw(h, "</tr></thead><tbody>");
  for (ptrdiff_t i = 0; i < c->shown; i++) {
    lk_html_put(h, "<tr><th scope=\"row\"><bdi>%s</bdi></th>", name_of(c, c->order[i]));
    for (ptrdiff_t j = 0; j < c->shown; j++) draw_cell(h, c, i, j, cell[i * c->shown + j]);
    lk_html_raw(h, "</tr>");
  }
  lk_html_raw(h, "</tbody></table></div>");
  free(cell);
  return LK_OK;
}

static int by_count(const void *a, const void *b) {
  const lk_pair *x = a, *y = b;
  if (x->count != y->count) return x->count > y->count ? -1 : 1;
  return x->gold != y->gold ? (x->gold > y->gold) - (x->gold < y->gold) : (x->found > y->found) - (x->found < y->found);
}

static lk_status draw_mistakes(lk_html *h, const classes *c) {
  lk_pair *list = NULL;
  ptrdiff_t n = 0;
  char text[32];
  LK_TRY(lk_alloc(&list, (size_t)c->measured->pairs + 1, sizeof *list));
  for (const lk_pair *p = c->measured->pair; p < c->measured->pair + c->measured->pairs; p++)
    if (p->gold != p->found) list[n++] = *p;
  qsort(list, (size_t)n, sizeof *list, by_count);
  lk_html_put(h,
              "<h3>Most frequent mistakes</h3><p class=\"quiet\">A matrix of %td classes would not be readable; "
              "<code>lockstep eval --confusion --json</code> prints it.</p>",
              c->shown);
  lk_html_raw(h,
              "<div class=\"scroll\"><table><thead><tr><th scope=\"col\" class=\"text\">true class</th><th "
              "scope=\"col\" class=\"text\">found</th>"
              "<th scope=\"col\">times</th></tr></thead><tbody>");
  for (ptrdiff_t i = 0; i < n && i < MOST_MISTAKES; i++) {
    lk_html_put(h, "<tr><td class=\"text\"><bdi>%s</bdi></td>", name_of(c, list[i].gold));
    lk_html_put(h, "<td class=\"text\"><bdi>%s</bdi></td>", name_of(c, list[i].found));
    lk_html_put(h, "<td>%s</td></tr>", lk_number_whole_text(text, (long long)list[i].count));
  }
  lk_html_raw(h, "</tbody></table></div>");
  free(list);
  return LK_OK;
}

static void draw_tally(lk_html *h, const char *name, lk_tally t) {
  char text[32];
  const double f1 = lk_tally_f1(t);
  lk_html_put(h, "<tr><th scope=\"row\"><bdi>%s</bdi></th><td>%.3f</td><td>%.3f</td><td>%.3f</td>", name,
              lk_tally_precision(t), lk_tally_recall(t), f1);
  lk_html_put(
      h,
      "<td class=\"bar\"><svg width=\"100%%\" height=\"10\" aria-hidden=\"true\"><rect class=\"c0\" width=\"%.1f%%\" "
      "height=\"10\" rx=\"1\"/></svg></td>",
      100 * f1);
  lk_html_put(h, "<td>%s</td></tr>", lk_number_whole_text(text, (long long)t.gold));
}

static void begin_tallies(lk_html *h, const char *title, const char *what) {
  lk_html_put(h, "<h3>%s</h3><div class=\"scroll\"><table class=\"parts\"><thead><tr><th scope=\"col\">%s</th>", title,
              what);
  lk_html_raw(h,
              "<th scope=\"col\">precision</th><th scope=\"col\">recall</th><th scope=\"col\">F1</th>"
              "<th scope=\"col\" class=\"bar\"></th><th scope=\"col\">support</th></tr></thead><tbody>");
}

static void draw_by_class(lk_html *h, const classes *c) {
  begin_tallies(h, "By class", "class");
  for (ptrdiff_t i = 0; i < c->shown && i < MOST_CLASSES; i++)
    draw_tally(h, name_of(c, c->order[i]), c->tally[c->order[i]]);
  lk_html_raw(h, "</tbody></table></div>");
  if (c->shown > MOST_CLASSES)
    lk_html_put(h, "<p class=\"quiet\">The %d most frequent of %td classes.</p>", MOST_CLASSES, c->shown);
}

static void draw_spans(lk_html *h, const classes *c) {
  const lk_tagset *tags = NULL;
  const lk_tally *spans = lk_task_spans(c->run->model.task, c->measured->counts, &tags);
  if (!spans || !tags) return;
  begin_tallies(h, "Spans by type", "type");
  for (ptrdiff_t i = 0; i <= tags->types.count; i++)
    if (spans[i].gold + spans[i].found > 0)
      draw_tally(h, i < tags->types.count ? lk_strings_get(&tags->types, i) : "without a type", spans[i]);
  lk_html_raw(h, "</tbody></table></div>");
}

static void say_measured(lk_html *h, const lk_measured *m) {
  char text[32];
  lk_html_put(h, "<p>The model on the %s part of its corpus", lk_split_names[m->split]);
  for (int i = 0; i < m->metrics; i++)
    lk_html_put(h, "%s%s <b>%s</b>", i == 0 ? ": " : ", ", lk_metric_words(m->metric[i].name),
                lk_number_short(text, m->metric[i].value, 4));
  lk_html_raw(h, ".</p>");
  if (m->steps < m->all_steps)
    lk_html_put(h,
                "<p class=\"quiet\">On a random sample of it, %lld of %lld batches: the time for it was over "
                "(--seconds).</p>",
                (long long)m->steps, (long long)m->all_steps);
}

static lk_status draw_measured(lk_html *h, const lk_run *run, const lk_measured *m) {
  lk_status status = LK_OK;
  classes c = {.run = run, .measured = m};
  c.tally = lk_task_tallies(run->model.task, m->counts, &c.count);
  say_measured(h, m);
  if (!c.tally) return LK_OK;
  LK_GO(sort(&c));
  draw_spans(h, &c);
  LK_GO(c.shown <= MOST_IN_MATRIX ? draw_matrix(h, &c) : draw_mistakes(h, &c));
  draw_by_class(h, &c);
done:
  free(c.order);
  free(c.place);
  return status;
}

static bool has_classes(const lk_scope *scope) {
  return lk_run_is(scope->run, "classify") || lk_run_is(scope->run, "label");
}

static lk_status draw(lk_html *h, const lk_scope *scope) {
  lk_measured m;
  lk_run *run = scope->run;
  if (!run->has_model) return lk_section_missing(h, "Classes", &run->why_model), LK_OK;
  if (!run->corpus) return lk_section_missing(h, "Classes", &run->why_corpus), LK_OK;
  LK_TRY(lk_measure(run, scope->seconds, &m));
  const lk_status status = draw_measured(h, run, &m);
  lk_measured_release(&m);
  return status;
}

const lk_section lk_section_classes = {"Classes", false, has_classes, draw};
