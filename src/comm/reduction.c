#include "reduction.h"

#include <stdlib.h>

#include "reduction_impl.h"

/* ---- gradients in the ranks' memory ---- */

/* Planned and bound by the same lines (arena.h). Each gradient begins at a page. */
static void layout_gradients(lk_rank_gradients *of, lk_arena *arena, ptrdiff_t P, ptrdiff_t rows) {
  for (int p = 0; p < of->subtrees; p++) of->marks[p] = rows > 0 ? lk_arena_take(arena, (size_t)rows) : NULL;
  for (int p = 0; p < of->subtrees; p++) {
    arena->used = (arena->used + LK_PAGE - 1) / LK_PAGE * LK_PAGE;
    of->gradient[p] = lk_arena_take(arena, (size_t)P * sizeof(float));
  }
}

size_t lk_reduction_bytes(const lk_replicas_spec *spec, const lk_shards *shards) {
  lk_arena plan = {0};
  lk_rank_gradients of = {.subtrees = shards->subtrees};
  ptrdiff_t rows = 0;
  for (int i = 0; i < spec->block_count; i++) rows += spec->blocks[i].rows;
  layout_gradients(&of, &plan, spec->P, rows);
  return plan.used;
}

static lk_status bind_gradients(lk_reduction *sum) {
  const lk_group *group = sum->group;
  LK_TRY(lk_alloc(&sum->of, (size_t)group->members, sizeof *sum->of));
  for (int m = 0; m < group->members; m++) {
    const lk_member *member = &group->member[m];
    lk_arena memory = {.base = member->memory, .reserved = group->bytes[member->rank]};
    sum->of[m].subtrees = lk_shards_make(sum->shards, member->rank, sum->comm->size).subtrees;
    layout_gradients(&sum->of[m], &memory, sum->P, sum->rows->rows);
  }
  return LK_OK;
}

/* ---- buffers ---- */

static size_t blocks_of(ptrdiff_t n) { return (size_t)((n + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK); }

/* One arena, touched when it is reserved, so that no page fault is left for the first step. */
static void layout(lk_reduction *sum) {
  lk_arena *arena = &sum->arena;
  const size_t bucket = (size_t)sum->bucket, row = bucket * sum->real, received = (size_t)sum->received;
  const size_t sent = (size_t)(sum->destinations * sum->run.shards.subtrees);
  size_t adds = 0;
  for (int p = 0; p < sum->run.shards.subtrees; p++) adds += (size_t)sum->run_plan[p].ops;
  for (int w = 0; w < LK_BUCKETS_IN_FLIGHT; w++) {
    sum->incoming[w] = lk_arena_take(arena, received * row);
    sum->incoming_marks[w] = lk_arena_take(arena, received * (size_t)sum->part_rows);
    sum->outgoing[w] = adds > 0 || sum->rows->rows > 0 || sum->half ? lk_arena_take(arena, sent * row) : NULL;
  }
  sum->widened = lk_arena_take(arena, sum->half ? received * bucket * sizeof(float) : 0);
  sum->narrowed = lk_arena_take(arena, sum->half && sent > 0 ? bucket * sizeof(float) : 0);
  sum->present = lk_arena_take(arena, (size_t)(sum->terms + LK_TREE_LEVELS + sum->part_rows));
  sum->written = lk_arena_take(arena, (size_t)sum->rows->rows);
  sum->temporary = lk_arena_take(arena, LK_TREE_LEVELS * LK_SUM_BLOCK * sizeof(float));
  sum->block_sum = lk_arena_take(arena, blocks_of(sum->P) * sizeof(double));
  sum->block_ranks = sum->sections->count > 1 ? lk_arena_take(arena, blocks_of(sum->P) * sizeof(double)) : NULL;
}

static lk_status allocate_tables(lk_reduction *sum) {
  const size_t requests = (size_t)(sum->received + sum->destinations * sum->run.shards.subtrees);
  LK_TRY(lk_alloc(&sum->operand, (size_t)sum->terms, sizeof *sum->operand));
  LK_TRY(lk_alloc(&sum->status, requests, sizeof *sum->status));
  for (int w = 0; w < LK_BUCKETS_IN_FLIGHT; w++) LK_TRY(lk_alloc(&sum->request[w], requests, sizeof *sum->request[w]));
  LK_TRY(lk_alloc(&sum->block_bytes, (size_t)sum->comm->size, sizeof *sum->block_bytes));
  for (int r = 0; r < sum->comm->size; r++)
    for (int k = 0; k < sum->sections->count; k++)
      sum->block_bytes[r] += blocks_of(lk_range_size(lk_section_range(sum->sections, k, r))) * sizeof(double);
  return LK_OK;
}

/* What each rank can fail at by itself. */
static lk_status build(lk_reduction *sum) {
  LK_TRY(bind_gradients(sum));
  lk_reduction_cut(sum);
  LK_TRY(lk_reduction_plan(sum));
  LK_TRY(allocate_tables(sum));
  layout(sum);
  LK_TRY(lk_arena_reserve(&sum->arena));
  layout(sum);
  return LK_OK;
}

lk_status lk_reduction_create(lk_reduction **reduction, lk_replicas *replicas, int shards) {
  lk_comm *comm = replicas->comm;
  *reduction = NULL;
  if (shards < comm->size || shards > LK_MAX_SHARDS)
    return LK_FAIL(LK_USAGE, "%d shards: expected from %d, the number of ranks, to %d", shards, comm->size,
                   LK_MAX_SHARDS);
  lk_status status = lk_alloc(reduction, 1, sizeof **reduction);
  if (status == LK_OK) {
    **reduction = lk_reduction_of(replicas, shards);
    status = build(*reduction);
  }
  status = lk_comm_agree(comm, status);
  if (status != LK_OK) lk_reduction_destroy(reduction);
  return status;
}

void lk_reduction_destroy(lk_reduction **reduction) {
  lk_reduction *sum = *reduction;
  if (!sum) return;
  for (int w = 0; w < LK_BUCKETS_IN_FLIGHT; w++) free(sum->request[w]);
  lk_reduction_unplan(sum);
  void *tables[] = {sum->of, sum->operand, sum->status, sum->block_bytes};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) free(tables[i]);
  lk_arena_release(&sum->arena);
  free(sum);
  *reduction = NULL;
}

float *lk_reduction_gradient(const lk_reduction *reduction, int p) {
  const lk_rank_gradients *own = &reduction->of[reduction->group->local];
  LK_ASSERT(p >= 0 && p < own->subtrees);
  return own->gradient[p];
}

uint8_t *lk_reduction_marks(const lk_reduction *reduction, int p) {
  const lk_rank_gradients *own = &reduction->of[reduction->group->local];
  LK_ASSERT(p >= 0 && p < own->subtrees);
  return own->marks[p];
}
