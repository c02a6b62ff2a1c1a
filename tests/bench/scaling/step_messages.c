/* step_messages: what a training step sends, as the program plans it, for replay.cc.
 *
 *   step_messages lists HOSTS RANKS              who sends what to whom, RANKS on each host, one shard a rank
 *   step_messages bytes FACTS HOSTS RANKS TIMES  how many bytes, of each range and bucket, where each rank has a batch
 *                                                TIMES as large as in the facts
 *
 * Ranges, buckets, runs, destinations and bytes come from the functions that make them in a run (reduction_plan.c,
 * replicas_plan.c, sparse_rows.c). Lists do not depend on the net, so each is made once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reduction_impl.h"
#include "trial.h"

static void check(lk_status status) {
  if (status == LK_OK) return;
  fprintf(stderr, "step_messages: %s\n", lk_error_get()->text);
  exit(1);
}

static void expect(int good, const char *what) {
  if (good) return;
  fprintf(stderr, "step_messages: expected %s\n", what);
  exit(1);
}

static long number(const char *text, long most) {
  char *end;
  const long n = strtol(text, &end, 10);
  expect(*text && !*end && n >= 1 && n <= most, "whole numbers from 1");
  return n;
}

/* ---- what step_facts has printed ---- */

static double real_of(FILE *file, const char *name) {
  char found[32];
  double value;
  expect(fscanf(file, "%31s %lf", found, &value) == 2 && strcmp(found, name) == 0,
         "a file that step_facts has printed");
  return value;
}

/* Returns the bytes of a record of the control word. */
static size_t read_facts(const char *path, lk_trial *t) {
  static const char *const times[] = {"batch", "net", "sum", "update", "values", "pack"};
  FILE *file = fopen(path, "r");
  expect(file != NULL, "a file of facts");
  *t = (lk_trial){.spec.P = (ptrdiff_t)real_of(file, "parameters")};
  t->spec.wire = real_of(file, "wire") > 0 ? LK_WIRE_BF16 : LK_WIRE_FLOAT32;
  t->spec.sparse_update = real_of(file, "sparse") > 0;
  t->spec.blocks = t->block;
  const size_t control = (size_t)real_of(file, "control");
  t->tokens = real_of(file, "tokens");
  t->steps = (int64_t)real_of(file, "steps");
  for (int i = 0; i < 6; i++) t->seconds[i] = real_of(file, times[i]);
  t->move_seconds = real_of(file, "move");
  t->spec.block_count = (int)real_of(file, "blocks");
  expect(t->spec.block_count <= LK_MOST_ROW_BLOCKS, "fewer blocks");
  for (int i = 0; i < t->spec.block_count; i++)
    expect(fscanf(file, "%td %td %td", &t->block[i].offset, &t->block[i].rows, &t->block[i].width) == 3, "blocks");
  t->rows = (ptrdiff_t)real_of(file, "rows");
  check(lk_alloc(&t->first_use, (size_t)t->rows, 1));
  for (ptrdiff_t r = 0; r < t->rows; r++) expect(fscanf(file, "%hhu", &t->first_use[r]) == 1, "rows");
  fclose(file);
  return control;
}

/* ---- one rank of the planned hosts, as in traffic.c ---- */

typedef struct one_rank {
  lk_comm comm;
  lk_replicas replicas;
  lk_reduction reduction;
} one_rank;

static void group_ranks(lk_group *group, int hosts, int ranks) {
  const int size = hosts * ranks, first = group->comm->rank / ranks * ranks;
  group->groups = hosts, group->members = ranks, group->local = group->comm->rank - first;
  check(lk_alloc(&group->of, (size_t)size, sizeof *group->of));
  check(lk_alloc(&group->member, (size_t)ranks, sizeof *group->member));
  for (int r = 0; r < size; r++) group->of[r] = r / ranks * ranks;
  for (int m = 0; m < ranks; m++) group->member[m].rank = first + m;
}

static void open_rank(one_rank *r, const lk_replicas_spec *spec, int rank, int hosts, int ranks) {
  const int size = hosts * ranks;
  expect(size <= LK_MAX_SHARDS, "at most as many ranks as a run may have shards");
  *r = (one_rank){.comm = {.mpi = MPI_COMM_NULL, .rank = rank, .size = size, .bucket = LK_COMM_BUCKET}};
  r->replicas.comm = r->replicas.group.comm = &r->comm;
  group_ranks(&r->replicas.group, hosts, ranks);
  check(lk_replicas_plan(&r->replicas, spec));
  r->reduction = lk_reduction_of(&r->replicas, size);
  lk_reduction_cut(&r->reduction);
  check(lk_reduction_plan(&r->reduction));
}

