/* exchange.h - models to and from other programs.
 *
 *   lk_model -> pieces by PyTorch's names, texts -> lk_outside -> a format -> file
 *   file -> a format -> lk_outside -> matched with the pieces of the net that a configuration describes -> checkpoint
 *
 * The texts (keys of lk_outside) are what `predict` needs besides the tensors: "config" (YAML), "corpus" (JSON, describe.h),
 * "vocabulary", "labels" and the like, and "probe". A file that has them becomes the same model again, bit for bit. */
#pragma once
#include "format.h"
#include "match.h"
#include "model.h"

/** Fill `outside` with everything that an exported file holds; it points into the model. The model runs on a probe
 *  (probe.h). LK_MEMORY.                                                           Not collective. */
LK_CHECKED lk_status lk_outside_of(lk_outside *outside, lk_model *model);
/** Write a model to `path` in a format, each file completely or not at all. written: receives the path of each file,
 *  with its size as the number; the caller releases it, also after a failure. LK_USAGE, LK_MEMORY, LK_IO.
 *                                                                                                  Not collective. */
LK_CHECKED lk_status lk_export(lk_model *model, const lk_format *format, const char *path, lk_strings *written);

typedef struct lk_import {
  const char *path; /* of the file */
  const lk_format *format;
  const char *config;         /* path of a configuration; NULL: the one in the file's metadata */
  const char *const *setting; /* [settings] "key=value" over it */
  int settings;
  const char *corpus; /* path of a corpus, for the vocabulary; NULL: that of the metadata */
  lk_mappings maps;
  const char *probe;  /* path of a probe that was made elsewhere (probe.h); NULL: the one of the file, if it has one */
  double tolerance;   /* of that probe: the largest difference allowed, relative to its largest number */
  const char *output; /* path of the model */
} lk_import;

typedef struct lk_imported {
  int tensors;
  ptrdiff_t numbers;               /* trainable parameters */
  int converted[LK_ELEMENT_COUNT]; /* tensors by what they held */
  bool probed;
  double difference; /* if probed: the largest difference of a probability (or score) from the probe */
  double largest;    /* and the largest number of the probe */
  lk_buffer notes;   /* lines for the user; to be released, also after a failure */
} lk_imported;

/** Convert a file to a model, completely or not at all. LK_USAGE for bad options. LK_DATA for anything wrong with the
 *  file, if it needs --config or --corpus, and if the model gives other answers than the user's probe. LK_MEMORY,
 *  LK_IO. Chooses kernels, as lk_model_open() does.                                 Not collective. */
LK_CHECKED lk_status lk_import_model(const lk_import *how, lk_imported *out);
