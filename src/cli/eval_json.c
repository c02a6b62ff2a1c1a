/* eval_json.c - the results of `lockstep eval` as one JSON object on one line. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "eval_impl.h"
#include "print_json_impl.h"
#include "arena.h"

enum { MOST_IN_MATRIX = 1000 }; /* classes: the matrix then has a million numbers */

static json_t *whole(int64_t number) { return json_integer((json_int_t)number); }

/* JSON cannot express NaN and infinity. */
static json_t *real(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *tally_json(lk_tally t) {
  return json_pack("{s:f, s:f, s:f, s:o, s:o, s:o}", "precision", lk_tally_precision(t), "recall", lk_tally_recall(t),
                   "f1", lk_tally_f1(t), "gold", whole(t.gold), "found", whole(t.found), "correct", whole(t.correct));
}

static json_t *classes_json(const lk_eval_report *r) {
  ptrdiff_t classes;
  const lk_tally *tally = lk_task_tallies(r->model->task, r->found->counts, &classes);
  json_t *out = json_object();
  for (ptrdiff_t i = 0; i < r->shown; i++)
    json_object_set_new(out, lk_eval_class_name(r, r->order[i]), tally_json(tally[r->order[i]]));
  return out;
}

static json_t *spans_json(const lk_tally *by_type, const lk_tagset *tags) {
  json_t *out = json_object();
  for (ptrdiff_t type = 0; type <= tags->types.count; type++)
    if (by_type[type].gold + by_type[type].found > 0)
      json_object_set_new(out, type < tags->types.count ? lk_strings_get(&tags->types, type) : "<unseen>",
                          tally_json(by_type[type]));
  return out;
}

static json_t *matrix_json(const lk_eval_report *r) {
  json_t *rows = json_array();
  const lk_pair *pair = r->pair, *end = pair + r->pairs;
  for (ptrdiff_t i = 0; i < r->shown; i++) {
    json_t *row = json_array();
    for (ptrdiff_t j = 0; j < r->shown; j++) {
      const bool here = pair < end && pair->gold == i && pair->found == j;
      json_array_append_new(row, whole(here ? pair++->count : 0));
    }
    json_array_append_new(rows, row);
  }
  return rows;
}

/* [[true, predicted, count], ...], classes as positions in "labels". */
static json_t *pairs_json(const lk_eval_report *r) {
  json_t *out = json_array();
  for (const lk_pair *p = r->pair; p < r->pair + r->pairs; p++)
    json_array_append_new(out, json_pack("[o, o, o]", whole(p->gold), whole(p->found), whole(p->count)));
  return out;
}

static json_t *confusion_json(const lk_eval_report *r) {
  json_t *labels = json_array();
  for (ptrdiff_t i = 0; i < r->shown; i++)
    json_array_append_new(labels, json_string(lk_eval_class_name(r, r->order[i])));
  json_t *out = json_pack("{s:o, s:o}", "labels", labels, "pairs", pairs_json(r));
  if (out && r->shown <= MOST_IN_MATRIX) json_object_set_new(out, "matrix", matrix_json(r));
  return out;
}

/* The path of a model, or those of several that answer together. */
static json_t *models_json(const lk_cli_models *models) {
  if (models->count == 1) return json_string(models->path[0]);
  json_t *list = json_array();
  for (int i = 0; i < models->count; i++) json_array_append_new(list, json_string(models->path[i]));
  return list;
}

static json_t *item_json(const lk_adapt_item *item) {
  if (item->word) return json_string(item->word);
  return item->whole ? whole((int64_t)item->value) : real(item->value);
}

static json_t *report_json(const lk_eval_report *r) {
  const lk_evaluation *e = r->found;
  const lk_tagset *tags;
  lk_adapt_item item[LK_ADAPT_ITEMS];
  const int items = lk_adapt_list(&r->asked->adapt.how, item);
  json_t *root = json_pack("{s:o, s:s, s:o, s:o}", "model", models_json(&r->asked->models), "split",
                           lk_split_names[r->asked->split], "units", whole(e->units), "tokens", whole(e->tokens));
  if (!root) return NULL;
  for (int i = 0; i < items; i++) json_object_set_new(root, item[i].name, item_json(&item[i]));
  if (r->classes > 0) json_object_set_new(root, "unseen", whole(e->unseen));
  if (e->lanes > 0) {
    json_object_set_new(root, "lanes", whole(e->lanes));
    json_object_set_new(root, "largest_state", real(e->largest_state));
  }
  for (int i = 0; i < e->metrics; i++) json_object_set_new(root, e->metric[i].name, real(e->metric[i].value));
  const lk_tally *by_type = lk_task_spans(r->model->task, e->counts, &tags);
  if (by_type) json_object_set_new(root, "spans", spans_json(by_type, tags));
  if (r->asked->by_class) json_object_set_new(root, "classes", classes_json(r));
  if (r->asked->confusion) json_object_set_new(root, "confusion", confusion_json(r));
  return root;
}

lk_status lk_eval_print_json(const lk_eval_report *report) {
  return lk_cli_print_json(report_json(report), JSON_REAL_PRECISION(9));
}
