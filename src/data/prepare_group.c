/* prepare_group.c - which group a record belongs to: all rows of a group go to the same part.
 *
 * The group is named by a column of the line (which is then not part of the data), or by a comment before the
 * sentences, or it has no name: then a line with a given prefix begins a new group. */
#include <string.h>

#include "prepare_impl.h"

/* Keep what precedes the last occurrence of `upto`, without surrounding white space. */
static void shorten(const lk_prepare_group *by, const char **text, size_t *size) {
  const size_t end = by->upto ? strlen(by->upto) : 0;
  for (size_t at = end > 0 && *size >= end ? *size - end + 1 : 0; at > 0; at--) {
    if (memcmp(*text + at - 1, by->upto, end) != 0) continue;
    *size = at - 1;
    break;
  }
  lk_trim(text, size);
}

/* Begin a group without a name, identified by its position. The TAB makes it differ from all named groups. */
static lk_status begin_unnamed(lk_job *job, const lk_input_file *source, ptrdiff_t line) {
  job->group.size = 0;
  return lk_buffer_printf(&job->group, "\t%td:%td", source - job->source, line);
}

static lk_status begin_named(lk_job *job, const char *text, size_t size) {
  job->group.size = 0;
  return lk_buffer_append(&job->group, text, size);
}

lk_status lk_job_group_start(lk_job *job, const lk_input_file *source) { return begin_unnamed(job, source, 0); }

lk_status lk_job_group_value(lk_job *job, const lk_input_file *source, const lk_line *line, const char *text,
                             size_t size) {
  const char *at = text;
  shorten(&job->settings->group, &text, &size);
  if (size > 0) return begin_named(job, text, size);
  return lk_input_file_fail(source, line->number, lk_line_column(line, at), "an empty subject (--group column=%d)",
                            job->settings->group.column);
}

/* Column `index` of a line whose columns are separated by TABs; false if it has no such column. */
static bool find_column(const lk_line *line, int index, const char **start, size_t *size, int *columns) {
  const char *end = line->text + line->size;
  *columns = 1;
  for (const char *at = line->text; at < end; at++) *columns += *at == '\t';
  if (index < 0) index += *columns;
  if (index < 0 || index >= *columns) return false;
  for (*start = line->text; index > 0; index--) *start = (const char *)memchr(*start, '\t', (size_t)(end - *start)) + 1;
  const char *tab = memchr(*start, '\t', (size_t)(end - *start));
  *size = (size_t)((tab ? tab : end) - *start);
  return true;
}

lk_status lk_job_group_line(lk_job *job, const lk_input_file *source, lk_line *line) {
  const lk_prepare_group *by = &job->settings->group;
  const char *start = NULL, *end = line->text + line->size;
  size_t size = 0;
  int columns;
  if (by->by != LK_GROUP_COLUMN) return LK_OK;
  if (!find_column(line, by->column, &start, &size, &columns))
    return lk_input_file_fail(source, line->number, lk_line_column(line, end),
                              "%d column%s, but the subject is column %d, counted from 0 (--group)", columns,
                              lk_plural(columns), by->column);
  LK_TRY(lk_job_group_value(job, source, line, start, size));
  /* remove the column from the line, with the TAB after it, or before it if it is the last */
  const char *stop = start + size;
  if (stop < end)
    stop++;
  else if (start > line->text)
    start--;
  const size_t before = (size_t)(start - line->text);
  job->line.size = 0;
  LK_TRY(lk_buffer_append(&job->line, line->text, before));
  LK_TRY(lk_buffer_append(&job->line, stop, (size_t)(end - stop)));
  line->gap_columns = (ptrdiff_t)lk_utf8_count(start, (size_t)(stop - start));
  line->text = job->line.data ? job->line.data : "";
  line->size = job->line.size;
  line->gap = line->text + before;
  return LK_OK;
}

/* The value of a comment "# KEY = value", "# KEY value" or "# KEY"; false for any other comment. */
static bool value_of(const lk_line *line, const char *key, const char **text, size_t *size) {
  const size_t length = strlen(key);
  const char *at = line->text, *end = line->text + line->size;
  while (at < end && (*at == '#' || *at == ' ' || *at == '\t')) at++;
  if ((size_t)(end - at) < length || memcmp(at, key, length) != 0) return false;
  at += length;
  if (at < end && !strchr(" \t=:", *at)) return false;
  while (at < end && strchr(" \t=:", *at)) at++;
  *text = at;
  *size = (size_t)(end - at);
  return true;
}

lk_status lk_job_group_comment(lk_job *job, const lk_input_file *source, const lk_line *line) {
  const lk_prepare_group *by = &job->settings->group;
  const char *text;
  size_t size;
  if (by->by != LK_GROUP_COMMENT || !value_of(line, by->text, &text, &size)) return LK_OK;
  shorten(by, &text, &size);
  return size > 0 ? begin_named(job, text, size) : begin_unnamed(job, source, line->number);
}

lk_status lk_job_group_begins(lk_job *job, const lk_input_file *source, const lk_line *line) {
  const lk_prepare_group *by = &job->settings->group;
  if (by->by != LK_GROUP_LINE) return LK_OK;
  LK_ASSERT(by->text); /* checked together with the other settings */
  const size_t size = strlen(by->text);
  if (line->size < size || memcmp(line->text, by->text, size) != 0) return LK_OK;
  return begin_unnamed(job, source, line->number);
}
