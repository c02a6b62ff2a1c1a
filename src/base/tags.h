/* tags.h - labels of words as span tags: a letter for the position in the span, and a type.
 *
 *   B begin   I M inside   E L end   S U W single word   O outside
 *
 * as in IOB1, IOB2, IOE1, IOE2, BIOES, BILOU, BMES, BMEWO.
 *
 * Letters may be capital or small, the type after them (B-PER, b_per, B:PER, B/PER) or before (PER-B), or there are no
 * types (B I O; B M E S). All labels of a vocabulary are read in the same of these forms: the one that most of them
 * match. Not collective throughout. */
#pragma once
#include "text.h"

typedef struct lk_tag {
  char prefix;  /* B I E S O; '\0': the label is not a span tag */
  int32_t type; /* number of the type; -1: none, as for O */
} lk_tag;

typedef struct lk_tagset {
  lk_tag *tag;      /* [count] of each label, then of each that training does not have */
  ptrdiff_t count;  /* labels */
  ptrdiff_t fits;   /* how many of them are span tags */
  ptrdiff_t misfit; /* the first label that is not, in the order of the vocabulary; -1: all are */
  int spans;        /* whether the labels mark spans: all are span tags, and not by chance */
  int any_begins;   /* a span may begin with any letter: I tags are far more frequent than B tags, as in IOB1 and IO */
  int any_ends;     /* a span may end with any letter: I tags are far more frequent than E tags, as in IOE1 */
  int begins_alone; /* single words are B tags: there is no S, and B tags are more frequent than E tags */
  uint8_t *letters; /* [types.count + 1] which letters a type has among the labels */
  lk_strings types; /* names of the types in the order of their bytes; "_" where tags have no types */
} lk_tagset;

/** The labels decide the form of the tags; `unseen` (or NULL), labels that training does not have, are read in the same
 *  form. One of them that is not a span tag counts as inside a span of the nameless type types.count; so does the only
 *  one if there are no names. LK_MEMORY. */
LK_CHECKED lk_status lk_tagset_create(lk_tagset *set, const lk_strings *labels, const lk_strings *unseen);
void lk_tagset_release(lk_tagset *set);
/** Whether a sentence may have label `after` (< count) behind label `before`; -1: where it begins, or ends. Inside a
 *  span only I and E of its type, which are nowhere else (unless any_begins, or the type has no B); where a type has E,
 *  its spans end with it (unless any_ends, or begins_alone and they are one word). A set that is NULL or marks no spans
 *  allows everything. */
bool lk_tagset_allows(const lk_tagset *set, ptrdiff_t before, ptrdiff_t after);
/** Whether most labels are span tags, but not all: `misfit` is then the reason why there are no span metrics. */
static inline bool lk_tagset_spoilt(const lk_tagset *set) { return set->misfit >= 0 && 2 * set->fits > set->count; }
