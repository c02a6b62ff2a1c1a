/* doctor.c - measures the facts of this rank, and exchanges them. */
#include "doctor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "ping.h"
#include "doctor_impl.h"

static void find_names(lk_facts *facts, const lk_comm *comm, const char *root) {
  (void)snprintf(facts->host, sizeof facts->host, "%.63s", lk_comm_host(comm));
  (void)lk_host_text(root, "/proc/sys/kernel/random/boot_id", "", sizeof facts->machine, facts->machine);
  if (!facts->machine[0]) (void)snprintf(facts->machine, sizeof facts->machine, "%.39s", lk_comm_host(comm));
}

static bool is_first_of_host(const lk_survey *survey, int rank) {
  for (int r = 0; r < rank; r++)
    if (strcmp(survey->of[r].host, survey->of[rank].host) == 0) return false;
  return true;
}

/* Messages between the first rank and those of the other hosts, one host after the other. */
static lk_status try_links(lk_survey *survey, lk_comm *comm) {
  for (int r = 1; r < survey->size && survey->links < LK_DOCTOR_LINKS; r++) {
    if (!is_first_of_host(survey, r)) continue;
    lk_link *link = &survey->link[survey->links++];
    lk_ping ping;
    LK_TRY(lk_comm_ping(comm, 0, r, &ping));
    *link = (lk_link){.to = r, .latency = ping.latency, .bandwidth = ping.bandwidth, .offset = ping.offset};
  }
  return LK_OK;
}

static lk_status exchange(lk_survey *survey, lk_comm *comm, const lk_facts *mine) {
  LK_TRY(lk_comm_agree(comm, lk_alloc(&survey->of, (size_t)survey->size, sizeof *survey->of)));
  LK_TRY(lk_comm_allgather_each(comm, mine, survey->of, sizeof *mine));
  LK_TRY(lk_comm_broadcast(comm, &survey->folder, sizeof survey->folder, 0));
  return try_links(survey, comm);
}

lk_status lk_doctor_measure(lk_survey *survey, lk_comm *comm, const lk_doctor_spec *spec) {
  lk_facts *mine;
  lk_status status = LK_OK;
  *survey = (lk_survey){.size = lk_comm_size(comm), .model = *spec->model};
  LK_TRY(lk_comm_agree(comm, lk_alloc(&mine, 1, sizeof *mine)));
  find_names(mine, comm, spec->root);
  lk_facts_of_job(&mine->job);
  lk_facts_of_cpu(&mine->cpu, spec);
  lk_facts_of_memory(&mine->memory, spec->root);
  lk_facts_of_clock(&mine->clock, spec->root);
  LK_GO(lk_comm_barrier(comm));
  lk_facts_of_speed(&mine->cpu, spec->root);
  LK_GO(lk_comm_barrier(comm));
  lk_facts_of_pages(&mine->memory, comm, spec->root);
  if (lk_comm_rank(comm) == 0) lk_facts_of_folder(&survey->folder, spec->run_dir, spec->root);
  LK_GO(exchange(survey, comm, mine));
done:
  free(mine);
  if (status != LK_OK) lk_doctor_release(survey);
  return status;
}

void lk_doctor_release(lk_survey *survey) {
  free(survey->of);
  survey->of = NULL;
}
