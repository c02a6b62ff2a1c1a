/* bench_impl.h - the parts of `lockstep bench`.
 *
 *   bench.c            options, the list of sections       bench_report.c     medians over repeats and ranks; tables, JSON
 *   bench_machine.c    FMA ceiling, memory bandwidth        bench_kernels.c    products, recurrent steps, pointwise
 *   bench_reduction.c  sums between the ranks               bench_nets.c       the standard nets, what a step spends
 *                                                           bench_net.c        one of them: parameters, batch, tree sum
 *
 * All ranks measure the same thing at the same time, because in training they compete for memory bandwidth too. The
 * result of a section is a list of rows with the same columns; column names contain the units. */
#pragma once
#include <jansson.h>

#include "cli_impl.h"
#include "clock.h"
#include "kernels.h"
#include "spelling.h"
#include "task.h"

typedef struct bench {
  lk_comm *comm;
  int rank, size;
  int quick, json;
  int shards; /* of the nets */
  json_t *root;
  double ceiling; /* flop/s of one rank while all ranks compute */
} bench;

typedef void bench_work(void *context);

/** Seconds of one call: the median of several timings on each rank, its mean over the ranks.    Collective. */
LK_CHECKED lk_status bench_measure(const bench *b, bench_work *work, void *context, double *seconds);
/** The mean of each value over the ranks.                                          Collective. */
LK_CHECKED lk_status bench_mean(const bench *b, double *value, int count);
double bench_median(double *value, int count); /* sorts */

/** Append a row and take ownership of it. LK_MEMORY where it is NULL. */
LK_CHECKED lk_status bench_add(json_t *rows, json_t *row);
/** Rank 0 prints a section as a table, or with --json adds it to the object. Takes ownership of rows. LK_MEMORY. */
LK_CHECKED lk_status bench_emit(bench *b, const char *section, const char *title, json_t *rows);

LK_CHECKED lk_status bench_ceiling(bench *b); /* sets b->ceiling, which the other sections read; always runs first */
LK_CHECKED lk_status bench_memory(bench *b);
LK_CHECKED lk_status bench_products(bench *b);
LK_CHECKED lk_status bench_recurrent(bench *b);
LK_CHECKED lk_status bench_pointwise(bench *b);
LK_CHECKED lk_status bench_reduction(bench *b);
LK_CHECKED lk_status bench_nets(bench *b);

/* ---- the standard nets ---- */
typedef struct bench_kind {
  const char *name;
  const char *settings[16]; /* key=value, NULL at the end */
  lk_corpus_kind corpus;
  int stream;
  ptrdiff_t vocabulary, labels;
  ptrdiff_t batch, shortest, longest; /* sequences of all ranks, with lengths evenly from shortest to longest */
} bench_kind;

typedef struct bench_net {
  const bench_kind *kind;
  lk_config config;
  lk_corpus_info info;
  lk_speller speller; /* of the words, where the net reads their characters */
  lk_shards shards;
  lk_params *params;
  lk_task *task;
  struct lk_replicas *replicas;
  struct lk_reduction *reduction;
  struct lk_optimizer *optimizer;
  lk_grads grads;
  lk_batch batch;
  lk_real *lanes;
  lk_shard_stat *stat, *all; /* [shards of this rank], [S] */
  lk_arena arena;
  ptrdiff_t tokens; /* of all ranks */
  double flops;     /* of one step, over all ranks */
} bench_net;

/** Set up parameters, optimizer and a batch of random data.                        Collective. */
LK_CHECKED lk_status bench_net_open(bench_net *net, const bench *b, const bench_kind *kind);
void bench_net_close(bench_net *net);
