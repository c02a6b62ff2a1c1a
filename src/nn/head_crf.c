/* head_crf.c - a label for each word of a sentence, chosen together: a linear-chain conditional random field.
 *
 *   score(y) = start(y_1) + sum of s(t, y_t) + sum of T(y_t-1, y_t) + end(y_T)      s: the scores of the dense layer
 *   P(y) = e^score(y) / Z                                       Z: the sum of e^score(y') over all label sequences y'
 *
 * The loss of a sentence is -log P of its labels; divided by the number of labelled words it is in nats a word, as that of
 * a softmax. Words without a label (target below 0: none, or one that training never had) are summed over: the loss is
 * -log of the sum of P over all sequences with the given labels, and 0 where no word has one (Tsuboi et al. 2008).
 *
 * log Z is computed by products. With start and end added to the scores of the first and last word, which then are s',
 *
 *   x_t(j) = e^(s'(t,j) - max_j s'(t,j))      E(i,j) = e^(T(i,j) - max T)      a_0 = x_0,  a_t = (E^T a_t-1) * x_t
 *   b_last = 1,  b_t = E (x_t+1 * b_t+1)      P(y_t = j) = a_t(j) b_t(j)       P(i then j) = a_t-1(i) E(i,j) x_t(j) b_t(j)
 *
 * where each a_t is divided by its sum c_t, and x_t b_t as well, so that nothing leaves the range of floats; then log Z =
 * sum of log c_t + max s' + max T. A transition counts as at least max T - FLOOR nats: what an a_t(j) loses by underflow
 * is then below 1e-12 of Z, whatever the scores. All sentences of the rank take a step in time together; gradients of T,
 * start and end are summed by shard. Sources: Lafferty et al. 2001; Lample et al. 2016; scaling: Rabiner 1989. */
#include "fixed_math.h"
#include "head_kind.h"
#include "nn_impl.h"

enum { TRANSITIONS, START, END, TENSORS };
static const lk_real FLOOR = 30;

/* One pass over the label sequences of a batch: all of them, or only those with the given labels. */
typedef struct lattice {
  lk_real *x, *a; /* [N, ld] */
  lk_real *z;     /* [N, ld] b, then x b / c */
  lk_real *scale; /* [N] 1 / c */
  double *log_c;  /* [N] log c + max s' + max T; the sum over a sentence is log Z */
} lattice;

enum { NO_LABELS, SOME_LABELS, ALL_LABELS };

/* What is made of the transitions in each call. */
typedef struct steps {
  double most;                 /* max T */
  lk_packed forward, backward; /* E, for the steps forward and backward */
} steps;

typedef struct crf {
  lk_real *e; /* [O, O] E */
  steps *steps;
  lk_real *forward, *backward; /* memory of steps->forward and ->backward */
  lattice all, given;
  int32_t *earlier, *later; /* [N] of the rows by time, pack->order */
  int32_t *labels;          /* [B] which words of a sentence have labels */
  /* training: pairs of words [2N, ld], of all sequences and, negative, of those with the given labels where these are
   * not all; those of shard s begin at 2 shard_row[s]. before: a of the earlier word; here: z */
  lk_real *before, *here;
  lk_real *scratch;
  double *follow; /* [O + 2, O] the chain's, then first and last */
  void *room;
  int32_t *path; /* [N] */
} crf;
_Static_assert(sizeof(crf) <= LK_HEAD_STATE, "the state of a head is too small");

static const crf *crf_of(const lk_head *h) { return (const crf *)(const void *)h->state; }

static lk_status declare(lk_head *h, lk_params *params, const lk_config *config, ptrdiff_t I, ptrdiff_t O, int tied) {
  (void)config;
  const lk_init init = {LK_INIT_UNIFORM, 0.1};
  const lk_param own[TENSORS] = {
      {.name = "output.transitions", .note = "O,O from, to", .dims = 2, .shape = {O, O}, .init = init, .decay = 1},
      {.name = "output.start", .note = "O", .dims = 1, .shape = {O}, .init = init},
      {.name = "output.end", .note = "O", .dims = 1, .shape = {O}, .init = init}};
  LK_TRY(lk_dense_declare(&h->dense, params, "output", I, O, tied));
  for (int i = 0; i < TENSORS; i++) LK_TRY(lk_params_add(params, &own[i], &h->tensor[i]));
  h->tensors = TENSORS;
  return LK_OK;
}

