#include "owner_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

enum { WORD = 128 };

/* Who owns a folder. */
typedef struct identity {
  char host[WORD];
  long pid;
  char job[WORD];
  long restarts;      /* how often the scheduler has started the job again */
  uint64_t start;     /* clock ticks from boot to the start of the process */
  char machine[WORD]; /* this boot, and the space that process numbers are counted in */
} identity;

struct lk_owner {
  char *folder, *path, *name; /* name: the passing one */
  bool made;                  /* the folder was not there */
  int fd;                     /* our file, whatever its name */
  struct stat about;          /* of it */
  pthread_t thread;
  bool beating;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  bool stop;
};

static char left_path[4096]; /* for the signal handler: a path that is set once and cleared */
static volatile sig_atomic_t holds;

static void read_word(const char *path, char out[WORD]) {
  out[0] = '\0';
  FILE *file = fopen(path, "re");
  if (!file) return;
  if (fscanf(file, "%100s", out) != 1) out[0] = '\0';
  (void)fclose(file);
}

/* 0: there is no such process. */
static uint64_t start_of(long pid) {
  char path[64], text[1024] = "";
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  const size_t got = fread(text, 1, sizeof text - 1, file);
  (void)fclose(file);
  text[got] = '\0';
  const char *at = strrchr(text, ')'); /* the program's name may hold anything */
  char state = 0;
  unsigned long long start = 0;
  if (!at || sscanf(at + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &state,
                    &start) != 2)
    return 0;
  return state == 'Z' || state == 'X' ? 0 : start;
}

