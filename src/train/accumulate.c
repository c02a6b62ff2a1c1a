#include "accumulate.h"

lk_status lk_accumulate_check(const lk_config *config, int shards) {
  if (config->train.accumulate <= shards) return LK_OK;
  return lk_config_error(
      config, "train.accumulate",
      "%lld parts of a batch that has %d shard%s: these are not divided; choose %d, or begin a run of "
      "more shards (parallel.shards)",
      (long long)config->train.accumulate, shards, lk_plural(shards), shards);
}

/* Add row `n` reals long; a row without a mark counts as +0.0, also where the other one is -0.0 (ARCHITECTURE.md). */
static void add_row(ptrdiff_t n, lk_real *into, uint8_t *into_mark, const lk_real *from, uint8_t from_mark) {
  if (*into_mark && from_mark) {
    lk_kernels_get()->add(n, from, into);
  } else if (*into_mark || from_mark) {
    for (ptrdiff_t i = 0; i < n; i++) into[i] = (from_mark ? from[i] : into[i]) + 0;
    *into_mark = 1;
  }
}

/* Vector `into` += vector `from`, tensor by tensor; it is a node of `count` shards then. */
static void add(const lk_accumulate *a, int into, int from, int count) {
  const lk_shards *shards = a->whole.shards;
  for (int i = 0; i < lk_params_tensors(a->whole.params); i++) {
    const lk_param *p = lk_params_at(a->whole.params, i);
    lk_real *x = a->vector[into] + p->offset;
    const lk_real *y = a->vector[from] + p->offset;
    if (!p->sparse || !a->marks[into]) {
      lk_kernels_get()->add(p->count, y, x);
      lk_sum_round(shards, count, p->count, x);
      continue;
    }
    const ptrdiff_t rows = p->shape[0], width = p->count / rows;
    uint8_t *x_mark = a->marks[into] + p->first_row, *y_mark = a->marks[from] + p->first_row;
    for (ptrdiff_t r = 0; r < rows; r++) {
      add_row(width, x + r * width, x_mark + r, y + r * width, y_mark[r]);
      if (x_mark[r]) lk_sum_round(shards, count, width, x + r * width);
    }
  }
}

/* The subtree of the rank that begins at this shard, or -1. */
static int begins(const lk_shards *rank, int shard) {
  for (int p = 0; p < rank->subtrees; p++)
    if (rank->subtree[p].first == shard) return p;
  return -1;
}

/* The first node of a subtree of the rank goes where the sum is wanted, others to a vector that is free. */
void lk_accumulate_begin(lk_accumulate *a, const lk_shards *part, lk_grads *grads) {
  const lk_shards *rank = a->whole.shards;
  *grads = (lk_grads){.shards = part, .params = a->whole.params};
  for (int k = 0; k < part->subtrees; k++) {
    int v = begins(rank, part->subtree[k].first);
    for (v = v < 0 ? rank->subtrees : v; v >= rank->subtrees && a->taken[v];) v++;
    LK_ASSERT(v < LK_MOST_VECTORS);
    a->taken[v] = true;
    a->written[k] = v;
    if (v >= a->vectors) a->vectors = v + 1;
    grads->subtree[k] = a->vector[v];
    grads->touched[k] = a->marks[v];
  }
}

void lk_accumulate_end(lk_accumulate *a, const lk_shards *part) {
  for (int k = 0; k < part->subtrees; k++) {
    const lk_subtree node = part->subtree[k];
    if (begins(a->whole.shards, node.first) >= 0) a->tree = lk_tree_start(part->total, node.first);
    a->holds[lk_tree_push(&a->tree, node)] = a->written[k];
    for (int into, from; lk_tree_merge(&a->tree, &into, &from);) {
      if (a->vector[a->holds[from]]) /* NULL: planned only */
        add(a, a->holds[into], a->holds[from], lk_tree_count(&a->tree));
      a->taken[a->holds[from]] = false;
    }
  }
}

/* How many vectors a step needs: found by going through one without any. */
static int count_vectors(const lk_shards *rank, int parts) {
  lk_accumulate plan = {.whole = {.shards = rank}};
  lk_grads ignored;
  for (int i = 0; i < parts; i++) {
    const lk_range of = lk_batch_part_shards(rank, parts, i);
    const lk_shards part = lk_shards_block(rank->total, rank->first + (int)of.begin, rank->first + (int)of.end);
    lk_accumulate_begin(&plan, &part, &ignored);
    lk_accumulate_end(&plan, &part);
  }
  return plan.vectors;
}

static ptrdiff_t sparse_rows(const lk_params *params) {
  ptrdiff_t rows = 0;
  for (int i = 0; i < lk_params_tensors(params); i++)
    if (lk_params_at(params, i)->sparse) rows += lk_params_at(params, i)->shape[0];
  return rows;
}

void lk_accumulate_layout(lk_accumulate *a, lk_arena *arena, const lk_loader *loader, int wanted,
                          const lk_grads *whole) {
  *a = (lk_accumulate){.whole = *whole};
  lk_batch_parts_layout(&a->parts, loader, wanted, arena);
  a->vectors = count_vectors(whole->shards, a->parts.count);
  for (int v = 0; v < a->vectors; v++) {
    const bool own = v < whole->shards->subtrees;
    a->vector[v] = own ? whole->subtree[v] : lk_arena_reals(arena, lk_params_count(whole->params));
    a->marks[v] = own ? whole->touched[v] : lk_arena_take(arena, (size_t)sparse_rows(whole->params));
  }
}

size_t lk_accumulate_bytes(const lk_accumulate *a) {
  return (size_t)(a->vectors - a->whole.shards->subtrees) * (size_t)lk_params_count(a->whole.params) * sizeof(lk_real);
}

void lk_accumulate_train(lk_accumulate *a, lk_task *task, const lk_params *params, const lk_batch *batch, lk_mode mode,
                         lk_real *lanes, lk_shard_stat *stat) {
  int first;
  lk_grads grads;
  for (int i = 0; i < a->parts.count; i++) {
    const lk_batch *part = lk_batch_part(&a->parts, batch, i, &first);
    lk_accumulate_begin(a, part->pack.shards, &grads);
    if (a->parts.count == 1) grads.tell = a->whole.tell, grads.context = a->whole.context; /* else not final yet */
    lk_task_train(task, params, part, mode, lanes, stat + first, &grads);
    lk_accumulate_end(a, part->pack.shards);
  }
}
