/* prepare pairs - `source<TAB>target[<TAB>target...]` in one file, or sources and targets in two files, line by
 * line.
 *
 * Validation and test may have several targets per source: the loss uses the first, all are references for
 * evaluation. The corpus stores the references as folded text, so that they can be compared with a model's output
 * whether or not it contains <unk>. Blank lines (with two files: blank in both) are skipped, and so are empty
 * targets after the first. */
#include <string.h>

#include "arena.h"
#include "durable.h"
#include "prepare_impl.h"

/* One side of a pair and its position in the input. */
typedef struct place {
  const lk_input_file *source;
  lk_line line;
  const char *text; /* within the line; for targets the rest of the line, including TABs */
  size_t size;
} place;

static lk_unit unit_of(const lk_job *job, int side) { return side ? job->settings->pairs.unit : job->settings->unit; }

static lk_vocab *vocab_of(const lk_job *job, int side) { return side && job->targets ? job->targets : job->vocab; }

static lk_status check(const lk_prepare *p) {
  const lk_prepare_pairs *pairs = &p->pairs;
  if (p->stream) return LK_FAIL(LK_USAGE, "--stream is for text, not for pairs");
  const bool like = p->like != NULL; /* then the existing file determines how text is split */
  if (p->separator && pairs->target[LK_TRAIN])
    return LK_FAIL(LK_USAGE, "--separator is for pairs in one file, not for --target");
  if (pairs->vocabulary < 0 || pairs->minimum < 1)
    return LK_FAIL(LK_USAGE, "targets: a vocabulary of %td units seen %lld times: at least 0 (for all) and 1",
                   pairs->vocabulary, (long long)pairs->minimum);
  const bool pieces = p->unit == LK_PIECE || (pairs->unit == LK_PIECE && !pairs->model[1]);
  if (pieces && !pairs->model[0] && !like)
    return LK_FAIL(LK_USAGE, "a SentencePiece model is needed: --sentencepiece MODEL");
  if (pairs->model[0] && !pieces) return LK_FAIL(LK_USAGE, "--sentencepiece: neither side's unit is sentencepiece");
  if (pairs->model[1] && pairs->unit != LK_PIECE)
    return LK_FAIL(LK_USAGE, "a SentencePiece model for targets whose unit is %s", lk_unit_names[pairs->unit]);
  if (!pairs->shared || like) return LK_OK;
  if (p->unit != pairs->unit || pairs->model[1])
    return LK_FAIL(LK_USAGE, "--shared-vocabulary: both sides have to be cut in the same way");
  if (p->vocabulary != pairs->vocabulary || p->minimum != pairs->minimum)
    return LK_FAIL(LK_USAGE, "--shared-vocabulary: there is one size and one minimum count for both sides");
  return LK_OK;
}

static lk_status load_model(lk_job *job, int side, lk_buffer *bytes) {
  const char *path = job->settings->pairs.model[side];
  LK_TRY(lk_buffer_read_file(bytes, path));
  lk_digest(bytes->data ? bytes->data : "", bytes->size, job->model_digest[side]);
  return lk_pieces_create(&job->pieces[side], path, bytes->data ? bytes->data : "", bytes->size);
}

static lk_status begin(lk_job *job) {
  const lk_prepare_pairs *pairs = &job->settings->pairs;
  const char *unit = lk_unit_names[pairs->unit];
  memcpy(job->info.target_unit, unit, strlen(unit) + 1);
  job->info.shared = pairs->shared;
  if (!pairs->shared) LK_TRY(lk_vocab_create(&job->targets, true));
  if (job->settings->like) return lk_job_pieces_like(job);
  if (pairs->model[0]) LK_TRY(load_model(job, 0, &job->info.source_model));
  if (pairs->model[1]) LK_TRY(load_model(job, 1, &job->info.target_model));
  if (pairs->unit == LK_PIECE && !pairs->model[1]) job->pieces[1] = job->pieces[0];
  return LK_OK;
}

/* ---- reading ---- */

/* Both sides of the next line that is not blank; false at the end. */
static lk_status read_line(lk_job *job, lk_input_file *source, place side[2], bool *more) {
  lk_line line;
  lk_halves halves;
  LK_TRY(lk_input_file_line(source, &line, more));
  if (!*more) return LK_OK;
  LK_TRY(lk_job_group_line(job, source, &line));
  LK_TRY(lk_job_halve(job, source, &line, "source", "target", &halves));
  if (job->settings->separator) { /* blanks next to a separator belong to it */
    lk_trim(&halves.head, &halves.head_size);
    lk_trim(&halves.tail, &halves.tail_size);
  }
  side[0] = (place){source, line, halves.head, halves.head_size};
  side[1] = (place){source, line, halves.tail, halves.tail_size};
  const char *tab = job->settings->separator ? memchr(halves.tail, '\t', halves.tail_size) : NULL;
  return tab ? lk_input_file_fail(source, line.number, lk_line_column(&line, tab), "a TAB in a target") : LK_OK;
}

static bool both_blank(const place side[2]) {
  return lk_is_blank(side[0].line.text, side[0].line.size) && lk_is_blank(side[1].line.text, side[1].line.size);
}

