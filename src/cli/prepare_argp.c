/* prepare_argp.c - the table of options (prepare_options.c) as argp and --help need it: for all kinds, or for one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prepare_options_impl.h"

/* name; its lines in the list of kinds; paragraphs of its own help; examples */
static const struct {
  const char *name, *what, *more, *examples;
} kinds_help[LK_KINDS] = {
    {"text", "  text      one sequence a line, or one running text with --stream\n",
     "Lines of whitespace are skipped. In a running text of words each line end becomes <eos>; the words <eos> and "
     "<unk> in the text mean these units. Fractions count lines, or characters in a running text of characters.",
     "  lockstep prepare text book.txt --unit char --stream \\\n"
     "    --valid-fraction 0.1 -o book.h5\n"},
    {"classify", "  classify  label TAB text, one sequence a line\n",
     "Lines of whitespace are skipped, and whitespace around a label is removed. Fractions count lines.",
     "  lockstep prepare classify train.tsv --valid valid.tsv --unit char \\\n"
     "    -o names.h5\n"
     "  lockstep prepare classify fasttext.txt --separator blank -o topics.h5\n"},
    {"label", "  label     one word and its label a line, an empty line after each sentence\n",
     "Columns are separated by TABs if the first row has one, else by spaces. All rows have the same number of "
     "columns. "
     "Whitespace around a label is removed. Fractions count sentences.\n\n"
     "A line that begins with # is a comment, unless it is a row like the others: it has as many columns, and it "
     "stands "
     "inside a sentence, or has a TAB after the word, or has a label that other rows have.\n\n"
     "CoNLL-U (--conllu): IDs are checked, multiword ranges and empty nodes are left out; with --column the file may "
     "have any number of columns. The label _ is an ordinary one, except in UPOS, where it "
     "means that a word has no label (see --no-label).",
     "  lockstep prepare label en-train.conllu --valid en-dev.conllu \\\n"
     "    --test en-test.conllu -o en.h5\n"
     "  lockstep prepare label train.conll --column word=0,tag=-1 --min-count 2 \\\n"
     "    -o entities.h5\n"
     "  lockstep prepare label en_ewt-ud-train.iob2 --conllu \\\n"
     "    --column word=1,tag=2 -o ner.h5\n"},
    {"pairs",
     "  pairs     source TAB target, one pair a line; or two files with --target\n"
     "            (lines of --valid and --test may have alternative targets after\n"
     "            further TABs)\n",
     "Lines of whitespace are skipped (with --target: lines that are so in both files), and so are empty alternative "
     "targets. Fractions count lines.",
     "  lockstep prepare pairs train.tsv --valid valid.tsv --test test.tsv \\\n"
     "    -o g2p.h5\n"
     "  lockstep prepare pairs train.en --target train.de --valid-fraction 0.02 \\\n"
     "    --sentencepiece ende.model --shared-vocabulary -o ende.h5\n"},
    {"frames",
     "  frames    label TAB frames, one sequence a line: spaces between frames,\n"
     "            commas between the numbers of a frame; or HDF5 with\n"
     "            /frames [n,D], /offsets [rows+1] and /labels [rows]\n",
     "HDF5 is recognised by its first bytes. Row i has the frames offsets[i] to offsets[i+1] (not included), numbers "
     "of "
     "any type; labels are strings, whole numbers or an enumeration. In text files lines of whitespace are skipped, "
     "and "
     "whitespace around a label is removed. Fractions count rows.",
     "  lockstep prepare frames vowels.tsv --test-fraction 0.2 -o vowels.h5\n"}};

void lk_prepare_name_kinds(char out[64], unsigned kinds, const char *join) {
  size_t used = 0;
  out[0] = '\0';
  for (int k = 0; k < LK_KINDS; k++) {
    if (!(kinds & 1u << k)) continue;
    const bool last = kinds >> (k + 1) == 0;
    const char *before = used == 0 ? "" : last ? join : ", ";
    used += (size_t)snprintf(out + used, 64 - used, "%s%s", before, kinds_help[k].name);
  }
}

/* The help text before and after the options: for all kinds, or for the one in the set. */
static lk_status write_doc(lk_buffer *doc, unsigned kinds) {
  const bool one = (kinds & (kinds - 1)) == 0;
  LK_TRY(lk_buffer_printf(doc, "Make a corpus file from text files%s:\n\n",
                          one ? "" : ". KIND is the format of the FILEs"));
  for (int k = 0; k < LK_KINDS; k++)
    if (kinds & 1u << k) LK_TRY(lk_buffer_printf(doc, "%s", kinds_help[k].what));
  LK_TRY(lk_buffer_printf(doc, "\vExample%s:\n", one ? "" : "s"));
  for (int k = 0; k < LK_KINDS; k++)
    if (kinds & 1u << k) LK_TRY(lk_buffer_printf(doc, "%s", kinds_help[k].examples));
  LK_TRY(
      lk_buffer_printf(doc,
                       "\nFILEs are the training data, read in this order; - is standard input. Files that were "
                       "compressed with gzip, xz, zstd or bzip2 are read directly. Files are read more than once, in "
                       "blocks, so memory does not depend on their size; text that is compressed or comes from a "
                       "pipe is kept meanwhile in a file without a name, in $TMPDIR or, where that is not set, in the "
                       "folder of OUT.h5.\n\n"));
  if (!one)
    return lk_buffer_printf(doc,
                            "'lockstep prepare KIND --help' shows the options of one kind and how its files are read.");
  for (int k = 0; k < LK_KINDS; k++)
    if (kinds & 1u << k) LK_TRY(lk_buffer_printf(doc, "%s", kinds_help[k].more));
  return LK_OK;
}

