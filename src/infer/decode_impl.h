/* decode_impl.h - what the decode files share: lines as batches, and the choice of one unit. */
#pragma once
#include "decode.h"
#include "spelling.h"

#define LK_LINES_MOST 64                 /* lines of a batch */
#define LK_ROWS_MOST  ((ptrdiff_t)16384) /* and rows, unless one line has more */

/* The lines of a block, a batch at a time. */
typedef struct lk_line_batch {
  lk_model *model;
  const lk_lines *lines;
  ptrdiff_t first, count;       /* lines of this batch */
  ptrdiff_t seq[LK_LINES_MOST]; /* [count] the batch's sequence of a line, -1: the line is empty */
  bool tabs[LK_LINES_MOST];     /* [count] its words were set apart by TABs */
  lk_batch batch;               /* target: the next unit, for language models; else NULL */
  lk_arena arena;

  ptrdiff_t begin[LK_LINES_MOST], length[LK_LINES_MOST]; /* of a line's ids, or of its frames */
  int32_t *ids;
  ptrdiff_t id_count;
  size_t id_capacity;
  float *values, *frames; /* as they came; as the batch has them */
  size_t value_count, value_capacity, frame_capacity;
  int32_t *target;
  size_t target_capacity;
  int32_t *feature[LK_MOST_FURTHER], *packed[LK_MOST_FURTHER]; /* further columns: as ids; as the batch has them */
  size_t feature_capacity[LK_MOST_FURTHER], packed_capacity[LK_MOST_FURTHER];
  lk_speller speller; /* how the words of the batch are written */
} lk_line_batch;

/** The next batch: count lines, 0 at the end; batch.pack.B of them not empty. LK_DATA, LK_MEMORY. */
LK_CHECKED lk_status lk_line_batch_next(lk_line_batch *b);
/** The same in two parts, for several models that read the same lines: read what fits into a batch, at most count lines;
 *  then make a batch of the first `count` of them. */
LK_CHECKED lk_status lk_line_batch_read(lk_line_batch *b);
LK_CHECKED lk_status lk_line_batch_make(lk_line_batch *b, ptrdiff_t count);
void lk_line_batch_release(lk_line_batch *b);

/* Further columns of the model, in features.c. */
/** To be called before the lines of a batch are read. LK_MEMORY. */
LK_CHECKED lk_status lk_line_features_begin(lk_line_batch *b);
/** Compute the values for the ids of a line, which are b->ids from `first` on. LK_DATA, LK_MEMORY. */
LK_CHECKED lk_status lk_line_features_read(lk_line_batch *b, ptrdiff_t line, ptrdiff_t first);
/** Add the columns to the batch, which has its rows. LK_MEMORY. */
LK_CHECKED lk_status lk_line_features_layout(lk_line_batch *b);
/** The columns of a line of this batch as it was read, one value a unit; what they point to is the batch's. */
void lk_line_text(const lk_line_batch *b, ptrdiff_t line, lk_inputs *text);
/** Copy the values of a line to the rows of its sequence. */
void lk_line_features_place(lk_line_batch *b, ptrdiff_t line, ptrdiff_t seq);

/** Whether the words of a labeller's line are set apart by TABs. */
bool lk_line_has_tabs(const lk_lines *lines, ptrdiff_t line);
/** Its next word from *at, without blanks around it; false at the end. */
bool lk_line_next_word(const lk_lines *lines, ptrdiff_t line, size_t *at, const char **word, size_t *size);
/** Whether some label has blanks inside: labels are then set apart by TABs, whatever stands between the words. */
bool lk_labels_have_blanks(const lk_strings *labels);
/** Append the words of such a line, one id each. LK_DATA with the place. */
LK_CHECKED lk_status lk_read_words(lk_model *model, const lk_lines *lines, ptrdiff_t line, int32_t **ids,
                                   ptrdiff_t *count, size_t *capacity);
/** Append the frames of a line, "f,f,f f,f,f", D numbers each, to values; *frames of them. LK_DATA with the place. */
LK_CHECKED lk_status lk_read_frames(const lk_lines *lines, ptrdiff_t line, ptrdiff_t D, float **values, size_t *count,
                                    size_t *capacity, ptrdiff_t *frames);

/** Add to model->seen a text, which was cut into these ids [n] of the vocabulary. LK_MEMORY. */
LK_CHECKED lk_status lk_seen_text(lk_model *model, const lk_vocab *vocab, lk_unit unit, const char *text, size_t size,
                                  const int32_t *ids, ptrdiff_t n);
/** The same by parts: an unknown unit, folded; the units of a line. */
LK_CHECKED lk_status lk_seen_unknown(lk_model *model, const lk_vocab *vocab, lk_unit unit, const char *text,
                                     size_t size);
void lk_seen_count(lk_model *model, ptrdiff_t units, ptrdiff_t unknown);

typedef struct lk_scores {
  double *log_p; /* [N] log-probability of each target of a batch, nats */
  size_t capacity;
} lk_scores;
/** Compute the log-probabilities of the targets of a batch. LK_MEMORY. */
LK_CHECKED lk_status lk_scores_measure(lk_scores *scores, lk_model *model, const lk_batch *batch);
/** The score of sequence b. */
lk_score lk_scores_sum(const lk_scores *scores, const lk_batch *batch, ptrdiff_t b);
/** lk_score_lines() of a tagger, and of a translator. */
LK_CHECKED lk_status lk_score_labels(lk_model *model, const lk_lines *lines, lk_score *out);
LK_CHECKED lk_status lk_score_pairs(lk_model *model, const lk_lines *lines, lk_score *out);

/* Texts of a block as ids. */
typedef struct lk_encoded {
  int32_t *ids;
  ptrdiff_t count; /* of ids */
  size_t capacity;
  ptrdiff_t begin[LK_LINES_MOST], length[LK_LINES_MOST];
} lk_encoded;
/** Take bytes [from, to) of a line as text i of the batch. LK_DATA naming line and column, also if it has more units
 *  than model->most. */
LK_CHECKED lk_status lk_encoded_add(lk_encoded *encoded, ptrdiff_t i, lk_model *model, lk_text_side side,
                                    const lk_lines *lines, ptrdiff_t line, size_t from, size_t to);

/* A unit that may be drawn. */
typedef struct lk_candidate {
  lk_real score, weight;
  int32_t id;
} lk_candidate;

/* Chooses a unit from the head's scores, which are log-probabilities but for a constant. */
typedef struct lk_sampler {
  const lk_generate *how;
  int32_t *allowed; /* [allowed_count] ids that may come, rising */
  ptrdiff_t allowed_count;
  lk_candidate *candidate; /* [allowed_count] */
  lk_real *scratch;        /* [allowed_count] */
} lk_sampler;

LK_CHECKED lk_status lk_sampler_init(lk_sampler *sampler, const lk_generate *how, ptrdiff_t V, bool eos);
void lk_sampler_release(lk_sampler *sampler);
/** The unit that is drawn by the number u in [0,1). */
int32_t lk_sample(lk_sampler *sampler, const lk_real *scores, double u);
