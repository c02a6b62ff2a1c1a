#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint_impl.h"
#include "corpus_impl.h"
#include "arena.h"

const char *const lk_split_names[LK_SPLITS] = {"train", "valid", "test"};
const char *const lk_corpus_kind_names[LK_CORPUS_KINDS] = {"text", "classify", "label", "pairs", "frames"};

enum { MOST_FRAMES = 1 << 20, MOST_VOCABULARY = 1 << 28, MOST_MODEL = 1 << 28 /* bytes */ };
enum { MOST_WIDTH = 1 << 16 /* numbers of a column */ };

void lk_info_release(lk_corpus_info *info) {
  lk_strings_release(&info->source);
  lk_strings_release(&info->target);
  lk_strings_release(&info->label);
  lk_strings_release(&info->unseen);
  lk_strings_release(&info->character);
  for (int i = 0; i < info->columns; i++)
    if (!lk_column_borrows(&info->column[i])) lk_strings_release(&info->column[i].values);
  lk_vectors_release(info);
  lk_buffer_release(&info->source_model);
  lk_buffer_release(&info->target_model);
}

ptrdiff_t lk_column_tokens(const lk_corpus_column *column) {
  return column->forms ? column->written : column->values.count;
}

static lk_status newer(const lk_h5 *file, int64_t found, int64_t known) {
  return LK_FAIL(LK_NEWER,
                 "%s was written by a newer version of Lockstep (format %" PRId64 "; this program reads up to %" PRId64
                 "): use that version, or a later one",
                 lk_h5_path(file), found, known);
}

lk_status lk_format_check(const lk_h5 *file, const char *format, const char *what, int64_t version) {
  lk_buffer text = {0};
  int64_t found = 0;
  const lk_status missing = lk_h5_get_text(file, "/", "format", &text);
  const bool same = missing == LK_OK && strcmp(text.data, format) == 0;
  const bool named = missing == LK_OK && strncmp(text.data, "lockstep-", 9) == 0;
  char other[32] = "";
  if (named) snprintf(other, sizeof other, "%.30s", text.data + 9);
  lk_buffer_release(&text);
  if (missing != LK_OK && missing != LK_DATA) return missing;
  if (!same) {
    if (missing == LK_DATA) lk_error_clear();
    if (named) return LK_FAIL(LK_DATA, "%s is not a %s: it is a Lockstep %s", lk_h5_path(file), what, other);
    return LK_FAIL(LK_DATA, "%s is not a %s: it does not say format=\"%s\"", lk_h5_path(file), what, format);
  }
  LK_TRY(lk_h5_get_int(file, "/", "version", &found));
  if (found < 1)
    return LK_FAIL(LK_DATA, "%s says that it is of version %" PRId64 " of its format, which there never was",
                   lk_h5_path(file), found);
  return found > version ? newer(file, found, version) : LK_OK;
}

lk_status lk_format_newer(const lk_h5 *file) {
  static const struct {
    const char *format;
    int64_t version;
  } ours[] = {{LK_CORPUS_FORMAT, LK_CORPUS_VERSION}, {LK_CHECKPOINT_FORMAT, LK_CHECKPOINT_VERSION}};
  lk_buffer text = {0};
  int64_t found = 0, known = INT64_MAX;
  lk_status status = lk_h5_get_text(file, "/", "format", &text);
  if (status == LK_OK) status = lk_h5_get_int(file, "/", "version", &found);
  for (int i = 0; i < 2 && status == LK_OK; i++)
    if (strcmp(text.data, ours[i].format) == 0) known = ours[i].version;
  lk_buffer_release(&text);
  if (status != LK_DATA) return status == LK_OK && found > known ? newer(file, found, known) : status;
  lk_error_clear(); /* not one of our formats: the reader reports that */
  return LK_OK;
}

/* ---- further columns ---- */

/* A column is a data set of each bucket and, if it holds tokens, one of /vocab: it cannot be called like the others. */
bool lk_column_name_suits(const char *name) {
  static const char *const taken[] = {"source", "length", "target",       "target_length", "frames",   "references",
                                      "label",  "unseen", "source_model", "target_model",  "character"};
  const size_t size = strlen(name);
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
    if (strcmp(name, taken[i]) == 0) return false;
  return size >= 1 && size < sizeof((lk_corpus_column *)0)->name && name[0] != '_' &&
         strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == size && strstr(name, "_count") == NULL;
}

