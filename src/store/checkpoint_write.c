#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint_impl.h"
#include "corpus_impl.h"
#include "arena.h"
#include "durable.h"

#ifndef LK_VERSION
#define LK_VERSION "unknown"
#endif

/* `s`, not `seconds`, which xarray would take as durations and convert. */
const lk_h5_curve lk_history_curves[LK_HISTORY_COLUMNS] = {
    {"step", "steps"}, {"epoch", "epochs"},  {"loss", "nats a unit"}, {"rate", "1"},
    {"norm", "1"},     {"tokens", "tokens"}, {"seconds", "s"}};

lk_status lk_tensor_path(lk_buffer *path, const char *root, const char *name) {
  lk_buffer_truncate(path, 0);
  LK_TRY(lk_buffer_printf(path, "%s/%s", root, name));
  for (char *c = path->data + strlen(root); *c; c++)
    if (*c == '.') *c = '/';
  return LK_OK;
}

static lk_status write_vector(lk_h5 *file, const char *root, const lk_checkpoint *checkpoint, const float *values) {
  lk_buffer path = {0};
  lk_status status = LK_OK;
  for (int i = 0; i < checkpoint->tensor_count; i++) {
    const lk_tensor *tensor = &checkpoint->tensors[i];
    LK_GO(lk_tensor_path(&path, root, tensor->name));
    LK_GO(lk_h5_write(file, path.data, LK_FLOAT32, tensor->dims, tensor->shape, values + tensor->offset, 0,
                      tensor->note));
  }
done:
  lk_buffer_release(&path);
  return status;
}

static lk_status write_moments(lk_h5 *file, const lk_checkpoint *checkpoint) {
  lk_buffer root = {0};
  lk_status status = LK_OK;
  for (int i = 0; i < checkpoint->moments; i++) {
    lk_buffer_truncate(&root, 0);
    LK_GO(lk_buffer_printf(&root, "/optimizer/%s", checkpoint->moment_name[i]));
    LK_GO(write_vector(file, root.data, checkpoint, checkpoint->moment[i]));
  }
done:
  lk_buffer_release(&root);
  return status;
}

/* Runs that average no weights have files without it. */
static lk_status write_average(lk_h5 *file, const lk_state *state) {
  const ptrdiff_t count = LK_AVERAGE_STATE;
  static const double nothing[LK_AVERAGE_STATE];
  if (memcmp(state->average, nothing, sizeof nothing) == 0) return LK_OK;
  return lk_h5_write(file, "/state/average", LK_FLOAT64, 1, &count, state->average, 0, "of the average of weights");
}

static lk_status write_state(lk_h5 *file, const lk_checkpoint *checkpoint) {
  const lk_state *state = &checkpoint->state;
  const ptrdiff_t count = LK_SCHEDULE_COUNT;
  const ptrdiff_t lanes[] = {checkpoint->lane_count, checkpoint->lane_width};
#define WRITE_INTEGER(name) LK_TRY(lk_h5_set_int(file, "/state", #name, state->name));
#define WRITE_REAL(name)    LK_TRY(lk_h5_set_real(file, "/state", #name, state->name));
  LK_STATE_INTEGERS(WRITE_INTEGER)
  LK_STATE_REALS(WRITE_REAL)
  LK_STATE_INTEGERS_2(WRITE_INTEGER)
  LK_STATE_REALS_2(WRITE_REAL)
#undef WRITE_INTEGER
#undef WRITE_REAL
  LK_TRY(lk_h5_write(file, "/state/schedule", LK_FLOAT64, 1, &count, state->schedule, 0, "of the rate's schedule"));
  LK_TRY(write_average(file, state));
  if (!checkpoint->lanes) return LK_OK;
  return lk_h5_write(file, "/state/lanes", LK_FLOAT32, 2, lanes, checkpoint->lanes, 0,
                     "states carried from segment to segment of a running text, one row a lane");
}

