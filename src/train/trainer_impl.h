/* trainer_impl.h - the parts of a run, and the files that work on them.
 *
 *   check.c     the configuration for itself            unused.c     settings without effect
 *   build.c     makes and joins the parts
 *   trainer.c   loops, evaluates, ends                  step.c       one step: gradient, sums, control word, update
 *   resume.c    a checkpoint into the parts             snapshot.c   the parts into a checkpoint, written behind training
 *   progress.c  what the run tells: log, metrics file   stop.c       signals, time, and the rules that end a run
 *   nonfinite.c whose gradient is no number             init_from.c  given weights to start from
 *   spike.c     what a loss spike is                    rollback.c   back to an earlier step, past its batches
 *   meter.c     what the progress line goes by
 *
 * Every decision is taken from the control word and from numbers that are alike on all ranks: no rank decides alone. */
#pragma once
#include <pthread.h>
#include <stdbool.h>

#include "checkpoint.h"
#include "evaluate.h"
#include "model.h"
#include "optimizer.h"
#include "reducer.h"
#include "schedule.h"
#include "debug_impl.h"
#include "trainer.h"
#include "watchdog.h"
#include "meter_impl.h"
#include "owner_impl.h"
#include "spike_impl.h"

/* What a change of settings that a run hangs on is told: the run's folder, what it was, what it is. */
#define LK_OTHER_RUN(form) \
  "the run in '%s' began with " form " and cannot go on with " form "; set it back, or choose another run.dir"

#define LK_LOSS_WINDOW 100 /* steps over which training loss is averaged, cut at the end of an epoch */

/* Flags of the control word: one rank raises, all act. */
enum { LK_FLAG_SIGNAL = 1, LK_FLAG_TIME = 2, LK_FLAG_SAVE = 4, LK_FLAG_LIMIT = 8 };

/* The control word: one record a shard, all ranks see all S of them. The flags are those of the shard's host. */
typedef struct lk_control {
  lk_shard_stat stat;
  int64_t flags;
  double seconds; /* trained for, by rank 0's clock; of other hosts' shards without meaning */
} lk_control;

/* What a step came to, alike on all ranks. */
typedef struct lk_step {
  double loss;           /* nats, sum over all shards */
  int64_t units, tokens; /* of all shards */
  double norm;           /* global norm of the mean gradient, before clipping */
  double rate;
  double seconds; /* that the run had trained for, alike on all ranks */
  int64_t flags;
  bool skipped;  /* no update: the gradient was not finite, or the loss a spike */
  bool rollback; /* no update: the run has to go back */
} lk_step;

/* Where a run that went back leaves its old way: at step `at` it goes on with other batches. */
typedef struct lk_restart_plan {
  bool active, forget_best;
  int64_t at, epoch, step_in_epoch, rollbacks, from;
} lk_restart_plan;

/* The thread that puts checkpoints down while training goes on; rank 0 only. */
typedef struct lk_saver {
  pthread_t thread;
  bool running;
  const char *run_dir;
  int keep;
  int64_t reach, step;
  int best;
  void *bytes;
  size_t size;
  double began, waited, seconds; /* when the save began; how long training waited; how long all of it took */
  lk_status status;              /* of the last one; read after join */
} lk_saver;

typedef struct lk_trainer {
  const lk_config *config;
  lk_comm *comm;
  int rank, size;
  lk_shards shards;
  lk_corpus *corpus;
  const lk_corpus_info *info;
  lk_params *params;
  lk_tensor *tensors;
  int tensor_count;
  lk_task *task;
  lk_loader *loader;
  lk_evaluator *valid; /* NULL where the corpus has no validation part */
  lk_reduction how;
  lk_reducer *reducer; /* owns gradients and weights */
  lk_optimizer *optimizer;
  lk_schedule *schedule;

  lk_arena arena; /* what lives as long as the run: gradients, the batch, lanes, records */
  lk_batch batch;
  lk_grads grads;
  lk_range range;
  float *lanes; /* [this rank's lanes, lane_width] carried states */
  ptrdiff_t lane_count, lane_width;
  size_t *lane_bytes; /* [R] bytes of each rank's lanes */
  ptrdiff_t lane_total;
  lk_shard_stat *stat;        /* [shards of this rank] */
  lk_control *mine, *control; /* [shards of this rank], [S] */
  double *shard_loss;         /* [S] */

  lk_state state;
  lk_step last;                                    /* the step before */
  lk_history train_history, valid_history;         /* rank 0 */
  int64_t steps_in_epoch, last_step;               /* last_step: where the run ends by steps or epochs, 0: never */
  bool evaluated, saved, tested, remainder_logged; /* at this very step; remainder_logged: lk_progress_remainder() */
  bool time_over;                                  /* train.minutes are */
  double started, saved_at, window_start;          /* seconds */
  int64_t window_tokens;
  lk_meter meter;                                                      /* what the progress line says; rank 0 */
  double step_began, longest_step, evaluation_seconds, saving_seconds; /* what the end of the time is reckoned with */
  lk_debug debug;
  lk_spike spike;
  lk_restart_plan restart_plan;
  lk_saver saver;
  lk_owner *owner; /* rank 0 */
  bool blas;       /* the products are OpenBLAS's */
  lk_buffer config_text;
  lk_buffer whole_dir, whole_corpus; /* run.dir and data.corpus from the root on */
  lk_buffer resume_path;             /* rank 0: the checkpoint to go on from, "" for none */
  lk_buffer damaged;                 /* rank 0: those passed over that were not told of yet, a line each */
} lk_trainer;

