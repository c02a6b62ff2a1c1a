/* recurrent_reference.h - one direction of a recurrent layer, written for reading: one sequence, one time, one unit
 * after the other, all in double. The layer of src/nn is tested against it. Tensors as in cell.h. */
#pragma once
#include <stdlib.h>

#include "pack.h"
#include "reference_cells.h"

typedef struct reference {
  const reference_cell *cell;
  int gates, backward;
  ptrdiff_t I, H;
  double *weight_ih, *weight_hh, *bias_ih, *bias_hh;     /* bias_hh: zeros where left out */
  double *x;                                             /* [N,I] */
  double *h0, *c0;                                       /* [B,H] */
  double *h, *c;                                         /* out [N,H] */
  double *dh, *dc;                                       /* in [N,H] by the outputs h and c of each row */
  double *dweight_ih, *dweight_hh, *dbias_ih, *dbias_hh; /* out */
  double *dx, *dh0, *dc0;                                /* out */
} reference;

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
}

static inline void reference_destroy(reference *m) {
  double *all[] = {m->weight_ih,  m->weight_hh,  m->bias_ih,  m->bias_hh,  m->x,  m->h0,  m->c0,  m->h,  m->c,
                   m->dweight_ih, m->dweight_hh, m->dbias_ih, m->dbias_hh, m->dx, m->dh0, m->dc0, m->dh, m->dc};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) free(all[i]);
}

/* What unit u of a row starts from. h0, c0 [H]: states before. */
static inline reference_unit reference_unit_at(const reference *m, ptrdiff_t row, ptrdiff_t u, const double *h0,
                                               const double *c0) {
  reference_unit unit = {.h0 = h0[u], .c0 = c0[u]};
  for (ptrdiff_t g = 0; g < m->gates; g++) {
    const ptrdiff_t j = g * m->H + u;
    double input = m->bias_ih[j], hidden = m->bias_hh[j];
    for (ptrdiff_t i = 0; i < m->I; i++) input += m->weight_ih[j * m->I + i] * m->x[row * m->I + i];
    for (ptrdiff_t i = 0; i < m->H; i++) hidden += m->weight_hh[j * m->H + i] * h0[i];
    unit.input[g] = input;
    unit.hidden[g] = hidden;
  }
  return unit;
}

/* One row: from h0, c0 to its h, c. */
static inline void reference_step(reference *m, ptrdiff_t row, const double *h0, const double *c0) {
  for (ptrdiff_t u = 0; u < m->H; u++) {
    reference_unit unit = reference_unit_at(m, row, u, h0, c0);
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

/* The same row back: dh, dc [H] come in by its h, c and leave by h0, c0. */
static inline void reference_step_back(reference *m, ptrdiff_t row, const double *h0, const double *c0, double *dh,
                                       double *dc) {
  const ptrdiff_t I = m->I, H = m->H, G = m->gates;
  double *da = reference_zeros(G * H), *db = reference_zeros(G * H); /* by input part and hidden part of each gate */
  for (ptrdiff_t u = 0; u < H; u++) {
    reference_unit x = reference_unit_at(m, row, u, h0, c0);
    for (ptrdiff_t g = 0; g < G; g++) {
      da[g * H + u] = reference_derivative(m, &x, &x.input[g], dh[u], dc[u]);
      db[g * H + u] = reference_derivative(m, &x, &x.hidden[g], dh[u], dc[u]);
    }
    const double by_h0 = reference_derivative(m, &x, &x.h0, dh[u], dc[u]);
    dc[u] = reference_derivative(m, &x, &x.c0, dh[u], dc[u]);
    dh[u] = by_h0;
  }
  for (ptrdiff_t j = 0; j < G * H; j++) {
    m->dbias_ih[j] += da[j];
    m->dbias_hh[j] += db[j];
    for (ptrdiff_t i = 0; i < I; i++) {
      m->dweight_ih[j * I + i] += da[j] * m->x[row * I + i];
      m->dx[row * I + i] += da[j] * m->weight_ih[j * I + i];
    }
    for (ptrdiff_t i = 0; i < H; i++) {
      m->dweight_hh[j * H + i] += db[j] * h0[i];
      dh[i] += db[j] * m->weight_hh[j * H + i];
    }
  }
  free(da);
  free(db);
}

/* The states before step k of sequence b. */
static inline const double *reference_before(const reference *m, const lk_pack *p, ptrdiff_t b, ptrdiff_t k,
                                             const double *initial, const double *states) {
  if (k == 0) return initial + b * m->H;
  const ptrdiff_t t = m->backward ? p->length[b] - k : k - 1;
  return states + lk_pack_row(p, b, t) * m->H;
}

static inline void reference_forward(reference *m, const lk_pack *p) {
  for (ptrdiff_t b = 0; b < p->B; b++)
    for (ptrdiff_t k = 0; k < p->length[b]; k++) {
      const ptrdiff_t row = lk_pack_row(p, b, m->backward ? p->length[b] - 1 - k : k);
      reference_step(m, row, reference_before(m, p, b, k, m->h0, m->h), reference_before(m, p, b, k, m->c0, m->c));
    }
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
      reference_step_back(m, row, reference_before(m, p, b, k, m->h0, m->h), reference_before(m, p, b, k, m->c0, m->c),
                          dh, dc);
    }
  }
}
