/* prepare_columns.c - the further columns of a corpus, computed from the text of the words (word_column.h). */
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "prepare_columns_impl.h"
#include "prepare_vectors_impl.h"
#include "spelling.h"
#include "word_column.h"

lk_status lk_prepare_check_columns(const lk_prepare *settings, lk_corpus_kind kind) {
  size_t count;
  const char *const *names = lk_word_column_names(&count);
  if (settings->features == 0 || settings->like) return LK_OK; /* an existing file's are consistent */
  for (int i = 0; i < settings->features && !settings->like; i++)
    if (strcmp(settings->feature[i], LK_VECTORS_COLUMN) == 0)
      return LK_FAIL(LK_USAGE, "--feature " LK_VECTORS_COLUMN ": say --vectors FILE");
  if ((kind != LK_CORPUS_LABEL && kind != LK_CORPUS_CLASSIFY) || settings->unit != LK_WORD)
    return LK_FAIL(LK_USAGE, "--feature %s is computed from words: it is for label and for classify --unit word",
                   settings->feature[0]);
  for (int i = 0; i < settings->features; i++) {
    const char *name = settings->feature[i], *near = lk_nearest(name, names, count);
    if (!lk_word_column_find(name))
      return LK_FAIL(LK_USAGE, "--feature: unknown feature '%s'%s'%s'", name, near ? ", did you mean " : ", there is ",
                     near ? near : names[0]);
    for (int k = 0; k < i; k++)
      if (strcmp(settings->feature[k], name) == 0) return LK_FAIL(LK_USAGE, "--feature %s is given twice", name);
  }
  return LK_OK;
}

static bool is_forms(const char *name) { return strcmp(name, LK_FORMS) == 0; }

void lk_prepare_add_forms(lk_prepare *settings, lk_corpus_kind kind) {
  const bool words = settings->unit == LK_WORD && kind != LK_CORPUS_PAIRS && kind != LK_CORPUS_FRAMES;
  bool there = settings->features == LK_MOST_FURTHER;
  for (int i = 0; i < settings->features; i++) there |= is_forms(settings->feature[i]);
  if (settings->forms && words && !settings->like && !there) settings->feature[settings->features++] = LK_FORMS;
}

lk_status lk_job_columns_begin(lk_job *job) {
  job->lookup.info = &job->info;
  for (int i = 0; i < job->settings->features; i++) {
    const lk_word_column *made = lk_word_column_find(job->settings->feature[i]);
    lk_corpus_column *column = &job->info.column[job->info.columns++];
    *column = (lk_corpus_column){.width = 1, .forms = is_forms(made->name)};
    (void)snprintf(column->name, sizeof column->name, "%s", made->name);
    for (int v = 0; made->values && made->values[v] && !column->forms; v++)
      LK_TRY(lk_strings_add(&column->values, made->values[v], strlen(made->values[v]), 0));
    if (!column->forms) continue;
    LK_TRY(lk_vocab_create(&job->characters, true));
    LK_TRY(lk_word_lookup_begin(&job->lookup));
  }
  return LK_OK;
}

lk_status lk_job_columns_count(lk_job *job, const char *word, size_t size) {
  LK_TRY(lk_job_vectors_count(job, word, size));
  if (!job->characters) return LK_OK;
  LK_TRY(lk_word_lookup_fold(&job->lookup, word, size));
  return lk_spelling_count(job->characters, job->lookup.folded.data, job->lookup.folded.size);
}

lk_status lk_job_columns_count_text(lk_job *job, const char *text, size_t size) {
  const char *word;
  size_t at = 0, length;
  while ((job->characters || job->vectors) && lk_unit_next(LK_WORD, text, size, &at, &word, &length))
    LK_TRY(lk_job_columns_count(job, word, length));
  return LK_OK;
}

lk_status lk_job_columns_finish(lk_job *job) {
  if (!job->characters) return LK_OK;
  job->lookup.vocab = job->vocab;
  if (job->settings->like) {
    lk_vocab_destroy(&job->characters);
    LK_TRY(lk_vocab_from(&job->characters, &job->settings->like->info->character, true));
  } else {
    LK_TRY(lk_vocab_finish(job->characters, 0, LK_CHARACTER_LEAST));
  }
  job->info.character = *lk_vocab_strings(job->characters);
  return LK_OK;
}

lk_status lk_job_columns_stretch(lk_job *job, ptrdiff_t begin, ptrdiff_t end) {
  for (int c = 0; c < job->info.columns; c++) {
    LK_TRY(lk_grow(&job->column[c], &job->column_capacity[c], (size_t)end, sizeof *job->column[c]));
    memset(job->column[c] + begin, 0, (size_t)(end - begin) * sizeof *job->column[c]);
  }
  return LK_OK;
}

lk_status lk_job_columns_row(lk_job *job, ptrdiff_t length, lk_corpus_row *row) {
  LK_TRY(lk_job_columns_stretch(job, 0, length));
  for (int c = 0; c < job->info.columns; c++) row->column[c] = job->column[c];
  return LK_OK;
}

lk_status lk_job_columns_put(lk_job *job, ptrdiff_t position, const char *word, size_t size) {
  for (int c = 0; c < job->info.columns; c++)
    LK_TRY(lk_word_column_find(job->info.column[c].name)->value(&job->lookup, word, size, &job->column[c][position]));
  return LK_OK;
}

lk_status lk_job_columns_put_text(lk_job *job, ptrdiff_t begin, ptrdiff_t end, const char *text, size_t size) {
  const char *word;
  size_t at = 0, length;
  for (ptrdiff_t i = begin; job->info.columns > 0 && i < end; i++)
    if (lk_unit_next(LK_WORD, text, size, &at, &word, &length)) LK_TRY(lk_job_columns_put(job, i, word, length));
  return LK_OK;
}
