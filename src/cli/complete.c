/* complete.c - `lockstep complete -- WORD ...`: what fits at the last of the words, which may be empty or incomplete. The
 * completion of bash, zsh and fish (scripts/completion) runs it and knows nothing by itself.
 *
 * Printed for each word that fits: the word, a TAB, what it means. A word that ends in '=', or the name of a section in
 * '.', goes on. The line ":files SUFFIX ..." stands for paths of files, best those with a suffix, and ":folders" for
 * folders; where the word has a '=', the path begins behind it.
 *
 * All is read from the tables of commands, options and settings. What the argument of an option, or of a command, may be
 * is read from its name in the help: "a|b|c" is one of these words, FILE, MODEL.h5 and the like a file, FOLDER and RUN a
 * folder, KEY a setting; other names stand for something that cannot be completed. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choices.h"
#include "cli_impl.h"
#include "config.h"

typedef struct line {
  int count;
  char **word;         /* [count] behind "lockstep"; the last one is to be completed */
  const char *current; /* the last one */
  const lk_command *commands;
  int command_count;
} line;

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

/* Print `before` and name[size] if they begin as the current word; the meaning on one line, without colours or tabs. */
static void offer(const line *l, const char *before, const char *name, size_t size, const char *meaning) {
  char word[256];
  (void)snprintf(word, sizeof word, "%s%.*s", before, (int)size, name);
  if (!begins(word, l->current)) return;
  printf("%s\t", word);
  for (const char *c = meaning ? meaning : ""; *c; c++) putchar(iscntrl((unsigned char)*c) ? ' ' : *c);
  putchar('\n');
}

static void offer_word(const line *l, const char *name, const char *meaning) {
  offer(l, "", name, strlen(name), meaning);
}

static void offer_commands(const line *l) {
  for (int i = 0; i < l->command_count; i++) offer_word(l, l->commands[i].name, l->commands[i].summary);
}

/* ---- settings ---- */

static bool find_setting(const char *name, size_t size, lk_config_setting *setting) {
  for (ptrdiff_t i = 0; lk_config_setting_at(i, setting); i++)
    if (strlen(setting->name) == size && memcmp(setting->name, name, size) == 0) return true;
  return false;
}

/* The choices of a setting, each behind `before`; of one with an argument, "rollback N", the first word. */
static void offer_choices(const line *l, const char *before, const char *key) {
  lk_choice_at *at = lk_choices_of(key);
  for (size_t i = 0; at && at(i).name; i++) offer(l, before, at(i).name, strcspn(at(i).name, " "), at(i).help);
}

/* Names, each with `end` ("=" or ""): sections first, then, where one is complete, its settings. */
static void offer_settings(const line *l, const char *end) {
  const bool inside = strchr(l->current, '.') != NULL;
  lk_config_setting s;
  char section[64] = "", text[512], word[128];
  for (ptrdiff_t i = 0; lk_config_setting_at(i, &s); i++) {
    const char *dot = strchr(s.name, '.');
    const size_t size = dot ? (size_t)(dot - s.name) + 1 : 0;
    if (dot && !inside) {
      if (strlen(section) == size && begins(s.name, section)) continue;
      (void)snprintf(section, sizeof section, "%.*s", (int)size, s.name);
      offer_word(l, section, s.section);
      continue;
    }
    (void)snprintf(word, sizeof word, "%s%s", s.name, end);
    (void)snprintf(text, sizeof text, "%s [%s]", s.help, s.initial);
    offer_word(l, word, text);
  }
}

/* The value of a setting, KEY=VALUE. */
static void offer_value(const line *l, const char *equals) {
  const size_t size = (size_t)(equals - l->current);
  char before[128];
  lk_config_setting s;
  if (!find_setting(l->current, size, &s)) return;
  (void)snprintf(before, sizeof before, "%s=", s.name);
  if (s.boolean) {
    offer(l, before, "true", 4, NULL);
    offer(l, before, "false", 5, NULL);
  }
  if (s.path) puts(strcmp(s.name, "run.dir") == 0 ? ":folders" : ":files .h5"); /* the others are models and corpora */
  offer_choices(l, before, s.name);
}

