/* decode.h - answers of a trained model: classes, tags, text, probabilities. Not collective throughout.
 *
 * Answers do not depend on how lines are batched: every row's arithmetic is its own (kernels.h).
 *
 * If further models have joined a model (lk_model_join()), all answer together: the probability of a label, or of the
 * next unit of a translation given those before it, is the mean of theirs. A head that chooses all labels of a sentence
 * together (crf) uses the means of scores instead. A line that is empty for one model is empty. */
#pragma once
#include <math.h>

#include "model.h"

/* How a labeller's lines are cut into words. AUTO: at TABs if a line has one, else at white space; a line that looks
 * like a row of a file in columns is refused. */
typedef enum lk_cut { LK_CUT_AUTO, LK_CUT_BLANKS, LK_CUT_TABS } lk_cut;

/** A log-probability as it is printed, with six digits behind the point: 0 rather than -0.000000, and nan without a
 *  sign. */
static inline double lk_shown_log_p(double log_p) { return isnan(log_p) ? (double)NAN : log_p > -5e-7 ? 0 : log_p; }

typedef struct lk_lines {
  const char *name; /* of the file, for messages: "standard input" */
  const char *const *text;
  const size_t *size; /* bytes, without the newline */
  ptrdiff_t count;
  int64_t first; /* number of the first line in its file */
  lk_cut cut;
} lk_lines;

/* An answer to lines->text[line]. */
typedef struct lk_answer {
  ptrdiff_t line;
  const char *text; /* [size], of the answer; NULL for an empty line, which has none */
  size_t size;
  double log_probability; /* nats */
} lk_answer;
/* Takes answers in the order of their lines; a status other than LK_OK ends the work and is returned. */
typedef lk_status lk_take_answer(void *context, const lk_answer *answer);

/** An answer for each line. classify: the label; frames are given as "f,f,f f,f,f"; label: a tag for every word, separated
 *  as the words are (by TABs too where a label has spaces inside), and the sum of their log-probabilities. LK_USAGE for a
 *  language model and a translator, LK_DATA naming line and column. */
LK_CHECKED lk_status lk_predict_each(lk_model *model, const lk_lines *lines, lk_take_answer *take, void *context);
/** The same as text, a line each; scores: then TAB and the log-probability. Empty lines give empty lines. */
LK_CHECKED lk_status lk_predict(lk_model *model, const lk_lines *lines, bool scores, lk_buffer *out);

typedef struct lk_labelling {
  int64_t nbest; /* label sequences of a sentence; 0: the best alone, as lk_predict() prints it */
  bool scores, marginals;
} lk_labelling;
/** The best label sequences of a tagger's lines as text, the best first. nbest above 0: for each line so many (or as
 *  many as there are; none for an empty line), each after the number of its line and TAB. scores: then TAB and log P of
 *  the sequence (nats). marginals: then TAB and for each word, separated by spaces, the probability of its label,
 *  whatever the labels of the other words. LK_USAGE if the model is no tagger or gives no probabilities, LK_DATA naming
 *  line and column. */
LK_CHECKED lk_status lk_label_lines(lk_model *model, const lk_lines *lines, const lk_labelling *how, lk_buffer *out);

typedef struct lk_translate {
  int64_t beam, nbest;     /* beginnings that go on side by side; translations of a line, nbest <= beam */
  double length_penalty;   /* alpha: log P is divided by ((5 + units) / 6)^alpha; 0 none (Wu et al. 2016) */
  double coverage_penalty; /* beta: for words of the source that were not attended to; 0 none */
  bool scores, alignment;
} lk_translate;
/** Translations of lines, the best first by the penalised log P. nbest 1: one a line, an empty line for an empty line;
 *  more: so many (or as many as were found; none for an empty line), each after the number of its line and TAB. scores:
 *  then TAB and log P (nats). alignment: instead one JSON object for each translation, on a line of its own: "line",
 *  "source" and "target" (units), "text", "log_probability", "weights" (target by source; null without attention).
 *  LK_USAGE if the model is no translator or the beam is invalid, LK_DATA naming line and column. */
LK_CHECKED lk_status lk_translate_lines(lk_model *model, const lk_lines *lines, const lk_translate *how,
                                        lk_buffer *out);

/** The same without `scores` and `alignment`: each line's translations, the best first. */
LK_CHECKED lk_status lk_translate_each(lk_model *model, const lk_lines *lines, const lk_translate *how,
                                       lk_take_answer *take, void *context);

typedef struct lk_together lk_together;
/** From now on evaluations (evaluate.h) of a model's task measure the joint answers of the model and those that have
 *  joined it. This ends when *together is destroyed, which must be before the model is closed. All must fit the corpus.
 *  For a translator's texts see lk_beam_writer. LK_MEMORY. */
LK_CHECKED lk_status lk_together_create(lk_together **together, lk_model *model);
void lk_together_destroy(lk_together **together);

typedef struct lk_beam_writer lk_beam_writer;
/** From now on evaluations (evaluate.h) of a translator measure the results of a beam search (beam and penalties of
 *  `how`) instead of greedy translations. This ends when *writer is destroyed, which must be before the model is
 *  closed. The answers are those of lk_translate_lines(). LK_MEMORY. */
LK_CHECKED lk_status lk_beam_writer_create(lk_beam_writer **writer, lk_model *model, const lk_translate *how);
void lk_beam_writer_destroy(lk_beam_writer **writer);

typedef struct lk_score {
  double log_probability; /* nats, of the whole sequence */
  int64_t units;          /* that were predicted */
  int64_t unknown;        /* of them <unk>: their probability is that of any unknown unit */
} lk_score;
/** Translator: log P(target | source) of lines "source TAB target", <eos> included; an empty line has 0 units. Language
 *  model: log P of each line [lines->count], <eos> included (running-text models: of its units after the first, from
 *  zero states). Tagger: log P of the labels in lines in which words and labels take turns, separated by TABs. LK_USAGE
 *  for classifiers, LK_DATA naming the line. */
LK_CHECKED lk_status lk_score_lines(lk_model *model, const lk_lines *lines, lk_score *out);

typedef struct lk_generate {
  const char *prompt;  /* "" : from <sos>, or for a running text from a line end */
  double temperature;  /* 0: the most probable unit each time */
  int64_t top_k;       /* 0: all */
  double top_p;        /* 1: all; else the fewest units that hold so much probability (Holtzman et al. 2020) */
  int64_t length;      /* units at most */
  int64_t seed, count; /* sequences; each ends at <eos> unless the model reads running text */
} lk_generate;
/** Sequence after sequence, each begun by the prompt and ended by a newline. Unit n of sequence s is drawn with random
 *  number (seed, s, n), so asking for more or longer sequences does not change the first. <pad>, <sos>, <unk> are never
 *  drawn; words are separated by blanks, and <eos> in a running text of words is a newline.
 *  Text is handed to `put` as it comes; a status other than LK_OK from put ends it. LK_USAGE for other tasks and
 *  for a prompt that is not UTF-8. */
LK_CHECKED lk_status lk_generate_text(lk_model *model, const lk_generate *how,
                                      lk_status (*put)(void *context, const char *text, size_t size), void *context);
