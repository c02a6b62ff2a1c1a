/* outside.h - a model as other programs know it: named tensors, and texts about them.
 *
 * Export fills one from a model and hands it to a format; a format fills one from a file and hands it to import. Names
 * and layouts are those of PyTorch (pieces.h), whatever the file: a format that has others converts.
 *
 * Ownership: names, texts and what `owned` points to belong to the lk_outside; `data` may point into `owned`, into the
 * bytes of the file (which it also owns) or into a model that outlives it. Not collective throughout. */
#pragma once
#include "text.h"

enum { LK_OUTSIDE_DIMS = 8 };

/* Types of elements, by safetensors' names, and their bytes; up to I64 they can be converted to floats. */
#define LK_ELEMENTS(X) \
  X(F32, 4)            \
  X(F64, 8)            \
  X(F16, 2)            \
  X(BF16, 2)           \
  X(I32, 4)            \
  X(I64, 8)            \
  X(U8, 1)             \
  X(I8, 1)             \
  X(I16, 2)            \
  X(U16, 2)            \
  X(U32, 4)            \
  X(U64, 8)            \
  X(BOOL, 1)           \
  X(F8_E4M3, 1)        \
  X(F8_E5M2, 1)
typedef enum lk_element {
#define LK_ELEMENT_ENUM(name, bytes) LK_##name,
  LK_ELEMENTS(LK_ELEMENT_ENUM)
#undef LK_ELEMENT_ENUM
      LK_ELEMENT_COUNT
} lk_element;
size_t lk_element_size(lk_element element);
const char *lk_element_name(lk_element element);
/** LK_ELEMENT_COUNT where there is no such name. */
lk_element lk_element_find(const char *name);

typedef struct lk_outside_tensor {
  char *name; /* "rnn.weight_ih_l0" */
  lk_element element;
  int dims;
  ptrdiff_t shape[LK_OUTSIDE_DIMS], count; /* elements */
  const void *data;                        /* row-major, little endian; need not be aligned */
  void *owned;                             /* freed with the rest; or NULL */
} lk_outside_tensor;

typedef struct lk_outside {
  lk_outside_tensor *tensor; /* [tensors] */
  int tensors;
  size_t capacity;
  lk_strings key, text; /* text i is about key i */
  lk_buffer file;       /* the bytes that it was read from */
} lk_outside;

void lk_outside_release(lk_outside *outside);
/** Add a tensor; the name is copied and the count computed. `owned` is taken over, also where this fails. LK_MEMORY; LK_DATA
 *  where its size overflows. */
LK_CHECKED lk_status lk_outside_add(lk_outside *outside, const char *name, const lk_outside_tensor *tensor);
/** Add a float32 tensor of zeros and return its numbers. LK_MEMORY. */
LK_CHECKED lk_status lk_outside_make(lk_outside *outside, const char *name, int dims, const ptrdiff_t shape[],
                                     float **values);
/** The tensor of that name, or NULL. */
const lk_outside_tensor *lk_outside_find(const lk_outside *outside, const char *name);
/** values [count] of a tensor of F32, F64, F16, BF16, I32 or I64, as float32. LK_DATA where it holds something else or a
 *  number that float32 cannot hold; `path` is for the message. */
LK_CHECKED lk_status lk_outside_floats(const lk_outside_tensor *tensor, const char *path, float *values);
/** The same of I32, I64 or U8, as integers. LK_DATA. */
LK_CHECKED lk_status lk_outside_integers(const lk_outside_tensor *tensor, const char *path, int64_t *values);
/** "[3, 4]", for messages; returns out. */
const char *lk_outside_shape(char out[160], int dims, const ptrdiff_t shape[]);
/** Add a text. LK_MEMORY. */
LK_CHECKED lk_status lk_outside_set(lk_outside *outside, const char *key, const char *text, size_t size);
/** The text of a key, NUL-terminated, or NULL. */
const char *lk_outside_get(const lk_outside *outside, const char *key);
