#include "pieces_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "arena.h"
#include "version.h"

static void name_sentencepiece(char text[LK_LIBRARY_TEXT]) {
#ifdef LK_SENTENCEPIECE
  (void)snprintf(text, LK_LIBRARY_TEXT, "SentencePiece (its library does not tell its version)");
#else
  (void)snprintf(text, LK_LIBRARY_TEXT, "SentencePiece: none, corpora of its pieces are refused");
#endif
}
LK_LIBRARY(name_sentencepiece)

#ifdef LK_SENTENCEPIECE
#include "sentencepiece_impl.h"

struct lk_pieces {
  lk_sentencepiece *model;
};

lk_status lk_pieces_create(lk_pieces **pieces, const char *name, const char *bytes, size_t size) {
  char error[LK_SENTENCEPIECE_WORDS] = "";
  *pieces = NULL;
  LK_TRY(lk_alloc(pieces, 1, sizeof **pieces));
  (*pieces)->model = lk_sentencepiece_create(bytes, size, error);
  if ((*pieces)->model) return LK_OK;
  lk_pieces_destroy(pieces);
  return LK_FAIL(LK_DATA, "%s: not a SentencePiece model", name);
}

void lk_pieces_destroy(lk_pieces **pieces) {
  if (!*pieces) return;
  if ((*pieces)->model) lk_sentencepiece_destroy((*pieces)->model);
  free(*pieces);
  *pieces = NULL;
}

/* The buffer that pieces, or the decoded text, are appended to. */
typedef struct sink {
  lk_buffer *out;
  size_t begin;
  lk_status status;
} sink;

static int take(void *context, const char *text, size_t size) {
  sink *s = context;
  if (s->out->size > s->begin) s->status = lk_buffer_append(s->out, " ", 1);
  if (s->status == LK_OK) s->status = lk_buffer_append(s->out, text, size);
  return s->status == LK_OK;
}

lk_status lk_pieces_encode(const lk_pieces *pieces, const char *text, size_t size, lk_buffer *out) {
  char error[LK_SENTENCEPIECE_WORDS] = "";
  sink s = {.out = out, .begin = out->size};
  if (lk_sentencepiece_encode(pieces->model, text, size, take, &s, error)) return LK_OK;
  return s.status != LK_OK ? s.status : LK_FAIL(LK_DATA, "SentencePiece cannot cut a text: %s", error);
}

lk_status lk_pieces_decode(const lk_pieces *pieces, const char *text, size_t size, lk_buffer *out) {
  char error[LK_SENTENCEPIECE_WORDS] = "";
  sink s = {.out = out, .begin = SIZE_MAX};
  if (lk_sentencepiece_decode(pieces->model, text, size, take, &s, error)) return LK_OK;
  return s.status != LK_OK ? s.status : LK_FAIL(LK_DATA, "SentencePiece cannot join pieces: %s", error);
}

#else

lk_status lk_pieces_create(lk_pieces **pieces, const char *name, const char *bytes, size_t size) {
  (void)bytes, (void)size;
  *pieces = NULL;
  return LK_FAIL(LK_USAGE,
                 "%s: this program was built without SentencePiece: install libsentencepiece-dev and build it again",
                 name);
}

void lk_pieces_destroy(lk_pieces **pieces) { *pieces = NULL; }

lk_status lk_pieces_encode(const lk_pieces *pieces, const char *text, size_t size, lk_buffer *out) {
  (void)pieces, (void)text, (void)size, (void)out;
  return LK_FAIL(LK_INTERNAL, "built without SentencePiece"); /* unreachable: no model can be created */
}

lk_status lk_pieces_decode(const lk_pieces *pieces, const char *text, size_t size, lk_buffer *out) {
  return lk_pieces_encode(pieces, text, size, out);
}
#endif
