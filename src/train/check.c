/* check.c - what can be wrong in a configuration for itself, found before a corpus is opened. */
#include "attention.h"
#include "decoder.h"
#include "pooling.h"
#include "trainer_impl.h"

static const char *const *reduction_names(size_t *count) {
  *count = LK_TRANSPORTS;
  return lk_transport_names;
}

/* The keys that choose one of several, and who knows them. Checked whatever the task makes of them. */
static const struct {
  const char *key;
  const char *const *(*names)(size_t *count);
} choices[] = {{"task", lk_task_names},
               {"kernels", lk_kernels_names},
               {"model.input", lk_input_names},
               {"model.cell", lk_cell_names},
               {"model.recurrent_init", lk_recurrent_init_names},
               {"model.output", lk_head_names},
               {"model.pool", lk_pooling_names},
               {"model.attention", lk_attention_names},
               {"model.bridge", lk_bridge_names},
               {"train.optimizer", lk_optimizer_names},
               {"parallel.reduction", reduction_names}};

lk_status lk_train_check(const lk_config *config) {
  lk_spike spike;
  int shards;
  for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
    size_t count, index;
    const char *const *names = choices[i].names(&count);
    LK_TRY(lk_config_choice(config, choices[i].key, names, count, &index));
  }
  if (config->run.dir[0] == '\0')
    return lk_config_error(config, "run.dir", "expected the path of a folder, found nothing");
  LK_TRY(lk_schedule_check(config));
  LK_TRY(lk_task_check(config));
  LK_TRY(lk_config_shards(config, 1, &shards));
  return lk_spike_read(&spike, config);
}
