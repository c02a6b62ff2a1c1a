/* checkpoint.h - a model and all that a run needs to go on, in one verified file.
 *
 *   /           format="lockstep-checkpoint" version created_by
 *   /config     the effective configuration, YAML text      /config_corpus  what the model must know of its corpus
 *   /model/<module>/<tensor>                 float32, shapes and gate order as in PyTorch, said in `description`
 *   /optimizer/<moment>/<module>/<tensor>    the same shapes
 *   /state      seed epoch step ... as attributes; lane states [lanes, width]
 *   /vocab/...  as in the corpus
 *   /history/train /history/valid            float64 [n, 7], columns in attribute `columns`
 *
 * No rank and no number of ranks anywhere. Tensors lie in one flat vector by name, shape and offset (nn's table, handed
 * over as plain rows, since store knows no nets). Not collective throughout. */
#pragma once
#include "corpus.h"

#define LK_MAX_MOMENTS     4
#define LK_HISTORY_COLUMNS 7 /* step, epoch, loss, rate, norm, tokens, seconds */

typedef struct lk_tensor {
  const char *name; /* "rnn.0.forward.weight_hh" -> /model/rnn/0/forward/weight_hh */
  const char *note;
  int dims;
  ptrdiff_t shape[3], offset, count; /* place in the flat vectors */
} lk_tensor;

typedef struct lk_history {
  double *rows; /* [count, LK_HISTORY_COLUMNS] */
  ptrdiff_t count;
  size_t capacity; /* in rows * columns */
} lk_history;

/* The counters of a run: everything that decides what comes next. One list makes the struct and the attributes. */
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
  double schedule[8]; /* the schedule's own */
} lk_state;

typedef struct lk_checkpoint {
  const char *config;           /* YAML */
  const lk_corpus_info *corpus; /* kind, unit, vocabularies, folding, digest */
  const lk_tensor *tensors;
  int tensor_count;
  const float *values;                 /* [P] */
  const float *moment[LK_MAX_MOMENTS]; /* [P] each */
  const char *moment_name[LK_MAX_MOMENTS];
  int moments;
  lk_state state;
  const float *lanes; /* [lane_count, lane_width] or NULL */
  ptrdiff_t lane_count, lane_width;
  lk_history train, valid;
} lk_checkpoint;

/** The file's bytes, for a writer thread to put down with lk_durable_write(); caller frees. LK_MEMORY. */
LK_CHECKED lk_status lk_checkpoint_image(const lk_checkpoint *checkpoint, void **bytes, size_t *size);

/* Reading is in two steps: what it is, then the numbers once the net is built. */
typedef struct lk_checkpoint_file lk_checkpoint_file;
/** Verify and open; every counter is within its bounds then. LK_IO, LK_DATA, LK_NEWER. */
LK_CHECKED lk_status lk_checkpoint_open(lk_checkpoint_file **file, const char *path);
void lk_checkpoint_close(lk_checkpoint_file **file);
/** The file's digest, 32 hex digits. */
const char *lk_checkpoint_digest(const lk_checkpoint_file *file);
const char *lk_checkpoint_config(const lk_checkpoint_file *file);
const lk_corpus_info *lk_checkpoint_corpus(const lk_checkpoint_file *file);
const lk_state *lk_checkpoint_state(const lk_checkpoint_file *file);
/** Whether every tensor of the table is there with its shape: asked before memory is taken for them. LK_DATA. */
LK_CHECKED lk_status lk_checkpoint_holds(const lk_checkpoint_file *file, const lk_tensor *tensors, int count);
/** Fill values [P] by the table; every tensor must be there with its shape, and none besides: LK_DATA naming it. */
LK_CHECKED lk_status lk_checkpoint_values(const lk_checkpoint_file *file, const lk_tensor *tensors, int count,
                                          float *values);
LK_CHECKED lk_status lk_checkpoint_moment(const lk_checkpoint_file *file, const char *moment, const lk_tensor *tensors,
                                          int count, float *values);
/** Shape of the lane states (0 x 0 where there are none), and the states unless data is NULL. */
LK_CHECKED lk_status lk_checkpoint_lanes(const lk_checkpoint_file *file, ptrdiff_t *lanes, ptrdiff_t *width,
                                         float *data);
LK_CHECKED lk_status lk_checkpoint_history(const lk_checkpoint_file *file, lk_history *train, lk_history *valid);

/* A run's folder of checkpoints: <dir>/checkpoints/step-0000012345.h5, <dir>/last.h5, <dir>/best.h5. */
/** The newest that verifies, falling back over damaged ones, of which `damaged` tells path and reason (appended, one a
 *  line). *path is "" where there is none; LK_DATA where there are some, none of them whole, LK_IO where one that may be
 *  cannot be read, LK_NEWER where one that a newer version wrote comes before a whole one. */
LK_CHECKED lk_status lk_checkpoint_newest(const char *run_dir, lk_buffer *path, lk_buffer *damaged);
/** Remove the temporary files that killed writers left in both folders. For the run's owner, before it writes. LK_IO. */
LK_CHECKED lk_status lk_checkpoint_clean(const char *run_dir);
/** Put an image down as the checkpoint of `step`: file, then links, then all but the newest `keep`, the best and, where
 *  reach > 0, those back to the first that is at least so many steps older go. */
LK_CHECKED lk_status lk_checkpoint_store(const char *run_dir, int64_t step, int best, int keep, int64_t reach,
                                         const void *bytes, size_t size);
/** Point last.h5 at `step` and, where best_step > 0, best.h5 at that: a writer may have died, or failed, between a file and
 *  its links, and a run that is over writes no other. A file that is not there is passed over. LK_IO. */
LK_CHECKED lk_status lk_checkpoint_relink(const char *run_dir, int64_t step, int64_t best_step);
/** Back to `step`: the newest at or before it that verifies, as lk_checkpoint_newest() does. last.h5 points at it and all
 *  later ones are removed; where there is none (*path is "") nothing is. */
LK_CHECKED lk_status lk_checkpoint_rewind(const char *run_dir, int64_t step, lk_buffer *path, lk_buffer *damaged);
/** SHA-256 over all tensors' values in table order: what "the same bits" is measured by. */
void lk_checkpoint_sha256(const lk_tensor *tensors, int count, const float *values, char out[65]);
