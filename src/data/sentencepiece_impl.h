/* sentencepiece_impl.h - C interface to the few SentencePiece functions that are used. Only sentencepiece.cc, which
 * is compiled if the library is installed, includes the library's header. Exceptions are caught there; a failure is
 * 0, with a message in `error`. */
#pragma once
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LK_SENTENCEPIECE_WORDS 256

typedef struct lk_sentencepiece lk_sentencepiece;
/* Receives the output, called once per piece or once for the text; returns nonzero to continue. */
typedef int lk_sentencepiece_taker(void *context, const char *text, size_t size);

/** Create a model from the contents of its file; NULL on failure. */
lk_sentencepiece *lk_sentencepiece_create(const char *bytes, size_t size, char error[LK_SENTENCEPIECE_WORDS]);
void lk_sentencepiece_destroy(lk_sentencepiece *model);
int lk_sentencepiece_encode(const lk_sentencepiece *model, const char *text, size_t size, lk_sentencepiece_taker *take,
                            void *context, char error[LK_SENTENCEPIECE_WORDS]);
/** Join pieces, separated by blanks, to a text. */
int lk_sentencepiece_decode(const lk_sentencepiece *model, const char *pieces, size_t size,
                            lk_sentencepiece_taker *take, void *context, char error[LK_SENTENCEPIECE_WORDS]);

#ifdef __cplusplus
}
#endif
