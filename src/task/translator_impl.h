/* translator_impl.h - what a translator has beside encoder and head. */
#pragma once
#include "decoder.h"
#include "tokenizer.h"
#include "text_metrics.h"
#include "translate.h"
#include "task_impl.h"

typedef struct lk_translator {
  lk_decoder decoder;
  int generates;           /* evaluation writes translations: eval.metric is one of theirs */
  const lk_writer *writer; /* of them; NULL: greedy search */
  lk_tokenizer *tokenizer;
  lk_text_scorer *scorer;
  lk_buffer found, gold;

  ptrdiff_t rows;       /* of targets that there is room for */
  lk_shards one;        /* beginnings go on in a single shard */
  lk_pack step;         /* of one time */
  ptrdiff_t most;       /* beginnings that there is room for */
  const int32_t *asked; /* sources of the last step's beginnings; the caller's */
  lk_real *states;      /* [B, width] greedy: states, units last written, sources of what goes on */
  int32_t *ids, *source;
  int32_t *written, *written_length; /* [B, room], [B] evaluation */
  int32_t *right;                    /* [T] a target that has no text of its own */
  ptrdiff_t room;

  const lk_params *params; /* of the pass that runs: the net chooses a unit by them */
  lk_task *task;
} lk_translator;

/** The most probable of the units that may be written; of equals the first, but <eos> before all. */
int32_t lk_translate_best(const lk_real *logits, ptrdiff_t V);

static inline lk_decoder *lk_decoder_of(lk_task *task) { return &task->translator->decoder; }
