/* eval_impl.h - what `eval` was asked for, and what it found, on their way to text or JSON. */
#pragma once
#include <stdbool.h>

#include "decode.h"
#include "evaluate.h"
#include "model.h"

typedef struct lk_eval_arguments {
  const char *model, *corpus;
  lk_split split;
  bool json, confusion, by_class;
  long long batch;
  lk_translate how; /* of a translator; beam 0: it was not said */
  bool penalties;   /* were said */
} lk_eval_arguments;

typedef struct lk_eval_report {
  const lk_eval_arguments *asked;
  const lk_model *model;
  const lk_strings *unseen; /* labels that training never had; count 0: they have no names */
  const lk_evaluation *found;
  lk_pair *pair; /* [pairs] which class was taken for which, where that was asked for */
  ptrdiff_t pairs;

  ptrdiff_t classes; /* of the task, and that training never had; 0: it has none */
  int32_t *order;    /* [shown] classes that occur, in gold or among the predictions, sorted by name (bytes) */
  ptrdiff_t shown;
} lk_eval_report;

/** Sort the classes of a report whose first fields are set; its pairs then hold places in that order, and are sorted by
 *  them. LK_MEMORY.                                                                Not collective. */
LK_CHECKED lk_status lk_eval_sort_classes(lk_eval_report *report);
void lk_eval_release(lk_eval_report *report);
/** Name of a class; "<unseen>" where the corpus has not the name of what training never had. */
const char *lk_eval_class_name(const lk_eval_report *report, ptrdiff_t label);
/** Print to standard output.                                                       Not collective. */
void lk_eval_print_text(const lk_eval_report *report);
LK_CHECKED lk_status lk_eval_print_json(const lk_eval_report *report);
