/* onnx_terms_impl.h - terms of the standard that both writing and reading know: types of elements, cells as operators. */
#pragma once
#include <stddef.h>

/* Types of elements, by the numbers of the standard. */
enum {
  LK_ONNX_FLOAT = 1,
  LK_ONNX_UINT8 = 2,
  LK_ONNX_INT32 = 6,
  LK_ONNX_INT64 = 7,
  LK_ONNX_BOOL = 9,
  LK_ONNX_FLOAT16 = 10,
  LK_ONNX_DOUBLE = 11,
  LK_ONNX_BFLOAT16 = 16
};

/* A cell that an operator computes: for each gate of the operator the cell's gate, and by which sign its weights are
 * multiplied. */
typedef struct lk_onnx_cell {
  const char *name, *op;
  int states, resets_after;
  int own, gates; /* number of the cell's, and of the operator's */
  struct {
    int from, sign;
  } gate[4];
} lk_onnx_cell;

/* Texts that are bytes in base64 have this behind their key. */
#define LK_ONNX_BASE64 ".base64"
/** Encode bytes in base64: text [4 (size + 2) / 3 + 1]. */
void lk_onnx_to_text(const unsigned char *bytes, size_t size, char *text);
/** Decode base64 to bytes [3 strlen(text) / 4]; returns how many, 0 if the text is not base64. */
size_t lk_onnx_from_text(const char *text, unsigned char *bytes);

/** Row i of the table of cells, or NULL behind the last. */
const lk_onnx_cell *lk_onnx_cell_at(int i);
