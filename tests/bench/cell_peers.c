/* cell_peers: a recurrent layer of ours beside those of others, on one core, in turn; medians and ratios.
 *
 *   oneDNN    its LSTM training primitive, forward and backward of T steps, input products and weight gradients included
 *   LIBXSMM   its LSTM cell, likewise, in the blocks that suit it best
 *             its product at the shape of one step, W_hh h, in panels as ours; our product, and our whole recurrent step
 *             with the pointwise part, which is in the time and not in the flops
 *
 * Weights are laid out beforehand on both sides: that is done once a training step, not once a time step. */
#include <dnnl.h>
#include <libxsmm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cell.h"
#include "clock.h"

enum { T = 20, ROUNDS = 15, MOST_ARGUMENTS = 20, CONTENDERS = 6 };
typedef void work(void *context);

static void check(int good, const char *what) {
  if (good) return;
  fprintf(stderr, "cell_peers: %s failed\n", what);
  exit(1);
}

static int ascending(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static double seconds_of(work *run, void *context, int calls) {
  double start = lk_clock_seconds();
  for (int i = 0; i < calls; i++) run(context);
  return (lk_clock_seconds() - start) / calls;
}

/* Medians of `count` contenders that take turns. */
static void race(work *const *run, void *const *context, int count, double *median) {
  static double seconds[CONTENDERS][ROUNDS];
  int calls[CONTENDERS];
  for (int c = 0; c < count; c++) {
    double once = seconds_of(run[c], context[c], 2);
    once = seconds_of(run[c], context[c], 2);
    calls[c] = once < 0.01 ? (int)(0.01 / once) + 1 : 1;
  }
  for (int r = 0; r < ROUNDS; r++)
    for (int c = 0; c < count; c++) seconds[c][r] = seconds_of(run[c], context[c], calls[c]);
  for (int c = 0; c < count; c++) {
    qsort(seconds[c], ROUNDS, sizeof(double), ascending);
    median[c] = seconds[c][ROUNDS / 2];
  }
}

static void fill(float *x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) x[i] = (float)((double)((i * 7919) % 2003) / 2003.0 - 0.5) * 0.2f;
}

/* ---- ours: a layer with I = H ---- */

typedef struct ours {
  lk_recurrent layer;
  lk_params *params;
  lk_shards shards;
  lk_pack pack;
  lk_arena arena;
  lk_grads grads;
  lk_real *x, *dx;
} ours;

static void lay(ours *o, ptrdiff_t N) {
  const ptrdiff_t rows = N * T;
  lk_pack_layout(&o->pack, &o->arena, &o->shards, N, rows, T);
  lk_recurrent_layout_weights(&o->layer, &o->arena, 1);
  lk_recurrent_layout(&o->layer, &o->arena, N, rows, 1);
  o->x = lk_arena_reals(&o->arena, rows * o->layer.Hp);
  o->dx = lk_arena_reals(&o->arena, rows * o->layer.Hp);
  o->grads.subtree[0] = lk_arena_reals(&o->arena, lk_params_count(o->params));
}

static void open_ours(ours *o, ptrdiff_t H, ptrdiff_t N) {
  const lk_recurrent_spec spec = {.cell = "lstm", .name = "rnn", .I = H, .H = H};
  *o = (ours){.shards = lk_shards_make(1, 0, 1)};
  check(lk_params_create(&o->params) == LK_OK, "parameters");
  check(lk_recurrent_declare(&o->layer, o->params, &spec) == LK_OK, "layer");
  check(lk_params_commit(o->params, 1) == LK_OK, "parameters");
  lay(o, N);
  check(lk_arena_reserve(&o->arena) == LK_OK, "memory");
  lay(o, N);
  o->grads.shards = &o->shards;
  o->grads.params = o->params;
  o->pack.shard_seq[0] = 0;
  o->pack.shard_seq[1] = N;
  for (ptrdiff_t i = 0; i < N; i++) o->pack.length[i] = T, o->pack.id[i] = (uint32_t)i;
  lk_pack_fill(&o->pack);
  lk_recurrent_pack(&o->layer, o->params, 1, LK_WHOLE);
  fill(o->x, N * T * o->layer.Hp);
}

