/* translate.h - a translator that writes one unit at a time: the steps of greedy and beam search.
 *
 * The sources of a batch are read once; then any number of hypotheses, each of one of the sources, are continued by one
 * unit a step. The states of a hypothesis are lk_translate_width() reals of the caller's. A hypothesis gets the same
 * scores, to the bit, whatever else is in the batch, and those that training computed. Not collective throughout. */
#pragma once
#include "task.h"

/** Reserve for at most B sources of N rows, the longest of T, and for `most` hypotheses. LK_MEMORY. */
LK_CHECKED lk_status lk_translate_reserve(lk_task *task, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T, ptrdiff_t most);
ptrdiff_t lk_translate_width(const lk_task *task);
/** Read sources, columns of the pack's rows. With carry NULL lk_translate_step() starts from what was read. */
void lk_translate_read(lk_task *task, const lk_params *params, const lk_pack *sources, const lk_inputs *in);
/** Continue n hypotheses: hypothesis i, of source[i] of the sources, reads ids[i] (first <sos>) in states carry
 *  [n, width], NULL at first, and leaves states next [n, width] (may be carry). The head then scores what may come
 *  next, for unit i of lk_task_units(). */
void lk_translate_step(lk_task *task, const lk_params *params, ptrdiff_t n, const int32_t *ids, const int32_t *source,
                       const lk_real *carry, lk_real *next);
/** Attention weights of hypothesis i in the last step, over the times of its source: *n of them, NULL without attention. */
const lk_real *lk_translate_weights(const lk_task *task, ptrdiff_t i, ptrdiff_t *n);
/** The largest number of units in a translation of a source of `length` units: it ends there without <eos>. */
ptrdiff_t lk_translate_limit(ptrdiff_t length);
/** Whether a unit may be written: all but <pad>, <sos>, <unk>. */
static inline int lk_translate_writes(int32_t id) { return id != LK_PAD && id != LK_SOS && id != LK_UNK; }
/** Take the most probable unit each time, for all sources that were read: row b of out [B, room] gets length[b] units,
 *  up to and with <eos>. Reserve with most >= B. */
void lk_translate_greedy(lk_task *task, const lk_params *params, const lk_pack *sources, int32_t *out, ptrdiff_t room,
                         int32_t *length);

/* Another way to translate than greedily, for evaluations. */
typedef struct lk_writer {
  /** Translate the sources of a batch: units[b *room ..] of sequence b of its encoder_pack, up to and with <eos> where
   *  there is one, length[b] of them; the caller's until the next call. LK_MEMORY. */
  lk_status (*write)(void *context, const lk_batch *batch, const int32_t **units, ptrdiff_t *room,
                     const int32_t **length);
  void *context;
} lk_writer;
/** Let `writer`, which must outlive them, write the translations in evaluations; NULL: greedy search again. */
void lk_translate_by(lk_task *task, const lk_writer *writer);
