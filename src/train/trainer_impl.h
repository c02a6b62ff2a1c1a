/* trainer_impl.h - the parts of a run, and the files that work on them.
 *
 *   check.c     the configuration by itself             build.c      creates and connects the parts
 *   alike.c     whether ranks differ in what they run   hosts.c      where the ranks are   memory.c  what they take
 *   trial.c     times steps of a run that is not kept   weights.c    new weights on their way, packed as they are needed
 *   trainer.c   loops, evaluates, ends                  step.c       one step: gradient, sums, control word, update
 *   resume.c    from a checkpoint to the parts          snapshot.c   from the parts to a checkpoint file, by a thread
 *   progress.c  log and figures                         stop.c       signals, time limits, and the rules that end a run
 *   nonfinite.c where a non-finite gradient came from   init_from.c  a run that starts from given weights
 *   spike.c     detects loss spikes                     rollback.c   back to an earlier step, then past the bad batches
 *   average.c   the average of the weights               update.c    the optimizer's pass over a range
 *   accumulate.c  a batch in parts, their gradients added      scaling.c  the rate for another batch
 *   meter.c     speed and loss for the progress line        copies.c     compares the copies of the weights
 *   recorder.c  where figures are written down: metrics_file.c (metrics.jsonl) and tensorboard.c (event files)
 *   starts_file.c  the hosts of each start, its memory, where its time went        json_line.c  appends lines to both
 *
 * Every decision is made from the control word and from numbers that are equal on all ranks: no rank decides alone. */
#pragma once
#include <pthread.h>
#include <stdbool.h>

#include "accumulate.h"
#include "average.h"
#include "clip.h"
#include "checkpoint.h"
#include "evaluate.h"
#include "model.h"
#include "optimizer.h"
#include "reduction.h"
#include "schedule.h"
#include "debug_impl.h"
#include "trainer.h"
#include "watchdog.h"
#include "memory_impl.h"
#include "meter_impl.h"
#include "owner_impl.h"
#include "recorder_impl.h"
#include "spike_impl.h"
#include "times.h"
#include "trial.h"
#include "weights.h"

/* The message where a setting that is fixed for a run was changed: the run's folder, the old value, the new one. */
#define LK_OTHER_RUN(form) \
  "the run in '%s' began with " form " and cannot go on with " form "; set it back, or choose another run.dir"

#define LK_LOSS_WINDOW 100 /* steps that the logged training loss is averaged over; fewer at the end of an epoch */

/* Flags of the control word: one rank sets one, all act on it. */
enum { LK_FLAG_SIGNAL = 1, LK_FLAG_TIME = 2, LK_FLAG_SAVE = 4, LK_FLAG_LIMIT = 8, LK_FLAG_UNREAD = 16 };

/* The control word has one of these records for each shard; after the exchange every rank has all S of them. The flags
 * are set by the rank that hosts the shard. */
typedef struct lk_control {
  lk_shard_stat stat;
  int64_t flags;
  double seconds; /* of training so far, by the hosting rank's clock; only rank 0's is used */
  double state;   /* largest magnitude of a carried state of the hosting rank's lanes, after the step */
} lk_control;

/* The result of a step, the same on all ranks. */
typedef struct lk_step {
  double loss;           /* nats, sum over all shards */
  int64_t units, tokens; /* of all shards */
  double norm;           /* global norm of the mean gradient, before clipping */
  double rate;
  double state;   /* largest magnitude of a carried state, over all lanes; 0 without lanes */
  double seconds; /* of training before the step, by rank 0's clock */
  int64_t flags;
  bool skipped;  /* no update: the gradient was not finite, or the loss a spike */
  bool rollback; /* no update: the run goes back to an earlier step */
} lk_step;

/* A run that went back repeats its steps up to `at` and continues from there with the batches after the spike. */
typedef struct lk_restart_plan {
  bool active, forget_best;
  int64_t at, epoch, step_in_epoch, rollbacks, from;
} lk_restart_plan;

/* The thread that writes checkpoints while training continues; rank 0 only. */
typedef struct lk_saver {
  pthread_t thread;
  bool running;
  const char *run_dir;
  int keep;
  int64_t reach, step;
  int best;
  void *bytes;
  size_t size;
  double began, waited, seconds; /* when the save began; how long training waited for it; how long it took in all */
  lk_status status;              /* of the last one; read after join */
} lk_saver;

