/* score_pairs.c - log P(target | source) of lines "source TAB target". */
#include <stdlib.h>
#include <string.h>

#include "decode_impl.h"

/* Attention looks at the whole source for each unit of the target: a limit keeps one long line from taking all memory. */
static lk_status check_length(const lk_model *model, lk_text_side side, const lk_lines *lines, ptrdiff_t line,
                              ptrdiff_t length) {
  if (model->most == 0 || length <= model->most) return LK_OK;
  return LK_FAIL(
      LK_DATA,
      "%s:%lld: a %s of %td units, more than --max-length, now %td; time and memory grow with its square (the "
      "model learnt from %td at most)",
      lines->name, (long long)(lines->first + line), side == LK_SOURCE ? "source" : "target", length, model->most,
      model->corpus->max_length - 2);
}

lk_status lk_encoded_add(lk_encoded *e, ptrdiff_t i, lk_model *model, lk_text_side which, const lk_lines *lines,
                         ptrdiff_t line, size_t from, size_t to) {
  lk_tokenizer *tokenizer = model->tokenizer[which];
  const char *text = lines->text[line];
  const size_t valid = lk_utf8_valid(text, to);
  if (valid < to)
    return LK_FAIL(LK_DATA, "%s:%lld:%zu: not valid UTF-8", lines->name, (long long)(lines->first + line),
                   lk_utf8_count(text, valid) + 1);
  e->begin[i] = e->count;
  LK_TRY(lk_tokenizer_encode(tokenizer, text + from, to - from, &e->ids, &e->count, &e->capacity));
  e->length[i] = e->count - e->begin[i];
  LK_TRY(check_length(model, which, lines, line, e->length[i]));
  return lk_seen_text(model, lk_tokenizer_vocab(tokenizer), lk_tokenizer_unit(tokenizer), text + from, to - from,
                      e->ids + e->begin[i], e->length[i]);
}

typedef struct pairs {
  lk_model *model;
  const lk_lines *lines;
  ptrdiff_t next;                /* the line to read */
  ptrdiff_t count;               /* lines of this batch: those that are not empty */
  ptrdiff_t line[LK_LINES_MOST]; /* [count] */
  lk_encoded source, target;
  lk_batch batch;
  lk_arena arena;
  lk_scores scores;
} pairs;

static lk_status read_line(pairs *p, ptrdiff_t line) {
  const ptrdiff_t i = p->count;
  const char *text = p->lines->text[line], *tab = memchr(text, '\t', p->lines->size[line]);
  if (tab == NULL)
    return LK_FAIL(LK_DATA, "%s:%lld: expected a source, a tab and its target", p->lines->name,
                   (long long)(p->lines->first + line));
  const size_t at = (size_t)(tab - text);
  if (at == 0) return LK_FAIL(LK_DATA, "%s:%lld: an empty source", p->lines->name, (long long)(p->lines->first + line));
  const char *second = memchr(tab + 1, '\t', p->lines->size[line] - at - 1);
  if (second != NULL)
    return LK_FAIL(LK_DATA, "%s:%lld:%zu: a second tab: expected one target a line", p->lines->name,
                   (long long)(p->lines->first + line), lk_utf8_count(text, (size_t)(second - text)) + 1);
  LK_TRY(lk_encoded_add(&p->source, i, p->model, LK_SOURCE, p->lines, line, 0, at));
  return lk_encoded_add(&p->target, i, p->model, LK_TARGET, p->lines, line, at + 1, p->lines->size[line]);
}

/* Lines until the batch is full; one that makes it too large is still taken. An empty one has no score. */
static lk_status read_lines(pairs *p, lk_score *out) {
  p->count = p->source.count = p->target.count = 0;
  for (; p->next < p->lines->count && p->count < LK_LINES_MOST && p->source.count + p->target.count < LK_ROWS_MOST;
       p->next++) {
    out[p->next] = (lk_score){0};
    if (p->lines->size[p->next] == 0) continue;
    LK_TRY(read_line(p, p->next));
    p->line[p->count++] = p->next;
  }
  return LK_OK;
}

static lk_status score_batch(pairs *p, lk_score *out) {
  const int32_t *source[LK_LINES_MOST], *target[LK_LINES_MOST];
  ptrdiff_t perm[LK_LINES_MOST];
  for (ptrdiff_t i = 0; i < p->count; i++) {
    source[i] = p->source.ids + p->source.begin[i];
    target[i] = p->target.ids + p->target.begin[i];
  }
  LK_TRY(lk_batch_from_pairs(&p->batch, &p->arena, &p->model->one, p->count, source, p->source.length, target,
                             p->target.length, perm));
  LK_TRY(lk_scores_measure(&p->scores, p->model, &p->batch));
  for (ptrdiff_t b = 0; b < p->count; b++) out[p->line[perm[b]]] = lk_scores_sum(&p->scores, &p->batch, b);
  return LK_OK;
}

lk_status lk_score_pairs(lk_model *model, const lk_lines *lines, lk_score *out) {
  pairs *p;
  lk_status status;
  LK_TRY(lk_alloc(&p, 1, sizeof *p));
  p->model = model;
  p->lines = lines;
  for (;;) {
    LK_GO(read_lines(p, out));
    if (p->count == 0) break;
    LK_GO(score_batch(p, out));
  }
done:
  lk_arena_release(&p->arena);
  free(p->source.ids);
  free(p->target.ids);
  free(p->scores.log_p);
  free(p);
  return status;
}
