/* decode.h - what a trained model is asked for: classes, tags, text, probabilities. Not collective throughout.
 *
 * Answers do not depend on how lines are batched: every row's arithmetic is its own (kernels.h). */
#pragma once
#include "lockstep/model.h"

typedef struct lk_lines {
  const char *const *text;
  const size_t *size;
  ptrdiff_t count;
  int64_t first; /* number of the first line in its file, for messages */
} lk_lines;

/** One line of output for each line of input, in order. classify: the label (scores: TAB log-probability); frames are
 *  given as "f,f,f f,f,f"; label: a tag for every word, blank-separated. Empty lines give empty lines. LK_DATA naming
 *  line and column. */
LK_CHECKED lk_status lk_predict(lk_model *model, const lk_lines *lines, bool scores, lk_buffer *out);

typedef struct lk_score {
  double
      log_probability; /* nats, of the whole sequence with its <eos>; classify and label: of ... see lk_score_lines */
  int64_t units;
  int64_t unknown;
} lk_score;
/** Language model: log P of each line, <eos> included (running-text models: of its units after the first, from zero
 *  states). LK_USAGE for other tasks. */
LK_CHECKED lk_status lk_score_lines(lk_model *model, const lk_lines *lines, lk_score *out);

typedef struct lk_generate {
  const char *prompt;  /* "" : from <sos>, or for a running text from a line end */
  double temperature;  /* 0: the most probable unit each time */
  int64_t top_k;       /* 0: all */
  double top_p;        /* 1: all (Holtzman et al. 2020) */
  int64_t length;      /* units at most */
  int64_t seed, count; /* sequences; each ends at <eos> unless the model reads running text */
} lk_generate;
/** Text is handed to `put` as it comes; a status other than LK_OK from put ends it. LK_USAGE for other tasks. */
LK_CHECKED lk_status lk_generate_text(lk_model *model, const lk_generate *how,
                                      lk_status (*put)(void *context, const char *text, size_t size), void *context);
