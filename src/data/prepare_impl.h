/* prepare_impl.h - what the formats share.
 *
 * A format turns its input into records, one sequence each (or a stretch of a running text), and knows how to count and
 * how to write one. prepare.c does the rest: two passes, the split, the vocabularies, the file.
 * Every function: Not collective. */
#pragma once
#include "prepare.h"
#include "tags.h"
#include "columns_impl.h"
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
  struct lk_frames_h5 *h5;   /* frames in an HDF5 file, text then unused */
  ptrdiff_t position;        /* weight of the records given out: where the next one begins */
  lk_columns columns;        /* label: what its rows are like */
  lk_split part;             /* that it was given for */
  bool goes_on;              /* another file of that part follows */
  ptrdiff_t begin;           /* weight of the files of that part before it */
  struct lk_source *targets; /* pairs in two files: the targets, owned; else NULL */
} lk_source;

/* A word and its label. */
typedef struct lk_span {
  size_t at, size;         /* in the job's folded text */
  size_t raw_at, raw_size; /* in job->raw, before folding */
  size_t tag_at, tag_size; /* in job->other, folded; size 0: no label */
  ptrdiff_t line, tag_column;
} lk_span;

typedef struct lk_record {
  ptrdiff_t line, column;   /* where it begins, for messages */
  ptrdiff_t index;          /* its number in its part's files, from 0 */
  ptrdiff_t weight;         /* what fractions count: 1, or characters of a running text */
  const char *text, *label; /* folded; pairs: the source and the first target */
  size_t size, label_size;
  const char *written; /* classify: the text before folding */
  size_t written_size;
  ptrdiff_t targets, second; /* pairs: accepted targets, in job->references; the column of the second */
  ptrdiff_t length;          /* labeller: words, in job->spans; frames: frames, in job->frames */
  bool line_end;             /* running text: a line ends here */
} lk_record;

typedef struct lk_job lk_job;
typedef struct lk_deal lk_deal;

/* What is noted for warnings while the parts are written. */
typedef struct lk_notes {
  ptrdiff_t known[LK_SPLITS];  /* labels that training has */
  lk_vocab *never;             /* those of all parts, in the order of their first places; NULL where there are none */
  lk_vocab *unseen[LK_SPLITS]; /* those that it never has; NULL where there are none */
  lk_buffer unseen_at[LK_SPLITS]; /* the first of them and its place */
  lk_buffer single;               /* the first label that training has once, and its place */
  bool single_begins;             /* which is that of the first record */
  lk_tagset tags;                 /* labels of words, read as tags of spans; count 0: not read yet */
  lk_buffer misfit;               /* most are span tags: the first that is none, and its place */
  uint8_t *borne;                 /* [labels] bit s: part s has a row of that class; classify and frames alone */
} lk_notes;

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
  lk_source *source; /* [sources] those of train first, then of valid, then of test */
  int sources;
  ptrdiff_t weight[LK_SPLITS]; /* of all records of the part's files, once they were walked over */
  lk_vocab *vocab, *labels;
  lk_vocab *targets;    /* pairs: the targets' vocabulary; NULL where there is one for both sides */
  lk_pieces *pieces[2]; /* pairs: models of sources and targets, the same or NULL */
  char model_digest[2][33];
  lk_corpus_info info;
  lk_corpus_writer *writer; /* NULL in the passes before writing */
  lk_prepare_report report;
  lk_notes notes;
  lk_deal *deal;       /* while rows are dealt to parts */
  uint8_t *dealt;      /* [rows] of the training files: their parts; NULL where they go by position */
  ptrdiff_t cut[2];    /* where, in the training file, valid and test begin; PTRDIFF_MAX where they do not */
  ptrdiff_t positions; /* stored ones that are not <pad> */

  lk_buffer group, line; /* the subject of the record; its line without that */
  lk_buffer folded;      /* scratch of one record */
  lk_buffer other;       /* and of its labels; pairs: the first target */
  lk_buffer references;  /* pairs: all targets, folded */
  lk_buffer raw;         /* pairs: text before it is cut; labeller: words before folding */
  lk_span *spans;
  int32_t *ids, *tags;
  int32_t *column[LK_MOST_FURTHER]; /* of the row that is being written */
  size_t column_capacity[LK_MOST_FURTHER];
  float *frames;
  size_t spans_capacity, ids_capacity, tags_capacity, frames_capacity;
  ptrdiff_t id_count; /* ids waiting to be written, of a running text */
  lk_split id_split;  /* and the part they belong to */
};

