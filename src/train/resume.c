#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "trainer_impl.h"

/* An empty value is printed as YAML has it. */
static const char *shown(const char *value) { return strcmp(value, "\"\"") == 0 ? "nothing" : value; }

static lk_status refuse_change(const lk_trainer *t, const lk_config *old, const char *key) {
  lk_status status = LK_OK;
  lk_buffer was = {0}, is = {0};
  LK_GO(lk_config_value(old, key, &was));
  LK_GO(lk_config_value(t->config, key, &is));
  status = lk_config_error(t->config, key, LK_OTHER_RUN("%s"), t->config->run.dir, shown(was.data), shown(is.data));
done:
  lk_buffer_release(&was);
  lk_buffer_release(&is);
  return status;
}

/* The configuration that a checkpoint was made with. An error in it is one of the file, not of the user. */
static lk_status read_config(const lk_checkpoint_file *file, const char *path, lk_config *config) {
  LK_TRY(lk_config_init(config));
  const char *text = lk_checkpoint_config(file);
  return lk_checkpoint_not_understood(file, lk_config_parse(config, text, strlen(text), path));
}

/* *same_average: with the kind of average that this run has. */
static lk_status check_same_run(const lk_trainer *t, const lk_checkpoint_file *file, const char *path,
                                bool *same_average) {
  lk_status status = LK_OK;
  lk_config old = {0};
  LK_GO(read_config(file, path, &old));
  const char *changed = lk_config_changed(&old, &t->effective);
  if (changed) LK_GO(refuse_change(t, &old, changed));
  if (strcmp(lk_checkpoint_corpus(file)->digest, t->info->digest) != 0)
    LK_GO(LK_FAIL(LK_USAGE,
                  "data.corpus: '%s' (digest %s) is not the corpus that the run in '%s' began with, '%s' (digest %s); "
                  "choose another run.dir",
                  t->config->data.corpus, t->info->digest, t->config->run.dir, old.data.corpus,
                  lk_checkpoint_corpus(file)->digest));
  *same_average = strcmp(old.train.average, t->config->train.average) == 0;
done:
  lk_config_release(&old);
  return status;
}

/* What stays as it was when the run began, of one that is to be gone on with. Rank 0. */
lk_status lk_trainer_peek(lk_trainer *t, lk_kept *kept) {
  lk_status status = LK_OK;
  lk_checkpoint_file *file = NULL;
  lk_config old = {0};
  *kept = (lk_kept){0};
  LK_GO(lk_checkpoint_newest(t->config->run.dir, &t->resume_path, &t->damaged));
  if (t->resume_path.size == 0) goto done;
  LK_GO(lk_checkpoint_open(&file, t->resume_path.data));
  LK_GO(read_config(file, t->resume_path.data, &old));
  *kept = (lk_kept){.shards = lk_checkpoint_state(file)->shards,
                    .blas = strcmp(old.kernels, "blas") == 0,
                    .apart = lk_kernels_sum_apart(old.kernels)};
done:
  lk_config_release(&old);
  lk_checkpoint_close(&file);
  return status;
}

/* All of a checkpoint in memory, on rank 0, before it is dealt out. */
typedef struct loaded {
  bool found, evaluated, tested, remainder_logged; /* the last three at the very step of the checkpoint */
  lk_state state;
  float *moments, *lanes; /* behind the moments the average of the weights */
} loaded;

static lk_status load_moments(const lk_trainer *t, const lk_checkpoint_file *file, loaded *l) {
  size_t P = (size_t)lk_params_count(t->params);
  int count = lk_optimizer_moments(t->optimizer);
  LK_TRY(lk_alloc(&l->moments, ((size_t)count + lk_average_holds(&l->state)) * P + 1, sizeof(float)));
  for (int i = 0; i < count; i++)
    LK_TRY(lk_checkpoint_moment(file, lk_optimizer_moment_name(t->optimizer, i), t->tensors, t->tensor_count,
                                l->moments + (size_t)i * P));
  return LK_OK;
}

/* The weights, and their average where the file has one; another kind of average begins anew. */
static lk_status load_weights(const lk_trainer *t, const lk_checkpoint_file *file, bool same_average, loaded *l) {
  float *weights = lk_params_values(t->params);
  const ptrdiff_t behind = lk_optimizer_moments(t->optimizer) * lk_params_count(t->params);
  if (!lk_average_holds(&l->state)) {
    LK_TRY(lk_checkpoint_values(file, t->tensors, t->tensor_count, weights));
  } else {
    LK_TRY(lk_checkpoint_training(file, t->tensors, t->tensor_count, weights));
    LK_TRY(lk_checkpoint_values(file, t->tensors, t->tensor_count, l->moments + behind));
  }
  if (!same_average) memset(l->state.average, 0, sizeof l->state.average);
  return LK_OK;
}

