/* exchange.h - models to and from files of other programs: `lockstep export` and `lockstep import`.
 *
 *   double difference;
 *   if (lockstep_model_open(&model, "run/best.h5") == LOCKSTEP_OK)
 *     lockstep_model_export(model, "tagger.safetensors", NULL);
 *   if (lockstep_model_import("tagger.safetensors", "again.h5", NULL, &difference) == LOCKSTEP_OK)
 *     printf("the same within %g\n", difference);
 *
 * The suffix of the file's name chooses the format, unless one is given: "safetensors" has the names and layouts of
 * PyTorch's modules, "onnx" is the net as a graph of operators. The README describes both. No function here needs
 * MPI. */
#pragma once
#include <stddef.h>

#include "lockstep/error.h"
#include "lockstep/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Write the model to a file, completely or not at all; a translator as ONNX to two, NAME.encoder.onnx and
 *  NAME.decoder.onnx. format NULL: by the name of the file. Models that joined it are left out. LOCKSTEP_USAGE for an
 *  unknown format or a model that it cannot hold, LOCKSTEP_IO, LOCKSTEP_MEMORY.    Not collective. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_model_export(lockstep_model *model, const char *path,
                                                                    const char *format);

/* Start from LOCKSTEP_IMPORT_OPTIONS. */
typedef struct lockstep_import_options {
  size_t size;                 /* set by LOCKSTEP_IMPORT_OPTIONS; how a newer library knows this struct */
  const char *format;          /* NULL: by the name of the file */
  const char *config;          /* path of the model's configuration; NULL: the one that export wrote */
  const char *corpus;          /* path of a corpus with the model's vocabulary; NULL: the one that export wrote */
  const char *const *settings; /* "key=value" over the configuration, NULL at the end; or NULL */
  const char *const *maps;     /* "OURS=THEIRS": module or tensor OURS of the model is THEIRS in the file; likewise */
} lockstep_import_options;
#define LOCKSTEP_IMPORT_OPTIONS \
  { sizeof(lockstep_import_options), 0, 0, 0, 0, 0 }

/** Convert a file of another program or of lockstep_model_export() to the model `output`, completely or not at all.
 *  options may be NULL. *difference (or NULL): how much the model's outputs differ at most from those that the file
 *  records for a batch of its own, the probe; NaN if it records none. LOCKSTEP_USAGE for bad options; LOCKSTEP_DATA for
 *  anything wrong with the file, and if it needs `config` or `corpus`; LOCKSTEP_IO, LOCKSTEP_MEMORY. Not collective. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_model_import(const char *path, const char *output,
                                                                    const lockstep_import_options *options,
                                                                    double *difference);

#ifdef __cplusplus
}
#endif
