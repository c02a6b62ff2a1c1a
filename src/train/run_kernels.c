/* Which kernels a run computes with. */
#include "kernels.h"
#include "trainer_impl.h"

lk_status lk_trainer_kernels(const lk_trainer *t) {
  return lk_kernels_choose(t->blas ? "blas" : t->config->kernels, t->config->train.precision);
}
