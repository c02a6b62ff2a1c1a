#include "input.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input_impl.h"
#include "arena.h"
#include "version.h"
#include "work.h"

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
static void name_archive(char text[LK_LIBRARY_TEXT]) {
  (void)snprintf(text, LK_LIBRARY_TEXT, "%s", archive_version_details());
}
LK_LIBRARY(name_archive)

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

/* What libarchive reads from. */
typedef struct supply {
  lk_unpack *from;
  lk_status status; /* of the last call: libarchive's own messages do not say why */
} supply;

static la_ssize_t give(struct archive *archive, void *context, const void **bytes) {
  supply *s = context;
  size_t size = 0;
  (void)archive;
  s->status = s->from->get(s->from->context, bytes, &size);
  return s->status == LK_OK ? (la_ssize_t)size : -1;
}

/* Read one raw entry, that is, the decompressed contents. */
static lk_status read_entry(struct archive *archive, lk_unpack *to, int kind, char *text, size_t room) {
  struct archive_entry *entry;
  supply s = {.from = to};
  if (known[kind].filter(archive) < ARCHIVE_WARN || archive_read_support_format_raw(archive) != ARCHIVE_OK ||
      archive_read_support_format_empty(archive) != ARCHIVE_OK)
    return LK_FAIL(LK_DATA, "%s: compressed with %s, which this system's libarchive cannot read: decompress it first",
                   to->name, known[kind].what);
  int code = archive_read_open(archive, &s, NULL, give, NULL);
  if (code == ARCHIVE_OK) code = archive_read_next_header(archive, &entry);
  la_ssize_t got = code == ARCHIVE_OK;
  while (got > 0) {
    got = archive_read_data(archive, text, room);
    if (got > 0) LK_TRY(lk_unpack_put(to, text, (size_t)got));
  }
  if (s.status != LK_OK) return s.status;
  const bool good = code == ARCHIVE_EOF || (code == ARCHIVE_OK && got == 0); /* EOF: empty contents */
  return good ? LK_OK : archive_fail(archive, to->name, known[kind].what);
}

static lk_status unpack_archive(lk_unpack *unpack, int kind) {
  enum { BLOCK = 1 << 18 };
  char *text;
  LK_TRY(lk_alloc(&text, BLOCK, 1));
  struct archive *archive = archive_read_new();
  const lk_status status =
      archive ? read_entry(archive, unpack, kind, text, BLOCK) : LK_FAIL(LK_MEMORY, "out of memory: %s", unpack->name);
  archive_read_free(archive);
  free(text);
  return status;
}

