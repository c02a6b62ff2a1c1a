#include "ceiling.h"

#include "kernels.h"

double lk_ceiling_portable(ptrdiff_t rounds);
double lk_ceiling_blas(ptrdiff_t rounds);
#if defined(__x86_64__) && !defined(LK_ONLY_PORTABLE)
double lk_ceiling_avx2(ptrdiff_t rounds);
double lk_ceiling_avx512(ptrdiff_t rounds);
double lk_ceiling_avx512bf16(ptrdiff_t rounds);
#endif

double lk_ceiling_spin(ptrdiff_t rounds) {
  static double (*const spin[])(ptrdiff_t) = {
    lk_ceiling_portable,
#if defined(__x86_64__) && !defined(LK_ONLY_PORTABLE)
    lk_ceiling_avx2,
    lk_ceiling_avx512,
    lk_ceiling_avx512bf16,
#endif
    [4] = lk_ceiling_blas,
  };
  return spin[lk_kernels_isa()](rounds);
}
