#include "decay.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#include "number.h"

static bool ends(const char *name, const char *end) {
  const size_t size = strlen(name), tail = strlen(end);
  return size >= tail && strcmp(name + size - tail, end) == 0;
}

static bool is_bias(const lk_param *p) { return !p->decay; }
static bool is_embedding(const lk_param *p) {
  return p->sparse || ends(p->name, "embedding.weight") || strncmp(p->name, "vectors.", 8) == 0;
}
static bool is_input(const lk_param *p) { return ends(p->name, ".weight_ih"); }
static bool is_recurrent(const lk_param *p) { return ends(p->name, ".weight_hh"); }
static bool is_output(const lk_param *p) { return strncmp(p->name, "output.", 7) == 0; }
static bool is_other(const lk_param *p) { return p != NULL; }

/* A tensor is of the first kind that it fits. */
static const struct {
  const char *name;
  bool (*fits)(const lk_param *p);
} kinds[] = {{"bias", is_bias},           {"embedding", is_embedding}, {"input", is_input},
             {"recurrent", is_recurrent}, {"output", is_output},       {"other", is_other}};
enum { BIAS, EMBEDDING };
_Static_assert(sizeof kinds / sizeof *kinds == LK_DECAY_KINDS, "decay.h says how many there are");

static int find(const char *name, size_t size) {
  for (int k = 0; k < LK_DECAY_KINDS; k++)
    if (strlen(kinds[k].name) == size && memcmp(kinds[k].name, name, size) == 0) return k;
  return -1;
}

/* One "KIND:DECAY" of the list. */
static lk_status read_one(const lk_config *config, const char *text, size_t size, bool given[LK_DECAY_KINDS],
                          lk_decay *decay) {
  static const char expected[] =
      "expected KIND:DECAY with a kind of embedding, input, recurrent, output, other and bias, such as "
      "'embedding:0, recurrent:1e-6'";
  char quoted[256], number[64] = "";
  const char *colon = memchr(text, ':', size);
  const int kind = find(text, colon ? (size_t)(colon - text) : size);
  double value;
  if (kind < 0 || !colon)
    return lk_config_error(config, "train.decay_of", "%s, found %s", expected, lk_quote(quoted, text, size));
  if (given[kind]) return lk_config_error(config, "train.decay_of", "%s has two values", kinds[kind].name);
  const char *from = colon + 1 + strspn(colon + 1, " "), *end = text + size;
  (void)snprintf(number, sizeof number, "%.*s", from < end ? (int)(end - from) : 0, from);
  if (!lk_number_real(number, &value) || !(value >= 0 && value <= (double)FLT_MAX))
    return lk_config_error(config, "train.decay_of", "expected a number from 0 on behind '%s:', found %s",
                           kinds[kind].name, lk_quote(quoted, number, strlen(number)));
  given[kind] = true;
  decay->of[kind] = value;
  return LK_OK;
}

lk_status lk_decay_read(lk_decay *decay, const lk_config *config) {
  bool given[LK_DECAY_KINDS] = {false};
  for (int k = 0; k < LK_DECAY_KINDS; k++) decay->of[k] = k == BIAS ? 0 : config->train.decay;
  for (const char *at = config->train.decay_of; *at;) {
    size_t size = strcspn(at, ",");
    const char *next = at[size] ? at + size + 1 : at + size;
    for (; size > 0 && *at == ' '; at++) size--;
    while (size > 0 && at[size - 1] == ' ') size--;
    LK_TRY(read_one(config, at, size, given, decay));
    at = next;
  }
  return LK_OK;
}

double lk_decay_for(const lk_decay *decay, const lk_param *tensor) {
  int k = 0;
  while (!kinds[k].fits(tensor)) k++;
  return decay->of[k];
}

bool lk_decay_spares_sparse(const lk_decay *decay) { return decay->of[EMBEDDING] == 0; }
