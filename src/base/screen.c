#include "screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { QUEUE_BYTES = 256 << 10, MOST_ANCESTORS = 8 };

static struct {
  lk_window properties; /* without the size */
  int fd;               /* a description of our own, non-blocking; or standard error */
  long launcher;        /* process that copies our standard error to the terminal; 0: we write to it ourselves */
  int rows;             /* of the picture on the screen, the cursor below it; 0: none */
  int width[LK_PICTURE_ROWS];
  char queue[QUEUE_BYTES]; /* what the terminal has not taken yet */
  size_t queued;
  bool missed; /* the last picture was not drawn, because the terminal had not taken what came before it */
} screen = {.fd = -1};

static volatile sig_atomic_t continued; /* after Ctrl-Z and fg the shell has written below the picture */

static void on_continue(int number) {
  (void)number;
  continued = 1;
}

static void notice_continuing(void) {
  struct sigaction now;
  const struct sigaction ours = {.sa_handler = on_continue, .sa_flags = SA_RESTART};
  if (sigaction(SIGCONT, NULL, &now) == 0 && now.sa_handler == SIG_DFL) (void)sigaction(SIGCONT, &ours, NULL);
}

bool lk_screen_utf8(const char *const values[3]) {
  int i = 0;
  while (i < 2 && !(values[i] && *values[i])) i++;
  const char *value = values[i] ? values[i] : "";
  return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
}

/* What /proc/PID/stat says: the program's name, parent, process group, and the foreground group of its terminal. */
typedef struct process {
  char name[32];
  long parent, group, foreground;
} process;

static bool look_up(long pid, process *p) {
  char path[48], text[512];
  (void)snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t got = read(fd, text, sizeof text - 1);
  (void)close(fd);
  text[got > 0 ? got : 0] = '\0';
  const char *begin = strchr(text, '('), *end = strrchr(text, ')');
  if (!begin || !end) return false;
  (void)snprintf(p->name, sizeof p->name, "%.*s", (int)(end - begin - 1), begin + 1);
  return sscanf(end + 1, " %*c %ld %ld %*d %*d %ld", &p->parent, &p->group, &p->foreground) == 3;
}

static bool begins_with_one_of(const char *name, const char *const *names) {
  while (*names && strncmp(name, *names, strlen(*names)) != 0) names++;
  return *names != NULL;
}

/* Programs that copy the standard error of the processes that they start to their own, and helpers between the two;
 * distributions add endings (mpirun.openmpi, mpiexec.hydra). */
static const char *const launchers[] = {"mpirun", "mpiexec", "orterun", "prterun", NULL};
static const char *const helpers[] = {"hydra_pmi_proxy", "orted", "prted", NULL};

static bool same_file(long pid, const struct stat *ours) {
  char path[48];
  struct stat theirs;
  (void)snprintf(path, sizeof path, "/proc/%ld/fd/2", pid);
  return stat(path, &theirs) == 0 && theirs.st_dev == ours->st_dev && theirs.st_ino == ours->st_ino;
}

/* The launcher that our standard error is a pipe to; 0: none. A script between the two passes the pipe on as it is. */
static long find_launcher(void) {
  struct stat ours;
  process p;
  bool helped = false;
  if (fstat(STDERR_FILENO, &ours) != 0 || !(S_ISFIFO(ours.st_mode) || S_ISSOCK(ours.st_mode))) return 0;
  long pid = getppid();
  for (int i = 0; i < MOST_ANCESTORS && pid > 1 && look_up(pid, &p); i++, pid = p.parent) {
    if (begins_with_one_of(p.name, launchers)) return pid;
    helped = helped || begins_with_one_of(p.name, helpers);
    if (!helped && !same_file(pid, &ours)) return 0;
  }
  return 0;
}

/* Open the terminal that is descriptor 2 of a process; -1 where it is none. */
static int open_terminal(const char *of) {
  char path[48];
  (void)snprintf(path, sizeof path, "/proc/%s/fd/2", of);
  const int fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0 && isatty(fd)) return fd;
  if (fd >= 0) (void)close(fd);
  return -1;
}

static bool is_capable(void) {
  const char *term = getenv("TERM");
  return term && *term && strcmp(term, "dumb") != 0;
}

/* Characters and colours of the terminal. */
static lk_window look_at_environment(void) {
  const char *const locale[3] = {getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG")};
  const char *no_colour = getenv("NO_COLOR");
  return (lk_window){.utf8 = lk_screen_utf8(locale), .colour = is_capable() && !(no_colour && *no_colour)};
}

lk_window lk_screen_window(int fd) {
  lk_window window = look_at_environment();
  struct winsize size = {0};
  const char *columns = getenv("COLUMNS");
  const long given = columns ? strtol(columns, NULL, 10) : 0;
  window.columns = given > 1 && given < 10000 ? (int)given : 100, window.rows = 24;
  if (!isatty(fd)) return window.colour = false, window;
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 && size.ws_row > 1)
    window.columns = size.ws_col, window.rows = size.ws_row;
  return window;
}

