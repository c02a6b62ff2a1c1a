#include <stdlib.h>
#include <string.h>

#include "reducer_impl.h"

enum { TAG_PIECE = 3 };

/* Floats in one arena, so that no page of them is touched for the first time in a step. */
static void layout(lk_reducer *reducer) {
  lk_arena *arena = &reducer->arena;
  size_t rows = (size_t)(reducer->sources - reducer->pieces), bucket = (size_t)reducer->bucket;
  size_t blocks = (size_t)((reducer->P + LK_SLICE_BLOCK - 1) / LK_SLICE_BLOCK);
  for (int w = 0; w < LK_WINDOW; w++) reducer->received[w] = lk_arena_take(arena, rows * bucket * sizeof(float));
  reducer->temporary = lk_arena_take(arena, LK_TREE_LEVELS * LK_SUM_BLOCK * sizeof(float));
  reducer->block_sum = lk_arena_take(arena, blocks * sizeof(double));
}

static lk_status allocate_tables(lk_reducer *reducer) {
  size_t R = (size_t)reducer->comm->size, N = (size_t)reducer->sources;
  size_t most = N + R * (size_t)reducer->pieces; /* receives and sends of one bucket */
  LK_TRY(lk_alloc(&reducer->op, N, sizeof *reducer->op));
  LK_TRY(lk_alloc(&reducer->source_rank, N, sizeof *reducer->source_rank));
  LK_TRY(lk_alloc(&reducer->source, N, sizeof *reducer->source));
  LK_TRY(lk_alloc(&reducer->slice, R, sizeof *reducer->slice));
  LK_TRY(lk_alloc(&reducer->slice_bytes, R, sizeof *reducer->slice_bytes));
  LK_TRY(lk_alloc(&reducer->record_bytes, R, sizeof *reducer->record_bytes));
  LK_TRY(lk_alloc(&reducer->block_bytes, R, sizeof *reducer->block_bytes));
  LK_TRY(lk_alloc(&reducer->unit_count, R, sizeof *reducer->unit_count));
  LK_TRY(lk_alloc(&reducer->unit_place, R, sizeof *reducer->unit_place));
  for (int w = 0; w < LK_WINDOW; w++) LK_TRY(lk_alloc(&reducer->request[w], most, sizeof(MPI_Request)));
  return LK_OK;
}

static void count_sources(lk_reducer *reducer) {
  int rank = reducer->comm->rank, size = reducer->comm->size;
  for (int r = 0; r < size; r++) {
    if (r == rank) reducer->first_source = reducer->sources;
    int pieces = lk_shards_make(reducer->shards, r, size).pieces;
    if (r == rank) reducer->pieces = pieces;
    reducer->sources += pieces;
  }
}

static void fill_tables(lk_reducer *reducer) {
  int size = reducer->comm->size, source = 0;
  for (int r = 0; r < size; r++) {
    lk_slice slice = lk_comm_slice(reducer->P, r, size);
    ptrdiff_t n = slice.end - slice.begin;
    reducer->slice[r] = slice;
    reducer->slice_bytes[r] = (size_t)n * sizeof(float);
    reducer->block_bytes[r] = (size_t)((n + LK_SLICE_BLOCK - 1) / LK_SLICE_BLOCK) * sizeof(double);
    reducer->unit_count[r] = lk_mpi_count((size_t)(n / LK_LANES));
    reducer->unit_place[r] = lk_mpi_count((size_t)(slice.begin / LK_LANES));
    for (int p = lk_shards_make(reducer->shards, r, size).pieces; p > 0; p--) reducer->source_rank[source++] = r;
  }
  reducer->own = reducer->slice[reducer->comm->rank];
}

/* The same on every rank: from N and P alone. */
static void cut_buckets(lk_reducer *reducer) {
  ptrdiff_t longest = 0, size = reducer->comm->size;
  for (int r = 0; r < size; r++) {
    lk_slice slice = lk_comm_slice(reducer->P, r, (int)size);
    if (slice.end - slice.begin > longest) longest = slice.end - slice.begin;
  }
  ptrdiff_t bucket = LK_BUCKET / reducer->sources / LK_SUM_BLOCK * LK_SUM_BLOCK;
  if (bucket < LK_SUM_BLOCK) bucket = LK_SUM_BLOCK;
  reducer->bucket = bucket < longest ? bucket : lk_padded(longest);
  reducer->buckets = longest > 0 ? (longest + reducer->bucket - 1) / reducer->bucket : 0;
}

static lk_status build(lk_reducer *reducer) {
  count_sources(reducer);
  cut_buckets(reducer);
  LK_TRY(allocate_tables(reducer));
  fill_tables(reducer);
  reducer->ops = lk_reducer_plan(reducer);
  layout(reducer);
  LK_TRY(lk_arena_reserve(&reducer->arena));
  layout(reducer);
  LK_TRY(LK_MPI(MPI_Type_contiguous, LK_LANES, MPI_FLOAT, &reducer->unit));
  return LK_MPI(MPI_Type_commit, &reducer->unit);
}

