/* foreign.h - frames in an HDF5 file that Lockstep did not write, read without HDF5 in this process.
 *
 *   /frames   [n,D]     numbers of any kind: the frames of all rows, one after the other
 *   /offsets  [rows+1]  whole numbers: row i has frames offsets[i] to offsets[i+1]
 *   /labels   [rows]    strings, whole numbers or names
 *
 * A child process opens the file, reads it from beginning to end and sends plain arrays through a pipe, since a damaged
 * file can crash HDF5 (h5.h). The parent compares their sizes with what was announced and with the size of the file.
 * Rows should be read in order: going back starts another child at the beginning. Not thread-safe. Every function:
 *                                                                                 Not collective. */
#pragma once
#include "text.h"

typedef struct lk_foreign lk_foreign;

typedef struct lk_foreign_info {
  ptrdiff_t rows, width, frames; /* rows, D, n */
  const int64_t *offset;         /* [rows+1], ascending from 0 to n */
  const lk_strings *label;       /* [rows], valid UTF-8 */
} lk_foreign_info;

/** Open a file and read everything but the frames. `name` is for messages. LK_IO, also where no process can be started;
 *  LK_DATA naming data set, row and value. */
LK_CHECKED lk_status lk_foreign_open(lk_foreign **file, const char *path, const char *name);
void lk_foreign_close(lk_foreign **file);
const lk_foreign_info *lk_foreign_about(const lk_foreign *file);
/** The frames of a row, float32, which may be NaN or infinite: *frames [length,D] is owned by the file and valid until
 *  the next call. LK_DATA where a number is beyond float32, where the row is over 256 MiB, or where the child found
 *  damage. */
LK_CHECKED lk_status lk_foreign_row(lk_foreign *file, ptrdiff_t row, const float **frames, ptrdiff_t *length);
