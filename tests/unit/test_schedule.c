/* Learning rates at steps where the right value is known. */
#include "schedule.h"

#include "choices.h"
#include "scaling.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static lk_config settings(const char *name) {
  lk_config config = {0};
  assert_int_equal(lk_config_init(&config), LK_OK);
  config.train.schedule = name;
  config.train.rate = 0.8;
  config.train.warmup = 0;
  config.train.factor = 0.5;
  config.train.every = 2;
  config.train.start = 0;
  config.train.cooldown = 2;
  config.train.floor = 0;
  return config;
}

static lk_schedule *make(lk_config *config, int64_t last_step) {
  lk_schedule *schedule = NULL;
  assert_int_equal(lk_schedule_create(&schedule, config, last_step), LK_OK);
  lk_config_release(config); /* the schedule keeps no pointer to it */
  return schedule;
}

/* expected[i] after step[i] finished steps, ten to an epoch */
static void check(lk_schedule *schedule, size_t count, const int64_t *step, const double *expected) {
  for (size_t i = 0; i < count; i++) {
    double rate = lk_schedule_rate(schedule, step[i], 10, 0);
    if (!(fabs(rate - expected[i]) < 1e-12))
      fail_msg("after %lld steps: %g, expected %g", (long long)step[i], rate, expected[i]);
  }
}
#define STEPS(...) \
  (const int64_t[]) { __VA_ARGS__ }
#define RATES(...) \
  (const double[]) { __VA_ARGS__ }

static void test_constant(void **state) {
  (void)state;
  lk_config config = settings("constant");
  lk_schedule *schedule = make(&config, 0);
  check(schedule, 3, STEPS(0, 1, 100000), RATES(0.8, 0.8, 0.8));
  lk_schedule_destroy(&schedule);
  assert_null(schedule);
}

/* The rate with the root of the batch, the floor with it; the warm-up keeps its steps, which are k times the epochs. */
static void test_legw(void **state) {
  (void)state;
  lk_config config = settings("step");
  config.train.batch = 512, config.train.scaling = "legw", config.train.scaling_batch = 32;
  config.train.warmup = 8, config.train.floor = 0.3, config.train.every = 2;
  lk_scaling scaling;
  assert_int_equal(lk_scaling_read(&scaling, &config), LK_OK);
  assert_true(scaling.batches == 16 && scaling.rate == 4);
  lk_schedule *schedule = make(&config, 0);
  check(schedule, 7, STEPS(0, 1, 6, 7, 19, 20, 1000), RATES(0.4, 0.8, 2.8, 3.2, 3.2, 1.6, 1.2));
  lk_schedule_destroy(&schedule);
  config = settings("constant"); /* a smaller batch takes a smaller rate */
  config.train.batch = 8, config.train.scaling = "legw", config.train.scaling_batch = 32;
  schedule = make(&config, 0);
  check(schedule, 1, STEPS(5), RATES(0.4));
  lk_schedule_destroy(&schedule);
  config = settings("constant"); /* off: the batch it would scale from is nothing */
  config.train.batch = 512, config.train.scaling_batch = 32;
  schedule = make(&config, 0);
  check(schedule, 1, STEPS(5), RATES(0.8));
  lk_schedule_destroy(&schedule);
}

static void test_legw_is_refused(void **state) {
  (void)state;
  lk_config config = settings("constant");
  config.train.scaling = "legw";
  assert_int_equal(lk_schedule_check(&config), LK_USAGE);
  assert_non_null(strstr(lk_error_get()->text, "legw scales from another batch: set train.scaling_batch"));
  lk_error_clear();
  config.train.scaling_batch = 1, config.train.batch = 100, config.train.rate = 1e38;
  assert_int_equal(lk_schedule_check(&config), LK_USAGE);
  assert_non_null(strstr(lk_error_get()->text, "times 10 (train.scaling) is more than a float32 can hold"));
  lk_error_clear();
  config.train.scaling = "linear";
  assert_int_equal(lk_schedule_check(&config), LK_USAGE);
  assert_non_null(strstr(lk_error_get()->text, "train.scaling"));
  lk_error_clear();
  lk_config_release(&config);
}

