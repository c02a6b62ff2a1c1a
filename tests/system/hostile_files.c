/* hostile_files - make a stranger's files out of a good one, and run commands on them within limits.
 *
 *   hostile_files make GOOD.h5 TARGET FOLDER [ATTACK ...]
 *                                              one file for each attack, or for those; TARGET is the data set that is
 *                                              replaced. All get a true digest: it only says that nothing changed since.
 *   hostile_files set GOOD.h5 OUT.h5 OBJECT NAME VALUE     a copy with another number in an attribute
 *   hostile_files put GOOD.h5 OUT.h5 DATASET PLACE VALUE   ... or in one place of a data set
 *   hostile_files text GOOD.h5 OUT.h5 DATASET TEXT         ... or another text, the only one of a data set
 *   hostile_files image GOOD.h5 OUT.h5       a copy whose metadata are in an image of HDF5's cache, signed
 *   hostile_files frames OUT.h5              frames, offsets and labels of a stranger's, with such an image
 *   hostile_files spoil GOOD.h5 OUT.h5 SEED  a copy with some bytes changed, not signed
 *   hostile_files run SECONDS MIB COMMAND...   the command's exit code, or 99 where it took longer or more memory
 *
 * An attack is one function and one line in the table. */
#include <hdf5.h>

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "durable.h"

enum { BLOCK = 512, MILLION = 1000000, PATIENCE = 6 };

static const char *target;

#define MUST(call) must((call) >= 0, #call)

static void must(int good, const char *what) {
  if (good) return;
  fprintf(stderr, "hostile_files: %s\n", what);
  exit(1);
}

static unsigned char *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  must(file != NULL, path);
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  unsigned char *bytes = malloc(*size + 8);
  must(bytes && fread(bytes, 1, *size, file) == *size, path);
  fclose(file);
  return bytes;
}

static void write_file(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  must(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0, path);
}

/* A true digest in front (h5.h): of the bytes after the user block, then the size of the whole. */
static void sign(const char *path) {
  size_t size;
  char hex[33], line[BLOCK] = "";
  unsigned char *bytes = read_file(path, &size);
  for (int i = 0; i < 8; i++) bytes[size + (size_t)i] = (unsigned char)(size >> (8 * i));
  lk_digest(bytes + BLOCK, size - BLOCK + 8, hex);
  snprintf(line, sizeof line, "lockstep xxh3-128 %s %zu\n", hex, size);
  memcpy(bytes, line, sizeof line);
  write_file(path, bytes, size);
  free(bytes);
}

/* ---- the attacks: each gets the good file, open ---- */

static hid_t space_of(hsize_t rows) { return H5Screate_simple(1, &rows, NULL); }

static void place(hid_t file, hid_t type, hid_t space, hid_t list) {
  const hid_t data = H5Dcreate2(file, target, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  MUST(data);
  H5Dclose(data);
}

static void remove_target(hid_t file) { MUST(H5Ldelete(file, target, H5P_DEFAULT)); }

static void external_link(hid_t file) {
  remove_target(file);
  MUST(H5Lcreate_external("secret.h5", "/x", file, target, H5P_DEFAULT, H5P_DEFAULT));
}

static void soft_link(hid_t file) {
  MUST(H5Lmove(file, target, file, "/elsewhere", H5P_DEFAULT, H5P_DEFAULT));
  MUST(H5Lcreate_soft("/elsewhere", file, target, H5P_DEFAULT, H5P_DEFAULT));
}

static void soft_circle(hid_t file) {
  remove_target(file);
  MUST(H5Lcreate_soft(target, file, target, H5P_DEFAULT, H5P_DEFAULT));
}

/* Eight ways from a group to itself: a walk without memory never ends. */
static void hard_circle(hid_t file) {
  H5Gclose(H5Gcreate2(file, "/round", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  for (int i = 0; i < 8; i++) {
    char name[32];
    snprintf(name, sizeof name, "/round/%d", i);
    MUST(H5Lcreate_hard(file, "/round", file, name, H5P_DEFAULT, H5P_DEFAULT));
  }
}

static void root_in_root(hid_t file) { MUST(H5Lcreate_hard(file, "/", file, "/root", H5P_DEFAULT, H5P_DEFAULT)); }

static void external_storage(hid_t file) {
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE), space = space_of(4);
  remove_target(file);
  MUST(H5Pset_external(list, "secret.bin", 0, 16));
  place(file, H5T_STD_I32LE, space, list);
  H5Pclose(list);
  H5Sclose(space);
}

static void virtual_data(hid_t file) {
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE), space = space_of(4);
  remove_target(file);
  MUST(H5Pset_virtual(list, space, "secret.h5", "/x", space));
  place(file, H5T_STD_I32LE, space, list);
  H5Pclose(list);
  H5Sclose(space);
}

static void huge_shape(hid_t file) {
  const hid_t space = space_of((hsize_t)1 << 40);
  remove_target(file);
  place(file, H5T_STD_I32LE, space, H5P_DEFAULT);
  H5Sclose(space);
}

static void huge_chunks(hid_t file) {
  const hsize_t rows = (hsize_t)1 << 60, chunk = (hsize_t)1 << 28;
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE), space = space_of(rows);
  remove_target(file);
  H5Pset_chunk(list, 1, &chunk);
  H5Pset_deflate(list, 9);
  place(file, H5T_STD_I32LE, space, list);
  H5Pclose(list);
  H5Sclose(space);
}

