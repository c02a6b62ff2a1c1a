#include "columns_impl.h"

#include <string.h>

#include "prepare_impl.h"

enum { CONLLU_COLUMNS = 10, CONLLU_FORM = 1, CONLLU_UPOS = 3 };

/* ---- splitting a line into columns ---- */

/* White space that separates columns. Other blanks, such as the no-break space, belong to words. */
static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

static bool next_word(const lk_line *line, size_t *at, const char **start, size_t *size) {
  size_t i = *at;
  while (i < line->size && is_blank(line->text[i])) i++;
  *start = line->text + i;
  while (i < line->size && !is_blank(line->text[i])) i++;
  *size = (size_t)(line->text + i - *start);
  *at = i;
  return *size > 0;
}

/* The next column, starting at *at; false at the end of the line. */
static bool next_column(const lk_line *line, bool tabs, size_t *at, const char **start, size_t *size) {
  if (!tabs) return next_word(line, at, start, size);
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

/* Column `index` of the line; an empty text at the end of the line if it has no such column. */
static void column_at(const lk_line *line, bool tabs, int index, const char **start, size_t *size) {
  size_t at = 0;
  bool there = true;
  for (; there && index >= 0; index--) there = next_column(line, tabs, &at, start, size);
  if (there) return;
  *start = line->text + line->size;
  *size = 0;
}

/* The position to report for a wrong number of columns: the first surplus column, or the end of the line. */
static const char *surplus(const lk_line *line, bool tabs, int found, int expected) {
  const char *at = line->text + line->size;
  size_t size;
  if (found > expected) column_at(line, tabs, expected, &at, &size);
  return at;
}

static bool has_tab(const lk_line *line) { return memchr(line->text, '\t', line->size) != NULL; }

static bool starts_with(const lk_line *line, const char *prefix) {
  const size_t size = strlen(prefix);
  return line->size >= size && memcmp(line->text, prefix, size) == 0;
}

static bool is_break(const lk_line *line, bool conllu) {
  return lk_is_blank(line->text, line->size) || (!conllu && starts_with(line, "-DOCSTART-"));
}

bool lk_columns_is_break(const char *text, size_t size, bool conllu) {
  return is_break(&(lk_line){.text = text, .size = size}, conllu);
}

/* ---- ID column of CoNLL-U ---- */

/* Parse an unsigned integer of at most nine digits at *at; false if there is none. */
static bool take_number(const char **at, const char *end, ptrdiff_t *number) {
  const char *begin = *at;
  *number = 0;
  for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
    if (*at - begin == 9) return false;
    *number = *number * 10 + (**at - '0');
  }
  return *at > begin;
}

/* Parsed ID: a word number, a range of words (first to second), or an empty node (number `second` after word
 * `first`). */
typedef struct word_id {
  char kind; /* 0: word, '-': range, '.': empty node, '?': invalid */
  ptrdiff_t first, second;
} word_id;

static word_id id_of(const lk_line *line, bool tabs) {
  const char *at, *end;
  size_t size;
  word_id id = {.kind = '?'};
  column_at(line, tabs, 0, &at, &size);
  end = at + size;
  if (!take_number(&at, end, &id.first)) return id;
  const char kind = at < end ? *at : '\0';
  if (at < end && kind != '-' && kind != '.') return id;
  if (at < end && (at++, !take_number(&at, end, &id.second) || at < end)) return id;
  id.kind = kind;
  return id;
}

static lk_status begins_again(const lk_input_file *source, const lk_line *line, const char *id) {
  return lk_input_file_fail(source, line->number, 1,
                            "ID %s again after %td: is the blank line between two sentences missing?", id,
                            source->columns.id);
}

/* Check the order of IDs: words are numbered 1, 2, 3, ...; a range begins at the next word; an empty node follows
 * the last word. *skip is set for ranges and empty nodes, which are not words. */
