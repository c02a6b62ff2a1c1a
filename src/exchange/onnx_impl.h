/* onnx_impl.h - a graph of ONNX that is built node by node, and what it is built of.
 *
 * Values of a graph are known by name. A step adds a node and returns the name of its result, so that a net reads like
 * formulas. The first step that fails leaves its status in `status`, and those after it do nothing: the status is read
 * once, by lk_onnx_finish().
 *
 * Ownership: everything that the graph points to is in its own memory or in the model, which outlives it.
 * Not collective throughout. */
#pragma once
#include <onnx.pb-c.h>

#include "decoder.h"
#include "encoder.h"
#include "exchange.h"
#include "onnx_terms_impl.h"

/* Kinds of attributes. */
enum { LK_ONNX_A_FLOAT = 1, LK_ONNX_A_INT = 2, LK_ONNX_A_STRING = 3, LK_ONNX_A_GRAPH = 5, LK_ONNX_A_INTS = 7 };

typedef struct lk_onnx_memory lk_onnx_memory;

typedef struct lk_onnx {
  lk_status status;
  const lk_model *model;
  const lk_outside *outside;
  LkOnnx__Model file;
  LkOnnx__Graph graph;
  size_t nodes, initializers, inputs, outputs, texts; /* capacities */
  LkOnnx__Node *last;                                 /* which attributes belong to */
  lk_onnx_memory *memory;
  int named; /* values that were given a name by their number */
} lk_onnx;

/* A list of names, for the functions below. */
#define LK_NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- onnx_graph.c ---- */

void lk_onnx_begin(lk_onnx *o, const lk_model *model, const lk_outside *outside, const char *name);
/** Append the file to `file` and release all. Returns the status of the first step that failed; LK_USAGE if the file
 *  would be larger than 2 GiB, which no reader of ONNX takes; LK_MEMORY. */
LK_CHECKED lk_status lk_onnx_finish(lk_onnx *o, lk_buffer *file);

/** Zeros in the graph's memory; NULL after a failure. */
void *lk_onnx_take(lk_onnx *o, size_t size);
/** A name or number as text. */
const char *lk_onnx_text(lk_onnx *o, const char *format, ...) LK_PRINTF(2, 3);

/** Declare an input or output. dims: numbers as text, or names of what a run chooses ("batch"). Returns the name. */
const char *lk_onnx_input(lk_onnx *o, const char *name, int type, const char *const *dims, const char *about);
const char *lk_onnx_output(lk_onnx *o, const char *name, int type, const char *const *dims, const char *about);

/** Add a node and return the name of its first result, `out`; NULL: any name. */
const char *lk_onnx_node(lk_onnx *o, const char *op, const char *out, const char *const *in);
/** A further result of the last node; "": not wanted. */
const char *lk_onnx_result(lk_onnx *o, const char *name);
/** Attributes of the last node. */
void lk_onnx_int(lk_onnx *o, const char *name, int64_t value);
void lk_onnx_ints(lk_onnx *o, const char *name, int count, const int64_t *values);
void lk_onnx_string(lk_onnx *o, const char *name, const char *value);

/** Tensor `id` of the model, as an initializer of this name; the same name twice is one initializer. */
const char *lk_onnx_weight(lk_onnx *o, const char *name, int id);
/** A tensor of o->outside, which must be there, as an initializer of the same name. */
const char *lk_onnx_given(lk_onnx *o, const char *name);
/** Initializer of float32 zeros, to be filled in; NULL after a failure. */
float *lk_onnx_make(lk_onnx *o, const char *name, int dims, const ptrdiff_t *shape);
/** Constants: int64 [count], and a float that is a scalar. */
const char *lk_onnx_list(lk_onnx *o, int count, const int64_t *values);
const char *lk_onnx_number(lk_onnx *o, float value);
/** int64 scalar. */
const char *lk_onnx_index(lk_onnx *o, int64_t value);

/** Begin a graph inside the last node, which may read the outer graph's values; end it and make it an attribute. */
lk_onnx lk_onnx_inner(lk_onnx *o);
void lk_onnx_inner_end(lk_onnx *o, lk_onnx *inner, const char *attribute);

