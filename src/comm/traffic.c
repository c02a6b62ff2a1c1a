#include "traffic.h"

#include <stdlib.h>

#include "reduction_impl.h"

/* Both directions of the links of all hosts, section by section. */
typedef struct link_bytes {
  int hosts;
  double *out, *in; /* [sections, hosts] */
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

/* Of one gradient, of the range of a rank in a section. */
static double gradient_bytes(const one_rank *r, int rank, int section) {
  const lk_reduction *sum = &r->reduction;
  double bytes = 0;
  for (ptrdiff_t k = 0; k < lk_buckets_count(&sum->buckets); k++)
    if (lk_bucket_section(&sum->buckets, k) == section)
      bytes += bytes_of(r, lk_bucket(sum->sections, &sum->buckets, rank, k), r->spec->gradient_rows, sum->real);
  return bytes;
}

static double value_bytes(const one_rank *r, int section) {
  const lk_replicas *s = &r->replicas;
  const size_t real = lk_wire_bytes(s->wire);
  double bytes = 0;
  if (!s->skips) return (double)lk_range_size(s->own.at[section]) * (double)real;
  for (ptrdiff_t k = 0; k < lk_buckets_count(&s->buckets); k++)
    if (lk_bucket_section(&s->buckets, k) == section)
      bytes += bytes_of(r, lk_bucket(&s->sections, &s->buckets, r->comm.rank, k), r->spec->value_rows, real);
  return bytes;
}

static void add_bytes(const link_bytes *link, const one_rank *r, int to, int section, double bytes) {
  const int first = section * link->hosts;
  link->out[first + host_of(r->spec, r->comm.rank)] += bytes;
  link->in[first + host_of(r->spec, to)] += bytes;
}

/* Reals that this rank adds; with BF16 each real of a message is rounded or widened besides. */
static double count_moved(const one_rank *r, int section) {
  const lk_reduction *sum = &r->reduction;
  const double own = gradient_bytes(r, r->comm.rank, section) / (double)sum->real, rounding = sum->half;
  double moved = own * ((double)sum->total.ops + rounding * (double)sum->received);
  for (int d = 0; d < sum->destinations; d++) {
    const double reals = gradient_bytes(r, sum->destination[d], section) / (double)sum->real;
    for (int p = 0; p < sum->run.shards.subtrees; p++) moved += reals * ((double)sum->run_plan[p].ops + rounding);
  }
  return moved;
}

static void count_rank(const one_rank *r, const link_bytes *gradients, const link_bytes *values, double *moved) {
  const lk_reduction *sum = &r->reduction;
  double mine = 0;
  for (int section = 0; section < r->replicas.own.count; section++) {
    for (int d = 0; d < sum->destinations; d++)
      add_bytes(gradients, r, sum->destination[d], section,
                sum->run.shards.subtrees * gradient_bytes(r, sum->destination[d], section));
    const double value = r->replicas.sends > 0 ? value_bytes(r, section) : 0;
    for (int i = 0; i < r->replicas.sends; i++) add_bytes(values, r, r->replicas.send_to[i], section, value);
    mine += count_moved(r, section);
  }
  if (mine > *moved) *moved = mine;
}

/* Of sections [first, last) together, in the direction and of the host with most. */
static double most(const link_bytes *link, int first, int last) {
  double bytes = 0;
  for (int h = 0; h < link->hosts; h++) {
    double out = 0, in = 0;
    for (int s = first; s < last; s++) out += link->out[s * link->hosts + h], in += link->in[s * link->hosts + h];
    if (out > bytes) bytes = out;
    if (in > bytes) bytes = in;
  }
  return bytes;
}

/* Buckets wait for those before them, as many are in flight; losses and norm are exchanged by doubling. */
static void count_rounds(const one_rank *r, lk_traffic *traffic) {
  enum { COLLECTIVES = 2 };
  const lk_replicas *s = &r->replicas;
  int doublings = 0;
  while (1 << doublings < r->spec->hosts) doublings++;
  traffic->sections = s->own.count;
  if (r->spec->hosts == 1) return;
  const ptrdiff_t gradients = lk_buckets_count(&r->reduction.buckets), values = lk_buckets_count(&s->buckets);
  const ptrdiff_t rounds = (gradients + LK_BUCKETS_IN_FLIGHT - 1) / LK_BUCKETS_IN_FLIGHT +
                           (values + LK_VALUES_IN_FLIGHT - 1) / LK_VALUES_IN_FLIGHT;
  traffic->meetings = COLLECTIVES * doublings;
  traffic->rounds = traffic->meetings + (double)rounds;
}

lk_status lk_traffic_plan(lk_traffic *traffic, const lk_traffic_spec *spec) {
  const int size = spec->hosts * spec->ranks;
  const size_t each = (size_t)spec->hosts * LK_MOST_RANGES;
  one_rank rank = {0};
  double *bytes = NULL;
  lk_status status;
  *traffic = (lk_traffic){0};
  if (spec->shards < size || spec->shards > LK_MAX_SHARDS)
    return LK_FAIL(LK_USAGE, "%d shards: expected from %d, the number of ranks, to %d", spec->shards, size,
                   LK_MAX_SHARDS);
  LK_GO(lk_alloc(&bytes, 4 * each, sizeof *bytes));
  const link_bytes gradients = {spec->hosts, bytes, bytes + each},
                   values = {spec->hosts, bytes + 2 * each, bytes + 3 * each};
  for (int r = 0; r < size; r++) {
    LK_GO(open_rank(&rank, spec, r));
    count_rank(&rank, &gradients, &values, &traffic->moved);
    count_rounds(&rank, traffic);
    close_rank(&rank);
  }
  traffic->gradients = most(&gradients, 0, traffic->sections);
  traffic->values = most(&values, 0, traffic->sections);
  for (int s = 0; s < traffic->sections; s++)
    traffic->section[s] = (lk_section_traffic){most(&gradients, s, s + 1), most(&values, s, s + 1)};
done:
  close_rank(&rank);
  free(bytes);
  return status;
}
