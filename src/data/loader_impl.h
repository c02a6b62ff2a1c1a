/* loader_impl.h - the state of a loader: this rank's rows, without padding, and the plan of one epoch at a time.
 *
 * Rows are stored shard by shard, within a shard in file order: row first[s] + i is row i of local shard s, for any
 * number of ranks. Every function: Not collective. */
#pragma once
#include "loader.h"
#include "plan_impl.h"
#include "spelling.h"

struct lk_loader {
  lk_loader_settings settings;
  lk_shards shards;
  lk_corpus_kind kind;
  int stream;
  int buckets; /* of the split; for lk_loader_where() */
  lk_bucket bucket[LK_MAX_BUCKETS];
  ptrdiff_t labels, D;
  int32_t least_label; /* lowest value that may be stored in place of a label in this split */
  ptrdiff_t B_most, N_most, T_most;
  int64_t steps;

  lk_plan plan;
  ptrdiff_t rows;   /* on this rank */
  ptrdiff_t *first; /* [shards+1] index of the first row of local shard s */
  uint32_t *id;     /* [rows] row number over all buckets of the split */
  int32_t *length;  /* [rows] input positions in the view; pairs: of the source */
  int64_t *offset;  /* [rows] start of the row in source, target and frames, in positions */
  int32_t *source;  /* units of all rows; LM: one more per row than its length */
  int32_t *target;  /* LABEL: parallel to source; CLASSIFY: [rows] */
  float *frames;    /* [positions, D] */
  ptrdiff_t used;   /* positions stored so far */
  size_t source_capacity, target_capacity, frames_capacity;
  lk_column_form form[LK_MAX_COLUMNS]; /* forms of the batch's columns; the first is source or frames */
  int columns;
  int32_t *further[LK_MAX_COLUMNS]; /* [positions, width] of the other columns, int32 or float */
  size_t further_capacity[LK_MAX_COLUMNS];
  lk_speller speller;       /* of a spelled column, which then holds indices into it: the units, then other words */
  int32_t spelled_units;    /* how many units */
  ptrdiff_t character_most; /* rows of characters that a batch has at most */

  int32_t *key;           /* [rows] sort key: the length; pairs: both lengths combined in one number */
  int32_t *target_length; /* [rows] pairs: positions of the target */
  int64_t *target_offset; /* [rows] pairs: start in target, which has one unit more per row than its length */
  ptrdiff_t target_used;  /* pairs: units of targets stored so far */
  ptrdiff_t encoder_N_most, encoder_T_most;
  lk_strings references; /* pairs: of all rows, if has_references */
  int32_t *reference;    /* [rows] index into references */
  bool has_references;
  int32_t *places, *source_row; /* [3 B_most] scratch; [B_most] row of each sequence on the source side */

  int64_t epoch;    /* epoch that order and visits were computed for; -1: none */
  int32_t *order;   /* [rows] the row at position i of local shard s is first[s] + order[first[s] + i] */
  int32_t *scratch; /* [2 rows] */
  int32_t *visits;  /* [steps] order in which the steps are visited */
  int32_t *picked;  /* [B_most] row of each sequence of the batch being filled */

  int32_t *text;   /* running text: this rank's part, one unit longer than its input positions */
  ptrdiff_t begin; /* position of text[0] in the whole text */
  lk_range lanes;  /* global numbers of this rank's lanes */
  ptrdiff_t units; /* units of the whole text */
  lk_windows windows;
  int64_t *window; /* [steps+1] where the windows of `epoch` begin */
};

/** Read the rows of this rank's shards. LK_DATA with bucket and row. */
LK_CHECKED lk_status lk_loader_read_rows(lk_loader *loader, const lk_corpus *corpus);
/** Of a spelled column: the values of the file as indices into the speller. source: the units of the same positions. */
static inline void lk_loader_spell(const lk_loader *loader, ptrdiff_t count, const int32_t *source, int32_t *values) {
  for (ptrdiff_t i = 0; i < count; i++) values[i] = values[i] == 0 ? source[i] : loader->spelled_units + values[i];
}
/** Bounds of a batch, from the longest rows of each shard, as many as a step can take of it: number of sequences, of
 *  positions, and the longest sequence. */
void lk_loader_measure(lk_loader *loader, const int32_t *length, ptrdiff_t *B, ptrdiff_t *N, ptrdiff_t *T);

/* Functions for pairs, in loader_pairs.c. */
/** Allocate the arrays that only pairs have. */
LK_CHECKED lk_status lk_loader_reserve_pairs(lk_loader *loader);
/** Store the target of a row: `length` units of `target`. */
LK_CHECKED lk_status lk_loader_keep_target(lk_loader *loader, ptrdiff_t row, const int32_t *target, ptrdiff_t length);
/** Store string `at` of `references` as the accepted targets of a row. */
LK_CHECKED lk_status lk_loader_keep_reference(lk_loader *loader, ptrdiff_t row, const lk_strings *references,
                                              ptrdiff_t at);
/** To be called when all rows are stored: computes sort keys and bounds, and allocates scratch. */
LK_CHECKED lk_status lk_loader_finish_pairs(lk_loader *loader);
/** Select the rows of a step and set up both packs. */
void lk_loader_pick_pairs(lk_loader *loader, int64_t step, lk_batch *batch);
void lk_loader_fill_pairs(const lk_loader *loader, lk_batch *batch);

/** Read this rank's lanes. LK_USAGE if the text is too short for them. */
LK_CHECKED lk_status lk_loader_read_lanes(lk_loader *loader, const lk_corpus *corpus);
