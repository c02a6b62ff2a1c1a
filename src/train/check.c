/* check.c - what can be wrong in a configuration by itself, found before a corpus is opened, and settings without
 * effect. */
#include <string.h>

#include "decay.h"
#include "trainer_impl.h"

/* A task, a schedule and a spike rule say more about their settings than whether they are among the choices, so they
 * come first. */
lk_status lk_train_check(const lk_config *config) {
  lk_spike spike;
  lk_decay decay;
  int shards;
  double memory;
  if (config->run.dir[0] == '\0')
    return lk_config_error(config, "run.dir", "expected the path of a folder, found nothing");
  LK_TRY(lk_task_check(config));
  LK_TRY(lk_schedule_check(config));
  LK_TRY(lk_spike_read(&spike, config));
  LK_TRY(lk_decay_read(&decay, config));
  LK_TRY(lk_config_shards(config, 1, &shards));
  if (strcmp(config->parallel.shards, "ranks") != 0) LK_TRY(lk_accumulate_check(config, shards));
  LK_TRY(lk_config_memory(config, &memory));
  return lk_config_check_choices(config);
}

lk_status lk_train_warn(const lk_config *config, const lk_corpus_info *info) {
  const int ids = info && info->frames == 0 ? LK_CONFIG_IDS : 0;
  return lk_config_warn(config, info ? ids | (info->stream ? LK_CONFIG_STREAM : LK_CONFIG_ROWS) : 0);
}
