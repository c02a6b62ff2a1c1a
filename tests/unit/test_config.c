/* The configuration: defaults, merging, messages with their places, printing and reading back. */
#include "config.h"

#include <setjmp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static lk_status parse(lk_config *config, const char *text) {
  return lk_config_parse(config, text, strlen(text), "tiny.yaml");
}

static void assert_bad(const char *text, const char *message) {
  lk_config config;
  lk_error_clear();
  assert_int_equal(lk_config_init(&config), LK_OK);
  assert_int_equal(parse(&config, text), LK_USAGE);
  assert_string_equal(lk_error_get()->text, message);
  lk_config_release(&config);
  lk_error_clear();
}

static void assert_bad_override(const char *text, const char *message) {
  lk_config config;
  lk_error_clear();
  assert_int_equal(lk_config_init(&config), LK_OK);
  assert_int_equal(lk_config_override(&config, text), LK_USAGE);
  assert_string_equal(lk_error_get()->text, message);
  lk_config_release(&config);
  lk_error_clear();
}

static void defaults(void **state) {
  (void)state;
  lk_config c;
  assert_int_equal(lk_config_init(&c), LK_OK);
  assert_string_equal(c.task, "lm");
  assert_string_equal(c.data.corpus, "");
  assert_string_equal(c.model.cell, "lstm");
  assert_string_equal(c.train.schedule, "constant");
  assert_string_equal(c.parallel.shards, "8");
  assert_true(c.seed == 1 && c.model.hidden == 256 && c.model.layers == 1 && c.train.epochs == 10);
  assert_true(c.model.recurrent_bias && !c.model.tied && c.model.forget_bias == 1 && c.model.dropout == 0);
  assert_true(c.train.rate == 0.001 && c.train.beta2 == 0.999 && c.train.rho == 0.99 && c.train.epsilon == 1e-8);
  assert_true(c.train.clip == 5 && c.train.max_skips == 10 && c.eval.batch == 64 && c.eval.every == 0);
  assert_true(c.checkpoint.every == 500 && c.checkpoint.keep == 3 && c.parallel.check_every == 100);
  assert_true(c.log.every == 10 && c.train.cooldown == 1 && c.train.shuffle_window == 64 && c.train.unroll == 64);
  lk_config_release(&c);
  assert_null(c.source);
}

static void merging(void **state) {
  (void)state;
  lk_config c;
  assert_int_equal(lk_config_init(&c), LK_OK);
  char text[] =
      "# a comment\ntask: classify\nmodel:\n  hidden: 64\n  dropout: .5\n  tied: True\n  cell: 'gru'\n"
      "train: {steps: 1e3, rate: 2E-3, epochs: +7}\nrun:\n  dir: \"a b\\tü\"\nparallel:\n  shards: 4\nlog:\n";
  assert_int_equal(parse(&c, text), LK_OK);
  memset(text, '!', sizeof text - 1); /* the configuration must not point into the caller's text */
  assert_string_equal(c.task, "classify");
  assert_string_equal(c.model.cell, "gru");
  assert_string_equal(c.run.dir, "a b\tü");
  assert_string_equal(c.parallel.shards, "4");
  assert_true(c.model.hidden == 64 && c.model.dropout == 0.5 && c.model.tied && c.train.steps == 1000);
  assert_true(c.train.rate == 0.002 && c.train.epochs == 7 && c.model.layers == 1);
  assert_int_equal(parse(&c, "model: {hidden: 65}\n"), LK_OK); /* replaces the value above */
  assert_true(c.model.hidden == 65 && c.model.dropout == 0.5);
  assert_int_equal(parse(&c, ""), LK_OK);
  assert_int_equal(parse(&c, "# nothing\n\n"), LK_OK);

  assert_int_equal(lk_config_override(&c, "model.hidden=128"), LK_OK);
  assert_int_equal(lk_config_override(&c, "run.dir=x=y z"), LK_OK);
  assert_int_equal(lk_config_override(&c, "data.corpus="), LK_OK);
  assert_int_equal(lk_config_override(&c, "model.tied=false"), LK_OK);
  assert_int_equal(lk_config_override(&c, "train.rate=3e-4"), LK_OK);
  assert_int_equal(lk_config_override(&c, "seed=9007199254740991"), LK_OK);
  assert_string_equal(c.run.dir, "x=y z");
  assert_string_equal(c.data.corpus, "");
  assert_true(c.model.hidden == 128 && !c.model.tied && c.train.rate == 3e-4 && c.seed == 9007199254740991);
  lk_config_release(&c);
}

