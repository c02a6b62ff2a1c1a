/* owner_impl.h - a run's folder has one owner: the job that may write there.
 *
 * The lock file <run.dir>/owner names it: host, process and job. The file is written under a temporary name and then
 * linked to its own, which fails where there is one already, also on network file systems. A thread of the owner renews
 * the file's time.
 *
 * Whoever finds a lock of the same machine asks whether that process still runs (by its number and start time). Of
 * another machine only the time of the lock file is known: it is watched until it is renewed (the owner lives) or was
 * not renewed for too long (the owner is dead). Ages are differences between the times of two files of one folder, so
 * the clocks of hosts need not agree.
 *
 * Rank 0 only. Every function: Not collective. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

#define LK_OWNER_RENEWAL 5  /* seconds between two renewals of a lock file */
#define LK_OWNER_STALE   60 /* age in seconds from which a lock of another machine counts as its owner's death */
#define LK_OWNER_QUIET   15 /* the same where the scheduler has started this very job again: it saw the owner end */

typedef struct lk_owner lk_owner;

/** Become the owner of the folder, which is made where it is missing. LK_USAGE naming host, process and job of a living
 *  owner, after LK_OWNER_RENEWAL seconds at most; the lock of a dead one is taken over, after LK_OWNER_STALE seconds at
 *  most. A job that was started again (SLURM_RESTART_COUNT) also waits while its earlier start still lives: on a host
 *  that the scheduler has lost its ranks go on until their watchdog ends them. LK_IO. */
LK_CHECKED lk_status lk_owner_take(lk_owner **owner, const char *folder);
/** LK_IO where the lock is no longer ours: nothing may be written then. */
LK_CHECKED lk_status lk_owner_check(const lk_owner *owner);
/** Give the folder back. */
void lk_owner_release(lk_owner **owner);
/** The same from a signal handler, before _exit(). */
void lk_owner_leave(void);

/* ---- inside, and for tests ---- */

enum { LK_IDENTITY_WORD = 128 };

/* What a lock file says. */
typedef struct lk_identity {
  char host[LK_IDENTITY_WORD];
  long pid;
  char job[LK_IDENTITY_WORD];
  long restarts;                  /* how often the scheduler has started the job again */
  uint64_t start;                 /* clock ticks from boot to the start of the process */
  char machine[LK_IDENTITY_WORD]; /* this boot, and the PID namespace */
} lk_identity;

typedef enum lk_owner_life { LK_OWNER_ALIVE, LK_OWNER_DEAD, LK_OWNER_UNKNOWN } lk_owner_life;

void lk_identity_self(lk_identity *self);
/** The text of a lock file, zero-terminated; its length. */
int lk_identity_print(const lk_identity *who, char *text, size_t room);
/** Read the text of a lock file. If it is no such text, everything is "unknown": then its age decides. */
void lk_identity_parse(const char *text, lk_identity *who);
/** Whether the lock is from an earlier start of this job, whose owner the scheduler takes for dead. */
bool lk_identity_earlier_start(const lk_identity *who, const lk_identity *self);
/** What is known of the owner `who` of a lock that is `age` seconds old; renewed: since it was first looked at. */
lk_owner_life lk_identity_life(const lk_identity *who, const lk_identity *self, double age, bool renewed);

/* What lk_owner_take() does between two looks at somebody else's lock: sleep for a second. Tests put a function here
 * that renews the lock or makes it old, so that they do not depend on how fast the machine is. */
extern void (*lk_owner_pause)(void);