static void test_warmup_is_a_line(void **state) {
  (void)state;
  lk_config config = settings("constant");
  config.train.warmup = 8;
  config.train.floor = 0.3; /* not for the warm-up */
  lk_schedule *schedule = make(&config, 0);
  check(schedule, 5, STEPS(0, 1, 6, 7, 8), RATES(0.1, 0.2, 0.7, 0.8, 0.8));
  lk_schedule_destroy(&schedule);
}

static void test_step(void **state) {
  (void)state;
  lk_config config = settings("step");
  lk_schedule *schedule = make(&config, 0); /* no start: the first fall after `every` epochs */
  check(schedule, 5, STEPS(0, 19, 20, 39, 40), RATES(0.8, 0.8, 0.4, 0.4, 0.2));
  lk_schedule_destroy(&schedule);
  config = settings("step");
  config.train.start = 5;
  config.train.every = 1;
  config.train.floor = 0.15;
  schedule = make(&config, 0);
  check(schedule, 6, STEPS(0, 49, 50, 59, 60, 70), RATES(0.8, 0.8, 0.4, 0.4, 0.2, 0.15));
  lk_schedule_destroy(&schedule);
}

static void test_exponential(void **state) {
  (void)state;
  lk_config config = settings("exponential");
  lk_schedule *schedule = make(&config, 0);
  check(schedule, 4, STEPS(0, 10, 20, 40), RATES(0.8, 0.8 * sqrt(0.5), 0.4, 0.2));
  lk_schedule_destroy(&schedule);
  config = settings("exponential");
  config.train.start = 3;
  schedule = make(&config, 0);
  check(schedule, 4, STEPS(0, 30, 50, 70), RATES(0.8, 0.8, 0.4, 0.2));
  lk_schedule_destroy(&schedule);
}

static void test_cosine(void **state) {
  (void)state;
  lk_config config = settings("cosine");
  config.train.floor = 0.2;
  config.train.warmup = 4;
  lk_schedule *schedule = make(&config, 124);
  check(schedule, 7, STEPS(0, 3, 4, 44, 64, 124, 500), RATES(0.2, 0.8, 0.8, 0.2 + 0.6 * 0.75, 0.5, 0.2, 0.2));
  lk_schedule_destroy(&schedule);
  config = settings("cosine");
  config.train.warmup = 4;
  schedule = make(&config, 3); /* a run shorter than its warm-up rises all the same */
  check(schedule, 3, STEPS(0, 1, 2), RATES(0.2, 0.4, 0.6));
  lk_schedule_destroy(&schedule);
}

