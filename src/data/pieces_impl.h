/* pieces_impl.h - split a text into the pieces of a SentencePiece model, and join pieces to a text. Every function:
 * Not collective. */
#pragma once
#include "text.h"

typedef struct lk_pieces lk_pieces;

/** Create from the contents of a model file; `name` is for messages. LK_DATA if they are not a SentencePiece model,
 *  LK_USAGE if the program was built without SentencePiece. */
LK_CHECKED lk_status lk_pieces_create(lk_pieces **pieces, const char *name, const char *bytes, size_t size);
void lk_pieces_destroy(lk_pieces **pieces);
/** Append the pieces of a text, separated by blanks. LK_MEMORY, LK_DATA. */
LK_CHECKED lk_status lk_pieces_encode(const lk_pieces *pieces, const char *text, size_t size, lk_buffer *out);
/** Append the text that such pieces make up. */
LK_CHECKED lk_status lk_pieces_decode(const lk_pieces *pieces, const char *text, size_t size, lk_buffer *out);
