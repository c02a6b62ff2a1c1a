/* api_impl.h - what the sources of the public library share.
 *
 * Each public function takes the library's lock, calls internal functions, and keeps what went wrong for its thread:
 *
 *   LK_ENTER();
 *   return lk_api_leave(lk_something(...));
 *
 * The internal record of errors is one for the process; the lock is what makes it, HDF5 and the choice of kernels safe. */
#pragma once

#include "lockstep/error.h"
#include "status.h"

/** Take the lock. LK_USAGE, without the lock, where this thread has it already (a call from a callback). */
LK_CHECKED lk_status lk_api_enter(void);
/** Give the lock back, and keep the text of a failure for lockstep_error(). */
lockstep_status lk_api_leave(lk_status status);

#define LK_ENTER() \
  if (lk_api_enter() != LK_OK) return LOCKSTEP_USAGE
