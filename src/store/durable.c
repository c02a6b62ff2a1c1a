#include "durable.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"
#include "text.h"
#include "store_impl.h"

enum { WRITE_AT_ONCE = 16 << 20 }; /* bytes; small enough that progress shows on a slow disk */

/* Temporary files are called ".<target>.<host>.<pid>-<n>.lockstep-tmp": unique, and users see which process made
 * them. */
#define SUFFIX ".lockstep-tmp"

static void host_name(char out[65]) {
  memset(out, 0, 65);
  if (gethostname(out, 64) || !out[0]) snprintf(out, 65, "unknown");
  for (char *c = out; *c; c++)
    if (*c == '.' || *c == '/') *c = '_';
}

/* Bytes of `path` up to and with its last slash. */
static size_t folder_size(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

static lk_status temp_name(char **out, const char *path, unsigned n) {
  char host[65];
  lk_buffer name = {0};
  host_name(host);
  const size_t folder = folder_size(path);
  /* A name may have 255 bytes: a long target is cut, the rest keeps the name unique. */
  lk_status status = lk_buffer_printf(&name, "%.*s.%.100s.%s.%ld-%u" SUFFIX, (int)folder, path, path + folder, host,
                                      (long)getpid(), n);
  if (status != LK_OK) {
    lk_buffer_release(&name);
    return status;
  }
  *out = name.data;
  return LK_OK;
}

/* Call `make`, which returns 0 or errno, with unused names beside `path` until one is free. what: for a message. */
static lk_status make_temp(char **name, const char *path, const char *what, int (*make)(const char *name, void *data),
                           void *data) {
  for (unsigned n = 0;; n++) {
    LK_TRY(temp_name(name, path, n));
    const int error = make(*name, data);
    if (!error) return LK_OK;
    free(*name);
    *name = NULL;
    if (error != EEXIST || n > 1000) return LK_FAIL(LK_IO, "cannot write %s: %s", what, strerror(error));
  }
}

/* The temporary file that a signal removes; "": none. */
static char doomed[PATH_MAX];
static volatile sig_atomic_t guarded;

static void remember(const char *name) {
  if (guarded) (void)snprintf(doomed, sizeof doomed, "%s", name);
}

static void on_signal(int number) {
  if (doomed[0]) (void)unlink(doomed);
  (void)raise(number); /* blocked until the handler returns; then it ends the process by its default action */
}

void lk_durable_guard(void) {
  static const int deadly[] = {SIGINT, SIGTERM, SIGHUP};
  guarded = 1;
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
    struct sigaction was, now = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    if (sigaction(deadly[i], NULL, &was) == 0 && was.sa_handler == SIG_DFL) (void)sigaction(deadly[i], &now, NULL);
  }
}

static int make_file(const char *name, void *fd) {
  remember(name); /* first: a signal may arrive before the file exists */
  *(int *)fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  return *(int *)fd < 0 ? errno : 0;
}

static int make_link(const char *name, void *target) { return symlink(target, name) ? errno : 0; }

/* A rename is durable only after an fsync of the folder. */
static lk_status sync_folder(const char *path) {
  const size_t size = folder_size(path);
  char *folder = NULL;
  LK_TRY(lk_alloc(&folder, size + 2, 1));
  memcpy(folder, path, size);
  if (!size) folder[0] = '.';
  const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int error = fd < 0 ? errno : 0;
  if (!error && fsync(fd) && errno != EINVAL && errno != EROFS) error = errno; /* not supported by some file systems */
  if (fd >= 0) close(fd);
  free(folder);
  return error ? LK_FAIL(LK_IO, "cannot write the folder of %s: %s", path, strerror(error)) : LK_OK;
}

static _Atomic uint64_t written;

uint64_t lk_durable_written(void) { return written; }

int lk_write_at(int fd, const void *bytes, size_t size, uint64_t at) {
  const char *from = bytes;
  while (size) {
    const ssize_t put = pwrite(fd, from, size < WRITE_AT_ONCE ? size : WRITE_AT_ONCE, (off_t)at);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return put < 0 ? errno : ENOSPC;
    from += put;
    written += (uint64_t)put;
    at += (uint64_t)put;
    size -= (size_t)put;
  }
  return 0;
}

int lk_read_at(int fd, void *bytes, size_t size, uint64_t at, size_t *got) {
  *got = 0;
  while (*got < size) {
    const size_t want = size - *got < (1u << 30) ? size - *got : 1u << 30;
    const ssize_t took = pread(fd, (char *)bytes + *got, want, (off_t)(at + *got));
    if (took < 0 && errno == EINTR) continue;
    if (took < 0) return errno;
    if (took == 0) break;
    *got += (size_t)took;
  }
  return 0;
}

