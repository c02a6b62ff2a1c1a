/* signals.h - signals as the system has them, where libraries took them for themselves. */
#pragma once
#include <stdbool.h>

/* 1 in builds with a sanitizer, which has its own allocator and handlers of crashes, and exceeds limits on memory. */
#ifndef LK_SANITIZED
#define LK_SANITIZED 0
#endif

/** Back to the system's way: SIGHUP, which UCX (below many an MPI) takes for a wish to see its traces, and with `crashes`
 *  what a crash raises too, which it answers with pages of text. What is ignored stays so; with a sanitizer crashes stay
 *  the sanitizer's. Before the program has handlers of its own.                    Not collective. */
void lk_signals_reset(bool crashes);
