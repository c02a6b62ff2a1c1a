#include "lockstep/lockstep.h"

#include "h5.h"

const char *lockstep_version(void) { return LK_VERSION; }

void lockstep_reader_program(const char *path) { lk_h5_probe_program(path); }
