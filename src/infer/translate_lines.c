/* translate_lines.c - lines in, translations out. */
#include <stdlib.h>
#include <string.h>

#include "beam_impl.h"
#include "work.h"

/* Lines as one of the models reads them. */
typedef struct reading {
  lk_model *model;
  lk_encoded encoded;
  lk_batch batch;
  lk_arena arena;
  ptrdiff_t seq[LK_LINES_MOST]; /* [count] the batch's sequence of a line, -1: the line is empty */
  int32_t at[LK_LINES_MOST];    /* [sources] its sequence for each of the first model's */
} reading;

typedef struct translating {
  lk_model *model; /* the first of those that translate together */
  const lk_lines *lines;
  const lk_translate *how;
  lk_take_answer *take; /* NULL: as text to out */
  void *context;
  lk_buffer *out;
  ptrdiff_t first, count; /* lines of this batch */
  reading *reading;       /* [models] */
  lk_sources *sources;    /* [models] */
  int models;
  lk_beam beam;
  int32_t *ids, *nodes; /* [units] of the translation that is put out */
  size_t id_capacity, node_capacity;
  lk_buffer texts; /* the texts of a line so far, each ended by a zero */
} translating;

static lk_status read_line(translating *t, ptrdiff_t i) {
  const ptrdiff_t line = t->first + i;
  const char *text = t->lines->text[line], *tab = memchr(text, '\t', t->lines->size[line]);
  if (tab != NULL)
    return LK_FAIL(LK_DATA, "%s:%lld:%zu: a tab: expected a source alone (cut -f1 takes it from pairs)", t->lines->name,
                   (long long)(t->lines->first + line), lk_utf8_count(text, (size_t)(tab - text)) + 1);
  for (int k = 0; k < t->models; k++) {
    reading *r = &t->reading[k];
    LK_TRY(lk_encoded_add(&r->encoded, i, r->model, LK_SOURCE, t->lines, line, 0, t->lines->size[line]));
  }
  return LK_OK;
}

static lk_status read_lines(translating *t) {
  ptrdiff_t rows = 0;
  t->first += t->count;
  t->count = 0;
  for (int k = 0; k < t->models; k++) t->reading[k].encoded.count = 0;
  while (t->first + t->count < t->lines->count && t->count < LK_LINES_MOST && rows < LK_ROWS_MOST) {
    LK_TRY(read_line(t, t->count++));
    for (int k = 0; k < t->models; k++)
      if (t->reading[k].encoded.count > rows) rows = t->reading[k].encoded.count;
  }
  return LK_OK;
}

/* A line that is empty for one of the models is empty. */
static bool is_empty(const translating *t, ptrdiff_t i) {
  bool empty = false;
  for (int k = 0; k < t->models; k++) empty = empty || t->reading[k].encoded.length[i] == 0;
  return empty;
}

/* The batch of one of the models; *count sources that are not empty. */
static lk_status make_batch(const translating *t, reading *r, ptrdiff_t *count) {
  const int32_t *words[LK_LINES_MOST];
  ptrdiff_t length[LK_LINES_MOST], perm[LK_LINES_MOST], line_of[LK_LINES_MOST], n = 0;
  for (ptrdiff_t i = 0; i < t->count; i++) {
    r->seq[i] = -1;
    if (is_empty(t, i)) continue;
    words[n] = r->encoded.ids + r->encoded.begin[i];
    length[n] = r->encoded.length[i];
    line_of[n++] = i;
  }
  *count = n;
  if (n == 0) return LK_OK;
  LK_TRY(lk_batch_from_sources(&r->batch, &r->arena, &r->model->one, n, words, length, perm));
  for (ptrdiff_t b = 0; b < n; b++) r->seq[line_of[perm[b]]] = b;
  return LK_OK;
}

static lk_status search(translating *t) {
  const reading *first = &t->reading[0];
  ptrdiff_t count = 0;
  for (int k = 0; k < t->models; k++) {
    reading *r = &t->reading[k];
    LK_TRY(make_batch(t, r, &count));
    for (ptrdiff_t i = 0; i < t->count; i++)
      if (r->seq[i] >= 0) r->at[first->seq[i]] = (int32_t)r->seq[i];
    t->sources[k] = (lk_sources){.batch = &r->batch, .at = r->at};
  }
  return count > 0 ? lk_beam_search(&t->beam, t->sources) : LK_OK;
}

