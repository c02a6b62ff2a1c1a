/* loader_impl.h - what a loader holds: this rank's rows, unpadded, and the plan of one epoch at a time.
 *
 * Rows lie shard by shard, inside a shard in file order: row first[s] + i is the i-th of local shard s, whatever the
 * number of ranks. Every function: Not collective. */
#pragma once
#include "lockstep/loader.h"
#include "plan_impl.h"

struct lk_loader {
  lk_loader_settings settings;
  lk_shards shards;
  lk_corpus_kind kind;
  int stream;
  int buckets; /* of the split, for lk_loader_where() */
  lk_bucket bucket[LK_MAX_BUCKETS];
  ptrdiff_t labels, D;
  ptrdiff_t B_most, N_most, T_most;
  int64_t steps;

  lk_plan plan;
  ptrdiff_t rows;   /* on this rank */
  ptrdiff_t *first; /* [shards+1] first row of local shard s */
  uint32_t *id;     /* [rows] number over all buckets of the split */
  int32_t *length;  /* [rows] positions of the view */
  int64_t *offset;  /* [rows] into source, target and frames: positions */
  int32_t *source;  /* units of all rows; for LM one more a row than its length */
  int32_t *target;  /* LABEL: as source; CLASSIFY: [rows] */
  float *frames;    /* [positions, D] */
  ptrdiff_t used;   /* positions held */
  size_t source_capacity, target_capacity, frames_capacity;

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
/** Read the rank's lanes. LK_USAGE where the text is too short for them. */
LK_CHECKED lk_status lk_loader_read_lanes(lk_loader *loader, const lk_corpus *corpus);
