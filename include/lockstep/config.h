/* config.h - the settings of a training run.
 *
 * A configuration maps keys such as `train.rate` to values. It begins with the default of every key; a YAML file and
 * single values are merged over it. lockstep_config_describe() lists all keys with type, default, range, unit and
 * meaning.
 *
 *   lockstep_config *config = NULL;
 *   if (lockstep_config_create(&config) != LOCKSTEP_OK ||
 *       lockstep_config_read(config, "lm-char.yaml") != LOCKSTEP_OK ||
 *       lockstep_config_set(config, "train.rate", "0.002") != LOCKSTEP_OK)
 *     fprintf(stderr, "%s\n", lockstep_error());
 *   lockstep_config_destroy(&config);
 *
 * Texts are UTF-8. A configuration owns all texts that its functions return; they are valid until the next call with
 * the same configuration and must not be freed. */
#pragma once
#include "lockstep/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lockstep_config lockstep_config;

/** A configuration with every key at its default. LOCKSTEP_MEMORY.                    Not collective. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_config_create(lockstep_config **config);

/** Free *config and set it to NULL. No effect if it is NULL.                          Not collective. */
LOCKSTEP_API void lockstep_config_destroy(lockstep_config **config);

/** Merge a YAML file. LOCKSTEP_IO; LOCKSTEP_USAGE naming file, line and column of an unknown key or a bad value. After
 *  an error, keys before the bad one may have been set.                               Not collective. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_config_read(lockstep_config *config, const char *path);

/** Set one key ("train.rate") from text ("0.002"). LOCKSTEP_USAGE: unknown key (with the nearest known one), or a value
 *  out of range.                                                                      Not collective. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_config_set(lockstep_config *config, const char *key,
                                                                  const char *value);

/** *value = the value of one key that is in effect, as text. LOCKSTEP_USAGE: unknown key. Not collective. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_config_get(lockstep_config *config, const char *key,
                                                                  const char **value);

/** Check everything that can be checked without a corpus: names of cells and optimizers, settings that exclude each
 *  other. LOCKSTEP_USAGE. lockstep_train() makes the same check.                      Not collective. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_config_check(lockstep_config *config);

/** *yaml: all keys with their values and meaning; reading it gives the same settings. Not collective. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_config_print(lockstep_config *config, const char **yaml);

/** *text: a table of all keys: type, default, range, unit, meaning.                   Not collective. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_config_describe(lockstep_config *config, const char **text);

#ifdef __cplusplus
}
#endif