static lk_status write_column_forms(lk_h5 *file, const char *object, const lk_corpus_info *info) {
  lk_buffer text = {0};
  lk_status status = LK_OK;
  for (int i = 0; i < info->columns; i++) {
    const lk_corpus_column *column = &info->column[i];
    LK_ASSERT(lk_column_name_suits(column->name));
    LK_GO(lk_buffer_printf(&text, "%s%s", i > 0 ? "," : "", column->name));
    if (column->numbers) LK_GO(lk_buffer_printf(&text, ":%td", column->width));
  }
  if (info->columns > 0) LK_GO(lk_h5_set_text(file, object, "columns", text.data));
done:
  lk_buffer_release(&text);
  return status;
}

/* "casing" are tokens, "weather:3" three numbers. */
static bool parse_column(char *item, lk_corpus_column *column) {
  const char *name = strsep(&item, ":");
  char *end = "";
  const long width = item ? strtol(item, &end, 10) : 1;
  *column = (lk_corpus_column){.width = width, .numbers = item != NULL};
  if (!lk_column_name_suits(name) || width < 1 || width > MOST_WIDTH || *end) return false;
  (void)snprintf(column->name, sizeof column->name, "%s", name);
  column->forms = strcmp(name, LK_FORMS) == 0;
  return !(column->forms && column->numbers);
}

static bool parse_columns(char *text, lk_corpus_info *info) {
  for (char *item; (item = strsep(&text, ",")) != NULL;) {
    if (info->columns == LK_MOST_FURTHER || !parse_column(item, &info->column[info->columns])) return false;
    for (int i = 0; i < info->columns; i++)
      if (strcmp(info->column[i].name, info->column[info->columns].name) == 0) return false;
    info->columns++;
  }
  return true;
}

lk_status lk_column_forms_read(const lk_h5 *file, const char *object, lk_corpus_info *info) {
  lk_buffer text = {0};
  if (!lk_h5_has_attribute(file, object, "columns")) return LK_OK; /* older files, and most others */
  lk_status status = lk_h5_get_text(file, object, "columns", &text);
  bool good = status == LK_OK && info->kind != LK_CORPUS_PAIRS && parse_columns(text.data, info);
  for (int i = 0; good && i < info->columns; i++)
    good = !(info->stream && info->column[i].numbers) && !(info->column[i].forms && info->kind == LK_CORPUS_FRAMES);
  if (status == LK_OK && !good)
    status =
        LK_FAIL(LK_DATA, "%s: attribute \"columns\" of %s is not a list of columns, COLUMN or COLUMN:WIDTH, of rows",
                lk_h5_path(file), object);
  lk_buffer_release(&text);
  return status;
}

/* The forms of a corpus are written at its end (lk_corpus_name_forms()). */
static lk_status write_column_values(lk_h5 *file, const lk_corpus_info *info) {
  char path[64];
  for (int i = 0; i < info->columns; i++) {
    if (info->column[i].numbers || info->column[i].forms || lk_column_borrows(&info->column[i])) continue;
    snprintf(path, sizeof path, "/vocab/%s", info->column[i].name);
    LK_TRY(lk_h5_write_strings(file, path, &info->column[i].values, "the number of a value is its row"));
  }
  return LK_OK;
}

static lk_status read_column_values(const lk_h5 *file, lk_corpus_info *info) {
  char path[64];
  for (int i = 0; i < info->columns; i++) {
    lk_corpus_column *column = &info->column[i];
    if (column->numbers) continue;
    const bool borrows = lk_column_borrows(column);
    snprintf(path, sizeof path, borrows ? "/%s/words" : "/vocab/%s", column->name);
    if (column->forms && !lk_h5_exists(file, path)) continue; /* of a model */
    if (borrows)
      column->values = info->vector_words;
    else if (!column->forms)
      LK_TRY(lk_h5_read_strings(file, path, &column->values));
    else /* they may be millions, and few nets read them */
      LK_TRY(lk_h5_count_strings(file, path, &column->written));
    const ptrdiff_t tokens = lk_column_tokens(column);
    if (tokens < 1 || tokens > INT32_MAX)
      return LK_FAIL(LK_DATA, "%s: %s has %td values; at least 1 is needed, and at most %d", lk_h5_path(file), path,
                     tokens, INT32_MAX);
  }
  return LK_OK;
}

