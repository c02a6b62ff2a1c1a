/* prepare_deal.c - which part a record of the training files goes to, if fractions are split off for valid and test.
 *
 * By default a fraction is taken from the end of the files, for formats with one label per sequence from the end of
 * each class (stratified). With shuffling, rows are first put into a random order, a function of the seed alone.
 * With groups, whole groups are assigned, the largest first, each to the part where it fits best (deal_groups.c). In
 * all cases the rows of a part keep the order of the files. */
#include <math.h>
#include <stdlib.h>

#include "deal_impl.h"
#include "arena.h"
#include "rng.h"

static lk_status visit_nothing(lk_job *job, const lk_input_file *source, lk_split split, const lk_record *record) {
  (void)job, (void)source, (void)split, (void)record;
  return LK_OK;
}

/* Number of n rows that go to each part. A fraction computed as 1 - 0.9 is slightly less than 0.1, hence the 1e-6. */
static void find_shares(const lk_prepare *p, ptrdiff_t n, ptrdiff_t share[LK_SPLITS]) {
  const double valid = p->fraction[LK_VALID], test = p->fraction[LK_TEST];
  const ptrdiff_t train = (ptrdiff_t)floor((double)n * (1.0 - valid - test) + 1e-6);
  const ptrdiff_t before = test > 0 ? (ptrdiff_t)floor((double)n * (1.0 - test) + 1e-6) : n;
  share[LK_TRAIN] = valid > 0 ? train : before;
  share[LK_VALID] = before - share[LK_TRAIN];
  share[LK_TEST] = n - before;
}

static lk_status deal_plainly(lk_job *job) {
  ptrdiff_t share[LK_SPLITS];
  LK_TRY(lk_job_walk(job, LK_TRAIN, visit_nothing));
  find_shares(job->settings, job->weight[LK_TRAIN], share);
  if (share[LK_VALID] > 0) job->cut[0] = share[LK_TRAIN];
  if (share[LK_TEST] > 0) job->cut[1] = share[LK_TRAIN] + share[LK_VALID];
  return LK_OK;
}

/* ---- rows with a class and a group ---- */

/* Store the id of a text, which is counted in `ids`, as that of row `row`. */
static lk_status gather(lk_vocab *ids, const char *text, size_t size, ptrdiff_t row, int32_t **id, size_t *capacity) {
  if (!ids) return LK_OK;
  LK_TRY(lk_grow(id, capacity, (size_t)row + 1, sizeof **id));
  LK_TRY(lk_vocab_count(ids, text, size));
  (*id)[row] = lk_vocab_find(ids, text, size, 0);
  return LK_OK;
}

static lk_status visit_gather(lk_job *job, const lk_input_file *source, lk_split split, const lk_record *record) {
  (void)source, (void)split;
  lk_deal *deal = job->deal;
  if (deal->rows >= INT32_MAX) return LK_FAIL(LK_DATA, "more than %d rows to deal to parts", INT32_MAX);
  const ptrdiff_t row = deal->rows++;
  LK_TRY(gather(deal->classes, record->label, record->label_size, row, &deal->class_id, &deal->class_capacity));
  return gather(deal->groups, job->group.data, job->group.size, row, &deal->group, &deal->group_capacity);
}

static int by_remainder(const void *a, const void *b) {
  const lk_deal_class *x = *(lk_deal_class *const *)a, *y = *(lk_deal_class *const *)b;
  if (x->remainder != y->remainder) return x->remainder < y->remainder ? 1 : -1;
  return x < y ? -1 : x > y; /* ties: the class that comes first */
}

/* Quota of each class for one part: its fraction rounded down, plus one for the classes with the largest remainders
 * until the part has all its rows. At least one row of every class remains for training. */
