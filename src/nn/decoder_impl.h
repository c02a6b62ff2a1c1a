/* decoder_impl.h - shared by decoder.c, decoder_forward.c and decoder_backward.c. */
#pragma once
#include "decoder.h"
#include "nn_impl.h"

/* Layer numbers of the decoder's dropout masks, distinct from the encoder's: both use the same corpus row. */
enum { LK_DECODER_DROP = 128, LK_DECODER_DROP_OUT = LK_DECODER_DROP + LK_MAX_LAYERS };

/* The rows of one time step, or all rows if `rows` is NULL. */
typedef struct lk_time_rows {
  ptrdiff_t n;
  const int32_t *rows;
} lk_time_rows;

static inline lk_time_rows rows_of_time(const lk_pack *pack, ptrdiff_t t) {
  return (lk_time_rows){.n = pack->step[t + 1] - pack->step[t], .rows = pack->order + pack->step[t]};
}

static inline ptrdiff_t time_row(lk_time_rows s, ptrdiff_t i) { return s.rows ? s.rows[i] : i; }

/* Dropout before layer `place` - LK_DECODER_DROP, or on the output; used in forward and backward, and in place. */
static inline void decoder_drop(const lk_decoder *d, const lk_pack *pack, lk_mode mode, int place, ptrdiff_t width,
                                lk_time_rows s, const lk_real *x, ptrdiff_t ldx, lk_real *y, ptrdiff_t ldy) {
  const lk_config_model *m = &d->config->model;
  const double rate = place == LK_DECODER_DROP ? m->input_dropout : m->dropout;
  lk_dropout_rows(pack, mode, rate, m->variational, place, width, s.n, s.rows, x, ldx, y, ldy);
}

/* Dropout of word types of the target; used in forward and backward. */
static inline void decoder_drop_types(const lk_decoder *d, lk_mode mode, ptrdiff_t n, const int32_t *ids, lk_real *x) {
  lk_embedding_drop(&d->embedding, mode, d->config->model.embedding_dropout, n, ids, x, d->ld0);
}

/** Whether the layers advance together, one time step after the other. */
static inline int decoder_stepwise(const lk_decoder *d, const lk_decoder_input *in) {
  return d->F > 0 || in->sampling > 0;
}

/* Input of layer 0. */
static inline lk_rows decoder_embedded(const lk_decoder *d) {
  return (lk_rows){.x = d->x[0], .ld = d->ld0, .distinct = &d->distinct, .fed = d->fed, .ldfed = d->Hp};
}
