/* eval_impl.h - the options of `lockstep eval` and its results, which are printed as text or JSON. */
#pragma once
#include <stdbool.h>

#include "adapt_options_impl.h"
#include "cli_impl.h"
#include "decode.h"
#include "evaluate.h"
#include "model.h"

typedef struct lk_eval_arguments {
  lk_cli_models models;
  const char *corpus;
  const char *precision; /* NULL: the run's */
  lk_split split;
  bool json, confusion, by_class, unconstrained;
  long long batch;
  lk_translate how; /* for translators; beam 0: --beam was not given */
  bool penalties;   /* --length-penalty or --coverage-penalty was given */
  lk_adapt_options adapt;
} lk_eval_arguments;

typedef struct lk_eval_report {
  const lk_eval_arguments *asked;
  const lk_model *model;
  const lk_strings *unseen; /* names of labels that training never had; the corpus may lack them (count 0) */
  const lk_evaluation *found;
  lk_pair *pair; /* [pairs] (true class, predicted class, count), with --confusion */
  ptrdiff_t pairs;

  ptrdiff_t classes; /* of the task, including those that training never had; 0 for tasks without classes */
  int32_t *order;    /* [shown] classes that occur among true or predicted ones, sorted by name (bytes) */
  ptrdiff_t shown;
} lk_eval_report;

/** Set classes, order and shown of a report whose fields above them are set. Classes in pair[] become positions in
 *  order[], and pair[] is sorted by them. LK_MEMORY.                               Not collective. */
LK_CHECKED lk_status lk_eval_sort_classes(lk_eval_report *report);
void lk_eval_release(lk_eval_report *report);
/** Name of a class; "<unseen>" for one that training never had and that the corpus does not name. */
const char *lk_eval_class_name(const lk_eval_report *report, ptrdiff_t label);
/** Print to standard output.                                                       Not collective. */
void lk_eval_print_text(const lk_eval_report *report);
LK_CHECKED lk_status lk_eval_print_json(const lk_eval_report *report);
