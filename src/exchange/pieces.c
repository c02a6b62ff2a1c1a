#include "pieces.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

typedef struct builder {
  const lk_config *config;
  const lk_params *params;
  lk_piece *piece;
  int count;
  size_t capacity;
} builder;

static bool is(const char *a, const char *b) { return strcmp(a, b) == 0; }

static int find(const lk_params *params, const char *name) {
  for (int i = 0; i < lk_params_tensors(params); i++)
    if (is(lk_params_at(params, i)->name, name)) return i;
  return -1;
}

/* ---- pieces ---- */

bool lk_piece_is_whole(const lk_piece *piece) {
  ptrdiff_t step = 1;
  for (int d = piece->dims - 1; d >= 0; step *= piece->shape[d--])
    if (piece->shape[d] > 1 && piece->stride[d] != step) return false;
  return true;
}

ptrdiff_t lk_piece_at(const lk_piece *piece, ptrdiff_t i) {
  ptrdiff_t at = piece->first;
  for (int d = piece->dims - 1; d >= 0; d--) {
    at += i % piece->shape[d] * piece->stride[d];
    i /= piece->shape[d];
  }
  return at;
}

/* All of tensor `id`, in its own layout. */
static lk_piece whole(const lk_params *params, int id, lk_piece_kind kind) {
  const lk_param *p = lk_params_at(params, id);
  lk_piece piece = {.kind = kind, .id = id, .dims = p->dims, .count = p->count, .zero = p->count};
  ptrdiff_t step = 1;
  for (int d = p->dims - 1; d >= 0; step *= p->shape[d--]) {
    piece.shape[d] = p->shape[d];
    piece.stride[d] = step;
  }
  return piece;
}

static lk_status add(builder *b, lk_piece piece, const char *format, ...) __attribute__((format(printf, 3, 4)));
static lk_status add(builder *b, lk_piece piece, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int size = vsnprintf(piece.name, sizeof piece.name, format, arguments);
  va_end(arguments);
  LK_ASSERT(size > 0 && (size_t)size < sizeof piece.name);
  LK_TRY(lk_grow(&b->piece, &b->capacity, (size_t)b->count + 1, sizeof *b->piece));
  b->piece[b->count++] = piece;
  return LK_OK;
}

/* ---- recurrent layers ---- */

typedef struct recurrent {
  const char *module;
  int layer;
  char direction[9], suffix[16]; /* weight_ih, weight_hh, bias_ih, bias_hh */
} recurrent;

/* Whether it is a tensor of a recurrent layer. */
static bool read_name(const char *name, recurrent *r) {
  *r = (recurrent){.direction = "forward"};
  if (sscanf(name, "rnn.%d.%8[a-z].%15s", &r->layer, r->direction, r->suffix) == 3)
    r->module = "rnn";
  else if (sscanf(name, "decoder.rnn.%d.%15s", &r->layer, r->suffix) == 2)
    r->module = "decoder.rnn";
  else if (sscanf(name, "characters.%8[a-z].%15s", r->direction, r->suffix) == 2)
    r->module = "characters.rnn";
  else
    return false;
  return is(r->direction, "forward") || is(r->direction, "backward");
}

/* Whether nn.LSTM, nn.GRU or nn.RNN computes the same; the other cells are nowhere else. */
static bool has_counterpart(const lk_config *config, const recurrent *r) {
  const char *cell = is(r->module, "characters.rnn") ? config->model.characters : config->model.cell;
  return is(cell, "lstm") || is(cell, "gru") || is(cell, "elman");
}

static lk_status add_layer(builder *b, const recurrent *r, lk_piece piece, const char *suffix) {
  const char *reverse = is(r->direction, "backward") ? "_reverse" : "";
  if (is(r->module, "rnn") && b->config->model.widths[0])
    return add(b, piece, "rnn.%d.%s_l0%s", r->layer, suffix, reverse);
  return add(b, piece, "%s.%s_l%d%s", r->module, suffix, r->layer, reverse);
}

