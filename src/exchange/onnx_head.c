/* onnx_head.c - what the numbers of a net mean, as outputs of a graph (nn/head.h). */
#include <string.h>

#include "head_kind.h"
#include "onnx_impl.h"

static bool is(const char *a, const char *b) { return strcmp(a, b) == 0; }

/* An output of the numbers of all units, [batch, O] or [batch, time, O], from x, which may have the time first. */
static void put_out(lk_onnx *o, const char *name, const char *x, ptrdiff_t O, bool by_time, const char *about) {
  const char *outputs = lk_onnx_text(o, "%td", O);
  if (by_time) {
    (void)lk_onnx_transpose(o, name, x, 3, (const int64_t[]){1, 0, 2});
    (void)lk_onnx_output(o, name, LK_ONNX_FLOAT, LK_NAMES("batch", "time", outputs), about);
  } else {
    (void)lk_onnx_node(o, "Identity", name, LK_NAMES(x));
    (void)lk_onnx_output(o, name, LK_ONNX_FLOAT, LK_NAMES("batch", outputs), about);
  }
}

static const char *over_outputs(lk_onnx *o, const char *op, const char *x) {
  const char *y = lk_onnx_node(o, op, NULL, LK_NAMES(x));
  lk_onnx_int(o, "axis", -1);
  return y;
}

static void put_logs(lk_onnx *o, const char *logs, const lk_head *h, bool by_time) {
  put_out(o, "log_probabilities", logs, h->O, by_time, "natural logarithms");
  put_out(o, "probabilities", lk_onnx_node(o, "Exp", NULL, LK_NAMES(logs)), h->O, by_time,
          "of each output; their sum is 1");
}

static const char *scores_of(lk_onnx *o, const lk_head *h, const char *x) {
  if (!h->dense.tied) return lk_onnx_dense(o, NULL, x, "output", &h->dense);
  const char *table = lk_params_at(o->model->params, h->dense.weight)->name;
  const char *turned =
      lk_onnx_transpose(o, NULL, lk_onnx_weight(o, table, h->dense.weight), 2, (const int64_t[]){1, 0});
  const char *product = lk_onnx_node(o, "MatMul", NULL, LK_NAMES(x, turned));
  return lk_onnx_node(o, "Add", NULL, LK_NAMES(product, lk_onnx_weight(o, "output.bias", h->dense.bias)));
}

static void softmax(lk_onnx *o, const lk_head *h, const char *x, bool by_time) {
  put_logs(o, over_outputs(o, "LogSoftmax", scores_of(o, h, x)), h, by_time);
}

static void hinge(lk_onnx *o, const lk_head *h, const char *x, bool by_time) {
  put_out(o, "scores", scores_of(o, h, x), h->O, by_time, "the largest is the answer; they are no probabilities");
}

/* A tensor of the head's own, handed out as it is. */
static void put_tensor(lk_onnx *o, const char *name, const char *piece, int id, const char *about) {
  const lk_param *p = lk_params_at(o->model->params, id);
  const char *outputs = lk_onnx_text(o, "%td", p->shape[0]);
  (void)lk_onnx_node(o, "Identity", name, LK_NAMES(lk_onnx_weight(o, piece, id)));
  (void)lk_onnx_output(o, name, LK_ONNX_FLOAT, p->dims > 1 ? LK_NAMES(outputs, outputs) : LK_NAMES(outputs), about);
}

static void crf(lk_onnx *o, const lk_head *h, const char *x, bool by_time) {
  put_out(o, "scores", scores_of(o, h, x), h->O, by_time,
          "of each label of a word; a sequence has the sum of its scores, transitions, start and end");
  put_tensor(o, "transitions", "crf.transitions", h->tensor[0], "from a label (row) to the next (column)");
  put_tensor(o, "start", "crf.start_transitions", h->tensor[1], "of a sequence that begins with a label");
  put_tensor(o, "end", "crf.end_transitions", h->tensor[2], "of a sequence that ends with a label");
}

/* Log-probabilities of the frequent outputs, then those of each tail: that of the tail plus those within it. */
static void adaptive(lk_onnx *o, const lk_head *h, const char *x, bool by_time) {
  const int tails = h->owns / 2;
  const char *part[LK_HEAD_DENSES + 1] = {NULL}, *log_p[LK_HEAD_DENSES + 1] = {NULL};
  int64_t sizes[LK_HEAD_DENSES];
  const char *logs = over_outputs(o, "LogSoftmax", lk_onnx_dense(o, NULL, x, "output.head", &h->dense));
  sizes[0] = h->dense.O - tails;
  for (int i = 1; i <= tails; i++) sizes[i] = 1;
  const char *list = lk_onnx_list(o, 1 + tails, sizes);
  part[0] = log_p[0] = lk_onnx_node(o, "Split", NULL, LK_NAMES(logs, list));
  for (int i = 1; i <= tails; i++) part[i] = lk_onnx_result(o, NULL);
  lk_onnx_int(o, "axis", -1);
  for (int i = 0; i < tails; i++) {
    const char *inner = lk_onnx_dense(o, NULL, x, lk_onnx_text(o, "output.tail.%d.0", i), &h->own[2 * i]);
    const char *within = lk_onnx_dense(o, NULL, inner, lk_onnx_text(o, "output.tail.%d.1", i), &h->own[2 * i + 1]);
    log_p[1 + i] = lk_onnx_node(o, "Add", NULL, LK_NAMES(over_outputs(o, "LogSoftmax", within), part[1 + i]));
  }
  put_logs(o, lk_onnx_concat(o, NULL, -1, log_p), h, by_time);
}

/* The table of heads: one line each. */
static const struct {
  const char *kind;
  void (*add)(lk_onnx *o, const lk_head *h, const char *x, bool by_time);
} heads[] = {{"softmax", softmax}, {"hinge", hinge}, {"crf", crf}, {"adaptive", adaptive}};
enum { HEADS = sizeof heads / sizeof *heads };

void lk_onnx_head(lk_onnx *o, const lk_head *h, const char *x, bool by_time) {
  for (int i = 0; i < HEADS; i++)
    if (is(heads[i].kind, h->kind->name)) {
      heads[i].add(o, h, x, by_time);
      return;
    }
  if (o->status == LK_OK)
    o->status =
        LK_FAIL(LK_USAGE, "model.output: export to ONNX knows no head '%s': export to safetensors", h->kind->name);
}
