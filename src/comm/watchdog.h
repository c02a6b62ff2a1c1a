/* watchdog.h - a thread per rank that ends a job in which nothing moves any more.
 *
 * The rank says what it is doing (its phase) and when it got on; the thread looks at the time of the last such word.
 * Where that is too long ago one line says which rank of which host is stuck, in which step and phase, and the whole job
 * ends with exit code 76. The ranks of a host keep their words in shared memory, so the one that holds the others up is
 * named, not one that waits for it; a host whose ranks all wait lets other hosts speak first.
 *
 * A step, a reduction: `seconds`, or where that is 0 twenty times the median step, at least 60, and 600 for the first.
 * Loading, evaluation and checkpoints count as alive while they beat, and may be silent ten times as long; the ranks of
 * their host that wait for them meanwhile are alive too. */
#pragma once
#include <stdint.h>

#include "comm.h"

/* name, words, factor on the limit */
#define LK_PHASE_LIST(X)          \
  X(LOADING, "loading", 10)       \
  X(STEP, "step", 1)              \
  X(REDUCTION, "reduction", 1)    \
  X(EVALUATION, "evaluation", 10) \
  X(CHECKPOINT, "checkpoint", 10)

typedef enum lk_phase {
#define LK_PHASE_ENUM(name, words, factor) LK_PHASE_##name,
  LK_PHASE_LIST(LK_PHASE_ENUM)
#undef LK_PHASE_ENUM
} lk_phase;

/** Start the thread; the phase is loading. seconds: see above.                    Collective. */
LK_CHECKED lk_status lk_watchdog_start(lk_comm *comm, double seconds);
/** End it. Nothing where there is none.                                           Collective. */
void lk_watchdog_stop(lk_comm *comm);

/* All of these do nothing where no watchdog was started. Not collective. */
/** A new phase of step `step` begins. */
void lk_watchdog_phase(lk_comm *comm, lk_phase phase, int64_t step);
/** The phase gets on. */
void lk_watchdog_beat(lk_comm *comm);
/** A step has ended and took so long. */
void lk_watchdog_stepped(lk_comm *comm, double seconds);
/** Median of the last steps in seconds, 0 where none was told; and the limit for a step. */
double lk_watchdog_median(const lk_comm *comm);
double lk_watchdog_limit(const lk_comm *comm);
