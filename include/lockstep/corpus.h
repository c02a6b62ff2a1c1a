/* corpus.h - prepare a corpus from a text file, open one, see what it holds.
 *
 * A corpus is an HDF5 file that holds numbered units (words, characters ...) and their vocabulary, or frames (vectors
 * of numbers), in up to three parts: training, validation, test. Training reads nothing but corpora.
 *
 *   lockstep_corpus_options options = LOCKSTEP_CORPUS_OPTIONS;
 *   options.unit = "char";
 *   options.stream = 1;
 *   options.valid_fraction = 0.1;
 *   if (lockstep_corpus_prepare("text", "book.txt", "book.h5", &options) != LOCKSTEP_OK)
 *     fprintf(stderr, "%s\n", lockstep_error());
 *
 * Kinds of text file, one sequence a line except where noted (`lockstep prepare KIND --help` says more):
 *   text       a sentence; with `stream` the file is one running text
 *   classify   label TAB text
 *   label      a word and its label a line, in columns or CoNLL-U; a blank line ends a sentence
 *   pairs      source TAB target
 *   frames     label TAB frames; blanks between frames, commas between the numbers of a frame
 * Files may be compressed with gzip, xz, zstd or bzip2. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "lockstep/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Start from LOCKSTEP_CORPUS_OPTIONS. NULL and 0 mean the default unless stated otherwise; flags are 0 or 1. Options
 * that do not apply to the kind are LOCKSTEP_USAGE or have no effect. */
typedef struct lockstep_corpus_options {
  size_t size;                          /* set by LOCKSTEP_CORPUS_OPTIONS; how a newer library knows this struct */
  const char *valid, *test;             /* text files of the validation and test parts */
  double valid_fraction, test_fraction; /* or: parts of the training file to set apart, from 0 to 0.999 */
  const char *like;            /* a model or corpus whose units, numbers and labels to use: new data for an old model */
  const char *unit;            /* "word" (default), "char" or "sentencepiece" */
  const char *target_unit;     /* pairs: of the targets, where it differs from `unit` */
  const char *sentencepiece;   /* pairs: path of a SentencePiece model, for the unit sentencepiece */
  int shared_vocabulary;       /* pairs: one vocabulary for source and target */
  int stream;                  /* text: one running text */
  int lower;                   /* lower-case the text; models of this corpus then do the same */
  int64_t vocabulary;          /* keep so many of the most frequent units; others become <unk>; 0: all */
  int64_t min_count;           /* units seen less often in training become <unk> */
  int64_t max_length;          /* longest sequence in units or frames; 0: 10000 */
  const char *too_long;        /* a longer one is an "error" (default), or is "skip"ped or "cut" */
  int skip_empty;              /* leave out sequences with an empty text, side or word, rather than fail */
  const char *separator;       /* classify, pairs, frames: what ends the label or source; default TAB, "" blanks */
  int conllu;                  /* label: the file is CoNLL-U */
  int has_columns;             /* label: the two columns below are set */
  int word_column, tag_column; /* from 0, or from the end: -1 is the last */
  int shuffle;                 /* set apart rows that are chosen at random, with `seed` */
  uint64_t seed;
  const char *vectors; /* a file of word vectors, for model.vectors; not with `like`, which has its own */
  int vectors_all;     /* keep vectors of words that the training part does not have, too (at most 200,000) */
} lockstep_corpus_options;

#define LOCKSTEP_CORPUS_OPTIONS \
  { sizeof(lockstep_corpus_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/** Read the training file `text`, of one of the kinds above, and write the corpus file `corpus`; an error leaves no
 *  file behind. options may be NULL. LOCKSTEP_USAGE; LOCKSTEP_DATA naming file, line and column; LOCKSTEP_IO;
 *  LOCKSTEP_MEMORY.                                                                   Not collective. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_corpus_prepare(const char *kind, const char *text,
                                                                      const char *corpus,
                                                                      const lockstep_corpus_options *options);

typedef struct lockstep_corpus lockstep_corpus;
typedef enum lockstep_part { LOCKSTEP_TRAIN = 0, LOCKSTEP_VALID = 1, LOCKSTEP_TEST = 2 } lockstep_part;

/** Open and verify. LOCKSTEP_IO, LOCKSTEP_DATA, LOCKSTEP_NEWER, LOCKSTEP_MEMORY.      Not collective. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_corpus_open(lockstep_corpus **corpus, const char *path);
/** Close *corpus and set it to NULL. No effect if it is NULL.                         Not collective. */
LOCKSTEP_API void lockstep_corpus_close(lockstep_corpus **corpus);

/* What a corpus holds. Texts belong to the corpus and are valid until it is closed. None of these functions fails or
 * waits; arguments out of range give 0 or NULL.                                          Not collective. */
/** "text", "classify", "label", "pairs" or "frames". */
LOCKSTEP_API const char *lockstep_corpus_kind(const lockstep_corpus *corpus);
/** Number of sequences of a part: 1 for a running text, 0 if the part is missing. */
LOCKSTEP_API int64_t lockstep_corpus_sequences(const lockstep_corpus *corpus, lockstep_part part);
/** Number of units, or frames, in all sequences of a part (for pairs: of the sources). */
LOCKSTEP_API int64_t lockstep_corpus_units(const lockstep_corpus *corpus, lockstep_part part);
/** Size of the vocabulary, including the four special units; 0 for frames. */
LOCKSTEP_API int64_t lockstep_corpus_vocabulary(const lockstep_corpus *corpus);
/** Number of labels, and the text of one, 0 <= i < labels. */
LOCKSTEP_API int64_t lockstep_corpus_labels(const lockstep_corpus *corpus);
LOCKSTEP_API const char *lockstep_corpus_label(const lockstep_corpus *corpus, int64_t i);
/** How many numbers a frame has; 0 if the corpus holds text. */
LOCKSTEP_API int64_t lockstep_corpus_frame(const lockstep_corpus *corpus);
/** 32 hexadecimal digits that differ between corpora. */
LOCKSTEP_API const char *lockstep_corpus_digest(const lockstep_corpus *corpus);

#ifdef __cplusplus
}
#endif
