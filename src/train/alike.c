#include "alike.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "blas.h"
#include "durable.h"
#include "kernels.h"
#include "log.h"
#include "version.h"

/* The records of all ranks; freed by the caller. */
static lk_status exchange(lk_comm *comm, const void *mine, void *all, size_t bytes) {
  void *records = NULL;
  LK_TRY(lk_comm_agree(comm, lk_alloc(&records, (size_t)lk_comm_size(comm), bytes)));
  memcpy(all, &records, sizeof records); /* *all is a pointer of any type */
  return lk_comm_allgather_each(comm, mine, records, bytes);
}

/* ---- the program ---- */

/* "lockstep 0.1.0 of commit 0123456789ab (file 89abcdef)" */
static const char *program_words(char out[128], const lk_rank_program *p) {
  (void)snprintf(out, 128, "lockstep %s%s%s (file %.8s)", p->version, p->commit[0] ? " of commit " : "", p->commit,
                 p->file);
  return out;
}

lk_status lk_judge_programs(const lk_rank_program *of, int size) {
  char theirs[128], ours[128];
  for (int r = 1; r < size; r++)
    if (strcmp(of[r].file, of[0].file) != 0)
      return LK_FAIL(LK_USAGE,
                     "rank %d on %s runs %s, rank 0 on %s %s: install the same build on all hosts, or start it from a "
                     "folder that all of them share",
                     r, of[r].host, program_words(theirs, &of[r]), of[0].host, program_words(ours, &of[0]));
  return LK_OK;
}

lk_status lk_alike_program(lk_comm *comm) {
  lk_rank_program mine = {0}, *of = NULL;
  lk_status status = LK_OK;
  if (lk_comm_size(comm) == 1) return LK_OK;
  (void)snprintf(mine.host, sizeof mine.host, "%.63s", lk_comm_host(comm));
  (void)snprintf(mine.version, sizeof mine.version, "%s", lk_version());
  (void)snprintf(mine.commit, sizeof mine.commit, "%s", lk_commit());
  LK_TRY(lk_comm_agree(comm, lk_digest_file("/proc/self/exe", mine.file)));
  LK_GO(exchange(comm, &mine, &of, sizeof mine));
  status = lk_judge_programs(of, lk_comm_size(comm));
done:
  free(of);
  return status;
}

/* ---- the configuration ---- */

static lk_status compare(lk_comm *comm, const lk_config *first, const lk_config *mine) {
  lk_buffer theirs = {0}, ours = {0};
  const char *key = lk_config_differs(first, mine);
  lk_status status = LK_OK;
  if (!key) return LK_OK;
  LK_GO(lk_config_value(first, key, &theirs));
  LK_GO(lk_config_value(mine, key, &ours));
  status = LK_FAIL(LK_USAGE, "on host %s %s is %s, and on rank 0 it is %s: give all ranks the same arguments",
                   lk_comm_host(comm), key, ours.data, theirs.data);
done:
  lk_buffer_release(&theirs);
  lk_buffer_release(&ours);
  return status;
}

static lk_status read_first(lk_config *first, const void *text, size_t size) {
  LK_TRY(lk_config_init(first));
  return lk_config_parse(first, text, size, "the configuration of rank 0");
}

lk_status lk_alike_config(lk_comm *comm, const lk_config *config) {
  lk_config first = {0};
  lk_buffer text = {0};
  lk_status status = LK_OK;
  if (lk_comm_size(comm) == 1) return LK_OK;
  const bool has = lk_comm_rank(comm) == 0;
  LK_GO(lk_comm_agree(comm, has ? lk_config_print(config, &text) : LK_OK));
  void *sent = text.data;
  size_t size = text.size;
  LK_GO(lk_comm_broadcast_block(comm, &sent, &size, 0));
  if (!has) status = read_first(&first, sent, size);
  if (!has && status == LK_OK) status = compare(comm, &first, config);
  if (!has) free(sent);
  status = lk_comm_agree(comm, status);
done:
  lk_buffer_release(&text);
  lk_config_release(&first);
  return status;
}

/* ---- the kernels ---- */

lk_status lk_judge_blas(const lk_rank_kernels *of, int size) {
  for (int r = 1; r < size; r++)
    if (strcmp(of[r].blas, of[0].blas) != 0)
      return LK_FAIL(LK_USAGE,
                     "OpenBLAS makes the products, with other bits on rank %d on %s (%s) than on rank 0 on %s (%s): "
                     "export OPENBLAS_CORETYPE=Haswell on all ranks, or kernels=auto",
                     r, of[r].host, of[r].blas, of[0].host, of[0].blas);
  return LK_OK;
}

const char *lk_kernels_words(char out[256], const lk_rank_kernels *of, int size) {
  int same = 0, other = 0;
  for (int r = size - 1; r > 0; r--)
    if (strcmp(of[r].name, of[0].name) != 0) other = r;
  out[0] = '\0';
  if (other == 0) return out;
  for (int r = 0; r < size; r++) same += strcmp(of[r].name, of[0].name) == 0;
  (void)snprintf(out, 256, "%s kernels on %d rank%s, others on %d (the first is rank %d on %s, %s)", of[0].name, same,
                 lk_plural(same), size - same, other, of[other].host, of[other].name);
  return out;
}

lk_status lk_alike_kernels(lk_comm *comm, bool blas) {
  lk_rank_kernels mine = {0}, *of = NULL;
  char words[256];
  lk_status status = LK_OK;
  if (lk_comm_size(comm) == 1) return LK_OK;
  (void)snprintf(mine.host, sizeof mine.host, "%.63s", lk_comm_host(comm));
  (void)snprintf(mine.name, sizeof mine.name, "%s", lk_kernels_get()->name);
  if (blas) (void)snprintf(mine.blas, sizeof mine.blas, "%s", lk_blas_library());
  LK_GO(exchange(comm, &mine, &of, sizeof mine));
  LK_GO(lk_judge_blas(of, lk_comm_size(comm)));
  if (lk_kernels_words(words, of, lk_comm_size(comm))[0])
    LK_INFO("%s: the same bits, at the speed of the slowest", words);
done:
  free(of);
  return status;
}
