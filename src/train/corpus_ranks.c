#include "corpus_ranks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "arena.h"
#include "host.h"
#include "vectors_file.h"

/* Which file a rank finds under the path. Inode numbers are only comparable on one host. */
typedef struct identity {
  char host[64];
  uint64_t device, inode, size;
  int64_t changed[2];
} identity;

static identity identify(const lk_comm *comm, const char *path) {
  struct stat about;
  identity id = {0};
  strncpy(id.host, lk_comm_host(comm), sizeof id.host - 1);
  if (stat(path, &about)) return id; /* opening the file will report why */
  id.device = (uint64_t)about.st_dev, id.inode = (uint64_t)about.st_ino, id.size = (uint64_t)about.st_size;
  id.changed[0] = about.st_ctim.tv_sec, id.changed[1] = about.st_ctim.tv_nsec;
  return id;
}

/* The first rank that finds the same file: it verifies the file for the others. */
static lk_status find_first(lk_comm *comm, const char *path, int *first) {
  const identity mine = identify(comm, path);
  identity *all = NULL;
  LK_TRY(lk_comm_agree(comm, lk_alloc(&all, (size_t)lk_comm_size(comm), sizeof *all)));
  const lk_status status = lk_comm_allgather_each(comm, &mine, all, sizeof mine);
  for (*first = 0; status == LK_OK && memcmp(&all[*first], &mine, sizeof mine) != 0;) ++*first;
  free(all);
  return status;
}

lk_status lk_corpus_open_ranks(lk_corpus **corpus, lk_comm *comm, const char *path) {
  const int rank = lk_comm_rank(comm);
  int first = 0;
  lk_status status = LK_OK;
  *corpus = NULL;
  LK_GO(find_first(comm, path, &first));
  LK_GO(lk_comm_agree(comm, rank == 0 ? lk_corpus_open_lean(corpus, path, true) : LK_OK));
  LK_GO(lk_comm_agree(comm, rank > 0 && rank == first ? lk_corpus_open_lean(corpus, path, true) : LK_OK));
  LK_GO(lk_comm_agree(comm, *corpus ? LK_OK : lk_corpus_open_lean(corpus, path, false)));
  LK_GO(lk_comm_same_file(comm, path, lk_corpus_about(*corpus)->digest));
done:
  if (status != LK_OK) lk_corpus_close(corpus);
  return status;
}

lk_status lk_corpus_memory(lk_comm *comm, size_t *bytes) {
  enum { HOST = 64, LEAST = 1 << 26 };
  char mine[HOST] = "", *names = NULL;
  double here = 0;
  lk_status status = LK_OK;
  strncpy(mine, lk_comm_host(comm), HOST - 1);
  LK_GO(lk_comm_agree(comm, lk_alloc(&names, (size_t)lk_comm_size(comm), HOST)));
  LK_GO(lk_comm_allgather_each(comm, mine, names, HOST));
  for (int r = 0; r < lk_comm_size(comm); r++) here += strcmp(names + (size_t)r * HOST, mine) == 0;
  const double share = lk_host_memory("") / 2 / here;
  *bytes = share > 0x1p53 ? (size_t)1 << 53 : share < LEAST ? LEAST : (size_t)share;
done:
  free(names);
  return status;
}
