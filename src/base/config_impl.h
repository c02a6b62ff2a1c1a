/* config_impl.h - what the sources of the configuration share: the table of keys, and setting one of them from text. */
#pragma once
#include "config.h"

typedef enum config_kind { KEY_INTEGER, KEY_REAL, KEY_BOOLEAN, KEY_STRING } config_kind;

/* Ends of a range that do not belong to it. */
enum { ABOVE_LEAST = 1, BELOW_MOST = 2 };

typedef struct config_key {
  const char *name; /* "section.key", or "key" at the top */
  config_kind kind;
  size_t offset;       /* into lk_config */
  const char *initial; /* the default, as it would stand in a file */
  double least, most;  /* range of a number; infinite where there is no end */
  bool path;           /* a text that names a file or folder: "~" in front is the home folder */
  int open;            /* ABOVE_LEAST | BELOW_MOST */
  const char *unit;    /* "" where there is none */
  const char *help;    /* one sentence or two; choices, and what 0 means */
} config_key;

typedef struct config_section {
  const char *name, *help;
} config_section;

enum { LK_CONFIG_MOST_KEYS = 128, LK_CONFIG_SECTIONS = 10 };
/* Keys of one section stand together; those without a section come first. */
extern const config_key lk_config_keys[];
extern const ptrdiff_t lk_config_key_count; /* at most LK_CONFIG_MOST_KEYS */
extern const config_section lk_config_sections[LK_CONFIG_SECTIONS];

struct lk_config_source {
  char **text; /* every string that the configuration or `place` points to */
  size_t texts, capacity;
  const char *name;                       /* the last file that was merged, NULL before */
  const char *place[LK_CONFIG_MOST_KEYS]; /* "file:line:column" or "command line: key=value", NULL: a default */
};

/* What stands where a value is expected. */
typedef enum config_form { FORM_PLAIN, FORM_QUOTED, FORM_LIST, FORM_MAPPING, FORM_ALIAS, FORM_NOTHING } config_form;
typedef struct config_value {
  config_form form;
  const char *text; /* of a plain or quoted one */
  size_t size;
} config_value;

/** The index of a key, -1 where there is none; whether keys lie below `name`. */
ptrdiff_t lk_config_find(const char *name, size_t size);
bool lk_config_is_section(const char *name, size_t size);
/** LK_USAGE for a name that is neither, with the nearest that is. */
LK_CHECKED lk_status lk_config_unknown(const char *place, const char *name, size_t size);

/** Whether `name` is one that other toolkits have for a setting: *key is ours, or NULL, and *instead says what takes its
 *  place. */
bool lk_config_elsewhere(const char *name, const char **key, const char **instead);

/** A copy of the text that lives as long as the configuration. LK_MEMORY. */
LK_CHECKED lk_status lk_config_keep(lk_config *config, const char *text, size_t size, const char **kept);
/** Check and store a value; `place`, kept by the caller, or NULL for a default. LK_USAGE, LK_MEMORY. */
LK_CHECKED lk_status lk_config_set(lk_config *config, ptrdiff_t index, config_value value, const char *place);
/** What a message calls the key: "" where its place, "command line: key=value", does already. */
const char *lk_config_name_at(const char *place, const config_key *key);
/** "a whole number from 1 to 4096", for messages and help; returns out. */
const char *lk_config_expected(char out[128], const config_key *key);
/** The value of a key as it would stand in a file. LK_MEMORY. */
LK_CHECKED lk_status lk_config_format(const lk_config *config, const config_key *key, lk_buffer *out);
