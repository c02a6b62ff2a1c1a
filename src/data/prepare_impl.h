/* prepare_impl.h - shared by the formats of prepare.
 *
 * A format splits its input into records, one sequence each (or a section of a running text), and counts and writes
 * single records. prepare.c does the rest: two passes, the split into parts, the vocabularies, the output file.
 * Every function: Not collective. */
#pragma once
#include "prepare.h"
#include "tags.h"
#include "columns_impl.h"
#include "corpus_writer.h"
#include "pieces_impl.h"
#include "reader_impl.h"
#include "word_column.h"

/* The formats, one line each: src/data/prepare_<name>.c defines lk_format_<name>. */
#define LK_FORMATS(X) \
  X(text)             \
  X(classify)         \
  X(label)            \
  X(pairs)            \
  X(frames)

/* One input file. */
typedef struct lk_input_file {
  const char *name; /* for messages */
  char digest[33];
  size_t bytes;
  bool loaded;
  lk_text_file text;
  lk_reader reader;
  struct lk_frames_h5 *h5;       /* frames in an HDF5 file, `text` is then unused */
  ptrdiff_t position;            /* sum of the weights of the records read so far */
  lk_columns columns;            /* label: layout of its columns */
  lk_split part;                 /* part that the file was given for */
  bool goes_on;                  /* another file of the same part follows */
  ptrdiff_t begin;               /* total weight of the preceding files of the same part */
  struct lk_input_file *targets; /* pairs in two files: the file of targets, owned; else NULL */
} lk_input_file;

/* A word and its label. */
typedef struct lk_labelled_word {
  size_t at, size;         /* position in job->folded */
  size_t raw_at, raw_size; /* position in job->raw, before folding */
  size_t tag_at, tag_size; /* position in job->other, folded; size 0: no label */
  ptrdiff_t line, tag_column;
} lk_labelled_word;

typedef struct lk_record {
  ptrdiff_t line, column;   /* position in the source, for messages */
  ptrdiff_t index;          /* number within the files of its part, from 0 */
  ptrdiff_t weight;         /* what fractions are computed from: 1, or for a running text its characters */
  const char *text, *label; /* folded; pairs: the source and the first target */
  size_t size, label_size;
  const char *written; /* classify, text: the text before folding */
  size_t written_size;
  ptrdiff_t targets, second; /* pairs: number of accepted targets, in job->references; column of the second */
  ptrdiff_t length;          /* label: number of words, in job->spans; frames: number of frames, in job->frames */
  bool line_end;             /* running text: the record ends with a line end */
} lk_record;

typedef struct lk_job lk_job;
typedef struct lk_deal lk_deal;

/* Findings that are collected while the parts are written, for warnings at the end. */
typedef struct lk_notes {
  ptrdiff_t known[LK_SPLITS]; /* labels that occur in the training part */
  /* labels of any part that do not occur in training, in order of first occurrence; NULL: none */
  lk_vocab *never;
  lk_vocab *unseen[LK_SPLITS];    /* the same of each part; NULL: none */
  lk_buffer unseen_at[LK_SPLITS]; /* the first of them and its position */
  lk_buffer single;               /* the first label that occurs only once in training, and its position */
  bool single_begins;             /* that label is the label of the first record */
  lk_tagset tags;                 /* labels of words parsed as span tags (BIO); count 0: not parsed yet */
  lk_buffer misfit;               /* if most labels are span tags: the first label that is not, and its position */
  uint8_t *borne;                 /* [labels] bit s: part s has a row of this class; classify and frames only */
} lk_notes;

typedef struct lk_format {
  const char *name;
  lk_corpus_kind kind;
  bool labels; /* it has a vocabulary of labels */
  /** LK_USAGE if options are inconsistent. */
  lk_status (*check)(const lk_prepare *settings);
  /** Preparations before the first pass; may be NULL. */
  lk_status (*begin)(lk_job *job);
  /** Read the next record of a source, after applying the length limit; *more is false at the end. */
  lk_status (*next)(lk_job *job, lk_input_file *source, lk_record *record, bool *more);
  /** Count units and labels of a record of the training part. */
  lk_status (*count)(lk_job *job, const lk_input_file *source, const lk_record *record);
  lk_status (*write)(lk_job *job, const lk_input_file *source, lk_split split, const lk_record *record);
} lk_format;

