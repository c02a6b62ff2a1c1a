/* config_table.c - the settings: one row each. The choices of a setting are registered by the owner of the table that
 * has them (choices.h). */
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "config_impl.h"
#include "shards.h"

const config_section lk_config_sections[LK_CONFIG_SECTIONS] = {
    {"run", "Where the run keeps its files."},
    {"data", "What the model is trained on."},
    {"init", "What the weights start from."},
    {"model", "The net."},
    {"train", "The optimizer, its rate, and when to stop."},
    {"eval", "Evaluation on the validation rows."},
    {"checkpoint", "What is saved, and how often."},
    {"parallel", "How the work is divided."},
    {"watchdog", "When a run that makes no progress is ended."},
    {"log", "What is printed and written down during a run."},
};

/* The name and the type of a setting are those of its field. */
#define KIND(field) \
  _Generic(((lk_config *)0)->field, int64_t : KEY_INTEGER, double : KEY_REAL, bool : KEY_BOOLEAN, default : KEY_STRING)
#define KEY(field, default_) \
  .name = #field, .kind = KIND(field), .offset = offsetof(lk_config, field), .initial = default_
#define RANGE(least_, most_) .least = least_, .most = most_
/* From 0 (a share: to below 1). Beyond 2^53 not every whole number is a double. MOST_FLOAT is for what is computed with
 * as a float, in which larger numbers are infinite. */
#define COUNT      RANGE(0, 0x1p53)
#define SHARE      RANGE(0, 1), .open = BELOW_MOST
#define UNLIMITED  RANGE(0, INFINITY)
#define MOST_FLOAT ((double)FLT_MAX)
#define NO_UNIT    "" /* of a number that is a ratio, or counts nothing */

