/* shim.c - a preloaded library that makes the n-th call of one kind fail, or kills the process there, or only counts.
 *
 *   FAULT_CALL   open | write | fsync | rename | close | malloc | mmap
 *   FAULT_AT     which call, from 1
 *   FAULT_MODE   fail | kill (before the call) | killafter | count | slow (every call takes half a second more)
 *   FAULT_UNDER  only calls on files with this in their path count; of malloc and mmap the program's own calls count
 *   FAULT_FROM   calls count once a file of this name exists; not set: from the start
 *   FAULT_MARK   a file that is created when the fault happens; with count: that gets the number of calls at exit
 *
 * open includes fopen(), and write includes fflush(). A write that fails has written half of its bytes, as on a full
 * disk. Allocations by other libraries (MPI, HDF5) never fail. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *call, *mode, *under, *from, *mark;
static long at;
static uintptr_t text_begin, text_end; /* of the program itself */
static atomic_long count;
static atomic_bool counting;

static int find_program(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size, (void)data;
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
      text_begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
      text_end = text_begin + info->dlpi_phdr[i].p_memsz;
    }
  return 1; /* the first is the program */
}

__attribute__((constructor)) static void begin(void) {
  dl_iterate_phdr(find_program, NULL);
  call = getenv("FAULT_CALL"), under = getenv("FAULT_UNDER"), mark = getenv("FAULT_MARK");
  from = getenv("FAULT_FROM");
  at = getenv("FAULT_AT") ? atol(getenv("FAULT_AT")) : 0;
  mode = getenv("FAULT_MODE");
}

__attribute__((destructor)) static void end(void) {
  char line[32];
  if (!mode || !mark || strcmp(mode, "count") != 0) return;
  const int size = snprintf(line, sizeof line, "%ld\n", atomic_load(&count));
  const int fd = (int)syscall(SYS_open, mark, O_CREAT | O_APPEND | O_WRONLY, 0666);
  syscall(SYS_write, fd, line, (size_t)size);
  syscall(SYS_close, fd);
}

static bool is_under(const char *path) { return under && strstr(path, under) != NULL; }

static bool fd_under(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return false;
  path[size] = 0;
  return is_under(path);
}

/* Whether this call is the one that fails. */
static bool due(const char *name) {
  if (!mode || !call || strcmp(call, name) != 0) return false;
  if (from && !counting && syscall(SYS_access, from, F_OK) != 0) return false;
  counting = true;
  if (strcmp(mode, "slow") == 0) return usleep(500000), false;
  if (atomic_fetch_add(&count, 1) + 1 != at || strcmp(mode, "count") == 0) return false;
  if (mark) syscall(SYS_close, syscall(SYS_open, mark, O_CREAT | O_WRONLY, 0666));
  if (strcmp(mode, "kill") == 0) kill(getpid(), SIGKILL);
  return true;
}

static bool dies_after(void) { return strcmp(mode, "killafter") == 0; }
static void die(void) {
  if (dies_after()) kill(getpid(), SIGKILL);
}

#define OPEN(name)                                                                \
  int name(const char *path, int flags, ...) {                                    \
    va_list args;                                                                 \
    va_start(args, flags);                                                        \
    const mode_t bits = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0; \
    va_end(args);                                                                 \
    const bool here = is_under(path) && due("open");                              \
    if (here && !dies_after()) return errno = ENOSPC, -1;                         \
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, bits);         \
    if (here) die();                                                              \
    return fd;                                                                    \
  }
OPEN(open)
OPEN(open64)

typedef FILE *fopen_function(const char *path, const char *how);
#define FOPEN(name)                                                             \
  FILE *name(const char *path, const char *how) {                               \
    const bool here = is_under(path) && due("open");                            \
    if (here && !dies_after()) return errno = ENOSPC, NULL;                     \
    fopen_function *real = (fopen_function *)(intptr_t)dlsym(RTLD_NEXT, #name); \
    FILE *file = real(path, how);                                               \
    if (here) die();                                                            \
    return file;                                                                \
  }
FOPEN(fopen)
FOPEN(fopen64)

int fflush(FILE *file) {
  typedef int function(FILE *);
  function *real = (function *)(intptr_t)dlsym(RTLD_NEXT, "fflush");
  if (!file || !fd_under(fileno(file)) || !due("write")) return real(file);
  (void)real(file);
  die();
  return errno = ENOSPC, EOF;
}

#define PWRITE(name)                                                                          \
  ssize_t name(int fd, const void *bytes, size_t size, off_t place) {                         \
    if (!fd_under(fd) || !due("write")) return syscall(SYS_pwrite64, fd, bytes, size, place); \
    syscall(SYS_pwrite64, fd, bytes, size / 2, place);                                        \
    die();                                                                                    \
    return errno = ENOSPC, -1;                                                                \
  }
PWRITE(pwrite)
PWRITE(pwrite64)

ssize_t write(int fd, const void *bytes, size_t size) {
  if (!fd_under(fd) || !due("write")) return syscall(SYS_write, fd, bytes, size);
  syscall(SYS_write, fd, bytes, size / 2);
  die();
  return errno = ENOSPC, -1;
}

int fsync(int fd) {
  if (!fd_under(fd) || !due("fsync")) return (int)syscall(SYS_fsync, fd);
  if (!dies_after()) return errno = EIO, -1;
  syscall(SYS_fsync, fd);
  return kill(getpid(), SIGKILL);
}

int rename(const char *old, const char *name) {
  if (!is_under(name) || !due("rename")) return (int)syscall(SYS_rename, old, name);
  if (!dies_after()) return errno = EIO, -1;
  syscall(SYS_rename, old, name);
  return kill(getpid(), SIGKILL);
}

int close(int fd) {
  const bool fails = fd_under(fd) && due("close");
  const int code = (int)syscall(SYS_close, fd);
  if (!fails) return code;
  die();
  return errno = EDQUOT, -1; /* as network file systems do */
}

static bool ours(void *caller) { return (uintptr_t)caller >= text_begin && (uintptr_t)caller < text_end; }

extern void *__libc_malloc(size_t size);             /* NOLINT(bugprone-reserved-identifier) */
extern void *__libc_calloc(size_t n, size_t size);   /* NOLINT(bugprone-reserved-identifier) */
extern void *__libc_realloc(void *old, size_t size); /* NOLINT(bugprone-reserved-identifier) */
#define ALLOCATE(prototype, forward)                                  \
  prototype {                                                         \
    if (mode && ours(__builtin_return_address(0)) && due("malloc")) { \
      die();                                                          \
      return errno = ENOMEM, NULL;                                    \
    }                                                                 \
    return forward;                                                   \
  }
ALLOCATE(void *malloc(size_t size), __libc_malloc(size))
ALLOCATE(void *calloc(size_t n, size_t size), __libc_calloc(n, size))
ALLOCATE(void *realloc(void *old, size_t size), __libc_realloc(old, size))

#define MMAP(name)                                                                        \
  void *name(void *place, size_t size, int protection, int flags, int fd, off_t offset) { \
    if (mode && ours(__builtin_return_address(0)) && due("mmap")) {                       \
      die();                                                                              \
      return errno = ENOMEM, MAP_FAILED;                                                  \
    }                                                                                     \
    return (void *)syscall(SYS_mmap, place, size, protection, flags, fd, offset);         \
  }
MMAP(mmap)
MMAP(mmap64)