lk_status lk_reducer_create(lk_reducer **reducer, lk_comm *comm, int shards, ptrdiff_t P) {
  if (shards < comm->size || shards > LK_MAX_SHARDS)
    return LK_FAIL(LK_USAGE, "%d shards: expected from %d, the number of ranks, to %d", shards, comm->size,
                   LK_MAX_SHARDS);
  lk_reducer *made = NULL;
  lk_status status = lk_alloc(&made, 1, sizeof *made);
  if (status == LK_OK) {
    made->comm = comm;
    made->shards = shards;
    made->P = P;
    made->unit = MPI_DATATYPE_NULL;
    status = build(made);
  }
  status = lk_comm_agree(comm, status);
  if (status == LK_OK)
    *reducer = made;
  else
    lk_reducer_destroy(&made);
  return status;
}

void lk_reducer_destroy(lk_reducer **reducer) {
  lk_reducer *r = *reducer;
  if (r == NULL) return;
  if (r->unit != MPI_DATATYPE_NULL) MPI_Type_free(&r->unit);
  for (int w = 0; w < LK_WINDOW; w++) free(r->request[w]);
  free(r->op);
  free(r->source_rank);
  free(r->source);
  free(r->slice);
  free(r->slice_bytes);
  free(r->record_bytes);
  free(r->block_bytes);
  free(r->unit_count);
  free(r->unit_place);
  lk_arena_release(&r->arena);
  free(r);
  *reducer = NULL;
}

/* Reals of rank r's slice in bucket k. */
static lk_slice bucket_of(const lk_reducer *reducer, int r, ptrdiff_t k) {
  lk_slice slice = reducer->slice[r],
           part = {slice.begin + k * reducer->bucket, slice.begin + (k + 1) * reducer->bucket};
  if (part.begin > slice.end) part.begin = slice.end;
  if (part.end > slice.end) part.end = slice.end;
  return part;
}

static lk_status receive_bucket(lk_reducer *reducer, ptrdiff_t k) {
  lk_slice part = bucket_of(reducer, reducer->comm->rank, k);
  int w = (int)(k % LK_WINDOW), row = 0;
  if (part.begin == part.end) return LK_OK;
  for (int s = 0; s < reducer->sources; s++) {
    int from = reducer->source_rank[s];
    if (from == reducer->comm->rank) continue;
    float *to = reducer->received[w] + row++ * reducer->bucket;
    LK_TRY(LK_MPI(MPI_Irecv, to, lk_mpi_count((size_t)(part.end - part.begin)), MPI_FLOAT, from, TAG_PIECE,
                  reducer->comm->mpi, &reducer->request[w][reducer->requests[w]]));
    reducer->requests[w]++;
  }
  return LK_OK;
}

/* Straight out of the pieces; each rank begins with its right neighbour, so that no rank is everyone's first. */
static lk_status send_bucket(lk_reducer *reducer, float *const *piece, ptrdiff_t k) {
  int w = (int)(k % LK_WINDOW), rank = reducer->comm->rank, size = reducer->comm->size;
  for (int d = 1; d < size; d++) {
    int to = (rank + d) % size;
    lk_slice part = bucket_of(reducer, to, k);
    for (int p = 0; p < reducer->pieces && part.begin < part.end; p++) {
      LK_TRY(LK_MPI(MPI_Isend, piece[p] + part.begin, lk_mpi_count((size_t)(part.end - part.begin)), MPI_FLOAT, to,
                    TAG_PIECE, reducer->comm->mpi, &reducer->request[w][reducer->requests[w]]));
      reducer->requests[w]++;
    }
  }
  return LK_OK;
}

static lk_status start_bucket(lk_reducer *reducer, float *const *piece, ptrdiff_t k) {
  if (k >= reducer->buckets) return LK_OK;
  LK_TRY(receive_bucket(reducer, k));
  return send_bucket(reducer, piece, k);
}

static lk_status finish_bucket(lk_reducer *reducer, float *const *piece, float *sum, ptrdiff_t k) {
  int w = (int)(k % LK_WINDOW), row = 0, rank = reducer->comm->rank;
  LK_TRY(LK_MPI(MPI_Waitall, reducer->requests[w], reducer->request[w], MPI_STATUSES_IGNORE));
  reducer->requests[w] = 0;
  lk_slice part = bucket_of(reducer, rank, k);
  for (int s = 0; s < reducer->sources; s++) {
    if (reducer->source_rank[s] == rank)
      reducer->source[s] = piece[s - reducer->first_source] + part.begin;
    else
      reducer->source[s] = reducer->received[w] + row++ * reducer->bucket;
  }
  lk_reducer_add(reducer, reducer->source, sum + (part.begin - reducer->own.begin), part.end - part.begin);
  return LK_OK;
}

lk_status lk_reducer_sum(lk_reducer *reducer, float *const *piece, float *sum) {
  for (ptrdiff_t k = 0; k < LK_WINDOW; k++) LK_TRY(start_bucket(reducer, piece, k));
  for (ptrdiff_t k = 0; k < reducer->buckets; k++) {
    LK_TRY(finish_bucket(reducer, piece, sum, k));
    LK_TRY(start_bucket(reducer, piece, k + LK_WINDOW));
  }
  return LK_OK;
}
