#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "input_layer.h"
#include "vectors_ranks.h"

lk_status lk_model_tensors(const lk_params *params, lk_tensor **tensors, int *count) {
  *count = 0;
  LK_TRY(lk_alloc(tensors, (size_t)lk_params_tensors(params), sizeof **tensors));
  *count = lk_params_tensors(params);
  for (int i = 0; i < *count; i++) {
    const lk_param *p = lk_params_at(params, i);
    lk_tensor *t = &(*tensors)[i];
    *t = (lk_tensor){.name = p->name, .note = p->note, .dims = p->dims, .offset = p->offset, .count = p->count};
    memcpy(t->shape, p->shape, sizeof t->shape);
  }
  return LK_OK;
}

/* Files hold float32 in both builds; in that of double precision the values pass through a vector of floats. */
static lk_status fill(lk_model *model) {
  const ptrdiff_t P = lk_params_count(model->params);
  lk_real *to = lk_params_values(model->params);
  lk_tensor *tensors = NULL;
  float *narrow = NULL, *values = sizeof *to == sizeof *values ? (float *)to : NULL;
  int count;
  lk_status status;
  LK_GO(lk_model_tensors(model->params, &tensors, &count));
  if (!values) {
    LK_GO(lk_alloc(&narrow, (size_t)P, sizeof *narrow));
    values = narrow;
  }
  LK_GO(lk_checkpoint_values(model->file, tensors, count, values));
  for (ptrdiff_t i = 0; narrow && i < P; i++) to[i] = (lk_real)narrow[i];
done:
  free(narrow);
  free(tensors);
  return status;
}

/* A few words of configuration can ask for any number of parameters: the file has to hold them. */
static lk_status check_size(const lk_model *model) {
  lk_tensor *tensors = NULL;
  int count = 0;
  lk_status status = lk_model_tensors(model->params, &tensors, &count);
  if (status == LK_OK) status = lk_checkpoint_holds(model->file, tensors, count);
  free(tensors);
  return status;
}

/* The kernels that it was trained with, where this CPU has them: what training evaluated is then what eval prints. */
lk_status lk_model_kernels(const lk_model *model) {
  const char *precision = model->config.train.precision;
  if (lk_kernels_choose(model->config.kernels, precision) == LK_OK) return LK_OK;
  lk_error_clear();
  return lk_kernels_choose("auto", precision);
}

lk_status lk_model_precision(lk_model *model, const char *precision) {
  if (precision) model->config.train.precision = precision;
  return precision ? lk_model_kernels(model) : LK_OK;
}

static lk_status build_task(lk_model *model, const char *path) {
  const char *yaml = lk_checkpoint_config(model->file);
  LK_TRY(lk_config_init(&model->config));
  LK_TRY(lk_config_parse(&model->config, yaml, strlen(yaml), path));
  model->metric = model->config.eval.metric;
  /* whatever the training went by: who evaluates a translator wants to know of its translations */
  if (strcmp(model->config.task, "translate") == 0)
    LK_TRY(lk_config_override(&model->config, "eval.metric=exact_match"));
  LK_TRY(lk_model_kernels(model));
  LK_TRY(lk_params_create(&model->params));
  return lk_task_create(&model->task, &model->config, model->corpus, model->params);
}

/* The configuration in the file was checked when it was written; its own mistakes are the file's, not the user's. */
static lk_status build(lk_model *model, const char *path) {
  LK_TRY(lk_checkpoint_not_understood(model->file, build_task(model, path)));
  LK_TRY(lk_checkpoint_not_understood(model->file, check_size(model)));
  LK_TRY(lk_params_zeros(model->params));
  LK_TRY(fill(model));
  if (model->corpus->frames == 0) LK_TRY(lk_vocab_from(&model->vocab, &model->corpus->source, true));
  if (strcmp(model->config.model.characters, "none") != 0)
    LK_TRY(lk_vocab_from(&model->characters, &model->corpus->character, true));
  if (model->corpus->vectors.rows > 0) LK_TRY(lk_vocab_from(&model->vectors, &model->corpus->vector_words, false));
  model->lookup.vectors = model->vectors;
  for (int i = 0; i < 2 && model->corpus->kind == LK_CORPUS_PAIRS; i++)
    LK_TRY(lk_tokenizer_create(&model->tokenizer[i], model->corpus, (lk_text_side)i));
  return LK_OK;
}

