/* Which rows a step takes. */
#include "loader_ahead_impl.h"

void lk_loader_plan(lk_loader *loader, int64_t epoch) {
  if (loader->epoch == epoch) return;
  loader->epoch = epoch;
  if (loader->stream) {
    lk_windows_place(&loader->windows, epoch, loader->window, loader->scratch);
    return;
  }
  for (int s = 0; s < loader->shards.count; s++) {
    ptrdiff_t first = loader->first[s];
    lk_plan_order(&loader->plan, loader->shards.first + s, epoch, loader->key + first, loader->order + first,
                  loader->scratch);
  }
  lk_plan_visits(&loader->plan, epoch, loader->visits);
}

lk_taken lk_loader_take(const lk_loader *loader, int64_t step, int s, ptrdiff_t before) {
  const lk_supply *part = loader->part;
  const int32_t slot = part ? part->visit[step - part->first] : loader->visits[step];
  const lk_range share = lk_plan_rows(&loader->plan, loader->shards.first + s, slot);
  lk_taken taken = {.count = lk_range_size(share)};
  if (part) {
    taken.base = (ptrdiff_t)part->begin[step - part->first] + before;
  } else {
    taken.base = loader->first[s];
    taken.order = loader->order + taken.base + share.begin;
  }
  return taken;
}
