#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "trainer_impl.h"
#include "update.h"

/* Exchange the control word: afterwards every rank has every shard's record. flags: further ones. */
static lk_status exchange_control(lk_trainer *t, int64_t flags, lk_step *step) {
  const lk_control mine = {.flags = lk_trainer_flags(t) | flags,
                           .seconds = lk_trainer_spent(t),
                           .state = lk_task_largest_state(t->task, t->lanes, t->lane_count)};
  for (int s = 0; s < t->shards.count; s++) t->mine[s] = mine, t->mine[s].stat = t->stat[s];
  LK_TRY(lk_replicas_gather_shards(t->replicas, t->shards.total, t->mine, t->control, sizeof *t->control));
  for (int s = 0; s < t->shards.total; s++) {
    step->units += t->control[s].stat.units;
    step->tokens += t->control[s].stat.tokens;
    step->flags |= t->control[s].flags;
    step->state = fmax(step->state, t->control[s].state);
    t->shard_loss[s] = t->control[s].stat.loss;
  }
  step->seconds = t->control[0].seconds; /* rank 0 hosts shard 0 */
  step->loss = lk_tree_sum(t->shard_loss, t->shards.total);
  return LK_OK;
}

lk_status lk_trainer_swap_average(lk_trainer *t) {
  if (!lk_average_holds(&t->state)) return LK_OK;
  LK_ASSERT(!t->weights.under_way);
  lk_average_swap(t->average, t->own, lk_params_values(t->params));
  LK_TRY(lk_replicas_allgather(t->replicas, NULL));
  return lk_weights_pack(&t->weights);
}

/* Take the weights after an applied step into the average. */
static void average(lk_trainer *t) {
  const lk_average_step step = {.step = t->state.step + 1,
                                .epoch = (double)t->state.step / (double)t->steps_in_epoch,
                                .ends_epoch = t->state.step_in_epoch + 1 == t->steps_in_epoch};
  const float *master = lk_optimizer_master(t->optimizer);
  const lk_ranges whole = {.count = 1, .at = {{0, lk_ranges_size(t->own)}}};
  if (lk_average_add(t->average, &t->state, step, master ? &whole : t->own,
                     master ? master : lk_params_values(t->params)))
    LK_INFO("step %lld: the average of the weights begins; evaluation measures it (train.average)",
            (long long)step.step);
}

/* g = sum / units, clipped; each rank updates its own ranges, then all ranges go to all ranks, with several sections while
 * the next step begins. */
static lk_status update(lk_trainer *t, const lk_step *step) {
  const bool behind = t->own->count > 1;
  const lk_clip clip = lk_clip_of(t->clip_way, t->config->train.clip, (double)step->units, step->norm);
  /* Adam's bias corrections count applied updates: a skipped step is none, though the schedule counts it */
  t->state.updates++;
  lk_update(t->optimizer, t->replicas, t->reduction, clip, step->rate, t->state.updates);
  average(t);
  lk_times_lap(&t->times, LK_TIME_UPDATE);
  LK_TRY(lk_weights_begin(&t->weights, lk_optimizer_master(t->optimizer), lk_reduction_touched(t->reduction), behind));
  lk_times_lap(&t->times, LK_TIME_VALUES);
  if (!behind) lk_times_move(&t->times, LK_TIME_VALUES, LK_TIME_PACK, t->weights.packing);
  return LK_OK;
}

/* Which checkpoint is left, for the end of a message. Only rank 0 sees the folder, and its message is the one
 * printed. */
static lk_status describe_last_good(const lk_trainer *t, lk_buffer *out) {
  lk_buffer path = {0};
  lk_status status = lk_buffer_printf(&path, "%s/last.h5", t->config->run.dir);
  const bool there = status == LK_OK && t->rank == 0 && access(path.data, F_OK) == 0;
  if (status == LK_OK)
    status = there ? lk_buffer_printf(out, "the last good checkpoint is %s", path.data)
                   : lk_buffer_printf(out, "there is no checkpoint to resume from");
  lk_buffer_release(&path);
  return status;
}

lk_status lk_trainer_count_skip(lk_trainer *t, int64_t row, const char *why) {
  lk_buffer words = {0};
  if (row < t->config->train.max_skips) return LK_OK;
  LK_TRY(lk_comm_agree(t->comm, lk_saver_wait(t)));
  lk_status status = lk_comm_agree(t->comm, describe_last_good(t, &words));
  if (status == LK_OK)
    status = LK_FAIL(LK_INTERNAL, "%lld step%s in a row %s; %s", (long long)row, lk_plural(row), why, words.data);
  lk_buffer_release(&words);
  return status;
}

static lk_status skip(lk_trainer *t) {
  LK_TRY(lk_trainer_name_nonfinite(t));
  /* the carried states may be non-finite too: start from zeros, on all ranks */
  if (t->lanes) memset(t->lanes, 0, sizeof *t->lanes * (size_t)(t->lane_count * t->lane_width));
  return lk_trainer_count_skip(t, ++t->state.skips, "had a gradient that is not finite (train.max_skips)");
}

