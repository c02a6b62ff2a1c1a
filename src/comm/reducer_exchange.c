/* The sum over all subtrees: members' in place, other groups' by messages, a bucket of each slice at a time. */
#include <string.h>

#include "reducer_impl.h"

enum { TAG_PIECE = 3 };

/* Reals of rank r's slice in bucket k. */
static lk_range bucket_of(const lk_reducer *reducer, int r, ptrdiff_t k) {
  lk_range slice = reducer->slice[r],
           part = {slice.begin + k * reducer->bucket, slice.begin + (k + 1) * reducer->bucket};
  if (part.begin > slice.end) part.begin = slice.end;
  if (part.end > slice.end) part.end = slice.end;
  return part;
}

static lk_status receive_bucket(lk_reducer *reducer, ptrdiff_t k) {
  lk_range part = bucket_of(reducer, reducer->comm->rank, k);
  int w = (int)(k % LK_BUCKETS_IN_FLIGHT), row = 0;
  if (part.begin == part.end) return LK_OK;
  size_t bytes = (size_t)(part.end - part.begin) * sizeof(float); /* or fewer */
  for (int s = 0; s < reducer->sources; s++) {
    if (reducer->source[s].member >= 0) continue;
    float *to = reducer->incoming[w] + row++ * reducer->bucket;
    LK_TRY(LK_MPI(MPI_Irecv, to, lk_mpi_count(bytes), MPI_BYTE, reducer->source[s].from, TAG_PIECE, reducer->comm->mpi,
                  &reducer->request[w][reducer->requests[w]++]));
  }
  return LK_OK;
}

/* Where the members' subtrees are, in a part. */
static void view_members(const lk_reducer *reducer, lk_range part) {
  ptrdiff_t first_row = reducer->rows > 0 ? lk_row_at(reducer, part.begin) : 0;
  for (int s = 0; s < reducer->sources; s++) {
    const lk_term *source = &reducer->source[s];
    if (source->member < 0) continue;
    const lk_member *m = &reducer->member[source->member];
    reducer->view[s] = (lk_operand){.x = m->subtree[source->subtree] + part.begin,
                                    .touched = reducer->rows > 0 ? m->touched[source->subtree] + first_row : NULL};
  }
}

/* One sum of the run's for one rank. A subtree that is nobody else's too goes straight out of its place. */
static lk_status send_sum(lk_reducer *reducer, int w, int to, lk_range part, const lk_sum_plan *plan, float *row) {
  uint8_t *present = reducer->present + reducer->sources + LK_TREE_LEVELS;
  const lk_operand *one = &reducer->view[plan->value < reducer->sources ? plan->value : 0];
  const float *x = plan->ops > 0 ? row : one->x;
  const uint8_t *touched = plan->ops > 0 ? present : one->touched;
  ptrdiff_t n = part.end - part.begin;
  for (ptrdiff_t at = 0; at < n && plan->ops > 0; at += LK_SUM_BLOCK) {
    ptrdiff_t count = n - at < LK_SUM_BLOCK ? n - at : LK_SUM_BLOCK;
    lk_reducer_add(reducer, plan, part.begin, at, count, row + at, present);
  }
  bool packed = false;
  size_t bytes = lk_rows_bytes(reducer, part, touched, &packed);
  if (packed)
    lk_rows_pack(reducer, part, touched, x, row);
  else if (x == row)
    lk_rows_clear(reducer, part, touched, row);
  return LK_MPI(MPI_Isend, packed ? row : x, lk_mpi_count(bytes), MPI_BYTE, to, TAG_PIECE, reducer->comm->mpi,
                &reducer->request[w][reducer->requests[w]++]);
}

static lk_status send_bucket(lk_reducer *reducer, ptrdiff_t k) {
  int w = (int)(k % LK_BUCKETS_IN_FLIGHT), subtrees = reducer->run.shards.subtrees;
  for (int d = 0; d < reducer->destinations; d++) {
    lk_range part = bucket_of(reducer, reducer->destination[d], k);
    if (part.begin == part.end) continue;
    view_members(reducer, part);
    for (int p = 0; p < subtrees; p++) {
      float *row = reducer->outgoing[w] ? reducer->outgoing[w] + (d * subtrees + p) * reducer->bucket : NULL;
      LK_TRY(send_sum(reducer, w, reducer->destination[d], part, &reducer->run_plan[p], row));
    }
  }
  return LK_OK;
}

