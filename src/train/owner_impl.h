/* owner_impl.h - a run's folder has one owner: the job that may write there.
 *
 * The file <run.dir>/owner says who: host, process and job. It is made whole under a passing name and linked to its
 * own, which fails where there is one already, also on network file systems. A process of the same machine is asked
 * for by its number and the moment it started; of others only the file's time is known, which a thread of the owner
 * renews. So whoever finds another machine's lock looks on until it is renewed or has been silent for too long. Ages are
 * taken between two files of the same folder, so clocks of hosts need not agree.
 *
 * Rank 0 only. Every function: Not collective. */
#pragma once
#include <stdbool.h>

#include "status.h"

#define LK_OWNER_BEAT  5  /* seconds between two signs of life */
#define LK_OWNER_STALE 60 /* seconds of silence after which an owner on another machine counts as dead */
#define LK_OWNER_QUIET 15 /* the same where the scheduler has started this very job again: it saw the owner end */

typedef struct lk_owner lk_owner;

/** Become the owner of the folder, which is made where it is missing. LK_USAGE naming host, process and job of a living
 *  owner, known by then or after LK_OWNER_BEAT seconds; a dead one's lock is taken over, after LK_OWNER_STALE seconds at
 *  most. A job that was started again (SLURM_RESTART_COUNT) also waits while its former self still lives: on a host that
 *  the scheduler has lost its ranks go on until their watchdog ends them. LK_IO. */
LK_CHECKED lk_status lk_owner_take(lk_owner **owner, const char *folder);
/** LK_IO where the lock is no longer ours: nothing may be written then. */
LK_CHECKED lk_status lk_owner_check(const lk_owner *owner);
/** Give the folder back. */
void lk_owner_release(lk_owner **owner);
/** The same from a signal handler, before _exit(). */
void lk_owner_leave(void);
