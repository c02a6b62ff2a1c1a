/* Checkpoints: everything is read back bit for bit; damage, wrong shapes and missing parts are named; a run's folder is
 * usable whenever its writer was killed. */
#include "checkpoint.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#include "corpus_impl.h"
#include "durable.h"
#include "store_fixture.h"

enum { P = 5 * 3 + 7 + 1 };

static const lk_tensor tensors[] = {
    {.name = "embedding.weight", .note = "[V, I]", .dims = 2, .shape = {5, 3, 1}, .offset = 0, .count = 15},
    {.name = "rnn.0.forward.bias", .note = "gates i f g o", .dims = 1, .shape = {7, 1, 1}, .offset = 15, .count = 7},
    {.name = "output.scale", .note = NULL, .dims = 0, .shape = {1, 1, 1}, .offset = 22, .count = 1},
};
enum { TENSORS = sizeof tensors / sizeof *tensors };

static float values[P], first[P], second[P], lanes[2 * 4];
static double train[3 * LK_HISTORY_COLUMNS];
static lk_corpus_info corpus;

static lk_checkpoint describe(int64_t step) {
  lk_checkpoint c = {
      .config = "task: text # \xc3\xa4\n", .corpus = &corpus, .tensors = tensors, .tensor_count = TENSORS};
  static const char *const words[] = {"<pad>", "<sos>", "<eos>", "<unk>", "na\xc3\xafve"};
  corpus.kind = LK_CORPUS_TEXT;
  corpus.lower = 1;
  corpus.max_length = 77;
  snprintf(corpus.unit, sizeof corpus.unit, "word");
  snprintf(corpus.digest, sizeof corpus.digest, "%032d", 42);
  for (int i = 0; i < 5 && corpus.source.count < 5; i++)
    OK(lk_strings_add(&corpus.source, words[i], strlen(words[i]), i * 10));
  for (int i = 0; i < P; i++) {
    values[i] = (float)(i + step) * 0.1f;
    first[i] = -(float)i;
    second[i] = 1e-30f * (float)i;
  }
  values[3] = -0.0f;
  values[4] = 1e-42f; /* a denormal */
  for (int i = 0; i < 8; i++) lanes[i] = (float)i;
  for (int i = 0; i < 3 * LK_HISTORY_COLUMNS; i++) train[i] = i % LK_HISTORY_COLUMNS ? i / 3.0 : 0;
  c.values = values;
  c.training = second;
  c.moments = 2;
  c.moment[0] = first;
  c.moment[1] = second;
  c.moment_name[0] = "first";
  c.moment_name[1] = "second";
  c.state = (lk_state){.seed = INT64_MAX, .shards = 8, .epoch = 2, .step = step, .best = -0.1, .seconds = 0.1};
  c.state.updates = step, c.state.spike_count = 3, c.state.rollbacks = 1, c.state.rollback_from = 9;
  c.state.spike_mean = 0.3;
  c.state.schedule[7] = 3.25;
  c.state.average[LK_AVERAGE_STATE - 1] = -1.5;
  c.lanes = lanes;
  c.lane_count = 2;
  c.lane_width = 4;
  c.train = (lk_history){train, 3, 0};
  return c;
}

static void write_image(const char *path, const lk_checkpoint *c) {
  void *bytes;
  size_t size;
  OK(lk_checkpoint_image(c, &bytes, &size));
  OK(lk_durable_write(path, bytes, size));
  free(bytes);
}

static void make(const char *path, int64_t step) {
  const lk_checkpoint c = describe(step);
  write_image(path, &c);
}

