#include "kernels.h"

#include <math.h>
#include <string.h>

#include "arena.h"
#include "choices.h"
#include "clock.h"
#include "status.h"
#include "math_impl.h"

#if defined(__x86_64__) && !defined(LK_ONLY_PORTABLE)
#define HAS_X86 1
#include <xmmintrin.h>
#endif

extern const lk_kernels lk_kernels_portable, lk_kernels_bf16_portable, lk_kernels_blas, lk_kernels_amx_portable;
#ifdef HAS_X86
extern const lk_kernels lk_kernels_avx2, lk_kernels_bf16_avx2, lk_kernels_avx512, lk_kernels_bf16_avx512,
    lk_kernels_avx512bf16, lk_kernels_bf16_avx512bf16, lk_kernels_amx_avx512bf16;

/* __builtin_cpu_supports() also checks that the operating system saves the wide registers. */
static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static int has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
/* Where its instruction adds in another way than documented, the bits would be others than everywhere else. */
static int has_avx512bf16(void) {
  return has_avx512() && __builtin_cpu_supports("avx512bf16") && lk_bf16_as_documented();
}

#ifndef LK_DOUBLE
static int has_amx(void) { return has_avx512bf16() && !lk_amx_refused(); }
#endif
#endif
static int has_portable(void) { return 1; }

#if !defined(HAS_X86) && !defined(LK_DOUBLE)
static int has_none(void) { return 0; }
#endif
#define AMX_HELP "products of bf16 by AMX, with bits of its own"

enum { FLOAT32, BF16, PRECISIONS };

/* Ours, the fastest last; then those whose bits are their own. */
static const struct {
  const char *name;
  const lk_kernels *kernels[PRECISIONS];
  int isa; /* lk_kernels_isa() */
  int (*supported)(void);
  const char *help;
} tables[] = {
    {"portable", {&lk_kernels_portable, &lk_kernels_bf16_portable}, 0, has_portable, NULL},
#ifdef HAS_X86
    {"avx2", {&lk_kernels_avx2, &lk_kernels_bf16_avx2}, 1, has_avx2, NULL},
    {"avx512", {&lk_kernels_avx512, &lk_kernels_bf16_avx512}, 2, has_avx512, NULL},
    {"avx512bf16", {&lk_kernels_avx512bf16, &lk_kernels_bf16_avx512bf16}, 3, has_avx512bf16, NULL},
#endif
    {"blas", {&lk_kernels_blas, NULL}, LK_BLAS_ISA, has_portable, "products by OpenBLAS, with bits of their own"},
#ifndef LK_DOUBLE
#ifdef HAS_X86
    {"amx", {&lk_kernels_avx512bf16, &lk_kernels_amx_avx512bf16}, 3, has_amx, AMX_HELP},
#else /* known, for runs that began elsewhere */
    {"amx", {&lk_kernels_portable, &lk_kernels_amx_portable}, 0, has_none, AMX_HELP},
#endif
    {"amx-model",
     {&lk_kernels_portable, &lk_kernels_amx_portable},
     0,
     has_portable,
     "the bits of amx on any CPU, slowly"},
#endif
};
enum { TABLES = sizeof tables / sizeof tables[0] };

static int chosen = -1, precision = FLOAT32;

static int find_table(const char *name) {
  int i = TABLES - 1;
  while (i >= 0 && strcmp(tables[i].name, name) != 0) i--;
  return i;
}

/* How many of the tables are ours, of the same bits. */
static int ours(void) { return find_table("blas"); }

static int best(void) {
  int i = ours() - 1;
  while (!tables[i].supported()) i--;
  return i;
}

static lk_status find(const char *name, int *found) {
  char known[128] = "auto";
  *found = find_table(name);
  if (*found >= 0 && !tables[*found].supported()) {
#if defined(HAS_X86) && !defined(LK_DOUBLE)
    if (tables[*found].supported == has_amx && has_avx512bf16())
      return LK_FAIL(LK_USAGE, "%s: choose other kernels, or auto", lk_amx_refused());
#endif
    return LK_FAIL(LK_USAGE, "this CPU has no %s: choose other kernels, or auto", name);
  }
  if (*found >= 0) return LK_OK;
  for (int i = 0; i < TABLES; i++) strcat(strcat(known, " "), tables[i].name);
  return LK_FAIL(LK_USAGE, "no kernels are called \"%.40s\"; there are: %s", name, known);
}

int lk_kernels_supported(const char *name) {
  const int i = find_table(name);
  return i >= 0 && tables[i].supported();
}

/* "auto", ours from the best on, the others. */
static lk_choice kernel_choice(size_t i) {
  const int own = ours(), at = (int)i <= own ? own - (int)i : (int)i - 1;
  if (i == 0) return (lk_choice){.name = "auto", .help = "the best of this machine"};
  if (at >= TABLES) return (lk_choice){0};
  return (lk_choice){.name = tables[at].name, .help = tables[at].help};
}
LK_CHOICES("kernels", kernel_choice)

