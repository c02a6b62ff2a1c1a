/* watch_impl.h - the state of a run in progress, found by looking at the files in its folder again and again.
 *
 *   config.yaml     eval.metric and train.minutes
 *   metrics.jsonl   the curve; replaced as a whole when a run resumes or goes back
 *   log.txt         progress between its lines, messages, and how the run ended
 *   best.h5         a link that names the step of the best validation
 *   owner           exists while the run lives, and is touched every few seconds
 *
 * Only new lines are read, and half a line waits for its end. Nothing is written. Not collective. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "live.h"
#include "text.h"

/* A file that grows. */
typedef struct lk_tail {
  dev_t device;
  ino_t inode;
  off_t read;     /* bytes */
  lk_buffer text; /* read and not taken yet */
  size_t taken;   /* of text */
} lk_tail;

/** Read what was appended. *anew: the file was replaced or cut, and is read from its start; a missing file has no
 *  lines. LK_MEMORY. */
LK_CHECKED lk_status lk_tail_read(lk_tail *tail, const char *path, bool *anew);
/** The next whole line, without its end; false where there is none yet. It is valid until the next lk_tail_read(). */
bool lk_tail_line(lk_tail *tail, const char **line, size_t *size);
void lk_tail_release(lk_tail *tail);

typedef enum lk_run_phase { LK_RUN_WAITING, LK_RUN_GOES_ON, LK_RUN_SILENT, LK_RUN_STOPPED, LK_RUN_DONE } lk_run_phase;

/* Points of the curve: step and value. */
typedef struct lk_points {
  double *at; /* [count,2] */
  ptrdiff_t count;
  size_t capacity;
} lk_points;

typedef struct lk_watched {
  const char *dir;
  lk_tail metrics, log;
  lk_points loss, valid, chosen; /* chosen: values of eval.metric */
  struct timespec configured;    /* time of config.yaml when it was read */
  double minutes;                /* train.minutes */
  double spent, counted; /* seconds in the lines of metrics.jsonl, and the time of the last change of that file */
  char metric[40];       /* eval.metric */
  double step, epoch, mean, rate, tokens;   /* of the last training line of metrics.jsonl; step < 0: none */
  char progress[512], stamp[32], last[512]; /* of log.txt: the last progress line, its time, the last other line */
  bool progress_ended;                      /* `last` stands behind `progress` */
  bool owned;
  double sign; /* seconds since 1970 of the last sign of life; 0: none */
} lk_watched;

/** Look at all files. Each new message of log.txt is passed to message(context, line), unless that is NULL; those that
 *  were there at the first look are not. LK_MEMORY; LK_IO if `dir` does not exist, LK_USAGE if it is no folder. */
LK_CHECKED lk_status lk_watched_look(lk_watched *watched, void (*message)(void *context, const char *line),
                                     void *context);
/** What the run is doing. now: seconds since 1970. */
lk_run_phase lk_watched_phase(const lk_watched *watched, double now);
/** The picture's state, with a title that says what the run is doing. */
lk_live lk_watched_live(const lk_watched *watched, double now);
/** Replace control characters of a text by '?': they would move the cursor. */
void lk_watched_plain(char *text);
void lk_watched_release(lk_watched *watched);
