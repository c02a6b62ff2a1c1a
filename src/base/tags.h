/* tags.h - labels of words read as tags that mark spans: a letter that says where in a span the word stands, and a type.
 *
 *   B begins   I M inside   E L ends   S U W is one alone   O is outside   (IOB1, IOB2, BIOES, BILOU, BMES, BMEWO)
 *
 * In capitals or small letters, with the type behind (B-PER, b_per, B:PER, B/PER) or in front (PER-B), or without types
 * (B I O; B M E S). One vocabulary is written in one of these ways: the one that most of its labels fit.
 * Not collective throughout. */
#pragma once
#include "text.h"

typedef struct lk_tag {
  char prefix;  /* B I E S O, or '\0' where the label is no span tag */
  int32_t type; /* number of the type; -1 for O and where there is none */
} lk_tag;

typedef struct lk_tagset {
  lk_tag *tag;      /* [count] of each label, then of each that training never had */
  ptrdiff_t count;  /* labels */
  ptrdiff_t fits;   /* of them span tags */
  ptrdiff_t misfit; /* the first label that is none, in the order of the vocabulary; -1: all are */
  int spans;        /* whether they mark spans at all: all fit, and not by chance */
  lk_strings types; /* names of the types in the order of their bytes; "_" where tags have no types */
} lk_tagset;

/** Labels decide what the tags are like; `unseen` (or NULL), those that training never had, are read in the same way. One
 *  that is no span tag is inside of a span of a type without a name, types.count; so is the only one where there are no
 *  names. LK_MEMORY. */
LK_CHECKED lk_status lk_tagset_create(lk_tagset *set, const lk_strings *labels, const lk_strings *unseen);
void lk_tagset_release(lk_tagset *set);
/** Whether most labels are span tags, but not all: then `misfit` keeps figures of spans from being had. */
static inline bool lk_tagset_spoilt(const lk_tagset *set) { return set->misfit >= 0 && 2 * set->fits > set->count; }
