/* onnx_recurrent.c - recurrent layers as operators, with their weights in the order of the operator's gates. */
#include <string.h>

#include "arena.h"
#include "onnx_impl.h"

static const lk_onnx_cell *find(const char *name) {
  int i = 0;
  const lk_onnx_cell *cell;
  while ((cell = lk_onnx_cell_at(i++)) != NULL && strcmp(cell->name, name) != 0) continue;
  return cell;
}

/* to [gates, rows]: the cell's blocks of `rows` numbers in the order of the operator's gates. */
static void turn_gates(const lk_onnx_cell *cell, const float *from, ptrdiff_t rows, float *to) {
  for (int g = 0; g < cell->gates; g++)
    for (ptrdiff_t i = 0; i < rows; i++)
      to[g * rows + i] = (float)cell->gate[g].sign * from[cell->gate[g].from * rows + i];
}

/* The values of a tensor of the model. */
static const float *values_of(const lk_onnx *o, int id) { return lk_params_value(o->model->params, id); }

typedef struct weights {
  const char *w, *r, *b;
} weights;

static weights add_weights(lk_onnx *o, const lk_onnx_cell *cell, const char *name, int number,
                           const lk_recurrent *layer, int directions) {
  const ptrdiff_t I = layer->I, H = layer->H, G = cell->gates;
  const weights names = {lk_onnx_text(o, "%s.W_l%d", name, number), lk_onnx_text(o, "%s.R_l%d", name, number),
                         lk_onnx_text(o, "%s.B_l%d", name, number)};
  float *w = lk_onnx_make(o, names.w, 3, (const ptrdiff_t[]){directions, G * H, I});
  float *r = lk_onnx_make(o, names.r, 3, (const ptrdiff_t[]){directions, G * H, H});
  float *b = lk_onnx_make(o, names.b, 2, (const ptrdiff_t[]){directions, 2 * G * H});
  if (!w || !r || !b) return names;
  for (int d = 0; d < directions; d++, w += G * H * I, r += G * H * H, b += 2 * G * H) {
    turn_gates(cell, values_of(o, layer[d].weight_ih), H * I, w);
    turn_gates(cell, values_of(o, layer[d].weight_hh), H * H, r);
    turn_gates(cell, values_of(o, layer[d].bias_ih), H, b);
    if (layer[d].bias_hh >= 0) turn_gates(cell, values_of(o, layer[d].bias_hh), H, b + G * H);
  }
  return names;
}

/* y [time, batch, directions H] of [time, directions, batch, H]. */
static const char *join_directions(lk_onnx *o, const char *y, ptrdiff_t width) {
  const char *turned = lk_onnx_transpose(o, NULL, y, 4, (const int64_t[]){0, 2, 1, 3});
  return lk_onnx_node(o, "Reshape", NULL, LK_NAMES(turned, lk_onnx_list(o, 3, (const int64_t[]){0, 0, width})));
}

bool lk_onnx_computes(lk_onnx *o, const char *cell_name, const char *key) {
  if (o->status == LK_OK && !find(cell_name) && !lk_onnx_can_scan(cell_name))
    o->status =
        LK_FAIL(LK_USAGE, "%s is %s, a cell that no operator of ONNX computes: export to safetensors", key, cell_name);
  return o->status == LK_OK;
}

void lk_onnx_recurrent(lk_onnx *o, const char *cell_name, const char *key, const char *name, int number,
                       const lk_recurrent *layer, int directions, lk_onnx_run *run) {
  const lk_onnx_cell *cell = find(cell_name);
  if (!lk_onnx_computes(o, cell_name, key)) return;
  if (!cell) {
    lk_onnx_scan(o, cell_name, layer, directions, run);
    return;
  }
  const weights w = add_weights(o, cell, name, number, layer, directions);
  const char *h0 = run->start[0] ? run->start[0] : "", *c0 = run->start[1] ? run->start[1] : "";
  const char *y =
      lk_onnx_node(o, cell->op, NULL, LK_NAMES(run->x, w.w, w.r, w.b, run->lengths, h0, cell->states > 1 ? c0 : NULL));
  for (int i = 0; i < cell->states; i++) run->end[i] = lk_onnx_result(o, run->end_name[i]);
  lk_onnx_int(o, "hidden_size", layer->H);
  lk_onnx_string(o, "direction", directions > 1 ? "bidirectional" : "forward");
  if (cell->resets_after) lk_onnx_int(o, "linear_before_reset", 1);
  run->y = join_directions(o, y, directions * layer->H);
}

const char *lk_onnx_side_by_side(lk_onnx *o, const char *states) {
  const char *turned = lk_onnx_transpose(o, NULL, states, 3, (const int64_t[]){1, 0, 2});
  return lk_onnx_node(o, "Reshape", NULL, LK_NAMES(turned, lk_onnx_list(o, 2, (const int64_t[]){0, -1})));
}
