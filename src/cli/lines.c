#include "lines_impl.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "work.h"

enum { BLOCK_LINES = 1024, BLOCK_BYTES = 8 << 20 };

typedef struct block {
  lk_stdin input;
  lk_buffer bytes;
  size_t begin[BLOCK_LINES], size[BLOCK_LINES];
  const char *text[BLOCK_LINES];
  lk_lines lines;
  lk_error failed; /* a bad line after these; reported once they have been answered */
} block;

lk_status lk_cli_write(const char *text, size_t size) {
  (void)signal(SIGPIPE, SIG_DFL); /* the parent process may have ignored it, which children inherit */
  if (size == 0) return LK_OK;    /* even where standard output is closed */
  if (fwrite(text, 1, size, stdout) == size && fflush(stdout) == 0) return LK_OK;
  return LK_FAIL(LK_IO, "standard output: %s", strerror(errno));
}

lk_status lk_cli_take_line(void *context, lk_stdin *input, bool wait, lk_buffer *to, bool *got) {
  (void)context;
  const char *line;
  size_t size;
  LK_TRY(lk_stdin_next(input, wait, &line, &size, got));
  if (!*got) return LK_OK;
  size = lk_stdin_trim(line, size);
  const size_t mark = input->lines == 1 ? lk_utf8_mark(line, size) : 0;
  LK_TRY(lk_stdin_check(line + mark, size - mark, input->lines));
  return lk_buffer_append(to, line + mark, size - mark);
}

static lk_status fill_block(block *b, const lk_answering *how) {
  while (b->lines.count < BLOCK_LINES && b->bytes.size < BLOCK_BYTES) {
    const size_t begin = b->bytes.size;
    bool got;
    const lk_status status =
        (how->take ? how->take : lk_cli_take_line)(how->forms, &b->input, b->lines.count == 0, &b->bytes, &got);
    if (status != LK_OK) lk_buffer_truncate(&b->bytes, begin);
    LK_TRY(status);
    if (!got) return LK_OK;
    b->begin[b->lines.count] = begin;
    b->size[b->lines.count++] = b->bytes.size - begin;
  }
  return LK_OK;
}

/* At the end of the input lines.count is 0. */
static lk_status read_block(block *b, const lk_answering *how) {
  b->lines.first += b->lines.count;
  b->lines.count = 0;
  lk_buffer_truncate(&b->bytes, 0);
  if (b->failed.code != LK_OK) return LK_FAIL(b->failed.code, "%s", b->failed.text);
  const lk_status status = fill_block(b, how);
  for (ptrdiff_t i = 0; i < b->lines.count; i++) b->text[i] = b->bytes.data + b->begin[i];
  if (status == LK_OK || b->lines.count == 0) return status;
  b->failed = *lk_error_get();
  b->failed.code = status;
  lk_error_clear();
  return LK_OK;
}

/* Broadcast rank 0's block: the sizes of its lines, then their bytes. */
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

/* Concatenate the output of all ranks, in rank order, on rank 0. */
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

/* Work on a block with all ranks, each on a contiguous part of the lines. */
static lk_status run_block(lk_comm *comm, block *b, const lk_answering *how, lk_buffer *out) {
  lk_buffer mine = {0};
  lk_status status;
  if (!comm || lk_comm_size(comm) == 1) return how->work(how->context, &b->lines, out);
  const ptrdiff_t r = lk_comm_rank(comm), R = lk_comm_size(comm);
  const ptrdiff_t begin = b->lines.count * r / R, end = b->lines.count * (r + 1) / R;
  lk_lines part = b->lines;
  part.text += begin;
  part.size += begin;
  part.count = end - begin;
  part.first += begin;
  LK_GO(lk_comm_agree(comm, part.count > 0 ? how->work(how->context, &part, &mine) : LK_OK));
  LK_GO(gather_output(comm, &mine, out));
done:
  lk_buffer_release(&mine);
  return status;
}

