/* probe.h - a probe: a small batch, and the outputs of a model for it, as a text (JSON):
 *
 *   {"inputs": {"source": [[4, 9, 2], ...], "lengths": [3, ...], ...}, "target": [[1, 7], ...],
 *    "outputs": {"probabilities": [[[0.1, 0.9], ...], ...]}}
 *
 * Inputs have the names and axes of an ONNX file of the model. Rows may be padded with any values; without "lengths"
 * they are not padded. Outputs are "probabilities", "log_probabilities" or "scores" (before the softmax). If there are
 * many outputs, a probe may have only the first ones; numbers beyond the end of a row, and null, are not compared.
 * "target", for translators: what the decoder reads.
 *
 * Every exported file has a probe as its text "probe", with the same batch for all models of a kind. Other programs
 * that read the file can compare their outputs with it. So does import, which also takes a probe that was made
 * elsewhere. Not collective throughout. */
#pragma once
#include "model.h"
#include "outside.h"

typedef struct lk_probe_difference {
  double most;    /* the largest difference */
  double largest; /* the largest number of the probe, without its sign */
  const char *kind;
  ptrdiff_t row, time, output; /* where they differ most; time -1: a row has one answer */
  double told, found;          /* there: of the probe, and of the model */
} lk_probe_difference;

/** Run the model on a batch of its own and append the text. LK_MEMORY. */
LK_CHECKED lk_status lk_probe_run(lk_model *model, lk_buffer *text);
/** Run the model on the inputs of such a text and compare its outputs with those of the text. LK_DATA, with `what` and the
 *  place, for a text that is not one for this model; LK_MEMORY. */
LK_CHECKED lk_status lk_probe_compare(lk_model *model, const char *text, size_t size, const char *what,
                                      lk_probe_difference *difference);
