/* task_translate.c - a sequence from a sequence: encoder, attention, decoder; what it writes is measured as text. */
#include <stdlib.h>
#include <string.h>

#include "fixed_math.h"
#include "translator_impl.h"

enum { UNITS, CORRECT, TEXT, COUNTS = TEXT + LK_TEXT_COUNTS };

/* Whether a metric needs translations: all but those of metrics_of() itself. */
static int of_texts(const char *name) {
  return strcmp(name, "loss") != 0 && strcmp(name, "perplexity") != 0 && strcmp(name, "accuracy") != 0;
}

static lk_status settings(const lk_config *config) {
  const lk_config_model *m = &config->model;
  if (m->shared_embedding && strcmp(m->input, "onehot") == 0)
    return lk_config_error(config, "model.shared_embedding",
                           "a shared embedding needs an embedding, but model.input is onehot");
  if (m->shared_embedding) LK_TRY(lk_task_embedding_alone(config, "model.shared_embedding"));
  LK_TRY(lk_decoder_check(config));
  return lk_task_tied_width(config);
}

static lk_status check(lk_task *task) {
  const lk_config *config = task->config;
  const lk_corpus_info *info = task->info;
  if (info->kind != LK_CORPUS_PAIRS)
    return lk_config_error(config, "task", "a translator needs a corpus of kind pairs, found %s",
                           lk_corpus_kind_names[info->kind]);
  if (config->model.shared_embedding && !info->shared)
    return lk_config_error(
        config, "model.shared_embedding",
        "the two sides of this corpus have vocabularies of their own: prepare it with --shared-vocabulary, or "
        "set model.shared_embedding to false");
  lk_translator *t;
  LK_TRY(lk_alloc(&t, 1, sizeof *t));
  task->state = t;
  *t = (lk_translator){.task = task, .one = lk_shards_make(1, 0, 1), .generates = of_texts(config->eval.metric)};
  task->V = info->target.count;
  if (!t->generates) return LK_OK;
  LK_TRY(lk_tokenizer_create(&t->tokenizer, info, LK_TARGET));
  return lk_text_scorer_create(&t->scorer, lk_tokenizer_unit(t->tokenizer));
}

static void release(lk_task *task) {
  lk_translator *t = task->state;
  if (t == NULL) return;
  lk_tokenizer_destroy(&t->tokenizer);
  lk_text_scorer_destroy(&t->scorer);
  lk_buffer_release(&t->found);
  lk_buffer_release(&t->gold);
  free(t);
}

static lk_status declare(lk_task *task, lk_params *params, ptrdiff_t *width, int *tied) {
  const lk_config *config = task->config;
  lk_decoder *d = lk_decoder_of(task);
  lk_column_form columns[LK_MAX_COLUMNS];
  const int count = lk_corpus_columns(task->info, columns);
  LK_TRY(lk_encoder_declare(&task->encoder, params, config, columns, count));
  LK_TRY(lk_decoder_declare(d, params, config, &task->encoder, task->V, config->model.shared_embedding));
  *width = d->H;
  if (config->model.tied) *tied = d->embedding.weight;
  return LK_OK;
}

static void layout_weights(lk_task *task, lk_arena *weights, int training) {
  lk_encoder_layout_weights(&task->encoder, weights, training);
  lk_decoder_layout_weights(lk_decoder_of(task), weights, training);
}

static void layout_body(lk_task *task, lk_arena *arena) {
  lk_translator *t = task->state;
  t->rows = task->by_steps ? task->B : task->N;
  lk_encoder_layout(&task->encoder, arena, task->B, task->N, task->training);
  lk_decoder_layout(&t->decoder, arena, task->B, t->rows, task->N, task->T, task->training);
}

static void layout(lk_task *task, lk_arena *arena) {
  lk_translator *t = task->state;
  t->most = task->B;
  t->states = lk_arena_reals(arena, t->most * lk_decoder_carry_size(&t->decoder));
  t->ids = lk_arena_ints(arena, t->most);
  t->of = lk_arena_ints(arena, t->most);
  lk_pack_layout(&t->step, arena, &t->one, t->most, t->most, 1);
  t->room = lk_translate_limit(task->T);
  if (!t->generates) return;
  t->written = lk_arena_ints(arena, task->B * t->room);
  t->written_length = lk_arena_ints(arena, task->B);
  t->right = lk_arena_ints(arena, task->T);
}

