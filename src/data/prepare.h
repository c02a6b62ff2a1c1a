/* prepare.h - convert files of text or frames to a corpus file.
 *
 * A format is one file, src/data/prepare_<kind>.c, and one line in the table of prepare_impl.h. Text is read twice:
 * once to count the vocabulary (training part only), once to encode and write it. Every mistake in the input is
 * LK_DATA with the message "file:line:column: what was found, what was expected"; no partial output is left.
 * Not collective. */
#pragma once
#include <limits.h>

#include "vocab.h"

/* What to do with sequences that have an empty text, side, word or row of frames, and with labels that do not occur
 * in the training part. */
typedef enum lk_empty { LK_EMPTY_ERROR, LK_EMPTY_SKIP } lk_empty;
typedef enum lk_unseen { LK_UNSEEN_WRONG, LK_UNSEEN_ERROR } lk_unseen;
typedef enum lk_too_long { LK_TOO_LONG_ERROR, LK_TOO_LONG_SKIP, LK_TOO_LONG_CUT } lk_too_long;

/* How the group (speaker, document, ...) of a row is determined: not at all; by a column, which is then not part of
 * the data; by a comment before the sentences of the group; or by a line with a given prefix, which begins a new
 * group. */
typedef enum lk_group_by { LK_GROUP_NONE, LK_GROUP_COLUMN, LK_GROUP_COMMENT, LK_GROUP_LINE } lk_group_by;
typedef struct lk_prepare_group {
  lk_group_by by;
  int column;       /* from 0, or negative from the end: -1 is the last one */
  const char *text; /* the key of the comment, as in "# key = value", or the prefix of the line */
  /* the group is what precedes the last occurrence of this text in the column or comment; NULL: all of it */
  const char *upto;
} lk_prepare_group;

#define LK_COLUMN_DEFAULT INT_MIN
#define LK_MOST_NO_LABELS 16

/* Settings that only pairs have. */
typedef struct lk_prepare_pairs {
  /* file of targets for each input, line by line; NULL: source TAB target in one file */
  const char *target[LK_SPLITS];
  const char *const *further[LK_SPLITS]; /* target files for each further input, ends with NULL */
  /* unit, vocabulary and minimum of the targets; those of the sources are in lk_prepare */
  lk_unit unit;
  ptrdiff_t vocabulary;
  int64_t minimum;
  bool shared;          /* one vocabulary for both sides, counted over both */
  const char *model[2]; /* SentencePiece models of sources and targets; targets NULL: that of the sources */
} lk_prepare_pairs;

/* An existing model or corpus for which new data is prepared: its units, folding, ids and labels are used. */
typedef struct lk_prepare_like {
  const char *path;
  char digest[33];
  const lk_corpus_info *info; /* description of the one that is open: */
  struct lk_corpus *corpus;
  struct lk_checkpoint_file *model;
} lk_prepare_like;

typedef struct lk_prepare {
  const char *kind;                      /* text | classify | label | pairs | frames */
  const char *input[LK_SPLITS];          /* train (required), valid, test; "-" is standard input */
  const char *const *further[LK_SPLITS]; /* more files of a part, in order, ends with NULL; or NULL for none */
  const char *output;
  double fraction[LK_SPLITS]; /* fractions of the training files to use for valid and test; 0: none */
  /* classify, frames: take the fractions from the end of the files instead of an equal share of each class */
  bool in_order;
  bool shuffle;           /* assign rows to parts in random order */
  uint64_t seed;          /* of that order */
  lk_prepare_group group; /* all rows of a group go to the same part */
  lk_unit unit;
  bool stream;          /* text: one running text; with words, <eos> marks each line end */
  ptrdiff_t vocabulary; /* maximum number of units besides the special ones; 0: all */
  int64_t minimum;      /* units that occur less often become <unk> */
  bool lower, nfc;
  bool digits;                          /* replace every digit by 0, in text but not in labels */
  const char *feature[LK_MOST_FURTHER]; /* names of the columns to compute from the words (word_column.h) */
  int features;
  bool forms;              /* also store how words are written (LK_FORMS), where they are units; not for pairs */
  const char *vectors;     /* file of word vectors, NULL for none */
  bool vectors_all;        /* keep words, too, that the training part does not have */
  ptrdiff_t vectors_limit; /* so many of these at most */
  ptrdiff_t max_length;    /* maximum units of a sequence, without <sos> and <eos> */
  lk_too_long too_long;
  lk_empty empty;
  lk_unseen unseen;
  const char *no_label[LK_MOST_NO_LABELS]; /* values that mean "no label": such words are excluded from the loss */
  int no_labels;
  const char *separator;       /* ends a label, or the source of a pair; NULL: a TAB, "": the first run of blanks */
  int column_word, column_tag; /* label: from 0, negative from the end, or LK_COLUMN_DEFAULT */
  bool bioes;                  /* label: tags of spans become BIOES (tag_scheme.h) */
  bool conllu;                 /* label: CoNLL-U (comments, multiword ranges and empty nodes are ignored) */
  lk_prepare_pairs pairs;
  const lk_prepare_like *like; /* set by lk_prepare_take_like(), then the training file is optional; or NULL */
} lk_prepare;

