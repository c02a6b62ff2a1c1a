/* Which kernels a run computes with. */
#include "build_impl.h"

#include <string.h>

#include "kernels.h"
#include "log.h"

lk_status lk_trainer_kernels(const lk_trainer *t) {
  return lk_kernels_choose(t->blas ? "blas" : t->config->kernels, t->config->train.precision);
}

void lk_trainer_tell_order(const lk_trainer *t, lk_kept kept) {
  const int apart = lk_kernels_sum_apart(t->config->kernels);
  if (strcmp(t->config->train.precision, "bf16") != 0) return;
  if (kept.shards > 0 && apart != kept.apart)
    LK_WARN(
        "the run in '%s' began with kernels that add products of bf16 %s, and goes on with others: its bits change "
        "from "
        "here on (kernels)",
        t->config->run.dir, kept.apart ? "as AMX does" : "in the common order");
  if (strcmp(t->config->kernels, "auto") == 0 && lk_kernels_supported("amx"))
    LK_INFO("this CPU has AMX: with 'kernels: amx' it makes the products of bf16 faster, with bits of its own");
}
