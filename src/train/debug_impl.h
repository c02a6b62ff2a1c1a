/* debug_impl.h - faults that tests ask for with LOCKSTEP_DEBUG="nan:rank=1,step=5" (CONTRIBUTING.md).
 *
 * nan    the rank's gradient of that step has a NaN          flip   a bit of the rank's copy of the weights flips
 * spike  the rank's losses of that step are 1,000 times as high
 * stall  the rank stops making progress                      kill   the rank is killed (SIGKILL)
 * Steps count batches, from 1. Several faults are separated by ";". */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "status.h"

enum { LK_DEBUG_FAULTS = 8 };
typedef enum lk_fault_kind { LK_FAULT_NAN, LK_FAULT_FLIP, LK_FAULT_STALL, LK_FAULT_KILL, LK_FAULT_SPIKE } lk_fault_kind;

typedef struct lk_debug {
  int count; /* 0: none, the only thing that a step tests */
  struct lk_fault {
    lk_fault_kind kind;
    int rank;
    int64_t step;
  } fault[LK_DEBUG_FAULTS];
} lk_debug;

/** Read the text of LOCKSTEP_DEBUG. LK_USAGE where it is malformed.                         Not collective. */
LK_CHECKED lk_status lk_debug_read(lk_debug *debug, const char *text);
/** Whether that fault is due here.                                                Not collective. */
bool lk_debug_due(const lk_debug *debug, lk_fault_kind kind, int rank, int64_t step);
/** Stall, or kill this process, where due.                                               Not collective. */
void lk_debug_act(const lk_debug *debug, int rank, int64_t step);
/** Flip the lowest bit of a number's mantissa.                                    Not collective. */
void lk_debug_flip(float *value);
