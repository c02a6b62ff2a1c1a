/* choices.h - the names that a setting can have, registered by the folder that owns the table behind them.
 *
 * The rows of settings (config_table.c) are in `base`; the tables of cells, tasks, optimizers, ... are in folders above
 * it, which `base` cannot include. So a folder registers its table, in the file that defines it:
 *
 *   static lk_choice cell_choice(size_t i) { return i < CELLS ? (lk_choice){.name = cells[i].name} : (lk_choice){0}; }
 *   LK_CHOICES("model.cell", cell_choice)
 *
 * Everything else follows from that: the check of the value, its error message, `lockstep config --describe`, the
 * comments of a printed configuration, and the warning for a setting that the chosen entry does not read. A new entry
 * is one more line in its table. */
#pragma once
#include <stddef.h>

typedef struct lk_choice {
  const char *name; /* NULL: there is no choice of this index */
  const char *help; /* a few words about it, or NULL */
  const char
      *reads; /* settings that only this choice, and others that name them too, read: "train.beta1 train.beta2" */
} lk_choice;

/** A table: its choice number `index`, from 0; .name is NULL after the last one. */
typedef lk_choice lk_choice_at(size_t index);

/** Register the table of a setting: once for each key, before main().            Not thread-safe. */
void lk_choices_register(const char *key, lk_choice_at *at);
/** The table of a setting, NULL where there is none.                             Not collective. */
lk_choice_at *lk_choices_of(const char *key);

enum { LK_MOST_CHOICES = 64 };
/** The names in the table of a setting, which has to be registered; returns how many.   Not collective. */
size_t lk_choices_names(const char *key, const char *names[LK_MOST_CHOICES]);

#define LK_CHOICES(key, at) \
  __attribute__((constructor)) static void register_##at(void) { lk_choices_register(key, at); }
