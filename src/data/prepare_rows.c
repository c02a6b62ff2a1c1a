#include "prepare_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"

lk_status lk_input_file_fail(const lk_input_file *source, ptrdiff_t line, ptrdiff_t column, const char *format, ...) {
  char text[700];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (source->h5) return LK_FAIL(LK_DATA, "%s: row %td: %s", source->name, line, text);
  return LK_FAIL(LK_DATA, "%s:%td:%td: %s", source->name, line, column, text);
}

lk_status lk_input_file_line(lk_input_file *source, lk_line *line, bool *more) {
  do LK_TRY(lk_reader_next(&source->reader, line, more));
  while (*more && lk_is_blank(line->text, line->size));
  return LK_OK;
}

const char *lk_separator_name(const lk_prepare *settings, char quoted[256]) {
  if (!settings->separator) return "TAB";
  return *settings->separator ? lk_quote(quoted, settings->separator, strlen(settings->separator)) : "blank";
}

/* The first separator of the line and its size in bytes: a TAB, the white space after the first word, or a given
 * text. */
static const char *find_separator(const lk_prepare *p, const lk_line *line, size_t *bytes) {
  size_t at = 0, size;
  const char *word;
  *bytes = p->separator ? strlen(p->separator) : 1;
  if (!p->separator) return memchr(line->text, '\t', line->size);
  if (*bytes > 0) return memmem(line->text, line->size, p->separator, *bytes);
  if (!lk_unit_next(LK_WORD, line->text, line->size, &at, &word, &size) || at == line->size) return NULL;
  return line->text + at;
}

lk_status lk_job_halve(const lk_job *job, const lk_input_file *source, const lk_line *line, const char *head,
                       const char *tail, lk_halves *halves) {
  const char *end = line->text + line->size;
  size_t bytes;
  const char *separator = find_separator(job->settings, line, &bytes);
  if (!separator) {
    char quoted[256];
    return lk_input_file_fail(source, line->number, lk_line_column(line, end), "1 column, expected 2: %s, %s, %s", head,
                              lk_separator_name(job->settings, quoted), tail);
  }
  *halves = (lk_halves){.head = line->text, .head_size = (size_t)(separator - line->text), .tail = separator + bytes};
  halves->tail_size = (size_t)(end - halves->tail);
  const char *second = job->settings->separator ? NULL : memchr(halves->tail, '\t', halves->tail_size);
  if (second && job->info.kind != LK_CORPUS_PAIRS)
    return lk_input_file_fail(source, line->number, lk_line_column(line, second),
                              "a second TAB, expected 2 columns: %s, TAB, %s", head, tail);
  return LK_OK;
}

bool lk_job_is_no_label(const lk_job *job, const char *text, size_t size) {
  for (int i = 0; i < job->settings->no_labels; i++) {
    const char *none = job->settings->no_label[i];
    if (strlen(none) == size && memcmp(none, text, size) == 0) return true;
  }
  return false;
}

lk_status lk_job_fold_label(lk_job *job, const char *text, size_t size) {
  return lk_utf8_fold(&job->other, text, size, (lk_folding){.nfc = job->settings->nfc});
}

lk_status lk_job_take_label(lk_job *job, const lk_input_file *source, const char *text, size_t size, lk_record *record,
                            bool *none) {
  lk_trim(&text, &size);
  *none = lk_job_is_no_label(job, text, size);
  if (*none) job->report.unlabelled += job->writer != NULL;
  if (*none) return LK_OK;
  if (size == 0) return lk_input_file_fail(source, record->line, record->column, "an empty label");
  job->other.size = 0;
  LK_TRY(lk_job_fold_label(job, text, size));
  record->label = job->other.data;
  record->label_size = job->other.size;
  return LK_OK;
}

lk_status lk_job_empty(lk_job *job, const lk_input_file *source, ptrdiff_t line, ptrdiff_t column, const char *what) {
  if (job->settings->empty == LK_EMPTY_ERROR)
    return lk_input_file_fail(source, line, column, "%s; --empty skip leaves out what is empty", what);
  job->report.empty += job->writer != NULL;
  return LK_OK;
}

