/* Reading ONNX: files of PyTorch's exporter have the numbers of its state_dict; gates come back in PyTorch's order; layers
 * that no cell computes, and damaged or hostile files, are refused in one line with little memory. */
#include <stdarg.h>

#include "onnx_impl.h"
#include "onnx_read_impl.h"
#include "store_fixture.h"

static void read_bytes(lk_outside *outside, const char *bytes, size_t size) {
  *outside = (lk_outside){0};
  OK(lk_buffer_append(&outside->file, bytes, size));
}

static void read_file(lk_outside *outside, const char *name, const char *suffix) {
  const char *source = getenv("LOCKSTEP_SOURCE");
  char path[600];
  assert_non_null(source);
  snprintf(path, sizeof path, "%s/tests/reference/onnx/%s%s", source, name, suffix);
  *outside = (lk_outside){0};
  OK(lk_buffer_read_file(&outside->file, path));
}

/* ---- PyTorch ---- */

static const char *const nets[] = {"lstm-1-1", "lstm-2-2", "gru-1-1", "gru-2-2", "rnn-1-2", "rnn-2-1"};
enum { NETS = sizeof nets / sizeof *nets };

/* What a tensor of the state_dict is called by the reader, which knows layers by what they do. */
static const char *ours(const char *theirs) {
  if (strcmp(theirs, "emb.weight") == 0) return "embedding.weight";
  if (strcmp(theirs, "fc.weight") == 0) return "output.weight";
  return strcmp(theirs, "fc.bias") == 0 ? "output.bias" : theirs;
}

extern const lk_format lk_format_safetensors;

static void files_of_pytorch_have_its_numbers(void **state) {
  (void)state;
  for (int n = 0; n < NETS; n++) {
    lk_outside graph, dict;
    read_file(&graph, nets[n], ".onnx");
    OK(lk_onnx_read(&graph, "graph.onnx"));
    read_file(&dict, nets[n], ".safetensors");
    OK(lk_format_safetensors.read(&dict, "dict.safetensors"));
    assert_int_equal(graph.tensors, dict.tensors);
    for (int i = 0; i < dict.tensors; i++) {
      const lk_outside_tensor *want = &dict.tensor[i], *got = lk_outside_find(&graph, ours(want->name));
      assert_non_null(got);
      assert_int_equal(got->dims, want->dims);
      assert_memory_equal(got->shape, want->shape, (size_t)want->dims * sizeof *want->shape);
      assert_memory_equal(got->data, want->data, (size_t)want->count * sizeof(float));
    }
    lk_outside_release(&graph);
    lk_outside_release(&dict);
  }
}

/* ---- graphs made by hand ---- */

/* A graph of one recurrent node of width 1 that reads one number: gates 10, 20 ..., biases 1, 2 ... */
static const char *layer(lk_onnx *o, const char *op, int gates, int directions) {
  float *w = lk_onnx_make(o, "w", 3, (const ptrdiff_t[]){directions, gates, 1});
  float *r = lk_onnx_make(o, "r", 3, (const ptrdiff_t[]){directions, gates, 1});
  float *b = lk_onnx_make(o, "b", 2, (const ptrdiff_t[]){directions, 2 * gates});
  for (int i = 0; i < directions * gates; i++) {
    w[i] = (float)(10 * (i + 1));
    r[i] = (float)(100 * (i + 1));
  }
  for (int i = 0; i < directions * 2 * gates; i++) b[i] = (float)(i + 1);
  return lk_onnx_node(o, op, "y", LK_NAMES("x", "w", "r", "b"));
}

/* The file, as one of another program, is read. */
static lk_status finish(lk_onnx *o, lk_outside *outside) {
  static const lk_outside nothing = {0};
  lk_buffer file = {0};
  o->outside = &nothing;
  OK(lk_onnx_finish(o, &file));
  char *producer = memmem(file.data, file.size, "lockstep", 8);
  assert_non_null(producer);
  memcpy(producer, "somebody", 8);
  read_bytes(outside, file.data, file.size);
  lk_buffer_release(&file);
  return lk_onnx_read(outside, "m.onnx");
}

static void has(const lk_outside *outside, const char *name, int count, const float *values) {
  const lk_outside_tensor *t = lk_outside_find(outside, name);
  assert_non_null(t);
  assert_int_equal(t->count, count);
  assert_memory_equal(t->data, values, (size_t)count * sizeof *values);
}

