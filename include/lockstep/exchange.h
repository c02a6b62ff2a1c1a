/* exchange.h - models as files of other programs, and back: `lockstep export` and `lockstep import`.
 *
 *   double difference;
 *   if (lockstep_model_open(&model, "run/best.h5") == LOCKSTEP_OK)
 *     lockstep_model_export(model, "tagger.safetensors", NULL);
 *   if (lockstep_model_import("tagger.safetensors", "again.h5", NULL, &difference) == LOCKSTEP_OK)
 *     printf("the same within %g\n", difference);
 *
 * A format is chosen by the end of a file's name, or given: "safetensors" has the names and layouts of PyTorch's modules,
 * "onnx" is the net as a graph of operators. The README describes both. No function here needs MPI. */
#pragma once
#include <stddef.h>

#include "lockstep/error.h"
#include "lockstep/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Write the model as a file, completely or not at all; a translator as ONNX is two, NAME.encoder.onnx and
 *  NAME.decoder.onnx. format NULL: by the name of the file. Models that joined it are left out. LOCKSTEP_USAGE for an
 *  unknown format and for what it cannot hold, LOCKSTEP_IO, LOCKSTEP_MEMORY.       Not collective. */
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

/** Make the model `output`, completely or not at all, of a file that another program or lockstep_model_export() wrote.
 *  options may be NULL. *difference (or NULL): how far its outputs for the probe batch in the file are at most from those
 *  that the file tells; NaN where it tells none. LOCKSTEP_USAGE for bad options, LOCKSTEP_DATA for all that is wrong with the
 *  file, also where it needs `config` or `corpus`; LOCKSTEP_IO, LOCKSTEP_MEMORY.    Not collective. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_model_import(const char *path, const char *output,
                                                                    const lockstep_import_options *options,
                                                                    double *difference);

#ifdef __cplusplus
}
#endif
