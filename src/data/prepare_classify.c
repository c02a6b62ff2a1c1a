/* prepare classify - `label<TAB>text`, one sequence a line; empty lines are skipped. */
#include "prepare_impl.h"

#include <string.h>

static lk_status check(const lk_prepare *settings) {
  if (settings->stream) return LK_FAIL(LK_USAGE, "--stream goes with text, not with classify");
  return LK_OK;
}

/* The label before the only TAB, and the text after it; LK_DATA where the line is not label, TAB, text. */
static lk_status split_line(const lk_source *source, const lk_line *line, lk_record *record, const char **text) {
  const char *end = line->text + line->size, *tab = memchr(line->text, '\t', line->size);
  if (!tab)
    return lk_source_fail(source, line->number, lk_line_column(line, end), "1 column, expected 2: label, TAB, text");
  record->label = line->text;
  record->label_size = (size_t)(tab - line->text);
  lk_label_trim(&record->label, &record->label_size);
  if (record->label_size == 0) return lk_source_fail(source, line->number, 1, "an empty label");
  *text = tab + 1;
  const char *second = memchr(*text, '\t', (size_t)(end - *text));
  if (second)
    return lk_source_fail(source, line->number, lk_line_column(line, second),
                          "a second TAB, expected 2 columns: label, TAB, text");
  return LK_OK;
}

static lk_status next(lk_job *job, lk_source *source, lk_record *record, bool *more) {
  lk_line line;
  const char *text = NULL, *start;
  size_t at = 0, length;
  for (*more = false; !*more && lk_reader_next(&source->reader, &line);) {
    if (line.size == 0) continue;
    LK_TRY(split_line(source, &line, record, &text));
    const ptrdiff_t column = lk_line_column(&line, text);
    job->folded.size = at = 0;
    LK_TRY(lk_job_fold(job, text, (size_t)(line.text + line.size - text)));
    size_t size = job->folded.size;
    if (!lk_unit_next(job->settings->unit, job->folded.data, size, &at, &start, &length))
      return lk_source_fail(source, line.number, column, "an empty text");
    LK_TRY(lk_job_limit_text(job, source, line.number, column, job->folded.data, &size));
    if (size == 0) continue;
    record->line = line.number;
    record->column = 1;
    record->text = job->folded.data;
    record->size = size;
    *more = true;
  }
  return LK_OK;
}

static lk_status count(lk_job *job, const lk_source *source, const lk_record *record) {
  (void)source;
  LK_TRY(lk_vocab_count(job->labels, record->label, record->label_size));
  return lk_vocab_count_text(job->vocab, job->settings->unit, record->text, record->size);
}

static lk_status write_record(lk_job *job, const lk_source *source, lk_split split, const lk_record *record) {
  int32_t label;
  ptrdiff_t length;
  LK_TRY(lk_job_find_label(job, source, record->line, record->column, record->label, record->label_size, &label));
  LK_TRY(lk_job_encode(job, record->text, record->size, &length));
  const lk_corpus_row row = {.source = job->ids, .length = length, .target = &label, .target_length = 1};
  return lk_job_add(job, split, &row, length - 2);
}

const lk_format lk_format_classify = {.name = "classify",
                                      .kind = LK_CORPUS_CLASSIFY,
                                      .labels = true,
                                      .check = check,
                                      .next = next,
                                      .count = count,
                                      .write = write_record};