/* A loss spike, detected before the update, which must not be made. The same on all ranks. */
static lk_status handle_spike(lk_trainer *t, lk_step *step) {
  const bool back = t->spike.policy == LK_SPIKE_ROLLBACK;
  char then[96] = "the update is skipped on all ranks";
  if (back)
    snprintf(then, sizeof then, "the run goes back %lld step%s and on past %s batches", (long long)t->spike.back,
             lk_plural(t->spike.back), t->spike.back == 1 ? "its" : "their");
  LK_WARN("step %lld: the loss %.4f is a spike, more than %g times %.4f, the mean of the last %lld steps: %s",
          (long long)t->state.step + 1, step->loss / (double)step->units, t->spike.factor, t->state.spike_mean,
          (long long)t->spike.window, then);
  step->skipped = !back, step->rollback = back;
  const int64_t row = back ? t->state.rollbacks + 1 : ++t->state.skips;
  return lk_trainer_count_skip(t, row, LK_SPIKES_IN_A_ROW);
}

/* The batches of the run before this step, and that one. */
static int64_t batch_number(const lk_trainer *t) {
  return t->state.epoch * t->steps_in_epoch + t->state.step_in_epoch + 1;
}

/* In the last tensor: rows of an embedding that no token touched would not be summed. */
static void inject_nan(lk_trainer *t) {
  if (t->debug.count && lk_debug_due(&t->debug, LK_FAULT_NAN, t->rank, batch_number(t)))
    t->grads.subtree[0][t->tensors[t->tensor_count - 1].offset] = NAN;
}

void lk_trainer_told(void *trainer, ptrdiff_t offset) {
  lk_trainer *t = trainer;
  if (offset <= t->tensors[t->tensor_count - 1].offset) inject_nan(t); /* before it is sent */
  lk_reduction_offer(t->reduction, offset);
}

/* Faults that a test asked for. Their step counts batches, which a run that goes back does not read again. */
static void inject(lk_trainer *t, int64_t step) {
  for (int s = 0; s < t->shards.count && lk_debug_due(&t->debug, LK_FAULT_SPIKE, t->rank, step); s++)
    t->stat[s].loss *= 1000;
  if (t->own->count == 1 || t->accumulate.parts.count > 1) inject_nan(t); /* else lk_trainer_told() has */
  lk_debug_act(&t->debug, t->rank, step);
}

/* The passes are over: what they waited for counts as values. */
static lk_status settle(lk_trainer *t) {
  if (t->weights.under_way) {
    lk_times_move(&t->times, LK_TIME_NET, LK_TIME_VALUES, t->weights.waited);
    lk_times_move(&t->times, LK_TIME_NET, LK_TIME_PACK, t->weights.packing);
  }
  LK_TRY(lk_weights_settle(&t->weights));
  lk_times_lap(&t->times, LK_TIME_VALUES);
  return LK_OK;
}

lk_status lk_trainer_step(lk_trainer *t, lk_step *step) {
  *step = (lk_step){0};
  const int64_t batch = batch_number(t);
  lk_mode mode = {.training = 1, .seed = (uint64_t)t->config->seed, .step = (uint32_t)t->state.step};
  lk_times_begin(&t->times);
  lk_watchdog_phase(t->comm, LK_PHASE_LOADING, t->state.step + 1);
  const lk_status read = lk_loader_batch(t->loader, t->state.epoch, t->state.step_in_epoch, &t->batch);
  lk_times_lap(&t->times, LK_TIME_BATCH);
  lk_watchdog_phase(t->comm, LK_PHASE_STEP, t->state.step + 1);
  LK_TRY(lk_reduction_begin(t->reduction));
  lk_accumulate_train(&t->accumulate, t->task, t->params, &t->batch, mode, t->lanes, t->stat);
  if (t->debug.count) inject(t, batch);
  lk_times_lap(&t->times, LK_TIME_NET);
  LK_TRY(settle(t));
  lk_watchdog_phase(t->comm, LK_PHASE_REDUCTION, t->state.step + 1);
  LK_TRY(exchange_control(t, read == LK_OK ? 0 : LK_FLAG_UNREAD, step));
  LK_TRY(lk_reduction_sum(t->reduction)); /* also of a batch that was not read: some of it may be on its way */
  if (step->flags & LK_FLAG_UNREAD) return lk_comm_agree(t->comm, read);
  double square = 0;
  LK_TRY(lk_reduction_square_sum(t->reduction, &square));
  lk_times_lap(&t->times, LK_TIME_SUM);
  if (step->units > 0) {
    step->norm = sqrt(square) / (double)step->units;
    step->rate = lk_schedule_rate(t->schedule, t->state.step, t->steps_in_epoch, step->seconds / 60);
    step->rate *= t->batch.rate_factor;
    step->skipped = !isfinite(step->norm) || !isfinite(step->loss);
    if (step->skipped) {
      LK_TRY(skip(t));
    } else if (lk_spike_is(&t->spike, &t->state, step->loss / (double)step->units)) {
      LK_TRY(handle_spike(t, step));
    } else {
      t->state.skips = 0;
      lk_spike_learn(&t->spike, &t->state, step->loss / (double)step->units);
      LK_TRY(update(t, step));
      /* after the update, which sends all ranges to every rank and so would repair a bit flipped before */
      if (t->debug.count) LK_TRY(lk_weights_settle(&t->weights));
      if (t->debug.count && lk_debug_due(&t->debug, LK_FAULT_FLIP, t->rank, batch))
        lk_debug_flip(lk_params_values(t->params));
    }
  }
  return LK_OK;
}
