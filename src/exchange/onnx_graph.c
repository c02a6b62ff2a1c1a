/* onnx_graph.c - nodes, values and weights of a graph, and its file. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "onnx_impl.h"

/* Operators as of these versions: read by onnxruntime 1.8 and later. */
enum { OPSET = 14, IR_VERSION = 7 };

struct lk_onnx_memory {
  lk_onnx_memory *next;
  _Alignas(16) char bytes[];
};

static const char *nothing(void) { return protobuf_c_empty_string; }

/* Members of messages have no const; packing does not write to them. */
static char *plain(const char *text) {
  union {
    const char *from;
    char *to;
  } turn = {text};
  return turn.to;
}

void *lk_onnx_take(lk_onnx *o, size_t size) {
  char *memory;
  if (o->status == LK_OK) o->status = lk_alloc(&memory, sizeof(lk_onnx_memory) + size, 1);
  if (o->status != LK_OK) return NULL;
  lk_onnx_memory *block = (lk_onnx_memory *)(void *)memory;
  block->next = o->memory;
  o->memory = block;
  return block->bytes;
}

const char *lk_onnx_text(lk_onnx *o, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int size = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  char *text = lk_onnx_take(o, (size_t)size + 1);
  if (!text) return nothing();
  va_start(arguments, format);
  (void)vsnprintf(text, (size_t)size + 1, format, arguments);
  va_end(arguments);
  return text;
}

static const char *any_name(lk_onnx *o) { return lk_onnx_text(o, "v%d", ++o->named); }

/* Append to a list of pointers. Returns whether it is there. */
static bool append(lk_onnx *o, void *list, size_t *capacity, size_t *count, void *element) {
  char *array;
  if (!element || o->status != LK_OK) return false;
  o->status = lk_grow(list, capacity, *count + 1, sizeof element);
  if (o->status != LK_OK) return false;
  memcpy(&array, list, sizeof array);
  memcpy(array + (*count)++ * sizeof element, &element, sizeof element);
  return true;
}

void lk_onnx_begin(lk_onnx *o, const lk_model *model, const lk_outside *outside, const char *name) {
  *o = (lk_onnx){.model = model, .outside = outside, .file = LK_ONNX__MODEL__INIT, .graph = LK_ONNX__GRAPH__INIT};
  o->graph.name = plain(name);
}

/* ---- values ---- */

static LkOnnx__Dim *dim_of(lk_onnx *o, const char *text) {
  LkOnnx__Dim *dim = lk_onnx_take(o, sizeof *dim);
  char *end;
  if (!dim) return NULL;
  *dim = (LkOnnx__Dim)LK_ONNX__DIM__INIT;
  const long long number = strtoll(text, &end, 10);
  if (end != text) {
    dim->value_case = LK_ONNX__DIM__VALUE_DIM_VALUE;
    dim->dim_value = number;
  } else {
    dim->value_case = LK_ONNX__DIM__VALUE_DIM_PARAM;
    dim->dim_param = plain(text);
  }
  return dim;
}

static LkOnnx__Shape *shape_of(lk_onnx *o, const char *const *dims) {
  int count = 0;
  while (dims[count]) count++;
  LkOnnx__Shape *shape = lk_onnx_take(o, sizeof *shape);
  LkOnnx__Dim **list = lk_onnx_take(o, (size_t)count * sizeof(void *));
  if (!list) return NULL;
  *shape = (LkOnnx__Shape)LK_ONNX__SHAPE__INIT;
  shape->dim = list;
  for (int i = 0; i < count; i++) list[i] = dim_of(o, dims[i]);
  shape->n_dim = (size_t)count;
  return shape;
}

static LkOnnx__Value *value_of(lk_onnx *o, const char *name, int type, const char *const *dims, const char *about) {
  LkOnnx__Value *value = lk_onnx_take(o, sizeof *value);
  LkOnnx__Type *kind = lk_onnx_take(o, sizeof *kind);
  LkOnnx__TensorType *tensor = lk_onnx_take(o, sizeof *tensor);
  LkOnnx__Shape *shape = shape_of(o, dims);
  if (!shape || o->status != LK_OK) return NULL;
  *tensor = (LkOnnx__TensorType)LK_ONNX__TENSOR_TYPE__INIT;
  tensor->elem_type = type;
  tensor->shape = shape;
  *kind = (LkOnnx__Type)LK_ONNX__TYPE__INIT;
  kind->tensor_type = tensor;
  *value = (LkOnnx__Value)LK_ONNX__VALUE__INIT;
  value->name = plain(name);
  value->type = kind;
  value->doc_string = plain(about);
  return value;
}

