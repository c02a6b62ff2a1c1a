/* prepare text - one sequence per line (blank lines are skipped), or one running text.
 *
 * Running text: with characters as units all characters count, including line ends; with words <eos> marks each line
 * end, as is usual for the WikiText data sets. The words <eos> and <unk> in the text mean these special units. */
#include "prepare_columns_impl.h"

#include <string.h>

#include "arena.h"

enum { WAITING = 1 << 18 }; /* units of a running text that are buffered before they are written */

static lk_status check(const lk_prepare *settings) {
  (void)settings;
  return LK_OK;
}

static lk_status next_line(lk_job *job, lk_input_file *source, lk_record *record, bool *more) {
  lk_line line;
  for (;;) {
    LK_TRY(lk_input_file_line(source, &line, more));
    if (!*more) return LK_OK;
    job->folded.size = 0;
    LK_TRY(lk_job_group_begins(job, source, &line));
    LK_TRY(lk_job_fold(job, line.text, line.size));
    size_t size = job->folded.size;
    LK_TRY(lk_job_limit_text(job, source, line.number, 1, job->folded.data, &size));
    if (size == 0) continue;
    record->written = line.text;
    record->written_size = line.size;
    record->text = job->folded.data;
    record->size = size;
    return LK_OK;
  }
}

/* Size in bytes of the first `characters` characters. */
static size_t bytes_of(const char *text, size_t size, ptrdiff_t characters) {
  size_t at = 0;
  for (; characters > 0 && at < size; characters--) at += lk_utf8_next(text + at, size - at);
  return at;
}

/* The next section of a running text: a line, or the beginning of a line up to the position where the next part
 * begins. */
static lk_status next_stretch(lk_job *job, lk_input_file *source, lk_record *record, bool *more) {
  lk_line line;
  LK_TRY(lk_reader_next(&source->reader, &line, more));
  if (!*more) return LK_OK;
  record->line_end = job->settings->unit == LK_WORD || line.ended || source->goes_on;
  if (job->settings->unit == LK_CHAR) {
    const ptrdiff_t characters = (ptrdiff_t)lk_utf8_count(line.text, line.size);
    record->weight = characters + record->line_end;
    for (int i = 0; i < 2 && source->part == LK_TRAIN; i++) {
      const ptrdiff_t left = job->cut[i] - source->begin - source->position;
      if (left <= 0 || left >= record->weight) continue;
      lk_reader_split(&source->reader, &line, bytes_of(line.text, line.size, left));
      record->weight = left;
      record->line_end = false;
    }
  }
  LK_TRY(lk_job_fold(job, line.text, line.size));
  record->written = line.text;
  record->written_size = line.size;
  record->text = job->folded.data;
  record->size = job->folded.size;
  return LK_OK;
}

static lk_status next(lk_job *job, lk_input_file *source, lk_record *record, bool *more) {
  return job->settings->stream ? next_stretch(job, source, record, more) : next_line(job, source, record, more);
}

static const char *line_end_of(const lk_job *job) { return job->settings->unit == LK_CHAR ? "\n" : "<eos>"; }

static lk_status count(lk_job *job, const lk_input_file *source, const lk_record *record) {
  (void)source;
  LK_TRY(lk_vocab_count_text(job->vocab, job->settings->unit, record->text, record->size));
  LK_TRY(lk_job_columns_count_text(job, record->written, record->written_size));
  if (!record->line_end) return LK_OK;
  return lk_vocab_count(job->vocab, line_end_of(job), strlen(line_end_of(job)));
}

static lk_status write_stretch(lk_job *job, lk_split split, const lk_record *record) {
  if (split != job->id_split || job->id_count >= WAITING) LK_TRY(lk_job_flush(job));
  job->id_split = split;
  const ptrdiff_t first = job->id_count;
  LK_TRY(lk_vocab_encode(job->vocab, job->settings->unit, record->text, record->size, &job->ids, &job->id_count,
                         &job->ids_capacity));
  if (record->line_end) {
    const char *end = line_end_of(job);
    LK_TRY(lk_grow(&job->ids, &job->ids_capacity, (size_t)job->id_count + 1, sizeof *job->ids));
    job->ids[job->id_count++] = lk_vocab_find(job->vocab, end, strlen(end), LK_UNK);
  }
  LK_TRY(lk_job_columns_stretch(job, first, job->id_count));
  return lk_job_columns_put_text(job, first, job->id_count, record->written, record->written_size);
}

static lk_status write_record(lk_job *job, const lk_input_file *source, lk_split split, const lk_record *record) {
  (void)source;
  if (job->settings->stream) return write_stretch(job, split, record);
  ptrdiff_t length;
  LK_TRY(lk_job_encode(job, record->text, record->size, &length));
  lk_corpus_row row = {.source = job->ids, .length = length};
  LK_TRY(lk_job_columns_row(job, length, &row));
  LK_TRY(lk_job_columns_put_text(job, 1, length - 1, record->written, record->written_size));
  return lk_job_add(job, split, &row, length - 2);
}

const lk_format lk_format_text = {
    .name = "text", .kind = LK_CORPUS_TEXT, .check = check, .next = next, .count = count, .write = write_record};