static const lk_choice precisions[PRECISIONS] = {
    {"float32", "all of it", NULL},
    {"bf16", "products read weights and activations rounded to bf16; the rest is float32", NULL}};

static lk_choice precision_choice(size_t i) { return i < PRECISIONS ? precisions[i] : (lk_choice){0}; }
LK_CHOICES("train.precision", precision_choice)

static int find_precision(const char *name) {
  int i = PRECISIONS - 1;
  while (i >= 0 && strcmp(precisions[i].name, name) != 0) i--;
  return i;
}

lk_status lk_kernels_choose(const char *name, const char *products) {
  const int of = find_precision(products);
  int table = 0;
  if (of < 0) return LK_FAIL(LK_USAGE, "no precision is called \"%.40s\"; there are: float32 bf16", products);
  if (name == NULL || strcmp(name, "auto") == 0)
    table = best();
  else
    LK_TRY(find(name, &table));
  if (!tables[table].kernels[of])
    return LK_FAIL(LK_USAGE, "the kernels called %s have no products of %s: choose other kernels, or auto", name,
                   precisions[of].name);
  chosen = table;
  precision = of;
  if (tables[table].isa == LK_BLAS_ISA) lk_blas_single_thread();
  lk_flush_denormals();
  return LK_OK;
}

lk_status lk_kernels_select(const char *name) { return lk_kernels_choose(name, precisions[FLOAT32].name); }

static int table_chosen(void) {
  if (chosen < 0) LK_ASSERT(lk_kernels_select(NULL) == LK_OK);
  return chosen;
}

int lk_kernels_isa(void) { return tables[table_chosen()].isa; }

int lk_kernels_sum_apart(const char *name) {
  const int i = find_table(name);
  return i >= 0 && tables[i].kernels[BF16] && tables[i].kernels[BF16]->apart;
}

/* Seconds of the fastest of a few products [ROWS, SIZE] by [SIZE, SIZE], forward and its gradient. */
static double seconds_of(const lk_kernels *k, lk_real *memory) {
  enum { ROWS = 16, SIZE = 256, ROUNDS = 3 };
  lk_real *w = memory, *x = w + SIZE * SIZE, *y = x + ROWS * SIZE, *packed = y + ROWS * SIZE,
          *block = packed + SIZE * SIZE;
  lk_packed p = {.data = packed};
  const lk_product product = {.n = ROWS, .x = x, .ldx = SIZE, .y = y, .ldy = SIZE};
  double best = INFINITY;
  LK_ASSERT(k->packed_size(SIZE, SIZE) <= SIZE * SIZE);
  k->pack(&p, SIZE, SIZE, w, SIZE, 1, LK_WHOLE);
  for (int i = 0; i < ROUNDS; i++) {
    const double start = lk_clock_seconds();
    k->product(&p, &product);
    k->outer(ROWS, SIZE, SIZE, y, SIZE, x, SIZE, block);
    best = fmin(best, lk_clock_seconds() - start);
  }
  return best;
}

int lk_kernels_blas_is_faster(void) {
  lk_arena arena = {0};
  const ptrdiff_t size = 4 * 256 * 256;
  (void)lk_arena_reals(&arena, size);
  if (lk_arena_reserve(&arena) != LK_OK) return 0;
  lk_real *memory = lk_arena_reals(&arena, size);
  for (ptrdiff_t i = 0; i < size; i++) memory[i] = (lk_real)(i % 7);
  lk_blas_single_thread();
  lk_flush_denormals();
  const int faster = seconds_of(&lk_kernels_blas, memory) < seconds_of(&lk_kernels_portable, memory);
  lk_arena_release(&arena);
  return faster;
}

const char *lk_kernels_advise(void) {
#if defined(__aarch64__) || defined(__FP_FAST_FMAF)
  return "auto"; /* the portable kernels use vectors and fused multiply-add here */
#else
  return best() == 0 && lk_kernels_blas_is_faster() ? "blas" : "auto";
#endif
}

const lk_kernels *lk_kernels_get(void) { return tables[table_chosen()].kernels[precision]; }

const lk_kernels *lk_kernels_float32(void) { return tables[table_chosen()].kernels[FLOAT32]; }

void lk_flush_denormals(void) {
#ifdef HAS_X86
  _mm_setcsr(_mm_getcsr() | 0x8040); /* FTZ: results, DAZ: operands */
#elif defined(__aarch64__)
  uint64_t control;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  __asm__ volatile("msr fpcr, %0" : : "r"(control | 1U << 24)); /* FZ: results and operands */
#endif
}
