#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_impl.h"
#include "work.h"

enum { REPEATS = 9, QUICK_REPEATS = 5, MOST_COLUMNS = 16 };

static int ascending(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

double bench_median(double *value, int count) {
  qsort(value, (size_t)count, sizeof *value, ascending);
  return count % 2 ? value[count / 2] : 0.5 * (value[count / 2 - 1] + value[count / 2]);
}

static double seconds_of(bench_work *work, void *context, long calls) {
  double start = lk_clock_seconds();
  for (long i = 0; i < calls; i++) work(context);
  return lk_clock_seconds() - start;
}

/* The number of calls that takes at least `least` seconds, so that clock resolution and interrupts do not matter. */
static long calls_for(bench_work *work, void *context, double least) {
  long calls = 1;
  for (double s; (s = seconds_of(work, context, calls)) < least;) {
    double more = s > 0 ? 1.2 * least / s : 10;
    calls = (long)ceil((double)calls * (more > 10 ? 10 : more));
  }
  return calls;
}

lk_status bench_mean(const bench *b, double *value, int count) {
  lk_status status = LK_OK;
  double *all = NULL;
  LK_GO(lk_comm_agree(b->comm, lk_alloc(&all, (size_t)(b->size * count), sizeof *all)));
  LK_GO(lk_comm_allgather_each(b->comm, value, all, sizeof *all * (size_t)count));
  for (int i = 0; i < count; i++) {
    value[i] = 0;
    for (int r = 0; r < b->size; r++) value[i] += all[r * count + i] / b->size;
  }
done:
  free(all);
  return status;
}

lk_status bench_measure(const bench *b, bench_work *work, void *context, double *seconds) {
  double timing[REPEATS];
  const int repeats = b->quick ? QUICK_REPEATS : REPEATS;
  LK_TRY(lk_comm_barrier(b->comm));
  lk_work_at(0);
  const long calls = calls_for(work, context, b->quick ? 0.002 : 0.01);
  for (int i = 0; i < repeats; i++) timing[i] = seconds_of(work, context, calls) / (double)calls;
  *seconds = bench_median(timing, repeats);
  return bench_mean(b, seconds, 1);
}

lk_status bench_add(json_t *rows, json_t *row) {
  if (row && json_array_append_new(rows, row) == 0) return LK_OK;
  return LK_FAIL(LK_MEMORY, "out of memory for a row of results");
}

/* Reals with three or four significant digits. */
static void write_cell(char out[64], const json_t *value) {
  double x = json_number_value(value);
  if (json_is_string(value))
    snprintf(out, 64, "%s", json_string_value(value));
  else if (json_is_integer(value))
    snprintf(out, 64, "%lld", (long long)json_integer_value(value));
  else if (json_is_real(value))
    snprintf(out, 64, "%.*f", fabs(x) >= 100 ? 0 : fabs(x) >= 10 ? 1 : fabs(x) >= 1 ? 2 : 3, x);
  else
    snprintf(out, 64, "-");
}

static void write_heading(char out[64], const char *key) {
  snprintf(out, 64, "%s", key);
  for (char *c = out; *c; c++)
    if (*c == '_') *c = ' ';
}

static void print_line(json_t *row, const int *width, int heading) {
  const char *key;
  json_t *value;
  char cell[64];
  int column = 0;
  json_object_foreach(row, key, value) {
    if (heading)
      write_heading(cell, key);
    else
      write_cell(cell, value);
    printf("  %*s", json_is_string(value) ? -width[column] : width[column], cell);
    column++;
  }
  putchar('\n');
}

static void print_table(json_t *rows) {
  int width[MOST_COLUMNS] = {0};
  size_t at;
  json_t *row, *value;
  const char *key;
  char cell[64];
  json_array_foreach(rows, at, row) {
    int column = 0;
    json_object_foreach(row, key, value) {
      LK_ASSERT(column < MOST_COLUMNS);
      for (int heading = 0; heading < 2; heading++) {
        if (heading)
          write_heading(cell, key);
        else
          write_cell(cell, value);
        if ((int)strlen(cell) > width[column]) width[column] = (int)strlen(cell);
      }
      column++;
    }
  }
  json_array_foreach(rows, at, row) {
    if (at == 0) print_line(row, width, 1);
    print_line(row, width, 0);
  }
}

lk_status bench_emit(bench *b, const char *section, const char *title, json_t *rows) {
  if (!b->json) lk_work_end();
  if (b->rank == 0 && !b->json) {
    printf("%s\n", title);
    print_table(rows);
    putchar('\n');
    fflush(stdout); /* the next section takes seconds */
  }
  if (json_object_set_new(b->root, section, rows) == 0) return LK_OK;
  return LK_FAIL(LK_MEMORY, "out of memory for the results");
}
