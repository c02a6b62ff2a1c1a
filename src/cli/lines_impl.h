/* lines_impl.h - standard input in blocks, answers to standard output.
 *
 * A block is what is there: at least one line, or sentence, and as many more as can be had without waiting. So a program
 * that writes a line and waits gets its answer, and a file is worked on in blocks that keep all ranks busy. */
#pragma once
#include "stdin_impl.h"
#include "comm.h"
#include "decode.h"

typedef struct lk_answering {
  void *context, *forms; /* of work; of take and put */
  /** Rank 0: append the line that stands for the next thing to be answered; *got as in lk_stdin_next(). NULL: it is
   *  lk_cli_take_line(). */
  lk_status (*take)(void *context, lk_stdin *input, bool wait, lk_buffer *line, bool *got);
  /** Append the answers to lines. With several ranks each has its part of a block. */
  lk_status (*work)(void *context, const lk_lines *lines, lk_buffer *out);
  /** Rank 0: append what is to be written for `answers`, those to the things that were taken longest ago. NULL: they are
   *  written as they are. */
  lk_status (*put)(void *context, const lk_buffer *answers, lk_buffer *out);
} lk_answering;

/** Read standard input to its end. What is written is flushed before the next block is read; where something of a block is
 *  bad the answers to what stands before it are still written. With a communicator rank 0 reads and writes, and each rank
 *  works on its part of a block, in rank order; without one (NULL) it is all done here. LK_IO, and what the functions
 *  return.                                                                         Collective. */
LK_CHECKED lk_status lk_cli_answer(lk_comm *comm, const lk_answering *how);
/** A line of standard input as prepare would read it: without its end, the first without a byte order mark. LK_DATA. */
LK_CHECKED lk_status lk_cli_take_line(void *context, lk_stdin *input, bool wait, lk_buffer *line, bool *got);
/** Warn, once, where much of what a model was asked about is unknown to it: a tenth of the units of all ranks, or all of a
 *  line. LK_INTERNAL.                                                              Collective. */
LK_CHECKED lk_status lk_cli_tell_unknown(lk_comm *comm, lk_model *model);
/** What a translator may be asked about: as many units as told, or else 1000, or twice what it learnt from. */
void lk_cli_limit_length(lk_model *model, int64_t told);
#define LK_MAX_LENGTH_WORDS                                                                                         \
  "units of a line's source, or target, at most; time and memory grow with the square (default 1000, or twice the " \
  "longest that the model learnt from)"
/** Write and flush. LK_IO; a reader that has gone away (head) ends the program quietly, by SIGPIPE. */
LK_CHECKED lk_status lk_cli_write(const char *text, size_t size);
