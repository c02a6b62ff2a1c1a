/* onnx_decoder.c - a translator as two graphs: the encoder, and one step of the decoder (nn/decoder.h).
 *
 *   encoder   source, lengths -> memory [batch, time, W], keys (additive), h.<l>, c.<l> [1, batch, H], fed [batch, H]
 *   decoder   unit [batch], lengths and what the encoder gave -> log_probabilities [batch, V], attention [batch, time],
 *             next_h.<l>, next_c.<l>, next_fed: those of the next step
 *
 * The first unit is <sos>. Rows of a step are hypotheses: a search repeats or reorders the rows of what it passes on. */
#include <math.h>
#include <string.h>

#include "onnx_impl.h"

static const char *number(lk_onnx *o, ptrdiff_t n) { return lk_onnx_text(o, "%td", n); }
static const char *state_name(lk_onnx *o, int l, int i) { return lk_onnx_text(o, "%c.%d", "hc"[i], l); }
static bool is_additive(const lk_decoder *d) { return d->attention.kind == LK_ATTENTION_ADDITIVE; }

/* ---- encoder ---- */

/* The state that layer l of the decoder begins with: the encoder's, through the bridge. */
static void put_start(lk_onnx *o, const lk_decoder *d, int l, int i, const char *end) {
  const char *name = state_name(o, l, i);
  (void)lk_onnx_output(o, name, LK_ONNX_FLOAT, LK_NAMES("1", "batch", number(o, d->H)), "the decoder's first state");
  if (d->copying) {
    (void)lk_onnx_node(o, "Identity", name, LK_NAMES(end));
    return;
  }
  const char *bridge = lk_onnx_text(o, "decoder.bridge.%d.%c", l, "hc"[i]);
  const char *wide = lk_onnx_dense(o, NULL, lk_onnx_side_by_side(o, end), bridge, &d->bridge[l][i]);
  (void)lk_onnx_axis(o, "Unsqueeze", name, lk_onnx_node(o, "Tanh", NULL, LK_NAMES(wide)), 0);
}

static void put_memory(lk_onnx *o, const lk_decoder *d, const char *y) {
  const char *time_of[] = {"batch", "time", number(o, d->W), NULL};
  (void)lk_onnx_output(o, "memory", LK_ONNX_FLOAT, time_of, "outputs of the encoder");
  (void)lk_onnx_transpose(o, "memory", y, 3, (const int64_t[]){1, 0, 2});
  if (!is_additive(d)) return;
  (void)lk_onnx_output(o, "keys", LK_ONNX_FLOAT, LK_NAMES("batch", "time", number(o, d->attention.A)),
                       "of the attention");
  (void)lk_onnx_dense(o, "keys", "memory", "attention.key", &d->attention.key);
}

/* Zeros [batch, H], which input feeding begins with. */
static void put_fed(lk_onnx *o, const lk_decoder *d, const lk_onnx_rows *rows) {
  const char *batch = lk_onnx_node(o, "Shape", NULL, LK_NAMES(rows->lengths));
  const char *shape = lk_onnx_concat(o, NULL, 0, LK_NAMES(batch, lk_onnx_list(o, 1, (const int64_t[]){d->F})));
  (void)lk_onnx_node(o, "ConstantOfShape", "fed", LK_NAMES(shape));
  (void)lk_onnx_output(o, "fed", LK_ONNX_FLOAT, LK_NAMES("batch", number(o, d->F)), "zeros");
}

void lk_onnx_encode(lk_onnx *o, const lk_encoder *e, const lk_decoder *d) {
  lk_onnx_rows rows;
  lk_onnx_run run[LK_MAX_LAYERS] = {{0}};
  lk_onnx_input_layer(o, &e->input, &rows);
  lk_onnx_layers(o, e, &rows, run);
  if (o->status != LK_OK) return;
  if (d->attention.kind != LK_ATTENTION_NONE) put_memory(o, d, run[e->layers - 1].y);
  for (int l = 0; l < d->layers; l++)
    for (int i = 0; i < d->states; i++) put_start(o, d, l, i, run[l].end[i]);
  if (d->F) put_fed(o, d, &rows);
}

/* ---- a step of the decoder ---- */

/* The input of layer 0, [1, batch, I]. */
static const char *read_unit(lk_onnx *o, const lk_decoder *d) {
  const char *unit = lk_onnx_input(o, "unit", LK_ONNX_INT64, LK_NAMES("batch"), "id of the last unit; <sos> at first");
  const char *table = lk_params_at(o->model->params, d->embedding.weight)->name;
  const char *x = lk_onnx_node(o, "Gather", NULL, LK_NAMES(lk_onnx_weight(o, table, d->embedding.weight), unit));
  if (d->F) {
    (void)lk_onnx_input(o, "fed", LK_ONNX_FLOAT, LK_NAMES("batch", number(o, d->F)), "next_fed of the step before");
    x = lk_onnx_concat(o, NULL, 1, LK_NAMES(x, "fed"));
  }
  return lk_onnx_axis(o, "Unsqueeze", NULL, x, 0);
}

