/* characters_cnn.c - filters that slide over the characters of a word; its vector is the largest value of each:
 *
 *   z_t = sum_j W_j e_(t + j - (w-1)/2)      y = tanh(max_t z_t + b)
 *
 * Beyond the ends of the word e is zero. The products W_j e are computed once for each distinct character of a shard, as
 * one matrix product for all taps j of all widths w; z_t adds rows of it.
 * Source: Ma & Hovy 2016, section 2.1; several widths: Kim et al. 2016. As torch.nn.Conv1d with padding, whose weight
 * [F, E, w] is ours of one width with the axes in another order. */
#include "characters.h"

#include <math.h>
#include <stdlib.h>

#include "nn_impl.h"

enum { WIDEST = 15 };

/* model.character_widths: numbers from 1 to WIDEST, separated by commas. */
static lk_status read_widths(const lk_config *config, struct lk_filters *f) {
  const char *text = config->model.character_widths;
  char *end;
  f->count = 0;
  for (const char *at = text;; at = end + 1) {
    const long width = strtol(at, &end, 10);
    if (end == at || width < 1 || width > WIDEST || (*end != ',' && *end != '\0') || f->count == LK_FILTER_WIDTHS)
      return lk_config_error(config, "model.character_widths",
                             "expected at most %d numbers from 1 to %d, separated by commas, found '%s'",
                             LK_FILTER_WIDTHS, WIDEST, text);
    f->width[f->count++] = (int)width;
    f->T += width;
    if (*end == '\0') return LK_OK;
  }
}

static lk_status declare(lk_characters *c, lk_params *params, const lk_config *config) {
  struct lk_filters *f = &c->filters;
  int widest = 1;
  LK_TRY(read_widths(config, f));
  for (int k = 0; k < f->count; k++) widest = f->width[k] > widest ? f->width[k] : widest;
  f->F = (ptrdiff_t)config->model.character_filters;
  c->width = f->F * f->count;
  const lk_init init = {LK_INIT_UNIFORM, 1 / sqrt((double)(c->E * widest))};
  const lk_param weight = {.name = "characters.filter.weight",
                           .note = "T,F,E: the taps of each width after another, filters, embedding",
                           .dims = 3,
                           .shape = {f->T, f->F, c->E},
                           .init = init,
                           .decay = 1};
  const lk_param bias = {
      .name = "characters.filter.bias", .note = "width by width, F each", .dims = 1, .shape = {c->width}, .init = init};
  f->taps = (lk_dense){.bias = -1, .I = c->E, .O = f->T * f->F};
  LK_TRY(lk_params_add(params, &weight, &f->taps.weight));
  return lk_params_add(params, &bias, &f->bias);
}

static void layout_weights(lk_characters *c, lk_arena *weights, int training) {
  lk_dense_layout_weights(&c->filters.taps, weights, training);
}

static ptrdiff_t part_ld(const struct lk_filters *f) { return lk_padded(f->T * f->F); }

static void layout(lk_characters *c, lk_arena *arena, ptrdiff_t B, int training) {
  struct lk_filters *f = &c->filters;
  lk_dense_layout(&f->taps, arena, training);
  f->part = lk_arena_reals(arena, c->most * part_ld(f));
  f->sum = lk_arena_reals(arena, f->F);
  f->time = lk_arena_ints(arena, B * c->width);
  if (!training) return;
  f->dpart = lk_arena_reals(arena, c->most * part_ld(f));
  f->scratch = lk_arena_reals(arena, lk_sum_scratch(1));
}

static void pack(lk_characters *c, const lk_params *params, int training, lk_part part) {
  lk_dense_pack(&c->filters.taps, params, training, part);
}

/* The rows of `part` that the characters of word b have. */
static void find_rows(const lk_characters *c, ptrdiff_t b, ptrdiff_t row[LK_SPELLING_LONGEST]) {
  ptrdiff_t r = lk_pack_row(&c->pack, b, 0);
  for (ptrdiff_t t = 0; r >= 0; r = c->pack.later[r]) row[t++] = c->distinct.row ? c->distinct.row[r] : r;
}

/* Taps [*first, *last) of a filter of this width that lie inside a word of n characters at time t. */
static void clip(int width, ptrdiff_t n, ptrdiff_t t, ptrdiff_t *first, ptrdiff_t *last) {
  const ptrdiff_t begin = t - (width - 1) / 2;
  *first = begin < 0 ? -begin : 0;
  *last = begin + width > n ? n - begin : width;
}

