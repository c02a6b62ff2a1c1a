/* format_onnx.c - ONNX: the net itself as a graph of standard operators, for onnxruntime and other runtimes.
 *
 * Inputs have the batch first, and lengths; weights but those of recurrent layers keep the names of PyTorch (pieces.h), and
 * metadata_props has all texts. A translator becomes two files. */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "onnx_impl.h"
#include "onnx_read_impl.h"

static const char *const *parts(const struct lk_model *model) {
  static const char *const names[] = {"encoder", "decoder", NULL};
  return lk_task_view(model->task) == LK_VIEW_PAIRS ? names : NULL;
}

/* The layers of a model, declared once more: a task keeps its own to itself. Their tensors have the same numbers. */
typedef struct declared {
  lk_params *params;
  lk_encoder encoder;
  lk_decoder decoder;
} declared;

static lk_status declare(declared *d, const struct lk_model *model) {
  lk_column_form columns[LK_MAX_COLUMNS];
  const int count = lk_corpus_columns(model->corpus, columns);
  LK_TRY(lk_params_create(&d->params));
  LK_TRY(lk_encoder_declare(&d->encoder, d->params, &model->config, columns, count));
  if (!parts(model)) return LK_OK;
  return lk_decoder_declare(&d->decoder, d->params, &model->config, &d->encoder, model->corpus->target.count,
                            model->config.model.shared_embedding);
}

static lk_status build(const lk_outside *outside, const struct lk_model *model, const declared *d, int part,
                       lk_buffer *file) {
  const lk_head *head = lk_task_head(model->task);
  lk_onnx graph;
  for (int i = 0; i < lk_params_tensors(d->params); i++)
    LK_ASSERT(strcmp(lk_params_at(d->params, i)->name, lk_params_at(model->params, i)->name) == 0);
  lk_onnx_begin(&graph, model, outside, parts(model) ? parts(model)[part] : model->config.task);
  if (!parts(model))
    lk_onnx_net(&graph, &d->encoder, head);
  else if (part == 0)
    lk_onnx_encode(&graph, &d->encoder, &d->decoder);
  else
    lk_onnx_decode(&graph, &d->decoder, head);
  return lk_onnx_finish(&graph, file);
}

static lk_status write_part(const lk_outside *outside, const struct lk_model *model, int part, lk_buffer *file) {
  declared *d;
  lk_status status;
  LK_TRY(lk_alloc(&d, 1, sizeof *d));
  LK_GO(declare(d, model));
  LK_GO(build(outside, model, d, part, file));
done:
  lk_params_destroy(&d->params);
  free(d);
  return status;
}

const lk_format lk_format_onnx = {.name = "onnx",
                                  .suffix = ".onnx",
                                  .help = "the net as a graph, for onnxruntime and others",
                                  .parts = parts,
                                  .write = write_part,
                                  .read = lk_onnx_read};
