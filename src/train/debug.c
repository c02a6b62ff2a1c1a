#include "debug_impl.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "text.h"

static const char *const names[] = {"nan", "flip", "stall", "kill", "spike"};
enum { KINDS = sizeof names / sizeof *names };

static lk_status malformed(const char *text) {
  char quoted[256];
  return LK_FAIL(
      LK_USAGE,
      "LOCKSTEP_DEBUG: expected nan, flip, stall, kill or spike with a place, as in nan:rank=1,step=5, found %s",
      lk_quote(quoted, text, strlen(text)));
}

lk_status lk_debug_read(lk_debug *debug, const char *text) {
  *debug = (lk_debug){0};
  for (const char *at = text; at && *at;) {
    char name[16];
    int rank, used = 0;
    long long step;
    if (sscanf(at, "%15[a-z]:rank=%d,step=%lld%n", name, &rank, &step, &used) != 3 || (at[used] && at[used] != ';'))
      return malformed(text);
    size_t kind = 0;
    while (kind < KINDS && strcmp(name, names[kind]) != 0) kind++;
    if (kind == KINDS || rank < 0 || step < 1 || debug->count == LK_DEBUG_FAULTS) return malformed(text);
    debug->fault[debug->count++] = (struct lk_fault){.kind = (lk_fault_kind)kind, .rank = rank, .step = step};
    at += used + (at[used] == ';');
  }
  return LK_OK;
}

bool lk_debug_due(const lk_debug *debug, lk_fault_kind kind, int rank, int64_t step) {
  for (int i = 0; i < debug->count; i++)
    if (debug->fault[i].kind == kind && debug->fault[i].rank == rank && debug->fault[i].step == step) return true;
  return false;
}

void lk_debug_act(const lk_debug *debug, int rank, int64_t step) {
  if (lk_debug_due(debug, LK_FAULT_KILL, rank, step)) (void)raise(SIGKILL);
  if (!lk_debug_due(debug, LK_FAULT_STALL, rank, step)) return;
  for (;;) pause();
}

void lk_debug_flip(float *value) {
  uint32_t bits;
  memcpy(&bits, value, sizeof bits);
  bits ^= 1;
  memcpy(value, &bits, sizeof bits);
}
