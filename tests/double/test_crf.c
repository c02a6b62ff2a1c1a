/* The head over label sequences against sums over all sequences: losses, gradients, probabilities of words and sentences,
 * with labels for all words, for some, and for none. */
#include "crf_fixture.h"
#include "reference/crf_vectors.h"

enum { O = 4, S = 4 };
static const double NEAR = 1e-11;

static void near(double got, double want, const char *what) {
  if (!(fabs(got - want) < NEAR)) fail_msg("%s: %.15g, expected %.15g", what, got, want);
}

/* Expected counts of all tensors' gradients, by all paths of a sentence with weight `sign` times their probability. */
static void add_counts(const crf_net *n, ptrdiff_t b, bool given, double sign, double *gradient) {
  const lk_pack *pack = &n->rank.pack;
  const double log_sum = crf_log_sum(n, b, given);
  const ptrdiff_t length = pack->length[b];
  double *to[5];
  const int ids[5] = {n->head.tensor[0], n->head.tensor[1], n->head.tensor[2], n->head.dense.weight,
                      n->head.dense.bias};
  for (int i = 0; i < 5; i++) to[i] = gradient + lk_params_at(n->params, ids[i])->offset;
  for (ptrdiff_t i = 0; i < crf_paths(n, b); i++) {
    const crf_path p = crf_path_at(n, b, i);
    const double weight = p.given || !given ? sign * exp(p.score - log_sum) : 0;
    to[1][p.label[0]] += weight;
    to[2][p.label[length - 1]] += weight;
    for (ptrdiff_t t = 0; t < length; t++) {
      const ptrdiff_t r = lk_pack_row(pack, b, t);
      if (t > 0) to[0][p.label[t - 1] * O + p.label[t]] += weight;
      to[4][p.label[t]] += weight;
      for (ptrdiff_t k = 0; k < CRF_I; k++) to[3][p.label[t] * CRF_I + k] += weight * (double)n->x[r * CRF_LD + k];
    }
  }
}

static void check_loss(crf_net *n) {
  const lk_pack *pack = &n->rank.pack;
  const ptrdiff_t P = lk_params_count(n->params);
  lk_real *got = fixture_alloc(P);
  double *want = calloc((size_t)P, sizeof *want);
  lk_head_loss(&n->head, n->params, &n->units);
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    const ptrdiff_t b = pack->seq[r];
    const bool first = pack->earlier[r] < 0;
    near(n->head.loss[r], first ? crf_log_sum(n, b, false) - crf_log_sum(n, b, true) : 0, "loss");
  }
  lk_head_backward(&n->head, &n->units, n->dx, CRF_LD, &n->rank.grads);
  fixture_combine(&n->rank, 1, P, got);
  for (ptrdiff_t b = 0; b < pack->B; b++) {
    add_counts(n, b, false, 1, want);
    add_counts(n, b, true, -1, want);
  }
  for (int t = 0; t < lk_params_tensors(n->params); t++) {
    const lk_param *p = lk_params_at(n->params, t);
    for (ptrdiff_t i = 0; i < p->count; i++) near((double)got[p->offset + i], want[p->offset + i], p->name);
  }
  lk_head_evaluate(&n->head, n->params, &n->units);
  for (ptrdiff_t b = 0; b < pack->B; b++)
    near(n->head.loss[lk_pack_row(pack, b, 0)], crf_log_sum(n, b, false) - crf_log_sum(n, b, true), "plain loss");
  free(got);
  free(want);
}

static void losses_and_gradients(void **state) {
  (void)state;
  const fixture_corpus corpus = fixture_deal(S, 3, CRF_T, 8);
  for (int missing = 0; missing < 4; missing++) {
    crf_net n;
    if (missing == 1) continue; /* no word would have a label */
    crf_open(&n, &corpus, 0, 1, O, missing, "crf");
    check_loss(&n);
    crf_close(&n);
  }
}

/* log Z, the probability of each label of a word, and of the given labels. */
static void check_probabilities(crf_net *n) {
  const lk_pack *pack = &n->rank.pack;
  double *log_z = malloc((size_t)pack->N * sizeof *log_z), *log_p = malloc((size_t)pack->N * sizeof *log_p);
  lk_real *score = fixture_alloc(pack->N * CRF_LD), *marginal = fixture_alloc(pack->N * CRF_LD);
  lk_head_lattice(&n->head, n->params, &n->units, &(lk_lattice){CRF_LD, score, log_z, marginal});
  lk_head_log_probability(&n->head, n->params, &n->units, log_p);
  for (ptrdiff_t b = 0; b < pack->B; b++) {
    const double all = crf_log_sum(n, b, false);
    double sum = 0, given = 0, want[CRF_T][O] = {{0}};
    for (ptrdiff_t i = 0; i < crf_paths(n, b); i++) {
      const crf_path p = crf_path_at(n, b, i);
      for (ptrdiff_t t = 0; t < pack->length[b]; t++) want[t][p.label[t]] += exp(p.score - all);
    }
    for (ptrdiff_t r = lk_pack_row(pack, b, 0), t = 0; r >= 0; r = pack->later[r], t++) {
      sum += log_z[r];
      given += log_p[r];
      for (ptrdiff_t j = 0; j < O; j++) near((double)marginal[r * CRF_LD + j], want[t][j], "marginal");
      for (ptrdiff_t j = 0; j < O; j++) near((double)score[r * CRF_LD + j], crf_word_score(n, r, j), "score");
    }
    near(sum, all, "log Z");
    near(given, crf_log_sum(n, b, true) - all, "log P of the labels");
  }
  free(log_z), free(log_p), free(score), free(marginal);
}

