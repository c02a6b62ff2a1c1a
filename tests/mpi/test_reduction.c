/* The reduction gives the bits of the definition (S shard gradients, one tree) on any number of ranks, however they are
 * grouped. A row that no shard touches counts as +0.0, as in the dense sum. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "reduction_impl.h"
#include "arena.h"

/* One case: the arguments of a sum. */
typedef struct setting {
  int S;
  ptrdiff_t P;
  int blocks;
  lk_row_block block[2];
  const char *hosts; /* LOCKSTEP_TEST_HOSTS */
  lk_transport transport;
  double density; /* fraction of the rows that a shard touches */
  bool skips;     /* the update skips rows that no shard touches */
  lk_wire wire;
  int cuts;    /* sections but one: short and long ones, with ranks that own nothing of some */
  bool offers; /* gradients are offered on the way */
} setting;

/* What this rank sends while ranks sum gradients and exchange values: MPI_Isend() alone is used for that. */
static size_t sent_bytes;
int MPI_Isend(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request *request) {
  int bytes = 0;
  PMPI_Type_size(type, &bytes);
  sent_bytes += (size_t)count * (size_t)bytes;
  return PMPI_Isend(data, count, type, to, tag, comm, request);
}

typedef struct parameters {
  lk_replicas *replicas;
  lk_reduction *reduction;
  float *values;  /* [P] that all ranks should have */
  float *weights; /* [own] that the values follow with LK_WIRE_BF16 */
  float *masters; /* [P] those of all ranks */
} parameters;

static lk_status parameters_open(parameters *p, lk_comm *comm, lk_replicas_spec spec, int S) {
  const lk_shards shards = lk_shards_make(S, lk_comm_rank(comm), lk_comm_size(comm));
  *p = (parameters){0};
  spec.rank_bytes = lk_reduction_bytes(&spec, &shards);
  spec.gathered_bytes = (size_t)S * sizeof(int64_t);
  LK_TRY(lk_replicas_create(&p->replicas, comm, &spec));
  return lk_reduction_create(&p->reduction, p->replicas, S);
}

static void parameters_close(parameters *p) {
  lk_reduction_destroy(&p->reduction);
  lk_replicas_destroy(&p->replicas);
  free(p->values);
  free(p->weights);
  free(p->masters);
}

/* splitmix64: a fast pseudo-random number. */
static uint64_t hash(uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
  x = (x ^ x >> 27) * 0x94d049bb133111ebU;
  return x ^ x >> 31;
}

static uint64_t hash_of(int step, int shard, ptrdiff_t i) {
  return hash((uint64_t)step << 56 ^ (uint64_t)shard << 40 ^ (uint64_t)i);
}

static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static bool touches(const setting *t, int step, int shard, ptrdiff_t row) {
  return (double)(hash_of(step + 100, shard, row) >> 11) * 0x1p-53 < t->density;
}

/* Magnitudes from 2^-12 to 2^11, so that another order of additions changes nearly every element; some are -0.0. */
static void fill_shard(const setting *t, int step, float *x, int shard) {
  for (ptrdiff_t i = 0; i < t->P; i++) {
    uint64_t bits = hash_of(step, shard, i);
    float scale = (float)(1 << bits % 24) * 0x1p-12F;
    x[i] = bits % 31 == 0 ? -0.0F : scale * ((float)(bits >> 40) * 0x1p-23F - 1.0F);
  }
  ptrdiff_t row = 0;
  for (int b = 0; b < t->blocks; b++)
    for (ptrdiff_t r = 0; r < t->block[b].rows; r++, row++)
      if (!touches(t, step, shard, row))
        memset(x + t->block[b].offset + r * t->block[b].width, 0, (size_t)t->block[b].width * sizeof *x);
}

/* The nearest number of 8 bits of significand, ties to even: in double, where adding 2^k with the last bit at the place
 * of the eighth leaves no room for the others. Not for denormals. */
static float nearest(float x) {
  double power = 1;
  memcpy(&power, &(uint64_t){(uint64_t)((bits_of(x) >> 23 & 0xff) + 1023 - 127 + 52 - 7) << 52}, sizeof power);
  const volatile double sum = fabs((double)x) + power;
  return copysignf((float)(sum - power), x);
}

/* A gradient below the root, as the wire has it. */
static void round_node(const setting *t, float *x, int shards) {
  for (ptrdiff_t i = 0; t->wire == LK_WIRE_BF16 && shards < t->S && i < t->P; i++) x[i] = nearest(x[i]);
}