static lk_status load_lanes(const lk_trainer *t, const lk_checkpoint_file *file, const char *path, loaded *l) {
  ptrdiff_t lanes = 0, width = 0;
  LK_TRY(lk_checkpoint_lanes(file, &lanes, &width, NULL));
  if (lanes * width != t->lane_total * t->lane_width || (lanes * width > 0 && lanes != t->lane_total))
    return LK_FAIL(LK_DATA, "%s: states of %td lanes of %td reals, this run has %td of %td", path, lanes, width,
                   t->lane_total, t->lane_width);
  if (lanes * width == 0) return LK_OK;
  LK_TRY(lk_alloc(&l->lanes, (size_t)(lanes * width), sizeof(float)));
  return lk_checkpoint_lanes(file, &lanes, &width, l->lanes);
}

/* Whether the counters of the file are possible with this corpus and these settings. */
static lk_status check_state(const lk_trainer *t, const lk_state *state, const char *path) {
  const int64_t most = ((int64_t)1 << 53) / t->steps_in_epoch;
  if (state->step_in_epoch >= t->steps_in_epoch || state->epoch > most)
    return LK_FAIL(LK_DATA, "%s: step %lld of epoch %lld, but an epoch of this run has %lld step%s", path,
                   (long long)state->step_in_epoch, (long long)state->epoch, (long long)t->steps_in_epoch,
                   lk_plural(t->steps_in_epoch));
  if (!lk_schedule_possible(state->schedule))
    return LK_FAIL(LK_DATA, "%s: /state/schedule is not a possible state of a schedule", path);
  if (!lk_average_possible(state))
    return LK_FAIL(LK_DATA, "%s: /state/average is not a possible state of an average", path);
  return LK_OK;
}

static lk_status load_all(lk_trainer *t, const char *path, loaded *l) {
  lk_status status = LK_OK;
  bool same_average = false;
  lk_checkpoint_file *file = NULL;
  LK_GO(lk_checkpoint_open(&file, path));
  LK_GO(check_same_run(t, file, path, &same_average));
  l->state = *lk_checkpoint_state(file);
  LK_GO(check_state(t, &l->state, path));
  LK_GO(load_moments(t, file, l));
  LK_GO(load_weights(t, file, same_average, l));
  LK_GO(load_lanes(t, file, path, l));
  LK_GO(lk_checkpoint_history(file, &t->train_history, &t->valid_history));
  l->evaluated = lk_history_end(&t->valid_history) == l->state.step;
  l->remainder_logged = lk_history_end(&t->train_history) == l->state.step;
  LK_GO(lk_recorders_resume(&t->recorders, t->config, l->state.step, &l->tested));
  LK_GO(lk_checkpoint_relink(t->config->run.dir, l->state.step, l->state.best_step));
  l->found = true;
  LK_INFO("resuming from %s: step %lld, epoch %lld", path, (long long)l->state.step, (long long)l->state.epoch);
done:
  lk_checkpoint_close(&file);
  return status;
}

void lk_trainer_warn_damaged(lk_trainer *t) {
  for (char *line = t->damaged.data, *end; line && *line; line = end + 1) {
    end = strchr(line, '\n');
    LK_WARN("a damaged checkpoint is passed over: %.*s", (int)(end - line), line);
  }
  lk_buffer_truncate(&t->damaged, 0);
}

/* Without a checkpoint to resume from, metrics of an earlier start are deleted. */
static lk_status load(lk_trainer *t, loaded *l) {
  lk_trainer_warn_damaged(t); /* the log is open now */
  if (t->resume_path.size > 0) return load_all(t, t->resume_path.data, l);
  return lk_recorders_resume(&t->recorders, t->config, -1, &l->tested);
}

/* From rank 0 to all: the same weights everywhere, to each rank its ranges of the moments and of the average. */
static lk_status deal_weights(lk_trainer *t, const loaded *l) {
  size_t P = (size_t)lk_params_count(t->params);
  LK_TRY(lk_replicas_broadcast(t->replicas));
  for (int i = 0; i < lk_optimizer_moments(t->optimizer); i++)
    LK_TRY(lk_replicas_scatter(t->replicas, l->moments ? l->moments + (size_t)i * P : NULL,
                               lk_optimizer_moment(t->optimizer, i), 0));
  if (lk_average_holds(&l->state))
    LK_TRY(lk_replicas_scatter(t->replicas,
                               l->moments ? l->moments + (size_t)lk_optimizer_moments(t->optimizer) * P : NULL,
                               lk_average_values(t->average), 0));
  return LK_OK;
}

