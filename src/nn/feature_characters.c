/* feature_characters.c - the characters of a word (characters.h), whose column holds indices into a spelling. It is not
 * named in model.features: model.characters turns it on. */
#include "input_layer.h"

static lk_status declare(lk_feature *f, lk_params *params, const lk_config *config) {
  LK_TRY(lk_characters_declare(&f->characters, params, config, f->column.values));
  f->width = f->characters.width;
  return LK_OK;
}

static void layout_weights(lk_feature *f, lk_arena *weights, int training) {
  lk_characters_layout_weights(&f->characters, weights, training);
}

static void layout(lk_feature *f, lk_arena *arena, ptrdiff_t N, int training) {
  lk_characters_layout(&f->characters, arena, N, f->characters_most, training);
}

static void pack(lk_feature *f, const lk_params *params, int training, lk_part part) {
  lk_characters_pack(&f->characters, params, training, part);
}

static void forward(lk_feature *f, const lk_params *params, ptrdiff_t n, const lk_feature_rows *rows, lk_real *x,
                    ptrdiff_t ld) {
  LK_ASSERT(n == rows->pack->N);
  lk_characters_forward(&f->characters, params, rows->pack, rows->ids, rows->spelling, rows->mode, x + f->offset, ld);
}

static void backward(lk_feature *f, const ptrdiff_t *shard_row, const lk_feature_rows *rows, const lk_real *dx,
                     ptrdiff_t ld, const lk_shard_product *also, const lk_grads *grads) {
  LK_ASSERT(shard_row == rows->pack->shard_row && also == NULL);
  lk_characters_backward(&f->characters, rows->pack, rows->mode, dx + f->offset, ld, grads);
}

const lk_feature_kind lk_feature_characters = {.name = "characters",
                                               .spelled = 1,
                                               .tokens = 1,
                                               .declare = declare,
                                               .layout_weights = layout_weights,
                                               .layout = layout,
                                               .pack = pack,
                                               .forward = forward,
                                               .backward = backward};