static void unknown_keys(void **state) {
  (void)state;
  assert_bad("task: lm\n\nmodel:\n  cell: gru\n  # é\n\n  hiden: 3\n",
             "tiny.yaml:7:3: unknown key 'model.hiden' (did you mean 'model.hidden'?)");
  assert_bad("modle:\n  hidden: 3\n", "tiny.yaml:1:1: unknown key 'modle' (did you mean 'model'?)");
  assert_bad("rate: 3\n", "tiny.yaml:1:1: unknown key 'rate' (did you mean 'train.rate'?)");
  assert_bad("train:\n  dropout: 0.1\n", "tiny.yaml:2:3: unknown key 'train.dropout' (did you mean 'model.dropout'?)");
  /* names of other programs, from a table; where there is no such key the message says what to use instead */
  assert_bad("train:\n  lr: 1\n", "tiny.yaml:2:3: unknown key 'train.lr' (did you mean 'train.rate'?)");
  assert_bad("learning-rate: 1\n", "tiny.yaml:1:1: unknown key 'learning-rate' (did you mean 'train.rate'?)");
  assert_bad("train:\n  weight_decay: 1\n",
             "tiny.yaml:2:3: unknown key 'train.weight_decay' (did you mean 'train.decay'?)");
  assert_bad("model:\n  vocab_size: 9\n",
             "tiny.yaml:2:3: unknown key 'model.vocab_size': 'lockstep prepare --vocabulary N' sets it");
  assert_bad("dim-rnn: 9\n", "tiny.yaml:1:1: unknown key 'dim-rnn' (did you mean 'model.hidden'?)");
  assert_bad("wdrop: 0.5\n", "tiny.yaml:1:1: unknown key 'wdrop' (did you mean 'model.weight_dropout'?)");
  assert_bad("restore_best_weights: true\n",
             "tiny.yaml:1:1: unknown key 'restore_best_weights': best.h5 has them; train.restore_best is for training "
             "itself, when the rate falls");
  /* no similar name: no suggestion */
  assert_bad("train:\n  xy: 1\n", "tiny.yaml:2:3: unknown key 'train.xy'");
  assert_bad("train:\n  foobar: 1\n", "tiny.yaml:2:3: unknown key 'train.foobar'");
  assert_bad("model: {é: 1, 'ü': 2}\n", "tiny.yaml:1:9: unknown key 'model.é'");
  assert_bad("model:\n  \"hidden \": 2\n", "tiny.yaml:2:3: unknown key 'model.hidden ' (did you mean 'model.hidden'?)");
  assert_bad("a\\b: 1\n", "tiny.yaml:1:1: unknown key 'a\\b'");
  assert_bad("model: {<<: {hidden: 3}}\n", "tiny.yaml:1:9: unknown key 'model.<<'");
  assert_bad("model: {[1]: 3}\n", "tiny.yaml:1:1: expected the name of a key before ':'");
}

static void wrong_values(void **state) {
  (void)state;
#define HIDDEN "model.hidden: expected a whole number from 1 to 16384 (units), found "
  assert_bad("model:\n  hidden: many\n", "tiny.yaml:2:11: " HIDDEN "'many'");
  assert_bad("model:\n  hidden: \"3\"\n", "tiny.yaml:2:11: " HIDDEN "the text '3'");
  assert_bad("model:\n  hidden:\n", "tiny.yaml:2:3: " HIDDEN "nothing");
  assert_bad("model:\n  hidden: ~\n", "tiny.yaml:2:11: " HIDDEN "nothing");
  assert_bad("model: {hidden: [3]}\n", "tiny.yaml:1:9: " HIDDEN "a list");
  assert_bad("model: {hidden: {a: 3}}\n", "tiny.yaml:1:9: " HIDDEN "a section");
  assert_bad("model: {hidden: *a}\n", "tiny.yaml:1:17: " HIDDEN "an alias, which is not supported here");
  const char *numbers[] = {"0", "16385", "1.5", "1_000", "0x10", "1e", "e1", "--1", "1 2", "99999999999999999999",
                           "-5"};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    char text[128], message[256];
    (void)snprintf(text, sizeof text, "model:\n  hidden: %s\n", numbers[i]);
    const char *meant = strcmp(numbers[i], "1_000") == 0 ? " (did you mean 1000?)" : "";
    (void)snprintf(message, sizeof message, "tiny.yaml:2:11: " HIDDEN "'%s'%s", numbers[i], meant);
    assert_bad(text, message);
  }
