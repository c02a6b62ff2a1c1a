/* Who may write into a run's folder: the living are respected, the dead are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lockstep/text.h"
#include "train/owner_impl.h"

static char folder[64], path[96];

static int set_up(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/lockstep-owner-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/owner", folder);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  lk_error_clear();
  unlink(path);
  return rmdir(folder); /* fails where anything but the lock was left behind */
}

static void write_owner(const char *text, long age) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
  struct timespec times[2];
  clock_gettime(CLOCK_REALTIME, &times[0]);
  times[0].tv_sec -= age;
  times[1] = times[0];
  assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void read_owner(char *text, size_t room) {
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  text[fread(text, 1, room - 1, file)] = '\0';
  fclose(file);
}

static void refused(const char *host, const char *process, const char *job) {
  lk_owner *owner = NULL;
  assert_int_equal(lk_owner_take(&owner, folder), LK_USAGE);
  assert_null(owner);
  assert_non_null(strstr(lk_error_get()->text, host));
  assert_non_null(strstr(lk_error_get()->text, process));
  assert_non_null(strstr(lk_error_get()->text, job));
  lk_error_clear();
  assert_int_equal(access(path, F_OK), 0); /* the other's lock stays */
}

static void taken(void) {
  lk_owner *owner = NULL;
  char text[1024], self[32];
  assert_int_equal(lk_owner_take(&owner, folder), LK_OK);
  assert_int_equal(lk_owner_check(owner), LK_OK);
  read_owner(text, sizeof text);
  snprintf(self, sizeof self, "pid %ld\n", (long)getpid());
  assert_non_null(strstr(text, self));
  lk_owner_release(&owner);
  assert_null(owner);
  assert_int_equal(access(path, F_OK), -1);
}

static void test_free_folder_is_taken(void **state) {
  (void)state;
  taken();
  taken();
}

static void test_living_owner_is_respected(void **state) {
  (void)state;
  lk_owner *owner = NULL;
  char host[65] = "", process[32];
  gethostname(host, 64);
  snprintf(process, sizeof process, "process %ld", (long)getpid());
  setenv("SLURM_JOB_ID", "4711", 1);
  assert_int_equal(lk_owner_take(&owner, folder), LK_OK);
  refused(host, process, "job 4711");
  unsetenv("SLURM_JOB_ID");
  assert_int_equal(lk_owner_check(owner), LK_OK);
  lk_owner_release(&owner);
}

static void test_killed_owner_is_taken_over(void **state) {
  (void)state;
  const pid_t child = fork();
  if (child == 0) {
    lk_owner *owner = NULL;
    _exit(lk_owner_take(&owner, folder) == LK_OK ? 0 : 1); /* as a kill would: the lock stays */
  }
  int end = -1;
  assert_int_equal(waitpid(child, &end, 0), child);
  assert_int_equal(end, 0);
  assert_int_equal(access(path, F_OK), 0);
  taken();
}

/* Whoever was killed while he buried a dead owner left the grave: the next owner, when he has the folder. */
static void test_graves_are_cleared(void **state) {
  (void)state;
  char grave[160];
  snprintf(grave, sizeof grave, "%s/.owner.far-away.1-0.lockstep-tmp.dead", folder);
  FILE *file = fopen(grave, "w");
  assert_non_null(file);
  fclose(file);
  taken();
  assert_int_equal(access(grave, F_OK), -1);
}

/* The number lives, but it is another process that has it now. */
static void test_reused_number_is_no_owner(void **state) {
  (void)state;
  lk_owner *owner = NULL;
  char text[1024], other[1200];
  assert_int_equal(lk_owner_take(&owner, folder), LK_OK);
  read_owner(text, sizeof text);
  lk_owner_release(&owner);
  char *start = strstr(text, "start ");
  assert_non_null(start);
  snprintf(other, sizeof other, "%.*sstart 1%s", (int)(start - text), text, start + strlen("start "));
  write_owner(other, 0);
  taken();
}

static void test_other_host_goes_by_age(void **state) {
  (void)state;
  const char *other = "host far-away\npid 1\njob 99\nstart 5\nmachine elsewhere\n";
  write_owner(other, LK_OWNER_STALE / 2);
  refused("far-away", "process 1 ", "job 99");
  write_owner(other, LK_OWNER_STALE + 5);
  taken();
}

static void test_garbage_goes_by_age(void **state) {
  (void)state;
  write_owner("", 0);
  refused("unknown", "process 0", "job unknown");
  write_owner("host\n\xff\xff pid", LK_OWNER_STALE + 5);
  taken();
}

static void test_lost_lock_is_noticed(void **state) {
  (void)state;
  lk_owner *owner = NULL;
  assert_int_equal(lk_owner_take(&owner, folder), LK_OK);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(lk_owner_check(owner), LK_IO);
  lk_error_clear();
  write_owner("host far-away\npid 7\njob 99\nstart 5\nmachine elsewhere\n", 0);
  assert_int_equal(lk_owner_check(owner), LK_IO);
  assert_non_null(strstr(lk_error_get()->text, "far-away"));
  lk_owner_release(&owner);
  assert_int_equal(access(path, F_OK), 0); /* the other's */
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_free_folder_is_taken),      TEST(test_living_owner_is_respected), TEST(test_killed_owner_is_taken_over),
      TEST(test_reused_number_is_no_owner), TEST(test_other_host_goes_by_age),    TEST(test_garbage_goes_by_age),
      TEST(test_lost_lock_is_noticed),      TEST(test_graves_are_cleared),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
