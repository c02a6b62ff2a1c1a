#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_impl.h"
#include "forecast.h"
#include "log.h"
#include "print_json_impl.h"
#include "shards.h"
#include "work.h"

enum {
  OPTION_HOSTS = 'n',
  OPTION_RANKS = 'r',
  OPTION_BANDWIDTH = 'b',
  OPTION_LATENCY = 'l',
  OPTION_SECONDS = 's',
  OPTION_JSON = 'j'
};
enum { MOST_ROWS = 16 };

typedef struct arguments {
  long long hosts, ranks; /* ranks of a host; 0: as many as were started */
  double bandwidth;       /* GB/s; 0: not given */
  double latency;         /* us */
  double seconds;
  int json;
  lk_cli_words words;
} arguments;

static const struct argp_option options[] = {
    {"hosts", OPTION_HOSTS, "N", 0, "hosts to plan for (default 8)", 0},
    {"ranks-per-host", OPTION_RANKS, "M", 0, "ranks on each host (default: as many as mpirun has started here)", 0},
    {"bandwidth", OPTION_BANDWIDTH, "GB/s", 0,
     "of the link between hosts, in each direction: 0.125, the same as 1Gb/s or 125MB/s", 0},
    {"latency", OPTION_LATENCY, "US", 0, "of a message between hosts, in microseconds (default 50)", 0},
    {"seconds", OPTION_SECONDS, "S", 0, "time for each measurement (default 3)", 0},
    {"json", OPTION_JSON, NULL, 0, "print one JSON object", 0},
    {0}};

/* GB/s, with a unit behind the number or not. */
static int read_bandwidth(const char *text, double *bandwidth) {
  static const struct {
    const char *name;
    double gigabytes;
  } units[] = {{"GB/s", 1}, {"MB/s", 1e-3}, {"Gb/s", 0.125}, {"Mb/s", 0.125e-3}};
  char number[64];
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    const size_t size = strlen(text), unit = strlen(units[i].name);
    if (size <= unit || size - unit >= sizeof number || strcmp(text + size - unit, units[i].name) != 0) continue;
    (void)snprintf(number, sizeof number, "%.*s", (int)(size - unit), text);
    const int error =
        lk_cli_real("bandwidth", number, 1e-6 / units[i].gigabytes, 1e6 / units[i].gigabytes, units[i].name, bandwidth);
    *bandwidth *= units[i].gigabytes;
    return error;
  }
  return lk_cli_real("bandwidth", text, 1e-6, 1e6, "GB/s; MB/s, Gb/s or Mb/s if written behind it", bandwidth);
}

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
    case OPTION_HOSTS:
      return lk_cli_integer("hosts", text, 1, LK_MAX_SHARDS, "", &a->hosts);
    case OPTION_RANKS:
      return lk_cli_integer("ranks-per-host", text, 1, LK_MAX_SHARDS, "", &a->ranks);
    case OPTION_BANDWIDTH:
      return read_bandwidth(text, &a->bandwidth);
    case OPTION_LATENCY:
      return lk_cli_real("latency", text, 0, 1e6, "us", &a->latency);
    case OPTION_SECONDS:
      return lk_cli_real("seconds", text, 0.01, 3600, "seconds", &a->seconds);
    case OPTION_JSON:
      a->json = 1;
      return 0;
    default:
      return lk_cli_take_words(key, state, &a->words);
  }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "CONFIG.yaml " LK_CLI_SETTINGS,
    .doc =
        "Predict how fast a run would be on several hosts, from steps measured on one.\v"
        "Examples:\n  mpirun -n 2 lockstep plan configs/lm-char.yaml data.corpus=book.h5 \\\n"
        "    --hosts 8 --bandwidth 1Gb/s\n"
        "  mpirun -n 16 lockstep plan run/config.yaml --hosts 64 \\\n    --bandwidth 12.5 --latency 2 --json\n\n"
        "Start it on one host, with as many ranks as each host is to have. It trains for a few seconds for each number "
        "of "
        "hosts and writes nothing; run.dir is not looked at. The bytes between hosts are computed from the messages "
        "that a step would send. 'lockstep doctor --all', started on two hosts, tells bandwidth and latency between "
        "them.\n\n"
        "The first table divides the batch of the configuration between the hosts. In the second each host has as many "
        "sequences, so that the batch grows with the hosts (train.scaling: legw takes the rate for it).\n\n"
        "  MB a step    bytes through the link of the host that sends or receives most\n"
        "  link ms      time that they take, with the latency of messages\n"
        "  wait ms      of it, what computation does not hide (parallel.overlap)\n"
        "  efficiency   tokens/s of N hosts, divided by N times those of one host\n\n"
        "Not part of it: evaluations, checkpoints, hosts of unequal speed. Where the link takes long, larger batches "
        "help (train.batch, with train.accumulate for the memory), and parallel.wire=bf16."};