static lk_status check_id(lk_input_file *source, const lk_line *line, bool *skip) {
  lk_columns *c = &source->columns;
  const word_id id = id_of(line, true);
  const char *text;
  size_t size;
  char quoted[256];
  column_at(line, true, 0, &text, &size);
  (void)lk_quote(quoted, text, size);
  *skip = id.kind == '-' || id.kind == '.';
  if (id.kind == '?')
    return lk_input_file_fail(source, line->number, 1, "ID %s, expected a number, a range or an empty node (CoNLL-U)",
                              quoted);
  if (id.kind == '.' && id.first == c->id && id.second == c->node + 1) return c->node++, LK_OK;
  if (id.kind == '-' && id.first == c->id + 1 && id.second >= id.first) return LK_OK;
  if (id.kind == 0 && id.first == c->id + 1) return c->id++, c->node = 0, LK_OK;
  if (id.kind != '.' && id.first == 1) return begins_again(source, line, quoted);
  if (id.kind == '.')
    return lk_input_file_fail(source, line->number, 1, "ID %s, expected %td.%td or %td (CoNLL-U)", quoted, c->id,
                              c->node + 1, c->id + 1);
  return lk_input_file_fail(source, line->number, 1, "ID %s, expected %td%s (CoNLL-U)", quoted, c->id + 1,
                            c->id == 0 ? ", as a sentence begins" : "");
}

/* Plain columns whose first column numbers the words: refuse ranges and empty nodes, which would be read as words,
 * and a number that restarts at 1, which means that the blank line between two sentences is missing. */
static lk_status check_number(lk_input_file *source, const lk_line *line) {
  lk_columns *c = &source->columns;
  const word_id id = id_of(line, c->tabs);
  if (id.kind == '-' || id.kind == '.')
    return lk_input_file_fail(source, line->number, 1,
                              "%s where other lines number words: --conllu leaves such lines out",
                              id.kind == '-' ? "a range of words" : "an empty node");
  if (id.kind == 0 && id.first == 1 && c->id > 0) return begins_again(source, line, "'1'");
  if (id.kind == 0) c->id = id.first;
  return LK_OK;
}

/* ---- layout of the columns of a file ---- */

static lk_status resolve(const lk_input_file *source, const lk_line *line, const char *what, int column, int columns,
                         int *index) {
  *index = column < 0 ? columns + column : column;
  if (*index >= 0 && *index < columns) return LK_OK;
  return lk_input_file_fail(source, line->number, lk_line_column(line, line->text + line->size),
                            "%d column%s, but the %s is column %d, counted from 0", columns, lk_plural(columns), what,
                            column);
}

/* Determine which columns hold word and tag, given the `count` columns of the file's rows. The defaults differ for
 * CoNLL-U, whose first and last columns are word numbers and remarks. */
static lk_status name_columns(const lk_job *job, lk_input_file *source, const lk_line *line) {
  const lk_prepare *p = job->settings;
  lk_columns *c = &source->columns;
  const int word = p->column_word != LK_COLUMN_DEFAULT ? p->column_word : p->conllu ? CONLLU_FORM : 0;
  const int tag = p->column_tag != LK_COLUMN_DEFAULT ? p->column_tag : p->conllu ? CONLLU_UPOS : -1;
  LK_TRY(resolve(source, line, "word", word, c->count, &c->word));
  if (c->asks && (tag == c->count || (tag == -1 && c->count == 1)))
    c->tag = c->count; /* predictions are written into a new column after the last one */
  else
    LK_TRY(resolve(source, line, "tag", tag, c->count, &c->tag));
  c->is_upos = p->conllu && c->count >= CONLLU_COLUMNS && c->tag == CONLLU_UPOS;
  if (c->word != c->tag) return LK_OK;
  return lk_input_file_fail(source, line->number, 1, "%d column%s: word and tag would be the same one", c->count,
                            lk_plural(c->count));
}

