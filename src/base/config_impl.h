/* config_impl.h - private to the sources of the configuration: the table of settings, and setting one from text. */
#pragma once
#include "choices.h"
#include "config.h"

typedef enum config_kind { KEY_INTEGER, KEY_REAL, KEY_BOOLEAN, KEY_STRING } config_kind;

/* For ranges that exclude their least or largest value. */
enum { ABOVE_LEAST = 1, BELOW_MOST = 2 };

/* A setting. Its choices, if it has some, are in choices.h. */
typedef struct config_key {
  const char *name;    /* "section.key", or "key" outside of sections */
  const char *former;  /* the name that older versions had for it, still accepted; or NULL */
  config_kind kind;    /* that of its field in lk_config */
  size_t offset;       /* of the field */
  const char *initial; /* the default, as written in a file */
  double least, most;  /* range of a number; infinite if there is no limit */
  int open;            /* ABOVE_LEAST | BELOW_MOST */
  const char *unit;    /* of a number, "" if it has none; NULL for other types */
  bool path;           /* a text that is a path: a leading "~" is the home folder */
  const char *form;    /* the syntax of a text, for messages; NULL: any text, or one of the choices */
  bool fixed;          /* cannot change in a run, so not on resume either */
  int corpora;         /* the corpora on which it has an effect: an lk_config_corpus, 0: all */
  const char *help;    /* a sentence or two; what 0 means. Not the choices */
} config_key;

/** The unit of a key in these brackets, such as " (steps)"; "" if it has none. Returns out. */
const char *lk_config_unit_text(char out[64], const config_key *key, const char *brackets);

typedef struct config_section {
  const char *name, *help;
} config_section;

enum { LK_CONFIG_MOST_KEYS = 128, LK_CONFIG_SECTIONS = 10, LK_CONFIG_EXPECTED = 512 };
/* Keys without a section first, then section by section. */
extern const config_key lk_config_keys[];
extern const ptrdiff_t lk_config_key_count; /* at most LK_CONFIG_MOST_KEYS */
extern const config_section lk_config_sections[LK_CONFIG_SECTIONS];

struct lk_config_source {
  char **text; /* every string that the configuration or `place` points to */
  size_t texts, capacity;
  const char *name;                       /* the last file that was merged, NULL before */
  const char *place[LK_CONFIG_MOST_KEYS]; /* "file:line:column" or "command line: key=value", NULL: a default */
  bool by_former[LK_CONFIG_MOST_KEYS];    /* set by its former name */
};

/* What a text has in the place of a value. */
typedef enum config_form { FORM_PLAIN, FORM_QUOTED, FORM_LIST, FORM_MAPPING, FORM_ALIAS, FORM_NOTHING } config_form;
typedef struct config_value {
  config_form form;
  const char *text; /* of FORM_PLAIN and FORM_QUOTED */
  size_t size;
} config_value;

/** The index of a key by its name or former name, or -1. */
ptrdiff_t lk_config_find(const char *name, size_t size);
/** Whether `name` is the former name of key `index`. */
bool lk_config_is_former(ptrdiff_t index, const char *name, size_t size);
bool lk_config_is_section(const char *name, size_t size);
/** LK_USAGE for a name that is neither a key nor a section, naming the nearest known one. */
LK_CHECKED lk_status lk_config_unknown(const char *place, const char *name, size_t size);

/** Whether `name` is a setting of other toolkits. *key: our name for it; or NULL, then *instead says what to do. */
bool lk_config_elsewhere(const char *name, const char **key, const char **instead);

/** A copy of the text that lives as long as the configuration. LK_MEMORY. */
LK_CHECKED lk_status lk_config_keep(lk_config *config, const char *text, size_t size, const char **kept);
/** Check and store a value. `place`: where it was set, kept by the caller; NULL for a default. LK_USAGE, LK_MEMORY. */
LK_CHECKED lk_status lk_config_set(lk_config *config, ptrdiff_t index, config_value value, const char *place);
/** The name of the key for a message: "" if its place, "command line: key=value", contains it already. */
const char *lk_config_name_at(const char *place, const config_key *key);
/** "a whole number from 1 to 4096", "elman, lstm or gru", for messages and help; returns out. */
const char *lk_config_expected(char out[LK_CONFIG_EXPECTED], const config_key *key);
/** Append the value of a key as it would be written in a file. LK_MEMORY. */
LK_CHECKED lk_status lk_config_format(const lk_config *config, const config_key *key, lk_buffer *out);
/** The value of a string key. */
const char *lk_config_text(const lk_config *config, const config_key *key);
/** Whether the values of a key are equal. */
bool lk_config_equal(const lk_config *a, const lk_config *b, const config_key *key);
/** Whether choice `index` of `key` lists `setting` among those that it reads (lk_choice.reads). */
bool lk_choices_read(const char *key, size_t index, const char *setting);
/** Whether the value of a string key is one of names[count]: *index. */
bool lk_config_find_choice(const lk_config *config, const config_key *key, const char *const *names, size_t count,
                           size_t *index);
/** "a, b or c" from names[count]; returns out. */
const char *lk_config_list(char out[LK_CONFIG_EXPECTED], const char *const *names, size_t count);
