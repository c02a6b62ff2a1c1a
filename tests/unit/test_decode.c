#include <math.h>

#include "task_fixture.h"

#include "decode_impl.h"

enum { V = 21, LINES = 150, LONGEST = 40 };

/* A model without a file: random weights, large enough for clear preferences. */
typedef struct trained {
  fixture_task f;
  lk_model model;
} trained;

static void trained_open(trained *t, lk_corpus_kind kind, int stream, const char *unit, const char *const *settings) {
  memset(t, 0, sizeof *t);
  fixture_task_settings(&t->f, kind, V, settings);
  t->f.info.stream = stream;
  (void)snprintf(t->f.info.unit, sizeof t->f.info.unit, "%s", unit);
  if (strcmp(unit, "char") == 0) {
    lk_strings letters = {0};
    for (ptrdiff_t i = 0; i < V; i++) {
      char letter[2] = {(char)('a' + i), '\0'};
      const char *text = i < LK_SPECIALS ? lk_strings_get(&t->f.info.source, i) : i == V - 1 ? "\n" : letter;
      assert_int_equal(lk_strings_add(&letters, text, strlen(text), 1), LK_OK);
    }
    lk_strings_release(&t->f.info.source);
    t->f.info.source = letters;
  }
  assert_int_equal(lk_task_create(&t->f.task, &t->f.config, &t->f.info, t->f.params), LK_OK);
  assert_int_equal(lk_params_commit(t->f.params, 3), LK_OK);
  lk_real *values = lk_params_values(t->f.params);
  for (ptrdiff_t i = 0; i < lk_params_count(t->f.params); i++) values[i] *= 4;
  t->model = (lk_model){.config = t->f.config,
                        .corpus = &t->f.info,
                        .params = t->f.params,
                        .task = t->f.task,
                        .one = lk_shards_make(1, 0, 1)};
  if (kind != LK_CORPUS_FRAMES) assert_int_equal(lk_vocab_from(&t->model.vocab, &t->f.info.source, true), LK_OK);
}

static void trained_close(trained *t) {
  lk_vocab_destroy(&t->model.vocab);
  fixture_task_close(&t->f);
}

/* Lines of 0 to LONGEST words, some of them unknown. */
typedef struct made_text {
  char line[LINES][LONGEST * 4 + 1];
  const char *pointer[LINES];
  size_t size[LINES];
  lk_lines lines;
} made_text;

static void make_text(made_text *t) {
  lk_rng rng = lk_rng_make(11, LK_PURPOSE_SAMPLE);
  for (uint32_t i = 0; i < LINES; i++) {
    int words = i % 10 == 7 ? 0 : 1 + (int)(lk_rng_uniform(rng, i, 0, 0, 0) * LONGEST);
    size_t size = 0;
    for (int w = 0; w < words; w++)
      size += (size_t)snprintf(t->line[i] + size, 5, "%sw%d", w ? " " : "",
                               4 + (int)(lk_rng_uniform(rng, i, 1, (uint32_t)w, 0) * (V - 2)));
    t->line[i][size] = '\0';
    t->pointer[i] = t->line[i];
    t->size[i] = size;
  }
  t->lines = (lk_lines){.name = "lines", .text = t->pointer, .size = t->size, .count = LINES, .first = 1};
}

static lk_lines one_line(const made_text *t, ptrdiff_t i) {
  return (lk_lines){.name = "lines", .text = t->pointer + i, .size = t->size + i, .count = 1, .first = 1 + i};
}

#define NET "model.hidden=12", "model.layers=2", "model.embedding=7"

static void test_score(void **state) {
  (void)state;
  static const char *const settings[] = {"task=lm", NET, NULL};
  static made_text t;
  trained m;
  lk_score together[LINES], alone;
  make_text(&t);
  trained_open(&m, LK_CORPUS_TEXT, 0, "word", settings);
  assert_int_equal(lk_score_lines(&m.model, &t.lines, together), LK_OK);
  for (ptrdiff_t i = 0; i < LINES; i++) {
    lk_lines line = one_line(&t, i);
    assert_int_equal(lk_score_lines(&m.model, &line, &alone), LK_OK);
    assert_memory_equal(&alone, &together[i], sizeof alone); /* bit for bit, whatever the other lines are */
    int64_t words = t.size[i] > 0, unknown = 0;
    for (const char *at = t.line[i]; *at; at++) words += *at == ' ';
    for (const char *at = t.line[i]; (at = strstr(at, "w2")) != NULL; at++) unknown += at[2] == '1' || at[2] == '2';
    assert_int_equal(alone.units, words + 1); /* and <eos>, which an empty line has too */
    assert_int_equal(alone.unknown, unknown);
    assert_true(alone.log_probability < 0 && isfinite(alone.log_probability));
  }
  trained_close(&m);
}

