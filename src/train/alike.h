/* alike.h - whether all ranks run the same program on the same settings and compute the same bits.
 *
 * Ranks that differ in any of this would wait for each other for ever, or train weights that nobody can repeat. Each
 * check exchanges plain records, which every rank then judges in the same way. */
#pragma once
#include <stddef.h>

#include "comm.h"
#include "config.h"

typedef struct lk_rank_program {
  char host[64], version[24], commit[16], file[33]; /* commit: "" where it is not known; file: digest of the program */
} lk_rank_program;

typedef struct lk_rank_kernels {
  char host[64], name[16], blas[192]; /* blas: OpenBLAS' version and CPU type where it makes the products, else "" */
} lk_rank_kernels;

/** LK_USAGE where ranks run different programs, on all ranks, with the first that differs. LK_IO.  Collective. */
LK_CHECKED lk_status lk_alike_program(lk_comm *comm);
/** LK_USAGE where a rank has another configuration than rank 0, with the first key that differs and both values.
 *                                                                                 Collective. */
LK_CHECKED lk_status lk_alike_config(lk_comm *comm, const lk_config *config);
/** To be called after the kernels were selected. LK_USAGE if the ranks' bits would differ, because their OpenBLAS is
 *  not the same. Kernels that only differ in speed are logged.                     Collective. */
LK_CHECKED lk_status lk_alike_kernels(lk_comm *comm, bool blas);

/* The judgements, of [size] records; LK_OK for the first, LK_USAGE with the text.  Not collective. */
LK_CHECKED lk_status lk_judge_programs(const lk_rank_program *of, int size);
LK_CHECKED lk_status lk_judge_blas(const lk_rank_kernels *of, int size);
/** "avx512 kernels on 6 ranks, avx2 on 2 (the first is rank 4 on node3)"; "" where all have the same. Returns out. */
const char *lk_kernels_words(char out[256], const lk_rank_kernels *of, int size);
