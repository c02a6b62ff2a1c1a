#include "cell.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cell_impl.h"
#include "choices.h"
#include "fixed_math.h"

#if defined(__x86_64__) && !defined(LK_ONLY_PORTABLE)
#define DECLARE_CELL(name)                                                                        \
  extern const lk_cell lk_cell_##name##_portable, lk_cell_##name##_avx2, lk_cell_##name##_avx512, \
      lk_cell_##name##_avx512bf16, lk_cell_##name##_blas;
#define CELL(name)                                                                                              \
  {#name,                                                                                                       \
   {&lk_cell_##name##_portable, &lk_cell_##name##_avx2, &lk_cell_##name##_avx512, &lk_cell_##name##_avx512bf16, \
    &lk_cell_##name##_blas}},
#else
#define DECLARE_CELL(name) extern const lk_cell lk_cell_##name##_portable, lk_cell_##name##_blas;
#define CELL(name)         {#name, {[0] = &lk_cell_##name##_portable, [4] = &lk_cell_##name##_blas}},
#endif

/* The table of cells, one line each. The double-precision library has one more for its gradient checks
 * (tests/cells). */
#ifdef LK_DOUBLE
#define TEST_CELLS(X) X(five)
#else
#define TEST_CELLS(X)
#endif
#define CELLS(X) \
  X(elman)       \
  X(lstm)        \
  X(lstm_capped) \
  X(gru)         \
  X(mgu)         \
  X(mingru)      \
  X(qrnn)        \
  X(sru)         \
  TEST_CELLS(X)

CELLS(DECLARE_CELL)
static const struct {
  const char *name;
  const lk_cell *isa[5]; /* indexed by lk_kernels_isa() */
} cells[] = {CELLS(CELL)};
enum { COUNT = sizeof cells / sizeof cells[0] };

static const lk_cell *find(const char *name) {
  for (int i = 0; i < COUNT; i++)
    if (strcmp(cells[i].name, name) == 0) return cells[i].isa[lk_kernels_isa()];
  return NULL;
}

const char *const *lk_cell_names(size_t *count) {
#define CELL_WORD(name) #name,
  static const char *const names[] = {CELLS(CELL_WORD)};
  *count = COUNT;
  return names;
}

static lk_choice cell_choice(size_t i) {
  if (i >= COUNT) return (lk_choice){0};
  const lk_cell *cell = cells[i].isa[0];
  return (lk_choice){.name = cell->name, .reads = cell->reads};
}
LK_CHOICES("model.cell", cell_choice)

int lk_cell_gates(const char *name) {
  const lk_cell *cell = find(name);
  return cell ? cell->gates : 0;
}

int lk_cell_states(const char *name) {
  const lk_cell *cell = find(name);
  return cell ? cell->states - cell->first + cell->ahead : 0;
}

char lk_cell_state(const char *name, int i) {
  const lk_cell *cell = find(name);
  return cell && cell->first + i < cell->states ? "hc"[cell->first + i] : '\0';
}

int lk_cell_recurrent(const char *name) {
  const lk_cell *cell = find(name);
  return cell && cell->recurrent;
}

static const lk_choice inits[] = {{"uniform", "as PyTorch does", NULL},
                                  {"orthogonal", "one orthogonal matrix for each gate (Saxe et al. 2014)", NULL}};

static lk_choice init_choice(size_t i) { return i < sizeof inits / sizeof *inits ? inits[i] : (lk_choice){0}; }
LK_CHOICES("model.recurrent_init", init_choice)

/* Declare one tensor of the layer: [gates H, columns], or [gates H] if columns is 0. */
static lk_status add_tensor(lk_params *params, const lk_recurrent *l, const lk_recurrent_spec *spec, const char *suffix,
                            ptrdiff_t gates, ptrdiff_t columns, const char *note, int *id) {
  lk_param p = {.note = note,
                .dims = columns > 0 ? 2 : 1,
                .shape = {gates * l->H, columns},
                .init = {.kind = LK_INIT_UNIFORM, .scale = 1.0 / sqrt((double)l->H)},
                .decay = columns > 0};
  const int length = snprintf(p.name, sizeof p.name, "%s.%s", spec->name, suffix);
  LK_ASSERT(length > 0 && (size_t)length < sizeof p.name);
  if (strcmp(suffix, "weight_hh") == 0 && spec->init && strcmp(spec->init, inits[1].name) == 0)
    p.init = (lk_init){.kind = LK_INIT_ORTHOGONAL, .scale = 1};
  if (l->cell->skip && columns > 0) p.init.scale = sqrt(3.0 / (double)l->I);
  if (strncmp(suffix, "bias", 4) == 0 && l->cell->forget >= 0) {
    p.special_begin = l->cell->forget * l->H;
    p.special_end = p.special_begin + l->H;
    p.special = l->cell->skip ? spec->highway_bias : strcmp(suffix, "bias_ih") == 0 ? spec->forget_bias : 0;
  }
  return lk_params_add(params, &p, id);
}

lk_status lk_recurrent_declare(lk_recurrent *layer, lk_params *params, const lk_recurrent_spec *spec) {
  const lk_cell *cell = find(spec->cell);
  if (!cell) return LK_FAIL(LK_USAGE, "no cell is called \"%.40s\"", spec->cell);
  LK_ASSERT(spec->I >= 1 && spec->H >= 1 && spec->F >= 0 && spec->F < spec->I && !(spec->F && spec->onehot));
  lk_recurrent l = {.cell = cell,
                    .I = spec->I,
                    .H = spec->H,
                    .Hp = lk_padded(spec->H),
                    .F = spec->F,
                    .backward = spec->backward,
                    .onehot = spec->onehot,
                    .distinct = spec->distinct,
                    .weight_dropout = spec->weight_dropout,
                    .copies = cell->skip && spec->I == spec->H && !spec->onehot && !spec->F,
                    .highway = (lk_real)sqrt(1 + 2 * lk_fixed_exp(spec->highway_bias)),
                    .weight_hh = -1,
                    .bias_hh = -1,
                    .weight_c = -1};
  LK_ASSERT(cell->recurrent || !(spec->weight_dropout > 0));
  LK_TRY(add_tensor(params, &l, spec, "weight_ih", lk_recurrent_products(&l), l.I, cell->note_ih, &l.weight_ih));
  if (cell->recurrent) LK_TRY(add_tensor(params, &l, spec, "weight_hh", cell->gates, l.H, cell->note_hh, &l.weight_hh));
  LK_TRY(add_tensor(params, &l, spec, "bias_ih", cell->biases, 0, cell->note_bias, &l.bias_ih));
  if (cell->recurrent && spec->recurrent_bias)
    LK_TRY(add_tensor(params, &l, spec, "bias_hh", cell->biases, 0, cell->note_bias, &l.bias_hh));
  if (cell->vectors) LK_TRY(add_tensor(params, &l, spec, "weight_c", cell->vectors, 0, "2H gates f r", &l.weight_c));
  *layer = l;
  return LK_OK;
}

static ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

/* Scratch for the sums of the weight gradients. */
static ptrdiff_t scratch_size(const lk_recurrent *l, int training) {
  return training ? lk_sum_scratch(larger(l->I, l->H)) : 0;
}

void lk_recurrent_layout_weights(lk_recurrent *l, lk_arena *weights, int training) {
  const lk_kernels *kernels = lk_kernels_get();
  l->cell = find(l->cell->name); /* other kernels may have been selected since */
  l->terms = kernels->terms;
  const ptrdiff_t width = lk_recurrent_products(l) * l->Hp;
  if (l->onehot)
    l->column = lk_arena_reals(weights, l->I * width);
  else
    l->ih.data = lk_arena_reals(weights, kernels->packed_size(width, l->I - l->F));
  if (l->F) l->feed.data = lk_arena_reals(weights, kernels->packed_size(width, l->F));
  if (!l->onehot && l->H != l->Hp) l->padded = lk_arena_reals(weights, width * l->I);
  if (l->cell->recurrent) l->whole.data = lk_arena_reals(weights, l->cell->packed_size(l->H, l->terms));
  l->hh = l->whole;
  l->bias = lk_arena_reals(weights, width);
  if (l->cell->separate) l->inner = lk_arena_reals(weights, l->Hp);
  if (l->cell->vectors) l->by_c = lk_arena_reals(weights, l->cell->vectors * l->Hp);
  if (!training) return;
  if (!l->onehot) l->ih_transposed.data = lk_arena_reals(weights, kernels->view_size(l->I - l->F, width));
  if (l->F) l->feed_transposed.data = lk_arena_reals(weights, kernels->view_size(l->F, width));
  if (!l->cell->recurrent) return;
  l->whole_transposed.data = lk_arena_reals(weights, l->cell->transposed_size(l->H, l->terms));
  l->hh_transposed = l->whole_transposed;
}

/* Of each rank for itself: it needs what was dropped in this step, while others may be at another. */
static void layout_kept(lk_recurrent *l, lk_arena *arena) {
  l->kept.data = lk_arena_reals(arena, l->cell->packed_size(l->H, l->terms));
  l->kept_transposed.data = lk_arena_reals(arena, l->cell->transposed_size(l->H, l->terms));
  l->kept_weights = lk_arena_reals(arena, l->cell->gates * l->H * l->H);
}

void lk_recurrent_layout(lk_recurrent *l, lk_arena *arena, ptrdiff_t B, ptrdiff_t N, int training) {
  const ptrdiff_t width = l->cell->gates * l->Hp, states = (B + N) * l->Hp;
  const int words = l->cell->recurrent ? l->terms : 0;
  l->gates = lk_arena_reals(arena, (l->cell->ahead ? B + N : N) * width);
  if (l->gates && l->cell->ahead) l->gates += B * width;
  if (l->distinct) l->table = lk_arena_reals(arena, N * width);
  if (l->cell->separate) l->tape = lk_arena_reals(arena, N * l->Hp);
  l->h = lk_arena_reals(arena, states);
  if (l->cell->states == 2) l->c = lk_arena_reals(arena, states);
  if (words) l->h_words = lk_arena_reals(arena, states / words);
  if (words && training) l->gate_words = lk_arena_reals(arena, N * width / words);
  l->from = lk_arena_ints(arena, N);
  if (training) {
    l->dh = lk_arena_reals(arena, states);
    if (l->cell->states == 2) l->dc = lk_arena_reals(arena, states);
    if (l->cell->recurrent || l->cell->vectors) l->before = lk_arena_reals(arena, N * l->Hp);
    if (l->weight_dropout > 0) layout_kept(l, arena);
    l->first = lk_arena_ints(arena, B);
  }
  l->scratch = lk_arena_reals(arena, scratch_size(l, training));
}

/* to [G Hp] = the bias added by the input product: b_ih, and b_hh except for the gate that the cell keeps separate; zeros
 * for gates without a bias. */
static void add_biases(const lk_recurrent *l, const lk_real *b_ih, const lk_real *b_hh, lk_real *to) {
  const ptrdiff_t gates = l->cell->gates, H = l->H, Hp = l->Hp;
  memset(to, 0, (size_t)(lk_recurrent_products(l) * Hp) * sizeof *to);
  for (ptrdiff_t g = 0; g < l->cell->biases; g++) {
    const int inside = l->cell->separate && g == gates - 1;
    for (ptrdiff_t u = 0; u < H; u++) to[g * Hp + u] = b_ih[g * H + u] + (b_hh && !inside ? b_hh[g * H + u] : 0);
  }
}

/* inner [Hp] = b_hh of the gate that the cell keeps separate. */
static void pack_inner(const lk_recurrent *l, const lk_real *b_hh) {
  memset(l->inner, 0, (size_t)l->Hp * sizeof *l->inner);
  if (b_hh) memcpy(l->inner, b_hh + (l->cell->gates - 1) * l->H, (size_t)l->H * sizeof *l->inner);
}

/* by_c [V, Hp] = weight_c, padded. */
static void pack_vectors(const lk_recurrent *l, const lk_real *w) {
  memset(l->by_c, 0, (size_t)(l->cell->vectors * l->Hp) * sizeof *w);
  for (ptrdiff_t g = 0; g < l->cell->vectors; g++) memcpy(l->by_c + g * l->Hp, w + g * l->H, (size_t)l->H * sizeof *w);
}

/* column [I, G Hp] = for each id its column of W_ih plus the biases, so that the input product is the copy of a row. */
static void pack_columns(const lk_recurrent *l, const lk_real *w, const lk_real *b_ih, const lk_real *b_hh,
                         lk_part part) {
  /* ids at a time: W_ih is then read by cache lines, while BLOCK rows of the table stay in cache */
  enum { BLOCK = 16 };
  const ptrdiff_t gates = l->cell->gates, width = gates * l->Hp;
  const lk_range ids = lk_part_of(part, l->I, BLOCK);
  for (ptrdiff_t v0 = ids.begin; v0 < ids.end; v0 += BLOCK) {
    const ptrdiff_t v1 = v0 + BLOCK < ids.end ? v0 + BLOCK : ids.end;
    add_biases(l, b_ih, b_hh, l->column + v0 * width);
    for (ptrdiff_t v = v0 + 1; v < v1; v++)
      memcpy(l->column + v * width, l->column + v0 * width, (size_t)width * sizeof *l->column);
    for (ptrdiff_t g = 0; g < gates; g++)
      for (ptrdiff_t u = 0; u < l->H; u++)
        for (ptrdiff_t v = v0; v < v1; v++) l->column[v * width + g * l->Hp + u] += w[(g * l->H + u) * l->I + v];
  }
}

/* W_ih with the rows of each gate padded to Hp, like the gates; W_ih itself if H == Hp. A part covers the rows that
 * the same part of lk_recurrent_pack() reads. */
static const lk_real *pad_gates(const lk_recurrent *l, const lk_real *w, lk_part part) {
  if (l->H == l->Hp) return w;
  const lk_range rows = lk_part_of(part, lk_recurrent_products(l) * l->Hp, LK_LANES);
  const size_t row = (size_t)l->I * sizeof *w;
  for (ptrdiff_t r = rows.begin; r < rows.end; r++) {
    const ptrdiff_t g = r / l->Hp, u = r % l->Hp;
    if (u < l->H)
      memcpy(l->padded + r * l->I, w + (g * l->H + u) * l->I, row);
    else
      memset(l->padded + r * l->I, 0, row);
  }
  return l->padded;
}

/* Pack columns w [width, K] with row stride ld, and their transpose, which is read in place. */
static void pack_input(lk_packed *to, lk_packed *transposed, ptrdiff_t width, ptrdiff_t K, const lk_real *w,
                       ptrdiff_t ld, lk_part part) {
  const lk_kernels *kernels = lk_kernels_get();
  kernels->pack(to, width, K, w, ld, 1, part);
  if (transposed) kernels->view(transposed, K, width, w, ld, part);
}

void lk_recurrent_pack(lk_recurrent *l, const lk_params *params, int training, lk_part part) {
  const ptrdiff_t width = lk_recurrent_products(l) * l->Hp, K = l->I - l->F;
  const lk_real *w_ih = lk_params_value(params, l->weight_ih), *b_ih = lk_params_value(params, l->bias_ih);
  const lk_real *b_hh = l->bias_hh >= 0 ? lk_params_value(params, l->bias_hh) : NULL;
  LK_ASSERT(l->cell == find(l->cell->name) &&
            l->terms == lk_kernels_get()->terms); /* the weights were laid out for these kernels */
  if (part.index == 0) add_biases(l, b_ih, b_hh, l->bias);
  if (part.index == 0 && l->cell->separate) pack_inner(l, b_hh);
  if (part.index == 0 && l->cell->vectors) pack_vectors(l, lk_params_value(params, l->weight_c));
  if (l->onehot) {
    pack_columns(l, w_ih, b_ih, b_hh, part);
  } else {
    const lk_real *padded = pad_gates(l, w_ih, part);
    pack_input(&l->ih, training ? &l->ih_transposed : NULL, width, K, padded, l->I, part);
    if (l->F) pack_input(&l->feed, training ? &l->feed_transposed : NULL, width, l->F, padded + K, l->I, part);
  }
  if (!l->cell->recurrent) return;
  const lk_real *w_hh = lk_params_value(params, l->weight_hh);
  l->cell->pack(l->whole.data, l->H, l->terms, w_hh, part);
  if (training) l->cell->transpose(l->whole_transposed.data, l->H, l->terms, w_hh, part);
}
