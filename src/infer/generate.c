#include "decode.h"

#include <stdlib.h>
#include <string.h>

#include "decode_impl.h"
#include "work.h"

/* LK_LINES_MOST sequences are made at a time, one unit each a step. What the first unfinished one of them gains is given
 * to the caller at once; the text of the others waits in buffers. */
typedef struct writer {
  lk_model *model;
  const lk_generate *how;
  lk_status (*put)(void *context, const char *text, size_t size);
  void *context;
  lk_sampler sampler;
  ptrdiff_t V, width; /* outputs; width of one sequence's states */
  int words;

  int32_t *prompt; /* [prompt_count] what is read first */
  ptrdiff_t prompt_count;
  size_t prompt_capacity;
  lk_real *prompt_state, *prompt_scores; /* states and scores after it: [width], [V] */

  ptrdiff_t count;         /* sequences of this round */
  lk_real *state, *scores; /* [LK_LINES_MOST, width], [LK_LINES_MOST, V] */
  lk_buffer text[LK_LINES_MOST];
  int32_t last[LK_LINES_MOST];                    /* the unit just drawn */
  int ended[LK_LINES_MOST], fresh[LK_LINES_MOST]; /* fresh: at the start of a line, so no blank before a word */
  /* how words are written, where the model reads it: the vocabulary's by id, then those of the prompt, which are
   * `prompt_form` */
  lk_speller speller;
  int32_t *prompt_form;
  size_t prompt_form_capacity;
  lk_batch batch;
  lk_arena arena;
} writer;

/* What a running text begins from where no prompt is given: the end of a line. */
static int32_t line_end(const writer *w) { return w->words ? LK_EOS : lk_vocab_find(w->model->vocab, "\n", 1, LK_UNK); }

static lk_status read_prompt(writer *w) {
  const char *text = w->how->prompt;
  size_t size = strlen(text), valid = lk_utf8_valid(text, size);
  if (valid < size)
    return LK_FAIL(LK_USAGE, "the prompt is not valid UTF-8 at column %zu", lk_utf8_count(text, valid) + 1);
  LK_TRY(lk_model_encode(w->model, text, size, &w->prompt, &w->prompt_count, &w->prompt_capacity));
  const ptrdiff_t first = !w->model->corpus->stream; /* <sos>, and <eos> at the end */
  LK_TRY(lk_seen_text(w->model, w->model->vocab, lk_model_unit(w->model), text, size, w->prompt + first,
                      w->prompt_count - 2 * first));
  if (!w->model->corpus->stream) {
    w->prompt_count--; /* the model is to say <eos>, not the prompt */
  } else if (w->prompt_count == 0) {
    LK_TRY(lk_grow(&w->prompt, &w->prompt_capacity, 1, sizeof *w->prompt));
    w->prompt[w->prompt_count++] = line_end(w);
  }
  return LK_OK;
}

/* How the words of the prompt are written; the vocabulary holds no words that it does not know. */
static lk_status spell_prompt(writer *w) {
  const ptrdiff_t marks = lk_model_marks(w->model);
  const char *text = w->how->prompt, *word;
  size_t at = 0, size;
  if (!w->model->characters) return LK_OK;
  LK_TRY(lk_speller_add_all(&w->speller, &w->model->corpus->character, &w->model->corpus->source));
  LK_TRY(lk_grow(&w->prompt_form, &w->prompt_form_capacity, (size_t)w->prompt_count + 1, sizeof *w->prompt_form));
  for (ptrdiff_t i = 0; i < w->prompt_count; i++) w->prompt_form[i] = LK_PAD;
  for (ptrdiff_t i = marks; i < w->prompt_count && lk_unit_next(LK_WORD, text, strlen(text), &at, &word, &size); i++) {
    w->prompt_form[i] = (int32_t)w->speller.spelling.count;
    LK_TRY(lk_word_lookup_fold(&w->model->lookup, word, size));
    LK_TRY(
        lk_speller_add(&w->speller, w->model->characters, w->model->lookup.folded.data, w->model->lookup.folded.size));
  }
  return LK_OK;
}

/* Feed a unit or more to each of n sequences, whose states are rows lane[] of `state`. form: indices into the speller,
 * by row; NULL: the ids. */
