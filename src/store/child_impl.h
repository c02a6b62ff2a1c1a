/* child_impl.h - a child process that reads an untrusted file: this program again, by posix_spawn() (probe_impl.h). */
#pragma once
#include <stddef.h>
#include <sys/types.h>

#include "status.h"

typedef struct lk_child {
  pid_t pid;
  int pipe; /* its answers; -1: there is no child */
} lk_child;

/** Start a child that does `what` ("own", "frames") with the open file, whose `path` is for messages. name: must be
 *  lk_probe_name, so that every program that starts a child is linked with the child's constructor. *error: the errno
 *  that prevented a child, or 0. LK_MEMORY.                                           Not collective. */
LK_CHECKED lk_status lk_child_start(lk_child *child, const char *name, int fd, const char *what, const char *path,
                                    int *error);
/** End the child, if it has not ended by itself. Returns its wait status as waitpid() gives it, 0 if that is
 *  unknown. */
int lk_child_end(lk_child *child);
/** LK_DATA for a child that ended with this wait status and no answer. */
LK_CHECKED lk_status lk_child_verdict(int how, const char *path);
