#include <stdlib.h>
#include <string.h>

#include "cli_impl.h"
#include "forms_impl.h"

static const char *const input_names[] = {"auto", "lines", "tabs", "words", "columns", "conllu"};
static const char *const output_names[] = {"auto", "tags", "columns", "conllu"};

/* The index of a word in a list, or lk_cli_bad_option(). */
static error_t parse_name(const char *option, const char *const *names, int count, const char *text, int *out) {
  char quoted[256], list[128] = "";
  for (int i = 0; i < count; i++) {
    if (strcmp(names[i], text) == 0) return *out = i, 0;
    (void)strcat(strcat(list, i == 0 ? "" : i + 1 < count ? ", " : " or "), names[i]);
  }
  return lk_cli_bad_option("--%s: expected %s, found %s", option, list, lk_quote(quoted, text, strlen(text)));
}

error_t lk_forms_parse(int key, const char *text, lk_forms *forms) {
  int found = 0;
  error_t error = 0;
  switch (key) {
    case LK_FORMS_INPUT:
      error = parse_name("input", input_names, sizeof input_names / sizeof *input_names, text, &found);
      if (!error && forms->input == LK_FORM_CONLLU && found != LK_FORM_CONLLU)
        error = lk_cli_bad_option("--conllu and --input %s contradict each other", text);
      forms->input = (lk_form)found;
      break;
    case LK_FORMS_OUTPUT:
      error = parse_name("output", output_names, sizeof output_names / sizeof *output_names, text, &found);
      forms->output = (lk_tag_output)found;
      break;
    case LK_FORMS_CONLLU:
      if (forms->input != LK_FORM_AUTO && forms->input != LK_FORM_CONLLU)
        error = lk_cli_bad_option("--conllu and --input %s contradict each other", input_names[forms->input]);
      forms->input = LK_FORM_CONLLU;
      break;
    case LK_FORMS_COLUMN:
      error = lk_cli_columns(text, &forms->columns.word, &forms->columns.tag);
      break;
    default:
      return ARGP_ERR_UNKNOWN;
  }
  forms->given = true;
  return error;
}

void lk_forms_init(lk_forms *forms) {
  *forms = (lk_forms){.columns = {.word = LK_COLUMN_DEFAULT, .tag = LK_COLUMN_DEFAULT}};
}

/* CoNLL-U that is made from lines or words: the tags go to --column tag=J, which must be a column for annotations. */
static lk_status check_made(const lk_forms *f) {
  if (f->output != LK_OUTPUT_CONLLU || f->input == LK_FORM_CONLLU || f->columns.tag == LK_COLUMN_DEFAULT) return LK_OK;
  if (f->input >= LK_FORM_WORDS)
    return LK_FAIL(LK_USAGE, "--column names columns of the input; --output conllu writes the tags into column UPOS");
  if (f->columns.tag >= 2 && f->columns.tag <= 9) return LK_OK;
  return LK_FAIL(LK_USAGE, "--column tag=%d: expected a column of CoNLL-U from 2 (LEMMA) to 9 (MISC)", f->columns.tag);
}

lk_status lk_forms_check(lk_forms *f, const char *more) {
  const bool word = f->columns.word != LK_COLUMN_DEFAULT, tag = f->columns.tag != LK_COLUMN_DEFAULT;
  if (f->input == LK_FORM_AUTO && (word || (tag && f->output != LK_OUTPUT_CONLLU))) f->input = LK_FORM_COLUMNS;
  if (f->input < LK_FORM_COLUMNS && (word || (tag && f->output != LK_OUTPUT_CONLLU)))
    return LK_FAIL(LK_USAGE, "--column is for --input columns and conllu, not for %s", input_names[f->input]);
  if (word && f->columns.word == f->columns.tag)
    return LK_FAIL(LK_USAGE, "--column: word and tag are both column %d", f->columns.word);
  LK_TRY(check_made(f));
  if (f->output == LK_OUTPUT_AUTO) {
    f->output = f->input >= LK_FORM_WORDS ? LK_OUTPUT_COLUMNS : LK_OUTPUT_TAGS;
    if (f->input == LK_FORM_CONLLU) f->output = LK_OUTPUT_CONLLU;
  }
  if (more && f->output != LK_OUTPUT_TAGS)
    return LK_FAIL(LK_USAGE, "%s needs --output tags, one line of tags for each sentence", more);
  f->columns.conllu = f->input == LK_FORM_CONLLU;
  f->columns.words = f->input == LK_FORM_WORDS;
  return LK_OK;
}