/* The file; the numbers of its word vectors are still there. */
static lk_status open_file(lk_model *model, const char *path) {
  *model = (lk_model){.one = lk_shards_make(1, 0, 1)};
  LK_TRY(lk_checkpoint_open_lean(&model->file, path));
  model->corpus = model->lookup.info = lk_checkpoint_corpus(model->file);
  return LK_OK;
}

lk_status lk_model_open(lk_model *model, const char *path) {
  lk_status status;
  LK_GO(open_file(model, path));
  LK_GO(lk_vectors_fetch(lk_checkpoint_vectors(model->file)));
  LK_GO(build(model, path));
done:
  if (status != LK_OK) lk_model_close(model);
  return status;
}

lk_status lk_model_open_ranks(lk_model *model, lk_comm *comm, const char *path) {
  const int rank = lk_comm_rank(comm);
  lk_status status = LK_OK;
  *model = (lk_model){0};
  LK_GO(lk_comm_agree(comm, rank == 0 ? open_file(model, path) : LK_OK));
  LK_GO(lk_comm_agree(comm, rank > 0 ? open_file(model, path) : LK_OK));
  LK_GO(lk_comm_same_file(comm, path, lk_checkpoint_digest(model->file)));
  LK_GO(lk_vectors_share(comm, lk_checkpoint_vectors(model->file), true));
  LK_GO(lk_comm_agree(comm, build(model, path)));
done:
  if (status != LK_OK) lk_model_close(model);
  return status;
}

void lk_model_close(lk_model *model) {
  if (model->next) lk_model_close(model->next);
  free(model->next);
  free(model->output);
  lk_vocab_destroy(&model->vocab);
  lk_vocab_destroy(&model->characters);
  lk_vocab_destroy(&model->vectors);
  lk_word_lookup_release(&model->lookup);
  for (int i = 0; i < 2; i++) lk_tokenizer_destroy(&model->tokenizer[i]);
  lk_task_destroy(&model->task);
  lk_params_destroy(&model->params);
  lk_config_release(&model->config);
  lk_checkpoint_close(&model->file);
  *model = (lk_model){0};
}

void lk_model_limit_length(lk_model *model, int64_t given) {
  enum { LEAST = 1000 };
  if (lk_task_view(model->task) != LK_VIEW_PAIRS) return;
  if (model->next) lk_model_limit_length(model->next, given);
  const ptrdiff_t trained = 2 * model->corpus->max_length;
  model->most = given > 0 ? (ptrdiff_t)given : trained > LEAST ? trained : LEAST;
}

lk_unit lk_model_unit(const lk_model *model) {
  return strcmp(model->corpus->unit, lk_unit_names[LK_CHAR]) == 0 ? LK_CHAR : LK_WORD;
}

static lk_status append(int32_t **ids, ptrdiff_t *count, size_t *capacity, int32_t id) {
  LK_TRY(lk_grow(ids, capacity, (size_t)*count + 1, sizeof **ids));
  (*ids)[(*count)++] = id;
  return LK_OK;
}

ptrdiff_t lk_model_marks(const lk_model *model) {
  return lk_task_view(model->task) == LK_VIEW_LM && !model->corpus->stream;
}

bool lk_model_reads(const lk_model *model, int column) {
  const lk_column_names names = lk_task_columns(model->task);
  return lk_column_named(&names, model->corpus->column[column].name);
}

lk_status lk_model_encode(const lk_model *model, const char *line, size_t size, int32_t **ids, ptrdiff_t *count,
                          size_t *capacity) {
  size_t valid = lk_utf8_valid(line, size);
  if (valid < size) return LK_FAIL(LK_DATA, "column %zu: not valid UTF-8", lk_utf8_count(line, valid) + 1);
  const ptrdiff_t marks = lk_model_marks(model);
  lk_buffer folded = {0};
  lk_status status;
  LK_GO(lk_utf8_fold(&folded, line, size, lk_corpus_folding(model->corpus)));
  if (marks) LK_GO(append(ids, count, capacity, LK_SOS));
  const ptrdiff_t first = *count;
  LK_GO(lk_vocab_encode(model->vocab, lk_model_unit(model), folded.data, folded.size, ids, count, capacity));
  for (ptrdiff_t i = first; lk_task_view(model->task) == LK_VIEW_LABEL && i < *count; i++)
    if ((*ids)[i] < LK_SPECIALS) (*ids)[i] = LK_UNK; /* a word spelled like a special unit, as when it was prepared */
  if (marks) LK_GO(append(ids, count, capacity, LK_EOS));
done:
  lk_buffer_release(&folded);
  return status;
}