static void layout_lattice(lattice *l, lk_arena *arena, ptrdiff_t N, ptrdiff_t ld) {
  l->x = lk_arena_reals(arena, N * ld);
  l->a = lk_arena_reals(arena, N * ld);
  l->z = lk_arena_reals(arena, N * ld);
  l->scale = lk_arena_reals(arena, N);
  l->log_c = lk_arena_take(arena, (size_t)N * sizeof *l->log_c);
}

static void layout(lk_head *h, lk_arena *arena, ptrdiff_t N, int training) {
  const ptrdiff_t O = h->O, packed = lk_kernels_float32()->packed_size(O, O);
  crf plan = {.steps = lk_arena_take(arena, sizeof *plan.steps)};
  plan.e = lk_arena_reals(arena, O * O);
  plan.forward = lk_arena_reals(arena, packed);
  plan.backward = lk_arena_reals(arena, packed);
  layout_lattice(&plan.all, arena, N, h->ld);
  layout_lattice(&plan.given, arena, N, h->ld);
  plan.earlier = lk_arena_ints(arena, N);
  plan.later = lk_arena_ints(arena, N);
  plan.labels = lk_arena_ints(arena, N);
  plan.follow = lk_arena_take(arena, (size_t)((O + 2) * O) * sizeof *plan.follow);
  plan.room = lk_arena_take(arena, lk_chain_room(O, N, 1));
  plan.path = lk_arena_ints(arena, N);
  if (training) {
    plan.before = lk_arena_reals(arena, 2 * N * h->ld);
    plan.here = lk_arena_reals(arena, 2 * N * h->ld);
    plan.scratch = lk_arena_reals(arena, lk_sum_scratch(O));
  }
  memcpy(h->state, &plan, sizeof plan);
}

/* ---- scores ---- */

static lk_real transition(const lk_head *h, ptrdiff_t i, ptrdiff_t j) {
  const crf *c = crf_of(h);
  const lk_real t = h->value[TRANSITIONS][i * h->O + j], least = (lk_real)c->steps->most - FLOOR;
  return t < least ? least : t;
}

/* s'(r, j) */
static lk_real score_of(const lk_head *h, const lk_pack *pack, ptrdiff_t r, ptrdiff_t j) {
  lk_real s = h->scores[r * h->ld + j];
  if (pack->earlier[r] < 0) s += h->value[START][j];
  if (pack->later[r] < 0) s += h->value[END][j];
  return s;
}

static lk_real largest(const lk_real *v, ptrdiff_t n) {
  lk_real most = v[0];
  for (ptrdiff_t i = 1; i < n; i++) most = v[i] > most || v[i] != v[i] ? v[i] : most; /* a NaN stays */
  return most;
}

/* max T, which transition() needs. */
static void prepare_most(const lk_head *h) {
  crf_of(h)->steps->most = (double)largest(h->value[TRANSITIONS], h->O * h->O);
}

/* E in all its forms, and the rows that the steps connect. */
static void prepare(const lk_head *h, const lk_pack *pack) {
  const crf *c = crf_of(h);
  const lk_kernels *k = lk_kernels_float32(); /* sums of probabilities are no products with weights */
  const ptrdiff_t O = h->O;
  prepare_most(h);
  for (ptrdiff_t i = 0; i < O; i++)
    for (ptrdiff_t j = 0; j < O; j++) c->e[i * O + j] = transition(h, i, j) - (lk_real)c->steps->most;
  k->exp(O * O, c->e, c->e);
  c->steps->forward = (lk_packed){.data = c->forward};
  c->steps->backward = (lk_packed){.data = c->backward};
  k->pack(&c->steps->forward, O, O, c->e, 1, O, LK_WHOLE);
  k->pack(&c->steps->backward, O, O, c->e, O, 1, LK_WHOLE);
  for (ptrdiff_t i = 0; i < pack->N; i++) {
    c->earlier[i] = pack->earlier[pack->order[i]];
    c->later[i] = pack->later[pack->order[i]];
  }
}

