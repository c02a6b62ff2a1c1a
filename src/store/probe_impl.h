/* probe_impl.h - a first look at a file of ours, in a process that may die of it.
 *
 * HDF5 was not written for files from strangers: a few wrong bytes crash it, and a digest only says that nothing changed
 * since somebody computed it. So before HDF5 sees a file in this process a child opens it, walks over all that reading
 * may make HDF5 parse (h5_survey.c), and says what it found: one line on a pipe and an exit code.
 *
 * The child is this program again, by posix_spawn(): no fork() after MPI_Init(), where memory may be registered with a
 * network card, and no handlers of anybody. A constructor of this library (probe_child.c) finds LOCKSTEP_PROBE in the
 * environment and never returns to main(), so any program that has the library has the probe, without a word of its own.
 * It gets the parent's open descriptor, and before it looks at a byte it gives up: opening files, writing files, core
 * dumps, memory beyond LK_PROBE_MEMORY, processor time beyond LK_PROBE_SECONDS. It dies with its parent. */
#pragma once
#include "h5.h"

#define LK_PROBE_NAME      "LOCKSTEP_PROBE" /* the variable: "own" or "frames", a colon, the path for messages */
#define LK_PROBE_FILE      3                /* descriptors in the child */
#define LK_PROBE_ANSWER    4
#define LK_PROBE_MEMORY    ((size_t)640 << 20) /* bytes of address space beyond the program and its libraries */
#define LK_PROBE_SECONDS   2                   /* of processor time, and one more for each LK_PROBE_BYTES of the file */
#define LK_PROBE_BYTES     ((uint64_t)128 << 20)
#define LK_FOREIGN_SECONDS 10 /* the same for one that reads frames to their end */
#define LK_FOREIGN_BYTES   ((uint64_t)4 << 20)
#define LK_PROBE_PATIENCE  60   /* seconds until the parent gives up on a child that gets no processor or no disk */
#define LK_PROBE_TEXT      1200 /* of an answer, bytes */

/** Have an open file of ours, whose digest holds, looked at. LK_DATA, LK_NEWER with the child's words, or with what became of
 *  the child; LK_IO, LK_MEMORY as the child met them. Where no process can be started the digest will do. Not thread-safe. */
LK_CHECKED lk_status lk_probe_file(int fd, const char *path);
/** In the child: send the frames of an open file of a stranger's to the parent (foreign_impl.h); the exit code. */
int lk_foreign_send(const char *path, int file, int pipe);

/** What the constructor looks for; naming it makes the linker take the constructor out of a static library. */
extern const char lk_probe_name[];
