/* log.h - progress lines and warnings of a run.
 *
 * After lk_log_init() lines go to standard error, after lk_log_to() to a function; before either they are dropped.
 * After lk_log_open() they also go to the run's log.txt. Only rank 0 logs, except for errors. On a terminal progress is
 * a picture (live.h) that is redrawn in place below the lines (screen.h); in a file or pipe it is an ordinary line now
 * and then (log.every). Results of a command are no log: src/cli prints them to standard output. */
#pragma once
#include <stdbool.h>

#include "live.h"

typedef enum lk_log_level { LK_LOG_ERROR, LK_LOG_WARN, LK_LOG_INFO, LK_LOG_DEBUG } lk_log_level;

/** Set the level; `quiet` (ranks above 0): only errors.                         Not collective. */
void lk_log_init(lk_log_level level, bool quiet);
/** Hand lines of LK_LOG_INFO and above to `sink` instead of standard error; NULL: to nobody. It is called under a lock,
 *  one line at a time, from any thread. Progress is not handed to it.             Not collective. */
typedef void lk_log_sink(void *context, lk_log_level level, const char *line);
void lk_log_to(lk_log_sink *sink, void *context);
/** Append to the file `path` as well, each line with a time stamp. LK_IO.           Not collective. */
LK_CHECKED lk_status lk_log_open(const char *path);
void lk_log_close(void);

/** One line, without a newline at its end.                                        Not collective, thread-safe. */
void lk_log(lk_log_level level, const char *format, ...) LK_PRINTF(2, 3);
/** The same, but only to log.txt: for lines that are printed by other means. */
void lk_log_record(lk_log_level level, const char *format, ...) LK_PRINTF(2, 3);
#define LK_INFO(...)  lk_log(LK_LOG_INFO, __VA_ARGS__)
#define LK_WARN(...)  lk_log(LK_LOG_WARN, __VA_ARGS__)
#define LK_DEBUG(...) lk_log(LK_LOG_DEBUG, __VA_ARGS__)

/** Show progress: a picture (live.h) that is redrawn at most five times a second where there is a terminal to draw on
 *  (screen.h), elsewhere and in log.txt a plain line every `seconds`. Returns whether something was shown.
 *  Not collective. */
bool lk_log_progress(double seconds, const lk_live *live);
/** Whether lk_log_progress() would show something now; if not, the caller need not build the state. */
bool lk_log_progress_due(void);
/** Show nothing for so many seconds: no picture, no plain line.                    Not collective. */
void lk_log_progress_after(double picture, double plain);
/** End the progress display: leave the picture on the screen, or erase it. If the terminal is suspended (Ctrl-S), what
 *  it has not taken is kept without waiting, so that a run can still save and end. Not collective. */
void lk_log_progress_end(bool erase);
/** Erase a picture that is still there and wait until the terminal has taken everything. To be called before something
 *  else is written to it, and at the end of the program.                          Not collective. */
void lk_log_settle(void);
