/* The tree sum of a step: members' subtrees are read in place, other groups' are received, a bucket of each rank at a
 * time. */
#include <string.h>

#include "bf16.h"
#include "reduction_impl.h"

enum { TAG_SUBTREE = 3 };

static const lk_rank_gradients *own_gradients(const lk_reduction *sum) { return &sum->of[sum->group->local]; }

/* Row `row` of a buffer of rows [bucket] as they are sent. */
static void *row_of(const lk_reduction *sum, void *rows, int row) {
  return (char *)rows + (size_t)(row * sum->bucket) * sum->real;
}

static lk_status receive_bucket(lk_reduction *sum, ptrdiff_t k) {
  lk_range part = lk_bucket(sum->sections, &sum->buckets, sum->comm->rank, k);
  int w = (int)(k % LK_BUCKETS_IN_FLIGHT), row = 0;
  if (part.begin == part.end) return LK_OK;
  size_t bytes = (size_t)(part.end - part.begin) * sum->real; /* at most */
  for (int s = 0; s < sum->terms; s++) {
    if (sum->term[s].member >= 0) continue;
    void *to = row_of(sum, sum->incoming[w], row++);
    LK_TRY(LK_MPI(MPI_Irecv, to, lk_mpi_count(bytes), MPI_BYTE, sum->term[s].from, TAG_SUBTREE, sum->comm->mpi,
                  &sum->request[w][sum->requests[w]++]));
  }
  return LK_OK;
}

/* The terms that members hold, in a part. */
static void operands_in_place(const lk_reduction *sum, lk_range part) {
  ptrdiff_t first_row = sum->rows->rows > 0 ? lk_row_at(sum->rows, part.begin) : 0;
  for (int s = 0; s < sum->terms; s++) {
    const lk_term *term = &sum->term[s];
    if (term->member < 0) continue;
    const lk_rank_gradients *of = &sum->of[term->member];
    sum->operand[s] = (lk_operand){.x = of->gradient[term->subtree] + part.begin,
                                   .marks = sum->rows->rows > 0 ? of->marks[term->subtree] + first_row : NULL};
  }
}

/* One subtree of the run, summed, to one rank. A subtree that this rank holds whole is sent from its place, unless it is
 * to be narrowed. */
static lk_status send_sum(lk_reduction *sum, int w, int to, lk_range part, const lk_sum_plan *plan, void *row) {
  uint8_t *present = sum->present + sum->terms + LK_TREE_LEVELS;
  const lk_operand *one = &sum->operand[plan->value < sum->terms ? plan->value : 0];
  float *added = sum->half ? sum->narrowed : row;
  const void *x = plan->ops > 0 ? added : one->x;
  const uint8_t *marks = plan->ops > 0 ? present : one->marks;
  ptrdiff_t n = part.end - part.begin;
  for (ptrdiff_t at = 0; at < n && plan->ops > 0; at += LK_SUM_BLOCK) {
    ptrdiff_t count = n - at < LK_SUM_BLOCK ? n - at : LK_SUM_BLOCK;
    lk_reduction_add(sum, plan, part.begin, at, count, added + at, present);
  }
  if (sum->half) lk_bf16_narrow_all(n, x, row), x = row;
  bool packed = false;
  size_t bytes = lk_rows_bytes(sum->rows, part, marks, sum->real, &packed);
  if (packed)
    lk_rows_pack(sum->rows, part, marks, sum->real, x, row);
  else if (x == row)
    lk_rows_clear(sum->rows, part, marks, sum->real, row);
  return LK_MPI(MPI_Isend, packed ? row : x, lk_mpi_count(bytes), MPI_BYTE, to, TAG_SUBTREE, sum->comm->mpi,
                &sum->request[w][sum->requests[w]++]);
}

static lk_status send_bucket(lk_reduction *sum, ptrdiff_t k) {
  int w = (int)(k % LK_BUCKETS_IN_FLIGHT), subtrees = sum->run.shards.subtrees;
  for (int d = 0; d < sum->destinations; d++) {
    lk_range part = lk_bucket(sum->sections, &sum->buckets, sum->destination[d], k);
    if (part.begin == part.end) continue;
    operands_in_place(sum, part);
    for (int p = 0; p < subtrees; p++) {
      void *row = sum->outgoing[w] ? row_of(sum, sum->outgoing[w], d * subtrees + p) : NULL;
      LK_TRY(send_sum(sum, w, sum->destination[d], part, &sum->run_plan[p], row));
    }
  }
  return LK_OK;
}

