/* watchdog.h - a thread in each rank that ends a job which makes no progress any more.
 *
 * A rank records its phase and, whenever it makes progress, the time. Where the last record is older than the limit,
 * the thread prints one line with rank, host, step and phase, and ends the whole job with exit code 76. The ranks of a
 * host keep their records in shared memory, so the line names the rank that the others wait for; where all ranks of a
 * host wait, ranks of other hosts report first.
 *
 * The limit for a step and for a reduction is `seconds`; where that is 0, 20 times the median step but at least 60 s,
 * and 600 s for the first step. Loading, evaluation and checkpoints have 10 times the limit from one lk_watchdog_beat()
 * to the next; ranks of the same host that wait for them meanwhile count as making progress. */
#pragma once
#include <stdint.h>

#include "comm.h"

/* name, text, factor on the limit */
#define LK_PHASE_LIST(X)          \
  X(LOADING, "loading", 10)       \
  X(STEP, "step", 1)              \
  X(REDUCTION, "reduction", 1)    \
  X(EVALUATION, "evaluation", 10) \
  X(CHECKPOINT, "checkpoint", 10)

typedef enum lk_phase {
#define LK_PHASE_ENUM(name, text, factor) LK_PHASE_##name,
  LK_PHASE_LIST(LK_PHASE_ENUM)
#undef LK_PHASE_ENUM
} lk_phase;

/** Start the thread, in phase loading. seconds: the limit, 0: by the median step.  Collective. */
LK_CHECKED lk_status lk_watchdog_start(lk_comm *comm, double seconds);
/** End the thread, if there is one.                                               Collective. */
void lk_watchdog_stop(lk_comm *comm);

/* Without a watchdog the functions below do nothing. Not collective. */
/** Phase `phase` of step `step` begins. */
void lk_watchdog_phase(lk_comm *comm, lk_phase phase, int64_t step);
/** The phase makes progress. */
void lk_watchdog_beat(lk_comm *comm);
/** A step has ended, after so many seconds. */
void lk_watchdog_stepped(lk_comm *comm, double seconds);
/** Median of the last steps and limit for a step, in seconds; 0 where there is none. */
double lk_watchdog_median(const lk_comm *comm);
double lk_watchdog_limit(const lk_comm *comm);