static void close_rank(one_rank *r) {
  lk_reduction_unplan(&r->reduction);
  lk_replicas_unplan(&r->replicas);
  free(r->replicas.group.of);
  free(r->replicas.group.member);
}

/* ---- lists: of each rank its subtrees, additions, and the ranks that it sends to ---- */

static void print_list(const char *name, const int *list, int count) {
  printf(" %s %d", name, count);
  for (int i = 0; i < count; i++) printf(" %d", list[i]);
}

static void print_lists(int hosts, int ranks) {
  const lk_replicas_spec any = {.P = (ptrdiff_t)LK_RANGE_BLOCK * hosts * ranks};
  printf("hosts %d ranks %d\n", hosts, ranks);
  for (int rank = 0; rank < hosts * ranks; rank++) {
    one_rank r;
    int adds = 0;
    open_rank(&r, &any, rank, hosts, ranks);
    for (int p = 0; p < r.reduction.run.shards.subtrees; p++) adds += r.reduction.run_plan[p].ops;
    printf("subtrees %d received %d adds %d run_adds %d", r.reduction.run.shards.subtrees, r.reduction.received,
           r.reduction.total.ops, adds);
    print_list("gradients", r.reduction.destination, r.reduction.destinations);
    print_list("values", r.replicas.send_to, r.replicas.sends);
    printf("\n");
    close_rank(&r);
  }
}

/* ---- bytes ---- */

/* Rows that so many steps touch; all of them where not as many steps were measured. */
static uint8_t *rows_of_steps(const lk_trial *t, int steps) {
  uint8_t *marks;
  check(lk_alloc(&marks, (size_t)t->rows, 1));
  if (steps < t->steps)
    lk_trial_rows(t, steps, marks);
  else
    memset(marks, 1, (size_t)t->rows);
  return marks;
}

static size_t bytes_of(const lk_row_table *rows, lk_range part, const uint8_t *marks, size_t real) {
  bool packed;
  return lk_rows_bytes(rows, part, rows->rows > 0 ? marks + lk_row_at(rows, part.begin) : NULL, real, &packed);
}

static void print_bytes(const lk_trial *t, size_t control, int hosts, int ranks, int times) {
  uint8_t *gradient = rows_of_steps(t, ranks * times), *value = rows_of_steps(t, hosts * ranks * times);
  one_rank first;
  lk_replicas_spec spec = t->spec;
  spec.tokens = t->tokens * hosts * ranks * times;
  open_rank(&first, &spec, 0, hosts, ranks);
  const lk_replicas *s = &first.replicas;
  const lk_reduction *sum = &first.reduction;
  printf("parameters %td half %d real %zu tokens %.17g\n", t->spec.P, sum->half, sum->real, t->tokens);
  printf("batch %.9g net %.9g sum %.9g update %.9g values %.9g pack %.9g move %.9g\n", t->seconds[0], t->seconds[1],
         t->seconds[2], t->seconds[3], t->seconds[4], t->seconds[5], t->move_seconds);
  printf("in_flight %d values_in_flight %d buckets %td value_buckets %td\n", LK_BUCKETS_IN_FLIGHT, LK_VALUES_IN_FLIGHT,
         lk_buckets_count(&sum->buckets), lk_buckets_count(&s->buckets));
  for (int r = 0; r < hosts * ranks; r++) {
    const lk_range range = lk_section_range(&s->sections, 0, r); /* there is one section */
    printf("%zu %zu", control, (size_t)(lk_range_size(range) + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK * 8);
    for (ptrdiff_t k = 0; k < lk_buckets_count(&sum->buckets); k++)
      printf(" %zu", bytes_of(&s->rows, lk_bucket(sum->sections, &sum->buckets, r, k), gradient, sum->real));
    for (ptrdiff_t k = 0; k < lk_buckets_count(&s->buckets); k++) {
      const lk_range part = lk_bucket(&s->sections, &s->buckets, r, k);
      printf(" %zu", s->skips ? bytes_of(&s->rows, part, value, sum->real) : (size_t)lk_range_size(part) * sum->real);
    }
    printf("\n");
  }
  close_rank(&first);
  free(gradient);
  free(value);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "lists") == 0 && argc == 4) {
    print_lists((int)number(argv[2], LK_MAX_SHARDS), (int)number(argv[3], LK_MAX_SHARDS));
  } else if (strcmp(what, "bytes") == 0 && argc == 6) {
    lk_trial trial;
    const size_t control = read_facts(argv[2], &trial);
    print_bytes(&trial, control, (int)number(argv[3], LK_MAX_SHARDS), (int)number(argv[4], LK_MAX_SHARDS),
                (int)number(argv[5], 1000));
    lk_trial_release(&trial);
  } else {
    expect(0, "lists HOSTS RANKS, or bytes FACTS HOSTS RANKS TIMES");
  }
  return 0;
}
