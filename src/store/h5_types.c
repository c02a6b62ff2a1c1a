/* Our types and HDF5's. */
#include <string.h>

#include "h5_impl.h"

hid_t lk_h5_file_type(lk_type type) {
  switch (type) {
    case LK_INT32:
      return H5T_STD_I32LE;
    case LK_INT64:
      return H5T_STD_I64LE;
    case LK_FLOAT32:
      return H5T_IEEE_F32LE;
    case LK_FLOAT64:
      return H5T_IEEE_F64LE;
    case LK_UINT8:
      return H5T_STD_U8LE;
  }
  return H5I_INVALID_HID;
}

hid_t lk_h5_native_type(lk_type type) {
  switch (type) {
    case LK_INT32:
      return H5T_NATIVE_INT32;
    case LK_INT64:
      return H5T_NATIVE_INT64;
    case LK_FLOAT32:
      return H5T_NATIVE_FLOAT;
    case LK_FLOAT64:
      return H5T_NATIVE_DOUBLE;
    case LK_UINT8:
      return H5T_NATIVE_UINT8;
  }
  return H5I_INVALID_HID;
}

size_t lk_h5_type_size(lk_type type) {
  switch (type) {
    case LK_INT32:
    case LK_FLOAT32:
      return 4;
    case LK_INT64:
    case LK_FLOAT64:
      return 8;
    case LK_UINT8:
      return 1;
  }
  return 0;
}

bool lk_h5_known_type(hid_t type, lk_type *nearest) {
  const struct {
    hid_t id;
    lk_type nearest;
  } known[] = {
      {H5T_STD_I32LE, LK_INT32},    {H5T_IEEE_F32LE, LK_FLOAT32}, {H5T_STD_I64LE, LK_INT64},
      {H5T_IEEE_F64LE, LK_FLOAT64}, {H5T_STD_U8LE, LK_UINT8},     {H5T_STD_I8LE, LK_INT32},
      {H5T_STD_I16LE, LK_INT32},    {H5T_STD_U16LE, LK_INT32},    {H5T_STD_U32LE, LK_INT64},
      {H5T_STD_U64LE, LK_INT64},    {H5T_STD_I8BE, LK_INT32},     {H5T_STD_U8BE, LK_UINT8},
      {H5T_STD_I16BE, LK_INT32},    {H5T_STD_U16BE, LK_INT32},    {H5T_STD_I32BE, LK_INT32},
      {H5T_STD_U32BE, LK_INT64},    {H5T_STD_I64BE, LK_INT64},    {H5T_STD_U64BE, LK_INT64},
      {H5T_IEEE_F32BE, LK_FLOAT32}, {H5T_IEEE_F64BE, LK_FLOAT64},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (H5Tequal(type, known[i].id) <= 0) continue;
    *nearest = known[i].nearest;
    return true;
  }
  return false;
}

size_t lk_h5_text_size(hid_t type, const char *text, size_t size) {
  size_t used = strnlen(text, size);
  if (H5Tget_strpad(type) == H5T_STR_SPACEPAD)
    while (used > 0 && text[used - 1] == ' ') used--;
  return used;
}