static void pack_weights(lk_task *task, const lk_params *params) {
  lk_decoder_pack(lk_decoder_of(task), params, task->weights_trained, task->part);
}

/* Scheduled sampling asks what the net itself would write: the most probable unit by rows of the decoder's output. */
static void choose(void *context, ptrdiff_t n, const int32_t *rows, int32_t *ids) {
  lk_translator *t = context;
  lk_units u = {.pack = &t->step, .n = n, .rows = rows};
  lk_next next;
  u.x = lk_decoder_output(&t->decoder, &u.ldx);
  for (ptrdiff_t first = 0; first < n; first += next.n) {
    next = lk_head_next(&t->task->head, t->params, &u, first);
    for (ptrdiff_t i = 0; i < next.n; i++) ids[first + i] = lk_translate_best(next.score + i * next.ld, t->task->V);
  }
}

static lk_decoder_input input_of(lk_task *task, const lk_batch *batch, lk_mode mode) {
  return (lk_decoder_input){.pack = &batch->pack,
                            .ids = batch->decoder_ids,
                            .source = batch->partner,
                            .sampling = mode.training ? task->config->train.sampling : 0,
                            .choose = choose,
                            .context = task->state};
}

static const lk_real *forward(lk_task *task, const lk_params *params, const lk_batch *batch, lk_mode mode,
                              lk_real *lanes, ptrdiff_t *ld) {
  (void)lanes;
  lk_translator *t = task->state;
  const lk_decoder_input in = input_of(task, batch, mode);
  const lk_pack *source = &batch->encoder_pack;
  LK_ASSERT(source->B <= task->B && source->N <= task->N && source->T <= task->T);
  LK_ASSERT(batch->pack.N <= t->rows);
  t->params = params;
  lk_encoder_forward(&task->encoder, params, source, &batch->input, mode, NULL);
  lk_params_need(params, in.sampling > 0 ? lk_params_tensors(params) : task->head_first); /* the head chooses, too */
  lk_decoder_read(&t->decoder, params, &task->encoder, source);
  lk_decoder_forward(&t->decoder, params, &in, mode);
  return lk_decoder_output(&t->decoder, ld);
}

static lk_real *gradient(lk_task *task, ptrdiff_t *ld) { return lk_decoder_output_gradient(lk_decoder_of(task), ld); }

static void backward(lk_task *task, const lk_batch *batch, lk_mode mode, const lk_shard_product *tied,
                     const lk_grads *grads) {
  lk_decoder *d = lk_decoder_of(task);
  const lk_decoder_input in = input_of(task, batch, mode);
  const lk_pack *source = &batch->encoder_pack;
  lk_final_gradients finals;
  lk_lookup_gradient encoder, *shared = d->shared ? &encoder : NULL;
  ptrdiff_t lddy;
  lk_real *dy = lk_encoder_output_gradient(&task->encoder, &lddy);
  const lk_grads inside = lk_grads_inside(grads);
  lk_decoder_backward(d, source, &in, mode, dy, lddy, &finals, &inside);
  lk_grads_final(grads, d->first);
  /* a shared embedding lies before the encoder's layers, the decoder's own behind them */
  if (!shared) lk_decoder_embedding_backward(d, NULL, tied, grads);
  lk_encoder_backward(&task->encoder, source, mode, &finals, NULL, shared, grads);
  if (shared) lk_decoder_embedding_backward(d, shared, tied, grads);
}

static const lk_body body = {.declare = declare,
                             .layout_weights = layout_weights,
                             .layout = layout_body,
                             .pack = pack_weights,
                             .forward = forward,
                             .gradient = gradient,
                             .backward = backward};

static const lk_translator *translator_of(const lk_task *task) { return task->state; }

static ptrdiff_t counts_of(const lk_task *task) { return translator_of(task)->generates ? COUNTS : TEXT; }

