/* onnx_read_impl.h - how ONNX files are read: messages, tensors, and nodes that are layers.
 * Not collective throughout. */
#pragma once
#include <onnx.pb-c.h>

#include "onnx_terms_impl.h"
#include "outside.h"

/* A name of a graph, and what makes it: an initializer or the first result of a node. */
typedef struct lk_onnx_name {
  const char *name;
  const LkOnnx__Tensor *tensor;
  const LkOnnx__Node *node;
} lk_onnx_name;

typedef struct lk_onnx_graph {
  const LkOnnx__Graph *graph;
  const char *path;   /* for messages */
  lk_onnx_name *name; /* [count], sorted by name */
  size_t count;
  size_t numbers; /* that may still be read: a file of n bytes has at most n, however many nodes name them */
  int tensors;    /* that may still be read */
} lk_onnx_graph;

/* ---- onnx_file.c ---- */

/** Unpack the bytes of `path`; the model has a graph with a node at least. LK_DATA, also where its messages would take more
 *  memory than a file of this size can need, or it has more of them than a net has. */
LK_CHECKED lk_status lk_onnx_unpack(const lk_buffer *file, const char *path, LkOnnx__Model **model);
void lk_onnx_free(LkOnnx__Model **model);
/** Add a copy of a tensor as `name`. LK_DATA, LK_MEMORY. */
LK_CHECKED lk_status lk_onnx_copy(lk_onnx_graph *g, const LkOnnx__Tensor *t, const char *name, lk_outside *outside);
/** The shape of a tensor, in *view, and its numbers as float32: *values [view->count] is lk_alloc()ed. LK_DATA,
 *  LK_MEMORY. */
LK_CHECKED lk_status lk_onnx_floats(lk_onnx_graph *g, const LkOnnx__Tensor *t, lk_outside_tensor *view, float **values);

/* ---- onnx_names.c ---- */

/** Index the names of a graph, which comes from a file of `size` bytes. LK_MEMORY. */
LK_CHECKED lk_status lk_onnx_index_names(lk_onnx_graph *g, const LkOnnx__Graph *graph, const char *path, size_t size);
void lk_onnx_release_names(lk_onnx_graph *g);
/** What makes input i of a node; NULL where it has none, or it is an input of the graph. */
const lk_onnx_name *lk_onnx_input_of(const lk_onnx_graph *g, const LkOnnx__Node *node, size_t i);
/** The constant that is input i of a node, directly or through nodes that pass it on; *turned: whether its two axes are
 *  swapped. NULL: the input is no constant. */
const LkOnnx__Tensor *lk_onnx_constant(const lk_onnx_graph *g, const LkOnnx__Node *node, size_t i, bool *turned);
/** An attribute of a node, or NULL. */
const LkOnnx__Attribute *lk_onnx_attribute(const LkOnnx__Node *node, const char *name);
/** An attribute that is a whole number, or `otherwise`. */
int64_t lk_onnx_whole(const LkOnnx__Node *node, const char *name, int64_t otherwise);

/* ---- onnx_layer.c ---- */

/** Whether a node is a recurrent layer. */
bool lk_onnx_is_recurrent(const LkOnnx__Node *node);
/** Add the tensors of a recurrent layer in PyTorch's gate order: <module>.weight_ih_l<number> and so on. LK_DATA naming
 *  the node and the property that no cell of Lockstep has. */
LK_CHECKED lk_status lk_onnx_read_layer(lk_onnx_graph *g, const LkOnnx__Node *node, const char *module, int number,
                                        lk_outside *outside);

/* ---- onnx_read.c ---- */

/** See lk_format.read. */
LK_CHECKED lk_status lk_onnx_read(lk_outside *outside, const char *path);
