/* Who may write into a run's folder: the living are respected, the dead are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "text.h"
#include "owner_impl.h"

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
  char text[1024], reused[1200];
  assert_int_equal(lk_owner_take(&owner, folder), LK_OK);
  read_owner(text, sizeof text);
  lk_owner_release(&owner);
  char *start = strstr(text, "start ");
  assert_non_null(start);
  snprintf(reused, sizeof reused, "%.*sstart 1%s", (int)(start - text), text, start + strlen("start "));
  write_owner(reused, 0);
  taken();
}

/* An owner on another machine that is alive: somebody renews the file. */
static pid_t begin_life(void) {
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 200; i++) {
      usleep(200 * 1000);
      (void)utimensat(AT_FDCWD, path, NULL, 0);
    }
    _exit(0);
  }
  assert_true(child > 0);
  return child;
}

static void end_life(pid_t child) {
  assert_int_equal(kill(child, SIGKILL), 0);
  assert_int_equal(waitpid(child, NULL, 0), child);
}

static const char other[] = "host far-away\npid 1\njob 99\nrestarts 1\nstart 5\nmachine elsewhere\n";

static double taken_after(void) {
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  taken();
  clock_gettime(CLOCK_MONOTONIC, &end);
  return (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
}

static void test_living_owner_elsewhere_is_respected(void **state) {
  (void)state;
  write_owner(other, LK_OWNER_STALE / 2);
  const pid_t life = begin_life();
  refused("far-away", "process 1 ", "job 99");
  end_life(life);
}

static void test_silent_owner_elsewhere_is_waited_for(void **state) {
  (void)state;
  write_owner(other, LK_OWNER_STALE + 5);
  assert_true(taken_after() < 2);
  write_owner(other, LK_OWNER_STALE - 3);
  const double waited = taken_after();
  assert_true(waited > 2 && waited < 20);
}

/* The scheduler started the job again after its host had died: it need not be silent for as long. */
static void test_former_self_elsewhere_is_waited_for(void **state) {
  (void)state;
  setenv("SLURM_JOB_ID", "99", 1);
  setenv("SLURM_RESTART_COUNT", "2", 1);
  write_owner(other, LK_OWNER_QUIET + 2);
  assert_true(taken_after() < 2);
  write_owner(other, LK_OWNER_QUIET - 3);
  const double waited = taken_after();
  assert_true(waited > 2 && waited < 20);
  /* it lives on: waited for until it falls silent */
  write_owner(other, LK_OWNER_QUIET - 2);
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 3; i++) {
      sleep(1);
      write_owner(other, LK_OWNER_QUIET - 2);
    }
    _exit(0);
  }
  assert_true(taken_after() > 4);
  assert_int_equal(waitpid(child, NULL, 0), child);
  unsetenv("SLURM_RESTART_COUNT");
  unsetenv("SLURM_JOB_ID");
}

/* A second step of the same start, or of an earlier one, is a stranger. */
static void test_same_start_is_no_former_self(void **state) {
  (void)state;
  setenv("SLURM_JOB_ID", "99", 1);
  for (const char *restarts = "1"; restarts; restarts = *restarts == '1' ? "0" : NULL) {
    setenv("SLURM_RESTART_COUNT", restarts, 1);
    write_owner(other, LK_OWNER_QUIET + 5);
    const pid_t life = begin_life();
    refused("far-away", "process 1 ", "job 99");
    end_life(life);
  }
  unsetenv("SLURM_RESTART_COUNT");
  unsetenv("SLURM_JOB_ID");
}

static void test_garbage_goes_by_age(void **state) {
  (void)state;
  write_owner("", 0);
  const pid_t life = begin_life();
  refused("unknown", "process 0", "job unknown");
  end_life(life);
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
  write_owner(other, 0);
  assert_int_equal(lk_owner_check(owner), LK_IO);
  assert_non_null(strstr(lk_error_get()->text, "far-away"));
  lk_owner_release(&owner);
  assert_int_equal(access(path, F_OK), 0); /* the other's */
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_free_folder_is_taken),
      TEST(test_living_owner_is_respected),
      TEST(test_killed_owner_is_taken_over),
      TEST(test_reused_number_is_no_owner),
      TEST(test_living_owner_elsewhere_is_respected),
      TEST(test_silent_owner_elsewhere_is_waited_for),
      TEST(test_former_self_elsewhere_is_waited_for),
      TEST(test_same_start_is_no_former_self),
      TEST(test_garbage_goes_by_age),
      TEST(test_lost_lock_is_noticed),
      TEST(test_graves_are_cleared),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
