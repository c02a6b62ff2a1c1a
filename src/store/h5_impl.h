/* h5_impl.h - an open HDF5 file from inside.
 *
 * HDF5 does all input and output through our driver (h5_driver.c), which writes to memory or to a temporary file, reads
 * from the descriptor whose digest was verified, and records the first error, which HDF5 1.10 may not report when it
 * closes a file. Data sets stay open in a small table. Their chunks are decoded by h5_chunk.c, which bounds every
 * size. */
#pragma once
#include <hdf5.h>
#include <time.h>

#include "h5.h"
#include "store_impl.h"

#define LK_H5_BLOCK     512                 /* the user block, bytes */
#define LK_H5_CHUNK     ((hsize_t)64 << 20) /* largest chunk that is read, bytes, inflated */
#define LK_H5_MEMBERS   (1 << 16)           /* members of a group */
#define LK_H5_TEXT      ((size_t)16 << 20)  /* bytes of an attribute or a string */
#define LK_H5_DEPTH     16                  /* components of a path */
#define LK_H5_OPEN      32                  /* data sets kept open for reading */
#define LK_H5_FILTERS   4
#define LK_H5_REFERENCE 16   /* bytes of a string of variable length beside the heap, in a file with addresses of 8 */
#define LK_H5_INFLATES  1032 /* deflate cannot expand a byte to more than this */

typedef struct lk_h5_place lk_h5_place;

/* The bytes of the file. */
typedef struct lk_h5_disk {
  int fd;               /* -1: in memory */
  unsigned char *bytes; /* [capacity] */
  size_t capacity;
  uint64_t size;           /* of the file so far */
  int error;               /* the first errno; later writes are ignored, so that HDF5 can still close the file */
  struct timespec changed; /* when the file was last written to, as it was opened */
  lk_h5_place *locating;   /* set: raw data are not read, it is noted where they are */
} lk_h5_disk;

typedef struct lk_h5_data lk_h5_data;
typedef struct lk_h5_coder lk_h5_coder;
typedef struct lk_h5_heap lk_h5_heap;

/* The data sets that stay open; a new one replaces the oldest. */
typedef struct lk_h5_table {
  lk_h5_data *data[LK_H5_OPEN];
  int next;
} lk_h5_table;

struct lk_h5 {
  hid_t id;
  char *path;
  bool writing, foreign, closed; /* closed: no longer known to HDF5 */
  lk_temp temp;
  lk_h5_disk *disk;
  char digest[33];
  lk_h5_table *table;      /* reading */
  lk_h5_heap *heap;        /* reading */
  uint64_t base;           /* reading: what addresses count from */
  lk_h5_data *appended;    /* writing: the growing ones */
  lk_h5_coder *coder;      /* writing */
  struct lk_h5_sets *sets; /* reading apart from HDF5 (h5_apart.c): all that can be read */
};

/* One chunk, decoded. */
typedef struct lk_h5_chunk {
  unsigned char *bytes, *spare; /* [room] each */
  size_t room;
  hsize_t at[LK_H5_DIMS];
  bool valid;
} lk_h5_chunk;

/* A data set that passed every check. Axes beyond dims are 1. */
struct lk_h5_data {
  lk_h5_data *next;
  const lk_h5 *file;
  char *path;
  hid_t id, file_type,
      names;       /* names: of an enumeration in a foreign file, file_type is that of its numbers; else invalid */
  lk_type type;    /* nearest of ours; strings: LK_UINT8 */
  bool text, vlen; /* strings of fixed / variable size */
  size_t size;     /* bytes of an element in the file; of a string of variable size those of the reference to it */
  int dims;        /* 0 to 3 */
  hsize_t shape[LK_H5_DIMS], chunk[LK_H5_DIMS];
  bool chunked;
  size_t chunk_bytes; /* of a decoded chunk */
  int filters;
  H5Z_filter_t filter[LK_H5_FILTERS];
  size_t shuffle; /* element size of the shuffle filter */
  lk_h5_chunk cache;
  lk_h5_place *places;  /* read apart: of each chunk, the last axis fastest */
  unsigned char *whole; /* read apart, but not in chunks of native numbers: all of it, converted */
};

/** Switch off HDF5's error printing and plugins; the driver's id, or -1. */
hid_t lk_h5_driver(void);
/** A file access list for `disk`; H5I_INVALID_HID where HDF5 is out of memory. */
hid_t lk_h5_access(lk_h5_disk *disk, bool writing);