typedef struct lk_trainer {
  const lk_config *config;
  lk_config effective; /* config with what was chosen when the run began, and absolute paths; its texts are config's */
  char shards_text[16];
  const lk_train_host *host;
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
  size_t row_memory;   /* bytes that rows may take on this rank (data.memory) */
  lk_evaluator *valid; /* NULL where the corpus has no validation split */
  lk_transport transport;
  lk_wire wire;
  lk_replicas_spec spec; /* what `replicas` was created with, and its blocks */
  lk_row_block block[LK_MOST_ROW_BLOCKS];
  lk_replicas *replicas;   /* owns the values and packed weights, and the memory of the gradients */
  lk_weights weights;      /* on their way to all ranks, and packed */
  lk_reduction *reduction; /* sums the gradients */
  lk_optimizer *optimizer;
  lk_average *average; /* of this rank's ranges */
  lk_clip_way clip_way;
  lk_schedule *schedule;

  lk_arena arena; /* memory for the whole run: gradients, the batch, lanes, records */
  lk_batch batch;
  lk_grads grads;
  lk_accumulate accumulate; /* makes them */
  const lk_ranges *own;     /* this rank's ranges of the parameters: the store's */
  float *lanes;             /* [this rank's lanes, lane_width] carried states */
  ptrdiff_t lane_count, lane_width;
  size_t *lane_bytes; /* [R] bytes of each rank's lanes */
  ptrdiff_t lane_total;
  lk_shard_stat *stat;        /* [shards of this rank] */
  lk_control *mine, *control; /* [shards of this rank], [S] */
  double *shard_loss;         /* [S] */

  lk_state state;
  lk_step last;                                    /* the previous step */
  lk_history train_history, valid_history;         /* rank 0 */
  int64_t steps_in_epoch, last_step;               /* last_step: set by train.steps or train.epochs, 0: no limit */
  bool evaluated, saved, tested, remainder_logged; /* at this very step; remainder_logged: lk_progress_remainder() */
  bool time_over;                                  /* train.minutes have passed */
  double started, saved_at, window_start;          /* seconds */
  int64_t window_tokens;
  lk_times times;                                                      /* of this start */
  lk_memory memory;                                                    /* planned, of the rank that takes most */
  lk_meter meter;                                                      /* for the progress line; rank 0 */
  double step_began, longest_step, evaluation_seconds, saving_seconds; /* to stop in time: see lk_trainer_saving() */
  lk_debug debug;
  lk_spike spike;
  lk_restart_plan restart_plan;
  lk_saver saver;
  lk_owner *owner;        /* rank 0 */
  lk_recorders recorders; /* rank 0 */
  bool blas;              /* OpenBLAS computes the products */
  lk_buffer config_text;
  lk_buffer whole_dir, whole_corpus; /* absolute run.dir and data.corpus */
  lk_buffer resume_path;             /* rank 0: the checkpoint to resume from, "" for none */
  lk_buffer damaged;                 /* rank 0: damaged checkpoints that were not warned about yet, one on each line */
} lk_trainer;

typedef struct lk_kept {
  int64_t shards; /* 0: there is no run to resume */
  int64_t blas;   /* whether OpenBLAS computed its products */
  int64_t apart;  /* whether its products of bf16 were added in the order of AMX */
} lk_kept;

/* build.c, besides build_impl.h */
/** Whether the corpus has that split. */
bool lk_trainer_has(const lk_trainer *t, lk_split split);
/** How the split is evaluated, with a part of this rank's memory for rows. */
lk_evaluator_settings lk_trainer_evaluation_settings(const lk_trainer *t, lk_split split);
/** trainer.c: free all parts; the watchdog and the log end.                        Collective. */
void lk_trainer_release(lk_trainer *t);
/* step.c */
/** Make a step. Weights may be under way afterwards: call lk_weights_settle() before they are read. Collective. */
LK_CHECKED lk_status lk_trainer_step(lk_trainer *t, lk_step *step);
/** lk_grads.tell of a trainer: its reduction sends what is final.                  Not collective. */
void lk_trainer_told(void *trainer, ptrdiff_t offset);
/** Exchange the weights of all ranks for their average, or back again; no effect without an average. Collective. */
LK_CHECKED lk_status lk_trainer_swap_average(lk_trainer *t);
#define LK_SPIKES_IN_A_ROW "were not applied, the last for its loss (train.max_skips, train.spike)"
/** `row` steps in a row were not applied: LK_INTERNAL from train.max_skips on. */
LK_CHECKED lk_status lk_trainer_count_skip(lk_trainer *t, int64_t row, const char *why);
/* copies.c: LK_INTERNAL where the copies of the weights differ, naming a rank. Collective. */
LK_CHECKED lk_status lk_trainer_check_replicas(lk_trainer *t);
/* nonfinite.c: log which shards and rows a non-finite gradient came from. Collective. */
LK_CHECKED lk_status lk_trainer_name_nonfinite(lk_trainer *t);
/* rollback.c */
/** Where train.spike may go back: save a checkpoint before the first step.        Collective. */
LK_CHECKED lk_status lk_trainer_start_point(lk_trainer *t);
/** After a spike: load the checkpoint to go back to. Where there is none the step counts as skipped. Collective. */
LK_CHECKED lk_status lk_trainer_rollback(lk_trainer *t, lk_step *step);
/** After a step: where the repeated steps end, skip the batches up to the spike.   Collective. */
LK_CHECKED lk_status lk_trainer_follow_restart_plan(lk_trainer *t);
/* resume.c; snapshot.c */
LK_CHECKED lk_status lk_trainer_peek(lk_trainer *t, lk_kept *kept);
/** run_kernels.c: choose the kernels of the run. LK_USAGE.                        Not collective. */
LK_CHECKED lk_status lk_trainer_kernels(const lk_trainer *t);
void lk_trainer_warn_damaged(lk_trainer *t);
/** Load the state of the run, where there is one, and pack the weights.           Collective. */
LK_CHECKED lk_status lk_trainer_resume(lk_trainer *t);
/** Return to the weights, moments and average of the best evaluation, and save. Data, lanes and counters go on. LK_DATA,
 *  LK_IO where its checkpoint cannot be read. Collective. */