/* By time, whatever the steps; with auto by whichever end comes first; by steps, whatever the time limit. */
static void test_by_time(void **state) {
  (void)state;
  static const struct {
    const char *schedule, *by;
    int64_t last_step, step;
    double minutes, expected;
  } cases[] = {
      {"cosine", "time", 0, 7, 0, 0.8},          {"cosine", "time", 0, 7, 15, 0.4 + 0.4 * 0.70710678118654752},
      {"cosine", "time", 100, 99, 30, 0.4},      {"cosine", "time", 0, 7, 60, 0},
      {"cosine", "time", 0, 7, 61, 0},           {"cosine", "auto", 100, 50, 0, 0.4},
      {"cosine", "auto", 100, 0, 30, 0.8},       {"cosine", "auto", 100, 1, 30, 0.4},
      {"cosine", "auto", 0, 1, 30, 0.4},         {"cosine", "auto", 100, 75, 30, 0.4 - 0.4 * 0.70710678118654752},
      {"cosine", "steps", 100, 50, 59, 0.4},     {"step", "time", 0, 1000, 1.9, 0.8},
      {"step", "time", 0, 1000, 2, 0.4},         {"step", "time", 0, 0, 4.1, 0.2},
      {"step", "auto", 0, 20, 100, 0.4},         {"exponential", "time", 0, 1000, 1, 0.8 * 0.70710678118654752},
      {"exponential", "auto", 0, 20, 1000, 0.4},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    lk_config config = settings(cases[i].schedule);
    config.train.schedule_by = cases[i].by;
    config.train.minutes = 60;
    lk_schedule *schedule = make(&config, cases[i].last_step);
    const double rate = lk_schedule_rate(schedule, cases[i].step, 10, cases[i].minutes);
    if (!(fabs(rate - cases[i].expected) < 1e-12))
      fail_msg("case %zu: %.15g, expected %.15g", i, rate, cases[i].expected);
    assert_int_equal(lk_schedule_by_time(schedule),
                     strcmp(cases[i].by, "time") == 0 ||
                         (strcmp(cases[i].by, "auto") == 0 && strcmp(cases[i].schedule, "cosine") == 0));
    lk_schedule_destroy(&schedule);
  }
}

static void test_time_needs_its_settings(void **state) {
  (void)state;
  static const char *const words[][3] = {{"cosine", "time", "set train.minutes"},
                                         {"cosine", "steps", "set train.steps, train.epochs"},
                                         {"plateau", "time", "only cosine, step and exponential go by time"},
                                         {"cosine", "tiem", "expected auto, steps or time"}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    lk_config config = settings(words[i][0]);
    lk_schedule *schedule = NULL;
    config.train.schedule_by = words[i][1];
    lk_error_clear();
    assert_int_equal(lk_schedule_create(&schedule, &config, 0), LK_USAGE);
    if (!strstr(lk_error_get()->text, words[i][2])) fail_msg("'%s' lacks '%s'", lk_error_get()->text, words[i][2]);
    lk_error_clear();
    lk_config_release(&config);
  }
}

static void test_cosine_needs_an_end(void **state) {
  (void)state;
  lk_config config = settings("cosine");
  lk_schedule *schedule = NULL;
  lk_error_clear();
  assert_int_equal(lk_schedule_create(&schedule, &config, 0), LK_USAGE);
  assert_null(schedule);
  assert_non_null(strstr(lk_error_get()->text, "train.steps"));
  lk_error_clear();
  config.train.schedule = "linaer";
  assert_int_equal(lk_schedule_create(&schedule, &config, 0), LK_USAGE);
  lk_error_clear();
  lk_config_release(&config);
}

/* Step numbers from 1: rate * min(step / warmup, sqrt(warmup / step)). */
static void test_inverse_sqrt(void **state) {
  (void)state;
  lk_config config = settings("inverse-sqrt");
  config.train.warmup = 4;
  lk_schedule *schedule = make(&config, 0);
  check(schedule, 5, STEPS(0, 1, 3, 15, 63), RATES(0.2, 0.4, 0.8, 0.4, 0.2));
  lk_schedule_destroy(&schedule);
  config = settings("inverse-sqrt"); /* no warm-up: 1 / sqrt(step) */
  schedule = make(&config, 0);
  check(schedule, 3, STEPS(0, 3, 15), RATES(0.8, 0.4, 0.2));
  lk_schedule_destroy(&schedule);
}

static void evaluate(lk_schedule *schedule, double value, double expected) {
  const double before = lk_schedule_rate(schedule, 7, 1, 0);
  const bool falls = lk_schedule_evaluated(schedule, value, false);
  assert_int_equal(falls, expected < before);
  check(schedule, 1, STEPS(7), &expected);
}