/* h5_file.c */
/** An lk_h5 without a file behind it yet. LK_MEMORY. */
LK_CHECKED lk_status lk_h5_new(lk_h5 **file, const char *path);
/** XXH3-128 of what follows the user block, and of the size of the whole, read through the descriptor. tell: as work in
 *  progress (work.h), which one thread alone may do. LK_IO, LK_MEMORY. */
LK_CHECKED lk_status lk_h5_hash(const lk_h5_disk *disk, const char *path, bool tell, char digest[33]);
/** The user block that states digest and size. */
void lk_h5_user_block(char block[LK_H5_BLOCK], const char *digest, uint64_t size);
/** Let HDF5 open file->disk. LK_MEMORY, LK_IO, LK_DATA. */
LK_CHECKED lk_status lk_h5_start(lk_h5 *file);
/** In a child: open the descriptor that the parent passed, of a file whose digest it has verified or, `foreign`, of one
 *  that we did not write. The file owns the descriptor. LK_IO, LK_DATA. */
LK_CHECKED lk_status lk_h5_open_descriptor(lk_h5 **file, const char *path, int fd, bool foreign);
/** Make HDF5 parse everything in a file of ours that reading it may parse later; all must be as we write it.
 *  LK_DATA. */
LK_CHECKED lk_status lk_h5_survey(const lk_h5 *file);

/** Write an attribute of `count` elements of `type`, stored as `file_type`; 0: a scalar. LK_INTERNAL, LK_IO, LK_MEMORY. */
LK_CHECKED lk_status lk_h5_set_attribute(lk_h5 *file, const char *object, const char *name, hsize_t count,
                                         hid_t file_type, hid_t type, const void *value);
/** An attribute of one string of fixed length. */
LK_CHECKED lk_status lk_h5_set_fixed(lk_h5 *file, const char *object, const char *name, const char *text);
/** An attribute of `count` strings of variable length, UTF-8; 0: one, a scalar. */
LK_CHECKED lk_status lk_h5_set_strings(lk_h5 *file, const char *object, const char *name, hsize_t count,
                                       const char *const *strings);

/* h5_error.c */
/** The driver's first error: LK_IO, LK_MEMORY; LK_OK where there is none. */
LK_CHECKED lk_status lk_h5_disk_error(const lk_h5 *file);
/** Record "cannot <what> <object>": LK_IO with the driver's error where there is one, else `code`. */
LK_CHECKED lk_status lk_h5_fail(const lk_h5 *file, lk_status code, const char *what, const char *object);

/** The type of an object, following hard links only; H5I_BADID where it does not exist, H5I_UNINIT where the path
 *  contains a link of another kind. Records no error. */
H5I_type_t lk_h5_find(const lk_h5 *file, const char *path);
/** Open an object, following hard links only. LK_DATA naming path and object. */
LK_CHECKED lk_status lk_h5_open_object(const lk_h5 *file, const char *path, H5I_type_t want, hid_t *id);
/** A checked data set, kept in the file's table. LK_DATA. */
LK_CHECKED lk_status lk_h5_open_data(const lk_h5 *file, const char *path, lk_h5_data **data);
void lk_h5_close_data(lk_h5_data **data);
/** The same, which the caller owns; close what HDF5 has open of it. */
LK_CHECKED lk_status lk_h5_new_data(const lk_h5 *file, const char *path, lk_h5_data **data);
void lk_h5_leave_data(lk_h5_data *data);
/** Elements of rows [row, row + rows) as they are in the file (size bytes each). LK_DATA, LK_IO. */
LK_CHECKED lk_status lk_h5_read_raw(lk_h5_data *data, hsize_t row, hsize_t rows, void *out);
/** The same for chunked data. */
LK_CHECKED lk_status lk_h5_read_chunks(lk_h5_data *data, hsize_t row, hsize_t rows, unsigned char *out);

/** Whether it is one of the standard number types, and the nearest of ours. */
bool lk_h5_known_type(hid_t type, lk_type *nearest);
/** Bytes of a string of fixed length `size` without its padding: NUL, or spaces where the type says so. */
size_t lk_h5_text_size(hid_t type, const char *text, size_t size);
/** Encode a chunk of little-endian 32-bit values as HDF5 stores it with shuffle and deflate. *out is owned by the coder
 *  and valid until the next call. *coder is created where it is NULL. LK_MEMORY. */
LK_CHECKED lk_status lk_h5_code(lk_h5_coder **coder, const uint32_t *values, size_t count, int level, const void **out,
                                size_t *size);
void lk_h5_coder_destroy(lk_h5_coder **coder);

/** HDF5's type in the file (little-endian) and in memory. */
hid_t lk_h5_file_type(lk_type type);
hid_t lk_h5_native_type(lk_type type);
size_t lk_h5_type_size(lk_type type);
