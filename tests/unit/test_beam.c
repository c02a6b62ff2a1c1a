/* Beam search: a beam of one is greedy search, a larger one finds nothing worse, one that holds every prefix finds the
 * best translation; and its scores are those that `score` gives. */
#include <math.h>

#include "pairs_fixture.h"

#include "beam_impl.h"

enum { V = 15, TARGET_V = 9, LINES = 40, LONGEST = 9 };

typedef struct trained {
  fixture_task f;
  lk_model model;
} trained;

/* Random weights times `scale`, large enough for clear preferences. */
static void trained_open(trained *t, const char *const *settings, double scale) {
  memset(t, 0, sizeof *t);
  fixture_pairs_settings(&t->f, V, TARGET_V, settings);
  (void)snprintf(t->f.info.unit, sizeof t->f.info.unit, "word");
  (void)snprintf(t->f.info.target_unit, sizeof t->f.info.target_unit, "word");
  assert_int_equal(lk_task_create(&t->f.task, &t->f.config, &t->f.info, t->f.params), LK_OK);
  assert_int_equal(lk_params_commit(t->f.params, 3), LK_OK);
  lk_real *values = lk_params_values(t->f.params);
  for (ptrdiff_t i = 0; i < lk_params_count(t->f.params); i++) values[i] *= (lk_real)scale;
  t->model = (lk_model){.config = t->f.config,
                        .corpus = &t->f.info,
                        .params = t->f.params,
                        .task = t->f.task,
                        .one = lk_shards_make(1, 0, 1)};
  for (int i = 0; i < 2; i++)
    assert_int_equal(lk_tokenizer_create(&t->model.tokenizer[i], &t->f.info, (lk_text_side)i), LK_OK);
}

static void trained_close(trained *t) {
  for (int i = 0; i < 2; i++) lk_tokenizer_destroy(&t->model.tokenizer[i]);
  fixture_pairs_close(&t->f);
}

/* Lines of 1 to LONGEST words; line 7 is empty. */
typedef struct made_text {
  char line[LINES][LONGEST * 4 + 1];
  const char *pointer[LINES];
  size_t size[LINES];
  lk_lines lines;
} made_text;

static void make_text(made_text *t) {
  const lk_rng rng = lk_rng_make(12, LK_PURPOSE_SAMPLE);
  for (uint32_t i = 0; i < LINES; i++) {
    const int words = i == 7 ? 0 : 1 + (int)(lk_rng_uniform(rng, i, 0, 0, 0) * LONGEST);
    size_t size = 0;
    t->line[i][0] = '\0';
    for (int w = 0; w < words; w++)
      size += (size_t)snprintf(t->line[i] + size, 5, "%sw%d", w ? " " : "",
                               4 + (int)(lk_rng_uniform(rng, i, 1, (uint32_t)w, 0) * (V - 4)));
    t->pointer[i] = t->line[i];
    t->size[i] = size;
  }
  t->lines = (lk_lines){.name = "lines", .text = t->pointer, .size = t->size, .count = LINES, .first = 1};
}

#define NET "task=translate", "model.hidden=12", "model.layers=2", "model.embedding=7"
static const char *const usual[] = {NET, "model.bidirectional=true", NULL};

/* Line i of text, its end replaced by '\0'. */
static char *line_of(char *text, ptrdiff_t i) {
  for (; i > 0; i--) text = strchr(text, '\n') + 1;
  *strchr(text, '\n') = '\0';
  return text;
}

static lk_buffer translate(trained *t, const lk_lines *lines, lk_translate how) {
  lk_buffer out = {0};
  assert_int_equal(lk_translate_lines(&t->model, lines, &how, &out), LK_OK);
  return out;
}

