/* The tree sum of a step: members' subtrees are read in place, other groups' are received, a bucket of each range at a
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
  lk_range part = lk_bucket(sum->range[sum->comm->rank], sum->bucket, k);
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
    lk_range part = lk_bucket(sum->range[sum->destination[d]], sum->bucket, k);
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

/* Add up a part of this rank's range, and its squares while it is in cache. */
static void add_total(lk_reduction *sum, lk_range part) {
  float *out = lk_reduction_total(sum) + (part.begin - sum->own.begin);
  double *squares = sum->block_sum + part.begin / LK_RANGE_BLOCK;
  uint8_t *written = NULL;
  if (sum->rows->rows > 0)
    written = sum->written + (lk_row_at(sum->rows, part.begin) - lk_row_at(sum->rows, sum->own.begin));
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

static lk_status start_sends(lk_reduction *sum, ptrdiff_t k) { return k < sum->buckets ? send_bucket(sum, k) : LK_OK; }

static lk_status start_receives(lk_reduction *sum, ptrdiff_t k) {
  return k < sum->buckets ? receive_bucket(sum, k) : LK_OK;
}

static lk_status finish_bucket(lk_reduction *sum, ptrdiff_t k) {
  int w = (int)(k % LK_BUCKETS_IN_FLIGHT);
  lk_range part = lk_bucket(sum->range[sum->comm->rank], sum->bucket, k);
  if (sum->requests[w] > 0) LK_TRY(LK_MPI(MPI_Waitall, sum->requests[w], sum->request[w], sum->status));
  sum->requests[w] = 0;
  if (part.begin == part.end) return LK_OK;
  operands_in_place(sum, part);
  LK_TRY(operands_received(sum, w, part));
  add_total(sum, part);
  return LK_OK;
}

lk_status lk_reduction_sum(lk_reduction *reduction) {
  lk_reduction *sum = reduction;
  lk_group_raise(sum->group, LK_COUNTER_READY, ++sum->steps);
  for (ptrdiff_t k = 0; k < LK_BUCKETS_IN_FLIGHT; k++) LK_TRY(start_receives(sum, k));
  LK_TRY(lk_group_wait(sum->group, LK_COUNTER_READY, sum->steps));
  for (ptrdiff_t k = 0; k < LK_BUCKETS_IN_FLIGHT; k++) LK_TRY(start_sends(sum, k));
  for (ptrdiff_t k = 0; k < sum->buckets; k++) {
    LK_TRY(finish_bucket(sum, k));
    LK_TRY(start_receives(sum, k + LK_BUCKETS_IN_FLIGHT));
    LK_TRY(start_sends(sum, k + LK_BUCKETS_IN_FLIGHT));
  }
  lk_group_raise(sum->group, LK_COUNTER_READ, sum->steps);
  return LK_OK;
}

/* The total lies in gradient 0. Rows of it that other ranks' shards made non-zero are cleared, since the backward pass
 * clears only those that this rank's marks name. */
static void clear_written(lk_reduction *sum) {
  const ptrdiff_t first = lk_row_at(sum->rows, sum->own.begin);
  const ptrdiff_t rows = lk_row_after(sum->rows, sum->own.end) - first;
  const uint8_t *marks = own_gradients(sum)->marks[0] + first;
  for (ptrdiff_t i = 0; i < rows; i++) sum->written[i] = !sum->written[i] || marks[i]; /* 1: leave it */
  lk_rows_clear(sum->rows, sum->own, sum->written, sizeof(float), lk_reduction_total(sum));
  memset(sum->written, 0, (size_t)rows);
}

lk_status lk_reduction_begin(lk_reduction *reduction) {
  LK_TRY(lk_group_wait(reduction->group, LK_COUNTER_READ, reduction->steps));
  if (reduction->rows->rows > 0 && reduction->total.ops > 0) clear_written(reduction);
  return LK_OK;
}

float *lk_reduction_total(const lk_reduction *reduction) {
  return own_gradients(reduction)->gradient[0] + reduction->own.begin;
}

/* Marks of the rows of this rank's range: those of the total, or of the one gradient that is the total. */
const uint8_t *lk_reduction_touched(const lk_reduction *reduction) {
  const lk_reduction *sum = reduction;
  if (sum->rows->rows == 0) return NULL;
  return sum->total.ops > 0 ? sum->written : own_gradients(sum)->marks[0] + lk_row_at(sum->rows, sum->own.begin);
}

bool lk_reduction_next_part(const lk_reduction *reduction, lk_range *part) {
  const lk_range own = reduction->own;
  lk_range found;
  if (!lk_rows_next(reduction->rows, own, lk_reduction_touched(reduction), own.begin + part->end, &found)) return false;
  *part = (lk_range){found.begin - own.begin, found.end - own.begin};
  return true;
}

lk_status lk_reduction_square_sum(lk_reduction *reduction, double *out) {
  const double *mine = reduction->block_sum + reduction->own.begin / LK_RANGE_BLOCK;
  LK_TRY(lk_comm_allgather(reduction->comm, mine, reduction->block_sum, reduction->block_bytes));
  *out = lk_pairwise_sum(reduction->block_sum, (reduction->P + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK);
  return LK_OK;
}
