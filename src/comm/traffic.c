#include "traffic.h"

#include <stdlib.h>

#include "reduction_impl.h"

/* One direction of a link, host by host. */
typedef struct link_bytes {
  double *out, *in; /* [hosts] */
} link_bytes;

/* A rank on one of the planned hosts, with the parts of a run that its messages follow from. */
typedef struct one_rank {
  const lk_traffic_spec *spec;
  lk_comm comm;
  lk_replicas replicas;
  lk_reduction reduction;
} one_rank;

static int host_of(const lk_traffic_spec *spec, int rank) { return rank / spec->ranks; }

static lk_status group_ranks(lk_group *group, const lk_traffic_spec *spec) {
  const int size = group->comm->size, first = host_of(spec, group->comm->rank) * spec->ranks;
  group->groups = spec->hosts, group->members = spec->ranks, group->local = group->comm->rank - first;
  LK_TRY(lk_alloc(&group->of, (size_t)size, sizeof *group->of));
  LK_TRY(lk_alloc(&group->member, (size_t)spec->ranks, sizeof *group->member));
  for (int r = 0; r < size; r++) group->of[r] = host_of(spec, r) * spec->ranks;
  for (int m = 0; m < spec->ranks; m++) group->member[m].rank = first + m;
  return LK_OK;
}

static lk_status open_rank(one_rank *r, const lk_traffic_spec *spec, int rank) {
  lk_replicas *replicas = &r->replicas;
  r->spec = spec;
  r->comm = (lk_comm){.mpi = MPI_COMM_NULL, .rank = rank, .size = spec->hosts * spec->ranks, .bucket = LK_COMM_BUCKET};
  replicas->comm = replicas->group.comm = &r->comm;
  LK_TRY(group_ranks(&replicas->group, spec));
  LK_TRY(lk_replicas_plan(replicas, spec->replicas));
  r->reduction = lk_reduction_of(replicas, spec->shards);
  lk_reduction_cut(&r->reduction);
  return lk_reduction_plan(&r->reduction);
}

static void close_rank(one_rank *r) {
  lk_reduction_unplan(&r->reduction);
  lk_replicas_unplan(&r->replicas);
  free(r->replicas.group.of);
  free(r->replicas.group.member);
  *r = (one_rank){0};
}

static double bytes_of(const one_rank *r, lk_range part, const uint8_t *marks, size_t real) {
  const lk_row_table *rows = &r->replicas.rows;
  bool packed;
  return (double)lk_rows_bytes(rows, part, marks ? marks + lk_row_at(rows, part.begin) : NULL, real, &packed);
}

/* Of one gradient, of the ranges of a rank. */
static double gradient_bytes(const one_rank *r, int rank) {
  const lk_reduction *sum = &r->reduction;
  double bytes = 0;
  for (ptrdiff_t k = 0; k < lk_buckets_count(&sum->buckets); k++)
    bytes += bytes_of(r, lk_bucket(sum->sections, &sum->buckets, rank, k), r->spec->gradient_rows, sum->real);
  return bytes;
}

static double value_bytes(const one_rank *r) {
  const lk_replicas *s = &r->replicas;
  const size_t real = lk_wire_bytes(s->wire);
  double bytes = 0;
  if (!s->skips) return (double)lk_ranges_size(&s->own) * (double)real;
  for (ptrdiff_t k = 0; k < lk_buckets_count(&s->buckets); k++)
    bytes += bytes_of(r, lk_bucket(&s->sections, &s->buckets, r->comm.rank, k), r->spec->value_rows, real);
  return bytes;
}

static void add_bytes(const link_bytes *link, const one_rank *r, int to, double bytes) {
  link->out[host_of(r->spec, r->comm.rank)] += bytes;
  link->in[host_of(r->spec, to)] += bytes;
}

/* Reals that this rank adds; with BF16 each real of a message is rounded or widened besides. */
static double count_moved(const one_rank *r) {
  const lk_reduction *sum = &r->reduction;
  const double own = gradient_bytes(r, r->comm.rank) / (double)sum->real, rounding = sum->half;
  double moved = own * ((double)sum->total.ops + rounding * (double)sum->received);
  for (int d = 0; d < sum->destinations; d++)
    for (int p = 0; p < sum->run.shards.subtrees; p++)
      moved += gradient_bytes(r, sum->destination[d]) / (double)sum->real * ((double)sum->run_plan[p].ops + rounding);
  return moved;
}

static void count_rank(const one_rank *r, const link_bytes *gradients, const link_bytes *values, double *moved) {
  const lk_reduction *sum = &r->reduction;
  for (int d = 0; d < sum->destinations; d++)
    add_bytes(gradients, r, sum->destination[d], sum->run.shards.subtrees * gradient_bytes(r, sum->destination[d]));
  const double value = r->replicas.sends > 0 ? value_bytes(r) : 0, mine = count_moved(r);
  for (int i = 0; i < r->replicas.sends; i++) add_bytes(values, r, r->replicas.send_to[i], value);
  if (mine > *moved) *moved = mine;
}

static double most(const link_bytes *link, int hosts) {
  double bytes = 0;
  for (int h = 0; h < hosts; h++) {
    if (link->out[h] > bytes) bytes = link->out[h];
    if (link->in[h] > bytes) bytes = link->in[h];
  }
  return bytes;
}

/* Buckets wait for those before them, as many are in flight; then losses and norm, exchanged by doubling. */
static ptrdiff_t count_rounds(const one_rank *r) {
  enum { COLLECTIVES = 2 };
  const lk_replicas *s = &r->replicas;
  int doublings = 0;
  while (1 << doublings < r->spec->hosts) doublings++;
  if (r->spec->hosts == 1) return 0;
  return (lk_buckets_count(&r->reduction.buckets) + LK_BUCKETS_IN_FLIGHT - 1) / LK_BUCKETS_IN_FLIGHT +
         (lk_buckets_count(&s->buckets) + LK_VALUES_IN_FLIGHT - 1) / LK_VALUES_IN_FLIGHT + COLLECTIVES * doublings;
}

lk_status lk_traffic_plan(lk_traffic *traffic, const lk_traffic_spec *spec) {
  const int size = spec->hosts * spec->ranks;
  const size_t hosts = (size_t)spec->hosts;
  one_rank rank = {0};
  double *bytes = NULL;
  lk_status status;
  *traffic = (lk_traffic){0};
  if (spec->shards < size || spec->shards > LK_MAX_SHARDS)
    return LK_FAIL(LK_USAGE, "%d shards: expected from %d, the number of ranks, to %d", spec->shards, size,
                   LK_MAX_SHARDS);
  LK_GO(lk_alloc(&bytes, 4 * hosts, sizeof *bytes));
  const link_bytes gradients = {bytes, bytes + hosts}, values = {bytes + 2 * hosts, bytes + 3 * hosts};
  for (int r = 0; r < size; r++) {
    LK_GO(open_rank(&rank, spec, r));
    count_rank(&rank, &gradients, &values, &traffic->moved);
    traffic->rounds = (double)count_rounds(&rank);
    close_rank(&rank);
  }
  traffic->gradients = most(&gradients, spec->hosts);
  traffic->values = most(&values, spec->hosts);
done:
  close_rank(&rank);
  free(bytes);
  return status;
}
