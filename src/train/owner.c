/* owner.c - the lock file of a run's folder: taking, renewing and giving back. */
#include "owner_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "arena.h"
#include "durable.h"
#include "log.h"
#include "text.h"

struct lk_owner {
  char *folder, *path, *temporary;
  bool made;         /* the folder was not there */
  int fd;            /* our lock file, whatever its name */
  struct stat about; /* of it */
  pthread_t thread;
  bool renewing; /* the thread runs */
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  bool stop;
};

static char held_path[4096]; /* for the signal handler: set once, before `holds` */
static volatile sig_atomic_t holds;

static void sleep_a_second(void) { sleep(1); }
void (*lk_owner_pause)(void) = sleep_a_second;

/* Read a lock file. It is opened each time, as network file systems look at a file afresh then. *found false: there is
 * none. */
static lk_status look(const char *path, lk_identity *who, struct stat *about, bool *found) {
  char text[1024];
  size_t got = 0;
  *found = false;
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return errno == ENOENT ? LK_OK : LK_FAIL(LK_IO, "cannot read %s: %s", path, strerror(errno));
  int error = fstat(fd, about) ? errno : 0;
  while (!error && got < sizeof text - 1) {
    const ssize_t took = read(fd, text + got, sizeof text - 1 - got);
    if (took < 0 && errno == EINTR) continue;
    if (took < 0) error = errno;
    if (took <= 0) break;
    got += (size_t)took;
  }
  close(fd);
  if (error) return LK_FAIL(LK_IO, "cannot read %s: %s", path, strerror(error));
  text[got] = '\0';
  lk_identity_parse(text, who);
  *found = true;
  return LK_OK;
}