static void test_one_is_greedy(void **state) {
  (void)state;
  static made_text text;
  trained t;
  make_text(&text);
  trained_open(&t, usual, 4);
  lk_buffer found = translate(&t, &text.lines, (lk_translate){.beam = 1, .nbest = 1, .length_penalty = 1});
  for (ptrdiff_t i = LINES - 1; i >= 0; i--) {
    int32_t *ids = NULL, written[64], length;
    ptrdiff_t count = 0, perm;
    size_t capacity = 0;
    lk_batch batch;
    lk_arena arena = {0};
    lk_buffer greedy = {0};
    assert_int_equal(
        lk_tokenizer_encode(t.model.tokenizer[LK_SOURCE], text.pointer[i], text.size[i], &ids, &count, &capacity),
        LK_OK);
    if (count > 0) {
      const int32_t *words = ids;
      assert_int_equal(lk_batch_from_sources(&batch, &arena, &t.model.one, 1, &words, &count, &perm), LK_OK);
      assert_int_equal(lk_translate_reserve(t.f.task, 1, count + 1, count + 1, 1), LK_OK);
      lk_translate_read(t.f.task, t.f.params, &batch.encoder_pack, &batch.input);
      lk_translate_greedy(t.f.task, t.f.params, &batch.encoder_pack, written, 64, &length);
      assert_int_equal(lk_tokenizer_decode(t.model.tokenizer[LK_TARGET], written, length, &greedy), LK_OK);
    }
    assert_string_equal(line_of(found.data, i), greedy.size > 0 ? greedy.data : "");
    lk_buffer_release(&greedy);
    lk_arena_release(&arena);
    free(ids);
  }
  lk_buffer_release(&found);
  trained_close(&t);
}

/* A line alone or among others has the same text and score, bit for bit. */
static void test_lines_stay_apart(void **state) {
  (void)state;
  static made_text text;
  trained t;
  const lk_translate how = {.beam = 4, .nbest = 4, .length_penalty = 0.6, .coverage_penalty = 0.2, .scores = true};
  make_text(&text);
  trained_open(&t, usual, 4);
  lk_buffer all = translate(&t, &text.lines, how), alone = {0};
  for (ptrdiff_t i = 0; i < LINES; i++) {
    const lk_lines line = {
        .name = "lines", .text = text.pointer + i, .size = text.size + i, .count = 1, .first = 1 + i};
    assert_int_equal(lk_translate_lines(&t.model, &line, &how, &alone), LK_OK);
  }
  assert_string_equal(all.data, alone.data);
  lk_buffer_release(&all);
  lk_buffer_release(&alone);
  trained_close(&t);
}

/* The printed log-probabilities are those of the pairs; without penalties the list is sorted by log P. */
static void check_scores(const char *const *settings) {
  static made_text text;
  static char pair[LINES * 4][256];
  trained t;
  const char *pointer[LINES * 4];
  size_t size[LINES * 4];
  double printed[LINES * 4];
  long numbers[LINES * 4];
  lk_score score[LINES * 4];
  ptrdiff_t n = 0;
  make_text(&text);
  trained_open(&t, settings, 3);
  lk_params_value(t.f.params, t.f.task->head.dense.bias)[LK_EOS] += 2; /* most end before the limit of length */
  lk_buffer found = translate(&t, &text.lines, (lk_translate){.beam = 4, .nbest = 4, .scores = true});
  for (char *at = found.data, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
    char *first = strchr(at, '\t'), *second = strchr(first + 1, '\t');
    *end = *second = '\0';
    const long line = strtol(at, NULL, 10);
    size[n] = (size_t)snprintf(pair[n], sizeof pair[n], "%s\t%s", text.pointer[line - 1], first + 1);
    numbers[n] = line;
    pointer[n] = pair[n];
    printed[n++] = strtod(second + 1, NULL);
  }
  const lk_lines lines = {.name = "pairs", .text = pointer, .size = size, .count = n, .first = 1};
  assert_true(n > LINES);
  assert_int_equal(lk_score_lines(&t.model, &lines, score), LK_OK);
  for (ptrdiff_t i = 0; i < n; i++) {
    if (!(fabs(score[i].log_probability - printed[i]) < 1e-4))
      fail_msg("%s: %.6f, its pair %.6f", pair[i], printed[i], score[i].log_probability);
    if (i > 0 && numbers[i] == numbers[i - 1]) assert_true(printed[i] <= printed[i - 1]);
  }
  lk_buffer_release(&found);
  trained_close(&t);
}

static void test_scores_are_those_of_pairs(void **state) {
  (void)state;
  static const char *const plain[] = {NET, "model.attention=additive", "model.input_feeding=false", NULL};
  static const char *const gru[] = {NET, "model.cell=gru", "model.attention=dot", "model.bridge=copy", NULL};
  static const char *const none[] = {NET, "model.cell=elman", "model.attention=none", NULL};
  check_scores(usual);
  check_scores(plain);
  check_scores(gru);
  check_scores(none);
}