/* ---- vocabularies and models ---- */

static lk_status write_vocab(lk_h5 *file, const char *name, const char *note, const lk_strings *words) {
  char path[64];
  if (!words->count) return LK_OK;
  snprintf(path, sizeof path, "/vocab/%s", name);
  LK_TRY(lk_h5_write_strings(file, path, words, note));
  snprintf(path, sizeof path, "/vocab/%s_count", name);
  return lk_h5_write(file, path, LK_INT64, 1, &words->count, words->number, 4, "how often each was seen in training");
}

static lk_status write_model(lk_h5 *file, const char *path, const lk_buffer *model) {
  const ptrdiff_t size = (ptrdiff_t)model->size;
  if (!size) return LK_OK;
  return lk_h5_write(file, path, LK_UINT8, 1, &size, model->data, 4, "a SentencePiece model, the bytes of its file");
}

lk_status lk_vocab_write(lk_h5 *file, const lk_corpus_info *info) {
  LK_TRY(write_vocab(file, "source", "the id of a word is its row; <pad> <sos> <eos> <unk> come first", &info->source));
  LK_TRY(write_vocab(file, "target", "as source, of the target language", &info->target));
  LK_TRY(write_vocab(file, "label", "labels, numbered from 0", &info->label));
  LK_TRY(
      write_vocab(file, "character", "characters of words; <sos> and <eos> are the ends of a word", &info->character));
  LK_TRY(write_model(file, "/vocab/source_model", &info->source_model));
  LK_TRY(write_model(file, "/vocab/target_model", &info->target_model));
  return write_column_values(file, info);
}

static lk_status read_vocab(const lk_h5 *file, const char *name, bool wanted, ptrdiff_t least, lk_strings *words) {
  char path[64];
  snprintf(path, sizeof path, "/vocab/%s", name);
  if (wanted || lk_h5_exists(file, path)) LK_TRY(lk_h5_read_strings(file, path, words));
  if (wanted && words->count < least)
    return LK_FAIL(LK_DATA, "%s: %s has %td entries; at least %td are needed", lk_h5_path(file), path, words->count,
                   least);
  for (ptrdiff_t i = 0; words->number && i < words->count; i++)
    if (words->number[i] < 0)
      return LK_FAIL(LK_DATA, "%s: %s_count row %td: %" PRId64 ", but nothing is seen a negative number of times",
                     lk_h5_path(file), path, i, words->number[i]);
  if (words->count > MOST_VOCABULARY)
    return LK_FAIL(LK_DATA, "%s: %s has %td entries; too many", lk_h5_path(file), path, words->count);
  return LK_OK;
}

static lk_status read_model(const lk_h5 *file, const char *path, lk_buffer *model) {
  lk_type type = LK_UINT8;
  int dims = 0;
  ptrdiff_t shape[LK_H5_DIMS] = {0};
  if (!lk_h5_exists(file, path)) return LK_OK;
  LK_TRY(lk_h5_shape(file, path, &type, &dims, shape));
  if (type != LK_UINT8 || dims != 1 || shape[0] > MOST_MODEL)
    return LK_FAIL(LK_DATA, "%s: %s is not a list of at most %d bytes", lk_h5_path(file), path, MOST_MODEL);
  LK_TRY(lk_grow(&model->data, &model->capacity, (size_t)shape[0] + 1, 1));
  LK_TRY(lk_h5_read(file, path, LK_UINT8, 0, shape[0], model->data));
  model->size = (size_t)shape[0];
  model->data[model->size] = '\0';
  return LK_OK;
}

