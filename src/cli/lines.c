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
    size_t size = without_end(*line, (size_t)got);
    b->begin[b->lines.count] = b->bytes.size;
    b->size[b->lines.count++] = size;
    LK_TRY(lk_buffer_append(&b->bytes, *line, size));
  }
  for (ptrdiff_t i = 0; i < b->lines.count; i++) b->text[i] = b->bytes.data + b->begin[i];
  return LK_OK;
}

lk_status lk_cli_each_block(lk_status (*work)(void *context, const lk_lines *lines, lk_buffer *out), void *context) {
  block *b;
  char *line = NULL;
  size_t capacity = 0;
  lk_buffer out = {0};
  lk_status status;
  LK_TRY(lk_alloc(&b, 1, sizeof *b));
  b->lines = (lk_lines){.name = "standard input", .text = b->text, .size = b->size, .first = 1};
  for (;;) {
    LK_GO(read_block(b, &line, &capacity, isatty(STDIN_FILENO) ? 1 : BLOCK_LINES));
    if (b->lines.count == 0) break;
    lk_buffer_truncate(&out, 0);
    LK_GO(work(context, &b->lines, &out));
    LK_GO(lk_cli_write(out.data, out.size));
  }
done:
  lk_buffer_release(&out);
  lk_buffer_release(&b->bytes);
  free(line);
  free(b);
  return status;
}
