/* vocab.h - splits text into units and maps units to ids.
 *
 * After folding (NFC, lower case) a text is split into words (at Unicode white space), characters, or the pieces
 * that a SentencePiece model finds (tokenizer.h), separated by blanks. A vocabulary assigns ids: 0-3 are <pad> <sos>
 * <eos> <unk>, then units by falling count, ties by code points, so that the same text always gives the same ids.
 * prepare, predict, score and generate all use these functions. Not collective throughout. */
#pragma once
#include "corpus.h"

typedef enum lk_unit { LK_WORD, LK_CHAR, LK_PIECE, LK_UNITS } lk_unit;
extern const char *const lk_unit_names[LK_UNITS]; /* word char sentencepiece */
/** The unit of this name; false if there is none (frames). */
bool lk_unit_find(const char *name, lk_unit *unit);

/** The next unit of valid UTF-8 text from *at: start and size; false at the end. Words skip white space; characters
 *  are all characters, including blanks; pieces are separated by blanks (U+0020) only. */
bool lk_unit_next(lk_unit unit, const char *text, size_t size, size_t *at, const char **start, size_t *length);

/** Whether a text is empty or only white space. */
bool lk_is_blank(const char *text, size_t size);

/** Remove leading and trailing white space. */
void lk_trim(const char **text, size_t *size);

typedef struct lk_vocab lk_vocab; /* strings and a hash table over them */

/** Create with the special units only (specials = false: for labels, empty, ids from 0). */
LK_CHECKED lk_status lk_vocab_create(lk_vocab **vocab, bool specials);
/** Create from strings read from a file (copied); their numbers are the counts. LK_DATA if the special units are not
 *  the first. */
LK_CHECKED lk_status lk_vocab_from(lk_vocab **vocab, const lk_strings *strings, bool specials);
void lk_vocab_destroy(lk_vocab **vocab);
/** Count an occurrence; a new unit is added. */
LK_CHECKED lk_status lk_vocab_count(lk_vocab *vocab, const char *text, size_t size);
/** Count so many occurrences. */
LK_CHECKED lk_status lk_vocab_count_times(lk_vocab *vocab, const char *text, size_t size, int64_t times);
/** Count every unit of a text. */
LK_CHECKED lk_status lk_vocab_count_text(lk_vocab *vocab, lk_unit unit, const char *text, size_t size);
/** Assign ids: at most `most` units (0: all) that occur at least `least` times are kept; the others are counted as
 *  <unk>. Before this, ids are in the order of first occurrence. */
LK_CHECKED lk_status lk_vocab_finish(lk_vocab *vocab, ptrdiff_t most, int64_t least);
/** The id, or `missing` if the unit is not in the vocabulary (LK_UNK for text, -1 for labels). */
int32_t lk_vocab_find(const lk_vocab *vocab, const char *text, size_t size, int32_t missing);
const lk_strings *lk_vocab_strings(const lk_vocab *vocab);
ptrdiff_t lk_vocab_size(const lk_vocab *vocab);
/** Append the ids of the units of `text` (already folded) to *ids (*count, *capacity: see lk_grow()). */
LK_CHECKED lk_status lk_vocab_encode(const lk_vocab *vocab, lk_unit unit, const char *text, size_t size, int32_t **ids,
                                     ptrdiff_t *count, size_t *capacity);
