/* Signed finite differences in double for every tensor of every kind of net.
 *
 * Numeric derivative: the five-point stencil, whose error is h^4 f'''''/30, about 1e-12 at h = 1e-3. The loss is a sum
 * of some twenty cross-entropies, about 30, computed to about 1e-14: the quotient is accurate to about 1e-11. So
 * a relative error of 1e-6 is required of derivatives above 3e-5; smaller ones are compared relative to 3e-5. */
#include "choices.h"
#include "head_kind.h"
#include "nn_net.h"

#include <math.h>

#define STEP     1e-3
#define SMALLEST 3e-5
#define LIMIT    1e-6
#define CHECKED  60 /* elements of a tensor */

static const lk_mode training = {.training = 1, .seed = 3, .step = 11};

static double loss_at(net_run *run, lk_real *value, double x) {
  *value = (lk_real)x;
  return net_forward(run, training);
}

static double numeric(net_run *run, lk_real *value, double h) {
  const double x = (double)*value;
  const double near = loss_at(run, value, x + h) - loss_at(run, value, x - h);
  const double far = loss_at(run, value, x + 2 * h) - loss_at(run, value, x - 2 * h);
  *value = (lk_real)x;
  return (8 * near - far) / (12 * h);
}

static double relative(double want, double got) { return (want - got) / fmax(fmax(fabs(want), fabs(got)), SMALLEST); }

/* The largest signed relative error over (a sample of) the elements of tensor `id`; infinite where too little was checked.
 * Losses with a maximum in them have kinks: where the quotients of two steps differ there is no derivative to compare. */
static double check_tensor(net_run *run, int id, const lk_real *analytic) {
  const lk_param *p = lk_params_at(run->net->params, id);
  lk_real *values = lk_params_value(run->net->params, id);
  ptrdiff_t stride = p->count > CHECKED ? p->count / CHECKED + 1 : 1, checked = 0, kinks = 0;
  while (stride > 1 && (p->count % stride == 0 || p->shape[p->dims - 1] % stride == 0)) stride++;
  double worst = 0, largest = 0;
  for (ptrdiff_t i = 0; i < p->count; i += stride) {
    const double got = (double)analytic[p->offset + i], want = numeric(run, &values[i], STEP);
    const double error = relative(want, got);
    if (!(fabs(error) < LIMIT) && !(fabs(relative(want, numeric(run, &values[i], STEP / 2))) < LIMIT)) {
      kinks++;
      continue;
    }
    if (!(fabs(error) <= fabs(worst))) worst = error;
    largest = fmax(largest, fabs(got));
    checked++;
  }
  const bool enough = largest > 1e-4 && checked > kinks;
  if (!(fabs(worst) < LIMIT)) print_error("  %s: signed relative error %g\n", p->name, worst);
  if (!enough) print_error("  %s: %td checked, %td kinks, largest %g\n", p->name, checked, kinks, largest);
  return enough ? worst : (double)INFINITY;
}

static double check_net(const net_spec *spec) {
  net n;
  fixture_rank k;
  net_run run;
  net_open(&n, spec, 17);
  fixture_corpus c = fixture_deal(3, 3, 6, 4);
  fixture_rank_open(&k, &c, 0, 1, n.params);
  net_bind(&run, &n, &k);
  (void)net_forward(&run, training);
  net_backward(&run, training);
  double worst = 0;
  for (int id = 0; id < lk_params_tensors(n.params); id++) {
    double error = check_tensor(&run, id, k.grads.subtree[0]);
    if (!(fabs(error) <= fabs(worst))) worst = error;
  }
  print_message("%-5s %-6s layers %d directions %d dropout %.1f%s%s%s pool %2d head %s: %+.1e\n", spec->cell,
                spec->input, spec->layers, spec->bidirectional + 1, spec->dropout,
                spec->variational ? " variational" : "", spec->tied ? " tied" : "", spec->carry ? " carry" : "",
                spec->pool, n.head.kind->name, worst);
  net_unbind(&run);
  fixture_rank_close(&k);
  net_close(&n);
  return worst;
}

