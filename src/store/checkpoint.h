/* checkpoint.h - a model and the state of its run, in one file with a digest.
 *
 *   /           format="lockstep-checkpoint" version created_by
 *   /config     the effective configuration, YAML text      /config_corpus  the description of its corpus
 *   /model/<module>/<tensor>                 float32; shapes and gate order as in PyTorch, see attribute `description`
 *   /training/<module>/<tensor>              where /model is an average of weights: those that training goes on from
 *   /optimizer/<moment>/<module>/<tensor>    the same shapes; `master`: the weights that /model or /training follows in
 *                                            rounded steps (parallel.wire: bf16)
 *   /state      seed epoch step ... as attributes; lane states [lanes, width]; average, where there is one to come
 *   /vocab/...  as in the corpus
 *   /history/train/<name>, /history/valid/<name>   float64 [n]: step epoch loss rate norm tokens seconds; `step` is
 *                                                  the others' dimension scale. Up to version 2 one table [n, 7]
 *
 * Nothing depends on the number of ranks. Tensors are given as a table of name, shape and offset in one flat vector, as
 * this folder knows no nets. Not collective throughout. */
#pragma once
#include "corpus.h"

#define LK_MAX_MOMENTS     4
#define LK_HISTORY_COLUMNS 7 /* step, epoch, loss, rate, norm, tokens, seconds */
#define LK_AVERAGE_STATE   54

typedef struct lk_tensor {
  const char *name; /* "rnn.0.forward.weight_hh" -> /model/rnn/0/forward/weight_hh */
  const char *note;
  int dims;
  ptrdiff_t shape[3], offset, count; /* position in the flat vectors */
} lk_tensor;

typedef struct lk_history {
  double *rows; /* [count, LK_HISTORY_COLUMNS] */
  ptrdiff_t count;
  size_t capacity; /* in rows * columns */
} lk_history;

/* The counters of a run, from which it continues. One list defines the struct and the attributes. */
#define LK_STATE_INTEGERS(X) \
  X(seed) X(shards) X(epoch) X(step) X(step_in_epoch) X(skips) X(bad_evaluations) X(evaluations) X(units) X(best_step)
/* since version 2 of the format; rollbacks: in a row, before the run got past step rollback_from */
#define LK_STATE_INTEGERS_2(X) X(updates) X(spike_count) X(rollbacks) X(rollback_from)
#define LK_STATE_REALS_2(X)    X(spike_mean)
#define LK_STATE_REALS(X)      X(best) X(seconds) X(loss_sum) X(loss_units) X(last_train_loss)

typedef struct lk_state {
#define LK_STATE_INTEGER(name) int64_t name;
#define LK_STATE_REAL(name)    double name;
  LK_STATE_INTEGERS(LK_STATE_INTEGER)
  LK_STATE_REALS(LK_STATE_REAL)
  LK_STATE_INTEGERS_2(LK_STATE_INTEGER)
  LK_STATE_REALS_2(LK_STATE_REAL)
#undef LK_STATE_INTEGER
#undef LK_STATE_REAL
  double schedule[8];               /* state of the learning rate schedule */
  double average[LK_AVERAGE_STATE]; /* state of the average of weights; not stored where all of it is zero */
} lk_state;

typedef struct lk_checkpoint {
  const char *config;           /* YAML */
  const lk_corpus_info *corpus; /* kind, unit, vocabularies, folding, digest */
  lk_vectors_read vectors;      /* what of its word vectors the net reads, and the file therefore holds */
  const lk_tensor *tensors;
  int tensor_count;
  const float *values;                 /* [P] what the model answers with */
  const float *training;               /* [P] the weights where values is their average, else NULL */
  const float *moment[LK_MAX_MOMENTS]; /* [P] each */
  const char *moment_name[LK_MAX_MOMENTS];
  int moments;
  lk_state state;
  const float *lanes; /* [lane_count, lane_width] or NULL */
  ptrdiff_t lane_count, lane_width;
  lk_history train, valid;
} lk_checkpoint;

/** The bytes of the file, for lk_durable_write() in a writer thread; caller frees. LK_MEMORY. */
LK_CHECKED lk_status lk_checkpoint_image(const lk_checkpoint *checkpoint, void **bytes, size_t *size);

