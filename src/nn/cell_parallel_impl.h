/* cell_parallel_impl.h - the loops over rows and units around the pointwise part of a cell whose gates need no product with
 * the previous state; included once, at the end of cell_<name>.c. All products are those of W_ih, for all rows at once,
 * and what remains of a step is elementwise. The cell must define
 *
 *   CELL_NAME    mingru
 *   CELL_GATES   G - A, the gates of cell_unit; G is 1 to 8
 *   CELL_STATES  1: a step reads h, 2: it reads c, and h is an output alone
 *   CELL_AHEAD   A: a row adds to its first A gates what the row before computed for it (cell.h), or 0
 *   CELL_BIASES  the first gates that have a bias
 *   CELL_VECTORS V: the first V gates read c0 by weights of their own, by_c[], 0 to 2
 *   CELL_SKIP    1: the last gate is a skip connection (cell.h), which knows `highway`, else 0
 *   CELL_FORGET  index of the gate that starts with model.forget_bias (with a skip connection: model.highway_bias), or -1
 *   CELL_NOTE    "2H", CELL_ORDER " gates z n": of weights; CELL_BIAS "2H gates z n"
 *   cell_forward(), cell_backward()  on a cell_unit (cell_unit_impl.h) */

#define CELL_ALL (CELL_GATES + CELL_AHEAD)
_Static_assert(CELL_VECTORS <= 2 && (CELL_SKIP == 0 || CELL_AHEAD == 0),
               "the fields of cell_unit; one kind of last gates");
_Static_assert(CELL_GATES >= 1 && CELL_ALL <= 8, "lk_recurrent is laid out for one to eight gates");
_Static_assert(CELL_AHEAD <= CELL_GATES, "a part ahead belongs to one of the gates");

static void load_weights(const lk_recurrent *l, ptrdiff_t u, cell_unit *x) {
  for (int g = 0; g < CELL_VECTORS; g++) x->by_c[g] = lk_load(l->by_c + g * l->Hp + u);
  if (CELL_SKIP) x->highway = lk_splat(l->highway);
}

/* Where the row before `row` keeps its gates ahead: [A, Hp]; initial states have such a row in cells with gates ahead. */
static lk_real *gates_ahead(const lk_recurrent *l, ptrdiff_t row, ptrdiff_t offset) {
  if (CELL_AHEAD == 0) return NULL;
  return l->gates + (l->from[row] - offset) * CELL_ALL * l->Hp + CELL_GATES * l->Hp;
}

static void forward_row(const lk_recurrent *l, ptrdiff_t row, ptrdiff_t offset) {
  lk_real *gates = l->gates + row * CELL_ALL * l->Hp;
  const lk_real *ahead = gates_ahead(l, row, offset);
  const ptrdiff_t before = l->from[row] * l->Hp, after = (offset + row) * l->Hp;
  for (ptrdiff_t u = 0; u < l->Hp; u += LK_VL) {
    cell_unit x;
    for (int g = 0; g < CELL_GATES; g++) x.gate[g] = lk_load(gates + g * l->Hp + u);
    for (int g = 0; g < CELL_AHEAD; g++) x.gate[g] += lk_load(ahead + g * l->Hp + u);
    if (CELL_STATES == 1) x.h0 = lk_load(l->h + before + u);
    if (CELL_STATES == 2) x.c0 = lk_load(l->c + before + u);
    load_weights(l, u, &x);
    cell_forward(&x);
    for (int g = 0; g < CELL_GATES; g++) lk_store(gates + g * l->Hp + u, x.gate[g]);
    lk_store(l->h + after + u, x.h);
    if (CELL_STATES == 2) lk_store(l->c + after + u, x.c);
  }
}

static void forward(const lk_recurrent *l, const lk_cell_step *s) {
  for (ptrdiff_t i = 0; i < s->n; i++) forward_row(l, s->row[i], s->offset);
}

/* Gradient of one vector of units. The caller's padding may hold any values; that of the gate gradients must be zero. */
static lk_vec units_of(const lk_recurrent *l, const lk_real *row, ptrdiff_t u) {
  const lk_vec x = lk_load(row + u);
  return u + LK_VL <= l->H ? x : u >= l->H ? lk_zero() : lk_keep_part(x, l->H - u);
}

static void backward_row(const lk_recurrent *l, ptrdiff_t row, ptrdiff_t offset) {
  lk_real *gates = l->gates + row * CELL_ALL * l->Hp, *ahead = gates_ahead(l, row, offset);
  const ptrdiff_t before = l->from[row] * l->Hp, after = (offset + row) * l->Hp;
  for (ptrdiff_t u = 0; u < l->Hp; u += LK_VL) {
    cell_unit x;
    for (int g = 0; g < CELL_GATES; g++) x.gate[g] = lk_load(gates + g * l->Hp + u);
    if (CELL_STATES == 1) x.h0 = lk_load(l->h + before + u);
    x.h = lk_load(l->h + after + u);
    x.dh = units_of(l, l->dh + after, u);
    if (CELL_STATES == 2) {
      x.c0 = lk_load(l->c + before + u);
      x.c = lk_load(l->c + after + u);
      x.dc = units_of(l, l->dc + after, u);
    }
    load_weights(l, u, &x);
    cell_backward(&x);
    for (int g = 0; g < CELL_GATES; g++) lk_store(gates + g * l->Hp + u, x.gate[g]);
    for (int g = 0; g < CELL_AHEAD; g++) lk_store(ahead + g * l->Hp + u, x.gate[g]);
    if (CELL_STATES == 1) lk_store(l->dh + before + u, lk_load(l->dh + before + u) + x.dh0);
    if (CELL_STATES == 2) lk_store(l->dc + before + u, lk_load(l->dc + before + u) + x.dc0);
  }
}

static void backward(const lk_recurrent *l, const lk_cell_step *s) {
  for (ptrdiff_t i = 0; i < s->n; i++) {
    if (CELL_AHEAD && !s->product) { /* no row follows */
      lk_real *ahead = l->gates + s->row[i] * CELL_ALL * l->Hp + CELL_GATES * l->Hp;
      memset(ahead, 0, (size_t)(CELL_AHEAD * l->Hp) * sizeof *ahead);
    }
    backward_row(l, s->row[i], s->offset);
  }
}

#define CELL_TEXT_(x) #x
#define CELL_TEXT(x)  CELL_TEXT_(x)
const lk_cell LK_ISA_NAME(LK_PASTE(lk_cell_, CELL_NAME)) = {
    .name = CELL_TEXT(CELL_NAME),
    .note_ih = CELL_NOTE ",I" CELL_ORDER,
    .note_bias = CELL_BIAS,
    .gates = CELL_ALL,
    .states = CELL_STATES,
    .first = CELL_STATES - 1,
    .ahead = CELL_AHEAD,
    .biases = CELL_BIASES,
    .vectors = CELL_VECTORS,
    .skip = CELL_SKIP,
    .reads = CELL_SKIP          ? "model.highway_bias"
             : CELL_FORGET >= 0 ? "model.forget_bias"
                                : NULL,
    .forget = CELL_FORGET,
    .forward = forward,
    .backward = backward,
};
