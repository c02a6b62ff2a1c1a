#include "status.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static lk_error record;
static _Thread_local lk_error *diverted; /* where this thread's failures go; NULL: to the record */

static struct {
  int rank;
  void (*end_job)(void);
  atomic_flag ending; /* a second assertion, in a thread or inside end_job, must not end the job again */
} on_assert = {.rank = 0, .end_job = NULL, .ending = ATOMIC_FLAG_INIT};

/* Control characters become spaces: the message is one line, and names from a file cannot control a terminal. */
static void flatten(char *text) {
  for (; *text; text++)
    if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = ' ';
}

lk_status lk_fail_at(const char *file, int line, lk_status code, const char *format, ...) {
  lk_error *to = diverted ? diverted : &record;
  pthread_mutex_lock(&mutex);
  if (to->code == LK_OK) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(to->text, sizeof to->text, format, args);
    va_end(args);
    flatten(to->text);
    to->file = file;
    to->line = line;
    to->code = code;
  }
  pthread_mutex_unlock(&mutex);
  return code;
}

lk_status lk_fail_as(lk_status code) {
  pthread_mutex_lock(&mutex);
  record.code = code;
  pthread_mutex_unlock(&mutex);
  return code;
}

void lk_error_divert(lk_error *to) { diverted = to; }

const lk_error *lk_error_get(void) { return &record; }

void lk_error_clear(void) {
  pthread_mutex_lock(&mutex);
  memset(&record, 0, sizeof record);
  pthread_mutex_unlock(&mutex);
}

int lk_status_exit_code(lk_status status) {
  switch (status) {
#define CASE(name, exit_code, words) \
  case LK_##name:                    \
    return exit_code;
    LK_STATUS_LIST(CASE)
#undef CASE
  }
  return 70;
}

const char *lk_status_words(lk_status status) {
  switch (status) {
#define CASE(name, exit_code, words) \
  case LK_##name:                    \
    return words;
    LK_STATUS_LIST(CASE)
#undef CASE
  }
  return "unknown status";
}

void lk_assert_install(int rank, void (*end_job)(void)) {
  on_assert.rank = rank;
  on_assert.end_job = end_job;
}

_Noreturn void lk_assert_failed(const char *file, int line, const char *truth) {
  (void)fprintf(stderr, "rank %d: %s:%d: assertion failed: %s\n", on_assert.rank, file, line, truth);
  (void)fflush(stderr);
  if (on_assert.end_job && !atomic_flag_test_and_set(&on_assert.ending)) on_assert.end_job();
  abort();
}
