/* prepare frames - `label<TAB>f,f,f f,f,f`, one sequence of frames per line (blank lines are skipped); or an HDF5
 * file with frames, offsets and labels.
 *
 * All frames of a corpus have the same width D. NaN and infinity are errors, reported with their position. */
#include "prepare_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

static lk_status check(const lk_prepare *settings) {
  if (settings->stream) return LK_FAIL(LK_USAGE, "--stream is for text, not for frames");
  if (settings->vocabulary > 0 || settings->minimum > 1)
    return LK_FAIL(LK_USAGE, "frames have no vocabulary: leave out --vocabulary and --min-count");
  return LK_OK;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Parse [+-] digits [. digits] [e [+-] digits] of `size` bytes: the value is digits * 10^exponent. Returns false if
 * it has another form or more than 18 digits. */
static bool scan_number(const char *text, size_t size, bool *negative, uint64_t *digits, int *exponent) {
  size_t i = 0;
  int seen = 0, shift = 0, sign = 1, power = 0;
  *digits = 0;
  *negative = size > 0 && text[0] == '-';
  if (size > 0 && (text[0] == '-' || text[0] == '+')) i++;
  for (bool point = false; i < size && (is_digit(text[i]) || (text[i] == '.' && !point)); i++) {
    if (text[i] == '.') {
      point = true;
      continue;
    }
    *digits = *digits * 10 + (uint64_t)(text[i] - '0');
    seen++;
    shift -= point;
  }
  if (seen == 0 || seen > 18) return false;
  if (i < size && (text[i] == 'e' || text[i] == 'E')) {
    i++;
    if (i < size && (text[i] == '-' || text[i] == '+')) sign = text[i++] == '-' ? -1 : 1;
    if (i >= size || size - i > 4) return false;
    for (; i < size && is_digit(text[i]); i++) power = power * 10 + (text[i] - '0');
  }
  *exponent = shift + sign * power;
  return i == size;
}

/* Fallback: any other form that strtod() accepts; NaN if it accepts none. */
static double parse_slowly(const char *text, size_t size) {
  char copy[128];
  if (size == 0 || size >= sizeof copy) return (double)NAN;
  memcpy(copy, text, size);
  copy[size] = '\0';
  char *end;
  const double value = strtod(copy, &end);
  return end == copy + size ? value : (double)NAN;
}

/* Correctly rounded if the digits and the power of ten are exact in double, because then only one operation rounds
 * (Clinger 1990, fast case). */
static double parse_number(const char *text, size_t size) {
  static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  bool negative;
  uint64_t digits;
  int exponent;
  if (!scan_number(text, size, &negative, &digits, &exponent) || digits >> 53 || exponent < -22 || exponent > 22)
    return parse_slowly(text, size);
  const double value = exponent < 0 ? (double)digits / power[-exponent] : (double)digits * power[exponent];
  return negative ? -value : value;
}

/* Append the numbers of one frame, separated by commas, to job->frames at *used. */
static lk_status take_frame(lk_job *job, const lk_input_file *source, const lk_line *line, const char *start,
                            size_t size, size_t *used) {
  char quoted[256];
  const char *end = start + size;
  ptrdiff_t width = 0;
  for (const char *at = start; at <= end; width++) {
    const char *comma = memchr(at, ',', (size_t)(end - at)), *stop = comma ? comma : end;
    const float value = (float)parse_number(at, (size_t)(stop - at));
    if (!isfinite(value))
      return lk_input_file_fail(source, line->number, lk_line_column(line, at), "found %s, expected a finite number",
                                lk_quote(quoted, at, (size_t)(stop - at)));
    LK_TRY(lk_grow(&job->frames, &job->frames_capacity, *used + 1, sizeof *job->frames));
    job->frames[(*used)++] = value;
    at = stop + 1;
  }
  if (job->info.frames == 0) job->info.frames = width;
  if (width == job->info.frames) return LK_OK;
  return lk_input_file_fail(source, line->number, lk_line_column(line, start),
                            "a frame of %td number%s, expected %td as in %s", width, lk_plural(width), job->info.frames,
                            job->settings->like ? job->settings->like->path : "the frames before");
}

/* Read the frames from `text` on; *count is their number. */
static lk_status take_frames(lk_job *job, const lk_input_file *source, const lk_line *line, const char *text,
                             ptrdiff_t *count) {
  const size_t size = (size_t)(line->text + line->size - text);
  const char *start;
  size_t at = 0, length, used = 0;
  for (*count = 0; lk_unit_next(LK_WORD, text, size, &at, &start, &length); ++*count)
    LK_TRY(take_frame(job, source, line, start, length, &used));
  return LK_OK;
}

static lk_status next_line(lk_job *job, lk_input_file *source, lk_record *record, bool *more) {
  lk_line line;
  for (;;) {
    LK_TRY(lk_input_file_line(source, &line, more));
    if (!*more) return LK_OK;
    lk_halves halves;
    bool none;
    record->line = line.number;
    record->column = 1;
    LK_TRY(lk_job_group_line(job, source, &line));
    LK_TRY(lk_job_halve(job, source, &line, "label", "frames", &halves));
    LK_TRY(lk_job_take_label(job, source, halves.head, halves.head_size, record, &none));
    LK_TRY(take_frames(job, source, &line, halves.tail, &record->length));
    if (none) continue;
    if (record->length == 0) {
      LK_TRY(lk_job_empty(job, source, line.number, lk_line_column(&line, halves.tail), "no frames"));
      continue;
    }
    LK_TRY(lk_job_limit(job, source, line.number, 1, record->length, &record->length));
    if (record->length > 0) return LK_OK;
  }
}

/* For HDF5 the position is the row number. Rows that are left out are included in record->weight; otherwise they
 * would be read again. */
static lk_status next_row(lk_job *job, lk_input_file *source, lk_record *record, bool *more) {
  const ptrdiff_t width = lk_frames_h5_width(source->h5);
  if (job->info.frames == 0) job->info.frames = width;
  if (width != job->info.frames)
    return LK_FAIL(LK_DATA, "%s: /frames has %td column%s, expected %td as in the other input", source->name, width,
                   lk_plural(width), job->info.frames);
  record->weight = 0;
  for (*more = false; !*more;) {
    const char *label;
    size_t size;
    bool none;
    record->line = source->position + record->weight++;
    if (record->line >= lk_frames_h5_rows(source->h5)) return LK_OK;
    LK_TRY(lk_frames_h5_row(source->h5, record->line, &job->frames, &job->frames_capacity, &record->length, &label,
                            &size));
    LK_TRY(lk_job_take_label(job, source, label, size, record, &none));
    if (none) continue;
    if (record->length == 0) {
      LK_TRY(lk_job_empty(job, source, record->line, 0, "no frames"));
      continue;
    }
    LK_TRY(lk_job_limit(job, source, record->line, 0, record->length, &record->length));
    *more = record->length > 0;
  }
  return LK_OK;
}

static lk_status next(lk_job *job, lk_input_file *source, lk_record *record, bool *more) {
  return source->h5 ? next_row(job, source, record, more) : next_line(job, source, record, more);
}

static lk_status count(lk_job *job, const lk_input_file *source, const lk_record *record) {
  (void)source;
  return lk_vocab_count(job->labels, record->label, record->label_size);
}

static lk_status write_record(lk_job *job, const lk_input_file *source, lk_split split, const lk_record *record) {
  int32_t label;
  LK_TRY(
      lk_job_find_label(job, source, split, record->line, record->column, record->label, record->label_size, &label));
  const lk_corpus_row row = {.length = record->length, .target = &label, .target_length = 1, .frames = job->frames};
  return lk_job_add(job, split, &row, record->length);
}

const lk_format lk_format_frames = {.name = "frames",
                                    .kind = LK_CORPUS_FRAMES,
                                    .labels = true,
                                    .check = check,
                                    .next = next,
                                    .count = count,
                                    .write = write_record};