/* Short forms. */
const char *lk_onnx_transpose(lk_onnx *o, const char *out, const char *x, int axes, const int64_t *order);
/** Axes of size 1 put in (Unsqueeze) or taken out (Squeeze). */
const char *lk_onnx_axis(lk_onnx *o, const char *op, const char *out, const char *x, int64_t axis);
const char *lk_onnx_concat(lk_onnx *o, const char *out, int64_t axis, const char *const *in);
/** x [..., I] W^T + b; bias -1: none. The initializers are <name>.weight and <name>.bias. */
const char *lk_onnx_dense(lk_onnx *o, const char *out, const char *x, const char *name, const lk_dense *dense);
/** Whether position t of a row is inside: bool [batch, steps], for lengths [batch] and `steps`, an int64 scalar. */
const char *lk_onnx_mask(lk_onnx *o, const char *lengths, const char *steps);

/* ---- onnx_recurrent.c ---- */

enum { LK_ONNX_STATES = 2 }; /* of the cells that can be computed: h, and c of some */

/* What the operator of a recurrent layer reads and writes. */
typedef struct lk_onnx_run {
  const char *x;                     /* [time, batch, I] */
  const char *lengths;               /* int32 [batch], or "" */
  const char *start[LK_ONNX_STATES]; /* [directions, batch, H] states before the first step; NULL: zeros */
  const char *y;                     /* out: [time, batch, directions H] */
  const char *
      end[LK_ONNX_STATES]; /* out: [directions, batch, H] states behind the last step; c NULL where the cell has none */
  const char *end_name[LK_ONNX_STATES]; /* names of the latter; NULL: any */
} lk_onnx_run;

/** Whether an operator, or a Scan, computes that cell; if not, LK_USAGE in o->status, naming `key`. */
bool lk_onnx_computes(lk_onnx *o, const char *cell, const char *key);
/** Add layer `number` of module `name` (its initializers are <name>.W_l<number> and so on), of one or two directions. Fails
 *  with LK_USAGE, naming `key`, where no operator computes the cell. */
void lk_onnx_recurrent(lk_onnx *o, const char *cell, const char *key, const char *name, int number,
                       const lk_recurrent *layer, int directions, lk_onnx_run *run);
/** [batch, directions H] of states [directions, batch, H]. */
const char *lk_onnx_side_by_side(lk_onnx *o, const char *states);

/* ---- onnx_scan.c ---- */

/** Whether a cell that no operator computes can be computed step by step. */
bool lk_onnx_can_scan(const char *cell);
/** Add a layer of such a cell, as lk_onnx_recurrent(); its initializers have the names of the model's tensors. */
void lk_onnx_scan(lk_onnx *o, const char *cell, const lk_recurrent *layer, int directions, lk_onnx_run *run);

/* ---- onnx_inputs.c ---- */

/* The rows of a batch in the graph. */
typedef struct lk_onnx_rows {
  const char *x;       /* [time, batch, width] */
  const char *lengths; /* int64 [batch] */
  const char *steps;   /* int32 [batch], for operators */
  const char *time;    /* int64 scalar: time */
} lk_onnx_rows;

/** Declare the inputs of a net and add its input layer. */
void lk_onnx_input_layer(lk_onnx *o, const lk_input_layer *in, lk_onnx_rows *rows);
/** The vectors [time, batch, width] of words by their characters, with the inputs that these need (onnx_characters.c). */
const char *lk_onnx_characters(lk_onnx *o, const lk_feature *feature);

/* ---- onnx_head.c ---- */

/** Add the head for units x [batch, I] or, by_time, [time, batch, I], and declare its outputs, which have the batch first. */
void lk_onnx_head(lk_onnx *o, const lk_head *head, const char *x, bool by_time);

/* ---- onnx_net.c, onnx_decoder.c ---- */

/** Add the layers of an encoder. run[l] receives what layer l gave. */
void lk_onnx_layers(lk_onnx *o, const lk_encoder *e, const lk_onnx_rows *rows, lk_onnx_run run[LK_MAX_LAYERS]);
/** Add a net of one graph, with its inputs and outputs. */
void lk_onnx_net(lk_onnx *o, const lk_encoder *e, const lk_head *head);
/** Add a translator's encoder, with what its decoder starts from, or one step of its decoder. */
void lk_onnx_encode(lk_onnx *o, const lk_encoder *e, const lk_decoder *d);
void lk_onnx_decode(lk_onnx *o, const lk_decoder *d, const lk_head *head);