static lk_status feed(writer *w, ptrdiff_t n, const int32_t *const *ids, int32_t *form, const ptrdiff_t *length,
                      const int32_t *lane, lk_real *state, int32_t *lane_of) {
  ptrdiff_t perm[LK_LINES_MOST];
  LK_TRY(lk_batch_from_ids(&w->batch, &w->arena, &w->model->one, n, ids, length, perm));
  if (w->model->characters)
    w->batch.input.column[w->batch.input.count++] =
        (lk_column){.name = LK_FORMS, .ids = form ? form : lk_batch_ids(&w->batch), .spelling = &w->speller.spelling};
  const lk_pack *pack = &w->batch.pack;
  LK_TRY(lk_task_reserve(w->model->task, pack->B > LK_LINES_MOST ? pack->B : LK_LINES_MOST,
                         pack->N > LK_LINES_MOST ? pack->N : LK_LINES_MOST, pack->T, 0));
  for (ptrdiff_t b = 0; b < n; b++) lane_of[b] = lane[perm[b]];
  w->batch.lane = lane_of;
  w->batch.reset = 0;
  (void)lk_task_forward(w->model->task, w->model->params, &w->batch, state);
  return LK_OK;
}

static lk_status feed_prompt(writer *w) {
  int32_t lane = 0, lane_of;
  const int32_t *ids = w->prompt;
  LK_TRY(feed(w, 1, &ids, w->prompt_form, &w->prompt_count, &lane, w->prompt_state, &lane_of));
  const lk_units *units = lk_task_units(w->model->task);
  const lk_next next = lk_head_next(lk_task_head(w->model->task), w->model->params, units, w->prompt_count - 1);
  memcpy(w->prompt_scores, next.score, (size_t)w->V * sizeof *next.score);
  return LK_OK;
}

/* The unit just drawn, read by all sequences that go on. */
static lk_status feed_last(writer *w) {
  const int32_t *ids[LK_LINES_MOST];
  ptrdiff_t length[LK_LINES_MOST], n = 0;
  int32_t lane[LK_LINES_MOST], lane_of[LK_LINES_MOST];
  for (int32_t i = 0; i < w->count; i++) {
    if (w->ended[i]) continue;
    ids[n] = &w->last[i];
    length[n] = 1;
    lane[n++] = i;
  }
  if (n == 0) return LK_OK;
  LK_TRY(feed(w, n, ids, NULL, length, lane, w->state, lane_of));
  lk_next next;
  for (ptrdiff_t first = 0; first < n; first += next.n) {
    next = lk_head_next(lk_task_head(w->model->task), w->model->params, lk_task_units(w->model->task), first);
    for (ptrdiff_t r = 0; r < next.n; r++)
      memcpy(w->scores + lane_of[first + r] * w->V, next.score + r * next.ld, (size_t)w->V * sizeof *next.score);
  }
  return LK_OK;
}

static lk_status say(writer *w, ptrdiff_t i, int32_t id) {
  const lk_strings *units = lk_vocab_strings(w->model->vocab);
  int ends_line = id == LK_EOS;
  w->last[i] = id;
  if (ends_line && !w->model->corpus->stream) {
    w->ended[i] = 1; /* its newline is put by hand_out() */
    return LK_OK;
  }
  if (w->words && !ends_line && !w->fresh[i]) LK_TRY(lk_buffer_append(&w->text[i], " ", 1));
  w->fresh[i] = ends_line;
  if (ends_line) return lk_buffer_append(&w->text[i], "\n", 1);
  return lk_buffer_append(&w->text[i], lk_strings_get(units, id), lk_strings_size(units, id));
}

/* Give out the text of finished sequences from *front on, and of the first unfinished one, which *front then is. */
static lk_status hand_out(writer *w, ptrdiff_t *front) {
  for (; *front < w->count; ++*front) {
    lk_buffer *text = &w->text[*front];
    int newline = text->size > 0 && text->data[text->size - 1] == '\n';
    if (w->ended[*front] && !(newline && w->model->corpus->stream)) LK_TRY(lk_buffer_append(text, "\n", 1));
    if (text->size > 0) LK_TRY(w->put(w->context, text->data, text->size));
    lk_buffer_truncate(text, 0);
    if (!w->ended[*front]) break;
  }
  return LK_OK;
}

