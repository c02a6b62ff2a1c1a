/* model.h - a trained model, loaded from its file: what eval, predict, score and generate start from. */
#pragma once
#include "checkpoint.h"
#include "comm.h"
#include "config.h"
#include "tokenizer.h"
#include "task.h"
#include "vocab.h"
#include "word_column.h"

/* Counts of what a model was given: UNITS of texts, UNKNOWN ones among them, and lines of nothing but unknown units
 * (LOST). Of the first unknown units, how many were TRIED in other forms, and of these how many are known in capitals
 * (UPPER), in small letters (LOWER), or letter by letter (SPELT). */
enum {
  LK_SEEN_UNITS,
  LK_SEEN_UNKNOWN,
  LK_SEEN_LOST,
  LK_SEEN_TRIED,
  LK_SEEN_UPPER,
  LK_SEEN_LOWER,
  LK_SEEN_SPELT,
  LK_SEEN
};

typedef struct lk_model {
  lk_checkpoint_file *file;
  lk_config config;
  const lk_corpus_info *corpus; /* of the corpus it was trained on; owned by file */
  lk_params *params;
  lk_task *task;
  lk_vocab *vocab;            /* of the source side; NULL for frames */
  lk_tokenizer *tokenizer[2]; /* of pairs: by lk_text_side; else NULL */
  lk_vocab *vectors;          /* of the words that have a vector; NULL: there are none */
  lk_word_lookup lookup;      /* what the columns of words are computed with */
  lk_vocab *characters;       /* that it reads words by; NULL: it does not */
  lk_shards one;              /* a single shard: for decoding on one rank */
  const char *metric;         /* what the run chose its best by */
  int64_t seen[LK_SEEN];      /* decode adds to it */
  ptrdiff_t most;             /* units of a source or target that a translator is asked about; 0: any number */
  struct lk_model *next;      /* a further model that answers together with the first one, or NULL */
  int32_t *output;            /* [outputs] of a further model: its output that is the first one's o; NULL: o itself */
} lk_model;

/** Open and verify a file, build the net and fill it; passes need lk_task_reserve() first. Chooses the run's kernels,
 *  for the whole process: all models that are open at a time must have the same. LK_IO, LK_DATA, LK_USAGE.
 *                                                                                                Not collective. */
LK_CHECKED lk_status lk_model_open(lk_model *model, const char *path);
/** The same on all ranks, rank 0 first; LK_DATA too where a rank finds another model than rank 0 does. Collective. */
LK_CHECKED lk_status lk_model_open_ranks(lk_model *model, lk_comm *comm, const char *path);
/** Join the model of a file to this one, so that they answer together: the probability of an answer is then the mean of
 *  theirs. Both must have the same task, other than a language model, and the same outputs by text, in any order; what
 *  they read may be cut and numbered in different ways. The kernels are those of the first. LK_USAGE naming the first
 *  difference, or a status of lk_model_open().                                                    Not collective. */
LK_CHECKED lk_status lk_model_join(lk_model *model, const char *path);
/** Open the models of some files, at least one, to answer together.                               Collective. */
LK_CHECKED lk_status lk_model_open_all(lk_model *model, lk_comm *comm, const char *const *paths, int count);
/** How many answer together. */
int lk_model_count(const lk_model *model);
/** Close it, and the models that joined it. */
void lk_model_close(lk_model *model);
/** Let a tagger, and those joined to it, also answer with tags that their scheme does not allow. LK_USAGE if the head
 *  allows them anyway.                                                             Not collective. */
LK_CHECKED lk_status lk_model_unconstrain(lk_model *model);
/** Choose the kernels and the precision that the model was trained with; where this CPU lacks the kernels, those of
 *  "auto". LK_USAGE. */
LK_CHECKED lk_status lk_model_kernels(const lk_model *model);
/** Let the model, and those joined to it, compute products in another precision, a choice of train.precision; NULL:
 *  that of its run. To be called before the first reserve. LK_USAGE. */
LK_CHECKED lk_status lk_model_precision(lk_model *model, const char *precision);
/** Whether a corpus has the model's kind, units, vocabulary and columns; `path` is for messages. LK_DATA. */
LK_CHECKED lk_status lk_model_check_corpus(const lk_model *model, const lk_corpus_info *info, const char *path);
/** The table of tensors in the store's form: *tensors is lk_alloc()ed, *count of them; names belong to params. */
LK_CHECKED lk_status lk_model_tensors(const lk_params *params, lk_tensor **tensors, int *count);
/** Set a translator's longest source and target: `given` units (--max-length), or if that is 0 the larger of 1000 and twice
 *  the longest of its training data. Nothing for other models. */
void lk_model_limit_length(lk_model *model, int64_t given);
/** Whether it reads further column `column` of its corpus. */
bool lk_model_reads(const lk_model *model, int column);
/** LK_CHAR if its text is cut into characters, else LK_WORD. */
lk_unit lk_model_unit(const lk_model *model);
/** Whether <sos> and <eos> stand around the units of a line: 1, or 0. */
ptrdiff_t lk_model_marks(const lk_model *model);
/** Cut, fold and number a line the way the corpus was: ids, with <sos> and <eos> around them where a language model
 *  reads lines, appended to *ids, which grows by lk_grow(). LK_DATA where it is not valid UTF-8 ("column N: ..."). */
LK_CHECKED lk_status lk_model_encode(const lk_model *model, const char *line, size_t size, int32_t **ids,
                                     ptrdiff_t *count, size_t *capacity);
