/* vocab.h - units of text and their numbers.
 *
 * A text is cut into units, words (at Unicode white space) or characters, after folding (NFC, lower case), or into the
 * pieces that a SentencePiece model finds (side.h), which then stand with blanks between them. A vocabulary
 * numbers them: ids 0-3 are <pad> <sos> <eos> <unk>, then units by falling count, equals by code points, so that the same
 * text always gives the same numbers. prepare, predict, score and generate all cut and number through here.
 * Not collective throughout. */
#pragma once
#include "corpus.h"

typedef enum lk_unit { LK_WORD, LK_CHAR, LK_PIECE, LK_UNITS } lk_unit;
extern const char *const lk_unit_names[LK_UNITS]; /* word char sentencepiece */
/** The unit of that name; false where there is none (frames). */
bool lk_unit_find(const char *name, lk_unit *unit);

/** The next unit of valid UTF-8 text from *at: start and size; false at the end. Words skip white space; characters are
 *  all characters, blanks included; pieces are separated by blanks (U+0020) alone. */
bool lk_unit_next(lk_unit unit, const char *text, size_t size, size_t *at, const char **start, size_t *length);

/** Whether a text is nothing but white space. */
bool lk_is_blank(const char *text, size_t size);

/** A text without the white space around it. */
void lk_trim(const char **text, size_t *size);

typedef struct lk_vocab lk_vocab; /* strings and a hash over them */

/** Empty but for the specials (specials = false: labels, numbered from 0). */
LK_CHECKED lk_status lk_vocab_create(lk_vocab **vocab, bool specials);
/** Over strings read from a file (copied); their numbers are the counts. LK_DATA where the specials are not in place. */
LK_CHECKED lk_status lk_vocab_from(lk_vocab **vocab, const lk_strings *strings, bool specials);
void lk_vocab_destroy(lk_vocab **vocab);
/** Count one more occurrence, adding the unit where it is new. */
LK_CHECKED lk_status lk_vocab_count(lk_vocab *vocab, const char *text, size_t size);
/** The same for every unit of a text. */
LK_CHECKED lk_status lk_vocab_count_text(lk_vocab *vocab, lk_unit unit, const char *text, size_t size);
/** Number what was counted: keep at most `most` (0: all) units seen at least `least` times; those left out count for
 *  <unk>. Before this lk_vocab_find() must not be used. */
LK_CHECKED lk_status lk_vocab_finish(lk_vocab *vocab, ptrdiff_t most, int64_t least);
/** Id, or `missing` where it is not there (LK_UNK for text, -1 for labels). */
int32_t lk_vocab_find(const lk_vocab *vocab, const char *text, size_t size, int32_t missing);
const lk_strings *lk_vocab_strings(const lk_vocab *vocab);
ptrdiff_t lk_vocab_size(const lk_vocab *vocab);
/** Append the ids of the units of `text` (already folded) to *ids (lk_grow()n; *count, *capacity kept). */
LK_CHECKED lk_status lk_vocab_encode(const lk_vocab *vocab, lk_unit unit, const char *text, size_t size, int32_t **ids,
                                     ptrdiff_t *count, size_t *capacity);