/* Whether the first column of the sentence that begins at this row counts 1, 2, 3, ..., ignoring ranges and empty
 * nodes, for at least `least` words. */
static lk_status is_numbered(lk_reader *reader, lk_line line, bool tabs, ptrdiff_t least, bool *is) {
  ptrdiff_t words = 0;
  *is = false;
  for (bool more = true; more && !is_break(&line, false);) {
    if (!starts_with(&line, "#")) {
      const word_id id = id_of(&line, tabs);
      /* numbering restarts at 1: a blank line is missing */
      *is = id.kind == 0 && id.first == 1 && words >= least;
      if (*is || id.kind == '?' || (id.kind == 0 && id.first != ++words)) return LK_OK;
    }
    LK_TRY(lk_reader_next(reader, &line, &more));
  }
  *is = words >= least;
  return LK_OK;
}

/* If plain columns turn out to number their words, say which options the user should give. */
static lk_status check_numbered(const lk_job *job, lk_input_file *source, const lk_line *first) {
  lk_columns *c = &source->columns;
  const bool ten = c->tabs && c->count == CONLLU_COLUMNS;
  bool numbered = c->count >= 3;
  if (numbered) LK_TRY(is_numbered(&source->reader, *first, c->tabs, ten ? 1 : 2, &numbered));
  if (!numbered) return LK_OK;
  c->numbered = c->word != 0 && c->tag != 0;
  if (c->numbered || job->settings->column_word != LK_COLUMN_DEFAULT) return LK_OK;
  if (ten) return lk_input_file_fail(source, first->number, 1, "this looks like CoNLL-U: say --conllu");
  return lk_input_file_fail(
      source, first->number, 1,
      "the first column numbers the words: say %s--column word=I,tag=J, the columns of word and tag, "
      "counted from 0",
      c->tabs ? "--conllu " : "");
}

/* Read the row that determines the layout: the first of the file, skipping `# comment` lines; if all lines begin with
 * `#`, the first that is not of the form `# comment`. *found is false if there is none. */
static lk_status find_first_row(lk_input_file *source, bool conllu, lk_line *first, bool *found) {
  lk_reader *reader = &source->reader;
  uint64_t at = 0;
  ptrdiff_t before = 0;
  *found = false;
  for (bool more = true, row = false; more && !row;) {
    lk_line line = {0};
    const uint64_t begin = reader->at;
    LK_TRY(lk_reader_next(reader, &line, &more));
    if (!more || is_break(&line, conllu)) continue;
    row = !starts_with(&line, "#");
    if (!row && (conllu || *found || starts_with(&line, "# "))) continue;
    at = begin;
    before = line.number - 1;
    *found = true;
  }
  lk_reader_seek(reader, at, before);
  return *found ? lk_reader_next(reader, first, found) : LK_OK;
}

/* Determine the layout from that row, with the file's own reader. */
static lk_status find_layout_of(const lk_job *job, lk_input_file *source) {
  const bool conllu = job->settings->conllu;
  lk_columns *c = &source->columns;
  lk_line first;
  bool found;
  LK_TRY(find_first_row(source, conllu, &first, &found));
  if (!found) return LK_OK;
  c->tabs = conllu || c->words || has_tab(&first);
  c->count = count_columns(&first, c->tabs);
  if (c->asks && c->count == 1) c->tabs = true; /* one word per line, which may contain blanks */
  c->line = first.number;
  const bool chosen = job->settings->column_word != LK_COLUMN_DEFAULT || job->settings->column_tag != LK_COLUMN_DEFAULT;
  if (conllu && c->count != CONLLU_COLUMNS && !chosen)
    return lk_input_file_fail(source, c->line, lk_line_column(&first, surplus(&first, true, c->count, CONLLU_COLUMNS)),
                              "%d column%s set apart by TABs, expected %d (CoNLL-U); where a file has others --column "
                              "word=I,tag=J says which ones word and tag are, counted from 0",
                              c->count, lk_plural(c->count), CONLLU_COLUMNS);
  LK_TRY(name_columns(job, source, &first));
  return conllu ? LK_OK : check_numbered(job, source, &first);
}