static void everything_comes_back(void **state) {
  (void)state;
  lk_checkpoint_file *file;
  float back[P] = {0}, states[8];
  ptrdiff_t count, width;
  lk_history a = {0}, b = {0};
  char sha[2][65];
  make("c.h5", 12345);
  OK(lk_checkpoint_open(&file, "c.h5"));
  assert_string_equal(lk_checkpoint_config(file), "task: text # \xc3\xa4\n");
  const lk_corpus_info *info = lk_checkpoint_corpus(file);
  assert_true(info->kind == LK_CORPUS_TEXT && info->lower == 1 && info->nfc == 0 && info->max_length == 77);
  assert_string_equal(info->digest, corpus.digest);
  assert_int_equal(info->source.count, 5);
  assert_string_equal(lk_strings_get(&info->source, 4), "na\xc3\xafve");
  assert_int_equal(info->source.number[4], 40);
  const lk_checkpoint c = describe(12345);
#define SAME(name) assert_true(lk_checkpoint_state(file)->name == c.state.name);
  LK_STATE_INTEGERS(SAME)
  LK_STATE_REALS(SAME)
  LK_STATE_INTEGERS_2(SAME)
  LK_STATE_REALS_2(SAME)
#undef SAME
  assert_memory_equal(lk_checkpoint_state(file)->schedule, c.state.schedule, sizeof c.state.schedule);
  assert_memory_equal(lk_checkpoint_state(file)->average, c.state.average, sizeof c.state.average);
  OK(lk_checkpoint_values(file, tensors, TENSORS, back));
  assert_memory_equal(back, values, sizeof back);
  OK(lk_checkpoint_training(file, tensors, TENSORS, back));
  assert_memory_equal(back, second, sizeof back);
  OK(lk_checkpoint_values(file, tensors, TENSORS, back));
  lk_checkpoint_sha256(tensors, TENSORS, values, sha[0]);
  lk_checkpoint_sha256(tensors, TENSORS, back, sha[1]);
  assert_string_equal(sha[0], sha[1]);
  back[22] = 9;
  lk_checkpoint_sha256(tensors, TENSORS, back, sha[1]);
  assert_string_not_equal(sha[0], sha[1]);
  OK(lk_checkpoint_moment(file, "first", tensors, TENSORS, back));
  assert_memory_equal(back, first, sizeof back);
  OK(lk_checkpoint_moment(file, "second", tensors, TENSORS, back));
  assert_memory_equal(back, second, sizeof back);
  FAILS(LK_DATA, "/optimizer/third", lk_checkpoint_moment(file, "third", tensors, TENSORS, back));
  OK(lk_checkpoint_lanes(file, &count, &width, NULL));
  assert_true(count == 2 && width == 4);
  OK(lk_checkpoint_lanes(file, &count, &width, states));
  assert_memory_equal(states, lanes, sizeof lanes);
  OK(lk_checkpoint_history(file, &a, &b));
  assert_true(a.count == 3 && b.count == 0);
  assert_memory_equal(a.rows, train, sizeof train);
  free(a.rows);
  free(b.rows);
  lk_checkpoint_close(&file);
  assert_null(file);
}

static void no_lanes(void **state) {
  (void)state;
  lk_checkpoint_file *file;
  void *bytes;
  size_t size;
  ptrdiff_t count = 7, width = 7;
  lk_checkpoint c = describe(1);
  c.lanes = NULL;
  c.moments = 0;
  OK(lk_checkpoint_image(&c, &bytes, &size));
  OK(lk_durable_write("c.h5", bytes, size));
  free(bytes);
  OK(lk_checkpoint_open(&file, "c.h5"));
  OK(lk_checkpoint_lanes(file, &count, &width, NULL));
  assert_true(count == 0 && width == 0);
  lk_checkpoint_close(&file);
}

static void same_bytes(void **state) {
  (void)state;
  size_t size[2];
  make("a.h5", 7);
  sleep(1);
  make("b.h5", 7);
  char *a = read_all("a.h5", &size[0]), *b = read_all("b.h5", &size[1]);
  assert_int_equal(size[0], size[1]);
  assert_memory_equal(a, b, size[0]);
  free(a);
  free(b);
}

