#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h5_apart_impl.h"
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

typedef struct driver_file {
  H5FD_t head; /* HDF5's part, must be first */
  haddr_t end; /* of what HDF5 has allocated */
  lk_h5_disk *disk;
} driver_file;

/* The driver's information in a file access list. */
typedef struct driver_info {
  lk_h5_disk *disk;
} driver_info;

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t end) {
  (void)name, (void)flags, (void)end;
  const driver_info *info = H5Pget_driver_info(access);
  if (!info) return NULL;
  driver_file *file = calloc(1, sizeof *file);
  if (!file) return NULL;
  file->disk = info->disk;
  return &file->head;
}

static herr_t driver_close(H5FD_t *head) {
  free(head);
  return 0;
}

static herr_t driver_query(const H5FD_t *head, unsigned long *flags) {
  (void)head;
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *head, H5FD_mem_t type) {
  (void)type;
  return ((const driver_file *)(const void *)head)->end;
}

static herr_t driver_set_eoa(H5FD_t *head, H5FD_mem_t type, haddr_t end) {
  (void)type;
  ((driver_file *)(void *)head)->end = end;
  return 0;
}

static haddr_t driver_get_eof(const H5FD_t *head, H5FD_mem_t type) {
  (void)type;
  return ((const driver_file *)(const void *)head)->disk->size;
}

static herr_t driver_read(H5FD_t *head, H5FD_mem_t type, hid_t list, haddr_t at, size_t size, void *bytes) {
  (void)list;
  lk_h5_disk *disk = ((driver_file *)(void *)head)->disk;
  size_t got = 0;
  if (disk->locating && type == H5FD_MEM_DRAW) {
    *disk->locating = (lk_h5_place){.at = at, .size = (uint32_t)size};
  } else if (disk->fd < 0) {
    if (at < disk->size) got = size < disk->size - at ? size : (size_t)(disk->size - at);
    if (got) memcpy(bytes, disk->bytes + at, got);
  } else {
    const int error = lk_read_at(disk->fd, bytes, size, at, &got);
    if (error && !disk->error) disk->error = error;
    if (error) return -1;
  }
  memset((char *)bytes + got, 0, size - got); /* HDF5 may read beyond the end */
  return 0;
}

/* Grow the image to `need` bytes, new ones zero; false: out of memory. */
static bool grow(lk_h5_disk *disk, uint64_t need) {
  if (need <= disk->capacity) return true;
  size_t capacity = disk->capacity ? disk->capacity : 1 << 16;
  while (capacity < need) capacity += capacity / 2;
  unsigned char *bytes = realloc(disk->bytes, capacity);
  if (!bytes) return false;
  memset(bytes + disk->capacity, 0, capacity - disk->capacity);
  disk->bytes = bytes;
  disk->capacity = capacity;
  return true;
}

/* Reports success to HDF5 always, which otherwise could not free its cache; errors are in disk->error. */
static herr_t driver_write(H5FD_t *head, H5FD_mem_t type, hid_t list, haddr_t at, size_t size, const void *bytes) {
  (void)type, (void)list;
  lk_h5_disk *disk = ((driver_file *)(void *)head)->disk;
  if (disk->error) return 0;
  if (disk->fd >= 0)
    disk->error = lk_write_at(disk->fd, bytes, size, at);
  else if (grow(disk, at + size))
    memcpy(disk->bytes + at, bytes, size);
  else
    disk->error = ENOMEM;
  if (!disk->error && at + size > disk->size) disk->size = at + size;
  return 0;
}

static herr_t driver_truncate(H5FD_t *head, hid_t list, hbool_t closing) {
  (void)list, (void)closing;
  const driver_file *file = (const driver_file *)(const void *)head;
  lk_h5_disk *disk = file->disk;
  if (disk->error || file->end == disk->size) return 0;
  if (disk->fd >= 0) {
    if (ftruncate(disk->fd, (off_t)file->end)) disk->error = errno;
  } else if (!grow(disk, file->end)) {
    disk->error = ENOMEM;
  } else if (file->end < disk->size) {
    memset(disk->bytes + file->end, 0, disk->size - file->end);
  }
  if (!disk->error) disk->size = file->end;
  return 0;
}

static const H5FD_class_t driver_class = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)513, /* of the range for private use */
#endif
    .name = "lockstep",
    .maxaddr = ((haddr_t)1 << 62),
    .fc_degree = H5F_CLOSE_WEAK,
    .fapl_size = sizeof(driver_info),
    .open = driver_open,
    .close = driver_close,
    .query = driver_query,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .read = driver_read,
    .write = driver_write,
    .truncate = driver_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

/* The process's settings of HDF5 that are changed here, as they were. */
static struct {
  bool changed;
  H5E_auto2_t print;
  void *context;
  unsigned plugins;
} before;

static void keep_settings(void) {
  if (before.changed) return;
  before.changed =
      H5Eget_auto2(H5E_DEFAULT, &before.print, &before.context) >= 0 && H5PLget_loading_state(&before.plugins) >= 0;
}

void lk_h5_restore_settings(void) {
  if (!before.changed) return;
  H5Eset_auto2(H5E_DEFAULT, before.print, before.context);
  H5PLset_loading_state(before.plugins);
  before.changed = false;
}

hid_t lk_h5_driver(void) {
  static hid_t driver = H5I_INVALID_HID;
  if (H5open() < 0) return H5I_INVALID_HID;
  keep_settings();
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  H5PLset_loading_state(0);
  /* HDF5 may have been shut down and started again, as by MPI_Finalize(); the id is invalid then. */
  if (driver < 0 || H5Iget_type(driver) != H5I_VFL) driver = H5FDregister(&driver_class);
  return driver;
}

hid_t lk_h5_access(lk_h5_disk *disk, bool writing) {
  const driver_info info = {disk};
  const hid_t driver = lk_h5_driver();
  const hid_t access = driver < 0 ? H5I_INVALID_HID : H5Pcreate(H5P_FILE_ACCESS);
  if (access < 0) return access;
  /* A fixed format, 1.8's, so that the same content gives the same bytes with any HDF5, and all versions can read
   * it. */
  bool locks = true;
#if H5_VERSION_GE(1, 12, 1) ||  \
    (H5_VERSION_GE(1, 10, 7) && \
     !H5_VERSION_GE(1, 12, 0)) /* never lock: our driver has no locks, so HDF5_USE_FILE_LOCKING has no effect */
  locks = H5Pset_file_locking(access, false, true) >= 0;
#endif
  if (!locks || H5Pset_driver(access, driver, &info) < 0 || H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0 ||
      (writing && H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) < 0)) {
    H5Pclose(access);
    return H5I_INVALID_HID;
  }
  return access;
}
