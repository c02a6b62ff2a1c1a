/* Updated values between groups, in buckets, the first section first: in place, or, where the update skips rows, without
 * the rows that have not changed; with LK_WIRE_BF16 their rounded differences, of either kind. */
#include <stdlib.h>
#include <string.h>

#include "bf16.h"
#include "replicas_impl.h"

enum { TAG_VALUES = 4 };

static void layout(lk_replicas *s) {
  const bool half = s->wire == LK_WIRE_BF16;
  const size_t bucket = (size_t)s->buckets.size, real = s->by_rows ? sizeof(float) : half ? sizeof(uint16_t) : 0;
  for (int w = 0; w < LK_VALUES_IN_FLIGHT; w++) {
    s->out[w] = lk_arena_take(&s->arena, s->by_rows && s->sends > 0 ? bucket * real : 0);
    s->in[w] = lk_arena_take(&s->arena, (size_t)s->receives * bucket * real);
    s->difference[w] = lk_arena_take(&s->arena, half ? bucket * sizeof(uint16_t) : 0);
  }
  s->unpacked = lk_arena_take(&s->arena, half && s->skips ? bucket * sizeof(uint16_t) : 0);
  s->marks = lk_arena_take(&s->arena, (size_t)s->rows.rows);
}

lk_status lk_replicas_plan_buckets(lk_replicas *s) {
  for (int w = 0; w < LK_VALUES_IN_FLIGHT; w++)
    LK_TRY(lk_alloc(&s->bucket_request[w], (size_t)(s->receives + s->sends), sizeof(MPI_Request)));
  LK_TRY(lk_alloc(&s->status, (size_t)(s->receives + s->sends), sizeof *s->status));
  layout(s);
  LK_TRY(lk_arena_reserve(&s->arena));
  layout(s);
  return LK_OK;
}

/* Whether rows of a part may be left out of its message. */
static bool has_rows(const lk_replicas *s, lk_range part) {
  return s->by_rows && lk_row_after(&s->rows, part.end) > lk_row_at(&s->rows, part.begin);
}

/* Where the bucket of another rank's range arrives: values without rows in their place. */
static void *incoming(const lk_replicas *s, int i, int w, lk_range part) {
  if (s->exchange.weights || has_rows(s, part))
    return (char *)s->in[w] + (size_t)(i * s->buckets.size) * s->exchange.real;
  return s->values + part.begin;
}

static lk_status receive_bucket(lk_replicas *s, ptrdiff_t k) {
  const int w = (int)(k % LK_VALUES_IN_FLIGHT);
  for (int i = 0; i < s->receives; i++) {
    const lk_range part = lk_bucket(&s->sections, &s->buckets, s->receive_from[i], k);
    if (part.begin == part.end) continue;
    LK_TRY(LK_MPI(MPI_Irecv, incoming(s, i, w, part), lk_mpi_count((size_t)lk_range_size(part) * s->exchange.real),
                  MPI_BYTE, s->receive_from[i], TAG_VALUES, s->comm->mpi, &s->bucket_request[w][s->requests[w]++]));
  }
  return LK_OK;
}

/* v += d. Unmarked rows keep their values: -0.0 added to them changes no bit. */
static void add_differences(ptrdiff_t n, const uint16_t *restrict d, float *restrict v) {
  for (ptrdiff_t i = 0; i < n; i++) v[i] += lk_bf16_widen(d[i]);
}

static void no_differences(ptrdiff_t n, uint16_t *d) {
  for (ptrdiff_t i = 0; i < n; i++) d[i] = LK_BF16_MINUS_ZERO;
}

static void differences(ptrdiff_t n, const float *restrict w, const float *restrict v, uint16_t *restrict d) {
  for (ptrdiff_t i = 0; i < n; i++) d[i] = lk_bf16_narrow(w[i] - v[i]);
}

/* d [part] = bf16(w - v), and v += d, but for rows that are skipped. w: from the part's first; marks: of its rows. */
static const uint16_t *follow(lk_replicas *s, const float *weights, lk_range part, const uint8_t *marks, uint16_t *d) {
  float *values = s->values + part.begin;
  lk_range at = {part.begin, part.begin};
  if (s->skips) no_differences(lk_range_size(part), d);
  while (lk_rows_next(&s->rows, part, marks, at.end, &at)) {
    const ptrdiff_t from = at.begin - part.begin, n = lk_range_size(at);
    differences(n, weights + from, values + from, d + from);
    add_differences(n, d + from, values + from);
  }
  return d;
}