lk_status lk_job_fold(lk_job *job, const char *text, size_t size) {
  return lk_utf8_fold(&job->folded, text, size, lk_corpus_folding(&job->info));
}

lk_status lk_job_limit(lk_job *job, const lk_input_file *source, ptrdiff_t line, ptrdiff_t column, ptrdiff_t units,
                       ptrdiff_t *keep) {
  const ptrdiff_t most = job->settings->max_length;
  *keep = units;
  if (units <= most) return LK_OK;
  switch (job->settings->too_long) {
    case LK_TOO_LONG_ERROR:
      return lk_input_file_fail(source, line, column,
                                "a sequence of %td units, more than %td: raise --max-length, or --too-long skip or cut",
                                units, most);
    case LK_TOO_LONG_SKIP:
      job->report.skipped += job->writer != NULL;
      *keep = 0;
      return LK_OK;
    case LK_TOO_LONG_CUT:
      break;
  }
  job->report.cut += job->writer != NULL;
  *keep = most;
  return LK_OK;
}

lk_status lk_job_limit_text(lk_job *job, const lk_input_file *source, ptrdiff_t line, ptrdiff_t column,
                            const char *text, size_t *size) {
  const ptrdiff_t most = job->settings->max_length;
  if (*size <= (size_t)most) return LK_OK; /* cannot exceed the limit, because a unit has at least one byte */
  const char *start;
  size_t at = 0, length, over = *size;
  ptrdiff_t units = 0, keep;
  while (lk_unit_next(job->settings->unit, text, *size, &at, &start, &length))
    if (++units == most + 1) over = (size_t)(start - text);
  LK_TRY(lk_job_limit(job, source, line, column + (ptrdiff_t)lk_utf8_count(text, over), units, &keep));
  if (keep < units) *size = keep > 0 ? over : 0;
  return LK_OK;
}

lk_status lk_job_encode(lk_job *job, const char *text, size_t size, ptrdiff_t *length) {
  ptrdiff_t count = 1;
  LK_TRY(lk_grow(&job->ids, &job->ids_capacity, size + 2, sizeof *job->ids));
  job->ids[0] = LK_SOS;
  LK_TRY(lk_vocab_encode(job->vocab, job->settings->unit, text, size, &job->ids, &count, &job->ids_capacity));
  LK_TRY(lk_grow(&job->ids, &job->ids_capacity, (size_t)count + 1, sizeof *job->ids));
  job->ids[count++] = LK_EOS;
  *length = count;
  return LK_OK;
}

lk_status lk_job_add(lk_job *job, lk_split split, const lk_corpus_row *row, ptrdiff_t units) {
  job->positions += row->length;
  job->report.units[split] += units;
  for (ptrdiff_t i = 0; row->source && i < row->length; i++) job->report.unknown[split] += row->source[i] == LK_UNK;
  if (job->info.kind == LK_CORPUS_PAIRS) {
    job->positions += row->target_length;
    job->report.target_units[split] += row->target_length - 2;
    for (ptrdiff_t i = 0; i < row->target_length; i++) job->report.target_unknown[split] += row->target[i] == LK_UNK;
  }
  if (job->notes.borne && *row->target >= 0) job->notes.borne[*row->target] |= (uint8_t)(1 << split);
  return lk_corpus_add(job->writer, split, row);
}

lk_status lk_job_flush(lk_job *job) {
  if (job->id_count == 0) return LK_OK;
  job->report.units[job->id_split] += job->id_count;
  for (ptrdiff_t i = 0; i < job->id_count; i++) job->report.unknown[job->id_split] += job->ids[i] == LK_UNK;
  LK_TRY(lk_corpus_add_stream(job->writer, job->id_split, job->ids, job->column, job->id_count));
  job->id_count = 0;
  return LK_OK;
}
