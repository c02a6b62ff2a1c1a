#include "signals.h"

#include <signal.h>
#include <stddef.h>

static void reset(int number) {
  struct sigaction was;
  if (sigaction(number, NULL, &was) == 0 && was.sa_handler != SIG_IGN) (void)signal(number, SIG_DFL);
}

/* A sanitizer keeps its handlers of crashes: they print what it found. */
void lk_signals_reset(bool crashes) {
  static const int raised[] = {SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
  reset(SIGHUP);
  for (size_t i = 0; crashes && !LK_SANITIZED && i < sizeof raised / sizeof *raised; i++) reset(raised[i]);
}