static void close_ours(ours *o) {
  lk_params_destroy(&o->params);
  lk_arena_release(&o->arena);
}

static lk_rows input(const ours *o) { return (lk_rows){.x = o->x, .ld = o->layer.Hp}; }

static void ours_forward(void *context) {
  ours *o = context;
  lk_recurrent_forward(&o->layer, o->params, &o->pack, input(o), 0);
}

static void ours_both(void *context) {
  ours *o = context;
  const ptrdiff_t states = (o->pack.B + o->pack.N) * o->layer.Hp;
  ours_forward(o);
  for (ptrdiff_t i = 0; i < states; i++) o->layer.dh[i] = i < o->pack.B * o->layer.Hp ? 0 : 0.01f;
  lk_recurrent_backward(&o->layer, &o->pack, input(o), 0, 0, o->dx, o->layer.Hp, 0, &o->grads);
}

static void ours_steps(void *context) {
  ours *o = context;
  for (ptrdiff_t t = 0; t < T; t++) lk_recurrent_step(&o->layer, &o->pack, t, 0);
}

/* ---- oneDNN ---- */

typedef struct theirs {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_primitive_t forward, backward;
  dnnl_exec_arg_t forward_argument[MOST_ARGUMENTS], backward_argument[MOST_ARGUMENTS];
  int forward_arguments, backward_arguments;
} theirs;

#define DNNL(call) check((call) == dnnl_success, #call)

static dnnl_memory_desc_t shape(int dims, const dnnl_dim_t *size, dnnl_format_tag_t tag) {
  dnnl_memory_desc_t d;
  dnnl_dims_t all = {0}; /* the prototype wants as many as there can be */
  memcpy(all, size, (size_t)dims * sizeof *size);
  DNNL(dnnl_memory_desc_init_by_tag(&d, dims, all, dnnl_f32, tag));
  return d;
}

static dnnl_memory_t memory(const theirs *d, const dnnl_memory_desc_t *desc) {
  dnnl_memory_t m;
  void *data;
  DNNL(dnnl_memory_create(&m, desc, d->engine, DNNL_MEMORY_ALLOCATE));
  DNNL(dnnl_memory_get_data_handle(m, &data));
  fill(data, (ptrdiff_t)(dnnl_memory_desc_get_size(desc) / sizeof(float)));
  return m;
}

/* The memory that a primitive wants for an argument, added to its list. */
static dnnl_memory_t argue(const theirs *d, dnnl_exec_arg_t *list, int *count, const_dnnl_primitive_desc_t of,
                           int arg) {
  const dnnl_memory_desc_t *desc = dnnl_primitive_desc_query_md(of, dnnl_query_exec_arg_md, arg);
  if (desc == NULL || dnnl_memory_desc_get_size(desc) == 0) return NULL;
  check(*count < MOST_ARGUMENTS, "a list of arguments");
  dnnl_memory_t m = memory(d, desc);
  list[(*count)++] = (dnnl_exec_arg_t){arg, m};
  return m;
}

