/* prepare_impl.h - what the formats share.
 *
 * A format turns its input into records, one sequence each (or a stretch of a running text), and knows how to count and
 * how to write one. prepare.c does the rest: two passes, the split, the vocabularies, the file.
 * Every function: Not collective. */
#pragma once
#include "lockstep/prepare.h"
#include "pieces_impl.h"
#include "reader_impl.h"

/* The formats, one line each: src/data/prepare_<name>.c defines lk_format_<name>. */
#define LK_FORMATS(X) \
  X(text)             \
  X(classify)         \
  X(label)            \
  X(pairs)            \
  X(frames)

/* One input file. */
typedef struct lk_source {
  const char *name; /* for messages */
  char digest[33];
  size_t bytes;
  bool loaded;
  lk_text_file text;
  lk_reader reader;
  struct lk_frames_h5 *h5; /* frames in an HDF5 file, text then unused */
  ptrdiff_t position;      /* weight of the records given out: where the next one begins */
  int columns;             /* of labelled words: all lines have as many; 0: none was read */
} lk_source;

/* A word or a tag where it stands. */
typedef struct lk_span {
  size_t at, size; /* in the job's folded text */
  const char *tag;
  size_t tag_size;
  ptrdiff_t line, tag_column;
} lk_span;

typedef struct lk_record {
  ptrdiff_t line, column;   /* where it begins, for messages */
  ptrdiff_t weight;         /* what fractions count: 1, or characters of a running text */
  const char *text, *label; /* folded text; the label as it stands; pairs: the source and the first target, folded */
  size_t size, label_size;
  ptrdiff_t targets, second; /* pairs: accepted targets, in job->references; the column of the second */
  ptrdiff_t length;          /* labeller: words, in job->spans; frames: frames, in job->frames */
  bool line_end;             /* running text: a line ends here */
} lk_record;

typedef struct lk_job lk_job;

typedef struct lk_format {
  const char *name;
  lk_corpus_kind kind;
  bool labels; /* it has a label vocabulary */
  /** LK_USAGE where options do not go together. */
  lk_status (*check)(const lk_prepare *settings);
  /** What must be there before the first pass; or NULL. */
  lk_status (*begin)(lk_job *job);
  /** The next record of a source, the over-long ones dealt with; *more false at the end. */
  lk_status (*next)(lk_job *job, lk_source *source, lk_record *record, bool *more);
  /** Count what a record of the training part holds. */
  lk_status (*count)(lk_job *job, const lk_source *source, const lk_record *record);
  lk_status (*write)(lk_job *job, const lk_source *source, lk_split split, const lk_record *record);
} lk_format;

#define LK_FORMAT_DECLARE(name) extern const lk_format lk_format_##name;
LK_FORMATS(LK_FORMAT_DECLARE)
#undef LK_FORMAT_DECLARE

struct lk_job {
  const lk_prepare *settings;
  const lk_format *format;
  lk_source source[LK_SPLITS];
  lk_source target[LK_SPLITS]; /* pairs in two files: the one beside; else not loaded */
  lk_vocab *vocab, *labels;
  lk_vocab *targets;    /* pairs: the targets' vocabulary; NULL where there is one for both sides */
  lk_pieces *pieces[2]; /* pairs: models of sources and targets, the same or NULL */
  char model_digest[2][33];
  lk_corpus_info info;
  lk_corpus_writer *writer; /* NULL in the passes before writing */
  lk_prepare_report report;
  ptrdiff_t cut[2];    /* where, in the training file, valid and test begin; PTRDIFF_MAX where they do not */
  ptrdiff_t positions; /* stored ones that are not <pad> */

  lk_buffer folded;                 /* scratch of one record */
  lk_buffer other, references, raw; /* pairs: the first target; all of them, folded; text before it is cut */
  lk_span *spans;
  int32_t *ids, *tags;
  float *frames;
  size_t spans_capacity, ids_capacity, tags_capacity, frames_capacity;
  ptrdiff_t id_count; /* ids waiting to be written, of a running text */
  lk_split id_split;  /* and the part they belong to */
};

/** That the input files go together and the output is another, or to be made. LK_USAGE. */
LK_CHECKED lk_status lk_prepare_check_files(const lk_prepare *settings);
/** LK_DATA "file:line:column: ...". */
LK_CHECKED lk_status lk_source_fail(const lk_source *source, ptrdiff_t line, ptrdiff_t column, const char *format, ...)
    LK_PRINTF(4, 5);
/** Append `text`, folded as the settings say, to job->folded. */
LK_CHECKED lk_status lk_job_fold(lk_job *job, const char *text, size_t size);
/** What becomes of a sequence of `units` at line:column: *keep of them, 0 where it is left out. LK_DATA. */
LK_CHECKED lk_status lk_job_limit(lk_job *job, const lk_source *source, ptrdiff_t line, ptrdiff_t column,
                                  ptrdiff_t units, ptrdiff_t *keep);
/** The same for a folded text cut into units: *size becomes the bytes to keep, 0 where it is left out. */
LK_CHECKED lk_status lk_job_limit_text(lk_job *job, const lk_source *source, ptrdiff_t line, ptrdiff_t column,
                                       const char *text, size_t *size);
/** A label without the white space around it. */
void lk_label_trim(const char **text, size_t *size);
/** The number of a label; LK_DATA where the training part never had it. */
LK_CHECKED lk_status lk_job_find_label(const lk_job *job, const lk_source *source, ptrdiff_t line, ptrdiff_t column,
                                       const char *text, size_t size, int32_t *id);
/** <sos>, the units of a text, <eos> into job->ids; *length of them. */
LK_CHECKED lk_status lk_job_encode(lk_job *job, const char *text, size_t size, ptrdiff_t *length);
/** Write a row and take it into the report; `units` without <sos> and <eos>, of pairs the source's. */
LK_CHECKED lk_status lk_job_add(lk_job *job, lk_split split, const lk_corpus_row *row, ptrdiff_t units);
/** Write what waits of a running text. */
LK_CHECKED lk_status lk_job_flush(lk_job *job);

/* Frames in an HDF5 file: /frames [n,D], /offsets [rows+1], /labels [rows]. */
typedef struct lk_frames_h5 lk_frames_h5;
LK_CHECKED lk_status lk_frames_h5_open(lk_frames_h5 **file, const char *path);
void lk_frames_h5_close(lk_frames_h5 **file);
ptrdiff_t lk_frames_h5_rows(const lk_frames_h5 *file);
ptrdiff_t lk_frames_h5_width(const lk_frames_h5 *file);
size_t lk_frames_h5_bytes(const lk_frames_h5 *file); /* of all frames */
/** Frames of a row, checked to be numbers: frames (lk_grow()n) and its label. LK_DATA naming row and column. */
LK_CHECKED lk_status lk_frames_h5_row(lk_frames_h5 *file, ptrdiff_t row, float **frames, size_t *capacity,
                                      ptrdiff_t *length, const char **label, size_t *label_size);
bool lk_frames_h5_suits(const char *path);