/* build.c */
/** All parts, the state of the run that is gone on with among them.                Collective. */
LK_CHECKED lk_status lk_trainer_build(lk_trainer *t);
/** Whether the corpus has such a part. */
bool lk_trainer_has(const lk_trainer *t, lk_split split);
/* step.c */
/** Pack the weights anew, together with the ranks that hold them too: after each change. Collective. */
LK_CHECKED lk_status lk_trainer_pack(lk_trainer *t);
LK_CHECKED lk_status lk_trainer_step(lk_trainer *t, lk_step *step);
#define LK_SPIKES_IN_A_ROW "were not applied, the last for its loss (train.max_skips, train.spike)"
/** `row` steps in a row were not applied: LK_INTERNAL from train.max_skips on. */
LK_CHECKED lk_status lk_trainer_count_skip(lk_trainer *t, int64_t row, const char *why);
LK_CHECKED lk_status lk_trainer_check_replicas(lk_trainer *t);
/* nonfinite.c: say which shards and rows a gradient that is not finite came from. Collective. */
LK_CHECKED lk_status lk_trainer_name_nonfinite(lk_trainer *t);
/* rollback.c */
/** At the start of a run that may have to go back: its first checkpoint.           Collective. */
LK_CHECKED lk_status lk_trainer_start_point(lk_trainer *t);
/** A spike: load what is to be gone back to. Where there is nothing the step counts as skipped. Collective. */
LK_CHECKED lk_status lk_trainer_rollback(lk_trainer *t, lk_step *step);
/** After a step: take the detour where it begins.                                  Collective. */
LK_CHECKED lk_status lk_trainer_follow_restart_plan(lk_trainer *t);
/* resume.c; snapshot.c */
typedef struct lk_kept {
  int64_t shards; /* 0: there is no run to go on with */
  int64_t blas;   /* whether OpenBLAS made its products */
} lk_kept;
LK_CHECKED lk_status lk_trainer_peek(lk_trainer *t, lk_kept *kept);
void lk_trainer_tell_damaged(lk_trainer *t);
/** The state of the run as far as there is one, and packed weights either way.    Collective. */
LK_CHECKED lk_status lk_trainer_resume(lk_trainer *t);
/** init_from.c: the weights of the model that init.from names, as far as they fit, on rank 0. Rank 0. LK_USAGE where
 *  nothing does; LK_IO, LK_DATA. */
LK_CHECKED lk_status lk_trainer_init_from(lk_trainer *t);
LK_CHECKED lk_status lk_trainer_load(lk_trainer *t, const char *path,
                                     lk_state *of); /* weights, and whose: both on rank 0 */
LK_CHECKED lk_status lk_trainer_save(lk_trainer *t, int best);
/** Wait for the writer; the run stays alive while bytes go to the disk. */
LK_CHECKED lk_status lk_saver_wait(lk_trainer *t);
/* progress.c */
/** The step of the last row; -1: there is none. */
int64_t lk_history_end(const lk_history *history);
LK_CHECKED lk_status lk_progress_open(lk_trainer *t);
/** config.yaml, once it is known that the run can go on with it. */
LK_CHECKED lk_status lk_progress_config(const lk_trainer *t);
void lk_progress_step(lk_trainer *t, const lk_step *step);
LK_CHECKED lk_status lk_progress_window(lk_trainer *t, const lk_step *step);
/** The window that the end of the run cut short, for the reader: counters stay, as the run may go on some day. Once. */
LK_CHECKED lk_status lk_progress_remainder(lk_trainer *t);
/** at: the state that was evaluated, on rank 0. */
LK_CHECKED lk_status lk_progress_evaluation(lk_trainer *t, const char *kind, const lk_state *at,
                                            const lk_evaluation *result);
/* metrics_file.c: lines of metrics.jsonl */
/** told: the step that the run is at; where what is told is of another one the line has it as run_step. */
LK_CHECKED lk_status lk_metrics_write(const char *run_dir, const char *kind, int64_t told, const lk_metric *metrics,
                                      int count, const double history[LK_HISTORY_COLUMNS]);
/** Leave the lines told up to `step`. *tested: one of them is of the test part, told at that very step. */
LK_CHECKED lk_status lk_metrics_cut(const char *run_dir, int64_t step, bool *tested);
/* stop.c */
/** From here on signals ask the run to stop, until lk_signals_restore() gives the caller's handlers back. */
void lk_signals_catch(void);
void lk_signals_restore(void);
int64_t lk_trainer_flags(const lk_trainer *t);
/** Seconds of training so far, earlier starts included, by this rank's clock. */
double lk_trainer_spent(const lk_trainer *t);
/** Seconds that evaluation, saving and what may come in between are expected to take, from what they took. */
double lk_trainer_saving(const lk_trainer *t);
/** train.minutes are over, and stay so when the run is taken up again. */
void lk_trainer_time_over(lk_trainer *t);
/** The rule by which the run is over now, in words, or NULL. */
const char *lk_trainer_over(const lk_trainer *t);
