/* The head over label sequences: the best sequences against all of them, with and without a scheme of tags; the same bits
 * on any number of ranks; scores that leave the usual range. */
#include "crf_fixture.h"

static const char bioes[] = "O B-x E-x I-x S-x", bio[] = "O B-x I-x I-y", no_end[] = "B-x E-x I-x";

static lk_tagset read_tags(const char *text) {
  lk_strings labels = {0};
  lk_tagset set;
  for (size_t size; *text; text += size + (text[size] == ' ')) {
    size = strcspn(text, " ");
    assert_int_equal(lk_strings_add(&labels, text, size, 1), LK_OK);
  }
  assert_int_equal(lk_tagset_create(&set, &labels, NULL), LK_OK);
  assert_true(set.spans);
  lk_strings_release(&labels);
  return set;
}

static int by_score(const void *a, const void *b) {
  const crf_path *x = a, *y = b;
  return (x->score < y->score) - (x->score > y->score);
}

static bool is_allowed(const crf_net *n, ptrdiff_t length, const int32_t *label) {
  bool allowed = lk_tagset_allows(n->head.tags, -1, label[0]) && lk_tagset_allows(n->head.tags, label[length - 1], -1);
  for (ptrdiff_t t = 1; t < length; t++) allowed = allowed && lk_tagset_allows(n->head.tags, label[t - 1], label[t]);
  return allowed;
}

/* All sequences of sentence b that are allowed, the best first. */
static crf_path *list_paths(const crf_net *n, ptrdiff_t b, ptrdiff_t *count) {
  crf_path *list = malloc((size_t)crf_paths(n, b) * sizeof *list);
  *count = 0;
  for (ptrdiff_t i = 0; i < crf_paths(n, b); i++) {
    const crf_path p = crf_path_at(n, b, i);
    if (is_allowed(n, n->rank.pack.length[b], p.label)) list[(*count)++] = p;
  }
  qsort(list, (size_t)*count, sizeof *list, by_score);
  return list;
}

static void check_best(crf_net *n, ptrdiff_t b, const lk_lattice *lattice, const lk_chain *chain, ptrdiff_t K) {
  const ptrdiff_t length = n->rank.pack.length[b];
  ptrdiff_t count;
  crf_path *want = list_paths(n, b, &count);
  void *room = malloc(lk_chain_room(n->head.O, length, K));
  int32_t *label = malloc((size_t)(K * length) * sizeof *label);
  double *score = malloc((size_t)K * sizeof *score);
  const ptrdiff_t found = lk_chain_best(chain, &n->rank.pack, b, lattice->score, lattice->ld, K, room, label, score);
  assert_int_equal(found, count < K ? count : K);
  for (ptrdiff_t k = 0; k < found; k++) {
    if (!(fabs(score[k] - want[k].score) < 1e-4)) fail_msg("path %td: %.9g, expected %.9g", k, score[k], want[k].score);
    assert_true(is_allowed(n, length, label + k * length));
    const bool tied = (k > 0 && want[k - 1].score - want[k].score < 1e-4) ||
                      (k + 1 < count && want[k].score - want[k + 1].score < 1e-4);
    if (!tied) assert_memory_equal(label + k * length, want[k].label, (size_t)length * sizeof *label);
  }
  const ptrdiff_t first = lk_pack_row(&n->rank.pack, b, 0);
  double log_p = want[0].score - crf_log_sum(n, b, false);
  for (ptrdiff_t r = first, t = 0; r >= 0; r = n->rank.pack.later[r], t++) {
    assert_int_equal(n->head.best[r], want[0].label[t]);
    log_p -= lattice->log_z[r]; /* here the log-probabilities of the answers */
  }
  assert_true(fabs(log_p) < 1e-4);
  free(want), free(room), free(label), free(score);
}

