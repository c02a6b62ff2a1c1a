#include "lockstep/prepare.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_impl.h"
#include "lockstep/durable.h"
#include "lockstep/log.h"
#include "lockstep/side.h"

enum {
  OPTION_VALID = 256,
  OPTION_TEST,
  OPTION_VALID_FRACTION,
  OPTION_TEST_FRACTION,
  OPTION_UNIT,
  OPTION_SOURCE_UNIT,
  OPTION_TARGET_UNIT,
  OPTION_TARGET,
  OPTION_VALID_TARGET,
  OPTION_TEST_TARGET,
  OPTION_SHARED,
  OPTION_TARGET_VOCABULARY,
  OPTION_TARGET_MIN_COUNT,
  OPTION_SENTENCEPIECE,
  OPTION_TARGET_SENTENCEPIECE,
  OPTION_STREAM,
  OPTION_VOCABULARY,
  OPTION_MIN_COUNT,
  OPTION_LOWER,
  OPTION_NO_NFC,
  OPTION_MAX_LENGTH,
  OPTION_TOO_LONG,
  OPTION_COLUMN,
  OPTION_CONLLU
};

static const struct argp_option options[] = {
    {"output", 'o', "OUT.h5", 0, "The corpus file to make", 1},
    {"valid", OPTION_VALID, "FILE", 0, "A file to validate on", 1},
    {"test", OPTION_TEST, "FILE", 0, "A file to test on", 1},
    {"valid-fraction", OPTION_VALID_FRACTION, "X", 0, "Or: set this part of FILE apart, from its end", 1},
    {"test-fraction", OPTION_TEST_FRACTION, "X", 0, "The same for testing, behind the part for validation", 1},
    {"unit", OPTION_UNIT, "word|char|sentencepiece", 0, "What a text is cut into (default word)", 2},
    {"stream", OPTION_STREAM, NULL, 0, "text: one running text, not one sequence a line", 2},
    {"lower", OPTION_LOWER, NULL, 0, "Lower-case the text", 2},
    {"no-nfc", OPTION_NO_NFC, NULL, 0, "Leave out the Unicode normalisation (NFC)", 2},
    {"vocabulary", OPTION_VOCABULARY, "N", 0, "Keep the N most frequent units, the rest becomes <unk> (default all)",
     2},
    {"min-count", OPTION_MIN_COUNT, "N", 0, "Units seen less than N times in training become <unk> (default 1)", 2},
    {"max-length", OPTION_MAX_LENGTH, "N", 0, "Longest sequence, in units or frames (default 10000)", 3},
    {"too-long", OPTION_TOO_LONG, "error|skip|cut", 0, "What becomes of a longer one (default error)", 3},
    {"column", OPTION_COLUMN, "word=I,tag=J", 0,
     "label: columns counted from 0, or -1, -2 ... from the end (default word=0,tag=-1)", 4},
    {"conllu", OPTION_CONLLU, NULL, 0, "label: FILE is CoNLL-U (the default for *.conllu)", 4},
    {"target", OPTION_TARGET, "FILE", 0, "pairs: targets in a file of their own, line by line beside FILE", 5},
    {"valid-target", OPTION_VALID_TARGET, "FILE", 0, "pairs: the targets that go with --valid", 5},
    {"test-target", OPTION_TEST_TARGET, "FILE", 0, "pairs: the targets that go with --test", 5},
    {"source-unit", OPTION_SOURCE_UNIT, "word|char|sentencepiece", 0, "pairs: --unit of the sources alone", 5},
    {"target-unit", OPTION_TARGET_UNIT, "word|char|sentencepiece", 0, "pairs: --unit of the targets alone", 5},
    {"target-vocabulary", OPTION_TARGET_VOCABULARY, "N", 0, "pairs: --vocabulary of the targets alone", 5},
    {"target-min-count", OPTION_TARGET_MIN_COUNT, "N", 0, "pairs: --min-count of the targets alone", 5},
    {"shared-vocabulary", OPTION_SHARED, NULL, 0, "pairs: one vocabulary for both sides", 5},
    {"sentencepiece", OPTION_SENTENCEPIECE, "MODEL", 0,
     "pairs: cut into the pieces of a SentencePiece model: both sides, or those whose unit is sentencepiece", 5},
    {"target-sentencepiece", OPTION_TARGET_SENTENCEPIECE, "MODEL", 0, "pairs: another model for the targets", 5},
    {0}};

