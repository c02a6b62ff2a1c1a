/* dynamic_impl.h - dynamic evaluation: a gradient step after each segment of a text (adapt.h). */
#pragma once
#include "adapt.h"

typedef struct lk_dynamic {
  double rate, decay, epsilon;
  ptrdiff_t P;
  lk_real *trained;     /* [P] the weights as they were trained */
  lk_real *gradient;    /* [P] of the segment's summed loss */
  lk_real *pace, *pull; /* [P] of the rule rms: 1 / (r + epsilon mean(r)), and min(decay r / mean(r), 1); else NULL */
} lk_dynamic;

/** LK_MEMORY. The rule rms needs lk_dynamic_measure() before the first update. */
LK_CHECKED lk_status lk_dynamic_init(lk_dynamic *d, lk_model *model, const lk_adapt_settings *how);
/** Put the trained weights back and free all. */
void lk_dynamic_release(lk_dynamic *d, lk_model *model);
void lk_dynamic_reset(lk_dynamic *d, lk_model *model);
/** lk_adapter_measure(). */
LK_CHECKED lk_status lk_dynamic_measure(lk_dynamic *d, lk_model *model, const lk_corpus *corpus);
/** Predict and learn: log P of the targets [N] of a batch, and the gradient of their sum. lanes: as lk_task_train() has it. */
void lk_dynamic_train(lk_dynamic *d, lk_model *model, const lk_batch *batch, lk_real *lanes, double *log_p);
/** Make the gradient step, after lk_dynamic_train() of n units. */
void lk_dynamic_update(lk_dynamic *d, lk_model *model, ptrdiff_t n);