static void share_out(lk_deal_class *class, lk_deal_class **order, ptrdiff_t classes, lk_split part, double fraction,
                      ptrdiff_t wanted) {
  for (ptrdiff_t c = 0; c < classes; c++) {
    const double exact = (double)class[c].rows * fraction;
    const ptrdiff_t whole = (ptrdiff_t)floor(exact + 1e-6), most = class[c].left - 1;
    class[c].remainder = exact - (double)whole;
    class[c].quota[part] = whole < most ? whole : most;
    class[c].left -= class[c].quota[part];
    wanted -= class[c].quota[part];
    order[c] = &class[c];
  }
  qsort(order, (size_t)classes, sizeof *order, by_remainder);
  for (bool given = true; given && wanted > 0;) {
    given = false;
    for (ptrdiff_t c = 0; c < classes && wanted > 0; c++) {
      if (order[c]->left < 2) continue;
      order[c]->left--;
      order[c]->quota[part]++;
      wanted--;
      given = true;
    }
  }
}

/* Assign rows from the end of the order: to test, then to valid, as far as the quota of the class allows; the others
 * go to train. */
static void hand_out(lk_job *job, const lk_deal *deal, lk_deal_class *class) {
  for (ptrdiff_t i = deal->rows; i > 0; i--) {
    const ptrdiff_t row = lk_deal_row_at(deal, i - 1);
    ptrdiff_t *quota = class[lk_deal_class_of(deal, row)].quota;
    const lk_split part = quota[LK_TEST] > 0 ? LK_TEST : quota[LK_VALID] > 0 ? LK_VALID : LK_TRAIN;
    quota[part] -= part != LK_TRAIN;
    job->dealt[row] = (uint8_t)part;
  }
}

static lk_status deal_rows(lk_job *job, const lk_deal *deal) {
  const lk_prepare *p = job->settings;
  const ptrdiff_t classes = deal->classes ? lk_vocab_size(deal->classes) : 1;
  lk_status status;
  lk_deal_class *class = NULL, **order = NULL;
  ptrdiff_t share[LK_SPLITS];
  LK_GO(lk_alloc(&class, (size_t)classes, sizeof *class));
  LK_GO(lk_alloc(&order, (size_t)classes, sizeof *order));
  for (ptrdiff_t i = 0; i < deal->rows; i++) class[lk_deal_class_of(deal, i)].rows++;
  for (ptrdiff_t c = 0; c < classes; c++) class[c].left = class[c].rows;
  find_shares(p, deal->rows, share);
  for (int s = LK_TEST; s > LK_TRAIN; s--) share_out(class, order, classes, (lk_split)s, p->fraction[s], share[s]);
  hand_out(job, deal, class);
done:
  free(class);
  free(order);
  return status;
}

/* ---- entry points ---- */

static lk_status make_order(lk_deal *deal, const lk_prepare *p) {
  if (!p->shuffle) return LK_OK;
  LK_TRY(lk_alloc(&deal->order, (size_t)deal->rows, sizeof *deal->order));
  lk_rng_permutation(lk_rng_make(p->seed, LK_PURPOSE_DEAL), 0, 0, 0, deal->order, deal->rows);
  return LK_OK;
}

static bool is_alike(const lk_job *job) {
  return job->format->labels && job->info.kind != LK_CORPUS_LABEL && !job->settings->in_order;
}

static lk_status deal_with(lk_job *job, lk_deal *deal) {
  if (is_alike(job)) LK_TRY(lk_vocab_create(&deal->classes, false));
  if (job->settings->group.by) LK_TRY(lk_vocab_create(&deal->groups, false));
  LK_TRY(lk_job_walk(job, LK_TRAIN, visit_gather));
  if (deal->rows == 0) return LK_OK; /* the counting pass reports it */
  LK_TRY(make_order(deal, job->settings));
  uint8_t *dealt = NULL; /* job->dealt is set only now, because walks over the files read it during the passes before */
  LK_TRY(lk_alloc(&dealt, (size_t)deal->rows, sizeof *dealt));
  job->dealt = dealt;
  return deal->groups ? lk_deal_groups(job, deal) : deal_rows(job, deal);
}