static void foreign_filter(hid_t file) {
  const hsize_t chunk = 4;
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE), space = space_of(4);
  remove_target(file);
  H5Pset_chunk(list, 1, &chunk);
  H5Pset_filter(list, 32015, H5Z_FLAG_OPTIONAL, 0, NULL);
  place(file, H5T_STD_I32LE, space, list);
  H5Pclose(list);
  H5Sclose(space);
}

static void deep_groups(hid_t file) {
  hid_t at = H5Gopen2(file, "/", H5P_DEFAULT);
  for (int i = 0; i < 2000; i++) {
    const hid_t next = H5Gcreate2(at, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    MUST(next);
    H5Gclose(at);
    at = next;
  }
  H5Gclose(at);
}

static void many_members(hid_t file) {
  const hid_t group = H5Gcreate2(file, "/many", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  for (int i = 0; i < 100000; i++) {
    char name[16];
    snprintf(name, sizeof name, "%d", i);
    MUST(H5Lcreate_hard(file, target, group, name, H5P_DEFAULT, H5P_DEFAULT));
  }
  H5Gclose(group);
}

static void type(hid_t file, hid_t made) {
  const hid_t space = space_of(4);
  remove_target(file);
  place(file, made, space, H5P_DEFAULT);
  H5Sclose(space);
}

static void type_compound(hid_t file) {
  const hid_t made = H5Tcreate(H5T_COMPOUND, 8);
  H5Tinsert(made, "a", 0, H5T_STD_I32LE);
  type(file, made);
  H5Tclose(made);
}

static void type_list(hid_t file) {
  const hid_t made = H5Tvlen_create(H5T_STD_I32LE);
  type(file, made);
  H5Tclose(made);
}

static void type_text(hid_t file) {
  const hid_t made = H5Tcopy(H5T_C_S1);
  H5Tset_size(made, H5T_VARIABLE);
  type(file, made);
  H5Tclose(made);
}

static void type_reference(hid_t file) { type(file, H5T_STD_REF_OBJ); }
static void type_real(hid_t file) { type(file, H5T_IEEE_F64LE); }

static void many_axes(hid_t file) {
  const hsize_t shape[8] = {1, 1, 1, 1, 1, 1, 1, 4};
  const hid_t space = H5Screate_simple(8, shape, NULL);
  remove_target(file);
  place(file, H5T_STD_I32LE, space, H5P_DEFAULT);
  H5Sclose(space);
}

static void no_terminator(hid_t file) {
  const hid_t text = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(text, 16);
  H5Tset_strpad(text, H5T_STR_NULLPAD);
  H5Adelete(file, "format");
  const hid_t id = H5Acreate2(file, "format", text, space, H5P_DEFAULT, H5P_DEFAULT);
  MUST(H5Awrite(id, text, "lockstep-corpusX"));
  H5Aclose(id);
  H5Tclose(text);
  H5Sclose(space);
}

static void million_attributes(hid_t file) {
  const hid_t space = H5Screate(H5S_SCALAR);
  MUST(H5Fset_libver_bounds(file, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST));
  const hid_t group = H5Gcreate2(file, "/many", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  for (int i = 0; i < MILLION; i++) {
    char name[16];
    snprintf(name, sizeof name, "%d", i);
    const hid_t id = H5Acreate2(group, name, H5T_STD_I8LE, space, H5P_DEFAULT, H5P_DEFAULT);
    MUST(id);
    H5Aclose(id);
  }
  H5Gclose(group);
  H5Sclose(space);
}

/* One deflated chunk of many zeros, declared to be a small one. */
static void bomb(hid_t file) {
  const hsize_t large = 16 << 20, small = 1 << 15;
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE), space = space_of(large);
  hsize_t size = 0;
  uint32_t mask;
  static int32_t zeros[16 << 20];
  static char stored[1 << 20];
  H5Pset_chunk(list, 1, &large);
  H5Pset_deflate(list, 9);
  hid_t data = H5Dcreate2(file, "/tmp", H5T_STD_I32LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
  MUST(H5Dwrite(data, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros));
  MUST(H5Fflush(file, H5F_SCOPE_GLOBAL));
  MUST(H5Dget_chunk_storage_size(data, (const hsize_t[]){0}, &size));
  must(size < sizeof stored, "a chunk of zeros");
  MUST(H5Dread_chunk(data, H5P_DEFAULT, (const hsize_t[]){0}, &mask, stored));
  H5Dclose(data);
  H5Sclose(space);
  MUST(H5Ldelete(file, "/tmp", H5P_DEFAULT));
  /* The shape and type are those that a reader asks for. */
  data = H5Dopen2(file, target, H5P_DEFAULT);
  const hid_t shape = H5Dget_space(data), kind = H5Dget_type(data);
  H5Dclose(data);
  hsize_t extent[8] = {0};
  const int axes = H5Sget_simple_extent_dims(shape, extent, NULL);
  must(axes >= 1, "the target's axes");
  hsize_t chunk[8];
  for (int i = 0; i < axes; i++) chunk[i] = extent[i] < small ? extent[i] : small;
  MUST(H5Pset_chunk(list, axes, chunk));
  remove_target(file);
  data = H5Dcreate2(file, target, kind, shape, H5P_DEFAULT, list, H5P_DEFAULT);
  MUST(data);
  hsize_t at[8] = {0};
  for (at[0] = 0; at[0] < extent[0]; at[0] += chunk[0])
    MUST(H5Dwrite_chunk(data, H5P_DEFAULT, 0, at, (size_t)size, stored));
  H5Dclose(data);
  H5Tclose(kind);
  H5Sclose(shape);
  H5Pclose(list);
}

/* All numbers of the target are these bytes, again and again. */
static void fill(hid_t file, const void *pattern, size_t period) {
  const hid_t data = H5Dopen2(file, target, H5P_DEFAULT), kind = H5Dget_type(data);
  const hid_t space = H5Dget_space(data);
  const size_t size = H5Tget_size(kind) * (size_t)H5Sget_simple_extent_npoints(space);
  char *bytes = malloc(size + period);
  must(bytes != NULL, "memory");
  for (size_t i = 0; i < size; i += period) memcpy(bytes + i, pattern, period);
  MUST(H5Dwrite(data, kind, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes));
  free(bytes);
  H5Sclose(space);
  H5Tclose(kind);
  H5Dclose(data);
}

static void wild_numbers(hid_t file) { fill(file, &(int32_t){1 << 30}, 4); }
static void negative_numbers(hid_t file) { fill(file, &(int32_t){-7}, 4); }
static void not_numbers(hid_t file) { fill(file, &(uint32_t){0x7fc00000}, 4); }

/* ---- what Lockstep never reads: such files are harmless ---- */

static void put_attribute(hid_t file, const char *name, hid_t kind, hid_t space, const void *value) {
  const hid_t id = H5Acreate2(file, name, kind, space, H5P_DEFAULT, H5P_DEFAULT);
  MUST(id);
  MUST(H5Awrite(id, kind, value));
  H5Aclose(id);
}

/* Dimension scales that are no objects, or lie beyond the file; one that is its own. */
static void unread_references(hid_t file) {
  struct {
    hobj_ref_t data;
    int32_t axis, unused;
  } uses[3] = {{0, 0, 0}, {(hobj_ref_t)1 << 40, 1 << 30, 0}, {100, -1, 0}};
  hobj_ref_t scales[3] = {7, (hobj_ref_t)1 << 50, 0};
  const hvl_t list = {3, scales};
  const hid_t one = space_of(1), three = space_of(3);
  const hid_t lists = H5Tvlen_create(H5T_STD_REF_OBJ), pairs = H5Tcreate(H5T_COMPOUND, sizeof *uses);
  MUST(H5Rcreate(&scales[2], file, "/", H5R_OBJECT, -1));
  uses[0].data = scales[2];
  MUST(H5Tinsert(pairs, "dataset", 0, H5T_STD_REF_OBJ));
  MUST(H5Tinsert(pairs, "dimension", sizeof(hobj_ref_t), H5T_STD_I32LE));
  put_attribute(file, "DIMENSION_LIST", lists, one, &list);
  put_attribute(file, "REFERENCE_LIST", pairs, three, uses);
  H5Tclose(lists);
  H5Tclose(pairs);
  H5Sclose(one);
  H5Sclose(three);
}

/* Text on the global heap, which has no checksum: the edits below then spoil it, and all other text there. */
static void variable_text(hid_t file, const char *name) {
  const hid_t kind = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  const char *text = "some words of variable length";
  MUST(H5Tset_size(kind, H5T_VARIABLE));
  if (H5Aexists(file, name) > 0) MUST(H5Adelete(file, name));
  put_attribute(file, name, kind, space, &text);
  H5Tclose(kind);
  H5Sclose(space);
}

static void more_text(hid_t file) { variable_text(file, "comment"); }
static void format_text(hid_t file) { variable_text(file, "format"); }

/* Each collection of the heap: "GCOL", version, three bytes, its size; then objects, each with number, uses, four bytes,
 * size. */
static void edit_heap(unsigned char *bytes, size_t size, void (*edit)(unsigned char *collection)) {
  int found = 0;
  for (size_t i = BLOCK; i + 64 < size; i++)
    if (memcmp(bytes + i, "GCOL", 4) == 0) edit(bytes + i), found++;
  must(found > 0, "a heap to spoil");
}

static void no_heap(unsigned char *collection) { memset(collection, 0, 16); }
static void huge_heap(unsigned char *collection) { memset(collection + 8, 0x7f, 8); }
static void huge_text(unsigned char *collection) { memset(collection + 24, 0x11, 5); }
static void no_text(unsigned char *collection) { collection[16] = 0x77; }

/* "data": what only a reader of the numbers can notice. "unread": what no one does. */
static const struct {
  const char *name;
  void (*make)(hid_t file);
  void (*edit)(unsigned char *collection); /* of the heap, afterwards; or NULL */
} attacks[] = {
    {"external-link", external_link, NULL},
    {"soft-link", soft_link, NULL},
    {"soft-circle", soft_circle, NULL},
    {"hard-circle", hard_circle, NULL},
    {"root-in-root", root_in_root, NULL},
    {"external-storage", external_storage, NULL},
    {"virtual-data", virtual_data, NULL},
    {"huge-shape", huge_shape, NULL},
    {"huge-chunks", huge_chunks, NULL},
    {"foreign-filter", foreign_filter, NULL},
    {"deep-groups", deep_groups, NULL},
    {"many-members", many_members, NULL},
    {"million-attributes", million_attributes, NULL},
    {"type-compound", type_compound, NULL},
    {"type-list", type_list, NULL},
    {"type-text", type_text, NULL},
    {"type-reference", type_reference, NULL},
    {"type-real", type_real, NULL},
    {"many-axes", many_axes, NULL},
    {"no-terminator", no_terminator, NULL},
    {"format-text", format_text, NULL},
    {"format-no-heap", format_text, no_heap},
    {"unread-references", unread_references, NULL},
    {"text-no-heap", more_text, no_heap},
    {"text-huge-heap", more_text, huge_heap},
    {"text-huge-text", more_text, huge_text},
    {"text-no-text", more_text, no_text},
    {"data-bomb", bomb, NULL},
    {"data-wild-numbers", wild_numbers, NULL},
    {"data-negative-numbers", negative_numbers, NULL},
    {"data-not-numbers", not_numbers, NULL},
};

static int wanted(const char *name, int count, char **names) {
  int found = count == 0;
  for (int i = 0; i < count; i++) found |= strcmp(names[i], name) == 0;
  return found;
}

static int make(const char *good, const char *folder, int count, char **names) {
  size_t size;
  unsigned char *bytes = read_file(good, &size);
  for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
    char path[4096];
    if (!wanted(attacks[i].name, count, names)) continue;
    snprintf(path, sizeof path, "%s/%s.h5", folder, attacks[i].name);
    write_file(path, bytes, size);
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    must(file >= 0, path);
    attacks[i].make(file);
    MUST(H5Fclose(file));
    if (attacks[i].edit) {
      size_t changed;
      unsigned char *all = read_file(path, &changed);
      edit_heap(all, changed, attacks[i].edit);
      write_file(path, all, changed);
      free(all);
    }
    sign(path);
  }
  free(bytes);
  return 0;
}

/* ---- one thing changed ---- */

static hid_t open_copy(const char *good, const char *path) {
  size_t size;
  unsigned char *bytes = read_file(good, &size);
  write_file(path, bytes, size);
  free(bytes);
  const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  must(file >= 0, path);
  return file;
}

static herr_t look(hid_t file, const char *name, const H5O_info_t *info, void *data) {
  (void)file, (void)name, (void)info, (void)data;
  return 0;
}

static void close_copy(hid_t file, const char *path) {
  MUST(H5Fclose(file));
  sign(path);
}

/* Made anew: HDF5 1.10 does not find the attribute again that it would have to write over. */
static void set_attribute(hid_t file, const char *object, const char *name, const char *value) {
  const hid_t owner = H5Oopen(file, object, H5P_DEFAULT), space = H5Screate(H5S_SCALAR);
  hid_t id = H5Aopen(owner, name, H5P_DEFAULT);
  MUST(id);
  const hid_t kind = H5Aget_type(id);
  H5Aclose(id);
  MUST(H5Adelete(owner, name));
  id = H5Acreate2(owner, name, kind, space, H5P_DEFAULT, H5P_DEFAULT);
  MUST(id);
  if (H5Tget_class(kind) == H5T_INTEGER)
    MUST(H5Awrite(id, H5T_NATIVE_INT64, &(int64_t){atoll(value)}));
  else
    MUST(H5Awrite(id, H5T_NATIVE_DOUBLE, &(double){atof(value)}));
  H5Tclose(kind);
  H5Aclose(id);
  H5Sclose(space);
  H5Oclose(owner);
}

static void put_number(hid_t file, const char *path, size_t place, const char *value) {
  const hid_t data = H5Dopen2(file, path, H5P_DEFAULT), space = H5Dget_space(data);
  const size_t count = (size_t)H5Sget_simple_extent_npoints(space);
  double *numbers = malloc(sizeof *numbers * (count + 1));
  must(numbers && place < count, "a place in it");
  MUST(H5Dread(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers));
  numbers[place] = atof(value);
  MUST(H5Dwrite(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers));
  free(numbers);
  H5Sclose(space);
  H5Dclose(data);
}

static void put_text(hid_t file, const char *path, const char *words) {
  const hid_t kind = H5Tcopy(H5T_C_S1), space = space_of(1);
  MUST(H5Tset_size(kind, strlen(words)));
  MUST(H5Tset_strpad(kind, H5T_STR_NULLPAD));
  MUST(H5Tset_cset(kind, H5T_CSET_UTF8));
  target = path;
  remove_target(file);
  place(file, kind, space, H5P_DEFAULT);
  const hid_t data = H5Dopen2(file, path, H5P_DEFAULT);
  MUST(H5Dwrite(data, kind, H5S_ALL, H5S_ALL, H5P_DEFAULT, words));
  H5Dclose(data);
  H5Tclose(kind);
  H5Sclose(space);
}

/* ---- metadata in an image of the cache ---- */

static hid_t with_image(void) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5AC_cache_image_config_t image = {.version = H5AC__CURR_CACHE_IMAGE_CONFIG_VERSION,
                                     .generate_image = 1,
                                     .entry_ageout = H5AC__CACHE_IMAGE__ENTRY_AGEOUT__NONE};
  MUST(H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST));
  MUST(H5Pset_mdc_image_config(access, &image));
  return access;
}

