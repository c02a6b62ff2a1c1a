#include "loader_ahead_impl.h"

#include <stdlib.h>

#include "arena.h"
#include "loader_block_impl.h"

enum { FIRST_STEPS = 32 }; /* of the first part after a start or a jump */

/* ---- memory ---- */

/* Numbers of 4 bytes that a position takes in memory. */
static double numbers_of_position(const lk_corpus_info *info, const lk_loader_settings *settings) {
  const lk_column_names *read = &settings->columns;
  double numbers = info->frames > 0 ? (double)info->frames : 1;
  for (int c = 0; c < info->columns; c++)
    if (read->count == 0 || lk_column_named(read, info->column[c].name)) numbers += (double)info->column[c].width;
  return numbers + (settings->view == LK_VIEW_LABEL || settings->view == LK_VIEW_PAIRS);
}

double lk_loader_estimate(const lk_corpus_info *info, const lk_loader_settings *settings, const lk_shards *shards) {
  const double share = (double)shards->count / (double)shards->total;
  const double rows = (double)info->rows[settings->split], positions = (double)info->tokens[settings->split] + 2 * rows;
  return share * (positions * 4 * numbers_of_position(info, settings) + rows * 28);
}

lk_status lk_loader_choose_memory(lk_loader *loader, const lk_corpus_info *info) {
  const size_t most = loader->settings.memory;
  const double all = lk_loader_estimate(info, &loader->settings, &loader->shards);
  loader->memory = (size_t)all;
  if (most == 0 || all <= (double)most) return LK_OK;
  LK_TRY(lk_alloc(&loader->ahead, 1, sizeof *loader->ahead));
  if (pthread_mutex_init(&loader->ahead->mutex, NULL) == 0) {
    if (pthread_cond_init(&loader->ahead->changed, NULL) == 0) {
      loader->memory = most;
      return LK_OK;
    }
    pthread_mutex_destroy(&loader->ahead->mutex);
  }
  free(loader->ahead);
  loader->ahead = NULL;
  return LK_FAIL(LK_MEMORY, "out of memory for a lock");
}

size_t lk_loader_memory(const lk_loader *loader, bool *ahead) {
  *ahead = loader->ahead != NULL;
  return loader->memory;
}

/* Bytes of what rows are planned by, and of where their chunks are. */
static size_t plan_bytes(const lk_loader *loader) {
  size_t row = sizeof *loader->order + sizeof *loader->all.length, most = 0;
  if (loader->settings.view == LK_VIEW_PAIRS) row += sizeof *loader->key + sizeof *loader->all.target_length;
  if (loader->settings.view == LK_VIEW_CLASSIFY) row += sizeof *loader->all.target;
  for (int s = 0; s < loader->shards.count && !loader->stream; s++) {
    const size_t owned = (size_t)(loader->first[s + 1] - loader->first[s]);
    if (owned > most) most = owned;
  }
  return (size_t)loader->rows * row + 2 * most * sizeof *loader->scratch + (size_t)loader->steps * 12;
}

static lk_status reserve(lk_loader *loader) {
  lk_ahead *ahead = loader->ahead;
  const size_t least = lk_supply_least(loader), most = loader->settings.memory;
  const size_t plan = plan_bytes(loader) + lk_corpus_apart_bytes(ahead->corpus) + lk_supply_block(loader);
  if (most < plan || (most - plan) / 2 < least) {
    const bool evaluation = loader->settings.split != LK_TRAIN; /* which gets a quarter */
    return LK_FAIL(
        LK_USAGE,
        "data.memory leaves %.0f KiB%s for the rows of /%s on a rank, but their plan takes %.0f KiB and two batches "
        "%.0f: expected %zuK more",
        (double)most / 1024, evaluation ? ", a quarter," : "", lk_split_names[loader->settings.split],
        (double)plan / 1024, 2 * (double)least / 1024, (((plan + 2 * least - most) >> 10) + 1) * (evaluation ? 4 : 1));
  }
  ahead->room = (most - plan) / 2;
  for (int i = 0; i < 2; i++) LK_TRY(lk_alloc(&ahead->part[i].memory, ahead->room, 1));
  return LK_OK;
}

/* ---- the thread ---- */

static lk_supply *find(lk_ahead *ahead, lk_supply_state state) {
  for (int i = 0; i < 2; i++)
    if (ahead->part[i].state == state) return &ahead->part[i];
  return NULL;
}