static void check_sequences(ptrdiff_t O, const char *output, const lk_tagset *tags) {
  const fixture_corpus corpus = fixture_deal(3, 3, CRF_T, 8);
  static const ptrdiff_t K[] = {1, 2, 7, 4000};
  crf_net n;
  crf_open(&n, &corpus, 0, 1, O, 0, output);
  n.head.tags = tags;
  const ptrdiff_t N = n.rank.pack.N;
  double *log_p = malloc((size_t)N * sizeof *log_p);
  lk_real *score = fixture_alloc(N * CRF_LD);
  const lk_lattice lattice = {CRF_LD, score, log_p, NULL};
  lk_head_lattice(&n.head, n.params, &n.units, &lattice);
  lk_head_answer(&n.head, n.params, &n.units, log_p);
  const lk_chain chain = n.head.kind->chain ? n.head.kind->chain(&n.head) : (lk_chain){.O = O};
  for (ptrdiff_t b = 0; b < n.rank.pack.B; b++)
    for (size_t k = 0; k < sizeof K / sizeof *K; k++) check_best(&n, b, &lattice, &chain, K[k]);
  free(log_p), free(score);
  crf_close(&n);
}

static void best_sequences_are_those_of_all(void **state) {
  (void)state;
  lk_tagset five = read_tags(bioes), four = read_tags(bio);
  check_sequences(4, "crf", NULL);
  check_sequences(5, "crf", &five);
  check_sequences(4, "crf", &four);
  check_sequences(4, "softmax", NULL);
  check_sequences(1, "crf", NULL);
  lk_tagset_release(&five);
  lk_tagset_release(&four);
}

/* A sentence of one word cannot be B to E: the best of what is not allowed is the answer, and the only one. */
static void without_an_allowed_sequence(void **state) {
  (void)state;
  const fixture_corpus corpus = {.S = 1, .sequences = 1, .shard_seq = {0, 1}, .length = {1}, .id = {1000}};
  lk_tagset tags = read_tags(no_end);
  crf_net n;
  crf_open(&n, &corpus, 0, 1, 3, 0, "crf");
  lk_head_answer(&n.head, n.params, &n.units, NULL);
  const int32_t free_answer = n.head.best[0];
  n.head.tags = &tags;
  double log_p, score[3], want = 0;
  lk_head_answer(&n.head, n.params, &n.units, &log_p);
  const crf_path p = crf_path_at(&n, 0, n.head.best[0]);
  want = p.score - crf_log_sum(&n, 0, false);
  assert_true(fabs(log_p - want) < 1e-4);
  /* B may begin and I may not end; E may end and not begin: one fault each; I has two */
  assert_true(n.head.best[0] != 2);
  void *room = malloc(lk_chain_room(3, 1, 3));
  int32_t label[3];
  const lk_chain chain = n.head.kind->chain(&n.head);
  assert_int_equal(lk_chain_best(&chain, &n.rank.pack, 0, n.head.scores, n.head.ld, 3, room, label, score), 1);
  assert_true(free_answer >= 0 && label[0] == n.head.best[0]);
  free(room);
  lk_tagset_release(&tags);
  crf_close(&n);
}

static double loss_and_gradient(const fixture_corpus *corpus, int R, ptrdiff_t O, int missing, lk_real *total) {
  fixture_rank rank[4];
  crf_net net[4];
  double shard[FIXTURE_MOST] = {0};
  for (int r = 0; r < R; r++) {
    crf_net *n = &net[r];
    crf_open(n, corpus, r, R, O, missing, "crf");
    lk_head_loss(&n->head, n->params, &n->units);
    lk_head_backward(&n->head, &n->units, n->dx, CRF_LD, &n->rank.grads);
    int64_t units = 0;
    for (int s = 0; s < n->rank.shards.count; s++)
      shard[n->rank.shards.first + s] = lk_head_shard_loss(&n->head, &n->units, s, &units);
    rank[r] = n->rank;
  }
  fixture_combine(rank, R, lk_params_count(net[0].params), total);
  for (int r = 0; r < R; r++) crf_close(&net[r]);
  return lk_tree_sum(shard, corpus->S);
}

static void same_bits_on_any_number_of_ranks(void **state) {
  (void)state;
  enum { O = 21, P = 21 * 21 + 21 * 3 + 21 * 3 + 160 };
  const fixture_corpus corpus = fixture_deal(6, 8, 40, 2);
  for (int missing = 0; missing < 5; missing += 4) {
    lk_real one[P] = {0}, other[P] = {0};
    const double loss = loss_and_gradient(&corpus, 1, O, missing, one);
    assert_true(loss > 0 && isfinite(loss));
    for (int R = 2; R <= 4; R++) {
      assert_true(loss_and_gradient(&corpus, R, O, missing, other) == loss);
      assert_memory_equal(one, other, sizeof one);
    }
  }
}

