#include <math.h>
#include <string.h>

#include "bench_impl.h"
#include "optimizer.h"
#include "update.h"
#include "work.h"

/* The nets that tests/bench/side_by_side.py compares with PyTorch, with random data of the same shapes. */
#define LSTM_LM(size) LM("lstm", size)
#define LM(cell, size)                                                                         \
  "task=lm", "model.input=embed", "model.cell=" cell, "model.layers=2", "model.hidden=" #size, \
      "model.embedding=" #size, "model.tied=false", "model.recurrent_bias=true", "model.dropout=0", "train.clip=5"

#define TAGGER(name_, characters, vectors, output)                          \
  {                                                                         \
    .name = name_,                                                          \
    .settings = {"task=label",                                              \
                 "model.cell=lstm",                                         \
                 "model.layers=2",                                          \
                 "model.hidden=200",                                        \
                 "model.embedding=128",                                     \
                 "model.bidirectional=true",                                \
                 "model.recurrent_bias=true",                               \
                 "model.dropout=0",                                         \
                 "train.clip=5",                                            \
                 "train.optimizer=adam",                                    \
                 "model.characters=" characters,                            \
                 "model.vectors=" vectors,                                  \
                 "model.output=" output},                                   \
    .corpus = LK_CORPUS_LABEL, .vocabulary = 19676, /* of UD English EWT */ \
        .labels = 17, .batch = 32, .shortest = 2, .longest = 30             \
  }

/* Cells without a product in the loop over time, beside the LSTM of that width. */
#define PARALLEL(name_, cell)                                                                                       \
  {                                                                                                                 \
    .name = name_, .settings = {LM(cell, 512), "train.optimizer=adam"}, .stream = 1, .vocabulary = 65, .batch = 50, \
    .shortest = 50, .longest = 50                                                                                   \
  }

static const bench_kind kinds[] = {
    {.name = "word LM, LSTM 2x200, V 10,000, 20x20",
     .settings = {LSTM_LM(200), "train.optimizer=sgd"},
     .stream = 1,
     .vocabulary = 10000,
     .batch = 20,
     .shortest = 20,
     .longest = 20},
    {.name = "word LM, LSTM 2x650, V 10,000, 20x35",
     .settings = {LSTM_LM(650), "train.optimizer=sgd"},
     .stream = 1,
     .vocabulary = 10000,
     .batch = 20,
     .shortest = 35,
     .longest = 35},
    {.name = "char LM, LSTM 2x128, V 65, 50x50",
     .settings = {LSTM_LM(128), "train.optimizer=adam"},
     .stream = 1,
     .vocabulary = 65,
     .batch = 50,
     .shortest = 50,
     .longest = 50},
    {.name = "char LM, LSTM 2x512, V 65, 50x50",
     .settings = {LSTM_LM(512), "train.optimizer=adam"},
     .stream = 1,
     .vocabulary = 65,
     .batch = 50,
     .shortest = 50,
     .longest = 50},
    PARALLEL("char LM, SRU 2x512, V 65, 50x50", "sru"),
    PARALLEL("char LM, QRNN 2x512, V 65, 50x50", "qrnn"),
    PARALLEL("char LM, minGRU 2x512, V 65, 50x50", "mingru"),
    TAGGER("tagger, BiLSTM 2x200, 32 sentences of 2-30 words", "none", "none", "softmax"),
    TAGGER("tagger, BiLSTM-CRF 2x200, 32 sentences of 2-30 words", "none", "none", "crf"),
    TAGGER("tagger with characters, BiLSTM 64", "lstm", "none", "softmax"),
    TAGGER("tagger with characters, 64 filters", "cnn", "none", "softmax"),
    TAGGER("tagger with vectors of 100 numbers beside", "none", "added", "softmax"),
    {.name = "classifier, GRU 1x256, 32 texts of 20-400 words",
     .settings = {"task=classify", "model.cell=gru", "model.layers=1", "model.hidden=256", "model.embedding=128",
                  "model.recurrent_bias=true", "model.dropout=0", "model.pooling=last", "train.clip=5",
                  "train.optimizer=adam"},
     .corpus = LK_CORPUS_CLASSIFY,
     .vocabulary = 10000,
     .labels = 5,
     .batch = 32,
     .shortest = 20,
     .longest = 400},
};