/* The probabilities of all continuations of a line sum to the probability of the line so far. */
static void test_scores_are_probabilities(void **state) {
  (void)state;
  static const char *const settings[] = {"task=lm", NET, NULL};
  trained m;
  trained_open(&m, LK_CORPUS_TEXT, 1, "word", settings);
  char line[V][32];
  const char *pointer[V];
  size_t size[V];
  lk_score score[V], before;
  for (int v = 0; v < V; v++) { /* <pad> and <sos> cannot be written as text: the net's own values are used for these */
    size[v] = (size_t)snprintf(line[v], sizeof line[v], "w5 w9 %s",
                               v == LK_EOS   ? "<eos>"
                               : v == LK_UNK ? "never"
                                             : lk_strings_get(&m.f.info.source, v));
    pointer[v] = line[v];
  }
  lk_lines lines = {.name = "lines", .text = pointer, .size = size, .count = V, .first = 1};
  assert_int_equal(lk_score_lines(&m.model, &lines, score), LK_OK);
  size[0] = 5;
  lines.count = 1;
  assert_int_equal(lk_score_lines(&m.model, &lines, &before), LK_OK);
  assert_int_equal(before.units, 1); /* in running text the first unit has no probability */
  double sum = 0;
  for (int v = LK_EOS; v < V; v++) {
    assert_int_equal(score[v].units, 2);
    sum += exp(score[v].log_probability - before.log_probability);
  }
  int32_t ids[2] = {5, 9};
  const int32_t *pointer_ids = ids;
  ptrdiff_t length = 2, perm;
  lk_arena arena = {0};
  lk_batch batch;
  assert_int_equal(lk_batch_from_ids(&batch, &arena, &m.model.one, 1, &pointer_ids, &length, &perm), LK_OK);
  const lk_units units = lk_task_forward(m.model.task, m.model.params, &batch, NULL);
  assert_int_equal(units.n, 2);
  const lk_real *scores = lk_head_next(lk_task_head(m.model.task), m.model.params, &units, 1).score;
  double total = 0;
  for (int v = 0; v < V; v++) total += exp((double)scores[v]);
  sum += (exp((double)scores[LK_PAD]) + exp((double)scores[LK_SOS])) / total;
  assert_true(fabs(sum - 1) < 1e-5);
  lk_arena_release(&arena);
  trained_close(&m);
}

static void check_predict(lk_corpus_kind kind, const lk_lines *lines, const char *const *settings, int tags) {
  trained m;
  lk_buffer together = {0}, alone = {0};
  trained_open(&m, kind, 0, "word", settings);
  assert_int_equal(lk_predict(&m.model, lines, true, &together), LK_OK);
  for (ptrdiff_t i = 0; i < lines->count; i++) {
    lk_lines line = *lines;
    size_t before = alone.size;
    int64_t blanks = 0, wanted = 0;
    line.text += i;
    line.size += i;
    line.count = 1;
    assert_int_equal(lk_predict(&m.model, &line, true, &alone), LK_OK);
    for (size_t at = 0; tags && at < lines->size[i]; at++) wanted += lines->text[i][at] == ' ';
    for (size_t at = before; at < alone.size; at++) blanks += alone.data[at] == ' ';
    assert_int_equal(blanks, wanted); /* a tag for each word */
    assert_int_equal(alone.size == before + 1, lines->size[i] == 0);
  }
  assert_int_equal(together.size, alone.size);
  assert_memory_equal(together.data, alone.data, alone.size);
  int kinds = 0; /* the answers are not all the same */
  for (int i = 0; i < 5; i++) kinds += strstr(together.data, fixture_tags[i]) != NULL;
  assert_true(kinds >= 2);
  lk_buffer_release(&together);
  lk_buffer_release(&alone);
  trained_close(&m);
}

