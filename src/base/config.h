/* config.h - the settings of a run.
 *
 * YAML in, one plain struct out. One table (src/base/config_table.c) drives parsing, defaults, units, range checks,
 * `--help` and `lockstep config --defaults`. Unknown keys are errors, with the nearest valid key. Names that stand for
 * code (a cell, a task, an optimizer, a schedule) are kept as strings: the table that knows them checks them with
 * lk_config_choice(), so adding one stays one line in that table; lk_train_check() asks all of them. Only config.c
 * includes libfyaml. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "text.h"

typedef struct lk_config_model {
  const char *input;          /* embed | onehot; frames decide for themselves */
  const char *features;       /* further columns, "casing, rank:embed:8" */
  int64_t embedding;          /* width of the embedding */
  double embedding_deviation; /* of its initial values; 0: 1/sqrt(embedding) */
  const char *cell;           /* elman | lstm | gru */
  int64_t hidden, layers;
  bool bidirectional;
  double dropout;       /* between layers and before the output */
  double input_dropout; /* after the embedding, or of the frames */
  bool variational;     /* one mask for all times of a sequence (Gal & Ghahramani 2016) */
  double word_dropout;  /* a: word w becomes <unk> with a / (a + count(w)) (Kiperwasser & Goldberg 2016); 0 none */
  bool tied;            /* output weights are the embedding (Press & Wolf 2017; Inan et al. 2017) */
  bool recurrent_bias;  /* a second bias b_hh, as PyTorch has it */
  double forget_bias;   /* initial forget gate bias of an LSTM */
  const char *recurrent_init; /* uniform | orthogonal: what W_hh starts from */
  const char *output;         /* softmax: the head, how outputs are trained and answered */
  const char *pool;           /* last | mean | max: a classifier's summary of the sequence */
  const char *attention;      /* none | additive | dot | general: how a decoder looks at its source */
  bool input_feeding;         /* what attention made of a time is read at the next (Luong et al. 2015) */
  const char *bridge;         /* dense | copy: the encoder's final states become the decoder's first */
  bool shared_embedding;      /* source and target read one table; with tied the output weights are it too */
} lk_config_model;

typedef struct lk_config_train {
  int64_t steps, epochs; /* stop after so many; 0 no limit */
  double minutes;
  int64_t batch;         /* sequences (or lanes) of all ranks together */
  int64_t unroll;        /* steps of truncated back-propagation through a running text */
  int64_t pool;          /* batches that are shuffled together before they are sorted by length; 0 the whole epoch */
  const char *optimizer; /* sgd | momentum | adam | adamw | rmsprop | adagrad */
  double rate, momentum, beta1, beta2, rho, epsilon, decay;
  bool nesterov;
  double clip; /* largest global norm of the gradient; 0 none */
  double smoothing;
  double sampling;      /* scheduled sampling: probability that a decoder reads its own choice (Bengio et al. 2015) */
  const char *schedule; /* constant | step | exponential | cosine | inverse-sqrt | plateau */
  const char *schedule_by; /* auto | steps | time */
  int64_t warmup;          /* steps of linear warm-up */
  double factor;           /* of step, exponential and plateau */
  double every;            /* epochs, or minutes, between two falls of step and exponential */
  double start;            /* of the first fall, likewise */
  int64_t cooldown;        /* evaluations without improvement before plateau falls */
  double floor;            /* smallest rate */
  double target_loss; /* stop below this training loss (nats per unit, mean over an epoch or 100 steps); 0: at zero */
  int64_t patience;   /* stop after so many evaluations without improvement; 0 never */
  int64_t max_skips;
  const char *spike;   /* off | skip | rollback N: what is done about a loss that leaps */
  double spike_factor; /* over the mean of the last spike_window applied steps */
  int64_t spike_window;
} lk_config_train;

typedef struct lk_config {
  const char *task; /* lm | classify | label */
  int64_t seed;
  const char *kernels; /* auto | avx512 | avx2 | portable | blas */
  struct {
    const char *dir;
  } run;
  struct {
    const char *corpus;
  } data;
  struct {
    const char *from; /* a model whose weights the run starts from; "" none */
  } init;
  lk_config_model model;
  lk_config_train train;
  struct {
    int64_t every, batch;
    const char *metric;
  } eval; /* every: steps, 0 each epoch; metric: what best.h5 and patience go by */
  struct {
    int64_t every, keep;
    double minutes;
  } checkpoint;
  struct {
    const char *shards, *reduction;
    int64_t check_every;
  } parallel; /* shards: a number, or "ranks"; reduction: auto | messages | windows */
  struct {
    double every;
  } log;                           /* seconds between two plain progress lines */
  struct lk_config_source *source; /* owned: texts, and where each key was set */
  struct {
    double seconds;
  } watchdog; /* 0: 20 times the median step, at least 60 */
} lk_config;

/** Defaults.                                                                      Not collective. */
LK_CHECKED lk_status lk_config_init(lk_config *config);
/** Merge YAML text over what is there; `name` is the file's, for messages. LK_USAGE with file:line:column and what was
 *  expected.                                                                      Not collective. */
LK_CHECKED lk_status lk_config_parse(lk_config *config, const char *text, size_t size, const char *name);
/** Merge one "key.path=value" of the command line. LK_USAGE.                       Not collective. */
LK_CHECKED lk_status lk_config_override(lk_config *config, const char *assignment);
/** The effective configuration as YAML with a comment for each key; parses back to the same. */
LK_CHECKED lk_status lk_config_print(const lk_config *config, lk_buffer *out);
/** A table of keys, defaults, units and help, for `lockstep config --help`.        Not collective. */
LK_CHECKED lk_status lk_config_describe(lk_buffer *out);
/** Append the value of `key` as it would stand in a file. LK_MEMORY.              Not collective. */
LK_CHECKED lk_status lk_config_value(const lk_config *config, const char *key, lk_buffer *out);
/** The same for a key that a user named at `place`, and a text without quotes. LK_USAGE, LK_MEMORY. Not collective. */
LK_CHECKED lk_status lk_config_get(const lk_config *config, const char *place, const char *key, lk_buffer *out);
/** LK_USAGE, naming the place where `key` was set: "tiny.yaml:7:9: model.cell: expected ..., found ...". */
LK_CHECKED lk_status lk_config_error(const lk_config *config, const char *key, const char *format, ...) LK_PRINTF(3, 4);
/** The index of the value of string key `key` among names[count]; LK_USAGE listing them, with the nearest. */
LK_CHECKED lk_status lk_config_choice(const lk_config *config, const char *key, const char *const *names, size_t count,
                                      size_t *index);
/** The number of shards of a run on `ranks` ranks, from parallel.shards. LK_USAGE where it is not a number from 1 to
 *  LK_MAX_SHARDS or "ranks", or below the number of ranks.                        Not collective. */
LK_CHECKED lk_status lk_config_shards(const lk_config *config, int ranks, int *shards);
void lk_config_release(lk_config *config);
