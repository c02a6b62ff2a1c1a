#include "watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "comm_impl.h"
#include "arena.h"
#include "clock.h"

enum { MEDIAN_OF = 65 };
static const double least_limit = 60, first_limit = 600, median_factor = 20, silent_pulse = 5, others_first = 3,
                    last_resort = 10;

/* A rank's word, in memory that all ranks of its host see. */
typedef struct word {
  _Alignas(64) _Atomic int rank;
  _Atomic int phase;
  _Atomic int64_t step;
  _Atomic double beat;  /* lk_clock_seconds(): one clock on one host */
  _Atomic double pulse; /* of the thread itself: a stopped process has none */
} word;

typedef struct table {
  _Atomic int speaking; /* one line a host */
  word of[];
} table;

struct lk_watchdog {
  lk_comm *comm;
  MPI_Comm host;
  lk_shared shared;
  void *alone; /* for a table of this rank alone, where there is no shared memory */
  table *table;
  word *mine;
  int size; /* ranks on this host */
  double seconds;
  _Atomic double limit, median;
  double step[MEDIAN_OF]; /* of the last steps; the rank's own thread alone */
  int steps, at;
  pthread_t thread;
  bool running;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  bool stop;
};

static const char *phase_words(int phase) {
#define WORDS(name, words, factor) words,
  static const char *const all[] = {LK_PHASE_LIST(WORDS)};
#undef WORDS
  return phase >= 0 && phase < (int)(sizeof all / sizeof *all) ? all[phase] : "unknown";
}

static double phase_factor(int phase) {
#define FACTOR(name, words, factor) factor,
  static const double all[] = {LK_PHASE_LIST(FACTOR)};
#undef FACTOR
  return phase >= 0 && phase < (int)(sizeof all / sizeof *all) ? all[phase] : 1;
}

/* Waits for other ranks, by its own account; a checkpoint is rank 0's. */
static bool waits(const word *a) {
  return a->phase == LK_PHASE_REDUCTION || (a->phase == LK_PHASE_CHECKPOINT && a->rank != 0);
}

/* The rank of this host that holds the others up: one that is stopped, else the one that is furthest behind. NULL: all
 * of them wait, for each other or for another host. */
static const word *culprit(const lk_watchdog *w, double now, bool *stopped) {
  const word *behind = &w->table->of[0];
  bool alike = true;
  *stopped = true;
  for (int i = 0; i < w->size; i++)
    if (now - w->table->of[i].pulse > silent_pulse) return &w->table->of[i];
  *stopped = false;
  for (int i = 1; i < w->size; i++) {
    const word *a = &w->table->of[i];
    if (a->step == behind->step && waits(a) == waits(behind)) continue;
    alike = false;
    if (a->step < behind->step || (a->step == behind->step && !waits(a))) behind = a;
  }
  return alike && waits(behind) ? NULL : behind;
}

static void leave(int number) {
  (void)number;
  _exit(76); /* LK_STUCK's: a handler may call nothing that is not made for it */
}

/* MPI_Abort ends the other ranks too, but may itself wait for a network that is gone. */
_Noreturn static void end_job(void) {
  (void)signal(SIGALRM, leave);
  (void)alarm((unsigned)last_resort);
  MPI_Abort(MPI_COMM_WORLD, lk_status_exit_code(LK_STUCK));
  _exit(lk_status_exit_code(LK_STUCK));
}

static void speak(const lk_watchdog *w, const word *who, bool stopped, double silence) {
  if (who)
    (void)fprintf(stderr, "lockstep: rank %d on host %s is stuck in step %lld, phase %s: %s for %.0f seconds\n",
                  who->rank, w->comm->host, (long long)who->step, phase_words(who->phase),
                  stopped ? "its process does not run; nothing has moved" : "nothing has moved", silence);
  else
    (void)fprintf(stderr,
                  "lockstep: rank %d on host %s is stuck in step %lld, phase %s: it has waited for other hosts' ranks "
                  "for %.0f seconds\n",
                  w->mine->rank, w->comm->host, (long long)w->mine->step, phase_words(w->mine->phase), silence);
  (void)fflush(stderr);
}

/* A rank of this host is at something that may take long, and within its time: the others wait for it. */
static bool somebody_works(const lk_watchdog *w, double now) {
  for (int i = 0; i < w->size; i++) {
    const word *a = &w->table->of[i];
    const double factor = phase_factor(a->phase);
    if (factor > 1 && now - a->beat <= w->limit * factor && now - a->pulse <= silent_pulse) return true;
  }
  return false;
}

/* The limit has passed on this rank. Returns only where another rank of the host speaks, or other hosts come first. */
static void expire(const lk_watchdog *w, double now) {
  bool stopped = false;
  const word *who = culprit(w, now, &stopped);
  const double silence = now - w->mine->beat;
  if (!who && w->size < w->comm->size && silence < w->limit + others_first) return;
  if (atomic_exchange(&w->table->speaking, 1)) return;
  speak(w, who, stopped, silence);
  end_job();
}