#define ENDLESS ", which is not finite"
  const char *reals[][2] = {{"nan", ENDLESS},
                            {".nan", ENDLESS},
                            {"inf", ENDLESS},
                            {".inf", ENDLESS},
                            {"-.inf", ENDLESS},
                            {"1e999", ENDLESS},
                            {"1e-400", ", which is too close to 0"},
                            {"-1", ""},
                            {"0x1p3", ""},
                            {"1,5", " (did you mean 1.5?)"},
                            {"90m", " (did you mean 90?)"},
                            {"1.5 h", " (did you mean 90?)"},
                            {"-2h", ""},
                            {".", ""}};
  for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
    char text[128], message[256];
    (void)snprintf(text, sizeof text, "train.minutes: %s\n", reals[i][0]);
    (void)snprintf(message, sizeof message,
                   "tiny.yaml:1:16: train.minutes: expected a number of at least 0 (minutes), found '%s'%s",
                   reals[i][0], reals[i][1]);
    assert_bad(text, message);
  }
  assert_bad("model: {dropout: 1.0}\n",
             "tiny.yaml:1:18: model.dropout: expected a number from 0 to below 1 (share of units), found '1.0'");
  assert_bad(
      "model: {dropout: 50%}\n",
      "tiny.yaml:1:18: model.dropout: expected a number from 0 to below 1 (share of units), found '50%' (did you "
      "mean 0.5?)");
  assert_bad("model: {dropout: 100%}\n", /* means 1, which is out of range */
             "tiny.yaml:1:18: model.dropout: expected a number from 0 to below 1 (share of units), found '100%'");
  assert_bad("train: {steps: 0.0015k}\n", /* means 1.5 */
             "tiny.yaml:1:16: train.steps: expected a whole number from 0 to 2^53 (steps), found '0.0015k'");
  assert_bad("train: {every: 0}\n",
             "tiny.yaml:1:16: train.every: expected a number above 0 (epochs or minutes), found '0'");
  assert_bad("model: {tied: yes}\n",
             "tiny.yaml:1:15: model.tied: expected true or false, found 'yes' (did you mean true?)");
  assert_bad("model: {tied: Off}\n",
             "tiny.yaml:1:15: model.tied: expected true or false, found 'Off' (did you mean false?)");
  /* a float would be infinite */
  assert_bad("train: {rate: 1e39}\n", "tiny.yaml:1:15: train.rate: expected a number from 0 to 3.4e38, found '1e39'");
  assert_bad("model: {forget_bias: -1e39}\n",
             "tiny.yaml:1:22: model.forget_bias: expected a number from -3.4e38 to 3.4e38, found '-1e39'");
  assert_bad("seed: 9007199254740993\n",
             "tiny.yaml:1:7: seed: expected a whole number from 0 to 2^53, found '9007199254740993'");
  assert_bad("task: [lm]\n", "tiny.yaml:1:1: task: expected text, found a list");
  assert_bad("task: \"a\\0b\"\n", "tiny.yaml:1:7: task: expected text, found the text 'a\\x00b'");
  assert_bad("seed: 3\nlog.every: x",
             "tiny.yaml:2:12: log.every: expected a number of at least 0 (seconds), found 'x'");
}

static void wrong_structure(void **state) {
  (void)state;
#define SECTION "expected a section (indented lines of key: value), found "
  assert_bad("model: 3\n", "tiny.yaml:1:8: model: " SECTION "'3'");
  assert_bad("model: [3]\n", "tiny.yaml:1:1: model: " SECTION "a list");
  assert_bad("model:\n  hidden: 3\n  cell: gru\n  hidden: 4\n",
             "tiny.yaml:4:3: 'model.hidden' is given twice, first in line 2");
  assert_bad("model:\n  hidden: 3\ntask: lm\nmodel:\n  layers: 4\n",
             "tiny.yaml:4:1: 'model' is given twice, first in line 1");
  assert_bad("- task\n", "tiny.yaml:1:1: expected lines of key: value");
  assert_bad("\njust words\n", "tiny.yaml:2:1: expected lines of key: value");
  assert_bad("task: lm\n---\ntask: lm\n", "tiny.yaml:3:1: expected one YAML document, found a second after '---'");
}

