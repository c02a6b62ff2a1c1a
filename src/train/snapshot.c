#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "durable.h"
#include "log.h"
#include "input_layer.h"
#include "trainer_impl.h"

static void *write_checkpoint(void *argument) {
  lk_saver *s = argument;
  s->status = lk_checkpoint_store(s->run_dir, s->step, s->best, s->keep, s->reach, s->bytes, s->size);
  s->seconds = lk_clock_seconds() - s->began;
  free(s->bytes);
  s->bytes = NULL;
  return NULL;
}

/* Wait for the thread. For the watchdog the run makes progress as long as bytes go to the disk. */
static void join(lk_trainer *t) {
  uint64_t written = 0;
  struct timespec until;
  do {
    if (lk_durable_written() != written) lk_watchdog_beat(t->comm);
    written = lk_durable_written();
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
  } while (pthread_timedjoin_np(t->saver.thread, NULL, &until) != 0);
}

lk_status lk_saver_wait(lk_trainer *t) {
  lk_saver *s = &t->saver;
  if (s->running) {
    join(t);
    if (s->seconds > t->saving_seconds) t->saving_seconds = s->seconds;
    if (s->status == LK_OK)
      LK_INFO("saved step %lld in %.2f s, of which training waited for %.2f s", (long long)s->step, s->seconds,
              s->waited);
  }
  s->running = false;
  lk_status status = s->status;
  s->status = LK_OK;
  return status;
}

static lk_status start_writing(lk_trainer *t) {
  lk_saver *s = &t->saver;
  if (pthread_create(&s->thread, NULL, write_checkpoint, s) != 0) {
    write_checkpoint(s); /* no thread could be started */
    return lk_saver_wait(t);
  }
  s->running = true;
  return LK_OK;
}

/* Collect the moments on rank 0, and behind them the average of the weights, if there is one; each rank has those of
 * its ranges. */
static lk_status gather_moments(lk_trainer *t, float **moments) {
  int count = lk_optimizer_moments(t->optimizer);
  size_t P = (size_t)lk_params_count(t->params), vectors = (size_t)count + lk_average_holds(&t->state);
  *moments = NULL;
  LK_TRY(lk_comm_agree(t->comm, t->rank == 0 ? lk_alloc(moments, vectors * P + 1, sizeof(float)) : LK_OK));
  for (int i = 0; i < count; i++)
    LK_TRY(lk_replicas_gather(t->replicas, lk_optimizer_moment(t->optimizer, i),
                              *moments ? *moments + (size_t)i * P : NULL, 0));
  if (!lk_average_holds(&t->state)) return LK_OK;
  return lk_replicas_gather(t->replicas, lk_average_values(t->average), *moments ? *moments + (size_t)count * P : NULL,
                            0);
}

static lk_status gather_lanes(lk_trainer *t, float **lanes) {
  *lanes = NULL;
  if (t->lane_total == 0 || t->lane_width == 0) return LK_OK;
  const size_t size = (size_t)(t->lane_total * t->lane_width);
  LK_TRY(lk_comm_agree(t->comm, t->rank == 0 ? lk_alloc(lanes, size, sizeof(float)) : LK_OK));
  return lk_comm_gather(t->comm, t->lanes, *lanes, t->lane_bytes, 0);
}

static lk_status make_image(lk_trainer *t, const float *moments, const float *lanes) {
  lk_checkpoint c = {.config = t->config_text.data,
                     .corpus = t->info,
                     .vectors = lk_input_vectors(t->config),
                     .tensors = t->tensors,
                     .tensor_count = t->tensor_count,
                     .values = lk_params_values(t->params),
                     .moments = lk_optimizer_moments(t->optimizer),
                     .state = t->state,
                     .lanes = lanes,
                     .lane_count = lanes ? t->lane_total : 0,
                     .lane_width = lanes ? t->lane_width : 0,
                     .train = t->train_history,
                     .valid = t->valid_history};
  for (int i = 0; i < c.moments; i++) {
    c.moment[i] = moments + i * lk_params_count(t->params);
    c.moment_name[i] = lk_optimizer_moment_name(t->optimizer, i);
  }
  if (lk_average_holds(&t->state)) c.training = c.values, c.values = moments + c.moments * lk_params_count(t->params);
  lk_schedule_save(t->schedule, c.state.schedule);
  return lk_checkpoint_image(&c, &t->saver.bytes, &t->saver.size);
}

/* Rank 0: wait for the last save, build the image in memory, start writing it. */
static lk_status save_here(lk_trainer *t, const float *moments, const float *lanes, int best, double began) {
  LK_TRY(lk_saver_wait(t));
  LK_TRY(lk_owner_check(t->owner));
  t->saver.run_dir = t->config->run.dir;
  t->saver.keep = (int)t->config->checkpoint.keep;
  t->saver.reach = t->spike.back;
  t->saver.step = t->state.step;
  t->saver.best = best;
  t->saver.began = began;
  LK_TRY(make_image(t, moments, lanes));
  return start_writing(t);
}

lk_status lk_trainer_save(lk_trainer *t, int best) {
  lk_status status = LK_OK;
  float *moments = NULL, *lanes = NULL;
  const double began = lk_clock_seconds();
  lk_watchdog_phase(t->comm, LK_PHASE_CHECKPOINT, t->state.step);
  LK_GO(lk_weights_settle(&t->weights));
  LK_GO(lk_trainer_check_replicas(t));
  LK_GO(lk_comm_agree(t->comm, gather_moments(t, &moments)));
  LK_GO(lk_comm_agree(t->comm, gather_lanes(t, &lanes)));
  double now = lk_clock_seconds();
  t->state.seconds += now - t->started;
  t->started = now;
  LK_GO(lk_comm_agree(t->comm, t->rank == 0 ? save_here(t, moments, lanes, best, began) : LK_OK));
  t->saved = true;
  t->saved_at = lk_clock_seconds();
  t->saver.waited = t->saved_at - began;
  t->times.seconds[LK_TIME_SAVE] += t->saver.waited;
done:
  free(moments);
  free(lanes);
  return status;
}