static void test_predict(void **state) {
  (void)state;
  static const char *const classify[] = {"task=classify", NET, "model.bidirectional=true", "model.pooling=max", NULL};
  static const char *const label[] = {"task=label", NET, "model.bidirectional=true", "model.cell=gru", NULL};
  static const char *const frames[] = {"task=classify", NET, NULL};
  static made_text t;
  make_text(&t);
  check_predict(LK_CORPUS_CLASSIFY, &t.lines, classify, 0);
  check_predict(LK_CORPUS_LABEL, &t.lines, label, 1);
  const char *const pointer[] = {"1,2,3 -9e-1,0,.5", "", "  7,7,7", "0,0,0 0,0,0\t-5,-5,-5 9,1,-1", "-7,-7,-7"};
  size_t size[5];
  for (int i = 0; i < 5; i++) size[i] = strlen(pointer[i]);
  lk_lines lines = {.name = "lines", .text = pointer, .size = size, .count = 5, .first = 1};
  check_predict(LK_CORPUS_FRAMES, &lines, frames, 0);
}

/* The label is the one with the largest logit, and its score the log of its softmax. */
static void test_predict_by_hand(void **state) {
  (void)state;
  static const char *const settings[] = {"task=classify", NET, NULL};
  trained m;
  lk_buffer out = {0};
  const char *line = "w5 w6";
  size_t size = 5;
  lk_lines lines = {.name = "lines", .text = &line, .size = &size, .count = 1, .first = 1};
  trained_open(&m, LK_CORPUS_CLASSIFY, 0, "word", settings);
  lk_real *weight = lk_params_value(m.f.params, m.f.task->head.dense.weight);
  lk_real *bias = lk_params_value(m.f.params, m.f.task->head.dense.bias);
  memset(weight, 0, 5 * 12 * sizeof *weight);
  for (int i = 0; i < 5; i++) bias[i] = i == 3 ? 1 : 0;
  assert_int_equal(lk_predict(&m.model, &lines, true, &out), LK_OK);
  char expected[64];
  (void)snprintf(expected, sizeof expected, "B-y\t%.6f\n", 1 - log(exp(1.0) + 4));
  assert_string_equal(out.data, expected);
  lk_buffer_release(&out);
  trained_close(&m);
}

static void expect_data(lk_corpus_kind kind, const char *bad, size_t size, const char *place) {
  static const char *const classify[] = {"task=classify", NET, NULL};
  trained m;
  lk_buffer out = {0};
  const char *const pointer[] = {kind == LK_CORPUS_FRAMES ? "1,2,3" : "w5", bad};
  const size_t sizes[] = {strlen(pointer[0]), size};
  lk_lines lines = {.name = "standard input", .text = pointer, .size = sizes, .count = 2, .first = 41};
  trained_open(&m, kind, 0, "word", classify);
  lk_error_clear();
  assert_int_equal(lk_predict(&m.model, &lines, false, &out), LK_DATA);
  if (strncmp(lk_error_get()->text, place, strlen(place)) != 0)
    fail_msg("'%s' does not begin with '%s'", lk_error_get()->text, place);
  lk_error_clear();
  lk_buffer_release(&out);
  trained_close(&m);
}

static void test_bad_lines(void **state) {
  (void)state;
  expect_data(LK_CORPUS_CLASSIFY, "w5 \xc3\xa9 \xff w6", 9, "standard input:42:6: ");
  expect_data(LK_CORPUS_FRAMES, "1,2,3 4,5", 9, "standard input:42:7: a frame of 2 numbers");
  expect_data(LK_CORPUS_FRAMES, "1,2,3,4", 7, "standard input:42:1: a frame of 4 numbers");
  expect_data(LK_CORPUS_FRAMES, "1,2,x", 5, "standard input:42:5: found");
  expect_data(LK_CORPUS_FRAMES, "1,,3", 4, "standard input:42:3: found");
  expect_data(LK_CORPUS_FRAMES, "1,2,", 4, "standard input:42:5: found");
  expect_data(LK_CORPUS_FRAMES, "1,2,nan", 7, "standard input:42:5: found");
  expect_data(LK_CORPUS_FRAMES, "1,2,1e99", 8, "standard input:42:5: found");
}