/* x and max s' (in log_c) of all label sequences. */
static void weigh_all(const lk_head *h, const lk_pack *pack, const lattice *l) {
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    lk_real *x = l->x + r * h->ld;
    copy_row(x, h->scores + r * h->ld, h->O);
    if (pack->earlier[r] < 0) lk_kernels_get()->add(h->O, h->value[START], x);
    if (pack->later[r] < 0) lk_kernels_get()->add(h->O, h->value[END], x);
    const lk_real most = largest(x, h->O);
    for (ptrdiff_t j = 0; j < h->O; j++) x[j] -= most;
    lk_kernels_get()->exp(h->O, x, x);
    zero_pads(x, h->O, h->ld);
    l->log_c[r] = (double)most;
  }
}

/* The same of those that have the given labels; before the pass over `all`. */
static void weigh_given(const lk_head *h, const lk_units *u, const lattice *all, const lattice *l) {
  for (ptrdiff_t r = 0; r < u->pack->N; r++) {
    lk_real *x = l->x + r * h->ld;
    const int32_t label = u->target[r];
    if (label < 0) {
      copy_row(x, all->x + r * h->ld, h->ld);
      l->log_c[r] = all->log_c[r];
      continue;
    }
    memset(x, 0, (size_t)h->ld * sizeof *x);
    x[label] = 1;
    l->log_c[r] = (double)score_of(h, u->pack, r, label);
  }
}

/* ---- passes ---- */

/* a [r] = a x / c, and c; first: a = x. */
static void advance(const lk_head *h, const lattice *l, ptrdiff_t r, bool first) {
  const lk_real *x = l->x + r * h->ld;
  lk_real *a = l->a + r * h->ld;
  double sum = 0;
  if (first) copy_row(a, x, h->ld);
  for (ptrdiff_t j = 0; j < h->O; j++) {
    if (!first) a[j] *= x[j];
    sum += (double)a[j];
  }
  l->scale[r] = (lk_real)(1 / sum);
  for (ptrdiff_t j = 0; j < h->O; j++) a[j] *= l->scale[r];
  l->log_c[r] += lk_fixed_log(sum) + (first ? 0 : crf_of(h)->steps->most);
}

static void forward(const lk_head *h, const lk_pack *pack, const lattice *l) {
  const crf *c = crf_of(h);
  for (ptrdiff_t t = 0; t < pack->T; t++) {
    const ptrdiff_t begin = pack->step[t], n = pack->step[t + 1] - begin;
    const lk_product step = {
        .n = n, .x = l->a, .ldx = h->ld, .in = c->earlier + begin, .y = l->a, .ldy = h->ld, .out = pack->order + begin};
    if (t > 0) lk_kernels_float32()->product(&c->steps->forward, &step);
    for (ptrdiff_t i = begin; i < begin + n; i++) advance(h, l, pack->order[i], t == 0);
  }
}

/* From b in z [r]: the marginals a b to `to` [N, ld]; then z = x b / c. */
static void go_back(const lk_head *h, const lattice *l, ptrdiff_t r, bool last, lk_real *to) {
  const lk_real *x = l->x + r * h->ld, *a = l->a + r * h->ld;
  lk_real *z = l->z + r * h->ld;
  to += r * h->ld;
  for (ptrdiff_t j = 0; j < h->O; j++) {
    const lk_real b = last ? 1 : z[j];
    to[j] = a[j] * b;
    z[j] = x[j] * b * l->scale[r];
  }
  zero_pads(to, h->O, h->ld);
}

/* The pass over all label sequences. */
static void sum_all(const lk_head *h, const lk_pack *pack) {
  const crf *c = crf_of(h);
  prepare(h, pack);
  weigh_all(h, pack, &c->all);
  forward(h, pack, &c->all);
}

