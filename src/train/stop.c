#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "trainer_impl.h"

static volatile sig_atomic_t caught; /* the last signal that asked for a stop; SIGUSR1 for lk_train_stop() */
static struct timespec interrupted;  /* time of the last SIGINT */

/* A second SIGINT within two seconds ends the process at once; a later one does not, so that a slow save is not
 * interrupted by accident. Two within 0.1 s count as one: mpirun forwards its own besides the terminal's. */
static void on_signal(int number) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (number == SIGINT) {
    const double since = (double)(now.tv_sec - interrupted.tv_sec) + 1e-9 * (double)(now.tv_nsec - interrupted.tv_nsec);
    if (caught == SIGINT && since > 0.1 && since < 2) {
      lk_owner_leave();
      _exit(128 + SIGINT); /* not 75, as nothing was saved */
    }
    if (caught != SIGINT || since > 0.1) interrupted = now;
  }
  caught = number;
}

static const int stops[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP, SIGPIPE};
enum { STOPS = sizeof stops / sizeof *stops };
static struct sigaction before[STOPS]; /* the caller's handlers, restored after the run */

static void catch_signals(void) {
  for (int i = 0; i < STOPS; i++) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    if (stops[i] == SIGPIPE) action.sa_handler = SIG_IGN; /* a closed pipe on standard error does not end the run */
    sigaction(stops[i], NULL, &before[i]);
    if (stops[i] == SIGHUP && before[i].sa_handler == SIG_IGN)
      continue; /* ignored by the caller, as under nohup: stays so */
    sigaction(stops[i], &action, NULL);
  }
}

void lk_train_stop(void) { caught = SIGUSR1; }

void lk_stop_begin(bool signals) {
  caught = 0;
  if (signals) catch_signals();
}

void lk_stop_end(bool signals) {
  if (!signals) return;
  for (int i = 0; i < STOPS; i++) sigaction(stops[i], &before[i], NULL);
}

static const double job_margin = 10; /* seconds, for clocks that differ, a slow disk and delays of the scheduler */

/* When the scheduler ends this job, in seconds since 1970; 0 where unknown. */
static double job_end(void) {
  const char *text = getenv("SLURM_JOB_END_TIME");
  return text ? strtod(text, NULL) : 0;
}

double lk_trainer_saving(const lk_trainer *t) { return t->evaluation_seconds + t->saving_seconds + t->longest_step; }

double lk_trainer_spent(const lk_trainer *t) { return t->state.seconds + (lk_clock_seconds() - t->started); }

/* The flags that this rank sets in the control word. Only rank 0 sets those of time, as clocks differ. */
int64_t lk_trainer_flags(const lk_trainer *t) {
  int64_t flags = caught ? LK_FLAG_SIGNAL : 0;
  if (t->rank != 0) return flags;
  double now = lk_clock_seconds();
  const double spent = lk_trainer_spent(t), ending = lk_trainer_saving(t);
  if (t->config->train.minutes > 0 && spent + ending >= 60 * t->config->train.minutes) flags |= LK_FLAG_TIME;
  if (job_end() > 0 && (double)time(NULL) + 2 * ending + job_margin >= job_end()) flags |= LK_FLAG_LIMIT;
  if (t->config->checkpoint.minutes > 0 && now - t->saved_at >= 60 * t->config->checkpoint.minutes)
    flags |= LK_FLAG_SAVE;
  return flags;
}

void lk_trainer_time_over(lk_trainer *t) {
  t->time_over = true;
  t->saved = false; /* the next checkpoint has to say so */
  if (t->state.seconds < 60 * t->config->train.minutes) t->state.seconds = 60 * t->config->train.minutes;
}

const char *lk_trainer_over(const lk_trainer *t) {
  const lk_config_train *c = &t->config->train;
  if (t->last_step > 0 && t->state.step >= t->last_step)
    return c->steps > 0 && t->last_step == c->steps ? "train.steps reached" : "train.epochs reached";
  if (c->patience > 0 && t->state.bad_evaluations >= c->patience)
    return "validation has not improved for train.patience evaluations";
  if (t->state.last_train_loss == 0) return "the training loss is zero";
  if (c->target_loss > 0 && t->state.last_train_loss <= c->target_loss)
    return "the training loss is below train.target_loss";
  return t->time_over ? "train.minutes are over" : NULL;
}