static void test_plateau(void **state) {
  (void)state;
  lk_config config = settings("plateau");
  lk_schedule *schedule = make(&config, 0);
  check(schedule, 1, STEPS(7), RATES(0.8));
  evaluate(schedule, 3.0, 0.8);
  evaluate(schedule, 3.5, 0.8);
  evaluate(schedule, 2.0, 0.8); /* better: counting starts again */
  evaluate(schedule, 2.5, 0.8);
  evaluate(schedule, 2.0, 0.4); /* equal is no improvement */
  evaluate(schedule, NAN, 0.4);
  evaluate(schedule, 9.0, 0.2);
  evaluate(schedule, 1.0, 0.2);
  lk_schedule_destroy(&schedule);
}

/* At the floor it does not fall any more, and says so. */
static void test_plateau_ends_at_the_floor(void **state) {
  (void)state;
  lk_config config = settings("plateau");
  config.train.cooldown = 1, config.train.floor = 0.3;
  lk_schedule *schedule = make(&config, 0);
  const double rates[] = {0.8, 0.4, 0.3, 0.3, 0.3};
  for (int i = 0; i < 5; i++) evaluate(schedule, 1, rates[i]);
  lk_schedule_destroy(&schedule);
}

static void test_plateau_upwards(void **state) {
  (void)state;
  lk_config config = settings("plateau");
  config.train.cooldown = 1;
  lk_schedule *schedule = make(&config, 0);
  const double value[] = {-5, -4, -4.5, 0.3, 0.2}, expected[] = {0.8, 0.8, 0.4, 0.4, 0.2};
  for (int i = 0; i < 5; i++) {
    lk_schedule_evaluated(schedule, value[i], true);
    check(schedule, 1, STEPS(7), &expected[i]);
  }
  lk_schedule_destroy(&schedule);
}

/* A resumed run reduces the rate at the same evaluation. */
static void test_plateau_resumes(void **state) {
  (void)state;
  lk_config config = settings("plateau"), again = settings("plateau");
  lk_schedule *first = make(&config, 0), *second = make(&again, 0);
  evaluate(first, 3.0, 0.8);
  evaluate(first, 4.0, 0.8);
  double saved[LK_SCHEDULE_STATE];
  lk_schedule_save(first, saved);
  lk_schedule_load(second, saved);
  evaluate(first, 3.5, 0.4);
  evaluate(second, 3.5, 0.4);
  lk_schedule_destroy(&first);
  lk_schedule_destroy(&second);
}

/* Only plateau uses evaluations: the state of other schedules does not change. */
static void test_others_do_not_listen(void **state) {
  (void)state;
  lk_choice_at *at = lk_choices_of("train.schedule");
  assert_string_equal(at(5).name, "plateau");
  for (size_t i = 0; at(i).name; i++) {
    lk_config config = settings(at(i).name);
    lk_schedule *schedule = make(&config, 1000);
    for (int k = 0; k < 4; k++) lk_schedule_evaluated(schedule, 1.0, false);
    double saved[LK_SCHEDULE_STATE], zero[LK_SCHEDULE_STATE] = {0};
    lk_schedule_save(schedule, saved);
    assert_int_equal(memcmp(saved, zero, sizeof zero) == 0, strcmp(at(i).name, "plateau") != 0);
    lk_schedule_destroy(&schedule);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_constant),
      cmocka_unit_test(test_legw),
      cmocka_unit_test(test_legw_is_refused),
      cmocka_unit_test(test_warmup_is_a_line),
      cmocka_unit_test(test_step),
      cmocka_unit_test(test_exponential),
      cmocka_unit_test(test_cosine),
      cmocka_unit_test(test_by_time),
      cmocka_unit_test(test_time_needs_its_settings),
      cmocka_unit_test(test_cosine_needs_an_end),
      cmocka_unit_test(test_inverse_sqrt),
      cmocka_unit_test(test_plateau),
      cmocka_unit_test(test_plateau_ends_at_the_floor),
      cmocka_unit_test(test_plateau_upwards),
      cmocka_unit_test(test_plateau_resumes),
      cmocka_unit_test(test_others_do_not_listen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
