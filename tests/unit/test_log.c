/* The output on standard error and in the log file: on a pipe, on a terminal, quiet, and by level. */
#include "log.h"

#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "text.h"
#include "work.h"

/* Standard error is the write end of a pipe, or a terminal of so many columns, while `speak` runs in a child. */
static void heard(void (*speak)(void), int columns, lk_buffer *out) {
  int ends[2];
  if (columns > 0) {
    struct winsize window = {.ws_row = 24, .ws_col = (unsigned short)columns};
    assert_int_equal(openpty(&ends[0], &ends[1], NULL, NULL, &window), 0);
  } else {
    assert_int_equal(pipe(ends), 0);
  }
  pid_t child = fork();
  if (child == 0) {
    (void)dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    speak();
    (void)fflush(stderr);
    _exit(0);
  }
  close(ends[1]);
  char piece[4096];
  for (ssize_t got; (got = read(ends[0], piece, sizeof piece)) > 0;)
    assert_int_equal(lk_buffer_append(out, piece, (size_t)got), LK_OK);
  close(ends[0]);
  int how = 0;
  assert_int_equal(waitpid(child, &how, 0), child);
  assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

static void assert_heard(void (*speak)(void), int columns, const char *expected) {
  lk_buffer out = {0};
  assert_int_equal(lk_buffer_append(&out, "", 0), LK_OK);
  heard(speak, columns, &out);
  assert_string_equal(out.data, expected);
  lk_buffer_release(&out);
}

static bool progress_says(double seconds, const char *text) {
  lk_live live = lk_live_make(-1, -1);
  lk_live_add(&live, 0, "%s", text);
  return lk_log_progress(seconds, &live);
}

static void say_all(void) {
  LK_DEBUG("debug %d", 1);
  LK_INFO("info %d", 2);
  LK_WARN("warn");
  lk_log(LK_LOG_ERROR, "error");
}
static void in_brackets(void *context, lk_log_level level, const char *line) {
  (void)fprintf(stderr, "%s[%d %s]", (const char *)context, (int)level, line);
}
static void to_a_function(void) {
  lk_log_init(LK_LOG_DEBUG, false);
  lk_log_to(in_brackets, "-");
  say_all();
  if (lk_log_progress_due() || progress_says(0, "progress")) _exit(1);
}
static void to_nobody(void) {
  say_all(); /* nothing was said about where to */
  lk_log_init(LK_LOG_DEBUG, false);
  lk_log_to(NULL, NULL);
  say_all();
  lk_log_progress_end(false);
}
static void at_debug(void) {
  lk_log_init(LK_LOG_DEBUG, false);
  say_all();
}
static void at_info(void) {
  lk_log_init(LK_LOG_INFO, false);
  say_all();
}
static void at_warn(void) {
  lk_log_init(LK_LOG_WARN, false);
  say_all();
  if (lk_log_progress_due() || progress_says(0, "progress")) _exit(1);
}
static void quietly(void) {
  lk_log_init(LK_LOG_DEBUG, true);
  say_all();
  if (lk_log_progress_due() || progress_says(0, "progress")) _exit(1);
}

static void levels(void **state) {
  (void)state;
  assert_heard(to_nobody, 0, "");
  assert_heard(to_a_function, 0, "-[2 info 2]-[1 warn]-[0 error]");
  assert_heard(at_debug, 0, "debug 1\ninfo 2\nwarning: warn\nerror: error\n");
  assert_heard(at_info, 0, "info 2\nwarning: warn\nerror: error\n");
  assert_heard(at_warn, 0, "warning: warn\nerror: error\n");
  assert_heard(quietly, 0, "error: error\n");
}

/* Without a terminal: the first line at once, the next after log.every seconds. */
static void progress_in_a_pipe(void) {
  lk_log_init(LK_LOG_INFO, false);
  if (!lk_log_progress_due() || !progress_says(0.15, "step 1")) _exit(1);
  if (lk_log_progress_due() || progress_says(0.15, "step 2")) _exit(2);
  LK_INFO("plain");
  usleep(200000);
  if (!lk_log_progress_due() || !progress_says(0.15, "step 3")) _exit(3);
  lk_log_progress_end(false);
}

static void shown_on_a_terminal(void) {
  lk_log_init(LK_LOG_INFO, false);
  if (!progress_says(10, "step 1")) _exit(1);
  if (progress_says(10, "step 2")) _exit(2); /* at most five times a second */
  LK_INFO("plain");
  usleep(250000);
  if (!progress_says(10, "three é wide 0123456789 and more")) _exit(3);
  LK_WARN("careful");
}
static void progress_on_a_terminal(void) {
  shown_on_a_terminal();
  lk_log_progress_end(false);
  LK_INFO("end");
}
static void erased_progress(void) {
  shown_on_a_terminal();
  lk_log_progress_end(true);
  LK_INFO("end");
}

/* The terminal becomes half as wide and breaks the row in two. */
static void narrower(void) {
  lk_log_init(LK_LOG_INFO, false);
  if (!progress_says(10, "0123456789")) _exit(1);
  if (ioctl(STDERR_FILENO, TIOCSWINSZ, &(struct winsize){.ws_row = 24, .ws_col = 6}) != 0) _exit(2);
  usleep(250000);
  if (!progress_says(10, "0123456789")) _exit(3);
}

/* Nothing for a while, and none of the plain lines that a file gets. */
static void later(void) {
  lk_log_init(LK_LOG_INFO, false);
  lk_log_progress_after(0.2, 100);
  if (lk_log_progress_due() || progress_says(0, "early")) _exit(1);
  usleep(250000);
  if (!lk_log_progress_due() || progress_says(0, "late") != (isatty(STDERR_FILENO) == 1)) _exit(2);
}

/* With the output suspended (Ctrl-S) nobody waits for the terminal, and no line is lost. */
static void suspended(void) {
  lk_log_init(LK_LOG_INFO, false);
  if (!progress_says(10, "step 1")) _exit(1);
  (void)tcflow(STDERR_FILENO, TCOOFF);
  usleep(250000);
  (void)progress_says(10, "step 2");
  usleep(250000);
  (void)progress_says(10, "step 3");
  LK_INFO("plain");
  lk_log_progress_end(false);
  LK_INFO("end");
  (void)tcflow(STDERR_FILENO, TCOON);
  lk_log_settle();
}

/* The last picture is shown, though the terminal had not taken the one before when it was due. */
static void slow(void) {
  lk_log_init(LK_LOG_INFO, false);
  (void)tcflow(STDERR_FILENO, TCOOFF);
  (void)progress_says(10, "step 1");
  usleep(250000);
  (void)progress_says(10, "step 2");
  lk_log_progress_end(false);
  (void)tcflow(STDERR_FILENO, TCOON);
  lk_log_settle();
}

static void set_terminal(const char *term, const char *locale) {
  assert_int_equal(setenv("TERM", term, 1), 0);
  assert_int_equal(setenv("LC_ALL", locale, 1), 0);
  assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
}

#define UP_1 "\r\x1b[1A\x1b[J"
#define UP_2 "\r\x1b[2A\x1b[J"

/* A command's work: nothing for two seconds, then a picture, erased at the end; nothing in a file before a minute. */
static void working(void) {
  lk_log_init(LK_LOG_INFO, false);
  lk_work_at(1); /* nobody has begun */
  lk_work_begin();
  lk_work_next("reading", NULL, 1000);
  lk_work_at(1);
  usleep(2100000);
  lk_work_at(1.5); /* less than a thousandth later: not even the clock is looked at */
  lk_work_span(200, 800);
  lk_work_part(0.5);
  usleep(210000);
  lk_work_next("answering", "lines", 0);
  lk_work_at(7);
  lk_work_end();
  lk_work_at(8);
  LK_INFO("end");
}

static void work(void **state) {
  (void)state;
  lk_buffer out = {0};
  set_terminal("xterm", "C");
  assert_heard(working, 0, "end\n");
  heard(working, 60, &out);
  const char *second = strstr(out.data, "answering  7 lines");
  const char first[] = "[#####-----]  50%  reading  2s left\r\n" UP_1;
  assert_int_equal(strncmp(out.data, first, sizeof first - 1), 0);
  assert_non_null(second);
  assert_non_null(strstr(second, " lines/s\r\n" UP_1 "end\r\n"));
  lk_buffer_release(&out);
}

static void progress(void **state) {
  (void)state;
  set_terminal("xterm", "C.UTF-8");
  assert_heard(progress_in_a_pipe, 0, "step 1\nplain\nstep 3\n");
  assert_heard(later, 0, "");
  /* The terminal itself turns \n into \r\n. The plain line takes the place of the picture, which is drawn again below;
   * a long row is cut one column before the edge, by characters. */
  const char *shown = "step 1\r\n" UP_1 "plain\r\nstep 1\r\n" UP_1 "three é wide 012345\r\n" UP_1
                      "warning: careful\r\nthree é wide 012345\r\n";
  char whole[512];
  (void)snprintf(whole, sizeof whole, "%send\r\n", shown);
  assert_heard(progress_on_a_terminal, 20, whole);
  (void)snprintf(whole, sizeof whole, "%s" UP_1 "end\r\n", shown);
  assert_heard(erased_progress, 20, whole);
  assert_heard(narrower, 20, "0123456789\r\n" UP_2 "01234\r\n");
  assert_heard(later, 20, "late\r\n");
  assert_heard(slow, 20, "step 1\r\n" UP_1 "step 2\r\n");
  assert_heard(suspended, 20, "step 1\r\n" UP_1 "step 2\r\n" UP_1 "plain\r\nstep 3\r\nend\r\n");
  set_terminal("dumb", "C.UTF-8"); /* as in a file */
  assert_heard(progress_in_a_pipe, 20, "step 1\r\nplain\r\nstep 3\r\n");
  set_terminal("", "C.UTF-8");
  assert_heard(progress_in_a_pipe, 20, "step 1\r\nplain\r\nstep 3\r\n");
}

static char path[] = "/tmp/lockstep-log-XXXXXX";
static void into_a_file(void) {
  lk_log_init(LK_LOG_INFO, false);
  for (int run = 1; run <= 2; run++) { /* a resumed run appends */
    if (lk_log_open(path) != LK_OK) _exit(1);
    LK_INFO("run %d", run);
    LK_DEBUG("not this");
    lk_log_close();
  }
  LK_WARN("after");
}

static void file_with_stamps(void **state) {
  (void)state;
  int file = mkstemp(path);
  assert_true(file >= 0);
  assert_heard(into_a_file, 0, "run 1\nrun 2\nwarning: after\n");
  lk_buffer text = {0};
  assert_int_equal(lk_buffer_read_file(&text, path), LK_OK);
  int year[2], month[2], end = 0;
  assert_int_equal(sscanf(text.data, "%d-%d-%*dT%*d:%*d:%*dZ run 1\n%d-%d-%*dT%*d:%*d:%*dZ run 2\n%n", &year[0],
                          &month[0], &year[1], &month[1], &end),
                   4);
  assert_int_equal(end, text.size);
  assert_true(year[0] >= 2024 && month[0] >= 1 && month[0] <= 12 && year[1] >= year[0]);
  lk_buffer_release(&text);
  close(file);
  (void)unlink(path);

  lk_error_clear();
  assert_int_equal(lk_log_open("/no/such/folder/log.txt"), LK_IO);
  assert_non_null(strstr(lk_error_get()->text, "/no/such/folder/log.txt"));
  lk_error_clear();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(levels),
      cmocka_unit_test(progress),
      cmocka_unit_test(work),
      cmocka_unit_test(file_with_stamps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