static void describe_self(identity *self) {
  static const char *const jobs[] = {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"};
  char boot[WORD], space[WORD] = "";
  *self = (identity){.pid = (long)getpid(), .job = "none"};
  if (gethostname(self->host, sizeof self->host - 1) || !self->host[0]) snprintf(self->host, WORD, "unknown");
  for (size_t i = sizeof jobs / sizeof *jobs; i-- > 0;)
    if (getenv(jobs[i]) && *getenv(jobs[i])) snprintf(self->job, WORD, "%.100s", getenv(jobs[i]));
  for (char *c = self->job; *c; c++)
    if (*c <= ' ') *c = '_';
  const char *restarts = getenv("SLURM_RESTART_COUNT"); /* not set at the first start */
  self->restarts = restarts ? strtol(restarts, NULL, 10) : 0;
  self->start = start_of(self->pid);
  read_word("/proc/sys/kernel/random/boot_id", boot);
  if (readlink("/proc/self/ns/pid", space, sizeof space - 1) < 0) space[0] = '\0';
  snprintf(self->machine, WORD, "%.60s/%.60s", boot, space);
}

/* A file that is no word of ours leaves everything unknown: then its age decides. */
static void parse(const char *text, identity *who) {
  *who = (identity){.host = "unknown", .job = "unknown"};
  identity read = *who;
  if (sscanf(text, "host %127s pid %ld job %127s restarts %ld start %" SCNu64 " machine %127s", read.host, &read.pid,
             read.job, &read.restarts, &read.start, read.machine) == 6)
    *who = read;
}

/* Opened each time: network file systems look at a file afresh when it is opened. *found false: there is none. */
static lk_status look(const char *path, identity *who, struct stat *about, bool *found) {
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
  parse(text, who);
  *found = true;
  return LK_OK;
}

static bool same_file(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Our word under the passing name, with the time of now as the folder's file system tells it. */
static int write_name(lk_owner *o, const identity *self) {
  char text[1024];
  const int size =
      snprintf(text, sizeof text, "host %s\npid %ld\njob %s\nrestarts %ld\nstart %" PRIu64 "\nmachine %s\n", self->host,
               self->pid, self->job, self->restarts, self->start, self->machine);
  if (o->fd >= 0) close(o->fd);
  (void)unlink(o->name);
  o->fd = open(o->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (o->fd < 0) return errno;
  const ssize_t put = write(o->fd, text, (size_t)size);
  if (put != size) return put < 0 ? errno : ENOSPC;
  if (fsync(o->fd) || fstat(o->fd, &o->about)) return errno;
  return 0;
}

/* What is known of somebody else's lock, from one look to the next. */
typedef struct vigil {
  struct stat first; /* at the first look */
  bool looked;
  double waited; /* seconds */
} vigil;

typedef enum life { ALIVE, DEAD, SILENT } life; /* SILENT: gave no sign since the first look, but may yet */

/* The scheduler has started this job again, so it takes the owner for dead. */
static bool former_self(const identity *who, const identity *self) {
  return strcmp(self->job, "none") != 0 && strcmp(self->job, who->job) == 0 && who->restarts < self->restarts;
}

static life judge(const identity *who, const identity *self, double age, const struct stat *about, vigil *v) {
  if (strcmp(who->host, self->host) == 0 && strcmp(who->machine, self->machine) == 0) {
    const uint64_t start = start_of(who->pid);
    return start != 0 && start == who->start ? ALIVE : DEAD;
  }
  if (age > (former_self(who, self) ? LK_OWNER_QUIET : LK_OWNER_STALE)) return DEAD;
  if (!v->looked || !same_file(about, &v->first)) v->first = *about;
  v->looked = true;
  return about->st_mtim.tv_sec != v->first.st_mtim.tv_sec || about->st_mtim.tv_nsec != v->first.st_mtim.tv_nsec
             ? ALIVE
             : SILENT;
}

/* A dead owner's file goes. Another rank 0 may be at the same: what was moved away must be what was judged. */
static lk_status bury(const lk_owner *o, const struct stat *judged) {
  lk_buffer grave = {0};
  struct stat moved;
  lk_status status = lk_buffer_printf(&grave, "%s.dead", o->name);
  if (status == LK_OK && rename(o->path, grave.data) == 0) {
    if (stat(grave.data, &moved) == 0 && !same_file(&moved, judged) && link(grave.data, o->path) != 0)
      LK_WARN("%s changed hands while a dead owner's was taken away", o->path);
    (void)unlink(grave.data);
  }
  lk_buffer_release(&grave);
  return status;
}

static lk_status refuse(const lk_owner *o, const identity *who) {
  return LK_FAIL(LK_USAGE,
                 "%s: the run is owned by process %ld on host %s (job %s); end that first, or choose another run.dir",
                 o->folder, who->pid, who->host, who->job);
}

static void wait_for(const identity *who, vigil *v) {
  if (v->waited == 0)
    LK_INFO("waiting to see whether process %ld on host %s (job %s), which owns the run, is alive", who->pid, who->host,
            who->job);
  v->waited += 1;
  sleep(1);
}

/* Somebody is in the folder: LK_OK where it is worth another try. */
static lk_status contend(lk_owner *o, const identity *self, vigil *v) {
  identity who;
  struct stat about;
  bool found;
  LK_TRY(look(o->path, &who, &about, &found));
  if (!found) return LK_OK;
  const double age = (double)(o->about.st_mtim.tv_sec - about.st_mtim.tv_sec);
  const life state = judge(&who, self, age, &about, v);
  if (state == DEAD) {
    LK_WARN("%s: taken over from process %ld on host %s (job %s), which is gone", o->folder, who.pid, who.host,
            who.job);
    return bury(o, &about);
  }
  if (v->waited > 2 * LK_OWNER_STALE || (state == ALIVE && !former_self(&who, self))) return refuse(o, &who);
  wait_for(&who, v);
  return LK_OK;
}

static lk_status acquire(lk_owner *o) {
  identity self;
  vigil v = {0};
  describe_self(&self);
  for (int tries = 0; tries < 1000; tries++) {
    int error = write_name(o, &self);
    if (!error && link(o->name, o->path)) error = errno;
    (void)unlink(o->name);
    if (!error) return LK_OK;
    /* a new owner cleans the folder, and may take our passing name for a dead one's */
    if (error == ENOENT && access(o->folder, F_OK) == 0) continue;
    if (error != EEXIST) return LK_FAIL(LK_IO, "cannot write %s: %s", o->path, strerror(error));
    LK_TRY(contend(o, &self, &v));
  }
  return LK_FAIL(LK_IO, "cannot get hold of %s: others are at it all the time", o->path);
}

/* Graves that were left open: of those who were killed while they buried. One that is being dug now may hold our own
 * file, taken for a dead one's, which is about to be given back. */
static void clear_graves(const lk_owner *o) {
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

static void *beat(void *argument) {
  lk_owner *o = argument;
  struct timespec next;
  pthread_mutex_lock(&o->mutex);
  while (!o->stop) {
    (void)futimens(o->fd, NULL); /* our file: never another owner's */
    clock_gettime(CLOCK_REALTIME, &next);
    next.tv_sec += LK_OWNER_BEAT;
    pthread_cond_timedwait(&o->wake, &o->mutex, &next);
  }
  pthread_mutex_unlock(&o->mutex);
  return NULL;
}

static lk_status name_files(lk_owner *o, const char *folder) {
  lk_buffer text = {0};
  char host[WORD] = "unknown";
  (void)gethostname(host, sizeof host - 1);
  LK_TRY(lk_buffer_printf(&text, "%s", folder));
  o->folder = text.data;
  text = (lk_buffer){0};
  LK_TRY(lk_buffer_printf(&text, "%s/owner", folder));
  o->path = text.data;
  text = (lk_buffer){0};
  LK_TRY(lk_buffer_printf(&text, "%s/.owner.%s.%ld-0.lockstep-tmp", folder, host, (long)getpid()));
  o->name = text.data;
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
  clear_graves(o);
  snprintf(left_path, sizeof left_path, "%s", o->path);
  holds = 1;
  o->beating = pthread_create(&o->thread, NULL, beat, o) == 0;
  *owner = o;
  return LK_OK;
done:
  lk_owner_release(&o);
  return status;
}

lk_status lk_owner_check(const lk_owner *o) {
  identity who;
  struct stat about;
  bool found;
  LK_TRY(look(o->path, &who, &about, &found));
  if (found && same_file(&about, &o->about)) return LK_OK;
  if (!found) return LK_FAIL(LK_IO, "%s was removed: the run's folder may have another owner now", o->path);
  return LK_FAIL(LK_IO, "%s was taken over by process %ld on host %s (job %s)", o->folder, who.pid, who.host, who.job);
}

static void end_thread(lk_owner *o) {
  if (!o->beating) return;
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
  if (o->made) (void)rmdir(o->folder); /* where nothing came of the run */
  pthread_mutex_destroy(&o->mutex);
  pthread_cond_destroy(&o->wake);
  free(o->folder);
  free(o->path);
  free(o->name);
  free(o);
}

void lk_owner_leave(void) {
  if (holds) (void)unlink(left_path);
}