/* The help of an option. In the help for all kinds, one that is not for all begins with "pairs: " or "not frames: ". */
static lk_status write_option(lk_buffer *doc, const lk_prepare_option *o, unsigned kinds) {
  char names[64];
  const unsigned others = LK_KIND_ALL & ~o->kinds;
  if (others == 0 || kinds != LK_KIND_ALL) return lk_buffer_printf(doc, "%s", o->what);
  const bool few = (others & (others - 1)) == 0;
  lk_prepare_name_kinds(names, few ? others : o->kinds, ", ");
  return lk_buffer_printf(doc, "%s%s: %s", few ? "not " : "", names, o->what);
}

/* The kind that is named among the arguments; all kinds if none is. */
static unsigned kind_among(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    for (int k = 0; k < LK_KINDS; k++)
      if (strcmp(argv[i], kinds_help[k].name) == 0) return 1u << k;
  return LK_KIND_ALL;
}

/* lk_prepare has the first file of a split and the further ones in two fields. */
static void set_paths(lk_prepare_arguments *a) {
  for (int s = 0; s < LK_SPLITS; s++) {
    lk_prepare *p = &a->prepare;
    if (a->input[s].count > 0) p->input[s] = a->input[s].path[0];
    if (a->input[s].count > 1) p->further[s] = a->input[s].path + 1;
    if (a->target[s].count > 0) p->pairs.target[s] = a->target[s].path[0];
    if (a->target[s].count > 1) p->pairs.further[s] = a->target[s].path + 1;
  }
}

void lk_prepare_release(lk_prepare_arguments *a) {
  lk_prepare_like_close(&a->like);
  for (int s = 0; s < LK_SPLITS; s++) {
    free(a->input[s].path);
    free(a->target[s].path);
  }
}

lk_status lk_prepare_parse(int argc, char **argv, lk_prepare_arguments *arguments, int *help) {
  const unsigned kinds = lk_cli_wants_help(argc, argv) ? kind_among(argc, argv) : LK_KIND_ALL;
  const bool one = kinds != LK_KIND_ALL;
  struct argp_option list[LK_PREPARE_MOST_OPTIONS + 1] = {{0}};
  lk_buffer doc = {0}, words[LK_PREPARE_MOST_OPTIONS] = {{0}};
  char files[64] = "KIND FILE...";
  lk_status status = LK_OK;
  int count = 0;
  for (int i = 0; i < lk_prepare_option_count; i++) {
    if (!(lk_prepare_options[i].kinds & kinds)) continue;
    LK_GO(write_option(&words[i], &lk_prepare_options[i], kinds));
    list[count++] = (struct argp_option){.name = lk_prepare_options[i].name,
                                         .key = lk_prepare_options[i].key,
                                         .arg = lk_prepare_options[i].argument,
                                         .doc = words[i].data,
                                         .group = lk_prepare_options[i].group};
  }
  LK_GO(write_doc(&doc, kinds));
  if (one) lk_prepare_name_kinds(files, kinds, "");
  if (one) strcat(files, " FILE...");
  const struct argp argp = {.options = list, .parser = lk_prepare_take, .args_doc = files, .doc = doc.data};
  LK_GO(lk_cli_parse(&argp, "lockstep prepare", argc, argv, arguments, help));
  set_paths(arguments);
done:
  for (int i = 0; i < lk_prepare_option_count; i++) lk_buffer_release(&words[i]);
  lk_buffer_release(&doc);
  return status;
}

lk_status lk_prepare_check_options(const lk_prepare_arguments *arguments) {
  char *words[2] = {(char *)"", (char *)arguments->prepare.kind}, names[64];
  const unsigned kind = kind_among(2, words);
  for (int i = 0; i < lk_prepare_option_count; i++) {
    if (!arguments->given[i] || lk_prepare_options[i].kinds & kind) continue;
    lk_prepare_name_kinds(names, lk_prepare_options[i].kinds, " and ");
    return LK_FAIL(LK_USAGE, "--%s is for %s, not for %s", lk_prepare_options[i].name, names, arguments->prepare.kind);
  }
  return LK_OK;
}
