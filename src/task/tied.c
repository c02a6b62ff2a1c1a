/* tied.c - what model.tied asks of the other settings. */
#include "task_impl.h"

lk_status lk_task_untied(const lk_config *config) {
  if (!config->model.tied) return LK_OK;
  return lk_config_error(config, "model.tied", "only language models and translators can tie their weights");
}

lk_status lk_task_embedding_alone(const lk_config *config, const char *key) {
  if (lk_input_vectors(config) == LK_VECTORS_UNREAD) return LK_OK;
  return lk_config_error(config, key, "the embedding has to be all that is read of a word, but model.vectors is %s",
                         config->model.vectors);
}

lk_status lk_task_tied_width(const lk_config *config) {
  const lk_config_model *m = &config->model;
  ptrdiff_t widths[LK_MAX_LAYERS];
  LK_TRY(lk_layer_widths(config, widths));
  const long long last = (long long)widths[m->layers - 1];
  if (!m->tied || m->embedding == last) return LK_OK;
  return lk_config_error(config, "model.tied", "tied weights need model.embedding = %s, found %lld and %lld",
                         *m->widths ? "the last of model.widths" : "model.hidden", (long long)m->embedding, last);
}
