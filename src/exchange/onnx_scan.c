/* onnx_scan.c - recurrent layers of cells that no operator computes: a Scan over time, whose body is one step.
 *
 *   x [time, batch, I] -> W_ih x + b [time, batch, G H] ---\
 *   lengths -> whether a step is inside its row -----------> Scan: a = x_t + W_hh h (if it has W_hh), gates, next states
 *
 * Beyond a row's length its states stay as they are, so that a backward direction, which meets the padding first, begins at
 * the row's last step with its initial states. */
#include <string.h>

#include "onnx_impl.h"

enum { GATES = 4 };

/* One step in the body: gates [batch, H] before their functions, and states; next[] receives the names of the new ones. */
typedef struct step {
  const char *gate[GATES + 1], *state[2], *next[2];
} step;

static const char *of(lk_onnx *b, const char *op, const char *x) { return lk_onnx_node(b, op, NULL, LK_NAMES(x)); }
static const char *both(lk_onnx *b, const char *op, const char *x, const char *y) {
  return lk_onnx_node(b, op, NULL, LK_NAMES(x, y));
}

/* f, o = sigmoid(.)   i = min(sigmoid(.), 1 - f)   g = tanh(.)   c = f c0 + i g   h = o tanh(c)   (cell_lstm_capped.c) */
static void lstm_capped(lk_onnx *b, step *s) {
  const char *f = of(b, "Sigmoid", s->gate[1]), *o = of(b, "Sigmoid", s->gate[3]), *g = of(b, "Tanh", s->gate[2]);
  const char *i = both(b, "Min", of(b, "Sigmoid", s->gate[0]), both(b, "Sub", lk_onnx_number(b, 1), f));
  s->next[1] = both(b, "Add", both(b, "Mul", f, s->state[1]), both(b, "Mul", i, g));
  s->next[0] = both(b, "Mul", o, of(b, "Tanh", s->next[1]));
}

/* z = sigmoid(.)   h = (1 - z) h + z n   (cell_mingru.c) */
static void mingru(lk_onnx *b, step *s) {
  const char *z = of(b, "Sigmoid", s->gate[0]), *change = both(b, "Sub", s->gate[1], s->state[0]);
  s->next[0] = both(b, "Add", s->state[0], both(b, "Mul", z, change));
}

/* The table of cells: one line each. */
static const struct scanned {
  const char *name;
  int gates, states;
  void (*add)(lk_onnx *body, step *s);
} cells[] = {{"lstm_capped", 4, 2, lstm_capped}, {"mingru", 2, 1, mingru}};
enum { CELLS = sizeof cells / sizeof *cells };

static const struct scanned *find(const char *name) {
  for (int i = 0; i < CELLS; i++)
    if (strcmp(cells[i].name, name) == 0) return &cells[i];
  return NULL;
}

bool lk_onnx_can_scan(const char *cell) { return find(cell) != NULL; }

/* ---- the body ---- */

static const char *weight_of(lk_onnx *o, int id) {
  return lk_onnx_weight(o, lk_params_at(o->model->params, id)->name, id);
}

/* The gates of one step, from its input and the state before; `recurrent` [H, G H] is a value outside of the body, NULL
 * for a cell that has none. */
static void split_gates(lk_onnx *b, const struct scanned *cell, const char *recurrent, ptrdiff_t H, step *s) {
  int64_t sizes[GATES];
  for (int g = 0; g < cell->gates; g++) sizes[g] = H;
  const char *sum = recurrent ? both(b, "Add", "x_t", both(b, "MatMul", s->state[0], recurrent)) : "x_t";
  s->gate[0] = both(b, "Split", sum, lk_onnx_list(b, cell->gates, sizes));
  for (int g = 1; g < cell->gates; g++) s->gate[g] = lk_onnx_result(b, NULL);
  lk_onnx_int(b, "axis", -1);
}

/* Inputs h, c, x_t, inside; outputs h, c, y. Outside of its row a step changes nothing and gives zeros. */
static void fill_body(lk_onnx *b, const struct scanned *cell, const char *recurrent, ptrdiff_t H) {
  const char *width = lk_onnx_text(b, "%td", H), *wide = lk_onnx_text(b, "%td", cell->gates * H);
  step s = {.state = {"h", "c"}};
  for (int i = 0; i < cell->states; i++)
    (void)lk_onnx_input(b, s.state[i], LK_ONNX_FLOAT, LK_NAMES("batch", width), "");
  (void)lk_onnx_input(b, "x_t", LK_ONNX_FLOAT, LK_NAMES("batch", wide), "");
  (void)lk_onnx_input(b, "inside", LK_ONNX_BOOL, LK_NAMES("batch", "1"), "");
  split_gates(b, cell, recurrent, H, &s);
  cell->add(b, &s);
  for (int i = 0; i < cell->states; i++) {
    const char *name = lk_onnx_text(b, "%s_after", s.state[i]);
    (void)lk_onnx_node(b, "Where", name, LK_NAMES("inside", s.next[i], s.state[i]));
    (void)lk_onnx_output(b, name, LK_ONNX_FLOAT, LK_NAMES("batch", width), "");
  }
  (void)lk_onnx_node(b, "Where", "y_t", LK_NAMES("inside", s.next[0], lk_onnx_number(b, 0)));
  (void)lk_onnx_output(b, "y_t", LK_ONNX_FLOAT, LK_NAMES("batch", width), "");
}

