/* eval_report.c - sorts the classes of an evaluation by name. */
#include <stdlib.h>
#include <string.h>

#include "eval_impl.h"
#include "arena.h"

typedef struct named {
  const char *name;
  int32_t label;
} named;

const char *lk_eval_class_name(const lk_eval_report *r, ptrdiff_t label) {
  const lk_strings *known = &r->model->corpus->label;
  if (label < known->count) return lk_strings_get(known, label);
  return label - known->count < r->unseen->count ? lk_strings_get(r->unseen, label - known->count) : "<unseen>";
}

static int by_name(const void *a, const void *b) { return strcmp(((const named *)a)->name, ((const named *)b)->name); }

static int by_place(const void *a, const void *b) {
  const lk_pair *x = a, *y = b;
  if (x->gold != y->gold) return x->gold < y->gold ? -1 : 1;
  return (x->found > y->found) - (x->found < y->found);
}

/* list and place: scratch for all classes. */
static void sort(lk_eval_report *r, const lk_tally *tally, named *list, int32_t *place) {
  ptrdiff_t n = 0;
  for (int32_t label = 0; label < r->classes; label++)
    if (tally[label].gold + tally[label].found > 0) list[n++] = (named){lk_eval_class_name(r, label), label};
  qsort(list, (size_t)n, sizeof *list, by_name);
  for (int32_t i = 0; i < n; i++) {
    r->order[i] = list[i].label;
    place[list[i].label] = i;
  }
  for (ptrdiff_t p = 0; p < r->pairs; p++) {
    r->pair[p].gold = place[r->pair[p].gold];
    r->pair[p].found = place[r->pair[p].found];
  }
  if (r->pairs > 0) qsort(r->pair, (size_t)r->pairs, sizeof *r->pair, by_place);
  r->shown = n;
}

lk_status lk_eval_sort_classes(lk_eval_report *r) {
  named *list = NULL;
  int32_t *place = NULL;
  lk_status status;
  const lk_tally *tally = lk_task_tallies(r->model->task, r->found->counts, &r->classes);
  const size_t all = (size_t)r->classes + 1;
  r->shown = 0;
  if (!tally) return LK_OK;
  LK_GO(lk_alloc(&r->order, all, sizeof *r->order));
  LK_GO(lk_alloc(&list, all, sizeof *list));
  LK_GO(lk_alloc(&place, all, sizeof *place));
  sort(r, tally, list, place);
done:
  free(list);
  free(place);
  return status;
}

void lk_eval_release(lk_eval_report *r) {
  free(r->order);
  free(r->pair);
}
