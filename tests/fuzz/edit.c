#include "edit.h"

#include <errno.h>
#include <hdf5.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

enum { NAMES = 256, DATA = 1 << 16, SECONDS = 1 };

/* Paths of all objects of the file, and a few that do not exist. */
typedef struct names {
  char *name[NAMES];
  int count;
} names;

static void add_name(names *list, const char *name) {
  if (list->count < NAMES) list->name[list->count++] = strdup(name);
}

static herr_t visit(hid_t file, const char *name, const H5O_info_t *info, void *data) {
  char path[512];
  (void)file, (void)info;
  snprintf(path, sizeof path, "/%s", strcmp(name, ".") == 0 ? "" : name);
  add_name(data, path);
  return 0;
}

static const char *pick(const names *list, edit_bytes *bytes) {
  return list->name[edit_byte(bytes) % (unsigned)list->count];
}

static int64_t number(edit_bytes *bytes) {
  static const int64_t special[] = {0, 1,  -1,   2,       3,         4,         5,         7,
                                    8, 64, 1000, 1 << 16, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
  const unsigned which = edit_byte(bytes);
  return which < 128 ? special[which % 16] : (int64_t)(which - 128);
}

static hid_t type_of(unsigned which) {
  hid_t type;
  switch (which % 14) {
    case 0:
      return H5Tcopy(H5T_STD_I32LE);
    case 1:
      return H5Tcopy(H5T_STD_I64LE);
    case 2:
      return H5Tcopy(H5T_IEEE_F32LE);
    case 3:
      return H5Tcopy(H5T_IEEE_F64LE);
    case 4:
      return H5Tcopy(H5T_STD_U8LE);
    case 5:
      return H5Tcopy(H5T_STD_I16BE);
    case 6:
      return H5Tcopy(H5T_STD_U64BE);
    case 7:
      return H5Tcopy(H5T_STD_REF_OBJ);
    case 8:
      return H5Tvlen_create(H5T_STD_I32LE);
    case 9:
      type = H5Tcreate(H5T_COMPOUND, 8);
      H5Tinsert(type, "a", 0, H5T_STD_I32LE);
      return type;
    case 10:
      type = H5Tcopy(H5T_C_S1);
      H5Tset_size(type, H5T_VARIABLE);
      return type;
    case 11:
      return H5Tarray_create2(H5T_STD_I32LE, 1, &(hsize_t){3});
    case 12:
      return H5Tenum_create(H5T_STD_I32LE);
    default:
      type = H5Tcopy(H5T_C_S1);
      H5Tset_size(type, 1 + which % 5);
      return type;
  }
}

static hid_t space_of(edit_bytes *bytes, int *axes, hsize_t shape[4]) {
  static const hsize_t special[] = {
      0, 1, 2, 3, 5, 8, 32, 100, 4096, 1 << 20, 1u << 31, (hsize_t)1 << 40, (hsize_t)1 << 60};
  *axes = (int)(edit_byte(bytes) % 5);
  for (int i = 0; i < *axes; i++) {
    const unsigned which = edit_byte(bytes);
    shape[i] = which < 128 ? special[which % 13] : which - 128;
  }
  return *axes ? H5Screate_simple(*axes, shape, NULL) : H5Screate(H5S_SCALAR);
}

static void set_layout(hid_t list, edit_bytes *bytes, int axes, const hsize_t shape[4]) {
  const unsigned how = edit_byte(bytes);
  hsize_t chunk[4];
  if (how % 4 == 1) H5Pset_layout(list, H5D_COMPACT);
  if (how % 4 < 2 || !axes) return;
  for (int i = 0; i < axes; i++) chunk[i] = 1 + edit_byte(bytes) % (shape[i] < 64 ? shape[i] + 1 : 64);
  H5Pset_chunk(list, axes, chunk);
  if (how & 4) H5Pset_shuffle(list);
  if (how & 8) H5Pset_deflate(list, 1);
  if (how & 16) H5Pset_fletcher32(list);
  if (how & 32) H5Pset_filter(list, 32015, H5Z_FLAG_OPTIONAL, 0, NULL);
  if (how & 64) H5Pset_scaleoffset(list, H5Z_SO_INT, 0);
}

/* Fill a dataset with small numbers and a few extreme ones; only if it is small and of a simple type. */
static void fill(hid_t data, edit_bytes *bytes) {
  static uint8_t content[DATA];
  const hid_t type = H5Dget_type(data), space = H5Dget_space(data);
  const H5T_class_t class = H5Tget_class(type);
  const hssize_t points = H5Sget_simple_extent_npoints(space);
  const size_t size = H5Tget_size(type);
  const int plain =
      class == H5T_INTEGER || class == H5T_FLOAT || (class == H5T_STRING && H5Tis_variable_str(type) == 0);
  if (plain && points > 0 && (hsize_t)points <= DATA / size) {
    if (H5Dread(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, content) < 0) memset(content, 0, sizeof content);
    for (int n = (int)(edit_byte(bytes) % 8); n >= 0; n--) {
      const size_t at = (edit_byte(bytes) | (size_t)edit_byte(bytes) << 8) % (size_t)points * size;
      const int64_t value = number(bytes);
      memcpy(content + at, &value, size < 8 ? size : 8);
    }
    H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, content);
  }
  H5Sclose(space);
  H5Tclose(type);
}

