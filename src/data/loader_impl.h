/* loader_impl.h - the state of a loader: this rank's rows, without padding, and the plan of one epoch at a time.
 *
 * Rows are numbered shard by shard, within a shard in file order: row first[s] + i is row i of local shard s, for any
 * number of ranks. Where not all fit into memory, a thread reads those of coming steps (loader_ahead_impl.h). Every function:
 * Not collective. */
#pragma once
#include "loader.h"
#include "plan_impl.h"
#include "spelling.h"

/* Rows in memory, without padding. */
typedef struct lk_held {
  uint32_t *id;    /* [rows] row number over all buckets of the split */
  int32_t *length; /* [rows] input positions in the view; pairs: of the source */
  int64_t *offset; /* [rows] start of the row in source, target and frames, in positions; running text: [lanes] */
  int32_t *source; /* units of all rows; LM: one more per row than its length */
  int32_t *target; /* LABEL: parallel to source; CLASSIFY: [rows] */
  float *frames;   /* [positions, D] */
  int32_t *further[LK_MAX_COLUMNS]; /* [positions, width] of the other columns, int32 or float */
  int32_t *target_length;           /* [rows] pairs: positions of the target */
  int64_t *target_offset;           /* [rows] pairs: start in target, which has one unit more per row than its length */
  int32_t *reference;               /* [rows] index into references */
} lk_held;
typedef struct lk_supply lk_supply;
typedef struct lk_ahead lk_ahead;

struct lk_loader {
  lk_loader_settings settings;
  lk_shards shards;
  lk_corpus_kind kind;
  int stream;
  int buckets; /* of the split; for lk_loader_where() */
  lk_bucket bucket[LK_MAX_BUCKETS];
  ptrdiff_t labels, D;
  int32_t least_label;   /* lowest value that may be stored in place of a label in this split */
  lk_bounds most;        /* of a batch */
  lk_bounds *shard_most; /* [shards] what one shard contributes to it */
  int64_t steps;

  lk_plan plan;
  ptrdiff_t rows;        /* on this rank */
  ptrdiff_t *first;      /* [shards+1] index of the first row of local shard s */
  lk_held all;           /* [rows] every row; with `ahead` only their lengths, labels and references */
  const lk_held *held;   /* where the rows of the batch are: all, or a part of what is read ahead */
  const lk_supply *part; /* the part; NULL: all */
  lk_ahead *ahead;       /* NULL: all rows are in memory */
  size_t memory;         /* bytes that rows take, or may take */
  ptrdiff_t used;        /* positions stored so far */
  size_t source_capacity, target_capacity, frames_capacity;
  lk_column_form form[LK_MAX_COLUMNS]; /* forms of the batch's columns; the first is source or frames */
  int columns;
  int further[LK_MAX_COLUMNS]; /* the number of each among the corpus's further columns; [0] is not used */
  size_t further_capacity[LK_MAX_COLUMNS];
  lk_speller speller;    /* of a spelled column, which then holds indices into it: the units, then other words */
  int32_t spelled_units; /* how many units */
  int32_t *characters;   /* [rows] of characters of each row, until their bound is known */

  int32_t *key;          /* [rows] sort key: the length; pairs: both lengths combined in one number */
  ptrdiff_t target_used; /* pairs: units of targets stored so far */
  lk_strings references; /* pairs: of all rows, if has_references */
  bool has_references;
  int32_t *places, *source_row; /* [3 most.B] scratch; [most.B] row of each sequence on the source side */

  /* The plan of an epoch, of the thread that reads ahead where there is one. */
  int64_t epoch;    /* epoch that order and visits were computed for; -1: none */
  int32_t *order;   /* [rows] the row at position i of local shard s is first[s] + order[first[s] + i] */
  int32_t *scratch; /* [2 * most rows of a shard] */
  int32_t *visits;  /* [steps] order in which the steps are visited */
  int64_t *window;  /* running text: [steps+1] where the windows of `epoch` begin */
  int32_t *picked;  /* [most.B] held row of each sequence of the batch being filled */

  ptrdiff_t begin; /* running text: position in the whole text of all.source[0] */
  lk_range lanes;  /* global numbers of this rank's lanes */
  ptrdiff_t units; /* units of the whole text */
  lk_windows windows;
};

/** Compute the plan of an epoch. */
void lk_loader_plan(lk_loader *loader, int64_t epoch);
/* The held rows that a step takes of a shard: row i is base + order[i], or base + i where order is NULL. */
typedef struct lk_taken {
  const int32_t *order;
  ptrdiff_t base, count;
} lk_taken;
/** The rows that `step` takes of local shard s. before: how many it takes of the local shards before s. */
lk_taken lk_loader_take(const lk_loader *loader, int64_t step, int s, ptrdiff_t before);

/** Read the rows of this rank's shards; with `ahead` only what they are planned by. LK_DATA with bucket and row. */
LK_CHECKED lk_status lk_loader_read_rows(lk_loader *loader, const lk_corpus *corpus);
/** For a spelled column: turn the values of the file into indices into the speller. source: the units at the same
 *  positions. */
static inline void lk_loader_spell(const lk_loader *loader, ptrdiff_t count, const int32_t *source, int32_t *values) {
  for (ptrdiff_t i = 0; i < count; i++) values[i] = values[i] == 0 ? source[i] : loader->spelled_units + values[i];
}
/* Bounds, in loader_bounds.c. */
/** *N = the total length of the longest rows of a local shard, as many as a step can take of it; *T = the greatest. */
void lk_loader_measure(lk_loader *loader, int shard, const int32_t *length, ptrdiff_t *N, ptrdiff_t *T);
/** Allocate shard_most. */
LK_CHECKED lk_status lk_loader_reserve_bounds(lk_loader *loader);
/** Compute loader->most from shard_most, once that is complete. */
void lk_loader_join_bounds(lk_loader *loader);

/* Functions for pairs, in loader_pairs.c. */
/** Allocate the arrays that only pairs have. */
LK_CHECKED lk_status lk_loader_reserve_pairs(lk_loader *loader);
/** Make room for the target of a row, of `length` units. */
LK_CHECKED lk_status lk_loader_keep_target(lk_loader *loader, ptrdiff_t row, ptrdiff_t length);
/** Store string `at` of `references` as the accepted targets of a row. */
LK_CHECKED lk_status lk_loader_keep_reference(lk_loader *loader, ptrdiff_t row, const lk_strings *references,
                                              ptrdiff_t at);
/** To be called when all rows are stored and measured: computes sort keys, and allocates scratch. */
LK_CHECKED lk_status lk_loader_finish_pairs(lk_loader *loader);
/** Select the rows of a step and set up both packs. */
void lk_loader_pick_pairs(lk_loader *loader, int64_t step, lk_batch *batch);
void lk_loader_fill_pairs(const lk_loader *loader, lk_batch *batch);

/** Read this rank's lanes; with `ahead` only what they are planned by. LK_USAGE if the text is too short for them. */
LK_CHECKED lk_status lk_loader_read_lanes(lk_loader *loader, const lk_corpus *corpus);
