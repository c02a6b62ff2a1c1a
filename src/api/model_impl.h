/* model_impl.h - a model of the public library from inside. */
#pragma once
#include "lockstep/model.h"
#include "model.h"

struct lockstep_model {
  lk_model model;
  const char *kernels; /* those that its weights are packed for */
};
