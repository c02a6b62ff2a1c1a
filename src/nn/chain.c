#include "chain.h"

/* For each label the beginnings that end with it, at most K, the best first. */
typedef struct front {
  double *score;  /* [O, K] */
  int32_t *count; /* [O] */
} front;

typedef struct search {
  const lk_chain *chain;
  ptrdiff_t K;
  front now, before;
  int32_t *at;   /* [O] how many of the beginnings with label i were taken */
  int32_t *from; /* [T, O, K] where a beginning comes from: entry i K + k of the front before */
} search;

size_t lk_chain_room(ptrdiff_t O, ptrdiff_t T, ptrdiff_t K) {
  const size_t labels = (size_t)O, entries = labels * (size_t)K;
  return 2 * entries * sizeof(double) + (3 * labels + (size_t)T * entries) * sizeof(int32_t);
}

static search begin(const lk_chain *chain, ptrdiff_t K, void *room) {
  const ptrdiff_t O = chain->O;
  double *scores = room;
  int32_t *ints = (int32_t *)(scores + 2 * O * K);
  return (search){.chain = chain,
                  .K = K,
                  .now = {scores, ints},
                  .before = {scores + O * K, ints + O},
                  .at = ints + 2 * O,
                  .from = ints + 3 * O};
}

/* The beginnings that end with label j: those of all labels before, merged; each list of the front before is sorted. */
static void extend(search *s, ptrdiff_t j, double here, int32_t *from) {
  const ptrdiff_t O = s->chain->O, K = s->K;
  const double *follow = s->chain->follow;
  for (ptrdiff_t i = 0; i < O; i++) s->at[i] = 0;
  ptrdiff_t count = 0;
  for (; count < K; count++) {
    ptrdiff_t best = -1;
    double most = 0;
    for (ptrdiff_t i = 0; i < O; i++) {
      if (s->at[i] == s->before.count[i]) continue;
      const double score = s->before.score[i * K + s->at[i]] + (follow ? follow[i * O + j] : 0);
      if (best >= 0 && !(score > most)) continue;
      best = i;
      most = score;
    }
    if (best < 0) break;
    s->now.score[j * K + count] = most + here;
    from[j * K + count] = (int32_t)(best * K + s->at[best]++);
  }
  s->now.count[j] = (int32_t)count;
}

static void step(search *s, const lk_real *scores, ptrdiff_t t) {
  const ptrdiff_t O = s->chain->O, K = s->K;
  if (t > 0) {
    const front other = s->before;
    s->before = s->now;
    s->now = other;
  }
  for (ptrdiff_t j = 0; j < O; j++) {
    if (t > 0) {
      extend(s, j, (double)scores[j], s->from + t * O * K);
    } else {
      s->now.score[j * K] = (double)scores[j] + (s->chain->follow ? s->chain->first[j] : 0);
      s->now.count[j] = 1;
    }
  }
}

/* The best entry of the last front that was not taken; -1: there is none. */
static ptrdiff_t take(search *s, double *score) {
  ptrdiff_t best = -1;
  for (ptrdiff_t j = 0; j < s->chain->O; j++) {
    if (s->at[j] == s->now.count[j]) continue;
    const double total = s->now.score[j * s->K + s->at[j]] + (s->chain->follow ? s->chain->last[j] : 0);
    if (best >= 0 && !(total > *score)) continue;
    best = j;
    *score = total;
  }
  return best < 0 ? -1 : best * s->K + s->at[best]++;
}

static void trace(const search *s, ptrdiff_t length, ptrdiff_t entry, int32_t *label) {
  const ptrdiff_t size = s->chain->O * s->K;
  for (ptrdiff_t t = length - 1; t >= 0; t--) {
    label[t] = (int32_t)(entry / s->K);
    if (t > 0) entry = s->from[t * size + entry];
  }
}

/* What a sequence pays for steps that are not allowed. */
static double penalty(const lk_chain *c, ptrdiff_t length, const int32_t *label) {
  double sum = 0;
  if (!c->follow) return 0;
  sum += c->first[label[0]] < -LK_CHAIN_ILLEGAL / 2;
  sum += c->last[label[length - 1]] < -LK_CHAIN_ILLEGAL / 2;
  for (ptrdiff_t t = 1; t < length; t++) sum += c->follow[label[t - 1] * c->O + label[t]] < -LK_CHAIN_ILLEGAL / 2;
  return sum * LK_CHAIN_ILLEGAL;
}

ptrdiff_t lk_chain_best(const lk_chain *chain, const lk_pack *pack, ptrdiff_t b, const lk_real *scores, ptrdiff_t ld,
                        ptrdiff_t K, void *room, int32_t *label, double *score) {
  const ptrdiff_t length = pack->length[b];
  search s = begin(chain, K, room);
  ptrdiff_t t = 0, found = 0;
  for (ptrdiff_t r = lk_pack_row(pack, b, 0); r >= 0; r = pack->later[r]) step(&s, scores + r * ld, t++);
  for (ptrdiff_t j = 0; j < chain->O; j++) s.at[j] = 0;
  for (; found < K; found++) {
    const ptrdiff_t entry = take(&s, &score[found]);
    if (entry < 0) break;
    trace(&s, length, entry, label + found * length);
    const double paid = penalty(chain, length, label + found * length);
    if (paid > 0 && found > 0) break;
    score[found] += paid;
  }
  return found;
}