static void open_theirs(theirs *d, dnnl_dim_t H, dnnl_dim_t N) {
  const dnnl_dim_t layer[] = {T, N, H}, iter[] = {1, 1, N, H}, weights[] = {1, 1, H, 4, H}, bias[] = {1, 1, 4, H};
  const dnnl_memory_desc_t x = shape(3, layer, dnnl_tnc), s = shape(4, iter, dnnl_ldnc),
                           w = shape(5, weights, dnnl_format_tag_any), b = shape(4, bias, dnnl_ldgo);
  dnnl_rnn_desc_t f, g;
  dnnl_primitive_desc_t forward, backward;
  *d = (theirs){0};
  DNNL(dnnl_engine_create(&d->engine, dnnl_cpu, 0));
  DNNL(dnnl_stream_create(&d->stream, d->engine, dnnl_stream_default_flags));
  DNNL(dnnl_lstm_forward_desc_init(&f, dnnl_forward_training, dnnl_unidirectional_left2right, &x, &s, &s, &w, &w, &b,
                                   &x, &s, &s, 0));
  DNNL(dnnl_primitive_desc_create(&forward, &f, NULL, d->engine, NULL));
  DNNL(dnnl_lstm_backward_desc_init(&g, dnnl_backward, dnnl_unidirectional_left2right, &x, &s, &s, &w, &w, &b, &x, &s,
                                    &s, &x, &s, &s, &w, &w, &b, &x, &s, &s, 0));
  DNNL(dnnl_primitive_desc_create(&backward, &g, NULL, d->engine, forward));
  static const int of_forward[] = {DNNL_ARG_SRC_LAYER,     DNNL_ARG_SRC_ITER,     DNNL_ARG_SRC_ITER_C,
                                   DNNL_ARG_WEIGHTS_LAYER, DNNL_ARG_WEIGHTS_ITER, DNNL_ARG_BIAS,
                                   DNNL_ARG_DST_LAYER,     DNNL_ARG_DST_ITER,     DNNL_ARG_DST_ITER_C};
  static const int of_backward[] = {DNNL_ARG_DIFF_SRC_LAYER,     DNNL_ARG_DIFF_SRC_ITER,     DNNL_ARG_DIFF_SRC_ITER_C,
                                    DNNL_ARG_DIFF_WEIGHTS_LAYER, DNNL_ARG_DIFF_WEIGHTS_ITER, DNNL_ARG_DIFF_BIAS,
                                    DNNL_ARG_DIFF_DST_LAYER,     DNNL_ARG_DIFF_DST_ITER,     DNNL_ARG_DIFF_DST_ITER_C};
  for (size_t i = 0; i < sizeof of_forward / sizeof *of_forward; i++) {
    const int arg = of_forward[i], weight = arg == DNNL_ARG_WEIGHTS_LAYER || arg == DNNL_ARG_WEIGHTS_ITER;
    dnnl_memory_t m = argue(d, d->forward_argument, &d->forward_arguments, forward, arg);
    if (weight) /* backward wants another layout */
      argue(d, d->backward_argument, &d->backward_arguments, backward, arg);
    else if (m)
      d->backward_argument[d->backward_arguments++] = (dnnl_exec_arg_t){arg, m};
  }
  dnnl_memory_t tape = argue(d, d->forward_argument, &d->forward_arguments, forward, DNNL_ARG_WORKSPACE);
  d->backward_argument[d->backward_arguments++] = (dnnl_exec_arg_t){DNNL_ARG_WORKSPACE, tape};
  for (size_t i = 0; i < sizeof of_backward / sizeof *of_backward; i++)
    argue(d, d->backward_argument, &d->backward_arguments, backward, of_backward[i]);
  DNNL(dnnl_primitive_create(&d->forward, forward));
  DNNL(dnnl_primitive_create(&d->backward, backward));
}

static void theirs_forward(void *context) {
  theirs *d = context;
  DNNL(dnnl_primitive_execute(d->forward, d->stream, d->forward_arguments, d->forward_argument));
  DNNL(dnnl_stream_wait(d->stream));
}

static void theirs_both(void *context) {
  theirs *d = context;
  theirs_forward(d);
  DNNL(dnnl_primitive_execute(d->backward, d->stream, d->backward_arguments, d->backward_argument));
  DNNL(dnnl_stream_wait(d->stream));
}

/* ---- LIBXSMM's LSTM cell ---- */

#define XSMM(call) check((call) == LIBXSMM_DNN_SUCCESS, #call)

static void bind_tensor(libxsmm_dnn_rnncell *cell, libxsmm_dnn_tensor_type type) {
  libxsmm_dnn_err_t status;
  libxsmm_dnn_tensor_datalayout *layout = libxsmm_dnn_rnncell_create_tensor_datalayout(cell, type, &status);
  XSMM(status);
  const size_t bytes = libxsmm_dnn_get_tensor_size(layout, &status);
  float *data = libxsmm_aligned_malloc(bytes, 64);
  check(data != NULL, "memory");
  fill(data, (ptrdiff_t)(bytes / sizeof *data));
  libxsmm_dnn_tensor *tensor = libxsmm_dnn_link_tensor(layout, data, &status);
  XSMM(status);
  XSMM(libxsmm_dnn_rnncell_bind_tensor(cell, tensor, type));
}

