#include "recorder_impl.h"

static const lk_recorder_kind *const kinds[LK_RECORDERS] = {&lk_recorder_metrics, &lk_recorder_tensorboard};

static bool wanted(int i, const lk_config *config) { return !kinds[i]->wanted || kinds[i]->wanted(config); }

lk_status lk_recorders_resume(lk_recorders *recorders, const lk_config *config, int64_t step, bool *tested) {
  for (int i = 0; i < LK_RECORDERS; i++)
    if (wanted(i, config)) LK_TRY(kinds[i]->resume(config->run.dir, step, tested, &recorders->state[i]));
  return LK_OK;
}

lk_status lk_recorders_write(const lk_recorders *recorders, const lk_config *config, const lk_record *record) {
  for (int i = 0; i < LK_RECORDERS; i++)
    if (wanted(i, config)) LK_TRY(kinds[i]->write(config->run.dir, record, recorders->state[i]));
  return LK_OK;
}

void lk_recorders_release(lk_recorders *recorders) {
  for (int i = 0; i < LK_RECORDERS; i++) {
    if (kinds[i]->release) kinds[i]->release(recorders->state[i]);
    recorders->state[i] = NULL;
  }
}