lk_status lk_vocab_read(const lk_h5 *file, lk_corpus_info *info) {
  LK_TRY(read_vocab(file, "source", lk_kind_has_ids(info->kind), LK_SPECIALS, &info->source));
  LK_TRY(read_vocab(file, "target", info->kind == LK_CORPUS_PAIRS, LK_SPECIALS, &info->target));
  LK_TRY(read_vocab(file, "label", lk_kind_has_label(info->kind), 1, &info->label));
  LK_TRY(read_vocab(file, "unseen", false, 0, &info->unseen));
  bool forms = false;
  for (int i = 0; i < info->columns; i++) forms |= info->column[i].forms;
  if (forms) LK_TRY(read_vocab(file, "character", true, LK_SPECIALS, &info->character));
  if (info->shared && info->source.count != info->target.count)
    return LK_FAIL(LK_DATA, "%s: both sides share one vocabulary, but /vocab/target has %td entries, not %td",
                   lk_h5_path(file), info->target.count, info->source.count);
  LK_TRY(read_model(file, "/vocab/source_model", &info->source_model));
  LK_TRY(read_model(file, "/vocab/target_model", &info->target_model));
  LK_TRY(lk_vectors_open(file, info));
  return read_column_values(file, info);
}

lk_status lk_info_write(lk_h5 *file, const char *object, const lk_corpus_info *info) {
  LK_TRY(lk_h5_set_text(file, object, "task", lk_corpus_kind_names[info->kind]));
  LK_TRY(lk_h5_set_text(file, object, "unit", info->unit));
  if (info->kind == LK_CORPUS_PAIRS) {
    LK_TRY(lk_h5_set_text(file, object, "target_unit", info->target_unit));
    LK_TRY(lk_h5_set_int(file, object, "shared", info->shared));
  }
  LK_TRY(lk_h5_set_int(file, object, "frames", info->frames));
  LK_TRY(lk_h5_set_int(file, object, "stream", info->stream));
  LK_TRY(lk_h5_set_int(file, object, "lower", info->lower));
  LK_TRY(lk_h5_set_int(file, object, "nfc", info->nfc));
  if (info->digits) LK_TRY(lk_h5_set_int(file, object, "digits", info->digits));
  if (info->split[0]) LK_TRY(lk_h5_set_text(file, object, "split", info->split));
  if (info->tags) LK_TRY(lk_h5_set_text(file, object, "tags", lk_scheme_names[info->tags]));
  if (info->conllu_word) LK_TRY(lk_h5_set_int(file, object, "conllu_word", info->conllu_word));
  if (info->conllu_tag) LK_TRY(lk_h5_set_int(file, object, "conllu_tag", info->conllu_tag));
  LK_TRY(write_column_forms(file, object, info));
  return lk_h5_set_int(file, object, "max_length", info->max_length);
}

static lk_status get_bounded(const lk_h5 *file, const char *object, const char *name, int64_t most, int64_t *value) {
  LK_TRY(lk_h5_get_int(file, object, name, value));
  if (*value < 0 || *value > most)
    return LK_FAIL(LK_DATA, "%s: attribute \"%s\" of %s is %" PRId64 ", not in 0 to %" PRId64, lk_h5_path(file), name,
                   object, *value, most);
  return LK_OK;
}

/* The same for an attribute that older files lack; it is 0 there. */
static lk_status get_optional(const lk_h5 *file, const char *object, const char *name, int64_t most, int64_t *value) {
  *value = 0;
  if (!lk_h5_has_attribute(file, object, name)) return LK_OK;
  return get_bounded(file, object, name, most, value);
}

static lk_status read_unit(const lk_h5 *file, const char *object, const char *name, char unit[16]) {
  lk_buffer text = {0};
  lk_status status = lk_h5_get_text(file, object, name, &text);
  if (status == LK_OK && text.size >= 16)
    status = LK_FAIL(LK_DATA, "%s: attribute \"%s\" of %s is too long", lk_h5_path(file), name, object);
  if (status == LK_OK) memcpy(unit, text.data, text.size + 1);
  lk_buffer_release(&text);
  return status;
}

/* How the splits were made; "" in older files and where each split had a file of its own. */
static lk_status read_split(const lk_h5 *file, const char *object, lk_corpus_info *info) {
  lk_buffer text = {0};
  if (!lk_h5_has_attribute(file, object, "split")) return LK_OK;
  lk_status status = lk_h5_get_text(file, object, "split", &text);
  if (status == LK_OK) (void)snprintf(info->split, sizeof info->split, "%s", text.data);
  lk_buffer_release(&text);
  return status;
}

