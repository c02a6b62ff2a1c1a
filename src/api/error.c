#include "lockstep/error.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "api_impl.h"
#include "h5.h"

/* One list makes both enums agree. */
#define SAME(name) _Static_assert((int)LOCKSTEP_##name == (int)LK_##name, "status " #name)
SAME(OK);
SAME(USAGE);
SAME(DATA);
SAME(NEWER);
SAME(INTERNAL);
SAME(MEMORY);
SAME(IO);
SAME(STOPPED);
SAME(STUCK);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool inside; /* this thread holds the lock */
static _Thread_local char last[sizeof((lk_error *)NULL)->text];

lk_status lk_api_enter(void) {
  if (inside) {
    (void)snprintf(last, sizeof last, "a function of Lockstep was called from one of its callbacks");
    return LK_USAGE;
  }
  pthread_mutex_lock(&lock);
  inside = true;
  lk_error_clear();
  return LK_OK;
}

lockstep_status lk_api_leave(lk_status status) {
  const lk_error *error = lk_error_get();
  if (status != LK_OK)
    (void)snprintf(last, sizeof last, "%s", error->code != LK_OK ? error->text : lk_status_words(status));
  lk_error_clear();
  lk_h5_restore_settings();
  inside = false;
  pthread_mutex_unlock(&lock);
  return (lockstep_status)status;
}

lk_status lk_api_options(void *own, size_t size, const void *theirs) {
  size_t given;
  if (theirs == NULL) return LK_OK;
  memcpy(&given, theirs, sizeof given);
  if (given < sizeof given || given > size)
    return LK_FAIL(LK_USAGE, given > size ? "these options are those of a newer version of Lockstep's headers"
                                          : "options have no size: begin with LOCKSTEP_..._OPTIONS");
  memcpy(own, theirs, given);
  return LK_OK;
}

const char *lk_api_string(const lk_strings *strings, int64_t i) {
  return i >= 0 && i < strings->count ? lk_strings_get(strings, (ptrdiff_t)i) : NULL;
}

const char *lockstep_error(void) { return last; }

const char *lockstep_status_text(lockstep_status status) { return lk_status_words((lk_status)status); }

int lockstep_status_exit_code(lockstep_status status) { return lk_status_exit_code((lk_status)status); }