static int make_image(const char *good, const char *path) {
  size_t size;
  unsigned char *bytes = read_file(good, &size);
  write_file(path, bytes, size);
  free(bytes);
  const hid_t access = with_image(), file = H5Fopen(path, H5F_ACC_RDWR, access);
  must(file >= 0, path);
  MUST(H5Ovisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, look, NULL)); /* into the cache */
  MUST(H5Pclose(access));
  close_copy(file, path);
  return 0;
}

static int make_frames(const char *path) {
  enum { FRAMES = 40, WIDTH = 3, ROWS = 4 };
  static const float frames[FRAMES * WIDTH] = {1, 2, 3};
  static const int64_t offsets[ROWS + 1] = {0, 10, 20, 30, 40}, labels[ROWS] = {1, 2, 1, 2};
  const hid_t access = with_image(), file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  const hid_t plane = H5Screate_simple(2, (hsize_t[]){FRAMES, WIDTH}, NULL), more = space_of(ROWS + 1);
  const hid_t line = space_of(ROWS), list = H5Pcreate(H5P_DATASET_CREATE);
  MUST(H5Pset_chunk(list, 2, (hsize_t[]){8, WIDTH}));
  MUST(H5Pset_deflate(list, 4));
  const struct {
    const char *name;
    hid_t kind, space, list;
    const void *data;
  } sets[] = {{"/frames", H5T_NATIVE_FLOAT, plane, list, frames},
              {"/offsets", H5T_NATIVE_INT64, more, H5P_DEFAULT, offsets},
              {"/labels", H5T_NATIVE_INT64, line, H5P_DEFAULT, labels}};
  for (int i = 0; i < 3; i++) {
    const hid_t data =
        H5Dcreate2(file, sets[i].name, sets[i].kind, sets[i].space, H5P_DEFAULT, sets[i].list, H5P_DEFAULT);
    MUST(H5Dwrite(data, sets[i].kind, H5S_ALL, H5S_ALL, H5P_DEFAULT, sets[i].data));
    H5Dclose(data);
  }
  MUST(H5Fclose(file));
  return 0;
}