/* The accepted texts of target sequence b: those of the corpus, or what the target's ids say. */
static lk_status reference(lk_translator *t, const lk_batch *batch, ptrdiff_t b, const char **text, size_t *size) {
  if (batch->references && batch->references[b]) {
    *text = batch->references[b];
    *size = strlen(*text);
    return LK_OK;
  }
  ptrdiff_t n = 0;
  for (ptrdiff_t r = lk_pack_row(&batch->pack, b, 0); r >= 0; r = batch->pack.later[r])
    t->right[n++] = batch->target[r];
  lk_buffer_truncate(&t->gold, 0);
  LK_TRY(lk_tokenizer_decode(t->tokenizer, t->right, n, &t->gold));
  *text = t->gold.size > 0 ? t->gold.data : "";
  *size = t->gold.size;
  return LK_OK;
}

/* Translate the sources of the batch, greedily where nobody asked for another way. */
static lk_status write_texts(lk_task *task, const lk_params *params, const lk_batch *batch, const int32_t **units,
                             ptrdiff_t *room, const int32_t **length) {
  const lk_translator *t = task->state;
  if (t->writer) return t->writer->write(t->writer->context, batch, units, room, length);
  lk_translate_greedy(task, params, &batch->encoder_pack, t->written, t->room, t->written_length);
  *units = t->written;
  *room = t->room;
  *length = t->written_length;
  return LK_OK;
}

static lk_status score_texts(lk_task *task, const lk_params *params, const lk_batch *batch, lk_text_counts *counts) {
  lk_translator *t = task->state;
  const int32_t *units, *length;
  ptrdiff_t room;
  LK_TRY(write_texts(task, params, batch, &units, &room, &length));
  for (ptrdiff_t b = 0; b < batch->pack.B; b++) {
    const char *text;
    size_t size;
    const ptrdiff_t source = batch->partner[b];
    lk_buffer_truncate(&t->found, 0);
    LK_TRY(lk_tokenizer_decode(t->tokenizer, units + source * room, length[source], &t->found));
    LK_TRY(reference(t, batch, b, &text, &size));
    LK_TRY(lk_text_score(t->scorer, t->found.size > 0 ? t->found.data : "", t->found.size, text, size, counts));
  }
  return LK_OK;
}

static lk_status count(lk_task *task, const lk_params *params, const lk_batch *batch, int64_t *counts) {
  lk_text_counts texts;
  for (ptrdiff_t r = 0; r < batch->pack.N; r++)
    counts[CORRECT] += batch->target[r] >= 0 && batch->target[r] == task->head.best[r];
  if (!translator_of(task)->generates || batch->pack.B == 0) return LK_OK;
  memcpy(&texts, counts + TEXT, sizeof texts);
  LK_TRY(score_texts(task, params, batch, &texts));
  memcpy(counts + TEXT, &texts, sizeof texts);
  return LK_OK;
}

static int metrics_of(const lk_task *task, double loss, const int64_t *counts, lk_metric *metrics) {
  int n = lk_metric_put(metrics, 1, "perplexity", lk_fixed_exp(loss), 0);
  n = lk_metric_put(metrics, n, "accuracy", lk_ratio(counts[CORRECT], counts[UNITS]), 1);
  if (!translator_of(task)->generates) return n;
  lk_text_counts texts;
  memcpy(&texts, counts + TEXT, sizeof texts);
  return lk_text_metrics(&texts, metrics, n);
}

static const char *const metric_names[] = {"loss",
                                           "perplexity",
                                           "accuracy",
                                           "bleu",
                                           "chrf",
                                           "exact_match",
                                           "sequence_error_rate",
                                           "word_error_rate",
                                           "symbol_error_rate",
                                           NULL};

const lk_task_kind lk_task_translate = {.name = "translate",
                                        .help = "translation: one sequence from another",
                                        .reads =
                                            "model.attention model.input_feeding model.bridge model.shared_embedding "
                                            "train.sampling",
                                        .view = LK_VIEW_PAIRS,
                                        .body = &body,
                                        .needs_probabilities = 1,
                                        .metric_names = metric_names,
                                        .settings = settings,
                                        .check = check,
                                        .release = release,
                                        .layout = layout,
                                        .counts = counts_of,
                                        .count = count,
                                        .metrics = metrics_of};
