/* unused.c - settings that have no effect beside others, or on this corpus: whoever sets them should hear of it. */
#include <string.h>

#include "log.h"
#include "trainer_impl.h"

/* `key` matters only where `other` has one of the values `with` (with a "!" in front: none of them). */
static const struct {
  const char *key, *other, *with;
} rules[] = {
    {"model.embedding", "model.input", "embed"},
    {"model.embedding_deviation", "model.input", "embed"},
    {"model.input_dropout", "model.input", "embed"},
    {"model.forget_bias", "model.cell", "lstm"},
    {"model.pool", "task", "classify"},
    {"model.attention", "task", "translate"},
    {"model.input_feeding", "task", "translate"},
    {"model.input_feeding", "model.attention", "!none"},
    {"model.bridge", "task", "translate"},
    {"model.shared_embedding", "task", "translate"},
    {"train.sampling", "task", "translate"},
    {"train.unroll", "task", "lm"},
    {"train.momentum", "train.optimizer", "momentum"},
    {"train.nesterov", "train.optimizer", "momentum"},
    {"train.beta1", "train.optimizer", "adam adamw"},
    {"train.beta2", "train.optimizer", "adam adamw"},
    {"train.rho", "train.optimizer", "rmsprop"},
    {"train.epsilon", "train.optimizer", "adam adamw rmsprop adagrad"},
    {"train.factor", "train.schedule", "step exponential plateau"},
    {"train.every", "train.schedule", "step exponential"},
    {"train.start", "train.schedule", "step exponential"},
    {"train.cooldown", "train.schedule", "plateau"},
    {"train.floor", "train.schedule", "!constant"},
    {"train.schedule_by", "train.schedule", "cosine step exponential"},
    {"train.spike_factor", "train.spike", "!off"},
    {"train.spike_window", "train.spike", "!off"},
};
enum { RULES = sizeof rules / sizeof *rules };

/* Keys that matter only for corpora of one sort. */
typedef enum sort { IDS, STREAM, ROWS } sort;
static const struct {
  const char *key;
  sort of;
  const char *words;
} corpora[] = {
    {"model.input", IDS, "a corpus of frames"},
    {"model.embedding", IDS, "a corpus of frames"},
    {"model.embedding_deviation", IDS, "a corpus of frames"},
    {"model.word_dropout", IDS, "a corpus of frames"},
    {"train.unroll", STREAM, "a corpus of separate sequences"},
    {"train.pool", ROWS, "one running text"},
};
enum { CORPORA = sizeof corpora / sizeof *corpora };

static bool is_of(const lk_corpus_info *info, sort of) {
  return of == IDS ? info->frames == 0 : of == STREAM ? info->stream != 0 : info->stream == 0;
}

/* Whether `value` is one of the words of `list`. */
static bool among(const char *list, const char *value) {
  const size_t size = strlen(value);
  for (const char *at = list; *at; at += strcspn(at, " "), at += strspn(at, " "))
    if (strcspn(at, " ") == size && memcmp(at, value, size) == 0) return true;
  return false;
}

/* *set: `key` has another value than it has by default; `value` receives it. */
static lk_status is_set(const lk_config *config, const lk_config *initial, const char *key, lk_buffer *value,
                        bool *set) {
  lk_buffer usual = {0};
  lk_buffer_truncate(value, 0);
  lk_status status = lk_config_value(config, key, value);
  if (status == LK_OK) status = lk_config_value(initial, key, &usual);
  if (status == LK_OK) *set = strcmp(value->data, usual.data) != 0;
  lk_buffer_release(&usual);
  return status;
}

static lk_status check_rule(const lk_config *config, const lk_config *initial, size_t i, lk_buffer *value,
                            lk_buffer *other) {
  bool set = false;
  const char *with = rules[i].with;
  LK_TRY(is_set(config, initial, rules[i].key, value, &set));
  lk_buffer_truncate(other, 0);
  LK_TRY(lk_config_value(config, rules[i].other, other));
  if (set && among(*with == '!' ? with + 1 : with, other->data) == (*with == '!'))
    LK_WARN("%s: %s has no effect with %s: %s", rules[i].key, value->data, rules[i].other, other->data);
  return LK_OK;
}

static lk_status check_corpus(const lk_config *config, const lk_config *initial, const lk_corpus_info *info, size_t i,
                              lk_buffer *value) {
  bool set = false;
  LK_TRY(is_set(config, initial, corpora[i].key, value, &set));
  if (set && !is_of(info, corpora[i].of))
    LK_WARN("%s: %s has no effect on %s", corpora[i].key, value->data, corpora[i].words);
  return LK_OK;
}

lk_status lk_train_warn(const lk_config *config, const lk_corpus_info *info) {
  lk_config initial = {0};
  lk_buffer value = {0}, other = {0};
  lk_status status;
  LK_GO(lk_config_init(&initial));
  for (size_t i = 0; i < RULES; i++) LK_GO(check_rule(config, &initial, i, &value, &other));
  for (size_t i = 0; info && i < CORPORA; i++) LK_GO(check_corpus(config, &initial, info, i, &value));
done:
  lk_config_release(&initial);
  lk_buffer_release(&value);
  lk_buffer_release(&other);
  return status;
}
