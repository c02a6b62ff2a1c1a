/* prepare_deal.c - which part a record of the training files belongs to, where fractions are set apart. */
#include <math.h>

#include "prepare_impl.h"

lk_split lk_job_part(const lk_job *job, const lk_source *source, const lk_record *record) {
  (void)record;
  const ptrdiff_t position = source->begin + source->position;
  return position >= job->cut[1] ? LK_TEST : position >= job->cut[0] ? LK_VALID : LK_TRAIN;
}

static lk_status visit_nothing(lk_job *job, const lk_source *source, lk_split split, const lk_record *record) {
  (void)job, (void)source, (void)split, (void)record;
  return LK_OK;
}

/* Where the parts of the training file begin. A fraction such as 1 - 0.9 falls just short of 0.1: hence the 1e-6. */
lk_status lk_job_deal(lk_job *job) {
  const double valid = job->settings->fraction[LK_VALID], test = job->settings->fraction[LK_TEST];
  job->cut[0] = job->cut[1] = PTRDIFF_MAX;
  if (valid <= 0 && test <= 0) return LK_OK;
  LK_TRY(lk_job_walk(job, LK_TRAIN, visit_nothing));
  const double n = (double)job->weight[LK_TRAIN];
  if (valid > 0) job->cut[0] = (ptrdiff_t)floor(n * (1.0 - valid - test) + 1e-6);
  if (test > 0) job->cut[1] = (ptrdiff_t)floor(n * (1.0 - test) + 1e-6);
  return LK_OK;
}
