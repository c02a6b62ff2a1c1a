#include "signals.h"

#include <signal.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

static void reset(int number) {
  struct sigaction was;
  if (sigaction(number, NULL, &was) == 0 && was.sa_handler != SIG_IGN) (void)signal(number, SIG_DFL);
}

void lk_signals_reset(bool crashes) {
  static const int raised[] = {SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
  reset(SIGHUP);
  for (size_t i = 0; crashes && !SANITIZED && i < sizeof raised / sizeof *raised; i++) reset(raised[i]);
}
