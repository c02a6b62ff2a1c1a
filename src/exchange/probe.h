/* probe.h - what a model says of a small batch, as a text (JSON):
 *
 *   {"inputs": {"source": [[4, 9, 2], ...], "lengths": [3, ...], ...}, "target": [[1, 7], ...],
 *    "outputs": {"probabilities": [[[0.1, 0.9], ...], ...]}}
 *
 * Inputs have the names and axes of an ONNX file of the model. Rows may be padded, with anything; without "lengths" they
 * are not. Outputs are "probabilities", "log_probabilities" or "scores" (before the softmax); of many outputs the first
 * may be there alone, and what stands beyond the end of a row, or is null, is not compared. "target", of translators: what
 * the decoder reads.
 *
 * Every exported file has one, "probe", whose batch is the same for all models of its kind. Whoever reads the file
 * elsewhere can compare, and so does import, which also takes one that was made elsewhere. Not collective throughout. */
#pragma once
#include "model.h"
#include "outside.h"

typedef struct lk_probe_difference {
  double most;    /* the largest difference */
  double largest; /* the largest number that was told, without its sign */
  const char *kind;
  ptrdiff_t row, time, output; /* where they differ most; time -1: a row has one answer */
  double told, found;          /* there */
} lk_probe_difference;

/** Run the model on a batch of its own and append the text. LK_MEMORY. */
LK_CHECKED lk_status lk_probe_run(lk_model *model, lk_buffer *text);
/** Run the model on the inputs of such a text and compare its outputs with those of the text. LK_DATA, with `what` and the
 *  place, for a text that is not one for this model; LK_MEMORY. */
LK_CHECKED lk_status lk_probe_compare(lk_model *model, const char *text, size_t size, const char *what,
                                      lk_probe_difference *difference);
