#include "lines_impl.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lockstep/arena.h"

enum { BLOCK_LINES = 1024, BLOCK_BYTES = 8 << 20 };

typedef struct block {
  lk_buffer bytes;
  size_t begin[BLOCK_LINES], size[BLOCK_LINES];
  const char *text[BLOCK_LINES];
  lk_lines lines;
} block;

lk_status lk_cli_write(const char *text, size_t size) {
  (void)signal(SIGPIPE, SIG_DFL); /* whoever started us may have had it ignored */
  if (fwrite(text, 1, size, stdout) == size && fflush(stdout) == 0) return LK_OK;
  return LK_FAIL(LK_IO, "standard output: %s", strerror(errno));
}

static size_t without_end(const char *line, size_t size) {
  if (size > 0 && line[size - 1] == '\n') size--;
  if (size > 0 && line[size - 1] == '\r') size--;
  return size;
}

/* A line as prepare would read it: without its end, the first without a byte order mark, none with a NUL. */
static lk_status take_line(block *b, const char *line, size_t size) {
  const int64_t number = b->lines.first + b->lines.count;
  size = without_end(line, size);
  const size_t mark = number == 1 ? lk_utf8_mark(line, size) : 0;
  line += mark, size -= mark;
  const char *nul = memchr(line, 0, size);
  if (nul && lk_utf8_valid(line, size) > (size_t)(nul - line)) /* else an earlier byte is to be named */
    return LK_FAIL(LK_DATA, "%s:%lld:%zu: a NUL byte in a text", b->lines.name, (long long)number,
                   lk_utf8_count(line, (size_t)(nul - line)) + 1);
  b->begin[b->lines.count] = b->bytes.size;
  b->size[b->lines.count++] = size;
  return lk_buffer_append(&b->bytes, line, size);
}

/* lines.count 0: the end. */
static lk_status read_block(block *b, char **line, size_t *capacity, ptrdiff_t most) {
  b->lines.first += b->lines.count;
  b->lines.count = 0;
  lk_buffer_truncate(&b->bytes, 0);
  while (b->lines.count < most && b->bytes.size < BLOCK_BYTES) {
    errno = 0;
    ssize_t got = getline(line, capacity, stdin);
    if (got < 0 && ferror(stdin)) return LK_FAIL(LK_IO, "standard input: %s", strerror(errno));
    if (got < 0 && !feof(stdin)) return LK_FAIL(LK_MEMORY, "out of memory: a very long line of standard input");
    if (got < 0) break;
    LK_TRY(take_line(b, *line, (size_t)got));
  }
  for (ptrdiff_t i = 0; i < b->lines.count; i++) b->text[i] = b->bytes.data + b->begin[i];
  return LK_OK;
}

/* Rank 0's block to all: the sizes of its lines, then their bytes, one after the other. */
static lk_status share_block(lk_comm *comm, block *b) {
  int64_t head[2] = {b->lines.first, b->lines.count};
  LK_TRY(lk_comm_broadcast(comm, head, sizeof head, 0));
  b->lines.first = head[0];
  b->lines.count = (ptrdiff_t)head[1];
  LK_TRY(lk_comm_broadcast(comm, b->size, sizeof *b->size * (size_t)head[1], 0));
  void *bytes = b->bytes.data;
  size_t size = b->bytes.size;
  LK_TRY(lk_comm_broadcast_block(comm, &bytes, &size, 0));
  if (lk_comm_rank(comm) > 0) {
    lk_buffer_release(&b->bytes);
    b->bytes = (lk_buffer){.data = bytes, .size = size, .capacity = size};
  }
  size_t at = 0;
  for (ptrdiff_t i = 0; i < b->lines.count; at += b->size[i++]) b->text[i] = b->bytes.data + at;
  return LK_OK;
}

/* What all ranks put out, in rank order, on rank 0. */
static lk_status gather_output(lk_comm *comm, const lk_buffer *mine, lk_buffer *all) {
  const int ranks = lk_comm_size(comm);
  size_t *sizes = NULL, total = 0;
  char *bytes = NULL;
  lk_status status;
  LK_GO(lk_comm_agree(comm, lk_alloc(&sizes, (size_t)ranks, sizeof *sizes)));
  LK_GO(lk_comm_allgather_each(comm, &mine->size, sizes, sizeof *sizes));
  for (int r = 0; r < ranks; r++) total += sizes[r];
  LK_GO(lk_comm_agree(comm, lk_comm_rank(comm) == 0 ? lk_alloc(&bytes, total + 1, 1) : LK_OK));
  LK_GO(lk_comm_gather(comm, mine->data, bytes, sizes, 0));
  lk_buffer_truncate(all, 0);
  LK_GO(lk_comm_agree(comm, lk_comm_rank(comm) == 0 ? lk_buffer_append(all, bytes, total) : LK_OK));
done:
  free(sizes);
  free(bytes);
  return status;
}

/* A block by all ranks: each takes the lines of its part. */
static lk_status run_block(lk_comm *comm, block *b, lk_status (*work)(void *, const lk_lines *, lk_buffer *),
                           void *context, lk_buffer *out) {
  lk_buffer mine = {0};
  lk_status status;
  if (!comm || lk_comm_size(comm) == 1) return work(context, &b->lines, out);
  const ptrdiff_t r = lk_comm_rank(comm), R = lk_comm_size(comm);
  const ptrdiff_t begin = b->lines.count * r / R, end = b->lines.count * (r + 1) / R;
  lk_lines part = b->lines;
  part.text += begin;
  part.size += begin;
  part.count = end - begin;
  part.first += begin;
  LK_GO(lk_comm_agree(comm, part.count > 0 ? work(context, &part, &mine) : LK_OK));
  LK_GO(gather_output(comm, &mine, out));
done:
  lk_buffer_release(&mine);
  return status;
}

static lk_status next_block(lk_comm *comm, block *b, char **line, size_t *capacity) {
  const bool reads = !comm || lk_comm_rank(comm) == 0;
  lk_status status = reads ? read_block(b, line, capacity, isatty(STDIN_FILENO) ? 1 : BLOCK_LINES) : LK_OK;
  if (!comm || lk_comm_size(comm) == 1) return status;
  LK_TRY(lk_comm_agree(comm, status));
  return share_block(comm, b);
}

lk_status lk_cli_each_block(lk_comm *comm, lk_status (*work)(void *context, const lk_lines *lines, lk_buffer *out),
                            void *context) {
  block *b;
  char *line = NULL;
  size_t capacity = 0;
  lk_buffer out = {0};
  lk_status status;
  const bool writes = !comm || lk_comm_rank(comm) == 0;
  LK_TRY(lk_alloc(&b, 1, sizeof *b));
  b->lines = (lk_lines){.name = "standard input", .text = b->text, .size = b->size, .first = 1};
  for (;;) {
    LK_GO(next_block(comm, b, &line, &capacity));
    if (b->lines.count == 0) break;
    lk_buffer_truncate(&out, 0);
    LK_GO(run_block(comm, b, work, context, &out));
    status = writes ? lk_cli_write(out.data, out.size) : LK_OK;
    if (comm) status = lk_comm_agree(comm, status);
    if (status != LK_OK) goto done;
  }
done:
  lk_buffer_release(&out);
  lk_buffer_release(&b->bytes);
  free(line);
  free(b);
  return status;
}
