/* h5_vlen_impl.h - text of variable length, which is on the global heap of a file. Not collective throughout. */
#pragma once
#include "h5_impl.h"

/** A type in memory [LK_H5_REFERENCE]: H5Aread() and H5Dread() of text of variable length into it give references to the
 *  text, and HDF5 does not look for the text itself. H5I_INVALID_HID where HDF5 is out of memory. */
hid_t lk_h5_reference_type(void);
/** The text of a reference, up to its first NUL; valid until the next call. `what`: what it belongs to, for messages.
 *  LK_DATA, LK_IO, LK_MEMORY. */
LK_CHECKED lk_status lk_h5_variable_text(const lk_h5 *file, const unsigned char reference[LK_H5_REFERENCE],
                                         const char *what, const char **text, size_t *size);
LK_CHECKED lk_status lk_h5_heap_create(lk_h5_heap **heap, uint64_t file_size);
void lk_h5_heap_destroy(lk_h5_heap **heap);