/* ---- the forecasts ---- */

/* One number of hosts. */
typedef struct plan_row {
  int hosts;
  int64_t batch; /* of all hosts */
  int shards;
  lk_forecast as_set, bf16; /* with the configuration's parallel.wire; with bf16 */
  double efficiency, bf16_efficiency;
} plan_row;

typedef struct plan {
  const lk_config *config;
  lk_comm *comm;
  arguments a;
  int rows;
  int shards;  /* of the configuration on one host */
  bool follow; /* parallel.shards: ranks */
  lk_trial whole;
  plan_row alone;
  plan_row divided[MOST_ROWS], each[MOST_ROWS]; /* [rows] */
} plan;

/* 1, 2, 4, ... and the number that was asked for. */
static int hosts_of_row(const plan *p, int row) {
  const long long hosts = 1LL << row;
  return (int)(hosts < p->a.hosts ? hosts : p->a.hosts);
}

static int ranks_of(const plan *p) { return lk_comm_size(p->comm); }

/* Shards of all hosts: where the setting is a number, that, as long as each rank has one. */
static int shards_of(const plan *p, int hosts) {
  const int ranks = hosts * ranks_of(p);
  return p->follow || p->shards < ranks ? ranks : p->shards;
}

static lk_status forecast(const plan *p, const lk_trial *share, plan_row *row) {
  lk_forecast_spec spec = {.share = share,
                           .hosts = row->hosts,
                           .ranks = ranks_of(p),
                           .shards = row->shards,
                           .wire = share->spec.wire,
                           .link = {.bandwidth = 1e9 * p->a.bandwidth, .latency = 1e-6 * p->a.latency}};
  LK_TRY(lk_forecast_make(&row->as_set, &spec));
  spec.wire = LK_WIRE_BF16;
  LK_TRY(lk_forecast_make(&row->bf16, &spec));
  row->efficiency = row->as_set.tokens / (row->hosts * p->alone.as_set.tokens);
  row->bf16_efficiency = row->bf16.tokens / (row->hosts * p->alone.as_set.tokens);
  return LK_OK;
}

/* Steps of a share of the configuration's batch. */
static lk_status try_share(const plan *p, int hosts, int64_t batch, lk_trial *share) {
  lk_config config = *p->config; /* its texts are the other's */
  char shards[16];
  const int all = shards_of(p, hosts);
  (void)snprintf(shards, sizeof shards, "%d", (all + hosts - 1) / hosts);
  config.train.batch = batch;
  config.parallel.shards = shards;
  if (config.train.accumulate > all / hosts)
    config.train.accumulate = all / hosts; /* at most as many parts as shards */
  return lk_trial_run(share, &config, p->comm, p->a.seconds);
}

static lk_status divide(plan *p, plan_row *row) {
  const int64_t batch = p->config->train.batch;
  const int64_t each = (batch + row->hosts - 1) / row->hosts;
  lk_trial share = {0};
  row->batch = batch;
  row->shards = shards_of(p, row->hosts);
  LK_TRY(try_share(p, row->hosts, each, &share));
  share.tokens *= (double)batch / (double)(each * row->hosts); /* not rounded up */
  const lk_status status = lk_comm_agree(p->comm, forecast(p, &share, row));
  lk_trial_release(&share);
  return status;
}

