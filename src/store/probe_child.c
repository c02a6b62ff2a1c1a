#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "corpus_impl.h"
#include "h5_impl.h"
#include "signals.h"
#include "probe_impl.h"

const char lk_probe_name[] = LK_PROBE_NAME;

/* Bytes of address space in use by the program and its libraries. */
static size_t mapped(void) {
  char text[64] = "";
  const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  const ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  const long pages = got > 0 ? atol(text) : 0;
  return pages > 0 ? (size_t)pages * (size_t)sysconf(_SC_PAGESIZE) : (size_t)1 << 30;
}

static bool limit(int resource, rlim_t soft, rlim_t hard) {
  struct rlimit now;
  if (getrlimit((__rlimit_resource_t)resource, &now)) return false;
  if (now.rlim_max != RLIM_INFINITY && hard > now.rlim_max) hard = now.rlim_max;
  if (soft > hard) soft = hard;
  return setrlimit((__rlimit_resource_t)resource, &(struct rlimit){soft, hard}) == 0;
}

/* Give up all rights that parsing a file does not need. Reading all frames may take longer. */
static bool give_up(uint64_t size, bool frames) {
  const rlim_t seconds =
      frames ? LK_FOREIGN_SECONDS + size / LK_FOREIGN_BYTES : LK_PROBE_SECONDS + size / LK_PROBE_BYTES;
  const size_t memory = mapped() + LK_PROBE_MEMORY;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#ifdef SYS_close_range /* descriptors without a close-on-exec flag */
  syscall(SYS_close_range, LK_PROBE_ANSWER + 1, ~0u, 0);
#endif
  bool good = limit(RLIMIT_CORE, 0, 0) && limit(RLIMIT_CPU, seconds, seconds + 1) && limit(RLIMIT_FSIZE, 0, 0);
  /* A sanitizer needs shadow memory beyond any limit and opens files. */
  if (!LK_SANITIZED) good = good && limit(RLIMIT_AS, memory, memory) && limit(RLIMIT_NOFILE, 0, 0);
  return good;
}

_Noreturn static void answer(lk_status status) {
  char line[LK_PROBE_TEXT];
  if (status == LK_OK)
    snprintf(line, sizeof line, "0 good\n");
  else
    snprintf(line, sizeof line, "%d %s\n", (int)status, lk_error_get()->text);
  const ssize_t put = write(LK_PROBE_ANSWER, line, strlen(line));
  _exit(put == (ssize_t)strlen(line) ? lk_status_exit_code(status) : 70);
}

static lk_status survey(const char *path) {
  lk_h5 *file = NULL;
  lk_status status = LK_OK;
  LK_GO(lk_h5_open_descriptor(&file, path, LK_PROBE_FILE, false));
  LK_GO(lk_format_newer(file)); /* first: a newer format must not be reported as damage */
  LK_GO(lk_h5_survey(file));
done:
  lk_h5_close(&file);
  return status;
}

/* Runs before main(), after the constructors of all libraries. Returns, and the program starts as usual, where the
 * variable is not set or the two descriptors are no file and no pipe. */
__attribute__((constructor)) static void probe(void) {
  struct stat file, pipe;
  const char *how = getenv(lk_probe_name), *path = how ? strchr(how, ':') : NULL;
  if (!path || fstat(LK_PROBE_FILE, &file) || fstat(LK_PROBE_ANSWER, &pipe)) return;
  if (!S_ISREG(file.st_mode) || !S_ISFIFO(pipe.st_mode)) return;
  lk_signals_reset(true); /* a file that crashes HDF5 ends this process by the signal, without a message of ours */
  const bool frames = strncmp(how, "frames:", 7) == 0;
  if (!give_up((uint64_t)file.st_size, frames)) _exit(71);
  if (frames) _exit(lk_foreign_send(path + 1, LK_PROBE_FILE, LK_PROBE_ANSWER));
  answer(survey(path + 1));
}
