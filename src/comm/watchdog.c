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
/* Seconds, except for median_factor. stopped_after: a process without a pulse for so long is taken for stopped;
 * other_hosts_first: so long a host whose ranks all wait leaves the report to others; abort_limit: for MPI_Abort(). */
static const double least_limit = 60, first_limit = 600, median_factor = 20, stopped_after = 5, other_hosts_first = 3,
                    abort_limit = 10;

/* What a rank does and when it last made progress, in memory that the ranks of its host share. */
typedef struct record {
  _Alignas(64) _Atomic int rank;
  _Atomic int phase;
  _Atomic int64_t step;
  _Atomic double beat;  /* time of the last progress; the ranks of a host share the clock */
  _Atomic double pulse; /* time of the watchdog thread's last round; stands still in a stopped process */
} record;

typedef struct table {
  _Atomic int reporting; /* set by the first rank that reports: one line a host */
  record of[];
} table;

struct lk_watchdog {
  lk_comm *comm;
  MPI_Comm host;
  lk_shared shared;
  void *private; /* memory for a table of one rank, where there is no shared memory */
  table *table;
  record *mine;
  int size; /* ranks on this host */
  double seconds;
  _Atomic double limit, median;
  double step[MEDIAN_OF]; /* seconds of the last steps; used by the rank's main thread only */
  int steps, at;
  pthread_t thread;
  bool running;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  bool stop;
};

static const char *phase_text(int phase) {
#define TEXT(name, text, factor) text,
  static const char *const all[] = {LK_PHASE_LIST(TEXT)};
#undef TEXT
  return phase >= 0 && phase < (int)(sizeof all / sizeof *all) ? all[phase] : "unknown";
}

static double phase_factor(int phase) {
#define FACTOR(name, text, factor) factor,
  static const double all[] = {LK_PHASE_LIST(FACTOR)};
#undef FACTOR
  return phase >= 0 && phase < (int)(sizeof all / sizeof *all) ? all[phase] : 1;
}

/* Whether its phase is to wait for other ranks; checkpoints are written by rank 0. */
static bool is_waiting(const record *a) {
  return a->phase == LK_PHASE_REDUCTION || (a->phase == LK_PHASE_CHECKPOINT && a->rank != 0);
}

/* The rank of this host that the others wait for: one whose process is stopped, else the one that is furthest behind.
 * NULL: all of them wait, for each other or for another host. */
static const record *culprit(const lk_watchdog *w, double now, bool *stopped) {
  const record *behind = &w->table->of[0];
  bool same = true;
  *stopped = true;
  for (int i = 0; i < w->size; i++)
    if (now - w->table->of[i].pulse > stopped_after) return &w->table->of[i];
  *stopped = false;
  for (int i = 1; i < w->size; i++) {
    const record *a = &w->table->of[i];
    if (a->step == behind->step && is_waiting(a) == is_waiting(behind)) continue;
    same = false;
    if (a->step < behind->step || (a->step == behind->step && !is_waiting(a))) behind = a;
  }
  return same && is_waiting(behind) ? NULL : behind;
}

static void exit_stuck(int number) {
  (void)number;
  _exit(76); /* the exit code of LK_STUCK; lk_status_exit_code() is not async-signal-safe */
}

/* MPI_Abort ends the other ranks too, but may itself hang where the network is down. */
_Noreturn static void end_job(void) {
  (void)signal(SIGALRM, exit_stuck);
  (void)alarm((unsigned)abort_limit);
  MPI_Abort(MPI_COMM_WORLD, lk_status_exit_code(LK_STUCK));
  _exit(lk_status_exit_code(LK_STUCK));
}

static void report(const lk_watchdog *w, const record *who, bool stopped, double silence) {
  if (who)
    (void)fprintf(stderr, "lockstep: rank %d on host %s is stuck in step %lld, phase %s: %s for %.0f seconds\n",
                  who->rank, w->comm->host, (long long)who->step, phase_text(who->phase),
                  stopped ? "its process does not run; nothing has moved" : "nothing has moved", silence);
  else
    (void)fprintf(stderr,
                  "lockstep: rank %d on host %s is stuck in step %lld, phase %s: it has waited for other hosts' ranks "
                  "for %.0f seconds\n",
                  w->mine->rank, w->comm->host, (long long)w->mine->step, phase_text(w->mine->phase), silence);
  (void)fflush(stderr);
}

