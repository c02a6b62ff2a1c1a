#include "lockstep/lockstep.h"

const char *lockstep_version(void) { return LK_VERSION; }
