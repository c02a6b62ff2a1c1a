/* forms_impl.h - input and output formats of `lockstep predict` for taggers.
 *
 * Rank 0 turns each sentence into a line with TABs between its words; all ranks tag such lines. Rank 0 keeps the original
 * text of the sentence and inserts the tags into it when they arrive. */
#pragma once
#include <argp.h>

#include "lines_impl.h"
#include "sentences.h"

typedef enum lk_form {
  LK_FORM_AUTO,
  LK_FORM_LINES, /* one sentence a line, words separated by spaces */
  LK_FORM_TABS,  /* one sentence a line, words separated by TABs */
  LK_FORM_WORDS, /* one word a line */
  LK_FORM_COLUMNS,
  LK_FORM_CONLLU
} lk_form;
typedef enum lk_tag_output { LK_OUTPUT_AUTO, LK_OUTPUT_TAGS, LK_OUTPUT_COLUMNS, LK_OUTPUT_CONLLU } lk_tag_output;

typedef struct lk_forms {
  lk_form input;
  lk_tag_output output;
  lk_sentence_form columns;
  bool given;  /* one of these options was given */
  bool apart;  /* answers are no tags to fill in: sentences are not kept, and answers are written as they are */
  bool labels; /* the lines have words and their labels in turn */
  const lk_strings *known; /* labels of the model */

  lk_sentences *reader;
  lk_buffer sentence; /* lines of a sentence whose end has not been read yet */
  int64_t first;      /* the number of its first line */
  lk_buffer kept, words;
  struct lk_kept_sentence *sentences; /* read, and not yet tagged */
  struct lk_kept_word *cells;
  size_t sentence_capacity, cell_capacity;
  ptrdiff_t sentence_count, cell_count, sentence_done, cell_done;
} lk_forms;

/* Keys of the options, which predict.c describes. */
enum { LK_FORMS_INPUT = 512, LK_FORMS_OUTPUT, LK_FORMS_COLUMN, LK_FORMS_CONLLU };
/** For argp parsers: take one of these options; ARGP_ERR_UNKNOWN for others. */
error_t lk_forms_parse(int key, const char *text, lk_forms *forms);

void lk_forms_init(lk_forms *forms);
/** LK_USAGE if the options contradict each other, or `more`: an option that prints more than tags; NULL: none. */
LK_CHECKED lk_status lk_forms_check(lk_forms *forms, const char *more);
/** Start reading for a tagger that was trained on `model`. Sets how->take and how->put, unless both sentences and
 *  tags are one line each; both get `forms` as context. *cut: how a line is cut into words. LK_MEMORY. */
LK_CHECKED lk_status lk_forms_begin(lk_forms *forms, const lk_corpus_info *model, lk_answering *how, lk_cut *cut);
void lk_forms_release(lk_forms *forms);