static void other_models_are_named(void **state) {
  (void)state;
  lk_checkpoint_file *file;
  lk_tensor other[TENSORS + 1];
  float back[100];
  make("c.h5", 7);
  OK(lk_checkpoint_open(&file, "c.h5"));
  memcpy(other, tensors, sizeof tensors);
  other[0].shape[1] = 4;
  FAILS(LK_DATA, "c.h5: /model/embedding/weight has the shape [5, 3], the model needs [5, 4]",
        lk_checkpoint_values(file, other, TENSORS, back));
  FAILS(LK_DATA, "the model has no tensor for /model/output/scale", lk_checkpoint_values(file, tensors, 2, back));
  other[0] = tensors[0];
  other[TENSORS] = (lk_tensor){.name = "crf.start", .dims = 1, .shape = {2, 1, 1}, .offset = 30, .count = 2};
  FAILS(LK_DATA, "there is no /model/crf/start", lk_checkpoint_values(file, other, TENSORS + 1, back));
  lk_checkpoint_close(&file);
}

static void damage_is_found(void **state) {
  (void)state;
  size_t size;
  uint64_t random = 9;
  lk_checkpoint_file *file;
  make("a.h5", 3);
  char *bytes = read_all("a.h5", &size);
  for (int i = 0; i < 200; i++) {
    const size_t at = next_random(&random) % size;
    bytes[at] = (char)(bytes[at] ^ 1 << i % 8);
    write_all("b.h5", bytes, size);
    bytes[at] = (char)(bytes[at] ^ 1 << i % 8);
    FAILS(LK_DATA, "b.h5 is ", lk_checkpoint_open(&file, "b.h5"));
  }
  for (int i = 0; i < 20; i++) {
    write_all("b.h5", bytes, size * (size_t)i / 20);
    FAILS(LK_DATA, "b.h5 is ", lk_checkpoint_open(&file, "b.h5"));
  }
  free(bytes);
}

static void other_files_are_named(void **state) {
  (void)state;
  lk_checkpoint_file *file;
  lk_h5 *h5;
  OK(lk_h5_create(&h5, "c.h5", true));
  OK(lk_h5_set_text(h5, "/", "format", "lockstep-corpus"));
  OK(lk_h5_commit(h5));
  lk_h5_close(&h5);
  FAILS(LK_DATA, "c.h5 is not a Lockstep checkpoint: it is a Lockstep corpus", lk_checkpoint_open(&file, "c.h5"));
  assert_null(file);
  FAILS(LK_IO, "none.h5", lk_checkpoint_open(&file, "none.h5"));
}

/* ---- the folder ---- */

static lk_status store(int64_t step, int best, int keep) {
  void *bytes;
  size_t size;
  const lk_checkpoint c = describe(step);
  OK(lk_checkpoint_image(&c, &bytes, &size));
  const lk_status status = lk_checkpoint_store("run", step, best, keep, 0, bytes, size);
  free(bytes);
  return status;
}

/* The step of the newest intact checkpoint, -1 where there is none, -2 where all are damaged; and the lines about
 * damaged ones. */
static int64_t newest(int *damaged_lines) {
  lk_buffer path = {0}, damaged = {0};
  lk_checkpoint_file *file;
  int64_t step = -1;
  const lk_status status = lk_checkpoint_newest("run", &path, &damaged);
  if (status == LK_DATA) {
    assert_non_null(strstr(lk_error_get()->text, "no checkpoint in run/checkpoints is whole: run/checkpoints/step-"));
    lk_error_clear();
    step = -2;
  } else {
    OK(status);
  }
  *damaged_lines = 0;
  for (const char *c = damaged.data; c && *c; c++) *damaged_lines += *c == '\n';
  if (path.size) {
    OK(lk_checkpoint_open(&file, path.data));
    step = lk_checkpoint_state(file)->step;
    lk_checkpoint_close(&file);
  }
  lk_buffer_release(&path);
  lk_buffer_release(&damaged);
  return step;
}

static void assert_link(const char *link, const char *target) {
  char text[256] = "";
  assert_true(readlink(link, text, sizeof text - 1) > 0);
  assert_string_equal(text, target);
  assert_int_equal(access(link, R_OK), 0);
}

