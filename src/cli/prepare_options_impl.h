/* prepare_options_impl.h - the options of `lockstep prepare`, and the kinds of corpus that each is for.
 *
 * One table, in prepare_options.c, serves the parser, the help of all kinds and of one kind, and the error for an option
 * of another kind (prepare_argp.c). */
#pragma once
#include "cli_impl.h"
#include "prepare.h"

/* Kinds as bits of a set, in the order of kinds_help in prepare_argp.c. */
enum {
  LK_KIND_TEXT = 1 << 0,
  LK_KIND_CLASSIFY = 1 << 1,
  LK_KIND_LABEL = 1 << 2,
  LK_KIND_PAIRS = 1 << 3,
  LK_KIND_FRAMES = 1 << 4,
  LK_KIND_ALL = (1 << 5) - 1,
  LK_KINDS = 5
};

/* One row of the table. */
typedef struct lk_prepare_option {
  int key;
  const char *name, *argument;
  unsigned kinds; /* that it is for */
  int group;      /* in the help */
  const char *what;
} lk_prepare_option;

enum { LK_PREPARE_MOST_OPTIONS = 64 };
extern const lk_prepare_option lk_prepare_options[]; /* [lk_prepare_option_count] */
extern const int lk_prepare_option_count;

/* Files of one split, in the order of the command line. */
typedef struct lk_prepare_paths {
  const char **path; /* [count + 1], the last one NULL; NULL if count is 0 */
  int count;
  size_t capacity;
} lk_prepare_paths;

/* The parsed command line. */
typedef struct lk_prepare_arguments {
  lk_prepare prepare;
  lk_prepare_paths input[LK_SPLITS], target[LK_SPLITS]; /* owned; prepare borrows them */
  bool given[LK_PREPARE_MOST_OPTIONS];                  /* by index in lk_prepare_options */
  const char *like_path;                                /* --like, or NULL */
  lk_prepare_like like;                                 /* opened */
  bool unit[2], vocabulary, minimum; /* unit: given for sources, targets; others: given for targets */
} lk_prepare_arguments;

/** Parse the command line. Where it asks for help, print that of the named kind, or of all, and set *help. LK_USAGE for
 *  unknown options and wrong values.                                                Not collective. */
LK_CHECKED lk_status lk_prepare_parse(int argc, char **argv, lk_prepare_arguments *arguments, int *help);
void lk_prepare_release(lk_prepare_arguments *arguments);
/** LK_USAGE if an option was given that does not apply to arguments->prepare.kind, which must be valid.
 *                                                                                  Not collective. */
LK_CHECKED lk_status lk_prepare_check_options(const lk_prepare_arguments *arguments);
/** LK_USAGE where an option contradicts arguments->like, which must be open.        Not collective. */
LK_CHECKED lk_status lk_prepare_check_like(const lk_prepare_arguments *arguments);
/** The parser for argp; state->input is an lk_prepare_arguments.                    Not collective. */
error_t lk_prepare_take(int key, char *text, struct argp_state *state);
/** Write the names of a set of kinds, with `join` before the last: "text, classify or pairs". */
void lk_prepare_name_kinds(char out[64], unsigned kinds, const char *join);