static lk_status make_plan(plan *p) {
  lk_work_next("measuring steps of one host", NULL, 0);
  p->alone = (plan_row){.hosts = 1, .batch = p->config->train.batch, .shards = shards_of(p, 1)};
  LK_TRY(try_share(p, 1, p->alone.batch, &p->whole));
  LK_TRY(lk_comm_agree(p->comm, forecast(p, &p->whole, &p->alone)));
  for (int hosts = 1; hosts < p->a.hosts; p->rows++) {
    hosts = hosts_of_row(p, p->rows + 1);
    plan_row *divided = &p->divided[p->rows], *each = &p->each[p->rows];
    divided->hosts = each->hosts = hosts;
    each->batch = hosts * p->config->train.batch;
    each->shards = shards_of(p, hosts);
    LK_TRY(lk_comm_agree(p->comm, forecast(p, &p->whole, each)));
    lk_work_next("measuring steps of a share of the batch", NULL, 0);
    if (hosts <= p->config->train.batch) LK_TRY(divide(p, divided));
  }
  return LK_OK;
}

/* ---- printing ---- */

static void print_table(const plan *p, const char *title, const plan_row *rows) {
  printf("\n%s\n%6s %7s %8s %8s %10s %10s %10s %10s %12s %11s\n", title, "hosts", "ranks", "batch", "shards",
         "MB a step", "link ms", "wait ms", "step ms", "tokens/s", "efficiency");
  for (int i = 0; i < p->rows; i++) {
    const plan_row *r = &rows[i];
    const lk_forecast *f = &r->as_set;
    if (r->batch == 0) continue; /* fewer sequences than hosts */
    printf("%6d %7d %8lld %8d %10.2f %10.2f %10.2f %10.2f %12.0f %11.2f\n", r->hosts, r->hosts * ranks_of(p),
           (long long)r->batch, r->shards, 1e-6 * f->bytes, 1e3 * f->link, 1e3 * f->wait, 1e3 * f->step, f->tokens,
           r->efficiency);
  }
}

static void print_alone(const plan *p) {
  const double *s = p->whole.seconds;
  const lk_forecast *f = &p->alone.as_set;
  printf("One host: %d rank%s, batch %lld, %d shard%s, %td parameter%s\n", ranks_of(p), lk_plural(ranks_of(p)),
         (long long)p->alone.batch, p->alone.shards, lk_plural(p->alone.shards), p->whole.spec.P,
         lk_plural(p->whole.spec.P));
  printf(
      "  %.0f tokens/s; a step takes %.2f ms (mean of %lld): reading the batch %.2f, net %.2f, sum of gradients %.2f,\n"
      "  update %.2f, packing of weights %.2f\n",
      f->tokens, 1e3 * f->step, (long long)p->whole.steps, 1e3 * s[LK_TIME_BATCH], 1e3 * s[LK_TIME_NET],
      1e3 * s[LK_TIME_SUM], 1e3 * s[LK_TIME_UPDATE], 1e3 * (s[LK_TIME_VALUES] + s[LK_TIME_PACK]));
  printf("Link: %g GB/s in each direction, %g us; numbers of %zu bytes (parallel.wire: %s)\n", p->a.bandwidth,
         p->a.latency, lk_wire_bytes(p->whole.spec.wire), p->config->parallel.wire);
}

/* What the other wire would give for the largest number of hosts, where that is much. */
static void print_hint(const plan *p) {
  const plan_row *divided = &p->divided[p->rows - 1], *each = &p->each[p->rows - 1];
  const double least = 0.02;
  if (p->whole.spec.wire == LK_WIRE_BF16 || each->bf16_efficiency < each->efficiency + least) return;
  printf("\nparallel.wire=bf16 halves the bytes: efficiency %.2f on %d hosts", each->bf16_efficiency, each->hosts);
  if (divided->batch > 0) printf(", %.2f with the batch divided", divided->bf16_efficiency);
  printf(".\n");
}

static void print_text(const plan *p) {
  char title[128];
  print_alone(p);
  if (p->rows == 0) return;
  print_table(p, "The batch divided between the hosts", p->divided);
  if (p->a.hosts > p->alone.batch)
    printf("There is no row for more than %lld hosts, as the batch has no more sequences.\n",
           (long long)p->alone.batch);
  (void)snprintf(title, sizeof title, "%lld sequence%s for each host", (long long)p->alone.batch,
                 lk_plural(p->alone.batch));
  print_table(p, title, p->each);
  if (!p->follow && p->shards < p->a.hosts * ranks_of(p))
    printf("\nparallel.shards is %d: a run on more ranks needs as many shards as ranks, as in these tables.\n",
           p->shards);
  print_hint(p);
}

