/* prepare.h - from files of text or frames to a corpus file.
 *
 * A format is one file, src/data/prepare_<kind>.c, and one line in the table of prepare.c. Text is read twice: once to
 * count the vocabulary (training part only), once to number and write. Every mistake in the input is LK_DATA, named
 * "file:line:column: what was found, what was expected"; nothing half-written stays behind. Not collective. */
#pragma once
#include <limits.h>

#include "vocab.h"

/* What becomes of sequences with an empty text, side, word or row of frames; of labels that training never has. */
typedef enum lk_empty { LK_EMPTY_ERROR, LK_EMPTY_SKIP } lk_empty;
typedef enum lk_unseen { LK_UNSEEN_WRONG, LK_UNSEEN_ERROR } lk_unseen;
typedef enum lk_too_long { LK_TOO_LONG_ERROR, LK_TOO_LONG_SKIP, LK_TOO_LONG_CUT } lk_too_long;

/* What says which subject (speaker, document ...) a row is of: nothing; a column, which is no part of the data then; a
 * comment in front of sentences; lines that begin with a text begin a subject each. */
typedef enum lk_group_by { LK_GROUP_NONE, LK_GROUP_COLUMN, LK_GROUP_COMMENT, LK_GROUP_LINE } lk_group_by;
typedef struct lk_prepare_group {
  lk_group_by by;
  int column;       /* from 0, or from the end: -1 the last one */
  const char *text; /* of a comment its key, as in "# key = value"; of a line its beginning */
  const char *upto; /* only what stands before the last of these in a column or comment; NULL all of it */
} lk_prepare_group;

#define LK_COLUMN_DEFAULT INT_MIN
#define LK_MOST_NO_LABELS 16

/* What only pairs have. */
typedef struct lk_prepare_pairs {
  const char *target[LK_SPLITS]; /* a file of targets beside each input, line by line; NULL: source TAB target */
  const char *const *further[LK_SPLITS]; /* beside each further input; NULL at the end */
  lk_unit unit;                          /* of the targets; lk_prepare.unit and so on are the sources' */
  ptrdiff_t vocabulary;
  int64_t minimum;
  bool shared; /* one vocabulary, counted over both sides */
  const char
      *model[2]; /* SentencePiece models of sources and targets that are cut by one; targets NULL: the sources' */
} lk_prepare_pairs;

/* What new data is prepared for: a model, or another corpus, whose units, folding, numbers and labels it takes. */
typedef struct lk_prepare_like {
  const char *path;
  char digest[33];
  const lk_corpus_info *info; /* of one of these: */
  struct lk_corpus *corpus;
  struct lk_checkpoint_file *model;
} lk_prepare_like;

typedef struct lk_prepare {
  const char *kind;                      /* text | classify | label | pairs | frames */
  const char *input[LK_SPLITS];          /* train (needed), valid, test; "-" is standard input */
  const char *const *further[LK_SPLITS]; /* more files of a part, in order, NULL at the end; or NULL for none */
  const char *output;
  double fraction[LK_SPLITS]; /* of the training files to set apart for valid and test; 0 none */
  bool in_order;          /* classify, frames: from the end of the files, rather than as large a share of each class */
  bool shuffle;           /* deal them out in a random order */
  uint64_t seed;          /* which one */
  lk_prepare_group group; /* rows of one subject go to one part */
  lk_unit unit;
  bool stream;          /* text: one running text; words get <eos> at each line end */
  ptrdiff_t vocabulary; /* at most so many units besides the specials; 0 all */
  int64_t minimum;      /* units seen less often become <unk> */
  bool lower, nfc;
  bool digits;                          /* every digit becomes 0, in text but not in labels */
  const char *feature[LK_MOST_FURTHER]; /* columns to make of the words (word_column.h) */
  int features;
  ptrdiff_t max_length; /* units of a sequence, without <sos> and <eos> */
  lk_too_long too_long;
  lk_empty empty;
  lk_unseen unseen;
  const char *no_label[LK_MOST_NO_LABELS]; /* these are no labels: such words are left out of the loss */
  int no_labels;
  const char *separator;       /* what ends a label, or the source of a pair; NULL a TAB, "" the first blanks */
  int column_word, column_tag; /* label: 0-based, negative from the end, or LK_COLUMN_DEFAULT */
  bool conllu;                 /* label: CoNLL-U (comments, multiword ranges and empty nodes left out) */
  lk_prepare_pairs pairs;
  const lk_prepare_like *like; /* set by lk_prepare_take_like(), or NULL: there may be no training file then */
} lk_prepare;

typedef struct lk_prepare_report {
  ptrdiff_t rows[LK_SPLITS], units[LK_SPLITS], unknown[LK_SPLITS]; /* sequences, units, of them <unk> */
  ptrdiff_t target_units[LK_SPLITS], target_unknown[LK_SPLITS];    /* pairs: the same of the targets */
  ptrdiff_t further[LK_SPLITS];                                    /* pairs: accepted targets besides the first */
  ptrdiff_t groups[LK_SPLITS];                                     /* subjects */
  ptrdiff_t skipped, cut;                                          /* over max_length */
  ptrdiff_t empty, unlabelled;                                     /* left out: something empty; no label at all */
  ptrdiff_t unseen[LK_SPLITS];                                     /* labels that training never has */
  ptrdiff_t comments, marks; /* lines left out, of plain columns; byte order marks at the beginnings of lines */
  ptrdiff_t vocabulary, target_vocabulary, labels, frames; /* sizes; D */
  double padding;                                          /* share of stored positions that are <pad> */
  size_t bytes_read;
  double seconds;
} lk_prepare_report;

const char *const *lk_prepare_kinds(size_t *count);
/** LK_USAGE where no kind is called so. */
LK_CHECKED lk_status lk_prepare_check_kind(const char *kind);
/** Defaults: unit word on both sides, nfc true, max_length 10000, error, columns 0 and -1 (CoNLL-U: 1 and 3). */
void lk_prepare_init(lk_prepare *prepare);
/** Open what new data is to be like; `path` outlives it. LK_IO, LK_DATA, LK_NEWER. */
LK_CHECKED lk_status lk_prepare_like_open(lk_prepare_like *like, const char *path);
void lk_prepare_like_close(lk_prepare_like *like);
/** Take over its settings; `like` outlives the preparing. LK_USAGE where it is of another kind. */
LK_CHECKED lk_status lk_prepare_take_like(lk_prepare *prepare, const lk_prepare_like *like);
/** LK_USAGE for options that do not go together, LK_DATA for bad input, LK_IO. report may be NULL. */
LK_CHECKED lk_status lk_prepare_run(const lk_prepare *prepare, lk_prepare_report *report);
