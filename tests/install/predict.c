/* predict MODEL.h5 < lines: the label of each line, or its tags, with the log-probability. */
#include <lockstep/lockstep.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(void) {
  fprintf(stderr, "predict: %s\n", lockstep_error());
  return EXIT_FAILURE;
}

int main(int argc, char **argv) {
  char line[65536];
  const char *lines[] = {line};
  lockstep_model *model = NULL;
  if (argc != 2) return fprintf(stderr, "usage: predict MODEL.h5 < lines\n"), EXIT_FAILURE;
  if (lockstep_model_open(&model, argv[1]) != LOCKSTEP_OK) return fail();
  while (fgets(line, sizeof line, stdin)) {
    lockstep_answers *answers = NULL;
    line[strcspn(line, "\n")] = '\0';
    if (lockstep_model_predict(model, lines, 1, &answers) != LOCKSTEP_OK) return fail();
    printf("%s\t%.4f\n", lockstep_answers_text(answers, 0), lockstep_answers_log_probability(answers, 0));
    lockstep_answers_destroy(&answers);
  }
  lockstep_model_close(&model);
  return EXIT_SUCCESS;
}
