/* amx_usable.c - whether products may use AMX: CPU and operating system are asked, and its sums compared with the model's. */
#include "math_impl.h"

#if defined(__x86_64__) && !defined(LK_ONLY_PORTABLE) && !defined(LK_DOUBLE)
#include <cpuid.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xmmintrin.h>

#include "status.h"

extern const lk_kernels lk_kernels_amx_avx512bf16, lk_kernels_amx_portable;

static int cpu_has_amx(void) {
  enum { BF16_INSTRUCTIONS = 1 << 22, TILES = 1 << 24 };
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & BF16_INSTRUCTIONS) && (d & TILES);
}

/* Whether the system saves the registers, and lets this process use them. */
static int system_allows_amx(void) {
  enum { TILES_ARE_SAVED = 3 << 17, ASK = 0x1023, TILE_DATA = 18 };
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & TILES_ARE_SAVED) == TILES_ARE_SAVED && syscall(SYS_arch_prctl, ASK, TILE_DATA) == 0;
}

/* The kernels' answer to a product [ROWS, TERMS] by [COLUMNS, TERMS]: y and then the gradient of the weights. */
enum { ROWS = 37, TERMS = 77, COLUMNS = 48, ANSWERS = ROWS * COLUMNS + COLUMNS * TERMS };
static void answer(const lk_kernels *k, const lk_real *x, const lk_real *w, lk_real *to) {
  lk_real packed[2 * COLUMNS * 128] __attribute__((aligned(64)));
  lk_packed p = {.data = packed};
  LK_ASSERT(k->packed_size(COLUMNS, TERMS) <= (ptrdiff_t)(sizeof packed / sizeof *packed));
  k->pack(&p, COLUMNS, TERMS, w, TERMS, 1, LK_WHOLE);
  k->product(&p, &(lk_product){.n = ROWS, .x = x, .ldx = TERMS, .y = to, .ldy = COLUMNS});
  k->outer(ROWS, COLUMNS, TERMS, to, COLUMNS, x, TERMS, to + ROWS * COLUMNS);
}

static int adds_like_model(void) {
  lk_real x[ROWS * TERMS], w[COLUMNS * TERMS], found[ANSWERS], expected[ANSWERS];
  uint32_t random = 1;
  for (int i = 0; i < (ROWS + COLUMNS) * TERMS; i++) {
    random = random * 1664525U + 1013904223U;
    *(i < ROWS * TERMS ? x + i : w + i - ROWS * TERMS) = (lk_real)(random >> 8) / (lk_real)(1 << 23) - 1;
  }
  const unsigned control = _mm_getcsr();
  _mm_setcsr(control | 0x8040); /* as lk_flush_denormals() */
  answer(&lk_kernels_amx_avx512bf16, x, w, found);
  answer(&lk_kernels_amx_portable, x, w, expected);
  _mm_setcsr(control);
  return memcmp(found, expected, sizeof found) == 0;
}

const char *lk_amx_refused(void) {
  static const char *why;
  static int known;
  if (known) return why;
  known = 1;
  if (!cpu_has_amx())
    why = "this CPU has no AMX";
  else if (!system_allows_amx())
    why = "the operating system does not let this program use the registers of AMX";
  else if (!adds_like_model())
    why = "AMX of this CPU gives other sums than documented";
  return why;
}
#endif