/* The same, to each rank its lanes, and the counters. */
static lk_status deal_out(lk_trainer *t, const loaded *l) {
  LK_TRY(deal_weights(t, l));
  if (t->lane_total * t->lane_width > 0) LK_TRY(lk_comm_scatter(t->comm, l->lanes, t->lanes, t->lane_bytes, 0));
  t->state = l->state;
  lk_schedule_load(t->schedule, t->state.schedule);
  return LK_OK;
}

/* A run that begins: from what init.from names. */
static lk_status begin(lk_trainer *t) {
  if (t->config->init.from[0] == '\0') return LK_OK;
  LK_TRY(lk_comm_agree(t->comm, t->rank == 0 ? lk_trainer_init_from(t) : LK_OK));
  return lk_replicas_broadcast(t->replicas);
}

lk_status lk_trainer_resume(lk_trainer *t) {
  lk_status status = LK_OK;
  loaded l = {0};
  LK_GO(lk_comm_agree(t->comm, t->rank == 0 ? load(t, &l) : LK_OK));
  LK_GO(lk_comm_broadcast(t->comm, &l, offsetof(loaded, moments), 0));
  if (!l.found) {
    LK_GO(begin(t));
    lk_optimizer_begin(t->optimizer, lk_params_values(t->params));
    goto done;
  }
  LK_GO(deal_out(t, &l));
  t->saved = true, t->evaluated = l.evaluated, t->tested = l.tested, t->remainder_logged = l.remainder_logged;
  if (t->config->train.minutes > 0) t->time_over = t->state.seconds >= 60 * t->config->train.minutes;
done:
  free(l.moments);
  free(l.lanes);
  return status == LK_OK ? lk_weights_pack(&t->weights) : status;
}

/* Rank 0: the checkpoint of the best evaluation. */
static lk_status load_best(lk_trainer *t, loaded *l) {
  lk_status status = LK_OK;
  lk_buffer path = {0};
  lk_checkpoint_file *file = NULL;
  bool same_average = false;
  LK_GO(lk_checkpoint_path(&path, t->config->run.dir, t->state.best_step));
  if (access(path.data, F_OK) != 0)
    LK_GO(LK_FAIL(LK_IO,
                  "%s, the best so far, is gone, and the rate falls: set train.restore_best to false to go on from the "
                  "weights of step %lld",
                  path.data, (long long)t->state.step));
  LK_GO(lk_checkpoint_open(&file, path.data));
  LK_GO(check_same_run(t, file, path.data, &same_average));
  l->state = *lk_checkpoint_state(file);
  LK_GO(check_state(t, &l->state, path.data));
  LK_GO(load_moments(t, file, l));
  LK_GO(load_weights(t, file, same_average, l));
done:
  lk_checkpoint_close(&file);
  lk_buffer_release(&path);
  return status;
}

/* After a run went back (train.spike) its best evaluation may be forgotten, so that one which is the best again is no
 * improvement for the schedule: then there is nothing to return to. */
lk_status lk_trainer_restore_best(lk_trainer *t) {
  lk_status status = LK_OK;
  loaded l = {0};
  if (t->state.best_step == t->state.step) return LK_OK;
  if (t->state.best_step == 0) {
    LK_WARN("step %lld: there is no best evaluation to return to (train.restore_best)", (long long)t->state.step);
    return LK_OK;
  }
  LK_TRY(lk_comm_agree(t->comm, lk_saver_wait(t)));
  LK_GO(lk_comm_agree(t->comm, t->rank == 0 ? load_best(t, &l) : LK_OK));
  LK_GO(lk_comm_broadcast(t->comm, &l, offsetof(loaded, moments), 0));
  LK_GO(deal_weights(t, &l));
  t->state.updates = l.state.updates; /* the moments' corrections for their start */
  lk_average_return(&t->state, &l.state);
  t->saved = false;
  LK_INFO("step %lld: the rate falls; training goes on from the weights of step %lld, the best so far",
          (long long)t->state.step, (long long)l.state.step);
  LK_GO(lk_weights_pack(&t->weights));
  /* a run that goes back is not to do this again: that checkpoint may be gone by then */
  LK_GO(lk_trainer_save(t, 0));
done:
  free(l.moments);
  return status;
}

static lk_status load_values(lk_trainer *t, const char *path, lk_state *of) {
  lk_checkpoint_file *file = NULL;
  lk_status status = lk_checkpoint_open(&file, path);
  if (status == LK_OK) status = lk_checkpoint_values(file, t->tensors, t->tensor_count, lk_params_values(t->params));
  if (status == LK_OK) *of = *lk_checkpoint_state(file);
  lk_checkpoint_close(&file);
  return status;
}

lk_status lk_trainer_load(lk_trainer *t, const char *path, lk_state *of) {
  LK_TRY(lk_comm_agree(t->comm, t->rank == 0 ? load_values(t, path, of) : LK_OK));
  LK_TRY(lk_replicas_broadcast(t->replicas));
  return lk_weights_pack(&t->weights);
}
