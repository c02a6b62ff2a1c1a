/* The child process that reads frames from a foreign file, so that HDF5 never parses it in the parent. */
#include <errno.h>
#include <math.h>
#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "foreign_impl.h"
#include "h5_impl.h"
#include "arena.h"
#include "probe_impl.h"

enum { BLOCK = 16 << 20 /* bytes of float32 that are read at a time */, MOST_WIDTH = 1 << 20 };

typedef struct sender {
  const lk_h5 *file;
  int pipe;
  lk_foreign_head head;
} sender;

/* ---- packets ---- */

static lk_status write_all(int pipe, const void *bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t put = write(pipe, (const char *)bytes + done, size - done);
    if (put < 0 && errno != EINTR) return LK_FAIL(LK_IO, "cannot send to the parent process: %s", strerror(errno));
    if (put > 0) done += (size_t)put;
  }
  return LK_OK;
}

static lk_status send_packet(const sender *s, uint32_t kind, const void *bytes, size_t size) {
  const lk_packet packet = {kind, (uint32_t)size};
  LK_TRY(write_all(s->pipe, &packet, sizeof packet));
  return write_all(s->pipe, bytes, size);
}

static lk_status send_bytes(const sender *s, uint32_t kind, const void *bytes, size_t size) {
  for (size_t done = 0, n; done < size; done += n) {
    n = size - done < LK_FOREIGN_PACKET ? size - done : LK_FOREIGN_PACKET;
    LK_TRY(send_packet(s, kind, (const char *)bytes + done, n));
  }
  return LK_OK;
}

/* ---- shapes ---- */

static lk_status no_such(const lk_h5 *file, const char *path) {
  lk_strings names = {0};
  lk_buffer list = {0};
  lk_status status = LK_OK;
  char quoted[256];
  LK_GO(lk_h5_list(file, "/", &names));
  for (ptrdiff_t i = 0; i < names.count && list.size < 200; i++) {
    const char *name = lk_strings_get(&names, i);
    if (strcmp(name, path + 1) == 0) LK_GO(lk_h5_fail(file, LK_DATA, "open", path)); /* it exists, but is damaged */
    LK_GO(lk_buffer_printf(&list, "%s%s", i ? ", " : "", lk_quote(quoted, name, strlen(name))));
  }
  LK_GO(LK_FAIL(LK_DATA, "%s: there is no %s (there is %s); expected /frames, /offsets and /labels", file->path, path,
                list.size ? list.data : "nothing"));
done:
  lk_strings_release(&names);
  lk_buffer_release(&list);
  return status;
}

static lk_status open_data(const lk_h5 *file, const char *path, lk_h5_data **data) {
  if (lk_h5_find(file, path) == H5I_BADID && !file->disk->error) return no_such(file, path);
  return lk_h5_open_data(file, path, data);
}

static lk_status find_shapes(sender *s) {
  const lk_h5 *file = s->file;
  lk_h5_data *data;
  LK_TRY(open_data(file, "/frames", &data));
  if (data->text) return LK_FAIL(LK_DATA, "%s: /frames holds strings, not numbers", file->path);
  if (data->dims != 2 || data->shape[1] < 1 || data->shape[1] > MOST_WIDTH)
    return LK_FAIL(LK_DATA,
                   "%s: /frames has %d axes (the second of %llu), expected 2: frames, and 1 to %d numbers each",
                   file->path, data->dims, (unsigned long long)data->shape[1], MOST_WIDTH);
  s->head.frames = (int64_t)data->shape[0];
  s->head.width = (int64_t)data->shape[1];
  LK_TRY(open_data(file, "/offsets", &data));
  if (data->text || data->names >= 0 || data->dims != 1 || data->shape[0] < 2)
    return LK_FAIL(LK_DATA, "%s: /offsets: expected whole numbers, one more than rows, at least 2", file->path);
  s->head.rows = (int64_t)data->shape[0] - 1;
  LK_TRY(open_data(file, "/labels", &data));
  if (data->dims < 1 || data->shape[1] != 1 || data->shape[2] != 1)
    return LK_FAIL(LK_DATA, "%s: /labels: expected one whole number or string a row", file->path);
  if ((int64_t)data->shape[0] != s->head.rows)
    return LK_FAIL(LK_DATA, "%s: /labels has %llu rows, expected %" PRId64 ", one fewer than /offsets", file->path,
                   (unsigned long long)data->shape[0], s->head.rows);
  return send_packet(s, LK_PACKET_HEAD, &s->head, sizeof s->head);
}

/* ---- whole numbers ---- */

