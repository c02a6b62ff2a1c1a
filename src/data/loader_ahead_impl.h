/* loader_ahead_impl.h - rows of coming steps, read by a thread while the net computes.
 *
 * The plan says beforehand which rows each step takes. There are two parts: training reads from one while the thread
 * fills the other with the rows of the steps that follow, as many as fit. It sorts them by their place in the file and
 * passes through this rank's share of it once, decoding each chunk that has one of them: so rows in random order do not
 * cost a chunk each, and a parallel file system sees reads in order. The first parts after a start are small, so that
 * training need not wait; each may hold twice the steps of the one before.
 *
 * In a part rows are numbered as the steps take them: those of step k from begin[k - first] on, shard after shard.
 * Plan, order and windows of the loader belong to the thread; what training needs of them is in the part. Every
 * function: Not collective. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "corpus_apart.h"
#include "loader_impl.h"

typedef enum lk_supply_state { LK_SUPPLY_FREE, LK_SUPPLY_FILLING, LK_SUPPLY_READY } lk_supply_state;

struct lk_supply {
  lk_supply_state state;
  int64_t epoch, first, last; /* of steps first .. last - 1 */
  lk_held held;               /* arrays in memory[]; of a running text only offset, source and further columns */
  int32_t *visit;             /* rows: [steps] loader->visits */
  int64_t *begin; /* [steps + 1] first row of each step; running text: where its window begins, as loader->window */
  char *memory;   /* [room of the two parts] */
};

struct lk_ahead {
  lk_corpus *corpus; /* the thread's */
  lk_supply part[2];
  size_t room;  /* bytes of a part */
  int64_t most; /* steps of the next part */
  pthread_t thread;
  bool running;
  pthread_mutex_t mutex; /* of all below, and of state, epoch, first and last of the parts */
  pthread_cond_t changed;
  int64_t epoch, step; /* where the next part begins, or the one being filled */
  atomic_uint asked;   /* counts jumps: what was being filled then is given up */
  bool stop;
  lk_status status; /* of the thread, which has stopped if it is not LK_OK */
  lk_error error;   /* what failed then */
};

/** Decide by an estimate whether all rows are held; if not, create loader->ahead. LK_MEMORY. */
LK_CHECKED lk_status lk_loader_choose_memory(lk_loader *loader, const lk_corpus_info *info);
/** Once the plan is known: divide the memory, start the thread. LK_USAGE if it is too little; LK_MEMORY. */
LK_CHECKED lk_status lk_ahead_start(lk_loader *loader);
/** End the thread and free everything, if there is a reader ahead. */
void lk_ahead_stop(lk_loader *loader);
/** Wait for the part that has this step, and free those before. LK_DATA, LK_IO, LK_MEMORY. */
LK_CHECKED lk_status lk_ahead_turn(lk_loader *loader, int64_t epoch, int64_t step, const lk_supply **part);
/** Fill a part with the rows of steps from `first` on, at most `most` of them. It is given up without an error where
 *  ahead->asked is no longer `asked`. LK_DATA, LK_IO, LK_MEMORY. */
LK_CHECKED lk_status lk_supply_fill(lk_loader *loader, lk_supply *part, int64_t epoch, int64_t first, int64_t most,
                                    unsigned asked);
/** Bytes of the block of rows that is read at a time. */
size_t lk_supply_block(const lk_loader *loader);
/** Bytes that the batch of any step needs in a part, at most. */
size_t lk_supply_least(const lk_loader *loader);