static bool same_file(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool same_time(const struct stat *a, const struct stat *b) {
  return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Write our lock file under the temporary name. Its time is what the folder's file system takes for now. */
static int write_temporary(lk_owner *o, const lk_identity *self) {
  char text[1024];
  const int size = lk_identity_print(self, text, sizeof text);
  if (o->fd >= 0) close(o->fd);
  (void)unlink(o->temporary);
  o->fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (o->fd < 0) return errno;
  const ssize_t put = write(o->fd, text, (size_t)size);
  if (put != size) return put < 0 ? errno : ENOSPC;
  if (fsync(o->fd) || fstat(o->fd, &o->about)) return errno;
  return 0;
}

/* Remove the lock of a dead owner. Another job may be doing the same, or have taken the folder meanwhile: the file is
 * moved away first, and put back where it is another than the one that was judged. */
static lk_status remove_dead(const lk_owner *o, const struct stat *judged) {
  lk_buffer aside = {0};
  struct stat moved;
  lk_status status = lk_buffer_printf(&aside, "%s.dead", o->temporary);
  if (status == LK_OK && rename(o->path, aside.data) == 0) {
    if (stat(aside.data, &moved) == 0 && !same_file(&moved, judged) && link(aside.data, o->path) != 0)
      LK_WARN("%s changed hands while the lock of a dead owner was removed", o->path);
    (void)unlink(aside.data);
  }
  lk_buffer_release(&aside);
  return status;
}

static lk_status refuse(const lk_owner *o, const lk_identity *who) {
  return LK_FAIL(LK_USAGE,
                 "%s: the run is owned by process %ld on host %s (job %s); end that first, or choose another run.dir",
                 o->folder, who->pid, who->host, who->job);
}

/* How long somebody else's lock has been watched. */
typedef struct watch {
  struct stat first; /* the file at the first look */
  bool looked;
  int pauses; /* a second each */
} watch;

static void wait_for(const lk_identity *who, watch *w) {
  if (w->pauses == 0)
    LK_INFO("waiting to see whether process %ld on host %s (job %s), which owns the run, is alive", who->pid, who->host,
            who->job);
  w->pauses++;
  lk_owner_pause();
}

/* The folder has a lock. LK_OK where it is worth another try: it was removed, or a second has passed. */
static lk_status deal_with_owner(lk_owner *o, const lk_identity *self, watch *w) {
  lk_identity who;
  struct stat about;
  bool found;
  LK_TRY(look(o->path, &who, &about, &found));
  if (!found) return LK_OK;
  if (!w->looked || !same_file(&about, &w->first)) w->first = about;
  w->looked = true;
  const double age = (double)(o->about.st_mtim.tv_sec - about.st_mtim.tv_sec);
  const lk_owner_life life = lk_identity_life(&who, self, age, !same_time(&about, &w->first));
  if (life == LK_OWNER_DEAD) {
    LK_WARN("%s: taken over from process %ld on host %s (job %s), which is gone", o->folder, who.pid, who.host,
            who.job);
    return remove_dead(o, &about);
  }
  if (w->pauses > 2 * LK_OWNER_STALE || (life == LK_OWNER_ALIVE && !lk_identity_earlier_start(&who, self)))
    return refuse(o, &who);
  wait_for(&who, w);
  return LK_OK;
}

static lk_status acquire(lk_owner *o) {
  lk_identity self;
  watch w = {0};
  lk_identity_self(&self);
  for (int tries = 0; tries < 1000; tries++) {
    int error = write_temporary(o, &self);
    if (!error && link(o->temporary, o->path)) error = errno;
    (void)unlink(o->temporary);
    if (!error) return LK_OK;
    /* a new owner removes leftovers from the folder, and may take our temporary file for one */
    if (error == ENOENT && access(o->folder, F_OK) == 0) continue;
    if (error != EEXIST) return LK_FAIL(LK_IO, "cannot write %s: %s", o->path, strerror(error));
    LK_TRY(deal_with_owner(o, &self, &w));
  }
  return LK_FAIL(LK_IO, "cannot lock %s: other jobs keep taking it", o->path);
}

/* Remove leftover lock files of interrupted takeovers (remove_dead()). A takeover that is under way may have moved our
 * own lock aside by mistake and be about to put it back: that one stays. */
static void remove_leftovers(const lk_owner *o) {
  DIR *dir = opendir(o->folder);
  if (!dir) return;
  for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
    const char *end = strrchr(entry->d_name, '.');
    struct stat about;
    if (strncmp(entry->d_name, ".owner.", 7) != 0 || strcmp(end, ".dead") != 0) continue;
    if (fstatat(dirfd(dir), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 && !same_file(&about, &o->about))
      (void)unlinkat(dirfd(dir), entry->d_name, 0);
  }
  closedir(dir);
}

static void *renew(void *argument) {
  lk_owner *o = argument;
  struct timespec next;
  pthread_mutex_lock(&o->mutex);
  while (!o->stop) {
    (void)futimens(o->fd, NULL); /* by descriptor: never another owner's file */
    clock_gettime(CLOCK_REALTIME, &next);
    next.tv_sec += LK_OWNER_RENEWAL;
    pthread_cond_timedwait(&o->wake, &o->mutex, &next);
  }
  pthread_mutex_unlock(&o->mutex);
  return NULL;
}

static lk_status name_files(lk_owner *o, const char *folder) {
  lk_buffer text = {0};
  char host[LK_IDENTITY_WORD] = "unknown";
  (void)gethostname(host, sizeof host - 1);
  LK_TRY(lk_buffer_printf(&text, "%s", folder));
  o->folder = text.data;
  text = (lk_buffer){0};
  LK_TRY(lk_buffer_printf(&text, "%s/owner", folder));
  o->path = text.data;
  text = (lk_buffer){0};
  LK_TRY(lk_buffer_printf(&text, "%s/.owner.%s.%ld-0.lockstep-tmp", folder, host, (long)getpid()));
  o->temporary = text.data;
  return LK_OK;
}

lk_status lk_owner_take(lk_owner **owner, const char *folder) {
  lk_owner *o;
  lk_status status = LK_OK;
  *owner = NULL;
  LK_TRY(lk_alloc(&o, 1, sizeof *o));
  o->fd = -1;
  pthread_mutex_init(&o->mutex, NULL);
  pthread_cond_init(&o->wake, NULL);
  LK_GO(name_files(o, folder));
  o->made = access(folder, F_OK) != 0;
  LK_GO(lk_durable_folder(folder));
  LK_GO(acquire(o));
  remove_leftovers(o);
  snprintf(held_path, sizeof held_path, "%s", o->path);
  holds = 1;
  o->renewing = pthread_create(&o->thread, NULL, renew, o) == 0;
  *owner = o;
  return LK_OK;
done:
  lk_owner_release(&o);
  return status;
}

lk_status lk_owner_check(const lk_owner *o) {
  lk_identity who;
  struct stat about;
  bool found;
  LK_TRY(look(o->path, &who, &about, &found));
  if (found && same_file(&about, &o->about)) return LK_OK;
  if (!found) return LK_FAIL(LK_IO, "%s was removed: the run's folder may have another owner now", o->path);
  return LK_FAIL(LK_IO, "%s was taken over by process %ld on host %s (job %s)", o->folder, who.pid, who.host, who.job);
}

static void end_thread(lk_owner *o) {
  if (!o->renewing) return;
  pthread_mutex_lock(&o->mutex);
  o->stop = true;
  pthread_cond_signal(&o->wake);
  pthread_mutex_unlock(&o->mutex);
  pthread_join(o->thread, NULL);
}

void lk_owner_release(lk_owner **owner) {
  lk_owner *o = *owner;
  struct stat about;
  *owner = NULL;
  if (!o) return;
  end_thread(o);
  holds = 0;
  if (o->path && o->fd >= 0 && stat(o->path, &about) == 0 && same_file(&about, &o->about)) (void)unlink(o->path);
  if (o->fd >= 0) close(o->fd);
  if (o->made) (void)rmdir(o->folder); /* succeeds only where the run wrote nothing into it */
  pthread_mutex_destroy(&o->mutex);
  pthread_cond_destroy(&o->wake);
  free(o->folder);
  free(o->path);
  free(o->temporary);
  free(o);
}

void lk_owner_leave(void) {
  if (holds) (void)unlink(held_path);
}
