/* Forward pass: the bridge, then the layers, over all time steps at once or step by step. */
#include "decoder_impl.h"

void lk_decoder_read(lk_decoder *d, const lk_params *params, const lk_encoder *encoder, const lk_pack *source) {
  ptrdiff_t ld;
  const lk_real *y = lk_encoder_output(encoder, &ld);
  for (int l = 0; l < d->layers; l++)
    for (int i = 0; i < d->handed; i++) {
      lk_encoder_final(encoder, source, l, i, d->final[l][i], d->ldfinal);
      if (d->copying) continue;
      lk_real *start = d->start[l][i];
      lk_dense_forward(&d->bridge[l][i], params, source->B, d->final[l][i], d->ldfinal, start, d->Hp);
      lk_kernels_get()->tanh(source->B * d->Hp, start, start);
    }
  lk_attention_read(&d->attention, params, source, y, ld);
}

/* Copy the initial states into the first B rows. */
static void start_states(lk_decoder *d, const lk_decoder_input *in) {
  const ptrdiff_t size = lk_decoder_carry_size(d);
  for (int l = 0; l < d->layers; l++)
    for (int i = 0; i < d->states; i++)
      for (ptrdiff_t b = 0; b < in->pack->B; b++) {
        lk_real *to = lk_recurrent_state(&d->layer[l], in->pack, i, b);
        if (in->carry)
          copy_row(to, in->carry + b * size + (l * d->states + i) * d->H, d->H);
        else if (i < d->handed)
          copy_row(to, d->start[l][i] + in->source[b] * d->Hp, d->H);
        else
          memset(to, 0, (size_t)d->H * sizeof *to);
      }
  for (int l = 0; l < d->layers; l++) lk_recurrent_begin(&d->layer[l], in->pack, 1);
}

/* Embed the distinct ids; or each row separately, if ids are sampled later or dropout makes rows of one id differ. */
static void embed(lk_decoder *d, const lk_params *params, const lk_decoder_input *in, lk_mode mode) {
  const bool masked = mode.training && d->config->model.input_dropout > 0;
  const lk_time_rows all = {.n = in->pack->N};
  memcpy(d->ids, in->ids, (size_t)in->pack->N * sizeof *d->ids);
  if (masked || in->sampling > 0)
    lk_distinct_each(&d->distinct, in->pack, d->ids);
  else
    lk_distinct_find(&d->distinct, in->pack, d->ids);
  if (in->sampling > 0) return; /* embedded step by step instead */
  lk_embedding_forward(&d->embedding, params, d->distinct.n, d->distinct.id, d->x[0], d->ld0);
  decoder_drop_types(d, mode, d->distinct.n, d->distinct.id, d->x[0]);
  for (ptrdiff_t r = 0; r < d->distinct.n; r++) zero_pads(d->x[0] + r * d->ld0, d->E, d->ld0);
  if (masked) decoder_drop(d, in->pack, mode, LK_DECODER_DROP, d->E, all, d->x[0], d->ld0, d->x[0], d->ld0);
}

static void embed_time(lk_decoder *d, const lk_params *params, const lk_decoder_input *in, lk_mode mode,
                       lk_time_rows s) {
  for (ptrdiff_t i = 0; i < s.n; i++) {
    const ptrdiff_t r = s.rows[i];
    lk_embedding_forward(&d->embedding, params, 1, d->ids + r, d->x[0] + r * d->ld0, d->ld0);
    decoder_drop_types(d, mode, 1, d->ids + r, d->x[0] + r * d->ld0);
    zero_pads(d->x[0] + r * d->ld0, d->E, d->ld0);
  }
  decoder_drop(d, in->pack, mode, LK_DECODER_DROP, d->E, s, d->x[0], d->ld0, d->x[0], d->ld0);
}

/* fed = h~ of the previous time step. */
static void feed(lk_decoder *d, const lk_decoder_input *in, lk_time_rows s) {
  const ptrdiff_t size = lk_decoder_carry_size(d);
  for (ptrdiff_t i = 0; i < s.n; i++) {
    const ptrdiff_t r = time_row(s, i), b = in->pack->seq[r];
    const int32_t before = in->pack->earlier[r];
    lk_real *row = d->fed + r * d->Hp;
    if (before >= 0)
      copy_row(row, d->out + before * d->Hp, d->H);
    else if (in->carry)
      copy_row(row, in->carry + b * size + size - d->F, d->H);
    else
      memset(row, 0, (size_t)d->H * sizeof *row);
  }
  lk_recurrent_feed(&d->layer[0], s.n, s.rows, d->fed, d->Hp);
}

/* Input of layer l > 0: the states of the layer below. */
static void pass_up(lk_decoder *d, const lk_decoder_input *in, lk_mode mode, int l, lk_time_rows s) {
  const lk_real *below = d->layer[l - 1].h + in->pack->B * d->Hp;
  for (ptrdiff_t i = 0; i < s.n; i++) copy_row(d->x[l] + time_row(s, i) * d->Hp, below + time_row(s, i) * d->Hp, d->Hp);
  decoder_drop(d, in->pack, mode, LK_DECODER_DROP + l, d->H, s, d->x[l], d->Hp, d->x[l], d->Hp);
}