static void backward_pass(const lk_head *h, const lk_pack *pack, const lattice *l, lk_real *to) {
  const crf *c = crf_of(h);
  for (ptrdiff_t t = pack->T - 1; t >= 0; t--) {
    const ptrdiff_t begin = pack->step[t], linked = pack->linked[t];
    const lk_product step = {.n = linked,
                             .x = l->z,
                             .ldx = h->ld,
                             .in = c->later + begin,
                             .y = l->z,
                             .ldy = h->ld,
                             .out = pack->order + begin};
    if (linked > 0) lk_kernels_float32()->product(&c->steps->backward, &step);
    for (ptrdiff_t i = begin; i < pack->step[t + 1]; i++) go_back(h, l, pack->order[i], i >= begin + linked, to);
  }
}

/* ---- the loss ---- */

/* c->labels; whether some sentence has labels for some of its words only. */
static bool look_at_labels(const lk_head *h, const lk_units *u) {
  const crf *c = crf_of(h);
  bool partly = false;
  for (ptrdiff_t b = 0; b < u->pack->B; b++) {
    ptrdiff_t given = 0;
    for (ptrdiff_t r = lk_pack_row(u->pack, b, 0); r >= 0; r = u->pack->later[r]) {
      LK_ASSERT(u->target[r] < h->O);
      given += u->target[r] >= 0;
    }
    c->labels[b] = given == 0 ? NO_LABELS : given == u->pack->length[b] ? ALL_LABELS : SOME_LABELS;
    partly = partly || c->labels[b] == SOME_LABELS;
  }
  return partly;
}

/* What word r has of the loss of its sentence. */
static double word_loss(const lk_head *h, const lk_units *u, ptrdiff_t r, int32_t labels) {
  const crf *c = crf_of(h);
  const ptrdiff_t earlier = u->pack->earlier[r];
  if (labels == SOME_LABELS) return c->all.log_c[r] - c->given.log_c[r];
  const double step = earlier < 0 ? 0 : (double)transition(h, u->target[earlier], u->target[r]);
  return c->all.log_c[r] - (double)score_of(h, u->pack, r, u->target[r]) - step;
}

/* The losses of the sentences at their first rows; whether some are labelled in part: `given` is filled then. */
static bool measure_losses(const lk_head *h, const lk_units *u, double *loss) {
  const crf *c = crf_of(h);
  const bool partly = look_at_labels(h, u);
  prepare(h, u->pack);
  weigh_all(h, u->pack, &c->all);
  if (partly) weigh_given(h, u, &c->all, &c->given);
  forward(h, u->pack, &c->all);
  if (partly) forward(h, u->pack, &c->given);
  for (ptrdiff_t r = 0; r < u->n; r++) loss[r] = 0;
  for (ptrdiff_t b = 0; b < u->pack->B; b++) {
    const ptrdiff_t first = lk_pack_row(u->pack, b, 0);
    double sum = 0;
    if (c->labels[b] == NO_LABELS) continue;
    for (ptrdiff_t r = first; r >= 0; r = u->pack->later[r]) sum += word_loss(h, u, r, c->labels[b]);
    loss[first] = sum < 0 ? 0 : sum; /* by rounding */
  }
  return partly;
}

/* From the marginals of all sequences, in the scores, to the gradient: less those of the given labels. */
static void subtract_given(const lk_head *h, const lk_units *u, const lk_real *given) {
  const crf *c = crf_of(h);
  for (ptrdiff_t r = 0; r < u->n; r++) {
    lk_real *row = h->scores + r * h->ld;
    switch (c->labels[u->pack->seq[r]]) {
      case NO_LABELS:
        memset(row, 0, (size_t)h->ld * sizeof *row);
        break;
      case SOME_LABELS:
        for (ptrdiff_t j = 0; j < h->O; j++) row[j] -= given[r * h->ld + j];
        break;
      default:
        row[u->target[r]] -= 1;
        break;
    }
  }
}

/* The losses, and in place of the scores the gradient by them. */
static void loss(const lk_head *h, const lk_units *u, double *to) {
  const crf *c = crf_of(h);
  const bool partly = measure_losses(h, u, to);
  backward_pass(h, u->pack, &c->all, h->scores);
  if (partly) backward_pass(h, u->pack, &c->given, c->here); /* `here` is not in use yet */
  subtract_given(h, u, c->here);
}

