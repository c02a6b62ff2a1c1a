/* prepare label - a word and its label a line, sentences end at a blank line.
 *
 * CoNLL-U: ten columns, FORM and UPOS are used unless others are named; comments, multiword ranges (3-4) and empty nodes
 * (8.1) are left out.
 * Plain columns: separated by single TABs where the line has one, else by blanks; a line of nothing but white space is
 * blank; the -DOCSTART- lines of CoNLL-2003 are no sentence. Source: universaldependencies.org/format.html. */
#include "prepare_impl.h"

#include <string.h>

#include "lockstep/arena.h"

enum { CONLLU_COLUMNS = 10, CONLLU_FORM = 1, CONLLU_UPOS = 3 };

static lk_status check(const lk_prepare *settings) {
  if (settings->stream) return LK_FAIL(LK_USAGE, "--stream goes with text, not with label");
  if (settings->unit != LK_WORD) return LK_FAIL(LK_USAGE, "label reads words: leave out --unit char");
  if (settings->column_word == settings->column_tag && !settings->conllu)
    return LK_FAIL(LK_USAGE, "--column: word and tag are both column %d", settings->column_word);
  return LK_OK;
}

/* Cutting a line into columns: the next one from *at; false at the end. */
static bool next_column(const lk_line *line, bool tabs, size_t *at, const char **start, size_t *size) {
  if (!tabs) return lk_unit_next(LK_WORD, line->text, line->size, at, start, size);
  if (*at > line->size) return false;
  *start = line->text + *at;
  const char *tab = memchr(*start, '\t', line->size - *at);
  *size = tab ? (size_t)(tab - *start) : line->size - *at;
  *at += *size + 1;
  return true;
}

static int count_columns(const lk_line *line, bool tabs) {
  const char *start;
  size_t at = 0, size;
  int count = 0;
  while (next_column(line, tabs, &at, &start, &size)) count++;
  return count;
}

/* Column `index` of the line, which has it. */
static void column_at(const lk_line *line, bool tabs, int index, const char **start, size_t *size) {
  size_t at = 0;
  *start = line->text + line->size;
  *size = 0;
  for (bool there = true; there && index >= 0; index--) there = next_column(line, tabs, &at, start, size);
}

static bool is_blank(const lk_line *line) {
  const char *start;
  size_t at = 0, size;
  return !lk_unit_next(LK_WORD, line->text, line->size, &at, &start, &size);
}

static bool starts_with(const lk_line *line, const char *prefix) {
  const size_t size = strlen(prefix);
  return line->size >= size && memcmp(line->text, prefix, size) == 0;
}

/* A wrong number of columns: at the first that is too many, or at the line's end. */
static lk_status wrong_columns(const lk_source *source, const lk_line *line, bool tabs, int found, int expected,
                               const char *why) {
  const char *at = line->text + line->size;
  size_t size;
  if (found > expected) column_at(line, tabs, expected, &at, &size);
  return lk_source_fail(source, line->number, lk_line_column(line, at), "%d column%s, expected %d%s", found,
                        found == 1 ? "" : "s", expected, why);
}

/* Columns of a CoNLL-U line by its ID: a word has a whole number; *skip for the others. */
static lk_status check_conllu(const lk_source *source, const lk_line *line, int columns, bool *skip) {
  char quoted[256];
  if (columns != CONLLU_COLUMNS)
    return wrong_columns(source, line, true, columns, CONLLU_COLUMNS, " separated by TABs (CoNLL-U)");
  const char *id;
  size_t size, digits = 0;
  column_at(line, true, 0, &id, &size);
  while (digits < size && id[digits] >= '0' && id[digits] <= '9') digits++;
  *skip = digits > 0 && digits < size && (id[digits] == '-' || id[digits] == '.');
  if (digits > 0 && (*skip || digits == size)) return LK_OK;
  return lk_source_fail(source, line->number, 1, "ID %s, expected a number, a range or an empty node (CoNLL-U)",
                        lk_quote(quoted, id, size));
}

static lk_status resolve(const lk_source *source, const lk_line *line, const char *what, int column, int columns,
                         int *index) {
  *index = column < 0 ? columns + column : column;
  if (*index >= 0 && *index < columns) return LK_OK;
  return lk_source_fail(source, line->number, lk_line_column(line, line->text + line->size),
                        "%d column%s, but the %s is column %d", columns, columns == 1 ? "" : "s", what, column);
}

