/* behaviour: what the headers promise and a short program does not show: errors, callbacks, stopping, several models,
 * threads, and that the caller's process stays as it was. Prints nothing unless a promise is broken. */
#include <float.h>
#include <lockstep/lockstep.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;
#define CHECK(truth)                                                                               \
  do {                                                                                             \
    if (!(truth)) {                                                                                \
      fprintf(stderr, "%s:%d: not true: %s (%s)\n", __FILE__, __LINE__, #truth, lockstep_error()); \
      failures++;                                                                                  \
    }                                                                                              \
  } while (0)
#define CHECK_OK(call)          CHECK((call) == LOCKSTEP_OK)
#define CHECK_FAILS(code, call) CHECK((call) == LOCKSTEP_##code && lockstep_error()[0] != '\0')
#define CHECK_SAYS(words)       CHECK(strstr(lockstep_error(), words) != NULL)

static void handler(int number) { (void)number; }

static void check_version(void) {
  char text[32];
  snprintf(text, sizeof text, "%d.%d.%d", LOCKSTEP_VERSION_MAJOR, LOCKSTEP_VERSION_MINOR, LOCKSTEP_VERSION_PATCH);
  CHECK(strcmp(text, lockstep_version()) == 0);
  CHECK(lockstep_error()[0] == '\0');
  CHECK(lockstep_status_exit_code(LOCKSTEP_DATA) == 65);
  CHECK(strcmp(lockstep_status_text(LOCKSTEP_OK), "done") == 0);
}

static void check_config(void) {
  lockstep_config *config = NULL;
  const char *text = NULL;
  CHECK_OK(lockstep_config_create(&config));
  CHECK_OK(lockstep_config_set(config, "train.rate", "0.25"));
  CHECK_OK(lockstep_config_get(config, "train.rate", &text));
  CHECK(text && strcmp(text, "0.25") == 0);
  CHECK_FAILS(USAGE, lockstep_config_set(config, "train.rata", "1"));
  CHECK_SAYS("train.rate"); /* the nearest key */
  CHECK_FAILS(USAGE, lockstep_config_set(config, "train.rate", "fast"));
  CHECK_FAILS(USAGE, lockstep_config_get(config, "train.rata", &text));
  CHECK_FAILS(IO, lockstep_config_read(config, "missing.yaml"));
  CHECK_OK(lockstep_config_describe(config, &text));
  CHECK(strstr(text, "model.cell") != NULL);
  CHECK_OK(lockstep_config_print(config, &text));
  CHECK(strstr(text, "0.25") != NULL);
  CHECK_OK(lockstep_config_set(config, "model.cell", "none"));
  CHECK_FAILS(USAGE, lockstep_config_check(config));
  lockstep_config_destroy(&config);
  CHECK(config == NULL);
  lockstep_config_destroy(&config);
}

static void check_corpora(void) {
  lockstep_corpus_options options = LOCKSTEP_CORPUS_OPTIONS, none = LOCKSTEP_CORPUS_OPTIONS;
  lockstep_corpus *corpus = NULL;
  options.unit = "char";
  options.valid_fraction = 0.1;
  CHECK_OK(lockstep_corpus_prepare("classify", "classify.tsv", "classify.h5", &options));
  CHECK_OK(lockstep_corpus_open(&corpus, "classify.h5"));
  CHECK(strcmp(lockstep_corpus_kind(corpus), "classify") == 0);
  CHECK(lockstep_corpus_sequences(corpus, LOCKSTEP_TRAIN) + lockstep_corpus_sequences(corpus, LOCKSTEP_VALID) == 500);
  CHECK(lockstep_corpus_sequences(corpus, LOCKSTEP_TEST) == 0);
  CHECK(lockstep_corpus_units(corpus, LOCKSTEP_TRAIN) > 500);
  CHECK(lockstep_corpus_vocabulary(corpus) == 4 + 3 && lockstep_corpus_labels(corpus) == 3);
  CHECK(strchr("ABC", lockstep_corpus_label(corpus, 2)[0]) != NULL && lockstep_corpus_label(corpus, 3) == NULL);
  CHECK(lockstep_corpus_frame(corpus) == 0 && strlen(lockstep_corpus_digest(corpus)) == 32);
  lockstep_corpus_close(&corpus);
  options.stream = 1;
  CHECK_OK(lockstep_corpus_prepare("text", "text.txt", "text.h5", &options));
  CHECK_OK(lockstep_corpus_prepare("pairs", "pairs.tsv", "pairs.h5", NULL));
  CHECK_FAILS(USAGE, lockstep_corpus_prepare("novel", "text.txt", "novel.h5", NULL));
  CHECK_FAILS(IO, lockstep_corpus_prepare("text", "missing.txt", "missing.h5", NULL));
  CHECK_FAILS(DATA, lockstep_corpus_prepare("pairs", "text.txt", "bad.h5", NULL));
  CHECK_SAYS("text.txt:");
  CHECK_FAILS(IO, lockstep_corpus_open(&corpus, "bad.h5")); /* nothing is left of it */
  none.size = 0;
  CHECK_FAILS(USAGE, lockstep_corpus_prepare("pairs", "pairs.tsv", "pairs.h5", &none));
  none.size = sizeof none + 8;
  CHECK_FAILS(USAGE, lockstep_corpus_prepare("pairs", "pairs.tsv", "pairs.h5", &none));
  none.size = offsetof(lockstep_corpus_options, unit); /* those of an older header */
  CHECK_OK(lockstep_corpus_prepare("pairs", "pairs.tsv", "pairs.h5", &none));
  CHECK_FAILS(DATA, lockstep_corpus_open(&corpus, "text.txt"));
  CHECK(corpus == NULL);
}

/* What the callbacks of a run have seen. */
typedef struct listener {
  int64_t step, stop_at;
  int evaluations, lines;
} listener;

static int progress(void *context, const lockstep_progress *p) {
  listener *l = (listener *)context;
  lockstep_config *config = NULL;
  CHECK(p->rank == 0 && p->ranks == 1 && p->epoch > 0 && isfinite(p->loss));
  CHECK_FAILS(USAGE, lockstep_config_create(&config)); /* no calls from a callback */
  if (p->event == LOCKSTEP_STEP) l->step = p->step;
  if (p->event == LOCKSTEP_EVALUATED) {
    CHECK(p->metric != NULL && isfinite(p->value));
    l->evaluations++;
  }
  return p->event == LOCKSTEP_STEP && p->step == l->stop_at;
}

static void take_line(void *context, lockstep_log_level level, const char *line) {
  CHECK(level == LOCKSTEP_LOG_INFO || level == LOCKSTEP_LOG_WARNING);
  CHECK(line[0] != '\0' && strchr(line, '\n') == NULL);
  ((listener *)context)->lines++;
}

static lockstep_status train(const char *task, const char *corpus, const char *folder, const char *kernels,
                             listener *l) {
  const char *const settings[][2] = {{"task", task},        {"data.corpus", corpus},  {"run.dir", folder},
                                     {"kernels", kernels},  {"train.steps", "20"},    {"train.epochs", "0"},
                                     {"model.hidden", "8"}, {"model.embedding", "8"}, {"train.batch", "8"},
                                     {"eval.every", "10"},  {"train.unroll", "10"},   {"parallel.shards", "2"}};
  lockstep_train_options options = LOCKSTEP_TRAIN_OPTIONS;
  lockstep_config *config = NULL;
  CHECK_OK(lockstep_config_create(&config));
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    CHECK_OK(lockstep_config_set(config, settings[i][0], settings[i][1]));
  if (l) options.progress = progress, options.log = take_line, options.context = l;
  const lockstep_status status = lockstep_train(config, l ? &options : NULL);
  lockstep_config_destroy(&config);
  return status;
}

static void check_training(void) {
  listener l = {0, 7, 0, 0};
  struct sigaction action;
  volatile double small = DBL_MIN;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  CHECK(sigaction(SIGINT, &action, NULL) == 0 && sigaction(SIGPIPE, &action, NULL) == 0);
  CHECK_FAILS(USAGE, train("classify", "classify.h5", "classify", "auto", NULL)); /* MPI is not initialised */
  CHECK_OK(lockstep_mpi_init());
  CHECK_FAILS(STOPPED, train("classify", "classify.h5", "classify", "auto", &l));
  CHECK(l.step == 8 && l.lines > 0); /* the request is known to all ranks in the next step */
  l.stop_at = 0;
  CHECK_OK(train("classify", "classify.h5", "classify", "auto", &l));
  CHECK(l.step == 20 && l.evaluations == 2);
  CHECK_OK(train("lm", "text.h5", "lm", "portable", NULL));
  CHECK_OK(train("translate", "pairs.h5", "translate", "auto", NULL));
  CHECK_FAILS(IO, train("lm", "missing.h5", "lm2", "auto", NULL));
  lockstep_train_stop(); /* nothing runs: no effect on the next run */
  CHECK_OK(train("lm", "text.h5", "lm", "portable", NULL));
  CHECK(small / 2 > 0); /* denormals are not flushed here */
  CHECK(sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == handler);
  CHECK(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == handler);
  lockstep_mpi_finalize();
  CHECK_FAILS(USAGE, lockstep_mpi_init());
}

static void check_predict(void) {
  const char *const lines[] = {"aaab", "", "cccccb"}, *const bad[] = {"ab", "a\xff"}, *const two[] = {"a\nb"};
  lockstep_model *model = NULL;
  lockstep_answers *all = NULL, *one = NULL;
  double scores[3];
  volatile double small = DBL_MIN;
  CHECK_OK(lockstep_model_open(&model, "classify/last.h5"));
  CHECK(strcmp(lockstep_model_task(model), "classify") == 0 && lockstep_model_step(model) == 20);
  CHECK(lockstep_model_parameters(model) > 100 && strstr(lockstep_model_config(model), "hidden: 8") != NULL);
  CHECK(lockstep_model_vocabulary(model) == 7 && lockstep_model_labels(model) == 3);
  CHECK(lockstep_model_label(model, 0) != NULL && lockstep_model_label(model, -1) == NULL);
  CHECK_OK(lockstep_model_predict(model, lines, 3, &all));
  CHECK_OK(lockstep_model_predict(model, lines + 2, 1, &one));
  CHECK(lockstep_answers_count(all) == 3 && lockstep_answers_count(one) == 1 && lockstep_answers_line(all, 2) == 2);
  CHECK(strcmp(lockstep_answers_text(all, 2), lockstep_answers_text(one, 0)) == 0);
  CHECK(lockstep_answers_log_probability(all, 2) == lockstep_answers_log_probability(one, 0));
  CHECK(lockstep_answers_log_probability(all, 0) < 0 && lockstep_answers_text(all, 1)[0] == '\0');
  CHECK(lockstep_answers_text(all, 3) == NULL);
  CHECK_FAILS(USAGE, lockstep_model_join(model, "translate/last.h5"));
  CHECK_SAYS("its task is translate");
  CHECK_OK(lockstep_model_join(model, "classify/last.h5"));
  lockstep_answers_destroy(&one);
  CHECK_OK(lockstep_model_predict(model, lines + 2, 1, &one)); /* with itself: the same */
  CHECK(strcmp(lockstep_answers_text(all, 2), lockstep_answers_text(one, 0)) == 0);
  CHECK(fabs(lockstep_answers_log_probability(all, 2) - lockstep_answers_log_probability(one, 0)) < 1e-9);
  lockstep_answers_destroy(&one);
  CHECK_FAILS(DATA, lockstep_model_predict(model, bad, 2, &one));
  CHECK_SAYS("lines:2:2");
  CHECK_FAILS(DATA, lockstep_model_predict(model, two, 1, &one));
  CHECK_FAILS(USAGE, lockstep_model_translate(model, lines, 3, NULL, &one));
  CHECK_FAILS(USAGE, lockstep_model_score(model, lines, 3, (lockstep_score *)scores));
  CHECK(one == NULL);
  CHECK_OK(lockstep_model_predict(model, lines, 0, &one));
  CHECK(lockstep_answers_count(one) == 0 && small / 2 > 0);
  lockstep_answers_destroy(&one);
  lockstep_answers_destroy(&all);
  lockstep_model_close(&model);
  CHECK_FAILS(IO, lockstep_model_open(&model, "missing.h5"));
  CHECK_FAILS(DATA, lockstep_model_open(&model, "classify.h5")); /* a corpus */
  CHECK(model == NULL);
}

static void check_translate(void) {
  const char *const lines[] = {"a b c", "", "d e"}, *const pairs[] = {"a b\tb a", ""};
  lockstep_translate_options options = LOCKSTEP_TRANSLATE_OPTIONS;
  lockstep_model *model = NULL;
  lockstep_answers *answers = NULL;
  lockstep_score scores[2];
  CHECK_OK(lockstep_model_open(&model, "translate/last.h5"));
  CHECK_OK(lockstep_model_translate(model, lines, 3, NULL, &answers));
  CHECK(lockstep_answers_count(answers) == 3 && lockstep_answers_line(answers, 2) == 2);
  lockstep_answers_destroy(&answers);
  options.beam = options.best = 3;
  CHECK_OK(lockstep_model_translate(model, lines, 1, &options, &answers));
  CHECK(lockstep_answers_count(answers) == 3 && lockstep_answers_line(answers, 2) == 0);
  lockstep_answers_destroy(&answers);
  options.best = 4;
  CHECK_FAILS(USAGE, lockstep_model_translate(model, lines, 1, &options, &answers));
  CHECK_OK(lockstep_model_score(model, pairs, 2, scores));
  CHECK(scores[0].log_probability < 0 && scores[0].units == 3 && scores[1].units == 0);
  lockstep_model_close(&model);
}

/* Text that was generated, cut after `most` bytes. */
typedef struct page {
  char text[4096];
  size_t size, most;
} page;

static int put(void *context, const char *text, size_t bytes) {
  page *p = (page *)context;
  if (bytes > sizeof p->text - p->size - 1) bytes = sizeof p->text - p->size - 1;
  memcpy(p->text + p->size, text, bytes);
  p->size += bytes;
  return p->size >= p->most;
}

/* A model goes out in either format and comes back with the same answers; mistakes are told, and nothing is left of them. */
static void check_exchange(void) {
  static const char *const lines[] = {"abcab", "ccb", ""}, *const maps[] = {"output=output", NULL},
                           *const bad[] = {"output", NULL};
  static const char *const formats[] = {"classify.safetensors", "classify.onnx"};
  lockstep_import_options options = LOCKSTEP_IMPORT_OPTIONS;
  lockstep_model *model = NULL, *again = NULL;
  double difference = -1;
  CHECK_OK(lockstep_model_open(&model, "classify/last.h5"));
  for (int f = 0; f < 2; f++) {
    lockstep_answers *was = NULL, *is = NULL;
    CHECK_OK(lockstep_model_export(model, formats[f], NULL));
    CHECK_OK(lockstep_model_import(formats[f], "again.h5", NULL, &difference));
    CHECK(difference == 0);
    CHECK_OK(lockstep_model_open(&again, "again.h5"));
    CHECK_OK(lockstep_model_predict(model, lines, 3, &was));
    CHECK_OK(lockstep_model_predict(again, lines, 3, &is));
    for (size_t i = 0; i < 3; i++) {
      CHECK(strcmp(lockstep_answers_text(was, i), lockstep_answers_text(is, i)) == 0);
      CHECK(lockstep_answers_log_probability(was, i) == lockstep_answers_log_probability(is, i));
    }
    lockstep_answers_destroy(&was);
    lockstep_answers_destroy(&is);
    lockstep_model_close(&again);
    remove("again.h5");
  }
  options.corpus = "classify.h5";
  options.maps = maps;
  CHECK_OK(lockstep_model_import("classify.safetensors", "again.h5", &options, NULL));
  remove("again.h5");
  options.maps = bad;
  CHECK_FAILS(USAGE, lockstep_model_import("classify.safetensors", "again.h5", &options, NULL));
  CHECK_SAYS("expected OURS=THEIRS");
  CHECK_FAILS(USAGE, lockstep_model_export(model, "classify.bin", NULL));
  CHECK_OK(lockstep_model_export(model, "classify.bin", "safetensors"));
  CHECK_FAILS(USAGE, lockstep_model_export(model, "classify.bin", "torch"));
  CHECK_FAILS(IO, lockstep_model_export(model, "missing/classify.onnx", NULL));
  CHECK_FAILS(DATA, lockstep_model_import("classify.h5", "again.h5",
                                          &(lockstep_import_options){sizeof options, "onnx", 0, 0, 0, 0}, NULL));
  CHECK_FAILS(IO, lockstep_model_open(&again, "again.h5"));
  lockstep_model_close(&model);
}

static void check_generate(void) {
  lockstep_generate_options options = LOCKSTEP_GENERATE_OPTIONS;
  lockstep_model *model = NULL;
  page first = {"", 0, sizeof first.text}, again = first, cut = {"", 0, 5};
  const char *const lines[] = {"line", "x"};
  lockstep_score scores[2];
  CHECK_OK(lockstep_model_open(&model, "lm/last.h5"));
  options.length = 40;
  options.prompt = "line";
  CHECK_OK(lockstep_model_generate(model, &options, put, &first));
  CHECK_OK(lockstep_model_generate(model, &options, put, &again));
  CHECK(first.size > 40 && first.size == again.size && memcmp(first.text, again.text, first.size) == 0);
  CHECK(memcmp(first.text, "line", 4) == 0);
  CHECK_OK(lockstep_model_generate(model, &options, put, &cut));
  CHECK(cut.size >= 5 && cut.size < first.size);
  options.temperature = -1;
  CHECK_FAILS(USAGE, lockstep_model_generate(model, &options, put, &first));
  CHECK_OK(lockstep_model_score(model, lines, 2, scores));
  CHECK(scores[0].units == 3 && scores[0].log_probability < 0 && scores[1].units == 0);
  lockstep_model_close(&model);
}

/* Each thread has a model of other kernels than the other's, and an error of its own. */
static void *ask(void *argument) {
  const char *const lines[] = {"aabbb"}, *const bad[] = {"\xff"};
  const int predicts = *(const int *)argument;
  lockstep_model *model = NULL;
  lockstep_answers *answers = NULL;
  lockstep_score first = {0, 0, 0}, score;
  double expected = 0;
  CHECK_OK(lockstep_model_open(&model, predicts ? "classify/last.h5" : "lm/last.h5"));
  for (int i = 0; i < 5000; i++) {
    if (predicts) {
      CHECK_OK(lockstep_model_predict(model, lines, 1, &answers));
      if (i == 0) expected = lockstep_answers_log_probability(answers, 0);
      CHECK(lockstep_answers_log_probability(answers, 0) == expected);
      lockstep_answers_destroy(&answers);
      CHECK_FAILS(DATA, lockstep_model_predict(model, bad, 1, &answers));
      CHECK_SAYS("UTF-8");
    } else {
      CHECK_OK(lockstep_model_score(model, lines, 1, &score));
      if (i == 0) first = score;
      CHECK(score.log_probability == first.log_probability);
      CHECK_FAILS(USAGE, lockstep_model_predict(model, lines, 1, &answers));
    }
  }
  lockstep_model_close(&model);
  return NULL;
}

int main(void) {
  static int predicts[] = {0, 1};
  pthread_t thread[2];
  check_version();
  check_config();
  check_corpora();
  check_training();
  check_predict();
  check_translate();
  check_exchange();
  check_generate();
  for (int i = 0; i < 2; i++) CHECK(pthread_create(&thread[i], NULL, ask, &predicts[i]) == 0);
  for (int i = 0; i < 2; i++) CHECK(pthread_join(thread[i], NULL) == 0);
  return failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