static void keeps_newest_and_best(void **state) {
  (void)state;
  int damaged;
  assert_int_equal(newest(&damaged), -1);
  for (int64_t step = 10; step <= 60; step += 10) OK(store(step, step == 20, 2));
  assert_int_equal(count_files("run/checkpoints"), 3);
  assert_int_equal(access("run/checkpoints/step-0000000020.h5", R_OK), 0);
  assert_int_equal(access("run/checkpoints/step-0000000050.h5", R_OK), 0);
  assert_link("run/last.h5", "checkpoints/step-0000000060.h5");
  assert_link("run/best.h5", "checkpoints/step-0000000020.h5");
  assert_int_equal(newest(&damaged), 60);
  assert_int_equal(damaged, 0);
  OK(store(70, 1, 0));
  assert_int_equal(count_files("run/checkpoints"), 1);
  assert_link("run/best.h5", "checkpoints/step-0000000070.h5");
  assert_int_equal(count_files("run"), 3);
}

static void links_are_mended(void **state) {
  (void)state;
  for (int64_t step = 1; step <= 3; step++) OK(store(step, step == 1, 9));
  OK(lk_checkpoint_relink("run", 2, 3));
  assert_link("run/last.h5", "checkpoints/step-0000000002.h5");
  assert_link("run/best.h5", "checkpoints/step-0000000003.h5");
  OK(lk_checkpoint_relink("run", 9, 0)); /* not there; no best yet */
  assert_link("run/last.h5", "checkpoints/step-0000000002.h5");
  assert_link("run/best.h5", "checkpoints/step-0000000003.h5");
}

/* A run that may go back keeps the checkpoint for that, although it is not among the newest. */
static void goes_back(void **state) {
  (void)state;
  void *bytes;
  size_t size;
  int damaged;
  lk_buffer path = {0}, words = {0};
  const lk_checkpoint c = describe(1);
  OK(lk_checkpoint_image(&c, &bytes, &size));
  for (int64_t step = 0; step <= 50; step += 10)
    OK(lk_checkpoint_store("run", step, step == 40, 1, 25, bytes, size)); /* kept: 50, and 20 to 40 */
  free(bytes);
  assert_int_equal(count_files("run/checkpoints"), 4);
  assert_int_equal(access("run/checkpoints/step-0000000020.h5", F_OK), 0);
  OK(lk_checkpoint_rewind("run", 19, &path, &words)); /* nothing to go back to: nothing is removed */
  assert_int_equal(path.size, 0);
  assert_int_equal(count_files("run/checkpoints"), 4);
  OK(lk_checkpoint_rewind("run", 29, &path, &words));
  assert_string_equal(path.data, "run/checkpoints/step-0000000020.h5");
  assert_int_equal(count_files("run/checkpoints"), 1);
  assert_link("run/last.h5", "checkpoints/step-0000000020.h5");
  assert_int_equal(access("run/best.h5", F_OK), -1);
  assert_int_equal(count_files("run"), 2); /* the link is gone too */
  assert_int_equal(newest(&damaged), 1);   /* as the image says */
  assert_int_equal(words.size, 0);
  lk_buffer_release(&path);
  lk_buffer_release(&words);
}

static void falls_back_over_damage(void **state) {
  (void)state;
  int damaged;
  size_t size;
  for (int64_t step = 1; step <= 4; step++) OK(store(step, 0, 9));
  char *bytes = read_all("run/checkpoints/step-0000000004.h5", &size);
  bytes[size / 2] ^= 4;
  write_all("run/checkpoints/step-0000000004.h5", bytes, size);
  write_all("run/checkpoints/step-0000000003.h5", bytes, size / 2);
  write_all("run/checkpoints/step-0000000009.h5", "", 0);
  write_all("run/checkpoints/step-99.h5", bytes, size); /* not the name of a checkpoint */
  write_all("run/checkpoints/notes.txt", "x", 1);
  free(bytes);
  assert_int_equal(newest(&damaged), 2);
  assert_int_equal(damaged, 3);
  assert_int_equal(lk_error_get()->code, LK_OK);
  /* The run resumes from 2; the damaged ones after it neither count as kept nor displace the new one. */
  OK(store(3, 0, 1));
  assert_int_equal(newest(&damaged), 3);
  assert_int_equal(access("run/checkpoints/step-0000000002.h5", F_OK), -1);
  assert_int_equal(access("run/checkpoints/notes.txt", F_OK), 0);
}

