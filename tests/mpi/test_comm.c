/* The communicator: agreement on failures, blocks of bytes from and to a root. */
#include <string.h>

#include "check.h"
#include "comm_impl.h"
#include "arena.h"

static unsigned char byte_of(int rank, size_t i) { return (unsigned char)((size_t)rank * 101 + i * 7 + i / 251); }

static unsigned char *bytes_new(size_t n) {
  unsigned char *data = NULL;
  if (lk_alloc(&data, n + 1, 1) != LK_OK) abort();
  return data;
}

static void test_agree_when_all_is_well(lk_comm *comm) {
  lk_error_clear();
  CHECK_OK(lk_comm_agree(comm, LK_OK));
  CHECK(lk_error_get()->code == LK_OK);
}

static void test_agree_on_one_failure(lk_comm *comm) {
  for (int failing = 0; failing < lk_comm_size(comm); failing++) {
    lk_error_clear();
    lk_status status = LK_OK;
    if (lk_comm_rank(comm) == failing) status = LK_FAIL(LK_DATA, "corpus.h5: row %d is broken", 17);
    CHECK(lk_comm_agree(comm, status) == LK_DATA);
    char expected[64];
    snprintf(expected, sizeof expected, "rank %d: corpus.h5: row 17 is broken", failing);
    const char *text = lk_error_get()->text;
    CHECK(strcmp(text, lk_comm_rank(comm) == failing ? strchr(expected, 'c') : expected) == 0);
    CHECK(lk_error_get()->code == LK_DATA);
  }
}

/* The worst status wins. Ranks without a failure get the record of the first rank that has it, also where they still
 * hold a record of an earlier failure. */
static void test_agree_on_the_worst(lk_comm *comm) {
  int rank = lk_comm_rank(comm), size = lk_comm_size(comm);
  if (size < 3) return;
  lk_error_clear();
  lk_status status = LK_OK;
  if (rank == 0) status = LK_FAIL(LK_USAGE, "own");
  if (rank >= 2) status = LK_FAIL(LK_IO, "disk %d", rank);
  if (rank == 1) {
    lk_status stale = LK_FAIL(LK_DATA, "stale");
    CHECK(stale == LK_DATA);
  }
  CHECK(lk_comm_agree(comm, status) == LK_IO);
  if (rank == 0) CHECK(strcmp(lk_error_get()->text, "own") == 0);
  if (rank == 1) CHECK(strcmp(lk_error_get()->text, "rank 2: disk 2") == 0);
}

static void test_mpi_errors_have_words(lk_comm *comm) {
  lk_error_clear();
  CHECK(lk_comm_broadcast(comm, &(int){0}, sizeof(int), 1000) == (lk_comm_size(comm) > 1 ? LK_INTERNAL : LK_OK));
  if (lk_comm_size(comm) > 1)
    CHECK(strncmp(lk_error_get()->text, "MPI_Bcast: ", 11) == 0 && strcasestr(lk_error_get()->text, "root"));
  lk_error_clear();
}

static void test_broadcast(lk_comm *comm, size_t bytes) {
  for (int root = 0; root < lk_comm_size(comm); root++) {
    unsigned char *data = bytes_new(bytes);
    for (size_t i = 0; lk_comm_rank(comm) == root && i < bytes; i++) data[i] = byte_of(root, i);
    CHECK_OK(lk_comm_broadcast(comm, data, bytes, root));
    size_t wrong = 0;
    for (size_t i = 0; i < bytes; i++) wrong += data[i] != byte_of(root, i);
    CHECK(wrong == 0 && data[bytes] == 0);
    free(data);
  }
}

static void test_broadcast_block(lk_comm *comm, size_t bytes) {
  int root = lk_comm_size(comm) - 1;
  unsigned char *data = NULL;
  size_t size = 0;
  if (lk_comm_rank(comm) == root) {
    data = bytes_new(bytes);
    for (size_t i = 0; i < bytes; i++) data[i] = byte_of(root, i);
    size = bytes;
  }
  CHECK_OK(lk_comm_broadcast_block(comm, (void **)&data, &size, root));
  CHECK(size == bytes);
  if (data == NULL) lk_comm_abort(comm, 2);
  size_t wrong = 0;
  for (size_t i = 0; i < size; i++) wrong += data[i] != byte_of(root, i);
  CHECK(wrong == 0 && data[size] == 0);
  free(data);
}

/* Rank r holds unit * (r % 3) bytes: some hold nothing. */
static void test_gather_and_scatter(lk_comm *comm, size_t unit) {
  int rank = lk_comm_rank(comm), size = lk_comm_size(comm);
  size_t bytes_of[64], total = 0;
  for (int r = 0; r < size; r++) total += bytes_of[r] = unit * (size_t)((r + 1) % 3);
  unsigned char *mine = bytes_new(total), *back = bytes_new(total);
  for (size_t i = 0; i < bytes_of[rank]; i++) mine[i] = byte_of(rank, i);
  for (int root = -1; root < size; root++) {
    unsigned char *all = bytes_new(total);
    if (root < 0)
      CHECK_OK(lk_comm_allgather(comm, mine, all, bytes_of));
    else
      CHECK_OK(lk_comm_gather(comm, mine, all, bytes_of, root));
    size_t wrong = 0;
    const unsigned char *at = all;
    for (int r = 0; r < size; at += bytes_of[r++])
      for (size_t i = 0; i < bytes_of[r]; i++) wrong += at[i] != byte_of(r, i);
    CHECK((root >= 0 && root != rank) || wrong == 0);
    memset(back, 0, total + 1);
    CHECK_OK(lk_comm_scatter(comm, all, back, bytes_of, root < 0 ? 0 : root));
    CHECK(memcmp(back, mine, bytes_of[rank]) == 0 && back[bytes_of[rank]] == 0);
    free(all);
  }
  free(back);
  free(mine);
}

static void test_counts(lk_comm *comm, ptrdiff_t n) {
  const int size = lk_comm_size(comm), rank = lk_comm_rank(comm);
  int64_t counts[64], all[64], wrong = 0;
  for (ptrdiff_t i = 0; i < n; i++) counts[i] = ((int64_t)1 << 40) * i + rank;
  CHECK_OK(lk_comm_sum_counts(comm, counts, n));
  for (ptrdiff_t i = 0; i < n; i++) wrong += counts[i] != ((int64_t)1 << 40) * i * size + size * (size - 1) / 2;
  const int64_t mine = 7 * rank;
  CHECK_OK(lk_comm_allgather_each(comm, &mine, all, sizeof mine));
  for (int r = 0; r < size; r++) wrong += all[r] != 7 * r;
  CHECK(wrong == 0);
}

int main(int argc, char **argv) {
  lk_comm *comm = check_start(&argc, &argv);
  CHECK(strlen(lk_comm_host(comm)) > 0);
  test_agree_when_all_is_well(comm);
  test_agree_on_one_failure(comm);
  test_agree_on_the_worst(comm);
  test_mpi_errors_have_words(comm);
  size_t chunks[] = {comm->chunk, 100};
  for (int c = 0; c < 2; c++) {
    comm->chunk = chunks[c]; /* 100: every transfer below goes in chunks, as 3 GB would */
    test_broadcast(comm, 0);
    test_broadcast(comm, 1000);
    test_broadcast_block(comm, 0);
    test_broadcast_block(comm, 12345);
    test_gather_and_scatter(comm, 1);
    test_gather_and_scatter(comm, 5000);
    test_counts(comm, 64);
    CHECK_OK(lk_comm_barrier(comm));
  }
  return check_end(comm);
}