static int spoil(const char *good, const char *path, unsigned seed) {
  size_t size;
  unsigned char *bytes = read_file(good, &size);
  srand(seed);
  for (int i = 0; i < 6; i++) bytes[(size_t)rand() % size] = (unsigned char)(rand() % 2 ? 0xff : rand());
  write_file(path, bytes, size);
  free(bytes);
  return 0;
}

/* ---- running ---- */

static int run(double seconds, long mebibytes, char **command) {
  struct timespec start, now;
  struct rusage usage;
  int how = 0;
  double took = 0;
  clock_gettime(CLOCK_MONOTONIC, &start);
  const pid_t child = fork();
  must(child >= 0, "fork");
  if (child == 0) {
    execvp(*command, command);
    _exit(98);
  }
  while (wait4(child, &how, WNOHANG, &usage) == 0) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    took = (double)(now.tv_sec - start.tv_sec) + 1e-9 * (double)(now.tv_nsec - start.tv_nsec);
    if (took > PATIENCE * seconds) kill(child, SIGKILL);
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  }
  /* On a busy machine a start alone may take seconds: what counts is the processor's time, and an end in sight. */
  const double busy = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                      1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  if (busy > seconds || took > PATIENCE * seconds || usage.ru_maxrss / 1024 > mebibytes) {
    fprintf(stderr, "hostile_files: it took %.1f s (%.1f of the processor) and %ld MiB\n", took, busy,
            usage.ru_maxrss / 1024);
    return 99;
  }
  return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}

