/* The bytes that lk_traffic_plan() computes are those that ranks send in a step, to the last one. */
#include <string.h>

#include "check.h"
#include "reduction_impl.h"
#include "traffic.h"

enum { MOST_RANKS = 8, P = 40 * 1024, ROWS = 700 };

/* Bytes from this rank to each: MPI_Isend() alone sends gradients and values. */
static size_t sent_to[MOST_RANKS];
int MPI_Isend(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request *request) {
  int bytes = 0;
  PMPI_Type_size(type, &bytes);
  sent_to[to] += (size_t)count * (size_t)bytes;
  return PMPI_Isend(data, count, type, to, tag, comm, request);
}

typedef struct setting {
  int hosts, ranks; /* of a host */
  int S;
  bool rows, skips;
  lk_wire wire;
  int cuts;
} setting;

/* Every third row, but of the first hundred all. */
static bool is_marked(int row) { return row < 100 || row % 3 == 0; }

/* Bytes of the host that sends or receives most, from what each rank has sent to each. */
static double most_of(lk_comm *comm, const setting *t) {
  static size_t all[MOST_RANKS][MOST_RANKS];
  double most = 0;
  CHECK_OK(lk_comm_allgather_each(comm, sent_to, all, sizeof sent_to));
  for (int h = 0; h < t->hosts; h++) {
    double out = 0, in = 0;
    for (int from = 0; from < t->hosts * t->ranks; from++)
      for (int to = 0; to < t->hosts * t->ranks; to++) {
        out += from / t->ranks == h ? (double)all[from][to] : 0;
        in += to / t->ranks == h ? (double)all[from][to] : 0;
      }
    if (out > most) most = out;
    if (in > most) most = in;
  }
  memset(sent_to, 0, sizeof sent_to);
  return most;
}

/* Gradients of ones, but for the rows without a mark. */
static void fill(const lk_reduction *sum, const lk_shards *shards, const lk_row_block *block) {
  for (int p = 0; p < shards->subtrees; p++) {
    float *x = lk_reduction_gradient(sum, p);
    uint8_t *marks = lk_reduction_marks(sum, p);
    for (ptrdiff_t i = 0; i < P; i++) x[i] = 1;
    for (int r = 0; marks && r < ROWS; r++) {
      marks[r] = is_marked(r);
      if (!marks[r]) memset(x + block->offset + r * block->width, 0, (size_t)block->width * sizeof *x);
    }
  }
}

static void check_traffic(lk_comm *comm, const setting *t) {
  const int size = lk_comm_size(comm);
  const lk_shards shards = lk_shards_make(t->S, lk_comm_rank(comm), size);
  const lk_row_block block = {1600, ROWS, 48};
  uint8_t marks[ROWS];
  char hosts[MOST_RANKS + 1] = "";
  lk_replicas *replicas;
  lk_reduction *sum;
  lk_traffic traffic;
  lk_replicas_spec spec = {
      .P = P, .blocks = &block, .block_count = t->rows, .sparse_update = t->skips, .wire = t->wire};
  for (int r = 0; r < size; r++) hosts[r] = (char)('a' + r / t->ranks);
  for (int r = 0; r < ROWS; r++) marks[r] = is_marked(r);
  for (int i = 0; i < t->cuts; i++) spec.cut[spec.cuts++] = (1 + 9 * i) * LK_RANGE_BLOCK;
  setenv("LOCKSTEP_TEST_HOSTS", hosts, 1);
  spec.rank_bytes = lk_reduction_bytes(&spec, &shards);
  CHECK_OK(lk_replicas_create(&replicas, comm, &spec));
  CHECK_OK(lk_reduction_create(&sum, replicas, t->S));
  if (!sum) lk_comm_abort(comm, 2);
  CHECK(replicas->group.groups == t->hosts);
  float *apart = calloc(P, sizeof *apart);
  CHECK_OK(lk_traffic_plan(&traffic, &(lk_traffic_spec){&spec, t->S, t->hosts, t->ranks, marks, marks}));
  double gradients = 0, values = 0;
  for (int i = 0; i < traffic.sections; i++) {
    CHECK(traffic.section[i].gradients <= traffic.gradients && traffic.section[i].values <= traffic.values);
    gradients += traffic.section[i].gradients, values += traffic.section[i].values;
  }
  CHECK(traffic.sections == (t->hosts > 1 ? t->cuts + 1 : 1));
  CHECK(gradients >= traffic.gradients && values >= traffic.values); /* each of the host that has most of it */
  CHECK_OK(lk_reduction_begin(sum));
  fill(sum, &shards, &block);
  memset(sent_to, 0, sizeof sent_to);
  CHECK_OK(lk_reduction_sum(sum));
  CHECK(most_of(comm, t) == traffic.gradients);
  CHECK_OK(lk_replicas_begin(replicas, t->wire == LK_WIRE_BF16 ? apart : NULL, lk_reduction_touched(sum)));
  CHECK_OK(lk_replicas_await(replicas, P));
  CHECK(most_of(comm, t) == traffic.values);
  CHECK((traffic.gradients > 0) == (t->hosts > 1) && (traffic.rounds > 0) == (t->hosts > 1));
  CHECK_OK(lk_comm_barrier(comm));
  lk_reduction_destroy(&sum);
  lk_replicas_destroy(&replicas);
  free(apart);
}

static void test_as_many_as_are_sent(lk_comm *comm) {
  const int size = lk_comm_size(comm), shards[] = {size, 8, 13};
  for (int ranks = 1; ranks <= size; ranks++)
    for (int s = 0; s < 3 && size % ranks == 0; s++)
      for (int k = 0; k < 12; k++) {
        const setting t = {.hosts = size / ranks,
                           .ranks = ranks,
                           .S = shards[s],
                           .rows = k % 3 > 0,
                           .skips = k % 3 > 1,
                           .wire = k % 2 ? LK_WIRE_FLOAT32 : LK_WIRE_BF16,
                           .cuts = k < 6 ? 0 : 4};
        check_traffic(comm, &t);
      }
}

/* Two ranks of 1,024 reals each: one message each way, which is added, and with BF16 rounded here and widened there. */
static void test_by_hand(void) {
  lk_replicas_spec spec = {.P = 2048};
  lk_traffic t;
  const lk_traffic_spec two = {.replicas = &spec, .shards = 2, .hosts = 2, .ranks = 1};
  CHECK_OK(lk_traffic_plan(&t, &two));
  CHECK(t.gradients == 4096 && t.values == 4096 && t.moved == 1024 && t.rounds == 4 && t.meetings == 2);
  spec.wire = LK_WIRE_BF16;
  CHECK_OK(lk_traffic_plan(&t, &two));
  CHECK(t.gradients == 2048 && t.values == 2048 && t.moved == 3072 && t.rounds == 4);
  CHECK(lk_traffic_plan(&t, &(lk_traffic_spec){.replicas = &spec, .shards = 2, .hosts = 2, .ranks = 2}) == LK_USAGE);
  lk_error_clear();
}

int main(int argc, char **argv) {
  lk_comm *comm = check_start(&argc, &argv);
  test_by_hand();
  test_as_many_as_are_sent(comm);
  return check_end(comm);
}
