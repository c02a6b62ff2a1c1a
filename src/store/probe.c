#include "probe_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lockstep/arena.h"
#include "lockstep/clock.h"

extern char **environ;

static const char *program = "/proc/self/exe";

void lk_h5_probe_program(const char *path) { program = path ? path : "/proc/self/exe"; }

/* What was found good last: a model that is opened three times in a row is looked at once. */
static struct stat known;

static bool is_known(const struct stat *about) {
  return known.st_ino == about->st_ino && known.st_dev == about->st_dev && known.st_size == about->st_size &&
         memcmp(&known.st_mtim, &about->st_mtim, sizeof known.st_mtim) == 0 &&
         memcmp(&known.st_ctim, &about->st_ctim, sizeof known.st_ctim) == 0;
}

/* Our environment, but for what HDF5 reads and what starts threads. *list is one block, which the caller frees. */
static lk_status make_environment(const char *variable, const char ***list) {
  static const char *const without[] = {"HDF5_", LK_PROBE_NAME "=", "OPENBLAS_NUM_THREADS=", "OMP_NUM_THREADS="};
  size_t count = 0, kept = 0;
  while (environ[count]) count++;
  LK_TRY(lk_alloc(list, count + 4, sizeof **list));
  for (size_t i = 0; i < count; i++) {
    bool keep = true;
    for (size_t j = 0; j < sizeof without / sizeof *without; j++)
      keep &= strncmp(environ[i], without[j], strlen(without[j])) != 0;
    if (keep) (*list)[kept++] = environ[i];
  }
  (*list)[kept++] = variable;
  (*list)[kept++] = "OPENBLAS_NUM_THREADS=1";
  (*list)[kept++] = "OMP_NUM_THREADS=1";
  return LK_OK;
}

/* Descriptors that could be in the way of 3 and 4 are moved up first: dup2 of a number to itself would keep its
 * close-on-exec, and one of ours may be the other's place. */
static int move_up(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, LK_PROBE_ANSWER + 1); }

/* 0 or errno. Its own process group: Ctrl-C is for the parent, which knows what to do about it. */
static int spawn(int file, int answer, const char *const *environment, pid_t *child) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none;
  char name[] = "lockstep-probe", *arguments[] = {name, NULL};
  int error = posix_spawn_file_actions_init(&actions);
  if (error) return error;
  error = posix_spawnattr_init(&attributes);
  if (error) goto done;
  sigemptyset(&none);
  error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  if (!error) error = posix_spawnattr_setsigmask(&attributes, &none);
  for (int fd = 0; !error && fd < 3; fd++)
    if (fd != 2 || !LK_PROBE_SANITIZED) error = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
  if (!error) error = posix_spawn_file_actions_adddup2(&actions, file, LK_PROBE_FILE);
  if (!error) error = posix_spawn_file_actions_adddup2(&actions, answer, LK_PROBE_ANSWER);
  if (!error) error = posix_spawn(child, program, &actions, &attributes, arguments, (char *const *)environment);
  posix_spawnattr_destroy(&attributes);
done:
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

/* The child's words, until it closes the pipe by ending; false where it took longer than we wait. */
static bool hear(int pipe, char text[LK_PROBE_TEXT]) {
  const double end = lk_clock_seconds() + LK_PROBE_PATIENCE;
  size_t size = 0;
  for (ssize_t got = 1; got != 0 && size < LK_PROBE_TEXT - 1;) {
    struct pollfd wait = {.fd = pipe, .events = POLLIN};
    const double left = end - lk_clock_seconds();
    if (left <= 0) return false;
    if (poll(&wait, 1, (int)(left * 1000) + 1) <= 0) continue;
    got = read(pipe, text + size, LK_PROBE_TEXT - 1 - size);
    if (got > 0) size += (size_t)got;
    if (got < 0 && errno != EINTR) break;
  }
  text[size] = 0;
  return true;
}

/* How it ended; 0 where nobody may know, because this program has its children waited for by the system. */
static int reap(pid_t child) {
  int how = 0;
  while (waitpid(child, &how, 0) < 0)
    if (errno != EINTR) return 0;
  return how;
}

static lk_status judge(const char *path, bool timely, const char *text, int how) {
  const char *words = strchr(text, ' ');
  const int code = atoi(text);
  if (!timely) return LK_FAIL(LK_IO, "%s: looking at it took more than %d seconds", path, LK_PROBE_PATIENCE);
  if (strcmp(text, "0 good\n") == 0 && how == 0) return LK_OK;
  if (WIFSIGNALED(how) && (WTERMSIG(how) == SIGXCPU || WTERMSIG(how) == SIGKILL))
    return LK_FAIL(LK_DATA, "%s is refused: looking at it takes more time or memory than an honest file needs", path);
  if (WIFSIGNALED(how))
    return LK_FAIL(LK_DATA,
                   "%s is refused: it is damaged, or made to crash its reader (a first look ended with signal %d)",
                   path, WTERMSIG(how));
  if (code <= LK_OK || code > LK_STUCK || !words)
    return LK_FAIL(LK_DATA, "%s is refused: a first look at it ended without an answer (code %d)", path,
                   WEXITSTATUS(how));
  return LK_FAIL((lk_status)code, "%.*s", (int)strcspn(words + 1, "\n"), words + 1);
}

static lk_status look(int fd, const char *path, bool own, const char *const *environment) {
  char text[LK_PROBE_TEXT] = "";
  int ends[2] = {-1, -1}, error = 0;
  pid_t child = 0;
  const int file = move_up(fd);
  if (file < 0 || pipe2(ends, O_CLOEXEC)) error = errno;
  const int answer = error ? -1 : move_up(ends[1]);
  if (!error && answer < 0) error = errno;
  if (!error) error = spawn(file, answer, environment, &child);
  if (file >= 0) close(file);
  if (answer >= 0) close(answer);
  if (ends[1] >= 0) close(ends[1]);
  lk_status status = LK_OK;
  if (error && !own)
    status = LK_FAIL(LK_IO, "%s: no process can be started to look at it first: %s", path, strerror(error));
  if (!error) {
    const bool timely = hear(ends[0], text);
    kill(child, SIGKILL); /* one that talks too much, or too long; to one that has ended it does nothing */
    const int how = reap(child);
    status = judge(path, timely, text, how);
  }
  if (ends[0] >= 0) close(ends[0]);
  return status;
}

lk_status lk_probe_file(int fd, const char *path, bool own) {
  struct stat about;
  lk_buffer variable = {0};
  const char **environment = NULL;
  lk_status status = LK_OK;
  if (fstat(fd, &about)) return LK_FAIL(LK_IO, "cannot read %s: %s", path, strerror(errno));
  if (is_known(&about)) return LK_OK;
  LK_GO(lk_buffer_printf(&variable, "%s=%s:%s", lk_probe_name, own ? "own" : "foreign", path));
  LK_GO(make_environment(variable.data, &environment));
  LK_GO(look(fd, path, own, environment));
  known = about;
done:
  free(environment);
  lk_buffer_release(&variable);
  return status;
}
