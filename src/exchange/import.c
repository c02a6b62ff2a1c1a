/* import.c - a checkpoint of a file of another program, or of one that export wrote.
 *
 * What the metadata say of the corpus goes through a checkpoint without tensors, in memory, which is opened as any other
 * file is: its reader checks it. Only then a net is built by it. The finished checkpoint is opened in the same way, and its
 * net run, before it appears under its name. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"
#include "describe.h"
#include "durable.h"
#include "exchange.h"
#include "input_layer.h"
#include "match.h"
#include "pieces.h"
#include "probe.h"

typedef struct import {
  const lk_import *how;
  lk_imported *out;
  lk_outside outside;
  lk_config config;
  lk_buffer yaml;
  bool own_config;           /* of the file's metadata */
  lk_checkpoint_file *draft; /* of the metadata, without tensors */
  lk_corpus *corpus;
  const lk_corpus_info *info; /* of one of them */
  lk_params *params;
  lk_task *task;
  lk_piece *piece;
  int pieces;
  const lk_outside_tensor **of; /* [pieces] */
} import;

/* ---- the file ---- */

/* Its bytes. Only a regular file says its size beforehand. */
static lk_status read_bytes(const char *path, lk_buffer *bytes) {
  struct stat about;
  lk_status status = LK_OK;
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 || fstat(fd, &about)) LK_GO(LK_FAIL(LK_IO, "cannot open %s: %s", path, strerror(errno)));
  if (!S_ISREG(about.st_mode))
    LK_GO(LK_FAIL(LK_IO, "cannot open %s: it is %s", path, S_ISDIR(about.st_mode) ? "a folder" : "not a regular file"));
  const size_t size = (size_t)about.st_size;
  LK_GO(lk_grow(&bytes->data, &bytes->capacity, size + 1, 1));
  for (ssize_t got = 1; bytes->size < size && got > 0; bytes->size += (size_t)got) {
    got = read(fd, bytes->data + bytes->size, size - bytes->size);
    if (got < 0) LK_GO(LK_FAIL(LK_IO, "cannot read %s: %s", path, strerror(errno)));
  }
  bytes->data[bytes->size] = '\0';
done:
  if (fd >= 0) (void)close(fd);
  return status;
}

/* ---- files in memory ---- */

/* A file of these bytes without a name; *path leads to it as long as it is open. */
static lk_status hold(const void *bytes, size_t size, int *fd, char path[40]) {
  *fd = memfd_create("lockstep-import", MFD_CLOEXEC);
  if (*fd < 0) return LK_FAIL(LK_IO, "cannot make a file in memory: %s", strerror(errno));
  (void)snprintf(path, 40, "/proc/self/fd/%d", *fd);
  for (size_t at = 0; at < size;) {
    const ssize_t put = write(*fd, (const char *)bytes + at, size - at);
    if (put <= 0) return LK_FAIL(LK_MEMORY, "out of memory for a model of %zu bytes", size);
    at += (size_t)put;
  }
  return LK_OK;
}

/* What was found wrong in such a file is the fault of the one that was given. */
static lk_status blame(lk_status status, const char *held, const char *path) {
  char text[sizeof((lk_error *)0)->text];
  const size_t size = strlen(held);
  if (status != LK_DATA && status != LK_USAGE && status != LK_NEWER) return status;
  (void)snprintf(text, sizeof text, "%s", lk_error_get()->text);
  const char *what = text;
  if (strncmp(text, held, size) == 0) what += size + strspn(text + size, ": ");
  lk_error_clear();
  return LK_FAIL(LK_DATA, "%s: its metadata do not describe a model: %.800s", path, what);
}

static lk_checkpoint checkpoint_of(const import *m, const lk_corpus_info *info) {
  const lk_vectors_read vectors = info->vectors.rows == 0 ? LK_VECTORS_UNREAD
                                  : info->vectors.values  ? LK_VECTORS_VALUES
                                                          : LK_VECTORS_WORDS;
  return (lk_checkpoint){.config = m->yaml.data,
                         .corpus = info,
                         .vectors = vectors,
                         .state = {.seed = m->config.seed, .shards = 1, .last_train_loss = 0}};
}

/* ---- configuration and corpus ---- */

