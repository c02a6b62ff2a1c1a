/* prepare classify - `label<TAB>text`, or with another separator, one sequence per line; blank lines are skipped. */
#include "prepare_columns_impl.h"

#include <string.h>

static lk_status check(const lk_prepare *settings) {
  if (settings->stream) return LK_FAIL(LK_USAGE, "--stream is for text, not for classify");
  return LK_OK;
}

/* fastText files may have several labels per line: the second would become a word of the text, so it is refused. */
static lk_status check_single(const lk_input_file *source, const lk_line *line, const lk_halves *halves) {
  static const char prefix[] = "__label__";
  const size_t size = sizeof prefix - 1;
  const char *label = halves->head, *word;
  size_t label_size = halves->head_size, at = 0, length;
  char quoted[256];
  lk_trim(&label, &label_size);
  if (label_size < size || memcmp(label, prefix, size) != 0) return LK_OK;
  if (!lk_unit_next(LK_WORD, halves->tail, halves->tail_size, &at, &word, &length)) return LK_OK;
  if (length < size || memcmp(word, prefix, size) != 0) return LK_OK;
  return lk_input_file_fail(source, line->number, lk_line_column(line, word), "a second label, %s: expected one a line",
                            lk_quote(quoted, word, length));
}

static lk_status next(lk_job *job, lk_input_file *source, lk_record *record, bool *more) {
  lk_line line;
  for (;;) {
    LK_TRY(lk_input_file_line(source, &line, more));
    if (!*more) return LK_OK;
    lk_halves halves;
    bool none;
    record->line = line.number;
    record->column = 1;
    LK_TRY(lk_job_group_line(job, source, &line));
    LK_TRY(lk_job_halve(job, source, &line, "label", "text", &halves));
    LK_TRY(check_single(source, &line, &halves));
    LK_TRY(lk_job_take_label(job, source, halves.head, halves.head_size, record, &none));
    if (none) continue;
    const ptrdiff_t column = lk_line_column(&line, halves.tail);
    if (lk_is_blank(halves.tail, halves.tail_size)) {
      LK_TRY(lk_job_empty(job, source, line.number, column, "an empty text"));
      continue;
    }
    /* blanks next to a separator belong to it */
    if (job->settings->separator) lk_trim(&halves.tail, &halves.tail_size);
    job->folded.size = 0;
    LK_TRY(lk_job_fold(job, halves.tail, halves.tail_size));
    size_t size = job->folded.size;
    LK_TRY(lk_job_limit_text(job, source, line.number, column, job->folded.data, &size));
    if (size == 0) continue;
    record->written = halves.tail;
    record->written_size = halves.tail_size;
    record->text = job->folded.data;
    record->size = size;
    return LK_OK;
  }
}

static lk_status count(lk_job *job, const lk_input_file *source, const lk_record *record) {
  (void)source;
  LK_TRY(lk_vocab_count(job->labels, record->label, record->label_size));
  LK_TRY(lk_job_columns_count_text(job, record->written, record->written_size));
  return lk_vocab_count_text(job->vocab, job->settings->unit, record->text, record->size);
}

static lk_status write_record(lk_job *job, const lk_input_file *source, lk_split split, const lk_record *record) {
  int32_t label;
  ptrdiff_t length;
  LK_TRY(
      lk_job_find_label(job, source, split, record->line, record->column, record->label, record->label_size, &label));
  LK_TRY(lk_job_encode(job, record->text, record->size, &length));
  lk_corpus_row row = {.source = job->ids, .length = length, .target = &label, .target_length = 1};
  LK_TRY(lk_job_columns_row(job, length, &row));
  LK_TRY(lk_job_columns_put_text(job, 1, length - 1, record->written, record->written_size));
  return lk_job_add(job, split, &row, length - 2);
}

const lk_format lk_format_classify = {.name = "classify",
                                      .kind = LK_CORPUS_CLASSIFY,
                                      .labels = true,
                                      .check = check,
                                      .next = next,
                                      .count = count,
                                      .write = write_record};
