/* forms_impl.h - the forms in which sentences come to a labeller, and its answers go.
 *
 * Rank 0 turns each sentence into a line with TABs between its words, which is what all ranks work on, keeps the sentence as
 * it came, and puts the tags into it when they are there. */
#pragma once
#include <argp.h>

#include "lines_impl.h"
#include "sentences.h"

typedef enum lk_form {
  LK_FORM_AUTO,
  LK_FORM_LINES, /* a sentence a line */
  LK_FORM_TABS,
  LK_FORM_WORDS, /* a word a line */
  LK_FORM_COLUMNS,
  LK_FORM_CONLLU
} lk_form;
typedef enum lk_tag_output { LK_OUTPUT_AUTO, LK_OUTPUT_TAGS, LK_OUTPUT_COLUMNS, LK_OUTPUT_CONLLU } lk_tag_output;

typedef struct lk_forms {
  lk_form input;
  lk_tag_output output;
  lk_sentence_form columns;
  bool told; /* an option was given */

  lk_sentences *reader;
  lk_buffer sentence; /* lines of the one that has not ended */
  int64_t first;      /* the number of its first line */
  lk_buffer kept, words;
  struct lk_kept_sentence *sentences; /* that wait for their tags */
  struct lk_kept_word *cells;
  size_t sentence_capacity, cell_capacity;
  ptrdiff_t sentence_count, cell_count, sentence_done, cell_done;
} lk_forms;

/* The options of a command, and their keys. */
enum { LK_FORMS_INPUT = 512, LK_FORMS_OUTPUT, LK_FORMS_COLUMN, LK_FORMS_CONLLU };
#define LK_FORMS_OPTIONS                                                                                              \
  {0, 0, 0, 0, "Of taggers:", 2},                                                                                     \
      {"input",                                                                                                       \
       LK_FORMS_INPUT,                                                                                                \
       "FORM",                                                                                                        \
       0,                                                                                                             \
       "how sentences come: 'lines', one a line, its words set apart by blanks; 'tabs', one a line, its words set "   \
       "apart "                                                                                                       \
       "by "                                                                                                          \
       "TABs (they may have blanks inside); 'words', a word a line, blanks and all, and a blank line behind a "       \
       "sentence; "                                                                                                   \
       "'columns', the same with further columns, as prepare label reads them; 'conllu'. Without it each line is a "  \
       "sentence, "                                                                                                   \
       "cut at TABs where it has one",                                                                                \
       2},                                                                                                            \
      {"conllu", LK_FORMS_CONLLU, NULL, 0, "the same as --input conllu", 2},                                          \
      {"column",                                                                                                      \
       LK_FORMS_COLUMN,                                                                                               \
       "word=I,tag=J",                                                                                                \
       0,                                                                                                             \
       "columns of the words and of the tags to fill in, from 0 or, negative, from the end (0 and -1; of CoNLL-U "    \
       "those that "                                                                                                  \
       "the model learnt from). J may be one more than there are, and a file of words alone gets a second column",    \
       2},                                                                                                            \
  {                                                                                                                   \
    "output", LK_FORMS_OUTPUT, "FORM", 0,                                                                             \
        "how answers go: 'tags', a line of tags for each sentence; 'columns', or 'conllu'. Columns and CoNLL-U come " \
        "back "                                                                                                       \
        "as "                                                                                                         \
        "they were, the tags filled in; that is the default for words, columns and conllu",                           \
        2                                                                                                             \
  }
/** Inside an argp parser: one of these options; ARGP_ERR_UNKNOWN for others. */
error_t lk_forms_parse(int key, const char *text, lk_forms *forms);

void lk_forms_init(lk_forms *forms);
/** LK_USAGE where the options do not go together, with each other or (`scores`) with that one. */
LK_CHECKED lk_status lk_forms_check(lk_forms *forms, bool scores);
/** Begin with what a model says of its corpus: sets how->take and how->put, or leaves them where answers are written as they are;
 *  returns how the lines are cut through *cut. forms is how->context of both. */
LK_CHECKED lk_status lk_forms_begin(lk_forms *forms, const lk_corpus_info *model, lk_answering *how, lk_cut *cut);
void lk_forms_release(lk_forms *forms);
