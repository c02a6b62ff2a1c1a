/* head_hinge.c - one of O classes by margins: the target's score shall be above every other by at least 1.
 *
 *   loss = max(0, 1 + max over o != target of score(o) - score(target))
 *
 * Its gradient by the scores is 1 at that other output (the rival), -1 at the target, or 0. It has no probabilities.
 * Source: Crammer & Singer 2001. */
#include "head_kind.h"

/* The first of the largest scores but that of `target`; -1 where there is no other output. A NaN counts as larger than any
 * number, so that the loss shows it. */
static ptrdiff_t rival_of(const lk_real *score, ptrdiff_t O, int32_t target) {
  ptrdiff_t best = target == 0 ? 1 : 0;
  for (ptrdiff_t o = best + 1; o < O; o++)
    if (o != target && (score[o] > score[best] || score[o] != score[o])) best = o;
  return best < O ? best : -1;
}

/* Loss of a unit with a target; *rival -1 where it is 0. */
static double unit_loss(const lk_real *score, ptrdiff_t O, int32_t target, int32_t *rival) {
  const ptrdiff_t other = rival_of(score, O, target);
  const double loss = other < 0 ? 0 : 1 + (double)score[other] - (double)score[target];
  LK_ASSERT(target < O);
  *rival = loss <= 0 ? -1 : (int32_t)other;
  return loss <= 0 ? 0 : loss;
}

static void loss(const lk_head *h, const lk_units *u, double *to) {
  int32_t *rival = h->kept;
  for (ptrdiff_t i = 0; i < u->n; i++) {
    to[i] = 0;
    rival[i] = -1;
    if (u->target[i] >= 0) to[i] = unit_loss(h->scores + i * h->ld, h->dense.O, u->target[i], &rival[i]);
  }
}

static void gradient(const lk_head *h, const lk_units *u, lk_range columns, lk_real *to, ptrdiff_t ldto) {
  const int32_t *rival = h->kept;
  const ptrdiff_t width = lk_padded(columns.end - columns.begin);
  for (ptrdiff_t i = 0; i < u->n; i++, to += ldto) {
    for (ptrdiff_t c = 0; c < width; c++) to[c] = 0;
    if (rival[i] < 0) continue;
    if (rival[i] >= columns.begin && rival[i] < columns.end) to[rival[i] - columns.begin] = 1;
    if (u->target[i] >= columns.begin && u->target[i] < columns.end) to[u->target[i] - columns.begin] = -1;
  }
}

static void answer(const lk_head *h, const lk_units *u, int32_t *best, double *log_p) {
  (void)log_p; /* never asked for */
  for (ptrdiff_t i = 0; i < u->n; i++) best[i] = (int32_t)rival_of(h->scores + i * h->ld, h->dense.O, -1);
}

static void measure(const lk_head *h, const lk_units *u, double *to, int32_t *best) {
  int32_t rival;
  answer(h, u, best, NULL);
  for (ptrdiff_t i = 0; i < u->n; i++)
    to[i] = u->target[i] < 0 ? 0 : unit_loss(h->scores + i * h->ld, h->dense.O, u->target[i], &rival);
}

const lk_head_kind lk_head_hinge = {.name = "hinge",
                                    .help = "largest margin, without probabilities (Crammer & Singer 2001)",
                                    .kept = sizeof(int32_t),
                                    .loss = loss,
                                    .gradient = gradient,
                                    .measure = measure,
                                    .answer = answer};
