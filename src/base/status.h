/* status.h - how failures are reported: a status code is returned up the call chain; one record holds the message.
 *
 * A function that can fail returns lk_status. The first failure is kept in one record (code, source position,
 * message) that the program prints once, with the rank, just before it exits; failures that follow during cleanup do
 * not overwrite it. There are three kinds of failure and one mechanism for each: mistakes of users and failures of
 * the machine are a status; a bug in this program is LK_ASSERT; a non-finite number is a result that the trainer
 * handles by a configured policy. Library code never prints and never exits. */
#pragma once

/* name, exit code of the program, short description */
#define LK_STATUS_LIST(X)                        \
  X(OK, 0, "done")                               \
  X(USAGE, 64, "usage or configuration")         \
  X(DATA, 65, "bad input data or file")          \
  X(NEWER, 65, "a file of a newer version")      \
  X(INTERNAL, 70, "internal")                    \
  X(MEMORY, 70, "out of memory")                 \
  X(IO, 74, "input/output")                      \
  X(STOPPED, 75, "stopped with the state saved") \
  X(STUCK, 76, "a rank is stuck")                \
  X(UNWELL, 78, "something is to be mended")

typedef enum lk_status {
#define LK_STATUS_ENUM(name, exit_code, words) LK_##name,
  LK_STATUS_LIST(LK_STATUS_ENUM)
#undef LK_STATUS_ENUM
} lk_status;

#define LK_CHECKED            __attribute__((warn_unused_result))
#define LK_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

typedef struct lk_error {
  lk_status code;
  const char *file; /* source file and line that reported it; for bug reports, not for users */
  int line;
  char text[1024]; /* message for the user: one line, without a newline */
} lk_error;

/** Record a failure unless one is recorded already; returns `code`.               Not collective, thread-safe. */
LK_CHECKED lk_status lk_fail_at(const char *file, int line, lk_status code, const char *format, ...) LK_PRINTF(4, 5);
#ifdef __clang_analyzer__ /* the analyzer cannot see that a failure never returns LK_OK */
#define LK_FAIL(code, ...) ((void)!lk_fail_at(__FILE__, __LINE__, code, __VA_ARGS__), (code))
#else
#define LK_FAIL(code, ...) lk_fail_at(__FILE__, __LINE__, code, __VA_ARGS__)
#endif

/** Change the code of the recorded failure to `code`, and return it: for callers that know what kind of failure it
 *  is when the function that found it could not.                                   Not collective. */
LK_CHECKED lk_status lk_fail_as(lk_status code);
/** The recorded failure; its code is LK_OK if there is none.                       Not collective. */
const lk_error *lk_error_get(void);
/** Discard the recorded failure, because the caller has handled it.                Not collective. */
void lk_error_clear(void);
/** Failures of this thread are recorded in *to from now on: for a thread whose failure another one reports later, or
 *  never. NULL: in the one record again.                                           Not collective. */
void lk_error_divert(lk_error *to);
/** The exit code / the short description of a status.                              Not collective. */
int lk_status_exit_code(lk_status status);
const char *lk_status_words(lk_status status);

/* Return at once if the call fails; for functions that have nothing to release yet. */
#define LK_TRY(call)                      \
  do {                                    \
    lk_status lk_try_ = (call);           \
    if (lk_try_ != LK_OK) return lk_try_; \
  } while (0)
/* Jump to the label `done` if the call fails; for functions that have something to release. Needs a local `lk_status
 * status`. */
#define LK_GO(call)                 \
  do {                              \
    status = (call);                \
    if (status != LK_OK) goto done; \
  } while (0)

/* Check an invariant whose violation is a bug in this program: prints rank and source position and ends the job.
 * Never compiled out. */
#define LK_ASSERT(truth) ((truth) ? (void)0 : lk_assert_failed(__FILE__, __LINE__, #truth))
_Noreturn void lk_assert_failed(const char *file, int line, const char *truth);
/** Set the function by which a failed assertion ends the job (comm sets MPI_Abort); the default is abort(). */
void lk_assert_install(int rank, void (*end_job)(void));
