/* eval_text.c - the results of `lockstep eval` as text. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval_impl.h"

enum {
  MOST_SHOWN = 40,  /* classes that are printed as a matrix */
  MOST_HEADING = 12 /* terminal columns of a class name that is printed above its column */
};

static void print_metrics(const lk_eval_report *r) {
  const lk_evaluation *e = r->found;
  lk_adapt_item item[LK_ADAPT_ITEMS];
  const int items = lk_adapt_list(&r->asked->adapt.how, item);
  printf("split\t%s\nunits\t%lld\n", lk_split_names[r->asked->split], (long long)e->units);
  for (int i = 0; i < items; i++)
    if (item[i].word)
      printf("%s\t%s\n", item[i].name, item[i].word);
    else
      printf("%s\t%.9g\n", item[i].name, item[i].value);
  if (e->unseen > 0) printf("unseen\t%lld\n", (long long)e->unseen);
  if (e->lanes > 0) printf("lanes\t%td\nlargest_state\t%.6g\n", e->lanes, e->largest_state);
  for (int i = 0; i < e->metrics; i++) {
    const double value = e->metric[i].value;
    if (isnan(value))
      printf("%s\t-\n", e->metric[i].name); /* undefined: a share of no items */
    else
      printf("%s\t%.6f\n", e->metric[i].name, value);
  }
}

/* Names come last, so that long ones do not shift the columns of numbers. */
static void print_classes(const lk_eval_report *r) {
  ptrdiff_t classes;
  const lk_tally *tally = lk_task_tallies(r->model->task, r->found->counts, &classes);
  printf("\n%9s  %9s  %9s  %9s  %s\n", "precision", "recall", "f1", "support", "class");
  for (ptrdiff_t i = 0; i < r->shown; i++) {
    const lk_tally t = tally[r->order[i]];
    printf("%9.6f  %9.6f  %9.6f  %9lld  %s\n", lk_tally_precision(t), lk_tally_recall(t), lk_tally_f1(t),
           (long long)t.gold, lk_eval_class_name(r, r->order[i]));
  }
}

/* The same lines as conlleval; it prints 0 for a share of no items. */
static void print_spans(const lk_eval_report *r) {
  const lk_tagset *tags;
  const lk_tally *by_type = lk_task_spans(r->model->task, r->found->counts, &tags);
  if (!by_type) return;
  ptrdiff_t classes;
  const lk_tally *by_tag = lk_task_tallies(r->model->task, r->found->counts, &classes);
  const lk_tally words = lk_tally_sum(by_tag, classes), all = lk_tally_sum(by_type, tags->types.count + 1);
  printf("\nprocessed %lld tokens with %lld phrases; found: %lld phrases; correct: %lld.\n", (long long)words.gold,
         (long long)all.gold, (long long)all.found, (long long)all.correct);
  if (words.gold > 0)
    printf("accuracy: %6.2f%%; precision: %6.2f%%; recall: %6.2f%%; FB1: %6.2f\n", 100 * lk_tally_recall(words),
           100 * lk_tally_precision(all), 100 * lk_tally_recall(all), 100 * lk_tally_f1(all));
  for (ptrdiff_t type = 0; type <= tags->types.count; type++) {
    const lk_tally t = by_type[type];
    if (t.gold + t.found == 0) continue;
    printf("%17s: precision: %6.2f%%; recall: %6.2f%%; FB1: %6.2f  %lld\n",
           type < tags->types.count ? lk_strings_get(&tags->types, type) : "<unseen>", 100 * lk_tally_precision(t),
           100 * lk_tally_recall(t), 100 * lk_tally_f1(t), (long long)t.found);
  }
}

static int digits_of(int64_t number) {
  int digits = 1;
  while (number /= 10) digits++;
  return digits;
}

static int longest_name(const lk_eval_report *r) {
  int longest = 0;
  for (ptrdiff_t i = 0; i < r->shown; i++) {
    const char *name = lk_eval_class_name(r, r->order[i]);
    const int width = lk_utf8_width(name, strlen(name));
    if (width > longest) longest = width;
  }
  return longest;
}

/* The heading of a row or column: the name of the class if all names are short, else its number. */
static void print_heading(const lk_eval_report *r, ptrdiff_t i, bool named, int width) {
  const char *name = lk_eval_class_name(r, r->order[i]);
  if (named)
    printf("%*s%s", width - lk_utf8_width(name, strlen(name)), "", name);
  else
    printf("%*td", width, i + 1);
}

static void print_matrix(const lk_eval_report *r) {
  const int longest = longest_name(r);
  const bool named = longest <= MOST_HEADING;
  int edge = named ? longest : digits_of(r->shown), width = edge;
  for (ptrdiff_t p = 0; p < r->pairs; p++)
    if (digits_of(r->pair[p].count) > width) width = digits_of(r->pair[p].count);
  printf("\nconfusion matrix: rows are true classes, columns predicted ones, sorted by name\n%*s", edge, "");
  for (ptrdiff_t i = 0; i < r->shown; i++) {
    printf("  ");
    print_heading(r, i, named, width);
  }
  putchar('\n');
  const lk_pair *pair = r->pair, *end = pair + r->pairs;
  for (ptrdiff_t i = 0; i < r->shown; i++) {
    print_heading(r, i, named, edge);
    for (ptrdiff_t j = 0; j < r->shown; j++) {
      const bool here = pair < end && pair->gold == i && pair->found == j;
      printf("  %*lld", width, here ? (long long)pair++->count : 0LL);
    }
    if (!named) printf("  %s", lk_eval_class_name(r, r->order[i]));
    putchar('\n');
  }
}

/* By falling count; equal counts by name. */
static int by_count(const void *a, const void *b) {
  const lk_pair *x = a, *y = b;
  if (x->count != y->count) return x->count < y->count ? 1 : -1;
  if (x->gold != y->gold) return x->gold < y->gold ? -1 : 1;
  return (x->found > y->found) - (x->found < y->found);
}

/* For many classes: the mistakes, most frequent first. */
static void print_pairs(const lk_eval_report *r) {
  printf("\nconfusion of %td classes (a matrix is printed up to %d): true class, predicted class, count\n", r->shown,
         MOST_SHOWN);
  qsort(r->pair, (size_t)r->pairs, sizeof *r->pair, by_count);
  for (const lk_pair *p = r->pair; p < r->pair + r->pairs; p++)
    if (p->gold != p->found)
      printf("%s\t%s\t%lld\n", lk_eval_class_name(r, r->order[p->gold]), lk_eval_class_name(r, r->order[p->found]),
             (long long)p->count);
}

void lk_eval_print_text(const lk_eval_report *report) {
  print_metrics(report);
  print_spans(report);
  if (report->asked->by_class) print_classes(report);
  if (!report->asked->confusion) return;
  if (report->shown <= MOST_SHOWN)
    print_matrix(report);
  else
    print_pairs(report);
}
