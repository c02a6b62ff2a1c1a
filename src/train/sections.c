#include "sections.h"

#include <stdlib.h>

#include "replicas.h"

/* A message takes as long as some ten thousand numbers on a link of 1 Gbit/s, and each section costs messages; more than
 * a dozen would not hide more, since what remains is the last of them. */
enum { MOST_SECTIONS = 12, LEAST = 32 * LK_RANGE_BLOCK };
_Static_assert(MOST_SECTIONS <= (int)LK_MOST_RANGES, "a range of each");

/* How many numbers a section has at least; tests ask for fewer. */
static ptrdiff_t least_of(ptrdiff_t P) {
  const char *set = getenv("LOCKSTEP_TEST_SECTIONS");
  const ptrdiff_t least = set ? (ptrdiff_t)strtol(set, NULL, 10) : LEAST, share = P / MOST_SECTIONS;
  return least > share ? least : share;
}

/* From the end on: the section at the begin, the last to be completed, may be as small as it comes. */
int lk_sections_cut(const lk_params *params, ptrdiff_t cut[LK_MOST_RANGES - 1]) {
  const ptrdiff_t P = lk_params_count(params), least = least_of(P);
  ptrdiff_t falling[MOST_SECTIONS - 1], end = P;
  int count = 0;
  for (int i = lk_params_tensors(params) - 1; i >= 0 && count < MOST_SECTIONS - 1; i--) {
    const ptrdiff_t offset = lk_params_at(params, i)->offset;
    const ptrdiff_t at = (offset + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK * LK_RANGE_BLOCK;
    if (at > 0 && end - at >= least) falling[count++] = end = at;
  }
  for (int i = 0; i < count; i++) cut[i] = falling[count - 1 - i];
  return count;
}