static void *watch(void *argument) {
  lk_watchdog *w = argument;
  struct timespec next;
  double last = lk_clock_seconds();
  pthread_mutex_lock(&w->mutex);
  while (!w->stop) {
    const double now = lk_clock_seconds();
    /* this process was stopped itself, and goes on now: the time it slept is nobody's fault */
    if (now - last > silent_pulse) w->mine->beat = now;
    last = now;
    w->mine->pulse = now;
    /* To wait for a rank that works is to get on, so that the limit counts from when that rank has ended its work, and not
     * from before, in the moment between its end and this rank's next step. */
    if (phase_factor(w->mine->phase) <= 1 && somebody_works(w, now)) w->mine->beat = now;
    if (now - w->mine->beat > w->limit * phase_factor(w->mine->phase)) expire(w, now);
    clock_gettime(CLOCK_REALTIME, &next);
    next.tv_nsec += 250 * 1000 * 1000;
    if (next.tv_nsec >= 1000000000) next.tv_sec++, next.tv_nsec -= 1000000000;
    pthread_cond_timedwait(&w->wake, &w->mutex, &next);
  }
  pthread_mutex_unlock(&w->mutex);
  return NULL;
}

static lk_status share_table(lk_watchdog *w) {
  int rank = 0, mine = 0, all = 0;
  LK_TRY(LK_MPI(MPI_Comm_split_type, w->comm->mpi, MPI_COMM_TYPE_SHARED, w->comm->rank, MPI_INFO_NULL, &w->host));
  LK_TRY(LK_MPI(MPI_Comm_rank, w->host, &rank));
  LK_TRY(LK_MPI(MPI_Comm_size, w->host, &w->size));
  mine = lk_shared_open(&w->shared, w->host, sizeof(table) + sizeof(word) * (size_t)w->size);
  LK_TRY(LK_MPI(MPI_Allreduce, &mine, &all, 1, MPI_INT, MPI_MIN, w->host));
  w->table = (table *)(void *)w->shared.base;
  if (!all) { /* each watches itself */
    lk_shared_forget(&w->shared);
    w->table = (table *)(((uintptr_t)w->alone + 63) & ~(uintptr_t)63);
    w->size = 1, rank = 0;
  }
  w->mine = &w->table->of[rank];
  if (rank == 0) w->table->speaking = 0;
  w->mine->rank = w->comm->rank;
  w->mine->phase = LK_PHASE_LOADING;
  w->mine->step = 0;
  w->mine->beat = w->mine->pulse = lk_clock_seconds();
  return LK_MPI(MPI_Barrier, w->host);
}

static lk_status create(lk_comm *comm, double seconds) {
  lk_watchdog *w;
  LK_TRY(lk_alloc(&w, 1, sizeof *w));
  comm->watchdog = w;
  w->comm = comm;
  w->host = MPI_COMM_NULL;
  w->shared.mpi = MPI_WIN_NULL;
  w->seconds = seconds;
  w->limit = seconds > 0 ? seconds : first_limit; /* until a step has told how long steps are */
  pthread_mutex_init(&w->mutex, NULL);
  pthread_cond_init(&w->wake, NULL);
  return lk_alloc(&w->alone, 1, sizeof(table) + sizeof(word) + 64);
}

/* Signals are the main thread's. */
static lk_status run(lk_watchdog *w) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  const int error = pthread_create(&w->thread, NULL, watch, w);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (error) return LK_FAIL(LK_MEMORY, "cannot start the watchdog: %s", strerror(error));
  w->running = true;
  return LK_OK;
}

lk_status lk_watchdog_start(lk_comm *comm, double seconds) {
  LK_ASSERT(!comm->watchdog);
  lk_status status = lk_comm_agree(comm, create(comm, seconds));
  if (status == LK_OK) status = share_table(comm->watchdog);
  if (status == LK_OK) status = lk_comm_agree(comm, run(comm->watchdog));
  if (status != LK_OK) lk_watchdog_stop(comm);
  return status;
}

void lk_watchdog_stop(lk_comm *comm) {
  lk_watchdog *w = comm->watchdog;
  if (!w) return;
  comm->watchdog = NULL;
  if (w->running) {
    pthread_mutex_lock(&w->mutex);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
  }
  lk_shared_close(&w->shared);
  if (w->host != MPI_COMM_NULL) MPI_Comm_free(&w->host);
  pthread_mutex_destroy(&w->mutex);
  pthread_cond_destroy(&w->wake);
  free(w->alone);
  free(w);
}

void lk_watchdog_phase(lk_comm *comm, lk_phase phase, int64_t step) {
  lk_watchdog *w = comm->watchdog;
  if (!w) return;
  w->mine->beat = lk_clock_seconds(); /* first: an old beat must not be held against a shorter phase */
  w->mine->phase = (int)phase;
  w->mine->step = step;
}

void lk_watchdog_beat(lk_comm *comm) {
  if (comm->watchdog) comm->watchdog->mine->beat = lk_clock_seconds();
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void lk_watchdog_stepped(lk_comm *comm, double seconds) {
  lk_watchdog *w = comm->watchdog;
  if (!w) return;
  w->mine->beat = lk_clock_seconds();
  w->step[w->at] = seconds;
  w->at = (w->at + 1) % MEDIAN_OF;
  if (w->steps < MEDIAN_OF) w->steps++;
  if (w->at % 8 && w->steps == MEDIAN_OF) return; /* the median of many moves slowly */
  double sorted[MEDIAN_OF];
  memcpy(sorted, w->step, sizeof(double) * (size_t)w->steps);
  qsort(sorted, (size_t)w->steps, sizeof *sorted, by_value);
  w->median = sorted[w->steps / 2];
  if (w->seconds > 0) return;
  w->limit = median_factor * w->median > least_limit ? median_factor * w->median : least_limit;
}

double lk_watchdog_median(const lk_comm *comm) { return comm->watchdog ? comm->watchdog->median : 0; }
double lk_watchdog_limit(const lk_comm *comm) { return comm->watchdog ? comm->watchdog->limit : 0; }