/* So many labels that the gradient is made in blocks: the bias has the sums of what stands in the scores. */
static void gradient_in_blocks(void **state) {
  (void)state;
  enum { O = 701 };
  const fixture_corpus corpus = fixture_deal(6, 8, 40, 2);
  crf_net n;
  crf_open(&n, &corpus, 0, 1, O, 4, "crf");
  assert_true(n.rank.pack.N * n.head.ld > 96 * 1024);
  const ptrdiff_t P = lk_params_count(n.params);
  lk_real *total = fixture_alloc(P);
  lk_head_loss(&n.head, n.params, &n.units);
  lk_head_backward(&n.head, &n.units, n.dx, CRF_LD, &n.rank.grads);
  fixture_combine(&n.rank, 1, P, total);
  const lk_param *bias = lk_params_at(n.params, n.head.dense.bias);
  for (ptrdiff_t j = 0; j < O; j++) {
    double sum = 0;
    for (ptrdiff_t r = 0; r < n.rank.pack.N; r++) sum += (double)n.head.scores[r * n.head.ld + j];
    assert_true(fabs(sum - (double)total[bias->offset + j]) < 1e-4);
  }
  free(total);
  crf_close(&n);
}

/* A transition counts as at least the largest less 30: losses stay finite and right. Not a number stays one. */
static void transitions_far_apart(void **state) {
  (void)state;
  enum { O = 4 };
  const fixture_corpus corpus = fixture_deal(3, 3, CRF_T, 8);
  crf_net n;
  crf_open(&n, &corpus, 0, 1, O, 3, "crf");
  lk_real *t = lk_params_value(n.params, n.head.tensor[0]);
  for (ptrdiff_t i = 0; i < O; i++) t[i * O + 1] = -300 - (lk_real)i;
  t[2] = 5;
  lk_head_loss(&n.head, n.params, &n.units);
  lk_head_backward(&n.head, &n.units, n.dx, CRF_LD, &n.rank.grads);
  for (ptrdiff_t i = 0; i < O; i++) t[i * O + 1] = -25;
  for (ptrdiff_t b = 0; b < n.rank.pack.B; b++) {
    const double want = crf_log_sum(&n, b, false) - crf_log_sum(&n, b, true);
    const double got = n.head.loss[lk_pack_row(&n.rank.pack, b, 0)];
    if (!(fabs(got - want) < 1e-4 * (1 + want))) fail_msg("%.9g, expected %.9g", got, want);
  }
  for (ptrdiff_t i = 0; i < lk_params_count(n.params); i++) assert_true(isfinite((double)n.rank.grads.subtree[0][i]));
  t[3] = (lk_real)NAN;
  lk_head_loss(&n.head, n.params, &n.units);
  double sum = 0;
  for (ptrdiff_t r = 0; r < n.rank.pack.N; r++) sum += n.head.loss[r];
  assert_true(isnan(sum));
  crf_close(&n);
}

/* Weight decay is for matrices; start and end are biases, as that of the dense layer. */
static void decay_of_tensors(void **state) {
  (void)state;
  const fixture_corpus corpus = fixture_deal(3, 3, CRF_T, 8);
  crf_net n;
  crf_open(&n, &corpus, 0, 1, 4, 0, "crf");
  for (int i = 0; i < lk_params_tensors(n.params); i++) {
    const lk_param *p = lk_params_at(n.params, i);
    assert_int_equal(p->decay, p->dims == 2);
  }
  crf_close(&n);
}

static int all(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(best_sequences_are_those_of_all),
                                     cmocka_unit_test(without_an_allowed_sequence),
                                     cmocka_unit_test(same_bits_on_any_number_of_ranks),
                                     cmocka_unit_test(gradient_in_blocks),
                                     cmocka_unit_test(transitions_far_apart),
                                     cmocka_unit_test(decay_of_tensors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void) { return fixture_every_kernel(all); }
