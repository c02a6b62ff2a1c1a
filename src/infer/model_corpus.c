/* model_corpus.c - whether a corpus is one that a model can be asked about. */
#include <string.h>

#include "model.h"

/* Ids in a corpus are positions in its vocabulary, which therefore must be the model's. */
static lk_status same_strings(const lk_strings *a, const lk_strings *b, const char *what, const char *corpus) {
  bool same = a->count == b->count;
  for (ptrdiff_t i = 0; same && i < a->count; i++) same = strcmp(lk_strings_get(a, i), lk_strings_get(b, i)) == 0;
  if (same) return LK_OK;
  return LK_FAIL(LK_DATA,
                 "%s: its %s vocabulary is not the one that the model was trained with; prepare the corpus with "
                 "--like MODEL",
                 corpus, what);
}

static bool same_bytes(const lk_buffer *a, const lk_buffer *b) {
  return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Corpus and model must agree on the kind of unit, its SentencePiece models, and running text or separate lines. */
static lk_status check_units(const lk_corpus_info *ours, const lk_corpus_info *info, const char *path) {
  if (info->stream != ours->stream)
    return LK_FAIL(LK_DATA, "%s: %s, but the model was trained on %s", path,
                   info->stream ? "one running text" : "sequences, one a line",
                   ours->stream ? "one running text (prepare --stream)" : "sequences, one a line");
  if (strcmp(info->unit, ours->unit) != 0 || strcmp(info->target_unit, ours->target_unit) != 0)
    return LK_FAIL(LK_DATA, "%s: units are %s %s, but the model was trained on %s %s", path, info->unit,
                   info->target_unit, ours->unit, ours->target_unit);
  if (!same_bytes(&info->source_model, &ours->source_model) || !same_bytes(&info->target_model, &ours->target_model))
    return LK_FAIL(LK_DATA, "%s: its SentencePiece models are not those that the model was trained with", path);
  return LK_OK;
}

/* The further columns of the model's corpus, where it reads any. */
static lk_status check_columns(const lk_model *model, const lk_corpus_info *info, const char *path) {
  const lk_corpus_info *ours = model->corpus;
  for (int i = 0; i < ours->columns; i++) {
    const lk_corpus_column *wanted = &ours->column[i];
    if (!lk_model_reads(model, i)) continue;
    int at = 0;
    while (at < info->columns && strcmp(info->column[at].name, wanted->name) != 0) at++;
    if (at == info->columns || info->column[at].width != wanted->width || info->column[at].numbers != wanted->numbers)
      return LK_FAIL(LK_DATA, "%s: it has no column \"%s\" as the model reads it; prepare the corpus with --like MODEL",
                     path, wanted->name);
    if (wanted->forms)
      LK_TRY(same_strings(&info->character, &ours->character, "character", path));
    else
      LK_TRY(same_strings(&info->column[at].values, &wanted->values, wanted->name, path));
  }
  return LK_OK;
}

lk_status lk_model_check_corpus(const lk_model *model, const lk_corpus_info *info, const char *path) {
  const lk_corpus_info *ours = model->corpus;
  if (info->kind != ours->kind)
    return LK_FAIL(LK_DATA, "%s: a corpus of kind '%s', but the model was trained on '%s'", path,
                   lk_corpus_kind_names[info->kind], lk_corpus_kind_names[ours->kind]);
  if (info->frames != ours->frames)
    return LK_FAIL(LK_DATA, "%s: frames of %td number%s, but the model was trained on frames of %td", path,
                   info->frames, lk_plural(info->frames), ours->frames);
  LK_TRY(check_units(ours, info, path));
  LK_TRY(same_strings(&info->source, &ours->source, "source", path));
  LK_TRY(same_strings(&info->target, &ours->target, "target", path));
  LK_TRY(same_strings(&info->label, &ours->label, "label", path));
  return check_columns(model, info, path);
}
