/* status.h - failures: a code that functions return, and one record with the message.
 *
 * A function that can fail returns lk_status. The first failure is recorded (code, place, text) until the program
 * prints it, with the rank, before it exits; failures that follow from it do not overwrite it. Errors of users and
 * machines are a status; a bug of ours is LK_ASSERT; a non-finite number is a result that the trainer handles. Library
 * code neither prints nor exits. */
#pragma once

/* name, exit code of the program, words */
#define LK_STATUS_LIST(X)                        \
  X(OK, 0, "done")                               \
  X(USAGE, 64, "usage or configuration")         \
  X(DATA, 65, "bad input data or file")          \
  X(NEWER, 65, "a file of a newer version")      \
  X(INTERNAL, 70, "internal")                    \
  X(MEMORY, 70, "out of memory")                 \
  X(IO, 74, "input/output")                      \
  X(STOPPED, 75, "stopped with the state saved") \
  X(STUCK, 76, "a rank is stuck")

typedef enum lk_status {
#define LK_STATUS_ENUM(name, exit_code, words) LK_##name,
  LK_STATUS_LIST(LK_STATUS_ENUM)
#undef LK_STATUS_ENUM
} lk_status;

#define LK_CHECKED            __attribute__((warn_unused_result))
#define LK_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

typedef struct lk_error {
  lk_status code;
  const char *file; /* source file and line where it was found; for bug reports, not for users */
  int line;
  char text[1024]; /* one line for the user, without a newline */
} lk_error;

/** Record a failure unless one is recorded already; returns `code`.               Not collective, thread-safe. */
LK_CHECKED lk_status lk_fail_at(const char *file, int line, lk_status code, const char *format, ...) LK_PRINTF(4, 5);
#ifdef __clang_analyzer__ /* which cannot see that a failure never returns LK_OK */
#define LK_FAIL(code, ...) ((void)!lk_fail_at(__FILE__, __LINE__, code, __VA_ARGS__), (code))
#else
#define LK_FAIL(code, ...) lk_fail_at(__FILE__, __LINE__, code, __VA_ARGS__)
#endif

/** Change the code of the recorded failure, which is returned: for a caller who knows better whose error it is.
 *                                                                                 Not collective. */
LK_CHECKED lk_status lk_fail_as(lk_status code);
/** The recorded failure (code LK_OK where there is none).                         Not collective. */
const lk_error *lk_error_get(void);
/** Delete the recorded failure, which the caller has handled.                     Not collective. */
void lk_error_clear(void);
/** The exit code / the name of a status.                                          Not collective. */
int lk_status_exit_code(lk_status status);
const char *lk_status_words(lk_status status);

/* Return at once; for a function that owns nothing yet. */
#define LK_TRY(call)                      \
  do {                                    \
    lk_status lk_try_ = (call);           \
    if (lk_try_ != LK_OK) return lk_try_; \
  } while (0)
/* Leave through the one `done:` label; for a function that owns something. Needs a local `lk_status status`. */
#define LK_GO(call)                 \
  do {                              \
    status = (call);                \
    if (status != LK_OK) goto done; \
  } while (0)

/* For bugs: prints rank and place and ends the job. Never compiled out. */
#define LK_ASSERT(truth) ((truth) ? (void)0 : lk_assert_failed(__FILE__, __LINE__, #truth))
_Noreturn void lk_assert_failed(const char *file, int line, const char *truth);
/** Install how an assertion ends the job (comm installs MPI_Abort); default abort(). */
void lk_assert_install(int rank, void (*end_job)(void));
