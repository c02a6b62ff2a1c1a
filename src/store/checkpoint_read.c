#include "checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint_impl.h"
#include "corpus_impl.h"
#include "arena.h"
#include "vectors_file.h"

struct lk_checkpoint_file {
  lk_h5 *file;
  lk_strings config; /* one */
  lk_corpus_info corpus;
  lk_state state;
};

enum { DEPTH = 12 }; /* of nested groups: more must be a cycle of links */

static lk_status read_corpus(const lk_h5 *file, lk_corpus_info *corpus) {
  lk_buffer digest = {0};
  LK_TRY(lk_info_read(file, "/config_corpus", corpus));
  LK_TRY(lk_vocab_read(file, corpus));
  lk_status status = lk_h5_get_text(file, "/config_corpus", "digest", &digest);
  if (status == LK_OK && digest.size >= sizeof corpus->digest)
    status = LK_FAIL(LK_DATA, "%s: the corpus digest is too long", lk_h5_path(file));
  if (status == LK_OK) memcpy(corpus->digest, digest.data, digest.size + 1);
  lk_buffer_release(&digest);
  return status;
}

lk_status lk_checkpoint_open_lean(lk_checkpoint_file **file, const char *path) {
  lk_checkpoint_file *made;
  lk_status status = LK_OK;
  *file = NULL;
  LK_TRY(lk_alloc(&made, 1, sizeof *made));
  LK_GO(lk_h5_open(&made->file, path, true));
  LK_GO(lk_format_check(made->file, LK_CHECKPOINT_FORMAT, "Lockstep checkpoint", LK_CHECKPOINT_VERSION));
  LK_GO(lk_h5_read_strings(made->file, "/config", &made->config));
  if (made->config.count != 1) LK_GO(LK_FAIL(LK_DATA, "%s: /config is not one text", path));
  LK_GO(lk_not_understood(made->file, read_corpus(made->file, &made->corpus)));
  LK_GO(lk_not_understood(made->file, lk_state_read(made->file, &made->state)));
  *file = made;
  return LK_OK;
done:
  lk_checkpoint_close(&made);
  return status;
}

lk_vectors_file lk_checkpoint_vectors(lk_checkpoint_file *file) { return (lk_vectors_file){file->file, &file->corpus}; }

lk_status lk_checkpoint_open(lk_checkpoint_file **file, const char *path) {
  LK_TRY(lk_checkpoint_open_lean(file, path));
  const lk_status status = lk_vectors_fetch(lk_checkpoint_vectors(*file));
  if (status != LK_OK) lk_checkpoint_close(file);
  return status;
}

void lk_checkpoint_close(lk_checkpoint_file **file) {
  if (!*file) return;
  lk_h5_close(&(*file)->file);
  lk_strings_release(&(*file)->config);
  lk_info_release(&(*file)->corpus);
  free(*file);
  *file = NULL;
}

const char *lk_checkpoint_digest(const lk_checkpoint_file *file) { return lk_h5_digest(file->file); }
lk_status lk_checkpoint_not_understood(const lk_checkpoint_file *file, lk_status status) {
  return lk_not_understood(file->file, status);
}
const char *lk_checkpoint_config(const lk_checkpoint_file *file) { return lk_strings_get(&file->config, 0); }
const lk_corpus_info *lk_checkpoint_corpus(const lk_checkpoint_file *file) { return &file->corpus; }
const lk_state *lk_checkpoint_state(const lk_checkpoint_file *file) { return &file->state; }

/* ---- tensors ---- */

static void say_shape(char *out, size_t size, int dims, const ptrdiff_t shape[]) {
  size_t used = (size_t)snprintf(out, size, "[");
  for (int i = 0; i < dims; i++) used += (size_t)snprintf(out + used, size - used, i ? ", %td" : "%td", shape[i]);
  snprintf(out + used, size - used, "]");
}

static lk_status check_tensor(const lk_h5 *file, const char *path, const lk_tensor *tensor) {
  lk_type type = LK_INT32;
  int dims = 0;
  ptrdiff_t shape[LK_H5_DIMS];
  char found[80], wanted[80];
  LK_TRY(lk_h5_shape(file, path, &type, &dims, shape));
  bool same = dims == tensor->dims;
  for (int i = 0; same && i < dims; i++) same = shape[i] == tensor->shape[i];
  if (!same) {
    say_shape(found, sizeof found, dims, shape);
    say_shape(wanted, sizeof wanted, tensor->dims, tensor->shape);
    return LK_FAIL(LK_DATA, "%s: %s has the shape %s, the model needs %s", lk_h5_path(file), path, found, wanted);
  }
  return type == LK_FLOAT32 ? LK_OK : LK_FAIL(LK_DATA, "%s: %s does not hold float32", lk_h5_path(file), path);
}

