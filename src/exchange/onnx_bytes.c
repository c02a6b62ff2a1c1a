/* onnx_bytes.c - bytes as texts, for metadata: base64 (RFC 4648), which has no tensor that a graph would not use. */
#include <string.h>

#include "onnx_terms_impl.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void lk_onnx_to_text(const unsigned char *bytes, size_t size, char *text) {
  for (size_t i = 0; i < size; i += 3) {
    const size_t some = size - i < 3 ? size - i : 3;
    unsigned group = 0;
    for (size_t k = 0; k < 3; k++) group = group << 8 | (k < some ? bytes[i + k] : 0);
    for (size_t k = 0; k < 4; k++) *text++ = k <= some ? letters[group >> (18 - 6 * k) & 63] : '=';
  }
  *text = '\0';
}

size_t lk_onnx_from_text(const char *text, unsigned char *bytes) {
  size_t size = 0;
  unsigned group = 0;
  for (int bits = 0; *text && *text != '='; text++) {
    const char *letter = strchr(letters, *text);
    if (!letter) return 0;
    group = group << 6 | (unsigned)(letter - letters);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[size++] = (unsigned char)(group >> bits & 255);
  }
  return size;
}
