/* input_impl.h - functions shared by the sources that read a user's file. */
#pragma once
#include "input.h"

/* Compressed bytes on their way to a text. */
typedef struct lk_unpack {
  const char *name; /* of the file, for messages */
  uint64_t size;    /* of all compressed bytes, from which the limit follows */
  uint64_t done;    /* bytes of text so far */
  void *context;
  /* The next compressed bytes, which stay until the next call; *size 0 at the end. */
  lk_status (*get)(void *context, const void **bytes, size_t *size);
  lk_status (*put)(void *context, const char *bytes, size_t size); /* a piece of the text */
} lk_unpack;

/** Unpack gzip. LK_DATA if the data is damaged, cut off or followed by something else, or above the limit. */
LK_CHECKED lk_status lk_input_gunzip(lk_unpack *unpack);
/** Pass on a piece of the text. LK_DATA above the limit. */
LK_CHECKED lk_status lk_unpack_put(lk_unpack *unpack, const char *bytes, size_t size);
/** The encoding, under iconv's name, of text in code units of two or four bytes; NULL if it does not look like such
 *  text. *marked is set if there is a byte order mark. */
const char *lk_encoding_wide(const char *text, size_t size, bool *marked);
/** Write the command "iconv -f ENCODING -t UTF-8 FILE >NEW" for this file, or what to do with standard input. */
void lk_encoding_advice(char *out, size_t room, const char *encoding, const char *name);