static lk_status next_block(lk_comm *comm, block *b, const lk_answering *how) {
  const bool reads = !comm || lk_comm_rank(comm) == 0;
  const lk_status status = reads ? read_block(b, how) : LK_OK;
  if (!comm || lk_comm_size(comm) == 1) return status;
  LK_TRY(lk_comm_agree(comm, status));
  return share_block(comm, b);
}

/* After a block failed: answer its lines one by one up to the first bad one, and keep the recorded error. */
static void run_good_lines(block *b, const lk_answering *how, lk_buffer *out) {
  const lk_error first = *lk_error_get();
  lk_buffer one = {0};
  lk_lines line = b->lines;
  lk_buffer_truncate(out, 0);
  lk_error_clear();
  for (line.count = 1; line.first < b->lines.first + b->lines.count; line.first++, line.text++, line.size++) {
    lk_buffer_truncate(&one, 0);
    if (how->work(how->context, &line, &one) != LK_OK || lk_buffer_append(out, one.data, one.size) != LK_OK) break;
  }
  lk_buffer_release(&one);
  lk_error_clear();
  const lk_status ignored = LK_FAIL(first.code, "%s", first.text);
  (void)ignored; /* LK_FAIL only restores the record */
}

static lk_status write_answers(const lk_answering *how, const lk_buffer *answers, lk_buffer *written) {
  if (!how->put) return lk_cli_write(answers->data, answers->size);
  lk_buffer_truncate(written, 0);
  LK_TRY(how->put(how->forms, answers, written));
  return lk_cli_write(written->data, written->size);
}

/* Nobody waits for the end where a person types the lines or reads the answers. */
static bool wants_progress(void) { return isatty(STDIN_FILENO) != 1 && isatty(STDOUT_FILENO) != 1; }

/* By bytes where it is known how many there are, else by lines. *before: what was done when the last block was. */
static void say_progress(const block *b, double *before) {
  double all, done = lk_stdin_done(&b->input, &all);
  if (all == 0) done = (double)b->input.lines;
  if (*before < 0) lk_work_next("answering", all > 0 ? NULL : "lines", all);
  lk_work_span(*before < 0 ? 0 : *before, done);
  lk_work_at(*before < 0 ? 0 : *before);
  *before = done;
}

/* Work on a block and write the answers. Bad data ends the program, after the lines before it have been answered. */
static lk_status answer_block(lk_comm *comm, block *b, const lk_answering *how, lk_buffer *out, lk_buffer *written) {
  const bool writes = !comm || lk_comm_rank(comm) == 0;
  lk_buffer_truncate(out, 0);
  const lk_status worked = run_block(comm, b, how, out);
  if (worked != LK_OK && worked != LK_DATA) return worked;
  if (writes && worked != LK_OK) run_good_lines(b, how, out);
  lk_status status = writes ? write_answers(how, out, written) : LK_OK;
  if (comm) status = lk_comm_agree(comm, status);
  return worked != LK_OK ? worked : status;
}

lk_status lk_cli_answer(lk_comm *comm, const lk_answering *how) {
  block *b;
  lk_buffer out = {0}, written = {0};
  lk_status status;
  double before = -1;
  LK_TRY(lk_alloc(&b, 1, sizeof *b));
  if (wants_progress()) lk_work_begin();
  b->lines = (lk_lines){.name = LK_STDIN_NAME, .text = b->text, .size = b->size, .first = 1};
  for (;;) {
    LK_GO(next_block(comm, b, how));
    if (b->lines.count == 0) break;
    say_progress(b, &before);
    LK_GO(answer_block(comm, b, how, &out, &written));
  }
done:
  lk_work_end();
  lk_buffer_release(&out);
  lk_buffer_release(&written);
  lk_buffer_release(&b->bytes);
  lk_stdin_release(&b->input);
  free(b);
  return status;
}
