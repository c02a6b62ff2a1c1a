/* checkpoint_impl.h - what the reader and the writer of checkpoints share. */
#pragma once
#include "checkpoint.h"

#define LK_CHECKPOINT_VERSION 2
#define LK_CHECKPOINT_FORMAT  "lockstep-checkpoint"
#define LK_HISTORY_NAMES      "step epoch loss rate norm tokens seconds"
#define LK_SCHEDULE_COUNT     8

/** Read /state and check that every counter is within its bounds. LK_DATA.        Not collective. */
LK_CHECKED lk_status lk_state_read(const lk_h5 *file, lk_state *state);

/** "<root>/<name with its dots as slashes>" into *path, which is overwritten. LK_MEMORY. */
LK_CHECKED lk_status lk_tensor_path(lk_buffer *path, const char *root, const char *name);
