/* lines_impl.h - reads standard input in blocks of lines and writes the answers to standard output.
 *
 * A block is one line (or sentence), and all further ones that can be read without waiting. A program that writes a line
 * through a pipe and waits therefore gets its answer, and a file is read in blocks that keep all ranks busy. */
#pragma once
#include "stdin_impl.h"
#include "comm.h"
#include "decode.h"

typedef struct lk_answering {
  void *context; /* argument of work */
  void *forms;   /* argument of take and put */
  /** On rank 0: read the next item and append its line; *got as in lk_stdin_next(). NULL means lk_cli_take_line(). */
  lk_status (*take)(void *context, lk_stdin *input, bool wait, lk_buffer *line, bool *got);
  /** Append one line of answer for each of `lines`. With several ranks each gets its part of a block. */
  lk_status (*work)(void *context, const lk_lines *lines, lk_buffer *out);
  /** On rank 0: append the output for `answers`, which belong to the oldest items that take() returned and that have no
   *  answer yet. NULL: answers are written as they are. */
  lk_status (*put)(void *context, const lk_buffer *answers, lk_buffer *out);
} lk_answering;

/** Answer standard input to its end. Output is flushed before the next block is read. If a line is bad, the answers to all
 *  lines before it are still written. With a communicator rank 0 reads and writes, and each rank works on a contiguous part
 *  of each block; with NULL this process does everything. LK_IO, LK_DATA, and what take, work and put return.  Collective. */
LK_CHECKED lk_status lk_cli_answer(lk_comm *comm, const lk_answering *how);
/** Read a line as `prepare` does: without its line end, the first one without a byte order mark. LK_DATA. */
LK_CHECKED lk_status lk_cli_take_line(void *context, lk_stdin *input, bool wait, lk_buffer *line, bool *got);
/** Warn once if at least a tenth of the units that all ranks were given, or all units of some line, are unknown to the
 *  model. LK_INTERNAL.                                                             Collective. */
LK_CHECKED lk_status lk_cli_warn_unknown(lk_comm *comm, lk_model *model);
#define LK_MAX_LENGTH_HELP                                                                                           \
  "longest source or target of a line, in units; time and memory grow with its square (default: 1000, or twice the " \
  "longest of the training data)"
/** Write and flush. LK_IO. Where the reader has closed the pipe (head), SIGPIPE ends the program without a message. */
LK_CHECKED lk_status lk_cli_write(const char *text, size_t size);