/* Fill a part, without the lock. */
static void fill(lk_loader *loader, lk_supply *part) {
  lk_ahead *ahead = loader->ahead;
  const unsigned asked = ahead->asked;
  const int64_t epoch = ahead->epoch, step = ahead->step, most = ahead->most;
  part->state = LK_SUPPLY_FILLING;
  pthread_mutex_unlock(&ahead->mutex);
  const lk_status status = lk_supply_fill(loader, part, epoch, step, most, asked);
  pthread_mutex_lock(&ahead->mutex);
  part->state = LK_SUPPLY_FREE;
  ahead->status = status;
  if (status != LK_OK || ahead->asked != asked) return;
  part->state = LK_SUPPLY_READY;
  ahead->most = most < loader->steps ? 2 * most : most;
  ahead->step = part->last;
  if (ahead->step < loader->steps) return;
  if (loader->settings.shuffle) ahead->epoch++; /* else all are alike, and evaluations always ask for the first */
  ahead->step = 0;
}

static void *read_ahead(void *argument) {
  lk_loader *loader = argument;
  lk_ahead *ahead = loader->ahead;
  lk_error_divert(&ahead->error); /* training may end, or fail otherwise, before it needs these rows */
  pthread_mutex_lock(&ahead->mutex);
  while (!ahead->stop && ahead->status == LK_OK) {
    lk_supply *part = find(ahead, LK_SUPPLY_FREE);
    if (part) {
      fill(loader, part);
      pthread_cond_broadcast(&ahead->changed);
    } else {
      pthread_cond_wait(&ahead->changed, &ahead->mutex);
    }
  }
  pthread_mutex_unlock(&ahead->mutex);
  return NULL;
}

/* The thread itself is started by the first call of lk_ahead_turn(), which knows where. */
lk_status lk_ahead_start(lk_loader *loader) { return reserve(loader); }

void lk_ahead_stop(lk_loader *loader) {
  lk_ahead *ahead = loader->ahead;
  if (!ahead) return;
  pthread_mutex_lock(&ahead->mutex);
  ahead->stop = true;
  ahead->asked++;
  pthread_cond_broadcast(&ahead->changed);
  pthread_mutex_unlock(&ahead->mutex);
  if (ahead->running) pthread_join(ahead->thread, NULL);
  pthread_cond_destroy(&ahead->changed);
  pthread_mutex_destroy(&ahead->mutex);
  for (int i = 0; i < 2; i++) free(ahead->part[i].memory);
  lk_corpus_close(&ahead->corpus);
  free(ahead);
  loader->ahead = NULL;
}

/* ---- who trains ---- */

static bool has(const lk_supply *part, int64_t epoch, int64_t step) {
  return part->state == LK_SUPPLY_READY && part->epoch == epoch && part->first <= step && step < part->last;
}

/* Free the parts that are ready, but `keep`. */
static void free_others(lk_ahead *ahead, const lk_supply *keep) {
  for (int i = 0; i < 2; i++)
    if (&ahead->part[i] != keep && ahead->part[i].state == LK_SUPPLY_READY) ahead->part[i].state = LK_SUPPLY_FREE;
  pthread_cond_broadcast(&ahead->changed);
}

/* Where the thread is to go on; what it is filling is no longer wanted. */
static void jump(lk_ahead *ahead, int64_t epoch, int64_t step) {
  ahead->asked++;
  ahead->epoch = epoch;
  ahead->step = step;
  ahead->most = FIRST_STEPS;
}

static const lk_supply *find_step(lk_ahead *ahead, int64_t epoch, int64_t step) {
  for (int i = 0; i < 2; i++)
    if (has(&ahead->part[i], epoch, step)) return &ahead->part[i];
  return NULL;
}

/* Whether the parts that are ready, or the one being filled, lead to this step. */
static bool comes(const lk_ahead *ahead, int64_t epoch, int64_t step) {
  return ahead->epoch == epoch && ahead->step == step;
}

static lk_status turn(lk_loader *loader, int64_t epoch, int64_t step, const lk_supply **part) {
  lk_ahead *ahead = loader->ahead;
  const lk_supply *found = find_step(ahead, epoch, step);
  if (found && found == *part) return LK_OK;
  if (!found && ahead->status == LK_OK && (!comes(ahead, epoch, step) || !ahead->running)) jump(ahead, epoch, step);
  free_others(ahead, found);
  if (!ahead->running) {
    if (pthread_create(&ahead->thread, NULL, read_ahead, loader) != 0)
      return LK_FAIL(LK_MEMORY, "cannot start a thread that reads rows ahead");
    ahead->running = true;
  }
  while (!(found = find_step(ahead, epoch, step)) && ahead->status == LK_OK)
    pthread_cond_wait(&ahead->changed, &ahead->mutex);
  *part = found;
  return found ? LK_OK : LK_FAIL(ahead->status, "%s", ahead->error.text);
}

/* *part is the one of the step before; or NULL. */
lk_status lk_ahead_turn(lk_loader *loader, int64_t epoch, int64_t step, const lk_supply **part) {
  pthread_mutex_lock(&loader->ahead->mutex);
  const lk_status status = turn(loader, epoch, step, part);
  pthread_mutex_unlock(&loader->ahead->mutex);
  return status;
}