/* Whether a rank of this host is in a phase with a longer limit and within it; the others wait for it. */
static bool some_rank_works(const lk_watchdog *w, double now) {
  for (int i = 0; i < w->size; i++) {
    const record *a = &w->table->of[i];
    const double factor = phase_factor(a->phase);
    if (factor > 1 && now - a->beat <= w->limit * factor && now - a->pulse <= stopped_after) return true;
  }
  return false;
}

/* The limit of this rank has passed. Returns only where another rank of the host reports, or other hosts report
 * first. */
static void expire(const lk_watchdog *w, double now) {
  bool stopped = false;
  const record *who = culprit(w, now, &stopped);
  const double silence = now - w->mine->beat;
  if (!who && w->size < w->comm->size && silence < w->limit + other_hosts_first) return;
  if (atomic_exchange(&w->table->reporting, 1)) return;
  report(w, who, stopped, silence);
  end_job();
}

static void *watch(void *argument) {
  lk_watchdog *w = argument;
  struct timespec next;
  double last = lk_clock_seconds();
  pthread_mutex_lock(&w->mutex);
  while (!w->stop) {
    const double now = lk_clock_seconds();
    /* this process was stopped and runs again: time that it was stopped does not count */
    if (now - last > stopped_after) w->mine->beat = now;
    last = now;
    w->mine->pulse = now;
    /* While another rank works this one counts as making progress. So its limit begins when that rank has ended its
     * work, and does not expire between that end and this rank's next record. */
    if (phase_factor(w->mine->phase) <= 1 && some_rank_works(w, now)) w->mine->beat = now;
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
  mine = lk_shared_open(&w->shared, w->host, sizeof(table) + sizeof(record) * (size_t)w->size);
  LK_TRY(LK_MPI(MPI_Allreduce, &mine, &all, 1, MPI_INT, MPI_MIN, w->host));
  w->table = (table *)(void *)w->shared.base;
  if (!all) { /* each rank watches itself only */
    lk_shared_forget(&w->shared);
    w->table = (table *)(((uintptr_t)w->private + 63) & ~(uintptr_t)63);
    w->size = 1, rank = 0;
  }
  w->mine = &w->table->of[rank];
  if (rank == 0) w->table->reporting = 0;
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
  w->limit = seconds > 0 ? seconds : first_limit; /* until the time of a step is known */
  pthread_mutex_init(&w->mutex, NULL);
  pthread_cond_init(&w->wake, NULL);
  return lk_alloc(&w->private, 1, sizeof(table) + sizeof(record) + 64);
}

/* Signals are left to the main thread. */
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
  free(w->private);
  free(w);
}

void lk_watchdog_phase(lk_comm *comm, lk_phase phase, int64_t step) {
  lk_watchdog *w = comm->watchdog;
  if (!w) return;
  w->mine->beat = lk_clock_seconds(); /* first: the old time must not be compared with the limit of the new phase */
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
  if (w->at % 8 && w->steps == MEDIAN_OF) return; /* the median of many changes slowly */
  double sorted[MEDIAN_OF];
  memcpy(sorted, w->step, sizeof(double) * (size_t)w->steps);
  qsort(sorted, (size_t)w->steps, sizeof *sorted, by_value);
  w->median = sorted[w->steps / 2];
  if (w->seconds > 0) return;
  w->limit = median_factor * w->median > least_limit ? median_factor * w->median : least_limit;
}

double lk_watchdog_median(const lk_comm *comm) { return comm->watchdog ? comm->watchdog->median : 0; }
double lk_watchdog_limit(const lk_comm *comm) { return comm->watchdog ? comm->watchdog->limit : 0; }
