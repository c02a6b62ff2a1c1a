#include "host_copy.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "arena.h"
#include "comm_impl.h"

/* Memory that all ranks of the host map, which outlives the window that it came in; false on all of them: none. */
static bool open_shared(lk_host_copy *copy, MPI_Comm host, int rank, size_t bytes) {
  lk_shared shared;
  char why[LK_ROOM_REASON];
  if (!lk_shared_agree(host, rank != 0 || lk_shared_room(bytes, why))) return false;
  const bool opened = lk_shared_open(&shared, host, bytes);
  if (!lk_shared_agree(host, opened)) {
    lk_shared_forget(&shared);
    return false;
  }
  const bool whole = shared.again && (rank != 0 || lk_shared_populate(&shared, shared.base, bytes));
  if (!lk_shared_agree(host, whole)) {
    lk_shared_close(&shared);
    return false;
  }
  copy->mapped = shared.bytes;
  copy->memory = lk_shared_detach(&shared);
  return true;
}

/* *filler: whether this rank is the one to fill it. */
static lk_status try_to_share(lk_host_copy *copy, lk_comm *comm, size_t bytes, bool *filler) {
  MPI_Comm host = MPI_COMM_NULL;
  int rank = 0, size = 0;
  *filler = true;
  LK_TRY(lk_shared_host(comm, &host));
  MPI_Comm_rank(host, &rank);
  MPI_Comm_size(host, &size);
  if (size > 1 && open_shared(copy, host, rank, bytes)) *filler = rank == 0;
  MPI_Comm_free(&host);
  return LK_OK;
}

static lk_status fill_mine(lk_host_copy *copy, size_t bytes, lk_status (*fill)(void *context, void *memory),
                           void *context) {
  if (!copy->memory) {
    char *memory = NULL;
    LK_TRY(lk_alloc(&memory, bytes, 1));
    copy->memory = memory;
  }
  return fill(context, copy->memory);
}

static void release(lk_host_copy *copy) {
  if (copy->mapped > 0)
    (void)munmap(copy->memory, copy->mapped);
  else
    free(copy->memory);
  *copy = (lk_host_copy){0};
}

lk_status lk_host_copy_make(lk_host_copy *copy, lk_comm *comm, size_t bytes, bool share,
                            lk_status (*fill)(void *context, void *memory), void *context) {
  bool filler = true;
  *copy = (lk_host_copy){0};
  if (share && comm->size > 1 && bytes >= LK_HUGE_FROM) LK_TRY(try_to_share(copy, comm, bytes, &filler));
  const lk_status status = lk_comm_agree(comm, filler ? fill_mine(copy, bytes, fill, context) : LK_OK);
  if (status == LK_OK && copy->mapped > 0) (void)mprotect(copy->memory, copy->mapped, PROT_READ);
  if (status != LK_OK) release(copy);
  return status;
}
