/* beam_impl.h - a beam search over many sources at once, and what it found. */
#pragma once
#include "decode_impl.h"
#include "translate.h"

/* One unit that was written: a tree from each source's beginning. */
typedef struct lk_beam_node {
  int32_t parent, id; /* parent -1: the first */
} lk_beam_node;

/* A beginning that goes on. */
typedef struct lk_live {
  int32_t source, node; /* node -1: nothing written yet */
  double log_probability;
} lk_live;

typedef struct lk_finished {
  int32_t node;
  ptrdiff_t units; /* <eos> included */
  double log_probability, score;
} lk_finished;

/* A way for a beginning to go on. */
typedef struct lk_way {
  int32_t live, id;
  double log_probability;
} lk_way;

typedef struct lk_beam {
  lk_model *model;
  const lk_translate *how;
  ptrdiff_t K, V, width; /* live beginnings of a source; outputs; reals of one's states */
  ptrdiff_t B, T;        /* sources; times of the longest */

  lk_beam_node *node;
  ptrdiff_t nodes;
  size_t node_capacity;
  lk_real *weights; /* [nodes, T] where they are asked for */
  size_t weight_capacity;

  lk_live *live; /* [count] by source */
  ptrdiff_t count;
  size_t live_capacity;
  lk_live *next;
  size_t next_capacity;
  lk_real *states, *states_next; /* [count, width] */
  size_t states_capacity, states_next_capacity;
  double *coverage, *coverage_next; /* [count, T]: attention so far */
  size_t coverage_capacity, coverage_next_capacity;
  int32_t *ids, *source;
  size_t id_capacity, source_capacity;
  double *norm; /* [count] see lk_head_norms() */
  size_t norm_capacity;

  lk_way *way; /* [B, 2K] the best of each source, by falling log-probability */
  ptrdiff_t *ways;
  size_t way_capacity, ways_capacity;
  lk_finished *finished; /* [B, K] by falling score */
  ptrdiff_t *found;
  size_t finished_capacity, found_capacity;
} lk_beam;

/** Translate the sources of a batch: finished[b K + i] for i < found[b], the best first. LK_MEMORY. */
LK_CHECKED lk_status lk_beam_search(lk_beam *beam, const lk_batch *batch);
void lk_beam_release(lk_beam *beam);
