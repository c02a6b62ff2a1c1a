#include <stdio.h>
#include <string.h>

#include "cli_impl.h"
#include "config.h"
#include "trainer.h"

typedef struct arguments {
  bool defaults, describe;
  const char *key;
  lk_cli_words words;
} arguments;

static const struct argp_option options[] = {
    {"defaults", 'd', NULL, 0, "print a configuration with every setting at its default", 0},
    {"describe", 'k', NULL, 0, "list all settings: type, default, range, unit and meaning", 0},
    {"get", 'g', "KEY", 0, "print the effective value of one setting, for scripts", 0},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
    case 'g':
      a->key = text;
      return 0;
    case 'd':
      a->defaults = true;
      return 0;
    case 'k':
      a->describe = true;
      return 0;
    default:
      return lk_cli_take_words(key, state, &a->words);
  }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "[CONFIG.yaml] " LK_CLI_SETTINGS,
    .doc =
        "Check a configuration and print every setting with its effective value and meaning.\v"
        "Examples:\n  lockstep config configs/lm-char.yaml train.rate=0.002\n"
        "  lockstep config --defaults > my.yaml\n"
        "  lockstep config configs/lm-char.yaml --get run.dir"};

static lk_status write(const lk_config *config, const arguments *a, lk_buffer *out) {
  if (a->describe) return lk_config_describe(out);
  if (!a->key) return lk_config_print(config, out);
  LK_TRY(lk_config_get(config, "--get", a->key, out));
  return lk_buffer_append(out, "\n", 1);
}

lk_status lk_command_config(int argc, char **argv, lk_comm *comm) {
  (void)comm;
  lk_status status = LK_OK;
  int help = 0;
  arguments a = {0};
  lk_config config = {0};
  lk_buffer out = {0};
  LK_TRY(lk_cli_parse(&argp, "lockstep config", argc, argv, &a, &help));
  if (help) return LK_OK;
  if (!a.defaults && !a.describe && !a.key && a.words.count == 0)
    return LK_FAIL(LK_USAGE, "lockstep config: expected a configuration file, --defaults or --describe");
  LK_GO(lk_cli_read_config(&config, &a.words, NULL));
  LK_GO(lk_train_check(&config));
  LK_GO(lk_train_warn(&config, NULL));
  LK_GO(write(&config, &a, &out));
  fputs(out.data, stdout);
done:
  lk_buffer_release(&out);
  lk_config_release(&config);
  return status;
}
