/* h5_apart.h - a second reader of an open file, for a thread beside the one that uses HDF5, which is not thread-safe.
 *
 * When a data set is added, HDF5 is asked where its chunks are; pread() and our decoder then read them without HDF5.
 * The reader has a descriptor of its own, and may outlive the file. After the last lk_h5_add_apart() it belongs to the
 * thread, which may call lk_h5_read() for what was added, lk_h5_check_same(), lk_h5_path() and lk_h5_close(). */
#pragma once
#include "h5.h"

/** Create a reader. together: how many data sets are read in turns; for so many a decoded chunk is kept. LK_IO,
 *  LK_MEMORY.                                                                                      Not collective. */
LK_CHECKED lk_status lk_h5_apart(lk_h5 **apart, const lk_h5 *file, int together);
/** Add a data set of numbers, to be read as `type`. What is not in chunks of that type is read now, as a whole. LK_DATA,
 *  LK_IO, LK_MEMORY.                                                              Not collective. */
LK_CHECKED lk_status lk_h5_add_apart(lk_h5 *apart, const lk_h5 *file, const char *path, lk_type type);
/** Whether the file is still the one that was opened. If it was written to meanwhile, its digest is verified again.
 *  LK_DATA "FILE was changed while it was being read", LK_IO.                     Not collective. */
LK_CHECKED lk_status lk_h5_check_same(lk_h5 *apart);
/** Rows in a chunk of a data set that was added; all its rows if it is not in chunks. Not collective. */
ptrdiff_t lk_h5_piece(const lk_h5 *apart, const char *path);
/** Bytes that the reader needs for chunks.                                        Not collective. */
size_t lk_h5_apart_bytes(const lk_h5 *apart);