/* Text and column of a syntax error depend on the version of the YAML library; the line does not. */
static void assert_bad_line(const char *text, int line, const char *word) {
  lk_config config;
  int at = 0, column = 0, end = 0;
  lk_error_clear();
  assert_int_equal(lk_config_init(&config), LK_OK);
  assert_int_equal(parse(&config, text), LK_USAGE);
  assert_int_equal(sscanf(lk_error_get()->text, "tiny.yaml:%d:%d: %n", &at, &column, &end), 2);
  assert_int_equal(at, line);
  assert_true(column >= 1 && strlen(lk_error_get()->text) > (size_t)end + 5);
  assert_non_null(strstr(lk_error_get()->text, word));
  lk_config_release(&config);
  lk_error_clear();
}

static void wrong_yaml(void **state) {
  (void)state;
  assert_bad_line("model:\n\thidden: 3\n", 2, "tab");
  assert_bad_line("model: {hidden: 3\ntask: lm\n", 2, "comma");
  assert_bad_line("seed: 1\ntask: 'lm\n", 2, "quote");
  assert_bad_line("seed: 1\ntask: lm: x\n", 2, "mapping");
  assert_bad_line("# é\n%YAML 9.9\n---\ntask: lm\n", 2, "YAML");
  assert_bad("task: lm\nrun: # é\n  dir: é\xff\n", "tiny.yaml:3:9: not UTF-8 text");
  lk_config c;
  assert_int_equal(lk_config_init(&c), LK_OK);
  assert_int_equal(lk_config_parse(&c, "a\n\0b", 4, "zero.yaml"), LK_USAGE);
  assert_string_equal(lk_error_get()->text, "zero.yaml:2:1: not UTF-8 text");
  lk_error_clear();
  lk_config_release(&c);
}

static void command_line(void **state) {
  (void)state;
  assert_bad_override("model.hiden=3",
                      "command line: model.hiden=3: unknown key 'model.hiden' (did you mean 'model.hidden'?)");
  assert_bad_override("hidden=3", "command line: hidden=3: unknown key 'hidden' (did you mean 'model.hidden'?)");
  assert_bad_override("model.hidden=x",
                      "command line: model.hidden=x: expected a whole number from 1 to 16384 (units), found 'x'");
  assert_bad_override("model.hidden=",
                      "command line: model.hidden=: expected a whole number from 1 to 16384 (units), found nothing");
  assert_bad_override("model=3", "command line: model=3: 'model' is a section: name one of its keys");
  assert_bad_override("tiny.yaml", "command line: expected key=value, found 'tiny.yaml'");
  assert_bad_override("=3", "command line: expected key=value, found '=3'");
  assert_bad_override("run.dir=\xff", "command line: 'run.dir=\\xff' is not UTF-8 text");
}

static void later_errors_name_the_place(void **state) {
  (void)state;
  const char *cells[] = {"elman", "lstm", "gru"};
  size_t index = 99;
  lk_config c;
  assert_int_equal(lk_config_init(&c), LK_OK);
  assert_int_equal(lk_config_error(&c, "data.corpus", "expected a file"), LK_USAGE);
  assert_string_equal(lk_error_get()->text, "configuration: data.corpus: expected a file");
  lk_error_clear();
  assert_int_equal(lk_config_choice_of(&c, "model.cell", cells, 3, &index), LK_OK);
  assert_int_equal(index, 1);
  assert_int_equal(parse(&c, "model:\n  cell: lsmt\n"), LK_OK);
  assert_int_equal(lk_config_choice_of(&c, "model.cell", cells, 3, &index), LK_USAGE);
  assert_string_equal(lk_error_get()->text,
                      "tiny.yaml:2:9: model.cell: expected elman, lstm or gru, found 'lsmt' (did you mean 'lstm'?)");
  assert_int_equal(index, 1);
  lk_error_clear();
  assert_int_equal(lk_config_error(&c, "data.corpus", "expected %d", 3), LK_USAGE);
  assert_string_equal(lk_error_get()->text, "tiny.yaml: data.corpus: expected 3");
  lk_error_clear();
  assert_int_equal(lk_config_override(&c, "model.cell=transformer"), LK_OK);
  assert_int_equal(lk_config_choice_of(&c, "model.cell", cells, 3, &index), LK_USAGE);
  assert_string_equal(lk_error_get()->text,
                      "command line: model.cell=transformer: expected elman, lstm or gru, found 'transformer'");
  lk_error_clear();
  lk_config_release(&c);
}

