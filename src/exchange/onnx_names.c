/* onnx_names.c - names within a graph that was read. */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "onnx_read_impl.h"

enum { HANDED_ON = 16 }; /* nodes that may stand between a constant and its use */

static int by_name(const void *a, const void *b) {
  const lk_onnx_name *x = a, *y = b;
  return strcmp(x->name, y->name);
}

lk_status lk_onnx_index_names(lk_onnx_graph *g, const LkOnnx__Graph *graph, const char *path, size_t size) {
  enum { TENSORS = 4096 };
  *g = (lk_onnx_graph){.graph = graph, .path = path, .numbers = size, .tensors = TENSORS};
  LK_TRY(lk_alloc(&g->name, graph->n_initializer + graph->n_node + 1, sizeof *g->name));
  for (size_t i = 0; i < graph->n_initializer; i++)
    g->name[g->count++] = (lk_onnx_name){.name = graph->initializer[i]->name, .tensor = graph->initializer[i]};
  for (size_t i = 0; i < graph->n_node; i++) {
    const LkOnnx__Node *node = graph->node[i];
    if (node->n_output > 0) g->name[g->count++] = (lk_onnx_name){.name = node->output[0], .node = node};
  }
  qsort(g->name, g->count, sizeof *g->name, by_name);
  return LK_OK;
}

void lk_onnx_release_names(lk_onnx_graph *g) {
  free(g->name);
  *g = (lk_onnx_graph){0};
}

const lk_onnx_name *lk_onnx_input_of(const lk_onnx_graph *g, const LkOnnx__Node *node, size_t i) {
  if (i >= node->n_input || node->input[i][0] == '\0') return NULL;
  const lk_onnx_name key = {.name = node->input[i]};
  return bsearch(&key, g->name, g->count, sizeof *g->name, by_name);
}

const LkOnnx__Attribute *lk_onnx_attribute(const LkOnnx__Node *node, const char *name) {
  for (size_t i = 0; i < node->n_attribute; i++)
    if (strcmp(node->attribute[i]->name, name) == 0) return node->attribute[i];
  return NULL;
}

int64_t lk_onnx_whole(const LkOnnx__Node *node, const char *name, int64_t otherwise) {
  const LkOnnx__Attribute *a = lk_onnx_attribute(node, name);
  return a ? a->i : otherwise;
}

static bool is_op(const LkOnnx__Node *node, const char *op) { return strcmp(node->op_type, op) == 0; }

/* Whether a Transpose exchanges two axes; without `perm` it reverses them. */
static bool exchanges(const LkOnnx__Node *node) {
  const LkOnnx__Attribute *perm = lk_onnx_attribute(node, "perm");
  return perm == NULL || (perm->n_ints == 2 && perm->ints[0] == 1 && perm->ints[1] == 0);
}

const LkOnnx__Tensor *lk_onnx_constant(const lk_onnx_graph *g, const LkOnnx__Node *node, size_t i, bool *turned) {
  *turned = false;
  for (int step = 0; step < HANDED_ON; step++, i = 0) {
    const lk_onnx_name *from = lk_onnx_input_of(g, node, i);
    if (from == NULL || from->tensor) return from ? from->tensor : NULL;
    node = from->node;
    if (is_op(node, "Constant")) {
      const LkOnnx__Attribute *value = lk_onnx_attribute(node, "value");
      return value ? value->t : NULL;
    }
    if (is_op(node, "Transpose") && exchanges(node))
      *turned = !*turned;
    else if (!is_op(node, "Identity") && !is_op(node, "Cast"))
      return NULL;
  }
  return NULL;
}