/* h [batch, H] of the last layer. */
static const char *run_layers(lk_onnx *o, const lk_decoder *d, const char *x) {
  lk_onnx_run run = {.lengths = ""};
  const char *width = number(o, d->H);
  for (int l = 0; l < d->layers; l++) {
    for (int i = 0; i < d->states; i++) {
      run.start[i] = lk_onnx_input(o, state_name(o, l, i), LK_ONNX_FLOAT, LK_NAMES("1", "batch", width), "");
      run.end_name[i] = lk_onnx_text(o, "next_%s", run.start[i]);
      (void)lk_onnx_output(o, run.end_name[i], LK_ONNX_FLOAT, LK_NAMES("1", "batch", width), "");
    }
    run.x = l > 0 ? run.end[0] : x;
    lk_onnx_recurrent(o, d->config->model.cell, "model.cell", "decoder.rnn", l, &d->layer[l], 1, &run);
    if (o->status != LK_OK) return "";
  }
  return lk_onnx_axis(o, "Squeeze", NULL, run.end[0], 0);
}

/* Scores [batch, time] of the positions of the source. */
static const char *score(lk_onnx *o, const lk_attention *a, const char *h) {
  const char *q = a->kind == LK_ATTENTION_DOT ? h : lk_onnx_dense(o, NULL, h, "attention.query", &a->query);
  const char *s;
  if (a->kind == LK_ATTENTION_ADDITIVE) {
    const char *sum = lk_onnx_node(o, "Add", NULL, LK_NAMES(lk_onnx_axis(o, "Unsqueeze", NULL, q, 1), "keys"));
    const char *v = lk_onnx_axis(o, "Unsqueeze", NULL, lk_onnx_weight(o, "attention.score.weight", a->score), 1);
    s = lk_onnx_node(o, "MatMul", NULL, LK_NAMES(lk_onnx_node(o, "Tanh", NULL, LK_NAMES(sum)), v));
  } else {
    s = lk_onnx_node(o, "MatMul", NULL, LK_NAMES("memory", lk_onnx_axis(o, "Unsqueeze", NULL, q, 2)));
  }
  return lk_onnx_axis(o, "Squeeze", NULL, s, 2);
}

static void read_memory(lk_onnx *o, const lk_decoder *d) {
  (void)lk_onnx_input(o, "lengths", LK_ONNX_INT64, LK_NAMES("batch"), "of the sources");
  (void)lk_onnx_input(o, "memory", LK_ONNX_FLOAT, LK_NAMES("batch", "time", number(o, d->W)), "of the encoder");
  if (is_additive(d))
    (void)lk_onnx_input(o, "keys", LK_ONNX_FLOAT, LK_NAMES("batch", "time", number(o, d->attention.A)),
                        "of the encoder");
}

/* h~ [batch, H] = tanh(W_c [h | context]). */
static const char *attend(lk_onnx *o, const lk_decoder *d, const char *h) {
  read_memory(o, d);
  const char *shape = lk_onnx_node(o, "Shape", NULL, LK_NAMES("memory"));
  const char *time = lk_onnx_node(o, "Gather", NULL, LK_NAMES(shape, lk_onnx_index(o, 1)));
  const char *inside = lk_onnx_mask(o, "lengths", time), *scores = score(o, &d->attention, h);
  const char *kept = lk_onnx_node(o, "Where", NULL, LK_NAMES(inside, scores, lk_onnx_number(o, -INFINITY)));
  (void)lk_onnx_node(o, "Softmax", "attention", LK_NAMES(kept));
  lk_onnx_int(o, "axis", 1);
  (void)lk_onnx_output(o, "attention", LK_ONNX_FLOAT, LK_NAMES("batch", "time"),
                       "weights of the positions of the source");
  const char *weights = lk_onnx_axis(o, "Unsqueeze", NULL, "attention", 1);
  const char *context =
      lk_onnx_axis(o, "Squeeze", NULL, lk_onnx_node(o, "MatMul", NULL, LK_NAMES(weights, "memory")), 1);
  const char *both = lk_onnx_concat(o, NULL, 1, LK_NAMES(h, context));
  return lk_onnx_node(o, "Tanh", NULL, LK_NAMES(lk_onnx_dense(o, NULL, both, "decoder.combine", &d->combine)));
}

void lk_onnx_decode(lk_onnx *o, const lk_decoder *d, const lk_head *head) {
  const char *h = run_layers(o, d, read_unit(o, d));
  if (o->status != LK_OK) return;
  if (d->attention.kind != LK_ATTENTION_NONE) h = attend(o, d, h);
  if (d->F) {
    (void)lk_onnx_node(o, "Identity", "next_fed", LK_NAMES(h));
    (void)lk_onnx_output(o, "next_fed", LK_ONNX_FLOAT, LK_NAMES("batch", number(o, d->F)), "");
  }
  lk_onnx_head(o, head, h, false);
}
