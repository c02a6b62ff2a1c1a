/* prepare_columns.c - the further columns of a corpus, computed from the text of the words (word_column.h). */
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "prepare_impl.h"
#include "word_column.h"

lk_status lk_prepare_check_columns(const lk_prepare *settings, lk_corpus_kind kind) {
  size_t count;
  const char *const *names = lk_word_column_names(&count);
  if (settings->features == 0) return LK_OK;
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

lk_status lk_job_columns_begin(lk_job *job) {
  job->lookup.info = &job->info;
  for (int i = 0; i < job->settings->features; i++) {
    const lk_word_column *made = lk_word_column_find(job->settings->feature[i]);
    lk_corpus_column *column = &job->info.column[job->info.columns++];
    *column = (lk_corpus_column){.width = 1};
    (void)snprintf(column->name, sizeof column->name, "%s", made->name);
    for (int v = 0; made->values[v]; v++)
      LK_TRY(lk_strings_add(&column->values, made->values[v], strlen(made->values[v]), 0));
  }
  return LK_OK;
}

lk_status lk_job_columns_row(lk_job *job, ptrdiff_t length, lk_corpus_row *row) {
  for (int c = 0; c < job->info.columns; c++) {
    LK_TRY(lk_grow(&job->column[c], &job->column_capacity[c], (size_t)length, sizeof *job->column[c]));
    memset(job->column[c], 0, (size_t)length * sizeof *job->column[c]);
    row->column[c] = job->column[c];
  }
  return LK_OK;
}

lk_status lk_job_columns_put(lk_job *job, ptrdiff_t position, const char *word, size_t size) {
  for (int c = 0; c < job->info.columns; c++)
    LK_TRY(lk_word_column_find(job->info.column[c].name)->value(&job->lookup, word, size, &job->column[c][position]));
  return LK_OK;
}