const char *lk_onnx_input(lk_onnx *o, const char *name, int type, const char *const *dims, const char *about) {
  LkOnnx__Value *value = value_of(o, name, type, dims, about);
  return append(o, &o->graph.input, &o->inputs, &o->graph.n_input, value) ? name : nothing();
}

const char *lk_onnx_output(lk_onnx *o, const char *name, int type, const char *const *dims, const char *about) {
  LkOnnx__Value *value = value_of(o, name, type, dims, about);
  return append(o, &o->graph.output, &o->outputs, &o->graph.n_output, value) ? name : nothing();
}

/* ---- nodes ---- */

enum { RESULTS = 8, ATTRIBUTES = 6 };

const char *lk_onnx_node(lk_onnx *o, const char *op, const char *out, const char *const *in) {
  size_t count = 0;
  while (in[count]) count++;
  if (!out) out = any_name(o);
  LkOnnx__Node *node = lk_onnx_take(o, sizeof *node);
  char **inputs = lk_onnx_take(o, count * sizeof *inputs);
  char **outputs = lk_onnx_take(o, RESULTS * sizeof *outputs);
  LkOnnx__Attribute **attributes = lk_onnx_take(o, ATTRIBUTES * sizeof(void *));
  if (!attributes) return nothing();
  *node = (LkOnnx__Node)LK_ONNX__NODE__INIT;
  for (size_t i = 0; i < count; i++) inputs[i] = plain(in[i]);
  outputs[0] = plain(out);
  node->input = inputs;
  node->n_input = count;
  node->output = outputs;
  node->n_output = 1;
  node->attribute = attributes;
  node->op_type = plain(op);
  node->name = plain(lk_onnx_text(o, "%s.%zu", op, o->graph.n_node));
  o->last = node;
  return append(o, &o->graph.node, &o->nodes, &o->graph.n_node, node) ? out : nothing();
}

const char *lk_onnx_result(lk_onnx *o, const char *name) {
  if (!name) name = any_name(o);
  if (o->status != LK_OK) return nothing();
  LK_ASSERT(o->last->n_output < RESULTS);
  o->last->output[o->last->n_output++] = plain(name);
  return name;
}

static LkOnnx__Attribute *attribute(lk_onnx *o, const char *name, int type) {
  LkOnnx__Attribute *a = lk_onnx_take(o, sizeof *a);
  if (!a) return NULL;
  LK_ASSERT(o->last->n_attribute < ATTRIBUTES);
  *a = (LkOnnx__Attribute)LK_ONNX__ATTRIBUTE__INIT;
  a->name = plain(name);
  a->type = type;
  o->last->attribute[o->last->n_attribute++] = a;
  return a;
}

void lk_onnx_int(lk_onnx *o, const char *name, int64_t value) {
  LkOnnx__Attribute *a = attribute(o, name, LK_ONNX_A_INT);
  if (a) a->i = value;
}

void lk_onnx_ints(lk_onnx *o, const char *name, int count, const int64_t *values) {
  int64_t *copy = lk_onnx_take(o, (size_t)count * sizeof *copy);
  LkOnnx__Attribute *a = attribute(o, name, LK_ONNX_A_INTS);
  if (!a) return;
  memcpy(copy, values, (size_t)count * sizeof *copy);
  a->ints = copy;
  a->n_ints = (size_t)count;
}

void lk_onnx_string(lk_onnx *o, const char *name, const char *value) {
  LkOnnx__Attribute *a = attribute(o, name, LK_ONNX_A_STRING);
  if (a) a->s = (ProtobufCBinaryData){.len = strlen(value), .data = (uint8_t *)(void *)plain(value)};
}

/* ---- a graph within a node ---- */

static void release(lk_onnx *o) {
  free(o->graph.node);
  free(o->graph.initializer);
  free(o->graph.input);
  free(o->graph.output);
  free(o->file.metadata_props);
  while (o->memory) {
    lk_onnx_memory *next = o->memory->next;
    free(o->memory);
    o->memory = next;
  }
}

/* Names of the outer graph are not used again within. */
lk_onnx lk_onnx_inner(lk_onnx *o) {
  lk_onnx inner;
  lk_onnx_begin(&inner, o->model, o->outside, "step");
  inner.status = o->status;
  inner.named = o->named;
  return inner;
}