static lk_status unpack(lk_unpack *unpack, int kind) {
  return kind == GZIP ? lk_input_gunzip(unpack) : unpack_archive(unpack, kind);
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

/* ---- from memory to memory ---- */

typedef struct in_memory {
  const lk_buffer *from;
  bool given;
  lk_buffer text;
} in_memory;

static lk_status get_all(void *context, const void **bytes, size_t *size) {
  in_memory *m = context;
  *bytes = m->from->data;
  *size = m->given ? 0 : m->from->size;
  m->given = true;
  return LK_OK;
}

static lk_status append(void *context, const char *bytes, size_t size) {
  return lk_buffer_append(&((in_memory *)context)->text, bytes, size);
}

lk_status lk_input_unwrap(lk_buffer *bytes, const char *name) {
  const int kind = find_kind(bytes->data, bytes->size);
  if (is_compressed(kind)) {
    in_memory m = {.from = bytes};
    lk_unpack how = {.name = name, .size = bytes->size, .context = &m, .get = get_all, .put = append};
    const lk_status status = unpack(&how, kind);
    lk_buffer_release(bytes);
    *bytes = m.text;
    LK_TRY(status);
  }
  return lk_input_check(bytes->data, bytes->size, name);
}

/* ---- from a file to a spool ---- */

enum { HEAD = 1 << 16 }; /* first bytes that tell what a file is */

typedef struct on_disk {
  lk_blocks *from;
  ptrdiff_t next;
  char *block; /* [from->block] */
  lk_spool *spool;
} on_disk;

static lk_status get_block(void *context, const void **bytes, size_t *size) {
  on_disk *d = context;
  *bytes = d->block;
  lk_work_at((double)d->next * (double)d->from->block);
  return lk_blocks_read(d->from, d->next++, d->block, size);
}

static lk_status put_away(void *context, const char *bytes, size_t size) {
  const on_disk *d = context;
  return lk_spool_append(d->spool, d->from->name, bytes, size);
}

/* Replace compressed contents by their text, in the spool. */
static lk_status unpack_blocks(lk_blocks *blocks, int kind, lk_spool *spool) {
  const uint64_t begin = spool->size;
  on_disk d = {.from = blocks, .spool = spool};
  lk_unpack how = {.name = blocks->name, .size = blocks->size, .context = &d, .get = get_block, .put = put_away};
  LK_TRY(lk_spool_check(spool, blocks->name, blocks->size)); /* the text is hardly ever shorter */
  LK_TRY(lk_alloc(&d.block, blocks->block, 1));
  const lk_status status = unpack(&how, kind);
  free(d.block);
  LK_TRY(status);
  const char *name = blocks->name;
  lk_blocks_close(blocks);
  lk_blocks_of_file(blocks, spool->fd, name, begin, spool->size - begin);
  return LK_OK;
}

/* The first HEAD bytes, or all; head has room for HEAD + blocks->block. */
static lk_status read_head(lk_blocks *blocks, char *head, size_t *size) {
  size_t got = 1;
  *size = 0;
  for (ptrdiff_t i = 0; got > 0 && *size < HEAD; i++, *size += got)
    LK_TRY(lk_blocks_read(blocks, i, head + *size, &got));
  return LK_OK;
}

static lk_status recognise(lk_blocks *blocks, lk_spool *spool) {
  char *head;
  size_t size;
  lk_status status;
  LK_TRY(lk_alloc(&head, HEAD + blocks->block, 1));
  LK_GO(read_head(blocks, head, &size));
  const int kind = find_kind(head, size);
  if (is_compressed(kind)) {
    LK_GO(unpack_blocks(blocks, kind, spool));
    LK_GO(read_head(blocks, head, &size));
  }
  LK_GO(lk_input_check(head, size, blocks->name));
done:
  free(head);
  return status;
}

/* Copy a pipe, or another file of unknown size, to the spool. */
static lk_status copy(int file, const char *name, lk_spool *spool) {
  enum { BLOCK = 1 << 16 };
  lk_status status = LK_OK;
  char *block;
  LK_TRY(lk_alloc(&block, BLOCK, 1));
  for (;;) {
    const ssize_t got = read(file, block, BLOCK);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      LK_GO(LK_FAIL(LK_IO, "cannot read '%s': %s", file == STDIN_FILENO ? "standard input" : name, strerror(errno)));
    if (got == 0) break;
    LK_GO(lk_spool_append(spool, name, block, (size_t)got));
    lk_work_at((double)spool->size);
  }
done:
  free(block);
  return status;
}

static lk_status find_bytes(lk_blocks *blocks, int file, const char *path, const char *name, lk_spool *spool) {
  struct stat about;
  const uint64_t begin = spool->size;
  const bool regular = fstat(file, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0; /* not as in /proc */
  const off_t at = regular && file == STDIN_FILENO ? lseek(file, 0, SEEK_CUR) : 0;
  if (!regular || at < 0) {
    LK_TRY(copy(file, name, spool));
    lk_blocks_of_file(blocks, spool->fd, name, begin, spool->size - begin);
  } else if (file == STDIN_FILENO) {
    lk_blocks_of_file(blocks, file, name, (uint64_t)at, (uint64_t)(about.st_size > at ? about.st_size - at : 0));
  } else {
    lk_blocks_of_path(blocks, path, name, (uint64_t)about.st_size);
  }
  return LK_OK;
}

lk_status lk_input_open(lk_blocks *blocks, const char *path, const char *name, lk_spool *spool) {
  int file;
  *blocks = (lk_blocks){.fd = -1};
  LK_TRY(lk_open_input(&file, path));
  lk_status status = find_bytes(blocks, file, path, name, spool);
  if (file != STDIN_FILENO) (void)close(file);
  if (status == LK_OK) status = recognise(blocks, spool);
  if (status != LK_OK) lk_blocks_close(blocks);
  return status;
}

/* ---- HDF5 ---- */

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
