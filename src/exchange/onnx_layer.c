/* onnx_layer.c - the weights of a recurrent node as PyTorch has them (onnx_cells.c has the other way). */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "onnx_read_impl.h"

bool lk_onnx_is_recurrent(const LkOnnx__Node *node) {
  const lk_onnx_cell *cell;
  for (int i = 0; (cell = lk_onnx_cell_at(i)) != NULL; i++)
    if (strcmp(cell->op, node->op_type) == 0) return true;
  return false;
}

/* Numbers of the three inputs of a layer. */
typedef struct matrices {
  float *w, *r, *b; /* [directions, G H, I], [directions, G H, H], [directions, 2 G H]; b NULL: zeros */
  ptrdiff_t directions, I, H;
} matrices;

static void release(matrices *m) {
  free(m->w);
  free(m->r);
  free(m->b);
}

static lk_status unlike(const lk_onnx_graph *g, const LkOnnx__Node *node, const char *what) {
  return LK_FAIL(LK_DATA, "%s: node '%.80s' (%.20s): %s", g->path, node->name, node->op_type, what);
}

/* ---- what a node may not have ---- */

/* Whether the activations are those that go without saying. */
static bool usual_activations(const LkOnnx__Node *node) {
  static const struct {
    const char *op, *names[3];
  } usual[] = {
      {"LSTM", {"Sigmoid", "Tanh", "Tanh"}}, {"GRU", {"Sigmoid", "Tanh", NULL}}, {"RNN", {"Tanh", NULL, NULL}}};
  const LkOnnx__Attribute *a = lk_onnx_attribute(node, "activations");
  size_t op = 0, each = 0;
  if (a == NULL) return true;
  while (op < 2 && strcmp(usual[op].op, node->op_type) != 0) op++;
  while (each < 3 && usual[op].names[each]) each++;
  for (size_t i = 0; i < a->n_strings; i++) {
    const char *name = usual[op].names[i % each];
    if (a->strings[i].len != strlen(name) || strncasecmp((const char *)a->strings[i].data, name, strlen(name)) != 0)
      return false;
  }
  return true;
}

static lk_status check_node(const lk_onnx_graph *g, const LkOnnx__Node *node) {
  const LkOnnx__Attribute *direction = lk_onnx_attribute(node, "direction");
  if (!usual_activations(node)) return unlike(g, node, "its activations are others than sigmoid and tanh");
  if (lk_onnx_attribute(node, "clip")) return unlike(g, node, "it clips its sums");
  if (lk_onnx_whole(node, "input_forget", 0) != 0) return unlike(g, node, "its input and forget gates are one");
  if (node->n_input > 7 && node->input[7][0]) return unlike(g, node, "it has peepholes");
  if (strcmp(node->op_type, "GRU") == 0 && lk_onnx_whole(node, "linear_before_reset", 0) == 0)
    return unlike(g, node, "it resets before the product (linear_before_reset = 0)");
  if (direction && direction->s.len == 7 && memcmp(direction->s.data, "reverse", 7) == 0)
    return unlike(g, node, "it runs backward alone");
  return LK_OK;
}

/* ---- its numbers ---- */

static lk_status read_input(lk_onnx_graph *g, const LkOnnx__Node *node, size_t i, int dims, lk_outside_tensor *view,
                            float **values) {
  bool turned;
  const LkOnnx__Tensor *t = lk_onnx_constant(g, node, i, &turned);
  if (!t || turned) return unlike(g, node, "its weights are no constants of the graph");
  LK_TRY(lk_onnx_floats(g, t, view, values));
  return view->dims == dims ? LK_OK : unlike(g, node, "its weights have another number of axes than the operator's");
}

static lk_status read_matrices(lk_onnx_graph *g, const LkOnnx__Node *node, int gates, matrices *m) {
  lk_outside_tensor w, r, b;
  LK_TRY(read_input(g, node, 1, 3, &w, &m->w));
  LK_TRY(read_input(g, node, 2, 3, &r, &m->r));
  m->directions = w.shape[0];
  m->I = w.shape[2];
  m->H = r.shape[2];
  const ptrdiff_t D = m->directions, G = gates;
  if (D < 1 || D > 2 || m->I < 1 || m->H < 1 || m->H > w.shape[1] || w.shape[1] != G * m->H || r.shape[0] != D ||
      r.shape[1] != w.shape[1])
    return unlike(g, node, "the shapes of its weights do not fit together");
  if (node->n_input < 4 || node->input[3][0] == '\0') return LK_OK;
  LK_TRY(read_input(g, node, 3, 2, &b, &m->b));
  return b.shape[0] == D && b.shape[1] == 2 * G * m->H ? LK_OK : unlike(g, node, "its biases do not fit its weights");
}

/* Whether the blocks of `rows` numbers of two gates differ by the sign that the cell says. */
static bool same_gate(const lk_onnx_cell *cell, const float *from, ptrdiff_t rows, int g, int other) {
  const float sign = (float)(cell->gate[g].sign * cell->gate[other].sign);
  for (ptrdiff_t i = 0; i < rows; i++)
    if (from[g * rows + i] != sign * from[other * rows + i]) return false;
  return true;
}

