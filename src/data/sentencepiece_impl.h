/* sentencepiece_impl.h - the few calls of SentencePiece that we make, as C. Only sentencepiece.cc, which is compiled
 * where the library is there, includes its header. No exception leaves; a failure is 0 and its words in `error`. */
#pragma once
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LK_SENTENCEPIECE_WORDS 256

typedef struct lk_sentencepiece lk_sentencepiece;
/* Takes what comes out, once for each piece or once for the text; nonzero goes on. */
typedef int lk_sentencepiece_taker(void *context, const char *text, size_t size);

/** A model from the bytes of its file, or NULL. */
lk_sentencepiece *lk_sentencepiece_create(const char *bytes, size_t size, char error[LK_SENTENCEPIECE_WORDS]);
void lk_sentencepiece_destroy(lk_sentencepiece *model);
int lk_sentencepiece_encode(const lk_sentencepiece *model, const char *text, size_t size, lk_sentencepiece_taker *take,
                            void *context, char error[LK_SENTENCEPIECE_WORDS]);
/** The text of pieces that stand with blanks between them. */
int lk_sentencepiece_decode(const lk_sentencepiece *model, const char *pieces, size_t size,
                            lk_sentencepiece_taker *take, void *context, char error[LK_SENTENCEPIECE_WORDS]);

#ifdef __cplusplus
}
#endif