static bool names_setting(const char *word) {
  lk_config_setting s;
  for (ptrdiff_t i = 0; lk_config_setting_at(i, &s); i++)
    if (strchr(word, '.') && begins(s.name, word)) return true;
  return false;
}

/* ---- arguments, by their name in the help ---- */

static bool is_one_of(const char *name, size_t size, const char *const *known) {
  for (; *known; known++)
    if (strlen(*known) == size && memcmp(*known, name, size) == 0) return true;
  return false;
}

/* One alternative of a name, behind `before`: a word itself ("keep"; of "line=TEXT" the part that is fixed), a file. */
static void offer_argument(const line *l, const char *before, const char *name, size_t size) {
  static const char *const files[] = {"FILE", "MODEL", "CORPUS", "CONFIG", "PATH", "OUT", NULL};
  static const char *const folders[] = {"FOLDER", "DIR", "RUN", NULL}, *const settings[] = {"KEY", NULL};
  const char *dot = memchr(name, '.', size), *equals = memchr(name, '=', size);
  const size_t stem = dot ? (size_t)(dot - name) : size;
  if (islower((unsigned char)*name) || isdigit((unsigned char)*name))
    offer(l, before, name, equals ? (size_t)(equals - name) + 1 : size, NULL);
  else if (is_one_of(name, stem, files))
    printf(":files %.*s\n", (int)(size - stem), name + stem);
  else if (is_one_of(name, stem, folders))
    puts(":folders");
  else if (is_one_of(name, stem, settings))
    offer_settings(l, "");
}

static void offer_alternatives(const line *l, const char *before, const char *name) {
  while (*name) {
    const size_t size = strcspn(name, "|");
    offer_argument(l, before, name, size);
    name += size + (name[size] == '|');
  }
}

/* ---- options ---- */

static bool is_last(const struct argp_option *o) { return !o->key && !o->name && !o->doc && !o->group; }

/* The option that a word such as --length or -l is, where nothing follows in the same word. */
static const struct argp_option *option_named(const struct argp *argp, const char *word, size_t size) {
  for (const struct argp_option *o = argp->options; o && !is_last(o); o++) {
    if (o->name && begins(word, "--") && strlen(o->name) == size - 2 && memcmp(o->name, word + 2, size - 2) == 0)
      return o;
    if (size == 2 && word[0] == '-' && o->key == word[1]) return o;
  }
  return NULL;
}

static void offer_option_value(const line *l, const struct argp_option *option, const char *before) {
  if (!option->arg) return;
  offer_alternatives(l, before, option->arg);
  if (option->name) offer_choices(l, before, option->name); /* --kernels has those of the setting */
}

static void offer_options(const line *l, const struct argp *argp) {
  for (const struct argp_option *o = argp->options; o && !is_last(o); o++) {
    char word[128];
    if (!o->name || o->flags & OPTION_HIDDEN) continue;
    (void)snprintf(word, sizeof word, "--%s%s", o->name, o->arg ? "=" : "");
    offer_word(l, word, o->doc);
  }
  offer_word(l, "--help", "explain the command");
}

/* ---- a command ---- */

/* The words that a list in the help explains: lines of two spaces, the word, at least two more. */
static void offer_listed(const line *l, const char *doc) {
  for (const char *at = doc; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
    char word[32], meaning[128];
    int end = 0;
    if (sscanf(at, "  %31[a-z]%n", word, &end) != 1 || !begins(at, "  ") || at[2] == ' ' || !begins(at + end, "  "))
      continue;
    const char *text = at + end + strspn(at + end, " ");
    (void)snprintf(meaning, sizeof meaning, "%.*s", (int)strcspn(text, "\n"), text);
    offer_word(l, word, meaning);
  }
}