static lk_status add_recurrent(builder *b, const recurrent *r, int id) {
  LK_TRY(add_layer(b, r, whole(b->params, id, LK_PIECE_OWN), r->suffix));
  if (b->config->model.recurrent_bias || !is(r->suffix, "bias_ih")) return LK_OK;
  lk_piece second = whole(b->params, id, LK_PIECE_ADDED);
  const char *cell = is(r->module, "characters.rnn") ? b->config->model.characters : b->config->model.cell;
  if (is(cell, "gru")) second.zero = second.count / 3 * 2; /* n = tanh(.. + r (W_hn h + b_hn)) */
  return add_layer(b, r, second, "bias_hh");
}

/* ---- filters of characters ---- */

/* characters.filter.weight [T, F, E] and bias [widths F], cut by widths: [F, E, w] and [F]. */
static lk_status add_filters(builder *b, int id) {
  const lk_param *p = lk_params_at(b->params, id);
  const ptrdiff_t F = (ptrdiff_t)b->config->model.character_filters, E = p->shape[2];
  const char *text = b->config->model.character_widths;
  ptrdiff_t tap = 0;
  for (int k = 0; *text; k++) {
    char *end;
    const ptrdiff_t width = strtol(text, &end, 10);
    const lk_piece weight = {.id = id,
                             .dims = 3,
                             .shape = {F, E, width},
                             .count = F * E * width,
                             .first = tap * F * E,
                             .stride = {E, 1, F * E}};
    const lk_piece bias = {.id = find(b->params, "characters.filter.bias"),
                           .dims = 1,
                           .shape = {F},
                           .count = F,
                           .first = k * F,
                           .stride = {1}};
    LK_TRY(add(b, weight, "characters.conv.%d.weight", k));
    LK_TRY(add(b, bias, "characters.conv.%d.bias", k));
    tap += width;
    text = *end == ',' ? end + 1 : end;
  }
  return LK_OK;
}

/* ---- all others ---- */

static lk_status add_renamed(builder *b, int id) {
  static const struct {
    const char *ours, *theirs;
  } names[] = {{"output.transitions", "crf.transitions"},
               {"output.start", "crf.start_transitions"},
               {"output.end", "crf.end_transitions"},
               {"output.common.weight", "output.head.weight"},
               {"output.common.bias", "output.head.bias"}};
  const lk_piece piece = whole(b->params, id, LK_PIECE_OWN);
  const char *name = lk_params_at(b->params, id)->name;
  char part[16];
  int tail;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (is(name, names[i].ours)) return add(b, piece, "%s", names[i].theirs);
  if (sscanf(name, "output.tail.%d.%15[a-z].weight", &tail, part) == 2)
    return add(b, piece, "output.tail.%d.%d.weight", tail, is(part, "output"));
  return add(b, piece, "%s", name);
}

/* Weights that PyTorch's modules would have twice. */
static lk_status add_tied(builder *b) {
  const bool translates = is(b->config->task, "translate");
  int id = find(b->params, "decoder.embedding.weight");
  if (id < 0) id = find(b->params, "embedding.weight");
  if (id < 0) return LK_OK;
  if (translates && find(b->params, "decoder.embedding.weight") < 0)
    LK_TRY(add(b, whole(b->params, id, LK_PIECE_AGAIN), "decoder.embedding.weight"));
  if (!b->config->model.tied || find(b->params, "output.weight") >= 0) return LK_OK;
  return add(b, whole(b->params, id, LK_PIECE_AGAIN), "output.weight");
}

static lk_status add_tensor(builder *b, int id) {
  const char *name = lk_params_at(b->params, id)->name;
  recurrent r;
  if (read_name(name, &r) && has_counterpart(b->config, &r)) return add_recurrent(b, &r, id);
  if (is(name, "characters.filter.weight")) return add_filters(b, id);
  if (is(name, "characters.filter.bias")) return LK_OK; /* with the weight */
  return add_renamed(b, id);
}

lk_status lk_pieces_of(const lk_config *config, const lk_params *params, lk_piece **pieces, int *count) {
  builder b = {.config = config, .params = params};
  lk_status status = LK_OK;
  *pieces = NULL;
  for (int id = 0; id < lk_params_tensors(params); id++) LK_GO(add_tensor(&b, id));
  LK_GO(add_tied(&b));
  *pieces = b.piece;
  *count = b.count;
  return LK_OK;
done:
  free(b.piece);
  return status;
}