const config_key lk_config_keys[] = {
    {KEY(task, "lm"), .fixed = true, .help = "What is learned."},
    {KEY(seed, "1"), COUNT, .unit = NO_UNIT, .fixed = true,
     .help = "Seed of all random numbers: the same seed gives the same model."},
    {KEY(kernels, "auto"),
     .help = "Instruction set of the kernels. All but blas, which a run keeps, and amx of bf16 give the same bits."},

    {KEY(run.dir, "run"), .path = true, .help = "Folder of the run: configuration, log, metrics and checkpoints."},

    {KEY(data.corpus, ""), .path = true, .help = "Corpus file made by 'lockstep prepare'; required."},

    {KEY(data.memory, "auto"), .form = "auto, or bytes with K, M, G or T behind them, such as 200M",
     .help = "Memory for rows on each rank, within which they are read ahead; auto: half of what the host has free."},

    {KEY(init.from, ""), .path = true, .fixed = true,
     .help = "Model whose weights a new run starts from: tensors by name and shape, rows of units and labels by text."},

    {KEY(model.input, "embed"), .fixed = true, .corpora = LK_CONFIG_IDS, .help = "How a token enters the net."},
    {KEY(model.features, ""), .form = "COLUMN, COLUMN:KIND or COLUMN:KIND:SIZE, separated by commas", .fixed = true,
     .help = "Further columns of the corpus that are read beside each word."},
    {KEY(model.characters, "none"), .fixed = true, .corpora = LK_CONFIG_IDS,
     .help = "Net that makes a vector of the characters of each word, which is read beside its embedding."},
    {KEY(model.character_embedding, "32"), RANGE(1, 4096), .unit = "units", .fixed = true, .corpora = LK_CONFIG_IDS,
     .help = "Width of the embedding of a character."},
    {KEY(model.character_hidden, "64"), RANGE(1, 4096), .unit = "units", .fixed = true, .corpora = LK_CONFIG_IDS,
     .help = "Width of the state that reads a word's characters, in each of two directions."},
    {KEY(model.character_filters, "64"), RANGE(1, 4096), .unit = "filters", .fixed = true, .corpora = LK_CONFIG_IDS,
     .help = "Filters of each width."},
    {KEY(model.character_widths, "3"), .form = "widths in characters, separated by commas: 3 or 2,3,4", .fixed = true,
     .corpora = LK_CONFIG_IDS, .help = "Widths of the filters that slide over a word's characters."},
    {KEY(model.character_dropout, "0"), SHARE, .unit = "share of units", .corpora = LK_CONFIG_IDS,
     .help = "Share of units of the characters' embeddings that are dropped (Ma & Hovy 2016: 0.5); 0 drops none."},
    {KEY(model.vectors, "none"), .fixed = true, .corpora = LK_CONFIG_IDS,
     .help = "Vectors of words that 'lockstep prepare --vectors' stored in the corpus."},
    {KEY(model.embedding, "128"), RANGE(1, 32768), .unit = "units", .fixed = true, .corpora = LK_CONFIG_IDS,
     .help = "Width of the embedding."},
    {KEY(model.embedding_deviation, "0"), RANGE(0, MOST_FLOAT), .unit = NO_UNIT, .corpora = LK_CONFIG_IDS,
     .help =
         "Standard deviation of the initial embedding: 1 suits characters; 0 takes 1 / sqrt(embedding), for words."},
    {KEY(model.cell, "lstm"), .fixed = true, .help = "Recurrent cell."},
    {KEY(model.hidden, "256"), RANGE(1, 16384), .unit = "units", .fixed = true,
     .help = "Width of the state of each layer, in each direction."},
    {KEY(model.layers, "1"), RANGE(1, 32), .unit = "layers", .fixed = true, .help = "Number of recurrent layers."},
    {KEY(model.widths, ""), .form = "one whole number for each layer, separated by commas", .fixed = true,
     .help = "Widths of the layers where they differ, in place of model.hidden; not for translators."},
    {KEY(model.bidirectional, "false"), .fixed = true,
     .help = "Read each sequence in both directions; not for language models."},
    {KEY(model.dropout, "0"), SHARE, .unit = "share of units",
     .help = "Share of units dropped between layers and before the output; 0 drops none."},
    {KEY(model.input_dropout, "0"), SHARE, .unit = "share of units",
     .help = "Share of units of the embedding or the frames that are dropped; 0 drops none."},
    {KEY(model.weight_dropout, "0"), SHARE, .unit = "share of weights",
     .help = "Share of recurrent weights dropped in a step (Merity et al. 2018)."},
    {KEY(model.embedding_dropout, "0"), SHARE, .unit = "share of words", .corpora = LK_CONFIG_IDS,
     .help = "Share of the vocabulary whose embedding is zero in a step (Gal & Ghahramani 2016)."},
    {KEY(model.variational, "false"),
     .help = "Drop the same units at all times of a sequence (Gal & Ghahramani 2016)."},
    {KEY(model.word_dropout, "0"), UNLIMITED, .unit = NO_UNIT, .corpora = LK_CONFIG_IDS,
     .help =
         "a: a word seen c times becomes <unk> with probability a / (a + c) (Kiperwasser & Goldberg 2016); 0 never."},
    {KEY(model.tied, "false"), .fixed = true,
     .help = "Use the embedding (of a translator: the target's) as output weights; as wide as the last layer."},
    {KEY(model.recurrent_bias, "true"), .fixed = true,
     .help = "Give each cell a second bias, on the recurrent side, as PyTorch does."},
    {KEY(model.forget_bias, "1"), RANGE(-MOST_FLOAT, MOST_FLOAT), .unit = NO_UNIT,
     .help = "Initial bias of the forget gates."},
    {KEY(model.highway_bias, "0"), RANGE(-20, 20), .unit = NO_UNIT, .fixed = true,
     .help = "Initial bias b of the gate between state and input; the input is multiplied by sqrt(1 + 2 exp(b))."},
    {KEY(model.recurrent_init, "uniform"), .help = "Initial values of the recurrent weights."},
    {KEY(model.output, "softmax"), .fixed = true, .help = "Head of the net: how its outputs are trained and answered."},
    {KEY(model.cutoffs, ""), .form = "rising whole numbers, separated by commas", .fixed = true,
     .help = "Where outputs, by falling frequency, are cut into common ones and tails. Empty: by their number."},
    {KEY(model.pooling, "last"), .former = "model.pool", .fixed = true,
     .help = "How a classifier makes one vector of a sequence."},
    {KEY(model.attention, "general"), .fixed = true, .help = "How a translator scores the positions of its source."},
    {KEY(model.input_feeding, "true"), .fixed = true,
     .help = "Feed the previous attention vector into the decoder (Luong et al. 2015); ignored without attention."},
    {KEY(model.bridge, "dense"), .fixed = true,
     .help = "How the decoder's initial states are made from the encoder's final ones."},
    {KEY(model.shared_embedding, "false"), .fixed = true,
     .help = "Use one embedding for source and target; requires a corpus with a shared vocabulary."},

    {KEY(train.steps, "0"), COUNT, .unit = "steps", .help = "Stop after so many updates; 0 sets no limit."},
    {KEY(train.epochs, "10"), COUNT, .unit = "epochs",
     .help = "Stop after so many passes over the training rows; 0 sets no limit."},
    {KEY(train.minutes, "0"), UNLIMITED, .unit = "minutes", .help = "Save and stop after this time; 0 sets no limit."},
    {KEY(train.batch, "32"), RANGE(1, 1048576), .unit = "sequences", .fixed = true,
     .help = "Sequences of one update (of a running text: lanes), all ranks together."},
    {KEY(train.accumulate, "1"), RANGE(1, LK_MAX_SHARDS), .unit = "parts",
     .help = "Parts that a batch is computed in, one after the other: less memory, the same bits; train.batch is their "
             "sum."},
    {KEY(train.unroll, "64"), RANGE(1, 1048576), .unit = "tokens", .fixed = true, .corpora = LK_CONFIG_STREAM,
     .help = "Length of truncated back-propagation through a running text."},
    {KEY(train.unroll_random, "false"), .fixed = true, .corpora = LK_CONFIG_STREAM,
     .help = "Draw that length for each step, and scale the rate by it (Merity et al. 2018)."},
    {KEY(train.lane_reset, "0"), SHARE, .unit = "probability", .corpora = LK_CONFIG_STREAM,
     .help = "How often a lane of a running text starts a step from zero states (Melis et al. 2018)."},
    {KEY(train.shuffle_window, "64"), .former = "train.pool", COUNT, .unit = "batches", .fixed = true,
     .corpora = LK_CONFIG_ROWS,
     .help = "Batches whose rows are shuffled together, then sorted by length; 0 takes the whole epoch."},
    {KEY(train.precision, "float32"), .fixed = true,
     .help = "Numbers that weights and activations are multiplied as; sums, updates and losses are float32."},
    {KEY(train.optimizer, "adam"), .fixed = true, .help = "How gradients become updates."},
    {KEY(train.rate, "0.001"), RANGE(0, MOST_FLOAT), .unit = NO_UNIT,
     .help = "Learning rate at which the schedule starts; 0 changes no weight."},
    {KEY(train.momentum, "0.9"), SHARE, .unit = "per step",
     .help = "Share of the last update that is added to the next one."},
    {KEY(train.beta1, "0.9"), SHARE, .unit = "per step", .help = "Decay of the running mean of gradients."},
    {KEY(train.beta2, "0.999"), SHARE, .unit = "per step",
     .help = "Decay of the running mean of squared gradients, corrected for its start at zero."},
    {KEY(train.rho, "0.99"), SHARE, .unit = "per step", .help = "Decay of the running mean of squared gradients."},
    {KEY(train.epsilon, "1e-8"), RANGE(0, 1), .open = ABOVE_LEAST, .unit = NO_UNIT,
     .help = "Added to the root of squared gradients, so that nothing is divided by zero."},
    {KEY(train.decay, "0"), RANGE(0, MOST_FLOAT), .unit = "per step",
     .help = "Weight decay: added to the gradient, unless the optimizer decouples it; 0 for none."},
    {KEY(train.decay_of, ""),
     .form = "KIND:DECAY of embedding, input, recurrent, output, other, bias, separated by commas",
     .help = "Weight decay of kinds of weights that train.decay does not fit, 'embedding:0, recurrent:1e-6'."},
    {KEY(train.nesterov, "false"), .help = "Use Nesterov's form of momentum."},
    {KEY(train.clip, "5"), UNLIMITED, .unit = "norm",
     .help = "Limit of the gradient, by default of its global norm; 0 leaves the gradient as it is."},
    {KEY(train.clip_by, "norm"),
     .help = "What is limited: the gradient of all weights together, or each of its numbers."},
    {KEY(train.ar, "0"), RANGE(0, MOST_FLOAT), .unit = NO_UNIT,
     .help = "AR: penalty on the mean square of the last layer's outputs (Merity et al. 2017), at what has a target."},
    {KEY(train.tar, "0"), RANGE(0, MOST_FLOAT), .unit = NO_UNIT,
     .help = "TAR: the same of their changes from one time to the next."},
    {KEY(train.average, "none"),
     .help = "Average of the weights that evaluation measures and the model file holds; training goes on without it."},
    {KEY(train.average_decay, "0.999"), SHARE, .unit = "per step", .help = "Decay of the moving average of weights."},
    {KEY(train.average_start, "0"), UNLIMITED, .unit = "epochs", .help = "Epochs before averaging begins."},
    {KEY(train.average_every, "0"), COUNT, .unit = "steps",
     .help = "Steps between two weights that the mean is made of; 0 takes those at the end of each epoch."},
    {KEY(train.average_patience, "5"), RANGE(1, 50), .unit = "evaluations",
     .help = "Averaging begins after an evaluation that is worse than the best of all but so many before it."},
    {KEY(train.smoothing, "0"), SHARE, .unit = "share of probability",
     .help = "Label smoothing: share of the target probability spread over all classes; 0 for none."},
    {KEY(train.sampling, "0"), RANGE(0, 1), .unit = "probability",
     .help = "Scheduled sampling: how often a translator in training reads its own last choice, not the right unit."},
    {KEY(train.scaling, "none"), .help = "How rate and warm-up follow the batch, from those of train.scaling_batch."},
    {KEY(train.scaling_batch, "0"), RANGE(0, 1048576), .unit = "sequences",
     .help = "The batch that train.rate, train.floor and train.warmup were found for."},
    {KEY(train.schedule, "constant"), .help = "How the learning rate falls."},
    {KEY(train.schedule_by, "auto"), .help = "Whether the learning rate falls by steps or by time."},
    {KEY(train.warmup, "0"), COUNT, .unit = "steps",
     .help = "Steps over which the rate first rises linearly from 0; 0 for no warm-up."},
    {KEY(train.factor, "0.5"), RANGE(0, 1), .open = ABOVE_LEAST, .unit = "per fall",
     .help = "What the rate is multiplied by at each fall."},
    {KEY(train.every, "1"), UNLIMITED, .open = ABOVE_LEAST, .unit = "epochs or minutes",
     .help = "Time between two falls."},
    {KEY(train.start, "0"), UNLIMITED, .unit = "epochs or minutes",
     .help = "Time of the first fall; 0: after `every` (step) or at once (exponential)."},
    {KEY(train.cooldown, "1"), RANGE(1, 0x1p53), .unit = "evaluations",
     .help = "Evaluations without improvement before the rate falls."},
    {KEY(train.floor, "0"), RANGE(0, MOST_FLOAT), .unit = NO_UNIT, .help = "The rate does not fall below this."},
    {KEY(train.restore_best, "false"),
     .help = "When the rate falls, return to the weights and moments of the best evaluation."},
    {KEY(train.target_loss, "0"), UNLIMITED, .unit = "nats per unit",
     .help = "Stop when the training loss is below this; 0 stops only when the loss is zero."},
    {KEY(train.patience, "0"), COUNT, .unit = "evaluations",
     .help = "Stop after so many evaluations without improvement; 0 never does."},
    {KEY(train.max_skips, "10"), RANGE(1, 0x1p53), .unit = "steps",
     .help = "Fail after so many steps in a row that were not applied (non-finite gradients, loss spikes)."},
    {KEY(train.spike, "off"), .help = "What is done about a step whose loss is a spike."},
    {KEY(train.spike_factor, "2"), RANGE(1, INFINITY), .open = ABOVE_LEAST, .unit = "times the mean",
     .help = "A loss is a spike if it is so many times the running mean over the applied steps before it."},
    {KEY(train.spike_window, "100"), RANGE(1, 0x1p53), .unit = "steps",
     .help = "Applied steps in the running mean; there are no spikes before so many."},

    {KEY(eval.every, "0"), COUNT, .unit = "steps",
     .help = "Steps between two evaluations; 0 evaluates at the end of each epoch."},
    {KEY(eval.batch, "64"), RANGE(1, 1048576), .unit = "sequences",
     .help = "Sequences evaluated together; of a running text lanes, each of which starts from zero states."},
    {KEY(eval.metric, "loss"), .fixed = true,
     .help = "Metric that selects best.h5, and that plateau and patience watch; each task has some of these."},

    {KEY(checkpoint.every, "500"), COUNT, .unit = "steps",
     .help = "Steps between two checkpoints; 0 saves by minutes and at the end only."},
    {KEY(checkpoint.keep, "3"), RANGE(1, 1000000), .unit = "checkpoints",
     .help = "How many of the newest checkpoints are kept, besides the best one."},
    {KEY(checkpoint.minutes, "0"), UNLIMITED, .unit = "minutes",
     .help = "Save at least this often as well; 0 saves by steps only."},

    {KEY(parallel.shards, "8"), .form = "a whole number from 1 to 4096 (shards), or ranks", .fixed = true,
     .help = "Parts of each batch, at least one a rank: equal shards give equal models on any number of ranks."},
    {KEY(parallel.reduction, "auto"), .help = "How ranks of one host add their gradients; the bits are the same."},
    {KEY(parallel.wire, "float32"), .fixed = true,
     .help = "How hosts send gradients and new weights to each other; each choice has bits of its own on any hosts."},
    {KEY(parallel.overlap, "true"),
     .help = "Hosts send each other gradients and new weights while they compute; the bits are the same."},
    {KEY(parallel.check_every, "100"), COUNT, .unit = "steps",
     .help = "Steps between two checks that all ranks hold the same model; 0 never checks."},

    {KEY(watchdog.seconds, "0"), UNLIMITED, .unit = "seconds",
     .help = "End the job if no step ends for so long; 0 takes 20 times the median step, at least 60 seconds."},

    {KEY(log.every, "10"), UNLIMITED, .unit = "seconds",
     .help = "Time between two progress lines where the output is not a terminal."},
    {KEY(log.tensorboard, "false"),
     .help = "Write event files into run.dir as well: 'tensorboard --logdir FOLDER' shows the runs in FOLDER."},
};
_Static_assert(LK_MAX_SHARDS == 4096, "parallel.shards says so");