static void all_damaged(void **state) {
  (void)state;
  int damaged;
  OK(lk_durable_folder("run/checkpoints"));
  write_all("run/checkpoints/step-0000000001.h5", "x", 1);
  assert_int_equal(newest(&damaged), -2);
  assert_int_equal(damaged, 1);
}

/* One of a newer version is not damaged: no older one is used instead. */
static void newer_versions_end_the_search(void **state) {
  (void)state;
  static const char newer[] =
      "run/checkpoints/step-0000000003.h5 was written by a newer version of Lockstep (format 4;";
  lk_buffer path = {0}, damaged = {0};
  lk_checkpoint_file *file;
  lk_h5 *h5;
  int lines;
  OK(store(1, 0, 9));
  OK(lk_h5_create(&h5, "run/checkpoints/step-0000000003.h5", true));
  OK(lk_h5_set_text(h5, "/", "format", "lockstep-checkpoint"));
  OK(lk_h5_set_int(h5, "/", "version", 4));
  OK(lk_h5_write(h5, "/new/things", LK_FLOAT64, 1, &(ptrdiff_t){1}, &(double){1}, 0, NULL));
  OK(lk_h5_commit(h5));
  lk_h5_close(&h5);
  FAILS(LK_NEWER, newer, lk_checkpoint_open(&file, "run/checkpoints/step-0000000003.h5"));
  FAILS(LK_NEWER, newer, lk_checkpoint_newest("run", &path, &damaged));
  FAILS(LK_NEWER, newer, lk_checkpoint_rewind("run", 5, &path, &damaged));
  assert_int_equal(count_files("run/checkpoints"), 2);
  OK(store(4, 0, 9)); /* an intact one is newer */
  assert_int_equal(newest(&lines), 4);
  lk_buffer_release(&path);
  lk_buffer_release(&damaged);
}

