/* lk_train() called by another program: a whole run, after which the caller's own settings are restored. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "prepare.h"
#include "trainer.h"
#include "trial.h"

static char folder[64], setting[3][128];
static int ranks;

static void mine(int number) { (void)number; }

/* A corpus of one running text, made by rank 0 in a temporary folder. */
static void make_corpus(lk_comm *comm) {
  lk_prepare p;
  char text[96], corpus[96];
  if (test_rank == 0) {
    strcpy(folder, "train-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    (void)snprintf(text, sizeof text, "%s/text.txt", folder);
    (void)snprintf(corpus, sizeof corpus, "%s/text.h5", folder);
    FILE *file = fopen(text, "w");
    for (int i = 0; i < 500; i++) (void)fprintf(file, "line %d of a text\n", i);
    CHECK(fclose(file) == 0);
    lk_prepare_init(&p);
    p.kind = "text", p.input[LK_TRAIN] = text, p.output = corpus, p.unit = LK_CHAR, p.stream = true;
    CHECK_OK(lk_prepare_run(&p, NULL));
  }
  CHECK_OK(lk_comm_broadcast(comm, folder, sizeof folder, 0));
  (void)snprintf(setting[0], sizeof setting[0], "data.corpus=%s/text.h5", folder);
  (void)snprintf(setting[1], sizeof setting[1], "run.dir=%s/run", folder);
}

/* The last rank asks for a stop after step 4: known to all in step 5. */
static bool take_event(void *context, const lk_train_event *event) {
  int64_t *last = context;
  CHECK(event->kind == LK_EVENT_STEP && event->step == (*last ? *last : 3) + 1);
  CHECK(event->loss > 0 && event->rate > 0 && event->epoch > 0 && event->metric == NULL);
  *last = event->step;
  return event->step == 4 && test_rank == ranks - 1;
}

/* A trial tells when its steps read values, from the first ones to all, and when gradients are final, the last ones
 * first; of a batch in parts only the former. */
static void try_steps(lk_comm *comm, lk_config *config) {
  for (int parts = 1; parts <= 2 && ranks == 1; parts++) {
    lk_trial trial;
    config->train.accumulate = parts;
    CHECK_OK(lk_trial_run(&trial, config, comm, 0.01));
    const lk_moments *needed = &trial.needed, *final = &trial.final;
    CHECK(needed->count >= 2 && needed->moment[needed->count - 1].at == trial.spec.P);
    for (int i = 1; i < needed->count; i++) {
      CHECK(needed->moment[i].at > needed->moment[i - 1].at);
      CHECK(needed->moment[i].seconds > needed->moment[i - 1].seconds && needed->moment[i].steps == trial.steps);
    }
    CHECK(parts == 1 ? final->count >= 2 : final->count == 0);
    for (int i = 0; i < final->count; i++) {
      const struct lk_moment *before = i > 0 ? &final->moment[i - 1] : &needed->moment[needed->count - 1];
      CHECK(final->moment[i].at < before->at && final->moment[i].seconds > before->seconds);
    }
    lk_trial_release(&trial);
  }
  config->train.accumulate = 1;
}

/* 2^53 epochs are more steps than an int64_t holds; the run still ends by train.steps. */
static void train(lk_comm *comm) {
  static const char *const settings[] = {setting[0],        setting[1],       "train.epochs=9007199254740992",
                                         "train.steps=3",   "model.hidden=8", "model.embedding=8",
                                         "train.batch=4",   "train.unroll=8", "parallel.shards=4",
                                         "train.spike=skip"};
  lk_config config = {0};
  CHECK_OK(lk_config_init(&config));
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) CHECK_OK(lk_config_override(&config, settings[i]));
  try_steps(comm, &config);
  CHECK_OK(lk_train(&config, comm, &(lk_train_host){.owns_process = true}));
  /* Resumed, and stopped by a callback. */
  int64_t last = 0;
  const lk_train_host host = {.event = take_event, .context = &last};
  CHECK_OK(lk_config_override(&config, "train.steps=100"));
  CHECK(lk_train(&config, comm, &host) == LK_STOPPED);
  lk_error_clear();
  CHECK(last == 5);
  lk_config_release(&config);
}

int main(int argc, char **argv) {
  static const int numbers[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP, SIGPIPE};
  lk_comm *comm = check_start(&argc, &argv);
  ranks = lk_comm_size(comm);
  struct sigaction action = {.sa_handler = mine};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) CHECK(sigaction(numbers[i], &action, NULL) == 0);
  volatile double small = 0x1p-1022;
  make_corpus(comm);
  CHECK(small / 2 > 0); /* a denormal number: not flushed here */
  train(comm);
  CHECK(small / 2 > 0);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    CHECK(sigaction(numbers[i], NULL, &action) == 0);
    CHECK(action.sa_handler == mine);
  }
  CHECK_OK(lk_comm_barrier(comm));
  char command[128];
  (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
  if (test_rank == 0) CHECK(system(command) == 0);
  return check_end(comm);
}