static lk_status read_lines(lk_job *job, lk_input_file *source, lk_input_file *targets, place side[2], bool *more) {
  bool other;
  do {
    LK_TRY(lk_reader_next(&source->reader, &side[0].line, more));
    LK_TRY(lk_reader_next(&targets->reader, &side[1].line, &other));
    if (*more != other) {
      const lk_input_file *shorter = *more ? targets : source, *longer = *more ? source : targets;
      return lk_input_file_fail(shorter, shorter->reader.line + 1, 1, "the file ends, but %s goes on", longer->name);
    }
  } while (*more && both_blank(side));
  if (!*more) return LK_OK;
  LK_TRY(lk_job_group_line(job, source, &side[0].line));
  const lk_line *line = &side[0].line;
  const char *tab = memchr(line->text, '\t', line->size);
  if (tab && !lk_is_blank(line->text, line->size))
    return lk_input_file_fail(source, line->number, lk_line_column(line, tab), "a TAB in a file of sources");
  side[0] = (place){source, side[0].line, side[0].line.text, side[0].line.size};
  side[1] = (place){targets, side[1].line, side[1].line.text, side[1].line.size};
  return LK_OK;
}

/* ---- splitting into units ---- */

/* Append the text, folded, to `out`; split into pieces if the side has a SentencePiece model. */
static lk_status cut(lk_job *job, int side, const char *text, size_t size, lk_buffer *out) {
  const lk_folding folding = lk_corpus_folding(&job->info);
  if (!job->pieces[side] || unit_of(job, side) != LK_PIECE) return lk_utf8_fold(out, text, size, folding);
  job->raw.size = 0;
  LK_TRY(lk_utf8_fold(&job->raw, text, size, folding));
  return lk_pieces_encode(job->pieces[side], job->raw.data, job->raw.size, out);
}

/* Whether the text is only white space, or has no piece in the model. */
static bool is_empty(const lk_job *job, int side, const lk_buffer *text) {
  if (lk_is_blank(text->data ? text->data : "", text->size)) return true;
  const char *start;
  size_t at = 0, length;
  return !lk_unit_next(unit_of(job, side), text->data, text->size, &at, &start, &length);
}

/* Append a target to the references: words separated by single blanks, other units unchanged. */
static lk_status add_reference(lk_job *job, const char *text, size_t size) {
  const char *start;
  size_t at = 0, length;
  lk_buffer *out = &job->references;
  job->raw.size = 0;
  LK_TRY(lk_utf8_fold(&job->raw, text, size, lk_corpus_folding(&job->info)));
  if (out->size > 0) LK_TRY(lk_buffer_append(out, "\t", 1));
  if (job->settings->pairs.unit != LK_WORD) return lk_buffer_append(out, job->raw.data, job->raw.size);
  for (bool first = true; lk_unit_next(LK_WORD, job->raw.data, job->raw.size, &at, &start, &length); first = false) {
    if (!first) LK_TRY(lk_buffer_append(out, " ", 1));
    LK_TRY(lk_buffer_append(out, start, length));
  }
  return LK_OK;
}

/* End of the target that begins at `at`; *bytes is the size of the separator. */
static const char *target_end(const lk_job *job, const char *at, const char *end, size_t *bytes) {
  const char *separator = job->settings->separator;
  *bytes = separator ? strlen(separator) : 1;
  if (*bytes == 0) return end; /* with blanks as separator there is one target, which contains blanks itself */
  const char *stop = memmem(at, (size_t)(end - at), separator ? separator : "\t", *bytes);
  return stop ? stop : end;
}

/* Append every target of the line that is not empty to the references; the first also goes to job->other. *empty is
 * set if the first is empty and the pair is left out. */
static lk_status take_targets(lk_job *job, const place *targets, lk_record *record, bool *empty) {
  const char *end = targets->text + targets->size;
  lk_buffer *scratch = &job->folded; /* free at this point: the source is folded later */
  size_t bytes;
  job->other.size = job->references.size = 0;
  record->targets = 0;
  *empty = false;
  for (const char *at = targets->text, *stop; at <= end; at = stop < end ? stop + bytes : end + 1) {
    stop = target_end(job, at, end, &bytes);
    lk_buffer *out = at == targets->text ? &job->other : scratch;
    out->size = 0;
    LK_TRY(cut(job, 1, at, (size_t)(stop - at), out));
    const ptrdiff_t column = lk_line_column(&targets->line, at);
    *empty = is_empty(job, 1, out);
    if (*empty && out == &job->other)
      return lk_job_empty(job, targets->source, targets->line.number, column, "an empty target");
    if (*empty) continue;
    LK_TRY(add_reference(job, at, (size_t)(stop - at)));
    if (++record->targets == 2) record->second = column;
  }
  *empty = false;
  return LK_OK;
}

