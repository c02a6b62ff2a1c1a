/* translator_impl.h - what a translator has besides the encoder and the head: its decoder, the step by which it writes a
 * unit at a time, and what evaluation needs to compare texts. */
#pragma once
#include "decoder.h"
#include "tokenizer.h"
#include "text_metrics.h"
#include "translate.h"
#include "task_impl.h"

typedef struct lk_translator {
  lk_decoder decoder;
  int generates;           /* evaluation writes translations: eval.metric is one of theirs */
  const lk_writer *writer; /* who writes them; not owned; NULL: greedy search */
  lk_tokenizer *tokenizer;
  lk_text_scorer *scorer;
  lk_buffer found, gold;

  ptrdiff_t rows;                    /* rows of targets that there is room for */
  lk_shards one;                     /* all hypotheses belong to one shard */
  lk_pack step;                      /* one time of them */
  ptrdiff_t most;                    /* hypotheses that there is room for */
  const int32_t *source;             /* [n] sources of the hypotheses of the last step; the caller's */
  lk_real *states;                   /* greedy search, of the hypotheses that go on: states [B, width], ... */
  int32_t *ids, *of;                 /* ... the unit written last [B] and the source [B] */
  int32_t *written, *written_length; /* evaluation: translations [B, room] and their lengths [B] */
  ptrdiff_t room;
  int32_t *right; /* [T] a target that the corpus has no text of */

  const lk_params *params; /* of the pass that runs: scheduled sampling asks the head */
  lk_task *task;
} lk_translator;

/** The most probable of the units that may be written, from their scores; of equals the first, but <eos> before all. */
int32_t lk_translate_best(const lk_real *scores, ptrdiff_t V);

static inline lk_decoder *lk_decoder_of(lk_task *task) { return &((lk_translator *)task->state)->decoder; }
