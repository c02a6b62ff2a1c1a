/* log.h - what a run says while it works.
 *
 * Lines go to standard error after lk_log_init(), to a function after lk_log_to(), and to nobody before; once
 * lk_log_open() was called they go to the run's log.txt too. Only rank 0 logs, except for errors. On a terminal one live line (progress) is redrawn in place below the plain ones; in a file or pipe progress
 * becomes a plain line every ten seconds. Results of a command are not log: they go to standard output, from cli/. */
#pragma once
#include <stdbool.h>

#include "status.h"

typedef enum lk_log_level { LK_LOG_ERROR, LK_LOG_WARN, LK_LOG_INFO, LK_LOG_DEBUG } lk_log_level;

/** Choose the level, and silence all but errors where `quiet` (ranks above 0).    Not collective. */
void lk_log_init(lk_log_level level, bool quiet);
/** Hand lines of LK_LOG_INFO and above to `sink` instead of standard error; NULL: to nobody. It is called under a lock,
 *  one line at a time, from any thread. Progress is not handed to it.             Not collective. */
typedef void lk_log_sink(void *context, lk_log_level level, const char *line);
void lk_log_to(lk_log_sink *sink, void *context);
/** Append to `path` as well, with a time stamp a line. LK_IO where it cannot.      Not collective. */
LK_CHECKED lk_status lk_log_open(const char *path);
void lk_log_close(void);

/** One line, without a newline at its end.                                        Not collective, thread-safe. */
void lk_log(lk_log_level level, const char *format, ...) LK_PRINTF(2, 3);
/** The same for the run's log.txt alone: of what is put on the screen elsewhere. */
void lk_log_record(lk_log_level level, const char *format, ...) LK_PRINTF(2, 3);
#define LK_INFO(...)  lk_log(LK_LOG_INFO, __VA_ARGS__)
#define LK_WARN(...)  lk_log(LK_LOG_WARN, __VA_ARGS__)
#define LK_DEBUG(...) lk_log(LK_LOG_DEBUG, __VA_ARGS__)

/** The live line: redrawn at most five times a second on a terminal, a plain line every `seconds` elsewhere.
 *  Returns whether something was shown.                                           Not collective. */
bool lk_log_progress(double seconds, const char *format, ...) LK_PRINTF(2, 3);
/** Whether lk_log_progress() would show something now: spares the caller the formatting. */
bool lk_log_progress_due(void);
/** End the live line, leaving it on the screen.                                   Not collective. */
void lk_log_progress_end(void);