/* Reading takes two steps: the description first, then, when the net is built, the tensors. */
typedef struct lk_checkpoint_file lk_checkpoint_file;
/** Verify and open; every counter is within its bounds afterwards. LK_IO, LK_DATA, LK_NEWER. */
LK_CHECKED lk_status lk_checkpoint_open(lk_checkpoint_file **file, const char *path);
void lk_checkpoint_close(lk_checkpoint_file **file);
/** The file's digest, 32 hex digits. */
const char *lk_checkpoint_digest(const lk_checkpoint_file *file);
/** Convert the status of a failure to understand the file's configuration or to build its net: LK_NEWER if a newer
 *  version of the program wrote the file; else LK_DATA for LK_USAGE, as mistakes of the file are not the user's. */
LK_CHECKED lk_status lk_checkpoint_not_understood(const lk_checkpoint_file *file, lk_status status);
const char *lk_checkpoint_config(const lk_checkpoint_file *file);
const lk_corpus_info *lk_checkpoint_corpus(const lk_checkpoint_file *file);
const lk_state *lk_checkpoint_state(const lk_checkpoint_file *file);
/** Check that every tensor of the table exists with its shape, before memory is allocated for them. LK_DATA. */
LK_CHECKED lk_status lk_checkpoint_holds(const lk_checkpoint_file *file, const lk_tensor *tensors, int count);
/** Fill values [P]. The file must have every tensor of the table with its shape and no others: LK_DATA naming the
 *  tensor. */
LK_CHECKED lk_status lk_checkpoint_values(const lk_checkpoint_file *file, const lk_tensor *tensors, int count,
                                          float *values);
/** The same of /training. */
LK_CHECKED lk_status lk_checkpoint_training(const lk_checkpoint_file *file, const lk_tensor *tensors, int count,
                                            float *values);
LK_CHECKED lk_status lk_checkpoint_moment(const lk_checkpoint_file *file, const char *moment, const lk_tensor *tensors,
                                          int count, float *values);
/** Shape of the lane states (0 x 0: none), and the states unless data is NULL. */
LK_CHECKED lk_status lk_checkpoint_lanes(const lk_checkpoint_file *file, ptrdiff_t *lanes, ptrdiff_t *width,
                                         float *data);
LK_CHECKED lk_status lk_checkpoint_history(const lk_checkpoint_file *file, lk_history *train, lk_history *valid);

/* A run's folder of checkpoints: <dir>/checkpoints/step-0000012345.h5, <dir>/last.h5, <dir>/best.h5. */
/** Append the path of the checkpoint of `step`, which may not exist. LK_MEMORY. */
LK_CHECKED lk_status lk_checkpoint_path(lk_buffer *path, const char *run_dir, int64_t step);
/** The newest checkpoint whose digest holds; damaged ones before it are skipped, and a line with path and reason of
 *  each is appended to `damaged`. *path is "" if there is no checkpoint at all. LK_DATA if all are damaged; LK_IO if
 *  none can be used and at least one could not be read; LK_NEWER if a newer version of the program wrote one that is
 *  newer than it. */
LK_CHECKED lk_status lk_checkpoint_newest(const char *run_dir, lk_buffer *path, lk_buffer *damaged);
/** Remove temporary files that killed writers left in both folders. To be called by the run's owner before it writes.
 *  LK_IO. */
LK_CHECKED lk_status lk_checkpoint_clean(const char *run_dir);
/** Write an image as the checkpoint of `step`: the file, then the links; then remove all others except the newest
 *  `keep`, the best and, where reach > 0, those back to the first that is at least `reach` steps older. */
LK_CHECKED lk_status lk_checkpoint_store(const char *run_dir, int64_t step, int best, int keep, int64_t reach,
                                         const void *bytes, size_t size);
/** Point last.h5 at `step` and, where best_step > 0, best.h5 at best_step: repairs the links where a writer ended
 *  between the file and its links. Checkpoints that do not exist are ignored. LK_IO. */
LK_CHECKED lk_status lk_checkpoint_relink(const char *run_dir, int64_t step, int64_t best_step);
/** Go back: *path is the newest checkpoint at or before `step` whose digest holds, found as in lk_checkpoint_newest().
 *  last.h5 points at it and all later ones are removed. Where there is none *path is "" and nothing changes. */
LK_CHECKED lk_status lk_checkpoint_rewind(const char *run_dir, int64_t step, lk_buffer *path, lk_buffer *damaged);
/** SHA-256 of all tensors' values in table order, by which tests compare models. */
void lk_checkpoint_sha256(const lk_tensor *tensors, int count, const float *values, char out[65]);
