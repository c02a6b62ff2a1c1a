/* Text of variable length. HDF5 1.10 copies it out of the file without comparing two lengths that the file states, so that
 * a file of unknown origin could overwrite memory. Here HDF5 hands out the references alone, and the heap is read by code
 * that bounds every size.
 *
 *   reference  [16]  uint32 bytes of the text, uint64 address of a collection (0: no text), uint32 number of an object
 *   collection       "GCOL", version, 3 bytes, uint64 size of all; then objects, each aligned to 8:
 *                    uint16 number (0: free space behind the last), uint16 uses, 4 bytes, uint64 size, the bytes
 *
 * All little-endian (HDF5 File Format Specification 3.0, III.E and IV.A.2.d). */
#include <stdlib.h>
#include <string.h>

#include "h5_vlen_impl.h"
#include "arena.h"

enum { HEAD = 16, NUMBERS = 1 << 16, ROOM = 64 << 20 };

/* The collection that was read last. */
struct lk_h5_heap {
  uint64_t address; /* 0: none */
  unsigned char *bytes;
  size_t size, capacity;
  uint32_t at[NUMBERS]; /* of each object; 0: there is none */
  size_t numbers;       /* of them that may be other than 0 */
  uint64_t left;        /* bytes of work that a file may still cost, which could have two collections read in turn */
};

static uint64_t number_of(const unsigned char *bytes, int count) {
  uint64_t number = 0;
  while (count-- > 0) number = number << 8 | bytes[count];
  return number;
}

/* ---- references ---- */

static const char tag[] = "lockstep: reference to text";

/* HDF5's conversion of text of variable length to our type: the bytes stay what they are in the file. */
static herr_t hand_out(hid_t from, hid_t to, H5T_cdata_t *how, size_t count, size_t stride, size_t other, void *bytes,
                       void *background, hid_t list) {
  (void)count, (void)stride, (void)other, (void)bytes, (void)background, (void)list;
  if (how->command != H5T_CONV_INIT) return 0;
  char *found = H5Tget_tag(to);
  const bool ours = found && strcmp(found, tag) == 0 && H5Tis_variable_str(from) > 0 &&
                    H5Tget_size(from) == LK_H5_REFERENCE && H5Tget_size(to) == LK_H5_REFERENCE;
  H5free_memory(found);
  how->need_bkg = H5T_BKG_NO;
  return ours ? 0 : -1;
}

hid_t lk_h5_reference_type(void) {
  static hid_t type = H5I_INVALID_HID;
  if (type >= 0 && H5Iis_valid(type) > 0) return type;
  const hid_t text = H5Tcopy(H5T_C_S1);
  type = H5Tcreate(H5T_OPAQUE, LK_H5_REFERENCE);
  bool good = text >= 0 && type >= 0 && H5Tset_size(text, H5T_VARIABLE) >= 0 && H5Tset_tag(type, tag) >= 0;
  if (good) good = H5Tregister(H5T_PERS_SOFT, "lockstep", text, type, hand_out) >= 0;
  if (text >= 0) H5Tclose(text);
  if (good) return type;
  if (type >= 0) H5Tclose(type);
  return type = H5I_INVALID_HID;
}

/* ---- the heap ---- */

static lk_status garbled(const lk_h5 *file, const char *what) {
  return LK_FAIL(LK_DATA, "%s: %s refers to text of variable length that the file does not hold", file->path, what);
}

/* Where each object is. */
static bool index_objects(lk_h5_heap *heap) {
  memset(heap->at, 0, heap->numbers * sizeof *heap->at);
  heap->numbers = 0;
  for (size_t at = HEAD, step; heap->size - at >= HEAD; at += step) {
    const uint64_t number = number_of(heap->bytes + at, 2), size = number_of(heap->bytes + at + 8, 8);
    if (number == 0) return true;
    if (size > heap->size - at - HEAD || heap->at[number]) return false;
    heap->at[number] = (uint32_t)at;
    if (number >= heap->numbers) heap->numbers = (size_t)number + 1;
    step = HEAD + (((size_t)size + 7) & ~(size_t)7);
    if (step > heap->size - at) return true;
  }
  return true;
}

static lk_status read_collection(const lk_h5 *file, uint64_t address, const char *what) {
  lk_h5_heap *heap = file->heap;
  unsigned char head[HEAD];
  size_t got = 0;
  heap->address = 0;
  int error = lk_read_at(file->disk->fd, head, HEAD, address, &got);
  const uint64_t size = number_of(head + 8, 8), work = size + heap->numbers * sizeof *heap->at;
  if (!error && (got < HEAD || memcmp(head, "GCOL\1", 5) != 0 || size < HEAD || size > LK_H5_TEXT + ROOM ||
                 size > file->disk->size - address || work > heap->left))
    return garbled(file, what);
  if (!error) LK_TRY(lk_grow(&heap->bytes, &heap->capacity, (size_t)size, 1));
  if (!error) error = lk_read_at(file->disk->fd, heap->bytes, (size_t)size, address, &got);
  if (error) return LK_FAIL(LK_IO, "cannot read %s: %s", file->path, strerror(error));
  heap->size = (size_t)size;
  heap->left -= work;
  if (got < size || !index_objects(heap)) return garbled(file, what);
  heap->address = address;
  return LK_OK;
}

lk_status lk_h5_heap_create(lk_h5_heap **heap, uint64_t file_size) {
  LK_TRY(lk_alloc(heap, 1, sizeof **heap));
  (*heap)->left = 64 * file_size + ROOM;
  return LK_OK;
}

lk_status lk_h5_variable_text(const lk_h5 *file, const unsigned char reference[LK_H5_REFERENCE], const char *what,
                              const char **text, size_t *size) {
  const uint64_t length = number_of(reference, 4), address = number_of(reference + 4, 8),
                 object = number_of(reference + 12, 4);
  *text = "";
  *size = 0;
  if (length == 0) return LK_OK;
  lk_h5_heap *heap = file->heap;
  if (address == 0 || address >= file->disk->size || file->base >= file->disk->size - address || object >= NUMBERS)
    return garbled(file, what);
  if (heap->address != address + file->base) LK_TRY(read_collection(file, address + file->base, what));
  const size_t at = heap->at[object];
  if (at == 0 || number_of(heap->bytes + at + 8, 8) != length) return garbled(file, what);
  *text = (const char *)heap->bytes + at + HEAD;
  *size = strnlen(*text, (size_t)length);
  return LK_OK;
}

void lk_h5_heap_destroy(lk_h5_heap **heap) {
  if (*heap) free((*heap)->bytes);
  free(*heap);
  *heap = NULL;
}
