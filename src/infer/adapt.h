/* adapt.h - a language model that learns from the text it reads: dynamic evaluation and the neural cache.
 *
 * Each unit is predicted before anything is learned from it. A text is read in segments; behind each of them
 *
 *   dynamic evaluation   makes a gradient step and moves the weights back towards the trained ones, w0:
 *                          sgd   w += decay (w0 - w) - rate g
 *                          rms   w += min(decay r / mean(r), 1) (w0 - w) - rate g / (r + e mean(r))
 *                        g: the gradient of the segment's mean loss; r: the root of the mean square of g over steps of
 *                        training data; mean(r): the mean over all tensors of their mean r; without e, the first word
 *                        that concerns weights which training hardly moved would throw them far.
 *                        (Krause et al. 2018, equations 2 to 6)
 *   the neural cache     remembers the output h of the last layer at each of the last N units, with the unit that came
 *                        next, and mixes
 *                          P = (1 - weight) P(model) + weight P(cache)     P(cache = o) ~ sum over those followed by o
 *                                                                            of e^(theta h h_i)
 *                        (Grave et al. 2017, equations 2 and 3); it learns from each unit, not from each segment.
 *
 * Both go on from one text to the next until lk_adapter_reset(). They change the weights of the model in memory, which
 * are the trained ones again after lk_adapter_reset() and lk_adapter_destroy(). Not collective throughout. */
#pragma once
#include "decode.h"

typedef enum lk_dynamic_rule { LK_DYNAMIC_NONE, LK_DYNAMIC_SGD, LK_DYNAMIC_RMS, LK_DYNAMIC_RULES } lk_dynamic_rule;
extern const char *const lk_dynamic_names[LK_DYNAMIC_RULES];

typedef struct lk_adapt_settings {
  lk_dynamic_rule dynamic;
  double rate, decay, epsilon; /* decay: in [0, 1]; epsilon: e of rms */
  int64_t segment;             /* units */
  int64_t cache;               /* units that are remembered; 0: no cache */
  double theta, weight;
} lk_adapt_settings;

static inline bool lk_adapts(const lk_adapt_settings *how) { return how->dynamic != LK_DYNAMIC_NONE || how->cache > 0; }

typedef struct lk_adapter lk_adapter;
/** For a language model; reserves the task's buffers. LK_USAGE for other tasks, LK_MEMORY. */
LK_CHECKED lk_status lk_adapter_create(lk_adapter **adapter, lk_model *model, const lk_adapt_settings *how);
void lk_adapter_destroy(lk_adapter **adapter);
/** For the rule rms, once, before the first text: measure gradients on /train of a corpus of the model's vocabulary, on
 *  at most 500 batches as training has them, without dropout. LK_DATA where /train is empty, LK_MEMORY. */
LK_CHECKED lk_status lk_adapter_measure(lk_adapter *adapter, const lk_corpus *corpus);
/** Back to the trained weights and an empty cache. */
void lk_adapter_reset(lk_adapter *adapter);
/** Units of a segment: where dynamic evaluation is off, as many as training read at a time. */
ptrdiff_t lk_adapter_segment(const lk_adapter *adapter);
/** The states [carry width] after the units that were read. */
const lk_real *lk_adapter_states(const lk_adapter *adapter);
/** Read units first .. first+n-1 of a text and predict units first+1 .. first+n: their log P (nats) is added to *log_p,
 *  in their order. `text`: column 0 has its units, one more than are read; the other columns are those of the corpus
 *  that the model reads, a token a unit. `fresh`: start from zero states, else from where the last call ended.
 *  LK_MEMORY; LK_DATA if dynamic evaluation diverges. */
LK_CHECKED lk_status lk_adapter_read(lk_adapter *adapter, const lk_inputs *text, ptrdiff_t first, ptrdiff_t n,
                                     bool fresh, double *log_p);
/** As lk_score_lines(), one line after the other, each from zero states. What was learned from a line is used for those
 *  that follow, also in the next call. LK_DATA, LK_MEMORY. */
LK_CHECKED lk_status lk_adapter_score(lk_adapter *adapter, const lk_lines *lines, lk_score *out);