/* Rows of messages to their places. Receives come first among the requests, in the order of the sources. */
static lk_status view_received(lk_reducer *reducer, int w, lk_range part) {
  int row = 0;
  for (int s = 0; s < reducer->sources; s++) {
    if (reducer->source[s].member >= 0) continue;
    float *x = reducer->incoming[w] + row * reducer->bucket;
    uint8_t *marks = reducer->rows > 0 ? reducer->marks[w] + row * reducer->part_rows : NULL;
    int bytes = 0;
    LK_TRY(LK_MPI(MPI_Get_count, &reducer->status[row++], MPI_BYTE, &bytes));
    if (marks) lk_rows_unpack(reducer, part, (size_t)bytes, x, marks);
    reducer->view[s] = (lk_operand){.x = x, .touched = marks};
  }
  return LK_OK;
}

/* The total of a part into its place, and its squares while it is in cache. */
static void add_total(lk_reducer *reducer, lk_range part) {
  float *out = lk_reducer_total(reducer) + (part.begin - reducer->own.begin);
  double *squares = reducer->block_sum + part.begin / LK_RANGE_BLOCK;
  uint8_t *written = NULL;
  if (reducer->rows > 0)
    written = reducer->written + (lk_row_at(reducer, part.begin) - lk_row_at(reducer, reducer->own.begin));
  for (ptrdiff_t at = 0, n = part.end - part.begin; at < n; at += LK_SUM_BLOCK) {
    ptrdiff_t count = n - at < LK_SUM_BLOCK ? n - at : LK_SUM_BLOCK;
    bool any =
        reducer->total.ops == 0 || lk_reducer_add(reducer, &reducer->total, part.begin, at, count, out + at, written);
    if (any)
      lk_square_sums(out + at, count, squares + at / LK_RANGE_BLOCK);
    else
      memset(squares + at / LK_RANGE_BLOCK, 0,
             (size_t)((count + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK) * sizeof *squares);
  }
}

static lk_status start_sends(lk_reducer *reducer, ptrdiff_t k) {
  return k < reducer->buckets ? send_bucket(reducer, k) : LK_OK;
}

static lk_status start_receives(lk_reducer *reducer, ptrdiff_t k) {
  return k < reducer->buckets ? receive_bucket(reducer, k) : LK_OK;
}

static lk_status finish_bucket(lk_reducer *reducer, ptrdiff_t k) {
  int w = (int)(k % LK_BUCKETS_IN_FLIGHT);
  lk_range part = bucket_of(reducer, reducer->comm->rank, k);
  if (reducer->requests[w] > 0) LK_TRY(LK_MPI(MPI_Waitall, reducer->requests[w], reducer->request[w], reducer->status));
  reducer->requests[w] = 0;
  if (part.begin == part.end) return LK_OK;
  view_members(reducer, part);
  LK_TRY(view_received(reducer, w, part));
  add_total(reducer, part);
  return LK_OK;
}

lk_status lk_reducer_sum(lk_reducer *reducer) {
  lk_signals *own = reducer->member[reducer->local].signals;
  atomic_store_explicit(&own->ready, ++reducer->steps, memory_order_release);
  for (ptrdiff_t k = 0; k < LK_BUCKETS_IN_FLIGHT; k++) LK_TRY(start_receives(reducer, k));
  LK_TRY(LK_GROUP_WAIT(reducer, ready, reducer->steps));
  for (ptrdiff_t k = 0; k < LK_BUCKETS_IN_FLIGHT; k++) LK_TRY(start_sends(reducer, k));
  for (ptrdiff_t k = 0; k < reducer->buckets; k++) {
    LK_TRY(finish_bucket(reducer, k));
    LK_TRY(start_receives(reducer, k + LK_BUCKETS_IN_FLIGHT));
    LK_TRY(start_sends(reducer, k + LK_BUCKETS_IN_FLIGHT));
  }
  atomic_store_explicit(&own->read, reducer->steps, memory_order_release);
  return LK_OK;
}

/* What others' rows left in this rank's slice of subtree 0, where its own next step would not clear it. */
static void clear_written(lk_reducer *reducer) {
  ptrdiff_t first = lk_row_at(reducer, reducer->own.begin);
  ptrdiff_t rows = lk_row_behind(reducer, reducer->own.end) - first;
  const uint8_t *touched = lk_reducer_touched(reducer, 0) + first;
  for (ptrdiff_t i = 0; i < rows; i++) reducer->written[i] = !reducer->written[i] || touched[i]; /* 1: leave it */
  lk_rows_clear(reducer, reducer->own, reducer->written, lk_reducer_total(reducer));
  memset(reducer->written, 0, (size_t)rows);
}

lk_status lk_reducer_begin(lk_reducer *reducer) {
  LK_TRY(LK_GROUP_WAIT(reducer, read, reducer->steps));
  if (reducer->rows > 0 && reducer->total.ops > 0) clear_written(reducer);
  return LK_OK;
}