/** That the input files go together and the output is another, or to be made. LK_USAGE. */
LK_CHECKED lk_status lk_prepare_check_files(const lk_prepare *settings);
/** Files of a part, in order, and of pairs in two files the files of their targets, or NULL. */
int lk_prepare_inputs(const lk_prepare *settings, lk_split part);
const char *lk_prepare_input(const lk_prepare *settings, lk_split part, int index);
const char *lk_prepare_target(const lk_prepare *settings, lk_split part, int index);
/** Read and check all input files into job->source. LK_IO, LK_DATA. */
LK_CHECKED lk_status lk_job_load(lk_job *job);
void lk_job_release_sources(lk_job *job);
/** The first file that was given for a part, or NULL. */
const lk_source *lk_job_first(const lk_job *job, lk_split part);
/** Append names and digests of all inputs, a line each. */
LK_CHECKED lk_status lk_job_describe_sources(const lk_job *job, lk_buffer *out);
typedef lk_status lk_visit(lk_job *job, const lk_source *source, lk_split part, const lk_record *record);
/** Give every record of a part's files to `visit`, with the part that it goes to. */
LK_CHECKED lk_status lk_job_walk(lk_job *job, lk_split part, lk_visit *visit);
/** Decide which records of the training files go to which part, where fractions are set apart. LK_DATA. */
LK_CHECKED lk_status lk_job_deal(lk_job *job);
/** Append how the parts were made; nothing where they are files. */
LK_CHECKED lk_status lk_job_describe_deal(const lk_job *job, lk_buffer *out);
/** LK_USAGE where options about that do not go together, or with the kind. */
LK_CHECKED lk_status lk_prepare_check_deal(const lk_prepare *settings, lk_corpus_kind kind);

/** job->group follows the records that are read: what a file begins with, ... */
LK_CHECKED lk_status lk_job_group_start(lk_job *job, const lk_source *source);
/** ... a line with a column for it, which is taken out of *line, ... LK_DATA where there is none. */
LK_CHECKED lk_status lk_job_group_line(lk_job *job, const lk_source *source, lk_line *line);
/** ... a column of the line (text, size), ... */
LK_CHECKED lk_status lk_job_group_value(lk_job *job, const lk_source *source, const lk_line *line, const char *text,
                                        size_t size);
/** ... a comment, or a line that may begin the next one. */
LK_CHECKED lk_status lk_job_group_comment(lk_job *job, const lk_source *source, const lk_line *line);
LK_CHECKED lk_status lk_job_group_begins(lk_job *job, const lk_source *source, const lk_line *line);
/** With settings->like: its vocabularies for those counted, its SentencePiece models. */
LK_CHECKED lk_status lk_job_finish_like(lk_job *job);
LK_CHECKED lk_status lk_job_pieces_like(lk_job *job);
/** The part of a record of a training file, once that is decided; LK_TRAIN before. */
lk_split lk_job_part(const lk_job *job, const lk_source *source, const lk_record *record);
/** LK_DATA "file:line:column: ...", of an HDF5 file "file: row LINE: ...". */
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
/** The next line that is not blank; false at the end. Of text, labelled lines and pairs blank lines are no part. */
bool lk_source_line(lk_source *source, lk_line *line);
/* A line in two: a label and what it is of, or a source and its targets. */
typedef struct lk_halves {
  const char *head, *tail;
  size_t head_size, tail_size;
} lk_halves;
/** Cut a line at the first separator, between a `head` and a `tail` (what messages call them). LK_DATA where it has none. */
LK_CHECKED lk_status lk_job_halve(const lk_job *job, const lk_source *source, const lk_line *line, const char *head,
                                  const char *tail, lk_halves *halves);