static libxsmm_dnn_rnncell *open_cell(int H, int N, int block, int rows) {
  const libxsmm_dnn_rnncell_desc desc = {.threads = 1,
                                         .K = H,
                                         .N = N,
                                         .C = H,
                                         .max_T = T,
                                         .bk = block,
                                         .bn = rows,
                                         .bc = block,
                                         .cell_type = LIBXSMM_DNN_RNNCELL_LSTM,
                                         .datatype_in = LIBXSMM_DNN_DATATYPE_F32,
                                         .datatype_out = LIBXSMM_DNN_DATATYPE_F32,
                                         .buffer_format = LIBXSMM_DNN_TENSOR_FORMAT_NC,
                                         .filter_format = LIBXSMM_DNN_TENSOR_FORMAT_CKPACKED};
  libxsmm_dnn_err_t status;
  libxsmm_dnn_rnncell *cell = libxsmm_dnn_create_rnncell(desc, &status);
  XSMM(status);
  XSMM(libxsmm_dnn_rnncell_allocate_forget_bias(cell, 0));
  for (int type = LIBXSMM_DNN_RNN_REGULAR_INPUT; type <= LIBXSMM_DNN_RNN_INTERNAL_CO; type++)
    bind_tensor(cell, (libxsmm_dnn_tensor_type)type);
  const size_t scratch = libxsmm_dnn_rnncell_get_scratch_size(cell, LIBXSMM_DNN_COMPUTE_KIND_ALL, &status);
  XSMM(status);
  void *memory = libxsmm_aligned_malloc(scratch, 64);
  check(memory != NULL, "memory");
  memset(memory, 0, scratch);
  XSMM(libxsmm_dnn_rnncell_bind_scratch(cell, LIBXSMM_DNN_COMPUTE_KIND_ALL, memory));
  return cell;
}

static void cell_forward(void *context) {
  XSMM(libxsmm_dnn_rnncell_execute_st(context, LIBXSMM_DNN_COMPUTE_KIND_FWD, 0, 0));
}

static void cell_both(void *context) {
  cell_forward(context);
  XSMM(libxsmm_dnn_rnncell_execute_st(context, LIBXSMM_DNN_COMPUTE_KIND_BWDUPD, 0, 0));
}

/* The cell in the blocks in which it does this fastest: of units 32 or 64, of rows 8, 16, 32 or 64. */
static libxsmm_dnn_rnncell *best_cell(work *run, int H, int N) {
  libxsmm_dnn_rnncell *best = NULL;
  double least = 0;
  for (int block = 32; block <= 64; block *= 2)
    for (int rows = 8; rows <= N; rows *= 2) {
      libxsmm_dnn_rnncell *cell = open_cell(H, N, block, rows);
      cell_both(cell);
      const double seconds = seconds_of(run, cell, 5);
      if (best == NULL || seconds < least) best = cell, least = seconds;
    }
  return best;
}

/* Theirs are not given back: a handful of them, in a program that ends. */
static void compare_layers(int H, int N) {
  ours o;
  theirs d;
  double ms[CONTENDERS];
  libxsmm_dnn_rnncell *forward = best_cell(cell_forward, H, N), *both = best_cell(cell_both, H, N);
  open_ours(&o, H, N);
  open_theirs(&d, H, N);
  race((work *[]){ours_forward, theirs_forward, cell_forward, ours_both, theirs_both, cell_both},
       (void *[]){&o, &d, forward, &o, &d, both}, CONTENDERS, ms);
  printf("%5d %4d", H, N);
  for (int i = 0; i < CONTENDERS; i += 3)
    printf(" %12.3f %8.3f %6.2f %8.3f %6.2f", ms[i] * 1e3, ms[i + 1] * 1e3, ms[i + 1] / ms[i], ms[i + 2] * 1e3,
           ms[i + 2] / ms[i]);
  printf("\n");
  fflush(stdout);
  close_ours(&o);
}

/* ---- LIBXSMM: y [N, 4H] = h [N, H] W^T by panels of 64 columns ---- */

enum { PANEL = 64 };
typedef struct product {
  libxsmm_smmfunction run;
  lk_packed packed;
  int H, N;
  float *w, *x, *y;
} product;