lk_status lk_job_deal(lk_job *job) {
  const lk_prepare *p = job->settings;
  lk_deal deal = {0};
  job->cut[0] = job->cut[1] = PTRDIFF_MAX;
  if (p->fraction[LK_VALID] <= 0 && p->fraction[LK_TEST] <= 0) return LK_OK;
  if (!p->shuffle && !p->group.by && !is_alike(job)) return deal_plainly(job);
  job->deal = &deal;
  const lk_status status = deal_with(job, &deal);
  job->deal = NULL;
  lk_vocab_destroy(&deal.classes);
  lk_vocab_destroy(&deal.groups);
  free(deal.class_id);
  free(deal.group);
  free(deal.order);
  return status;
}

lk_status lk_job_describe_deal(const lk_job *job, lk_buffer *out) {
  const lk_prepare *p = job->settings;
  const lk_prepare_group *by = &p->group;
  for (int s = LK_VALID; s < LK_SPLITS; s++)
    if (p->fraction[s] > 0)
      LK_TRY(lk_buffer_printf(out, "%s%s %g", out->size > 0 ? ", " : "", lk_split_names[s], p->fraction[s]));
  if (out->size == 0) return LK_OK;
  if (p->shuffle) LK_TRY(lk_buffer_printf(out, ", shuffled by seed %llu", (unsigned long long)p->seed));
  if (is_alike(job)) LK_TRY(lk_buffer_printf(out, ", alike in class"));
  if (!p->shuffle && !by->by && !is_alike(job)) LK_TRY(lk_buffer_printf(out, ", from the end"));
  if (by->by == LK_GROUP_COLUMN) LK_TRY(lk_buffer_printf(out, ", by groups: column=%d", by->column));
  if (by->by == LK_GROUP_COMMENT) LK_TRY(lk_buffer_printf(out, ", by groups: comment=%s", by->text));
  if (by->by == LK_GROUP_LINE) LK_TRY(lk_buffer_printf(out, ", by groups: line=%s", by->text));
  if (by->by && by->upto) LK_TRY(lk_buffer_printf(out, ",upto=%s", by->upto));
  return LK_OK;
}

lk_status lk_prepare_check_deal(const lk_prepare *p, lk_corpus_kind kind) {
  const bool fractions = p->fraction[LK_VALID] > 0 || p->fraction[LK_TEST] > 0;
  const lk_group_by by = p->group.by;
  const char *option = by ? "group" : p->shuffle ? "shuffle" : p->in_order ? "in-order" : NULL;
  if (!option) return LK_OK;
  if (p->stream)
    return LK_FAIL(LK_USAGE, "--%s: one running text is cut in two or three places, there are no rows to deal out",
                   option);
  if (!fractions)
    return LK_FAIL(LK_USAGE, "--%s says how rows are dealt to the parts: say --valid-fraction or --test-fraction too",
                   option);
  if (p->in_order && (p->shuffle || by))
    return LK_FAIL(LK_USAGE,
                   "--in-order cannot be combined with --shuffle or --group, which change the order of the rows");
  if (by == LK_GROUP_COLUMN && kind == LK_CORPUS_TEXT)
    return LK_FAIL(LK_USAGE, "--group column=%d: lines of text have no columns; line=TEXT is for text",
                   p->group.column);
  if (by == LK_GROUP_COMMENT && kind != LK_CORPUS_LABEL)
    return LK_FAIL(LK_USAGE, "--group comment=%s is for label, not for %s", p->group.text, p->kind);
  if (by == LK_GROUP_LINE && kind != LK_CORPUS_LABEL && kind != LK_CORPUS_TEXT)
    return LK_FAIL(LK_USAGE, "--group line=%s is for text and label, not for %s: column=N names a column",
                   p->group.text, p->kind);
  return LK_OK;
}