/* How many arguments stand before the current word, without options and their values. */
static int arguments_before(const line *l, const struct argp *argp) {
  int count = 0;
  for (int i = 1; i < l->count - 1; i++) {
    const bool is_option = l->word[i][0] == '-' && l->word[i][1];
    const struct argp_option *option = is_option ? option_named(argp, l->word[i], strlen(l->word[i])) : NULL;
    if (!is_option) count++;
    if (option && option->arg) i++;
  }
  return count;
}

/* The name of argument `index` in "MODEL.h5 [MODEL.h5 ...] CORPUS.h5", without brackets and dots; that of the last one,
 * which may be repeated, for arguments behind it. */
static void argument_name(char name[64], const char *names, int index) {
  *name = '\0';
  for (const char *at = names; *at && index >= 0; at += strspn(at, " []")) {
    const size_t size = strcspn(at, " []"), dots = size >= 3 && begins(at + size - 3, "...") ? 3 : 0;
    if (size > dots) (void)snprintf(name, 64, "%.*s", (int)(size - dots), at);
    if (size > dots) index--;
    at += size;
  }
}

/* An argument: a setting, a word that the help lists, or a file. */
static void offer_positional(const line *l, const struct argp *argp) {
  const char *names = argp->args_doc ? argp->args_doc : "", *equals = strchr(l->current, '=');
  const bool settings = strstr(names, LK_CLI_SETTINGS) != NULL, optional = *names == '[';
  const int before = arguments_before(l, argp);
  char name[64];
  argument_name(name, names + strspn(names, "["), before);
  if (settings && equals)
    offer_value(l, equals);
  else if (settings && (before > 0 || (optional && names_setting(l->current))))
    offer_settings(l, "=");
  else if (strcmp(name, "KIND") == 0 || strcmp(name, "SECTION") == 0)
    offer_listed(l, argp->doc);
  else
    offer_alternatives(l, "", name);
}

/* --option=VALUE */
static void offer_joined_value(const line *l, const struct argp *argp, const char *equals) {
  const size_t size = (size_t)(equals - l->current);
  const struct argp_option *option = option_named(argp, l->current, size);
  char before[128];
  (void)snprintf(before, sizeof before, "%.*s", (int)size + 1, l->current);
  if (option) offer_option_value(l, option, before);
}

static void offer_for(const struct argp *argp, void *context) {
  const line *l = context;
  const char *before = l->count > 2 ? l->word[l->count - 2] : "", *equals = strchr(l->current, '=');
  const struct argp_option *option = option_named(argp, before, strlen(before));
  if (option && option->arg)
    offer_option_value(l, option, "");
  else if (begins(l->current, "--") && equals)
    offer_joined_value(l, argp, equals);
  else if (l->current[0] == '-')
    offer_options(l, argp);
  else
    offer_positional(l, argp);
}

lk_status lk_cli_complete(int count, char **word, const lk_command *commands, int command_count) {
  line l = {.count = count, .word = word, .commands = commands, .command_count = command_count};
  const bool help = count > 2 && strcmp(word[1], "help") == 0;
  if (count < 2 || strcmp(word[0], "--") != 0)
    return LK_FAIL(LK_USAGE, "lockstep complete: expected '--' and the words behind 'lockstep'");
  l.word += help ? 2 : 1;
  l.count -= help ? 2 : 1;
  l.current = l.word[l.count - 1];
  if (l.count == 1) {
    offer_commands(&l);
    if (help) return LK_OK;
    offer_word(&l, "help", "explain a command");
    if (l.current[0] == '-') offer_word(&l, "--help", "list the commands");
    if (l.current[0] == '-') offer_word(&l, "--version", "print the versions of the program and its libraries");
  }
  if (l.count == 2 && strcmp(l.word[0], "--version") == 0) offer_word(&l, "--json", "print one JSON object");
  for (int i = 0; i < command_count && l.count > 1; i++)
    if (strcmp(commands[i].name, l.word[0]) == 0) lk_cli_read_options(&commands[i], l.count, l.word, offer_for, &l);
  return LK_OK;
}