/** What separates, as messages name it. */
const char *lk_separator_name(const lk_prepare *settings, char quoted[256]);
/** Whether the settings say that this is no label; an empty one is none only where they do. */
bool lk_job_is_no_label(const lk_job *job, const char *text, size_t size);
/** Append a label to job->other: normalised as text is, but neither lower-cased nor its digits folded. */
LK_CHECKED lk_status lk_job_fold_label(lk_job *job, const char *text, size_t size);
/** The label of a record, trimmed and folded, as it stands at line:1 of its source or in its row. *none where the settings
 *  say that it is none: the record is counted and left out. LK_DATA where it is empty. */
LK_CHECKED lk_status lk_job_take_label(lk_job *job, const lk_source *source, const char *text, size_t size,
                                       lk_record *record, bool *none);
/** The number of a label of that part; where the training part never has it LK_UNSEEN_LABEL or less, as it is among
 *  notes.never, or LK_DATA. */
LK_CHECKED lk_status lk_job_find_label(lk_job *job, const lk_source *source, lk_split split, ptrdiff_t line,
                                       ptrdiff_t column, const char *text, size_t size, int32_t *id);
/** What becomes of a sequence that has nothing where `what` should be: LK_DATA, or it is counted as left out. */
LK_CHECKED lk_status lk_job_empty(lk_job *job, const lk_source *source, ptrdiff_t line, ptrdiff_t column,
                                  const char *what);

/** Warn of what was noted while all was written. */
void lk_notes_tell(const lk_job *job);
void lk_notes_release(lk_notes *notes);
/** <sos>, the units of a text, <eos> into job->ids; *length of them. */
LK_CHECKED lk_status lk_job_encode(lk_job *job, const char *text, size_t size, ptrdiff_t *length);
/** Write a row and take it into the report; `units` without <sos> and <eos>, of pairs the source's. */
LK_CHECKED lk_status lk_job_add(lk_job *job, lk_split split, const lk_corpus_row *row, ptrdiff_t units);
/** LK_USAGE where --feature does not go with the kind, or there is none of that name. */
LK_CHECKED lk_status lk_prepare_check_columns(const lk_prepare *settings, lk_corpus_kind kind);
/** Describe the further columns in job->info. */
LK_CHECKED lk_status lk_job_columns_begin(lk_job *job);
/** Room for a row of `length` positions, in *row; all have the first value. */
LK_CHECKED lk_status lk_job_columns_row(lk_job *job, ptrdiff_t length, lk_corpus_row *row);
/** The values of a word, as it is written before folding. */
void lk_job_columns_put(lk_job *job, ptrdiff_t position, const char *word, size_t size);
/** Write what waits of a running text. */
LK_CHECKED lk_status lk_job_flush(lk_job *job);

/* Frames in an HDF5 file: /frames [n,D], /offsets [rows+1], /labels [rows] (lockstep/foreign.h). */
typedef struct lk_frames_h5 lk_frames_h5;
/** `path` outlives the file; "-" is standard input where that is a file. The digest is of the file's bytes. LK_IO, LK_DATA. */
LK_CHECKED lk_status lk_frames_h5_open(lk_frames_h5 **file, const char *path, char digest[33]);
void lk_frames_h5_close(lk_frames_h5 **file);
ptrdiff_t lk_frames_h5_rows(const lk_frames_h5 *file);
ptrdiff_t lk_frames_h5_width(const lk_frames_h5 *file);
const char *lk_frames_h5_name(const lk_frames_h5 *file); /* for messages */
size_t lk_frames_h5_bytes(const lk_frames_h5 *file);     /* of all frames */
/** Frames of a row, checked to be numbers: frames (lk_grow()n) and its label. LK_DATA naming row and column. */
LK_CHECKED lk_status lk_frames_h5_row(lk_frames_h5 *file, ptrdiff_t row, float **frames, size_t *capacity,
                                      ptrdiff_t *length, const char **label, size_t *label_size);
/** Whether it is HDF5, by its bytes. */
bool lk_frames_h5_suits(const char *path);
