/* onnx_read.c - the tensors of an ONNX file by the names that Lockstep's have outside (pieces.h).
 *
 * Files of Lockstep name their initializers so; only recurrent layers are taken apart. In other files, such as PyTorch's
 * exporters make, what a tensor is follows from the node that reads it, and which one from the order of the nodes:
 *
 *   LSTM, GRU, RNN        rnn.weight_ih_l0 ...          one layer after another
 *   Gather from a table   embedding.weight              the first; others keep their names
 *   MatMul, Gemm, and the Add behind it                 dense layers; the last is output.weight, output.bias, others keep
 *                                                       their names, where they have any but that of a node
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "onnx_read_impl.h"

static bool is(const char *a, const char *b) { return strcmp(a, b) == 0; }

/* ---- texts ---- */

/* Whether a key ends with the mark of bytes. */
static bool is_bytes(const char *key) {
  const size_t size = strlen(key), tail = sizeof LK_ONNX_BASE64 - 1;
  return size > tail && is(key + size - tail, LK_ONNX_BASE64);
}

static lk_status read_bytes(const LkOnnx__Entry *entry, lk_outside *outside) {
  lk_buffer name = {0};
  lk_status status;
  lk_outside_tensor tensor = {.element = LK_U8, .dims = 1};
  LK_GO(lk_buffer_printf(&name, "%.*s", (int)(strlen(entry->key) + 1 - sizeof LK_ONNX_BASE64), entry->key));
  if (lk_outside_find(outside, name.data)) goto done;
  LK_GO(lk_alloc(&tensor.owned, strlen(entry->value) + 1, 1));
  tensor.shape[0] = (ptrdiff_t)lk_onnx_from_text(entry->value, tensor.owned);
  tensor.data = tensor.owned;
  LK_GO(lk_outside_add(outside, name.data, &tensor));
done:
  lk_buffer_release(&name);
  return status;
}

static lk_status read_texts(const LkOnnx__Model *model, const char *path, lk_outside *outside) {
  for (size_t i = 0; i < model->n_metadata_props; i++) {
    const LkOnnx__Entry *entry = model->metadata_props[i];
    const size_t size = strlen(entry->value);
    if (lk_utf8_valid(entry->value, size) < size || lk_utf8_valid(entry->key, strlen(entry->key)) < strlen(entry->key))
      return LK_FAIL(LK_DATA, "%s: its texts (metadata_props) are not valid UTF-8", path);
    if (is_bytes(entry->key))
      LK_TRY(read_bytes(entry, outside));
    else if (!lk_outside_get(outside, entry->key))
      LK_TRY(lk_outside_set(outside, entry->key, entry->value, size));
  }
  return LK_OK;
}

/* ---- files of Lockstep ---- */

/* "rnn.W_l0": module and number of a layer, and the letter of the matrix. */
static bool read_layer_name(const char *name, char module[64], int *number, char *letter) {
  const char *mark = strrchr(name, '.');
  int size = 0;
  if (!mark || mark - name >= 64) return false;
  if (sscanf(mark, ".%c_l%d%n", letter, number, &size) != 2 || mark[size] != '\0' || *number < 0) return false;
  (void)snprintf(module, 64, "%.*s", (int)(mark - name), name);
  return strchr("WRB", *letter) != NULL;
}

/* Constants of the graph itself: "v12", or "embedding.off_on". */
static bool is_plain_constant(const char *name) {
  const char *end = strrchr(name, '.');
  return (name[0] == 'v' && name[1] >= '0' && name[1] <= '9') || (end && is(end, ".off_on"));
}

static lk_status read_own(lk_onnx_graph *g, lk_outside *outside) {
  char module[64], letter;
  int number;
  for (size_t i = 0; i < g->graph->n_node; i++) {
    const LkOnnx__Node *node = g->graph->node[i];
    if (!lk_onnx_is_recurrent(node)) continue;
    if (node->n_input < 2 || !read_layer_name(node->input[1], module, &number, &letter))
      return LK_FAIL(LK_DATA, "%s: node '%.80s' does not name its weights as Lockstep does", g->path, node->name);
    LK_TRY(lk_onnx_read_layer(g, node, module, number, outside));
  }
  for (size_t i = 0; i < g->graph->n_initializer; i++) {
    const LkOnnx__Tensor *t = g->graph->initializer[i];
    if (!t->name[0] || is_plain_constant(t->name) || read_layer_name(t->name, module, &number, &letter)) continue;
    if (!lk_outside_find(outside, t->name)) LK_TRY(lk_onnx_copy(g, t, t->name, outside));
  }
  return LK_OK;
}

