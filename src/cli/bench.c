#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_impl.h"
#include "print_json_impl.h"
#include "text.h"
#include "work.h"

static const struct {
  const char *name, *what;
  lk_status (*run)(bench *b);
} sections[] = {
#define SECTION(name) {#name, "measuring: " #name, bench_##name},
    SECTION(memory) SECTION(products) SECTION(recurrent) SECTION(pointwise) SECTION(reduction) SECTION(nets)};
enum { SECTIONS = sizeof sections / sizeof *sections };

typedef struct arguments {
  int quick, json, wanted[SECTIONS], any;
  long long shards;
  const char *kernels, *precision;
} arguments;

enum { OPTION_QUICK = 'q', OPTION_JSON = 'j', OPTION_SHARDS = 's', OPTION_KERNELS = 'k', OPTION_PRECISION = 'p' };

static const struct argp_option options[] = {
    {"quick", OPTION_QUICK, NULL, 0, "fewer shapes and shorter timings: half a minute instead of a few minutes", 0},
    {"json", OPTION_JSON, NULL, 0, "print one JSON object", 0},
    {"shards", OPTION_SHARDS, "N", 0, "gradient shards of the nets (default: one for each rank)", 0},
    {"kernels", OPTION_KERNELS, "NAME", 0,
     "auto, avx512bf16, avx512, avx2, portable, blas, amx or amx-model (default auto)", 0},
    {"precision", OPTION_PRECISION, "float32|bf16", 0, "numbers that are multiplied (default float32)", 0},
    {0}};

static int want(arguments *a, const char *text) {
  const char *names[SECTIONS];
  for (int i = 0; i < SECTIONS; i++) {
    names[i] = sections[i].name;
    if (strcmp(text, names[i]) == 0) return a->any = a->wanted[i] = 1, 0;
  }
  char quoted[256];
  const char *near = lk_nearest(text, names, SECTIONS);
  lk_quote(quoted, text, strlen(text));
  if (near) return lk_cli_bad_option("lockstep bench: unknown section %s (did you mean '%s'?)", quoted, near);
  return lk_cli_bad_option(
      "lockstep bench: unknown section %s; the sections are memory, products, recurrent, pointwise, reduction and nets",
      quoted);
}

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
    case OPTION_QUICK:
      a->quick = 1;
      return 0;
    case OPTION_JSON:
      a->json = 1;
      return 0;
    case OPTION_SHARDS:
      return lk_cli_integer("shards", text, 1, LK_MAX_SHARDS, "shards", &a->shards);
    case OPTION_KERNELS:
      a->kernels = text;
      return 0;
    case OPTION_PRECISION:
      return lk_cli_precision(text, &a->precision);
    case ARGP_KEY_ARG:
      return want(a, text);
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "[SECTION ...]",
    .doc =
        "Measure this machine, and what a training step of standard nets spends its time on.\v"
        "Sections (default: all of them):\n"
        "  memory      memory bandwidth\n"
        "  products    matrix products, of OpenBLAS (with the fastest of its kernels) and of our kernels\n"
        "  recurrent   steps of a recurrent layer\n"
        "  pointwise   exp, tanh, sigmoid and the gates of the cells\n"
        "  reduction   the sum of gradients over all ranks\n"
        "  nets        training steps of a few standard nets\n\n"
        "Examples:\n  mpirun -n 2 lockstep bench --quick\n  mpirun -n 2 lockstep bench --json nets --shards 8\n\n"
        "All ranks measure at the same time. Figures are medians of repeated timings, averaged over the ranks. The "
        "ceiling is the rate of fused multiply-adds on registers alone, measured first. The share of the ceiling of a "
        "net counts 6 flops for each weight and row that is multiplied (2 forward, 4 backward); repeated words are "
        "multiplied once per shard in the first layer."};

/* A table is printed when its section ends, which ends the picture of progress too. */
static lk_status measure(bench *b, const char *what, lk_status (*section)(bench *b)) {
  if (!b->json) lk_work_begin();
  lk_work_next(what, NULL, 0);
  return section(b);
}

static lk_status run(bench *b, const arguments *a) {
  if (b->json) lk_work_begin();
  LK_TRY(measure(b, "measuring: ceiling", bench_ceiling));
  for (int i = 0; i < SECTIONS; i++)
    if (!a->any || a->wanted[i]) LK_TRY(measure(b, sections[i].what, sections[i].run));
  lk_work_end();
  if (!b->json || b->rank != 0) return LK_OK;
  return lk_cli_print_json(json_incref(b->root), JSON_REAL_PRECISION(6) | JSON_INDENT(1));
}

lk_status lk_command_bench(int argc, char **argv, lk_comm *comm) {
  int help = 0;
  arguments a = {.precision = "float32"};
  LK_TRY(lk_cli_parse(&argp, "lockstep bench", argc, argv, &a, &help));
  if (help) return LK_OK;
  bench b = {.comm = comm, .rank = lk_comm_rank(comm), .size = lk_comm_size(comm), .quick = a.quick, .json = a.json};
  b.shards = a.shards > 0 ? (int)a.shards : b.size;
  if (b.shards < b.size)
    return LK_FAIL(LK_USAGE, "--shards: expected at least as many as ranks (%d), found %d", b.size, b.shards);
  LK_TRY(lk_comm_agree(comm, lk_kernels_choose(a.kernels, a.precision)));
  b.root = json_object();
  if (!b.root) return LK_FAIL(LK_MEMORY, "out of memory for the results");
  lk_status status = run(&b, &a);
  lk_work_end();
  json_decref(b.root);
  return status;
}
