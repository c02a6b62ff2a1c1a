/* lockstep.h - the Lockstep library: train recurrent sequence models and use them, from C or C++.
 *
 *   error.h    statuses, the last error
 *   corpus.h   prepare a corpus from a text file; open one and see what it holds
 *   config.h   the settings of a training run
 *   train.h    train on all ranks of an MPI communicator
 *   model.h    open a trained model; predict, score, generate, translate
 *   exchange.h models to and from files of other programs
 *
 * Build with `pkg-config --cflags --libs lockstep`, or in CMake find_package(lockstep) and lockstep::lockstep. No
 * header of MPI, HDF5 or a BLAS is needed.
 *
 * Compatibility. Versions are MAJOR.MINOR.PATCH (semantic versioning). A program works with a newer library without
 * being compiled again, within one MAJOR.MINOR while MAJOR is 0, and within one MAJOR from 1 on: functions, the numbers
 * of enums and the layout of the structs declared here do not change; functions and enum constants may be added.
 * Objects are opaque. Structs of options begin with `size_t size`, which their macro (LOCKSTEP_..._OPTIONS) sets, so
 * that fields can be added at their end. Keys of the configuration and file formats follow the same rule; texts of
 * errors and logs do not. The library exports the symbols lockstep_* that these headers declare and no others. */
#pragma once
#include "lockstep/config.h"
#include "lockstep/corpus.h"
#include "lockstep/error.h"
#include "lockstep/exchange.h"
#include "lockstep/model.h"
#include "lockstep/train.h"

/* The version of these headers. */
#define LOCKSTEP_VERSION_MAJOR 0
#define LOCKSTEP_VERSION_MINOR 1
#define LOCKSTEP_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the library that the program runs with, "0.1.0".                   Not collective. */
LOCKSTEP_API const char *lockstep_version(void);

/** Set the program that runs as the child process which reads unverified files first (error.h). Only a program that
 *  loads the library with dlopen(), such as an interpreter, needs this: `path` must name a program that is linked with
 *  the library, such as the installed `lockstep`. The path is not copied; NULL: the calling program itself.
 *                                                                                                    Not collective. */
LOCKSTEP_API void lockstep_reader_program(const char *path);

#ifdef __cplusplus
}
#endif