/* ---- the layer ---- */

/* [time, batch, G H]: the input part of the gates. */
static const char *input_part(lk_onnx *o, const lk_recurrent *layer, const char *x) {
  const char *turned = lk_onnx_transpose(o, NULL, weight_of(o, layer->weight_ih), 2, (const int64_t[]){1, 0});
  const char *sum = both(o, "Add", both(o, "MatMul", x, turned), weight_of(o, layer->bias_ih));
  return layer->bias_hh >= 0 ? both(o, "Add", sum, weight_of(o, layer->bias_hh)) : sum;
}

/* bool [time, batch, 1], also where no lengths are given. */
static const char *inside_rows(lk_onnx *o, const char *lengths, const char *x) {
  const char *shape = of(o, "Shape", x), *zero = lk_onnx_index(o, 0);
  const char *time = lk_onnx_node(o, "Gather", NULL, LK_NAMES(shape, zero));
  const char *times = lk_onnx_node(o, "Range", NULL, LK_NAMES(zero, time, lk_onnx_index(o, 1)));
  const char *rows;
  if (lengths[0]) {
    rows = of(o, "Cast", lengths);
    lk_onnx_int(o, "to", LK_ONNX_INT64);
  } else {
    const char *batch = lk_onnx_node(o, "Gather", NULL, LK_NAMES(shape, lk_onnx_list(o, 1, (const int64_t[]){1})));
    rows = lk_onnx_node(o, "Expand", NULL, LK_NAMES(time, batch));
  }
  return lk_onnx_axis(o, "Unsqueeze", NULL, both(o, "Less", lk_onnx_axis(o, "Unsqueeze", NULL, times, 1), rows), 2);
}

/* The state [batch, H] that direction d begins with. */
static const char *first_state(lk_onnx *o, const lk_onnx_run *run, int i, int d, ptrdiff_t H) {
  if (run->start[i]) return lk_onnx_node(o, "Gather", NULL, LK_NAMES(run->start[i], lk_onnx_index(o, d)));
  const char *batch =
      lk_onnx_node(o, "Gather", NULL, LK_NAMES(of(o, "Shape", run->x), lk_onnx_list(o, 1, (const int64_t[]){1})));
  return of(o, "ConstantOfShape",
            lk_onnx_concat(o, NULL, 0, LK_NAMES(batch, lk_onnx_list(o, 1, (const int64_t[]){H}))));
}

/* One direction: y [time, batch, H], and its last states [batch, H] to end[]. */
static const char *scan(lk_onnx *o, const struct scanned *cell, const lk_recurrent *layer, int d, const char *inside,
                        const lk_onnx_run *run, const char *end[2]) {
  const int64_t directions[] = {d, d};
  const char *in[5] = {NULL};
  int n = 0;
  for (int i = 0; i < cell->states; i++) in[n++] = first_state(o, run, i, d, layer->H);
  in[n++] = input_part(o, layer, run->x);
  in[n++] = inside;
  const char *recurrent = NULL;
  if (layer->weight_hh >= 0)
    recurrent = lk_onnx_transpose(o, NULL, weight_of(o, layer->weight_hh), 2, (const int64_t[]){1, 0});
  end[0] = lk_onnx_node(o, "Scan", NULL, in);
  if (cell->states > 1) end[1] = lk_onnx_result(o, NULL);
  const char *y = lk_onnx_result(o, NULL);
  lk_onnx_int(o, "num_scan_inputs", 2);
  lk_onnx_ints(o, "scan_input_directions", 2, directions);
  lk_onnx_ints(o, "scan_output_directions", 1, directions);
  lk_onnx body = lk_onnx_inner(o);
  fill_body(&body, cell, recurrent, layer->H);
  lk_onnx_inner_end(o, &body, "body");
  return y;
}

void lk_onnx_scan(lk_onnx *o, const char *cell_name, const lk_recurrent *layer, int directions, lk_onnx_run *run) {
  const struct scanned *cell = find(cell_name);
  const char *y[3] = {NULL}, *end[2][2] = {{NULL}};
  const char *inside = inside_rows(o, run->lengths, run->x);
  for (int d = 0; d < directions; d++) y[d] = scan(o, cell, &layer[d], d, inside, run, end[d]);
  run->y = directions > 1 ? lk_onnx_concat(o, NULL, 2, y) : y[0];
  for (int i = 0; i < cell->states; i++) {
    const char *apart[3] = {NULL};
    for (int d = 0; d < directions; d++) apart[d] = lk_onnx_axis(o, "Unsqueeze", NULL, end[d][i], 0);
    run->end[i] = lk_onnx_concat(o, run->end_name[i], 0, apart);
  }
}
