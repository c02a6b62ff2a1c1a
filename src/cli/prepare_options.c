/* prepare_options.c - the options of `lockstep prepare`. A new one is a line of LK_OPTIONS and a case in a parse function. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "prepare_options_impl.h"
#include "tokenizer.h"

#define TEXT     LK_KIND_TEXT
#define CLASSIFY LK_KIND_CLASSIFY
#define LABEL    LK_KIND_LABEL
#define PAIRS    LK_KIND_PAIRS
#define FRAMES   LK_KIND_FRAMES
#define ALL      LK_KIND_ALL
#define UNITS    "word|char|sentencepiece"

/* key, name, argument, kinds that it is for, group in the help, what it does */
#define LK_OPTIONS(X)                                                                                               \
  X(VALID, "valid", "FILE", ALL, 1, "validation data; may be given several times")                                  \
  X(TEST, "test", "FILE", ALL, 1, "test data; may be given several times")                                          \
  X(VALID_FRACTION, "valid-fraction", "X", ALL, 1,                                                                  \
    "split off the share X (0 to 0.999) of the FILEs for validation: their last rows; for classify and frames "     \
    "the last rows of each class")                                                                                  \
  X(TEST_FRACTION, "test-fraction", "X", ALL, 1, "the same for testing; test rows follow the validation rows")      \
  X(IN_ORDER, "in-order", NULL, CLASSIFY | FRAMES, 1,                                                               \
    "split off the last rows of the FILEs whatever their classes (for rows in order of time)")                      \
  X(SHUFFLE, "shuffle", "SEED", ALL, 1,                                                                             \
    "split off random rows. SEED is a whole number; the same one gives the same rows on any machine")               \
  X(GROUP, "group", "column=N|comment=KEY|line=TEXT", ALL, 1,                                                       \
    "put all rows of a subject (speaker, document ...) into the same split. The subject is named by column N of"    \
    " its lines, counted from 0 or from the end with -1, -2 ... (this column is not part of the data then, in "     \
    "any file); or by comments '# KEY = subject' (label); or a new subject begins at each line that begins with"    \
    " TEXT (text, label). Append ,upto=SEP to column=N or comment=KEY to use only what precedes the last SEP")      \
  X(LIKE, "like", "MODEL|CORPUS", ALL, 2,                                                                           \
    "use the vocabulary, labels and text settings of an existing model or corpus, for new data for that model. "    \
    "FILE may be left out if --valid or --test is given. Labels that MODEL does not have are an error in FILE")     \
  X(UNIT, "unit", UNITS, ALL & ~FRAMES, 2, "units that text is split into (default word, separated by whitespace)") \
  X(STREAM, "stream", NULL, TEXT, 2, "read one running text instead of one sequence a line")                        \
  X(LOWER, "lower", NULL, ALL & ~FRAMES, 2, "convert text to lower case")                                           \
  X(NO_NFC, "no-nfc", NULL, ALL, 2, "do not normalise text and labels (Unicode NFC)")                               \
  X(DIGITS, "digits", "keep|0", ALL & ~FRAMES, 2,                                                                   \
    "with 0, every digit of any script becomes 0, in text but not in labels; predict does the same (default keep)") \
  X(FEATURE, "feature", "NAME", CLASSIFY | LABEL, 2,                                                                \
    "also store a feature of each word as a column, for model.features: casing (lower, capitalized, upper, mixed, " \
    "digits or other, before --lower); may be given several times")                                                 \
  X(VECTORS, "vectors", "FILE", ALL & ~FRAMES, 2,                                                                   \
    "store the word vectors of FILE for model.vectors: text (word2vec, GloVe, fastText) or word2vec binary, also "  \
    "compressed with gzip. Those of the training part's words are kept, found as they are or else in lower case")   \
  X(VECTORS_ALL, "vectors-all", NULL, CLASSIFY | LABEL, 2,                                                          \
    "keep the vectors of words that the training part does not have, too, so that predict knows them")              \
  X(VECTORS_LIMIT, "vectors-limit", "N", CLASSIFY | LABEL, 2,                                                       \
    "with --vectors-all, keep at most N of these words, the first of FILE (default 200000); a model stores them")   \
  X(NO_FORMS, "no-forms", NULL, TEXT | CLASSIFY | LABEL, 2,                                                         \
    "do not store how words are written, which model.characters reads (2 to 40 % more bytes)")                      \
  X(VOCABULARY, "vocabulary", "N", ALL & ~FRAMES, 2,                                                                \
    "keep the N most frequent units; others become <unk> (default 0: all)")                                         \
  X(MIN_COUNT, "min-count", "N", ALL & ~FRAMES, 2,                                                                  \
    "units that occur less than N times in the training data become <unk> (default 1)")                             \
  X(MAX_LENGTH, "max-length", "N", ALL, 3, "longest sequence, in units or frames (default 10000)")                  \
  X(TOO_LONG, "too-long", "error|skip|cut", ALL, 3, "what to do with longer sequences (default error)")             \
  X(EMPTY, "empty", "error|skip", ALL, 3,                                                                           \
    "what to do with a sequence that is empty, or whose source, target or one of whose words is (default error)")   \
  X(SEPARATOR, "separator", "tab|blank|TEXT", CLASSIFY | PAIRS | FRAMES, 4,                                         \
    "what follows the label, or the source: a TAB (default), the first whitespace, or TEXT")                        \
  X(NO_LABEL, "no-label", "VALUE", CLASSIFY | LABEL | FRAMES, 4,                                                    \
    "treat items with label VALUE as unlabelled, which count neither in the loss nor in the metrics; may be given " \
    "several times")                                                                                                \
  X(UNSEEN, "unseen-labels", "wrong|error", CLASSIFY | LABEL | FRAMES, 4,                                           \
    "labels in --valid or --test that the training data does not have: count them as wrong predictions "            \
    "(default), or stop with an error")                                                                             \
  X(COLUMN, "column", "word=I,tag=J", LABEL, 4,                                                                     \
    "columns of words and labels, counted from 0 or from the end with -1, -2 ... (default word=0,tag=-1; for "      \
    "CoNLL-U word=1,tag=3)")                                                                                        \
  X(CONLLU, "conllu", NULL, LABEL, 4, "the FILEs are CoNLL-U (default for *.conllu, *.conllup and *.cupt)")         \
  X(TAGS, "tags", "file|bioes", LABEL, 4,                                                                           \
    "with bioes, tags of spans (IOB1, IOB2, IOE1, IOE2, IO) are stored as BIOES tags, from which models learn "     \
    "better; predict, eval and score go on in the scheme of the FILEs (default file)")                              \
  X(TARGET, "target", "FILE", PAIRS, 5,                                                                             \
    "read targets from a second file with as many lines; give it once for each FILE, in the same order")            \
  X(VALID_TARGET, "valid-target", "FILE", PAIRS, 5, "targets of --valid")                                           \
  X(TEST_TARGET, "test-target", "FILE", PAIRS, 5, "targets of --test")                                              \
  X(SOURCE_UNIT, "source-unit", UNITS, PAIRS, 5, "--unit for sources only")                                         \
  X(TARGET_UNIT, "target-unit", UNITS, PAIRS, 5, "--unit for targets only")                                         \
  X(TARGET_VOCABULARY, "target-vocabulary", "N", PAIRS, 5, "--vocabulary for targets only")                         \
  X(TARGET_MIN_COUNT, "target-min-count", "N", PAIRS, 5, "--min-count for targets only")                            \
  X(SHARED, "shared-vocabulary", NULL, PAIRS, 5, "use one vocabulary for sources and targets")                      \
  X(SENTENCEPIECE, "sentencepiece", "MODEL", PAIRS, 5,                                                              \
    "split text into the pieces of a SentencePiece model: sources and targets, or those whose unit is "             \
    "sentencepiece")                                                                                                \
  X(TARGET_SENTENCEPIECE, "target-sentencepiece", "MODEL", PAIRS, 5, "a separate SentencePiece model for targets")

