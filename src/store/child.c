#include "child_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"
#include "h5.h"
#include "probe_impl.h"
#include "signals.h"

extern char **environ;

static const char *program = "/proc/self/exe";

void lk_h5_probe_program(const char *path) { program = path ? path : "/proc/self/exe"; }

/* Our environment without the variables that HDF5 reads. OpenBLAS, which is linked into the program, is told to start
 * no threads: they would take address space, which is limited in the child. *list is one block, which the caller
 * frees. */
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

/* Descriptors are duplicated above 3 and 4 first: dup2() of a number to itself would keep its close-on-exec flag, and
 * each may have the number that the other needs. */
static int move_up(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, LK_PROBE_ANSWER + 1); }

/* 0 or errno. The child gets its own process group, so that Ctrl-C reaches the parent only. */
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
  for (int fd = 0; !error && fd < 3; fd++) /* a sanitizer's report goes to the parent's standard error */
    if (fd != 2 || !LK_SANITIZED) error = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
  if (!error) error = posix_spawn_file_actions_adddup2(&actions, file, LK_PROBE_FILE);
  if (!error) error = posix_spawn_file_actions_adddup2(&actions, answer, LK_PROBE_ANSWER);
  if (!error) error = posix_spawn(child, program, &actions, &attributes, arguments, (char *const *)environment);
  posix_spawnattr_destroy(&attributes);
done:
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

/* Its wait status; 0 where it is unknown, because this program ignores SIGCHLD. */
static int reap(pid_t child) {
  int how = 0;
  while (waitpid(child, &how, 0) < 0)
    if (errno != EINTR) return 0;
  return how;
}

static int start(lk_child *child, int fd, const char *const *environment) {
  int ends[2] = {-1, -1}, error = 0;
  const int file = move_up(fd);
  if (file < 0 || pipe2(ends, O_CLOEXEC)) error = errno;
  const int answer = error ? -1 : move_up(ends[1]);
  if (!error && answer < 0) error = errno;
  if (!error) error = spawn(file, answer, environment, &child->pid);
  if (file >= 0) close(file);
  if (answer >= 0) close(answer);
  if (ends[1] >= 0) close(ends[1]);
  if (error && ends[0] >= 0) close(ends[0]);
  if (!error) child->pipe = ends[0];
  return error;
}

lk_status lk_child_start(lk_child *child, const char *name, int fd, const char *what, const char *path, int *error) {
  lk_buffer variable = {0};
  const char **environment = NULL;
  lk_status status = LK_OK;
  *child = (lk_child){.pipe = -1};
  LK_GO(lk_buffer_printf(&variable, "%s=%s:%s", name, what, path));
  LK_GO(make_environment(variable.data, &environment));
  *error = start(child, fd, environment);
done:
  free(environment);
  lk_buffer_release(&variable);
  return status;
}

int lk_child_end(lk_child *child) {
  if (child->pipe < 0) return 0;
  kill(child->pid,
       SIGKILL); /* it may still run where its answer was too long or too late; no effect on one that has ended */
  const int how = reap(child->pid);
  close(child->pipe);
  *child = (lk_child){.pipe = -1};
  return how;
}

lk_status lk_child_verdict(int how, const char *path) {
  if (WIFSIGNALED(how) && (WTERMSIG(how) == SIGXCPU || WTERMSIG(how) == SIGKILL))
    return LK_FAIL(LK_DATA, "%s is refused: reading it takes more time or memory than an undamaged file needs", path);
  if (WIFSIGNALED(how))
    return LK_FAIL(LK_DATA,
                   "%s is refused: it is damaged, or made to crash its reader (a test read ended with signal %d)", path,
                   WTERMSIG(how));
  return LK_FAIL(LK_DATA, "%s is refused: a test read of it ended without an answer (code %d)", path, WEXITSTATUS(how));
}
