/* What is said of ranks that run different programs, or compute by different kernels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "alike.h"
#include "status.h"

enum { RANKS = 4 };

static lk_rank_program programs[RANKS];
static lk_rank_kernels kernels[RANKS];

static int set_up(void **state) {
  (void)state;
  for (int r = 0; r < RANKS; r++) {
    programs[r] = (lk_rank_program){.version = "0.1.0", .commit = "0123456789ab", .file = "00112233445566778899"};
    kernels[r] = (lk_rank_kernels){.name = "avx512"};
    strcpy(programs[r].host, r < 2 ? "node1" : "node2");
    strcpy(kernels[r].host, programs[r].host);
  }
  return 0;
}

static void expect_error(lk_status status, const char *text) {
  assert_int_equal(status, LK_USAGE);
  assert_string_equal(lk_error_get()->text, text);
  lk_error_clear();
}

static void test_programs(void **state) {
  (void)state;
  assert_int_equal(lk_judge_programs(programs, RANKS), LK_OK);
  strcpy(programs[2].file, "ffeeddccbbaa99887766");
  strcpy(programs[2].commit, "");
  strcpy(programs[2].version, "0.2.0");
  strcpy(programs[3].file, "other");
  expect_error(lk_judge_programs(programs, RANKS),
               "rank 2 on node2 runs lockstep 0.2.0 (file ffeeddcc), rank 0 on node1 lockstep 0.1.0 of commit "
               "0123456789ab (file 00112233): install the same build on all hosts, or start it from a folder that all "
               "of them share");
  assert_int_equal(lk_judge_programs(programs, 2), LK_OK);
}

static void test_blas(void **state) {
  (void)state;
  for (int r = 0; r < RANKS; r++) strcpy(kernels[r].blas, "OpenBLAS 0.3.21, Haswell");
  assert_int_equal(lk_judge_blas(kernels, RANKS), LK_OK);
  strcpy(kernels[3].blas, "OpenBLAS 0.3.21, Zen");
  expect_error(lk_judge_blas(kernels, RANKS),
               "OpenBLAS makes the products, with other bits on rank 3 on node2 (OpenBLAS 0.3.21, Zen) than on rank 0 "
               "on node1 (OpenBLAS 0.3.21, Haswell): export OPENBLAS_CORETYPE=Haswell on all ranks, or kernels=auto");
}

static void test_kernels(void **state) {
  char words[256];
  (void)state;
  assert_string_equal(lk_kernels_words(words, kernels, RANKS), "");
  strcpy(kernels[2].name, "avx2");
  strcpy(kernels[3].name, "portable");
  assert_string_equal(lk_kernels_words(words, kernels, RANKS),
                      "avx512 kernels on 2 ranks, others on 2 (the first is rank 2 on node2, avx2)");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_programs, set_up),
                                     cmocka_unit_test_setup(test_blas, set_up),
                                     cmocka_unit_test_setup(test_kernels, set_up)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
