/* model.h - open a trained model and use it.
 *
 * A model is a checkpoint of a run (best.h5, last.h5): it holds its weights, configuration, vocabulary and labels.
 *
 *   lockstep_model *model = NULL;
 *   lockstep_answers *answers = NULL;
 *   const char *lines[] = {"Papadopoulos", "Nakamura"};
 *   if (lockstep_model_open(&model, "run/best.h5") == LOCKSTEP_OK &&
 *       lockstep_model_predict(model, lines, 2, &answers) == LOCKSTEP_OK)
 *     for (size_t i = 0; i < lockstep_answers_count(answers); i++) puts(lockstep_answers_text(answers, i));
 *   lockstep_answers_destroy(&answers);
 *   lockstep_model_close(&model);
 *
 * No function here needs MPI, and none is collective. Lines are UTF-8 texts without newlines. They are normalised and
 * cut into units as the training corpus was; units that the model does not know count as <unk>. The answer to a line
 * does not depend on the lines beside it. Many lines in one call are faster than many calls. Log-probabilities are
 * natural logarithms (nats).
 *
 * With LOCKSTEP_DATA the message names the line, counted from 1, and the column of the fault: "lines:2:7: ...". */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "lockstep/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lockstep_model lockstep_model;

/** Open, verify and load. LOCKSTEP_IO, LOCKSTEP_DATA, LOCKSTEP_NEWER, LOCKSTEP_MEMORY. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_model_open(lockstep_model **model, const char *path);
/** Join the model of a file to this one. In lockstep_model_predict() and lockstep_model_translate() the probability of
 *  a label, or of each next unit of a translation, is then the mean of theirs. Both must have the same task and the
 *  same labels or target units, in any order; all else may differ. LOCKSTEP_USAGE naming the first difference, or a
 *  status of lockstep_model_open(); the model is then unchanged. Other functions use the first model only. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_model_join(lockstep_model *model, const char *path);
/** Close *model and set it to NULL. No effect if it is NULL. */
LOCKSTEP_API void lockstep_model_close(lockstep_model **model);

/* What the model is. Texts belong to the model and are valid until it is closed. None of these fails or waits. */
/** "lm" (score, generate), "classify" (predict), "label" (predict, score), or "translate" (translate, score). */
LOCKSTEP_API const char *lockstep_model_task(const lockstep_model *model);
/** Number of trained parameters. */
LOCKSTEP_API int64_t lockstep_model_parameters(const lockstep_model *model);
/** Steps that it was trained for. */
LOCKSTEP_API int64_t lockstep_model_step(const lockstep_model *model);
/** Its settings as YAML (config.h). */
LOCKSTEP_API const char *lockstep_model_config(const lockstep_model *model);
/** Size of its vocabulary, including the four special units; 0 if it reads frames. */
LOCKSTEP_API int64_t lockstep_model_vocabulary(const lockstep_model *model);
/** Number of labels, and the text of one, 0 <= i < labels, else NULL. */
LOCKSTEP_API int64_t lockstep_model_labels(const lockstep_model *model);
LOCKSTEP_API const char *lockstep_model_label(const lockstep_model *model, int64_t i);

/* Answers to lines, in the order of the lines. */
typedef struct lockstep_answers lockstep_answers;
/** How many there are. The functions below take 0 <= i < count; other i give NULL or 0. */
LOCKSTEP_API size_t lockstep_answers_count(const lockstep_answers *answers);
/** The line that answer i belongs to, from 0. */
LOCKSTEP_API size_t lockstep_answers_line(const lockstep_answers *answers, size_t i);
/** The answer: a label; tags, separated as the words of the line are; or a translation. "" for an empty line. */
LOCKSTEP_API const char *lockstep_answers_text(const lockstep_answers *answers, size_t i);
/** log P of the answer given the line (for tags: the sum over the words), 0 for an empty line. */
LOCKSTEP_API double lockstep_answers_log_probability(const lockstep_answers *answers, size_t i);
/** Free *answers and set it to NULL. No effect if it is NULL. */
LOCKSTEP_API void lockstep_answers_destroy(lockstep_answers **answers);