static bool is_real(const lk_h5_data *data) { return data->type == LK_FLOAT32 || data->type == LK_FLOAT64; }

/* Numbers [row, row + rows) as 64-bit integers; floating-point numbers must be whole. The bits of `unsigned_` numbers
 * are kept. */
static lk_status read_whole(const sender *s, const char *path, ptrdiff_t row, ptrdiff_t rows, bool unsigned_,
                            int64_t *out) {
  lk_h5_data *data;
  double *real = NULL;
  lk_status status = LK_OK;
  LK_TRY(lk_h5_open_data(s->file, path, &data));
  if (unsigned_) {
    LK_TRY(lk_h5_read_raw(data, (hsize_t)row, (hsize_t)rows, out));
    return H5Tconvert(data->file_type, H5T_NATIVE_UINT64, (size_t)rows, out, NULL, H5P_DEFAULT) < 0
               ? lk_h5_fail(s->file, LK_DATA, "convert", path)
               : LK_OK;
  }
  if (!is_real(data)) return lk_h5_read(s->file, path, LK_INT64, row, rows, out);
  LK_TRY(lk_alloc(&real, (size_t)rows, sizeof *real));
  LK_GO(lk_h5_read(s->file, path, LK_FLOAT64, row, rows, real));
  for (ptrdiff_t i = 0; i < rows; i++) {
    if (!(fabs(real[i]) <= 0x1p53) || real[i] != floor(real[i]))
      LK_GO(LK_FAIL(LK_DATA, "%s: %s row %td: %g, expected a whole number", s->file->path, path, row + i, real[i]));
    out[i] = (int64_t)real[i];
  }
done:
  free(real);
  return status;
}

static lk_status send_offsets(const sender *s) {
  enum { AT_ONCE = 1 << 17 };
  int64_t *block = NULL;
  lk_status status = LK_OK;
  LK_TRY(lk_alloc(&block, AT_ONCE, sizeof *block));
  for (int64_t row = 0, count; row <= s->head.rows; row += count) {
    count = s->head.rows + 1 - row < AT_ONCE ? s->head.rows + 1 - row : AT_ONCE;
    LK_GO(read_whole(s, "/offsets", (ptrdiff_t)row, (ptrdiff_t)count, false, block));
    LK_GO(send_bytes(s, LK_PACKET_OFFSETS, block, (size_t)count * sizeof *block));
  }
done:
  free(block);
  return status;
}

/* ---- labels: a size and the bytes, each ---- */

static lk_status put_label(const sender *s, lk_buffer *packet, int64_t row, const char *text, size_t size) {
  const uint32_t bytes = (uint32_t)size;
  if (size > LK_FOREIGN_LABEL)
    return LK_FAIL(LK_DATA, "%s: /labels row %" PRId64 ": a label of %zu bytes, more than %d", s->file->path, row, size,
                   LK_FOREIGN_LABEL);
  if (packet->size + sizeof bytes + size > LK_FOREIGN_PACKET) {
    LK_TRY(send_packet(s, LK_PACKET_LABELS, packet->data, packet->size));
    lk_buffer_truncate(packet, 0);
  }
  LK_TRY(lk_buffer_append(packet, (const char *)&bytes, sizeof bytes));
  return lk_buffer_append(packet, text, size);
}

static lk_status put_strings(const sender *s, lk_buffer *packet) {
  lk_strings strings = {0};
  lk_status status = LK_OK;
  LK_GO(lk_h5_read_strings(s->file, "/labels", &strings));
  for (ptrdiff_t i = 0; i < strings.count; i++)
    LK_GO(put_label(s, packet, i, lk_strings_get(&strings, i), lk_strings_size(&strings, i)));
done:
  lk_strings_release(&strings);
  return status;
}

/* h5py's bool: its numbers say more than FALSE and TRUE. */
static bool is_bool(hid_t names) {
  bool both = H5Tget_nmembers(names) == 2;
  for (unsigned i = 0; both && i < 2; i++) {
    char *name = H5Tget_member_name(names, i);
    both = name && (strcmp(name, "FALSE") == 0 || strcmp(name, "TRUE") == 0);
    H5free_memory(name);
  }
  return both;
}

/* The text of a label: the name of an enumerated value where it has one, else the number. */
static void name_number(hid_t names, hid_t base, int64_t number, bool unsigned_, char out[256]) {
  int64_t native = number;
  if (names >= 0 && H5Tconvert(H5T_NATIVE_INT64, base, 1, &native, NULL, H5P_DEFAULT) >= 0 &&
      H5Tenum_nameof(names, &native, out, 256) >= 0)
    return;
  if (unsigned_)
    snprintf(out, 256, "%" PRIu64, (uint64_t)number);
  else
    snprintf(out, 256, "%" PRId64, number);
}