/* The scheme of the files' tags; none in older files, and where labels are as the files have them. */
static lk_status read_tags(const lk_h5 *file, const char *object, lk_corpus_info *info) {
  lk_buffer text = {0};
  int scheme = LK_SCHEME_AS_FILED + 1;
  if (!lk_h5_has_attribute(file, object, "tags")) return LK_OK;
  lk_status status = lk_h5_get_text(file, object, "tags", &text);
  while (status == LK_OK && scheme < LK_SCHEME_BIOES && strcmp(text.data, lk_scheme_names[scheme]) != 0) scheme++;
  if (status == LK_OK && (scheme == LK_SCHEME_BIOES || info->kind != LK_CORPUS_LABEL))
    status = LK_FAIL(LK_DATA, "%s: attribute \"tags\" of %s is \"%.40s\", not a scheme that this program knows",
                     lk_h5_path(file), object, text.data);
  info->tags = (lk_scheme)scheme;
  lk_buffer_release(&text);
  return status;
}

static lk_status read_names(const lk_h5 *file, const char *object, lk_corpus_info *info) {
  lk_buffer task = {0};
  lk_status status = LK_OK;
  int kind = 0;
  LK_GO(lk_h5_get_text(file, object, "task", &task));
  while (kind < LK_CORPUS_KINDS && strcmp(task.data, lk_corpus_kind_names[kind]) != 0) kind++;
  if (kind == LK_CORPUS_KINDS)
    LK_GO(LK_FAIL(LK_DATA, "%s: attribute \"task\" of %s is \"%.40s\", not one this program knows", lk_h5_path(file),
                  object, task.data));
  info->kind = (lk_corpus_kind)kind;
  LK_GO(read_unit(file, object, "unit", info->unit));
  if (info->kind == LK_CORPUS_PAIRS) LK_GO(read_unit(file, object, "target_unit", info->target_unit));
done:
  lk_buffer_release(&task);
  return status;
}

lk_status lk_info_read(const lk_h5 *file, const char *object, lk_corpus_info *info) {
  int64_t frames, stream, lower, nfc, digits, longest, shared = 0, word, tag;
  LK_TRY(read_names(file, object, info));
  LK_TRY(read_split(file, object, info));
  LK_TRY(read_tags(file, object, info));
  LK_TRY(get_bounded(file, object, "frames", MOST_FRAMES, &frames));
  LK_TRY(get_bounded(file, object, "stream", 1, &stream));
  LK_TRY(get_bounded(file, object, "lower", 1, &lower));
  LK_TRY(get_bounded(file, object, "nfc", 1, &nfc));
  LK_TRY(get_optional(file, object, "digits", 1, &digits));
  LK_TRY(get_optional(file, object, "conllu_word", 2000, &word));
  LK_TRY(get_optional(file, object, "conllu_tag", 2000, &tag));
  LK_TRY(get_bounded(file, object, "max_length", INT32_MAX, &longest));
  if (info->kind == LK_CORPUS_PAIRS) LK_TRY(get_bounded(file, object, "shared", 1, &shared));
  if ((info->kind == LK_CORPUS_FRAMES) != (frames > 0))
    return LK_FAIL(LK_DATA, "%s: attribute \"frames\" of %s is %" PRId64 ", which does not go with task \"%s\"",
                   lk_h5_path(file), object, frames, lk_corpus_kind_names[info->kind]);
  if (stream && info->kind != LK_CORPUS_TEXT)
    return LK_FAIL(LK_DATA, "%s: only a corpus of text is a stream", lk_h5_path(file));
  info->frames = (ptrdiff_t)frames;
  info->stream = (int)stream;
  info->lower = (int)lower;
  info->conllu_word = (int)word;
  info->conllu_tag = (int)tag;
  info->nfc = (int)nfc;
  info->digits = (int)digits;
  info->max_length = (ptrdiff_t)longest;
  info->shared = (int)shared;
  return lk_column_forms_read(file, object, info);
}