static void probabilities(void **state) {
  (void)state;
  static const char *const heads[] = {"crf", "softmax"}; /* of softmax: a chain without steps */
  const fixture_corpus corpus = fixture_deal(S, 3, CRF_T, 8);
  for (int head = 0; head < 2; head++) {
    crf_net n;
    crf_open(&n, &corpus, 0, 1, O, head == 0 ? 3 : 0, heads[head]);
    check_probabilities(&n);
    crf_close(&n);
  }
}

/* Element i of tensor k, as make_crf_vectors.py has it. */
static lk_real vector_value(int k, ptrdiff_t i) { return 3 * sin(0.7 * (double)i + k + 1); }

static void near_vector(const lk_real *gradient, ptrdiff_t n, const crf_case *c, int tensor) {
  double sum = 0, weighted = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    sum += (double)gradient[i];
    weighted += (double)gradient[i] * cos(0.3 * (double)i + 1);
  }
  near(sum, c->sum[tensor], "sum of a gradient");
  near(weighted, c->weighted[tensor], "weighted sum of a gradient");
}

/* Three sentences, scores equal to the inputs. */
static void check_vectors(const crf_case *c) {
  enum { OUTPUTS = 6, LONGEST = 7 };
  static const fixture_corpus corpus = {
      .S = 1, .sequences = 3, .shard_seq = {0, 3}, .length = {LONGEST, 4, 1}, .id = {1, 2, 3}};
  crf_net n;
  lk_real dx[LONGEST * OUTPUTS];
  crf_open_width(&n, &corpus, 0, 1, OUTPUTS, OUTPUTS, 0, "crf");
  const lk_pack *pack = &n.rank.pack;
  lk_real *weight = lk_params_value(n.params, n.head.dense.weight),
          *bias = lk_params_value(n.params, n.head.dense.bias);
  for (ptrdiff_t i = 0; i < OUTPUTS * OUTPUTS; i++) weight[i] = i % (OUTPUTS + 1) == 0;
  for (ptrdiff_t i = 0; i < OUTPUTS; i++) bias[i] = 0;
  for (int k = 0; k < 3; k++)
    for (ptrdiff_t i = 0; i < (k == 0 ? OUTPUTS * OUTPUTS : OUTPUTS); i++)
      lk_params_value(n.params, n.head.tensor[k])[i] = vector_value(k, i);
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    const int b = pack->seq[r], t = pack->time[r];
    n.target[r] = c->missing && (b + t) % 3 == 1 ? -1 : (5 * b + 3 * t + t * t) % OUTPUTS;
    for (int j = 0; j < OUTPUTS; j++) n.x[r * CRF_LD + j] = vector_value(3 + b, t * OUTPUTS + j);
  }
  lk_head_pack(&n.head, n.params, 1, LK_WHOLE);
  lk_head_loss(&n.head, n.params, &n.units);
  lk_head_backward(&n.head, &n.units, n.dx, CRF_LD, &n.rank.grads);
  for (int k = 0; k < 3; k++) {
    const lk_param *p = lk_params_at(n.params, n.head.tensor[k]);
    near_vector(n.rank.grads.subtree[0] + p->offset, p->count, c, k);
  }
  for (int b = 0; b < 3; b++) {
    near(n.head.loss[lk_pack_row(pack, b, 0)], c->loss[b], "loss");
    for (int t = 0; t < pack->length[b]; t++)
      memcpy(dx + t * OUTPUTS, n.dx + lk_pack_row(pack, b, t) * CRF_LD, OUTPUTS * sizeof *dx);
    near_vector(dx, (ptrdiff_t)pack->length[b] * OUTPUTS, c, 3 + b);
  }
  crf_close(&n);
}

static void pytorch_vectors(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof crf_cases / sizeof *crf_cases; i++) check_vectors(&crf_cases[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(losses_and_gradients), cmocka_unit_test(probabilities),
                                     cmocka_unit_test(pytorch_vectors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
