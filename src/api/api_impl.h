/* api_impl.h - what the sources of the public library share.
 *
 * A public function that does work takes the library's lock, calls internal functions, and keeps the message of an
 * error for its thread:
 *
 *   LK_ENTER();
 *   return lk_api_leave(lk_something(...));
 *
 * The record of errors, HDF5's state and the choice of kernels belong to the process: the lock makes them safe. */
#pragma once
#include "config.h"
#include "lockstep/config.h"
#include "text.h"

struct lockstep_config {
  lk_config config;
  lk_buffer text; /* what the last call has returned */
};

/** Take the lock. LK_USAGE, without the lock, where this thread has it already (a call from a callback). */
LK_CHECKED lk_status lk_api_enter(void);
/** Give the lock back, and keep the text of a failure for lockstep_error(). */
lockstep_status lk_api_leave(lk_status status);
#define LK_ENTER() \
  if (lk_api_enter() != LK_OK) return LOCKSTEP_USAGE

/** Copy the caller's struct of options, `theirs`, over the defaults in `own`. Such a struct begins with its size;
 *  fields that an older header lacks keep their defaults. No effect if theirs is NULL. LK_USAGE if the size was not
 *  set, or is a newer header's. */
LK_CHECKED lk_status lk_api_options(void *own, size_t size, const void *theirs);
/** String i, NULL where there is none. */
const char *lk_api_string(const lk_strings *strings, int64_t i);
