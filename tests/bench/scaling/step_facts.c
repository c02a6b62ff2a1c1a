/* step_facts CONFIG SECONDS: times some steps of one rank, and tells the shape of its gradient, for step_messages. */
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "trainer_impl.h"
#include "trial.h"

static void check(lk_status status) {
  if (status == LK_OK) return;
  fprintf(stderr, "step_facts: %s\n", lk_error_get()->text);
  exit(1);
}

/* The text of a small file. */
static char *read_text(const char *path, size_t *size) {
  enum { MOST = 1 << 20 };
  FILE *file = fopen(path, "r");
  char *text = malloc(MOST);
  if (!file || !text) {
    fprintf(stderr, "step_facts: %s cannot be read\n", path);
    exit(1);
  }
  *size = fread(text, 1, MOST, file);
  fclose(file);
  return text;
}

static void print_facts(const lk_trial *t) {
  printf("parameters %td\nwire %d\nsparse %d\ncontrol %zu\ntokens %.17g\nsteps %lld\n", t->spec.P,
         t->spec.wire == LK_WIRE_BF16, t->spec.sparse_update, sizeof(lk_control), t->tokens, (long long)t->steps);
  printf("batch %.9g\nnet %.9g\nsum %.9g\nupdate %.9g\nvalues %.9g\npack %.9g\nmove %.9g\n", t->seconds[LK_TIME_BATCH],
         t->seconds[LK_TIME_NET], t->seconds[LK_TIME_SUM], t->seconds[LK_TIME_UPDATE], t->seconds[LK_TIME_VALUES],
         t->seconds[LK_TIME_PACK], t->move_seconds);
  printf("blocks %d\n", t->spec.block_count);
  for (int i = 0; i < t->spec.block_count; i++)
    printf("%td %td %td\n", t->block[i].offset, t->block[i].rows, t->block[i].width);
  printf("rows %td\n", t->rows);
  for (ptrdiff_t r = 0; r < t->rows; r++) printf("%d\n", t->first_use[r]);
}

int main(int argc, char **argv) {
  lk_comm *comm;
  lk_config config;
  lk_trial trial;
  size_t size;
  if (argc != 3) {
    fprintf(stderr, "step_facts: expected CONFIG SECONDS\n");
    return 1;
  }
  char *text = read_text(argv[1], &size);
  lk_log_init(LK_LOG_WARN, true);
  check(lk_comm_init(&comm, &argc, &argv));
  check(lk_config_init(&config));
  check(lk_config_parse(&config, text, size, argv[1]));
  check(lk_trial_run(&trial, &config, comm, atof(argv[2])));
  print_facts(&trial);
  lk_trial_release(&trial);
  lk_config_release(&config);
  lk_comm_finalize(&comm);
  free(text);
  return 0;
}
