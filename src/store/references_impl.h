/* references_impl.h - accepted targets of the rows of a bucket, on their way to the corpus.
 *
 * HDF5 must know the longest string before the first one is written, so they are written when all are there. Until then
 * those of rows that are in the file already wait in a spool. Every function: Not collective. */
#pragma once
#include "blocks.h"
#include "h5.h"
#include "text.h"

/* Strings that are in the spool, one after the other with a NUL behind each. */
typedef struct lk_put_away {
  uint64_t at;
  size_t bytes;
} lk_put_away;

/* {0} is empty. */
typedef struct lk_references {
  lk_strings recent; /* those that are not in the spool */
  lk_put_away *away; /* [aways], the first first */
  size_t capacity;
  ptrdiff_t aways, count; /* count: of all strings */
  size_t longest;         /* bytes */
} lk_references;

LK_CHECKED lk_status lk_references_add(lk_references *references, const char *text, size_t size);
/** Move the recent ones to the spool. LK_IO. */
LK_CHECKED lk_status lk_references_put_away(lk_references *references, lk_spool *spool);
/** Write all as a dataset; nothing where there are none. */
LK_CHECKED lk_status lk_references_write(const lk_references *references, const lk_spool *spool, lk_h5 *file,
                                         const char *path);
void lk_references_release(lk_references *references);
