/* tied.c - what model.tied asks of the other settings. */
#include "task_impl.h"

lk_status lk_task_untied(const lk_config *config) {
  if (!config->model.tied) return LK_OK;
  return lk_config_error(config, "model.tied", "only language models and translators can tie their weights");
}

lk_status lk_task_tied_width(const lk_config *config) {
  const lk_config_model *m = &config->model;
  if (!m->tied || m->embedding == m->hidden) return LK_OK;
  return lk_config_error(config, "model.tied", "tied weights need model.embedding = model.hidden, found %lld and %lld",
                         (long long)m->embedding, (long long)m->hidden);
}