static void test_wrong_task(void **state) {
  (void)state;
  static const char *const lm[] = {"task=lm", NET, NULL}, *const label[] = {"task=label", NET, NULL};
  static made_text t;
  trained m;
  lk_score score[LINES];
  lk_buffer out = {0};
  make_text(&t);
  trained_open(&m, LK_CORPUS_TEXT, 0, "word", lm);
  assert_int_equal(lk_predict(&m.model, &t.lines, false, &out), LK_USAGE);
  trained_close(&m);
  trained_open(&m, LK_CORPUS_LABEL, 0, "word", label);
  assert_int_equal(lk_score_lines(&m.model, &t.lines, score), LK_DATA); /* words without labels */
  const lk_translate beam = {.beam = 1, .nbest = 1};
  assert_int_equal(lk_translate_lines(&m.model, &t.lines, &beam, &out), LK_USAGE);
  lk_generate how = {.prompt = "", .temperature = 1, .top_p = 1, .length = 3, .count = 1};
  assert_int_equal(lk_generate_text(&m.model, &how, NULL, NULL), LK_USAGE);
  trained_close(&m);
  lk_error_clear();
}

/* Sampling. The special units have the largest logits and must never be drawn. */
static const lk_real logits[10] = {90, 90, 2, 90, 1, (lk_real)0.5, 3, -1, 3, (lk_real)2.5};

/* share[id] of numbers spread evenly over [0,1). */
static void shares(const lk_generate *how, bool eos, double share[10]) {
  enum { DRAWS = 20000 };
  lk_sampler sampler;
  assert_int_equal(lk_sampler_init(&sampler, how, 10, eos), LK_OK);
  for (int id = 0; id < 10; id++) share[id] = 0;
  for (int i = 0; i < DRAWS; i++) share[lk_sample(&sampler, logits, (i + 0.5) / DRAWS)] += 1.0 / DRAWS;
  lk_sampler_release(&sampler);
}

/* The definition: among `ids`, in proportion to e^(logit / temperature). */
static void expect_shares(lk_generate how, bool eos, const int *ids, int count) {
  double share[10], expected[10] = {0}, sum = 0;
  for (int i = 0; i < count; i++) sum += expected[ids[i]] = exp((double)logits[ids[i]] / how.temperature);
  shares(&how, eos, share);
  for (int id = 0; id < 10; id++)
    if (fabs(share[id] - expected[id] / sum) > 2e-4)
      fail_msg("id %d: share %g, expected %g", id, share[id], expected[id] / sum);
}

static void test_sampling(void **state) {
  (void)state;
  static const int all[] = {2, 4, 5, 6, 7, 8, 9}, best[] = {6}, three[] = {6, 8, 9}, four[] = {6, 8, 9, 2};
  static const int running[] = {4, 5, 6, 7, 8, 9}, two[] = {6, 8};
  lk_generate how = {.temperature = 1, .top_p = 1};
  expect_shares(how, true, all, 7);
  expect_shares(how, false, running, 6);
  how.temperature = 0.5;
  expect_shares(how, true, all, 7);
  how.temperature = 3;
  expect_shares(how, true, all, 7);
  how.top_k = 3;
  expect_shares(how, true, three, 3);
  how.top_k = 4;
  expect_shares(how, true, four, 4);
  how.top_k = 100;
  expect_shares(how, true, all, 7);
  how.top_k = 1; /* the first of two equals, as with temperature 0 */
  expect_shares(how, true, best, 1);

  /* probabilities at temperature 1, falling: 6 and 8 hold 0.311 each, 9 0.189, 2 0.115 ... */
  how = (lk_generate){.temperature = 1, .top_p = 0.29};
  expect_shares(how, true, best, 1);
  how.top_p = 0.35;
  expect_shares(how, true, two, 2);
  how.top_p = 0.7;
  expect_shares(how, true, three, 3);
  how.top_p = 0;
  expect_shares(how, true, best, 1);
  how.top_p = 0.999999;
  expect_shares(how, true, all, 7);
  how.top_k = 3; /* top-p is applied after top-k, where 6 and 8 have 0.767 */
  how.top_p = 0.75;
  expect_shares(how, true, two, 2);

  double share[10];
  how = (lk_generate){.temperature = 0, .top_p = 1};
  shares(&how, true, share);
  assert_true(fabs(share[6] - 1) < 1e-9);
  lk_sampler sampler;
  assert_int_equal(lk_sampler_init(&sampler, &how, LK_SPECIALS, false), LK_DATA); /* no unit is left */
  lk_error_clear();
}