/* What became of the rows of --vectors, and how words were found among them (lk_vector_found). */
typedef struct lk_prepare_vectors_report {
  ptrdiff_t width;            /* 0: there are none */
  int64_t rows, kept;         /* of the file; of these in the corpus */
  int64_t unseen, over;       /* kept words that training does not have; more of them than the limit, left out */
  int64_t repeated, unusable; /* rows left out: of a word that was kept already; see word_vectors.h */
  int64_t types[3], words[3]; /* of the training part: different words, and running words */
} lk_prepare_vectors_report;

typedef struct lk_prepare_report {
  ptrdiff_t rows[LK_SPLITS], units[LK_SPLITS], unknown[LK_SPLITS]; /* sequences; units; units that are <unk> */
  ptrdiff_t target_units[LK_SPLITS], target_unknown[LK_SPLITS];    /* pairs: the same for the targets */
  ptrdiff_t further[LK_SPLITS];                                    /* pairs: accepted targets besides the first */
  ptrdiff_t groups[LK_SPLITS];                                     /* number of groups (--group) */
  ptrdiff_t skipped, cut;                                          /* sequences over max_length */
  /* sequences left out: something is empty; no label at all */
  ptrdiff_t empty, unlabelled;
  ptrdiff_t unseen[LK_SPLITS]; /* labels that do not occur in the training part */
  ptrdiff_t comments, marks;   /* comment lines of plain columns; byte order marks removed at the beginnings of lines */
  ptrdiff_t vocabulary, target_vocabulary, labels, frames; /* sizes; D */
  lk_scheme tags;                                          /* of the files, where labels are BIOES */
  double padding;                                          /* fraction of stored positions that are <pad> */
  lk_prepare_vectors_report vectors;
  size_t bytes_read;
  double seconds;
} lk_prepare_report;

/** LK_USAGE if there is no kind of this name. */
LK_CHECKED lk_status lk_prepare_check_kind(const char *kind);
/** Set the defaults: unit word on both sides, nfc and forms true, max_length 10000, errors for empty and over-long sequences,
 *  columns 0 and -1 (CoNLL-U: 1 and 3). */
void lk_prepare_init(lk_prepare *prepare);
/** Open an existing model or corpus; `path` must outlive `like`. LK_IO, LK_DATA, LK_NEWER. */
LK_CHECKED lk_status lk_prepare_like_open(lk_prepare_like *like, const char *path);
void lk_prepare_like_close(lk_prepare_like *like);
/** Copy its settings to `prepare`; `like` must stay open until lk_prepare_run() is done. LK_USAGE if it is of
 *  another kind. */
LK_CHECKED lk_status lk_prepare_take_like(lk_prepare *prepare, const lk_prepare_like *like);
/** Run it. LK_USAGE for inconsistent options, LK_DATA for bad input, LK_IO. report may be NULL. */
LK_CHECKED lk_status lk_prepare_run(const lk_prepare *prepare, lk_prepare_report *report);
