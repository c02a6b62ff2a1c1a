/* Averages of the weights: every kind against its definition in double, cut into ranges, swapped, and its trigger
 * against a search through all evaluations. */
#include "average.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "choices.h"

enum { WEIGHTS = 37, STEPS = 60, EPOCH = 7, AFTER = 11 /* the step of the evaluation that triggers */ };
static const lk_ranges all = {1, {{0, WEIGHTS}}};

static lk_config config;

static int set_up(void **state) {
  (void)state;
  assert_int_equal(lk_config_init(&config), LK_OK);
  config.train.average_decay = 0.9;
  config.train.average_start = 1.5; /* epochs: from step 12 on, where 11 are behind */
  config.train.average_every = 4;
  config.train.average_patience = 1;
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  lk_error_clear();
  lk_config_release(&config);
  return 0;
}

/* Weight i after step s, both from 0 and 1 on. */
static float weight(int i, int s) { return (float)((i * 53 + s * s * 17) % 97 - 48) / 7; }

static lk_average_step made(int step) { return (lk_average_step){step, (double)(step - 1) / EPOCH, step % EPOCH == 0}; }

/* ---- the definitions: how much the weights after step s count in the average after step n ---- */

static bool begun(int s) { return s - 1 >= config.train.average_start * EPOCH; }
static double none_counts(int s, int n) { return 0 * (s + n); }
static double ema_counts(int s, int n) { return begun(s) ? pow(config.train.average_decay, n - s) : 0; }
static double swa_counts(int s, int n) {
  const int64_t every = config.train.average_every;
  return n >= s && begun(s) && (every ? s % every == 0 : s % EPOCH == 0);
}
static double nt_asgd_counts(int s, int n) { return n >= s && s > AFTER; }

static const struct {
  const char *name;
  double (*counts)(int s, int n);
} definitions[] = {{"none", none_counts}, {"ema", ema_counts}, {"swa", swa_counts}, {"nt-asgd", nt_asgd_counts}};

/* NAN where no weights take part yet. */
static double defined(const char *name, int i, int n) {
  double sum = 0, over = 0;
  for (size_t k = 0; k < sizeof definitions / sizeof *definitions; k++)
    for (int s = 1; s <= n && strcmp(definitions[k].name, name) == 0; s++)
      sum += definitions[k].counts(s, n) * (double)weight(i, s), over += definitions[k].counts(s, n);
  return over > 0 ? sum / over : (double)NAN;
}

static bool is_defined(const char *name) {
  for (size_t k = 0; k < sizeof definitions / sizeof *definitions; k++)
    if (strcmp(definitions[k].name, name) == 0) return true;
  return false;
}

/* Evaluations that get better up to the one after step AFTER. */
static void evaluate(lk_average *average, lk_state *state, int step) {
  if (step > AFTER || step < AFTER - 3) return;
  state->step = step;
  const bool begins = lk_average_evaluated(average, state, step < AFTER ? -step : 0, false);
  assert_int_equal(begins, step == AFTER && lk_average_by_evaluations(&config));
}

static void run_kind(const char *name) {
  lk_average *average = NULL;
  lk_state state = {0};
  int begins = 0;
  config.train.average = name;
  assert_int_equal(lk_average_create(&average, &config, WEIGHTS), LK_OK);
  assert_int_equal(lk_average_values(average) != NULL, lk_average_wanted(&config));
  for (int step = 1; step <= STEPS; step++) {
    float w[WEIGHTS];
    for (int i = 0; i < WEIGHTS; i++) w[i] = weight(i, step);
    begins += lk_average_add(average, &state, made(step), &all, w);
    assert_int_equal(lk_average_holds(&state), !isnan(defined(name, 0, step)));
    for (int i = 0; i < WEIGHTS && lk_average_holds(&state); i++) {
      const double got = (double)lk_average_values(average)[i], truth = defined(name, i, step);
      if (!(fabs(got - truth) < 4e-6)) fail_msg("%s, step %d: %.9g, should be %.9g", name, step, got, truth);
    }
    state.step = step;
    assert_true(lk_average_possible(&state));
    evaluate(average, &state, step);
  }
  assert_int_equal(begins, lk_average_wanted(&config) && !lk_average_by_evaluations(&config));
  assert_int_equal(lk_average_holds(&state), lk_average_wanted(&config));
  lk_average_destroy(&average);
  assert_null(average);
}

