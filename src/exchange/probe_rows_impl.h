/* probe_rows_impl.h - the rows of a probe: chosen here (probe.c) or read from a text (probe_read.c), and the outputs
 * of a net for them (probe_batch.c).
 *
 * Ownership: lk_probe owns its arrays; the model must outlive it. Not collective throughout. */
#pragma once
#include "arena.h"
#include "loader.h"
#include "model.h"

/* The numbers that a probe has for each output; lk_probe_kinds: their names in the text. */
typedef enum lk_probe_kind { LK_PROBE_PROBABILITIES, LK_PROBE_LOG_PROBABILITIES, LK_PROBE_SCORES } lk_probe_kind;
extern const char *const lk_probe_kinds[]; /* NULL at the end */

typedef struct lk_probe {
  lk_model *model;
  lk_column_form form[LK_MAX_COLUMNS];
  int columns;
  bool pairs;
  ptrdiff_t rows, steps;         /* steps of the longest row */
  ptrdiff_t *length;             /* [rows] of sources with <eos>, at least 1 */
  int32_t *ids[LK_MAX_COLUMNS];  /* [rows, steps] of a column of tokens; of a spelled one: which word. Else NULL */
  float *number[LK_MAX_COLUMNS]; /* [rows, steps, width] of a column of numbers, else NULL */
  int32_t *letter;               /* the characters of the words of a spelled column */
  int64_t *begin;                /* [words+1] */
  ptrdiff_t target_steps;        /* pairs: of the longest target */
  ptrdiff_t *target_length;      /* pairs: [rows], with <sos> */
  int32_t *target;               /* pairs: [rows, target_steps] what the decoder reads, <sos> first */
  lk_spelling spelling;
  lk_batch batch;
  lk_arena arena, memory; /* of the batch; of its further columns */
  const lk_pack *in;      /* the rows that are read */
  ptrdiff_t units, outputs;
  float *score; /* [units, outputs] */
} lk_probe;

/** The columns of a model; the rest is empty. */
void lk_probe_init(lk_probe *probe, lk_model *model);
/** Arrays of zeros for rows and steps, words and their letters, and steps of targets. LK_MEMORY. */
LK_CHECKED lk_status lk_probe_reserve(lk_probe *probe, ptrdiff_t rows, ptrdiff_t steps, ptrdiff_t words,
                                      ptrdiff_t letters, ptrdiff_t target_steps);
/** Run the net; score receives the first `outputs` outputs of each unit. A head without norms (head.h) only has scores.
 *  LK_MEMORY. */
LK_CHECKED lk_status lk_probe_answer(lk_probe *probe, ptrdiff_t outputs, lk_probe_kind kind);
/** The unit of row i at time t (of a classifier: of row i), or -1 where there is none. */
ptrdiff_t lk_probe_unit(const lk_probe *probe, ptrdiff_t i, ptrdiff_t t);
void lk_probe_release(lk_probe *probe);
