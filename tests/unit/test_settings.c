/* The rows of settings: each is complete, and what the program does about settings follows from them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_impl.h"
#include "trainer.h"

static const config_key *at(ptrdiff_t i) { return &lk_config_keys[i]; }

/* Give the setting another value than its default. */
static void change(lk_config *config, const config_key *key) {
  const char *others[] = {"true", "false", "0.25", "3", "5", "folder", NULL};
  char text[256];
  lk_choice_at *choices = lk_choices_of(key->name);
  lk_config initial;
  assert_int_equal(lk_config_init(&initial), LK_OK);
  for (size_t i = 0; lk_config_equal(config, &initial, key); i++) {
    const char *value = choices ? choices(i).name : others[i];
    if (choices && !value) { /* a table of one entry: any other text */
      value = "another";
      choices = NULL;
    }
    if (!value) fail_msg("%s: no other value", key->name);
    (void)snprintf(text, sizeof text, "%s=%s", key->name, value);
    if (lk_config_override(config, text) != LK_OK) lk_error_clear();
  }
  lk_config_release(&initial);
}

static void assert_sentences(const char *name, const char *help) {
  if (!help || strlen(help) < 8 || help[strlen(help) - 1] != '.') fail_msg("%s has no help", name);
}

static void every_row_is_complete(void **state) {
  (void)state;
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++) {
    const config_key *key = at(i);
    const bool number = key->kind == KEY_INTEGER || key->kind == KEY_REAL;
    assert_sentences(key->name, key->help);
    if (number != (key->unit != NULL)) fail_msg("%s: a unit belongs to a number, and \"\" to one without", key->name);
    if (number && !(key->least < key->most)) fail_msg("%s has no range", key->name);
    if (lk_choices_of(key->name) && (key->kind != KEY_STRING || key->path || key->form))
      fail_msg("%s has choices, but is not a plain text", key->name);
    for (ptrdiff_t k = 0; k < lk_config_key_count; k++) {
      assert_true(k == i || strcmp(at(k)->name, key->name) != 0);
      assert_false(key->former && strcmp(at(k)->name, key->former) == 0);
    }
  }
  for (size_t s = 0; s < LK_CONFIG_SECTIONS; s++)
    assert_sentences(lk_config_sections[s].name, lk_config_sections[s].help);
}

static void every_default_is_in_range(void **state) {
  (void)state;
  lk_config config;
  int shards;
  assert_int_equal(lk_config_init(&config), LK_OK);
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++) {
    const config_key *key = at(i);
    if (key->kind != KEY_INTEGER && key->kind != KEY_REAL) continue;
    const double value = strtod(key->initial, NULL);
    const bool above = key->open & ABOVE_LEAST ? value > key->least : value >= key->least;
    const bool below = key->open & BELOW_MOST ? value < key->most : value <= key->most;
    if (!above || !below) fail_msg("%s: default %s", key->name, key->initial);
  }
  assert_int_equal(lk_config_check_choices(&config), LK_OK);
  assert_int_equal(lk_config_shards(&config, 1, &shards), LK_OK);
  lk_config_release(&config);
}

/* What a table of choices says of settings is true of the rows. */
static void every_choice_reads_settings_that_exist(void **state) {
  (void)state;
  int tables = 0, readers = 0;
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++) {
    lk_choice_at *choice = lk_choices_of(at(i)->name);
    if (!choice) continue;
    tables++;
    assert_non_null(choice(0).name);
    for (size_t c = 0; choice(c).name; c++)
      for (const char *word = choice(c).reads; word && *word; word += strcspn(word, " "), word += strspn(word, " ")) {
        readers++;
        if (lk_config_find(word, strcspn(word, " ")) < 0) fail_msg("%s reads '%s'", choice(c).name, word);
      }
  }
  assert_true(tables >= 14 && readers >= 20);
}

