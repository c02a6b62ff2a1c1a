/* head_softmax.c - one of O classes: P(o) = e^score(o) / sum of e^score; the loss is the cross-entropy of the target, in
 * training of a smoothed one (train.smoothing). */
#include "head_kind.h"

static void loss(const lk_head *h, const lk_units *u, double *to) {
  lk_kernels_get()->softmax_loss(u->n, h->dense.O, h->scores, h->ld, u->target, h->smoothing, to, NULL, h->kept);
}

static void gradient(const lk_head *h, const lk_units *u, lk_range columns, lk_real *to, ptrdiff_t ldto) {
  lk_kernels_get()->softmax_gradient(u->n, h->dense.O, columns, h->scores, h->ld, u->target, h->smoothing, h->kept, to,
                                     ldto);
}

static void measure(const lk_head *h, const lk_units *u, double *to, int32_t *best) {
  lk_kernels_get()->softmax_loss(u->n, h->dense.O, h->scores, h->ld, u->target, 0, to, best, NULL);
}

static void log_probability_of(const lk_head *h, ptrdiff_t n, const int32_t *output, double *log_p) {
  lk_kernels_get()->softmax_loss(n, h->dense.O, h->scores, h->ld, output, 0, log_p, NULL, NULL);
  for (ptrdiff_t i = 0; i < n; i++) log_p[i] = -log_p[i];
}

static void log_probability(const lk_head *h, const lk_units *u, double *log_p) {
  log_probability_of(h, u->n, u->target, log_p);
}

enum { SOME = 64 };

static void answer(const lk_head *h, const lk_units *u, int32_t *best, double *log_p) {
  int32_t none[SOME];
  double losses[SOME];
  for (ptrdiff_t i = 0; i < SOME; i++) none[i] = -1;
  for (ptrdiff_t first = 0, n; first < u->n; first += n) {
    n = u->n - first < SOME ? u->n - first : SOME;
    lk_kernels_get()->softmax_loss(n, h->dense.O, h->scores + first * h->ld, h->ld, none, 0, losses, best + first,
                                   NULL);
  }
  if (log_p) log_probability_of(h, u->n, best, log_p);
}

/* Output 0 stands for any: its score less its log-probability. */
static void norm(const lk_head *h, ptrdiff_t n, double *to) {
  const int32_t zeros[SOME] = {0};
  for (ptrdiff_t first = 0, some; first < n; first += some) {
    const lk_real *scores = h->scores + first * h->ld;
    some = n - first < SOME ? n - first : SOME;
    lk_kernels_get()->softmax_loss(some, h->dense.O, scores, h->ld, zeros, 0, to + first, NULL, NULL);
    for (ptrdiff_t i = 0; i < some; i++) to[first + i] += (double)scores[i * h->ld];
  }
}

static void log_z(const lk_head *h, const lk_units *u, double *to) { norm(h, u->n, to); }

static void marginals(const lk_head *h, const lk_units *u) {
  const int32_t zero = 0;
  double surprise;
  for (ptrdiff_t i = 0; i < u->n; i++) {
    lk_real *row = h->scores + i * h->ld;
    lk_kernels_get()->softmax_loss(1, h->dense.O, row, h->ld, &zero, 0, &surprise, NULL, NULL);
    const lk_real norm_of = (lk_real)(surprise + (double)row[0]);
    for (ptrdiff_t o = 0; o < h->dense.O; o++) row[o] -= norm_of;
    lk_kernels_get()->exp(h->dense.O, row, row);
  }
}

const lk_head_kind lk_head_softmax = {.name = "softmax",
                                      .help = "probabilities, trained with cross-entropy",
                                      .reads = "train.smoothing",
                                      .kept = sizeof(lk_softmax),
                                      .loss = loss,
                                      .gradient = gradient,
                                      .measure = measure,
                                      .answer = answer,
                                      .log_probability = log_probability,
                                      .norm = norm,
                                      .log_z = log_z,
                                      .marginals = marginals};