int main(int argc, char **argv) {
  if (argc >= 5 && strcmp(argv[1], "make") == 0) {
    target = argv[3];
    return make(argv[2], argv[4], argc - 5, argv + 5);
  }
  if (argc == 7 && strcmp(argv[1], "set") == 0) {
    const hid_t file = open_copy(argv[2], argv[3]);
    set_attribute(file, argv[4], argv[5], argv[6]);
    return close_copy(file, argv[3]), 0;
  }
  if (argc == 7 && strcmp(argv[1], "put") == 0) {
    const hid_t file = open_copy(argv[2], argv[3]);
    put_number(file, argv[4], (size_t)atoll(argv[5]), argv[6]);
    return close_copy(file, argv[3]), 0;
  }
  if (argc == 6 && strcmp(argv[1], "text") == 0) {
    const hid_t file = open_copy(argv[2], argv[3]);
    put_text(file, argv[4], argv[5]);
    return close_copy(file, argv[3]), 0;
  }
  if (argc == 4 && strcmp(argv[1], "image") == 0) return make_image(argv[2], argv[3]);
  if (argc == 3 && strcmp(argv[1], "frames") == 0) return make_frames(argv[2]);
  if (argc == 5 && strcmp(argv[1], "spoil") == 0) return spoil(argv[2], argv[3], (unsigned)atoi(argv[4]));
  if (argc > 4 && strcmp(argv[1], "run") == 0) return run(atof(argv[2]), atol(argv[3]), argv + 4);
  fprintf(stderr, "usage: hostile_files make GOOD.h5 TARGET FOLDER [ATTACK ...] | run SECONDS MIB COMMAND...\n");
  return 64;
}