static lk_status collect(void *context, const char *text, size_t size) { return lk_buffer_append(context, text, size); }

static lk_status refuse(void *context, const char *text, size_t size) {
  (void)text;
  (void)size;
  ++*(int *)context;
  return LK_FAIL(LK_IO, "refused");
}

static void generate(trained *m, const lk_generate *how, lk_buffer *out) {
  lk_buffer_truncate(out, 0);
  assert_int_equal(lk_generate_text(&m->model, how, collect, out), LK_OK);
}

static int64_t count_of(const lk_buffer *text, char letter) {
  int64_t count = 0;
  for (size_t i = 0; i < text->size; i++) count += text->data[i] == letter;
  return count;
}

/* More sequences, or longer ones, begin with the same text; another seed gives another. */
static void test_generate_lines(void **state) {
  (void)state;
  static const char *const settings[] = {"task=lm", NET, NULL};
  trained m;
  lk_buffer few = {0}, many = {0};
  trained_open(&m, LK_CORPUS_TEXT, 0, "word", settings);
  lk_generate how = {.prompt = "w5 w6", .temperature = 1, .top_p = 1, .length = 12, .seed = 7, .count = 3};
  generate(&m, &how, &few);
  how.count = 70; /* more than are generated in one batch */
  generate(&m, &how, &many);
  assert_int_equal(count_of(&few, '\n'), 3);
  assert_int_equal(count_of(&many, '\n'), 70);
  assert_memory_equal(few.data, many.data, few.size);
  assert_null(strchr(many.data, '<'));
  assert_null(strstr(many.data, "  "));
  int64_t longest = 0, shortest = 100;
  for (char *line = strtok(many.data, "\n"); line; line = strtok(NULL, "\n")) {
    int64_t words = 1;
    for (const char *at = line; *at; at++) words += *at == ' ';
    assert_int_equal(strncmp(line, "w5 w6", 5), 0);
    longest = words > longest ? words : longest;
    shortest = words < shortest ? words : shortest;
  }
  assert_int_equal(longest, 2 + 12); /* prompt and length limit */
  assert_true(shortest < 2 + 12);    /* some ended by themselves */
  how.count = 3;
  how.seed = 8;
  generate(&m, &how, &many);
  assert_true(many.size != few.size || memcmp(many.data, few.data, few.size) != 0);
  int calls = 0;
  assert_int_equal(lk_generate_text(&m.model, &how, refuse, &calls), LK_IO);
  assert_int_equal(calls, 1);
  lk_error_clear();
  how.prompt = "w5 \xff";
  assert_int_equal(lk_generate_text(&m.model, &how, collect, &many), LK_USAGE);
  lk_error_clear();
  lk_buffer_release(&few);
  lk_buffer_release(&many);
  trained_close(&m);
}

static void test_generate_running_words(void **state) {
  (void)state;
  static const char *const settings[] = {"task=lm", NET, NULL};
  trained m;
  lk_buffer out = {0};
  trained_open(&m, LK_CORPUS_TEXT, 1, "word", settings);
  lk_params_value(m.f.params, m.f.task->head.dense.bias)[LK_EOS] += 2;
  lk_generate how = {.prompt = "", .temperature = 1, .top_p = 1, .length = 100, .seed = 1, .count = 1};
  generate(&m, &how, &out);
  int64_t lines = count_of(&out, '\n'), words = count_of(&out, 'w');
  int ended = out.data[out.size - 1] == '\n';
  assert_true(ended && lines > 2);
  assert_null(strstr(out.data, " \n"));
  assert_null(strstr(out.data, "\n "));
  assert_true(words + lines == 100 || words + lines == 101); /* 101: a newline of ours ends the text */
  lk_buffer_release(&out);
  trained_close(&m);
}

