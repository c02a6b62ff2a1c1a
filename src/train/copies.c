/* copies.c - whether all copies of the weights have the same bits (parallel.check_every, and before each save). */
#include <stdlib.h>
#include <string.h>

#include "durable.h"
#include "trainer_impl.h"

/* The copies of the weights (one for each group of ranks that share memory) must have the same bits. The one that
 * differs is found by a majority of digests; of two copies either may be wrong. */
lk_status lk_trainer_check_replicas(lk_trainer *t) {
  const lk_part part = lk_replicas_part(t->replicas);
  lk_status status = LK_OK;
  char digest[33] = "", *all = NULL;
  int copies = 0;
  if (part.count == t->size) return LK_OK; /* there is only one copy */
  LK_GO(lk_weights_settle(&t->weights));
  LK_GO(lk_comm_agree(t->comm, lk_alloc(&all, (size_t)t->size, sizeof digest)));
  if (part.index == 0)
    lk_digest(lk_params_values(t->params), sizeof(float) * (size_t)lk_params_count(t->params), digest);
  LK_GO(lk_comm_allgather_each(t->comm, digest, all, sizeof digest));
  for (int r = 0; r < t->size; r++) copies += all[33 * r] != '\0';
  for (int r = 0; r < t->size && status == LK_OK; r++) {
    int alike = 0;
    if (all[33 * r] == '\0') continue; /* this rank has no copy of its own */
    for (int q = 0; q < t->size; q++) alike += strcmp(all + 33 * r, all + 33 * q) == 0;
    if (alike < copies && 2 * alike <= copies)
      status = LK_FAIL(LK_INTERNAL, "step %lld: the weights of rank %d differ from the other ranks'",
                       (long long)t->state.step, r);
  }
done:
  free(all);
  return status;
}
