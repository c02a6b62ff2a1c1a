#include "reducer.h"

#include <stdlib.h>
#include <string.h>

#include "reducer_impl.h"

const char *const lk_reduction_names[LK_REDUCTIONS] = {"auto", "messages", "windows"};

static size_t most(size_t a, size_t b) { return a > b ? a : b; }

/* In one arena, so that no page of them is touched for the first time in a step. */
static void layout(lk_reducer *reducer) {
  lk_arena *arena = &reducer->arena;
  size_t row = (size_t)reducer->bucket * sizeof(float), received = (size_t)reducer->received_sources;
  size_t sent = (size_t)(reducer->destinations * reducer->run.shards.subtrees), adds = 0;
  for (int p = 0; p < reducer->run.shards.subtrees; p++) adds += (size_t)reducer->run_plan[p].ops;
  size_t blocks = (size_t)((reducer->P + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK);
  size_t own_rows = (size_t)(lk_row_behind(reducer, reducer->own.end) - lk_row_at(reducer, reducer->own.begin));
  for (int w = 0; w < LK_BUCKETS_IN_FLIGHT; w++) {
    reducer->incoming[w] = lk_arena_take(arena, received * row);
    reducer->marks[w] = lk_arena_take(arena, received * (size_t)reducer->part_rows);
    reducer->outgoing[w] = adds > 0 || reducer->rows > 0 ? lk_arena_take(arena, sent * row) : NULL;
  }
  reducer->present = lk_arena_take(arena, (size_t)(reducer->sources + LK_TREE_LEVELS + reducer->part_rows));
  reducer->written = lk_arena_take(arena, own_rows);
  reducer->temporary = lk_arena_take(arena, LK_TREE_LEVELS * LK_SUM_BLOCK * sizeof(float));
  reducer->block_sum = lk_arena_take(arena, blocks * sizeof(double));
}

static lk_status allocate_tables(lk_reducer *reducer) {
  size_t sent = (size_t)(reducer->destinations * reducer->run.shards.subtrees);
  size_t requests = most((size_t)reducer->received_sources + sent, 2 * (size_t)reducer->comm->size);
  LK_TRY(lk_alloc(&reducer->view, (size_t)reducer->sources, sizeof *reducer->view));
  LK_TRY(lk_alloc(&reducer->status, requests, sizeof *reducer->status));
  for (int w = 0; w < LK_BUCKETS_IN_FLIGHT; w++) LK_TRY(lk_alloc(&reducer->request[w], requests, sizeof(MPI_Request)));
  return LK_OK;
}

static lk_status cut_slices(lk_reducer *reducer, const lk_reducer_spec *spec) {
  size_t R = (size_t)reducer->comm->size;
  LK_TRY(lk_alloc(&reducer->slice, R, sizeof *reducer->slice));
  LK_TRY(lk_alloc(&reducer->slice_bytes, R, sizeof *reducer->slice_bytes));
  LK_TRY(lk_alloc(&reducer->record_bytes, R, sizeof *reducer->record_bytes));
  LK_TRY(lk_alloc(&reducer->block_bytes, R, sizeof *reducer->block_bytes));
  for (int r = 0; r < reducer->comm->size; r++) {
    lk_range slice = lk_reducer_cut(spec, r, reducer->comm->size);
    ptrdiff_t n = slice.end - slice.begin;
    reducer->slice[r] = slice;
    reducer->slice_bytes[r] = (size_t)n * sizeof(float);
    reducer->block_bytes[r] = (size_t)((n + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK) * sizeof(double);
  }
  reducer->own = reducer->slice[reducer->comm->rank];
  return LK_OK;
}

/* The same on every rank: from S, R and P alone. */
static void cut_buckets(lk_reducer *reducer) {
  ptrdiff_t longest = 0, subtrees = 0, size = reducer->comm->size;
  for (int r = 0; r < size; r++) {
    lk_range slice = reducer->slice[r];
    if (slice.end - slice.begin > longest) longest = slice.end - slice.begin;
    subtrees += lk_shards_make(reducer->shards, r, (int)size).subtrees;
  }
  LK_ASSERT(subtrees > 0);
  ptrdiff_t bucket = reducer->comm->bucket / subtrees / LK_SUM_BLOCK * LK_SUM_BLOCK;
  if (bucket < LK_SUM_BLOCK) bucket = LK_SUM_BLOCK;
  reducer->bucket = bucket < longest ? bucket : lk_padded(longest);
  reducer->buckets = longest > 0 ? (longest + reducer->bucket - 1) / reducer->bucket : 0;
  for (int i = 0; i < reducer->blocks; i++) {
    ptrdiff_t rows = reducer->bucket / reducer->block[i].width + 2;
    reducer->part_rows += rows < reducer->block[i].rows ? rows : reducer->block[i].rows;
  }
}

static lk_status copy_blocks(lk_reducer *reducer, const lk_reducer_spec *spec) {
  ptrdiff_t end = 0;
  LK_TRY(lk_alloc(&reducer->block, (size_t)spec->block_count, sizeof *reducer->block));
  for (int i = 0; i < spec->block_count; i++) {
    const lk_row_block *b = &spec->blocks[i];
    LK_ASSERT(b->rows > 0 && b->width > 0 && b->offset >= end && b->offset + b->rows * b->width <= spec->P);
    end = b->offset + b->rows * b->width;
    reducer->rows += b->rows;
    reducer->block[reducer->blocks++] = *b;
  }
  return LK_OK;
}

/* What each rank can fail at by itself. */
static lk_status build_local(lk_reducer *reducer) {
  cut_buckets(reducer);
  LK_TRY(lk_reducer_plan(reducer));
  LK_TRY(allocate_tables(reducer));
  layout(reducer);
  LK_TRY(lk_arena_reserve(&reducer->arena));
  layout(reducer);
  LK_TRY(LK_MPI(MPI_Type_contiguous, LK_LANES, MPI_FLOAT, &reducer->unit));
  return LK_MPI(MPI_Type_commit, &reducer->unit);
}

static lk_status build(lk_reducer *reducer, const lk_reducer_spec *spec) {
  LK_TRY(lk_comm_agree(reducer->comm, copy_blocks(reducer, spec)));
  lk_reducer_spec cut = *spec;
  if (reducer->P > 0) LK_TRY(lk_group_open(reducer, spec->how));
  cut.rows_rest = spec->rows_rest && reducer->groups == 1; /* between groups the values of all rows travel */
  LK_TRY(lk_comm_agree(reducer->comm, cut_slices(reducer, &cut)));
  if (reducer->P == 0) return LK_OK;
  return lk_comm_agree(reducer->comm, build_local(reducer));
}

lk_status lk_reducer_create(lk_reducer **reducer, lk_comm *comm, const lk_reducer_spec *spec) {
  if (spec->shards < comm->size || spec->shards > LK_MAX_SHARDS)
    return LK_FAIL(LK_USAGE, "%d shards: expected from %d, the number of ranks, to %d", spec->shards, comm->size,
                   LK_MAX_SHARDS);
  lk_reducer *made = NULL;
  LK_TRY(lk_comm_agree(comm, lk_alloc(&made, 1, sizeof *made)));
  made->comm = comm;
  made->shards = spec->shards;
  made->P = spec->P;
  made->packed_bytes = spec->packed_bytes;
  made->unit = MPI_DATATYPE_NULL;
  made->host = made->leaders.mpi = MPI_COMM_NULL;
  made->shared.mpi = MPI_WIN_NULL;
  lk_status status = build(made, spec);
  if (status == LK_OK)
    *reducer = made;
  else
    lk_reducer_destroy(&made);
  return status;
}

void lk_reducer_destroy(lk_reducer **reducer) {
  lk_reducer *r = *reducer;
  if (r == NULL) return;
  lk_group_close(r);
  if (r->unit != MPI_DATATYPE_NULL) MPI_Type_free(&r->unit);
  for (int w = 0; w < LK_BUCKETS_IN_FLIGHT; w++) free(r->request[w]);
  for (int p = 0; p < LK_MAX_SUBTREES; p++) free(r->run_plan[p].op);
  void *tables[] = {r->block, r->group,      r->member, r->source,      r->total.op,     r->destination, r->share_to,
                    r->slice, r->share_from, r->view,   r->slice_bytes, r->record_bytes, r->block_bytes, r->status};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) free(tables[i]);
  lk_arena_release(&r->arena);
  free(r);
  *reducer = NULL;
}

float *lk_reducer_gradient(const lk_reducer *reducer, int p) {
  const lk_member *own = &reducer->member[reducer->local];
  LK_ASSERT(p >= 0 && p < own->subtrees);
  return own->subtree[p];
}

uint8_t *lk_reducer_touched(const lk_reducer *reducer, int p) {
  const lk_member *own = &reducer->member[reducer->local];
  LK_ASSERT(p >= 0 && p < own->subtrees);
  return own->touched[p];
}

float *lk_reducer_values(const lk_reducer *reducer) { return reducer->values; }

lk_range lk_reducer_slice(const lk_reducer *reducer) { return reducer->own; }

float *lk_reducer_total(const lk_reducer *reducer) { return lk_reducer_gradient(reducer, 0) + reducer->own.begin; }

void *lk_reducer_packed(const lk_reducer *reducer) { return reducer->packed; }

lk_part lk_reducer_part(const lk_reducer *reducer) { return (lk_part){reducer->local, reducer->members}; }

const char *lk_reducer_words(const lk_reducer *reducer) { return reducer->words; }
