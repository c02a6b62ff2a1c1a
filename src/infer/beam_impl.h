/* beam_impl.h - a beam search over many sources at once, and what it found. */
#pragma once
#include "mixture_impl.h"
#include "translate.h"

/* One unit that was written. Those of a source form a tree from its beginning on. */
typedef struct lk_beam_node {
  int32_t parent, id; /* parent -1: the first */
} lk_beam_node;

/* A beginning of a translation that is still being continued. */
typedef struct lk_live {
  int32_t source, node; /* node -1: nothing written yet */
  double log_probability;
} lk_live;

typedef struct lk_finished {
  int32_t node;
  ptrdiff_t units; /* <eos> included */
  double log_probability, score;
} lk_finished;

/* A way to continue a beginning, by one unit. */
typedef struct lk_way {
  int32_t live, id;
  double log_probability;
} lk_way;

/* Sources as one of the models reads them. */
typedef struct lk_sources {
  const lk_batch *batch;
  const int32_t *at; /* [B] of a further model: its sequence for each of the first model's; NULL: the same one */
} lk_sources;

/* What one of the models keeps for the beginnings. */
typedef struct lk_reader {
  ptrdiff_t width;               /* reals of a beginning's states */
  lk_real *states, *states_next; /* [count, width] */
  size_t states_capacity, states_next_capacity;
  int32_t *ids, *source; /* [count] the unit written last and the source, as the model numbers them */
  size_t id_capacity, source_capacity;
} lk_reader;

typedef struct lk_beam {
  lk_model *model; /* the first of those that translate together */
  const lk_translate *how;
  lk_mixture mixture;
  lk_reader *reader; /* [mixture.count] */
  ptrdiff_t K, V;    /* live beginnings of a source; outputs */
  ptrdiff_t B, T;    /* sources; times of the longest */

  lk_beam_node *node;
  ptrdiff_t nodes;
  size_t node_capacity;
  double *weights; /* [nodes, T] where they are asked for */
  size_t weight_capacity;

  lk_live *live; /* [count] by source */
  ptrdiff_t count;
  size_t live_capacity;
  lk_live *next;
  size_t next_capacity;
  double *coverage, *coverage_next; /* [count, T]: attention so far */
  size_t coverage_capacity, coverage_next_capacity;

  lk_way *way; /* [B, 2K] the best of each source, by falling log-probability */
  ptrdiff_t *ways;
  size_t way_capacity, ways_capacity;
  lk_finished *finished; /* [B, K] by falling score */
  ptrdiff_t *found;
  size_t finished_capacity, found_capacity;
} lk_beam;

/** Translate sources [models], one entry for each of the models that translate together: finished[b K + i] of the first
 *  model's source b for i < found[b], the best first. LK_MEMORY. */
LK_CHECKED lk_status lk_beam_search(lk_beam *beam, const lk_sources *sources);
/** Whether one of the models attends to its sources. */
bool lk_beam_attends(const lk_beam *beam);
void lk_beam_release(lk_beam *beam);