#define LK_OPTION_KEY(key, name, argument, kinds, group, doc) OPTION_##key,
enum { BEFORE_OPTIONS = 255, LK_OPTIONS(LK_OPTION_KEY) BEHIND_OPTIONS };

#define LK_OPTION_ENTRY(key, name, argument, kinds, group, doc) {OPTION_##key, name, argument, kinds, group, doc},
const lk_prepare_option lk_prepare_options[] = {
    {'o', "output", "OUT.h5", ALL, 1, "the corpus file to write (required)"}, LK_OPTIONS(LK_OPTION_ENTRY)};
enum { OPTIONS = sizeof lk_prepare_options / sizeof *lk_prepare_options };
_Static_assert((int)OPTIONS <= (int)LK_PREPARE_MOST_OPTIONS, "one flag for each option");
const int lk_prepare_option_count = OPTIONS;

/* ---- values ---- */

/* *out = the index of `text` among names[count]; 0, or EINVAL after lk_cli_bad_option(). */
static int choose(const char *name, const char *text, const char *const *names, int count, int *out) {
  char list[64] = "", quoted[256];
  for (int i = 0; i < count; i++) {
    if (strcmp(text, names[i]) == 0) return *out = i, 0;
    const size_t used = strlen(list);
    (void)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", names[i]);
  }
  return lk_cli_bad_option("--%s: expected %s, found %s", name, list, lk_quote(quoted, text, strlen(text)));
}

