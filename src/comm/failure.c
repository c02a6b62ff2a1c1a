/* Errors of MPI as statuses, and statuses that the ranks agree on. */
#include <stdio.h>

#include "comm_impl.h"

lk_status lk_mpi_check(int code, const char *function) {
  if (code == MPI_SUCCESS) return LK_OK;
  char words[MPI_MAX_ERROR_STRING] = "unknown error";
  int length = 0;
  MPI_Error_string(code, words, &length);
  return LK_FAIL(LK_INTERNAL, "%s: %s", function, words);
}

/* Rank `from` failed: its text to all, as the error record of those ranks that did not fail themselves. */
static lk_status broadcast_failure(lk_comm *comm, lk_status own, lk_status worst, int from) {
  char text[sizeof((lk_error *)NULL)->text] = "";
  if (comm->rank == from) {
    const lk_error *error = lk_error_get();
    const char *words = error->code != LK_OK ? error->text : lk_status_words(own);
    snprintf(text, sizeof text, "%s", words);
  }
  LK_TRY(LK_MPI(MPI_Bcast, text, (int)sizeof text, MPI_CHAR, from, comm->mpi));
  if (own != LK_OK) return worst;
  lk_error_clear();
  return LK_FAIL(worst, "rank %d: %s", from, text);
}

lk_status lk_comm_agree(lk_comm *comm, lk_status status) {
  if (comm->size == 1) return status;
  /* The largest number is the worst status and, among equal ones, the lowest rank. */
  long mine = (long)status * comm->size + (comm->size - 1 - comm->rank), worst = 0;
  LK_TRY(LK_MPI(MPI_Allreduce, &mine, &worst, 1, MPI_LONG, MPI_MAX, comm->mpi));
  lk_status code = (lk_status)(worst / comm->size);
  if (code == LK_OK) return LK_OK;
  return broadcast_failure(comm, status, code, comm->size - 1 - (int)(worst % comm->size));
}
