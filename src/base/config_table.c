#include <math.h>
#include <stddef.h>
#include <string.h>

#include "config_impl.h"

#define AT(field) offsetof(lk_config, field)
#define WHOLE(name_, field, initial_, least_, most_, unit_, help_)                                                \
  {                                                                                                               \
    .name = name_, .kind = KEY_INTEGER, .offset = AT(field), .initial = initial_, .least = least_, .most = most_, \
    .unit = unit_, .help = help_                                                                                  \
  }
#define REAL(name_, field, initial_, least_, most_, open_, unit_, help_)                                       \
  {                                                                                                            \
    .name = name_, .kind = KEY_REAL, .offset = AT(field), .initial = initial_, .least = least_, .most = most_, \
    .open = open_, .unit = unit_, .help = help_                                                                \
  }
#define TRUTH(name_, field, initial_, help_) \
  { .name = name_, .kind = KEY_BOOLEAN, .offset = AT(field), .initial = initial_, .unit = "", .help = help_ }
#define TEXT(name_, field, initial_, help_) \
  { .name = name_, .kind = KEY_STRING, .offset = AT(field), .initial = initial_, .unit = "", .help = help_ }
#define PATH(name_, field, initial_, help_)                                                                \
  {                                                                                                        \
    .name = name_, .kind = KEY_STRING, .offset = AT(field), .initial = initial_, .path = true, .unit = "", \
    .help = help_                                                                                          \
  }

const config_section lk_config_sections[LK_CONFIG_SECTIONS] = {
    {"run", "Where the run lives."},
    {"data", "What it learns from."},
    {"init", "What its weights start from."},
    {"model", "The net."},
    {"train", "The optimizer, its rate, and when to stop."},
    {"eval", "Evaluation on the validation rows."},
    {"checkpoint", "What is saved, and how often."},
    {"parallel", "How the work is divided."},
    {"watchdog", "When a run that does not move any more is ended."},
    {"log", "What is said while it works."},
};

/* Beyond 2^53 a whole number written as 1e16 is not exact, and a double no longer counts. */
#define MANY   0x1p53
#define NO_END INFINITY