/* Recursive form of the definition in shards.h: independent of lk_tree and of the plan. */
static void node_sum(const setting *t, int step, float *out, int level, int k, float *scratch) {
  int first = k << level;
  if (level == 0) {
    fill_shard(t, step, out, first);
    round_node(t, out, 1);
    return;
  }
  node_sum(t, step, out, level - 1, 2 * k, scratch);
  if (first + (1 << (level - 1)) >= t->S) return;
  node_sum(t, step, scratch, level - 1, 2 * k + 1, scratch + t->P);
  for (ptrdiff_t i = 0; i < t->P; i++) out[i] += scratch[i];
  round_node(t, out, 1 << level); /* a root has S or more */
}

static int root_level(int S) {
  int level = 0;
  while ((1 << level) < S) level++;
  return level;
}

/* What the backward pass computes: a subtree's shards along the tree. */
static void subtree_sum(const setting *t, int step, float *out, lk_subtree subtree, float *slots) {
  lk_tree tree = lk_tree_start(t->S, subtree.first);
  for (int s = subtree.first; s < subtree.first + subtree.count; s++) {
    const int slot = lk_tree_push(&tree, lk_tree_shard(s));
    fill_shard(t, step, slots + slot * t->P, s);
    round_node(t, slots + slot * t->P, 1);
    for (int into, from; lk_tree_merge(&tree, &into, &from);) {
      for (ptrdiff_t i = 0; i < t->P; i++) slots[into * t->P + i] += slots[from * t->P + i];
      round_node(t, slots + into * t->P, lk_tree_count(&tree));
    }
  }
  memcpy(out, slots, (size_t)t->P * sizeof *out);
}

static float *reals(ptrdiff_t n) {
  float *x = NULL;
  if (lk_alloc(&x, (size_t)n + 1, sizeof *x) != LK_OK) abort();
  return x;
}

static ptrdiff_t sequential_differs(const setting *t, const float *total) {
  float *sum = reals(t->P), *gradient = reals(t->P);
  for (int s = 0; s < t->S; s++) {
    fill_shard(t, 0, gradient, s);
    for (ptrdiff_t i = 0; i < t->P; i++) sum[i] += gradient[i];
  }
  ptrdiff_t differ = 0;
  for (ptrdiff_t i = 0; i < t->P; i++) differ += memcmp(&sum[i], &total[i], sizeof *sum) != 0;
  free(gradient);
  free(sum);
  return differ;
}

