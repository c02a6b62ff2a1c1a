/* build_impl.h - creates the parts of a run and connects them. */
#pragma once
#include "trainer_impl.h"

/** Create all parts, and load the state of the run that is resumed.               Collective. */
LK_CHECKED lk_status lk_trainer_build(lk_trainer *t);

/* The steps of lk_trainer_build(), for a trial without a folder. */
/** Set what follows from the configuration alone.                                 Collective. */
LK_CHECKED lk_status lk_trainer_read(lk_trainer *t);
/** Create the parts that a step needs; the weights are not packed yet.            Collective. */
LK_CHECKED lk_status lk_trainer_join(lk_trainer *t, lk_kept kept);
/** run_kernels.c: log that AMX could be used, and that products are added in another order than when the run began.
 *  Rank 0.                                                                        Not collective. */
void lk_trainer_tell_order(const lk_trainer *t, lk_kept kept);
