#include "prepare_impl.h"

#include <stdarg.h>
#include <stdio.h>

#include "lockstep/arena.h"

lk_status lk_source_fail(const lk_source *source, ptrdiff_t line, ptrdiff_t column, const char *format, ...) {
  char text[700];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return LK_FAIL(LK_DATA, "%s:%td:%td: %s", source->name, line, column, text);
}

lk_status lk_job_fold(lk_job *job, const char *text, size_t size) {
  return lk_utf8_fold(&job->folded, text, size, lk_corpus_folding(&job->info));
}

lk_status lk_job_limit(lk_job *job, const lk_source *source, ptrdiff_t line, ptrdiff_t column, ptrdiff_t units,
                       ptrdiff_t *keep) {
  const ptrdiff_t most = job->settings->max_length;
  *keep = units;
  if (units <= most) return LK_OK;
  switch (job->settings->too_long) {
    case LK_TOO_LONG_ERROR:
      return lk_source_fail(source, line, column,
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

lk_status lk_job_limit_text(lk_job *job, const lk_source *source, ptrdiff_t line, ptrdiff_t column, const char *text,
                            size_t *size) {
  const ptrdiff_t most = job->settings->max_length;
  if (*size <= (size_t)most) return LK_OK; /* a unit has at least one byte */
  const char *start;
  size_t at = 0, length, over = *size;
  ptrdiff_t units = 0, keep;
  while (lk_unit_next(job->settings->unit, text, *size, &at, &start, &length))
    if (++units == most + 1) over = (size_t)(start - text);
  LK_TRY(lk_job_limit(job, source, line, column + (ptrdiff_t)lk_utf8_count(text, over), units, &keep));
  if (keep < units) *size = keep > 0 ? over : 0;
  return LK_OK;
}

void lk_label_trim(const char **text, size_t *size) {
  const char *word, *begin = *text, *end = *text;
  size_t at = 0, length;
  for (; lk_unit_next(LK_WORD, *text, *size, &at, &word, &length); end = word + length)
    if (end == begin) begin = word;
  *size = end > begin ? (size_t)(end - begin) : 0;
  *text = begin;
}

lk_status lk_job_find_label(const lk_job *job, const lk_source *source, ptrdiff_t line, ptrdiff_t column,
                            const char *text, size_t size, int32_t *id) {
  char quoted[256];
  *id = lk_vocab_find(job->labels, text, size, -1);
  if (*id >= 0) return LK_OK;
  return lk_source_fail(source, line, column, "label %s, which the training part never has",
                        lk_quote(quoted, text, size));
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
  return lk_corpus_add(job->writer, split, row);
}

lk_status lk_job_flush(lk_job *job) {
  if (job->id_count == 0) return LK_OK;
  job->report.units[job->id_split] += job->id_count;
  for (ptrdiff_t i = 0; i < job->id_count; i++) job->report.unknown[job->id_split] += job->ids[i] == LK_UNK;
  LK_TRY(lk_corpus_add_stream(job->writer, job->id_split, job->ids, job->id_count));
  job->id_count = 0;
  return LK_OK;
}
