/* Whether all ranks read the same file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "comm_impl.h"
#include "arena.h"

typedef struct found {
  char host[MPI_MAX_PROCESSOR_NAME], digest[40];
} found;

lk_status lk_comm_same_file(lk_comm *comm, const char *path, const char *digest) {
  found mine = {0}, *all = NULL;
  lk_status status = LK_OK;
  snprintf(mine.host, sizeof mine.host, "%s", comm->host);
  snprintf(mine.digest, sizeof mine.digest, "%s", digest);
  LK_GO(lk_comm_agree(comm, lk_alloc(&all, (size_t)comm->size, sizeof *all)));
  LK_GO(lk_comm_allgather_each(comm, &mine, all, sizeof mine));
  for (int r = 1; r < comm->size && status == LK_OK; r++)
    if (strcmp(all[r].digest, all[0].digest) != 0)
      status = LK_FAIL(LK_DATA,
                       "%s: rank %d (host %s) finds another file there than rank 0 (host %s): digest %s, not %s; give "
                       "all ranks the same file",
                       path, r, all[r].host, all[0].host, all[r].digest, all[0].digest);
done:
  free(all);
  return status;
}
