#include "vectors_ranks.h"

#include "host_copy.h"

static lk_status fill(void *context, void *memory) {
  return lk_vectors_copy(*(const lk_vectors_file *)context, memory);
}

lk_status lk_vectors_share(lk_comm *comm, lk_vectors_file from, bool share) {
  const size_t bytes = lk_vectors_waiting(from);
  lk_host_copy copy;
  if (bytes == 0) return LK_OK;
  LK_TRY(lk_host_copy_make(&copy, comm, bytes, share, fill, &from));
  lk_vectors_keep(from, copy.memory, copy.mapped);
  return LK_OK;
}