/* out = dropout(tanh(W_c [h | context])) of these rows, or dropout(h) without attention. */
static void attend(lk_decoder *d, const lk_params *params, const lk_decoder_input *in, lk_mode mode, lk_time_rows s) {
  const lk_pack *pack = in->pack;
  const lk_real *h = d->layer[d->layers - 1].h + pack->B * d->Hp, *from = h;
  if (d->attention.kind != LK_ATTENTION_NONE) {
    const lk_attending rows = {.pack = pack, .source = in->source, .n = s.n, .rows = s.rows};
    lk_attention_forward(&d->attention, params, &rows, h, d->Hp);
    for (ptrdiff_t i = 0; i < s.n; i++) {
      const ptrdiff_t r = time_row(s, i);
      copy_row(d->joined + r * d->ldc, h + r * d->Hp, d->H);
      copy_row(d->joined + r * d->ldc + d->H, d->attention.context + r * d->attention.ldv, d->W);
    }
    const lk_product product = {
        .n = s.n, .x = d->joined, .ldx = d->ldc, .in = s.rows, .y = d->mixed, .ldy = d->Hp, .out = s.rows};
    lk_kernels_get()->product(&d->combine.w, &product);
    for (ptrdiff_t i = 0; i < s.n; i++) {
      lk_real *row = d->mixed + time_row(s, i) * d->Hp;
      lk_kernels_get()->tanh(d->Hp, row, row);
    }
    from = d->mixed;
  }
  for (ptrdiff_t i = 0; i < s.n; i++) copy_row(d->out + time_row(s, i) * d->Hp, from + time_row(s, i) * d->Hp, d->Hp);
  decoder_drop(d, pack, mode, LK_DECODER_DROP_OUT, d->H, s, d->out, d->Hp, d->out, d->Hp);
}

/* Scheduled sampling (Bengio et al. 2015): at random, a row reads the net's own choice instead of the given id. */
static void sample(lk_decoder *d, const lk_decoder_input *in, lk_mode mode, lk_time_rows s) {
  const lk_rng rng = lk_rng_make(mode.seed, LK_PURPOSE_SCHEDULED);
  int32_t *row = d->picked, *before = row + in->pack->B, *id = before + in->pack->B;
  ptrdiff_t n = 0;
  for (ptrdiff_t i = 0; i < s.n; i++) {
    const ptrdiff_t r = s.rows[i];
    const uint32_t key = in->pack->id[in->pack->seq[r]], time = (uint32_t)in->pack->time[r];
    if (lk_rng_uniform(rng, mode.step, key, time, 0) >= in->sampling) continue;
    row[n] = (int32_t)r;
    before[n++] = in->pack->earlier[r];
  }
  if (n > 0) in->choose(in->context, n, before, id);
  for (ptrdiff_t i = 0; i < n; i++) d->ids[row[i]] = id[i];
}

static void run_time(lk_decoder *d, const lk_params *params, const lk_decoder_input *in, lk_mode mode, ptrdiff_t t) {
  const lk_time_rows s = rows_of_time(in->pack, t);
  if (in->sampling > 0) {
    if (t > 0) sample(d, in, mode, s);
    embed_time(d, params, in, mode, s);
    lk_recurrent_input(&d->layer[0], s.n, s.rows, decoder_embedded(d));
  }
  if (d->F) feed(d, in, s);
  for (int l = 0; l < d->layers; l++) {
    if (l > 0) {
      pass_up(d, in, mode, l, s);
      lk_recurrent_input(&d->layer[l], s.n, s.rows, (lk_rows){.x = d->x[l], .ld = d->Hp});
    }
    lk_recurrent_step(&d->layer[l], in->pack, t, 1);
  }
  attend(d, params, in, mode, s);
}

void lk_decoder_forward(lk_decoder *d, const lk_params *params, const lk_decoder_input *in, lk_mode mode) {
  const lk_pack *pack = in->pack;
  const lk_time_rows all = {.n = pack->N};
  for (int l = 0; l < d->layers; l++) lk_recurrent_begin_mode(&d->layer[l], params, mode);
  embed(d, params, in, mode);
  start_states(d, in);
  if (!(in->sampling > 0)) lk_recurrent_input(&d->layer[0], all.n, NULL, decoder_embedded(d));
  if (decoder_stepwise(d, in)) {
    for (ptrdiff_t t = 0; t < pack->T; t++) {
      run_time(d, params, in, mode, t);
      lk_params_pass(params);
    }
    return;
  }
  for (int l = 0; l < d->layers; l++) {
    if (l > 0) {
      pass_up(d, in, mode, l, all);
      lk_recurrent_input(&d->layer[l], all.n, NULL, (lk_rows){.x = d->x[l], .ld = d->Hp});
    }
    for (ptrdiff_t t = 0; t < pack->T; t++) {
      lk_recurrent_step(&d->layer[l], pack, t, 1);
      lk_params_pass(params);
    }
  }
  attend(d, params, in, mode, all);
}
