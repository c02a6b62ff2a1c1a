/* Backward pass, in the reverse order of forward. Gradients of states are accumulated, because a cell adds to those
 * of the previous time step. */
#include "decoder_impl.h"

/* djoined = W_c^T (dout (1 - h~^2)), where the bracket overwrites dout; then backward through attention for the
 * context. */
static void attend_back(lk_decoder *d, const lk_decoder_input *in, lk_mode mode, lk_time_rows s) {
  const lk_pack *pack = in->pack;
  lk_recurrent *top = &d->layer[d->layers - 1];
  lk_real *dh = top->dh + pack->B * d->Hp;
  decoder_drop(d, pack, mode, LK_DECODER_DROP_OUT, d->H, s, d->dout, d->Hp, d->dout, d->Hp);
  if (d->attention.kind == LK_ATTENTION_NONE) {
    for (ptrdiff_t i = 0; i < s.n; i++)
      for (ptrdiff_t r = time_row(s, i), u = 0; u < d->H; u++) dh[r * d->Hp + u] += d->dout[r * d->Hp + u];
    return;
  }
  for (ptrdiff_t i = 0; i < s.n; i++) {
    lk_real *row = d->dout + time_row(s, i) * d->Hp, *mixed = d->mixed + time_row(s, i) * d->Hp;
    for (ptrdiff_t u = 0; u < d->H; u++) row[u] *= 1 - mixed[u] * mixed[u];
  }
  const lk_product product = {
      .n = s.n, .x = d->dout, .ldx = d->Hp, .in = s.rows, .y = d->djoined, .ldy = d->ldc, .out = s.rows};
  lk_kernels_get()->product(&d->combine.transposed, &product);
  const ptrdiff_t ldw = lk_padded(d->W);
  for (ptrdiff_t i = 0; i < s.n; i++) {
    const ptrdiff_t r = time_row(s, i);
    const lk_real *row = d->djoined + r * d->ldc;
    for (ptrdiff_t u = 0; u < d->H; u++) dh[r * d->Hp + u] += row[u];
    copy_row(d->dcontext + r * ldw, row + d->H, d->W);
    zero_pads(d->dcontext + r * ldw, d->W, ldw);
  }
  const lk_attending rows = {.pack = pack, .source = in->source, .n = s.n, .rows = s.rows};
  lk_attention_backward(&d->attention, &rows, top->h + pack->B * d->Hp, d->Hp, d->dcontext, ldw, dh, d->Hp);
}

/* Add the gradient with respect to the input of layer l > 0 to that of the states of the layer below. */
static void pass_down(lk_decoder *d, const lk_decoder_input *in, lk_mode mode, int l, lk_time_rows s) {
  lk_real *dh = d->layer[l - 1].dh + in->pack->B * d->Hp;
  lk_recurrent_back_input(&d->layer[l], s.n, s.rows, d->dx, d->Hp, 0);
  decoder_drop(d, in->pack, mode, LK_DECODER_DROP + l, d->H, s, d->dx, d->Hp, d->dx, d->Hp);
  for (ptrdiff_t i = 0; i < s.n; i++)
    for (ptrdiff_t r = time_row(s, i), u = 0; u < d->H; u++) dh[r * d->Hp + u] += d->dx[r * d->Hp + u];
}

static void run_time_back(lk_decoder *d, const lk_decoder_input *in, lk_mode mode, ptrdiff_t t) {
  const lk_time_rows s = rows_of_time(in->pack, t);
  for (ptrdiff_t i = 0; i < s.n && d->F; i++) {
    const ptrdiff_t r = s.rows[i];
    const int32_t after = in->pack->later[r];
    for (ptrdiff_t u = 0; u < d->H && after >= 0; u++) d->dout[r * d->Hp + u] += d->dfed[after * d->Hp + u];
  }
  attend_back(d, in, mode, s);
  for (int l = d->layers - 1; l >= 0; l--) {
    lk_recurrent_back_step(&d->layer[l], in->pack, t);
    if (l > 0) pass_down(d, in, mode, l, s);
  }
  if (d->F) lk_recurrent_back_feed(&d->layer[0], s.n, s.rows, d->dfed, d->Hp);
}

static void run_back(lk_decoder *d, const lk_decoder_input *in, lk_mode mode) {
  const lk_pack *pack = in->pack;
  const lk_time_rows all = {.n = pack->N};
  if (decoder_stepwise(d, in)) {
    for (ptrdiff_t t = pack->T - 1; t >= 0; t--) run_time_back(d, in, mode, t);
    return;
  }
  attend_back(d, in, mode, all);
  for (int l = d->layers - 1; l >= 0; l--) {
    for (ptrdiff_t t = pack->T - 1; t >= 0; t--) lk_recurrent_back_step(&d->layer[l], pack, t);
    if (l > 0) pass_down(d, in, mode, l, all);
  }
}