/* ids and nodes of a translation, first to last; *units without <eos>. */
static lk_status trace(translating *t, const lk_finished *f, ptrdiff_t *units) {
  LK_TRY(lk_grow(&t->ids, &t->id_capacity, (size_t)f->units, sizeof *t->ids));
  LK_TRY(lk_grow(&t->nodes, &t->node_capacity, (size_t)f->units, sizeof *t->nodes));
  int32_t node = f->node;
  for (ptrdiff_t u = f->units - 1; u >= 0; u--, node = t->beam.node[node].parent) {
    t->ids[u] = t->beam.node[node].id;
    t->nodes[u] = node;
  }
  *units = f->units - 1;
  return LK_OK;
}

static lk_status put_json_text(lk_buffer *out, const char *text, size_t size) {
  LK_TRY(lk_buffer_append(out, "\"", 1));
  for (size_t i = 0; i < size; i++) {
    const unsigned char c = (unsigned char)text[i];
    if (c == '"' || c == '\\')
      LK_TRY(lk_buffer_printf(out, "\\%c", c));
    else if (c < 0x20)
      LK_TRY(lk_buffer_printf(out, "\\u%04x", c));
    else
      LK_TRY(lk_buffer_append(out, text + i, 1));
  }
  return lk_buffer_append(out, "\"", 1);
}

static lk_status put_json_units(lk_buffer *out, const char *name, lk_tokenizer *tokenizer, const int32_t *ids,
                                ptrdiff_t n) {
  const lk_strings *words = lk_vocab_strings(lk_tokenizer_vocab(tokenizer));
  LK_TRY(lk_buffer_printf(out, ", \"%s\": [", name));
  for (ptrdiff_t i = 0; i < n; i++) {
    if (i > 0) LK_TRY(lk_buffer_append(out, ", ", 2));
    LK_TRY(put_json_text(out, lk_strings_get(words, ids[i]), lk_strings_size(words, ids[i])));
  }
  return lk_buffer_append(out, "]", 1);
}

/* A row for each unit of the target and <eos>, a column for each time of the source and <eos>. */
static lk_status put_json_weights(translating *t, ptrdiff_t units, ptrdiff_t times) {
  LK_TRY(lk_buffer_printf(t->out, ", \"weights\": "));
  if (!lk_beam_attends(&t->beam)) return lk_buffer_append(t->out, "null", 4);
  for (ptrdiff_t u = 0; u < units; u++) {
    const double *w = t->beam.weights + t->nodes[u] * t->beam.T;
    for (ptrdiff_t j = 0; j < times; j++)
      LK_TRY(lk_buffer_printf(t->out, "%s%.4f", j > 0 ? ", " : u > 0 ? "], [" : "[[", w[j]));
  }
  return lk_buffer_append(t->out, "]]", 2);
}

static lk_status put_json(translating *t, ptrdiff_t i, const lk_finished *f, ptrdiff_t units) {
  const lk_encoded *source = &t->reading[0].encoded;
  lk_buffer text = {0};
  lk_status status;
  LK_GO(lk_tokenizer_decode(t->model->tokenizer[LK_TARGET], t->ids, units, &text));
  LK_GO(lk_buffer_printf(t->out, "{\"line\": %lld", (long long)(t->lines->first + t->first + i)));
  LK_GO(put_json_units(t->out, "source", t->model->tokenizer[LK_SOURCE], source->ids + source->begin[i],
                       source->length[i]));
  LK_GO(put_json_units(t->out, "target", t->model->tokenizer[LK_TARGET], t->ids, units));
  LK_GO(lk_buffer_printf(t->out, ", \"text\": "));
  LK_GO(put_json_text(t->out, text.size > 0 ? text.data : "", text.size));
  LK_GO(lk_buffer_printf(t->out, ", \"log_probability\": %.6f", f->log_probability));
  LK_GO(put_json_weights(t, f->units, source->length[i] + 1));
  LK_GO(lk_buffer_append(t->out, "}\n", 2));
done:
  lk_buffer_release(&text);
  return status;
}

/* Decode behind the texts told so far. Other pieces may have made the same text: then it stays as it was. */
static lk_status tell(translating *t, ptrdiff_t units, const char **text, bool *again) {
  const size_t at = t->texts.size;
  *again = false;
  LK_TRY(lk_tokenizer_decode(t->model->tokenizer[LK_TARGET], t->ids, units, &t->texts));
  LK_TRY(lk_buffer_append(&t->texts, "", 1));
  *text = t->texts.data + at;
  for (const char *old = t->texts.data; old < *text && !*again; old += strlen(old) + 1)
    *again = strcmp(old, *text) == 0;
  if (*again) lk_buffer_truncate(&t->texts, at);
  return LK_OK;
}

