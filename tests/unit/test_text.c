/* UTF-8, folding, quoting, similar words; buffers and tables of strings. */
#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The encoding of a code point by the formula, surrogates included. */
static size_t encode(uint32_t c, char out[4]) {
  if (c < 0x80) {
    out[0] = (char)c;
    return 1;
  }
  size_t bytes = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (size_t i = bytes; i-- > 1; c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
  out[0] = (char)(c | (bytes == 2 ? 0xc0 : bytes == 3 ? 0xe0 : 0xf0));
  return bytes;
}

static void every_code_point(void **state) {
  (void)state;
  for (uint32_t c = 0; c < 0x120000; c++) {
    char text[5] = "", out[4];
    size_t bytes = encode(c, out);
    memcpy(text, out, bytes);
    bool good = c < 0x110000 && (c < 0xd800 || c > 0xdfff);
    if (lk_utf8_next(text, bytes) != (good ? bytes : 0)) fail_msg("U+%04X", (unsigned)c);
    if (lk_utf8_next(text, bytes - 1) != 0) fail_msg("U+%04X cut short", (unsigned)c);
    if (lk_utf8_next(text, 5) != (good ? bytes : 0)) fail_msg("U+%04X with bytes behind", (unsigned)c);
  }
}

static void invalid_bytes(void **state) {
  (void)state;
  const char *bad[] = {"\x80",         "\xbf",  "\xc0\x80",      "\xc1\xbf",         "\xe0\x9f\xbf",
                       "\xed\xa0\x80", "\xc3(", "\xe2\x82(",     "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                       "\xf5\x80\x80", "\xff",  "\xf0\x9f\x98(", "\xe2(\xac",        "\xf8\x88\x80\x80\x80"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char text[64];
    assert_int_equal(lk_utf8_next(bad[i], strlen(bad[i])), 0);
    for (int before = 0; before < 20; before++) { /* at every place of a word of eight */
      int size = snprintf(text, sizeof text, "%.*s%s tail", before, "aaaaaaaaaaaaaaaaaaaaaaaa", bad[i]);
      assert_int_equal(lk_utf8_valid(text, (size_t)size), before);
    }
  }
  assert_int_equal(lk_utf8_next("", 0), 0);
}

static void valid_and_counted(void **state) {
  (void)state;
  const char *text = "naïve – 日本語 😀 ascii, long enough for whole words";
  assert_int_equal(lk_utf8_valid(text, strlen(text)), strlen(text));
  assert_int_equal(lk_utf8_count(text, strlen(text)), 48);
  assert_int_equal(lk_utf8_count("", 0), 0);
  assert_int_equal(lk_utf8_width("a\xc3\xa7", 3), 2);
  assert_int_equal(lk_utf8_width("\xe4\xba\xba\xe5\x90\x8d", 6), 4); /* two characters of two columns */
  assert_int_equal(lk_utf8_width("e\xcc\x81", 3), 1);                /* a letter and its accent */
  assert_int_equal(lk_utf8_valid("a\0b", 3), 3);
}

static void spaces(void **state) {
  (void)state;
  const uint32_t space[] = {9,      10,     11,     12,     13,     0x20,   0x85,   0xa0,   0x1680,
                            0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
                            0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000};
  size_t found = 0;
  for (uint32_t c = 0; c < 0x110000; c++) {
    if (c >= 0xd800 && c < 0xe000) continue;
    char text[4];
    size_t bytes = encode(c, text);
    if (!lk_utf8_space(text, bytes)) continue;
    assert_true(found < sizeof space / sizeof *space);
    assert_int_equal(c, space[found++]);
  }
  assert_int_equal(found, sizeof space / sizeof *space);
}

static void assert_fold(const char *text, bool nfc, bool lower, const char *expected) {
  lk_buffer out = {0};
  assert_int_equal(lk_buffer_append(&out, ">", 1), LK_OK);
  assert_int_equal(lk_utf8_fold(&out, text, strlen(text), (lk_folding){.nfc = nfc, .lower = lower}), LK_OK);
  assert_string_equal(out.data + 1, expected);
  assert_int_equal(out.size, strlen(expected) + 1);
  lk_buffer_release(&out);
}

static void assert_digits(const char *text, bool nfc, bool lower, const char *expected) {
  lk_buffer out = {0};
  assert_int_equal(lk_buffer_append(&out, "9", 1), LK_OK); /* what is there already stays */
  assert_int_equal(lk_utf8_fold(&out, text, strlen(text), (lk_folding){.nfc = nfc, .lower = lower, .digits = true}),
                   LK_OK);
  assert_string_equal(out.data, expected);
  assert_int_equal(out.size, strlen(expected));
  lk_buffer_release(&out);
}

/* Decimal digits of any script, but no fractions, superscripts or numerals that are letters. */
static void digits_fold(void **state) {
  (void)state;
  assert_digits("", false, false, "9");
  assert_digits("In 1984, 3.5% of B2B", false, false, "9In 0000, 0.0% of B0B");
  assert_digits("١٩ ７𝟘१x", true, false, "900 000x");
  assert_digits("½ ² Ⅷ 五 ①", false, false, "9½ ² Ⅷ 五 ①");
  assert_digits("E\xcc\x81TAGE 7", true, true, "9étage 0");
}

static void folding(void **state) {
  (void)state;
  assert_fold("", true, true, "");
  assert_fold("Plain ASCII @[`{ Z", true, false, "Plain ASCII @[`{ Z");
  assert_fold("Plain ASCII @[`{ Z", true, true, "plain ascii @[`{ z");
  assert_fold("e\xcc\x81t\x65\xcc\x81", true, false, "été");
  assert_fold("E\xcc\x81T\x45\xcc\x81", true, true, "été");
  assert_fold("E\xcc\x81", false, true, "e\xcc\x81");
  assert_fold("E\xcc\x81", false, false, "E\xcc\x81");
  assert_fold("ÀÉÎÕÜ Straße ЖУК", true, true, "àéîõü straße жук");
  assert_fold("Ünï ŸÆ", false, true, "ünï ÿæ");
  assert_fold("ΟΔΟΣ", true, true, "οδος");                    /* a sigma at the end is another letter */
  assert_fold("\xc4\xb0", false, true, "i\xcc\x87");          /* U+0130 becomes two */
  assert_fold("\xe2\x84\xab", true, false, "Å");              /* the sign of the unit is the letter */
  assert_fold("\xe1\x84\x80\xe1\x85\xa1", true, false, "가"); /* Hangul letters join */
  assert_fold("\xea\xb0\x80\xe1\x86\xa8", true, false, "각"); /* and a final one joins a whole syllable */
  assert_fold("\xe3\x81\x8b\xe3\x82\x99", true, false, "が"); /* kana with its mark */
  assert_fold("a\xcc\xa7\xcc\x81", true, false, "á\xcc\xa7"); /* marks in canonical order, then composed */
  assert_fold("“Quoted” — 日本語", true, true, "“quoted” — 日本語");
}

/* The fast path for common characters must give the result of the full algorithm, which a Greek letter at the end of
 * the text selects; the letter is then removed again. */
static void short_cut_agrees(void **state) {
  (void)state;
  lk_buffer shorter = {0}, longer = {0};
  for (uint32_t c = 1; c < 0x30000; c++) {
    if (c >= 0xd800 && c < 0xe000) continue;
    char text[16];
    size_t bytes = encode(c, text);
    memcpy(text + bytes, "q\xce\xb1", 3); /* q: keeps the alpha from what c might do to it */
    for (int lower = 0; lower < 2; lower++) {
      lk_buffer_truncate(&shorter, 0);
      lk_buffer_truncate(&longer, 0);
      assert_int_equal(lk_utf8_fold(&shorter, text, bytes + 1, (lk_folding){.nfc = true, .lower = lower}), LK_OK);
      assert_int_equal(lk_utf8_fold(&longer, text, bytes + 3, (lk_folding){.nfc = true, .lower = lower}), LK_OK);
      if (longer.size != shorter.size + 2 || memcmp(shorter.data, longer.data, shorter.size) != 0)
        fail_msg("U+%04X", (unsigned)c);
    }
  }
  lk_buffer_release(&shorter);
  lk_buffer_release(&longer);
}

static void quotes(void **state) {
  (void)state;
  char out[256];
  const char turn[] = {(char)0xe2, (char)0x80, (char)0xae}; /* right-to-left override */
  char reversing[10] = "é日\xc2\x9b";
  memcpy(reversing + 7, turn, 3);
  assert_string_equal(lk_quote(out, "plain", 5), "'plain'");
  assert_string_equal(lk_quote(out, "", 0), "''");
  assert_string_equal(lk_quote(out, "a\tb\nc\x01\x7f\xff", 8), "'a\\tb\\nc\\x01\\x7f\\xff'");
  assert_string_equal(lk_quote(out, reversing, 10), "'é日\\u009b\\u202e'");
  char wide[400], bad[400];
  for (int i = 0; i < 100; i++) memcpy(wide + 4 * i, "😀", 4);
  memset(bad, 0xff, sizeof bad);
  lk_quote(out, wide, sizeof wide);
  assert_int_equal(lk_utf8_count(out, strlen(out)), 60 + 5);
  assert_string_equal(out + strlen(out) - 4, "...'");
  lk_quote(out, bad, sizeof bad);
  assert_int_equal(strlen(out), 60 * 4 + 5);
  for (int i = 0; i < 80; i++) memcpy(wide + 3 * i, turn, 3); /* the longest escapes */
  lk_quote(out, wide, 240);
  assert_true(strlen(out) < 256 && strlen(out) > 200);
  assert_string_equal(out + strlen(out) - 4, "...'");
}

static void nearest_words(void **state) {
  (void)state;
  const char *names[] = {"model.hidden", "model.layers", "train.batch", "adam", "adamw", "lm"};
  const size_t n = sizeof names / sizeof *names;
  assert_string_equal(lk_nearest("model.hiden", names, n), "model.hidden");
  assert_string_equal(lk_nearest("mdoel.layers", names, n), "model.layers");
  assert_string_equal(lk_nearest("batch", (const char *[]){"bacth"}, 1), "bacth");
  assert_string_equal(lk_nearest("adma", names, n), "adam");
  assert_string_equal(lk_nearest("adamw", names, n), "adamw");
  assert_string_equal(lk_nearest("train.batches", names, n), "train.batch");
  assert_string_equal(lk_nearest("Nadam", (const char *[]){"adam", "nadam"}, 2), "nadam");
  assert_string_equal(lk_nearest("abcd", (const char *[]){"badc"}, 1), "badc"); /* two swaps */
  assert_null(lk_nearest("something", names, n));
  assert_null(lk_nearest("gp", names, n)); /* changing two of two letters leaves nothing of the word */
  assert_null(lk_nearest("", names, n));
  assert_null(lk_nearest("adam", names, 0));
  assert_null(lk_nearest("abcd", (const char *[]){"dcba"}, 1));
  char huge[300];
  memset(huge, 'a', sizeof huge - 1);
  huge[sizeof huge - 1] = '\0';
  assert_null(lk_nearest(huge, names, n));
  assert_null(lk_nearest("adamm", (const char *[]){huge}, 1));
}

static void buffers(void **state) {
  (void)state;
  lk_buffer buffer = {0};
  assert_int_equal(lk_buffer_append(&buffer, NULL, 0), LK_OK);
  assert_string_equal(buffer.data, "");
  for (int i = 0; i < 1000; i++) assert_int_equal(lk_buffer_printf(&buffer, "%d,", i), LK_OK);
  assert_int_equal(buffer.size, 10 * 2 + 90 * 3 + 900 * 4);
  assert_string_equal(buffer.data + buffer.size - 8, "998,999,");
  assert_true(buffer.capacity > buffer.size);
  lk_buffer_truncate(&buffer, 4);
  assert_string_equal(buffer.data, "0,1,");
  assert_int_equal(lk_buffer_append(&buffer, "a\0b", 3), LK_OK);
  assert_memory_equal(buffer.data, "0,1,a\0b", 8);
  lk_buffer_release(&buffer);
  assert_true(buffer.data == NULL && buffer.size == 0);
}

static void files(void **state) {
  (void)state;
  char path[] = "/tmp/lockstep-text-XXXXXX";
  int file = mkstemp(path);
  assert_true(file >= 0);
  lk_buffer written = {0}, got = {0};
  for (int i = 0; i < 50000; i++) assert_int_equal(lk_buffer_printf(&written, "line %d\n", i), LK_OK);
  assert_int_equal(write(file, written.data, written.size), (ssize_t)written.size);
  assert_int_equal(lk_buffer_append(&got, "kept", 4), LK_OK);
  assert_int_equal(lk_buffer_read_file(&got, path), LK_OK);
  assert_int_equal(got.size, written.size + 4);
  assert_memory_equal(got.data, "kept", 4);
  assert_memory_equal(got.data + 4, written.data, written.size + 1);

  lk_buffer_truncate(&got, 0); /* standard input, here a pipe that gives small pieces */
  int ends[2], old = dup(STDIN_FILENO);
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(write(ends[1], "from a pipe", 11), 11);
  close(ends[1]);
  assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
  assert_int_equal(lk_buffer_read_file(&got, "-"), LK_OK);
  assert_string_equal(got.data, "from a pipe");
  (void)dup2(old, STDIN_FILENO);
  close(old);
  close(ends[0]);

  (void)unlink(path);
  lk_error_clear();
  assert_int_equal(lk_buffer_read_file(&got, path), LK_IO);
  assert_non_null(strstr(lk_error_get()->text, path));
  lk_error_clear();
  assert_int_equal(lk_buffer_read_file(&got, "/tmp"), LK_IO); /* a folder */
  assert_string_equal(got.data, "from a pipe");
  lk_error_clear();
  close(file);
  lk_buffer_release(&written);
  lk_buffer_release(&got);
}

static void tables(void **state) {
  (void)state;
  lk_strings table = {0}, copy = {0};
  for (int i = 0; i < 5000; i++) {
    char word[16];
    int size = snprintf(word, sizeof word, "%.*s%d", i % 3, "é", i);
    assert_int_equal(lk_strings_add(&table, word, i == 7 ? 0 : (size_t)size, 10 * i), LK_OK);
  }
  assert_int_equal(lk_strings_copy(&copy, &table), LK_OK);
  lk_strings_release(&table);
  assert_true(table.count == 0 && table.bytes == NULL);
  assert_int_equal(copy.count, 5000);
  for (int i = 0; i < 5000; i++) {
    char word[16] = "";
    if (i != 7) (void)snprintf(word, sizeof word, "%.*s%d", i % 3, "é", i);
    assert_string_equal(lk_strings_get(&copy, i), word);
    assert_int_equal(lk_strings_size(&copy, i), strlen(word));
    assert_int_equal(copy.number[i], 10 * i);
  }
  assert_int_equal(lk_strings_copy(&copy, &table), LK_OK); /* a copy of nothing */
  assert_int_equal(copy.count, 0);
  lk_strings_release(&copy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_point), cmocka_unit_test(invalid_bytes), cmocka_unit_test(valid_and_counted),
      cmocka_unit_test(spaces),           cmocka_unit_test(folding),       cmocka_unit_test(digits_fold),
      cmocka_unit_test(short_cut_agrees), cmocka_unit_test(quotes),        cmocka_unit_test(nearest_words),
      cmocka_unit_test(buffers),          cmocka_unit_test(files),         cmocka_unit_test(tables),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