static void gradient(const lk_head *h, const lk_units *u, lk_range columns, lk_real *to, ptrdiff_t ldto) {
  const ptrdiff_t width = columns.end - columns.begin;
  if (to == h->scores + columns.begin) return;
  for (ptrdiff_t r = 0; r < u->n; r++) {
    copy_row(to + r * ldto, h->scores + r * h->ld + columns.begin, width);
    zero_pads(to + r * ldto, width, ldto);
  }
}

/* ---- the gradients of the kind's own tensors ---- */

typedef struct shard_sum {
  const lk_head *head;
  const lk_units *units;
} shard_sum;

/* The pairs of words of a shard: rows of before and here. Returns how many. */
static ptrdiff_t collect_pairs(const lk_head *h, const lk_units *u, int s) {
  const crf *c = crf_of(h);
  const lk_pack *pack = u->pack;
  const lattice *const lattices[] = {&c->all, &c->given};
  ptrdiff_t n = 2 * pack->shard_row[s];
  for (int i = 0; i < 2; i++)
    for (ptrdiff_t r = pack->shard_row[s]; r < pack->shard_row[s + 1]; r++) {
      const int32_t labels = c->labels[pack->seq[r]];
      if (pack->earlier[r] < 0 || labels == NO_LABELS || (i == 1 && labels == ALL_LABELS)) continue;
      copy_row(c->before + n * h->ld, lattices[i]->a + pack->earlier[r] * h->ld, h->ld);
      copy_row(c->here + n * h->ld, lattices[i]->z + r * h->ld, h->ld);
      for (ptrdiff_t j = 0; i == 1 && j < h->O; j++) c->here[n * h->ld + j] *= -1;
      n++;
    }
  return n - 2 * pack->shard_row[s];
}

/* The expected number of each transition less that in the given labels. */
static void transition_block(const void *context, int s, ptrdiff_t m0, ptrdiff_t m1, lk_real *block) {
  const shard_sum *sum = context;
  const lk_head *h = sum->head;
  const lk_units *u = sum->units;
  const crf *c = crf_of(h);
  const ptrdiff_t O = h->O, first = 2 * u->pack->shard_row[s], n = collect_pairs(h, u, s);
  lk_kernels_float32()->outer(n, m1 - m0, O, c->before + first * h->ld + m0, h->ld, c->here + first * h->ld, h->ld,
                              block);
  for (ptrdiff_t i = 0; i < (m1 - m0) * O; i++) block[i] *= c->e[m0 * O + i];
  for (ptrdiff_t r = u->pack->shard_row[s]; r < u->pack->shard_row[s + 1]; r++) {
    const ptrdiff_t earlier = u->pack->earlier[r];
    if (earlier < 0 || c->labels[u->pack->seq[r]] != ALL_LABELS) continue;
    const int32_t i = u->target[earlier];
    if (i >= m0 && i < m1) block[(i - m0) * O + u->target[r]] -= 1;
  }
}

/* Sums of the scores' gradient over the first words of sentences, or the last. */
static void end_block(const shard_sum *sum, int s, ptrdiff_t m0, ptrdiff_t m1, bool last, lk_real *block) {
  const lk_head *h = sum->head;
  const lk_pack *pack = sum->units->pack;
  memset(block, 0, (size_t)(m1 - m0) * sizeof *block);
  for (ptrdiff_t b = pack->shard_seq[s]; b < pack->shard_seq[s + 1]; b++) {
    const ptrdiff_t r = lk_pack_row(pack, b, last ? pack->length[b] - 1 : 0);
    lk_kernels_get()->add(m1 - m0, h->scores + r * h->ld + m0, block);
  }
}

static void start_block(const void *context, int s, ptrdiff_t m0, ptrdiff_t m1, lk_real *block) {
  end_block(context, s, m0, m1, false, block);
}

static void last_block(const void *context, int s, ptrdiff_t m0, ptrdiff_t m1, lk_real *block) {
  end_block(context, s, m0, m1, true, block);
}

