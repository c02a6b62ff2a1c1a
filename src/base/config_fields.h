/* config_fields.h - the settings of a run as plain structs, filled by config.h: one field a setting. Its default,
 * range, unit and help are in its row of config_table.c. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct lk_config_model {
  const char *input;                         /* how a token enters the net; frames are taken as they are */
  const char *features;                      /* further columns, "casing, rank:embed:8" */
  const char *characters, *character_widths; /* net that reads the characters of a word; cnn: widths, "2,3,4" */
  int64_t character_embedding, character_hidden, character_filters;
  double character_dropout;   /* of the characters' embeddings */
  int64_t embedding;          /* width of the embedding */
  double embedding_deviation; /* of its initial values; 0: 1/sqrt(embedding) */
  const char *cell;
  int64_t hidden, layers;
  const char *widths; /* of each layer, "1150, 1150, 400"; "": all `hidden` */
  bool bidirectional;
  const char *vectors;      /* what is made of the vectors of words that the corpus has */
  double dropout;           /* between layers and before the output */
  double input_dropout;     /* after the embedding, or of the frames */
  double weight_dropout;    /* of recurrent weights */
  double embedding_dropout; /* of the vectors of whole word types */
  bool variational;         /* one mask for all times of a sequence (Gal & Ghahramani 2016) */
  double word_dropout;      /* a: word w becomes <unk> with a / (a + count(w)) (Kiperwasser & Goldberg 2016); 0 none */
  bool tied;                /* output weights are the embedding (Press & Wolf 2017; Inan et al. 2017) */
  bool recurrent_bias;      /* a second bias b_hh, as in PyTorch */
  double forget_bias;       /* initial bias of forget gates */
  double highway_bias;      /* initial bias of an SRU's reset gate, and what its input is scaled by */
  const char *recurrent_init; /* what W_hh starts from */
  const char *output;         /* the head: how outputs are trained and answered */
  const char *cutoffs;        /* of an adaptive softmax, "2000, 10000"; "": by the number of outputs */
  const char *pooling;        /* how a classifier makes one vector of a sequence */
  const char *attention;      /* how a translator scores the positions of its source */
  bool input_feeding;         /* the decoder reads its previous attention vector (Luong et al. 2015) */
  const char *bridge;         /* from the encoder's final states to the decoder's initial ones */
  bool shared_embedding;      /* source and target have one embedding; if tied it is the output weights too */
} lk_config_model;

typedef struct lk_config_train {
  int64_t steps, epochs; /* stop after so many; 0 no limit */
  double minutes;
  int64_t batch;          /* sequences (or lanes) of all ranks together */
  int64_t accumulate;     /* parts that a rank computes its share of a batch in */
  int64_t unroll;         /* steps of truncated back-propagation through a running text */
  bool unroll_random;     /* around unroll, the rate in proportion (Merity et al. 2018) */
  double lane_reset;      /* probability that a lane starts a step from zero states (Melis et al. 2018) */
  int64_t shuffle_window; /* batches whose rows are shuffled, then sorted by length; 0 the whole epoch */
  const char *precision;  /* of products */
  const char *optimizer;
  double rate, momentum, beta1, beta2, rho, epsilon, decay;
  const char *decay_of; /* by kind of tensor */
  bool nesterov;
  double ar, tar;      /* weights of the penalties on activations and on their changes (Merity et al. 2017) */
  double clip;         /* limit of the gradient; 0 none */
  const char *clip_by; /* what of the gradient has that limit */
  const char *average; /* what evaluation and the model take in the place of the weights */
  double average_decay, average_start;
  int64_t average_every, average_patience;
  double smoothing;
  double sampling;     /* scheduled sampling: probability that a decoder reads its own choice (Bengio et al. 2015) */
  const char *scaling; /* the rate for another batch than scaling_batch */
  int64_t scaling_batch;
  const char *schedule; /* how the rate falls */
  const char *schedule_by;
  int64_t warmup;     /* steps of linear warm-up */
  double factor;      /* the rate is multiplied by at each fall */
  double every;       /* epochs, or minutes, between two falls */
  double start;       /* of the first fall, likewise */
  int64_t cooldown;   /* evaluations without improvement before the rate falls */
  double floor;       /* smallest rate */
  bool restore_best;  /* go on from the best weights where plateau lowers the rate */
  double target_loss; /* stop below this training loss (nats per unit, mean over an epoch or 100 steps); 0: at zero */
  int64_t patience;   /* stop after so many evaluations without improvement; 0 never */
  int64_t max_skips;
  const char *spike;   /* what is done about a loss spike */
  double spike_factor; /* a loss above so many times the mean of the last spike_window applied steps is one */
  int64_t spike_window;
} lk_config_train;

typedef struct lk_config {
  const char *task;
  int64_t seed;
  const char *kernels;
  struct {
    const char *dir;
  } run;
  struct {
    const char *corpus;
    const char *memory; /* bytes for rows on a rank, "200M"; or auto */
  } data;
  struct {
    const char *from; /* a model whose weights the run starts from; "" none */
  } init;
  lk_config_model model;
  lk_config_train train;
  struct {
    int64_t every, batch;
    const char *metric;
  } eval; /* every: steps, 0 each epoch; metric: selects best.h5, watched by patience and plateau */
  struct {
    int64_t every, keep;
    double minutes;
  } checkpoint;
  struct {
    const char *shards, *reduction, *wire;
    bool overlap;
    int64_t check_every;
  } parallel; /* shards: a number, or "ranks" */
  struct {
    double every; /* seconds between two progress lines without a terminal */
    bool tensorboard;
  } log;
  struct {
    double seconds;
  } watchdog;                      /* 0: 20 times the median step, at least 60 */
  struct lk_config_source *source; /* owned: texts, and where each key was set */
} lk_config;