/* A fixed setting, and no other, is refused when a run goes on: lk_config_changed() is all that the resume check knows. */
static void a_resumed_run_compares_the_fixed_rows(void **state) {
  (void)state;
  int fixed = 0;
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++) {
    lk_config began, now;
    assert_int_equal(lk_config_init(&began), LK_OK);
    assert_int_equal(lk_config_init(&now), LK_OK);
    assert_null(lk_config_changed(&began, &now));
    change(&now, at(i));
    const char *changed = lk_config_changed(&began, &now);
    if (at(i)->fixed) assert_string_equal(changed ? changed : "nothing", at(i)->name);
    if (!at(i)->fixed) assert_null(changed);
    fixed += at(i)->fixed;
    lk_config_release(&began);
    lk_config_release(&now);
  }
  assert_true(fixed >= 20 && fixed < lk_config_key_count);
}

/* Ranks compare the printed configuration: each setting changes it, and is read back from it. */
static void ranks_compare_all_rows(void **state) {
  (void)state;
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++) {
    lk_config initial, config, again;
    lk_buffer usual = {0}, text = {0};
    assert_int_equal(lk_config_init(&initial), LK_OK);
    assert_int_equal(lk_config_init(&config), LK_OK);
    assert_int_equal(lk_config_init(&again), LK_OK);
    change(&config, at(i));
    assert_int_equal(lk_config_print(&initial, &usual), LK_OK);
    assert_int_equal(lk_config_print(&config, &text), LK_OK);
    if (strcmp(usual.data, text.data) == 0) fail_msg("%s is not compared", at(i)->name);
    assert_int_equal(lk_config_parse(&again, text.data, text.size, "printed"), LK_OK);
    for (ptrdiff_t k = 0; k < lk_config_key_count; k++) assert_true(lk_config_equal(&config, &again, at(k)));
    lk_buffer_release(&usual);
    lk_buffer_release(&text);
    lk_config_release(&initial);
    lk_config_release(&config);
    lk_config_release(&again);
  }
}

/* The lines of `text` about a key, from its own to the next key's. */
static void block_of(char *out, size_t room, const char *text, const char *name) {
  char start[64];
  (void)snprintf(start, sizeof start, "\n  %s ", name);
  const char *begin = strstr(text, start);
  if (!begin) fail_msg("%s is not described", name);
  size_t size = 1;
  while (begin[size] && !(begin[size] == '\n' && (begin[size + 1] == '\n' || strncmp(begin + size, "\n   ", 4) != 0)))
    size++;
  assert_true(size < room);
  memcpy(out, begin, size);
  out[size] = '\0';
}

static void descriptions_show_the_rows(void **state) {
  (void)state;
  lk_buffer text = {0};
  assert_int_equal(lk_buffer_printf(&text, "\n"), LK_OK);
  assert_int_equal(lk_config_describe(&text), LK_OK);
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++) {
    const config_key *key = at(i);
    char block[4096];
    block_of(block, sizeof block, text.data, key->name);
    assert_non_null(strstr(block, key->help));
    assert_true((strstr(block, "; fixed for a run\n") != NULL) == key->fixed);
    if (key->unit && *key->unit) assert_non_null(strstr(block, key->unit));
    if (key->former) assert_non_null(strstr(block, key->former));
    lk_choice_at *choice = lk_choices_of(key->name);
    assert_true((strstr(block, "\n      choices: ") != NULL) == (choice != NULL));
    for (size_t c = 0; choice && choice(c).name; c++) assert_non_null(strstr(block, choice(c).name));
  }
  char block[4096];
  block_of(block, sizeof block, text.data, "model.hidden");
  assert_non_null(strstr(block, "a whole number from 1 to 16384 (units); default 256; fixed for a run\n"));
  block_of(block, sizeof block, text.data, "train.nesterov");
  assert_non_null(strstr(block, "\n      only with train.optimizer: momentum"));
  lk_buffer_release(&text);
}

int main(void) {
  /* a static library gives a program only what it refers to, and a table that is not there is not registered */
  __typeof__(lk_train) *volatile whole = lk_train;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_row_is_complete),
      cmocka_unit_test(every_default_is_in_range),
      cmocka_unit_test(every_choice_reads_settings_that_exist),
      cmocka_unit_test(a_resumed_run_compares_the_fixed_rows),
      cmocka_unit_test(ranks_compare_all_rows),
      cmocka_unit_test(descriptions_show_the_rows),
  };
  (void)whole;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