static int parse_count(const char *name, const char *text, long long low, long long high, const char *unit,
                       ptrdiff_t *out) {
  long long value;
  const int error = lk_cli_integer(name, text, low, high, unit, &value);
  if (error == 0) *out = (ptrdiff_t)value;
  return error;
}

static int parse_seed(const char *text, lk_prepare *p) {
  long long seed = 0;
  const int error = lk_cli_integer("shuffle", text, 0, INT64_MAX, "", &seed);
  p->shuffle = true;
  p->seed = (uint64_t)seed;
  return error;
}

/* "column=2" or "2"; "comment=KEY"; "line=TEXT"; the first two perhaps with ",upto=SEP". Cuts `text`, which *group then
 * points into. */
static int parse_group(char *text, lk_prepare_group *group) {
  static const char *const names[] = {"", "column=", "comment=", "line="};
  char quoted[256], *end, *upto = NULL;
  (void)lk_quote(quoted, text, strlen(text));
  for (char *at = text; (at = strstr(at, ",upto=")) != NULL; at++) upto = at;
  *group = (lk_prepare_group){.by = isdigit((unsigned char)text[text[0] == '-']) ? LK_GROUP_COLUMN : LK_GROUP_NONE};
  for (int by = LK_GROUP_COLUMN; by <= LK_GROUP_LINE; by++)
    if (strncmp(text, names[by], strlen(names[by])) == 0) group->by = (lk_group_by)by, text += strlen(names[by]);
  if (upto) group->upto = upto + strlen(",upto="), *upto = '\0';
  group->text = text;
  const long column = strtol(text, &end, 10);
  group->column = (int)column;
  const bool number = end > text && *end == '\0' && column >= -999 && column <= 999;
  if (group->by == LK_GROUP_NONE || !*text || (group->by == LK_GROUP_COLUMN && !number) ||
      (upto && (!*group->upto || group->by == LK_GROUP_LINE)))
    return lk_cli_bad_option(
        "--group: expected column=N (N from -999 to 999), comment=KEY, one of them followed by ,upto=SEP, or "
        "line=TEXT; "
        "found %s",
        quoted);
  return 0;
}

