/* lines_impl.h - lines of standard input in blocks, results to standard output. */
#pragma once
#include "lockstep/comm.h"
#include "lockstep/decode.h"

/** Read standard input to its end, a block of lines at a time (on a terminal: a line), and hand each block to `work`; what
 *  that appended to `out` is written and flushed before the next is read. A carriage return before the newline is left
 *  out. With a communicator rank 0 reads and writes, and each rank works on its part of a block, in rank order; without
 *  one (NULL) it is all done here. LK_IO, and what work returns.                   Collective. */
LK_CHECKED lk_status lk_cli_each_block(lk_comm *comm,
                                       lk_status (*work)(void *context, const lk_lines *lines, lk_buffer *out),
                                       void *context);
/** Write and flush. LK_IO; a reader that has gone away (head) ends the program quietly, by SIGPIPE. */
LK_CHECKED lk_status lk_cli_write(const char *text, size_t size);
