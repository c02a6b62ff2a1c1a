/* adapt_options_impl.h - options of eval and score for language models that learn from the text they read (adapt.h). */
#pragma once
#include <argp.h>

#include "adapt.h"
#include "comm.h"

/* Keys of the options, in the order of their bits in `given`. */
enum {
  LK_ADAPT_DYNAMIC = 600,
  LK_ADAPT_RATE,
  LK_ADAPT_DECAY,
  LK_ADAPT_EPSILON,
  LK_ADAPT_SEGMENT,
  LK_ADAPT_CORPUS,
  LK_ADAPT_CACHE,
  LK_ADAPT_THETA,
  LK_ADAPT_WEIGHT
};

/* Their lines in a command's table of options. */
#define LK_ADAPT_OPTION(name, KEY, argument, help, group) \
  { name, LK_ADAPT_##KEY, argument, 0, help, group }
#define LK_ADAPT_OPTIONS(group)                                                                                        \
  {0, 0, 0, 0, "Options for language models, which then learn from the text that they have predicted:", group},        \
      LK_ADAPT_OPTION(                                                                                                 \
          "dynamic", DYNAMIC, "sgd|rms",                                                                               \
          "dynamic evaluation (Krause et al. 2018): a gradient step after each segment; sgd, or rms, which "           \
          "divides gradients by their usual size and measures that on training data first. The model's "               \
          "file stays as it is",                                                                                       \
          group),                                                                                                      \
      LK_ADAPT_OPTION("dynamic-rate", RATE, "X", "learning rate (default: sgd 0.1, rms 0.0002)", group),               \
      LK_ADAPT_OPTION("dynamic-decay", DECAY, "X",                                                                     \
                      "how far each step moves the weights back to the trained ones: 0 not at all, 1 all the way "     \
                      "(default 0.001)",                                                                               \
                      group),                                                                                          \
      LK_ADAPT_OPTION("dynamic-epsilon", EPSILON, "X",                                                                 \
                      "for rms: added to the usual size of a gradient, in units of the mean size (default 1)", group), \
      LK_ADAPT_OPTION("dynamic-segment", SEGMENT, "N", "units between two steps (default 5)", group),                  \
      LK_ADAPT_OPTION("dynamic-corpus", CORPUS, "FILE",                                                                \
                      "for rms: the corpus whose /train is measured (eval: default CORPUS.h5)", group),                \
      LK_ADAPT_OPTION("cache", CACHE, "N",                                                                             \
                      "neural cache (Grave et al. 2017): mix in what came next after similar states among the last N " \
                      "units",                                                                                         \
                      group),                                                                                          \
      LK_ADAPT_OPTION("cache-theta", THETA, "X", "how much more similar states count (default 0.5)", group),           \
      LK_ADAPT_OPTION("cache-weight", WEIGHT, "X", "probability that the cache gets, 0 to 0.999 (default 0.2)", group)

typedef struct lk_adapt_options {
  lk_adapt_settings how;
  const char *corpus; /* NULL: none was given */
  unsigned given;     /* bit i: key LK_ADAPT_DYNAMIC + i */
} lk_adapt_options;
#define LK_ADAPT_DEFAULTS                                                             \
  {                                                                                   \
    .how = {.decay = 0.001, .epsilon = 1, .segment = 5, .theta = 0.5, .weight = 0.2 } \
  }

/** For argp parsers: 0, EINVAL after lk_cli_bad_option(), or ARGP_ERR_UNKNOWN for the key of another option. */
error_t lk_adapt_parse(int key, const char *text, lk_adapt_options *options);
/** To be called at the end of the command line: 0, or EINVAL for an option without the one that it depends on. */
error_t lk_adapt_check(lk_adapt_options *options);

/** Create the adapter that the options ask for; NULL if they ask for none. `corpus`: what the rule rms measures without
 *  --dynamic-corpus, or NULL. Collective with a communicator; comm NULL: this process alone. LK_USAGE, LK_DATA, LK_IO,
 *  LK_MEMORY. */
LK_CHECKED lk_status lk_adapt_begin(lk_adapter **adapter, lk_comm *comm, lk_model *model,
                                    const lk_adapt_options *options, const lk_corpus *corpus);

/* A setting to be printed beside the figures that it changes. */
typedef struct lk_adapt_item {
  const char *name, *word; /* word NULL: a number */
  double value;
  bool whole; /* a number of units */
} lk_adapt_item;
enum { LK_ADAPT_ITEMS = 8 };
/** List the settings in item; returns their number. */
int lk_adapt_list(const lk_adapt_settings *how, lk_adapt_item item[LK_ADAPT_ITEMS]);
/** The same as one line of the log, for commands whose output has no place for it. */
void lk_adapt_log(const lk_adapt_settings *how);