static lk_status put_numbers(const sender *s, lk_h5_data *data, lk_buffer *packet) {
  enum { AT_ONCE = 4096 };
  static int64_t block[AT_ONCE];
  char text[256];
  const hid_t base = data->file_type, names = data->names >= 0 && !is_bool(data->names) ? data->names : H5I_INVALID_HID;
  const bool unsigned_ = !is_real(data) && data->size == 8 && H5Tget_sign(base) == H5T_SGN_NONE;
  for (int64_t row = 0, count; row < s->head.rows; row += count) {
    count = s->head.rows - row < AT_ONCE ? s->head.rows - row : AT_ONCE;
    LK_TRY(read_whole(s, "/labels", (ptrdiff_t)row, (ptrdiff_t)count, unsigned_, block));
    for (int64_t i = 0; i < count; i++) {
      name_number(names, base, block[i], unsigned_, text);
      LK_TRY(put_label(s, packet, row + i, text, strlen(text)));
    }
  }
  return LK_OK;
}

static lk_status send_labels(const sender *s) {
  lk_h5_data *data;
  lk_buffer packet = {0};
  lk_status status = LK_OK;
  LK_TRY(lk_h5_open_data(s->file, "/labels", &data));
  LK_GO(data->text ? put_strings(s, &packet) : put_numbers(s, data, &packet));
  if (packet.size) LK_GO(send_packet(s, LK_PACKET_LABELS, packet.data, packet.size));
done:
  lk_buffer_release(&packet);
  return status;
}

/* ---- frames ---- */

static lk_status narrow(const sender *s, ptrdiff_t row, ptrdiff_t rows, double *wide, float *out) {
  const ptrdiff_t width = (ptrdiff_t)s->head.width;
  LK_TRY(lk_h5_read(s->file, "/frames", LK_FLOAT64, row, rows, wide));
  for (ptrdiff_t i = 0; i < rows * width; i++) {
    out[i] = (float)wide[i];
    if (isinf(out[i]) && !isinf(wide[i]))
      return LK_FAIL(LK_DATA, "%s: /frames row %td column %td: %g is beyond float32 (%g)", s->file->path,
                     row + i / width, i % width, wide[i], (double)FLT_MAX);
  }
  return LK_OK;
}

static lk_status send_frames(const sender *s) {
  lk_h5_data *data;
  float *block = NULL;
  double *wide = NULL;
  lk_status status = LK_OK;
  LK_TRY(lk_h5_open_data(s->file, "/frames", &data));
  const bool wider = data->type == LK_FLOAT64;
  const int64_t width = s->head.width, most = BLOCK / (4 * width) > 1 ? BLOCK / (4 * width) : 1;
  LK_TRY(lk_alloc(&block, (size_t)(most * width), sizeof *block));
  if (wider) LK_GO(lk_alloc(&wide, (size_t)(most * width), sizeof *wide));
  for (int64_t row = 0, rows; row < s->head.frames; row += rows) {
    rows = s->head.frames - row < most ? s->head.frames - row : most;
    LK_GO(wider ? narrow(s, (ptrdiff_t)row, (ptrdiff_t)rows, wide, block)
                : lk_h5_read(s->file, "/frames", LK_FLOAT32, (ptrdiff_t)row, (ptrdiff_t)rows, block));
    LK_GO(send_bytes(s, LK_PACKET_FRAMES, block, (size_t)(rows * width) * sizeof *block));
  }
done:
  free(block);
  free(wide);
  return status;
}

static lk_status send_all(sender *s) {
  LK_TRY(find_shapes(s));
  LK_TRY(send_offsets(s));
  LK_TRY(send_labels(s));
  LK_TRY(send_frames(s));
  return send_packet(s, LK_PACKET_END, NULL, 0);
}

int lk_foreign_send(const char *path, int file, int pipe) {
  lk_h5 *h5 = NULL;
  sender s = {.pipe = pipe};
  lk_status status = lk_h5_open_descriptor(&h5, path, file, true);
  s.file = h5;
  if (status == LK_OK) status = send_all(&s);
  if (status != LK_OK) {
    char words[4 + sizeof lk_error_get()->text] = "";
    memcpy(words, &(int32_t){(int32_t)status}, 4);
    snprintf(words + 4, sizeof words - 4, "%s", lk_error_get()->text);
    (void)!send_packet(&s, LK_PACKET_FAIL, words, 4 + strlen(words + 4));
  }
  return lk_status_exit_code(status);
}
