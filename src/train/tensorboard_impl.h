/* tensorboard_impl.h - event files, which TensorBoard reads.
 *
 * A file is a sequence of records of TFRecord (tensorflow/core/lib/io/record_writer.h), each with one message Event
 * (tensorboard.proto):
 *
 *   uint64 size | uint32 mask(crc32c(size)) | size bytes | uint32 mask(crc32c(bytes))       little-endian
 *   mask(c) = (c rotated right by 15) + 0xa282ead8
 *
 * TensorBoard takes any file whose name contains "tfevents", and reads those of a folder in the order of their names.
 * Rank 0 only; every function: Not collective. */
#pragma once
#include "text.h"

/** CRC-32C (Castagnoli), as iSCSI defines it (RFC 3720, section 12.1). */
uint32_t lk_crc32c(const void *bytes, size_t size);
/** Append one record to *to. LK_MEMORY. */
LK_CHECKED lk_status lk_tfrecord_append(lk_buffer *to, const void *bytes, size_t size);
/** The path of a new file in `folder`, events.out.tfevents.<seconds since 1970>.<host>, appended to *path. It comes
 *  after all others there, also where the clock went back, or two runs begin within a second. LK_MEMORY. */
LK_CHECKED lk_status lk_events_path(const char *folder, lk_buffer *path);
/** Append records to a file, `first` before them where it is new or empty. What cannot be written completely is taken
 *  back, so that the file ends with a whole record. LK_IO. */
LK_CHECKED lk_status lk_events_write(const char *path, const lk_buffer *first, const lk_buffer *records);