static void gates_are_put_in_order(void **state) {
  (void)state;
  lk_outside outside;
  lk_onnx o;
  lk_onnx_begin(&o, NULL, NULL, "g");
  (void)layer(&o, "LSTM", 4, 1); /* i o f c */
  OK(finish(&o, &outside));
  has(&outside, "rnn.weight_ih_l0", 4, (const float[]){10, 30, 40, 20});
  has(&outside, "rnn.weight_hh_l0", 4, (const float[]){100, 300, 400, 200});
  has(&outside, "rnn.bias_ih_l0", 4, (const float[]){1, 3, 4, 2});
  has(&outside, "rnn.bias_hh_l0", 4, (const float[]){5, 7, 8, 6});
  lk_outside_release(&outside);
  lk_onnx_begin(&o, NULL, NULL, "g");
  (void)layer(&o, "GRU", 3, 2); /* z r h */
  lk_onnx_int(&o, "linear_before_reset", 1);
  OK(finish(&o, &outside));
  has(&outside, "rnn.weight_ih_l0", 3, (const float[]){20, 10, 30});
  has(&outside, "rnn.weight_ih_l0_reverse", 3, (const float[]){50, 40, 60});
  has(&outside, "rnn.bias_hh_l0_reverse", 3, (const float[]){11, 10, 12});
  lk_outside_release(&outside);
}

static void dense_layers_are_found(void **state) {
  (void)state;
  lk_outside outside;
  lk_onnx o;
  lk_onnx_begin(&o, NULL, NULL, "g");
  const char *y = layer(&o, "RNN", 1, 1);
  float *a = lk_onnx_make(&o, "mid.weight", 2, (const ptrdiff_t[]){2, 1});
  float *b = lk_onnx_make(&o, "last", 2, (const ptrdiff_t[]){2, 3}),
        *c = lk_onnx_make(&o, "c", 1, (const ptrdiff_t[]){3});
  memcpy(a, (const float[]){1, 2}, 2 * sizeof *a);
  memcpy(b, (const float[]){1, 2, 3, 4, 5, 6}, 6 * sizeof *b);
  memcpy(c, (const float[]){7, 8, 9}, 3 * sizeof *c);
  const char *z = lk_onnx_node(&o, "Gemm", NULL, LK_NAMES(y, "mid.weight"));
  lk_onnx_int(&o, "transB", 1);
  (void)lk_onnx_node(&o, "Add", NULL, LK_NAMES("c", lk_onnx_node(&o, "MatMul", NULL, LK_NAMES(z, "last"))));
  OK(finish(&o, &outside));
  has(&outside, "mid.weight", 2, (const float[]){1, 2});
  has(&outside, "output.weight", 6, (const float[]){1, 4, 2, 5, 3, 6});
  has(&outside, "output.bias", 3, (const float[]){7, 8, 9});
  lk_outside_release(&outside);
}

/* ---- what no cell computes ---- */

static void refused(lk_onnx *o, const char *words) {
  lk_outside outside;
  FAILS(LK_DATA, words, finish(o, &outside));
  lk_outside_release(&outside);
}

static lk_onnx graph_of(const char *op, int gates) {
  lk_onnx o;
  lk_onnx_begin(&o, NULL, NULL, "g");
  (void)layer(&o, op, gates, 1);
  return o;
}

static void other_layers_are_refused(void **state) {
  (void)state;
  lk_onnx o = graph_of("GRU", 3);
  refused(&o, "m.onnx: node 'GRU.0' (GRU): it resets before the product (linear_before_reset = 0)");
  o = graph_of("LSTM", 4);
  lk_onnx_int(&o, "input_forget", 1);
  refused(&o, "its input and forget gates are one");
  o = graph_of("LSTM", 4);
  lk_onnx_int(&o, "clip", 1);
  refused(&o, "it clips its sums");
  o = graph_of("RNN", 1);
  lk_onnx_string(&o, "direction", "reverse");
  refused(&o, "it runs backward alone");
  o = graph_of("GRU", 4);
  lk_onnx_int(&o, "linear_before_reset", 1);
  refused(&o, "the shapes of its weights do not fit together");
  lk_onnx_begin(&o, NULL, NULL, "g");
  (void)lk_onnx_node(&o, "LSTM", NULL, LK_NAMES("x", "w", "r"));
  refused(&o, "its weights are no constants of the graph");
  lk_onnx_begin(&o, NULL, NULL, "g");
  (void)lk_onnx_node(&o, "Relu", NULL, LK_NAMES("x"));
  refused(&o, "its graph has no LSTM, GRU or RNN: nothing that could be imported");
}