static lk_status read_config(import *m) {
  const lk_import *how = m->how;
  const char *text = lk_outside_get(&m->outside, "config");
  lk_buffer file = {0};
  lk_status status;
  LK_TRY(lk_config_init(&m->config));
  m->own_config = how->config == NULL;
  if (m->own_config && text == NULL)
    return LK_FAIL(LK_DATA, "%s does not say what model it is: give its configuration, with --config CONFIG.yaml",
                   how->path);
  if (!m->own_config) LK_GO(lk_buffer_read_file(&file, how->config));
  status = m->own_config ? lk_config_parse(&m->config, text, strlen(text), how->path)
                         : lk_config_parse(&m->config, file.data ? file.data : "", file.size, how->config);
  LK_GO(status);
  for (int i = 0; i < how->settings; i++) LK_GO(lk_config_override(&m->config, how->setting[i]));
  LK_GO(m->own_config && how->settings == 0 ? lk_buffer_printf(&m->yaml, "%s", text)
                                            : lk_config_print(&m->config, &m->yaml));
done:
  lk_buffer_release(&file);
  return status;
}

/* The description in the metadata, as the reader of checkpoints takes it. */
static lk_status read_draft(import *m) {
  const char *path = m->how->path;
  lk_corpus_info info;
  char held[40] = "";
  void *bytes = NULL;
  size_t size = 0;
  int fd = -1;
  lk_status status;
  LK_GO(lk_describe_read(&m->outside, path, &info));
  const lk_checkpoint draft = checkpoint_of(m, &info);
  LK_GO(lk_checkpoint_image(&draft, &bytes, &size));
  LK_GO(hold(bytes, size, &fd, held));
  LK_GO(blame(lk_checkpoint_open(&m->draft, held), held, path));
  m->info = lk_checkpoint_corpus(m->draft);
done:
  if (fd >= 0) (void)close(fd);
  free(bytes);
  lk_info_release(&info);
  return status;
}

static lk_status read_corpus(import *m) {
  if (m->how->corpus) {
    LK_TRY(lk_corpus_open(&m->corpus, m->how->corpus, true));
    m->info = lk_corpus_about(m->corpus);
    return LK_OK;
  }
  if (lk_describes_corpus(&m->outside)) return read_draft(m);
  return LK_FAIL(LK_DATA, "%s has no vocabulary: give a corpus that has it, with --corpus CORPUS.h5", m->how->path);
}

/* ---- tensors ---- */

static lk_status declare(import *m) {
  LK_TRY(lk_kernels_select("auto"));
  LK_TRY(lk_params_create(&m->params));
  LK_TRY(lk_task_create(&m->task, &m->config, m->info, m->params));
  LK_TRY(lk_pieces_of(&m->config, m->params, &m->piece, &m->pieces));
  LK_TRY(lk_alloc(&m->of, (size_t)m->pieces + 1, sizeof *m->of));
  return lk_match(&m->outside, m->how->path, m->piece, m->pieces, m->how->maps, m->of, &m->out->notes);
}

/* from NULL: zeros */
static void fill_own(const lk_piece *p, const float *from, lk_real *to) {
  for (ptrdiff_t i = 0; i < p->count; i++) to[lk_piece_at(p, i)] = from ? from[i] : 0;
}

/* The second bias: a gate with one of its own cannot have it added. */
static lk_status fill_added(const import *m, const lk_piece *p, const float *from, lk_real *to) {
  for (ptrdiff_t i = 0; i < p->count; i++) {
    if (from[i] != 0 && i >= p->zero)
      return LK_FAIL(LK_USAGE, "%s: '%s' is not zero for the gate n of a GRU: expected model.recurrent_bias: true",
                     m->how->path, p->name);
    if (from[i] != 0) to[lk_piece_at(p, i)] += from[i];
  }
  return LK_OK;
}

static lk_status compare_again(const import *m, const lk_piece *p, const float *from, const lk_real *with) {
  for (ptrdiff_t i = 0; i < p->count; i++)
    if (from[i] != with[lk_piece_at(p, i)])
      return LK_FAIL(LK_DATA,
                     "%s: '%s' differs from the embedding, which the configuration uses in its place: expected "
                     "model.tied: false and model.shared_embedding: false",
                     m->how->path, p->name);
  return LK_OK;
}

static lk_status fill_piece(import *m, int i) {
  const lk_piece *p = &m->piece[i];
  const lk_outside_tensor *t = m->of[i];
  lk_real *values = lk_params_value(m->params, p->id);
  float *numbers = NULL;
  lk_status status;
  if (t == NULL && p->kind == LK_PIECE_OWN) fill_own(p, NULL, values);
  if (t == NULL) return LK_OK;
  LK_GO(lk_alloc(&numbers, (size_t)t->count + 1, sizeof *numbers));
  LK_GO(lk_outside_floats(t, m->how->path, numbers));
  if (p->kind == LK_PIECE_OWN) fill_own(p, numbers, values);
  if (p->kind == LK_PIECE_ADDED) LK_GO(fill_added(m, p, numbers, values));
  if (p->kind == LK_PIECE_AGAIN) LK_GO(compare_again(m, p, numbers, values));
  m->out->converted[t->element]++;
  m->out->tensors++;
done:
  free(numbers);
  return status;
}