LK_CHECKED lk_status lk_trainer_restore_best(lk_trainer *t);
/** init_from.c: copy what fits of the weights of the model that init.from names. Rank 0 only. LK_USAGE where nothing
 *  fits; LK_IO, LK_DATA. */
LK_CHECKED lk_status lk_trainer_init_from(lk_trainer *t);
LK_CHECKED lk_status lk_trainer_load(lk_trainer *t, const char *path,
                                     lk_state *of); /* the weights, and the state that they are of, on rank 0 */
LK_CHECKED lk_status lk_trainer_save(lk_trainer *t, int best);
/** Wait for the thread that writes; the watchdog sees progress as long as bytes go to the disk. */
LK_CHECKED lk_status lk_saver_wait(lk_trainer *t);
/* progress.c */
/** The step of the last row; -1 where there are no rows. */
int64_t lk_history_end(const lk_history *history);
LK_CHECKED lk_status lk_progress_open(lk_trainer *t);
/** Write config.yaml, once it is known that the run can be resumed with it. */
LK_CHECKED lk_status lk_progress_config(const lk_trainer *t);
void lk_progress_step(lk_trainer *t, const lk_step *step);
/** The end of training: the last picture stays on the screen. */
void lk_progress_close(const lk_trainer *t);
/** For lk_evaluator_tell(): the share of a validation that is done. */
void lk_progress_evaluating(void *trainer, double share);
LK_CHECKED lk_status lk_progress_window(lk_trainer *t, const lk_step *step);
/** At the end of the run, once: log the loss of the unfinished window. Its counters stay, as the run may be resumed. */
LK_CHECKED lk_status lk_progress_remainder(lk_trainer *t);
/** at: the state that was evaluated; rank 0. */
LK_CHECKED lk_status lk_progress_evaluation(lk_trainer *t, const char *kind, const lk_state *at,
                                            const lk_evaluation *result);
/* starts_file.c: lines of starts.jsonl */
/** Append a line for this start of the program, before its first step. LK_IO, LK_MEMORY, agreed on. Collective. */
LK_CHECKED lk_status lk_starts_begin(lk_trainer *t);
/** Append what this start has used so far: time and memory. reason: why training ends here, or NULL. The same.
 *  Collective. */
LK_CHECKED lk_status lk_starts_use(lk_trainer *t, const char *reason);
/* stop.c */
/** Forget earlier requests to stop. signals: let signals stop the run until lk_stop_end() restores the caller's
 *  handlers. */
void lk_stop_begin(bool signals);
void lk_stop_end(bool signals);
int64_t lk_trainer_flags(const lk_trainer *t);
/** Seconds of training so far, earlier starts included, by this rank's clock. */
double lk_trainer_spent(const lk_trainer *t);
/** Seconds that ending the run is expected to take: an evaluation, a save and the longest step so far. */
double lk_trainer_saving(const lk_trainer *t);
/** train.minutes have passed, and stay so when the run is resumed. */
void lk_trainer_time_over(lk_trainer *t);
/** Why the run is over now, for a message; NULL where it is not. */
const char *lk_trainer_over(const lk_trainer *t);
