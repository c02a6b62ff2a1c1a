/* pieces_impl.h - a text as the pieces of a SentencePiece model, and back. Every function: Not collective. */
#pragma once
#include "text.h"

typedef struct lk_pieces lk_pieces;

/** From the bytes of a model file; `name` is for messages. LK_DATA where they are no model, LK_USAGE where the program
 *  was built without SentencePiece. */
LK_CHECKED lk_status lk_pieces_create(lk_pieces **pieces, const char *name, const char *bytes, size_t size);
void lk_pieces_destroy(lk_pieces **pieces);
/** Append the pieces of a text, blanks between them. LK_MEMORY, LK_DATA. */
LK_CHECKED lk_status lk_pieces_encode(const lk_pieces *pieces, const char *text, size_t size, lk_buffer *out);
/** Append the text of such pieces. */
LK_CHECKED lk_status lk_pieces_decode(const lk_pieces *pieces, const char *text, size_t size, lk_buffer *out);
