/* Which rank owns which range and sends it to whom, from the spec and the groups alone. */
#include <stdlib.h>

#include "replicas_impl.h"

/* ---- ranges ---- */

/* What the first `at` reals cost the rank that owns them, by the memory that is moved: rows that few steps touch are
 * rarely summed, and updated or not. */
static ptrdiff_t cost_before(const lk_replicas_spec *spec, ptrdiff_t at) {
  enum { DENSE = 8, UPDATED = 6, SKIPPED = 1 };
  ptrdiff_t cost = DENSE * at;
  for (int i = 0; i < spec->block_count && at > spec->blocks[i].offset; i++) {
    const lk_row_block *b = &spec->blocks[i];
    const ptrdiff_t size = b->rows * b->width, inside = at - b->offset;
    cost -= (inside < size ? inside : size) * (DENSE - (spec->sparse_update ? SKIPPED : UPDATED));
  }
  return cost;
}

/* The first multiple of LK_RANGE_BLOCK before which part/parts of the whole cost lie. */
static ptrdiff_t cut_at(const lk_replicas_spec *spec, ptrdiff_t part, ptrdiff_t parts) {
  const ptrdiff_t P = spec->P, target = cost_before(spec, P) / parts * part;
  ptrdiff_t low = 0, high = (P + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK;
  if (part == parts) return P;
  while (low < high) {
    const ptrdiff_t middle = (low + high) / 2;
    if (cost_before(spec, middle * LK_RANGE_BLOCK) < target)
      low = middle + 1;
    else
      high = middle;
  }
  return low * LK_RANGE_BLOCK < P ? low * LK_RANGE_BLOCK : P;
}

lk_range lk_replicas_cut(const lk_replicas_spec *spec, int rank, int size) {
  LK_ASSERT(spec->P >= 0 && spec->P % LK_LANES == 0 && size > 0 && rank >= 0 && rank < size);
  return (lk_range){.begin = cut_at(spec, rank, size), .end = cut_at(spec, rank + 1, size)};
}

static lk_status cut_ranges(lk_replicas *s, const lk_replicas_spec *spec) {
  const int size = s->comm->size;
  LK_TRY(lk_alloc(&s->range, (size_t)size, sizeof *s->range));
  LK_TRY(lk_alloc(&s->range_bytes, (size_t)size, sizeof *s->range_bytes));
  for (int r = 0; r < size; r++) {
    s->range[r] = lk_replicas_cut(spec, r, size);
    s->range_bytes[r] = (size_t)lk_range_size(s->range[r]) * sizeof(float);
  }
  return LK_OK;
}

/* ---- who sends which range to whom ---- */

/* The rank of a group that receives range `range` for all of it: its members take turns. */
static int receiver_of(const lk_group *group, int of, int range) {
  int members = 0, turn;
  for (int r = 0; r < group->comm->size; r++) members += group->of[r] == of;
  LK_ASSERT(members > 0);
  turn = range % members;
  for (int r = 0;; r++)
    if (group->of[r] == of && turn-- == 0) return r;
}

static lk_status plan_messages(lk_replicas *s) {
  const lk_group *group = &s->group;
  const int rank = s->comm->rank, size = s->comm->size;
  LK_TRY(lk_alloc(&s->send_to, (size_t)size, sizeof *s->send_to));
  LK_TRY(lk_alloc(&s->receive_from, (size_t)size, sizeof *s->receive_from));
  for (int d = 1; d < size; d++) { /* right neighbour first, so that not all ranks begin with the same one */
    const int r = (rank + d) % size;
    if (group->of[r] == group->of[rank]) continue;
    if (group->of[r] == r) s->send_to[s->sends++] = receiver_of(group, r, rank);
    if (receiver_of(group, group->of[rank], r) == rank) s->receive_from[s->receives++] = r;
  }
  LK_TRY(lk_alloc(&s->request, (size_t)(s->sends + s->receives), sizeof *s->request));
  return lk_alloc(&s->status, (size_t)(s->sends + s->receives), sizeof *s->status);
}

ptrdiff_t lk_longest_range(const lk_range *range, int R) {
  ptrdiff_t longest = 0;
  for (int r = 0; r < R; r++)
    if (lk_range_size(range[r]) > longest) longest = lk_range_size(range[r]);
  return longest;
}

/* Equal on every rank, however many ranges each receives. */
static void cut_buckets(lk_replicas *s) {
  const int size = s->comm->size;
  s->bucket = s->comm->bucket / size / LK_RANGE_BLOCK * LK_RANGE_BLOCK;
  if (s->bucket < LK_RANGE_BLOCK) s->bucket = LK_RANGE_BLOCK;
  s->buckets = (lk_longest_range(s->range, size) + s->bucket - 1) / s->bucket;
}

lk_range lk_bucket(lk_range range, ptrdiff_t size, ptrdiff_t k) {
  const ptrdiff_t begin = range.begin + k * size, end = begin + size;
  return (lk_range){begin < range.end ? begin : range.end, end < range.end ? end : range.end};
}

lk_status lk_replicas_plan(lk_replicas *s, const lk_replicas_spec *spec) {
  LK_TRY(lk_row_table_init(&s->rows, spec->blocks, spec->block_count, spec->P));
  LK_TRY(cut_ranges(s, spec));
  LK_TRY(plan_messages(s));
  cut_buckets(s);
  s->P = spec->P;
  s->wire = spec->wire;
  s->skips = spec->sparse_update && s->rows.rows > 0;
  s->by_rows = s->skips && s->group.groups > 1;
  return LK_OK;
}

void lk_replicas_unplan(lk_replicas *s) {
  void *tables[] = {s->rows.block, s->range, s->range_bytes, s->send_to, s->receive_from, s->request, s->status};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) free(tables[i]);
}
