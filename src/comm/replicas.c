#include "replicas.h"

#include <stdlib.h>

#include "choices.h"
#include "replicas_impl.h"

static lk_choice transport_choice(size_t i) {
  static const lk_choice transports[] = {
      [LK_TRANSPORT_AUTO] = {"auto", "through shared memory where there is enough, else by messages", NULL},
      [LK_TRANSPORT_MESSAGES] = {"messages", NULL, NULL},
      [LK_TRANSPORT_WINDOWS] = {"windows", "through shared memory; an error where there is not enough", NULL}};
  return i < sizeof transports / sizeof *transports ? transports[i] : (lk_choice){0};
}
LK_CHOICES("parallel.reduction", transport_choice)

static lk_choice wire_choice(size_t i) {
  static const lk_choice wires[] = {
      [LK_WIRE_FLOAT32] = {"float32", "as they are", NULL},
      [LK_WIRE_BF16] = {"bf16", "rounded to bfloat16, half the bytes between hosts", NULL}};
  return i < sizeof wires / sizeof *wires ? wires[i] : (lk_choice){0};
}
LK_CHOICES("parallel.wire", wire_choice)

lk_status lk_wire_read(lk_wire *wire, const lk_config *config) {
  size_t index;
  LK_TRY(lk_config_choice(config, "parallel.wire", &index));
  *wire = (lk_wire)index;
  return LK_OK;
}

/* ---- creation ---- */

/* What each rank can fail at by itself. */
static lk_status build_local(lk_replicas *s, const lk_replicas_spec *spec) {
  LK_TRY(lk_replicas_plan(s, spec));
  return lk_replicas_plan_buckets(s);
}

static lk_status build(lk_replicas *s, const lk_replicas_spec *spec) {
  const size_t squares = (size_t)((spec->P + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK) * sizeof(double);
  const size_t common[LK_GROUP_COMMON] = {
      (size_t)spec->P * sizeof(float),
      spec->packed_bytes, [LK_GROUP_GATHERED] = 2 * (spec->gathered_bytes > squares ? spec->gathered_bytes : squares)};
  LK_TRY(lk_group_open(&s->group, s->comm, spec->rank_bytes, common, spec->transport));
  s->values = s->group.common[0], s->packed = s->group.common[1];
  return lk_comm_agree(s->comm, build_local(s, spec));
}

lk_status lk_replicas_create(lk_replicas **replicas, lk_comm *comm, const lk_replicas_spec *spec) {
  LK_ASSERT(spec->P > 0 && spec->P % LK_LANES == 0);
  *replicas = NULL;
  LK_TRY(lk_comm_agree(comm, lk_alloc(replicas, 1, sizeof **replicas)));
  (*replicas)->comm = comm;
  const lk_status status = build(*replicas, spec);
  if (status != LK_OK) lk_replicas_destroy(replicas);
  return status;
}

void lk_replicas_destroy(lk_replicas **replicas) {
  lk_replicas *s = *replicas;
  if (!s) return;
  lk_replicas_abandon(s);
  lk_group_close(&s->group);
  lk_replicas_unplan(s);
  for (int w = 0; w < LK_VALUES_IN_FLIGHT; w++) free(s->bucket_request[w]);
  lk_arena_release(&s->arena);
  free(s);
  *replicas = NULL;
}

float *lk_replicas_values(const lk_replicas *replicas) { return replicas->values; }
void *lk_replicas_packed(const lk_replicas *replicas) { return replicas->packed; }
const lk_ranges *lk_replicas_own(const lk_replicas *replicas) { return &replicas->own; }
lk_range lk_replicas_rows(const lk_replicas *replicas, int i) {
  const lk_range own = replicas->own.at[i];
  return (lk_range){lk_row_at(&replicas->rows, own.begin), lk_row_after(&replicas->rows, own.end)};
}
lk_part lk_replicas_part(const lk_replicas *replicas) {
  return (lk_part){replicas->group.local, replicas->group.members};
}
const char *lk_replicas_description(const lk_replicas *replicas) { return replicas->group.description; }

/* ---- exchange ---- */

lk_status lk_replicas_meet(lk_replicas *replicas) { return lk_group_meet(&replicas->group); }

lk_status lk_replicas_gather_shards(lk_replicas *replicas, int shards, const void *mine, void *all, size_t bytes) {
  return lk_group_allgather(&replicas->group, mine, all, lk_comm_shard_bytes(replicas->comm, shards, bytes));
}

lk_status lk_replicas_broadcast(lk_replicas *replicas) {
  lk_comm *leaders = &replicas->group.leaders;
  const size_t bytes = (size_t)replicas->P * sizeof(float);
  if (leaders->mpi != MPI_COMM_NULL) LK_TRY(lk_comm_broadcast(leaders, replicas->values, bytes, 0));
  return lk_replicas_meet(replicas);
}

/* The ranges of a section follow each other, so a section is gathered into its place. */
lk_status lk_replicas_gather(lk_replicas *replicas, const float *own, float *all, int root) {
  const lk_sections *sections = &replicas->sections;
  for (int k = 0; k < sections->count; k++)
    LK_TRY(lk_comm_gather(replicas->comm, own + lk_ranges_own(&replicas->own, k).begin,
                          all ? all + lk_section_range(sections, k, 0).begin : NULL,
                          replicas->range_bytes + k * sections->ranks, root));
  return LK_OK;
}

lk_status lk_replicas_scatter(lk_replicas *replicas, const float *all, float *own, int root) {
  const lk_sections *sections = &replicas->sections;
  for (int k = 0; k < sections->count; k++)
    LK_TRY(lk_comm_scatter(replicas->comm, all ? all + lk_section_range(sections, k, 0).begin : NULL,
                           own + lk_ranges_own(&replicas->own, k).begin, replicas->range_bytes + k * sections->ranks,
                           root));
  return LK_OK;
}
