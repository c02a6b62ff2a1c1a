/* probe_impl.h - a child process that parses a file before the program does, since a damaged file can crash HDF5.
 *
 * HDF5 does not check all that it reads: a few wrong bytes crash it, and a digest only shows that a file has not
 * changed since it was computed. So before HDF5 opens a file in this process, a child opens it, reads everything that a
 * later read may make HDF5 parse (h5_survey.c), and reports by one line on a pipe and an exit code.
 *
 * The child is this program again, by posix_spawn(): after MPI_Init() a fork() is not safe, since memory may be
 * registered with a network card, and the child would inherit signal handlers. A constructor of this library
 * (probe_child.c) finds LOCKSTEP_PROBE in the environment and does not return to main(), so any program that is linked
 * with the library can be the child. It gets the parent's open descriptor. Before it reads a byte it gives up the right
 * to open and write files and to dump core, and limits its memory to LK_PROBE_MEMORY and its processor time to
 * LK_PROBE_SECONDS. It ends with its parent. */
#pragma once
#include "h5.h"

#define LK_PROBE_NAME      "LOCKSTEP_PROBE" /* "own" or "frames", a colon, the path for messages */
#define LK_PROBE_FILE      3                /* descriptors in the child */
#define LK_PROBE_ANSWER    4
#define LK_PROBE_MEMORY    ((size_t)640 << 20) /* bytes of address space beyond the program and its libraries */
#define LK_PROBE_SECONDS   2                   /* of processor time, and one more for each LK_PROBE_BYTES of the file */
#define LK_PROBE_BYTES     ((uint64_t)128 << 20)
#define LK_FOREIGN_SECONDS 10 /* the same for a child that reads all frames of a foreign file */
#define LK_FOREIGN_BYTES   ((uint64_t)4 << 20)
#define LK_PROBE_PATIENCE  60   /* seconds that the parent waits for an answer: processor or disk may be busy */
#define LK_PROBE_TEXT      1200 /* of an answer, bytes */

/** Let a child parse an open file of ours whose digest was verified. LK_DATA, LK_NEWER, LK_IO, LK_MEMORY with the
 *  child's message, or LK_DATA where it crashed. LK_OK where no process can be started, since the digest holds. Not
 *  thread-safe. */
LK_CHECKED lk_status lk_probe_file(int fd, const char *path);
/** In the child: send the frames of an open foreign file to the parent (foreign_impl.h). Returns the exit code. */
int lk_foreign_send(const char *path, int file, int pipe);

/** The name of the variable. Using it makes the linker take the constructor from a static library. */
extern const char lk_probe_name[];
