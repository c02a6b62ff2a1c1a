/* Values, slices, block sums and records between the ranks. */
#include "reducer_impl.h"

enum { TAG_VALUES = 4 };

lk_status lk_reducer_meet(lk_reducer *reducer) {
  lk_signals *own = reducer->member[reducer->local].signals;
  atomic_store_explicit(&own->shared, ++reducer->shares, memory_order_release);
  return LK_GROUP_WAIT(reducer, shared, reducer->shares);
}

static lk_status move_slice(lk_reducer *reducer, int slice, int other, bool send, int *requests) {
  lk_range part = reducer->slice[slice];
  int units = lk_mpi_count((size_t)((part.end - part.begin) / LK_LANES));
  float *at = reducer->values + part.begin;
  MPI_Request *request = &reducer->request[0][*requests];
  if (units == 0) return LK_OK;
  ++*requests;
  if (send) return LK_MPI(MPI_Isend, at, units, reducer->unit, other, TAG_VALUES, reducer->comm->mpi, request);
  return LK_MPI(MPI_Irecv, at, units, reducer->unit, other, TAG_VALUES, reducer->comm->mpi, request);
}

lk_status lk_reducer_share(lk_reducer *reducer) {
  int requests = 0, rank = reducer->comm->rank;
  for (int i = 0; i < reducer->share_froms; i++) {
    int from = reducer->share_from[i];
    LK_TRY(move_slice(reducer, from, from, false, &requests));
  }
  for (int i = 0; i < reducer->share_tos; i++) LK_TRY(move_slice(reducer, rank, reducer->share_to[i], true, &requests));
  if (requests > 0) LK_TRY(LK_MPI(MPI_Waitall, requests, reducer->request[0], reducer->status));
  return lk_reducer_meet(reducer);
}

lk_status lk_reducer_broadcast(lk_reducer *reducer) {
  size_t bytes = (size_t)reducer->P * sizeof(float);
  if (reducer->leaders.mpi != MPI_COMM_NULL) LK_TRY(lk_comm_broadcast(&reducer->leaders, reducer->values, bytes, 0));
  return lk_reducer_meet(reducer);
}

lk_status lk_reducer_gather(lk_reducer *reducer, const float *slice, float *all, int root) {
  return lk_comm_gather(reducer->comm, slice, all, reducer->slice_bytes, root);
}

lk_status lk_reducer_scatter(lk_reducer *reducer, const float *all, float *slice, int root) {
  return lk_comm_scatter(reducer->comm, all, slice, reducer->slice_bytes, root);
}

lk_status lk_reducer_square_sum(lk_reducer *reducer, double *out) {
  double *mine = reducer->block_sum + reducer->own.begin / LK_RANGE_BLOCK;
  LK_TRY(lk_comm_allgather(reducer->comm, mine, reducer->block_sum, reducer->block_bytes));
  *out = lk_pairwise_sum(reducer->block_sum, (reducer->P + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK);
  return LK_OK;
}

lk_status lk_reducer_records(lk_reducer *reducer, const void *mine, void *all, size_t bytes) {
  for (int r = 0; r < reducer->comm->size; r++)
    reducer->record_bytes[r] = bytes * (size_t)lk_shards_make(reducer->shards, r, reducer->comm->size).count;
  return lk_comm_allgather(reducer->comm, mine, all, reducer->record_bytes);
}
