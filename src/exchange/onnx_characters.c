/* onnx_characters.c - vectors of words by their characters (nn/characters.h) in a graph.
 *
 *   characters [batch, time, letters] -> [letters, words] -> embedding -> net -> [words, width] -> [time, batch, width]
 *
 * where words = time batch. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx_impl.h"

/* The words of a batch, one after another. */
typedef struct words {
  const char *ids;     /* int64 [words, letters] */
  const char *lengths; /* int64 [words], at least 1 */
  const char *shape;   /* int64 [2]: time, batch */
} words;

static words read_words(lk_onnx *o) {
  words w;
  (void)lk_onnx_input(
      o, "characters", LK_ONNX_INT64, LK_NAMES("batch", "time", "letters"),
      "of each word <sos>, the ids of its characters, <eos>; the words <sos>, <eos> and <pad> have none "
      "between them");
  (void)lk_onnx_input(o, "character_lengths", LK_ONNX_INT64, LK_NAMES("batch", "time"), "with <sos> and <eos>");
  const char *turned = lk_onnx_transpose(o, NULL, "characters", 3, (const int64_t[]){1, 0, 2});
  w.ids = lk_onnx_node(o, "Flatten", NULL, LK_NAMES(turned));
  lk_onnx_int(o, "axis", 2);
  const char *lengths = lk_onnx_transpose(o, NULL, "character_lengths", 2, (const int64_t[]){1, 0});
  const char *flat = lk_onnx_node(o, "Reshape", NULL, LK_NAMES(lengths, lk_onnx_list(o, 1, (const int64_t[]){-1})));
  w.lengths = lk_onnx_node(o, "Max", NULL, LK_NAMES(flat, lk_onnx_index(o, 1))); /* of padding too */
  w.shape = lk_onnx_node(o, "Shape", NULL, LK_NAMES(lengths));
  return w;
}

static const char *embed(lk_onnx *o, const lk_characters *c, const char *ids) {
  return lk_onnx_node(o, "Gather", NULL,
                      LK_NAMES(lk_onnx_weight(o, "characters.embedding.weight", c->table.weight), ids));
}

/* [words, width] of a recurrent net: the last states of both directions. */
static const char *run_recurrent(lk_onnx *o, const lk_characters *c, const words *w) {
  lk_onnx_run run = {.x = embed(o, c, lk_onnx_transpose(o, NULL, w->ids, 2, (const int64_t[]){1, 0}))};
  run.lengths = lk_onnx_node(o, "Cast", NULL, LK_NAMES(w->lengths));
  lk_onnx_int(o, "to", LK_ONNX_INT32);
  lk_onnx_recurrent(o, c->net->name, "model.characters", "characters.rnn", 0, c->layer, 2, &run);
  return o->status == LK_OK ? lk_onnx_side_by_side(o, run.end[0]) : "";
}

/* Where the filters of one width are among the taps. */
typedef struct filters {
  int number, width;
  ptrdiff_t tap;
} filters;

/* [words, F]: the largest value of each filter, over the positions inside a word. */
static const char *slide(lk_onnx *o, const lk_characters *c, const filters *f, const char *x, const char *inside) {
  const ptrdiff_t F = c->filters.F, E = c->E;
  const float *taps = lk_params_value(o->model->params, c->filters.taps.weight) + f->tap * F * E;
  const float *bias = lk_params_value(o->model->params, c->filters.bias) + f->number * F;
  const char *weight_name = lk_onnx_text(o, "characters.conv.%d.weight", f->number);
  const char *bias_name = lk_onnx_text(o, "characters.conv.%d.bias", f->number);
  float *weight = lk_onnx_make(o, weight_name, 3, (const ptrdiff_t[]){F, E, f->width});
  float *own_bias = lk_onnx_make(o, bias_name, 1, (const ptrdiff_t[]){F});
  if (!weight || !own_bias) return "";
  for (ptrdiff_t i = 0; i < F * E; i++)
    for (int j = 0; j < f->width; j++) weight[i * f->width + j] = taps[j * F * E + i];
  memcpy(own_bias, bias, (size_t)F * sizeof *bias);
  const char *z = lk_onnx_node(o, "Conv", NULL, LK_NAMES(x, weight_name, bias_name));
  lk_onnx_ints(o, "kernel_shape", 1, (const int64_t[]){f->width});
  lk_onnx_ints(o, "pads", 2, (const int64_t[]){(f->width - 1) / 2, f->width - 1 - (f->width - 1) / 2});
  const char *kept = lk_onnx_node(o, "Where", NULL, LK_NAMES(inside, z, lk_onnx_number(o, -INFINITY)));
  const char *most = lk_onnx_node(o, "ReduceMax", NULL, LK_NAMES(kept));
  lk_onnx_ints(o, "axes", 1, (const int64_t[]){2});
  lk_onnx_int(o, "keepdims", 0);
  return lk_onnx_node(o, "Tanh", NULL, LK_NAMES(most));
}

/* [words, width] of filters; characters beyond a word count as zeros. */
static const char *run_filters(lk_onnx *o, const lk_characters *c, const words *w) {
  const char *y[LK_FILTER_WIDTHS + 1] = {NULL};
  const char *shape = lk_onnx_node(o, "Shape", NULL, LK_NAMES(w->ids));
  const char *letters = lk_onnx_node(o, "Gather", NULL, LK_NAMES(shape, lk_onnx_index(o, 1)));
  const char *inside = lk_onnx_axis(o, "Unsqueeze", NULL, lk_onnx_mask(o, w->lengths, letters), 1);
  const char *x = lk_onnx_transpose(o, NULL, embed(o, c, w->ids), 3, (const int64_t[]){0, 2, 1});
  const char *masked = lk_onnx_node(o, "Where", NULL, LK_NAMES(inside, x, lk_onnx_number(o, 0)));
  filters f = {0};
  for (; f.number < c->filters.count; f.tap += f.width, f.number++) {
    f.width = c->filters.width[f.number];
    y[f.number] = slide(o, c, &f, masked, inside);
  }
  return c->filters.count > 1 ? lk_onnx_concat(o, NULL, 1, y) : y[0];
}

const char *lk_onnx_characters(lk_onnx *o, const lk_feature *feature) {
  const lk_characters *c = &feature->characters;
  const words w = read_words(o);
  const char *y = c->filters.count > 0 ? run_filters(o, c, &w) : run_recurrent(o, c, &w);
  const char *width = lk_onnx_list(o, 1, (const int64_t[]){c->width});
  return lk_onnx_node(o, "Reshape", NULL, LK_NAMES(y, lk_onnx_concat(o, NULL, 0, LK_NAMES(w.shape, width))));
}
