/* Updated values between groups: each range whole and in place, or, where the update skips rows, in buckets without the
 * rows that have not changed; with LK_WIRE_BF16 their rounded differences, in buckets of either kind. */
#include <stdlib.h>
#include <string.h>

#include "bf16.h"
#include "replicas_impl.h"

enum { TAG_VALUES = 4, TAG_ROWS = 5 };

/* ---- whole ranges ---- */

/* Send a range of the values to rank `other`, or receive it from there. */
static lk_status move_range(lk_replicas *s, lk_range part, int other, bool send, int *requests) {
  const int units = lk_mpi_count((size_t)(lk_range_size(part) / LK_LANES));
  float *at = s->values + part.begin;
  MPI_Request *request = &s->request[*requests];
  if (units == 0) return LK_OK;
  ++*requests;
  if (send) return LK_MPI(MPI_Isend, at, units, s->unit, other, TAG_VALUES, s->comm->mpi, request);
  return LK_MPI(MPI_Irecv, at, units, s->unit, other, TAG_VALUES, s->comm->mpi, request);
}

static lk_status exchange_ranges(lk_replicas *s) {
  int requests = 0;
  for (int k = 0; k < s->sections.count; k++)
    for (int i = 0; i < s->receives; i++) {
      const int from = s->receive_from[i];
      LK_TRY(move_range(s, lk_section_range(&s->sections, k, from), from, false, &requests));
    }
  for (int k = 0; k < s->sections.count; k++)
    for (int i = 0; i < s->sends; i++) LK_TRY(move_range(s, s->own.at[k], s->send_to[i], true, &requests));
  return requests > 0 ? LK_MPI(MPI_Waitall, requests, s->request, s->status) : LK_OK;
}

/* ---- buckets: changed rows, or differences ---- */

static void layout(lk_replicas *s) {
  const bool half = s->wire == LK_WIRE_BF16;
  const size_t bucket = (size_t)s->buckets.size, real = s->by_rows ? sizeof(float) : sizeof(uint16_t);
  for (int w = 0; w < LK_VALUES_IN_FLIGHT; w++) {
    s->out[w] = lk_arena_take(&s->arena, s->skips && s->sends > 0 ? bucket * real : 0);
    s->in[w] = lk_arena_take(&s->arena, (size_t)s->receives * bucket * real);
    s->difference[w] = lk_arena_take(&s->arena, half ? bucket * sizeof(uint16_t) : 0);
  }
  s->unpacked = lk_arena_take(&s->arena, half && s->skips ? bucket * sizeof(uint16_t) : 0);
  s->all = lk_arena_take(&s->arena, (size_t)s->rows.rows);
}

lk_status lk_replicas_plan_buckets(lk_replicas *s) {
  for (int w = 0; w < LK_VALUES_IN_FLIGHT; w++)
    LK_TRY(lk_alloc(&s->bucket_request[w], (size_t)(s->receives + s->sends), sizeof(MPI_Request)));
  layout(s);
  LK_TRY(lk_arena_reserve(&s->arena));
  layout(s);
  memset(s->all, 1, (size_t)s->rows.rows);
  return LK_OK;
}

/* One exchange of all buckets. */
typedef struct exchange {
  const float *weights;   /* [own] that the values follow; NULL: values are sent, no differences */
  const uint8_t *changed; /* [rows] marks, of which those of this rank's ranges are read */
  size_t real;            /* bytes of what is sent for one */
} exchange;

static bool has_rows(const lk_replicas *s, lk_range part) {
  return lk_row_after(&s->rows, part.end) > lk_row_at(&s->rows, part.begin);
}

/* Where the bucket of another rank's range arrives: values without rows in their place. */
static void *incoming(const lk_replicas *s, const exchange *e, int i, int w, lk_range part) {
  if (e->weights || has_rows(s, part)) return (char *)s->in[w] + (size_t)(i * s->buckets.size) * e->real;
  return s->values + part.begin;
}