/* The data sets in `group` and its groups; stops a little after `most`. */
static lk_status list_tensors(const lk_h5 *file, const char *group, int depth, ptrdiff_t most, lk_strings *found) {
  lk_strings names = {0};
  lk_buffer path = {0};
  lk_status status = LK_OK;
  if (depth > DEPTH) return LK_FAIL(LK_DATA, "%s: %s is nested too deeply", lk_h5_path(file), group);
  LK_GO(lk_h5_list(file, group, &names));
  for (ptrdiff_t i = 0; i < names.count && found->count <= most; i++) {
    lk_buffer_truncate(&path, 0);
    LK_GO(lk_buffer_printf(&path, "%s/%s", group, lk_strings_get(&names, i)));
    if (!lk_h5_is_group(file, path.data)) {
      LK_GO(lk_strings_add(found, path.data, path.size, 0));
      continue;
    }
    LK_GO(list_tensors(file, path.data, depth + 1, most, found));
  }
done:
  lk_strings_release(&names);
  lk_buffer_release(&path);
  return status;
}

/* Check that there are no tensors besides the table's; the message names one. */
static lk_status check_no_more(const lk_h5 *file, const char *root, const lk_tensor *tensors, int count) {
  lk_strings found = {0};
  lk_buffer path = {0};
  lk_status status = LK_OK;
  LK_GO(list_tensors(file, root, 0, count, &found));
  for (ptrdiff_t i = 0; found.count > count && i < found.count; i++) {
    bool known = false;
    for (int j = 0; j < count && !known; j++) {
      LK_GO(lk_tensor_path(&path, root, tensors[j].name));
      known = strcmp(path.data, lk_strings_get(&found, i)) == 0;
    }
    if (!known)
      LK_GO(LK_FAIL(LK_DATA, "%s: the model has no tensor for %s", lk_h5_path(file), lk_strings_get(&found, i)));
  }
done:
  lk_strings_release(&found);
  lk_buffer_release(&path);
  return status;
}

static lk_status check_numbers(const lk_h5 *file, const char *path, const float *values, ptrdiff_t count,
                               bool infinite) {
  for (ptrdiff_t i = 0; i < count; i++)
    if (isnan(values[i]) || (isinf(values[i]) && !infinite))
      return LK_FAIL(LK_DATA, "%s: %s holds %s (its number %td), expected %snumbers", lk_h5_path(file), path,
                     isnan(values[i]) ? "NaN" : "infinity", i, infinite ? "" : "finite ");
  return LK_OK;
}

/* values NULL: only check that the tensors exist. infinite: infinities are accepted. */
static lk_status read_vector(const lk_h5 *file, const char *root, const lk_tensor *tensors, int count, float *values,
                             bool infinite) {
  lk_buffer path = {0};
  lk_status status = LK_OK;
  for (int i = 0; i < count; i++) {
    const ptrdiff_t rows = tensors[i].dims ? tensors[i].shape[0] : 1;
    LK_GO(lk_tensor_path(&path, root, tensors[i].name));
    LK_GO(check_tensor(file, path.data, &tensors[i]));
    if (!values) continue;
    LK_GO(lk_h5_read(file, path.data, LK_FLOAT32, 0, rows, values + tensors[i].offset));
    LK_GO(check_numbers(file, path.data, values + tensors[i].offset, tensors[i].count, infinite));
  }
  LK_GO(check_no_more(file, root, tensors, count));
done:
  lk_buffer_release(&path);
  return status;
}

lk_status lk_checkpoint_holds(const lk_checkpoint_file *file, const lk_tensor *tensors, int count) {
  return read_vector(file->file, "/model", tensors, count, NULL, false);
}

lk_status lk_checkpoint_values(const lk_checkpoint_file *file, const lk_tensor *tensors, int count, float *values) {
  return read_vector(file->file, "/model", tensors, count, values, false);
}

lk_status lk_checkpoint_training(const lk_checkpoint_file *file, const lk_tensor *tensors, int count, float *values) {
  return read_vector(file->file, "/training", tensors, count, values, false);
}

lk_status lk_checkpoint_moment(const lk_checkpoint_file *file, const char *moment, const lk_tensor *tensors, int count,
                               float *values) {
  lk_buffer root = {0};
  lk_status status = LK_OK;
  LK_GO(lk_buffer_printf(&root, "/optimizer/%s", moment));
  /* the square of a large gradient may overflow float32 in a run that is otherwise healthy */
  LK_GO(read_vector(file->file, root.data, tensors, count, values, true));
done:
  lk_buffer_release(&root);
  return status;
}

/* ---- the rest ---- */