#define LK_FORMAT_DECLARE(name) extern const lk_format lk_format_##name;
LK_FORMATS(LK_FORMAT_DECLARE)
#undef LK_FORMAT_DECLARE

struct lk_job {
  const lk_prepare *settings;
  const lk_format *format;
  lk_input_file *source; /* [sources] files of train, then of valid, then of test */
  lk_spool spool;        /* text of those that cannot be read twice where they are */
  int sources;
  ptrdiff_t weight[LK_SPLITS]; /* total weight of the records of each part's files, once they were read */
  lk_vocab *vocab, *labels, *characters;
  lk_vocab *targets;    /* pairs: vocabulary of the targets; NULL if both sides share one */
  lk_pieces *pieces[2]; /* pairs: models of sources and targets; may be the same, or NULL */
  char model_digest[2][33];
  lk_corpus_info info;
  lk_corpus_writer *writer; /* NULL in the passes before writing */
  lk_prepare_report report;
  lk_notes notes;
  struct lk_job_tags *respelt; /* label: tags that become BIOES; NULL: they stay as they are */
  lk_deal *deal;               /* set while rows are assigned to parts */
  uint8_t *dealt;              /* [rows] of the training files: part of each row; NULL if decided by position */
  ptrdiff_t cut[2];            /* position in the training files where valid and test begin; PTRDIFF_MAX: nowhere */
  double walked;               /* bytes of the sources that the present pass has behind it */
  ptrdiff_t positions;         /* stored positions that are not <pad> */

  lk_buffer group, line; /* group of the record; its line without the group column */
  lk_buffer folded;      /* scratch: text of the current record, folded */
  lk_buffer other;       /* scratch: its labels, folded; pairs: the first target */
  lk_buffer references;  /* pairs: all accepted targets, folded */
  lk_buffer raw;         /* pairs: text before it is split into pieces; label: words before folding */
  lk_labelled_word *spans;
  int32_t *ids, *tags;
  int32_t *column[LK_MOST_FURTHER]; /* further columns of the row that is being written */
  size_t column_capacity[LK_MOST_FURTHER];
  lk_word_lookup lookup;          /* what these are computed with */
  struct lk_job_vectors *vectors; /* of --vectors; or NULL */
  float *frames;
  size_t spans_capacity, ids_capacity, tags_capacity, frames_capacity;
  ptrdiff_t id_count; /* running text: ids that were not written yet */
  lk_split id_split;  /* the part these ids belong to */
};

/** Check that the input files fit together and that the output is not an input and can be created. LK_USAGE. */
LK_CHECKED lk_status lk_prepare_check_files(const lk_prepare *settings);
/** Number of files of a part; file `index` of them, and for pairs in two files its file of targets, or NULL. */
int lk_prepare_inputs(const lk_prepare *settings, lk_split part);
const char *lk_prepare_input(const lk_prepare *settings, lk_split part, int index);
const char *lk_prepare_target(const lk_prepare *settings, lk_split part, int index);
/** Read and check all input files into job->source. LK_IO, LK_DATA. */
LK_CHECKED lk_status lk_job_load(lk_job *job);
void lk_job_release_sources(lk_job *job);
/** The first file given for a part, or NULL. */
const lk_input_file *lk_job_first(const lk_job *job, lk_split part);
/** Append names and digests of all inputs, one line each. */
LK_CHECKED lk_status lk_job_describe_sources(const lk_job *job, lk_buffer *out);
typedef lk_status lk_visit(lk_job *job, const lk_input_file *source, lk_split part, const lk_record *record);
/** Call `visit` for every record of a part's files, with the part that the record is assigned to. */
LK_CHECKED lk_status lk_job_walk(lk_job *job, lk_split part, lk_visit *visit);
/** Decide which records of the training files go to which part, if fractions are split off. LK_DATA. */
LK_CHECKED lk_status lk_job_deal(lk_job *job);
/** Append a description of how rows were assigned to parts; nothing if the parts are separate files. */
LK_CHECKED lk_status lk_job_describe_deal(const lk_job *job, lk_buffer *out);
/** LK_USAGE if the options for this are inconsistent or do not suit the kind. */
LK_CHECKED lk_status lk_prepare_check_deal(const lk_prepare *settings, lk_corpus_kind kind);

