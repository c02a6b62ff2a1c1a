/* starts_file.c - <run.dir>/starts.jsonl: where and how a run ran, one JSON object a line.
 *
 *   {"kind":"start","time":...,"step":0,"version":...,"commit":...,"ranks":2,"hosts":{"a":2},"kernels":...,"mpi":...,
 *    "plan":{"weights":..., ...}}      bytes of the rank that takes most, as memory_impl.h plans them
 *   {"kind":"use","time":...,"step":400,"steps":400,"seconds":{"batch":...,...},"memory":[bytes of each rank]}
 *   {"kind":"end",... the same ..., "reason":"train.steps was reached"}
 *
 * Each start of the program adds a line, each evaluation what this start has used so far, the end of training the last
 * of these. Unlike metrics.jsonl it keeps what a resumed run repeats. Nothing in it affects the run. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "arena.h"
#include "json_line_impl.h"
#include "trainer_impl.h"
#include "version.h"

enum { HOST = 64 };

static lk_status append_line(const lk_trainer *t, const json_t *line, bool anew) {
  lk_buffer path = {0};
  lk_status status = lk_buffer_printf(&path, "%s/starts.jsonl", t->config->run.dir);
  if (status == LK_OK) status = lk_json_append(path.data, line, 6, anew);
  lk_buffer_release(&path);
  return status;
}

static json_t *make_line(const lk_trainer *t, const char *kind) {
  char stamp[32];
  lk_clock_stamp(stamp);
  return json_pack("{s:s, s:s, s:I}", "kind", kind, "time", stamp, "step", (json_int_t)t->state.step);
}

/* {"host": ranks on it}, in the order of the first rank of each. names [R, HOST] */
static json_t *hosts_json(const lk_trainer *t, const char *names) {
  json_t *hosts = json_object();
  for (int r = 0; r < t->size; r++) {
    const char *name = names + (size_t)r * HOST;
    json_object_set_new(hosts, name, json_integer(json_integer_value(json_object_get(hosts, name)) + 1));
  }
  return hosts;
}

static json_t *plan_json(const lk_memory *memory) {
  json_t *plan = json_object();
  for (int i = 0; i < LK_MEMORY_PART_COUNT; i++)
    json_object_set_new(plan, lk_memory_name((lk_memory_part)i), json_integer((json_int_t)memory->bytes[i]));
  return plan;
}

static lk_status write_start(const lk_trainer *t, const char *names) {
  char mpi[128];
  lk_comm_library(sizeof mpi, mpi);
  json_t *line = make_line(t, "start");
  if (line) {
    json_object_set_new(line, "version", json_string(lk_version()));
    json_object_set_new(line, "commit", json_string(lk_commit()));
    json_object_set_new(line, "ranks", json_integer(t->size));
    json_object_set_new(line, "hosts", hosts_json(t, names));
    json_object_set_new(line, "kernels", json_string(lk_kernels_get()->name));
    json_object_set_new(line, "mpi", json_string(mpi));
    json_object_set_new(line, "plan", plan_json(&t->memory));
  }
  const lk_status status = append_line(t, line, !t->saved); /* saved: this run goes on from a checkpoint */
  json_decref(line);
  return status;
}

lk_status lk_starts_begin(lk_trainer *t) {
  lk_status status = LK_OK;
  char mine[HOST] = "", *names = NULL;
  (void)snprintf(mine, sizeof mine, "%s", lk_comm_host(t->comm));
  LK_GO(lk_comm_agree(t->comm, lk_alloc(&names, (size_t)t->size, HOST)));
  LK_GO(lk_comm_allgather_each(t->comm, mine, names, HOST));
  LK_GO(lk_comm_agree(t->comm, t->rank == 0 ? write_start(t, names) : LK_OK));
done:
  free(names);
  return status;
}

static lk_status write_use(const lk_trainer *t, const char *reason, const int64_t *memory) {
  static const char *const names[] = {
#define LK_TIME(name, text) text,
      LK_TIMES(LK_TIME)
#undef LK_TIME
  };
  json_t *line = make_line(t, reason ? "end" : "use"), *seconds = json_object(), *bytes = json_array();
  for (int i = 0; i < LK_TIME_PARTS; i++) json_object_set_new(seconds, names[i], json_real(t->times.seconds[i]));
  for (int r = 0; r < t->size; r++) json_array_append_new(bytes, json_integer((json_int_t)memory[r]));
  if (line) {
    json_object_set_new(line, "steps", json_integer((json_int_t)t->times.steps));
    json_object_set(line, "seconds", seconds);
    json_object_set(line, "memory", bytes);
    if (reason) json_object_set_new(line, "reason", json_string(reason));
  }
  const lk_status status = append_line(t, line, false);
  json_decref(seconds);
  json_decref(bytes);
  json_decref(line);
  return status;
}

/* Largest memory of this process so far, bytes. */
static int64_t peak_memory(void) {
  struct rusage use;
  return getrusage(RUSAGE_SELF, &use) == 0 ? (int64_t)use.ru_maxrss * 1024 : 0;
}

lk_status lk_starts_use(lk_trainer *t, const char *reason) {
  lk_status status = LK_OK;
  const int64_t mine = peak_memory();
  int64_t *memory = NULL;
  LK_GO(lk_comm_agree(t->comm, lk_alloc(&memory, (size_t)t->size, sizeof *memory)));
  LK_GO(lk_comm_allgather_each(t->comm, &mine, memory, sizeof mine));
  LK_GO(lk_comm_agree(t->comm, t->rank == 0 ? write_use(t, reason, memory) : LK_OK));
done:
  free(memory);
  return status;
}