/* y [F] = max_t z_t and time [F], for filters whose taps begin at column `tap` of part. A NaN counts as larger than any
 * number, so that a broken weight is seen in the loss. */
static void slide(const struct lk_filters *f, int width, ptrdiff_t tap, const ptrdiff_t *row, ptrdiff_t n, lk_real *y,
                  int32_t *time) {
  lk_real *z = f->sum;
  for (ptrdiff_t t = 0; t < n; t++) {
    ptrdiff_t first, last;
    clip(width, n, t, &first, &last);
    for (ptrdiff_t j = first; j < last; j++) {
      const lk_real *from = f->part + row[t + j - (width - 1) / 2] * part_ld(f) + tap + j * f->F;
      if (j == first)
        copy_row(z, from, f->F);
      else
        for (ptrdiff_t i = 0; i < f->F; i++) z[i] += from[i];
    }
    for (ptrdiff_t i = 0; i < f->F; i++) {
      const int wins = t == 0 || z[i] > y[i] || z[i] != z[i];
      y[i] = wins ? z[i] : y[i];
      time[i] = wins ? (int32_t)t : time[i];
    }
  }
}

static void forward(lk_characters *c, const lk_params *params, lk_real *word) {
  const struct lk_filters *f = &c->filters;
  const lk_real *bias = lk_params_value(params, f->bias);
  lk_dense_forward(&f->taps, params, c->distinct.n, c->x, lk_padded(c->E), f->part, part_ld(f));
  for (ptrdiff_t b = 0; b < c->pack.B; b++) {
    ptrdiff_t row[LK_SPELLING_LONGEST], tap = 0;
    lk_real *y = word + b * c->ld;
    find_rows(c, b, row);
    for (int k = 0; k < f->count; tap += f->width[k++] * f->F)
      slide(f, f->width[k], tap, row, c->pack.length[b], y + k * f->F, f->time + b * c->width + k * f->F);
    for (ptrdiff_t i = 0; i < c->width; i++) y[i] += bias[i];
    zero_pads(y, c->width, c->ld);
    lk_kernels_get()->tanh(c->ld, y, y);
  }
}

/* The gradient of the products from those of one word, dz [width]. */
static void spread(const lk_characters *c, ptrdiff_t b, const lk_real *dz) {
  const struct lk_filters *f = &c->filters;
  const int32_t *time = f->time + b * c->width;
  ptrdiff_t row[LK_SPELLING_LONGEST], tap = 0;
  find_rows(c, b, row);
  for (int k = 0; k < f->count; tap += f->width[k++] * f->F)
    for (ptrdiff_t i = 0; i < f->F; i++) {
      const ptrdiff_t t = time[k * f->F + i];
      ptrdiff_t first, last;
      clip(f->width[k], c->pack.length[b], t, &first, &last);
      for (ptrdiff_t j = first; j < last; j++)
        f->dpart[row[t + j - (f->width[k] - 1) / 2] * part_ld(f) + tap + j * f->F + i] += dz[k * f->F + i];
    }
}

static void backward(lk_characters *c, const lk_grads *grads) {
  const struct lk_filters *f = &c->filters;
  lk_real *to[LK_MAX_SUBTREES];
  memset(f->dpart, 0, (size_t)(c->distinct.n * part_ld(f)) * sizeof *f->dpart);
  for (ptrdiff_t b = 0; b < c->pack.B; b++) {
    const lk_real *y = c->word + b * c->ld;
    lk_real *dz = c->dword + b * c->ld;
    for (ptrdiff_t i = 0; i < c->width; i++) dz[i] *= 1 - y[i] * y[i];
    spread(c, b, dz);
  }
  lk_dense_backward(&f->taps, c->distinct.shard_row, c->x, lk_padded(c->E), f->dpart, part_ld(f), c->dx,
                    lk_padded(c->E), grads);
  const lk_shard_columns columns = {.shard_row = c->pack.shard_seq, .dy = c->dword, .ldy = c->ld};
  lk_grads_of(grads, f->bias, to);
  lk_sum_shards(grads->shards, c->width, 1, lk_shard_columns_block, &columns, to, 1, f->scratch);
}

const lk_character_net lk_characters_cnn = {
    .name = "cnn",
    .help = "the largest value of filters over the characters",
    .reads = "model.character_embedding model.character_filters model.character_widths model.character_dropout",
    .declare = declare,
    .layout_weights = layout_weights,
    .layout = layout,
    .pack = pack,
    .forward = forward,
    .backward = backward};
