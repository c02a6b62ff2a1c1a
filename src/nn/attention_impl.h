/* attention_impl.h - what attention.c asks of its rows on one instruction set. */
#pragma once
#include "attention.h"

typedef struct lk_attention_rows {
  /** a->weights and a->context from the queries q [N, ldq]. */
  void (*forward)(const lk_attention *a, const lk_attending *rows, const lk_real *q, ptrdiff_t ldq);
  /** a->dq, a->dv of such rows assigned; a->dvalues, a->dkeys added to. */
  void (*backward)(const lk_attention *a, const lk_attending *rows, const lk_real *q, ptrdiff_t ldq,
                   const lk_real *dcontext, ptrdiff_t ldc);
} lk_attention_rows;
