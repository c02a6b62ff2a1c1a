/* weights.h - updated weights that are still on their way to this rank when the next step begins.
 *
 *   lk_weights_begin()     after the update; with several sections (sections.h) it returns at once
 *   the next step          where its forward pass comes to a stage (task.h) whose values have not arrived, it waits, and
 *                          each rank of a host packs its part; others are packed as they arrive
 *   lk_weights_settle()    before anything else reads or writes values, the next update included
 *
 * Times and lengths of messages change no bits. */
#pragma once
#include "replicas.h"
#include "task.h"

typedef struct lk_weights {
  lk_task *task;
  lk_params *params;
  lk_replicas *replicas;
  int stages, packed;     /* stages of the net; of those, that this rank has packed its part of */
  bool under_way;         /* begun and not settled */
  lk_status failed;       /* in a forward pass, until lk_weights_settle() returns it */
  double waited, packing; /* seconds since it began: of passes, for values and for others to pack them; of packing */
} lk_weights;

/** Prepare for a task whose packed weights lie in the store; all arguments must outlive the result. Not collective. */
lk_weights lk_weights_make(lk_task *task, lk_params *params, lk_replicas *replicas);
/** To be called after an update of this rank's ranges, with the arguments of lk_replicas_begin(). behind: passes of the
 *  task wait for what they need; else all has arrived and is packed when this returns. Collective. */
LK_CHECKED lk_status lk_weights_begin(lk_weights *weights, const float *master, const uint8_t *changed, bool behind);
/** Wait until all values have arrived everywhere on this host and are packed, and what this rank sends has left. No
 *  effect if nothing is under way.                                                Collective. */
LK_CHECKED lk_status lk_weights_settle(lk_weights *weights);
/** Pack all weights again, together with the ranks that share them: after each other change. Collective. */
LK_CHECKED lk_status lk_weights_pack(lk_weights *weights);
