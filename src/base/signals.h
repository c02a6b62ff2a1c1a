/* signals.h - undo the signal handlers that libraries install. */
#pragma once
#include <stdbool.h>

/* 1 in builds with a sanitizer, which has its own allocator and crash handlers, and needs more memory than limits
 * allow. */
#ifndef LK_SANITIZED
#define LK_SANITIZED 0
#endif

/** Give SIGHUP its default action again, and with `crashes` the signals of a crash too: UCX, a library below several
 *  MPIs, installs handlers that print its traces. Ignored signals stay ignored, and a sanitizer keeps its handlers of
 *  crashes. To be called before the program installs handlers.                              Not collective. */
void lk_signals_reset(bool crashes);
