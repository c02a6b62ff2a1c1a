#include "exchange.h"

#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api_impl.h"
#include "arena.h"
#include "kernels.h"
#include "lockstep/exchange.h"
#include "model_impl.h"

lockstep_status lockstep_model_export(lockstep_model *model, const char *path, const char *format) {
  LK_ENTER();
  fenv_t numbers;
  const lk_format *how = NULL;
  lk_strings written = {0};
  lk_status status;
  fegetenv(&numbers);
  LK_GO(lk_format_find(&how, format, path));
  LK_GO(lk_kernels_choose(model->kernels, model->model.config.train.precision));
  LK_GO(lk_export(&model->model, how, path, &written));
done:
  lk_strings_release(&written);
  fesetenv(&numbers);
  return lk_api_leave(status);
}

static int count_of(const char *const *texts) {
  int count = 0;
  while (texts && texts[count]) count++;
  return count;
}

/* "OURS=THEIRS" taken apart: the texts are copied into `copy`, which mappings point into. */
static lk_status take_maps(const char *const *maps, lk_mapping *map, lk_strings *copy) {
  for (int i = 0; maps && maps[i]; i++) {
    const char *equals = strchr(maps[i], '=');
    if (!equals || equals == maps[i] || !equals[1])
      return LK_FAIL(LK_USAGE, "maps: expected OURS=THEIRS, found '%.80s'", maps[i]);
    LK_TRY(lk_strings_add(copy, maps[i], (size_t)(equals - maps[i]), 0));
    LK_TRY(lk_strings_add(copy, equals + 1, strlen(equals + 1), 0));
  }
  for (ptrdiff_t i = 0; i < copy->count / 2; i++)
    map[i] = (lk_mapping){lk_strings_get(copy, 2 * i), lk_strings_get(copy, 2 * i + 1)};
  return LK_OK;
}

lockstep_status lockstep_model_import(const char *path, const char *output, const lockstep_import_options *options,
                                      double *difference) {
  LK_ENTER();
  lockstep_import_options own = LOCKSTEP_IMPORT_OPTIONS;
  fenv_t numbers;
  lk_imported result = {0};
  lk_mapping *map = NULL;
  lk_strings copy = {0};
  lk_status status;
  fegetenv(&numbers);
  LK_GO(lk_api_options(&own, sizeof own, options));
  lk_import how = {.path = path,
                   .config = own.config,
                   .setting = own.settings,
                   .settings = count_of(own.settings),
                   .corpus = own.corpus,
                   .output = output};
  LK_GO(lk_format_find(&how.format, own.format, path));
  how.maps.count = count_of(own.maps);
  LK_GO(lk_alloc(&map, (size_t)how.maps.count + 1, sizeof *map));
  LK_GO(take_maps(own.maps, map, &copy));
  how.maps.item = map;
  LK_GO(lk_import_model(&how, &result));
  if (difference) *difference = result.probed ? result.difference : (double)NAN;
done:
  lk_buffer_release(&result.notes);
  lk_strings_release(&copy);
  free(map);
  fesetenv(&numbers);
  return lk_api_leave(status);
}
