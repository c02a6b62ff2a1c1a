/* prepare label - one word and its label per line, a blank line after each sentence: plain columns or CoNLL-U
 * (columns_impl.h).
 *
 * `_` is a label like any other (in FEATS it means "no features"), except in UPOS, where it means that the word has
 * not been annotated. */
#include "prepare_columns_impl.h"

#include <string.h>

#include "arena.h"

static lk_status check(const lk_prepare *settings) {
  if (settings->stream) return LK_FAIL(LK_USAGE, "--stream is for text, not for label");
  if (settings->unit != LK_WORD) return LK_FAIL(LK_USAGE, "label reads words: leave out --unit char");
  if (settings->column_word == settings->column_tag && settings->column_word != LK_COLUMN_DEFAULT)
    return LK_FAIL(LK_USAGE, "--column: word and tag are both column %d", settings->column_word);
  return LK_OK;
}

/* Take the label of a row; size 0 if it has none. */
static lk_status take_label(lk_job *job, const lk_input_file *source, const lk_row *row, lk_labelled_word *span) {
  span->tag_at = job->other.size;
  if (lk_job_is_no_label(job, row->tag, row->tag_size)) return LK_OK;
  if (row->tag_size == 0)
    return lk_input_file_fail(source, row->line.number, span->tag_column, "a word without a label");
  if (source->columns.is_upos && row->tag_size == 1 && *row->tag == '_')
    return lk_input_file_fail(source, row->line.number, span->tag_column,
                              "a word without a label (UPOS '_'): --no-label _ leaves such words out of the loss");
  LK_TRY(lk_job_fold_label(job, row->tag, row->tag_size));
  span->tag_size = job->other.size - span->tag_at;
  return LK_OK;
}

/* Store a row as word `count` of the sentence. */
static lk_status take_word(lk_job *job, const lk_input_file *source, const lk_row *row, ptrdiff_t count) {
  LK_TRY(lk_grow(&job->spans, &job->spans_capacity, (size_t)count + 1, sizeof *job->spans));
  lk_labelled_word *span = &job->spans[count];
  *span = (lk_labelled_word){.at = job->folded.size, .line = row->line.number};
  span->tag_column = lk_line_column(&row->line, row->tag);
  LK_TRY(take_label(job, source, row, span));
  LK_TRY(lk_job_fold(job, row->word, row->word_size));
  span->size = job->folded.size - span->at;
  span->raw_at = job->raw.size;
  span->raw_size = row->word_size;
  if (job->info.columns > 0) LK_TRY(lk_buffer_append(&job->raw, row->word, row->word_size));
  return LK_OK;
}

/* Read one sentence into job->spans; *count is its number of words, 0 at the end of the file. *keep is false if a
 * word is empty and the sentence is to be left out. */
static lk_status read_sentence(lk_job *job, lk_input_file *source, ptrdiff_t *count, bool *keep) {
  lk_row row;
  lk_row_kind kind;
  job->folded.size = job->other.size = job->raw.size = 0;
  *keep = true;
  for (*count = 0;;) {
    LK_TRY(lk_columns_next(job, source, &row, &kind));
    if (kind == LK_ROW_END || (kind == LK_ROW_BREAK && *count > 0)) return LK_OK;
    if (kind == LK_ROW_BREAK) continue;
    if (row.word_size == 0 && *keep) {
      LK_TRY(lk_job_empty(job, source, row.line.number, lk_line_column(&row.line, row.word), "an empty word"));
      *keep = false;
    }
    LK_TRY(take_word(job, source, &row, *count));
    ++*count;
  }
}

static bool has_label(const lk_job *job, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++)
    if (job->spans[i].tag_size > 0) return true;
  return false;
}

static lk_status next(lk_job *job, lk_input_file *source, lk_record *record, bool *more) {
  for (record->length = 0; record->length == 0;) {
    ptrdiff_t count;
    bool keep;
    LK_TRY(read_sentence(job, source, &count, &keep));
    *more = count > 0;
    if (!*more) return LK_OK;
    if (!keep) continue;
    LK_TRY(lk_job_limit(job, source, job->spans[0].line, 1, count, &record->length));
    if (record->length == 0 || has_label(job, record->length)) continue;
    job->report.unlabelled += job->writer != NULL;
    record->length = 0;
  }
  return LK_OK;
}

static lk_status count_words(lk_job *job, const lk_input_file *source, const lk_record *record) {
  (void)source;
  for (ptrdiff_t i = 0; i < record->length; i++) {
    const lk_labelled_word *span = &job->spans[i];
    LK_TRY(lk_vocab_count(job->vocab, job->folded.data + span->at, span->size));
    if (job->info.columns > 0) LK_TRY(lk_job_columns_count(job, job->raw.data + span->raw_at, span->raw_size));
    if (span->tag_size > 0) LK_TRY(lk_vocab_count(job->labels, job->other.data + span->tag_at, span->tag_size));
  }
  return job->respelt ? lk_job_tags_count(job, record->length) : LK_OK;
}

static lk_status write_record(lk_job *job, const lk_input_file *source, lk_split split, const lk_record *record) {
  const ptrdiff_t length = record->length + 2;
  lk_corpus_row row = {.length = length, .target_length = length};
  LK_TRY(lk_job_columns_row(job, length, &row));
  if (job->respelt) LK_TRY(lk_job_tags_write(job, source, record->length));
  LK_TRY(lk_grow(&job->ids, &job->ids_capacity, (size_t)length, sizeof *job->ids));
  LK_TRY(lk_grow(&job->tags, &job->tags_capacity, (size_t)length, sizeof *job->tags));
  job->ids[0] = LK_SOS;
  job->ids[length - 1] = LK_EOS;
  job->tags[0] = job->tags[length - 1] = LK_NO_LABEL;
  for (ptrdiff_t i = 0; i < record->length; i++) {
    const lk_labelled_word *span = &job->spans[i];
    const int32_t id = lk_vocab_find(job->vocab, job->folded.data + span->at, span->size, LK_UNK);
    job->ids[i + 1] = id < LK_SPECIALS ? LK_UNK : id; /* a word spelled like a special unit */
    job->tags[i + 1] = LK_NO_LABEL;
    if (job->info.columns > 0) LK_TRY(lk_job_columns_put(job, i + 1, job->raw.data + span->raw_at, span->raw_size));
    if (span->tag_size > 0)
      LK_TRY(lk_job_find_label(job, source, split, span->line, span->tag_column, job->other.data + span->tag_at,
                               span->tag_size, &job->tags[i + 1]));
  }
  row.source = job->ids;
  row.target = job->tags;
  return lk_job_add(job, split, &row, record->length);
}

const lk_format lk_format_label = {.name = "label",
                                   .kind = LK_CORPUS_LABEL,
                                   .labels = true,
                                   .check = check,
                                   .begin = lk_job_tags_begin,
                                   .next = next,
                                   .count = count_words,
                                   .write = write_record};