static void new_data(hid_t file, const char *path, edit_bytes *bytes) {
  hsize_t shape[4];
  int axes;
  const hid_t type = type_of(edit_byte(bytes)), space = space_of(bytes, &axes, shape);
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  set_layout(list, bytes, axes, shape);
  H5Ldelete(file, path, H5P_DEFAULT);
  const hid_t data = H5Dcreate2(file, path, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  if (data >= 0) {
    fill(data, bytes);
    H5Dclose(data);
  }
  H5Pclose(list);
  if (space >= 0) H5Sclose(space);
  H5Tclose(type);
}

static void change_data(hid_t file, const char *path, edit_bytes *bytes, unsigned how) {
  hsize_t at[4] = {0};
  const hid_t data = H5Dopen2(file, path, H5P_DEFAULT);
  if (data < 0) return;
  if (how == 0) fill(data, bytes);
  if (how == 1) {
    const size_t size = bytes->size < 64 ? bytes->size : 64;
    at[0] = edit_byte(bytes);
    H5Dwrite_chunk(data, H5P_DEFAULT, edit_byte(bytes) % 4, at, size < bytes->size ? size : bytes->size, bytes->data);
  }
  if (how == 2) H5Dset_extent(data, (const hsize_t[]){(hsize_t)number(bytes), 1, 1, 1});
  H5Dclose(data);
}

static herr_t add_attribute_name(hid_t object, const char *name, const H5A_info_t *info, void *data) {
  (void)object, (void)info;
  add_name(data, name);
  return 0;
}

static void change_attribute(hid_t file, const char *path, edit_bytes *bytes) {
  static const char *const texts[] = {"",        "lockstep-corpus", "lockstep-checkpoint",
                                      "text",    "classify",        "label",
                                      "pairs",   "frames",          "word",
                                      "char",    "sentencepiece",   "a text that is longer than sixteen bytes",
                                      "\xff\xfe"};
  names list = {0};
  const hid_t object = H5Oopen(file, path, H5P_DEFAULT);
  if (object < 0) return;
  H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, add_attribute_name, &list);
  add_name(&list, "other");
  const char *name = pick(&list, bytes);
  const unsigned how = edit_byte(bytes);
  H5Adelete(object, name);
  if (how % 4) {
    hsize_t shape[4];
    int axes = 0;
    const char *text = texts[edit_byte(bytes) % (sizeof texts / sizeof *texts)];
    const int64_t value = number(bytes);
    hid_t type = how % 4 == 1 ? H5Tcopy(H5T_STD_I64LE) : how % 4 == 2 ? H5Tcopy(H5T_C_S1) : type_of(edit_byte(bytes));
    if (how % 4 == 2) H5Tset_size(type, strlen(text) + (how & 4 ? 1 : !*text));
    const hid_t space = how % 4 == 3 && how & 8 ? space_of(bytes, &axes, shape) : H5Screate(H5S_SCALAR);
    const hid_t id = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (id >= 0 && how % 4 == 1) H5Awrite(id, H5T_STD_I64LE, &value);
    if (id >= 0 && how % 4 == 2) H5Awrite(id, type, text);
    if (id >= 0) H5Aclose(id);
    if (space >= 0) H5Sclose(space);
    H5Tclose(type);
  }
  for (int i = 0; i < list.count; i++) free(list.name[i]);
  H5Oclose(object);
}

