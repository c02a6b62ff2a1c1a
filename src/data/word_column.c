#include "word_column.h"

#include <string.h>

/* The table of features, one line each. */
#define COLUMNS_OF_WORDS(X) \
  X(casing)                 \
  X(form)                   \
  X(vectors)

#define DECLARE(name) extern const lk_word_column lk_word_column_##name;
#define ADDRESS(name) &lk_word_column_##name,
COLUMNS_OF_WORDS(DECLARE)
static const lk_word_column *const columns[] = {COLUMNS_OF_WORDS(ADDRESS)};
enum { COLUMNS = sizeof columns / sizeof *columns };

const char *const *lk_word_column_names(size_t *count) {
  static const char *names[COLUMNS];
  for (size_t i = 0; i < COLUMNS; i++) names[i] = columns[i]->name;
  *count = COLUMNS;
  return names;
}

const lk_word_column *lk_word_column_find(const char *name) {
  for (size_t i = 0; i < COLUMNS; i++)
    if (strcmp(columns[i]->name, name) == 0) return columns[i];
  return NULL;
}
