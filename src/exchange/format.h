/* format.h - the file formats of models outside of Lockstep. A format is one file, format_<name>.c, and one line in the
 * table of formats.c; a file's name chooses it, or --format. Not collective throughout. */
#pragma once
#include "outside.h"

struct lk_model;

typedef struct lk_format {
  const char *name;   /* --format */
  const char *suffix; /* of file names, ".safetensors" */
  const char *help;
  /** The names of the files that a model becomes, with NULL at the end: {"encoder", "decoder", NULL} for
   *  BASE.encoder.SUFFIX and BASE.decoder.SUFFIX. NULL, or no such function: one file. */
  const char *const *(*parts)(const struct lk_model *model);
  /** Append file `part` to `file`: the tensors and texts of `outside`, which are those of `model`. LK_USAGE naming the
   *  setting if the format cannot hold the model; LK_MEMORY. */
  lk_status (*write)(const lk_outside *outside, const struct lk_model *model, int part, lk_buffer *file);
  /** Fill `outside` from outside->file, the bytes of `path`, which it may point into. The bytes are not trusted:
   *  LK_DATA, with `path` and what is wrong, before more memory is taken than they can describe. LK_MEMORY. */
  lk_status (*read)(lk_outside *outside, const char *path);
} lk_format;

/** The format called `name` or, where that is NULL, the one whose suffix the path has. LK_USAGE listing all. */
LK_CHECKED lk_status lk_format_find(const lk_format **format, const char *name, const char *path);
/** Format i, or NULL behind the last. */
const lk_format *lk_format_at(int i);
