/* h5.h - HDF5 files that are written atomically, and read as untrusted input.
 *
 * Writing: the file is built in memory, or for large corpora in a temporary file in the target's folder. Then its
 * digest is put into its 512-byte user block (`lockstep xxh3-128 <32 hex digits> <bytes of the file>`), and it is
 * synced and renamed to the target (durable.h). Nothing is visible under the target's name before lk_h5_commit().
 * Reading: the digest is verified before HDF5 reads a byte. All sizes in the file are checked against its length. Soft
 * and external links, external storage, virtual data sets and filters other than shuffle, deflate and fletcher32 are
 * refused (LK_DATA). HDF5 first parses the file in a child process with limited memory and time; where it crashes
 * there, the result is LK_DATA. HDF5's error stack is never printed.
 *
 * Paths are "/group/dataset"; missing groups are created. Arrays are dense, row-major. Not thread-safe: one thread
 * only. Every function: Not collective. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

typedef enum lk_type { LK_INT32, LK_INT64, LK_FLOAT32, LK_FLOAT64, LK_UINT8 } lk_type;
#define LK_H5_DIMS 3

typedef struct lk_h5 lk_h5;

/** The version of the HDF5 library that this program runs with, "1.10.8".          Not collective. */
void lk_h5_library(size_t size, char *out);
/** The version that it was compiled with.                                         Not collective. */
void lk_h5_built_with(size_t size, char *out);
/** Begin to write the file `path`. in_memory: it is built in memory, as checkpoints are. LK_IO, LK_MEMORY. */
LK_CHECKED lk_status lk_h5_create(lk_h5 **file, const char *path, bool in_memory);
/** Open one of our files for reading. verify: check its digest, LK_DATA "... is damaged: ..." where it does not hold,
 *  and let a child parse it first; without `verify` another rank must have opened it with it. Files without our user
 *  block are refused; frames in other files are read by foreign.h. LK_IO, LK_DATA, LK_NEWER. */
LK_CHECKED lk_status lk_h5_open(lk_h5 **file, const char *path, bool verify);
/** Whether a file begins as those of Lockstep do, damaged or not; false where it cannot be read. */
bool lk_h5_is_ours(const char *path);
/** The program that the child runs; NULL for the default, this program by /proc/self/exe. A program that loads this
 *  library with dlopen() must name one that is linked with it, such as the installed `lockstep`. The path is not
 *  copied. */
void lk_h5_probe_program(const char *path);
/** Opening a file changes two of HDF5's settings for the whole process: no error stacks are printed, no plugins loaded.
 *  Set them back to what they were, for a caller that uses HDF5 itself. */
void lk_h5_restore_settings(void);
/** Finish a created file and make it visible. Only lk_h5_close() may follow. LK_IO (full disk, ...). */
LK_CHECKED lk_status lk_h5_commit(lk_h5 *file);
/** Finish an in-memory file as bytes, with user block and digest, for a writer thread; caller frees *bytes. */
LK_CHECKED lk_status lk_h5_image(lk_h5 *file, void **bytes, size_t *size);
/** Close; a created file that was not committed is removed. */
void lk_h5_close(lk_h5 **file);
/** The digest of the opened or committed file: 32 hex digits of XXH3-128. */
const char *lk_h5_digest(const lk_h5 *file);
const char *lk_h5_path(const lk_h5 *file);

/** A whole dataset. deflate 0..9: chunked by rows, shuffled and compressed where > 0. `note`: its description, or
 *  NULL. */
LK_CHECKED lk_status lk_h5_write(lk_h5 *file, const char *path, lk_type type, int dims, const ptrdiff_t shape[],
                                 const void *data, int deflate, const char *note);
/** A dataset that grows along axis 0, chunked by `chunk` rows: each call appends shape[0] rows. The first call creates
 *  it. */
LK_CHECKED lk_status lk_h5_append(lk_h5 *file, const char *path, lk_type type, int dims, const ptrdiff_t shape[],
                                  const void *data, ptrdiff_t chunk, int deflate, const char *note);
/** Strings as a 1-D dataset of UTF-8 of fixed size, padded with NUL: unlike strings of variable length they are compressed.
 *  LK_DATA where a string holds NUL or is longer than 16 MiB. */
