#include "lockstep/kernels.h"

#include <string.h>

#include "lockstep/status.h"
#include "math_impl.h"

#if defined(__x86_64__) && !defined(LK_ONLY_PORTABLE)
#define HAS_X86 1
#include <xmmintrin.h>
#endif

extern const lk_kernels lk_kernels_portable;
#ifdef HAS_X86
extern const lk_kernels lk_kernels_avx2, lk_kernels_avx512;

/* These ask the operating system as well: whether it saves the wide registers. */
static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static int has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
#endif
static int has_portable(void) { return 1; }

/* By lk_kernels_isa(), the best last. */
static const struct {
  const lk_kernels *kernels;
  int (*supported)(void);
} tables[] = {
    {&lk_kernels_portable, has_portable},
#ifdef HAS_X86
    {&lk_kernels_avx2, has_avx2},
    {&lk_kernels_avx512, has_avx512},
#endif
};
enum { TABLES = sizeof tables / sizeof tables[0] };

static int chosen = -1;

static int best(void) {
  int isa = TABLES - 1;
  while (!tables[isa].supported()) isa--;
  return isa;
}

static lk_status find(const char *name, int *isa) {
  char known[128] = "auto";
  for (int i = 0; i < TABLES; i++) {
    if (strcmp(name, tables[i].kernels->name) == 0) {
      if (!tables[i].supported()) return LK_FAIL(LK_USAGE, "this CPU has no %s: choose other kernels, or auto", name);
      *isa = i;
      return LK_OK;
    }
    strcat(strcat(known, " "), tables[i].kernels->name);
  }
  return LK_FAIL(LK_USAGE, "no kernels are called \"%.40s\"; there are: %s", name, known);
}

const char *const *lk_kernels_names(size_t *count) {
  static const char *names[TABLES + 1] = {"auto"};
  for (int i = 0; i < TABLES; i++) names[TABLES - i] = tables[i].kernels->name;
  *count = TABLES + 1;
  return names;
}

lk_status lk_kernels_select(const char *name) {
  int isa = 0;
  if (name == NULL || strcmp(name, "auto") == 0)
    isa = best();
  else
    LK_TRY(find(name, &isa));
  chosen = isa;
  lk_blas_single_thread();
  lk_flush_denormals();
  return LK_OK;
}

int lk_kernels_isa(void) {
  if (chosen < 0) LK_ASSERT(lk_kernels_select(NULL) == LK_OK);
  return chosen;
}

const lk_kernels *lk_kernels_get(void) { return tables[lk_kernels_isa()].kernels; }

void lk_flush_denormals(void) {
#ifdef HAS_X86
  _mm_setcsr(_mm_getcsr() | 0x8040); /* FTZ: results, DAZ: operands */
#elif defined(__aarch64__)
  uint64_t control;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  __asm__ volatile("msr fpcr, %0" : : "r"(control | 1U << 24)); /* FZ: results and operands */
#endif
}