/* A beam that holds every prefix finds the most probable of all short translations. */
static void test_wide_is_exhaustive(void **state) {
  (void)state;
  enum { WORDS = TARGET_V - LK_SPECIALS, SHORT = 3 };
  static const char *const source = "w5 w9 w12";
  trained t;
  char pair[1 + WORDS + WORDS * WORDS + WORDS * WORDS * WORDS][32];
  const char *pointer[sizeof pair / sizeof *pair];
  size_t size[sizeof pair / sizeof *pair], length = strlen(source);
  lk_score score[sizeof pair / sizeof *pair];
  trained_open(&t, usual, 2);
  lk_params_value(t.f.params, t.f.task->head.dense.bias)[LK_EOS] += 2; /* short ones are the most probable */
  ptrdiff_t n = 0, best = 0;
  for (int words = 0, all = 1; words <= SHORT; words++, all *= WORDS)
    for (int code = 0; code < all; code++, n++) {
      size_t at = (size_t)snprintf(pair[n], sizeof pair[n], "%s\t", source);
      for (int w = 0, rest = code; w < words; w++, rest /= WORDS)
        at += (size_t)snprintf(pair[n] + at, sizeof pair[n] - at, "%sw%d", w ? " " : "", LK_SPECIALS + rest % WORDS);
      pointer[n] = pair[n];
      size[n] = at;
    }
  lk_lines lines = {.name = "pairs", .text = pointer, .size = size, .count = n, .first = 1};
  assert_int_equal(lk_score_lines(&t.model, &lines, score), LK_OK);
  for (ptrdiff_t i = 1; i < n; i++)
    if (score[i].log_probability > score[best].log_probability) best = i;
  lines = (lk_lines){.name = "lines", .text = &source, .size = &length, .count = 1, .first = 1};
  lk_buffer found = translate(&t, &lines, (lk_translate){.beam = 200, .nbest = 1});
  assert_string_equal(line_of(found.data, 0), pair[best] + length + 1);
  lk_buffer_release(&found);
  trained_close(&t);
}

/* A net with fixed probabilities of the next unit, whatever the source and prefix: all weights are zero, and the
 * output's bias is the logs of the probabilities. Its beam search can be done by hand. */
static void constant_open(trained *t, double eos, double first, double second, double third) {
  trained_open(t, usual, 0);
  lk_real *bias = lk_params_value(t->f.params, t->f.task->head.dense.bias);
  for (int id = 0; id < TARGET_V; id++) bias[id] = -60;
  bias[LK_EOS] = (lk_real)log(eos);
  bias[LK_SPECIALS] = (lk_real)log(first);
  bias[LK_SPECIALS + 1] = (lk_real)log(second);
  bias[LK_SPECIALS + 2] = (lk_real)log(third);
}

/* Search for a source of one word. */
static void search(trained *t, int width, double length_penalty, lk_beam *beam) {
  static const int32_t word = LK_SPECIALS + 1, *const words = &word;
  static lk_translate how;
  static const ptrdiff_t one = 1;
  lk_batch batch;
  lk_arena arena = {0};
  ptrdiff_t perm;
  how = (lk_translate){.beam = width, .nbest = width, .length_penalty = length_penalty};
  *beam = (lk_beam){.model = &t->model, .how = &how};
  assert_int_equal(lk_batch_from_sources(&batch, &arena, &t->model.one, 1, &words, &one, &perm), LK_OK);
  assert_int_equal(lk_beam_search(beam, &(lk_sources){.batch = &batch}), LK_OK);
  lk_arena_release(&arena);
}

/* A beam of four, P(end) = .5, P(a) = .3, P(b) = .15, P(c) = .05. Second step, by falling probability: "a end" .15, "a
 * a" .09, "b end" .075, "a b" and "b a" .045, "c end" .025: the last is not among the first four and so does not finish
 * although there is room; "a a end" (.045) takes it a step later. */
static void test_what_ends_behind_the_beam_does_not_finish(void **state) {
  (void)state;
  static const double expected[] = {0.5, 0.15, 0.075, 0.045};
  trained t;
  lk_beam beam;
  constant_open(&t, 0.5, 0.3, 0.15, 0.05);
  search(&t, 4, 0, &beam);
  assert_int_equal(beam.found[0], 4);
  for (int i = 0; i < 4; i++) assert_true(fabs(beam.finished[i].log_probability - log(expected[i])) < 1e-5);
  lk_beam_release(&beam);
  trained_close(&t);
}

