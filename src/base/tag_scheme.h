/* tag_scheme.h - the tags of spans, converted from one scheme to another.
 *
 *   a span of three words, one of one word, and another of its type right behind:
 *     IOB2   B I I O B B        IOE2   I I E O E E        IO   I I I O I I (reads as one span)
 *     IOB1   I I I O I B        IOE1   I I I O E I        BIOES   B I E O S S
 *
 * A tagger learns spans better from tags that say where they begin and end (Ratinov & Roth 2009; Reimers & Gurevych
 * 2017). `prepare label --tags bioes` therefore writes those of a file as BIOES; what the program prints and reads stays
 * in the scheme of the file, which corpus and models record. Any sequence of tags has spans (lk_tag_starts()), so one
 * that its scheme does not allow can be written in another, too; written back, it is allowed and has the same spans.
 * Not collective throughout. */
#pragma once
#include "tags.h"

/* The scheme of a corpus' files, if its labels were converted to BIOES. AS_FILED: the labels are those of the files. */
typedef enum lk_scheme {
  LK_SCHEME_AS_FILED,
  LK_SCHEME_IOB1,
  LK_SCHEME_IOB2,
  LK_SCHEME_IOE1,
  LK_SCHEME_IOE2,
  LK_SCHEME_IO,
  LK_SCHEME_BIOES,
  LK_SCHEMES
} lk_scheme;
extern const char *const lk_scheme_names[LK_SCHEMES]; /* the first is "" */

/** Write the spans of a sentence's tags [n] in another scheme (not AS_FILED); prefix 'O' or '\0': outside. */
void lk_scheme_write(lk_tag *tags, ptrdiff_t n, lk_scheme scheme);

/* What tells schemes apart, counted over sentences. {0} is empty. */
typedef struct lk_scheme_census {
  bool begin, inside, end, single;          /* letters that occur */
  int64_t begins_where_free, inside_starts; /* B, not behind a span of its type; I or E that starts a span */
  int64_t ends_where_free, inside_ends;     /* E, not before a span of its type; I or B that ends a span */
} lk_scheme_census;
/** Count a tag between two others (outside, where a sentence begins or ends) that occurs so many `times`. */
void lk_scheme_count(lk_scheme_census *census, lk_tag before, lk_tag here, lk_tag after, int64_t times);
/** The scheme of what was counted; AS_FILED if it has S, or B and E, since such tags say as much as BIOES. */
lk_scheme lk_scheme_of(const lk_scheme_census *census);

/* A tagset's labels by type and letter. */
typedef struct lk_scheme_labels {
  const lk_tagset *set;
  int32_t *of; /* [types + 1, 4] the label with B, I, E, S of a type; -1: none, -2 and below: one that training lacks */
} lk_scheme_labels;
/** unseen: labels of the set that training does not have. The set must outlive it. LK_MEMORY. */
LK_CHECKED lk_status lk_scheme_labels_create(lk_scheme_labels *labels, const lk_tagset *set, ptrdiff_t unseen);
void lk_scheme_labels_release(lk_scheme_labels *labels);
/** Write a sentence's labels [n] in another scheme. Values below 0: -1 is outside; -2 and below are the labels `unseen`
 *  of lk_tagset_create(). A label stays as it is if the set has none with its new letter; one of training only becomes
 *  another one of training. */
void lk_scheme_relabel(const lk_scheme_labels *labels, int32_t *label, ptrdiff_t n, lk_scheme scheme);