/* Where the weights of a part of this rank's range in a section begin. */
static const float *weights_at(const lk_replicas *s, int section, lk_range part) {
  return s->exchange.weights + lk_ranges_own(&s->own, section).begin + (part.begin - s->own.at[section].begin);
}

static lk_status send_bucket(lk_replicas *s, ptrdiff_t k) {
  const int w = (int)(k % LK_VALUES_IN_FLIGHT);
  const lk_range part = lk_bucket(&s->sections, &s->buckets, s->comm->rank, k);
  if (part.begin == part.end) return LK_OK;
  const size_t real = s->exchange.real;
  const uint8_t *marks = s->marks + lk_row_at(&s->rows, part.begin);
  const void *x = s->values + part.begin;
  size_t bytes = (size_t)lk_range_size(part) * real;
  bool packed = false;
  if (s->exchange.weights)
    x = follow(s, weights_at(s, lk_bucket_section(&s->buckets, k), part), part, marks, s->difference[w]);
  if (s->sends == 0) return LK_OK;
  if (has_rows(s, part)) bytes = lk_rows_bytes(&s->rows, part, marks, real, &packed);
  if (packed) lk_rows_pack(&s->rows, part, marks, real, x, s->out[w]);
  for (int i = 0; i < s->sends; i++)
    LK_TRY(LK_MPI(MPI_Isend, packed ? s->out[w] : x, lk_mpi_count(bytes), MPI_BYTE, s->send_to[i], TAG_VALUES,
                  s->comm->mpi, &s->bucket_request[w][s->requests[w]++]));
  return LK_OK;
}

/* What has arrived of a part, `bytes` as they were sent. */
static void take(lk_replicas *s, lk_range part, size_t bytes, const void *message) {
  const ptrdiff_t n = lk_range_size(part);
  float *values = s->values + part.begin;
  if (!s->exchange.weights) {
    if (has_rows(s, part)) lk_rows_assign(&s->rows, part, bytes, s->exchange.real, message, values);
  } else if (bytes == (size_t)n * s->exchange.real) {
    add_differences(n, message, values);
  } else {
    no_differences(n, s->unpacked);
    lk_rows_assign(&s->rows, part, bytes, s->exchange.real, message, s->unpacked);
    add_differences(n, s->unpacked, values);
  }
}

static lk_status take_bucket(lk_replicas *s, ptrdiff_t k) {
  const int w = (int)(k % LK_VALUES_IN_FLIGHT);
  for (int i = 0, at = 0; i < s->receives; i++) {
    const lk_range part = lk_bucket(&s->sections, &s->buckets, s->receive_from[i], k);
    int bytes = 0;
    if (part.begin == part.end) continue;
    LK_TRY(LK_MPI(MPI_Get_count, &s->status[at++], MPI_BYTE, &bytes));
    take(s, part, (size_t)bytes, incoming(s, i, w, part));
  }
  return LK_OK;
}

/* ---- one exchange of all buckets ---- */

static bool ended(const lk_replicas *s) { return s->exchange.finished == lk_buckets_count(&s->buckets); }

static int sections_finished(const lk_replicas *s) {
  return ended(s) ? s->sections.count : lk_bucket_section(&s->buckets, s->exchange.finished);
}

/* The first sections that hold all values before `end`. */
static int sections_before(const lk_replicas *s, ptrdiff_t end) {
  int k = 0;
  while (k < s->sections.count && lk_section_range(&s->sections, k, 0).begin < end) k++;
  return k;
}

/* The counter's value when this rank has these sections of the exchange at hand. */
static uint64_t arrival(const lk_replicas *s, int sections) {
  return s->exchange.number * (LK_MOST_RANGES + 1) + (uint64_t)sections;
}

static bool may_post(const lk_replicas *s) {
  const lk_exchange *e = &s->exchange;
  if (e->posted == lk_buckets_count(&s->buckets) || e->posted == e->finished + LK_VALUES_IN_FLIGHT) return false;
  return !s->late || lk_bucket_section(&s->buckets, e->posted) < e->awaited;
}

static lk_status post(lk_replicas *s) {
  lk_exchange *e = &s->exchange;
  for (; may_post(s); e->posted++) {
    LK_TRY(receive_bucket(s, e->posted));
    LK_TRY(send_bucket(s, e->posted));
  }
  return LK_OK;
}