/* P(a) = .4, P(b) = .3, P(end) = .2, P(c) = .1: the end is never among the best two continuations, so nothing finishes
 * before the length limit, not even the empty translation, which would rank first. */
static void test_an_improbable_end_waits_for_the_limit(void **state) {
  (void)state;
  trained t;
  lk_beam beam;
  constant_open(&t, 0.2, 0.4, 0.3, 0.1);
  search(&t, 2, 0.6, &beam);
  const ptrdiff_t limit = lk_translate_limit(2); /* of the word and its end */
  assert_int_equal(beam.found[0], 2);
  for (int i = 0; i < 2; i++) assert_int_equal(beam.finished[i].units, limit + 1); /* and <eos> */
  assert_true(fabs(beam.finished[0].log_probability - ((double)limit * log(0.4) + log(0.2))) < 1e-3);
  lk_beam_release(&beam);
  trained_close(&t);
}

/* P(end) = .5, P(a) = .3, P(b) = .2. First the end (.5) finishes, and a (.3), b (.2) continue; then the two best are "a
 * end" (.15) and "b end" (.10), of which the first fills the list of two. */
static void test_no_more_finish_than_the_beam_holds(void **state) {
  (void)state;
  trained t;
  lk_beam beam;
  constant_open(&t, 0.5, 0.3, 0.2, 1e-9);
  search(&t, 2, 0, &beam);
  assert_int_equal(beam.found[0], 2);
  assert_int_equal(beam.finished[0].units, 1);
  assert_int_equal(beam.finished[1].units, 2);
  assert_true(fabs(beam.finished[0].log_probability - log(0.5)) < 1e-5);
  assert_true(fabs(beam.finished[1].log_probability - log(0.15)) < 1e-5);
  lk_beam_release(&beam);
  trained_close(&t);
}

/* Of two translations of different length the length penalty decides: the larger it is, the longer the first one. */
static void test_penalties(void **state) {
  (void)state;
  static made_text text;
  trained t;
  size_t sizes[3];
  make_text(&text);
  trained_open(&t, usual, 2);
  for (int i = 0; i < 3; i++) {
    lk_buffer found = translate(&t, &text.lines, (lk_translate){.beam = 8, .nbest = 1, .length_penalty = i});
    sizes[i] = found.size;
    lk_buffer_release(&found);
  }
  assert_true(sizes[0] <= sizes[1] && sizes[1] <= sizes[2] && sizes[0] < sizes[2]);
  lk_buffer plain = translate(&t, &text.lines, (lk_translate){.beam = 8, .nbest = 1});
  lk_buffer covered = translate(&t, &text.lines, (lk_translate){.beam = 8, .nbest = 1, .coverage_penalty = 5});
  assert_true(strcmp(plain.data, covered.data) != 0);
  lk_buffer_release(&plain);
  lk_buffer_release(&covered);
  trained_close(&t);
}

/* The coverage of one line of alignments: sum over the source of log(min(attention, 1)) (Wu et al. 2016). */
static double coverage_of(const char *json) {
  double sum[LONGEST + 1] = {0}, log_sum = 0;
  int times = 0;
  const char *at = strstr(json, "\"weights\": ");
  assert_non_null(at);
  at += strlen("\"weights\": [");
  for (; *at == '['; at += strspn(at, "], ")) {
    char *end = (char *)at;
    for (times = 0; *end != ']'; times++) sum[times] += strtod(end + 1, &end);
    at = end;
  }
  for (int j = 0; j < times; j++) log_sum += log(fmin(fmax(sum[j], 1e-10), 1));
  return log_sum;
}

/* Lists are sorted by log P + penalty * coverage, which is another order than by log P. Weights are printed with four
 * decimals. */
