#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "screen.h"

enum { LONGEST_LINE = 2048 };
static const double redraw_seconds = 0.2, copied_seconds = 0.4; /* until mpirun has copied a line */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
  lk_log_level level;
  bool quiet;
  bool screen; /* lines go to standard error, or else to the sink */
  lk_log_sink *sink;
  void *context;
  bool looked, terminal;                   /* lk_screen_begin() was called, and what it said */
  lk_picture picture;                      /* what the screen shows */
  double next_draw, next_plain, next_file; /* when progress is due again, lk_clock_seconds() */
  FILE *file;
} state = {.level = LK_LOG_INFO};

void lk_log_init(lk_log_level level, bool quiet) {
  pthread_mutex_lock(&mutex);
  state.level = quiet ? LK_LOG_ERROR : level;
  state.quiet = quiet;
  state.screen = true;
  state.sink = NULL;
  state.looked = false;
  state.next_draw = state.next_plain = state.next_file = 0;
  pthread_mutex_unlock(&mutex);
}

void lk_log_to(lk_log_sink *sink, void *context) {
  pthread_mutex_lock(&mutex);
  state.level = LK_LOG_INFO;
  state.quiet = state.screen = false;
  state.sink = sink;
  state.context = context;
  state.next_file = 0;
  pthread_mutex_unlock(&mutex);
}

lk_status lk_log_open(const char *path) {
  FILE *file = fopen(path, "a");
  if (!file) return LK_FAIL(LK_IO, "cannot write the log '%s': %s", path, strerror(errno));
  (void)setvbuf(file, NULL, _IOLBF, 0);
  lk_log_close();
  pthread_mutex_lock(&mutex);
  state.file = file;
  pthread_mutex_unlock(&mutex);
  return LK_OK;
}

void lk_log_close(void) {
  pthread_mutex_lock(&mutex);
  if (state.file) (void)fclose(state.file);
  state.file = NULL;
  pthread_mutex_unlock(&mutex);
}

static const char *prefix(lk_log_level level) {
  switch (level) {
    case LK_LOG_ERROR:
      return "error: ";
    case LK_LOG_WARN:
      return "warning: ";
    case LK_LOG_INFO:
    case LK_LOG_DEBUG:
      break;
  }
  return "";
}

static void to_file(const char *start, const char *text) {
  char stamp[32];
  if (!state.file) return;
  lk_clock_stamp(stamp);
  (void)fprintf(state.file, "%s %s%s\n", stamp, start, text);
}

static void to_screen(const char *start, const char *text) {
  char line[LONGEST_LINE + 16];
  const int size = snprintf(line, sizeof line, "%s%s\n", start, text);
  if (lk_screen_line(line, (size_t)size, &state.picture)) state.next_draw = lk_clock_seconds() + copied_seconds;
}

static void write_line(lk_log_level level, bool screen, const char *format, va_list args) {
  char text[LONGEST_LINE];
  (void)vsnprintf(text, sizeof text, format, args);
  pthread_mutex_lock(&mutex);
  if (level <= state.level) {
    if (screen && state.screen) to_screen(prefix(level), text);
    if (screen && state.sink) state.sink(state.context, level, text);
    to_file(prefix(level), text);
  }
  pthread_mutex_unlock(&mutex);
}

void lk_log(lk_log_level level, const char *format, ...) {
  va_list args;
  va_start(args, format);
  write_line(level, true, format, args);
  va_end(args);
}

void lk_log_record(lk_log_level level, const char *format, ...) {
  va_list args;
  va_start(args, format);
  write_line(level, false, format, args);
  va_end(args);
}

static bool speaks(void) { return !state.quiet && state.level >= LK_LOG_INFO; }

bool lk_log_progress_due(void) {
  pthread_mutex_lock(&mutex);
  const double now = lk_clock_seconds();
  const bool due = speaks() && ((state.screen && now >= state.next_draw) || (state.file && now >= state.next_file));
  pthread_mutex_unlock(&mutex);
  return due;
}

/* On the screen, or where that shows no picture as a line every `seconds`. */
static bool show(const lk_live *live, const char *line, double seconds, double now) {
  lk_window window;
  if (!state.looked) state.terminal = lk_screen_begin();
  state.looked = true;
  state.next_draw = now + (state.terminal ? redraw_seconds : seconds);
  if (lk_screen_ready(&window)) {
    lk_live_draw(live, &window, &state.picture);
    lk_screen_show(&state.picture);
    return true;
  }
  if (live->screen || now < state.next_plain) return false;
  state.next_plain = now + seconds;
  to_screen("", line);
  return true;
}

bool lk_log_progress(double seconds, const lk_live *live) {
  char line[LONGEST_LINE];
  pthread_mutex_lock(&mutex);
  const double now = lk_clock_seconds();
  const bool screen = speaks() && state.screen && now >= state.next_draw;
  const bool file = speaks() && state.file && !live->screen && now >= state.next_file;
  bool shown = file;
  if (screen || file) lk_live_plain(live, line, sizeof line);
  if (file) {
    to_file("", line);
    state.next_file = now + seconds;
  }
  if (screen && show(live, line, seconds, now)) shown = true;
  pthread_mutex_unlock(&mutex);
  return shown;
}

void lk_log_progress_after(double picture, double plain) {
  pthread_mutex_lock(&mutex);
  state.next_draw = lk_clock_seconds() + picture;
  state.next_plain = lk_clock_seconds() + plain;
  pthread_mutex_unlock(&mutex);
}

void lk_log_progress_end(bool erase) {
  pthread_mutex_lock(&mutex);
  if (state.looked) lk_screen_end(erase, &state.picture);
  state.next_draw = state.next_plain = state.next_file = 0;
  pthread_mutex_unlock(&mutex);
}

void lk_log_settle(void) {
  pthread_mutex_lock(&mutex);
  if (state.looked) lk_screen_end(true, &state.picture), lk_screen_wait();
  pthread_mutex_unlock(&mutex);
}
