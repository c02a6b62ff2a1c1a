/* Which rank owns which ranges and sends them to whom, from the spec and the groups alone. */
#include <stdlib.h>

#include "replicas_impl.h"

/* ---- ranges ---- */

/* What a real costs the rank that owns it, by the memory that is moved: to sum it, and to update it. */
enum { SUMMED = 2, UPDATED = 6 };

/* Of a block's reals: only rows that the step touches are summed, and perhaps only these are updated. */
static double row_cost(const lk_replicas_spec *spec, const lk_row_block *b) {
  const double touched = spec->tokens < (double)b->rows ? spec->tokens / (double)b->rows : 1;
  return touched * SUMMED + (spec->sparse_update ? touched : 1) * UPDATED;
}

/* What the first `at` reals cost. Quarters are enough, and whole numbers are the same on all ranks. */
static ptrdiff_t cost_before(const lk_replicas_spec *spec, ptrdiff_t at) {
  enum { UNIT = 4, DENSE = UNIT * (SUMMED + UPDATED), LEAST = UNIT };
  ptrdiff_t cost = DENSE * at;
  for (int i = 0; i < spec->block_count && at > spec->blocks[i].offset; i++) {
    const lk_row_block *b = &spec->blocks[i];
    const ptrdiff_t size = b->rows * b->width, inside = at - b->offset;
    const ptrdiff_t each = (ptrdiff_t)(UNIT * row_cost(spec, b));
    cost -= (inside < size ? inside : size) * (DENSE - (each > LEAST ? each : LEAST));
  }
  return cost;
}

/* The first multiple of LK_RANGE_BLOCK before which part/parts of a section's cost lie. */
static ptrdiff_t cut_at(const lk_replicas_spec *spec, lk_range section, ptrdiff_t part, ptrdiff_t parts) {
  const ptrdiff_t before = cost_before(spec, section.begin);
  const ptrdiff_t target = before + (cost_before(spec, section.end) - before) / parts * part;
  ptrdiff_t low = section.begin / LK_RANGE_BLOCK, high = (section.end + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK;
  if (part == parts) return section.end;
  while (low < high) {
    const ptrdiff_t middle = (low + high) / 2;
    if (cost_before(spec, middle * LK_RANGE_BLOCK) < target)
      low = middle + 1;
    else
      high = middle;
  }
  return low * LK_RANGE_BLOCK < section.end ? low * LK_RANGE_BLOCK : section.end;
}

lk_range lk_replicas_cut(const lk_replicas_spec *spec, lk_range section, int rank, int size) {
  LK_ASSERT(spec->P >= 0 && spec->P % LK_LANES == 0 && size > 0 && rank >= 0 && rank < size);
  LK_ASSERT(section.begin % LK_RANGE_BLOCK == 0 && section.end >= section.begin && section.end <= spec->P);
  return (lk_range){.begin = cut_at(spec, section, rank, size), .end = cut_at(spec, section, rank + 1, size)};
}

static lk_range section_of(const lk_replicas_spec *spec, int sections, int k) {
  return (lk_range){k > 0 ? spec->cut[k - 1] : 0, k < sections - 1 ? spec->cut[k] : spec->P};
}

/* Where one group is all, nothing travels: one section. */
static lk_status cut_ranges(lk_replicas *s, const lk_replicas_spec *spec) {
  const int size = s->comm->size, sections = s->group.groups > 1 ? spec->cuts + 1 : 1;
  LK_ASSERT(sections <= LK_MOST_RANGES);
  s->sections = (lk_sections){.count = sections, .ranks = size};
  LK_TRY(lk_alloc(&s->sections.range, (size_t)(sections * size), sizeof *s->sections.range));
  LK_TRY(lk_alloc(&s->range_bytes, (size_t)(sections * size), sizeof *s->range_bytes));
  for (int i = 0; i < sections * size; i++) {
    const lk_range range = lk_replicas_cut(spec, section_of(spec, sections, i / size), i % size, size);
    s->sections.range[i] = range;
    s->range_bytes[i] = (size_t)lk_range_size(range) * sizeof(float);
  }
  s->own.count = sections;
  for (int k = 0; k < sections; k++) s->own.at[k] = lk_section_range(&s->sections, k, s->comm->rank);
  return LK_OK;
}

lk_range lk_section_range(const lk_sections *sections, int section, int rank) {
  return sections->range[section * sections->ranks + rank];
}

static ptrdiff_t longest_of(const lk_range *range, int count) {
  ptrdiff_t longest = 0;
  for (int i = 0; i < count; i++)
    if (lk_range_size(range[i]) > longest) longest = lk_range_size(range[i]);
  return longest;
}

ptrdiff_t lk_longest_range(const lk_sections *sections) {
  return longest_of(sections->range, sections->count * sections->ranks);
}

/* ---- buckets ---- */

static int section_in_turn(const lk_buckets *buckets, int turn) {
  return buckets->falling ? buckets->sections - 1 - turn : turn;
}

static int turn_of(const lk_buckets *buckets, ptrdiff_t k) {
  int turn = 0;
  while (turn + 1 < buckets->sections && k >= buckets->first[turn + 1]) turn++;
  return turn;
}

lk_buckets lk_buckets_make(const lk_sections *sections, ptrdiff_t size, bool falling) {
  lk_buckets buckets = {.size = size, .falling = falling, .sections = sections->count};
  for (int turn = 0; turn < sections->count; turn++) {
    const lk_range *range = sections->range + section_in_turn(&buckets, turn) * sections->ranks;
    buckets.first[turn + 1] = buckets.first[turn] + (longest_of(range, sections->ranks) + size - 1) / size;
  }
  return buckets;
}

int lk_bucket_section(const lk_buckets *buckets, ptrdiff_t k) { return section_in_turn(buckets, turn_of(buckets, k)); }

lk_range lk_bucket(const lk_sections *sections, const lk_buckets *buckets, int rank, ptrdiff_t k) {
  const lk_range range = lk_section_range(sections, lk_bucket_section(buckets, k), rank);
  const ptrdiff_t begin = range.begin + (k - buckets->first[turn_of(buckets, k)]) * buckets->size;
  const ptrdiff_t end = begin + buckets->size;
  return (lk_range){begin < range.end ? begin : range.end, end < range.end ? end : range.end};
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
  return LK_OK;
}

/* Equal on every rank, however many ranges each receives. */
static void cut_buckets(lk_replicas *s) {
  const ptrdiff_t bucket = s->comm->bucket / s->comm->size / LK_RANGE_BLOCK * LK_RANGE_BLOCK;
  s->buckets = lk_buckets_make(&s->sections, bucket < LK_RANGE_BLOCK ? LK_RANGE_BLOCK : bucket, false);
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
  s->late = getenv("LOCKSTEP_TEST_LATE") != NULL;
  return LK_OK;
}

void lk_replicas_unplan(lk_replicas *s) {
  void *tables[] = {s->rows.block, s->sections.range, s->range_bytes, s->send_to, s->receive_from, s->status};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) free(tables[i]);
}
