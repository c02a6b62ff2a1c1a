/* side.h - one side of a corpus of pairs: how a line of text becomes ids, and ids become a line.
 *
 *   line -> NFC, lower case (as the corpus was made) -> [pieces of a SentencePiece model] -> units -> ids
 *   ids  -> units, blanks between words              -> [joined by the model]             -> line
 *
 * What a corpus or a checkpoint says of itself (lk_corpus_info) is all that is needed. Not collective throughout. */
#pragma once
#include "vocab.h"

typedef enum lk_text_side { LK_SOURCE, LK_TARGET } lk_text_side;
typedef struct lk_tokenizer lk_tokenizer;

/** `info` must outlive the side. LK_DATA where the vocabulary or model is none, LK_USAGE where the program was built
 *  without SentencePiece and the corpus needs it. */
LK_CHECKED lk_status lk_tokenizer_create(lk_tokenizer **tokenizer, const lk_corpus_info *info, lk_text_side which);
void lk_tokenizer_destroy(lk_tokenizer **tokenizer);
lk_unit lk_tokenizer_unit(const lk_tokenizer *tokenizer);
const lk_vocab *lk_tokenizer_vocab(const lk_tokenizer *tokenizer);
/** Append the ids of a line, without <sos> and <eos> (lk_grow()n; *count, *capacity kept); a unit that is spelled like a
 *  special one is <unk>. LK_DATA where the line is no valid UTF-8 ("column N: ..."). */
LK_CHECKED lk_status lk_tokenizer_encode(lk_tokenizer *tokenizer, const char *line, size_t size, int32_t **ids,
                                         ptrdiff_t *count, size_t *capacity);
/** Append the text of ids up to the first <eos>, <pad> and <sos> left out. The text is comparable with references. */
LK_CHECKED lk_status lk_tokenizer_decode(lk_tokenizer *tokenizer, const int32_t *ids, ptrdiff_t count, lk_buffer *out);
