/* deal_groups.c - assign whole groups of rows to train, valid and test.
 *
 * Groups are assigned one at a time, the largest first (groups of equal size in the order of their rows), each to
 * the part for which
 *
 *     sum over parts p and classes c of (rows(p,c) - fraction(p) rows(c))^2 / rows(c)
 *
 * becomes smallest. Small groups come last and even out what the large ones left. The parts come as close to their
 * fractions as whole groups allow, and about as close in every class if classes are taken into account; train keeps
 * rows of each class if possible. */
#include <stdlib.h>

#include "deal_impl.h"
#include "arena.h"

typedef struct group {
  ptrdiff_t size, first; /* number of rows; position of its first row in the order */
  ptrdiff_t row;         /* start of its rows in `member` */
  lk_split part;
} group;

typedef struct table {
  ptrdiff_t groups, classes;
  group *group;    /* [groups] */
  group **order;   /* [groups] in the order in which they are assigned */
  int32_t *member; /* [rows] row indices, sorted by group */
  double *have;    /* [parts, classes] rows assigned so far */
  double *rows;    /* [classes] rows in total */
  double *count;   /* [classes] scratch: rows of the group at hand */
} table;

static int by_size(const void *a, const void *b) {
  const group *x = *(group *const *)a, *y = *(group *const *)b;
  if (x->size != y->size) return x->size < y->size ? 1 : -1;
  return x->first < y->first ? -1 : x->first > y->first;
}

static lk_status make_table(table *t, const lk_deal *deal) {
  t->groups = lk_vocab_size(deal->groups);
  t->classes = deal->classes ? lk_vocab_size(deal->classes) : 1;
  LK_TRY(lk_alloc(&t->group, (size_t)t->groups, sizeof *t->group));
  LK_TRY(lk_alloc(&t->order, (size_t)t->groups, sizeof *t->order));
  LK_TRY(lk_alloc(&t->member, (size_t)deal->rows, sizeof *t->member));
  LK_TRY(lk_alloc(&t->have, (size_t)(LK_SPLITS * t->classes), sizeof *t->have));
  LK_TRY(lk_alloc(&t->rows, (size_t)t->classes, sizeof *t->rows));
  LK_TRY(lk_alloc(&t->count, (size_t)t->classes, sizeof *t->count));
  for (ptrdiff_t i = deal->rows; i > 0; i--) t->group[deal->group[lk_deal_row_at(deal, i - 1)]].first = i - 1;
  for (ptrdiff_t i = 0; i < deal->rows; i++) {
    t->group[deal->group[i]].size++;
    t->rows[lk_deal_class_of(deal, i)]++;
  }
  ptrdiff_t at = 0;
  for (ptrdiff_t g = 0; g < t->groups; g++) {
    t->order[g] = &t->group[g];
    t->group[g].row = at;
    at += t->group[g].size;
    t->group[g].size = 0; /* counted again below, while rows are stored */
  }
  for (ptrdiff_t i = 0; i < deal->rows; i++) {
    group *g = &t->group[deal->group[i]];
    t->member[g->row + g->size++] = (int32_t)i;
  }
  qsort(t->order, (size_t)t->groups, sizeof *t->order, by_size);
  return LK_OK;
}

/* Increase of the objective above if the part receives this group, whose rows per class are in t->count. The loop
 * runs over rows; each of a class's k rows contributes 1/k of the class's term. */
static double cost_of(const table *t, const lk_deal *deal, const group *g, lk_split part, double fraction) {
  double cost = 0;
  for (ptrdiff_t i = 0; i < g->size; i++) {
    const int32_t c = lk_deal_class_of(deal, t->member[g->row + i]);
    const double k = t->count[c], lacks = fraction * t->rows[c] - t->have[part * t->classes + c];
    /* the class's term is k (k - 2 lacks) / rows; each of its k rows adds 1/k of it */
    cost += (k - 2.0 * lacks) / t->rows[c];
  }
  return cost;
}

/* Whether train would lose its last rows of some class without this group: then the group stays in train. */
static bool is_last(const table *t, const lk_deal *deal, const group *g) {
  for (ptrdiff_t i = 0; i < g->size; i++) {
    const int32_t c = lk_deal_class_of(deal, t->member[g->row + i]);
    if (t->rows[c] - t->have[LK_VALID * t->classes + c] - t->have[LK_TEST * t->classes + c] <= t->count[c]) return true;
  }
  return false;
}

static void deal_group(table *t, const lk_deal *deal, group *g, const double fraction[LK_SPLITS]) {
  double least = 0;
  g->part = LK_TRAIN;
  for (ptrdiff_t i = 0; i < g->size; i++) t->count[lk_deal_class_of(deal, t->member[g->row + i])]++;
  const bool last = is_last(t, deal, g);
  for (int s = LK_TRAIN; s < (last ? LK_VALID : LK_SPLITS); s++) {
    const double cost = fraction[s] > 0 ? cost_of(t, deal, g, (lk_split)s, fraction[s]) : 0;
    if (fraction[s] <= 0 || (s != LK_TRAIN && cost >= least)) continue;
    least = cost;
    g->part = (lk_split)s;
  }
  for (ptrdiff_t i = 0; i < g->size; i++) {
    const int32_t c = lk_deal_class_of(deal, t->member[g->row + i]);
    t->have[g->part * t->classes + c]++;
    t->count[c] = 0;
  }
}

static ptrdiff_t count_part(const table *t, lk_split part) {
  ptrdiff_t count = 0;
  for (ptrdiff_t g = 0; g < t->groups; g++) count += t->group[g].part == part;
  return count;
}

/* A part that received nothing, because every group is larger than its share, gets the smallest group of train. */
static void fill_part(const table *t, lk_split part) {
  if (count_part(t, part) > 0 || count_part(t, LK_TRAIN) < 2) return;
  ptrdiff_t g = t->groups - 1;
  while (t->order[g]->part != LK_TRAIN) g--;
  t->order[g]->part = part;
}

static lk_status deal_all(lk_job *job, table *t, const lk_deal *deal) {
  const double *asked = job->settings->fraction;
  const double fraction[LK_SPLITS] = {1.0 - asked[LK_VALID] - asked[LK_TEST], asked[LK_VALID], asked[LK_TEST]};
  const int parts = 1 + (asked[LK_VALID] > 0) + (asked[LK_TEST] > 0);
  if (t->groups < parts)
    return lk_input_file_fail(lk_job_first(job, LK_TRAIN), 1, 1, "%td subject%s (--group), too few for %d parts",
                              t->groups, lk_plural(t->groups), parts);
  for (ptrdiff_t g = 0; g < t->groups; g++) deal_group(t, deal, t->order[g], fraction);
  for (int s = LK_VALID; s < LK_SPLITS; s++)
    if (fraction[s] > 0) fill_part(t, (lk_split)s);
  for (int s = LK_TRAIN; s < LK_SPLITS; s++) job->report.groups[s] = count_part(t, (lk_split)s);
  for (ptrdiff_t i = 0; i < deal->rows; i++) job->dealt[i] = (uint8_t)t->group[deal->group[i]].part;
  return LK_OK;
}

lk_status lk_deal_groups(lk_job *job, const lk_deal *deal) {
  table t = {0};
  lk_status status = make_table(&t, deal);
  if (status == LK_OK) status = deal_all(job, &t, deal);
  free(t.group);
  free(t.order);
  free(t.member);
  free(t.have);
  free(t.rows);
  free(t.count);
  return status;
}