/* ---- files of others ---- */

/* A dense layer that was found. */
typedef struct found {
  const LkOnnx__Node *node;
  const LkOnnx__Tensor *weight, *bias;
  bool turned; /* the weight is [I, O] */
} found;

typedef struct foreign {
  lk_onnx_graph *g;
  lk_outside *outside;
  int layers, tables;
  found *dense; /* [count], as the nodes come */
  size_t count, capacity;
} foreign;

/* [rows, columns] of a weight, which may have them the other way round. */
static lk_status add_weight(foreign *f, const char *name, const LkOnnx__Tensor *t, bool turned) {
  lk_outside_tensor view;
  float *from = NULL, *to;
  lk_status status;
  if (lk_outside_find(f->outside, name)) return LK_OK;
  if (!turned) return lk_onnx_copy(f->g, t, name, f->outside);
  LK_GO(lk_onnx_floats(f->g, t, &view, &from));
  const ptrdiff_t rows = view.shape[1], columns = view.shape[0];
  LK_GO(lk_outside_make(f->outside, name, 2, (const ptrdiff_t[]){rows, columns}, &to));
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = 0; j < columns; j++) to[i * columns + j] = from[j * rows + i];
done:
  free(from);
  return status;
}

static lk_status read_table(foreign *f, const LkOnnx__Node *node) {
  bool turned;
  const LkOnnx__Tensor *t = lk_onnx_constant(f->g, node, 0, &turned);
  if (!t || t->n_dims != 2) return LK_OK; /* not a table of vectors */
  char name[32] = "embedding.weight";
  if (f->tables++ > 0) (void)snprintf(name, sizeof name, "embedding.%d.weight", f->tables - 1);
  return add_weight(f, f->tables > 1 && t->name[0] ? t->name : name, t, turned);
}

static lk_status note_dense(foreign *f, found dense) {
  if (!dense.weight || dense.weight->n_dims != 2) return LK_OK;
  LK_TRY(lk_grow(&f->dense, &f->capacity, f->count + 1, sizeof *f->dense));
  f->dense[f->count++] = dense;
  return LK_OK;
}

static lk_status read_gemm(foreign *f, const LkOnnx__Node *node) {
  const LkOnnx__Attribute *alpha = lk_onnx_attribute(node, "alpha"), *beta = lk_onnx_attribute(node, "beta");
  bool turned, unused;
  found dense = {.node = node, .weight = lk_onnx_constant(f->g, node, 1, &turned)};
  if ((alpha && alpha->f != 1) || (beta && beta->f != 1) || lk_onnx_whole(node, "transA", 0) != 0)
    return LK_FAIL(LK_DATA, "%s: node '%.80s' (Gemm) does more than a dense layer", f->g->path, node->name);
  dense.turned = turned == (lk_onnx_whole(node, "transB", 0) != 0);
  dense.bias = lk_onnx_constant(f->g, node, 2, &unused);
  return note_dense(f, dense);
}

static lk_status read_matmul(foreign *f, const LkOnnx__Node *node) {
  bool turned;
  found dense = {.node = node, .weight = lk_onnx_constant(f->g, node, 1, &turned)};
  dense.turned = !turned;
  return note_dense(f, dense);
}

/* A constant that is added to what the last dense layer gave. */
static void read_add(foreign *f, const LkOnnx__Node *node) {
  found *last = f->count > 0 ? &f->dense[f->count - 1] : NULL;
  for (size_t i = 0; last && i < 2; i++) {
    const lk_onnx_name *sum = lk_onnx_input_of(f->g, node, i);
    bool unused;
    if (sum && sum->node == last->node && !last->bias) last->bias = lk_onnx_constant(f->g, node, 1 - i, &unused);
  }
}

