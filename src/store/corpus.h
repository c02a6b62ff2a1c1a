/* corpus.h - a prepared corpus: padded matrices in buckets of similar length, readable with any HDF5 tool.
 *
 *   /                     format="lockstep-corpus" version task unit created_by source frames max_length [split] [tags]
 *   /vocab/source /vocab/target /vocab/label     strings; <name>_count: how often each was seen in training
 *   /train/len_0032/source  int32 [N,32]   length int32 [N]   target int32 [N,32] or [N]   frames float32 [N,32,D]
 *   /train/len_0032/<column>  int32 [N,32] tokens of /vocab/<column>, or float32 [N,32,D] (attribute columns of /)
 *   /train/stream           int32 [n]         <column>  int32 [n]
 *   /valid/... /test/...    the same
 * If /vocab/label are BIOES tags, but the files mark spans in another way, `tags` names that: IOB1 IOB2 IOE1 IOE2 IO.
 * Pairs also have target_unit and shared among the attributes, target_length int32 [N] beside target, and in /valid and
 * /test references [N]: the accepted targets of a row as text, separated by TABs; the first one is `target`.
 * A column `form` gives each word's spelling: 0 as in /vocab/source, else that row of /vocab/form: words that folding
 * changed or the vocabulary lacks (a model has none of them). /vocab/character: characters of the training part.
 * Word vectors: /vectors/words, their rows in /vectors/values, float32 [n,D]; rows 0 and 1 stand for no word and for a
 * word without a vector. The row of each running word is in the column `vectors`, or, for texts and sources of pairs,
 * that of each row of /vocab/source in /vectors/source, int32.
 * /vocab/source_model and /vocab/target_model: the SentencePiece models, if a side is tokenized by one.
 *
 * Ids: <pad> 0, <sos> 1, <eos> 2, <unk> 3. A row of `source` is <sos> w_1 .. w_n <eos> <pad>..., its length n + 2.
 * Labels are numbered from 0 in the order of /vocab/label; `target` of a labeller is -1 (no label) at <sos>, <eos>,
 * <pad> and words without a label. In /valid and /test a label that does not occur in training is -2, or, where
 * /vocab/unseen names such labels, -2 for its first row, -3 for the next, and so on.
 * Frames have neither <sos> nor <eos>. Not collective throughout. */
#pragma once
#include <string.h>

#include "h5.h"
#include "inputs.h"
#include "tag_scheme.h"

enum { LK_PAD = 0, LK_SOS = 1, LK_EOS = 2, LK_UNK = 3, LK_SPECIALS = 4 };
/* Instead of a label: none (not part of the loss nor of any count); the first label that does not occur in training (no
 * loss either, but every prediction counts as wrong), further ones are below. */
enum { LK_NO_LABEL = -1, LK_UNSEEN_LABEL = -2 };
typedef enum lk_split { LK_TRAIN, LK_VALID, LK_TEST, LK_SPLITS } lk_split;
extern const char *const lk_split_names[LK_SPLITS];

#define LK_MAX_BUCKETS 256

/* The kind of data, which determines what `target` holds. */
typedef enum lk_corpus_kind {
  LK_CORPUS_TEXT,
  LK_CORPUS_CLASSIFY,
  LK_CORPUS_LABEL,
  LK_CORPUS_PAIRS,
  LK_CORPUS_FRAMES,
  LK_CORPUS_KINDS
} lk_corpus_kind;
extern const char *const lk_corpus_kind_names[LK_CORPUS_KINDS]; /* text classify label pairs frames */

#define LK_FORMS "form"
/* A column beside the words (or frames): a value for each position, 0 at <sos>, <eos> and <pad>. */
enum { LK_MOST_FURTHER = LK_MAX_COLUMNS - 1 };
typedef struct lk_corpus_column {
  char name[32];
  bool numbers;      /* float32; else tokens, int32 */
  bool forms;        /* the column LK_FORMS */
  ptrdiff_t width;   /* numbers of a position; 1 token */
  lk_strings values; /* the vocabulary of tokens; of LK_VECTORS_COLUMN borrowed: vector_words; of LK_FORMS not read */
  ptrdiff_t written; /* of LK_FORMS: how many values lk_corpus_forms() reads */
} lk_corpus_column;
#define LK_VECTORS_COLUMN "vectors"

typedef struct lk_bucket {
  ptrdiff_t width, rows;  /* padded length (and its name), rows */
  ptrdiff_t target_width; /* columns of target: 0 none, 1 a label, else width; pairs go by the longer of their sides */
  int references;         /* pairs: the accepted targets are there as text */
} lk_bucket;