static lk_status write_history(lk_h5 *file, const lk_checkpoint *c) {
  LK_TRY(lk_h5_write_curves(file, "/history/train", lk_history_curves, LK_HISTORY_COLUMNS, LK_HISTORY_LOSS,
                            c->train.count, c->train.rows, "losses of training"));
  LK_TRY(lk_h5_write_curves(file, "/history/valid", lk_history_curves, LK_HISTORY_COLUMNS, LK_HISTORY_LOSS,
                            c->valid.count, c->valid.rows, "losses of validation"));
  LK_TRY(lk_h5_show(file, "/history", "NXentry", "train"));
  return lk_h5_show(file, "/", "NXroot", "history");
}

/* What the model must know of its corpus. */
static lk_status write_corpus(lk_h5 *file, const lk_checkpoint *checkpoint) {
  const bool unread = checkpoint->vectors == LK_VECTORS_UNREAD;
  const lk_corpus_info info = unread ? lk_vectors_leave(checkpoint->corpus) : *checkpoint->corpus;
  LK_TRY(lk_info_write(file, "/config_corpus", &info));
  LK_TRY(lk_h5_set_text(file, "/config_corpus", "digest", info.digest));
  LK_TRY(lk_h5_set_text(file, "/config_corpus", "description", "what the model must know of its corpus"));
  LK_TRY(lk_vocab_write(file, &info));
  return lk_vectors_write(file, &info, checkpoint->vectors == LK_VECTORS_VALUES, 0);
}

static lk_status write_config(lk_h5 *file, const lk_checkpoint *checkpoint) {
  lk_strings text = {0};
  const char *config = checkpoint->config ? checkpoint->config : "";
  lk_status status = lk_strings_add(&text, config, strlen(config), 0);
  if (status == LK_OK) status = lk_h5_write_strings(file, "/config", &text, "the effective configuration, YAML");
  lk_strings_release(&text);
  LK_TRY(status);
  return write_corpus(file, checkpoint);
}

static lk_status write_all(lk_h5 *file, const lk_checkpoint *checkpoint) {
  LK_TRY(lk_h5_set_text(file, "/", "format", LK_CHECKPOINT_FORMAT));
  LK_TRY(lk_h5_set_int(file, "/", "version", LK_CHECKPOINT_VERSION));
  LK_TRY(lk_h5_set_text(file, "/", "created_by", "Lockstep " LK_VERSION));
  LK_TRY(write_config(file, checkpoint));
  LK_TRY(lk_h5_set_text(file, "/model", "description", "shapes and gate order as in PyTorch"));
  LK_TRY(write_vector(file, "/model", checkpoint, checkpoint->values));
  if (checkpoint->training) {
    LK_TRY(
        lk_h5_set_text(file, "/training", "description", "the weights that /model is an average of go on from here"));
    LK_TRY(write_vector(file, "/training", checkpoint, checkpoint->training));
  }
  LK_TRY(write_moments(file, checkpoint));
  LK_TRY(write_state(file, checkpoint));
  return write_history(file, checkpoint);
}

lk_status lk_checkpoint_image(const lk_checkpoint *checkpoint, void **bytes, size_t *size) {
  lk_h5 *file;
  LK_TRY(lk_h5_create(&file, "the checkpoint", true));
  lk_status status = write_all(file, checkpoint);
  if (status == LK_OK) status = lk_h5_image(file, bytes, size);
  lk_h5_close(&file);
  return status;
}

void lk_checkpoint_sha256(const lk_tensor *tensors, int count, const float *values, char out[65]) {
  const void **blocks = NULL;
  size_t *sizes = NULL;
  /* Has no way to fail: without memory for this the run cannot continue anyway. */
  LK_ASSERT(lk_alloc(&blocks, (size_t)count + 1, sizeof *blocks) == LK_OK);
  LK_ASSERT(lk_alloc(&sizes, (size_t)count + 1, sizeof *sizes) == LK_OK);
  for (int i = 0; i < count; i++) {
    blocks[i] = values + tensors[i].offset;
    sizes[i] = (size_t)tensors[i].count * sizeof *values;
  }
  lk_sha256(blocks, sizes, (size_t)count, out);
  free(blocks);
  free(sizes);
}
