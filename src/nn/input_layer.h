/* input_layer.h - what layer 0 reads: columns of a batch, each through a feature, their results side by side.
 *
 *   column "source" -> word dropout -> embed ---\
 *                                                +-> x [N, width] -> dropout 0 -> layer 0
 *   column "form" -> characters ----------------/
 *   column "casing" -> onehot -----------------/
 *
 * Column 0 is always read, as model.input says (numbers as they are). The spelling of words comes next, if
 * model.characters names a net for it; then the columns that model.features names, in order.
 *
 * A kind of feature is one file, src/nn/feature_<name>.c, and one line in the table of input_layer.c. It says how many
 * columns of x it fills, fills them in the forward pass, and computes the gradients of its tensors, if it has any, from
 * the gradient with respect to these columns. Its tensors are named after the feature: input.<column>.*; for column 0
 * without "input." and the column.
 *
 * Two cases are cheaper if column 0 is read alone. For a one-hot word layer 0 takes a column of its weights, and no x
 * is made. For embedded words x has a row for each distinct word of a shard (distinct.h), unless rows are masked. */
#pragma once
#include "cell.h"
#include "characters.h"
#include "config.h"
#include "inputs.h"
#include "layers.h"

typedef struct lk_feature_kind lk_feature_kind;

/* Rows of a column: those of the pack, or, of column 0, those of distinct words (shard_row says which). */
typedef struct lk_feature_rows {
  const int32_t *ids;
  const float *numbers;        /* where ids is NULL */
  const lk_spelling *spelling; /* of a spelled column */
  const lk_pack *pack;
  lk_mode mode;
} lk_feature_rows;

/* A column of this net. */
typedef struct lk_feature {
  const lk_feature_kind *kind;
  lk_column_form column;
  const char *key;           /* of the setting that chose it, for messages */
  char name[64];             /* prefix of its tensors */
  ptrdiff_t size;            /* width that the configuration asks for; 0: it says nothing */
  ptrdiff_t offset, width;   /* columns of x */
  lk_embedding table;        /* of kinds that look vectors up */
  lk_characters characters;  /* of the kind that spells words */
  ptrdiff_t characters_most; /* rows of characters in a batch that is trained on, at most; 0: not known */
  int32_t *mapped;           /* [N] rows of vectors, where the column's tokens are not such rows; else NULL */
} lk_feature;

struct lk_feature_kind {
  const char *name;  /* as the configuration calls it */
  const char *help;  /* a few words, or NULL */
  const char *reads; /* settings that this kind, and others that name them, read as model.input (choices.h), or NULL */
  int tokens;        /* reads tokens; else numbers */
  int spelled;       /* reads a spelled column */
  int picks;         /* W_ih x is a column of W_ih: read alone, it needs no x */
  /** Set width and declare the tensors. LK_USAGE.                                  Not collective. */
  lk_status (*declare)(lk_feature *f, lk_params *params, const lk_config *config);
  /** Buffers for at most N rows; or NULL.                                          Not collective. */
  void (*layout)(lk_feature *f, lk_arena *arena, ptrdiff_t N, int training);
  /** Packed weights, as lk_recurrent_layout_weights() and lk_recurrent_pack(); or NULL.  Not collective. */
  void (*layout_weights)(lk_feature *f, lk_arena *weights, int training);
  void (*pack)(lk_feature *f, const lk_params *params, int training, lk_part part);
  /** Columns offset .. offset + width of x [n, ld], and no others, from rows of the column. Not collective. */
  void (*forward)(lk_feature *f, const lk_params *params, ptrdiff_t n, const lk_feature_rows *rows, lk_real *x,
                  ptrdiff_t ld);
  /** Assign the gradients of its tensors, from dx [n, ld], the gradient with respect to x; local shard s has rows
   *  shard_row[s] .. shard_row[s+1]. `also`: see lk_embedding_backward(). NULL: there are no tensors.
   *                                                                                Not collective. */
  void (*backward)(lk_feature *f, const ptrdiff_t *shard_row, const lk_feature_rows *rows, const lk_real *dx,
                   ptrdiff_t ld, const lk_shard_product *also, const lk_grads *grads);
};

typedef struct lk_input_layer {
  const lk_config *config;
  ptrdiff_t
      characters_most; /* rows of characters in a batch that is trained on, at most; 0: not known. Set by the caller */
  int count;
  lk_feature feature[LK_MAX_COLUMNS];
  ptrdiff_t width, ld;
  lk_real *x;                           /* [N, ld], of distinct words [n, ld]; NULL where layer 0 picks columns */
  int32_t *ids;                         /* [N] of column 0, after word dropout */
  lk_distinct distinct;                 /* whose rows x has, where they are those of words */
  lk_feature_rows rows[LK_MAX_COLUMNS]; /* what each feature read in the last forward */
} lk_input_layer;

/* The gradient with respect to the rows looked up in an embedding, before they are added up by word. */
typedef struct lk_lookup_gradient {
  const lk_distinct *distinct;
  const lk_real *dx; /* [distinct->n, ld] */
  ptrdiff_t ld;
} lk_lookup_gradient;

/** Names of the kinds of features; *count of them. Those that read tokens are the choices of model.input. Not collective. */
const char *const *lk_feature_names(size_t *count);
/** How much of the corpus's word vectors a net reads, by model.vectors.            Not collective. */
lk_vectors_read lk_input_vectors(const lk_config *config);
/** Declare by config->model for a corpus with these columns. LK_USAGE with the place, also if the configuration names a
 *  column that does not exist; LK_DATA for word dropout by counts that are all zero. Not collective. */
LK_CHECKED lk_status lk_input_layer_declare(lk_input_layer *in, lk_params *params, const lk_config *config,
                                            const lk_column_form *columns, int count);
/** The columns that its features read.                                             Not collective. */
lk_column_names lk_input_layer_columns(const lk_input_layer *in);
void lk_input_layer_layout_weights(lk_input_layer *in, lk_arena *weights, int training);
void lk_input_layer_pack(lk_input_layer *in, const lk_params *params, int training, lk_part part);
void lk_input_layer_layout(lk_input_layer *in, lk_arena *arena, ptrdiff_t N, int training);
/** What layer 0 reads, until the next pass; the columns must stay as they are until then.  Not collective. */
lk_rows lk_input_layer_forward(lk_input_layer *in, const lk_params *params, const lk_pack *pack,
                               const lk_inputs *columns, lk_mode mode);
lk_rows lk_input_layer_rows(const lk_input_layer *in);
/** Whether layer 0 picks columns of its weights / reads rows of distinct words.    Not collective. */
int lk_input_layer_picks(const lk_input_layer *in);
int lk_input_layer_distinct(const lk_input_layer *in);
/** Whether backward needs the gradient with respect to x.                          Not collective. */
int lk_input_layer_learns(const lk_input_layer *in);
/** Assign all gradients, from dx [., in->ld], which has the rows of x and is changed. `also` and `lookup`: see
 *  lk_encoder_backward().                                                          Not collective. */
void lk_input_layer_backward(lk_input_layer *in, const lk_pack *pack, lk_mode mode, lk_real *dx,
                             const lk_shard_product *also, lk_lookup_gradient *lookup, const lk_grads *grads);
/** The embedding of column 0, for weights that others use too; NULL where there is none. */
const lk_embedding *lk_input_layer_embedding(const lk_input_layer *in);