/** The following functions keep job->group up to date while records are read. At the beginning of a file: */
LK_CHECKED lk_status lk_job_group_start(lk_job *job, const lk_input_file *source);
/** for a line with a group column, which is removed from *line; LK_DATA if the line has no such column: */
LK_CHECKED lk_status lk_job_group_line(lk_job *job, const lk_input_file *source, lk_line *line);
/** for a group column found by the caller (text, size): */
LK_CHECKED lk_status lk_job_group_value(lk_job *job, const lk_input_file *source, const lk_line *line, const char *text,
                                        size_t size);
/** for a comment that may name a group, and for a line that may begin a new group: */
LK_CHECKED lk_status lk_job_group_comment(lk_job *job, const lk_input_file *source, const lk_line *line);
LK_CHECKED lk_status lk_job_group_begins(lk_job *job, const lk_input_file *source, const lk_line *line);
/** With settings->like: replace the counted vocabularies by its vocabularies; load its SentencePiece models. */
LK_CHECKED lk_status lk_job_finish_like(lk_job *job);
LK_CHECKED lk_status lk_job_pieces_like(lk_job *job);
/** LK_DATA "file:line:column: ...", for an HDF5 file "file: row LINE: ...". */
LK_CHECKED lk_status lk_input_file_fail(const lk_input_file *source, ptrdiff_t line, ptrdiff_t column,
                                        const char *format, ...) LK_PRINTF(4, 5);
/** Append `text` to job->folded, folded as configured (NFC, lower case, digits). */
LK_CHECKED lk_status lk_job_fold(lk_job *job, const char *text, size_t size);
/** Apply the length limit to a sequence of `units` units at line:column: *keep is the number of units to keep, 0 if
 *  the sequence is left out. LK_DATA. */
LK_CHECKED lk_status lk_job_limit(lk_job *job, const lk_input_file *source, ptrdiff_t line, ptrdiff_t column,
                                  ptrdiff_t units, ptrdiff_t *keep);
/** The same for a folded text: *size becomes the number of bytes to keep, 0 if the text is left out. */
LK_CHECKED lk_status lk_job_limit_text(lk_job *job, const lk_input_file *source, ptrdiff_t line, ptrdiff_t column,
                                       const char *text, size_t *size);
/** The next line that is not blank; *more is false at the end. Blank lines are not part of text, labelled lines and pairs. */
LK_CHECKED lk_status lk_input_file_line(lk_input_file *source, lk_line *line, bool *more);
/* The two parts of a line: label and text, or source and targets. */
typedef struct lk_halves {
  const char *head, *tail;
  size_t head_size, tail_size;
} lk_halves;
/** Split a line at the first separator into a `head` and a `tail` (names used in messages). LK_DATA if there is
 *  none. */
LK_CHECKED lk_status lk_job_halve(const lk_job *job, const lk_input_file *source, const lk_line *line, const char *head,
                                  const char *tail, lk_halves *halves);
/** Name of the separator, for messages. */
const char *lk_separator_name(const lk_prepare *settings, char quoted[256]);
/** Whether the settings declare this text to mean "no label"; this includes the empty text only if declared. */
bool lk_job_is_no_label(const lk_job *job, const char *text, size_t size);
/** Append a label to job->other: normalised like text, but without changing case or digits. */
LK_CHECKED lk_status lk_job_fold_label(lk_job *job, const char *text, size_t size);
/** Take the label of a record, trimmed and folded. *none is set if it means "no label": the record is then counted
 *  and left out. LK_DATA if it is empty. */
