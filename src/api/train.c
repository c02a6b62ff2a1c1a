#include "lockstep/train.h"

#include "alike.h"
#include "api_impl.h"
#include "comm.h"
#include "log.h"
#include "trainer.h"

_Static_assert((int)LOCKSTEP_STEP == (int)LK_EVENT_STEP, "events");
_Static_assert((int)LOCKSTEP_EVALUATED == (int)LK_EVENT_VALID, "events");
_Static_assert((int)LOCKSTEP_TESTED == (int)LK_EVENT_TEST, "events");

static bool initialised; /* MPI, by lockstep_mpi_init() */

lockstep_status lockstep_mpi_init(void) {
  LK_ENTER();
  bool started = false;
  const lk_status status = lk_mpi_start(&started);
  initialised |= started;
  return lk_api_leave(status);
}

void lockstep_mpi_finalize(void) {
  if (lk_api_enter() != LK_OK) return;
  if (initialised) lk_mpi_end();
  initialised = false;
  (void)lk_api_leave(LK_OK);
}

/* What the callbacks of one run need. */
typedef struct listener {
  lockstep_train_options options;
  int rank, ranks;
} listener;

static void tell_log(void *context, lk_log_level level, const char *line) {
  const listener *l = context;
  l->options.log(l->options.context, level <= LK_LOG_WARN ? LOCKSTEP_LOG_WARNING : LOCKSTEP_LOG_INFO, line);
}

static bool tell_progress(void *context, const lk_train_event *event) {
  const listener *l = context;
  const lockstep_progress progress = {.event = (lockstep_event)event->kind,
                                      .rank = l->rank,
                                      .ranks = l->ranks,
                                      .step = event->step,
                                      .epoch = event->epoch,
                                      .loss = event->loss,
                                      .rate = event->rate,
                                      .metric = event->metric,
                                      .value = event->value};
  return l->options.progress(l->options.context, &progress) != 0;
}

static lk_status train(const lk_config *config, listener *l) {
  lk_comm *comm = NULL;
  LK_TRY(lk_comm_adopt(&comm, l->options.communicator));
  l->rank = lk_comm_rank(comm);
  l->ranks = lk_comm_size(comm);
  const lk_train_host host = {.event = l->options.progress ? tell_progress : NULL, .context = l};
  if (l->rank == 0 && l->options.log) lk_log_to(tell_log, l);
  lk_status status = lk_alike_program(comm);
  if (status == LK_OK) status = lk_train(config, comm, &host);
  lk_log_to(NULL, NULL);
  lk_comm_release(&comm);
  return status;
}

lockstep_status lockstep_train(const lockstep_config *config, const lockstep_train_options *options) {
  LK_ENTER();
  listener l = {.options = LOCKSTEP_TRAIN_OPTIONS};
  lk_status status = lk_api_options(&l.options, sizeof l.options, options);
  if (status == LK_OK) status = train(&config->config, &l);
  return lk_api_leave(status);
}

void lockstep_train_stop(void) { lk_train_stop(); }
