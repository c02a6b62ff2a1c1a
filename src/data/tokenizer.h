/* tokenizer.h - convert a line of text to ids and back, for the source or target side of a corpus.
 *
 *   line -> NFC, lower case (as in the corpus) -> [split by a SentencePiece model] -> units -> ids
 *   ids  -> units, blanks between words        -> [joined by the model]            -> line
 *
 * All settings come from the description of a corpus, which checkpoints contain too (lk_corpus_info). Not collective
 * throughout. */
#pragma once
#include "vocab.h"

typedef enum lk_text_side { LK_SOURCE, LK_TARGET } lk_text_side;
typedef struct lk_tokenizer lk_tokenizer;

/** `info` must outlive the tokenizer. LK_DATA if the vocabulary or model is invalid, LK_USAGE if the corpus needs
 *  SentencePiece and the program was built without it. */
LK_CHECKED lk_status lk_tokenizer_create(lk_tokenizer **tokenizer, const lk_corpus_info *info, lk_text_side which);
void lk_tokenizer_destroy(lk_tokenizer **tokenizer);
lk_unit lk_tokenizer_unit(const lk_tokenizer *tokenizer);
const lk_vocab *lk_tokenizer_vocab(const lk_tokenizer *tokenizer);
/** Append the ids of a line, without <sos> and <eos>, to *ids (*count, *capacity: see lk_grow()); a unit spelled
 *  like a special one becomes <unk>. LK_DATA if the line is not valid UTF-8 ("column N: ..."). */
LK_CHECKED lk_status lk_tokenizer_encode(lk_tokenizer *tokenizer, const char *line, size_t size, int32_t **ids,
                                         ptrdiff_t *count, size_t *capacity);
/** Append the text of ids up to the first <eos>, without <pad> and <sos>. The text can be compared with references. */
LK_CHECKED lk_status lk_tokenizer_decode(lk_tokenizer *tokenizer, const int32_t *ids, ptrdiff_t count, lk_buffer *out);
