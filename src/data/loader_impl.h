/* loader_impl.h - what a loader holds: this rank's rows, unpadded, and the plan of one epoch at a time.
 *
 * Rows lie shard by shard, inside a shard in file order: row first[s] + i is the i-th of local shard s, whatever the
 * number of ranks. Every function: Not collective. */
#pragma once
#include "loader.h"
#include "plan_impl.h"

struct lk_loader {
  lk_loader_settings settings;
  lk_shards shards;
  lk_corpus_kind kind;
  int stream;
  int buckets; /* of the split, for lk_loader_where() */
  lk_bucket bucket[LK_MAX_BUCKETS];
  ptrdiff_t labels, D;
  int32_t least_label; /* what stands least in the place of a label of this part */
  ptrdiff_t B_most, N_most, T_most;
  int64_t steps;

  lk_plan plan;
  ptrdiff_t rows;   /* on this rank */
  ptrdiff_t *first; /* [shards+1] first row of local shard s */
  uint32_t *id;     /* [rows] number over all buckets of the split */
  int32_t *length;  /* [rows] positions of the view; of pairs the source's */
  int64_t *offset;  /* [rows] into source, target and frames: positions */
  int32_t *source;  /* units of all rows; for LM one more a row than its length */
  int32_t *target;  /* LABEL: as source; CLASSIFY: [rows] */
  float *frames;    /* [positions, D] */
  ptrdiff_t used;   /* positions held */
  size_t source_capacity, target_capacity, frames_capacity;
  lk_column_form form[LK_MAX_COLUMNS]; /* of the columns that batches have; the first is source or frames */
  int columns;
  int32_t *further[LK_MAX_COLUMNS]; /* [positions, width] of the others, int32 or float */
  size_t further_capacity[LK_MAX_COLUMNS];

  int32_t *key;           /* [rows] what rows are sorted by: length, but of pairs both lengths in one number */
  int32_t *target_length; /* [rows] pairs: positions of the target */
  int64_t *target_offset; /* [rows] pairs: into target, one unit more a row than its length */
  ptrdiff_t target_used;  /* pairs: units of targets held */
  ptrdiff_t encoder_N_most, encoder_T_most;
  lk_strings references; /* pairs: of all rows, where has_references */
  int32_t *reference;    /* [rows] which of them */
  bool has_references;
  int32_t *places, *source_row; /* [3 B_most] scratch; [B_most] row of each sequence of the source side */

  int64_t epoch;    /* that order and visits are of; -1 none */
  int32_t *order;   /* [rows] place i of local shard s: row first[s] + order[first[s] + i] */
  int32_t *scratch; /* [2 rows] */
  int32_t *visits;  /* [steps] */
  int32_t *picked;  /* [B_most] row of each sequence of the batch being filled */

  int32_t *text;   /* running text: this rank's stretch, one unit more than its positions */
  ptrdiff_t begin; /* position of its first */
  lk_range lanes;  /* of this rank */
  ptrdiff_t units; /* in the whole text */
};

/** Read the rows of the rank's shards. LK_DATA naming bucket and row. */
LK_CHECKED lk_status lk_loader_read_rows(lk_loader *loader, const lk_corpus *corpus);
/** Of each shard the longest rows, as many as it ever gives to a step: their number, positions, and the longest. */
void lk_loader_measure(lk_loader *loader, const int32_t *length, ptrdiff_t *B, ptrdiff_t *N, ptrdiff_t *T);

/* Pairs, in loader_pairs.c. */
/** Room for what only pairs have. */
LK_CHECKED lk_status lk_loader_reserve_pairs(lk_loader *loader);
/** The target side of a row: `length` units of `target`. */
LK_CHECKED lk_status lk_loader_keep_target(lk_loader *loader, ptrdiff_t row, const int32_t *target, ptrdiff_t length);
/** String `at` of `references` belongs to a row. */
LK_CHECKED lk_status lk_loader_keep_reference(lk_loader *loader, ptrdiff_t row, const lk_strings *references,
                                              ptrdiff_t at);
/** The rows are there: what they are sorted by, the largest batch, scratch. */
LK_CHECKED lk_status lk_loader_finish_pairs(lk_loader *loader);
/** Both packs of the places `share` of each shard's order. */
void lk_loader_pick_pairs(lk_loader *loader, int64_t step, lk_batch *batch);
void lk_loader_fill_pairs(const lk_loader *loader, lk_batch *batch);

/** Read the rank's lanes. LK_USAGE where the text is too short for them. */
LK_CHECKED lk_status lk_loader_read_lanes(lk_loader *loader, const lk_corpus *corpus);
