/* writer.c - writes one checkpoint into a run's folder, as a training run does, for tests that make that fail.
 *
 *   fault_writer RUN STEP     the bytes depend only on the step; the exit codes are the program's */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "checkpoint.h"

enum { ROWS = 200, WIDTH = 50, P = ROWS * WIDTH + 8 };

static const lk_tensor tensors[] = {
    {.name = "embedding.weight", .note = "[V, I]", .dims = 2, .shape = {ROWS, WIDTH, 1}, .count = ROWS * WIDTH},
    {.name = "output.bias", .dims = 1, .shape = {8, 1, 1}, .offset = ROWS * WIDTH, .count = 8},
};

static lk_status write_step(const char *run, int64_t step) {
  static float values[P], moment[P];
  static double history[LK_HISTORY_COLUMNS];
  lk_status status = LK_OK;
  lk_corpus_info corpus = {.kind = LK_CORPUS_TEXT, .max_length = 9, .unit = "word", .digest = "0123456789abcdef"};
  void *bytes = NULL;
  size_t size = 0;
  for (int i = 0; i < P; i++) values[i] = (float)(i + step), moment[i] = -(float)i;
  LK_GO(lk_checkpoint_clean(run));
  LK_GO(lk_strings_add(&corpus.source, "<pad>", 5, 0));
  const lk_checkpoint c = {.config = "task: lm\n",
                           .corpus = &corpus,
                           .tensors = tensors,
                           .tensor_count = 2,
                           .values = values,
                           .moment = {moment},
                           .moment_name = {"first"},
                           .moments = 1,
                           .state = {.step = step, .shards = 8},
                           .train = {history, 1, 0}};
  LK_GO(lk_checkpoint_image(&c, &bytes, &size));
  LK_GO(lk_checkpoint_store(run, step, 1, 2, 0, bytes, size));
done:
  free(bytes);
  lk_strings_release(&corpus.source);
  return status;
}

int main(int argc, char **argv) {
  if (argc != 3) return lk_status_exit_code(LK_USAGE);
  const lk_status status = write_step(argv[1], strtol(argv[2], NULL, 10));
  if (status != LK_OK) fprintf(stderr, "%s\n", lk_error_get()->text);
  return lk_status_exit_code(status);
}