/* Before the first line of a file is read. */
static lk_status find_layout(const lk_job *job, lk_input_file *source) {
  source->columns.sought = true;
  LK_TRY(find_layout_of(job, source));
  lk_reader_start(&source->reader, &source->text);
  return LK_OK;
}

static lk_status wrong_columns(const lk_input_file *source, const lk_line *line, int found) {
  const lk_columns *c = &source->columns;
  return lk_input_file_fail(source, line->number, lk_line_column(line, surplus(line, c->tabs, found, c->count)),
                            "%d column%s set apart by %s, expected %d as in line %td%s", found, lk_plural(found),
                            c->tabs ? "TABs" : "blanks", c->count, c->line,
                            c->asks && !c->tabs ? "; --input words takes each line as one word" : "");
}

/* ---- comments ---- */

/* Whether the line has the form `# name = value`, as in `# sent_id = 7`. */
static bool names_something(const lk_line *line) {
  const char *equals = starts_with(line, "# ") ? memmem(line->text, line->size, " = ", 3) : NULL;
  return equals && !lk_is_blank(line->text + 1, (size_t)(equals - line->text) - 1);
}

static bool is_whole(const lk_columns *c, const lk_line *line) {
  return !names_something(line) && count_columns(line, c->tabs) == c->count;
}

/* Whether a line with the right number of columns could still be a comment. A line that begins with `#tag`, or with
 * `#` and a TAB, is a word, and so is every line inside a sentence; but before a sentence `# newdoc` or `#end
 * document` may have as many blanks as a row. */
static bool is_doubtful(const lk_columns *c, const lk_line *line, ptrdiff_t rows) {
  return rows == 0 && starts_with(line, "#") && !(c->tabs && !starts_with(line, "# "));
}

static void tag_of(const lk_columns *c, const lk_line *line, const char **tag, size_t *size) {
  column_at(line, c->tabs, c->tag, tag, size);
  lk_trim(tag, size);
}

/* Count the labels of all rows that cannot be comments. */
static lk_status gather_labels(lk_input_file *source) {
  lk_columns *c = &source->columns;
  lk_reader reader = {0}; /* another one, as the file's own is in the midst of it */
  lk_status status;
  ptrdiff_t rows = 0;
  LK_TRY(lk_vocab_create(&c->borne, false));
  lk_reader_start(&reader, &source->text);
  for (bool more = true; more;) {
    lk_line line = {0};
    const char *tag;
    size_t size;
    LK_GO(lk_reader_next(&reader, &line, &more));
    if (is_break(&line, false)) rows = 0;
    if (!more || is_break(&line, false) || !is_whole(c, &line) || is_doubtful(c, &line, rows)) continue;
    rows++;
    tag_of(c, &line, &tag, &size);
    LK_GO(lk_vocab_count(c->borne, tag, size));
  }
done:
  lk_reader_release(&reader);
  return status;
}

/* Whether a row that is certainly not a comment has the label of this line, which has the right number of columns.
 * For validation and test files the labels of the training part count too. Training files are judged by themselves,
 * because otherwise the second pass over them would know more labels than the first. */
static lk_status has_label(const lk_job *job, lk_input_file *source, const lk_line *line, bool *has) {
  lk_columns *c = &source->columns;
  const char *tag;
  size_t size;
  if (!c->borne) LK_TRY(gather_labels(source));
  tag_of(c, line, &tag, &size);
  *has = lk_vocab_size(c->borne) == 0 || lk_vocab_find(c->borne, tag, size, -1) >= 0 ||
         (source->part != LK_TRAIN && lk_vocab_find(job->labels, tag, size, -1) >= 0);
  return LK_OK;
}