/* A key's former name sets it, also beside the new one where one text is merged over another, but not within one. */
static void former_names(void **state) {
  (void)state;
  lk_config c;
  lk_buffer text = {0};
  assert_int_equal(lk_config_init(&c), LK_OK);
  assert_int_equal(parse(&c, "model:\n  pool: max\ntrain.pool: 7\n"), LK_OK);
  assert_string_equal(c.model.pooling, "max");
  assert_int_equal(c.train.shuffle_window, 7);
  assert_int_equal(parse(&c, "model:\n  pooling: mean\n"), LK_OK);
  assert_int_equal(lk_config_override(&c, "train.pool=8"), LK_OK);
  assert_string_equal(c.model.pooling, "mean");
  assert_int_equal(c.train.shuffle_window, 8);
  assert_int_equal(lk_config_print(&c, &text), LK_OK);
  assert_null(strstr(text.data, "pool:"));
  lk_buffer_release(&text);

  assert_int_equal(lk_config_override(&c, "train.shuffle_window=9"), LK_USAGE);
  assert_string_equal(lk_error_get()->text,
                      "command line: train.shuffle_window=9: train.pool is the former name of "
                      "train.shuffle_window: give one of them");
  lk_error_clear();
  lk_config_release(&c);
  assert_bad("model:\n  pool: max\n  pooling: max\n",
             "tiny.yaml:3:3: model.pool is the former name of model.pooling: give one of them");
  assert_bad("model: {pooling: max, pool: max}\n",
             "tiny.yaml:1:23: model.pool is the former name of model.pooling: give one of them");
  assert_bad("train: {pool: 1, pool: 2}\n", "tiny.yaml:1:18: 'train.pool' is given twice, first in line 1");
  assert_bad("train.pool: -1\n",
             "tiny.yaml:1:13: train.shuffle_window: expected a whole number from 0 to 2^53 (batches), found '-1'");
}

static void shards(void **state) {
  (void)state;
  const struct {
    const char *value;
    int ranks, shards; /* 0: refused */
  } cases[] = {{"8", 3, 8},    {"8", 8, 8}, {"8", 9, 0},  {"ranks", 5, 5}, {"1", 1, 1}, {"4096", 4, 4096},
               {"4097", 4, 0}, {"0", 1, 0}, {"-1", 1, 0}, {"two", 1, 0},   {"", 1, 0},  {"ranks", 5000, 0}};
  lk_config c;
  assert_int_equal(lk_config_init(&c), LK_OK);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int number = -1;
    c.parallel.shards = cases[i].value;
    lk_status status = lk_config_shards(&c, cases[i].ranks, &number);
    assert_int_equal(status, cases[i].shards > 0 ? LK_OK : LK_USAGE);
    assert_int_equal(number, cases[i].shards > 0 ? cases[i].shards : -1);
    lk_error_clear();
  }
  lk_config_release(&c);
}

static void assert_round_trip(const lk_config *config) {
  lk_buffer first = {0}, second = {0};
  lk_config again;
  assert_int_equal(lk_config_print(config, &first), LK_OK);
  assert_int_equal(lk_config_init(&again), LK_OK);
  lk_status status = lk_config_parse(&again, first.data, first.size, "printed");
  if (status != LK_OK) fail_msg("%s\n%s", lk_error_get()->text, first.data);
  assert_int_equal(lk_config_print(&again, &second), LK_OK);
  assert_string_equal(second.data, first.data);
  assert_string_equal(again.run.dir, config->run.dir);
  assert_string_equal(again.data.corpus, config->data.corpus);
  assert_memory_equal(&again.train.minutes, &config->train.minutes, sizeof(double));
  assert_memory_equal(&again.model.forget_bias, &config->model.forget_bias, sizeof(double));
  assert_true(again.seed == config->seed && again.model.tied == config->model.tied);
  lk_buffer_release(&first);
  lk_buffer_release(&second);
  lk_config_release(&again);
}

