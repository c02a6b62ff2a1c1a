#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"

enum { LONGEST_LINE = 2048 };
static const double redraw_seconds = 0.2;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
  lk_log_level level;
  bool quiet;
  bool screen; /* lines go to standard error, or else to the sink */
  lk_log_sink *sink;
  void *context;
  bool terminal;                 /* standard error is one */
  bool live;                     /* the live line is on the screen, the cursor behind it */
  char line[LONGEST_LINE];       /* what it says */
  double next_screen, next_file; /* when progress is due again, lk_clock_seconds() */
  FILE *file;
} state = {.level = LK_LOG_INFO};

void lk_log_init(lk_log_level level, bool quiet) {
  pthread_mutex_lock(&mutex);
  state.level = quiet ? LK_LOG_ERROR : level;
  state.quiet = quiet;
  state.screen = true;
  state.sink = NULL;
  state.terminal = isatty(STDERR_FILENO) == 1;
  state.live = false;
  state.next_screen = state.next_file = 0;
  pthread_mutex_unlock(&mutex);
}

void lk_log_to(lk_log_sink *sink, void *context) {
  pthread_mutex_lock(&mutex);
  state.level = LK_LOG_INFO;
  state.quiet = state.screen = state.live = false;
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

/* Bytes of `text` that fit into so many columns, without cutting a character; wide characters count as one. */
static int fitting(const char *text, int columns) {
  int bytes = 0;
  for (; text[bytes]; bytes++) {
    bool starts = ((unsigned char)text[bytes] & 0xc0) != 0x80;
    if (starts && columns-- == 0) break;
  }
  return bytes;
}

/* One column stays free: a cursor behind the last one would wrap, and \r could not go back. */
static void draw(void) {
  struct winsize window = {0};
  int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1 ? window.ws_col - 1 : 79;
  (void)fprintf(stderr, "\r\x1b[K%.*s", fitting(state.line, columns), state.line);
  (void)fflush(stderr);
  state.live = true;
}

static void write_line(lk_log_level level, bool screen, const char *format, va_list args) {
  char text[LONGEST_LINE];
  (void)vsnprintf(text, sizeof text, format, args);
  pthread_mutex_lock(&mutex);
  if (level <= state.level) {
    /* The plain line takes the place of the live one, which moves down. */
    if (screen && state.screen) (void)fprintf(stderr, "%s%s%s\n", state.live ? "\r\x1b[K" : "", prefix(level), text);
    if (screen && state.sink) state.sink(state.context, level, text);
    to_file(prefix(level), text);
    if (screen && state.live) draw();
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
  double now = lk_clock_seconds();
  bool due = speaks() && ((state.screen && now >= state.next_screen) || (state.file && now >= state.next_file));
  pthread_mutex_unlock(&mutex);
  return due;
}

bool lk_log_progress(double seconds, const char *format, ...) {
  va_list args;
  va_start(args, format);
  pthread_mutex_lock(&mutex);
  double now = lk_clock_seconds();
  bool screen = speaks() && state.screen && now >= state.next_screen;
  bool file = speaks() && state.file && now >= state.next_file;
  if (screen || file) (void)vsnprintf(state.line, sizeof state.line, format, args);
  if (file) {
    to_file("", state.line);
    state.next_file = now + seconds;
  }
  if (screen) {
    if (state.terminal)
      draw();
    else
      (void)fprintf(stderr, "%s\n", state.line);
    state.next_screen = now + (state.terminal ? redraw_seconds : seconds);
  }
  pthread_mutex_unlock(&mutex);
  va_end(args);
  return screen || file;
}

void lk_log_progress_end(void) {
  pthread_mutex_lock(&mutex);
  if (state.live) (void)fputc('\n', stderr);
  state.live = false;
  state.next_screen = state.next_file = 0;
  pthread_mutex_unlock(&mutex);
}
