/* accumulate.h - the gradient of a rank's shards in parts (train.accumulate), in the memory of one.
 *
 * A part computes the subtrees of its own block of shards, as if the rank had no others. They are added along the tree
 * as soon as a node is complete, and end in the vectors of the rank's own subtrees; so the bits are those of one pass
 * over all shards. Nodes that wait need further vectors: about as many as the tree of the parts is deep.
 *
 *     8 shards in 4 parts     (0 1)    (2 3)     (4 5)    (6 7)
 *     written, then added     w        a, w+=a   a        b, a+=b, w+=a
 *
 * Every function: Not collective. */
#pragma once
#include "batch_parts.h"
#include "task.h"

enum { LK_MOST_VECTORS = 2 * LK_MAX_SUBTREES + LK_TREE_LEVELS };

typedef struct lk_accumulate {
  lk_batch_parts parts;
  lk_grads whole;                   /* of the rank's subtrees: vectors 0, 1, ... */
  int vectors;                      /* with those */
  lk_real *vector[LK_MOST_VECTORS]; /* [P] */
  uint8_t *marks[LK_MOST_VECTORS];  /* of its rows (lk_grads.touched) */
  bool taken[LK_MOST_VECTORS];      /* holds a node that waits */
  int written[LK_MAX_SUBTREES];     /* vector of each subtree of the part at hand */
  lk_tree tree;                     /* of the rank's subtree at hand */
  int holds[LK_TREE_LEVELS];        /* vector of each node on its stack */
} lk_accumulate;

/** LK_USAGE, naming the setting, where there are fewer shards than parts. */
LK_CHECKED lk_status lk_accumulate_check(const lk_config *config, int shards);
/** Lay out the parts of a loader's batches, and vectors. whole: gets the gradients of the rank's subtrees. */
void lk_accumulate_layout(lk_accumulate *a, lk_arena *arena, const lk_loader *loader, int wanted,
                          const lk_grads *whole);
/** Bytes of the vectors that would not be needed with one part. */
size_t lk_accumulate_bytes(const lk_accumulate *a);
/** lk_task_train() of a loader's batch, part by part. stat [shards of the rank] */
void lk_accumulate_train(lk_accumulate *a, lk_task *task, const lk_params *params, const lk_batch *batch, lk_mode mode,
                         lk_real *lanes, lk_shard_stat *stat);

/* The steps of lk_accumulate_train(), for tests. */
/** Before a part's backward pass: where its subtrees are to be written. */
void lk_accumulate_begin(lk_accumulate *a, const lk_shards *part, lk_grads *grads);
/** To be called after the backward pass: add what is complete. */
void lk_accumulate_end(lk_accumulate *a, const lk_shards *part);
