#include "loader.h"
#include "plan_impl.h"

/* The sequences to pack, and whether <sos> is put before and <eos> after each of them. */
typedef struct given {
  ptrdiff_t count;
  const int32_t *const *ids;
  const ptrdiff_t *length;
  bool sos, eos;
} given;

/* Size of the packed batch: rows in total and longest sequence. */
typedef struct extent {
  ptrdiff_t N, T;
} extent;

static ptrdiff_t rows_of(const given *g, ptrdiff_t i) { return g->length[i] + g->sos + g->eos; }

static lk_status measure(const given *g, extent *e) {
  LK_ASSERT(g->count >= 0 && g->count <= INT32_MAX);
  *e = (extent){0};
  for (ptrdiff_t i = 0; i < g->count; i++) {
    LK_ASSERT(g->length[i] >= 0 && rows_of(g, i) >= 1);
    if (g->length[i] > INT32_MAX - g->count - e->N - 2)
      return LK_FAIL(LK_MEMORY, "%td sequences hold more units than fit into one batch", g->count);
    e->N += rows_of(g, i);
    if (rows_of(g, i) > e->T) e->T = rows_of(g, i);
  }
  return LK_OK;
}

/* Used both to measure the arena and to assign the pointers, so that sizes and pointers cannot disagree. */
typedef struct layout {
  lk_batch *batch;
  int32_t *order, *scratch, *key;
} layout;

static void lay_out_scratch(layout *l, lk_arena *arena, ptrdiff_t B) {
  l->order = lk_arena_ints(arena, B);
  l->scratch = lk_arena_ints(arena, B);
  l->key = lk_arena_ints(arena, B);
}

/* Sort the sequences by falling length and fill in lengths, ids and rows of the pack; l->order[b] is the index of
 * the given sequence that became sequence b. */
static void pack_up(layout *l, lk_pack *pack, const given *g) {
  for (ptrdiff_t i = 0; i < g->count; i++) {
    l->order[i] = (int32_t)i;
    l->key[i] = (int32_t)rows_of(g, i);
  }
  lk_sort_falling(l->order, l->scratch, g->count, l->key);
  pack->shard_seq[0] = 0;
  pack->shard_seq[1] = g->count;
  for (ptrdiff_t b = 0; b < g->count; b++) {
    pack->length[b] = l->key[l->order[b]];
    pack->id[b] = (uint32_t)l->order[b];
  }
  lk_pack_fill(pack);
}

/* Scatter the ids of every sequence to its packed rows, with <sos> and <eos> where requested. */
static void spread(const lk_pack *pack, const given *g, int32_t *out) {
  for (ptrdiff_t b = 0; b < pack->B; b++) {
    const ptrdiff_t i = (ptrdiff_t)pack->id[b];
    ptrdiff_t t = -(ptrdiff_t)g->sos;
    for (ptrdiff_t r = lk_pack_row(pack, b, 0); r >= 0; r = pack->later[r], t++)
      out[r] = t < 0 ? LK_SOS : t < g->length[i] ? g->ids[i][t] : LK_EOS;
  }
}

static void tell(const lk_pack *pack, ptrdiff_t *perm) {
  for (ptrdiff_t b = 0; b < pack->B; b++) perm[b] = (ptrdiff_t)pack->id[b];
}

static lk_inputs ids_of(int32_t *ids) { return (lk_inputs){.count = 1, .column = {{.name = "source", .ids = ids}}}; }

/* ---- one sequence per row ---- */

static void lay_out(layout *l, lk_arena *arena, const lk_shards *one, ptrdiff_t B, extent e) {
  *l->batch = (lk_batch){0};
  lk_pack_layout(&l->batch->pack, arena, one, B, e.N, e.T);
  l->batch->input = ids_of(lk_arena_ints(arena, e.N));
  lay_out_scratch(l, arena, B);
}

