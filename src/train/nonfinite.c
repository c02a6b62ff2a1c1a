/* nonfinite.c - where a non-finite gradient comes from: shards by their losses, else subtrees of the ranks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "trainer_impl.h"

enum { ROWS = 8 }; /* named of each shard or subtree */

/* Log the corpus rows of shards [first, end), counted from this rank's first. */
static void name_rows(const lk_trainer *t, int first, int end) {
  char where[96], shards[48];
  ptrdiff_t row = t->batch.pack.shard_seq[first], last = t->batch.pack.shard_seq[end];
  const int from = t->shards.first + first, to = t->shards.first + end - 1;
  snprintf(shards, sizeof shards, from == to ? "shard %d" : "shards %d to %d", from, to);
  for (int i = 0; i < ROWS && row < last; i++, row++)
    lk_log(LK_LOG_ERROR, "  rank %d, %s: %s", t->rank, shards, lk_loader_where(t->loader, &t->batch, row, where));
  if (row < last)
    lk_log(LK_LOG_ERROR, "  rank %d, %s: and %td more row%s", t->rank, shards, last - row, lk_plural(last - row));
}

static bool finite_between(const float *x, ptrdiff_t begin, ptrdiff_t end) {
  for (ptrdiff_t i = begin; i < end; i++)
    if (!isfinite(x[i])) return false;
  return true;
}

/* Of this rank's own subtree p. They are as backward left them, except that the total is in the rank's ranges of the
 * first. */
static bool subtree_is_finite(const lk_trainer *t, int p) {
  const float *x = t->grads.subtree[p];
  const ptrdiff_t P = lk_params_count(t->params);
  ptrdiff_t at = 0;
  for (int i = 0; p == 0 && i < t->own->count; at = t->own->at[i++].end)
    if (!finite_between(x, at, t->own->at[i].begin)) return false;
  return finite_between(x, at, P);
}

static bool total_is_finite(const lk_trainer *t) {
  for (int i = 0; i < t->own->count; i++)
    if (!finite_between(t->grads.subtree[0], t->own->at[i].begin, t->own->at[i].end)) return false;
  return true;
}

/* All losses are finite: find the ranks with a non-finite subtree. Where there is none the sum overflowed: then the
 * owner of a bad range of the total reports its rows. */
static lk_status name_subtrees(lk_trainer *t) {
  lk_status status = LK_OK;
  int64_t mine = 0, *all = NULL, found = 0;
  LK_GO(lk_comm_agree(t->comm, lk_alloc(&all, (size_t)t->size, sizeof *all)));
  for (int p = 0; p < t->shards.subtrees; p++) mine |= subtree_is_finite(t, p) ? 0 : (int64_t)1 << p;
  LK_GO(lk_comm_allgather_each(t->comm, &mine, all, sizeof mine));
  for (int r = 0; r < t->size; r++) found |= all[r];
  if (!found && !total_is_finite(t)) mine = 1;
  for (int p = 0; p < t->shards.subtrees; p++) {
    const int first = t->shards.subtree[p].first - t->shards.first;
    if (mine >> p & 1) name_rows(t, first, first + t->shards.subtree[p].count);
  }
done:
  free(all);
  return status;
}

lk_status lk_trainer_name_nonfinite(lk_trainer *t) {
  char shards[256] = "";
  size_t used = 0;
  for (int s = 0; s < t->shards.total && used < sizeof shards - 16; s++)
    if (!isfinite(t->control[s].stat.loss)) used += (size_t)snprintf(shards + used, sizeof shards - used, " %d", s);
  LK_WARN("step %lld: the gradient is not finite; the update is skipped on all ranks (%s%s)",
          (long long)t->state.step + 1, used ? "loss not finite in shards" : "every shard's loss is finite", shards);
  if (!used) return name_subtrees(t);
  for (int s = 0; s < t->shards.count; s++)
    if (!isfinite(t->stat[s].loss)) name_rows(t, s, s + 1);
  return LK_OK;
}