const config_key lk_config_keys[] = {
    TEXT("task", task, "lm",
         "What is learnt: lm (language model), classify (a class per sequence), label (one per token) or translate."),
    WHOLE("seed", seed, "1", 0, MANY, "", "All random numbers follow from it: the same seed gives the same model."),
    TEXT("kernels", kernels, "auto",
         "Instruction set of the kernels: auto (best of this machine), avx512, avx2, portable, or blas (bits of its "
         "own)."),

    PATH("run.dir", run.dir, "run", "The folder of the run: configuration, log, metrics and checkpoints."),

    PATH("data.corpus", data.corpus, "", "The corpus file that lockstep prepare wrote; has to be given."),

    PATH("init.from", init.from, "",
         "A model whose weights a new run starts from: by name and shape, rows of units and labels by their text."),

    TEXT("model.input", model.input, "embed",
         "How a token enters the net: embed (a learnt vector) or onehot (a column of the input weights)."),
    TEXT("model.features", model.features, "",
         "Columns of the corpus that are read beside each word: COLUMN or COLUMN:KIND[:SIZE], with commas between."),
    WHOLE("model.embedding", model.embedding, "128", 1, 32768, "units",
          "Width of the embedding; without meaning for one-hot input and frames."),
    REAL("model.embedding_deviation", model.embedding_deviation, "0", 0, NO_END, 0, "",
         "Standard deviation of its initial values: 1 suits characters; 0 stands for 1 / sqrt(embedding), which suits "
         "words."),
    TEXT("model.cell", model.cell, "lstm", "The recurrent cell: elman, lstm or gru."),
    WHOLE("model.hidden", model.hidden, "256", 1, 16384, "units",
          "Width of the state of each layer, in each direction."),
    WHOLE("model.layers", model.layers, "1", 1, 32, "layers", "Number of recurrent layers, one on top of the other."),
    TRUTH("model.bidirectional", model.bidirectional, "false",
          "Read each sequence in both directions; not for language models."),
    REAL("model.dropout", model.dropout, "0", 0, 1, BELOW_MOST, "share of units",
         "Share of units dropped between layers and before the output; 0 drops none."),
    REAL("model.input_dropout", model.input_dropout, "0", 0, 1, BELOW_MOST, "share of units",
         "Share of units dropped from the embedding or the frames; 0 drops none."),
    TRUTH("model.variational", model.variational, "false",
          "Drop the same units at all times of a sequence (Gal & Ghahramani 2016)."),
    REAL("model.word_dropout", model.word_dropout, "0", 0, NO_END, 0, "",
         "a: a word seen c times becomes <unk> with probability a / (a + c) (Kiperwasser & Goldberg 2016); 0 never."),
    TRUTH("model.tied", model.tied, "false",
          "Use the embedding (a translator: of the target) as the output weights; needs embedding = hidden."),
    TRUTH("model.recurrent_bias", model.recurrent_bias, "true",
          "Give each cell a second bias, on the recurrent side, as PyTorch has it."),
    REAL("model.forget_bias", model.forget_bias, "1", -INFINITY, NO_END, 0, "",
         "Bias that the forget gates of an LSTM start from."),
    TEXT("model.recurrent_init", model.recurrent_init, "uniform",
         "Recurrent weights start uniform, as PyTorch's, or orthogonal for each gate (Saxe et al. 2014)."),
    TEXT("model.output", model.output, "softmax",
         "The head, how outputs are trained and answered: softmax (cross-entropy of probabilities)."),
    TEXT("model.pool", model.pool, "last",
         "A classifier's summary of the sequence: last (state), mean or max (over time)."),
    TEXT("model.attention", model.attention, "general",
         "How a translator looks at its source: none, additive (Bahdanau et al.), dot or general (Luong et al.)."),
    TRUTH("model.input_feeding", model.input_feeding, "true",
          "Let a translator read at each time what attention made of the time before; without meaning where it has "
          "none."),
    TEXT("model.bridge", model.bridge, "dense",
         "How a translator's first states come from the encoder's last: dense, or copy (from one direction)."),
    TRUTH("model.shared_embedding", model.shared_embedding, "false",
          "Let source and target read one embedding; needs a corpus of one vocabulary."),

    WHOLE("train.steps", train.steps, "0", 0, MANY, "steps", "Stop after so many updates; 0 sets no limit."),
    WHOLE("train.epochs", train.epochs, "10", 0, MANY, "epochs",
          "Stop after so many passes over the training rows; 0 sets no limit."),
    REAL("train.minutes", train.minutes, "0", 0, NO_END, 0, "minutes", "Save and stop after so long; 0 sets no limit."),
    WHOLE("train.batch", train.batch, "32", 1, 1048576, "sequences",
          "Sequences of one update, or lanes of a running text, of all ranks together."),
    WHOLE("train.unroll", train.unroll, "64", 1, 1048576, "tokens",
          "Length of truncated back-propagation through a running text."),
    WHOLE("train.pool", train.pool, "64", 0, MANY, "batches",
          "Batches that are shuffled together before their rows are sorted by length; 0 takes the whole epoch."),
    TEXT("train.optimizer", train.optimizer, "adam",
         "How gradients become updates: sgd, momentum, adam, adamw, rmsprop or adagrad."),
    REAL("train.rate", train.rate, "0.001", 0, NO_END, 0, "",
         "The learning rate that the schedule starts from; 0 changes nothing."),
    REAL("train.momentum", train.momentum, "0.9", 0, 1, BELOW_MOST, "per step",
         "Share of the last update that momentum carries on."),
    REAL("train.beta1", train.beta1, "0.9", 0, 1, BELOW_MOST, "per step",
         "Decay of Adam's mean of gradients, per step."),
    REAL("train.beta2", train.beta2, "0.999", 0, 1, BELOW_MOST, "per step",
         "Decay of Adam's mean of squared gradients, per step."),
    REAL("train.rho", train.rho, "0.99", 0, 1, BELOW_MOST, "per step",
         "Decay of RMSprop's mean of squared gradients, per step."),
    REAL("train.epsilon", train.epsilon, "1e-8", 0, 1, ABOVE_LEAST, "",
         "Added to the root of squared gradients by Adam, RMSprop and Adagrad."),
    REAL("train.decay", train.decay, "0", 0, NO_END, 0, "per step",
         "Weight decay: decoupled for adamw, added to the gradient for the others; 0 none."),
    TRUTH("train.nesterov", train.nesterov, "false", "Look ahead along the momentum before the update (Nesterov)."),
    REAL("train.clip", train.clip, "5", 0, NO_END, 0, "norm",
         "Largest global norm of the gradient, which is scaled down to it; 0 never clips."),
    REAL("train.smoothing", train.smoothing, "0", 0, 1, BELOW_MOST, "share of probability",
         "Share of the target probability that label smoothing spreads over all classes; 0 none."),
    REAL("train.sampling", train.sampling, "0", 0, 1, 0, "probability",
         "How often a translator reads its own last choice in training, not the right unit (scheduled sampling)."),
    TEXT("train.schedule", train.schedule, "constant",
         "How the rate falls: constant, step, exponential, cosine, inverse-sqrt or plateau."),
    TEXT("train.schedule_by", train.schedule_by, "auto",
         "What the rate falls by: steps, time (start and every in minutes, cosine until train.minutes) or auto (nearer "
         "end)."),
    WHOLE("train.warmup", train.warmup, "0", 0, MANY, "steps",
          "Steps over which the rate first rises from 0; 0 starts at once."),
    REAL("train.factor", train.factor, "0.5", 0, 1, ABOVE_LEAST, "per fall",
         "What the rate is multiplied by at each fall of step, exponential and plateau."),
    REAL("train.every", train.every, "1", 0, NO_END, ABOVE_LEAST, "epochs or minutes",
         "Time between two falls of step and exponential."),
    REAL("train.start", train.start, "0", 0, NO_END, 0, "epochs or minutes",
         "When step and exponential begin to fall; 0 after `every` (step) or at once (exponential)."),
    WHOLE("train.cooldown", train.cooldown, "1", 1, MANY, "evaluations",
          "Evaluations without improvement before plateau lets the rate fall."),
    REAL("train.floor", train.floor, "0", 0, NO_END, 0, "", "The rate does not fall below this."),
    REAL("train.target_loss", train.target_loss, "0", 0, NO_END, 0, "nats per unit",
         "Stop when the training loss is below this; 0 stops only when the loss is zero."),
    WHOLE("train.patience", train.patience, "0", 0, MANY, "evaluations",
          "Stop after so many evaluations without improvement; 0 never does."),
    WHOLE("train.max_skips", train.max_skips, "10", 1, MANY, "steps",
          "Give up after so many steps in a row that were not applied: non-finite gradients, loss spikes."),
    TEXT("train.spike", train.spike, "off",
         "What is done about a loss spike: off, skip (do not apply the step) or rollback N (back N steps, past their "
         "batches)."),
    REAL("train.spike_factor", train.spike_factor, "2", 1, NO_END, ABOVE_LEAST, "times the mean",
         "A step's loss is a spike above so many times the running mean of the applied steps before it."),
    WHOLE("train.spike_window", train.spike_window, "100", 1, MANY, "steps",
          "Applied steps that the running mean goes over; before there are so many nothing is a spike."),

    WHOLE("eval.every", eval.every, "0", 0, MANY, "steps",
          "Time between two evaluations; 0 evaluates at the end of each epoch."),
    WHOLE("eval.batch", eval.batch, "64", 1, 1048576, "sequences",
          "Sequences evaluated together, of a running text lanes: each starts from zeros, so figures vary a little."),
    TEXT("eval.metric", eval.metric, "loss",
         "What best.h5, plateau and patience go by: loss, accuracy, f1, macro_f1, perplexity, exact_match, bleu ..."),

    WHOLE("checkpoint.every", checkpoint.every, "500", 0, MANY, "steps",
          "Time between two checkpoints; 0 saves by minutes and at the end only."),
    WHOLE("checkpoint.keep", checkpoint.keep, "3", 1, 1000000, "checkpoints",
          "So many of the newest are kept, and the best one."),
    REAL("checkpoint.minutes", checkpoint.minutes, "0", 0, NO_END, 0, "minutes",
         "Save at least this often as well; 0 goes by steps only."),

    TEXT("parallel.shards", parallel.shards, "8",
         "Virtual shards, 1 to 4096, not fewer than ranks: equal shards, equal model, on any ranks; or ranks, one "
         "each."),
    TEXT("parallel.reduction", parallel.reduction, "auto",
         "How ranks of one host sum: auto, windows (shared memory, an error where there is none) or messages; the same "
         "bits."),
    WHOLE("parallel.check_every", parallel.check_every, "100", 0, MANY, "steps",
          "Time between two checks that all ranks hold the same model; 0 never checks."),

    REAL("watchdog.seconds", watchdog.seconds, "0", 0, NO_END, 0, "seconds",
         "End the job when no step has ended for so long; 0 takes 20 times the median step, at least 60 seconds."),

    REAL("log.every", log.every, "10", 0, NO_END, 0, "seconds",
         "Time between two progress lines where there is no terminal."),
};

