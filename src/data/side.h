/* side.h - one side of a corpus of pairs: how a line of text becomes ids, and ids become a line.
 *
 *   line -> NFC, lower case (as the corpus was made) -> [pieces of a SentencePiece model] -> units -> ids
 *   ids  -> units, blanks between words              -> [joined by the model]             -> line
 *
 * What a corpus or a checkpoint says of itself (lk_corpus_info) is all that is needed. Not collective throughout. */
#pragma once
#include "vocab.h"

typedef enum lk_which_side { LK_SOURCE, LK_TARGET } lk_which_side;
typedef struct lk_side lk_side;

/** `info` must outlive the side. LK_DATA where the vocabulary or model is none, LK_USAGE where the program was built
 *  without SentencePiece and the corpus needs it. */
LK_CHECKED lk_status lk_side_create(lk_side **side, const lk_corpus_info *info, lk_which_side which);
void lk_side_destroy(lk_side **side);
lk_unit lk_side_unit(const lk_side *side);
const lk_vocab *lk_side_vocab(const lk_side *side);
/** Append the ids of a line, without <sos> and <eos> (lk_grow()n; *count, *capacity kept); a unit that is spelled like a
 *  special one is <unk>. LK_DATA where the line is no valid UTF-8 ("column N: ..."). */
LK_CHECKED lk_status lk_side_encode(lk_side *side, const char *line, size_t size, int32_t **ids, ptrdiff_t *count,
                                    size_t *capacity);
/** Append the text of ids up to the first <eos>, <pad> and <sos> left out. The text is comparable with references. */
LK_CHECKED lk_status lk_side_decode(lk_side *side, const int32_t *ids, ptrdiff_t count, lk_buffer *out);