typedef struct lk_corpus_info {
  lk_corpus_kind kind;
  char unit[16];                    /* word | char | frame | sentencepiece */
  char target_unit[16];             /* pairs: of the targets; else "" */
  int shared;                       /* pairs: source and target are one vocabulary */
  int stream;                       /* /train/stream rather than buckets */
  ptrdiff_t frames;                 /* D, 0 for ids */
  lk_strings source, target, label; /* vocabularies with counts; empty where there is none */
  lk_strings unseen;    /* labels that do not occur in training, from LK_UNSEEN_LABEL down; empty: they have no names */
  lk_strings character; /* with a column LK_FORMS: the vocabulary of characters */
  lk_buffer source_model, target_model; /* the bytes of SentencePiece models; empty: none */
  lk_scheme tags;  /* labels are BIOES tags, those of the files have this scheme; AS_FILED: they are the files' */
  char split[200]; /* how prepare split valid and test from the training files; "" where it did not */
  int lower, nfc, digits; /* how text was normalised (lk_folding): predict and generate do the same */
  int buckets[LK_SPLITS];
  lk_bucket bucket[LK_SPLITS][LK_MAX_BUCKETS];
  ptrdiff_t rows[LK_SPLITS];   /* over all buckets */
  ptrdiff_t tokens[LK_SPLITS]; /* stream: length; else real positions (frames or words without <sos> <eos>) */
  ptrdiff_t max_length;        /* of a row in tokens, with <sos> and <eos>; of pairs the longer side */
  int conllu_word,
      conllu_tag;          /* labels from CoNLL-U: the columns given for words and labels, plus 1000; 0: none given */
  lk_strings vector_words; /* of vectors.rows */
  lk_vectors vectors;      /* its arrays are owned */
  int columns;             /* beside source or frames */
  lk_corpus_column column[LK_MOST_FURTHER];
  char digest[33];
} lk_corpus_info;

/** Whether a column's values are strings of another owner. */
static inline bool lk_column_borrows(const lk_corpus_column *column) {
  return strcmp(column->name, LK_VECTORS_COLUMN) == 0;
}

static inline lk_folding lk_corpus_folding(const lk_corpus_info *info) {
  return (lk_folding){.nfc = info->nfc, .lower = info->lower, .digits = info->digits};
}

/** How many ids there are for labels that do not occur in training: 1 if these have no names. */
static inline ptrdiff_t lk_corpus_unseen(const lk_corpus_info *info) {
  return info->unseen.count > 0 ? info->unseen.count : 1;
}
/** The lowest value in `target` of a split, where it holds labels. */
static inline int32_t lk_corpus_least_label(const lk_corpus_info *info, lk_split split) {
  return split == LK_TRAIN ? LK_NO_LABEL : LK_UNSEEN_LABEL - (int32_t)(lk_corpus_unseen(info) - 1);
}

/** Free what it owns. */
void lk_info_release(lk_corpus_info *info);
/** How many tokens are in the vocabulary of a further column, also where it is not read. */
ptrdiff_t lk_column_tokens(const lk_corpus_column *column);
/** Whether a further column may have this name: small letters, digits and _, and no name with another meaning. */
bool lk_column_name_suits(const char *name);

typedef struct lk_corpus lk_corpus;

/** verify: check the digest of the whole file, as one rank does. LK_IO, LK_NEWER; LK_DATA naming path and position. */
LK_CHECKED lk_status lk_corpus_open(lk_corpus **corpus, const char *path, bool verify);
void lk_corpus_close(lk_corpus **corpus);
const lk_corpus_info *lk_corpus_about(const lk_corpus *corpus);
/** Rows [row, row+rows) of a bucket; any output may be NULL. Every id and length is checked against the vocabulary and
 *  width: LK_DATA. source [rows,width] length [rows] target [rows,target_width] (width, or 1) frames [rows,width,D] */
LK_CHECKED lk_status lk_corpus_rows(const lk_corpus *corpus, lk_split split, int bucket, ptrdiff_t row, ptrdiff_t rows,
                                    int32_t *source, int32_t *length, int32_t *target, float *frames);
/** The same rows of a further column: out [rows,width] int32, or float [rows,width,column width]. LK_DATA. */
LK_CHECKED lk_status lk_corpus_read_column(const lk_corpus *corpus, lk_split split, int bucket, int column,
                                           ptrdiff_t row, ptrdiff_t rows, void *out);
/** The first position of a label, for messages: "train/len_0008 row 3, word 2" (rows from 0, as in the file; words from
 *  1, left out for labels of sequences), by splits and buckets; "" where there is none. LK_DATA, LK_MEMORY. */
LK_CHECKED lk_status lk_corpus_find_label(const lk_corpus *corpus, int32_t label, char out[96]);
/** Append the values of the column LK_FORMS, which the corpus must have. LK_DATA, LK_MEMORY. */
LK_CHECKED lk_status lk_corpus_forms(const lk_corpus *corpus, lk_strings *forms);
/** Pairs: length [rows] of the targets of these rows, with <sos> and <eos>. LK_DATA. */
LK_CHECKED lk_status lk_corpus_target_lengths(const lk_corpus *corpus, lk_split split, int bucket, ptrdiff_t row,
                                              ptrdiff_t rows, int32_t *length);
/** Pairs: append the accepted targets of all rows of a bucket, one string a row. LK_DATA, also where the file has
 *  none. */
LK_CHECKED lk_status lk_corpus_references(const lk_corpus *corpus, lk_split split, int bucket, lk_strings *references);
LK_CHECKED lk_status lk_corpus_stream(const lk_corpus *corpus, lk_split split, ptrdiff_t begin, ptrdiff_t count,
                                      int32_t *ids);
LK_CHECKED lk_status lk_corpus_stream_column(const lk_corpus *corpus, lk_split split, int column, ptrdiff_t begin,
                                             ptrdiff_t count, int32_t *values);