/* Options whose value is one of a few words; the words are in the order of their enums. */
static int parse_choice(int key, const char *text, lk_prepare *p) {
  static const char *const long_names[] = {"error", "skip", "cut"}, *const digit_names[] = {"keep", "0"};
  static const char *const unseen_names[] = {"wrong", "error"}, *const tag_names[] = {"file", "bioes"};
  int choice = 0, error = 0;
  if (key == OPTION_TOO_LONG && !(error = choose("too-long", text, long_names, 3, &choice)))
    p->too_long = (lk_too_long)choice;
  if (key == OPTION_EMPTY && !(error = choose("empty", text, long_names, 2, &choice))) p->empty = (lk_empty)choice;
  if (key == OPTION_UNSEEN && !(error = choose("unseen-labels", text, unseen_names, 2, &choice)))
    p->unseen = (lk_unseen)choice;
  if (key == OPTION_TAGS && !(error = choose("tags", text, tag_names, 2, &choice))) p->bioes = choice == 1;
  if (key == OPTION_DIGITS && !(error = choose("digits", text, digit_names, 2, &choice))) p->digits = choice == 1;
  return error;
}

static int parse_separator(const char *text, lk_prepare *p) {
  if (*text == '\0') return lk_cli_bad_option("--separator: expected tab, blank or a text, found nothing");
  if (strchr(text, '\n')) return lk_cli_bad_option("--separator: a line end cannot be a separator");
  const bool tab = strcmp(text, "tab") == 0 || strcmp(text, "\t") == 0 || strcmp(text, "\\t") == 0;
  p->separator = tab ? NULL : strcmp(text, "blank") == 0 ? "" : text;
  return 0;
}

static int parse_feature(const char *text, lk_prepare *p) {
  if (p->features == LK_MOST_FURTHER) return lk_cli_bad_option("--feature: more than %d features", LK_MOST_FURTHER);
  p->feature[p->features++] = text;
  return 0;
}

static int parse_no_label(const char *text, lk_prepare *p) {
  if (p->no_labels == LK_MOST_NO_LABELS) return lk_cli_bad_option("--no-label: more than %d values", LK_MOST_NO_LABELS);
  p->no_label[p->no_labels++] = text;
  return 0;
}

/* --source-unit and --target-unit take precedence over --unit, in any order on the command line. */
static int parse_unit(int key, const char *text, lk_prepare_arguments *a) {
  int choice = 0;
  const char *name = key == OPTION_UNIT ? "unit" : key == OPTION_SOURCE_UNIT ? "source-unit" : "target-unit";
  const int error = choose(name, text, lk_unit_names, LK_UNITS, &choice);
  if (error) return error;
  if (key == OPTION_SOURCE_UNIT || (key == OPTION_UNIT && !a->unit[0])) a->prepare.unit = (lk_unit)choice;
  if (key == OPTION_TARGET_UNIT || (key == OPTION_UNIT && !a->unit[1])) a->prepare.pairs.unit = (lk_unit)choice;
  if (key != OPTION_TARGET_UNIT) a->unit[0] = true;
  if (key != OPTION_SOURCE_UNIT) a->unit[1] = true;
  return 0;
}

static int parse_minimum(int key, const char *text, lk_prepare_arguments *a) {
  ptrdiff_t least;
  if (parse_count(key == OPTION_MIN_COUNT ? "min-count" : "target-min-count", text, 1, INT32_MAX, "times", &least))
    return EINVAL;
  if (key == OPTION_MIN_COUNT) a->prepare.minimum = least;
  if (key == OPTION_TARGET_MIN_COUNT || !a->minimum) a->prepare.pairs.minimum = least;
  a->minimum |= key == OPTION_TARGET_MIN_COUNT;
  return 0;
}

