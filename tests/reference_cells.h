/* reference_cells.h - the cells once more, one unit at a time in double: what src/nn/cell_*.c is tested against.
 *
 * A cell needs its forward formula and a line in the table, nothing else: numbers are complex so that the tests take
 * derivatives by complex steps (recurrent_reference.h). A cell of src/nn/recurrent.c that has no line here fails
 * unit.recurrent by its name. */
#pragma once
#include <complex.h>
#undef I /* of complex.h; here the width of the input */
#include <stdbool.h>
#include <string.h>

enum { REFERENCE_GATES = 8 };

typedef double complex number;

/* One unit of one row. Gate g has the pre-activation input[g] + hidden[g]. */
typedef struct reference_unit {
  number input[REFERENCE_GATES];  /* W_ih x + b_ih */
  number hidden[REFERENCE_GATES]; /* W_hh h0 + b_hh */
  number h0, c0;                  /* states before; c0: of cells with two states */
  number h, c;                    /* out: states after */
  number weight[2];               /* of c0 in the first gates */
  number highway;                 /* what a skip connection is multiplied by */
} reference_unit;

typedef struct reference_cell {
  const char *name;
  void (*forward)(reference_unit *x);
  bool parallel; /* has no W_hh: hidden[] is zero */
  int vectors;   /* the first gates that read c0 by weights of their own */
  bool skip;     /* the last gate is a skip connection: x itself where it is as wide as h */
  int ahead;     /* the first gates that read the previous input too; W_ih then has as many gates more */
} reference_cell;

static inline number reference_sum(const reference_unit *x, int gate) { return x->input[gate] + x->hidden[gate]; }
static inline number reference_sigmoid(number x) { return 1 / (1 + cexp(-x)); }
static inline number reference_gate(const reference_unit *x, int gate) {
  return reference_sigmoid(reference_sum(x, gate));
}

/* Elman 1990 */
static inline void reference_elman(reference_unit *x) { x->h = ctanh(reference_sum(x, 0)); }

/* Hochreiter & Schmidhuber 1997, Gers et al. 2000; gates i f g o */
static inline void reference_lstm(reference_unit *x) {
  x->c = reference_gate(x, 1) * x->c0 + reference_gate(x, 0) * ctanh(reference_sum(x, 2));
  x->h = reference_gate(x, 3) * ctanh(x->c);
}

/* Melis et al. 2018; gates i f g o */
static inline void reference_lstm_capped(reference_unit *x) {
  const number f = reference_gate(x, 1), i = reference_gate(x, 0);
  x->c = f * x->c0 + (creal(i) < creal(1 - f) ? i : 1 - f) * ctanh(reference_sum(x, 2));
  x->h = reference_gate(x, 3) * ctanh(x->c);
}

/* Cho et al. 2014 as in PyTorch, the reset gate behind the product; gates r z n */
static inline void reference_gru(reference_unit *x) {
  const number z = reference_gate(x, 1), n = ctanh(x->input[2] + reference_gate(x, 0) * x->hidden[2]);
  x->h = (1 - z) * n + z * x->h0;
}

/* Zhou et al. 2016 with the gate behind the product; gates f n */
static inline void reference_mgu(reference_unit *x) {
  const number f = reference_gate(x, 0), n = ctanh(x->input[1] + f * x->hidden[1]);
  x->h = (1 - f) * x->h0 + f * n;
}

/* Feng et al. 2024; gates z n */
static inline void reference_mingru(reference_unit *x) {
  const number z = reference_gate(x, 0);
  x->h = (1 - z) * x->h0 + z * x->input[1];
}

/* Bradbury et al. 2017, fo-pooling; gates z f o */
static inline void reference_qrnn(reference_unit *x) {
  const number f = reference_gate(x, 1);
  x->c = f * x->c0 + (1 - f) * ctanh(reference_sum(x, 0));
  x->h = reference_gate(x, 2) * x->c;
}

/* Lei et al. 2018; gates f r, the cell's input, the skip connection */
static inline void reference_sru(reference_unit *x) {
  const number f = reference_sigmoid(x->input[0] + x->weight[0] * x->c0);
  const number r = reference_sigmoid(x->input[1] + x->weight[1] * x->c0);
  x->c = f * x->c0 + (1 - f) * x->input[2];
  x->h = r * x->c + (1 - r) * x->highway * x->input[3];
}

/* tests/cells/cell_five.c; gates i f g o d */
static inline void reference_five(reference_unit *x) {
  const number d = reference_gate(x, 4);
  reference_lstm(x);
  x->h = (1 - d) * x->h + d * x->h0;
}

static const reference_cell reference_cells[] = {
    {.name = "elman", .forward = reference_elman},
    {.name = "lstm", .forward = reference_lstm},
    {.name = "lstm_capped", .forward = reference_lstm_capped},
    {.name = "gru", .forward = reference_gru},
    {.name = "mgu", .forward = reference_mgu},
    {.name = "mingru", .forward = reference_mingru, .parallel = true},
    {.name = "qrnn", .forward = reference_qrnn, .parallel = true, .ahead = 3},
    {.name = "sru", .forward = reference_sru, .parallel = true, .vectors = 2, .skip = true},
    {.name = "five", .forward = reference_five},
};

/* NULL where there is none. */
static inline const reference_cell *reference_find(const char *name) {
  for (size_t i = 0; i < sizeof reference_cells / sizeof *reference_cells; i++)
    if (strcmp(reference_cells[i].name, name) == 0) return &reference_cells[i];
  return NULL;
}