/* For prediction: whether the line has no label yet, because the column is missing, empty, `_` or the like. */
static bool says_nothing(const lk_columns *c, const lk_line *line) {
  const char *tag;
  size_t size;
  tag_of(c, line, &tag, &size);
  return size == 0 || (size == 1 && strchr("_-?*", *tag));
}

/* Whether a line that begins with `#` is a comment. */
static lk_status is_comment(const lk_job *job, lk_input_file *source, const lk_line *line, bool *comment) {
  const lk_columns *c = &source->columns;
  bool has = true;
  *comment = job->settings->conllu || c->count == 0 || names_something(line);
  if (*comment) return LK_OK;
  const bool whole = is_whole(c, line), begins = c->rows == 0, blank = c->asks && says_nothing(c, line);
  const bool doubtful = whole && is_doubtful(c, line, c->rows);
  if (doubtful && !blank) LK_TRY(has_label(job, source, line, &has));
  if (doubtful && blank) has = !starts_with(line, "# ");
  *comment = whole ? !has : begins || starts_with(line, "# ");
  return LK_OK;
}

/* ---- rows ---- */

/* Check a row and extract its word and tag; *skip is set for ranges and empty nodes of CoNLL-U. */
static lk_status take_row(const lk_job *job, lk_input_file *source, lk_row *row, bool *skip) {
  lk_columns *c = &source->columns;
  const lk_line *line = &row->line;
  const int columns = count_columns(line, c->tabs);
  *skip = false;
  if (columns != c->count) return wrong_columns(source, line, columns);
  if (job->settings->conllu) LK_TRY(check_id(source, line, skip));
  if (c->numbered) LK_TRY(check_number(source, line));
  column_at(line, c->tabs, c->word, &row->word, &row->word_size);
  lk_trim(&row->word, &row->word_size);
  tag_of(c, line, &row->tag, &row->tag_size);
  return LK_OK;
}

/* Take the group key of a sentence from the configured column of its first row. */
static lk_status take_group(lk_job *job, const lk_input_file *source, const lk_line *line) {
  const lk_prepare_group *by = &job->settings->group;
  const char *text = NULL;
  size_t size = 0;
  int column = 0;
  if (by->by != LK_GROUP_COLUMN) return LK_OK;
  LK_TRY(resolve(source, line, "subject", by->column, source->columns.count, &column));
  column_at(line, source->columns.tabs, column, &text, &size);
  return lk_job_group_value(job, source, line, text, size);
}

static void end_sentence(lk_columns *c) { c->rows = c->id = c->node = 0; }

lk_status lk_columns_next(lk_job *job, lk_input_file *source, lk_row *row, lk_row_kind *kind) {
  lk_columns *c = &source->columns;
  if (!c->sought) LK_TRY(find_layout(job, source));
  for (bool skip, more = true;;) {
    LK_TRY(lk_reader_next(&source->reader, &row->line, &more));
    if (!more) break;
    LK_TRY(lk_job_group_begins(job, source, &row->line));
    if (is_break(&row->line, job->settings->conllu)) {
      end_sentence(c);
      *kind = LK_ROW_BREAK;
      return LK_OK;
    }
    if (starts_with(&row->line, "#")) {
      LK_TRY(is_comment(job, source, &row->line, &skip));
      if (skip && !job->settings->conllu) job->report.comments += job->writer != NULL;
      if (skip) LK_TRY(lk_job_group_comment(job, source, &row->line));
      if (skip) continue;
    }
    LK_TRY(take_row(job, source, row, &skip));
    if (skip) continue;
    if (c->rows == 0) LK_TRY(take_group(job, source, &row->line));
    c->rows++;
    *kind = LK_ROW_WORD;
    return LK_OK;
  }
  *kind = LK_ROW_END;
  return LK_OK;
}

void lk_columns_restart(lk_columns *columns) { end_sentence(columns); }

void lk_columns_release(lk_columns *columns) { lk_vocab_destroy(&columns->borne); }
