/* metrics.h - counting what a labeller found: spans as conlleval counts them. Not collective throughout. */
#pragma once
#include "lockstep/text.h"

/* Tags of one label vocabulary, read once: scheme letter and type. IOB1, BIO (IOB2), BIOES/BILOU mixed as they come. */
typedef struct lk_tag {
  char prefix;  /* B I E S O, or '\0' where the label is no span tag */
  int32_t type; /* number of the type; -1 for O */
} lk_tag;
typedef struct lk_tagset {
  lk_tag *tag;
  ptrdiff_t count;
  int spans; /* whether these labels mark spans at all: every label is O or <letter>-<type> */
} lk_tagset;
typedef struct lk_span_counts {
  int64_t gold, found, correct;
} lk_span_counts;

LK_CHECKED lk_status lk_tagset_create(lk_tagset *set, const lk_strings *labels);
void lk_tagset_release(lk_tagset *set);
/** Add the spans of one sentence: a span is correct where start, end and type agree. Chunks start and end by the rules of
 *  conlleval, so every sequence of tags has spans: an I after O, or after another type, starts one. After E and S the
 *  span is closed whatever follows, as later versions of the script have it. A label of -1 counts as O. */
void lk_spans_count(const lk_tagset *set, const int32_t *gold, const int32_t *found, ptrdiff_t n,
                    lk_span_counts *counts);
