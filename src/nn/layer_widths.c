/* layer_widths.c - model.widths: one width for each layer, "1150, 1150, 400". */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "encoder.h"

enum { MOST_WIDTH = 16384 }; /* as of model.hidden */

static lk_status expected(const lk_config *config) {
  return lk_config_error(config, "model.widths",
                         "expected %lld whole numbers from 1 to %d, one for each of model.layers, found '%s'",
                         (long long)config->model.layers, MOST_WIDTH, config->model.widths);
}

lk_status lk_layer_widths(const lk_config *config, ptrdiff_t widths[LK_MAX_LAYERS]) {
  const char *at = config->model.widths;
  LK_ASSERT(config->model.layers <= LK_MAX_LAYERS);
  for (int64_t l = 0; l < config->model.layers; l++) {
    widths[l] = (ptrdiff_t)config->model.hidden;
    if (*config->model.widths == '\0') continue;
    char *end;
    at += strspn(at, ", ");
    const long width = isdigit((unsigned char)*at) ? strtol(at, &end, 10) : 0;
    if (width < 1 || width > MOST_WIDTH || !strchr(", ", *end)) return expected(config);
    widths[l] = (ptrdiff_t)width;
    at = end;
  }
  return at[strspn(at, ", ")] == '\0' || *config->model.widths == '\0' ? LK_OK : expected(config);
}