static void theirs_product(void *context) {
  const product *p = context;
  for (int m = 0; m < 4 * p->H; m += PANEL) p->run(p->w + m * p->H, p->x, p->y + m);
}

static void ours_product(void *context) {
  const product *p = context;
  const lk_product call = {.n = p->N, .x = p->x, .ldx = p->H, .y = p->y, .ldy = 4 * p->H};
  lk_kernels_get()->product(&p->packed, &call);
}

static void lay_product(product *p, lk_arena *arena) {
  p->w = lk_arena_reals(arena, 4 * p->H * p->H);
  p->x = lk_arena_reals(arena, p->N * p->H);
  p->y = lk_arena_reals(arena, p->N * 4 * p->H);
  p->packed.data = lk_arena_reals(arena, lk_kernels_get()->packed_size(4 * p->H, p->H));
}

static void compare_libxsmm(int H, int N) {
  ours o;
  product p = {.H = H, .N = N};
  lk_arena arena = {0};
  double median[3], flops = 8.0 * N * H * H;
  const libxsmm_blasint lda = PANEL, ldb = H, ldc = 4 * H;
  const float one = 1, zero = 0;
  const int flags = LIBXSMM_GEMM_FLAG_NONE, prefetch = LIBXSMM_GEMM_PREFETCH_NONE;
  lay_product(&p, &arena);
  check(lk_arena_reserve(&arena) == LK_OK, "memory");
  lay_product(&p, &arena);
  fill(p.w, 4 * H * H);
  fill(p.x, N * H);
  lk_kernels_get()->pack(&p.packed, 4 * H, H, p.w, H, 1, LK_WHOLE);
  p.run = libxsmm_smmdispatch(PANEL, N, H, &lda, &ldb, &ldc, &one, &zero, &flags, &prefetch);
  check(p.run != NULL, "LIBXSMM's kernel");
  open_ours(&o, H, N);
  lk_recurrent_begin(&o.layer, &o.pack, 0);
  race((work *[]){theirs_product, ours_product, ours_steps}, (void *[]){&p, &p, &o}, 3, median);
  const double rate[] = {flops / median[0] / 1e9, flops / median[1] / 1e9, flops * (T - 1) / median[2] / 1e9};
  printf("%5d %4d %12.0f %12.0f %7.2f %16.0f %7.2f\n", H, N, rate[0], rate[1], rate[1] / rate[0], rate[2],
         rate[2] / rate[0]);
  fflush(stdout);
  close_ours(&o);
  lk_arena_release(&arena);
}

int main(int argc, char **argv) {
  static const int widths[] = {256, 512}, sequences[] = {8, 16, 64};
  (void)argc;
  /* The OpenMP runtime reads it before main. */
  if (getenv("OMP_NUM_THREADS") == NULL || strcmp(getenv("OMP_NUM_THREADS"), "1") != 0) {
    setenv("OMP_NUM_THREADS", "1", 1);
    execv("/proc/self/exe", argv);
    check(0, "starting again with one thread");
  }
  check(lk_kernels_select(NULL) == LK_OK, "kernels");
  libxsmm_init();
  printf("LSTM layer of %d steps, I = H, %s kernels, one thread: ms; ratio: how many times as fast ours is\n", T,
         lk_kernels_get()->name);
  printf("%5s %4s", "H", "N");
  for (int i = 0; i < 2; i++)
    printf(" %12s %8s %6s %8s %6s", i == 0 ? "forward" : "and backward", "oneDNN", "ratio", "LIBXSMM", "ratio");
  printf("\n");
  for (int h = 0; h < 2; h++)
    for (int n = 0; n < 3; n++) compare_layers(widths[h], sequences[n]);
  printf("\nW_hh h of one step: GFLOP/s; ratio: ours of LIBXSMM's\n");
  printf("%5s %4s %12s %12s %7s %16s %7s\n", "H", "N", "LIBXSMM", "our product", "ratio", "our step in all", "ratio");
  for (int h = 0; h < 2; h++)
    for (int n = 0; n < 3; n++) compare_libxsmm(widths[h], sequences[n]);
  return 0;
}
