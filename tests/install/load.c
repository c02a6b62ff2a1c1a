/* load LIBRARY.so PROGRAM MODEL.h5: a program that is not linked with the library loads it and opens a model. */
#include <dlfcn.h>
#include <lockstep/lockstep.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef void (*reader_function)(const char *path);
typedef lockstep_status (*open_function)(lockstep_model **model, const char *path);

int main(int argc, char **argv) {
  lockstep_model *model = NULL;
  void *library = argc == 4 ? dlopen(argv[1], RTLD_NOW) : NULL;
  if (!library) return fprintf(stderr, "load: %s\n", dlerror()), EXIT_FAILURE;
  const reader_function reader = (reader_function)(uintptr_t)dlsym(library, "lockstep_reader_program");
  const open_function open = (open_function)(uintptr_t)dlsym(library, "lockstep_model_open");
  if (!reader || !open) return EXIT_FAILURE;
  reader(argv[2]);
  return open(&model, argv[3]) == LOCKSTEP_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
