/* checkpoint_impl.h - what the reader and the writer of checkpoints share. */
#pragma once
#include "checkpoint.h"

#define LK_CHECKPOINT_VERSION 3 /* 2: LK_STATE_INTEGERS_2; 3: the history as curves instead of a table */
#define LK_CHECKPOINT_FORMAT  "lockstep-checkpoint"
#define LK_HISTORY_LOSS       2
#define LK_SCHEDULE_COUNT     8

extern const lk_h5_curve lk_history_curves[LK_HISTORY_COLUMNS];

/** Read /state and check that every counter is within its bounds. LK_DATA.        Not collective. */
LK_CHECKED lk_status lk_state_read(const lk_h5 *file, lk_state *state);

/** "<root>/<name with its dots as slashes>" into *path, which is overwritten. LK_MEMORY. */
LK_CHECKED lk_status lk_tensor_path(lk_buffer *path, const char *root, const char *name);