/* From the gradients of the initial states, through the bridge, to those of the encoder's final states. */
static void bridge_back(lk_decoder *d, const lk_pack *source, const lk_decoder_input *in, lk_final_gradients *finals,
                        const lk_grads *grads) {
  *finals = (lk_final_gradients){.ld = d->ldfinal};
  for (int l = 0; l < d->layers; l++)
    for (int i = 0; i < d->handed; i++) {
      lk_real *to = d->copying ? d->dfinal[l][i] : d->dstart;
      finals->state[l][i] = d->dfinal[l][i];
      for (ptrdiff_t b = 0; b < in->pack->B; b++) {
        const lk_real *start = d->start[l][i] + in->source[b] * d->Hp;
        lk_real *row = to + in->source[b] * d->Hp;
        copy_row(row, lk_recurrent_state_gradient(&d->layer[l], in->pack, i, b), d->H);
        zero_pads(row, d->H, d->Hp);
        for (ptrdiff_t u = 0; u < d->H && !d->copying; u++) row[u] *= 1 - start[u] * start[u];
      }
      if (!d->copying)
        lk_dense_backward(&d->bridge[l][i], source->shard_seq, d->final[l][i], d->ldfinal, to, d->Hp, d->dfinal[l][i],
                          d->ldfinal, grads);
    }
}

void lk_decoder_backward(lk_decoder *d, const lk_pack *source, const lk_decoder_input *in, lk_mode mode, lk_real *dy,
                         ptrdiff_t lddy, lk_final_gradients *finals, const lk_grads *grads) {
  const lk_pack *pack = in->pack;
  const lk_time_rows all = {.n = pack->N};
  LK_ASSERT(in->carry == NULL);
  for (int l = 0; l < d->layers; l++) {
    memset(d->layer[l].dh, 0, (size_t)((pack->B + pack->N) * d->Hp) * sizeof *d->dout);
    lk_recurrent_back_begin(&d->layer[l], pack, 0);
  }
  lk_attention_back_begin(&d->attention);
  run_back(d, in, mode);
  for (int l = 0; l < d->layers; l++) {
    const lk_rows rows = l == 0 ? decoder_embedded(d) : (lk_rows){.x = d->x[l], .ld = d->Hp};
    lk_recurrent_back_end(&d->layer[l], pack, rows, 1, grads);
  }
  if (d->attention.kind != LK_ATTENTION_NONE) {
    const lk_real *h = d->layer[d->layers - 1].h + pack->B * d->Hp;
    lk_dense_backward(&d->combine, pack->shard_row, d->joined, d->ldc, d->dout, d->Hp, NULL, 0, grads);
    lk_attention_back_end(&d->attention, pack, source, h, d->Hp, dy, lddy, grads);
  } else {
    memset(dy, 0, (size_t)(source->N * lddy) * sizeof *dy);
  }
  lk_recurrent_back_input(&d->layer[0], d->distinct.n, NULL, d->dx, d->ld0, 0);
  if (d->distinct.row == NULL) decoder_drop(d, pack, mode, LK_DECODER_DROP, d->E, all, d->dx, d->ld0, d->dx, d->ld0);
  decoder_drop_types(d, mode, d->distinct.n, d->distinct.id, d->dx);
  bridge_back(d, source, in, finals, grads);
}

/* Append the rows of one shard at position `at`; returns the new number of rows. */
static ptrdiff_t append_lookup(lk_decoder *d, const lk_lookup_gradient *from, int shard, ptrdiff_t at) {
  const lk_distinct *distinct = from->distinct;
  for (ptrdiff_t r = distinct->shard_row[shard]; r < distinct->shard_row[shard + 1]; r++, at++) {
    d->all_ids[at] = distinct->id[r];
    copy_row(d->all_dx + at * d->ld0, from->dx + r * from->ld, d->E);
  }
  return at;
}

void lk_decoder_embedding_backward(lk_decoder *d, const lk_lookup_gradient *encoder, const lk_shard_product *also,
                                   const lk_grads *grads) {
  const lk_lookup_gradient own = {.distinct = &d->distinct, .dx = d->dx, .ld = d->ld0};
  LK_ASSERT((encoder != NULL) == (d->shared != 0));
  if (encoder == NULL) {
    lk_embedding_backward(&d->embedding, d->distinct.shard_row, d->distinct.id, d->dx, d->ld0, also, grads);
    return;
  }
  /* within each shard the source comes before the target; another order would change the rounding */
  d->all_rows[0] = 0;
  for (int s = 0; s < grads->shards->count; s++)
    d->all_rows[s + 1] = append_lookup(d, &own, s, append_lookup(d, encoder, s, d->all_rows[s]));
  lk_embedding_backward(&d->embedding, d->all_rows, d->all_ids, d->all_dx, d->ld0, also, grads);
}