static void every_kind_is_its_definition(void **unused) {
  (void)unused;
  lk_choice_at *kinds = lk_choices_of("train.average");
  int count = 0;
  for (size_t i = 0; kinds(i).name; i++, count++) {
    if (!is_defined(kinds(i).name)) fail_msg("the average \"%s\" has no definition in this test", kinds(i).name);
    for (config.train.average_every = 0; config.train.average_every < 8; config.train.average_every += 4)
      run_kind(kinds(i).name);
  }
  assert_int_equal(count, sizeof definitions / sizeof *definitions);
}

/* The average of each range is that part of the whole one. */
static void ranges_do_not_change_bits(void **unused) {
  (void)unused;
  lk_average *whole = NULL, *part = NULL;
  lk_state of_whole = {0}, of_part = {0};
  enum { CUT = 13 };
  config.train.average = "ema";
  assert_int_equal(lk_average_create(&whole, &config, WEIGHTS), LK_OK);
  assert_int_equal(lk_average_create(&part, &config, WEIGHTS - CUT), LK_OK);
  for (int step = 1; step <= STEPS; step++) {
    float w[WEIGHTS];
    for (int i = 0; i < WEIGHTS; i++) w[i] = weight(i, step);
    (void)lk_average_add(whole, &of_whole, made(step), &all, w);
    (void)lk_average_add(part, &of_part, made(step), &(lk_ranges){1, {{CUT, WEIGHTS}}}, w);
  }
  assert_memory_equal(&of_whole, &of_part, sizeof of_part);
  assert_memory_equal(lk_average_values(whole) + CUT, lk_average_values(part), sizeof(float[WEIGHTS - CUT]));
  lk_average_destroy(&whole);
  lk_average_destroy(&part);
}

/* The first average is the weights themselves, and two swaps bring back every bit. */
static void swaps_bring_back_every_bit(void **unused) {
  (void)unused;
  lk_average *average = NULL;
  lk_state state = {0};
  float first[WEIGHTS], then[WEIGHTS], w[WEIGHTS];
  for (int i = 0; i < WEIGHTS; i++) first[i] = weight(i, 1) / 3, then[i] = 1e-7F * weight(i, 2);
  config.train.average = "ema", config.train.average_start = 0;
  assert_int_equal(lk_average_create(&average, &config, WEIGHTS), LK_OK);
  assert_true(lk_average_add(average, &state, made(1), &all, first));
  assert_memory_equal(lk_average_values(average), first, sizeof first);
  memcpy(w, then, sizeof w);
  lk_average_swap(average, &all, w);
  assert_memory_equal(w, first, sizeof w);
  assert_memory_equal(lk_average_values(average), then, sizeof then);
  lk_average_swap(average, &all, w);
  assert_memory_equal(w, then, sizeof w);
  assert_memory_equal(lk_average_values(average), first, sizeof first);
  lk_average_destroy(&average);
}

/* A start that is moved to later when a run is resumed does not stop an average that has begun. */
static void a_later_start_does_not_stop_it(void **unused) {
  (void)unused;
  static const char *const kinds[] = {"ema", "swa"};
  for (int k = 0; k < 2; k++) {
    lk_average *average = NULL;
    lk_state state = {0};
    float w[WEIGHTS], before[WEIGHTS];
    config.train.average = kinds[k], config.train.average_start = 0, config.train.average_every = 1;
    for (int begun = 0; begun < 2; begun++) {
      assert_int_equal(lk_average_create(&average, &config, WEIGHTS), LK_OK);
      if (begun) memcpy(lk_average_values(average), before, sizeof before);
      for (int i = 0; i < WEIGHTS; i++) w[i] = weight(i, begun + 1);
      (void)lk_average_add(average, &state, made(begun + 1), &all, w);
      assert_true(state.average[LK_AVERAGE_COUNT] == begun + 1);
      if (begun) assert_memory_not_equal(lk_average_values(average), before, sizeof before);
      memcpy(before, lk_average_values(average), sizeof before);
      lk_average_destroy(&average);
      config.train.average_start = 5;
    }
  }
}

/* ---- the trigger ---- */

/* Whether value[e] is worse than the best of all before it but the last n; NaN and infinity are the worst. */
static bool triggers(const double *value, int e, int n) {
  double best = (double)INFINITY;
  for (int i = 0; i < e - n; i++) best = fmin(best, value[i]); /* fmin() leaves out NaN */
  return e > n && (!isfinite(value[e]) ? isfinite(best) : value[e] > best);
}