static lk_status put_translation(translating *t, ptrdiff_t i, const lk_finished *f) {
  ptrdiff_t units;
  const char *text;
  bool again;
  LK_TRY(trace(t, f, &units));
  if (t->how->alignment) return put_json(t, i, f, units);
  LK_TRY(tell(t, units, &text, &again));
  if (again) return LK_OK;
  if (t->take) return t->take(t->context, &(lk_answer){t->first + i, text, strlen(text), f->log_probability});
  if (t->how->nbest > 1) LK_TRY(lk_buffer_printf(t->out, "%lld\t", (long long)(t->lines->first + t->first + i)));
  LK_TRY(lk_buffer_append(t->out, text, strlen(text)));
  if (t->how->scores) LK_TRY(lk_buffer_printf(t->out, "\t%.6f", lk_shown_log_p(f->log_probability)));
  return lk_buffer_append(t->out, "\n", 1);
}

static lk_status put_line(translating *t, ptrdiff_t i) {
  const lk_beam *beam = &t->beam;
  const ptrdiff_t b = t->reading[0].seq[i];
  lk_buffer_truncate(&t->texts, 0);
  if (b < 0 && t->take) return t->take(t->context, &(lk_answer){.line = t->first + i});
  if (b < 0) return t->how->nbest > 1 || t->how->alignment ? LK_OK : lk_buffer_append(t->out, "\n", 1);
  for (ptrdiff_t k = 0; k < beam->found[b] && k < t->how->nbest; k++)
    LK_TRY(put_translation(t, i, &beam->finished[b * beam->K + k]));
  return LK_OK;
}

static bool same_bytes(const lk_buffer *a, const lk_buffer *b) {
  return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Attention is averaged over the positions of a source, so all models must see the same ones. */
static lk_status check_attention(const lk_model *first, const lk_translate *how) {
  const lk_corpus_info *a = first->corpus;
  if (!how->alignment && how->coverage_penalty == 0) return LK_OK;
  for (const lk_model *other = first->next; other; other = other->next) {
    const lk_corpus_info *b = other->corpus;
    if (strcmp(a->unit, b->unit) == 0 && a->nfc == b->nfc && same_bytes(&a->source_model, &b->source_model)) continue;
    return LK_FAIL(LK_USAGE, "%s needs models that cut a source into the same units",
                   how->alignment ? "--alignment" : "--coverage-penalty");
  }
  return LK_OK;
}

static lk_status begin(translating *t) {
  lk_model *model = t->model;
  LK_TRY(lk_alloc(&t->reading, (size_t)t->models, sizeof *t->reading));
  LK_TRY(lk_alloc(&t->sources, (size_t)t->models, sizeof *t->sources));
  for (int k = 0; k < t->models; k++, model = model->next) t->reading[k].model = model;
  return LK_OK;
}

static void end(translating *t) {
  for (int k = 0; k < t->models && t->reading; k++) {
    lk_arena_release(&t->reading[k].arena);
    free(t->reading[k].encoded.ids);
  }
  free(t->reading);
  free(t->sources);
  lk_beam_release(&t->beam);
  free(t->ids);
  free(t->nodes);
  lk_buffer_release(&t->texts);
}

static lk_status translate(lk_model *model, const lk_lines *lines, const lk_translate *how, lk_take_answer *take,
                           void *context, lk_buffer *out) {
  if (lk_task_view(model->task) != LK_VIEW_PAIRS)
    return LK_FAIL(LK_USAGE, "this model translates nothing: leave out the options of a beam");
  if (how->beam < 1 || how->nbest < 1 || how->nbest > how->beam)
    return LK_FAIL(LK_USAGE, "a beam of %lld and %lld translations a line: expected 1 or more, and a beam as wide",
                   (long long)how->beam, (long long)how->nbest);
  LK_TRY(check_attention(model, how));
  translating t = {.model = model,
                   .lines = lines,
                   .how = how,
                   .take = take,
                   .context = context,
                   .out = out,
                   .models = lk_model_count(model),
                   .beam = {.model = model, .how = how}};
  lk_status status;
  LK_GO(begin(&t));
  for (;;) {
    LK_GO(read_lines(&t));
    if (t.count == 0) break;
    LK_GO(search(&t));
    for (ptrdiff_t i = 0; i < t.count; i++) LK_GO(put_line(&t, i));
    lk_work_part((double)(t.first + t.count) / (double)lines->count);
  }
done:
  end(&t);
  return status;
}

lk_status lk_translate_lines(lk_model *model, const lk_lines *lines, const lk_translate *how, lk_buffer *out) {
  return translate(model, lines, how, NULL, NULL, out);
}

lk_status lk_translate_each(lk_model *model, const lk_lines *lines, const lk_translate *how, lk_take_answer *take,
                            void *context) {
  const lk_translate plain = {.beam = how->beam,
                              .nbest = how->nbest,
                              .length_penalty = how->length_penalty,
                              .coverage_penalty = how->coverage_penalty};
  return translate(model, lines, &plain, take, context, NULL);
}
