/* recurrent_reference.h - one direction of a recurrent layer, written for reading: one sequence, one time, one unit
 * after the other, all in double. The layer of src/nn is tested against it. Tensors as in cell.h. */
#pragma once
#include <stdlib.h>

#include "pack.h"
#include "reference_cells.h"

typedef struct reference {
  const reference_cell *cell;
  int gates, backward; /* gates: with those ahead */
  ptrdiff_t I, H;
  bool copies; /* the last gate is x */
  double highway;
  double *weight_ih, *weight_hh, *bias_ih, *bias_hh;     /* bias_hh: zeros where left out */
  double *weight_c, *dweight_c;                          /* [V H] */
  double *x;                                             /* [N,I] */
  double *h0, *c0;                                       /* [B,H] */
  double *p0;                                            /* [B, A H] what the row before left for the first A gates */
  double *h, *c;                                         /* out [N,H] */
  double *dh, *dc;                                       /* in [N,H] by the outputs h and c of each row */
  double *dweight_ih, *dweight_hh, *dbias_ih, *dbias_hh; /* out */
  double *dx, *dh0, *dc0, *dp0;                          /* out */
} reference;

/* The tensor of that name, "rnn.bias_ih", or its gradient. */
static inline double *reference_tensor(const reference *m, const char *name, bool gradient) {
  const struct {
    const char *name;
    double *value, *gradient;
  } all[] = {{"weight_ih", m->weight_ih, m->dweight_ih},
             {"weight_hh", m->weight_hh, m->dweight_hh},
             {"bias_ih", m->bias_ih, m->dbias_ih},
             {"bias_hh", m->bias_hh, m->dbias_hh},
             {"weight_c", m->weight_c, m->dweight_c}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (strcmp(strrchr(name, '.') + 1, all[i].name) == 0) return gradient ? all[i].gradient : all[i].value;
  abort();
}

static inline double *reference_zeros(ptrdiff_t n) { return calloc((size_t)n + 1, sizeof(double)); }

static inline void reference_create(reference *m, const reference_cell *cell, int gates, int backward, ptrdiff_t I,
                                    ptrdiff_t H, ptrdiff_t B, ptrdiff_t N) {
  *m = (reference){.cell = cell, .gates = gates, .backward = backward, .I = I, .H = H};
  double **inputs[] = {&m->weight_ih, &m->dweight_ih}, **hidden[] = {&m->weight_hh, &m->dweight_hh};
  double **biases[] = {&m->bias_ih, &m->bias_hh, &m->dbias_ih, &m->dbias_hh}, **rows[] = {&m->x, &m->dx};
  double **initial[] = {&m->h0, &m->c0, &m->dh0, &m->dc0}, **states[] = {&m->h, &m->c, &m->dh, &m->dc};
  for (int i = 0; i < 2; i++) {
    *inputs[i] = reference_zeros(gates * H * I);
    *hidden[i] = reference_zeros(gates * H * H);
    *rows[i] = reference_zeros(N * I);
  }
  for (int i = 0; i < 4; i++) {
    *biases[i] = reference_zeros(gates * H);
    *initial[i] = reference_zeros(B * H);
    *states[i] = reference_zeros(N * H);
  }
  m->weight_c = reference_zeros(cell->vectors * H);
  m->dweight_c = reference_zeros(cell->vectors * H);
  m->p0 = reference_zeros(B * cell->ahead * H);
  m->dp0 = reference_zeros(B * cell->ahead * H);
}

static inline void reference_destroy(reference *m) {
  double *all[] = {m->weight_ih, m->weight_hh,  m->bias_ih,    m->bias_hh,  m->x,        m->h0,       m->c0,  m->h,
                   m->c,         m->dweight_ih, m->dweight_hh, m->dbias_ih, m->dbias_hh, m->dx,       m->dh0, m->dc0,
                   m->dh,        m->dc,         m->p0,         m->dp0,      m->weight_c, m->dweight_c};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) free(all[i]);
}

/* What a row starts from: states [H] and, for gates ahead, the previous input [I] or, at the start, its part [A H]. */
typedef struct reference_before {
  const double *h, *c, *x, *p;
  double *dx, *dp; /* gradients with respect to the latter */
} reference_before;

/* Step k of sequence b, in the direction of the layer. */
static inline reference_before reference_before_step(const reference *m, const lk_pack *p, ptrdiff_t b, ptrdiff_t k) {
  const ptrdiff_t H = m->H, A = m->cell->ahead;
  if (k == 0)
    return (reference_before){m->h0 + b * H, m->c0 + b * H, NULL, m->p0 + b * A * H, NULL, m->dp0 + b * A * H};
  const ptrdiff_t row = lk_pack_row(p, b, m->backward ? p->length[b] - k : k - 1);
  return (reference_before){m->h + row * H, m->c + row * H, m->x + row * m->I, NULL, m->dx + row * m->I, NULL};
}

static inline double reference_dot(ptrdiff_t n, const double *w, const double *x) {
  double sum = 0;
  for (ptrdiff_t i = 0; i < n; i++) sum += w[i] * x[i];
  return sum;
}

/* Row j of W_ih that belongs to gates ahead, for row j of the gates. */
static inline ptrdiff_t reference_ahead(const reference *m, ptrdiff_t j) {
  return j + (m->gates - m->cell->ahead) * m->H;
}