/* Greedy text, generated unit by unit with carried states, is the same as by reading the whole prefix each time. */
static void test_generate_greedy(void **state) {
  (void)state;
  size_t count;
  const char *const *cells = lk_cell_names(&count);
  for (size_t i = 0; i < count; i++) {
    char cell[64];
    (void)snprintf(cell, sizeof cell, "model.cell=%s", cells[i]);
    const char *settings[] = {"task=lm", NET, cell, NULL};
    trained m;
    lk_buffer out = {0};
    trained_open(&m, LK_CORPUS_TEXT, 1, "char", settings);
    lk_generate how = {.prompt = "e?f", .temperature = 0, .top_p = 1, .length = 30, .seed = 1, .count = 2};
    generate(&m, &how, &out);
    int32_t ids[40] = {4, LK_UNK, 5};
    const int32_t *pointer = ids;
    ptrdiff_t length = 3, perm;
    lk_arena arena = {0};
    for (; length < 33; length++) {
      lk_batch batch;
      assert_int_equal(lk_batch_from_ids(&batch, &arena, &m.model.one, 1, &pointer, &length, &perm), LK_OK);
      assert_int_equal(lk_task_reserve(m.model.task, 1, length, length, 0), LK_OK);
      const lk_units units = lk_task_forward(m.model.task, m.model.params, &batch, NULL);
      const lk_real *row = lk_head_next(lk_task_head(m.model.task), m.model.params, &units, length - 1).score;
      int32_t best = LK_SPECIALS;
      for (int32_t v = LK_SPECIALS; v < V; v++) best = row[v] > row[best] ? v : best;
      ids[length] = best;
      assert_int_equal(out.data[length], lk_strings_get(&m.f.info.source, best)[0]);
    }
    size_t half = out.size / 2; /* nothing is random: both texts are the same */
    assert_memory_equal(out.data, out.data + half, half);
    lk_arena_release(&arena);
    lk_buffer_release(&out);
    trained_close(&m);
  }
}

/* Words separated by TABs may contain spaces; each way to split a line gives a tag for every word; unknown words are
 * counted. */
static void test_tabs(void **state) {
  (void)state;
  static const char *const settings[] = {"task=label", NET, NULL};
  static const char *const pointer[] = {"w5 w6\tw7", "w5\t w6 \tw7 w8", "w5 w6", ""};
  static const int tags[][4] = {{2, 3, 2, 0}, {3, 4, 2, 0}, {2, 3, 1, 0}}; /* by cut: AUTO, BLANKS, TABS */
  static const int64_t unknown[] = {2, 0, 3}, lost[] = {0, 0, 1};
  size_t size[4];
  for (int i = 0; i < 4; i++) size[i] = strlen(pointer[i]);
  for (int cut = LK_CUT_AUTO; cut <= LK_CUT_TABS; cut++) {
    trained m;
    lk_buffer out = {0};
    const lk_lines lines = {.name = "lines", .text = pointer, .size = size, .count = 4, .first = 1, .cut = (lk_cut)cut};
    trained_open(&m, LK_CORPUS_LABEL, 0, "word", settings);
    assert_int_equal(lk_predict(&m.model, &lines, false, &out), LK_OK);
    const char *at = out.data;
    for (int i = 0; i < 4; i++) {
      const char *end = strchr(at, '\n');
      int found = end > at;
      for (; at < end; at++) found += *at == ' ' || *at == '\t';
      assert_int_equal(found, tags[cut][i]);
      at = end + 1;
    }
    assert_int_equal(m.model.seen[LK_SEEN_UNKNOWN], unknown[cut]);
    assert_int_equal(m.model.seen[LK_SEEN_LOST], lost[cut]);
    lk_buffer_release(&out);
    trained_close(&m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_score),
      cmocka_unit_test(test_scores_are_probabilities),
      cmocka_unit_test(test_predict),
      cmocka_unit_test(test_predict_by_hand),
      cmocka_unit_test(test_bad_lines),
      cmocka_unit_test(test_wrong_task),
      cmocka_unit_test(test_sampling),
      cmocka_unit_test(test_generate_lines),
      cmocka_unit_test(test_generate_running_words),
      cmocka_unit_test(test_generate_greedy),
      cmocka_unit_test(test_tabs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