const ptrdiff_t lk_config_key_count = sizeof lk_config_keys / sizeof *lk_config_keys;
_Static_assert(sizeof lk_config_keys / sizeof *lk_config_keys <= LK_CONFIG_MOST_KEYS, "raise LK_CONFIG_MOST_KEYS");

static bool is(const char *name, const char *text, size_t size) {
  return name && strlen(name) == size && memcmp(name, text, size) == 0;
}

bool lk_config_is_former(ptrdiff_t index, const char *name, size_t size) {
  return is(lk_config_keys[index].former, name, size);
}

ptrdiff_t lk_config_find(const char *name, size_t size) {
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++)
    if (is(lk_config_keys[i].name, name, size) || lk_config_is_former(i, name, size)) return i;
  return -1;
}

bool lk_config_is_section(const char *name, size_t size) {
  for (size_t i = 0; i < LK_CONFIG_SECTIONS; i++)
    if (is(lk_config_sections[i].name, name, size)) return true;
  return false;
}

const char *lk_config_text(const lk_config *config, const config_key *key) {
  const char *text;
  LK_ASSERT(key->kind == KEY_STRING);
  memcpy(&text, (const char *)config + key->offset, sizeof text);
  return text;
}

bool lk_config_equal(const lk_config *a, const lk_config *b, const config_key *key) {
  static const size_t sizes[] = {
      [KEY_INTEGER] = sizeof(int64_t), [KEY_REAL] = sizeof(double), [KEY_BOOLEAN] = sizeof(bool)};
  if (key->kind == KEY_STRING) return strcmp(lk_config_text(a, key), lk_config_text(b, key)) == 0;
  return memcmp((const char *)a + key->offset, (const char *)b + key->offset, sizes[key->kind]) == 0;
}
