#include "lockstep/config.h"

#include <stdlib.h>

#include "api_impl.h"
#include "arena.h"
#include "trainer.h"

lockstep_status lockstep_config_create(lockstep_config **config) {
  LK_ENTER();
  lockstep_config *made = NULL;
  lk_status status = lk_alloc(&made, 1, sizeof *made);
  if (status == LK_OK) status = lk_config_init(&made->config);
  if (status == LK_OK)
    *config = made;
  else
    free(made);
  return lk_api_leave(status);
}

void lockstep_config_destroy(lockstep_config **config) {
  if (*config == NULL || lk_api_enter() != LK_OK) return;
  lk_config_release(&(*config)->config);
  lk_buffer_release(&(*config)->text);
  free(*config);
  *config = NULL;
  (void)lk_api_leave(LK_OK);
}

lockstep_status lockstep_config_read(lockstep_config *config, const char *path) {
  LK_ENTER();
  lk_buffer file = {0};
  lk_status status = lk_buffer_read_file(&file, path);
  if (status == LK_OK) status = lk_config_parse(&config->config, file.data ? file.data : "", file.size, path);
  lk_buffer_release(&file);
  return lk_api_leave(status);
}

lockstep_status lockstep_config_set(lockstep_config *config, const char *key, const char *value) {
  LK_ENTER();
  lk_buffer assignment = {0};
  lk_status status = lk_buffer_printf(&assignment, "%s=%s", key, value);
  if (status == LK_OK) status = lk_config_override(&config->config, assignment.data);
  lk_buffer_release(&assignment);
  return lk_api_leave(status);
}

/* What `write` appends to the empty text of the configuration, as *out. */
static lockstep_status show(lockstep_config *config, lk_status status, const char **out) {
  if (status == LK_OK) *out = config->text.data ? config->text.data : "";
  return lk_api_leave(status);
}

lockstep_status lockstep_config_get(lockstep_config *config, const char *key, const char **value) {
  LK_ENTER();
  lk_buffer_truncate(&config->text, 0);
  return show(config, lk_config_get(&config->config, "lockstep_config_get", key, &config->text), value);
}

lockstep_status lockstep_config_check(lockstep_config *config) {
  LK_ENTER();
  return lk_api_leave(lk_train_check(&config->config));
}

lockstep_status lockstep_config_print(lockstep_config *config, const char **yaml) {
  LK_ENTER();
  lk_buffer_truncate(&config->text, 0);
  return show(config, lk_config_print(&config->config, &config->text), yaml);
}

lockstep_status lockstep_config_describe(lockstep_config *config, const char **text) {
  LK_ENTER();
  lk_buffer_truncate(&config->text, 0);
  return show(config, lk_config_describe(&config->text), text);
}
