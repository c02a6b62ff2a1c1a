/* recurrent_reference.h - one direction of a recurrent layer, written for reading: one sequence, one time, one unit
 * after the other, all in double. The layer of src/nn is tested against it. Tensors as in cell.h. */
#pragma once
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pack.h"

typedef struct reference {
  const char *cell;
  int gates, backward;
  ptrdiff_t I, H;
  double *weight_ih, *weight_hh, *bias_ih, *bias_hh;     /* bias_hh: zeros where left out */
  double *x;                                             /* [N,I] */
  double *h0, *c0;                                       /* [B,H] */
  double *h, *c;                                         /* out [N,H] */
  double *gate;                                          /* out [N,G,H] activated */
  double *inner;                                         /* out [N,G,H] W_hh h + b_hh */
  double *dh, *dc;                                       /* in [N,H] by the outputs h and c of each row */
  double *dweight_ih, *dweight_hh, *dbias_ih, *dbias_hh; /* out */
  double *dx, *dh0, *dc0;                                /* out */
} reference;

static inline double reference_sigmoid(double x) { return 1 / (1 + exp(-x)); }

static inline double *reference_zeros(ptrdiff_t n) { return calloc((size_t)n + 1, sizeof(double)); }

static inline void reference_create(reference *m, const char *cell, int gates, int backward, ptrdiff_t I, ptrdiff_t H,
                                    ptrdiff_t B, ptrdiff_t N) {
  *m = (reference){.cell = cell, .gates = gates, .backward = backward, .I = I, .H = H};
  double **tensors[] = {&m->weight_ih,  &m->weight_hh, &m->bias_ih,  &m->bias_hh, &m->x,   &m->h0, &m->c0,
                        &m->h,          &m->c,         &m->gate,     &m->inner,   &m->dh,  &m->dc, &m->dweight_ih,
                        &m->dweight_hh, &m->dbias_ih,  &m->dbias_hh, &m->dx,      &m->dh0, &m->dc0};
  const ptrdiff_t sizes[] = {gates * H * I, gates * H * H, gates * H,     gates * H,     N * I, B * H, B * H,
                             N * H,         N * H,         N * gates * H, N * gates * H, N * H, N * H, gates * H * I,
                             gates * H * H, gates * H,     gates * H,     N * I,         B * H, B * H};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) *tensors[i] = reference_zeros(sizes[i]);
}

static inline void reference_destroy(reference *m) {
  double *all[] = {m->weight_ih,  m->weight_hh, m->bias_ih,  m->bias_hh, m->x,   m->h0, m->c0,
                   m->h,          m->c,         m->gate,     m->inner,   m->dh,  m->dc, m->dweight_ih,
                   m->dweight_hh, m->dbias_ih,  m->dbias_hh, m->dx,      m->dh0, m->dc0};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) free(all[i]);
}

/* One row: from h0, c0 to its h, c. a = W_ih x + b_ih and inner = W_hh h0 + b_hh for each gate. */
static inline void reference_step(reference *m, ptrdiff_t row, const double *h0, const double *c0) {
  const ptrdiff_t I = m->I, H = m->H, G = m->gates;
  double *gate = m->gate + row * G * H, *inner = m->inner + row * G * H, *h = m->h + row * H, *c = m->c + row * H;
  for (ptrdiff_t j = 0; j < G * H; j++) {
    gate[j] = m->bias_ih[j];
    inner[j] = m->bias_hh[j];
    for (ptrdiff_t i = 0; i < I; i++) gate[j] += m->weight_ih[j * I + i] * m->x[row * I + i];
    for (ptrdiff_t i = 0; i < H; i++) inner[j] += m->weight_hh[j * H + i] * h0[i];
  }
  for (ptrdiff_t u = 0; u < H; u++) {
    double *a = gate + u, *b = inner + u;
    if (strcmp(m->cell, "elman") == 0) {
      h[u] = a[0] = tanh(a[0] + b[0]);
    } else if (strcmp(m->cell, "lstm") == 0) {
      for (ptrdiff_t g = 0; g < 4; g++)
        a[g * H] = g == 2 ? tanh(a[g * H] + b[g * H]) : reference_sigmoid(a[g * H] + b[g * H]);
      c[u] = a[H] * c0[u] + a[0] * a[2 * H];
      h[u] = a[3 * H] * tanh(c[u]);
    } else {
      a[0] = reference_sigmoid(a[0] + b[0]);
      a[H] = reference_sigmoid(a[H] + b[H]);
      a[2 * H] = tanh(a[2 * H] + a[0] * b[2 * H]);
      h[u] = (1 - a[H]) * a[2 * H] + a[H] * h0[u];
    }
  }
}

/* The same row back: dh, dc [H] come in by its h, c and leave by h0, c0. */
static inline void reference_step_back(reference *m, ptrdiff_t row, const double *h0, const double *c0, double *dh,
                                       double *dc) {
  const ptrdiff_t I = m->I, H = m->H, G = m->gates;
  const double *gate = m->gate + row * G * H, *inner = m->inner + row * G * H, *c = m->c + row * H;
  double *da = reference_zeros(G * H), *db = reference_zeros(G * H); /* by input part and recurrent part of each gate */
  for (ptrdiff_t u = 0; u < H; u++) {
    const double *a = gate + u;
    if (strcmp(m->cell, "elman") == 0) {
      da[u] = db[u] = dh[u] * (1 - a[0] * a[0]);
      dh[u] = 0;
    } else if (strcmp(m->cell, "lstm") == 0) {
      const double i = a[0], f = a[H], g = a[2 * H], o = a[3 * H], t = tanh(c[u]);
      const double d = dc[u] + dh[u] * o * (1 - t * t);
      da[u] = d * g * i * (1 - i);
      da[H + u] = d * c0[u] * f * (1 - f);
      da[2 * H + u] = d * i * (1 - g * g);
      da[3 * H + u] = dh[u] * t * o * (1 - o);
      for (ptrdiff_t k = 0; k < 4; k++) db[k * H + u] = da[k * H + u];
      dh[u] = 0;
      dc[u] = d * f;
    } else {
      const double r = a[0], z = a[H], n = a[2 * H], dn = dh[u] * (1 - z) * (1 - n * n);
      da[u] = db[u] = dn * inner[2 * H + u] * r * (1 - r);
      da[H + u] = db[H + u] = dh[u] * (h0[u] - n) * z * (1 - z);
      da[2 * H + u] = dn;
      db[2 * H + u] = dn * r;
      dh[u] *= z;
    }
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
