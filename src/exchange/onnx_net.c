/* onnx_net.c - a net as a graph: input layer, recurrent layers, pooling, head; or the encoder of a translator. */
#include <math.h>
#include <string.h>

#include "onnx_impl.h"
#include "pooling.h"

static const lk_config *config_of(const lk_onnx *o) { return &o->model->config; }

/* Layers of different widths are modules of their own, as PyTorch has them (pieces.h). */
static const char *module_of(lk_onnx *o, int l, int *number) {
  const bool own = config_of(o)->model.widths[0] != '\0';
  *number = own ? 0 : l;
  return own ? lk_onnx_text(o, "rnn.%d", l) : "rnn";
}

void lk_onnx_layers(lk_onnx *o, const lk_encoder *e, const lk_onnx_rows *rows, lk_onnx_run run[LK_MAX_LAYERS]) {
  for (int l = 0; l < e->layers; l++) {
    int number;
    const char *module = module_of(o, l, &number);
    run[l].x = l > 0 ? run[l - 1].y : rows->x;
    run[l].lengths = rows->steps;
    lk_onnx_recurrent(o, config_of(o)->model.cell, "model.cell", module, number, e->layer[l], e->directions, &run[l]);
    if (o->status != LK_OK) return;
  }
}

/* States that a run may begin with, and that it ends with, so that a text can be read or written in pieces. */
static void carry_states(lk_onnx *o, const lk_encoder *e, lk_onnx_run run[LK_MAX_LAYERS]) {
  const int states = lk_cell_states(config_of(o)->model.cell);
  if (!lk_onnx_computes(o, config_of(o)->model.cell, "model.cell")) return;
  LK_ASSERT(states <= LK_ONNX_STATES);
  for (int l = 0; l < e->layers; l++)
    for (int i = 0; i < states; i++) {
      const char *name = lk_onnx_text(o, "%c.%d", "hc"[i], l), *width = lk_onnx_text(o, "%td", e->H[l]);
      run[l].end_name[i] = lk_onnx_text(o, "next_%s", name);
      run[l].start[i] = lk_onnx_input(o, name, LK_ONNX_FLOAT, LK_NAMES("1", "batch", width),
                                      "state of this layer before the first step; zeros at the beginning of a text");
      (void)lk_onnx_output(o, run[l].end_name[i], LK_ONNX_FLOAT, LK_NAMES("1", "batch", width),
                           "state of this layer behind the last step");
    }
}

/* [time, batch, 1]: whether a step is inside its row. */
static const char *inside(lk_onnx *o, const lk_onnx_rows *rows) {
  const char *mask = lk_onnx_transpose(o, NULL, lk_onnx_mask(o, rows->lengths, rows->time), 2, (const int64_t[]){1, 0});
  return lk_onnx_axis(o, "Unsqueeze", NULL, mask, 2);
}

static const char *pool_mean(lk_onnx *o, const lk_onnx_rows *rows, const char *y) {
  const char *kept = lk_onnx_node(o, "Where", NULL, LK_NAMES(inside(o, rows), y, lk_onnx_number(o, 0)));
  const char *sum = lk_onnx_node(o, "ReduceSum", NULL, LK_NAMES(kept, lk_onnx_list(o, 1, (const int64_t[]){0})));
  lk_onnx_int(o, "keepdims", 0);
  const char *count = lk_onnx_node(o, "Cast", NULL, LK_NAMES(lk_onnx_axis(o, "Unsqueeze", NULL, rows->lengths, 1)));
  lk_onnx_int(o, "to", LK_ONNX_FLOAT);
  return lk_onnx_node(o, "Div", NULL, LK_NAMES(sum, count));
}

static const char *pool_max(lk_onnx *o, const lk_onnx_rows *rows, const char *y) {
  const char *kept = lk_onnx_node(o, "Where", NULL, LK_NAMES(inside(o, rows), y, lk_onnx_number(o, -INFINITY)));
  const char *most = lk_onnx_node(o, "ReduceMax", NULL, LK_NAMES(kept));
  lk_onnx_ints(o, "axes", 1, (const int64_t[]){0});
  lk_onnx_int(o, "keepdims", 0);
  return most;
}

/* [batch, width] of what the last layer gave. */
static const char *pool(lk_onnx *o, const lk_encoder *e, const lk_onnx_rows *rows, const lk_onnx_run *last) {
  lk_pooling pooling;
  if (o->status == LK_OK) o->status = lk_pooling_declare(&pooling, config_of(o), e->width, e->directions);
  if (o->status != LK_OK) return "";
  if (pooling.kind == LK_POOLING_LAST) return lk_onnx_side_by_side(o, last->end[0]);
  return pooling.kind == LK_POOLING_MEAN ? pool_mean(o, rows, last->y) : pool_max(o, rows, last->y);
}

void lk_onnx_net(lk_onnx *o, const lk_encoder *e, const lk_head *head) {
  const lk_view view = lk_task_view(o->model->task);
  lk_onnx_rows rows;
  lk_onnx_run run[LK_MAX_LAYERS] = {{0}};
  lk_onnx_input_layer(o, &e->input, &rows);
  if (view == LK_VIEW_LM && e->directions == 1) carry_states(o, e, run);
  lk_onnx_layers(o, e, &rows, run);
  if (o->status != LK_OK) return;
  const lk_onnx_run *last = &run[e->layers - 1];
  const bool pooled = view == LK_VIEW_CLASSIFY;
  lk_onnx_head(o, head, pooled ? pool(o, e, &rows, last) : last->y, !pooled);
}