static const char *const *cells; /* all that the table has */
static size_t cell_count, pool_count;
static const char *const inputs[] = {"embed", "onehot", "frames"};
enum { INPUTS = sizeof inputs / sizeof *inputs };

static net_spec plain(size_t cell, size_t input) {
  return (net_spec){.cell = cells[cell], .input = inputs[input], .layers = 1, .embedding = 4, .hidden = 5, .pool = -1};
}

static void every_cell_and_input(void **state) {
  (void)state;
  int failed = 0;
  for (size_t cell = 0; cell < cell_count; cell++)
    for (size_t input = 0; input < INPUTS; input++)
      for (int layers = 1; layers <= 2; layers++)
        for (int both = 0; both < 2; both++) {
          net_spec spec = plain(cell, input);
          spec.layers = layers;
          spec.bidirectional = both;
          failed += !(fabs(check_net(&spec)) < LIMIT);
        }
  assert_int_equal(failed, 0);
}

static bool is_among(const char *name, const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

/* Every kind in the table of input_layer.c, by name, joined to each kind of input: a new one is checked without a line
 * here, and fails by name where these two columns do not suit it. */
static void every_feature(void **state) {
  (void)state;
  size_t count;
  int failed = 0;
  const char *readers[LK_MOST_CHOICES], *const *names = lk_feature_names(&count);
  const size_t tokens = lk_choices_names("model.input", readers);
  for (size_t i = 0; i < count; i++)
    for (size_t input = 0; input < INPUTS; input++) { /* and a cell each */
      char features[64];
      (void)snprintf(features, sizeof features, is_among(names[i], readers, tokens) ? "tag:%s:3" : "scale:%s",
                     names[i]);
      net_spec spec = plain(input, input);
      spec.features = features;
      spec.layers = 1 + (input == 1);
      spec.bidirectional = input == 1;
      spec.dropout = 0.2;
      spec.word_dropout = 2;
      const bool good = fabs(check_net(&spec)) < LIMIT;
      if (!good) print_error("feature %s: its gradient is wrong\n", names[i]);
      failed += !good;
    }
  assert_int_equal(failed, 0);
}

/* Every choice of model.vectors, of words by a map, and of a column of rows; the first two rows have a gradient, the others
 * of frozen vectors are no parameters. */
static void every_use_of_vectors(void **state) {
  (void)state;
  const char *names[LK_MOST_CHOICES];
  const size_t count = lk_choices_names("model.vectors", names);
  int failed = 0;
  for (size_t i = 0; i < count; i++)
    for (size_t variant = 0; variant < 4; variant++) {
      net_spec spec = plain(variant % 2, 0);
      spec.vectors = names[i];
      spec.mapped = variant < 2;
      spec.features = variant == 1 ? "scale" : NULL;
      spec.bidirectional = variant == 3;
      spec.word_dropout = 2;
      const bool good = fabs(check_net(&spec)) < LIMIT;
      if (!good) print_error("model.vectors %s, variant %zu: the gradient is wrong\n", names[i], variant);
      failed += !good;
    }
  assert_int_equal(failed, 0);
}

static void all_features_at_once(void **state) {
  (void)state;
  net_spec spec = plain(1, 0);
  spec.features = "scale, tag:embed:2";
  assert_true(fabs(check_net(&spec)) < LIMIT);
}

/* Every net in the table of characters.c, beside each kind of input, with and without dropout. */
static void every_net_of_characters(void **state) {
  (void)state;
  const char *nets[LK_MOST_CHOICES];
  const size_t count = lk_choices_names("model.characters", nets);
  int failed = 0;
  for (size_t i = 0; i < count; i++)
    for (size_t input = 0; input < INPUTS; input++) {
      net_spec spec = plain(input, input);
      spec.characters = nets[i];
      spec.character_dropout = input == 1 ? 0.3 : 0;
      spec.dropout = input == 2 ? 0.2 : 0;
      spec.features = input == 0 ? "tag" : NULL;
      spec.bidirectional = input == 0;
      spec.tied = input == 0;
      spec.embedding = spec.hidden * (1 + spec.bidirectional);
      const bool good = fabs(check_net(&spec)) < LIMIT;
      if (!good) print_error("model.characters: %s: its gradient is wrong\n", nets[i]);
      failed += !good;
    }
  assert_int_equal(failed, 0);
}

static void dropout_of_every_kind(void **state) {
  (void)state;
  int failed = 0;
  for (size_t cell = 0; cell < cell_count; cell++)
    for (size_t input = 0; input < INPUTS; input++)
      for (int variational = 0; variational < 2; variational++) {
        net_spec spec = plain(cell, input);
        spec.layers = 2;
        spec.bidirectional = variational;
        spec.hidden = 8;
        spec.dropout = 0.3;
        spec.word_dropout = 2;
        spec.variational = variational;
        failed += !(fabs(check_net(&spec)) < LIMIT);
      }
  assert_int_equal(failed, 0);
}

static void tied_weights(void **state) {
  (void)state;
  int failed = 0;
  for (size_t cell = 0; cell < cell_count; cell++)
    for (int both = 0; both < 2; both++) {
      net_spec spec = plain(cell, 0);
      spec.tied = 1;
      spec.bidirectional = both;
      spec.embedding = spec.hidden * (both + 1);
      spec.dropout = both * 0.2;
      failed += !(fabs(check_net(&spec)) < LIMIT);
    }
  assert_int_equal(failed, 0);
}

static void pooled_classifier(void **state) {
  (void)state;
  int failed = 0;
  for (size_t cell = 0; cell < cell_count; cell++)
    for (size_t pool = 0; pool < pool_count; pool++)
      for (int both = 0; both < 2; both++) {
        net_spec spec = plain(cell, both ? 2 : 0);
        spec.bidirectional = both;
        spec.pool = (int)pool;
        failed += !(fabs(check_net(&spec)) < LIMIT);
      }
  assert_int_equal(failed, 0);
}

static void carried_states(void **state) {
  (void)state;
  int failed = 0;
  for (size_t cell = 0; cell < cell_count; cell++) {
    net_spec spec = plain(cell, cell % INPUTS);
    spec.layers = 2;
    spec.carry = 1;
    failed += !(fabs(check_net(&spec)) < LIMIT);
  }
  assert_int_equal(failed, 0);
}

static const lk_head_kind *kind_of(const char *head) {
  lk_config config;
  const lk_head_kind *kind;
  assert_int_equal(lk_config_init(&config), LK_OK);
  net_set(&config, "output", head);
  assert_int_equal(lk_head_find(&config, &kind), LK_OK);
  lk_config_release(&config);
  return kind;
}

/* Every head in the table: a prediction for each row, or for each sequence (not of heads over whole sequences); with its
 * own weight, or a tied one (not of heads whose weight has another shape). */
static void every_head(void **state) {
  (void)state;
  const char *heads[LK_MOST_CHOICES];
  const size_t count = lk_choices_names("model.output", heads);
  int failed = 0;
  for (size_t head = 0; head < count; head++)
    for (int form = 0; form < 3; form++) {
      net_spec spec = plain(head % cell_count, 0);
      spec.head = heads[head];
      if ((form == 1 && kind_of(heads[head])->whole) || (form == 2 && kind_of(heads[head])->next)) continue;
      spec.pool = form == 1 ? LK_POOLING_MEAN : -1;
      spec.tied = form == 2;
      spec.embedding = spec.hidden;
      const int bad = !(fabs(check_net(&spec)) < LIMIT);
      if (bad) print_error("model.output: %s: wrong gradient\n", heads[head]);
      failed += bad;
    }
  assert_int_equal(failed, 0);
}

int main(void) {
  cells = lk_cell_names(&cell_count);
  const char *pools[LK_MOST_CHOICES];
  pool_count = lk_choices_names("model.pooling", pools);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_cell_and_input),
      cmocka_unit_test(every_feature),
      cmocka_unit_test(every_use_of_vectors),
      cmocka_unit_test(all_features_at_once),
      cmocka_unit_test(dropout_of_every_kind),
      cmocka_unit_test(tied_weights),
      cmocka_unit_test(pooled_classifier),
      cmocka_unit_test(carried_states),
      cmocka_unit_test(every_head),
      cmocka_unit_test(every_net_of_characters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
