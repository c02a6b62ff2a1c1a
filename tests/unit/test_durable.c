/* Durable writing: a file is written completely or not at all, whatever fails; and digests. */
#include "durable.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "store_fixture.h"

/* This program's own fsync() and rename(), which replace the C library's and record their calls. */
enum { CALLS = 16 };
static struct {
  char call; /* s: fsync, r: rename */
  ino_t file;
} calls[CALLS];
static int called;

static void note(char call, ino_t file) {
  if (called < CALLS) calls[called].call = call, calls[called].file = file;
  called++;
}

int fsync(int fd) {
  struct stat about;
  if (fstat(fd, &about) == 0) note('s', about.st_ino);
  return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to) {
  struct stat about;
  if (lstat(from, &about) == 0) note('r', about.st_ino);
  return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static ino_t inode(const char *path) {
  struct stat about;
  assert_int_equal(lstat(path, &about), 0);
  return about.st_ino;
}

/* After a crash of the machine there must be the old or the complete new file: the data are synced before the rename,
 * and the folder, which has the name, before the function returns. */
static void syncs_before_and_after_the_name(void **state) {
  (void)state;
  called = 0;
  OK(lk_durable_write("a.txt", "first", 5));
  const ino_t file = inode("a.txt"), folder = inode(".");
  assert_int_equal(called, 3);
  assert_true(calls[0].call == 's' && calls[0].file == file);
  assert_true(calls[1].call == 'r' && calls[1].file == file);
  assert_true(calls[2].call == 's' && calls[2].file == folder);
  called = 0;
  OK(lk_durable_link("last", "a.txt"));
  assert_int_equal(called, 2);
  assert_true(calls[0].call == 'r' && calls[0].file == inode("last"));
  assert_true(calls[1].call == 's' && calls[1].file == folder);
  called = 0;
  OK(lk_durable_folder("folder"));
  assert_int_equal(called, 1);
  assert_true(calls[0].call == 's' && calls[0].file == folder);
}

static void writes_and_replaces(void **state) {
  (void)state;
  size_t size;
  OK(lk_durable_write("a.txt", "first", 5));
  OK(lk_durable_write("a.txt", "the second", 10));
  char *bytes = read_all("a.txt", &size);
  assert_int_equal(size, 10);
  assert_memory_equal(bytes, "the second", 10);
  free(bytes);
  OK(lk_durable_write("empty", "", 0));
  assert_int_equal(count_files("."), 2);
}

/* Limit files to `bytes`, which looks like a full disk. */
static void limit_files(rlim_t bytes, rlim_t *old) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  if (old) *old = limit.rlim_cur;
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void failure_keeps_the_old(void **state) {
  (void)state;
  static char large[100000];
  rlim_t old;
  size_t size;
  signal(SIGXFSZ, SIG_IGN);
  OK(lk_durable_write("a", "old", 3));
  limit_files(65536, &old);
  const lk_status status = lk_durable_write("a", large, sizeof large);
  limit_files(old, NULL);
  FAILS(LK_IO, "cannot write a: File too large", status);
  char *bytes = read_all("a", &size);
  assert_int_equal(size, 3);
  assert_memory_equal(bytes, "old", 3);
  free(bytes);
  assert_int_equal(count_files("."), 1);

  FAILS(LK_IO, "cannot write none/a: No such file", lk_durable_write("none/a", "x", 1));
  OK(lk_durable_folder("folder"));
  FAILS(LK_IO, "cannot write folder: Is a directory", lk_durable_write("folder", "x", 1));
  assert_int_equal(count_files("."), 2);
  FAILS(LK_IO, "/dev/null/x", lk_durable_write("/dev/null/x", "x", 1));
  assert_int_equal(mkfifo("pipe", 0600), 0);
  FAILS(LK_IO, "cannot write pipe: it is not a regular file", lk_durable_write("pipe", "x", 1));
}

static void long_names(void **state) {
  (void)state;
  char name[256];
  memset(name, 'n', 255);
  name[255] = 0;
  OK(lk_durable_write(name, "x", 1));
  assert_int_equal(access(name, F_OK), 0);
}

static void links_move(void **state) {
  (void)state;
  char target[64] = "";
  OK(lk_durable_link("last", "checkpoints/1"));
  OK(lk_durable_link("last", "checkpoints/2"));
  assert_int_equal(readlink("last", target, sizeof target), strlen("checkpoints/2"));
  assert_string_equal(target, "checkpoints/2");
  OK(lk_durable_folder("folder"));
  FAILS(LK_IO, "cannot write the link folder", lk_durable_link("folder", "x"));
  assert_int_equal(count_files("."), 2);
}

static void folders(void **state) {
  (void)state;
  struct stat about;
  OK(lk_durable_folder("a/b//c/"));
  OK(lk_durable_folder("a/b/c"));
  OK(lk_durable_folder("."));
  OK(lk_durable_folder("/"));
  assert_int_equal(stat("a/b/c", &about), 0);
  assert_true(S_ISDIR(about.st_mode));
  OK(lk_durable_write("file", "x", 1));
  FAILS(LK_IO, "there is a file of that name", lk_durable_folder("file"));
  FAILS(LK_IO, "there is a file of that name", lk_durable_folder("file/x"));
}

/* Whichever process left them, as process numbers are reused. */
static void cleans_what_is_passing(void **state) {
  (void)state;
  char host[65] = "", name[256];
  gethostname(host, 64);
  const pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  snprintf(name, sizeof name, ".a.h5.%s.%ld-0.lockstep-tmp", host, (long)child);
  write_all(name, "x", 1);
  snprintf(name, sizeof name, ".b.h5.%s.%ld-0.lockstep-tmp", host, (long)getpid());
  write_all(name, "x", 1);
  write_all(".c.h5.elsewhere.77-0.lockstep-tmp", "x", 1);
  assert_int_equal(symlink("a.h5", ".last.h5.elsewhere.1-0.lockstep-tmp"), 0);
  assert_int_equal(symlink("none", ".best.h5.elsewhere.1-0.lockstep-tmp"), 0);
  /* not temporary files of the program */
  write_all("mine.lockstep-tmp", "x", 1);
  write_all(".lockstep-tmp", "x", 1);
  write_all("a.h5", "x", 1);
  OK(lk_durable_folder(".folder.lockstep-tmp"));
  const lk_status status = lk_durable_clean(".");
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  OK(status);
  assert_int_equal(count_files("."), 4);
  OK(lk_durable_clean("none")); /* no such folder: nothing to do */
  FAILS(LK_IO, "cannot read the folder a.h5", lk_durable_clean("a.h5"));
}

/* A writer that is killed leaves the old file and a temporary one, which the next clean removes. */
static void killed_in_the_middle(void **state) {
  (void)state;
  static char large[1 << 22];
  size_t size;
  memset(large, 'n', sizeof large);
  OK(lk_durable_write("a", "old", 3));
  for (int i = 0; i < 10; i++) {
    const pid_t child = fork();
    if (child == 0)
      for (;;)
        if (lk_durable_write("a", large, sizeof large) != LK_OK) _exit(1);
    usleep((useconds_t)(1000 + 1700 * i));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    char *bytes = read_all("a", &size);
    assert_true(size == 3 || size == sizeof large);
    assert_memory_equal(bytes, size == 3 ? "old" : large, size);
    free(bytes);
  }
  OK(lk_durable_clean("."));
  assert_int_equal(count_files("."), 1);
}

static void digests(void **state) {
  (void)state;
  char hex[33], sha[65];
  lk_digest("", 0, hex);
  assert_string_equal(hex, "99aa06d3014798d86001c324468d497f"); /* as xxhsum -H2 prints it */
  write_all("e", "", 0);
  OK(lk_digest_file("e", hex));
  assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
  const void *blocks[] = {"a", "", "bc"};
  const size_t sizes[] = {1, 0, 2};
  lk_sha256(blocks, sizes, 3, sha); /* FIPS 180-2, "abc" */
  assert_string_equal(sha, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  size_t size = 3 << 20;
  char *large = malloc(size), whole[33];
  for (size_t i = 0; i < size; i++) large[i] = (char)(i * i >> 7);
  write_all("large", large, size);
  lk_digest(large, size, whole);
  OK(lk_digest_file("large", hex));
  assert_string_equal(hex, whole);
  free(large);
  FAILS(LK_IO, "cannot open none: No such file", lk_digest_file("none", hex));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_scratch, leave_scratch)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(syncs_before_and_after_the_name),
      TEST(writes_and_replaces),
      TEST(failure_keeps_the_old),
      TEST(long_names),
      TEST(links_move),
      TEST(folders),
      TEST(cleans_what_is_passing),
      TEST(killed_in_the_middle),
      TEST(digests),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