static void test_coverage(void **state) {
  (void)state;
  enum { PENALTY = 2 };
  static made_text text;
  trained t;
  int lists = 0, turned = 0;
  long last = 0;
  double before = 0, plain = 0;
  make_text(&text);
  trained_open(&t, usual, 2);
  lk_params_value(t.f.params, t.f.task->head.dense.bias)[LK_EOS] += 2;
  const lk_translate how = {.beam = 4, .nbest = 4, .coverage_penalty = PENALTY, .alignment = true};
  lk_buffer found = translate(&t, &text.lines, how);
  for (char *at = found.data, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
    *end = '\0';
    const long line = strtol(at + strlen("{\"line\": "), NULL, 10);
    const double p = strtod(strstr(at, "\"log_probability\": ") + strlen("\"log_probability\": "), NULL);
    const double score = p + PENALTY * coverage_of(at);
    if (line == last) {
      lists++;
      turned += p > plain;
      if (!(score <= before + 0.02)) fail_msg("line %ld: %.4f behind %.4f", line, score, before);
    }
    last = line, before = score, plain = p;
  }
  assert_true(lists > LINES && turned > lists / 10);
  lk_buffer_release(&found);
  trained_close(&t);
}

static void test_alignment(void **state) {
  (void)state;
  static const char *const line = "w5 w9";
  const size_t size = 5;
  const lk_lines lines = {.name = "lines", .text = &line, .size = &size, .count = 1, .first = 3};
  trained t;
  trained_open(&t, usual, 4);
  lk_buffer found = translate(&t, &lines, (lk_translate){.beam = 2, .nbest = 1, .alignment = true});
  static const char start[] = "{\"line\": 3, \"source\": [\"w5\", \"w9\"], \"target\": [";
  assert_memory_equal(found.data, start, sizeof start - 1);
  const char *at = strstr(found.data, "\"weights\": [[");
  assert_non_null(at);
  for (at += strlen("\"weights\": ["); *at == '['; at += strspn(at, "], ")) { /* each row sums to 1 */
    char *end;
    double sum = 0;
    for (int j = 0; j < 3; j++, at = end) sum += strtod(at + 1, &end);
    assert_true(fabs(sum - 1) < 1e-3 && *at == ']');
  }
  lk_buffer_release(&found);
  trained_close(&t);
}

static void test_mistakes(void **state) {
  (void)state;
  static const char *const bad[] = {"w5", "w5\tw\xff"};
  static const size_t sizes[] = {2, 5};
  static const char *const word[] = {"lines:4", "lines:4:5"};
  trained t;
  lk_score score[1];
  trained_open(&t, usual, 1);
  for (int i = 0; i < 2; i++) {
    const lk_lines lines = {.name = "lines", .text = &bad[i], .size = &sizes[i], .count = 1, .first = 4};
    lk_error_clear();
    assert_int_equal(lk_score_lines(&t.model, &lines, score), LK_DATA);
    if (strstr(lk_error_get()->text, word[i]) == NULL) fail_msg("'%s' lacks '%s'", lk_error_get()->text, word[i]);
  }
  lk_error_clear();
  trained_close(&t);
}

/* Invalid requests, and invalid beam sizes: an error for the caller, not an assertion. */
static void test_wrong_use(void **state) {
  (void)state;
  static made_text text;
  trained t;
  lk_buffer out = {0};
  make_text(&text);
  trained_open(&t, usual, 2);
  assert_int_equal(lk_predict(&t.model, &text.lines, false, &out), LK_USAGE);
  assert_non_null(strstr(lk_error_get()->text, "translator"));
  lk_error_clear();
  const lk_generate how = {.prompt = "", .temperature = 1, .top_p = 1, .length = 3, .count = 1};
  assert_int_equal(lk_generate_text(&t.model, &how, NULL, NULL), LK_USAGE);
  lk_error_clear();
  static const lk_translate bad[] = {{.beam = 0, .nbest = 1}, {.beam = 2, .nbest = 0}, {.beam = 2, .nbest = 3}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(lk_translate_lines(&t.model, &text.lines, &bad[i], &out), LK_USAGE);
    lk_error_clear();
  }
  assert_int_equal(out.size, 0);
  lk_buffer_release(&out);
  trained_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_is_greedy),
      cmocka_unit_test(test_lines_stay_apart),
      cmocka_unit_test(test_scores_are_those_of_pairs),
      cmocka_unit_test(test_wide_is_exhaustive),
      cmocka_unit_test(test_what_ends_behind_the_beam_does_not_finish),
      cmocka_unit_test(test_an_improbable_end_waits_for_the_limit),
      cmocka_unit_test(test_no_more_finish_than_the_beam_holds),
      cmocka_unit_test(test_penalties),
      cmocka_unit_test(test_coverage),
      cmocka_unit_test(test_alignment),
      cmocka_unit_test(test_mistakes),
      cmocka_unit_test(test_wrong_use),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
