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

/* Whether a span ends, or starts, between a word with tag `a` and the next one with tag `b`, by the rules of conlleval: an
 * I after O, or after another type, starts one; after E and S the span is closed whatever follows. */
static inline bool lk_tag_ends(lk_tag a, lk_tag b) {
  if (a.prefix == 'O') return false;
  if (a.prefix == 'E' || a.prefix == 'S' || a.type != b.type) return true;
  return b.prefix == 'B' || b.prefix == 'S' || b.prefix == 'O';
}
static inline bool lk_tag_starts(lk_tag a, lk_tag b) {
  if (b.prefix == 'O') return false;
  if (b.prefix == 'B' || b.prefix == 'S' || a.type != b.type) return true;
  return a.prefix == 'O' || a.prefix == 'E' || a.prefix == 'S';
}

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
  char separator;   /* between letter and type; '\0': a letter alone, without a type */
  bool behind;      /* the letter is after the type */
  lk_strings types; /* names of the types in the order of their bytes; "_" where tags have no types */
} lk_tagset;

/** Read labels as tags. The labels of training decide the form of the tags; `unseen` (or NULL), labels that training
 *  does not have, are read in that form. One of these that is not a span tag counts as inside a span of the nameless
 *  type types.count, and so does any unseen label if they have no names. LK_MEMORY. */
LK_CHECKED lk_status lk_tagset_create(lk_tagset *set, const lk_strings *labels, const lk_strings *unseen);
void lk_tagset_release(lk_tagset *set);
/** Split a label of the set's form: its letter, '\0' if it is no span tag, and its type [*size] (none for O). */
char lk_tagset_cut(const lk_tagset *set, const char *label, size_t label_size, const char **type, size_t *size);
/** The position of the letter in a label of that form with so many bytes. */
static inline size_t lk_tagset_letter(const lk_tagset *set, size_t label_size) {
  return set->behind ? label_size - 1 : 0;
}
/** Whether label `after` (< count) may follow label `before` in a sentence; -1 is its beginning (before) or end
 *  (after). Inside a span only I and E of its type may follow, and these occur nowhere else (unless any_begins, or the
 *  type has no B). If a type has E, its spans end with it (unless any_ends, or begins_alone and the span is one word).
 *  A set that is NULL or marks no spans allows everything. */
bool lk_tagset_allows(const lk_tagset *set, ptrdiff_t before, ptrdiff_t after);
/** Whether most labels are span tags, but not all: `misfit` is then the reason why there are no span metrics. */
static inline bool lk_tagset_spoilt(const lk_tagset *set) { return set->misfit >= 0 && 2 * set->fits > set->count; }