static int parse_vocabulary(int key, const char *text, lk_prepare_arguments *a) {
  ptrdiff_t most;
  const char *name = key == OPTION_VOCABULARY ? "vocabulary" : "target-vocabulary";
  if (parse_count(name, text, 0, INT32_MAX - LK_SPECIALS, "units", &most)) return EINVAL;
  if (key == OPTION_VOCABULARY) a->prepare.vocabulary = most;
  if (key == OPTION_TARGET_VOCABULARY || !a->vocabulary) a->prepare.pairs.vocabulary = most;
  a->vocabulary |= key == OPTION_TARGET_VOCABULARY;
  return 0;
}

static int add_path(lk_prepare_paths *paths, const char *text) {
  if (lk_grow(&paths->path, &paths->capacity, (size_t)paths->count + 2, sizeof *paths->path) != LK_OK) return ENOMEM;
  paths->path[paths->count++] = text;
  paths->path[paths->count] = NULL;
  return 0;
}

/* ---- options, by group ---- */

static error_t parse_parts(int key, char *text, lk_prepare_arguments *a) {
  lk_prepare *p = &a->prepare;
  switch (key) {
    case 'o':
      return p->output = text, 0;
    case OPTION_VALID:
      return add_path(&a->input[LK_VALID], text);
    case OPTION_TEST:
      return add_path(&a->input[LK_TEST], text);
    case OPTION_VALID_FRACTION:
      return lk_cli_real("valid-fraction", text, 0, 0.999, "share of the rows", &p->fraction[LK_VALID]);
    case OPTION_IN_ORDER:
      return p->in_order = true, 0;
    case OPTION_SHUFFLE:
      return parse_seed(text, p);
    case OPTION_GROUP:
      return parse_group(text, &p->group);
    case OPTION_TEST_FRACTION:
      return lk_cli_real("test-fraction", text, 0, 0.999, "share of the rows", &p->fraction[LK_TEST]);
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse_units(int key, char *text, lk_prepare_arguments *a) {
  lk_prepare *p = &a->prepare;
  switch (key) {
    case OPTION_UNIT:
      return parse_unit(key, text, a);
    case OPTION_LIKE:
      return a->like_path = text, 0;
    case OPTION_STREAM:
      return p->stream = true, 0;
    case OPTION_LOWER:
      return p->lower = true, 0;
    case OPTION_NO_NFC:
      return p->nfc = false, 0;
    case OPTION_NO_FORMS:
      return p->forms = false, 0;
    case OPTION_DIGITS:
      return parse_choice(key, text, p);
    case OPTION_FEATURE:
      return parse_feature(text, p);
    case OPTION_VECTORS:
      return p->vectors = text, 0;
    case OPTION_VECTORS_ALL:
      return p->vectors_all = true, 0;
    case OPTION_VECTORS_LIMIT:
      return parse_count("vectors-limit", text, 0, INT32_MAX - 8, "words", &p->vectors_limit);
    case OPTION_VOCABULARY:
      return parse_vocabulary(key, text, a);
    case OPTION_MIN_COUNT:
      return parse_minimum(key, text, a);
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse_rows(int key, char *text, lk_prepare_arguments *a) {
  lk_prepare *p = &a->prepare;
  switch (key) {
    case OPTION_MAX_LENGTH:
      return parse_count("max-length", text, 1, INT32_MAX - 2, "units or frames", &p->max_length);
    case OPTION_TOO_LONG:
    case OPTION_EMPTY:
    case OPTION_UNSEEN:
    case OPTION_TAGS:
      return parse_choice(key, text, p);
    case OPTION_SEPARATOR:
      return parse_separator(text, p);
    case OPTION_NO_LABEL:
      return parse_no_label(text, p);
    case OPTION_COLUMN:
      return lk_cli_columns(text, &p->column_word, &p->column_tag);
    case OPTION_CONLLU:
      return p->conllu = true, 0;
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse_pairs(int key, char *text, lk_prepare_arguments *a) {
  lk_prepare_pairs *pairs = &a->prepare.pairs;
  switch (key) {
    case OPTION_TARGET:
      return add_path(&a->target[LK_TRAIN], text);
    case OPTION_VALID_TARGET:
      return add_path(&a->target[LK_VALID], text);
    case OPTION_TEST_TARGET:
      return add_path(&a->target[LK_TEST], text);
    case OPTION_SOURCE_UNIT:
    case OPTION_TARGET_UNIT:
      return parse_unit(key, text, a);
    case OPTION_TARGET_VOCABULARY:
      return parse_vocabulary(key, text, a);
    case OPTION_TARGET_MIN_COUNT:
      return parse_minimum(key, text, a);
    case OPTION_SHARED:
      return pairs->shared = true, 0;
    case OPTION_SENTENCEPIECE:
      return pairs->model[LK_SOURCE] = text, 0;
    case OPTION_TARGET_SENTENCEPIECE:
      return pairs->model[LK_TARGET] = text, 0;
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

error_t lk_prepare_take(int key, char *text, struct argp_state *state) {
  static error_t (*const parsers[])(int, char *, lk_prepare_arguments *) = {parse_parts, parse_units, parse_rows,
                                                                            parse_pairs};
  lk_prepare_arguments *a = state->input;
  if (key == ARGP_KEY_ARG && a->prepare.kind) return add_path(&a->input[LK_TRAIN], text);
  if (key == ARGP_KEY_ARG) return a->prepare.kind = text, 0;
  for (int i = 0; i < OPTIONS; i++)
    if (lk_prepare_options[i].key == key) a->given[i] = true;
  error_t error = ARGP_ERR_UNKNOWN;
  for (size_t i = 0; i < sizeof parsers / sizeof *parsers && error == ARGP_ERR_UNKNOWN; i++)
    error = parsers[i](key, text, a);
  return error;
}

/* Whether a given option has the value that the model or corpus of --like has, or is not about such values. */
static bool agrees(int key, const lk_prepare *p, const lk_corpus_info *info) {
  switch (key) {
    case OPTION_UNIT:
      return strcmp(lk_unit_names[p->unit], info->unit) == 0 &&
             (info->kind != LK_CORPUS_PAIRS || strcmp(lk_unit_names[p->pairs.unit], info->target_unit) == 0);
    case OPTION_SOURCE_UNIT:
      return strcmp(lk_unit_names[p->unit], info->unit) == 0;
    case OPTION_TARGET_UNIT:
      return strcmp(lk_unit_names[p->pairs.unit], info->target_unit) == 0;
    case OPTION_STREAM:
      return info->stream;
    case OPTION_LOWER:
      return info->lower;
    case OPTION_NO_NFC:
      return !info->nfc;
    case OPTION_DIGITS:
      return p->digits == (info->digits != 0);
    case OPTION_TAGS:
      return p->bioes == (info->tags != LK_SCHEME_AS_FILED);
    case OPTION_SHARED:
      return info->shared;
    case OPTION_VOCABULARY:
    case OPTION_MIN_COUNT:
    case OPTION_TARGET_VOCABULARY:
    case OPTION_TARGET_MIN_COUNT:
    case OPTION_SENTENCEPIECE:
    case OPTION_TARGET_SENTENCEPIECE:
    case OPTION_FEATURE:
    case OPTION_NO_FORMS:
    case OPTION_VECTORS:
    case OPTION_VECTORS_ALL:
    case OPTION_VECTORS_LIMIT:
      return false;
    default:
      return true;
  }
}

lk_status lk_prepare_check_like(const lk_prepare_arguments *a) {
  for (int i = 0; i < OPTIONS; i++) {
    const lk_prepare_option *o = &lk_prepare_options[i];
    if (a->given[i] && !agrees(o->key, &a->prepare, a->like.info))
      return LK_FAIL(LK_USAGE, "--%s contradicts --like %s; leave it out", o->name, a->like.path);
  }
  return LK_OK;
}