typedef struct arguments {
  lk_prepare prepare;
  bool unit[2], vocabulary, minimum; /* given for the sources and targets; for the targets alone */
  bool column;                       /* --column was given */
  int pairs;                         /* an option of pairs was: the last one's key */
} arguments;

/* The index of a choice among names[count], or EINVAL after saying what there is. */
static int choose(const char *option, const char *text, const char *const *names, int count, int *out) {
  char list[64] = "", quoted[256];
  for (int i = 0; i < count; i++) {
    if (strcmp(text, names[i]) == 0) return *out = i, 0;
    const size_t used = strlen(list);
    (void)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", names[i]);
  }
  return lk_cli_bad_option("--%s: expected %s, found %s", option, list, lk_quote(quoted, text, strlen(text)));
}

static int parse_count(const char *option, const char *text, long long low, long long high, ptrdiff_t *out) {
  long long value;
  const int error = lk_cli_integer(option, text, low, high, &value);
  if (error == 0) *out = (ptrdiff_t)value;
  return error;
}

/* "word=0,tag=-1", either of them or both. */
static int parse_columns(const char *text, lk_prepare *p) {
  char quoted[256];
  for (const char *at = text;;) {
    const bool word = strncmp(at, "word=", 5) == 0, tag = strncmp(at, "tag=", 4) == 0;
    char *end = NULL;
    const long column = word ? strtol(at + 5, &end, 10) : tag ? strtol(at + 4, &end, 10) : 0;
    if (!end || end == at + (word ? 5 : 4) || (*end != ',' && *end != '\0') || column < -999 || column > 999)
      return lk_cli_bad_option("--column: expected word=I,tag=J, found %s", lk_quote(quoted, text, strlen(text)));
    *(word ? &p->column_word : &p->column_tag) = (int)column;
    if (*end == '\0') return 0;
    at = end + 1;
  }
}

static int parse_too_long(const char *text, lk_prepare *p) {
  static const char *const names[] = {"error", "skip", "cut"};
  int choice = 0;
  const int error = choose("too-long", text, names, 3, &choice);
  if (!error) p->too_long = (lk_too_long)choice;
  return error;
}