static json_t *row_json(const plan *p, const plan_row *r) {
  const lk_forecast *f = &r->as_set;
  return json_pack("{s:i, s:i, s:I, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "hosts", r->hosts, "ranks",
                   r->hosts * ranks_of(p), "batch", (json_int_t)r->batch, "shards", r->shards, "bytes", f->bytes,
                   "compute_seconds", f->compute, "link_seconds", f->link, "wait_seconds", f->wait, "step_seconds",
                   f->step, "tokens_per_second", f->tokens, "efficiency", r->efficiency, "efficiency_bf16",
                   r->bf16_efficiency);
}

static lk_status print_json(const plan *p) {
  json_t *divided = json_array(), *each = json_array();
  json_t *root = json_pack("{s:s, s:I, s:f, s:f, s:s, s:o, s:o, s:o}", "version", LK_VERSION, "parameters",
                           (json_int_t)p->whole.spec.P, "bandwidth_bytes_per_second", 1e9 * p->a.bandwidth,
                           "latency_seconds", 1e-6 * p->a.latency, "wire", p->config->parallel.wire, "alone",
                           row_json(p, &p->alone), "divided", divided, "each", each);
  for (int i = 0; root && i < p->rows; i++) {
    if (p->divided[i].batch > 0) json_array_append_new(divided, row_json(p, &p->divided[i]));
    json_array_append_new(each, row_json(p, &p->each[i]));
  }
  return lk_cli_print_json(root, JSON_REAL_PRECISION(6) | JSON_INDENT(1));
}

/* ---- the command ---- */

static lk_status check(const plan *p) {
  const arguments *a = &p->a;
  if (a->bandwidth == 0)
    return LK_FAIL(LK_USAGE,
                   "--bandwidth: expected that of the link between hosts, in GB/s or with a unit (1Gb/s); 'lockstep "
                   "doctor --all', "
                   "started on two hosts, tells it");
  if (a->ranks > 0 && a->ranks != ranks_of(p))
    return LK_FAIL(LK_USAGE,
                   "--ranks-per-host %lld: the steps of a host with as many ranks are to be measured, but %d rank%s "
                   "started: 'mpirun -n %lld lockstep plan ...'",
                   a->ranks, ranks_of(p), ranks_of(p) == 1 ? " was" : "s were", a->ranks);
  if (a->hosts * ranks_of(p) > LK_MAX_SHARDS)
    return LK_FAIL(LK_USAGE,
                   "--hosts %lld: with %d rank%s on each, expected at most %d hosts, since a run has at most "
                   "%d ranks",
                   a->hosts, ranks_of(p), lk_plural(ranks_of(p)), LK_MAX_SHARDS / ranks_of(p), LK_MAX_SHARDS);
  return LK_OK;
}

static lk_status read_shards(plan *p) {
  p->follow = strcmp(p->config->parallel.shards, "ranks") == 0;
  return lk_config_shards(p->config, ranks_of(p), &p->shards);
}

lk_status lk_command_plan(int argc, char **argv, lk_comm *comm) {
  lk_status status = LK_OK;
  int help = 0;
  lk_config config = {0};
  plan p = {.config = &config, .comm = comm, .a = {.hosts = 8, .latency = 50, .seconds = 3}};
  LK_TRY(lk_cli_parse(&argp, "lockstep plan", argc, argv, &p.a, &help));
  if (help) return LK_OK;
  LK_TRY(lk_cli_expect_config("lockstep plan", &p.a.words, comm));
  LK_TRY(check(&p));
  LK_GO(lk_comm_agree(comm, lk_cli_read_config(&config, &p.a.words, comm)));
  LK_GO(lk_comm_agree(comm, read_shards(&p)));
  lk_log_init(LK_LOG_WARN, lk_comm_rank(comm) != 0); /* what a run would tell of its progress is not wanted */
  lk_work_begin();
  LK_GO(make_plan(&p));
  lk_work_end();
  if (lk_comm_rank(comm) != 0) goto done;
  if (p.a.json)
    LK_GO(print_json(&p));
  else
    print_text(&p);
done:
  lk_work_end();
  lk_trial_release(&p.whole);
  lk_config_release(&config);
  return status;
}
