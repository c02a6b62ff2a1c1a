#include "adapt_options_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli_impl.h"
#include "corpus_ranks.h"
#include "log.h"

static error_t parse_rule(const char *text, lk_dynamic_rule *rule) {
  for (int r = LK_DYNAMIC_NONE + 1; r < LK_DYNAMIC_RULES; r++)
    if (strcmp(text, lk_dynamic_names[r]) == 0) return *rule = (lk_dynamic_rule)r, 0;
  return lk_cli_bad_option("--dynamic: expected sgd or rms, found '%s'", text);
}

static error_t parse_units(const char *option, const char *text, int64_t *out) {
  long long value = 0;
  const error_t error = lk_cli_integer(option, text, 1, 1000000, "units", &value);
  if (!error) *out = value;
  return error;
}

static error_t parse(int key, const char *text, lk_adapt_options *o) {
  switch (key) {
    case LK_ADAPT_DYNAMIC:
      return parse_rule(text, &o->how.dynamic);
    case LK_ADAPT_RATE:
      return lk_cli_real("dynamic-rate", text, 0, 1000, "", &o->how.rate);
    case LK_ADAPT_DECAY:
      return lk_cli_real("dynamic-decay", text, 0, 1, "", &o->how.decay);
    case LK_ADAPT_EPSILON:
      return lk_cli_real("dynamic-epsilon", text, 1e-6, 1e6, "", &o->how.epsilon);
    case LK_ADAPT_SEGMENT:
      return parse_units("dynamic-segment", text, &o->how.segment);
    case LK_ADAPT_CORPUS:
      return o->corpus = text, 0;
    case LK_ADAPT_CACHE:
      return parse_units("cache", text, &o->how.cache);
    case LK_ADAPT_THETA:
      return lk_cli_real("cache-theta", text, 0, 1000, "", &o->how.theta);
    default:
      return lk_cli_real("cache-weight", text, 0, 0.999, "", &o->how.weight);
  }
}

error_t lk_adapt_parse(int key, const char *text, lk_adapt_options *o) {
  if (key < LK_ADAPT_DYNAMIC || key > LK_ADAPT_WEIGHT) return ARGP_ERR_UNKNOWN;
  o->given |= 1U << (key - LK_ADAPT_DYNAMIC);
  return parse(key, text, o);
}

static bool given(const lk_adapt_options *o, int first, int last) {
  for (int key = first; key <= last; key++)
    if (o->given >> (key - LK_ADAPT_DYNAMIC) & 1U) return true;
  return false;
}

error_t lk_adapt_check(lk_adapt_options *o) {
  lk_adapt_settings *how = &o->how;
  if (how->dynamic == LK_DYNAMIC_NONE && given(o, LK_ADAPT_RATE, LK_ADAPT_CORPUS))
    return lk_cli_bad_option("the options --dynamic-... need --dynamic sgd or --dynamic rms");
  if (how->cache == 0 && given(o, LK_ADAPT_THETA, LK_ADAPT_WEIGHT))
    return lk_cli_bad_option("--cache-theta and --cache-weight need --cache N");
  if (how->dynamic != LK_DYNAMIC_RMS && (o->corpus || given(o, LK_ADAPT_EPSILON, LK_ADAPT_EPSILON)))
    return lk_cli_bad_option("--dynamic-corpus and --dynamic-epsilon are for --dynamic rms: sgd measures no gradients");
  if (!given(o, LK_ADAPT_RATE, LK_ADAPT_RATE)) how->rate = how->dynamic == LK_DYNAMIC_RMS ? 0.0002 : 0.1;
  return 0;
}

/* Measure gradients on /train of a corpus that is named on the command line, or of the one that is open already. */
static lk_status measure(lk_adapter *adapter, lk_comm *comm, const lk_model *model, const lk_adapt_options *o,
                         const lk_corpus *corpus) {
  lk_corpus *named = NULL;
  lk_status status = LK_OK;
  if (o->corpus) {
    LK_GO(comm ? lk_corpus_open_ranks(&named, comm, o->corpus) : lk_corpus_open(&named, o->corpus, true));
    LK_GO(lk_model_check_corpus(model, lk_corpus_about(named), o->corpus));
    corpus = named;
  }
  const lk_corpus_info *info = corpus ? lk_corpus_about(corpus) : NULL;
  if (!info || info->tokens[LK_TRAIN] + info->rows[LK_TRAIN] == 0)
    LK_GO(LK_FAIL(LK_USAGE,
                  "--dynamic rms measures gradients on training data, %s: name the model's corpus with "
                  "--dynamic-corpus FILE, or use --dynamic sgd",
                  info ? "and this corpus has no /train" : "and none was given"));
  status = lk_adapter_measure(adapter, corpus);
done:
  lk_corpus_close(&named);
  return status;
}

lk_status lk_adapt_begin(lk_adapter **adapter, lk_comm *comm, lk_model *model, const lk_adapt_options *o,
                         const lk_corpus *corpus) {
  *adapter = NULL;
  if (!lk_adapts(&o->how)) return LK_OK;
  lk_status status = lk_adapter_create(adapter, model, &o->how);
  if (comm) status = lk_comm_agree(comm, status);
  if (status == LK_OK && o->how.dynamic == LK_DYNAMIC_RMS) status = measure(*adapter, comm, model, o, corpus);
  return comm ? lk_comm_agree(comm, status) : status;
}

int lk_adapt_list(const lk_adapt_settings *how, lk_adapt_item item[LK_ADAPT_ITEMS]) {
  int n = 0;
  if (how->dynamic != LK_DYNAMIC_NONE) {
    item[n++] = (lk_adapt_item){.name = "dynamic", .word = lk_dynamic_names[how->dynamic]};
    item[n++] = (lk_adapt_item){.name = "dynamic_rate", .value = how->rate};
    item[n++] = (lk_adapt_item){.name = "dynamic_decay", .value = how->decay};
    if (how->dynamic == LK_DYNAMIC_RMS) item[n++] = (lk_adapt_item){.name = "dynamic_epsilon", .value = how->epsilon};
    item[n++] = (lk_adapt_item){.name = "dynamic_segment", .value = (double)how->segment, .whole = true};
  }
  if (how->cache > 0) {
    item[n++] = (lk_adapt_item){.name = "cache", .value = (double)how->cache, .whole = true};
    item[n++] = (lk_adapt_item){.name = "cache_theta", .value = how->theta};
    item[n++] = (lk_adapt_item){.name = "cache_weight", .value = how->weight};
  }
  return n;
}

void lk_adapt_log(const lk_adapt_settings *how) {
  lk_adapt_item item[LK_ADAPT_ITEMS];
  const int n = lk_adapt_list(how, item);
  char line[256] = "";
  for (int i = 0; i < n; i++) {
    const size_t at = strlen(line);
    if (item[i].word)
      (void)snprintf(line + at, sizeof line - at, "  %s %s", item[i].name, item[i].word);
    else
      (void)snprintf(line + at, sizeof line - at, "  %s %.9g", item[i].name, item[i].value);
  }
  if (n > 0) LK_INFO("the model learns from the lines that it reads:%s", line);
}