static lk_status fill(import *m) {
  LK_TRY(lk_params_commit(m->params, (uint64_t)m->config.seed));
  for (int pass = 0; pass < 2; pass++) /* those that are added or compared come last */
    for (int i = 0; i < m->pieces; i++)
      if ((m->piece[i].kind == LK_PIECE_OWN) == (pass == 0)) LK_TRY(fill_piece(m, i));
  m->out->numbers = lk_params_trainable(m->params);
  return LK_OK;
}

/* ---- the model ---- */

/* The user's probe binds; the one in the file does not: who made it anew with other tensors need not have run it. */
static lk_status judge(const import *m, const lk_probe_difference *found) {
  char time[32] = "";
  const double allowed = m->how->tolerance * found->largest;
  if (m->how->probe == NULL || found->most <= allowed) return LK_OK;
  if (found->time >= 0) (void)snprintf(time, sizeof time, "[%td]", found->time);
  return LK_FAIL(
      LK_DATA,
      "%s: %s[%td]%s[%td] is %.6g there and %.6g from the imported model: expected a difference of at most "
      "%.3g (--tolerance %g of the largest, %.3g): the configuration, or what --map says, is not that of this "
      "net",
      m->how->probe, found->kind, found->row, time, found->output, found->told, found->found, allowed,
      m->how->tolerance, found->largest);
}

/* Compare what the new model says of a probe batch with what is told. */
static lk_status compare(const import *m, lk_model *model) {
  const char *told = lk_outside_get(&m->outside, "probe"), *probe = m->how->probe;
  lk_probe_difference found = {0};
  lk_buffer what = {0}, file = {0};
  lk_status status = LK_OK;
  if (probe == NULL && told == NULL) return LK_OK;
  LK_GO(lk_buffer_printf(&what, probe ? "%s" : "%s: probe", probe ? probe : m->how->path));
  if (probe) LK_GO(lk_buffer_read_file(&file, probe));
  if (probe) told = file.data ? file.data : "";
  const size_t size = probe ? file.size : strlen(told), mark = lk_utf8_mark(told, size); /* some editors write one */
  LK_GO(lk_probe_compare(model, told + mark, size - mark, what.data, &found));
  LK_GO(judge(m, &found));
  m->out->difference = found.most;
  m->out->largest = found.largest;
  m->out->probed = true;
done:
  lk_buffer_release(&what);
  lk_buffer_release(&file);
  return status;
}

/* Open the new model, and ask it, before it is there. */
static lk_status try(const import *m, const void *bytes, size_t size) {
  char held[40] = "";
  int fd = -1;
  lk_model model = {0};
  lk_status status;
  LK_GO(hold(bytes, size, &fd, held));
  LK_GO(blame(lk_model_open(&model, held), held, m->how->path));
  LK_GO(compare(m, &model));
done:
  lk_model_close(&model);
  if (fd >= 0) (void)close(fd);
  return status;
}

static lk_status finish(import *m) {
  lk_tensor *tensors = NULL;
  void *bytes = NULL;
  size_t size = 0;
  lk_status status;
  lk_checkpoint c = checkpoint_of(m, m->info);
  c.vectors = lk_input_vectors(&m->config);
  LK_GO(lk_model_tensors(m->params, &tensors, &c.tensor_count));
  c.tensors = tensors;
  c.values = lk_params_values(m->params);
  LK_GO(lk_checkpoint_image(&c, &bytes, &size));
  LK_GO(try(m, bytes, size));
  LK_GO(lk_durable_write(m->how->output, bytes, size));
done:
  free(bytes);
  free(tensors);
  return status;
}

lk_status lk_import_model(const lk_import *how, lk_imported *out) {
import m = {.how = how, .out = out };
  lk_status status;
  *out = (lk_imported){0};
  LK_GO(read_bytes(how->path, &m.outside.file));
  LK_GO(how->format->read(&m.outside, how->path));
  LK_GO(read_config(&m));
  LK_GO(read_corpus(&m));
  LK_GO(declare(&m));
  LK_GO(fill(&m));
  LK_GO(finish(&m));
done: /* without a configuration, setting or map of the user, whatever is wrong is wrong with the file */
  if (status == LK_USAGE && m.own_config && how->settings == 0 && how->maps.count == 0) status = lk_fail_as(LK_DATA);
  free(m.of);
  free(m.piece);
  lk_task_destroy(&m.task);
  lk_params_destroy(&m.params);
  lk_corpus_close(&m.corpus);
  lk_checkpoint_close(&m.draft);
  lk_buffer_release(&m.yaml);
  lk_config_release(&m.config);
  lk_outside_release(&m.outside);
  return status;
}