LK_CHECKED lk_status lk_job_take_label(lk_job *job, const lk_input_file *source, const char *text, size_t size,
                                       lk_record *record, bool *none);
/** The id of a label. A label that does not occur in training gets an id of LK_UNSEEN_LABEL or below, by its index
 *  in notes.never, or is LK_DATA, as configured. */
LK_CHECKED lk_status lk_job_find_label(lk_job *job, const lk_input_file *source, lk_split split, ptrdiff_t line,
                                       ptrdiff_t column, const char *text, size_t size, int32_t *id);
/** With settings->bioes. Before the first pass: */
LK_CHECKED lk_status lk_job_tags_begin(lk_job *job);
/** Count the labels of a sentence (job->spans) for the vocabulary: */
LK_CHECKED lk_status lk_job_tags_count(lk_job *job, ptrdiff_t words);
/** After it: job->labels become BIOES, and info.tags the scheme of the files. LK_DATA where they mark no spans. */
LK_CHECKED lk_status lk_job_tags_finish(lk_job *job);
/** Convert the labels of a sentence to BIOES, before it is written. LK_DATA naming a label that is not a span tag. */
LK_CHECKED lk_status lk_job_tags_write(lk_job *job, const lk_input_file *source, ptrdiff_t words);
/** For a label that training lacks, also count the others of its type: evaluations name them in the files' scheme. */
LK_CHECKED lk_status lk_job_tags_name(const lk_job *job, lk_vocab *names, const char *text, size_t size);
void lk_job_tags_release(lk_job *job);
/** Handle a sequence in which `what` is empty: LK_DATA, or it is counted as left out, as configured. */
LK_CHECKED lk_status lk_job_empty(lk_job *job, const lk_input_file *source, ptrdiff_t line, ptrdiff_t column,
                                  const char *what);

/** Write the warnings for the findings collected while writing. */
void lk_notes_tell(const lk_job *job);
void lk_notes_release(lk_notes *notes);
/** Encode a text into job->ids as <sos>, its units, <eos>; *length is their number. */
LK_CHECKED lk_status lk_job_encode(lk_job *job, const char *text, size_t size, ptrdiff_t *length);
/** Write a row and add it to the report; `units` is its number of units (pairs: of the source) without <sos> and
 *  <eos>. */
LK_CHECKED lk_status lk_job_add(lk_job *job, lk_split split, const lk_corpus_row *row, ptrdiff_t units);
/** Running text: write the ids that were not written yet. */
LK_CHECKED lk_status lk_job_flush(lk_job *job);

/* Frames in an HDF5 file: /frames [n,D], /offsets [rows+1], /labels [rows] (foreign.h). */
typedef struct lk_frames_h5 lk_frames_h5;
/** `path` must outlive the file; "-" is standard input, if it is redirected from a file. The digest is that of the
 *  file's bytes. LK_IO, LK_DATA. */
LK_CHECKED lk_status lk_frames_h5_open(lk_frames_h5 **file, const char *path, char digest[33]);
void lk_frames_h5_close(lk_frames_h5 **file);
ptrdiff_t lk_frames_h5_rows(const lk_frames_h5 *file);
ptrdiff_t lk_frames_h5_width(const lk_frames_h5 *file);
const char *lk_frames_h5_name(const lk_frames_h5 *file); /* for messages */
size_t lk_frames_h5_bytes(const lk_frames_h5 *file);     /* size of all frames */
/** Read the frames of a row, checked to be finite, into *frames (grown by lk_grow()), and its label. LK_DATA with
 *  row and column. */
LK_CHECKED lk_status lk_frames_h5_row(lk_frames_h5 *file, ptrdiff_t row, float **frames, size_t *capacity,
                                      ptrdiff_t *length, const char **label, size_t *label_size);
/** Whether the file is HDF5, judged by its contents. */
bool lk_frames_h5_suits(const char *path);