static lk_status receive_bucket(lk_replicas *s, const exchange *e, ptrdiff_t k) {
  const int w = (int)(k % LK_VALUES_IN_FLIGHT);
  for (int i = 0; i < s->receives; i++) {
    const lk_range part = lk_bucket(&s->sections, &s->buckets, s->receive_from[i], k);
    if (part.begin == part.end) continue;
    LK_TRY(LK_MPI(MPI_Irecv, incoming(s, e, i, w, part), lk_mpi_count((size_t)lk_range_size(part) * e->real), MPI_BYTE,
                  s->receive_from[i], TAG_ROWS, s->comm->mpi, &s->bucket_request[w][s->requests[w]++]));
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
static const float *weights_at(const lk_replicas *s, const exchange *e, int section, lk_range part) {
  return e->weights + lk_ranges_own(&s->own, section).begin + (part.begin - s->own.at[section].begin);
}

static lk_status send_bucket(lk_replicas *s, const exchange *e, ptrdiff_t k) {
  const int w = (int)(k % LK_VALUES_IN_FLIGHT);
  const lk_range part = lk_bucket(&s->sections, &s->buckets, s->comm->rank, k);
  if (part.begin == part.end) return LK_OK;
  const uint8_t *marks = e->changed + lk_row_at(&s->rows, part.begin);
  const void *x = s->values + part.begin;
  bool packed = false;
  if (e->weights)
    x = follow(s, weights_at(s, e, lk_bucket_section(&s->buckets, k), part), part, marks, s->difference[w]);
  if (s->sends == 0) return LK_OK;
  const int bytes = lk_mpi_count(lk_rows_bytes(&s->rows, part, marks, e->real, &packed));
  if (packed) lk_rows_pack(&s->rows, part, marks, e->real, x, s->out[w]);
  for (int i = 0; i < s->sends; i++)
    LK_TRY(LK_MPI(MPI_Isend, packed ? s->out[w] : x, bytes, MPI_BYTE, s->send_to[i], TAG_ROWS, s->comm->mpi,
                  &s->bucket_request[w][s->requests[w]++]));
  return LK_OK;
}

/* What has arrived of a part, `bytes` as they were sent. */
static void take(lk_replicas *s, const exchange *e, lk_range part, size_t bytes, const void *message) {
  const ptrdiff_t n = lk_range_size(part);
  float *values = s->values + part.begin;
  if (!e->weights) {
    if (has_rows(s, part)) lk_rows_assign(&s->rows, part, bytes, e->real, message, values);
  } else if (bytes == (size_t)n * e->real) {
    add_differences(n, message, values);
  } else {
    no_differences(n, s->unpacked);
    lk_rows_assign(&s->rows, part, bytes, e->real, message, s->unpacked);
    add_differences(n, s->unpacked, values);
  }
}

static lk_status finish_bucket(lk_replicas *s, const exchange *e, ptrdiff_t k) {
  const int w = (int)(k % LK_VALUES_IN_FLIGHT);
  if (s->requests[w] > 0) LK_TRY(LK_MPI(MPI_Waitall, s->requests[w], s->bucket_request[w], s->status));
  s->requests[w] = 0;
  for (int i = 0, at = 0; i < s->receives; i++) {
    const lk_range part = lk_bucket(&s->sections, &s->buckets, s->receive_from[i], k);
    int bytes = 0;
    if (part.begin == part.end) continue;
    LK_TRY(LK_MPI(MPI_Get_count, &s->status[at++], MPI_BYTE, &bytes));
    take(s, e, part, (size_t)bytes, incoming(s, e, i, w, part));
  }
  return LK_OK;
}

static lk_status start_bucket(lk_replicas *s, const exchange *e, ptrdiff_t k) {
  if (k >= lk_buckets_count(&s->buckets)) return LK_OK;
  LK_TRY(receive_bucket(s, e, k));
  return send_bucket(s, e, k);
}

static lk_status exchange_buckets(lk_replicas *s, const exchange *e) {
  for (ptrdiff_t k = 0; k < LK_VALUES_IN_FLIGHT; k++) LK_TRY(start_bucket(s, e, k));
  for (ptrdiff_t k = 0; k < lk_buckets_count(&s->buckets); k++) {
    LK_TRY(finish_bucket(s, e, k));
    LK_TRY(start_bucket(s, e, k + LK_VALUES_IN_FLIGHT));
  }
  return LK_OK;
}

lk_status lk_replicas_allgather(lk_replicas *replicas, const uint8_t *changed) {
  lk_replicas *s = replicas;
  const exchange values = {.changed = changed ? changed : s->all, .real = sizeof(float)};
  if (s->by_rows)
    LK_TRY(exchange_buckets(s, &values));
  else
    LK_TRY(exchange_ranges(s));
  return lk_group_meet(&s->group);
}

lk_status lk_replicas_advance(lk_replicas *replicas, const float *weights, const uint8_t *changed) {
  lk_replicas *s = replicas;
  LK_ASSERT((s->wire == LK_WIRE_BF16) == (weights != NULL));
  if (s->wire == LK_WIRE_FLOAT32) return lk_replicas_allgather(s, changed);
  const exchange rounded = {
      .weights = weights, .changed = s->skips && changed ? changed : s->all, .real = lk_wire_bytes(s->wire)};
  LK_TRY(exchange_buckets(s, &rounded));
  return lk_group_meet(&s->group);
}