bool lk_screen_begin(void) {
  if (screen.fd > STDERR_FILENO) (void)close(screen.fd);
  screen.fd = -1;
  screen.launcher = 0;
  screen.rows = 0;
  screen.queued = 0, screen.missed = false;
  screen.properties = look_at_environment();
  if (!is_capable()) return false;
  if (isatty(STDERR_FILENO)) {
    screen.fd = open_terminal("self");
    if (screen.fd < 0) screen.fd = STDERR_FILENO; /* the terminal of another user */
  } else if ((screen.launcher = find_launcher()) != 0) {
    char pid[24];
    (void)snprintf(pid, sizeof pid, "%ld", screen.launcher);
    screen.fd = open_terminal(pid);
  }
  if (screen.fd >= 0 && screen.launcher == 0) notice_continuing(); /* Open MPI sends SIGCONT for other reasons */
  return screen.fd >= 0;
}

/* A terminal that is not the controlling one has no foreground group. */
static bool in_foreground(void) {
  process p;
  if (screen.launcher != 0) return look_up(screen.launcher, &p) && p.group == p.foreground;
  const pid_t group = tcgetpgrp(screen.fd);
  return group < 0 || group == getpgrp();
}

bool lk_screen_ready(lk_window *window) {
  struct winsize size = {0};
  if (screen.fd < 0) return false;
  if (!in_foreground()) return screen.rows = 0, screen.missed = false, false;
  if (ioctl(screen.fd, TIOCGWINSZ, &size) != 0 || size.ws_col < 2 || size.ws_row < 2)
    size.ws_col = 80, size.ws_row = 24;
  *window = screen.properties;
  window->columns = size.ws_col, window->rows = size.ws_row;
  return true;
}

/* Write what the terminal takes, or with `wait` all. A launcher's ranks are not its foreground group, and `stty tostop`
 * would stop them for writing; a blocked SIGTTOU does not. */
static void flush(bool wait) {
  sigset_t block, before;
  sigemptyset(&block);
  sigaddset(&block, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &block, &before);
  size_t at = 0;
  while (at < screen.queued) {
    struct pollfd out = {.fd = screen.fd, .events = POLLOUT};
    const int ready = poll(&out, 1, wait ? -1 : 0);
    if (ready == 0) break;
    const ssize_t wrote = write(screen.fd, screen.queue + at, screen.queued - at);
    if (wrote > 0)
      at += (size_t)wrote;
    else if (wrote < 0 && errno != EINTR && errno != EAGAIN)
      at = screen.queued; /* the terminal is gone */
    else if (!wait)
      break;
  }
  memmove(screen.queue, screen.queue + at, screen.queued - at);
  screen.queued -= at;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* What does not fit in the queue is lost for the screen; log.txt has it. */
static void put(const char *text, size_t size) {
  if (size > QUEUE_BYTES - screen.queued) return;
  memcpy(screen.queue + screen.queued, text, size);
  screen.queued += size;
}

/* Go up to the first row of the picture and clear from there. Terminals break the rows anew when the window becomes
 * narrower, so a row may take several by now. */
static void erase(void) {
  struct winsize size = {0};
  char text[32];
  int up = 0;
  if (continued) continued = 0, screen.rows = 0;
  if (screen.rows == 0) return;
  const int columns = ioctl(screen.fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  for (int i = 0; i < screen.rows; i++) up += screen.width[i] > columns ? (screen.width[i] + columns - 1) / columns : 1;
  const int n = snprintf(text, sizeof text, "\r\x1b[%dA\x1b[J", up);
  put(text, (size_t)n);
  screen.rows = 0;
}

static void draw(const lk_picture *picture) {
  for (int i = 0; i < picture->rows; i++) {
    put(picture->text[i], strlen(picture->text[i]));
    put("\n", 1);
  }
  screen.rows = picture->rows, screen.missed = false;
  memcpy(screen.width, picture->width, sizeof screen.width);
}

void lk_screen_show(const lk_picture *picture) {
  flush(false);
  screen.missed = screen.queued > 0;
  if (screen.missed) return; /* suspended or slow: only the last picture is worth keeping */
  erase();
  draw(picture);
  flush(false);
}

static void to_stderr(const char *text, size_t size) {
  (void)fwrite(text, 1, size, stderr);
  (void)fflush(stderr);
}

bool lk_screen_line(const char *text, size_t size, const lk_picture *picture) {
  const bool shown = screen.rows > 0, copied = screen.launcher != 0;
  if (screen.fd < 0 || (copied && !shown)) return to_stderr(text, size), false;
  erase();
  if (!copied) put(text, size);
  if (!copied && shown) draw(picture);
  flush(false);
  if (copied) to_stderr(text, size);
  return shown && copied;
}

void lk_screen_end(bool erased, const lk_picture *last) {
  if (screen.fd < 0) return;
  if (erased || screen.missed) erase();
  if (!erased && screen.missed) draw(last);
  screen.rows = 0, screen.missed = false;
  flush(false);
}

void lk_screen_wait(void) {
  if (screen.fd >= 0) flush(true);
}
