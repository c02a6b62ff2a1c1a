/* doctor_impl.h - the parts of lk_doctor_measure(), and what the checks have in common. */
#pragma once
#include "doctor.h"
#include "text.h"
#include "host.h"
#include "status.h"

/* ---- facts_*.c: each fills in what its comment says. Not collective unless it says so. ---- */

void lk_facts_of_job(lk_job_facts *facts);
/** Which CPUs, of what kind, with which settings; selects the kernels. */
void lk_facts_of_cpu(lk_cpu_facts *facts, const lk_doctor_spec *spec);
/** Computes for half a second, as training would: call on all ranks at the same time. */
void lk_facts_of_speed(lk_cpu_facts *facts, const char *root);
void lk_facts_of_memory(lk_memory_facts *facts, const char *root);
/** Which pages a block that the ranks share gets.                                  Collective. */
void lk_facts_of_pages(lk_memory_facts *facts, lk_comm *comm, const char *root);
void lk_facts_of_clock(lk_clock_facts *facts, const char *root);
/** Writes and removes a small file a few times. */
void lk_facts_of_folder(lk_folder_facts *facts, const char *run_dir, const char *root);

/* ---- judging.c ---- */

/** Set what was measured. */
void lk_measured(lk_finding *finding, const char *format, ...) LK_PRINTF(2, 3);
/** Set the verdict that something is wrong, why it matters, and the line that mends it. */
void lk_wrong(lk_finding *finding, const char *why, const char *format, ...) LK_PRINTF(3, 4);
void lk_not_known(lk_finding *finding, const char *fact);

typedef bool lk_rank_test(const lk_survey *survey, int rank);
/** The first rank for which the test is true, or -1. */
int lk_first_rank(const lk_survey *survey, lk_rank_test *test);
/** For which ranks the test is true: "" if there is one rank; " on all ranks", " on rank 3 (node2)", " on 5 of 16 ranks
 *  (first rank 3 on node2)". Returns out. */
const char *lk_where(char out[128], const lk_survey *survey, lk_rank_test *test);
/** Bytes for people: "512 MiB". Returns out. */
const char *lk_bytes_text(char out[32], double bytes);
/** Seconds for people: "25 ns", "9.4 ms", "30 s". Returns out. */
const char *lk_seconds_text(char out[32], double seconds);
/** Ranks on the machine of `rank`. */
int lk_ranks_beside(const lk_survey *survey, int rank);

/* ---- check_*.c ---- */

/** Whether other processes use the core of that rank. */
bool lk_is_noisy(const lk_survey *survey, int rank);

#define LK_CHECK(name) void lk_check_##name(const lk_survey *survey, lk_finding *finding)
LK_CHECK(launcher);
LK_CHECK(program);
LK_CHECK(mpi);
LK_CHECK(hdf5);
LK_CHECK(corpus);
LK_CHECK(kernels);
LK_CHECK(openblas);
LK_CHECK(binding);
LK_CHECK(quota);
LK_CHECK(threads);
LK_CHECK(frequency);
LK_CHECK(noise);
LK_CHECK(speed);
LK_CHECK(memory);
LK_CHECK(limits);
LK_CHECK(huge_pages);
LK_CHECK(shared_memory);
LK_CHECK(folder);
LK_CHECK(disk);
LK_CHECK(sync);
LK_CHECK(clock);
LK_CHECK(network);