/* Unit u of a row. */
static inline reference_unit reference_unit_at(const reference *m, ptrdiff_t row, ptrdiff_t u, reference_before from) {
  const ptrdiff_t I = m->I, A = m->cell->ahead;
  reference_unit unit = {.h0 = from.h[u], .c0 = from.c[u], .highway = m->highway};
  for (int g = 0; g < m->cell->vectors; g++) unit.weight[g] = m->weight_c[g * m->H + u];
  if (m->copies) unit.input[m->gates - 1] = m->x[row * I + u];
  for (ptrdiff_t g = 0; g < m->gates - A - m->copies; g++) {
    const ptrdiff_t j = g * m->H + u;
    unit.input[g] = m->bias_ih[j] + reference_dot(I, m->weight_ih + j * I, m->x + row * I);
    if (g < A) unit.input[g] += from.x ? reference_dot(I, m->weight_ih + reference_ahead(m, j) * I, from.x) : from.p[j];
    if (!m->cell->parallel) unit.hidden[g] = m->bias_hh[j] + reference_dot(m->H, m->weight_hh + j * m->H, from.h);
  }
  return unit;
}

/* One row: from the states before to its h, c. */
static inline void reference_step(reference *m, ptrdiff_t row, reference_before from) {
  for (ptrdiff_t u = 0; u < m->H; u++) {
    reference_unit unit = reference_unit_at(m, row, u, from);
    m->cell->forward(&unit);
    m->h[row * m->H + u] = creal(unit.h);
    m->c[row * m->H + u] = creal(unit.c);
  }
}

/* The derivative of dh h + dc c by *x, one of the unit's numbers: f'(x) = Im f(x + i e) / e. Nothing is subtracted, so
 * e can be so small that the result is exact (Squire & Trapp 1998). */
static inline double reference_derivative(const reference *m, reference_unit *unit, number *x, double dh, double dc) {
  const double e = 1e-100;
  const number kept = *x;
  *x += e * _Complex_I; /* clang 14 has no CMPLX */
  m->cell->forward(unit);
  *x = kept;
  return (dh * cimag(unit->h) + dc * cimag(unit->c)) / e;
}

/* Row j of W_ih multiplied an input: da is the gradient with respect to the product. */
static inline void reference_product_back(reference *m, ptrdiff_t j, double da, const double *x, double *dx) {
  for (ptrdiff_t i = 0; i < m->I; i++) {
    m->dweight_ih[j * m->I + i] += da * x[i];
    dx[i] += da * m->weight_ih[j * m->I + i];
  }
}

/* The same row back: dh, dc [H] come in by its h, c and leave by the states before. */
static inline void reference_step_back(reference *m, ptrdiff_t row, reference_before from, double *dh, double *dc) {
  const ptrdiff_t I = m->I, H = m->H, A = m->cell->ahead, G = m->gates - A;
  double *da = reference_zeros(G * H), *db = reference_zeros(G * H); /* by input part and hidden part of each gate */
  for (ptrdiff_t u = 0; u < H; u++) {
    reference_unit x = reference_unit_at(m, row, u, from);
    for (ptrdiff_t g = 0; g < G; g++) {
      da[g * H + u] = reference_derivative(m, &x, &x.input[g], dh[u], dc[u]);
      db[g * H + u] = reference_derivative(m, &x, &x.hidden[g], dh[u], dc[u]);
    }
    for (int g = 0; g < m->cell->vectors; g++)
      m->dweight_c[g * H + u] += reference_derivative(m, &x, &x.weight[g], dh[u], dc[u]);
    if (m->copies) m->dx[row * I + u] += da[(G - 1) * H + u];
    const double by_h0 = reference_derivative(m, &x, &x.h0, dh[u], dc[u]);
    dc[u] = reference_derivative(m, &x, &x.c0, dh[u], dc[u]);
    dh[u] = by_h0;
  }
  for (ptrdiff_t j = 0; j < (G - m->copies) * H; j++) {
    m->dbias_ih[j] += da[j];
    m->dbias_hh[j] += db[j];
    reference_product_back(m, j, da[j], m->x + row * I, m->dx + row * I);
    if (j < A * H && from.x) reference_product_back(m, reference_ahead(m, j), da[j], from.x, from.dx);
    if (j < A * H && from.p) from.dp[j] += da[j];
    for (ptrdiff_t i = 0; i < H && !m->cell->parallel; i++) {
      m->dweight_hh[j * H + i] += db[j] * from.h[i];
      dh[i] += db[j] * m->weight_hh[j * H + i];
    }
  }
  free(da);
  free(db);
}

static inline void reference_forward(reference *m, const lk_pack *p) {
  for (ptrdiff_t b = 0; b < p->B; b++)
    for (ptrdiff_t k = 0; k < p->length[b]; k++)
      reference_step(m, lk_pack_row(p, b, m->backward ? p->length[b] - 1 - k : k), reference_before_step(m, p, b, k));
}

static inline void reference_backward(reference *m, const lk_pack *p) {
  for (ptrdiff_t b = 0; b < p->B; b++) {
    double *dh = m->dh0 + b * m->H, *dc = m->dc0 + b * m->H; /* end as the gradients by the initial states */
    for (ptrdiff_t k = p->length[b] - 1; k >= 0; k--) {
      const ptrdiff_t row = lk_pack_row(p, b, m->backward ? p->length[b] - 1 - k : k);
      for (ptrdiff_t u = 0; u < m->H; u++) {
        dh[u] += m->dh[row * m->H + u];
        dc[u] += m->dc[row * m->H + u];
      }
      reference_step_back(m, row, reference_before_step(m, p, b, k), dh, dc);
    }
  }
}
