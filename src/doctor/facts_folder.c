/* facts_folder.c - run.dir: its file system, and what the writing of a checkpoint and of the lock file need. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "clock.h"
#include "path.h"
#include "doctor_impl.h"

enum { WRITES = 5, BYTES = 4096 };
static const double enough = 1.5; /* seconds after which no further file is written */

/* The type and the options of the file system that holds `path`, which is absolute and without links: those of the mount
 * with the longest path above it. Lines of mountinfo: "36 35 98:0 /root /mnt rw,noatime - ext4 /dev/sda rw,..." */
static void find_mount(lk_folder_facts *facts, const char *path, const char *root) {
  char name[4096], line[4096], place[2048], mount[160], type[64], super[160];
  size_t longest = 0;
  (void)snprintf(name, sizeof name, "%s/proc/self/mountinfo", root);
  FILE *file = fopen(name, "re");
  while (file && fgets(line, sizeof line, file)) {
    const char *rest = strstr(line, " - ");
    if (sscanf(line, "%*d %*d %*s %*s %2047s %159s", place, mount) != 2 || !rest) continue;
    if (sscanf(rest, " - %63s %*s %159s", type, super) != 2) continue;
    const size_t size = strcmp(place, "/") == 0 ? 0 : strlen(place);
    if (size < longest || strncmp(path, place, size) != 0 || (path[size] != '/' && path[size] != '\0')) continue;
    longest = size;
    (void)snprintf(facts->type, sizeof facts->type, "%.15s", type);
    (void)snprintf(facts->options, sizeof facts->options, "%.79s,%.79s", mount, super);
  }
  if (file) (void)fclose(file);
}

/* The folder itself, or the nearest above it that exists. False where it cannot be named. */
static bool find_folder(const char *run_dir, lk_buffer *whole) {
  struct stat about;
  if (lk_path_absolute(run_dir, whole) != LK_OK) return lk_error_clear(), false;
  while (stat(whole->data, &about) != 0 && errno == ENOENT) {
    char *slash = strrchr(whole->data, '/');
    if (!slash || slash == whole->data) {
      lk_buffer_truncate(whole, 1);
      break;
    }
    lk_buffer_truncate(whole, (size_t)(slash - whole->data));
  }
  return true;
}

typedef struct trial { /* names in the folder: of the file, and of the link to it */
  char first[4200], second[4200];
  const char *folder;
} trial;

static int sync_folder(const char *folder) {
  const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int error = fd < 0 ? errno : 0;
  if (!error && fsync(fd) && errno != EINVAL && errno != EROFS) error = errno; /* not supported by some file systems */
  if (fd >= 0) close(fd);
  return error;
}

static int fill(const char *path, const char **failed) {
  static const char bytes[BYTES];
  *failed = "make a file in";
  const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return errno;
  *failed = "write a file in";
  const ssize_t put = write(fd, bytes, sizeof bytes);
  int error = put < 0 ? errno : put < BYTES ? ENOSPC : 0;
  if (!error) *failed = "fsync a file in";
  if (!error && fsync(fd)) error = errno;
  if (close(fd) && !error) error = errno;
  return error;
}

/* One file as a checkpoint is written (durable.h), then a link as the run's lock file is made; *seconds: of the file. */
static int write_once(const trial *t, double *seconds, const char **failed) {
  const double start = lk_clock_seconds();
  int error = fill(t->first, failed);
  if (!error) *failed = "rename a file in";
  if (!error && rename(t->first, t->second)) error = errno;
  if (!error) *failed = "fsync";
  if (!error) error = sync_folder(t->folder);
  *seconds = lk_clock_seconds() - start;
  if (!error) *failed = "make a hard link in";
  if (!error && link(t->second, t->first)) error = errno;
  (void)unlink(t->first);
  (void)unlink(t->second);
  return error;
}

static int by_size(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* What a signal that ends the process removes first; then it does what it did before, as MPI may have a handler. MPI's
 * threads take signals too, so blocking them here would not be enough. */
static trial doomed;
static const int deadly[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNALS = sizeof deadly / sizeof *deadly };
static struct sigaction former[SIGNALS];

static void on_signal(int number) {
  (void)unlink(doomed.first);
  (void)unlink(doomed.second);
  for (int i = 0; i < SIGNALS; i++)
    if (deadly[i] == number) (void)sigaction(number, &former[i], NULL);
  (void)raise(number); /* blocked until this handler returns */
}

static void guard(bool on) {
  const struct sigaction ours = {.sa_handler = on_signal};
  for (int i = 0; i < SIGNALS; i++) {
    if (on && (sigaction(deadly[i], NULL, &former[i]) != 0 || former[i].sa_handler == SIG_IGN)) continue;
    (void)sigaction(deadly[i], on ? &ours : &former[i], NULL);
  }
}

static void write_files(lk_folder_facts *facts, const char *folder) {
  double seconds[WRITES];
  const double start = lk_clock_seconds();
  const char *failed = "";
  char host[65] = "unknown";
  int done = 0;
  (void)gethostname(host, sizeof host - 1);
  doomed.folder = folder;
  (void)snprintf(doomed.first, sizeof doomed.first, "%s/.doctor.%s.%ld-0.lockstep-tmp", folder, host, (long)getpid());
  (void)snprintf(doomed.second, sizeof doomed.second, "%s/.doctor.%s.%ld-1.lockstep-tmp", folder, host, (long)getpid());
  guard(true);
  while (done < WRITES && !facts->error && lk_clock_seconds() - start < enough) {
    facts->error = write_once(&doomed, &seconds[done], &failed);
    if (!facts->error) done++;
  }
  guard(false);
  if (facts->error) (void)snprintf(facts->failed, sizeof facts->failed, "%s", failed);
  qsort(seconds, (size_t)done, sizeof *seconds, by_size);
  facts->sync = done > 0 ? seconds[done / 2] : NAN;
}

void lk_facts_of_folder(lk_folder_facts *facts, const char *run_dir, const char *root) {
  lk_buffer whole = {0};
  struct statvfs fs;
  *facts = (lk_folder_facts){.free = NAN, .files = NAN, .sync = NAN};
  (void)snprintf(facts->path, sizeof facts->path, "%s", run_dir);
  char *real = find_folder(run_dir, &whole) ? realpath(whole.data, NULL) : NULL;
  lk_buffer_release(&whole);
  if (!real) {
    facts->error = errno;
    (void)snprintf(facts->failed, sizeof facts->failed, "find");
    return;
  }
  (void)snprintf(facts->path, sizeof facts->path, "%s", real);
  find_mount(facts, real, root);
  if (statvfs(real, &fs) == 0) {
    facts->free = (double)fs.f_bavail * (double)fs.f_frsize;
    facts->files = fs.f_files > 0 ? (double)fs.f_favail : INFINITY;
  }
  write_files(facts, real);
  free(real);
}
