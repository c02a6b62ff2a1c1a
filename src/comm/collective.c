/* Collective copies of bytes. MPI's counts are int, so larger data is sent in chunks of comm->chunk bytes. */
#include <stdlib.h>
#include <string.h>

#include "comm_impl.h"
#include "arena.h"

enum { TAG_GATHER = 1, TAG_SCATTER };

lk_status lk_comm_tables(lk_comm *comm) {
  LK_TRY(lk_alloc(&comm->counts, (size_t)comm->size, sizeof *comm->counts));
  LK_TRY(lk_alloc(&comm->places, (size_t)comm->size, sizeof *comm->places));
  return lk_alloc(&comm->bytes, (size_t)comm->size, sizeof *comm->bytes);
}

void lk_comm_free_tables(lk_comm *comm) {
  free(comm->counts);
  free(comm->places);
  free(comm->bytes);
}

static size_t chunk_at(const lk_comm *comm, size_t done, size_t bytes) {
  return bytes - done < comm->chunk ? bytes - done : comm->chunk;
}

static lk_status send_bytes(lk_comm *comm, const void *data, size_t bytes, int to, int tag) {
  for (size_t done = 0, n; done < bytes; done += n) {
    n = chunk_at(comm, done, bytes);
    LK_TRY(LK_MPI(MPI_Send, (const char *)data + done, lk_mpi_count(n), MPI_BYTE, to, tag, comm->mpi));
  }
  return LK_OK;
}

static lk_status receive_bytes(lk_comm *comm, void *data, size_t bytes, int from, int tag) {
  for (size_t done = 0, n; done < bytes; done += n) {
    n = chunk_at(comm, done, bytes);
    LK_TRY(LK_MPI(MPI_Recv, (char *)data + done, lk_mpi_count(n), MPI_BYTE, from, tag, comm->mpi, MPI_STATUS_IGNORE));
  }
  return LK_OK;
}

/* A rank's own part may be in its place already. */
static void copy_bytes(void *to, const void *from, size_t bytes) {
  if (to != from && bytes > 0) memmove(to, from, bytes);
}

lk_status lk_comm_broadcast(lk_comm *comm, void *data, size_t bytes, int root) {
  for (size_t done = 0, n; done < bytes && comm->size > 1; done += n) {
    n = chunk_at(comm, done, bytes);
    LK_TRY(LK_MPI(MPI_Bcast, (char *)data + done, lk_mpi_count(n), MPI_BYTE, root, comm->mpi));
  }
  return LK_OK;
}

lk_status lk_comm_broadcast_block(lk_comm *comm, void **data, size_t *bytes, int root) {
  if (comm->size == 1) return LK_OK;
  uint64_t size = comm->rank == root ? *bytes : 0;
  LK_TRY(lk_comm_broadcast(comm, &size, sizeof size, root));
  void *block = comm->rank == root ? *data : NULL;
  lk_status status = LK_OK;
  if (comm->rank != root) status = lk_alloc(&block, size + 1, 1); /* and a NUL, so that text ends */
  status = lk_comm_agree(comm, status);
  if (status == LK_OK) status = lk_comm_broadcast(comm, block, size, root);
  if (comm->rank == root) return status;
  if (status == LK_OK) {
    *data = block;
    *bytes = size;
  } else {
    free(block);
  }
  return status;
}

lk_status lk_comm_gather(lk_comm *comm, const void *mine, void *all, const size_t *bytes_of, int root) {
  if (comm->rank != root) return send_bytes(comm, mine, bytes_of[comm->rank], root, TAG_GATHER);
  char *to = all;
  for (int r = 0; r < comm->size; to += bytes_of[r++]) {
    if (r == root)
      copy_bytes(to, mine, bytes_of[r]);
    else
      LK_TRY(receive_bytes(comm, to, bytes_of[r], r, TAG_GATHER));
  }
  return LK_OK;
}

lk_status lk_comm_scatter(lk_comm *comm, const void *all, void *mine, const size_t *bytes_of, int root) {
  if (comm->rank != root) return receive_bytes(comm, mine, bytes_of[comm->rank], root, TAG_SCATTER);
  const char *from = all;
  for (int r = 0; r < comm->size; from += bytes_of[r++]) {
    if (r == root)
      copy_bytes(mine, from, bytes_of[r]);
    else
      LK_TRY(send_bytes(comm, from, bytes_of[r], r, TAG_SCATTER));
  }
  return LK_OK;
}

/* More bytes than MPI's int displacements can express: one broadcast for each rank. */
static lk_status allgather_large(lk_comm *comm, const void *mine, char *all, const size_t *bytes_of) {
  for (int r = 0; r < comm->size; all += bytes_of[r++]) {
    if (r == comm->rank) copy_bytes(all, mine, bytes_of[r]);
    LK_TRY(lk_comm_broadcast(comm, all, bytes_of[r], r));
  }
  return LK_OK;
}

lk_status lk_comm_allgather(lk_comm *comm, const void *mine, void *all, const size_t *bytes_of) {
  size_t total = 0;
  for (int r = 0; r < comm->size; r++) total += bytes_of[r];
  if (total > comm->chunk) return allgather_large(comm, mine, all, bytes_of);
  int at = 0;
  for (int r = 0; r < comm->size; r++) {
    comm->counts[r] = lk_mpi_count(bytes_of[r]);
    comm->places[r] = at;
    at += comm->counts[r];
  }
  copy_bytes((char *)all + comm->places[comm->rank], mine, bytes_of[comm->rank]);
  return LK_MPI(MPI_Allgatherv, MPI_IN_PLACE, 0, MPI_BYTE, all, comm->counts, comm->places, MPI_BYTE, comm->mpi);
}

lk_status lk_comm_allgather_each(lk_comm *comm, const void *mine, void *all, size_t bytes) {
  for (int r = 0; r < comm->size; r++) comm->bytes[r] = bytes;
  return lk_comm_allgather(comm, mine, all, comm->bytes);
}

const size_t *lk_comm_shard_bytes(lk_comm *comm, int shards, size_t bytes) {
  for (int r = 0; r < comm->size; r++) comm->bytes[r] = bytes * (size_t)lk_shards_make(shards, r, comm->size).count;
  return comm->bytes;
}

lk_status lk_comm_allgather_shards(lk_comm *comm, int shards, const void *mine, void *all, size_t bytes) {
  return lk_comm_allgather(comm, mine, all, lk_comm_shard_bytes(comm, shards, bytes));
}

lk_status lk_comm_sum_counts(lk_comm *comm, int64_t *counts, ptrdiff_t n) {
  const ptrdiff_t most = comm->chunk > sizeof *counts ? (ptrdiff_t)(comm->chunk / sizeof *counts) : 1;
  for (ptrdiff_t at = 0; at < n; at += most)
    LK_TRY(LK_MPI(MPI_Allreduce, MPI_IN_PLACE, counts + at, lk_mpi_count((size_t)(n - at < most ? n - at : most)),
                  MPI_INT64_T, MPI_SUM, comm->mpi));
  return LK_OK;
}
