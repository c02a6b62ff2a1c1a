/* onnx_inputs.c - what a net reads: inputs of the graph, each through a feature, side by side (input_layer.h). */
#include <string.h>

#include "onnx_impl.h"

static bool is(const char *a, const char *b) { return strcmp(a, b) == 0; }

/* [time, batch] of tokens, or [time, batch, width] of numbers; inputs have the batch first. */
static const char *by_time(lk_onnx *o, const char *name, int axes) {
  return lk_onnx_transpose(o, NULL, name, axes, (const int64_t[]){1, 0, 2});
}

static const char *about_units(const lk_onnx *o) {
  if (lk_model_marks(o->model)) return "ids of the vocabulary, <sos> first";
  return lk_task_view(o->model->task) == LK_VIEW_PAIRS ? "ids of the vocabulary, <eos> at the end"
                                                       : "ids of the vocabulary";
}

/* The tokens of a column, which several features may read. */
static const char *tokens(lk_onnx *o, const char *name) {
  const char *about = is(name, "source") ? about_units(o)
                      : is(name, LK_VECTORS_COLUMN)
                          ? "rows of the vectors of words: 0 no word, 1 a word without a vector"
                          : "ids of the values of this column";
  const char *turned = lk_onnx_text(o, "%s.by_time", name);
  for (size_t i = 0; i < o->graph.n_input; i++)
    if (is(o->graph.input[i]->name, name)) return turned;
  (void)lk_onnx_input(o, name, LK_ONNX_INT64, LK_NAMES("batch", "time"), about);
  return lk_onnx_transpose(o, turned, name, 2, (const int64_t[]){1, 0});
}

static const char *look_up(lk_onnx *o, const char *table, const char *ids) {
  return lk_onnx_node(o, "Gather", NULL, LK_NAMES(table, ids));
}

static const char *embed(lk_onnx *o, const lk_feature *f) {
  const char *ids = tokens(o, f->column.name);
  return look_up(o, lk_onnx_weight(o, lk_onnx_text(o, "%s.weight", f->name), f->table.weight), ids);
}

static const char *one_hot(lk_onnx *o, const lk_feature *f) {
  const char *ids = tokens(o, f->column.name), *off_on = lk_onnx_text(o, "%s.off_on", f->name);
  float *values = lk_onnx_make(o, off_on, 1, (const ptrdiff_t[]){2});
  if (values) values[1] = 1;
  return lk_onnx_node(o, "OneHot", NULL, LK_NAMES(ids, lk_onnx_index(o, f->width), off_on));
}

static const char *numbers(lk_onnx *o, const lk_feature *f) {
  const char *width = lk_onnx_text(o, "%td", f->width);
  (void)lk_onnx_input(o, f->column.name, LK_ONNX_FLOAT, LK_NAMES("batch", "time", width), "numbers as they are");
  return by_time(o, f->column.name, 3);
}

/* Rows of the vectors: a column of its own, or found by the words. */
static const char *rows_of_vectors(lk_onnx *o, const lk_feature *f) {
  const char *ids = tokens(o, f->column.name);
  return f->column.vectors->row_of ? look_up(o, lk_onnx_given(o, "vectors.source"), ids) : ids;
}

static const char *tuned(lk_onnx *o, const lk_feature *f) {
  return look_up(o, lk_onnx_weight(o, "vectors.weight", f->table.weight), rows_of_vectors(o, f));
}

/* The first rows are no words, whose vectors are trained. */
static const char *frozen(lk_onnx *o, const lk_feature *f) {
  const char *from = lk_onnx_list(o, 1, (const int64_t[]){LK_VECTOR_FIRST});
  const char *to = lk_onnx_list(o, 1, (const int64_t[]){f->column.vectors->rows});
  const char *words = lk_onnx_node(o, "Slice", NULL, LK_NAMES(lk_onnx_given(o, "vectors.values"), from, to));
  const char *missing = lk_onnx_weight(o, "vectors.missing", f->table.weight);
  return look_up(o, lk_onnx_concat(o, NULL, 0, LK_NAMES(missing, words)), rows_of_vectors(o, f));
}

/* The table of features: one line each. */
static const struct {
  const char *kind;
  const char *(*add)(lk_onnx *o, const lk_feature *f);
} features[] = {{"embed", embed},   {"onehot", one_hot}, {"numbers", numbers},
                {"frozen", frozen}, {"tuned", tuned},    {"characters", lk_onnx_characters}};
enum { FEATURES = sizeof features / sizeof *features };

static const char *add_feature(lk_onnx *o, const lk_feature *f) {
  for (int i = 0; i < FEATURES; i++)
    if (is(features[i].kind, f->kind->name)) return features[i].add(o, f);
  if (o->status == LK_OK)
    o->status =
        LK_FAIL(LK_USAGE, "%s: export to ONNX knows no feature '%s': export to safetensors", f->key, f->kind->name);
  return "";
}

void lk_onnx_input_layer(lk_onnx *o, const lk_input_layer *in, lk_onnx_rows *rows) {
  const char *x[LK_MAX_COLUMNS + 1] = {NULL};
  for (int i = 0; i < in->count; i++) x[i] = add_feature(o, &in->feature[i]);
  rows->lengths = lk_onnx_input(o, "lengths", LK_ONNX_INT64, LK_NAMES("batch"),
                                "of each row, at least 1; the rest of it is not read");
  rows->x = in->count > 1 ? lk_onnx_concat(o, NULL, 2, x) : x[0];
  rows->steps = lk_onnx_node(o, "Cast", NULL, LK_NAMES(rows->lengths));
  lk_onnx_int(o, "to", LK_ONNX_INT32);
  const char *shape = lk_onnx_node(o, "Shape", NULL, LK_NAMES(rows->x));
  rows->time = lk_onnx_node(o, "Gather", NULL, LK_NAMES(shape, lk_onnx_index(o, 0)));
}
