#include "input.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input_impl.h"
#include "arena.h"

#define HDF5_SIGNATURE "\x89HDF\r\n\x1a\n"

/* File signatures and what they mean. Formats with a filter are compressed text, which libarchive (for gzip: zlib)
 * reads. */
static const struct {
  const char *magic;
  size_t size, at;
  const char *what, *advice;
  int (*filter)(struct archive *);
} known[] = {
#define MAGIC(text, at) text, sizeof(text) - 1, at
    {MAGIC("\x1f\x8b", 0), "gzip", NULL, NULL},
    {MAGIC("\xfd"
           "7zXZ\0",
           0),
     "xz", NULL, archive_read_support_filter_xz},
    {MAGIC("\x28\xb5\x2f\xfd", 0), "zstd", NULL, archive_read_support_filter_zstd},
    {MAGIC("BZh", 0), "bzip2", NULL, archive_read_support_filter_bzip2},
    {MAGIC("PK\3\4", 0), "a zip archive (.docx and .xlsx are such, too)", "unpack it first (unzip)", NULL},
    {MAGIC("PK\5\6", 0), "an empty zip archive", "give a text", NULL},
    {MAGIC("7z\xbc\xaf\x27\x1c", 0), "a 7z archive", "unpack it first (7z x)", NULL},
    {MAGIC("Rar!\x1a\7", 0), "a rar archive", "unpack it first (unrar x)", NULL},
    {MAGIC("ustar\0", 257), "a tar archive", "unpack it first (tar xf)", NULL},
    {MAGIC("ustar  \0", 257), "a tar archive", "unpack it first (tar xf)", NULL},
    {MAGIC("\x04\x22\x4d\x18", 0), "compressed with lz4", "decompress it first (lz4 -d)", NULL},
    {MAGIC("LZIP\1", 0), "compressed with lzip", "decompress it first (lzip -d)", NULL},
    {MAGIC("\x1f\x9d", 0), "compressed with compress", "decompress it first (uncompress)", NULL},
    {MAGIC("lockstep xxh3-128 ", 0), "a corpus or a checkpoint of Lockstep", "give the text that it was made of", NULL},
    {MAGIC(HDF5_SIGNATURE, 0), "an HDF5 file",
     "only 'lockstep prepare frames' reads HDF5, from a file that is neither compressed nor a pipe", NULL},
    {MAGIC("%PDF-", 0), "a PDF document", "extract its text first (pdftotext)", NULL},
    {MAGIC("\x93NUMPY", 0), "a NumPy array",
     "write frames, offsets and labels into an HDF5 file with h5py, for 'lockstep prepare frames'", NULL},
    {MAGIC("PAR1\x15", 0), "a Parquet file", "write it as text first", NULL},
    {MAGIC("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0), "an old Word or Excel document", "save it as text first", NULL},
};
enum { KNOWN = sizeof known / sizeof *known, GZIP = 0 };

/* A text may begin with "BZh", so for bzip2 the level digit and the magic number of a block are required as well. */
static bool begins(int i, const char *text, size_t size) {
  const size_t need = known[i].at + known[i].size;
  if (size < need || memcmp(text + known[i].at, known[i].magic, known[i].size) != 0) return false;
  return known[i].filter != archive_read_support_filter_bzip2 || (size > 9 && memcmp(text + 4, "1AY&SY", 6) == 0) ||
         (size > 9 && memcmp(text + 4, "\x17rE8P\x90", 6) == 0); /* the end-of-stream magic number: an empty file */
}

static int find_kind(const char *text, size_t size) {
  for (int i = 0; i < KNOWN; i++)
    if (begins(i, text, size)) return i;
  return -1;
}

static lk_status archive_fail(struct archive *archive, const char *name, const char *what) {
  const char *why = archive_error_string(archive);
  return LK_FAIL(LK_DATA, "%s: compressed with %s, and damaged or cut off (%s)", name, what,
                 why ? why : "no reason given");
}

/* Read one raw entry, that is, the decompressed contents. */
static lk_status read_entry(struct archive *archive, lk_buffer *text, const lk_buffer *from, int kind, size_t most,
                            const char *name) {
  enum { BLOCK = 1 << 18 };
  struct archive_entry *entry;
  if (known[kind].filter(archive) < ARCHIVE_WARN || archive_read_support_format_raw(archive) != ARCHIVE_OK ||
      archive_read_support_format_empty(archive) != ARCHIVE_OK)
    return LK_FAIL(LK_DATA, "%s: compressed with %s, which this system's libarchive cannot read: decompress it first",
                   name, known[kind].what);
  int code = archive_read_open_memory(archive, from->data, from->size);
  if (code == ARCHIVE_OK) code = archive_read_next_header(archive, &entry);
  if (code == ARCHIVE_EOF) return LK_OK; /* empty contents */
  if (code != ARCHIVE_OK) return archive_fail(archive, name, known[kind].what);
  for (la_ssize_t got = 1; got > 0;) {
    LK_TRY(lk_grow(&text->data, &text->capacity, text->size + BLOCK + 1, 1));
    got = archive_read_data(archive, text->data + text->size, BLOCK);
    if (got < 0) return archive_fail(archive, name, known[kind].what);
    text->size += (size_t)got;
    text->data[text->size] = '\0';
    if (text->size > most) return lk_input_too_large(name, from->size, most);
  }
  return LK_OK;
}

/* Replace *bytes by their decompressed contents. */
static lk_status decompress(lk_buffer *bytes, int kind, const char *name) {
  const size_t most = bytes->size > LK_INPUT_ROOM / LK_INPUT_EXPANDS ? bytes->size * LK_INPUT_EXPANDS : LK_INPUT_ROOM;
  lk_buffer text = {0};
  lk_status status = LK_OK;
  if (kind == GZIP) {
    status = lk_input_gunzip(&text, bytes->data, bytes->size, most, name);
  } else {
    struct archive *archive = archive_read_new();
    status =
        archive ? read_entry(archive, &text, bytes, kind, most, name) : LK_FAIL(LK_MEMORY, "out of memory: %s", name);
    archive_read_free(archive);
  }
  lk_buffer_release(bytes);
  *bytes = text;
  return status;
}

static bool is_compressed(int kind) { return kind >= 0 && (kind == GZIP || known[kind].filter); }

bool lk_input_compressed(const char *bytes, size_t size) { return is_compressed(find_kind(bytes, size)); }

lk_status lk_input_check(const char *bytes, size_t size, const char *name) {
  const int kind = find_kind(bytes, size);
  char advice[512];
  bool marked = false;
  if (is_compressed(kind))
    return LK_FAIL(LK_DATA, "%s: compressed twice, the second time with %s: decompress it once", name,
                   known[kind].what);
  if (kind >= 0) return LK_FAIL(LK_DATA, "%s: %s, no text: %s", name, known[kind].what, known[kind].advice);
  const char *wide = lk_encoding_wide(bytes, size, &marked);
  if (!wide) return LK_OK;
  lk_encoding_advice(advice, sizeof advice, wide, name);
  return LK_FAIL(LK_DATA, "%s: the text is in %s (%s a byte order mark), expected UTF-8: %s", name, wide,
                 marked ? "it has" : "a guess, without", advice);
}

lk_status lk_input_unwrap(lk_buffer *bytes, const char *name) {
  const int kind = find_kind(bytes->data, bytes->size);
  if (is_compressed(kind)) LK_TRY(decompress(bytes, kind, name));
  return lk_input_check(bytes->data, bytes->size, name);
}

lk_status lk_input_read(lk_buffer *text, const char *path, const char *name) {
  lk_status status = lk_buffer_read_file(text, path);
  if (status == LK_OK) status = lk_input_unwrap(text, name);
  if (status != LK_OK) lk_buffer_release(text);
  return status;
}

/* HDF5 allows a user block before the signature, whose size is a power of two from 512 bytes on. */
bool lk_input_is_hdf5(const char *path) {
  char bytes[8];
  struct stat about;
  const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  bool found = false;
  if (file >= 0 && fstat(file, &about) == 0 && S_ISREG(about.st_mode))
    for (off_t at = 0; !found && at < about.st_size; at = at ? 2 * at : 512)
      found = pread(file, bytes, sizeof bytes, at) == sizeof bytes && memcmp(bytes, HDF5_SIGNATURE, sizeof bytes) == 0;
  if (file >= 0) close(file);
  return found;
}
