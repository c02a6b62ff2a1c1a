/* A trained model as eval, predict, score and generate open it. */
#include "task_fixture.h"

#include "durable.h"
#include "model.h"

#define OK(call) assert_int_equal(call, LK_OK)

static const char *const settings[] = {"model.hidden=5", "model.embedding=4", NULL};

/* A checkpoint of a language model as train writes it, trained with these kernels. */
static void store(const char *path, const fixture_task *f, const char *kernels) {
  char yaml[128];
  void *bytes;
  size_t size;
  lk_tensor *tensors;
  lk_checkpoint c = {.config = yaml, .corpus = &f->info, .state = {.shards = 1}};
  (void)snprintf(yaml, sizeof yaml, "task: lm\nkernels: %s\nmodel: {hidden: 5, embedding: 4}\n", kernels);
  OK(lk_model_tensors(f->params, &tensors, &c.tensor_count));
  c.tensors = tensors;
  c.values = lk_params_values(f->params);
  OK(lk_checkpoint_image(&c, &bytes, &size));
  OK(lk_durable_write(path, bytes, size));
  free(bytes);
  free(tensors);
}

/* The file alone determines the kernels, so that eval prints the figures of training. */
static void kernels_are_those_of_the_run(void **state) {
  (void)state;
  static const char *const names[] = {"portable", "avx2", "avx512"};
  fixture_task f;
  fixture_task_open(&f, LK_CORPUS_TEXT, 0, 9, settings);
  OK(lk_kernels_select("auto"));
  const char *best = lk_kernels_get()->name;
  for (size_t i = 0; i < 3; i++) {
    lk_model model;
    const int here = lk_kernels_select(names[i]) == LK_OK;
    lk_error_clear();
    store("model.h5", &f, names[i]);
    OK(lk_kernels_select(i == 0 ? "auto" : "portable"));
    OK(lk_model_open(&model, "model.h5"));
    assert_string_equal(lk_kernels_get()->name, here ? names[i] : best); /* another machine's: the best of this one */
    assert_memory_equal(lk_params_values(model.params), lk_params_values(f.params),
                        (size_t)lk_params_count(f.params) * sizeof(lk_real));
    lk_model_close(&model);
  }
  fixture_task_close(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(kernels_are_those_of_the_run)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