lk_status lk_batch_from_ids(lk_batch *batch, lk_arena *arena, const lk_shards *one, ptrdiff_t count,
                            const int32_t *const *ids, const ptrdiff_t *length, ptrdiff_t *perm) {
  LK_ASSERT(one->count == 1);
  const given g = {.count = count, .ids = ids, .length = length};
  layout l = {.batch = batch};
  lk_arena plan = {0};
  extent e;
  LK_TRY(measure(&g, &e));
  lay_out(&l, &plan, one, count, e);
  arena->used = plan.used;
  LK_TRY(lk_arena_reserve(arena));
  lay_out(&l, arena, one, count, e);
  pack_up(&l, &batch->pack, &g);
  spread(&batch->pack, &g, lk_batch_ids(batch));
  tell(&batch->pack, perm);
  batch->tokens = e.N;
  return LK_OK;
}

/* ---- pairs of source and target ---- */

static void lay_out_pairs(layout *l, lk_arena *arena, const lk_shards *one, ptrdiff_t B, extent source,
                          const extent *target) {
  lk_batch *batch = l->batch;
  *batch = (lk_batch){0};
  lk_pack_layout(&batch->encoder_pack, arena, one, B, source.N, source.T);
  lk_pack_layout(&batch->pack, arena, one, target ? B : 0, target ? target->N : 0, target ? target->T : 0);
  batch->input = ids_of(lk_arena_ints(arena, source.N));
  if (target) {
    batch->decoder_ids = lk_arena_ints(arena, target->N);
    batch->target = lk_arena_ints(arena, target->N);
    batch->partner = lk_arena_ints(arena, B);
  }
  lay_out_scratch(l, arena, B);
}

static lk_status reserve_pairs(layout *l, lk_arena *arena, const lk_shards *one, const given *sources,
                               const given *targets) {
  lk_arena plan = {0};
  extent source, target = {0};
  LK_ASSERT(one->count == 1);
  LK_TRY(measure(sources, &source));
  if (targets) LK_TRY(measure(targets, &target));
  lay_out_pairs(l, &plan, one, sources->count, source, targets ? &target : NULL);
  arena->used = plan.used;
  LK_TRY(lk_arena_reserve(arena));
  lay_out_pairs(l, arena, one, sources->count, source, targets ? &target : NULL);
  l->batch->tokens = source.N + target.N;
  pack_up(l, &l->batch->encoder_pack, sources);
  spread(&l->batch->encoder_pack, sources, lk_batch_ids(l->batch));
  return LK_OK;
}

lk_status lk_batch_from_sources(lk_batch *batch, lk_arena *arena, const lk_shards *one, ptrdiff_t count,
                                const int32_t *const *ids, const ptrdiff_t *length, ptrdiff_t *perm) {
  const given sources = {.count = count, .ids = ids, .length = length, .eos = true};
  layout l = {.batch = batch};
  LK_TRY(reserve_pairs(&l, arena, one, &sources, NULL));
  batch->pack.shard_seq[0] = batch->pack.shard_seq[1] = 0;
  lk_pack_fill(&batch->pack);
  tell(&batch->encoder_pack, perm);
  return LK_OK;
}

lk_status lk_batch_from_pairs(lk_batch *batch, lk_arena *arena, const lk_shards *one, ptrdiff_t count,
                              const int32_t *const *source, const ptrdiff_t *source_length,
                              const int32_t *const *target, const ptrdiff_t *target_length, ptrdiff_t *perm) {
  const given sources = {.count = count, .ids = source, .length = source_length, .eos = true};
  given targets = {.count = count, .ids = target, .length = target_length, .sos = true};
  layout l = {.batch = batch};
  LK_TRY(reserve_pairs(&l, arena, one, &sources, &targets));
  for (ptrdiff_t e = 0; e < count; e++) l.scratch[batch->encoder_pack.id[e]] = (int32_t)e;
  /* by pair index; saved here because pack_up() overwrites the scratch array */
  for (ptrdiff_t i = 0; i < count; i++) batch->partner[i] = l.scratch[i];
  pack_up(&l, &batch->pack, &targets);
  spread(&batch->pack, &targets, batch->decoder_ids);
  targets.sos = false; /* targets use the same rows, shifted by one unit */
  targets.eos = true;
  spread(&batch->pack, &targets, batch->target);
  for (ptrdiff_t b = 0; b < count; b++) l.scratch[b] = batch->partner[batch->pack.id[b]];
  for (ptrdiff_t b = 0; b < count; b++) batch->partner[b] = l.scratch[b];
  tell(&batch->pack, perm);
  return LK_OK;
}