static void printing(void **state) {
  (void)state;
  lk_config c;
  assert_int_equal(lk_config_init(&c), LK_OK);
  lk_buffer text = {0};
  assert_int_equal(lk_config_print(&c, &text), LK_OK);
  assert_non_null(strstr(text.data, "\n  rate: 0.001\n"));
  assert_non_null(strstr(text.data, "\n  epsilon: 1e-08\n"));
  assert_non_null(strstr(text.data, "\n  every: 10\n"));
  assert_non_null(strstr(text.data, "\n  corpus: \"\"\n"));
  assert_non_null(strstr(text.data, "\n\n# The net.\nmodel:\n"));
  lk_buffer_release(&text);
  assert_round_trip(&c);

  const char *strings[] = {"plain/path-1.h5",
                           "with space",
                           "#no",
                           "a: b",
                           "- x",
                           "null",
                           "~",
                           "true",
                           "\"q\" \\ 'x'",
                           "tab\tline\nend",
                           "日本語 é😀",
                           " lead",
                           "*a",
                           "&a",
                           "!t",
                           "\x01\x7f",
                           "%x",
                           "\xc2\x85\xe2\x80\xa8\xef\xbb\xbf"};
  const double reals[] = {0.1, 1.0 / 3, 1e-300, 123456789.125, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 100000, 1e22};
  for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
    c.model.cell = c.model.bridge = strings[i];
    c.train.minutes = reals[i % 9];
    c.model.forget_bias = -1 / (double)(i + 3);
    c.seed = (int64_t)1 << (3 * i);
    c.model.tied = i % 2 == 0;
    assert_round_trip(&c);
  }
  lk_config_release(&c);
}

/* Every key is described by a sentence; the YAML library has printed nothing. */
static void description(void **state) {
  (void)state;
  lk_buffer text = {0}, printed = {0};
  lk_config c;
  assert_int_equal(lk_config_describe(&text), LK_OK);
  assert_int_equal(lk_config_init(&c), LK_OK);
  assert_int_equal(lk_config_print(&c, &printed), LK_OK);
  int keys = 0, sentences = 0;
  for (char *line = strtok(printed.data, "\n"); line; line = strtok(NULL, "\n")) {
    line += strspn(line, " ");
    char *colon = strstr(line, ": ");
    if (*line == '#') {
      assert_non_null(strchr(line, '.'));
      assert_true(strlen(line) <= 120);
      sentences++;
    } else if (colon) {
      keys++;
    } else {
      sentences--; /* of a section */
    }
  }
  assert_true(keys >= 50 && keys == sentences);
  assert_non_null(strstr(
      text.data, "model.hidden               a whole number from 1 to 16384 (units); default 256; fixed for a run\n"));
  assert_non_null(strstr(text.data, "data.corpus                text; default none\n"));
  lk_buffer_release(&text);
  lk_buffer_release(&printed);
  lk_config_release(&c);
}

static void nothing_is_printed(void **state) {
  (void)state;
  int ends[2], old = dup(STDERR_FILENO), old_out = dup(STDOUT_FILENO);
  assert_int_equal(pipe(ends), 0);
  (void)fflush(stdout);
  (void)dup2(ends[1], STDERR_FILENO);
  (void)dup2(ends[1], STDOUT_FILENO);
  const char *bad[] = {"a: [1\n", "%YAML 3.9\n---\na", "a: 'x\n", "\tx: 1\n", "a: *b\n", "a: 1\na: 2\n", "!<x: 1", "@"};
  lk_status status[8];
  for (size_t i = 0; i < 8; i++) {
    lk_config c;
    status[i] = lk_config_init(&c);
    if (status[i] == LK_OK) status[i] = parse(&c, bad[i]);
    lk_config_release(&c);
    lk_error_clear();
  }
  (void)fflush(stdout);
  (void)dup2(old, STDERR_FILENO);
  (void)dup2(old_out, STDOUT_FILENO);
  close(old);
  close(old_out);
  close(ends[1]);
  char said[256];
  assert_int_equal(read(ends[0], said, sizeof said), 0);
  close(ends[0]);
  for (size_t i = 0; i < 8; i++) assert_int_equal(status[i], LK_USAGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults),           cmocka_unit_test(merging),
      cmocka_unit_test(unknown_keys),       cmocka_unit_test(wrong_values),
      cmocka_unit_test(wrong_structure),    cmocka_unit_test(wrong_yaml),
      cmocka_unit_test(command_line),       cmocka_unit_test(later_errors_name_the_place),
      cmocka_unit_test(former_names),       cmocka_unit_test(shards),
      cmocka_unit_test(printing),           cmocka_unit_test(description),
      cmocka_unit_test(nothing_is_printed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