/* Take the word and the tag of a line as span `count` of the sentence. */
static lk_status take_word(lk_job *job, const lk_source *source, const lk_line *line, bool tabs, int columns,
                           ptrdiff_t count) {
  const lk_prepare *p = job->settings;
  const char *word, *tag;
  size_t word_size, tag_size;
  int word_index, tag_index;
  /* nobody wants the default's columns of CoNLL-U, numbers and remarks */
  const int word_column = p->conllu && p->column_word == 0 ? CONLLU_FORM : p->column_word;
  const int tag_column = p->conllu && p->column_tag == -1 ? CONLLU_UPOS : p->column_tag;
  LK_TRY(resolve(source, line, "word", word_column, columns, &word_index));
  LK_TRY(resolve(source, line, "tag", tag_column, columns, &tag_index));
  if (word_index == tag_index)
    return lk_source_fail(source, line->number, 1, "%d column%s: word and tag would be the same one", columns,
                          columns == 1 ? "" : "s");
  column_at(line, tabs, word_index, &word, &word_size);
  column_at(line, tabs, tag_index, &tag, &tag_size);
  lk_label_trim(&tag, &tag_size);
  if (word_size == 0) return lk_source_fail(source, line->number, lk_line_column(line, word), "an empty word");
  if (tag_size == 0 || (p->conllu && tag_size == 1 && *tag == '_'))
    return lk_source_fail(source, line->number, lk_line_column(line, tag), "a word without a label");
  LK_TRY(lk_grow(&job->spans, &job->spans_capacity, (size_t)count + 1, sizeof *job->spans));
  lk_span *span = &job->spans[count];
  *span = (lk_span){.at = job->folded.size, .tag = tag, .tag_size = tag_size, .line = line->number};
  span->tag_column = lk_line_column(line, tag);
  LK_TRY(lk_job_fold(job, word, word_size));
  span->size = job->folded.size - span->at;
  return LK_OK;
}

/* Plain columns that are CoNLL-U's: a comment, or a word's number first where the word is looked for. */
static lk_status check_plain(const lk_job *job, const lk_source *source, const lk_line *line, bool tabs, int columns) {
  const char *id;
  size_t size;
  bool looks = starts_with(line, "# ") && memmem(line->text, line->size, " = ", 3) != NULL;
  if (tabs && columns == CONLLU_COLUMNS && job->settings->column_word == 0) {
    column_at(line, tabs, 0, &id, &size);
    looks = looks || (size == 1 && *id == '1');
  }
  return looks ? lk_source_fail(source, line->number, 1, "this looks like CoNLL-U: say --conllu") : LK_OK;
}

/* One sentence: its words in job->spans; *count 0 at the end of the file. */
static lk_status read_sentence(lk_job *job, lk_source *source, ptrdiff_t *count) {
  const bool conllu = job->settings->conllu;
  lk_line line;
  job->folded.size = 0;
  for (*count = 0; lk_reader_next(&source->reader, &line);) {
    if (is_blank(&line) || (!conllu && starts_with(&line, "-DOCSTART-"))) {
      if (*count > 0) return LK_OK;
      continue;
    }
    if (conllu && starts_with(&line, "#")) continue;
    const bool tabs = conllu || memchr(line.text, '\t', line.size) != NULL;
    const int columns = count_columns(&line, tabs);
    bool skip = false;
    LK_TRY(conllu ? check_conllu(source, &line, columns, &skip) : check_plain(job, source, &line, tabs, columns));
    if (source->columns > 0 && columns != source->columns)
      return wrong_columns(source, &line, tabs, columns, source->columns, " as in the lines before");
    source->columns = columns;
    if (skip) continue;
    LK_TRY(take_word(job, source, &line, tabs, columns, *count));
    ++*count;
  }
  return LK_OK;
}

static lk_status next(lk_job *job, lk_source *source, lk_record *record, bool *more) {
  ptrdiff_t count, keep = 0;
  do {
    LK_TRY(read_sentence(job, source, &count));
    *more = count > 0;
    if (count > 0) LK_TRY(lk_job_limit(job, source, job->spans[0].line, 1, count, &keep));
  } while (*more && keep == 0);
  record->length = keep;
  return LK_OK;
}

static lk_status count_words(lk_job *job, const lk_source *source, const lk_record *record) {
  (void)source;
  for (ptrdiff_t i = 0; i < record->length; i++) {
    const lk_span *span = &job->spans[i];
    LK_TRY(lk_vocab_count(job->vocab, job->folded.data + span->at, span->size));
    LK_TRY(lk_vocab_count(job->labels, span->tag, span->tag_size));
  }
  return LK_OK;
}

static lk_status write_record(lk_job *job, const lk_source *source, lk_split split, const lk_record *record) {
  const ptrdiff_t length = record->length + 2;
  LK_TRY(lk_grow(&job->ids, &job->ids_capacity, (size_t)length, sizeof *job->ids));
  LK_TRY(lk_grow(&job->tags, &job->tags_capacity, (size_t)length, sizeof *job->tags));
  job->ids[0] = LK_SOS;
  job->ids[length - 1] = LK_EOS;
  job->tags[0] = job->tags[length - 1] = -1;
  for (ptrdiff_t i = 0; i < record->length; i++) {
    const lk_span *span = &job->spans[i];
    const int32_t id = lk_vocab_find(job->vocab, job->folded.data + span->at, span->size, LK_UNK);
    job->ids[i + 1] = id < LK_SPECIALS ? LK_UNK : id; /* a word spelled like a special unit */
    LK_TRY(lk_job_find_label(job, source, span->line, span->tag_column, span->tag, span->tag_size, &job->tags[i + 1]));
  }
  const lk_corpus_row row = {.source = job->ids, .length = length, .target = job->tags, .target_length = length};
  return lk_job_add(job, split, &row, record->length);
}

const lk_format lk_format_label = {.name = "label",
                                   .kind = LK_CORPUS_LABEL,
                                   .labels = true,
                                   .check = check,
                                   .next = next,
                                   .count = count_words,
                                   .write = write_record};
