#include <stdlib.h>

#include "decode_impl.h"

lk_status lk_sampler_init(lk_sampler *s, const lk_generate *how, ptrdiff_t V, bool eos) {
  lk_status status;
  *s = (lk_sampler){.how = how};
  LK_GO(lk_alloc(&s->allowed, (size_t)V, sizeof *s->allowed));
  LK_GO(lk_alloc(&s->candidate, (size_t)V, sizeof *s->candidate));
  LK_GO(lk_alloc(&s->scratch, (size_t)V, sizeof *s->scratch));
  for (int32_t id = 0; id < V; id++)
    if (id >= LK_SPECIALS || (id == LK_EOS && eos)) s->allowed[s->allowed_count++] = id;
  if (s->allowed_count == 0) LK_GO(LK_FAIL(LK_DATA, "the model's vocabulary holds nothing that could be generated"));
  return LK_OK;
done:
  lk_sampler_release(s);
  return status;
}

void lk_sampler_release(lk_sampler *s) {
  free(s->allowed);
  free(s->candidate);
  free(s->scratch);
  *s = (lk_sampler){0};
}

/* By falling score, equals by id: the order is the same on all machines, whatever qsort() does with equals. */
static int compare(const void *a, const void *b) {
  const lk_candidate *x = a, *y = b;
  if (x->score != y->score) return x->score > y->score ? -1 : 1;
  return x->id < y->id ? -1 : x->id > y->id;
}

static int32_t most_probable(const lk_sampler *s, const lk_real *scores) {
  int32_t best = s->allowed[0];
  for (ptrdiff_t i = 1; i < s->allowed_count; i++)
    if (scores[s->allowed[i]] > scores[best]) best = s->allowed[i];
  return best;
}

/* weight = e^((score - max) / temperature); returns their sum. */
static double weigh(lk_sampler *s, ptrdiff_t n, lk_real max) {
  const double lowest = -80; /* e^-80 is negligible beside 1, and not yet denormal */
  double sum = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    double x = ((double)s->candidate[i].score - (double)max) / s->how->temperature;
    s->scratch[i] = (lk_real)(x > lowest ? x : lowest);
  }
  lk_kernels_get()->exp(n, s->scratch, s->scratch);
  for (ptrdiff_t i = 0; i < n; i++) sum += (double)(s->candidate[i].weight = s->scratch[i]);
  return sum;
}

/* The first candidates, by falling weight, that hold top_p of the sum; *sum becomes theirs. */
static ptrdiff_t nucleus(const lk_sampler *s, ptrdiff_t n, double *sum) {
  double held = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    held += (double)s->candidate[i].weight;
    if (held < s->how->top_p * *sum) continue;
    *sum = held;
    return i + 1;
  }
  return n;
}

int32_t lk_sample(lk_sampler *s, const lk_real *scores, double u) {
  int32_t best = most_probable(s, scores);
  if (s->how->temperature <= 0 || s->how->top_k == 1) return best;
  ptrdiff_t n = s->allowed_count;
  for (ptrdiff_t i = 0; i < n; i++)
    s->candidate[i] = (lk_candidate){.score = scores[s->allowed[i]], .id = s->allowed[i]};
  int few = s->how->top_k > 0 && s->how->top_k < n, part = s->how->top_p < 1;
  if (few || part) qsort(s->candidate, (size_t)n, sizeof *s->candidate, compare);
  if (few) n = (ptrdiff_t)s->how->top_k;
  double sum = weigh(s, n, scores[best]);
  if (part) n = nucleus(s, n, &sum);
  double left = u * sum;
  for (ptrdiff_t i = 0; i < n; i++) {
    left -= (double)s->candidate[i].weight;
    if (left < 0) return s->candidate[i].id;
  }
  return s->candidate[n - 1].id; /* rounding may leave a rest */
}