/* Whether gates of the operator that are one gate of the cell have the same numbers. */
static bool fits(const lk_onnx_cell *cell, const float *from, ptrdiff_t rows) {
  for (int g = 0; g < cell->gates; g++)
    for (int other = 0; other < g; other++)
      if (cell->gate[g].from == cell->gate[other].from && !same_gate(cell, from, rows, g, other)) return false;
  return true;
}

/* The cell whose weights these are: the first that fits, of those with the fewest gates. */
static const lk_onnx_cell *find_cell(const char *op, const matrices *m) {
  const lk_onnx_cell *best = NULL, *cell;
  for (int i = 0; (cell = lk_onnx_cell_at(i)) != NULL; i++) {
    if (strcmp(cell->op, op) != 0 || (best && cell->own >= best->own)) continue;
    const ptrdiff_t G = cell->gates;
    bool all = true;
    for (ptrdiff_t d = 0; all && d < m->directions; d++)
      all = fits(cell, m->w + d * G * m->H * m->I, m->H * m->I) && fits(cell, m->r + d * G * m->H * m->H, m->H * m->H);
    if (all) best = cell;
  }
  return best;
}

/* ---- into PyTorch's order ---- */

static lk_status add_part(lk_outside *outside, const char *name, const lk_onnx_cell *cell, const float *from,
                          ptrdiff_t rows, ptrdiff_t columns) {
  float *to;
  LK_TRY(lk_outside_make(outside, name, columns > 0 ? 2 : 1, (const ptrdiff_t[]){cell->own * rows, columns}, &to));
  const ptrdiff_t block = columns > 0 ? rows * columns : rows;
  for (int g = 0; from && g < cell->gates; g++)
    for (ptrdiff_t i = 0; i < block; i++)
      to[cell->gate[g].from * block + i] = (float)cell->gate[g].sign * from[g * block + i];
  return LK_OK;
}

/* Cells that PyTorch has are named as there, others as Lockstep names them (pieces.h). */
static lk_status name_part(lk_buffer *name, const char *module, int number, const lk_onnx_cell *cell, ptrdiff_t d,
                           const char *suffix) {
  const bool shared = cell->own == cell->gates;
  const bool both = strcmp(module, "decoder.rnn") != 0;
  lk_buffer_truncate(name, 0);
  if (shared) return lk_buffer_printf(name, "%s.%s_l%d%s", module, suffix, number, d ? "_reverse" : "");
  if (!both) return lk_buffer_printf(name, "%s.%d.%s", module, number, suffix);
  return lk_buffer_printf(name, "%s.%d.%s.%s", module, number, d ? "backward" : "forward", suffix);
}

/* A second bias of a cell that PyTorch does not have is left out where the model has none: it then is zeros. */
static bool is_left_out(const lk_onnx_cell *cell, const char *suffix, const float *from, ptrdiff_t rows) {
  if (cell->own == cell->gates || strcmp(suffix, "bias_hh") != 0) return false;
  for (ptrdiff_t i = 0; from && i < cell->gates * rows; i++)
    if (from[i] != 0) return false;
  return true;
}

static lk_status add_direction(lk_outside *outside, const char *module, int number, const lk_onnx_cell *cell,
                               const matrices *m, ptrdiff_t d) {
  const ptrdiff_t G = cell->gates, H = m->H, I = m->I;
  const struct {
    const char *suffix;
    const float *from;
    ptrdiff_t columns;
  } part[] = {{"weight_ih", m->w + d * G * H * I, I},
              {"weight_hh", m->r + d * G * H * H, H},
              {"bias_ih", m->b ? m->b + d * 2 * G * H : NULL, 0},
              {"bias_hh", m->b ? m->b + d * 2 * G * H + G * H : NULL, 0}};
  lk_buffer name = {0};
  lk_status status = LK_OK;
  for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
    if (is_left_out(cell, part[i].suffix, part[i].from, H)) continue;
    LK_GO(name_part(&name, module, number, cell, d, part[i].suffix));
    LK_GO(add_part(outside, name.data, cell, part[i].from, H, part[i].columns));
  }
done:
  lk_buffer_release(&name);
  return status;
}

/* Gates of an operator. */
static int gates_of(const char *op) {
  int i = 0;
  while (strcmp(lk_onnx_cell_at(i)->op, op) != 0) i++;
  return lk_onnx_cell_at(i)->gates;
}

lk_status lk_onnx_read_layer(lk_onnx_graph *g, const LkOnnx__Node *node, const char *module, int number,
                             lk_outside *outside) {
  matrices m = {0};
  lk_status status;
  LK_GO(check_node(g, node));
  LK_GO(read_matrices(g, node, gates_of(node->op_type), &m));
  const lk_onnx_cell *cell = find_cell(node->op_type, &m);
  for (ptrdiff_t d = 0; d < m.directions; d++) LK_GO(add_direction(outside, module, number, cell, &m, d));
done:
  release(&m);
  return status;
}
