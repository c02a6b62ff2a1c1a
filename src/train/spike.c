#include "spike_impl.h"

#include <stdio.h>
#include <string.h>

#include "choices.h"

static lk_choice spike_choice(size_t i) {
  static const char reads[] = "train.spike_factor train.spike_window";
  static const lk_choice choices[] = {{"off", NULL, NULL},
                                      {"skip", "the step is not applied", reads},
                                      {"rollback N", "back N steps, and on with the batches behind the spike", reads}};
  return i < sizeof choices / sizeof *choices ? choices[i] : (lk_choice){0};
}
LK_CHOICES("train.spike", spike_choice)

lk_status lk_spike_read(lk_spike *spike, const lk_config *config) {
  const char *text = config->train.spike;
  long long back = 0;
  int used = 0;
  *spike = (lk_spike){.factor = config->train.spike_factor, .window = config->train.spike_window};
  if (strcmp(text, "off") == 0) return LK_OK;
  if (strcmp(text, "skip") == 0) {
    spike->policy = LK_SPIKE_SKIP;
    return LK_OK;
  }
  if (sscanf(text, "rollback %18lld%n", &back, &used) == 1 && text[used] == '\0' && back >= 1) {
    spike->policy = LK_SPIKE_ROLLBACK;
    spike->back = back;
    return LK_OK;
  }
  char quoted[256];
  return lk_config_error(config, "train.spike",
                         "expected off, skip or rollback with a number of steps, as in 'rollback 20', found %s",
                         lk_quote(quoted, text, strlen(text)));
}

bool lk_spike_is(const lk_spike *spike, const lk_state *state, double loss) {
  return spike->policy != LK_SPIKE_OFF && state->spike_count >= spike->window &&
         loss > spike->factor * state->spike_mean;
}

void lk_spike_learn(const lk_spike *spike, lk_state *state, double loss) {
  if (spike->policy == LK_SPIKE_OFF) return;
  state->spike_count++;
  const int64_t over = state->spike_count < spike->window ? state->spike_count : spike->window;
  state->spike_mean += (loss - state->spike_mean) / (double)over;
}
