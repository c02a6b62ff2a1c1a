/* inputs.h - the named columns that a net reads: tokens of a vocabulary or numbers, for each row of a packed batch.
 *
 * The corpus says which columns there are (lk_column_form), the loader fills them (lk_column), and the net's input
 * layer (nn/input_layer.h) makes rows of reals of those that the configuration names. Column 0 is what the corpus
 * consists of: "source", which are words or other units, or "frames". Each other column has a value for each position
 * of column 0, such as a word's casing.
 * Ownership: all pointers are to memory of whoever filled them in. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LK_MAX_COLUMNS 8

/* Words as sequences of characters. Word i is <sos> (the mark of its beginning), its characters, <eos>: the ids
 * character[begin[i]] .. character[begin[i+1]] of a vocabulary of characters, at most LK_SPELLING_LONGEST of them. */
#define LK_SPELLING_LONGEST 34
typedef struct lk_spelling {
  ptrdiff_t count;
  const int32_t *character;
  const int64_t *begin; /* [count+1] */
} lk_spelling;

/* The word vectors that came with a corpus (prepare --vectors): a table whose first rows stand for no word. */
enum {
  LK_VECTOR_NONE,    /* no word: <pad>, <sos>, <eos> */
  LK_VECTOR_MISSING, /* a word without a vector */
  LK_VECTOR_FIRST    /* the first word */
};
typedef struct lk_vectors {
  ptrdiff_t rows, width; /* rows 0: there are none */
  const float
      *values;   /* [rows, width], zeros in the first rows; NULL: not stored, as in a model that trained its own */
  size_t mapped; /* bytes of `values` where they are a mapping of memory; 0: they are allocated */
  const int32_t *row_of; /* row of each token of the column; NULL: the tokens are the rows */
} lk_vectors;

/* How much of them a net reads. */
typedef enum lk_vectors_read { LK_VECTORS_UNREAD, LK_VECTORS_WORDS, LK_VECTORS_VALUES } lk_vectors_read;

typedef struct lk_column_form {
  const char *name;
  ptrdiff_t values;          /* tokens: size of the vocabulary; 0: the column holds numbers */
  int spelled;               /* tokens are indices into a spelling, and `values` counts characters */
  ptrdiff_t width;           /* numbers (or tokens) of a row */
  const int64_t *counts;     /* [values] how often each token was seen in training; NULL: not known */
  const lk_vectors *vectors; /* of its tokens, or NULL */
} lk_column_form;

/* Columns by their names, such as those that a net reads. */
typedef struct lk_column_names {
  int count;
  const char *name[LK_MAX_COLUMNS];
} lk_column_names;

static inline bool lk_column_named(const lk_column_names *names, const char *name) {
  for (int i = 0; i < names->count; i++)
    if (strcmp(names->name[i], name) == 0) return true;
  return false;
}

typedef struct lk_column {
  const char *name;
  int32_t *ids;                /* [N, width] tokens, or NULL */
  float *numbers;              /* [N, width] where ids is NULL */
  const lk_spelling *spelling; /* of a spelled column */
} lk_column;

typedef struct lk_inputs {
  int count;
  lk_column column[LK_MAX_COLUMNS];
} lk_inputs;
