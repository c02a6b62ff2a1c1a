/* prepare_options_impl.h - the options of `lockstep prepare`, and which kinds each of them goes with.
 *
 * One table (prepare_options.c, beside what takes the values) makes what argp reads, what `lockstep prepare KIND --help`
 * shows and the error of an option that is given to another kind (prepare_argp.c). */
#pragma once
#include "cli_impl.h"
#include "prepare.h"

/* Kinds as a set; kinds_help of prepare_argp.c has their names, in this order. */
enum {
  LK_KIND_TEXT = 1 << 0,
  LK_KIND_CLASSIFY = 1 << 1,
  LK_KIND_LABEL = 1 << 2,
  LK_KIND_PAIRS = 1 << 3,
  LK_KIND_FRAMES = 1 << 4,
  LK_KIND_ALL = (1 << 5) - 1,
  LK_KINDS = 5
};

/* What argp and the help know of an option. */
typedef struct lk_prepare_option {
  int key;
  const char *name, *argument;
  unsigned kinds;
  int group; /* of the help */
  const char *what;
} lk_prepare_option;

enum { LK_PREPARE_MOST_OPTIONS = 64 };
extern const lk_prepare_option lk_prepare_options[]; /* [lk_prepare_option_count] */
extern const int lk_prepare_option_count;

/* Files in the order of the command line. */
typedef struct lk_prepare_paths {
  const char **path; /* [count + 1], NULL at the end; NULL where there is none */
  int count;
  size_t capacity;
} lk_prepare_paths;

/* What the command line said. */
typedef struct lk_prepare_arguments {
  lk_prepare prepare;
  lk_prepare_paths input[LK_SPLITS], target[LK_SPLITS]; /* owned; prepare borrows them */
  bool given[LK_PREPARE_MOST_OPTIONS];                  /* by the place in the table */
  const char *like_path;                                /* --like, or NULL */
  lk_prepare_like like;                                 /* opened */
  bool unit[2], vocabulary, minimum;                    /* given for the sources and targets; for the targets alone */
} lk_prepare_arguments;

/** Parse the command line; *help is set and the help printed where it asks for that: of one kind where one is named.
 *  LK_USAGE where an option is wrong in itself.                                     Not collective. */
LK_CHECKED lk_status lk_prepare_parse(int argc, char **argv, lk_prepare_arguments *arguments, int *help);
void lk_prepare_release(lk_prepare_arguments *arguments);
/** LK_USAGE where an option was given that does not go with the kind, which is a good one.       Not collective. */
LK_CHECKED lk_status lk_prepare_check_options(const lk_prepare_arguments *arguments);
/** LK_USAGE where an option says other than what a->like, which is open, settles.                Not collective. */
LK_CHECKED lk_status lk_prepare_check_like(const lk_prepare_arguments *arguments);
/** argp's parser: takes one option of the table, input is an lk_prepare_arguments.  Not collective. */
error_t lk_prepare_take(int key, char *text, struct argp_state *state);
/** "text, classify or pairs": kinds of a set, `join` before the last. */
void lk_prepare_name_kinds(char out[64], unsigned kinds, const char *join);