void lk_onnx_inner_end(lk_onnx *o, lk_onnx *inner, const char *name) {
  o->named = inner->named;
  o->status = inner->status;
  const size_t size = o->status == LK_OK ? lk_onnx__graph__get_packed_size(&inner->graph) : 0;
  uint8_t *bytes = lk_onnx_take(o, size);
  LkOnnx__Attribute *a = attribute(o, name, LK_ONNX_A_GRAPH);
  if (a) a->g = (ProtobufCBinaryData){.len = lk_onnx__graph__pack(&inner->graph, bytes), .data = bytes};
  release(inner);
}

/* ---- weights and constants ---- */

static LkOnnx__Tensor *tensor_of(lk_onnx *o, const char *name, int type, int dims, const ptrdiff_t *shape,
                                 const void *data, size_t size) {
  LkOnnx__Tensor *t = lk_onnx_take(o, sizeof *t);
  int64_t *sizes = lk_onnx_take(o, (size_t)dims * sizeof *sizes);
  if (!sizes || !data) return NULL;
  *t = (LkOnnx__Tensor)LK_ONNX__TENSOR__INIT;
  for (int d = 0; d < dims; d++) sizes[d] = shape[d];
  t->dims = sizes;
  t->n_dims = (size_t)dims;
  t->data_type = type;
  t->name = plain(name);
  t->raw_data = (ProtobufCBinaryData){.len = size, .data = (uint8_t *)(void *)plain(data)};
  return append(o, &o->graph.initializer, &o->initializers, &o->graph.n_initializer, t) ? t : NULL;
}

const char *lk_onnx_weight(lk_onnx *o, const char *name, int id) {
  const lk_param *p = lk_params_at(o->model->params, id);
  for (size_t i = 0; i < o->graph.n_initializer; i++)
    if (strcmp(o->graph.initializer[i]->name, name) == 0) return o->graph.initializer[i]->name;
  name = lk_onnx_text(o, "%s", name);
  (void)tensor_of(o, name, LK_ONNX_FLOAT, p->dims, p->shape, lk_params_value(o->model->params, id),
                  (size_t)p->count * sizeof(float));
  return name;
}

const char *lk_onnx_given(lk_onnx *o, const char *name) {
  const lk_outside_tensor *t = lk_outside_find(o->outside, name);
  LK_ASSERT(t && (t->element == LK_F32 || t->element == LK_I32));
  (void)tensor_of(o, t->name, t->element == LK_F32 ? LK_ONNX_FLOAT : LK_ONNX_INT32, t->dims, t->shape, t->data,
                  (size_t)t->count * lk_element_size(t->element));
  return t->name;
}

float *lk_onnx_make(lk_onnx *o, const char *name, int dims, const ptrdiff_t *shape) {
  size_t count = 1;
  for (int d = 0; d < dims; d++) count *= (size_t)shape[d];
  float *values = lk_onnx_take(o, count * sizeof *values);
  return tensor_of(o, name, LK_ONNX_FLOAT, dims, shape, values, count * sizeof *values) ? values : NULL;
}

const char *lk_onnx_list(lk_onnx *o, int count, const int64_t *values) {
  const char *name = any_name(o);
  int64_t *copy = lk_onnx_take(o, (size_t)count * sizeof *copy);
  if (copy) memcpy(copy, values, (size_t)count * sizeof *copy);
  (void)tensor_of(o, name, LK_ONNX_INT64, 1, (const ptrdiff_t[]){count}, copy, (size_t)count * sizeof *copy);
  return name;
}

const char *lk_onnx_index(lk_onnx *o, int64_t value) {
  const char *name = any_name(o);
  int64_t *copy = lk_onnx_take(o, sizeof *copy);
  if (copy) *copy = value;
  (void)tensor_of(o, name, LK_ONNX_INT64, 0, NULL, copy, sizeof *copy);
  return name;
}

const char *lk_onnx_number(lk_onnx *o, float value) {
  const char *name = any_name(o);
  float *to = lk_onnx_make(o, name, 0, NULL);
  if (to) *to = value;
  return name;
}

/* ---- short forms ---- */

const char *lk_onnx_transpose(lk_onnx *o, const char *out, const char *x, int axes, const int64_t *order) {
  const char *y = lk_onnx_node(o, "Transpose", out, LK_NAMES(x));
  lk_onnx_ints(o, "perm", axes, order);
  return y;
}