static lk_status read_node(foreign *f, const LkOnnx__Node *node) {
  if (node->domain[0] && !is(node->domain, "ai.onnx")) return LK_OK;
  if (lk_onnx_is_recurrent(node)) return lk_onnx_read_layer(f->g, node, "rnn", f->layers++, f->outside);
  if (is(node->op_type, "Gather")) return read_table(f, node);
  if (is(node->op_type, "Gemm")) return read_gemm(f, node);
  if (is(node->op_type, "MatMul")) return read_matmul(f, node);
  if (is(node->op_type, "Add")) read_add(f, node);
  return LK_OK;
}

/* The dense layers: the last is the output; the names of others are those of their weights. */
static lk_status add_dense(foreign *f) {
  char name[96];
  for (size_t i = 0; i < f->count; i++) {
    const found *d = &f->dense[i];
    const char *own = d->weight->name, *end = strrchr(own, '.');
    const bool last = i + 1 == f->count, named = end && is(end, ".weight") && end - own < 80;
    const int size = last ? 6 : (int)(named ? end - own : 0);
    const char *module = last ? "output" : own;
    if (!last && !named) (void)snprintf(name, sizeof name, "dense.%zu", i);
    if (last || named) (void)snprintf(name, sizeof name, "%.*s", size, module);
    const size_t base = strlen(name);
    (void)snprintf(name + base, sizeof name - base, ".weight");
    LK_TRY(add_weight(f, name, d->weight, d->turned));
    (void)snprintf(name + base, sizeof name - base, ".bias");
    if (d->bias && !lk_outside_find(f->outside, name)) LK_TRY(lk_onnx_copy(f->g, d->bias, name, f->outside));
  }
  return LK_OK;
}

static lk_status read_foreign(lk_onnx_graph *g, lk_outside *outside) {
  foreign f = {.g = g, .outside = outside};
  lk_status status = LK_OK;
  for (size_t i = 0; i < g->graph->n_node; i++) LK_GO(read_node(&f, g->graph->node[i]));
  if (f.layers == 0)
    LK_GO(LK_FAIL(LK_DATA, "%s: its graph has no LSTM, GRU or RNN: nothing that could be imported", g->path));
  LK_GO(add_dense(&f));
done:
  free(f.dense);
  return status;
}

/* ---- a file ---- */

static lk_status read_model(const LkOnnx__Model *model, const char *path, size_t size, lk_outside *outside) {
  lk_onnx_graph g;
  lk_status status;
  LK_TRY(read_texts(model, path, outside));
  LK_TRY(lk_onnx_index_names(&g, model->graph, path, size));
  status = is(model->producer_name, "lockstep") ? read_own(&g, outside) : read_foreign(&g, outside);
  lk_onnx_release_names(&g);
  return status;
}

/* The file of the decoder, beside that of the encoder. */
static lk_status read_decoder(const char *path, lk_outside *outside) {
  static const char mark[] = ".encoder.onnx";
  const size_t size = strlen(path), tail = sizeof mark - 1;
  LkOnnx__Model *model = NULL;
  lk_buffer name = {0}, file = {0};
  lk_status status;
  if (size <= tail || !is(path + size - tail, mark))
    return LK_FAIL(LK_DATA,
                   "%s: the encoder of a translator: expected a name that ends with %s, and its decoder beside it",
                   path, mark);
  LK_GO(lk_buffer_printf(&name, "%.*s.decoder.onnx", (int)(size - tail), path));
  LK_GO(lk_buffer_read_file(&file, name.data));
  LK_GO(lk_onnx_unpack(&file, name.data, &model));
  LK_GO(read_model(model, name.data, file.size, outside));
done:
  lk_onnx_free(&model);
  lk_buffer_release(&file);
  lk_buffer_release(&name);
  return status;
}

lk_status lk_onnx_read(lk_outside *outside, const char *path) {
  LkOnnx__Model *model = NULL;
  lk_status status;
  LK_GO(lk_onnx_unpack(&outside->file, path, &model));
  const bool own = is(model->producer_name, "lockstep");
  if (own && is(model->graph->name, "decoder"))
    LK_GO(LK_FAIL(LK_DATA, "%s: the decoder of a translator: import its encoder, which finds the decoder", path));
  LK_GO(read_model(model, path, outside->file.size, outside));
  if (own && is(model->graph->name, "encoder")) LK_GO(read_decoder(path, outside));
done:
  lk_onnx_free(&model);
  return status;
}