static lk_status begin_round(writer *w, ptrdiff_t count) {
  const char *prompt = w->how->prompt;
  size_t size = strlen(prompt);
  w->count = count;
  for (ptrdiff_t i = 0; i < count; i++) {
    memcpy(w->state + i * w->width, w->prompt_state, (size_t)w->width * sizeof *w->state);
    memcpy(w->scores + i * w->V, w->prompt_scores, (size_t)w->V * sizeof *w->scores);
    w->ended[i] = 0;
    w->fresh[i] = size == 0 || strchr(" \t\r\n", prompt[size - 1]) != NULL;
    lk_buffer_truncate(&w->text[i], 0);
    LK_TRY(lk_buffer_append(&w->text[i], prompt, size));
  }
  return LK_OK;
}

/* Sequences first .. first+count. */
static lk_status run_round(writer *w, int64_t first, ptrdiff_t count) {
  lk_rng rng = lk_rng_make((uint64_t)w->how->seed, LK_PURPOSE_SAMPLE);
  ptrdiff_t front = 0;
  LK_TRY(begin_round(w, count));
  for (int64_t position = 0; position < w->how->length && front < count; position++) {
    if (position > 0) LK_TRY(feed_last(w));
    for (ptrdiff_t i = 0; i < count; i++) {
      if (w->ended[i]) continue;
      uint64_t s = (uint64_t)(first + i), at = (uint64_t)position;
      double u = lk_rng_uniform(rng, (uint32_t)s, (uint32_t)(s >> 32), (uint32_t)at, (uint32_t)(at >> 32));
      LK_TRY(say(w, i, lk_sample(&w->sampler, w->scores + i * w->V, u)));
    }
    LK_TRY(hand_out(w, &front));
    lk_work_part((double)(position + 1) / (double)w->how->length);
  }
  for (ptrdiff_t i = 0; i < count; i++) w->ended[i] = 1;
  return hand_out(w, &front);
}

static lk_status prepare(writer *w) {
  w->V = lk_task_head(w->model->task)->O;
  w->width = lk_task_carry_width(w->model->task);
  w->words = lk_model_unit(w->model) == LK_WORD;
  /* the only <eos> that a model of running characters knows is the one it never saw */
  LK_TRY(lk_sampler_init(&w->sampler, w->how, w->V, w->words || !w->model->corpus->stream));
  LK_TRY(lk_alloc(&w->prompt_state, (size_t)w->width, sizeof *w->prompt_state));
  LK_TRY(lk_alloc(&w->prompt_scores, (size_t)w->V, sizeof *w->prompt_scores));
  LK_TRY(lk_alloc(&w->state, (size_t)(LK_LINES_MOST * w->width), sizeof *w->state));
  LK_TRY(lk_alloc(&w->scores, (size_t)(LK_LINES_MOST * w->V), sizeof *w->scores));
  LK_TRY(read_prompt(w));
  LK_TRY(spell_prompt(w));
  return feed_prompt(w);
}

static void writer_release(writer *w) {
  lk_sampler_release(&w->sampler);
  lk_arena_release(&w->arena);
  for (int i = 0; i < LK_LINES_MOST; i++) lk_buffer_release(&w->text[i]);
  lk_speller_release(&w->speller);
  free(w->prompt_form);
  free(w->prompt);
  free(w->prompt_state);
  free(w->prompt_scores);
  free(w->state);
  free(w->scores);
}

lk_status lk_generate_text(lk_model *model, const lk_generate *how,
                           lk_status (*put)(void *context, const char *text, size_t size), void *context) {
  if (lk_task_view(model->task) != LK_VIEW_LM)
    return LK_FAIL(LK_USAGE, "this model answers to lines: use predict; only a language model can generate");
  writer *w;
  lk_status status;
  LK_TRY(lk_alloc(&w, 1, sizeof *w));
  *w = (writer){.model = model, .how = how, .put = put, .context = context};
  LK_GO(prepare(w));
  lk_work_next("sampling", NULL, (double)how->count);
  for (int64_t first = 0; first < how->count; first += LK_LINES_MOST) {
    int64_t left = how->count - first;
    lk_work_span((double)first, (double)(left < LK_LINES_MOST ? how->count : first + LK_LINES_MOST));
    LK_GO(run_round(w, first, left < LK_LINES_MOST ? (ptrdiff_t)left : LK_LINES_MOST));
  }
done:
  writer_release(w);
  free(w);
  return status;
}
