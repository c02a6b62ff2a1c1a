#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "describe.h"
#include "durable.h"
#include "exchange.h"
#include "pieces.h"
#include "probe.h"

_Static_assert(sizeof(lk_real) == sizeof(float), "files hold float32");

/* Add a piece. It uses the numbers of the model where they have the wanted layout, else a copy of its own. */
static lk_status add_piece(lk_outside *outside, const lk_model *model, const lk_piece *piece) {
  const float *from = lk_params_value(model->params, piece->id);
  float *to;
  if (piece->kind == LK_PIECE_AGAIN) return LK_OK;
  if (piece->kind == LK_PIECE_OWN && lk_piece_is_whole(piece)) {
    lk_outside_tensor tensor = {.element = LK_F32, .dims = piece->dims, .data = from + piece->first};
    memcpy(tensor.shape, piece->shape, sizeof piece->shape);
    return lk_outside_add(outside, piece->name, &tensor);
  }
  LK_TRY(lk_outside_make(outside, piece->name, piece->dims, piece->shape, &to));
  for (ptrdiff_t i = 0; piece->kind == LK_PIECE_OWN && i < piece->count; i++) to[i] = from[lk_piece_at(piece, i)];
  return LK_OK;
}

/* "tied": which tensors are others, so that a program can make both of one: {"output.weight": "embedding.weight"}. */
static lk_status add_tied(lk_outside *outside, const lk_piece *pieces, int count) {
  lk_buffer text = {0};
  lk_status status = LK_OK;
  for (int i = 0; i < count; i++) {
    int j = 0;
    if (pieces[i].kind != LK_PIECE_AGAIN) continue;
    while (pieces[j].id != pieces[i].id) j++;
    LK_GO(lk_buffer_printf(&text, "%s\"%s\":\"%s\"", text.size > 0 ? "," : "{", pieces[i].name, pieces[j].name));
  }
  if (text.size == 0) return LK_OK;
  LK_GO(lk_buffer_append(&text, "}", 1));
  LK_GO(lk_outside_set(outside, "tied", text.data, text.size));
done:
  lk_buffer_release(&text);
  return status;
}

static lk_status add_pieces(lk_outside *outside, const lk_model *model) {
  lk_piece *pieces = NULL;
  int count = 0;
  lk_status status;
  LK_GO(lk_pieces_of(&model->config, model->params, &pieces, &count));
  for (int i = 0; i < count; i++) LK_GO(add_piece(outside, model, &pieces[i]));
  LK_GO(add_tied(outside, pieces, count));
done:
  free(pieces);
  return status;
}

static lk_status set_text(lk_outside *outside, const char *key, const char *text) {
  return lk_outside_set(outside, key, text, strlen(text));
}

static lk_status add_probe(lk_outside *outside, lk_model *model) {
  lk_buffer text = {0};
  lk_status status;
  LK_GO(lk_probe_run(model, &text));
  LK_GO(lk_outside_set(outside, "probe", text.data, text.size));
done:
  lk_buffer_release(&text);
  return status;
}

lk_status lk_outside_of(lk_outside *outside, lk_model *model) {
  LK_TRY(set_text(outside, "format", "pt")); /* what other programs look for in files of PyTorch's tensors */
  LK_TRY(set_text(outside, "created_by", "Lockstep " LK_VERSION));
  LK_TRY(set_text(outside, "config", lk_checkpoint_config(model->file)));
  LK_TRY(lk_describe_corpus(outside, model->corpus));
  LK_TRY(add_probe(outside, model));
  return add_pieces(outside, model);
}

/* BASE.SUFFIX, or BASE.PART.SUFFIX. */
static lk_status part_path(const lk_format *format, const char *path, const char *part, lk_buffer *out) {
  const size_t size = strlen(path), tail = strlen(format->suffix);
  const bool has = size > tail && strcmp(path + size - tail, format->suffix) == 0;
  const size_t base = has ? size - tail : size;
  lk_buffer_truncate(out, 0);
  if (part == NULL) return lk_buffer_printf(out, "%s", path);
  return lk_buffer_printf(out, "%.*s.%s%s", (int)base, path, part, format->suffix);
}

lk_status lk_export(lk_model *model, const lk_format *format, const char *path, lk_strings *written) {
  static const char *const one[] = {NULL};
  const char *const *parts = format->parts ? format->parts(model) : NULL;
  lk_outside outside = {0};
  lk_buffer file = {0}, name = {0};
  lk_status status;
  int part = 0;
  LK_GO(lk_outside_of(&outside, model));
  if (parts == NULL) parts = one;
  do {
    lk_buffer_truncate(&file, 0);
    LK_GO(part_path(format, path, parts[part], &name));
    LK_GO(format->write(&outside, model, part, &file));
    LK_GO(lk_durable_write(name.data, file.data, file.size));
    LK_GO(lk_strings_add(written, name.data, name.size, (int64_t)file.size));
  } while (parts[part] && parts[++part]);
done:
  lk_buffer_release(&name);
  lk_buffer_release(&file);
  lk_outside_release(&outside);
  return status;
}