lk_status lk_checkpoint_lanes(const lk_checkpoint_file *file, ptrdiff_t *lanes, ptrdiff_t *width, float *data) {
  lk_type type = LK_INT32;
  int dims = 0;
  ptrdiff_t shape[LK_H5_DIMS] = {0, 0, 0};
  if (!lk_h5_exists(file->file, "/state/lanes")) {
    *lanes = *width = 0;
    return LK_OK;
  }
  LK_TRY(lk_h5_shape(file->file, "/state/lanes", &type, &dims, shape));
  if (dims != 2 || type != LK_FLOAT32)
    return LK_FAIL(LK_DATA, "%s: /state/lanes is not a matrix of float32", lk_h5_path(file->file));
  if (data) LK_TRY(lk_h5_read(file->file, "/state/lanes", LK_FLOAT32, 0, shape[0], data));
  *lanes = shape[0];
  *width = shape[1];
  return LK_OK;
}

/* Check the column of steps, on which a resumed run relies: ascending, up to the step of the checkpoint. */
static lk_status check_steps(const lk_h5 *file, const char *path, const double *rows, ptrdiff_t count, int64_t last) {
  double before = 0;
  for (ptrdiff_t i = 0; i < count; i++) {
    const double step = rows[i * LK_HISTORY_COLUMNS];
    if (!(step >= before && step <= (double)last))
      return LK_FAIL(LK_DATA, "%s: %s row %td: step %g, expected one from %g to %lld", lk_h5_path(file), path, i, step,
                     before, (long long)last);
    before = step;
  }
  return LK_OK;
}

/* As versions 1 and 2 have it: one table. */
static lk_status read_table(const lk_h5 *file, const char *path, lk_history *history) {
  lk_type type = LK_INT32;
  int dims = 0;
  ptrdiff_t shape[LK_H5_DIMS] = {0};
  LK_TRY(lk_h5_shape(file, path, &type, &dims, shape));
  if (dims != 2 || shape[1] != LK_HISTORY_COLUMNS)
    return LK_FAIL(LK_DATA, "%s: %s has not %d columns", lk_h5_path(file), path, LK_HISTORY_COLUMNS);
  const size_t need = (size_t)shape[0] * LK_HISTORY_COLUMNS;
  LK_TRY(lk_grow(&history->rows, &history->capacity, need, sizeof *history->rows));
  LK_TRY(lk_h5_read(file, path, LK_FLOAT64, 0, shape[0], history->rows));
  history->count = shape[0];
  return LK_OK;
}

/* Column c, with as many rows as the first, which sets their number. */
static lk_status read_curve(const lk_h5 *file, const char *path, int c, lk_history *history) {
  lk_type type = LK_INT32;
  int dims = 0;
  ptrdiff_t shape[LK_H5_DIMS] = {0};
  double *column = NULL;
  lk_status status = LK_OK;
  LK_TRY(lk_h5_shape(file, path, &type, &dims, shape));
  const size_t need = (size_t)shape[0] * LK_HISTORY_COLUMNS;
  if (dims != 1 || (c > 0 && shape[0] != history->count))
    return LK_FAIL(LK_DATA, "%s: %s has not one number for each step", lk_h5_path(file), path);
  if (!lk_h5_may_hold(file, need * sizeof(double)))
    return LK_FAIL(LK_DATA, "%s: %s has more numbers than the file holds", lk_h5_path(file), path);
  if (c == 0) LK_TRY(lk_grow(&history->rows, &history->capacity, need, sizeof(double)));
  history->count = shape[0];
  LK_TRY(lk_alloc(&column, (size_t)shape[0] + 1, sizeof *column));
  LK_GO(lk_h5_read(file, path, LK_FLOAT64, 0, shape[0], column));
  for (ptrdiff_t i = 0; i < shape[0]; i++) history->rows[i * LK_HISTORY_COLUMNS + c] = column[i];
done:
  free(column);
  return status;
}

static lk_status read_curves(const lk_h5 *file, const char *group, lk_history *history) {
  lk_buffer path = {0};
  lk_status status = LK_OK;
  for (int c = 0; c < LK_HISTORY_COLUMNS; c++) {
    lk_buffer_truncate(&path, 0);
    LK_GO(lk_buffer_printf(&path, "%s/%s", group, lk_history_curves[c].name));
    LK_GO(read_curve(file, path.data, c, history));
  }
done:
  lk_buffer_release(&path);
  return status;
}

static lk_status read_history(const lk_h5 *file, const char *path, int64_t last, lk_history *history) {
  LK_TRY(lk_h5_is_group(file, path) ? read_curves(file, path, history) : read_table(file, path, history));
  return check_steps(file, path, history->rows, history->count, last);
}

lk_status lk_checkpoint_history(const lk_checkpoint_file *file, lk_history *train, lk_history *valid) {
  LK_TRY(read_history(file->file, "/history/train", file->state.step, train));
  return read_history(file->file, "/history/valid", file->state.step, valid);
}