lk_status lk_temp_open(lk_temp *temp, const char *path) {
  lk_temp made = {.fd = -1};
  struct stat about; /* root could put a file in the place of a device */
  if (stat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode))
    return LK_FAIL(LK_IO, "cannot write %s: it is not a regular file", path);
  LK_TRY(lk_alloc(&made.path, strlen(path) + 1, 1));
  memcpy(made.path, path, strlen(path));
  const lk_status status = make_temp(&made.name, path, path, make_file, &made.fd);
  if (status != LK_OK) {
    free(made.path);
    return status;
  }
  *temp = made;
  return LK_OK;
}

lk_status lk_temp_nameless(int *fd, const char *folder) {
  lk_buffer path = {0}, what = {0};
  char *name = NULL;
  lk_status status = lk_buffer_printf(&path, "%stext", folder);
  if (status == LK_OK)
    status =
        lk_buffer_printf(&what, "a temporary file in %s (TMPDIR=FOLDER names another folder)", *folder ? folder : "./");
  if (status == LK_OK) status = make_temp(&name, path.data, what.data, make_file, fd);
  if (status == LK_OK) (void)unlink(name);
  remember("");
  lk_buffer_release(&path);
  lk_buffer_release(&what);
  free(name);
  return status;
}

lk_status lk_temp_commit(lk_temp *temp) {
  int error = fsync(temp->fd) ? errno : 0;
  if (close(temp->fd) && !error) error = errno; /* network file systems report an exceeded quota here */
  temp->fd = -1;
  if (!error && rename(temp->name, temp->path)) error = errno;
  if (error) {
    const lk_status status = LK_FAIL(LK_IO, "cannot write %s: %s", temp->path, strerror(error));
    lk_temp_discard(temp);
    return status;
  }
  free(temp->name); /* renamed: nothing to discard */
  temp->name = NULL;
  const lk_status status = sync_folder(temp->path);
  lk_temp_discard(temp);
  return status;
}

void lk_temp_discard(lk_temp *temp) {
  if (temp->fd >= 0) close(temp->fd);
  if (temp->name) unlink(temp->name);
  remember("");
  free(temp->name);
  free(temp->path);
  *temp = (lk_temp){.fd = -1};
}

lk_status lk_durable_write(const char *path, const void *bytes, size_t size) {
  lk_temp temp = {.fd = -1};
  LK_TRY(lk_temp_open(&temp, path));
  const int error = lk_write_at(temp.fd, bytes, size, 0);
  if (!error) return lk_temp_commit(&temp);
  lk_temp_discard(&temp);
  return LK_FAIL(LK_IO, "cannot write %s: %s", path, strerror(error));
}

lk_status lk_durable_link(const char *path, const char *target) {
  char *name = NULL;
  LK_TRY(make_temp(&name, path, path, make_link, (void *)target));
  const int error = rename(name, path) ? errno : 0;
  if (error) unlink(name);
  free(name);
  if (error) return LK_FAIL(LK_IO, "cannot write the link %s: %s", path, strerror(error));
  return sync_folder(path);
}

static lk_status make_folder(const char *path) {
  struct stat about;
  if (mkdir(path, 0777) == 0) return sync_folder(path);
  const int error = errno;
  if (stat(path, &about) == 0) {
    if (S_ISDIR(about.st_mode)) return LK_OK;
    return LK_FAIL(LK_IO, "cannot make the folder %s: there is a file of that name", path);
  }
  return LK_FAIL(LK_IO, "cannot make the folder %s: %s", path, strerror(error));
}

lk_status lk_durable_folder(const char *path) {
  lk_status status = LK_OK;
  char *part = NULL;
  size_t size = strlen(path);
  while (size > 1 && path[size - 1] == '/') size--;
  LK_TRY(lk_alloc(&part, size + 1, 1));
  for (size_t i = 1; i <= size; i++) {
    if (i < size && (path[i] != '/' || path[i - 1] == '/')) continue;
    memcpy(part, path, i);
    part[i] = 0;
    LK_GO(make_folder(part));
  }
done:
  free(part);
  return status;
}

/* By its name alone: process ids are reused, so a running process need not be the one that left the file. */
static bool is_passing(int folder, const char *name) {
  const size_t size = strlen(name);
  struct stat about;
  if (name[0] != '.' || size <= sizeof SUFFIX || strcmp(name + size - (sizeof SUFFIX - 1), SUFFIX) != 0) return false;
  return fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(about.st_mode);
}

lk_status lk_durable_clean(const char *folder) {
  int error = 0;
  DIR *dir = opendir(folder);
  if (!dir) return errno == ENOENT ? LK_OK : LK_FAIL(LK_IO, "cannot read the folder %s: %s", folder, strerror(errno));
  for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
    if (is_passing(dirfd(dir), entry->d_name) && unlinkat(dirfd(dir), entry->d_name, 0) && errno != ENOENT)
      error = errno;
  closedir(dir);
  return error ? LK_FAIL(LK_IO, "cannot remove the temporary files in %s: %s", folder, strerror(error)) : LK_OK;
}