/** Predict labels of texts, or of frames "1.5,0.2 1.4,0.3 ..." (classify), or a tag for each word (label; words end at
 *  TABs if the line has one, else at spaces). One answer a line. LOCKSTEP_USAGE for other tasks, LOCKSTEP_DATA,
 *  LOCKSTEP_MEMORY. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_model_predict(lockstep_model *model, const char *const *lines,
                                                                     size_t count, lockstep_answers **answers);

/* Start from LOCKSTEP_TRANSLATE_OPTIONS. */
typedef struct lockstep_translate_options {
  size_t size;             /* set by LOCKSTEP_TRANSLATE_OPTIONS; how a newer library knows this struct */
  int64_t beam;            /* width of the beam search, 1 to 1024; 1: the most probable unit each time */
  int64_t best;            /* translations of a line, at most, 1 to beam */
  double length_penalty;   /* ranked by log P / ((5 + units) / 6)^x */
  double coverage_penalty; /* ranks lower what leaves parts of the source unattended; 0: does not */
  int64_t max_length;      /* units of a line at most; 0: 1000, or twice the longest it was trained on */
} lockstep_translate_options;
#define LOCKSTEP_TRANSLATE_OPTIONS \
  { sizeof(lockstep_translate_options), 5, 1, 0.6, 0, 0 }

/** Translate lines; the answers of each line come best first. An empty line has one answer, "". options may be NULL.
 *  LOCKSTEP_USAGE for other tasks and bad options, LOCKSTEP_DATA, LOCKSTEP_MEMORY. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_model_translate(lockstep_model *model, const char *const *lines,
                                                                       size_t count,
                                                                       const lockstep_translate_options *options,
                                                                       lockstep_answers **answers);

typedef struct lockstep_score {
  double log_probability; /* of the whole line */
  int64_t units;          /* that were predicted; perplexity is exp(-log_probability / units) */
  int64_t unknown;        /* of them <unk> */
} lockstep_score;
/** Compute log P of each line: scores [count]. lm: of all units and the line's end; models of running text: of the
 *  units after the first. translate: P(target | source) of lines "source TAB target". label: P(labels | words) of lines
 *  in which words and labels take turns, separated by TABs. An empty line of pairs or labels has 0 units.
 *  LOCKSTEP_USAGE for classifiers, LOCKSTEP_DATA, LOCKSTEP_MEMORY. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_model_score(lockstep_model *model, const char *const *lines,
                                                                   size_t count, lockstep_score *scores);

/* Start from LOCKSTEP_GENERATE_OPTIONS. */
typedef struct lockstep_generate_options {
  size_t size;        /* set by LOCKSTEP_GENERATE_OPTIONS; how a newer library knows this struct */
  const char *prompt; /* what the text begins with, NULL: nothing */
  double temperature; /* 1: as the model says; 0: the most probable unit each time */
  int64_t top_k;      /* choose among so many most probable units; 0: all */
  double top_p;       /* choose among the fewest units that together have this probability; 1: all */
  int64_t length;     /* units at most */
  int64_t seed;       /* the same seed gives the same text */
} lockstep_generate_options;
#define LOCKSTEP_GENERATE_OPTIONS \
  { sizeof(lockstep_generate_options), 0, 1, 0, 1, 500, 1 }

/** Sample a text, which begins with the prompt and ends with a newline. `put` receives it piece by piece as it is made
 *  (not NUL-terminated); a value other than 0 from `put` ends the sampling. options may be NULL. LOCKSTEP_USAGE for
 *  other tasks than lm and for bad options, LOCKSTEP_MEMORY. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status
lockstep_model_generate(lockstep_model *model, const lockstep_generate_options *options,
                        int (*put)(void *context, const char *text, size_t bytes), void *context);

#ifdef __cplusplus
}
#endif