/* What is said of one side goes before what is said of both. */
static int parse_unit(int key, const char *text, arguments *a) {
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

static int parse_minimum(int key, const char *text, arguments *a) {
  ptrdiff_t least;
  if (parse_count(key == OPTION_MIN_COUNT ? "min-count" : "target-min-count", text, 1, INT32_MAX, &least))
    return EINVAL;
  if (key == OPTION_MIN_COUNT) a->prepare.minimum = least;
  if (key == OPTION_TARGET_MIN_COUNT || !a->minimum) a->prepare.pairs.minimum = least;
  a->minimum |= key == OPTION_TARGET_MIN_COUNT;
  return 0;
}

static int parse_vocabulary(int key, const char *text, arguments *a) {
  ptrdiff_t most;
  const char *name = key == OPTION_VOCABULARY ? "vocabulary" : "target-vocabulary";
  if (parse_count(name, text, 0, INT32_MAX - LK_SPECIALS, &most)) return EINVAL;
  if (key == OPTION_VOCABULARY) a->prepare.vocabulary = most;
  if (key == OPTION_TARGET_VOCABULARY || !a->vocabulary) a->prepare.pairs.vocabulary = most;
  a->vocabulary |= key == OPTION_TARGET_VOCABULARY;
  return 0;
}

/* The options that only pairs have. */
static error_t parse_pairs(int key, char *text, arguments *a) {
  lk_prepare_pairs *pairs = &a->prepare.pairs;
  a->pairs = key;
  switch (key) {
    case OPTION_TARGET:
      return pairs->target[LK_TRAIN] = text, 0;
    case OPTION_VALID_TARGET:
      return pairs->target[LK_VALID] = text, 0;
    case OPTION_TEST_TARGET:
      return pairs->target[LK_TEST] = text, 0;
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

static int parse_positional(const char *text, lk_prepare *p) {
  if (!p->kind) return p->kind = text, 0;
  if (!p->input[LK_TRAIN]) return p->input[LK_TRAIN] = text, 0;
  char quoted[256];
  return lk_cli_bad_option("lockstep prepare: one file to train on, found %s besides",
                           lk_quote(quoted, text, strlen(text)));
}

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  lk_prepare *p = &a->prepare;
  switch (key) {
    case 'o':
      return p->output = text, 0;
    case OPTION_VALID:
      return p->input[LK_VALID] = text, 0;
    case OPTION_TEST:
      return p->input[LK_TEST] = text, 0;
    case OPTION_VALID_FRACTION:
      return lk_cli_real("valid-fraction", text, 0, 0.999, &p->fraction[LK_VALID]);
    case OPTION_TEST_FRACTION:
      return lk_cli_real("test-fraction", text, 0, 0.999, &p->fraction[LK_TEST]);
    case OPTION_UNIT:
      return parse_unit(key, text, a);
    case OPTION_TOO_LONG:
      return parse_too_long(text, p);
    case OPTION_STREAM:
      return p->stream = true, 0;
    case OPTION_LOWER:
      return p->lower = true, 0;
    case OPTION_NO_NFC:
      return p->nfc = false, 0;
    case OPTION_VOCABULARY:
      return parse_vocabulary(key, text, a);
    case OPTION_MIN_COUNT:
      return parse_minimum(key, text, a);
    case OPTION_MAX_LENGTH:
      return parse_count("max-length", text, 1, INT32_MAX - 2, &p->max_length);
    case OPTION_COLUMN:
      a->column = true;
      return parse_columns(text, p);
    case OPTION_CONLLU:
      return p->conllu = true, 0;
    case ARGP_KEY_ARG:
      return parse_positional(text, p);
    default:
      return key >= OPTION_SOURCE_UNIT && key <= OPTION_TARGET_SENTENCEPIECE ? parse_pairs(key, text, a)
                                                                             : ARGP_ERR_UNKNOWN;
  }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "KIND FILE",
    .doc =
        "Make a corpus file. FILE is what a model trains on, - is standard input; KIND says what is in it:\n"
        "\n"
        "  text      one sequence a line, or with --stream one running text\n"
        "  classify  label TAB text, one sequence a line\n"
        "  label     a word and its label a line, sentences end at a blank line\n"
        "  pairs     source TAB target a line, or with --target in two files;\n"
        "            lines of --valid and --test may have further targets, behind TABs\n"
        "  frames    label TAB frames, blanks between frames, commas inside a frame;\n"
        "            or an HDF5 file with /frames [n,D], /offsets [rows+1], /labels [rows]\v"
        "A line that is empty is skipped. Blanks around a label are no part of it. A running text of words gets <eos> "
        "at each line end; the words <eos> and "
        "<unk>, where a text spells them out, mean these units. Fractions count lines, sentences or, in a running "
        "text of characters, characters.\n"
        "\n"
        "Examples:\n"
        "  lockstep prepare text book.txt --unit char --stream \\\n"
        "    --valid-fraction 0.1 -o book.h5\n"
        "  lockstep prepare classify train.tsv --valid valid.tsv --unit char \\\n"
        "    -o names.h5\n"
        "  lockstep prepare label en-train.conllu --valid en-dev.conllu \\\n"
        "    --test en-test.conllu -o en.h5\n"
        "  lockstep prepare label train.conll --column word=0,tag=-1 --min-count 2 \\\n"
        "    -o entities.h5\n"
        "  lockstep prepare pairs train.tsv --valid valid.tsv --test test.tsv \\\n"
        "    -o g2p.h5\n"
        "  lockstep prepare pairs train.en --target train.de --valid-fraction 0.02 \\\n"
        "    --sentencepiece ende.model --shared-vocabulary -o ende.h5\n"
        "  lockstep prepare frames vowels.tsv --test-fraction 0.2 -o vowels.h5\n"};

static lk_status check(const lk_prepare *p) {
  size_t count, length = 0;
  char list[128] = "";
  const char *const *kinds = lk_prepare_kinds(&count);
  for (size_t i = 0; i < count; i++)
    length += (size_t)snprintf(list + length, sizeof list - length, "%s%s",
                               i == 0          ? ""
                               : i + 1 < count ? ", "
                                               : " or ",
                               kinds[i]);
  if (!p->kind) return LK_FAIL(LK_USAGE, "lockstep prepare: expected a kind (%s) and a file", list);
  LK_TRY(lk_prepare_check_kind(p->kind));
  if (!p->input[LK_TRAIN])
    return LK_FAIL(LK_USAGE, "lockstep prepare %s: expected a file, or - for standard input", p->kind);
  if (!p->output) return LK_FAIL(LK_USAGE, "lockstep prepare %s: expected -o OUT.h5", p->kind);
  return LK_OK;
}

static bool ends_with(const char *text, const char *end) {
  const size_t size = strlen(text), tail = strlen(end);
  return size >= tail && strcmp(text + size - tail, end) == 0;
}

static const char *name_of(int key) {
  const struct argp_option *o = options;
  while (o->key != key) o++;
  return o->name;
}

static void print_split(const lk_prepare *p, const lk_prepare_report *r, lk_split split) {
  if (r->units[split] == 0) return;
  printf("  %-5s ", lk_split_names[split]);
  if (p->stream)
    printf("%12td units", r->units[split]);
  else
    printf("%10td sequences %12td %s", r->rows[split], r->units[split], r->frames > 0 ? "frames" : "units");
  if (r->frames == 0) printf("   <unk> %.2f %%", 100.0 * (double)r->unknown[split] / (double)r->units[split]);
  if (r->target_units[split] > 0)
    printf("   targets %12td units   <unk> %.2f %%", r->target_units[split],
           100.0 * (double)r->target_unknown[split] / (double)r->target_units[split]);
  if (r->further[split] > 0) printf("   %td further targets", r->further[split]);
  putchar('\n');
}

static const char *const unit_words[LK_UNITS] = {"word", "char", "piece"};

static void print_report(const lk_prepare *p, const lk_prepare_report *r) {
  printf("%s: a corpus of kind %s\n", p->output, p->kind);
  for (int s = 0; s < LK_SPLITS; s++) print_split(p, r, (lk_split)s);
  if (r->frames > 0) printf("  numbers in a frame: %td\n", r->frames);
  if (r->vocabulary > 0)
    printf("  vocabulary: %td %ss, <pad> <sos> <eos> <unk> among them\n", r->vocabulary, unit_words[p->unit]);
  if (r->target_vocabulary > 0 && !p->pairs.shared)
    printf("  vocabulary of the targets: %td %ss\n", r->target_vocabulary, unit_words[p->pairs.unit]);
  if (r->labels > 0) printf("  labels: %td\n", r->labels);
  if (r->skipped > 0) printf("  left out, over %td: %td sequences\n", p->max_length, r->skipped);
  if (r->cut > 0) printf("  cut to %td: %td sequences\n", p->max_length, r->cut);
  if (!p->stream) printf("  padding: %.1f %% of the stored positions\n", 100.0 * r->padding);
  const double megabytes = (double)r->bytes_read / 1e6;
  printf("  %.1f MB in %.2f seconds, %.1f MB/s\n", megabytes, r->seconds, megabytes / r->seconds);
}

lk_status lk_command_prepare(int argc, char **argv, lk_comm *comm) {
  (void)comm;
  arguments a = {0};
  lk_prepare_report report = {0};
  int help = 0;
  lk_prepare *p = &a.prepare;
  /* Buffers of chunks come and go: memory that goes back to the kernel each time faults in again, a third of the time. */
  (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
  (void)mallopt(M_TRIM_THRESHOLD, INT32_MAX);
  lk_prepare_init(p);
  LK_TRY(lk_cli_parse(&argp, "lockstep prepare", argc, argv, &a, &help));
  if (help) return LK_OK;
  LK_TRY(check(p));
  if (a.pairs && strcmp(p->kind, "pairs") != 0)
    return LK_FAIL(LK_USAGE, "--%s goes with pairs, not with %s", name_of(a.pairs), p->kind);
  if (p->pairs.model[LK_SOURCE] && !a.unit[0]) p->unit = LK_PIECE;
  if ((p->pairs.model[LK_SOURCE] || p->pairs.model[LK_TARGET]) && !a.unit[1]) p->pairs.unit = LK_PIECE;
  const bool label = strcmp(p->kind, "label") == 0;
  if (!label && (a.column || p->conllu))
    return LK_FAIL(LK_USAGE, "--%s goes with label, not with %s", a.column ? "column" : "conllu", p->kind);
  if (label && ends_with(p->input[LK_TRAIN], ".conllu")) p->conllu = true;
  lk_durable_guard();
  LK_TRY(lk_prepare_run(p, &report));
  print_report(p, &report);
  if (report.vocabulary == LK_SPECIALS || report.target_vocabulary == LK_SPECIALS)
    LK_WARN("%s: every unit of a side is <unk>: there is nothing to learn from; lower --min-count", p->output);
  if (report.labels == 1) LK_WARN("%s: there is one label only: nothing to learn from", p->output);
  return LK_OK;
}