const char *lk_onnx_axis(lk_onnx *o, const char *op, const char *out, const char *x, int64_t axis) {
  return lk_onnx_node(o, op, out, LK_NAMES(x, lk_onnx_list(o, 1, &axis)));
}

const char *lk_onnx_concat(lk_onnx *o, const char *out, int64_t axis, const char *const *in) {
  const char *y = lk_onnx_node(o, "Concat", out, in);
  lk_onnx_int(o, "axis", axis);
  return y;
}

const char *lk_onnx_dense(lk_onnx *o, const char *out, const char *x, const char *name, const lk_dense *dense) {
  const char *w = lk_onnx_weight(o, lk_onnx_text(o, "%s.weight", name), dense->weight);
  const char *turned = lk_onnx_transpose(o, NULL, w, 2, (const int64_t[]){1, 0});
  if (dense->bias < 0) return lk_onnx_node(o, "MatMul", out, LK_NAMES(x, turned));
  const char *product = lk_onnx_node(o, "MatMul", NULL, LK_NAMES(x, turned));
  const char *bias = lk_onnx_weight(o, lk_onnx_text(o, "%s.bias", name), dense->bias);
  return lk_onnx_node(o, "Add", out, LK_NAMES(product, bias));
}

const char *lk_onnx_mask(lk_onnx *o, const char *lengths, const char *steps) {
  const char *times = lk_onnx_node(o, "Range", NULL, LK_NAMES(lk_onnx_index(o, 0), steps, lk_onnx_index(o, 1)));
  return lk_onnx_node(o, "Less", NULL, LK_NAMES(times, lk_onnx_axis(o, "Unsqueeze", NULL, lengths, 1)));
}

/* ---- file ---- */

static void add_text(lk_onnx *o, const char *key, const char *text) {
  LkOnnx__Entry *entry = lk_onnx_take(o, sizeof *entry);
  if (!entry) return;
  *entry = (LkOnnx__Entry)LK_ONNX__ENTRY__INIT;
  entry->key = plain(key);
  entry->value = plain(text);
  (void)append(o, &o->file.metadata_props, &o->texts, &o->file.n_metadata_props, entry);
}

/* The texts, and tensors of bytes, which no node reads, as texts too. */
static void add_texts(lk_onnx *o) {
  const lk_outside *outside = o->outside;
  for (ptrdiff_t i = 0; i < outside->key.count; i++)
    add_text(o, lk_strings_get(&outside->key, i), lk_strings_get(&outside->text, i));
  for (int i = 0; i < outside->tensors; i++) {
    const lk_outside_tensor *t = &outside->tensor[i];
    if (t->element != LK_U8) continue;
    char *text = lk_onnx_take(o, ((size_t)t->count + 2) / 3 * 4 + 1);
    if (text) lk_onnx_to_text(t->data, (size_t)t->count, text);
    add_text(o, lk_onnx_text(o, "%s" LK_ONNX_BASE64, t->name), text);
  }
}

typedef struct sink {
  ProtobufCBuffer base;
  lk_buffer *file;
  lk_status status;
} sink;

static void take_bytes(ProtobufCBuffer *to, size_t size, const uint8_t *bytes) {
  sink *s = (sink *)(void *)to;
  if (s->status == LK_OK) s->status = lk_buffer_append(s->file, (const char *)bytes, size);
}

static lk_status pack(lk_onnx *o, lk_buffer *file) {
  const size_t most = ((size_t)1 << 31) - 1;
  LkOnnx__Opset opset = LK_ONNX__OPSET__INIT, *opsets = &opset;
  if (o->status != LK_OK) return o->status;
  opset.version = OPSET;
  o->file.ir_version = IR_VERSION;
  o->file.producer_name = plain("lockstep");
  o->file.producer_version = plain(LK_VERSION);
  o->file.graph = &o->graph;
  o->file.opset_import = &opsets;
  o->file.n_opset_import = 1;
  const size_t size = lk_onnx__model__get_packed_size(&o->file);
  if (size > most)
    return LK_FAIL(LK_USAGE, "the model has %zu bytes, and an ONNX file holds less than 2 GiB: export to safetensors",
                   size);
  sink s = {.base = {.append = take_bytes}, .file = file};
  (void)lk_onnx__model__pack_to_buffer(&o->file, &s.base);
  return s.status;
}

lk_status lk_onnx_finish(lk_onnx *o, lk_buffer *file) {
  add_texts(o);
  const lk_status status = pack(o, file);
  release(o);
  return status;
}