LK_CHECKED lk_status lk_h5_write_strings(lk_h5 *file, const char *path, const lk_strings *strings, const char *note);
/* Strings that need not all be in memory. */
typedef struct lk_h5_strings {
  ptrdiff_t count;
  size_t longest; /* bytes */
  void *context;
  lk_status (*next)(void *context, const char **text, size_t *size); /* called `count` times; without NUL */
} lk_h5_strings;
/** The same of such strings. */
LK_CHECKED lk_status lk_h5_write_strings_from(lk_h5 *file, const char *path, const lk_h5_strings *strings,
                                              const char *note);
/** Attributes of a group or dataset ("/" for the file). Text is one string of variable length, UTF-8, which h5py and netCDF
 *  return as text. LK_DATA where it is longer than 16 MiB. */
LK_CHECKED lk_status lk_h5_set_text(lk_h5 *file, const char *object, const char *name, const char *text);
LK_CHECKED lk_status lk_h5_set_int(lk_h5 *file, const char *object, const char *name, int64_t value);
LK_CHECKED lk_status lk_h5_set_real(lk_h5 *file, const char *object, const char *name, double value);

/* Curves over one axis, as other programs find and plot them. */
typedef struct lk_h5_curve {
  const char *name, *units;
} lk_h5_curve;
/** The group `path` with a dataset of float64 [rows] for each column of table [rows, columns]. The first is the axis: a
 *  dimension scale of the others (HDF5 Dimension Scale Specification, as netCDF-4 has it). The group is of NeXus class
 *  NXdata, with curve `shown` as its signal; the others, of other scales, are not drawn over it. */
LK_CHECKED lk_status lk_h5_write_curves(lk_h5 *file, const char *path, const lk_h5_curve *curves, int columns,
                                        int shown, ptrdiff_t rows, const double *table, const char *note);
/** Make `path` the member of its group that NeXus programs show by default. nx_class: of that group. */
LK_CHECKED lk_status lk_h5_show(lk_h5 *file, const char *group, const char *nx_class, const char *member);

/** Whether a file of this size can hold so many bytes, as dense as deflate packs them: to be asked before memory is
 *  allocated for several datasets, which may be one under several names. */
bool lk_h5_may_hold(const lk_h5 *file, uint64_t bytes);
/** Whether there is such a group or dataset, reached by hard links only; whether it is a group. */
bool lk_h5_exists(const lk_h5 *file, const char *path);
bool lk_h5_is_group(const lk_h5 *file, const char *path);
/** Type and shape of a dataset; unused axes are 1. LK_DATA where it is no dataset of at most 3 axes and known type. */
LK_CHECKED lk_status lk_h5_shape(const lk_h5 *file, const char *path, lk_type *type, int *dims,
                                 ptrdiff_t shape[LK_H5_DIMS]);
/** Rows [row, row + rows) along axis 0, converted to `type`; the caller allocates by lk_h5_shape(). */
LK_CHECKED lk_status lk_h5_read(const lk_h5 *file, const char *path, lk_type type, ptrdiff_t row, ptrdiff_t rows,
                                void *data);
/** How many strings lk_h5_read_strings() would append. LK_DATA. */
LK_CHECKED lk_status lk_h5_count_strings(const lk_h5 *file, const char *path, ptrdiff_t *count);
/** Appends to `strings`, of fixed or variable length (numbers are read from `path`_count where that exists). */
LK_CHECKED lk_status lk_h5_read_strings(const lk_h5 *file, const char *path, lk_strings *strings);
bool lk_h5_has_attribute(const lk_h5 *file, const char *object, const char *name);
/** Text of any kind: of fixed length, however padded, or of variable length; a scalar, or an array of one. LK_DATA where
 *  the attribute is missing, or is no text in UTF-8. The text is appended to out. */
LK_CHECKED lk_status lk_h5_get_text(const lk_h5 *file, const char *object, const char *name, lk_buffer *out);
LK_CHECKED lk_status lk_h5_get_int(const lk_h5 *file, const char *object, const char *name, int64_t *value);
LK_CHECKED lk_status lk_h5_get_real(const lk_h5 *file, const char *object, const char *name, double *value);
/** Names of the members of a group, sorted. */
LK_CHECKED lk_status lk_h5_list(const lk_h5 *file, const char *group, lk_strings *names);