static void backward(const lk_head *h, const lk_units *u, lk_real *dx, ptrdiff_t lddx, const lk_grads *grads) {
  (void)dx, (void)lddx;
  const crf *c = crf_of(h);
  const shard_sum sum = {h, u};
  lk_shard_gradient *const block[TENSORS] = {transition_block, start_block, last_block};
  lk_real *to[LK_MAX_SUBTREES];
  for (int i = 0; i < TENSORS; i++) {
    const ptrdiff_t K = i == TRANSITIONS ? h->O : 1;
    lk_grads_of(grads, h->tensor[i], to);
    lk_sum_shards(grads->shards, h->O, K, block[i], &sum, to, K, c->scratch);
  }
}

/* ---- answers ---- */

/* The scores of the chain; what the tags' scheme does not allow is illegal. */
static lk_chain chain_of(const lk_head *h) {
  const crf *c = crf_of(h);
  const ptrdiff_t O = h->O;
  prepare_most(h);
  double *first = c->follow + O * O, *last = first + O;
  for (ptrdiff_t i = 0; i < O; i++) {
    for (ptrdiff_t j = 0; j < O; j++)
      c->follow[i * O + j] = (double)transition(h, i, j) - (lk_tagset_allows(h->tags, i, j) ? 0 : LK_CHAIN_ILLEGAL);
    first[i] = (double)h->value[START][i] - (lk_tagset_allows(h->tags, -1, i) ? 0 : LK_CHAIN_ILLEGAL);
    last[i] = (double)h->value[END][i] - (lk_tagset_allows(h->tags, i, -1) ? 0 : LK_CHAIN_ILLEGAL);
  }
  return (lk_chain){.O = O, .follow = c->follow, .first = first, .last = last};
}

/* Viterbi for each sentence; its score to score [first row] where that is asked for. */
static void find_best(const lk_head *h, const lk_units *u, int32_t *best, double *score) {
  const crf *c = crf_of(h);
  const lk_chain chain = chain_of(h);
  for (ptrdiff_t b = 0; b < u->pack->B; b++) {
    double found = 0;
    ptrdiff_t r = lk_pack_row(u->pack, b, 0);
    (void)lk_chain_best(&chain, u->pack, b, h->scores, h->ld, 1, c->room, c->path, &found);
    if (score) score[r] = found;
    for (ptrdiff_t t = 0; r >= 0; r = u->pack->later[r]) best[r] = c->path[t++];
  }
}

static void measure(const lk_head *h, const lk_units *u, double *to, int32_t *best) {
  (void)measure_losses(h, u, to);
  find_best(h, u, best, NULL);
}

static void log_z(const lk_head *h, const lk_units *u, double *to) {
  const crf *c = crf_of(h);
  sum_all(h, u->pack);
  memcpy(to, c->all.log_c, (size_t)u->n * sizeof *to);
}

static void answer(const lk_head *h, const lk_units *u, int32_t *best, double *log_p) {
  const crf *c = crf_of(h);
  if (!log_p) {
    find_best(h, u, best, NULL);
    return;
  }
  for (ptrdiff_t r = 0; r < u->n; r++) log_p[r] = 0;
  sum_all(h, u->pack);
  find_best(h, u, best, log_p);
  for (ptrdiff_t b = 0; b < u->pack->B; b++) {
    const ptrdiff_t first = lk_pack_row(u->pack, b, 0);
    for (ptrdiff_t r = first; r >= 0; r = u->pack->later[r]) log_p[first] -= c->all.log_c[r];
  }
}

static void log_probability(const lk_head *h, const lk_units *u, double *log_p) {
  (void)measure_losses(h, u, log_p);
  for (ptrdiff_t r = 0; r < u->n; r++) log_p[r] = -log_p[r];
}

static void marginals(const lk_head *h, const lk_units *u) {
  const crf *c = crf_of(h);
  sum_all(h, u->pack);
  backward_pass(h, u->pack, &c->all, h->scores);
}

const lk_head_kind lk_head_crf = {.name = "crf",
                                  .help = "labels of a sentence chosen together (Lample et al. 2016)",
                                  .whole = 1,
                                  .declare = declare,
                                  .layout = layout,
                                  .loss = loss,
                                  .gradient = gradient,
                                  .backward = backward,
                                  .measure = measure,
                                  .answer = answer,
                                  .log_probability = log_probability,
                                  .chain = chain_of,
                                  .log_z = log_z,
                                  .marginals = marginals};