/* Number of units of a text; *bytes is the size of the first `most` units, or of all if there are fewer. */
static ptrdiff_t measure(lk_unit unit, const lk_buffer *text, ptrdiff_t most, size_t *bytes) {
  const char *start;
  size_t at = 0, length;
  ptrdiff_t units = 0;
  *bytes = text->size;
  while (lk_unit_next(unit, text->data, text->size, &at, &start, &length))
    if (units++ == most) *bytes = (size_t)(start - text->data);
  return units;
}

/* Apply the length limit to a pair, judged by its longer side; *keep is false if the pair is left out. */
static lk_status limit(lk_job *job, const place side[2], bool *keep) {
  const ptrdiff_t most = job->settings->max_length;
  lk_buffer *text[2] = {&job->folded, &job->other};
  size_t bytes[2];
  ptrdiff_t units[2], kept;
  *keep = true;
  /* cannot exceed the limit, because a unit has at least one byte */
  if (text[0]->size <= (size_t)most && text[1]->size <= (size_t)most) return LK_OK;
  for (int i = 0; i < 2; i++) units[i] = measure(unit_of(job, i), text[i], most, &bytes[i]);
  const int longer = units[1] > units[0];
  const place *where = &side[longer];
  ptrdiff_t column = lk_line_column(&where->line, where->text);
  if (unit_of(job, longer) != LK_PIECE) column += (ptrdiff_t)lk_utf8_count(text[longer]->data, bytes[longer]);
  LK_TRY(lk_job_limit(job, where->source, where->line.number, column, units[longer], &kept));
  *keep = kept > 0;
  for (int i = 0; i < 2 && kept > 0; i++)
    if (units[i] > kept) lk_buffer_truncate(text[i], bytes[i]);
  return LK_OK;
}

/* Fold and split both sides; *keep is false if the pair is left out. */
static lk_status take_pair(lk_job *job, const place side[2], lk_record *record, bool *keep) {
  bool empty;
  *keep = false;
  LK_TRY(take_targets(job, &side[1], record, &empty));
  if (empty) return LK_OK;
  job->folded.size = 0;
  LK_TRY(cut(job, 0, side[0].text, side[0].size, &job->folded));
  if (is_empty(job, 0, &job->folded))
    return lk_job_empty(job, side[0].source, side[0].line.number, 1, "an empty source");
  return limit(job, side, keep);
}

static lk_status next(lk_job *job, lk_input_file *source, lk_record *record, bool *more) {
  lk_input_file *targets = source->targets;
  for (bool keep = false; !keep;) {
    place side[2];
    LK_TRY(targets ? read_lines(job, source, targets, side, more) : read_line(job, source, side, more));
    if (!*more) return LK_OK;
    LK_TRY(take_pair(job, side, record, &keep));
    record->line = side[0].line.number;
  }
  record->text = job->folded.data;
  record->size = job->folded.size;
  record->label = job->other.data;
  record->label_size = job->other.size;
  return LK_OK;
}

/* ---- counting and writing ---- */

static lk_status count(lk_job *job, const lk_input_file *source, const lk_record *record) {
  if (record->targets > 1)
    return lk_input_file_fail(source->targets ? source->targets : source, record->line, record->second,
                              "a second target, which only validation and test may have");
  LK_TRY(lk_vocab_count_text(vocab_of(job, 0), unit_of(job, 0), record->text, record->size));
  return lk_vocab_count_text(vocab_of(job, 1), unit_of(job, 1), record->label, record->label_size);
}

/* Encode a text as <sos>, its units, <eos>. A unit spelled like a special one becomes <unk>. */
static lk_status encode(lk_job *job, int side, const char *text, size_t size, int32_t **ids, size_t *capacity,
                        ptrdiff_t *length) {
  *length = 1;
  LK_TRY(lk_grow(ids, capacity, size + 2, sizeof **ids));
  LK_TRY(lk_vocab_encode(vocab_of(job, side), unit_of(job, side), text, size, ids, length, capacity));
  for (ptrdiff_t i = 1; i < *length; i++)
    if ((*ids)[i] < LK_SPECIALS) (*ids)[i] = LK_UNK;
  LK_TRY(lk_grow(ids, capacity, (size_t)*length + 1, sizeof **ids));
  (*ids)[0] = LK_SOS;
  (*ids)[(*length)++] = LK_EOS;
  return LK_OK;
}

static lk_status write_record(lk_job *job, const lk_input_file *source, lk_split split, const lk_record *record) {
  (void)source;
  lk_corpus_row row = {0};
  LK_TRY(encode(job, 0, record->text, record->size, &job->ids, &job->ids_capacity, &row.length));
  LK_TRY(encode(job, 1, record->label, record->label_size, &job->tags, &job->tags_capacity, &row.target_length));
  row.source = job->ids;
  row.target = job->tags;
  if (split != LK_TRAIN) {
    row.references = job->references.data;
    row.references_size = job->references.size;
    job->report.further[split] += record->targets - 1;
  }
  return lk_job_add(job, split, &row, row.length - 2);
}

const lk_format lk_format_pairs = {.name = "pairs",
                                   .kind = LK_CORPUS_PAIRS,
                                   .check = check,
                                   .begin = begin,
                                   .next = next,
                                   .count = count,
                                   .write = write_record};