/* Finish the next bucket if its messages are through, or wait for them. */
static lk_status finish_next(lk_replicas *s, bool wait, bool *done) {
  const int w = (int)(s->exchange.finished % LK_VALUES_IN_FLIGHT);
  int through = 1;
  if (wait)
    LK_TRY(LK_MPI(MPI_Waitall, s->requests[w], s->bucket_request[w], s->status));
  else
    LK_TRY(LK_MPI(MPI_Testall, s->requests[w], s->bucket_request[w], &through, s->status));
  *done = through != 0;
  if (!*done) return LK_OK;
  s->requests[w] = 0;
  LK_TRY(take_bucket(s, s->exchange.finished++));
  lk_group_raise(&s->group, LK_COUNTER_ARRIVED, arrival(s, sections_finished(s)));
  return post(s);
}

static lk_status move_on(lk_replicas *s) {
  for (bool done = true; done && s->exchange.finished < s->exchange.posted;) LK_TRY(finish_next(s, false, &done));
  return LK_OK;
}

/* weights: NULL where the values themselves are sent. changed: NULL where any row may have changed. */
static lk_status begin(lk_replicas *s, const float *weights, const uint8_t *changed) {
  LK_ASSERT(ended(s) || s->exchange.number == 0);
  s->exchange = (lk_exchange){
      .weights = weights, .real = weights ? lk_wire_bytes(s->wire) : sizeof(float), .number = s->exchange.number + 1};
  for (int k = 0; k < s->own.count; k++) {
    const ptrdiff_t from = lk_row_at(&s->rows, s->own.at[k].begin), to = lk_row_after(&s->rows, s->own.at[k].end);
    if (changed)
      memcpy(s->marks + from, changed + from, (size_t)(to - from));
    else
      memset(s->marks + from, 1, (size_t)(to - from));
  }
  LK_TRY(post(s));
  return move_on(s);
}

bool lk_replicas_reached(const lk_replicas *replicas, ptrdiff_t end) {
  return lk_group_reached(&replicas->group, LK_COUNTER_ARRIVED, arrival(replicas, sections_before(replicas, end)));
}

lk_status lk_replicas_await(lk_replicas *replicas, ptrdiff_t end) {
  lk_replicas *s = replicas;
  const int sections = sections_before(s, end);
  bool done;
  LK_TRY(s->exchange.failed);
  if (sections > s->exchange.awaited) s->exchange.awaited = sections;
  LK_TRY(post(s));
  while (sections_finished(s) < sections) LK_TRY(finish_next(s, true, &done));
  return lk_group_wait(&s->group, LK_COUNTER_ARRIVED, arrival(s, sections));
}

bool lk_replicas_move(lk_replicas *replicas) {
  for (int i = 0; i < LK_CALLS && replicas->exchange.failed == LK_OK && !ended(replicas); i++)
    replicas->exchange.failed = move_on(replicas);
  return !ended(replicas);
}

void lk_replicas_abandon(lk_replicas *replicas) {
  lk_status ignored = LK_OK;
  if (replicas->exchange.number > 0 && !ended(replicas)) ignored = lk_replicas_await(replicas, replicas->P);
  (void)ignored; /* less important than what ended the run */
}

lk_status lk_replicas_allgather(lk_replicas *replicas, const uint8_t *changed) {
  LK_TRY(begin(replicas, NULL, changed));
  return lk_replicas_await(replicas, replicas->P);
}

lk_status lk_replicas_begin(lk_replicas *replicas, const float *weights, const uint8_t *changed) {
  LK_ASSERT((replicas->wire == LK_WIRE_BF16) == (weights != NULL));
  return begin(replicas, weights, replicas->skips || !weights ? changed : NULL);
}

/* A member's counter when it has packed so many stages of the exchange at hand. */
static uint64_t packed(const lk_replicas *s, int stages) {
  enum { MOST = 1000 };
  LK_ASSERT(stages < MOST);
  return s->exchange.number * MOST + (uint64_t)stages;
}

void lk_replicas_tell_packed(lk_replicas *replicas, int stages) {
  lk_group_raise(&replicas->group, LK_COUNTER_PACKED, packed(replicas, stages));
}

lk_status lk_replicas_await_packed(lk_replicas *replicas, int stages) {
  return lk_group_wait(&replicas->group, LK_COUNTER_PACKED, packed(replicas, stages));
}