static double square_sum_defined(const float *x, ptrdiff_t P) {
  ptrdiff_t blocks = (P + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK;
  double *block = NULL;
  if (lk_alloc(&block, (size_t)blocks, sizeof *block) != LK_OK) abort();
  lk_square_sums(x, P, block);
  double sum = lk_pairwise_sum(block, blocks);
  free(block);
  return sum;
}

/* The backward pass as it is: rows of the last step are cleared, those of this step assigned and marked. Then the whole
 * subtree must be what it is defined to be: nothing that the reduction left in it remains. */
static void write_subtree(const setting *t, int step, lk_subtree subtree, float *x, uint8_t *touched,
                          const float *sum) {
  ptrdiff_t at = 0, row = 0;
  for (int b = 0; b < t->blocks; b++) {
    const lk_row_block *block = &t->block[b];
    memcpy(x + at, sum + at, (size_t)(block->offset - at) * sizeof *x);
    at = block->offset;
    for (ptrdiff_t r = 0; r < block->rows; r++, row++, at += block->width) {
      if (touched[row]) memset(x + at, 0, (size_t)block->width * sizeof *x);
      touched[row] = 0;
      for (int s = subtree.first; s < subtree.first + subtree.count; s++) touched[row] |= touches(t, step, s, row);
      if (touched[row]) memcpy(x + at, sum + at, (size_t)block->width * sizeof *x);
    }
  }
  memcpy(x + at, sum + at, (size_t)(t->P - at) * sizeof *x);
  CHECK(memcmp(x, sum, (size_t)t->P * sizeof *x) == 0);
}

/* [P] 0 for the elements of rows that no shard touches; the caller frees it. */
static uint8_t *touched_elements(const setting *t, int step) {
  ptrdiff_t row = 0;
  uint8_t *touched = NULL;
  if (lk_alloc(&touched, (size_t)t->P + 1, 1) != LK_OK) abort();
  memset(touched, 1, (size_t)t->P);
  for (int b = 0; b < t->blocks; b++)
    for (ptrdiff_t r = 0; r < t->block[b].rows; r++, row++) {
      uint8_t any = 0;
      for (int s = 0; s < t->S; s++) any |= touches(t, step, s, row);
      memset(touched + t->block[b].offset + r * t->block[b].width, any, (size_t)t->block[b].width);
    }
  return touched;
}

/* The parts of a range of the total are the dense elements and the touched rows, each once and in order. */
static void check_parts(const parameters *p, int range, const uint8_t *expected) {
  const lk_range own = lk_replicas_own(p->replicas)->at[range];
  ptrdiff_t at = 0, wrong = 0;
  for (lk_range part = {0}; lk_reduction_next_part(p->reduction, range, &part); at = part.end) {
    CHECK(part.begin >= at && part.end > part.begin && part.end <= own.end - own.begin);
    for (ptrdiff_t i = at; i < part.end; i++) wrong += expected[own.begin + i] != (i >= part.begin);
  }
  for (ptrdiff_t i = at; i < own.end - own.begin; i++) wrong += expected[own.begin + i] != 0;
  CHECK(wrong == 0);
}

/* An own vector of what the ranges of this rank have of x [P]. */
static void pick(const parameters *p, const float *x, float *own) {
  const lk_ranges *ranges = lk_replicas_own(p->replicas);
  for (int i = 0; i < ranges->count; own += lk_range_size(ranges->at[i++]))
    memcpy(own, x + ranges->at[i].begin, (size_t)lk_range_size(ranges->at[i]) * sizeof *x);
}

static void check_total(const setting *t, const parameters *p, int step, const float *total) {
  const lk_ranges *own = lk_replicas_own(p->replicas);
  uint8_t *expected = touched_elements(t, step);
  for (int i = 0; i < own->count; i++) {
    CHECK(memcmp(lk_reduction_total(p->reduction, i), total + own->at[i].begin,
                 (size_t)lk_range_size(own->at[i]) * sizeof *total) == 0);
    check_parts(p, i, expected);
  }
  free(expected);
}

/* Ranges to a root and back. */
static void check_ranges(lk_comm *comm, const parameters *p, const float *total, ptrdiff_t P) {
  int rank = lk_comm_rank(comm), root = lk_comm_size(comm) - 1;
  size_t bytes = (size_t)lk_ranges_size(lk_replicas_own(p->replicas)) * sizeof *total;
  float *all = reals(P), *own = reals(P), *back = reals(P);
  pick(p, total, own);
  CHECK_OK(lk_replicas_gather(p->replicas, own, rank == root ? all : NULL, root));
  CHECK(rank != root || memcmp(all, total, (size_t)P * sizeof *all) == 0);
  CHECK_OK(lk_replicas_scatter(p->replicas, rank == root ? all : NULL, back, root));
  CHECK(memcmp(back, own, bytes) == 0);
  free(back);
  free(own);
  free(all);
}

/* Ranks that arrive at a barrier at different times. */
static void dawdle(int step) {
  uint64_t bits = hash_of(step, test_rank, -1);
  if (bits % 3 == 0) usleep((useconds_t)(bits >> 32) % 500);
}

/* A record of each shard to all ranks; several times, as ranks that come late must find what they gave. */
static void check_gathered(const parameters *p, int S, lk_shards shards, int step) {
  int64_t mine[LK_MAX_SUBTREES * 8], all[64];
  CHECK(shards.count <= LK_MAX_SUBTREES * 8 && S <= 64);
  for (int turn = 0; turn < 3; turn++) {
    for (int s = 0; s < shards.count; s++) mine[s] = 1000 * step + 100 * turn + shards.first + s;
    if (turn == 1) dawdle(step + 300);
    CHECK_OK(lk_replicas_gather_shards(p->replicas, S, mine, all, sizeof *mine));
    for (int s = 0; s < S; s++) CHECK(all[s] == 1000 * step + 100 * turn + s);
  }
}

/* The values arrive from the first on: what is waited for is right, and what was told to be there. */
static void check_arrival(const setting *t, const parameters *p) {
  const float *values = lk_replicas_values(p->replicas);
  enum { PARTS = 3 };
  for (ptrdiff_t i = 1; i <= PARTS; i++) {
    const ptrdiff_t end = t->P * i / PARTS;
    bool there = i % 2 == 0;
    while (there && !lk_replicas_reached(p->replicas, end)) there = lk_replicas_move(p->replicas);
    if (!there) CHECK_OK(lk_replicas_await(p->replicas, end));
    CHECK(lk_replicas_reached(p->replicas, end));
    CHECK(memcmp(values, p->values, (size_t)end * sizeof *values) == 0);
  }
  CHECK(!lk_replicas_move(p->replicas));
}

/* Each owner assigns the total to its values; where rows are skipped, to those that a shard touches. Then all have all.
 * What a row that is skipped has on another rank is not sent, and stays. */
static void check_values(const setting *t, const parameters *p, int step, const float *total) {
  const lk_ranges *own = lk_replicas_own(p->replicas);
  float *values = lk_replicas_values(p->replicas);
  uint8_t *changed = touched_elements(t, step);
  for (ptrdiff_t i = 0; i < t->P; i++)
    if (!t->skips || changed[i]) p->values[i] = total[i];
  free(changed);
  for (int k = 0; k < own->count; k++) {
    const lk_range all = own->at[k];
    if (!t->skips) memcpy(values + all.begin, total + all.begin, (size_t)lk_range_size(all) * sizeof *total);
    for (lk_range part = {0}; t->skips && lk_reduction_next_part(p->reduction, k, &part);)
      memcpy(values + all.begin + part.begin, total + all.begin + part.begin,
             (size_t)lk_range_size(part) * sizeof *total);
  }
  dawdle(step + 200);
  if (t->wire == LK_WIRE_BF16 || step % 2)
    CHECK_OK(lk_replicas_allgather(p->replicas, lk_reduction_touched(p->reduction)));
  else
    CHECK_OK(lk_replicas_begin(p->replicas, NULL, lk_reduction_touched(p->reduction)));
  check_arrival(t, p);
}

/* Each owner takes a step that the values follow, by rounded differences from what they were: the same on all ranks, near
 * the weights, and what rounding left out is made good by the next steps. Rows that are skipped keep their values, though
 * something was left out of them. */
static void check_following(const setting *t, const parameters *p, int step, const float *total) {
  uint8_t *changed = touched_elements(t, step);
  ptrdiff_t far = 0;
  for (ptrdiff_t i = 0; i < t->P; i++) {
    if (t->skips && !changed[i]) continue;
    const float w = p->masters[i] + 1e-3F * total[i], d = nearest(w - p->values[i]);
    p->masters[i] = w;
    p->values[i] += d;
    far += fabsf(w - p->values[i]) > 0x1p-8F * fabsf(d) + 0x1p-22F * fabsf(w);
  }
  CHECK(far == 0);
  free(changed);
  pick(p, p->masters, p->weights);
  dawdle(step + 200);
  CHECK_OK(lk_replicas_begin(p->replicas, p->weights, lk_reduction_touched(p->reduction)));
  check_arrival(t, p);
}

/* The gradients become complete from the end on: what is not offered yet must not be read, and holds wrong numbers. */
static void offer_by_and_by(const setting *t, const parameters *p, int step, int subtrees) {
  float *right[LK_MAX_SUBTREES];
  for (int i = 0; i < subtrees; i++) {
    float *x = lk_reduction_gradient(p->reduction, i);
    right[i] = reals(t->P);
    memcpy(right[i], x, (size_t)t->P * sizeof *x);
    for (ptrdiff_t k = 0; k < t->P; k++) x[k] = 1e6F;
  }
  for (ptrdiff_t offset = t->P, last = t->P, turn = 0; offset > 0; turn++, last = offset) {
    const ptrdiff_t less = (ptrdiff_t)(hash_of(step, test_rank, turn) % 3000);
    offset = offset > less ? offset - less : 0;
    for (int i = 0; i < subtrees; i++)
      memcpy(lk_reduction_gradient(p->reduction, i) + offset, right[i] + offset,
             (size_t)(last - offset) * sizeof(float));
    if (turn % 4 == 0) dawdle(step + (int)turn);
    if (turn % 5 < 4) lk_reduction_offer(p->reduction, offset);
    lk_reduction_offer(p->reduction, t->P);
  }
  for (int i = 0; i < subtrees; i++) free(right[i]);
}

static void check_step(const setting *t, lk_comm *comm, const parameters *p, int step, float *scratch) {
  lk_shards shards = lk_shards_make(t->S, lk_comm_rank(comm), lk_comm_size(comm));
  float *total = reals(t->P), *subtree = reals(t->P);
  node_sum(t, step, total, root_level(t->S), 0, scratch);
  if (t->P >= 1024 && step == 0 && t->density >= 1 &&
      t->wire == LK_WIRE_FLOAT32) /* otherwise this test could not fail */
    CHECK(t->S < 4 || sequential_differs(t, total) > t->P / 20);
  dawdle(step);
  CHECK_OK(lk_reduction_begin(p->reduction));
  for (int i = 0; i < shards.subtrees; i++) {
    subtree_sum(t, step, subtree, shards.subtree[i], scratch);
    write_subtree(t, step, shards.subtree[i], lk_reduction_gradient(p->reduction, i),
                  lk_reduction_marks(p->reduction, i), subtree);
  }
  dawdle(step + 100);
  if (t->offers) offer_by_and_by(t, p, step, shards.subtrees);
  CHECK_OK(lk_reduction_sum(p->reduction));
  check_total(t, p, step, total);
  double got = 0, expected = square_sum_defined(total, t->P);
  if (step % 2 == 0) { /* else as a skipped step: no barrier before the next one */
    CHECK_OK(lk_reduction_square_sum(p->reduction, &got));
    CHECK(memcmp(&got, &expected, sizeof got) == 0);
    if (t->wire == LK_WIRE_BF16)
      check_following(t, p, step, total);
    else
      check_values(t, p, step, total);
  }
  check_gathered(p, t->S, shards, step);
  if (step == 2) check_ranges(comm, p, total, t->P);
  free(total);
  free(subtree);
}

static int letters(const char *hosts) {
  int count = 0;
  for (int i = 0; hosts[i]; i++) count += strchr(hosts, hosts[i]) == hosts + i;
  return count;
}

enum { PACKED = 3000 };

static void check_start_values(const parameters *p, ptrdiff_t P) {
  float *values = lk_replicas_values(p->replicas);
  const lk_part part = lk_replicas_part(p->replicas);
  CHECK((uintptr_t)values % 64 == 0 && (uintptr_t)lk_reduction_gradient(p->reduction, 0) % 64 == 0);
  for (ptrdiff_t i = part.index; i < P; i += part.count) {
    CHECK(values[i] == 0);
    values[i] = (float)i;
  }
  int *packed = lk_replicas_packed(p->replicas);
  CHECK((uintptr_t)packed % 64 == 0);
  for (int i = part.index; i < PACKED; i += part.count) {
    CHECK(packed[i] == 0);
    packed[i] = i;
  }
  CHECK_OK(lk_replicas_meet(p->replicas));
  ptrdiff_t wrong = 0;
  for (int i = 0; i < PACKED; i++) wrong += packed[i] != i;
  for (ptrdiff_t i = 0; i < P; i++) wrong += values[i] != (float)i;
  CHECK(wrong == 0);
  CHECK_OK(lk_replicas_meet(p->replicas)); /* all have read them */
  for (ptrdiff_t i = 0; test_rank == 0 && i < P; i++) values[i] = (float)(-i);
  CHECK_OK(lk_replicas_broadcast(p->replicas));
  for (ptrdiff_t i = 0; i < P; i++) wrong += values[i] != (float)(-i);
  CHECK(wrong == 0);
}

/* Where sections end. */
static const ptrdiff_t borders[] = {1024, 3 * 1024, 4 * 1024, 12 * 1024};
enum { BORDERS = sizeof borders / sizeof *borders };

static void check_sum(lk_comm *comm, const setting *t) {
  int size = lk_comm_size(comm);
  parameters p;
  lk_replicas_spec spec = {.P = t->P, .blocks = t->block, .block_count = t->blocks, .transport = t->transport};
  spec.packed_bytes = PACKED * sizeof(int);
  spec.sparse_update = t->skips;
  spec.tokens = t->density * 100;
  spec.wire = t->wire;
  for (int i = 0; i < t->cuts; i++) spec.cut[spec.cuts++] = borders[i];
  setenv("LOCKSTEP_TEST_HOSTS", t->hosts, 1);
  CHECK_OK(parameters_open(&p, comm, spec, t->S));
  if (p.reduction == NULL) lk_comm_abort(comm, 2);
  const lk_group *group = &p.replicas->group;
  /* that the case is the one that it is meant to be */
  CHECK(group->groups == (t->transport == LK_TRANSPORT_MESSAGES ? size : letters(t->hosts)));
  CHECK((group->shared.mpi != MPI_WIN_NULL) == (group->members > 1));
  float *scratch = reals(t->P * (LK_TREE_LEVELS + 1));
  check_start_values(&p, t->P);
  p.values = reals(t->P);
  memcpy(p.values, lk_replicas_values(p.replicas), (size_t)t->P * sizeof *p.values);
  p.masters = reals(t->P);
  memcpy(p.masters, p.values, (size_t)t->P * sizeof *p.values);
  p.weights = reals(t->P);
  for (int step = 0; step < 3; step++) check_step(t, comm, &p, step, scratch);
  free(scratch);
  parameters_close(&p);
  CHECK(p.replicas == NULL && p.reduction == NULL);
}

/* Bytes that this rank sends in a step, of gradients and of values; messages between all ranks. */
static void count_bytes(lk_comm *comm, ptrdiff_t P, lk_wire wire, size_t *gradients, size_t *values) {
  parameters p;
  const lk_replicas_spec spec = {.P = P, .transport = LK_TRANSPORT_MESSAGES, .wire = wire};
  CHECK_OK(parameters_open(&p, comm, spec, 8));
  float *apart = reals(P);
  CHECK_OK(lk_reduction_begin(p.reduction));
  sent_bytes = 0;
  CHECK_OK(lk_reduction_sum(p.reduction));
  *gradients = sent_bytes;
  sent_bytes = 0;
  CHECK_OK(lk_replicas_begin(p.replicas, wire == LK_WIRE_BF16 ? apart : NULL, NULL));
  CHECK_OK(lk_replicas_await(p.replicas, P));
  *values = sent_bytes;
  CHECK_OK(lk_comm_barrier(comm));
  parameters_close(&p);
  free(apart);
}

static void test_bytes(lk_comm *comm) {
  enum { P = 64 * 1024 };
  size_t whole[2], half[2];
  const size_t others = (size_t)lk_comm_size(comm) - 1;
  count_bytes(comm, P, LK_WIRE_FLOAT32, &whole[0], &whole[1]);
  count_bytes(comm, P, LK_WIRE_BF16, &half[0], &half[1]);
  CHECK(whole[0] == 2 * half[0] && whole[1] == 2 * half[1]);
  CHECK(others == 0 || half[0] >= P * sizeof(uint16_t) * others / (others + 1) - 2 * LK_RANGE_BLOCK);
  CHECK((others == 0) == (half[1] == 0));
}

static void test_records(lk_comm *comm, int S) {
  typedef struct record {
    double loss;
    int64_t units, shard;
  } record;
  lk_shards shards = lk_shards_make(S, lk_comm_rank(comm), lk_comm_size(comm));
  record mine[16] = {{0}}, all[16] = {{0}};
  for (int s = 0; s < shards.count; s++)
    mine[s] = (record){1.0 / (3 + shards.first + s), 7 * (shards.first + s), shards.first + s};
  CHECK_OK(lk_comm_allgather_shards(comm, S, mine, all, sizeof(record)));
  for (int s = 0; s < S; s++) CHECK(all[s].shard == s && all[s].units == 7 * s && all[s].loss == 1.0 / (3 + s));
}

/* All of P, in order; where no rank's share is smaller than a block, none takes half as much again as another. */
static void check_cuts(ptrdiff_t P, const lk_row_block *blocks, int count, bool sparse, int size, double tokens) {
  const lk_replicas_spec spec = {
      .P = P, .blocks = blocks, .block_count = count, .sparse_update = sparse, .tokens = tokens};
  const double saved = tokens > 0 ? 0 : sparse ? 0.875 : 0.25; /* no tokens, or more than rows */
  ptrdiff_t at = 0, dense = P;
  double least = INFINITY, most = 0;
  for (int i = 0; i < count; i++) dense -= blocks[i].rows * blocks[i].width;
  for (int r = 0; r < size; r++) {
    const lk_range range = lk_replicas_cut(&spec, (lk_range){0, P}, r, size);
    CHECK(range.begin == at && range.end >= range.begin);
    CHECK(range.begin == P || range.begin % LK_RANGE_BLOCK == 0);
    at = range.end;
    double cost = (double)(range.end - range.begin);
    for (int i = 0; i < count; i++) {
      const ptrdiff_t end = blocks[i].offset + blocks[i].rows * blocks[i].width;
      const ptrdiff_t from = range.begin > blocks[i].offset ? range.begin : blocks[i].offset;
      const ptrdiff_t to = range.end < end ? range.end : end;
      if (to > from) cost -= saved * (double)(to - from);
    }
    if (cost < least) least = cost;
    if (cost > most) most = cost;
  }
  CHECK(at == P);
  if ((double)P - saved * (double)(P - dense) > 8.0 * LK_RANGE_BLOCK * size) CHECK(most < 1.5 * least);
}

static void test_ranges_cover_all(void) {
  for (int size = 1; size <= 7; size++) {
    for (ptrdiff_t P = 0; P < 9 * LK_RANGE_BLOCK; P += 7 * LK_LANES) check_cuts(P, NULL, 0, false, size, 0);
    const lk_row_block blocks[] = {{.offset = 0, .rows = 5000, .width = 48},
                                   {.offset = 320000, .rows = 900, .width = 16}};
    for (int sparse = 0; sparse < 2; sparse++) {
      check_cuts(480000, blocks, 2, sparse, size, 0);
      check_cuts(240000, blocks, 1, sparse, size, 0); /* nothing else */
      check_cuts(480000, blocks, 2, sparse, size, 1e6);
    }
  }
}

/* 3^2 + 4^2 at both ends of the vector, and a case where a plain float sum is wrong. */
static void test_square_sum_by_hand(void) {
  float x[LK_RANGE_BLOCK + 16] = {0};
  x[5] = 3;
  x[LK_RANGE_BLOCK + 9] = 4;
  CHECK(square_sum_defined(x, LK_RANGE_BLOCK + 16) == 25.0);
  x[5] = 1e10F;
  CHECK(square_sum_defined(x, LK_RANGE_BLOCK + 16) == (double)1e10F * (double)1e10F + 16.0);
  double five[] = {1, 2, 3, 4, 5};
  CHECK(lk_pairwise_sum(five, 5) == 15);
  CHECK(lk_pairwise_sum(five, 0) == 0);
}

static void test_too_few_shards(lk_comm *comm) {
  parameters p = {0};
  lk_error_clear();
  CHECK_OK(lk_replicas_create(&p.replicas, comm, &(lk_replicas_spec){.P = 1024}));
  CHECK(lk_reduction_create(&p.reduction, p.replicas, lk_comm_size(comm) - 1) == LK_USAGE && p.reduction == NULL);
  parameters_close(&p);
  lk_error_clear();
}

/* Without room for shared memory: messages, with the reason logged; an error where shared memory was asked for. */
static void test_no_room(lk_comm *comm) {
  int size = lk_comm_size(comm);
  char hosts[] = "aaaa";
  hosts[size] = '\0';
  setenv("LOCKSTEP_TEST_HOSTS", hosts, 1);
  setenv("LOCKSTEP_TEST_SHM", "100000", 1);
  parameters p;
  lk_replicas_spec spec = {.P = 1024 * 1024};
  CHECK_OK(parameters_open(&p, comm, spec, 8));
  CHECK(p.replicas && p.replicas->group.groups == size && p.replicas->group.shared.mpi == MPI_WIN_NULL);
  if (size > 1) CHECK(strstr(lk_replicas_description(p.replicas), "MiB left") != NULL);
  parameters_close(&p);
  spec.transport = LK_TRANSPORT_WINDOWS;
  lk_status status = parameters_open(&p, comm, spec, 8);
  if (size > 1) CHECK(status == LK_USAGE && strstr(lk_error_get()->text, "MiB left") && p.replicas == NULL);
  if (size == 1) CHECK(status == LK_OK);
  parameters_close(&p);
  lk_error_clear();
  unsetenv("LOCKSTEP_TEST_SHM");
}

/* Every grouping of the ranks; of each the last but one is a single group, the last no grouping. */
static const char *const groupings[4][9] = {{"a"},
                                            {"aa", "ab"},
                                            {"aab", "aba", "abb", "aaa", "abc"},
                                            {"aabb", "abab", "abba", "aaab", "abcc", "aaba", "aaaa", "abcd"}};

static void test_groupings(lk_comm *comm, setting t) {
  /* of fewer numbers of shards: the sections have nothing to do with them */
  if (t.cuts == 0 && t.wire == LK_WIRE_FLOAT32 && t.P > borders[0] && lk_comm_size(comm) > 1 && t.S != 8) {
    setting sections = t;
    while (sections.cuts < BORDERS && borders[sections.cuts] < t.P) sections.cuts++;
    sections.offers = true;
    test_groupings(comm, sections);
  }
  for (const char *const *hosts = groupings[lk_comm_size(comm) - 1]; *hosts; hosts++) {
    t.hosts = *hosts;
    t.transport = LK_TRANSPORT_AUTO;
    check_sum(comm, &t);
  }
  t.transport = LK_TRANSPORT_MESSAGES;
  check_sum(comm, &t);
  if (t.S == 5) { /* sections that are not offered, one section that is */
    t.offers = !t.offers;
    check_sum(comm, &t);
    t.offers = !t.offers;
  }
  if (t.wire == LK_WIRE_BF16 || t.S == 5 || t.S == 8) return; /* as many shards as ranks, and 13, are enough */
  t.wire = LK_WIRE_BF16;
  test_groupings(comm, t);
}

/* 16: one short range, the others empty; around borders of blocks and ranges; several buckets. */
static void test_dense(lk_comm *comm, int S) {
  const ptrdiff_t sizes[] = {16, 1008, 1024, 2 * 1024 + 16, 4 * 1024 - 16, 19 * 1024 + 16 * 7};
  for (size_t p = 0; p < sizeof sizes / sizeof *sizes; p++)
    test_groupings(comm, (setting){.S = S, .P = sizes[p], .density = 1});
}

/* Rows that ranges, blocks and buckets cut; narrow ones, for which a bit each is a price. */
static void test_rows(lk_comm *comm, int S) {
  const double densities[] = {0.02, 0.4, 1, 0, 0.999};
  for (int d = 0; d < (S == 5 ? 5 : 2); d++) {
    setting wide = {.S = S, .P = 13 * 1024, .blocks = 1, .block = {{160, 19, 650}}, .density = densities[d]};
    test_groupings(comm, wide);
    wide.skips = true;
    test_groupings(comm, wide);
  }
  setting two = {.S = S, .P = 9 * 1024, .blocks = 2, .block = {{0, 3000, 1}, {3008, 40, 33}}, .density = 0.1};
  test_groupings(comm, two);
  two.skips = true;
  test_groupings(comm, two);
}

/* The second mapping is aligned to huge pages as the offset in the file is, else the kernel uses none. */
static void check_mapping(const lk_shared *shared) {
  FILE *maps = shared->again ? fopen("/proc/self/maps", "r") : NULL;
  char line[512];
  int seen = 0;
  while (maps && fgets(line, sizeof line, maps)) {
    size_t begin = 0, end = 0, offset = 0;
    CHECK(sscanf(line, "%zx-%zx %*s %zx", &begin, &end, &offset) == 3);
    if (begin != (size_t)(uintptr_t)shared->base) continue;
    CHECK((begin - offset) % (2U << 20) == 0 && strstr(line, " rw-s "));
    seen++;
  }
  CHECK(!maps || seen == 1);
  if (maps) (void)fclose(maps);
}

/* Large enough to be mapped again for huge pages: still the same memory and the same sums. */
static void test_large(lk_comm *comm) {
  char hosts[] = "aaaa";
  hosts[lk_comm_size(comm)] = '\0';
  const setting t = {.S = 8, .P = 1 << 20, .blocks = 1, .block = {{1600, 5000, 100}}, .density = 0.4, .hosts = hosts};
  setenv("LOCKSTEP_TEST_HOSTS", hosts, 1);
  parameters p;
  CHECK_OK(parameters_open(&p, comm, (lk_replicas_spec){.P = t.P}, t.S));
  check_mapping(&p.replicas->group.shared);
  parameters_close(&p);
  check_sum(comm, &t);
}

int main(int argc, char **argv) {
  lk_comm *comm = check_start(&argc, &argv);
  int size = lk_comm_size(comm);
  test_ranges_cover_all();
  test_square_sum_by_hand();
  test_too_few_shards(comm);
  test_no_room(comm);
  test_large(comm);
  test_bytes(comm);
  comm->bucket = 4 * 4096; /* several buckets of ranges of a few thousand reals */
  const int shards[] = {size, 5, 8, 13};
  for (int i = 0; i < 4; i++) {
    test_records(comm, shards[i]);
    test_dense(comm, shards[i]);
    test_rows(comm, shards[i]);
  }
  return check_end(comm);
}
