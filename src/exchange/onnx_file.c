/* onnx_file.c - messages and tensors of an ONNX file, which is anyone's: memory is taken in proportion to the bytes that
 * there are, and the nesting is bounded, as no message of onnx.proto contains itself. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "onnx_read_impl.h"

/* What unpacking may take: the numbers once more, and structures for the messages around them. */
enum { STRUCTURES = 64 << 20 };

typedef struct budget {
  size_t left;
  bool spent;
} budget;

static void *take(void *data, size_t size) {
  budget *b = data;
  if (size > b->left) {
    b->spent = true;
    return NULL;
  }
  b->left -= size;
  return malloc(size);
}

static void give(void *data, void *memory) {
  (void)data;
  free(memory);
}

void lk_onnx_free(LkOnnx__Model **model) {
  budget none = {0};
  ProtobufCAllocator allocator = {take, give, &none};
  if (*model) lk_onnx__model__free_unpacked(*model, &allocator);
  *model = NULL;
}

/* What is looked up one by one has to be bounded. */
static lk_status check_counts(const LkOnnx__Model *model, const char *path) {
  enum { NODES = 100000, TENSORS = 20000, TEXTS = 1000 };
  const LkOnnx__Graph *graph = model->graph;
  if (!graph || graph->n_node == 0) return LK_FAIL(LK_DATA, "%s: not an ONNX file: it has no graph", path);
  if (graph->n_node <= NODES && graph->n_initializer <= TENSORS && model->n_metadata_props <= TEXTS) return LK_OK;
  return LK_FAIL(LK_DATA, "%s: %zu nodes, %zu tensors and %zu texts: expected at most %d, %d and %d", path,
                 graph->n_node, graph->n_initializer, model->n_metadata_props, NODES, TENSORS, TEXTS);
}

lk_status lk_onnx_unpack(const lk_buffer *file, const char *path, LkOnnx__Model **model) {
  budget b = {.left = 2 * file->size + STRUCTURES};
  ProtobufCAllocator allocator = {take, give, &b};
  *model = lk_onnx__model__unpack(&allocator, file->size, (const uint8_t *)(const void *)file->data);
  if (*model == NULL && b.spent) return LK_FAIL(LK_DATA, "%s: its messages are out of proportion to its size", path);
  if (*model == NULL)
    return LK_FAIL(LK_DATA, "%s: not an ONNX file, or a damaged one: it cannot be read as protobuf", path);
  const lk_status status = check_counts(*model, path);
  if (status != LK_OK) lk_onnx_free(model);
  return status;
}

/* ---- tensors ---- */

static const struct {
  int type;
  lk_element element;
} types[] = {{LK_ONNX_FLOAT, LK_F32},  {LK_ONNX_UINT8, LK_U8},    {LK_ONNX_INT32, LK_I32},    {LK_ONNX_INT64, LK_I64},
             {LK_ONNX_DOUBLE, LK_F64}, {LK_ONNX_FLOAT16, LK_F16}, {LK_ONNX_BFLOAT16, LK_BF16}};
enum { TYPES = sizeof types / sizeof *types };

/* The bytes of a tensor: raw, or one of the lists. Values of 16 bits in int32_data are left to the raw form. */
static const void *bytes_of(const LkOnnx__Tensor *t, lk_element element, size_t *size) {
  *size = t->raw_data.len;
  if (*size > 0) return t->raw_data.data;
  *size = element == LK_F32   ? t->n_float_data * sizeof(float)
          : element == LK_F64 ? t->n_double_data * sizeof(double)
          : element == LK_I64 ? t->n_int64_data * sizeof(int64_t)
          : element == LK_I32 ? t->n_int32_data * sizeof(int32_t)
                              : 0;
  return element == LK_F32   ? (const void *)t->float_data
         : element == LK_F64 ? (const void *)t->double_data
         : element == LK_I64 ? (const void *)t->int64_data
                             : (const void *)t->int32_data;
}

static lk_status check_shape(const LkOnnx__Tensor *t, const char *path, lk_outside_tensor *view) {
  size_t count = 1;
  if (t->n_dims > LK_OUTSIDE_DIMS)
    return LK_FAIL(LK_DATA, "%s: tensor '%.80s' has %zu axes: expected at most %d", path, t->name, t->n_dims,
                   LK_OUTSIDE_DIMS);
  view->dims = (int)t->n_dims;
  for (size_t d = 0; d < t->n_dims; d++) {
    if (t->dims[d] < 0 || __builtin_mul_overflow(count, (size_t)t->dims[d], &count) || count > PTRDIFF_MAX / 8)
      return LK_FAIL(LK_DATA, "%s: tensor '%.80s' has an axis of %" PRId64, path, t->name, t->dims[d]);
    view->shape[d] = (ptrdiff_t)t->dims[d];
  }
  view->count = (ptrdiff_t)count;
  return LK_OK;
}

/* The tensor within the message, whose bytes are as many as its shape says. */
static lk_status view_of(const LkOnnx__Tensor *t, const char *path, lk_outside_tensor *view) {
  size_t size;
  int i = 0;
  *view = (lk_outside_tensor){.name = t->name};
  if (t->n_external_data > 0)
    return LK_FAIL(LK_DATA, "%s: the numbers of tensor '%.80s' are in a file of their own: save the model as one file",
                   path, t->name);
  while (i < TYPES && types[i].type != t->data_type) i++;
  if (i == TYPES)
    return LK_FAIL(LK_DATA,
                   "%s: tensor '%.80s' has elements of type %d: expected float, double, float16, bfloat16, int32, "
                   "int64 or uint8",
                   path, t->name, t->data_type);
  view->element = types[i].element;
  LK_TRY(check_shape(t, path, view));
  view->data = bytes_of(t, view->element, &size);
  if (size == (size_t)view->count * lk_element_size(view->element)) return LK_OK;
  return LK_FAIL(LK_DATA, "%s: tensor '%.80s' has %zu bytes: expected %zu by its shape", path, t->name, size,
                 (size_t)view->count * lk_element_size(view->element));
}

/* The same, as one that is read. */
static lk_status spend(lk_onnx_graph *g, const LkOnnx__Tensor *t, lk_outside_tensor *view) {
  LK_TRY(view_of(t, g->path, view));
  if (g->tensors-- <= 0 || (size_t)view->count > g->numbers)
    return LK_FAIL(LK_DATA, "%s: its nodes read more numbers than the file has", g->path);
  g->numbers -= (size_t)view->count;
  return LK_OK;
}

lk_status lk_onnx_copy(lk_onnx_graph *g, const LkOnnx__Tensor *t, const char *name, lk_outside *outside) {
  lk_outside_tensor tensor;
  LK_TRY(spend(g, t, &tensor));
  const size_t size = (size_t)tensor.count * lk_element_size(tensor.element);
  LK_TRY(lk_alloc(&tensor.owned, size + 1, 1));
  if (size > 0) memcpy(tensor.owned, tensor.data, size);
  tensor.data = tensor.owned;
  return lk_outside_add(outside, name, &tensor);
}

lk_status lk_onnx_floats(lk_onnx_graph *g, const LkOnnx__Tensor *t, lk_outside_tensor *view, float **values) {
  *values = NULL;
  LK_TRY(spend(g, t, view));
  LK_TRY(lk_alloc(values, (size_t)view->count + 1, sizeof **values));
  const lk_status status = lk_outside_floats(view, g->path, *values);
  if (status == LK_OK) return LK_OK;
  free(*values);
  *values = NULL;
  return status;
}