const ptrdiff_t lk_config_key_count = sizeof lk_config_keys / sizeof *lk_config_keys;
_Static_assert(sizeof lk_config_keys / sizeof *lk_config_keys <= LK_CONFIG_MOST_KEYS, "raise LK_CONFIG_MOST_KEYS");

static bool is(const char *name, const char *text, size_t size) {
  return strlen(name) == size && memcmp(name, text, size) == 0;
}

ptrdiff_t lk_config_find(const char *name, size_t size) {
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++)
    if (is(lk_config_keys[i].name, name, size)) return i;
  return -1;
}

bool lk_config_is_section(const char *name, size_t size) {
  for (size_t i = 0; i < LK_CONFIG_SECTIONS; i++)
    if (is(lk_config_sections[i].name, name, size)) return true;
  return false;
}

static const char *tail(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot ? dot + 1 : name;
}

/* The key meant by a name that is none: one with the same last part, as a right key may stand in the wrong section; else
 * the nearest by letters, of the same section if the name has one of ours, by its last part alone. */
static const char *nearest(const char *name) {
  const char *all[LK_CONFIG_MOST_KEYS + LK_CONFIG_SECTIONS];
  const size_t keys = (size_t)lk_config_key_count;
  const char *dot = strrchr(name, '.');
  const bool in_section = dot && lk_config_is_section(name, (size_t)(dot - name));
  size_t count = 0;
  for (size_t i = 0; i < keys; i++)
    if (strcmp(tail(lk_config_keys[i].name), tail(name)) == 0) return lk_config_keys[i].name;
  for (size_t i = 0; i < keys; i++)
    if (!in_section || strncmp(lk_config_keys[i].name, name, (size_t)(dot - name) + 1) == 0)
      all[count++] = tail(lk_config_keys[i].name);
  for (size_t i = 0; i < LK_CONFIG_SECTIONS && !dot; i++) all[count++] = lk_config_sections[i].name;
  const char *near = lk_nearest(tail(name), all, count);
  for (size_t i = 0; near && i < keys; i++)
    if (tail(lk_config_keys[i].name) == near) return lk_config_keys[i].name;
  return near;
}

lk_status lk_config_unknown(const char *place, const char *name, size_t size) {
  char quoted[256], copy[128];
  lk_quote(quoted, name, size);
  size_t kept = size < sizeof copy ? size : sizeof copy - 1;
  memcpy(copy, name, kept);
  copy[kept] = '\0';
  const char *other = NULL, *instead = NULL;
  if (!lk_config_elsewhere(copy, &other, &instead)) other = nearest(copy);
  if (instead) return LK_FAIL(LK_USAGE, "%s: unknown key %s: %s", place, quoted, instead);
  if (!other) return LK_FAIL(LK_USAGE, "%s: unknown key %s", place, quoted);
  return LK_FAIL(LK_USAGE, "%s: unknown key %s (did you mean '%s'?)", place, quoted, other);
}