/* What export cannot express it refuses, with the setting. */
static void an_unknown_cell_is_not_exported(void **state) {
  (void)state;
  static const lk_outside nothing = {0};
  const lk_recurrent row = {.I = 1, .H = 1};
  lk_onnx_run run = {.x = "x", .lengths = ""};
  lk_buffer file = {0};
  lk_onnx o;
  lk_onnx_begin(&o, NULL, &nothing, "g");
  lk_onnx_recurrent(&o, "lattice", "model.cell", "rnn", 0, &row, 1, &run);
  FAILS(LK_USAGE, "model.cell is lattice, a cell that no operator of ONNX computes: export to safetensors",
        lk_onnx_finish(&o, &file));
  assert_int_equal(file.size, 0);
  lk_buffer_release(&file);
}

/* Many nodes that read one weight ask for no more than it has. */
static void numbers_are_not_read_over_and_over(void **state) {
  (void)state;
  const ptrdiff_t H = 200;
  lk_onnx o;
  lk_onnx_begin(&o, NULL, NULL, "g");
  (void)lk_onnx_make(&o, "w", 3, (const ptrdiff_t[]){1, H, H});
  for (int i = 0; i < 1000; i++) (void)lk_onnx_node(&o, "RNN", NULL, LK_NAMES("x", "w", "w"));
  refused(&o, "m.onnx: its nodes read more numbers than the file has");
}

/* ---- bytes ---- */

static void garbage(const char *bytes, size_t size, const char *words) {
  lk_outside outside;
  read_bytes(&outside, bytes, size);
  FAILS(LK_DATA, words, lk_onnx_read(&outside, "m.onnx"));
  lk_outside_release(&outside);
}

static void other_bytes_are_refused(void **state) {
  (void)state;
  garbage("", 0, "m.onnx: not an ONNX file: it has no graph");
  garbage("\x89HDF\r\n\x1a\n", 8, "m.onnx: not an ONNX file, or a damaged one");
  garbage("hello, this is no model", 23, "m.onnx: not an ONNX file, or a damaged one");
  /* a graph of nothing but empty nodes */
  enum { NODES = 1 << 22 };
  char *bomb = test_malloc(2 * NODES + 8);
  size_t at = 0;
  bomb[at++] = 0x3a;
  for (size_t n = 2 * NODES; n > 0 || at < 2; n >>= 7) bomb[at++] = (char)((n & 127) | (n > 127 ? 128 : 0));
  for (int i = 0; i < NODES; i++, at += 2) memcpy(bomb + at, "\x0a\0", 2);
  garbage(bomb, at, "m.onnx: its messages are out of proportion to its size");
  test_free(bomb);
}

/* Every beginning of a file, and changed bytes: read, or refused. */
static void damaged_files_are_read_or_refused(void **state) {
  (void)state;
  lk_outside whole, outside;
  uint64_t random = 7;
  int good = 0, edits = 0;
  read_file(&whole, "gru-2-2", ".onnx");
  LK_ASSERT(whole.file.size > 0);
  for (size_t size = 0; size < whole.file.size; size += 11, edits++) {
    read_bytes(&outside, whole.file.data, size);
    const lk_status status = lk_onnx_read(&outside, "m.onnx");
    assert_true(status == LK_OK || status == LK_DATA);
    lk_error_clear();
    lk_outside_release(&outside);
  }
  for (int i = 0; i < 600; i++, edits++) {
    read_bytes(&outside, whole.file.data, whole.file.size);
    for (int k = 0; k <= i % 3; k++) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      outside.file.data[(random >> 33) % whole.file.size] = (char)(random >> 20);
    }
    const lk_status status = lk_onnx_read(&outside, "m.onnx");
    assert_true(status == LK_OK || status == LK_DATA);
    good += status == LK_OK;
    lk_error_clear();
    lk_outside_release(&outside);
  }
  lk_outside_release(&whole);
  print_message("%d edits, %d of them read\n", edits, good);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_of_pytorch_have_its_numbers),
      cmocka_unit_test(gates_are_put_in_order),
      cmocka_unit_test(dense_layers_are_found),
      cmocka_unit_test(other_layers_are_refused),
      cmocka_unit_test(an_unknown_cell_is_not_exported),
      cmocka_unit_test(numbers_are_not_read_over_and_over),
      cmocka_unit_test(other_bytes_are_refused),
      cmocka_unit_test(damaged_files_are_read_or_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
