/* config.h - the settings of a run.
 *
 * YAML in, one plain struct out. A setting is one field in config_fields.h and one row in config_table.c, which has its
 * default, range, unit and help, whether it is fixed for a run, and on which corpora it has an effect. Parsing,
 * messages, `lockstep config`, the check of a resumed run and the warnings for settings without effect all use these
 * rows. Settings that choose from a table (a cell, a task, an optimizer) are strings; the owner of the table registers
 * it (choices.h). An unknown key is an error that names the nearest key. Only config.c includes libfyaml. */
#pragma once
#include "config_fields.h"
#include "text.h"

/* Properties of a corpus on which the effect of a setting may depend. One of the last two is true of each corpus. */
typedef enum lk_config_corpus {
  LK_CONFIG_IDS = 1,    /* of units with ids, not of frames */
  LK_CONFIG_STREAM = 2, /* one running text */
  LK_CONFIG_ROWS = 4    /* separate sequences */
} lk_config_corpus;

/** Set every key to its default.                                                  Not collective. */
LK_CHECKED lk_status lk_config_init(lk_config *config);
/** Merge YAML text over what is there; `name`: of the file, for messages. LK_USAGE with file:line:column and what was
 *  expected.                                                                      Not collective. */
LK_CHECKED lk_status lk_config_parse(lk_config *config, const char *text, size_t size, const char *name);
/** Merge one "key.path=value" of the command line. LK_USAGE.                       Not collective. */
LK_CHECKED lk_status lk_config_override(lk_config *config, const char *assignment);
/** The effective configuration as YAML with a comment for each key; parses back to the same. */
LK_CHECKED lk_status lk_config_print(const lk_config *config, lk_buffer *out);
/** All settings: type, range or choices, unit, default, help, for `lockstep config --describe`.   Not collective. */
LK_CHECKED lk_status lk_config_describe(lk_buffer *out);
/** The name of setting `index`, from 0; NULL behind the last one.                    Not collective. */
const char *lk_config_key_name(ptrdiff_t index);
/** Append the value of `key` as it would be written in a file. LK_MEMORY.            Not collective. */
LK_CHECKED lk_status lk_config_value(const lk_config *config, const char *key, lk_buffer *out);
/** The same for a key that a user gave at `place`, and without quotes around a text. LK_USAGE, LK_MEMORY. Not
 *  collective. */
LK_CHECKED lk_status lk_config_get(const lk_config *config, const char *place, const char *key, lk_buffer *out);
/** LK_USAGE, naming the place where `key` was set: "tiny.yaml:7:9: model.cell: expected ..., found ...". */
LK_CHECKED lk_status lk_config_error(const lk_config *config, const char *key, const char *format, ...) LK_PRINTF(3, 4);
/** The index of the value of string key `key` among its choices, which must be registered; LK_USAGE lists them and
 *  suggests the nearest one.                                                               Not collective. */
LK_CHECKED lk_status lk_config_choice(const lk_config *config, const char *key, size_t *index);
/** The same among names[count]. */
LK_CHECKED lk_status lk_config_choice_of(const lk_config *config, const char *key, const char *const *names,
                                         size_t count, size_t *index);
/** Check that each setting with choices has one of them as its value. LK_USAGE.   Not collective. */
LK_CHECKED lk_status lk_config_check_choices(const lk_config *config);
/** Log a warning for each setting that was given by its former name, and for each that is not at its default but has no
 *  effect, because of other settings or on a corpus with the properties `corpora` (lk_config_corpus; 0: not known).
 *                                                                                 LK_MEMORY. Not collective. */
LK_CHECKED lk_status lk_config_warn(const lk_config *config, int corpora);
/** The first key that differs, or NULL.                                             Not collective. */
const char *lk_config_differs(const lk_config *a, const lk_config *b);
/** The first key that is fixed for a run and differs from what the run began with, or NULL.   Not collective. */
const char *lk_config_changed(const lk_config *began, const lk_config *now);
/** The number of shards of a run on `ranks` ranks, from parallel.shards. LK_USAGE if it is neither a number from 1
 *  to LK_MAX_SHARDS nor "ranks", or if it is below the number of ranks.                       Not collective. */
LK_CHECKED lk_status lk_config_shards(const lk_config *config, int ranks, int *shards);
/** *bytes = data.memory, or 0 for "auto". LK_USAGE if it is neither "auto" nor a number above 0, which K, M, G or T
 *  (1024, 1024^2 ...) may follow.                                                             Not collective. */
LK_CHECKED lk_status lk_config_memory(const lk_config *config, double *bytes);
/* What other folders may know of a setting; its choices are in choices.h. */
typedef struct lk_config_setting {
  const char *name, *help, *initial; /* "train.rate"; a sentence; the default as written in a file */
  const char *section;               /* the help of its section, NULL outside of sections */
  bool boolean, path;                /* it is true or false; the path of a file or folder */
} lk_config_setting;
/** The setting of that index, in the order of the table; false behind the last.    Not collective. */
bool lk_config_setting_at(ptrdiff_t index, lk_config_setting *setting);
void lk_config_release(lk_config *config);