/* The phases of a training step. PASS is forward and backward; FORWARD is measured separately and contained in PASS. */
enum { PASS, SUM, UPDATE, SHARE, PACK, PHASES, FORWARD = PHASES, STEP, TIMES };
enum { MOST_STEPS = 400 };

static lk_status step(bench_net *net, int64_t number, double at[TIMES]) {
  const lk_mode mode = {.training = 1, .seed = 1, .step = (uint32_t)number};
  double clock[PHASES + 1], square, units = 0;
  clock[0] = lk_clock_seconds();
  LK_TRY(lk_reduction_begin(net->reduction));
  lk_task_train(net->task, net->params, &net->batch, mode, net->lanes, net->stat, &net->grads);
  clock[1] = lk_clock_seconds();
  LK_TRY(lk_replicas_gather_shards(net->replicas, net->shards.total, net->stat, net->all, sizeof *net->all));
  LK_TRY(lk_reduction_sum(net->reduction));
  LK_TRY(lk_reduction_square_sum(net->reduction, &square));
  clock[2] = lk_clock_seconds();
  for (int s = 0; s < net->shards.total; s++) units += (double)net->all[s].units;
  const lk_clip clip = lk_clip_of(LK_CLIP_NORM, net->config.train.clip, units, sqrt(square) / units);
  lk_update(net->optimizer, net->replicas, net->reduction, clip, 1e-3, number + 1);
  clock[3] = lk_clock_seconds();
  LK_TRY(lk_replicas_allgather(net->replicas, lk_reduction_touched(net->reduction)));
  clock[4] = lk_clock_seconds();
  lk_task_pack(net->task, net->params);
  LK_TRY(lk_replicas_meet(net->replicas));
  clock[5] = lk_clock_seconds();
  for (int p = 0; p < PHASES; p++) at[p] = clock[p + 1] - clock[p];
  at[STEP] = clock[PHASES] - clock[0];
  return LK_OK;
}

static void forward(void *context) {
  bench_net *net = context;
  (void)lk_task_forward(net->task, net->params, &net->batch, NULL);
}

/* Run steps until rank 0's clock says that the time is over. */
static lk_status run_steps(const bench *b, bench_net *net, double *median) {
  static double record[TIMES][MOST_STEPS];
  double start = lk_clock_seconds(), limit = b->quick ? 0.7 : 4, at[TIMES] = {0};
  int steps = 0, more = 1;
  for (int i = -2; more; i++) {
    LK_TRY(step(net, i + 2, at));
    lk_work_at(0);
    for (int p = 0; i >= 0 && p < TIMES; p++) record[p][i] = at[p];
    steps = i + 1;
    more = steps < MOST_STEPS && (steps < 3 || lk_clock_seconds() - start < limit);
    LK_TRY(lk_comm_broadcast(b->comm, &more, sizeof more, 0));
  }
  for (int p = 0; p < TIMES; p++) median[p] = bench_median(record[p], steps);
  LK_TRY(bench_measure(b, forward, net, &median[FORWARD]));
  return bench_mean(b, median, TIMES);
}

static lk_status measure(const bench *b, const bench_kind *kind, json_t *rows) {
  lk_status status = LK_OK;
  bench_net net;
  double t[TIMES] = {0};
  LK_GO(bench_net_open(&net, b, kind));
  LK_GO(run_steps(b, &net, t));
  LK_GO(bench_add(
      rows,
      json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "net", kind->name, "tokens/s",
                (double)net.tokens / t[STEP], "at_ceiling", (double)net.tokens / (net.flops / b->ceiling / b->size),
                "share", net.flops / t[STEP] / b->ceiling / b->size, "step_ms", t[STEP] * 1e3, "forward",
                t[FORWARD] * 1e3, "head_and_backward", (t[PASS] - t[FORWARD]) * 1e3, "sum", t[SUM] * 1e3, "update",
                t[UPDATE] * 1e3, "share_values", t[SHARE] * 1e3, "pack", t[PACK] * 1e3)));
done:
  bench_net_close(&net);
  return status;
}

lk_status bench_nets(bench *b) {
  lk_status status = LK_OK;
  json_t *rows = json_array();
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) LK_GO(measure(b, &kinds[i], rows));
  LK_GO(bench_emit(
      b, "nets",
      "Training steps: tokens/s of all ranks, tokens/s at the ceiling (6 flops for each weight and row multiplied), "
      "and the milliseconds of each phase",
      json_incref(rows)));
done:
  json_decref(rows);
  return status;
}
