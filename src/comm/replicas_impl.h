/* replicas_impl.h - the parameter store from inside, for the tree sum, which keeps gradients in the ranks' memory. */
#pragma once
#include "group_impl.h"
#include "sparse_rows_impl.h"

struct lk_replicas {
  lk_comm *comm;
  lk_group group;
  ptrdiff_t P;
  lk_row_table rows;
  float *values; /* [P], the group's */
  void *packed;
  lk_range *range;     /* [R] */
  size_t *range_bytes; /* [R] */
  /* Messages of lk_replicas_allgather(): ranks that this rank's range goes to; ranks whose ranges it receives for its
   * group. */
  int *send_to, *receive_from;
  int sends, receives;
  MPI_Request *request; /* [sends + receives] */
  MPI_Status *status;
  MPI_Datatype unit; /* LK_LANES floats: so MPI's int count reaches 128 GiB */
};
