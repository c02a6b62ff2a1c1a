/* Slices, block sums and records between the ranks. */
#include "reducer_impl.h"

lk_status lk_reducer_share(lk_reducer *reducer, float *values) {
  if (reducer->comm->size == 1) return LK_OK;
  return LK_MPI(MPI_Allgatherv, MPI_IN_PLACE, 0, reducer->unit, values, reducer->unit_count, reducer->unit_place,
                reducer->unit, reducer->comm->mpi);
}

lk_status lk_reducer_gather(lk_reducer *reducer, const float *slice, float *all, int root) {
  return lk_comm_gather(reducer->comm, slice, all, reducer->slice_bytes, root);
}

lk_status lk_reducer_scatter(lk_reducer *reducer, const float *all, float *slice, int root) {
  return lk_comm_scatter(reducer->comm, all, slice, reducer->slice_bytes, root);
}

lk_status lk_reducer_square_sum(lk_reducer *reducer, const float *slice, double *out) {
  double *mine = reducer->block_sum + reducer->own.begin / LK_SLICE_BLOCK;
  ptrdiff_t blocks = (reducer->P + LK_SLICE_BLOCK - 1) / LK_SLICE_BLOCK;
  lk_square_sums(slice, reducer->own.end - reducer->own.begin, mine);
  LK_TRY(lk_comm_allgather(reducer->comm, mine, reducer->block_sum, reducer->block_bytes));
  *out = lk_pairwise_sum(reducer->block_sum, blocks);
  return LK_OK;
}

lk_status lk_reducer_records(lk_reducer *reducer, const void *mine, void *all, size_t bytes) {
  for (int r = 0; r < reducer->comm->size; r++)
    reducer->record_bytes[r] = bytes * (size_t)lk_shards_make(reducer->shards, r, reducer->comm->size).count;
  return lk_comm_allgather(reducer->comm, mine, all, reducer->record_bytes);
}