/* Unpack what was received. Receives come first among the requests, in the order of the terms. */
static lk_status operands_received(lk_reduction *sum, int w, lk_range part) {
  int row = 0;
  for (int s = 0; s < sum->terms; s++) {
    if (sum->term[s].member >= 0) continue;
    void *x = row_of(sum, sum->incoming[w], row);
    float *widened = sum->widened + row * sum->bucket;
    uint8_t *marks = sum->rows->rows > 0 ? sum->incoming_marks[w] + row * sum->part_rows : NULL;
    int bytes = 0;
    LK_TRY(LK_MPI(MPI_Get_count, &sum->status[row++], MPI_BYTE, &bytes));
    if (marks) lk_rows_unpack(sum->rows, part, (size_t)bytes, sum->real, x, marks);
    if (sum->half) lk_bf16_widen_all(lk_range_size(part), x, widened), x = widened;
    sum->operand[s] = (lk_operand){.x = x, .marks = marks};
  }
  return LK_OK;
}

/* Add up a part of this rank's ranges, and its squares while it is in cache. */
static void add_total(lk_reduction *sum, lk_range part) {
  float *out = own_gradients(sum)->gradient[0] + part.begin;
  double *squares = sum->block_sum + part.begin / LK_RANGE_BLOCK;
  uint8_t *written = sum->rows->rows > 0 ? sum->written + lk_row_at(sum->rows, part.begin) : NULL;
  for (ptrdiff_t at = 0, n = part.end - part.begin; at < n; at += LK_SUM_BLOCK) {
    ptrdiff_t count = n - at < LK_SUM_BLOCK ? n - at : LK_SUM_BLOCK;
    bool any = sum->total.ops == 0 || lk_reduction_add(sum, &sum->total, part.begin, at, count, out + at, written);
    if (any)
      lk_square_sums(out + at, count, squares + at / LK_RANGE_BLOCK);
    else
      memset(squares + at / LK_RANGE_BLOCK, 0,
             (size_t)((count + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK) * sizeof *squares);
  }
}

/* Sum a bucket whose messages have arrived. */
static lk_status take_bucket(lk_reduction *sum, ptrdiff_t k) {
  const lk_range part = lk_bucket(sum->sections, &sum->buckets, sum->comm->rank, k);
  if (part.begin == part.end) return LK_OK;
  operands_in_place(sum, part);
  LK_TRY(operands_received(sum, (int)(k % LK_BUCKETS_IN_FLIGHT), part));
  add_total(sum, part);
  return LK_OK;
}

/* ---- a step: buckets in turn, some of them under way at a time ---- */

/* READY when all members have the gradients of bucket k. */
static uint64_t ready_for(const lk_reduction *sum, ptrdiff_t k) {
  const int turn = sum->sections->count - 1 - lk_bucket_section(&sum->buckets, k);
  return sum->steps * (uint64_t)sum->sections->count + (uint64_t)turn + 1;
}

/* Where the section begins whose turn it is. */
static ptrdiff_t section_begin(const lk_reduction *sum, int turn) {
  return lk_section_range(sum->sections, sum->sections->count - 1 - turn, 0).begin;
}

/* Sections that begin at `offset` or later are complete. */
static void complete(lk_reduction *sum, ptrdiff_t offset) {
  const int sections = sum->sections->count, before = sum->completed;
  while (sum->completed < sections && section_begin(sum, sum->completed) >= offset) sum->completed++;
  if (sum->completed > before)
    lk_group_raise(sum->group, LK_COUNTER_READY, sum->steps * (uint64_t)sections + (uint64_t)sum->completed);
}

/* Start what can be. A bucket whose gradients are not there yet is received all the same. */
static lk_status start(lk_reduction *sum) {
  const ptrdiff_t count = lk_buckets_count(&sum->buckets), most = sum->finished + LK_BUCKETS_IN_FLIGHT;
  const ptrdiff_t end = most < count ? most : count;
  for (; sum->posted < end; sum->posted++) LK_TRY(receive_bucket(sum, sum->posted));
  for (; sum->sent < end && lk_group_reached(sum->group, LK_COUNTER_READY, ready_for(sum, sum->sent)); sum->sent++)
    LK_TRY(send_bucket(sum, sum->sent));
  return LK_OK;
}

/* Finish the next bucket if its messages have arrived, or wait for them. */
static lk_status finish_next(lk_reduction *sum, bool wait, bool *done) {
  const int w = (int)(sum->finished % LK_BUCKETS_IN_FLIGHT);
  int arrived = 1;
  if (wait)
    LK_TRY(LK_MPI(MPI_Waitall, sum->requests[w], sum->request[w], sum->status));
  else
    LK_TRY(LK_MPI(MPI_Testall, sum->requests[w], sum->request[w], &arrived, sum->status));
  *done = arrived != 0;
  if (!*done) return LK_OK;
  sum->requests[w] = 0;
  return take_bucket(sum, sum->finished++);
}

/* Without waiting. */
static lk_status move_on(lk_reduction *sum) {
  bool done = true;
  LK_TRY(start(sum));
  while (done && sum->finished < sum->sent) {
    LK_TRY(finish_next(sum, false, &done));
    if (done) LK_TRY(start(sum));
  }
  return LK_OK;
}

/* One group has nothing to send: its sums are made when all gradients are there, and no member is waited for before. */
void lk_reduction_offer(lk_reduction *reduction, ptrdiff_t offset) {
  if (reduction->group->groups == 1 || reduction->failed != LK_OK) return;
  complete(reduction, offset);
  for (int i = 0; i < LK_CALLS && reduction->completed > 0 && reduction->failed == LK_OK; i++)
    reduction->failed = move_on(reduction);
}

lk_status lk_reduction_sum(lk_reduction *reduction) {
  lk_reduction *sum = reduction;
  bool done;
  LK_TRY(sum->failed);
  complete(sum, 0);
  while (sum->finished < lk_buckets_count(&sum->buckets)) {
    LK_TRY(start(sum));
    if (sum->finished < sum->sent)
      LK_TRY(finish_next(sum, true, &done));
    else
      LK_TRY(lk_group_wait(sum->group, LK_COUNTER_READY, ready_for(sum, sum->sent)));
  }
  sum->completed = 0;
  sum->posted = sum->sent = sum->finished = 0;
  lk_group_raise(sum->group, LK_COUNTER_READ, ++sum->steps);
  return LK_OK;
}

/* The total lies in gradient 0. Rows of it that other ranks' shards made non-zero are cleared, since the backward pass
 * clears only those that this rank's marks name. */
static void clear_written(lk_reduction *sum) {
  const uint8_t *marks = own_gradients(sum)->marks[0];
  float *total = own_gradients(sum)->gradient[0];
  for (ptrdiff_t i = 0; i < sum->rows->rows; i++) sum->written[i] = !sum->written[i] || marks[i]; /* 1: leave it */
  for (int i = 0; i < sum->own->count; i++) {
    const lk_range own = sum->own->at[i];
    lk_rows_clear(sum->rows, own, sum->written + lk_row_at(sum->rows, own.begin), sizeof(float), total + own.begin);
  }
  memset(sum->written, 0, (size_t)sum->rows->rows);
}

lk_status lk_reduction_begin(lk_reduction *reduction) {
  LK_TRY(lk_group_wait(reduction->group, LK_COUNTER_READ, reduction->steps));
  if (reduction->rows->rows > 0 && reduction->total.ops > 0) clear_written(reduction);
  return LK_OK;
}

float *lk_reduction_total(const lk_reduction *reduction, int i) {
  return own_gradients(reduction)->gradient[0] + reduction->own->at[i].begin;
}

/* Marks of the total, or of the one gradient that is the total. */
const uint8_t *lk_reduction_touched(const lk_reduction *reduction) {
  const lk_reduction *sum = reduction;
  if (sum->rows->rows == 0) return NULL;
  return sum->total.ops > 0 ? sum->written : own_gradients(sum)->marks[0];
}

bool lk_reduction_next_part(const lk_reduction *reduction, int i, lk_range *part) {
  const lk_row_table *rows = reduction->rows;
  const lk_range own = reduction->own->at[i];
  const uint8_t *marks = rows->rows > 0 ? lk_reduction_touched(reduction) + lk_row_at(rows, own.begin) : NULL;
  lk_range found;
  if (!lk_rows_next(rows, own, marks, own.begin + part->end, &found)) return false;
  *part = (lk_range){found.begin - own.begin, found.end - own.begin};
  return true;
}

/* Copy the block sums of a rank's ranges to `ranks` + at, where they follow each other, or back; returns their end. */
static ptrdiff_t move_block_sums(lk_reduction *sum, int rank, ptrdiff_t at, bool back) {
  for (int k = 0; k < sum->sections->count; k++) {
    const lk_range range = lk_section_range(sum->sections, k, rank);
    const ptrdiff_t blocks = (lk_range_size(range) + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK;
    double *placed = sum->block_sum + range.begin / LK_RANGE_BLOCK, *listed = sum->block_ranks + at;
    memcpy(back ? placed : listed, back ? listed : placed, (size_t)blocks * sizeof *placed);
    at += blocks;
  }
  return at;
}

/* The block sums of all ranks to all. With one section they lie in the order of the ranks. */
static lk_status share_block_sums(lk_reduction *sum) {
  const double *mine = sum->block_sum + sum->own->at[0].begin / LK_RANGE_BLOCK;
  ptrdiff_t at = 0;
  if (sum->sections->count == 1) return lk_group_allgather(sum->group, mine, sum->block_sum, sum->block_bytes);
  for (int r = 0; r < sum->comm->rank; r++) at += (ptrdiff_t)(sum->block_bytes[r] / sizeof *mine);
  (void)move_block_sums(sum, sum->comm->rank, at, false);
  LK_TRY(lk_group_allgather(sum->group, sum->block_ranks + at, sum->block_ranks, sum->block_bytes));
  at = 0;
  for (int r = 0; r < sum->comm->size; r++) at = move_block_sums(sum, r, at, true);
  return LK_OK;
}

lk_status lk_reduction_square_sum(lk_reduction *reduction, double *out) {
  LK_TRY(share_block_sums(reduction));
  *out = lk_pairwise_sum(reduction->block_sum, (reduction->P + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK);
  return LK_OK;
}
