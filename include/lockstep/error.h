/* error.h - how a function of this library fails.
 *
 * A function that can fail returns a lockstep_status. Where it is not LOCKSTEP_OK, the function has left its outputs as
 * they were, and lockstep_error() has one line for the user: what was wrong and where.
 *
 *   if (lockstep_model_open(&model, path) != LOCKSTEP_OK) {
 *     fprintf(stderr, "%s\n", lockstep_error());
 *     return EXIT_FAILURE;
 *   }
 *
 * The library never prints, never exits and never changes a signal handler. One exception: if it finds a bug of its
 * own it writes one line to standard error and calls abort() (during training MPI_Abort(), so that no rank is left
 * waiting). Running out of memory is a status, not a bug.
 *
 * A file that the library has not verified before is first read by a short-lived child process of the same executable,
 * so that a file made to crash HDF5 cannot crash the program. A call of waitpid() for any child may see that child.
 *
 * Threads: functions may be called from any thread. They run one at a time: a call waits until a call of another thread
 * has returned, even if that one trains. Callbacks must not call the library: in the thread of the running call that
 * fails with LOCKSTEP_USAGE. The exceptions, which never wait and may be called anywhere, are lockstep_train_stop(),
 * the functions of this header, and those that only return a property of an object. */
#pragma once

#ifdef __GNUC__
#define LOCKSTEP_API     __attribute__((visibility("default")))
#define LOCKSTEP_CHECKED __attribute__((warn_unused_result))
#else
#define LOCKSTEP_API
#define LOCKSTEP_CHECKED
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers stay as they are; later versions may add some. */
typedef enum lockstep_status {
  LOCKSTEP_OK = 0,
  LOCKSTEP_USAGE = 1,    /* an argument or a setting is wrong, or does not fit the model or corpus */
  LOCKSTEP_DATA = 2,     /* bad text or a damaged file */
  LOCKSTEP_NEWER = 3,    /* a file that a newer version has written */
  LOCKSTEP_INTERNAL = 4, /* MPI failed, or training cannot go on (too many non-finite steps, ranks that differ) */
  LOCKSTEP_MEMORY = 5,   /* out of memory */
  LOCKSTEP_IO = 6,       /* a file cannot be opened, read or written */
  LOCKSTEP_STOPPED = 7,  /* training was asked to stop; its state is saved and the same call goes on with it */
  LOCKSTEP_STUCK = 8     /* not returned by this library: the exit code of a program `lockstep` whose rank is stuck */
} lockstep_status;

/** What went wrong in the last call of this thread that failed: one line of UTF-8 without a newline, at most 1023
 *  bytes; "" if none has failed. Valid until the thread's next call.                 Not collective. */
LOCKSTEP_API const char *lockstep_error(void);

/** The meaning of a status in a few words, "bad input data or file".                 Not collective. */
LOCKSTEP_API const char *lockstep_status_text(lockstep_status status);

/** The exit code of the program `lockstep` for a status: 0, 64, 65, 70, 74, 75 or 76. Not collective. */
LOCKSTEP_API int lockstep_status_exit_code(lockstep_status status);

#ifdef __cplusplus
}
#endif
