/* Who may write into a run's folder: the lock of a living owner is respected, that of a dead one taken over. Nothing here
 * waits or depends on how fast the machine is: a pause is a function of the test (lk_owner_pause). */
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

/* Make the lock file so many seconds old. */
static void write_age(long age) {
  struct timespec times[2];
  clock_gettime(CLOCK_REALTIME, &times[0]);
  times[0].tv_sec -= age;
  times[1] = times[0];
  assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void write_owner(const char *text, long age) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
  write_age(age);
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
  assert_int_equal(access(path, F_OK), 0); /* the lock stays */
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

/* A job that was killed while it took over a folder left a lock file there: the next owner removes it. */
static void test_leftover_locks_are_removed(void **state) {
  (void)state;
  char left[160];
  snprintf(left, sizeof left, "%s/.owner.far-away.1-0.lockstep-tmp.dead", folder);
  FILE *file = fopen(left, "w");
  assert_non_null(file);
  fclose(file);
  taken();
  assert_int_equal(access(left, F_OK), -1);
}

/* There is a process of that number, but it started at another time. */
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

/* ---- owners on other machines: what happens to the lock in each pause ---- */

static const char other[] = "host far-away\npid 1\njob 99\nrestarts 1\nstart 5\nmachine elsewhere\n";

static int pauses, last_renewal; /* pauses so far; the owner renews its lock up to this one and then is silent */

/* Ahead of the clock: however long the machine then takes, the lock is not old. */
enum { FUTURE = -100000 };

static void pause_in_test(void) {
  pauses++;
  write_age(pauses <= last_renewal ? FUTURE - pauses : LK_OWNER_STALE + 5);
}

/* A lock of `age`, whose owner renews it in so many pauses. */
static void other_owner(const char *text, long age, int renewals) {
  write_owner(text, age);
  pauses = 0;
  last_renewal = renewals;
}

static void test_living_owner_elsewhere_is_respected(void **state) {
  (void)state;
  other_owner(other, FUTURE, 1);
  refused("far-away", "process 1 ", "job 99");
  assert_int_equal(pauses, 1);
}

static void test_silent_owner_elsewhere_is_waited_for(void **state) {
  (void)state;
  other_owner(other, LK_OWNER_STALE + 5, 0);
  taken();
  assert_int_equal(pauses, 0);
  other_owner(other, FUTURE, 0);
  taken();
  assert_int_equal(pauses, 1);
}

/* The scheduler started the job again after its host had died: what still renews the lock is waited for, not obeyed. */
static void test_earlier_start_elsewhere_is_waited_for(void **state) {
  (void)state;
  setenv("SLURM_JOB_ID", "99", 1);
  setenv("SLURM_RESTART_COUNT", "2", 1);
  other_owner(other, LK_OWNER_QUIET + 5, 0);
  taken();
  assert_int_equal(pauses, 0);
  other_owner(other, FUTURE, 7);
  taken();
  assert_int_equal(pauses, 8);
  other_owner(other, FUTURE, 1000); /* but not for ever */
  refused("far-away", "process 1 ", "job 99");
  assert_int_equal(pauses, 2 * LK_OWNER_STALE + 1);
  unsetenv("SLURM_RESTART_COUNT");
  unsetenv("SLURM_JOB_ID");
}

/* The same start of the job, or a later one, is a stranger: a second step of one allocation. */
static void test_same_start_is_a_stranger(void **state) {
  (void)state;
  setenv("SLURM_JOB_ID", "99", 1);
  for (int restarts = 0; restarts <= 1; restarts++) {
    setenv("SLURM_RESTART_COUNT", restarts ? "1" : "0", 1);
    other_owner(other, FUTURE, 1);
    refused("far-away", "process 1 ", "job 99");
    assert_int_equal(pauses, 1);
  }
  unsetenv("SLURM_RESTART_COUNT");
  unsetenv("SLURM_JOB_ID");
}

/* From which age a lock counts as dead. */
static void test_ages(void **state) {
  (void)state;
  lk_identity self, who;
  lk_identity_self(&self);
  lk_identity_parse(other, &who);
  for (int earlier = 0; earlier < 2; earlier++) {
    const double limit = earlier ? LK_OWNER_QUIET : LK_OWNER_STALE;
    if (earlier) {
      snprintf(self.job, sizeof self.job, "99");
      self.restarts = 2;
    }
    assert_int_equal(lk_identity_life(&who, &self, limit, false), LK_OWNER_UNKNOWN);
    assert_int_equal(lk_identity_life(&who, &self, limit, true), LK_OWNER_ALIVE);
    assert_int_equal(lk_identity_life(&who, &self, limit + 1, true), LK_OWNER_DEAD);
  }
}

static void test_garbage_goes_by_age(void **state) {
  (void)state;
  other_owner("", FUTURE, 1);
  refused("unknown", "process 0", "job unknown");
  other_owner("host\n\xff\xff pid", LK_OWNER_STALE + 5, 0);
  taken();
  assert_int_equal(pauses, 0);
}

/* The owner's thread renews the lock, from the start of the run. */
static void test_lock_is_renewed(void **state) {
  (void)state;
  lk_owner *owner = NULL;
  struct stat about;
  assert_int_equal(lk_owner_take(&owner, folder), LK_OK);
  write_age(LK_OWNER_STALE);
  assert_int_equal(stat(path, &about), 0);
  const time_t old = about.st_mtime;
  while (about.st_mtime == old) { /* the thread's first renewal, or the one LK_OWNER_RENEWAL seconds later */
    usleep(10 * 1000);
    assert_int_equal(stat(path, &about), 0);
  }
  lk_owner_release(&owner);
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
  lk_owner_pause = pause_in_test;
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_free_folder_is_taken),
      TEST(test_living_owner_is_respected),
      TEST(test_killed_owner_is_taken_over),
      TEST(test_reused_number_is_no_owner),
      TEST(test_living_owner_elsewhere_is_respected),
      TEST(test_silent_owner_elsewhere_is_waited_for),
      TEST(test_earlier_start_elsewhere_is_waited_for),
      TEST(test_same_start_is_a_stranger),
      TEST(test_ages),
      TEST(test_garbage_goes_by_age),
      TEST(test_lock_is_renewed),
      TEST(test_lost_lock_is_noticed),
      TEST(test_leftover_locks_are_removed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