static void run_trigger(unsigned seed, int n, bool rising) {
  enum { EVALUATIONS = 150 };
  double value[EVALUATIONS];
  lk_average *average = NULL;
  lk_state state = {0};
  int when = -1, expected = -1;
  config.train.average = "nt-asgd", config.train.average_patience = n;
  assert_int_equal(lk_average_create(&average, &config, 1), LK_OK);
  for (int e = 0; e < EVALUATIONS; e++) { /* falling, with noise */
    seed = seed * 1664525U + 1013904223U;
    value[e] = e % 23 == 5 ? (double)NAN : -0.05 * e + (double)(seed >> 16) / 65536 * 6;
    if (expected < 0 && triggers(value, e, n)) expected = e;
    state.step = e + 1;
    if (lk_average_evaluated(average, &state, rising ? -value[e] : value[e], rising)) {
      assert_int_equal(when, -1); /* once */
      when = e;
      assert_true(state.average[LK_AVERAGE_BEGAN] == e + 2);
    }
    assert_true(lk_average_possible(&state));
  }
  assert_int_equal(when, expected);
  lk_average_destroy(&average);
}

static void averaging_begins_when_validation_stops_improving(void **unused) {
  (void)unused;
  for (unsigned seed = 1; seed <= 40; seed++)
    for (int n = 1; n <= LK_AVERAGE_PATIENCE; n += n < 6 ? 1 : 22) run_trigger(seed, n, seed % 2);
}

static void impossible_states_are_found(void **unused) {
  (void)unused;
  const struct {
    int at;
    double value;
  } bad[] = {{LK_AVERAGE_BEGAN, -1},         {LK_AVERAGE_BEGAN, 12},          {LK_AVERAGE_COUNT, 0.5},
             {LK_AVERAGE_SEEN, 0x1p60},      {LK_AVERAGE_COUNT, (double)NAN}, {LK_AVERAGE_STATE - 1, (double)NAN},
             {LK_AVERAGE_OLDER, (double)NAN}};
  lk_state good = {.step = 10};
  good.average[LK_AVERAGE_BEGAN] = 4, good.average[LK_AVERAGE_COUNT] = 7;
  assert_true(lk_average_possible(&good));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    lk_state state = good;
    state.average[bad[i].at] = bad[i].value;
    assert_false(lk_average_possible(&state));
  }
  good.average[LK_AVERAGE_BEGAN] = 0; /* an average that never began */
  assert_false(lk_average_possible(&good));
}

/* A return to earlier weights brings back their average and leaves the evaluations counted. */
static void a_return_brings_back_the_average(void **unused) {
  (void)unused;
  lk_state now = {.step = 30}, then = {.step = 12}, before = {.step = 3};
  now.average[LK_AVERAGE_BEGAN] = 8, now.average[LK_AVERAGE_COUNT] = 23, now.average[LK_AVERAGE_SEEN] = 6;
  then.average[LK_AVERAGE_BEGAN] = 8, then.average[LK_AVERAGE_COUNT] = 5, then.average[LK_AVERAGE_SEEN] = 2;
  lk_state state = now;
  lk_average_return(&state, &then);
  assert_true(state.average[LK_AVERAGE_BEGAN] == 8 && state.average[LK_AVERAGE_COUNT] == 5);
  assert_true(state.average[LK_AVERAGE_SEEN] == 6);
  state = now;
  lk_average_return(&state, &before); /* which had none: it begins anew */
  assert_true(state.average[LK_AVERAGE_BEGAN] == 31 && !lk_average_holds(&state) && lk_average_possible(&state));
  lk_average_return(&before, &(lk_state){.step = 1});
  assert_true(before.average[LK_AVERAGE_BEGAN] == 0);
}

static void an_unknown_kind_is_refused(void **unused) {
  (void)unused;
  lk_average *average = NULL;
  config.train.average = "emma";
  assert_int_equal(lk_average_create(&average, &config, 1), LK_USAGE);
  assert_null(average);
  assert_non_null(strstr(lk_error_get()->text, "ema"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(every_kind_is_its_definition, set_up, tear_down),
      cmocka_unit_test_setup_teardown(ranges_do_not_change_bits, set_up, tear_down),
      cmocka_unit_test_setup_teardown(swaps_bring_back_every_bit, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_later_start_does_not_stop_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(averaging_begins_when_validation_stops_improving, set_up, tear_down),
      cmocka_unit_test_setup_teardown(impossible_states_are_found, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_return_brings_back_the_average, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_unknown_kind_is_refused, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