/* What is not understood in a file of a newer program is that program's; else it is a fault of the file. */
static void not_understood(void **state) {
  (void)state;
  static const struct {
    const char *by;
    lk_status status;
    const char *text;
  } cases[] = {{"Lockstep 99.0.0", LK_NEWER, "f.h5 was written by Lockstep 99.0.0, and this program is Lockstep "},
               {"Lockstep 0.999.0", LK_NEWER, "f.h5 was written by Lockstep 0.999.0"},
               {"Lockstep 0.0.9", LK_DATA, "unknown key"},
               {"Lockstep unknown", LK_DATA, "unknown key"},
               {"h5py 99.0.0", LK_DATA, "unknown key"},
               {NULL, LK_DATA, "unknown key"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    lk_h5 *h5;
    OK(lk_h5_create(&h5, "f.h5", true));
    if (cases[i].by) OK(lk_h5_set_text(h5, "/", "created_by", cases[i].by));
    OK(lk_h5_commit(h5));
    lk_h5_close(&h5);
    OK(lk_h5_open(&h5, "f.h5", true));
    OK(lk_not_understood(h5, LK_OK));
    FAILS(cases[i].status, cases[i].text, lk_not_understood(h5, LK_FAIL(LK_USAGE, "unknown key")));
    FAILS(cases[i].status, cases[i].text, lk_not_understood(h5, LK_FAIL(LK_DATA, "unknown key")));
    FAILS(LK_IO, "no file", lk_not_understood(h5, LK_FAIL(LK_IO, "no file")));
    lk_h5_close(&h5);
  }
}

/* A valid digest with impossible counters: the reader refuses all of them. */
static void counters_are_bounded(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int64_t below, above; /* the nearest values that are refused */
  } whole[] = {
#define ENDS(name) {#name, -1, ((int64_t)1 << 53) + 1},
      LK_STATE_INTEGERS(ENDS) LK_STATE_INTEGERS_2(ENDS)
#undef ENDS
  };
  lk_checkpoint_file *file;
  for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
    for (int end = 0; end < 2; end++) {
      lk_checkpoint c = describe(9);
      int64_t value = end ? whole[i].above : whole[i].below;
      const bool seed = strcmp(whole[i].name, "seed") == 0, shards = strcmp(whole[i].name, "shards") == 0;
      const bool within = strcmp(whole[i].name, "best_step") == 0 || strcmp(whole[i].name, "updates") == 0;
      if (end && seed) continue;
      if (shards) value = end ? 4097 : 0;
      if (end && within) value = 10; /* there were 9 */
#define SET(field) \
  if (strcmp(whole[i].name, #field) == 0) c.state.field = value;
      LK_STATE_INTEGERS(SET)
      LK_STATE_INTEGERS_2(SET)
#undef SET
      write_image("c.h5", &c);
      char words[64];
      snprintf(words, sizeof words, "attribute \"%s\" of /state is %lld", whole[i].name, (long long)value);
      FAILS(LK_DATA, words, lk_checkpoint_open(&file, "c.h5"));
    }
}

static void reals_are_numbers(void **state) {
  (void)state;
  lk_checkpoint_file *file;
  static const double wrong[] = {NAN, INFINITY, -INFINITY, -1};
  for (int i = 0; i < 4; i++) {
#define SPOIL(field)                                                                               \
  if (i < 3 || strcmp(#field, "seconds") == 0 || strcmp(#field, "loss_units") == 0) {              \
    lk_checkpoint c = describe(9);                                                                 \
    const bool start = i == 1 && strcmp(#field, "last_train_loss") == 0;                           \
    c.state.field = wrong[i];                                                                      \
    write_image("c.h5", &c);                                                                       \
    if (start)                                                                                     \
      OK(lk_checkpoint_open(&file, "c.h5"));                                                       \
    else                                                                                           \
      FAILS(LK_DATA, "attribute \"" #field "\" of /state is ", lk_checkpoint_open(&file, "c.h5")); \
    lk_checkpoint_close(&file);                                                                    \
  }
    LK_STATE_REALS(SPOIL)
    LK_STATE_REALS_2(SPOIL)
#undef SPOIL
  }
  lk_checkpoint c = describe(9);
  c.state.schedule[2] = NAN;
  write_image("c.h5", &c);
  FAILS(LK_DATA, "/state/schedule holds NaN", lk_checkpoint_open(&file, "c.h5"));
}

static void numbers_and_histories_are_checked(void **state) {
  (void)state;
  lk_checkpoint_file *file;
  float back[P];
  lk_history a = {0}, b = {0};
  for (int i = 0; i < 6; i++) {
    lk_checkpoint c = describe(9);
    train[LK_HISTORY_COLUMNS] = 4;
    train[2 * LK_HISTORY_COLUMNS] = (double[]){9, 9.5, NAN, 3, INFINITY, 9}[i];
    values[20] = (float[]){1, 1, NAN, INFINITY, -INFINITY, 1}[i];
    second[2] = i == 1 ? NAN : INFINITY;
    write_image("c.h5", &c);
    OK(lk_checkpoint_open(&file, "c.h5"));
    if (i % 5 == 0)
      OK(lk_checkpoint_history(file, &a, &b));
    else
      FAILS(LK_DATA, "/history/train row 2: step ", lk_checkpoint_history(file, &a, &b));
    if (i < 2 || i == 5)
      OK(lk_checkpoint_values(file, tensors, TENSORS, back));
    else
      FAILS(LK_DATA, i == 2 ? "/model/rnn/0/forward/bias holds NaN (its number 5)" : "holds infinity",
            lk_checkpoint_values(file, tensors, TENSORS, back));
    if (i == 1)
      FAILS(LK_DATA, "/optimizer/second/embedding/weight holds NaN",
            lk_checkpoint_moment(file, "second", tensors, TENSORS, back));
    else
      OK(lk_checkpoint_moment(file, "second", tensors, TENSORS, back));
    lk_checkpoint_close(&file);
  }
  free(a.rows);
  free(b.rows);
}

static void full_disk_keeps_the_old(void **state) {
  (void)state;
  int damaged;
  struct rlimit old, limit;
  OK(store(1, 1, 3));
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &old);
  limit = old;
  limit.rlim_cur = 4096;
  setrlimit(RLIMIT_FSIZE, &limit);
  const lk_status status = store(2, 1, 1);
  setrlimit(RLIMIT_FSIZE, &old);
  FAILS(LK_IO, "cannot write run/checkpoints/step-0000000002.h5: File too large", status);
  assert_int_equal(count_files("run/checkpoints"), 1);
  assert_link("run/best.h5", "checkpoints/step-0000000001.h5");
  assert_int_equal(newest(&damaged), 1);
  assert_int_equal(damaged, 0);
}

/* Their names have the pid of a living process, which may have been reused. */
static void owner_cleans_both_folders(void **state) {
  (void)state;
  char name[256];
  OK(lk_checkpoint_clean("run")); /* no run yet */
  OK(store(1, 1, 3));
  snprintf(name, sizeof name, "run/checkpoints/.step-0000000002.h5.here.%ld-0.lockstep-tmp", (long)getpid());
  write_all(name, "half", 4);
  snprintf(name, sizeof name, "run/.last.h5.here.%ld-0.lockstep-tmp", (long)getpid());
  assert_int_equal(symlink("checkpoints/step-0000000002.h5", name), 0);
  assert_int_equal(count_files("run/checkpoints") + count_files("run"), 6);
  OK(lk_checkpoint_clean("run"));
  assert_int_equal(count_files("run/checkpoints"), 1);
  assert_int_equal(count_files("run"), 3);
  assert_link("run/last.h5", "checkpoints/step-0000000001.h5");
}

/* A writer is killed at many moments: the folder always has the step it had reached or the one before, and the next
 * owner removes its temporary files, and temporary links too. */
static void killed_at_any_moment(void **state) {
  (void)state;
  int damaged, pipe_ends[2];
  int64_t reached = 0;
  for (int i = 0; i < 20; i++) {
    assert_int_equal(pipe(pipe_ends), 0);
    const pid_t child = fork();
    if (child == 0)
      for (int64_t step = reached + 1;; step++) {
        if (store(step, step % 3 == 0, 2) != LK_OK) _exit(1);
        if (write(pipe_ends[1], &step, sizeof step) != sizeof step) _exit(1);
      }
    close(pipe_ends[1]);
    usleep((useconds_t)(5000 + 7919 * i));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    for (int64_t step; read(pipe_ends[0], &step, sizeof step) == sizeof step;) reached = step;
    close(pipe_ends[0]);
    const int64_t found = newest(&damaged);
    assert_int_equal(damaged, 0);
    assert_true(reached ? found == reached || found == reached + 1 : found == 1 || found == -1);
    if (found > reached) reached = found;
    if (access("run/last.h5", F_OK) == 0) assert_int_equal(access("run/last.h5", R_OK), 0);
  }
  OK(lk_checkpoint_clean("run"));
  OK(store(reached + 1, 0, 1));
  assert_true(count_files("run/checkpoints") <= 2);
  assert_true(count_files("run") <= 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_scratch, leave_scratch)

static int release(void **state) {
  (void)state;
  lk_strings_release(&corpus.source);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(everything_comes_back),
      TEST(no_lanes),
      TEST(same_bytes),
      TEST(other_models_are_named),
      TEST(damage_is_found),
      TEST(other_files_are_named),
      TEST(keeps_newest_and_best),
      TEST(links_are_mended),
      TEST(goes_back),
      TEST(falls_back_over_damage),
      TEST(all_damaged),
      TEST(newer_versions_end_the_search),
      TEST(not_understood),
      TEST(counters_are_bounded),
      TEST(reals_are_numbers),
      TEST(numbers_and_histories_are_checked),
      TEST(full_disk_keeps_the_old),
      TEST(owner_cleans_both_folders),
      TEST(killed_at_any_moment),
  };
  return cmocka_run_group_tests(tests, NULL, release);
}
