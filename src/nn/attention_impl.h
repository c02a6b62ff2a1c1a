/* attention_impl.h - the part of attention that is compiled for each instruction set. */
#pragma once
#include "attention.h"

typedef struct lk_attention_rows {
  /** Compute a->weights and a->context from the queries q [N, ldq]. */
  void (*forward)(const lk_attention *a, const lk_attending *rows, const lk_real *q, ptrdiff_t ldq);
  /** Assign a->dq and a->dv of these rows; add to a->dvalues and a->dkeys. */
  void (*backward)(const lk_attention *a, const lk_attending *rows, const lk_real *q, ptrdiff_t ldq,
                   const lk_real *dcontext, ptrdiff_t ldc);
} lk_attention_rows;
