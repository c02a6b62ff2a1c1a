/* /state of a checkpoint: the counters of a run, each within its bounds. */
#include <inttypes.h>
#include <math.h>

#include "checkpoint_impl.h"
#include "shards.h"

#define MANY ((int64_t)1 << 53) /* the limit in the configuration too: the integers that a double represents */

static lk_status check_integer(const lk_h5 *file, const char *name, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return LK_OK;
  return LK_FAIL(LK_DATA, "%s: attribute \"%s\" of /state is %" PRId64 ", expected %" PRId64 " to %" PRId64,
                 lk_h5_path(file), name, value, least, most);
}

/* Counters are at least 0; some are limited by others. */
static lk_status check_integers(const lk_h5 *file, const lk_state *s) {
#define CHECK(name, least, most) LK_TRY(check_integer(file, #name, s->name, least, most));
  CHECK(seed, 0, INT64_MAX)
  CHECK(shards, 1, LK_MAX_SHARDS)
  CHECK(step, 0, MANY)
  CHECK(epoch, 0, MANY)
  CHECK(step_in_epoch, 0, MANY) /* after a rollback it may be above `step` */
  CHECK(skips, 0, MANY)
  CHECK(bad_evaluations, 0, MANY)
  CHECK(evaluations, 0, MANY)
  CHECK(units, 0, MANY)
  CHECK(best_step, 0, s->step)
  CHECK(updates, 0, s->step)
  CHECK(spike_count, 0, MANY)
  CHECK(rollbacks, 0, MANY)
  CHECK(rollback_from, 0, MANY)
#undef CHECK
  return LK_OK;
}

static lk_status check_real(const lk_h5 *file, const char *name, double value, double least, double most) {
  if (value >= least && value <= most) return LK_OK; /* NaN is not */
  return LK_FAIL(LK_DATA, "%s: attribute \"%s\" of /state is %g, expected %s", lk_h5_path(file), name, value,
                 isnan(value)      ? "a number"
                 : isfinite(value) ? "one that is not negative"
                                   : "a finite number");
}

static lk_status check_reals(const lk_h5 *file, const lk_state *s) {
  const double most = 0x1.fffffffffffffp+1023;
  LK_TRY(check_real(file, "best", s->best, -most, most));
  LK_TRY(check_real(file, "seconds", s->seconds, 0, most));
  LK_TRY(check_real(file, "loss_sum", s->loss_sum, -most, most));
  LK_TRY(check_real(file, "loss_units", s->loss_units, 0, most));
  LK_TRY(check_real(file, "spike_mean", s->spike_mean, -most, most));
  /* infinite before the first logged window */
  return check_real(file, "last_train_loss", s->last_train_loss, -most, (double)INFINITY);
}

/* float64 [count] at `path`, without NaN. */
static lk_status read_numbers(const lk_h5 *file, const char *path, ptrdiff_t count, double *numbers) {
  lk_type type = LK_INT32;
  int dims = 0;
  ptrdiff_t shape[LK_H5_DIMS] = {0};
  LK_TRY(lk_h5_shape(file, path, &type, &dims, shape));
  if (dims != 1 || shape[0] != count)
    return LK_FAIL(LK_DATA, "%s: %s has not %td numbers", lk_h5_path(file), path, count);
  LK_TRY(lk_h5_read(file, path, LK_FLOAT64, 0, count, numbers));
  for (ptrdiff_t i = 0; i < count; i++)
    if (isnan(numbers[i])) return LK_FAIL(LK_DATA, "%s: %s holds NaN", lk_h5_path(file), path);
  return LK_OK;
}

lk_status lk_state_read(const lk_h5 *file, lk_state *state) {
  int64_t version = 0;
#define READ_INTEGER(name) LK_TRY(lk_h5_get_int(file, "/state", #name, &state->name));
#define READ_REAL(name)    LK_TRY(lk_h5_get_real(file, "/state", #name, &state->name));
  LK_STATE_INTEGERS(READ_INTEGER)
  LK_STATE_REALS(READ_REAL)
  LK_TRY(lk_h5_get_int(file, "/", "version", &version));
  state->updates = state->step; /* version 1 did not distinguish them */
  if (version >= 2) {
    LK_STATE_INTEGERS_2(READ_INTEGER)
    LK_STATE_REALS_2(READ_REAL)
  }
#undef READ_INTEGER
#undef READ_REAL
  LK_TRY(check_integers(file, state));
  LK_TRY(check_reals(file, state));
  if (lk_h5_exists(file, "/state/average"))
    LK_TRY(read_numbers(file, "/state/average", LK_AVERAGE_STATE, state->average));
  return read_numbers(file, "/state/schedule", LK_SCHEDULE_COUNT, state->schedule);
}