static void edit(hid_t file, const names *list, edit_bytes *bytes) {
  const unsigned what = edit_byte(bytes);
  const char *path = pick(list, bytes), *other;
  switch (what % 13) {
    case 0:
      H5Ldelete(file, path, H5P_DEFAULT);
      break;
    case 1:
    case 2:
      new_data(file, path, bytes);
      break;
    case 3:
    case 4:
    case 5:
      change_data(file, path, bytes, 0);
      break;
    case 6:
      change_data(file, path, bytes, 1);
      break;
    case 7:
      change_data(file, path, bytes, 2);
      break;
    case 8:
    case 9:
      change_attribute(file, path, bytes);
      break;
    default:
      other = pick(list, bytes);
      H5Ldelete(file, path, H5P_DEFAULT);
      if (what % 13 == 10) H5Lcreate_hard(file, other, file, path, H5P_DEFAULT, H5P_DEFAULT);
      if (what % 13 == 11) H5Lcreate_soft(other, file, path, H5P_DEFAULT, H5P_DEFAULT);
      if (what % 13 == 12) H5Lmove(file, other, file, path, H5P_DEFAULT, H5P_DEFAULT);
  }
}

static void sign(const char *path) {
  FILE *file = fopen(path, "rb");
  FUZZ_MUST(file && fseek(file, 0, SEEK_END) == 0);
  const long size = ftell(file);
  FUZZ_MUST(size > 512);
  uint8_t *bytes = malloc((size_t)size + 8);
  rewind(file);
  FUZZ_MUST(bytes && fread(bytes, 1, (size_t)size, file) == (size_t)size);
  fclose(file);
  fuzz_sign(bytes, (size_t)size);
  fuzz_write(path, bytes, (size_t)size);
  free(bytes);
}

static void edit_here(const char *path, edit_bytes *bytes) {
  names list = {0};
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  FUZZ_MUST(file >= 0);
  H5Ovisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, visit, &list);
  add_name(&list, "/train/len_0099");
  add_name(&list, "/train/len_0000000008");
  add_name(&list, "/other");
  for (int i = 0; i < 8 && bytes->size; i++) edit(file, &list, bytes);
  FUZZ_MUST(H5Fclose(file) >= 0);
  sign(path);
}

/* Edits the file in a child process, because such edits can corrupt HDF5's memory, which is not what is tested here.
 * If the child crashes, or has not ended after SECONDS (HDF5 visits every chunk of a dataset extended to 2^63 rows), the
 * file is left unedited. */
void edit_file(const char *path, const uint8_t *base, size_t size, edit_bytes *bytes) {
  int state = 0;
  fuzz_write(path, base, size);
  const pid_t child = fork();
  FUZZ_MUST(child >= 0);
  if (child == 0) {
    signal(SIGALRM, SIG_DFL); /* libFuzzer's handler was inherited */
    alarm(SECONDS);
    FUZZ_MUST(freopen("/dev/null", "w", stderr));
    edit_here(path, bytes);
    _exit(0);
  }
  pid_t ended;
  do ended = waitpid(child, &state, 0);
  while (ended < 0 && errno == EINTR); /* interrupted by libFuzzer's timer */
  FUZZ_MUST(ended == child);
  if (state != 0) {
    fuzz_write(path, base, size);
    sign(path);
  }
}
