/* number.h - numbers in settings and options. Every function: Not collective. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/** A decimal number as YAML and C write it, "-1.5" or "2e-3"; without spaces, separators, hexadecimal or infinity.
 *  False for anything else, and for numbers that a double cannot hold: too large, or so small that they become 0. */
bool lk_number_real(const char *text, double *value);
/** A whole number: digits, or a decimal form whose value is whole and exact, such as 1e6. */
bool lk_number_whole(const char *text, int64_t *value);
/** The shortest decimal form that reads back as the same number; returns out. */
const char *lk_number_text(char out[32], double value);
/** The number that a text in another notation probably means: "50%" 0.5, "10k" 10000, "1,5" 1.5, "1_000" 1000, " 4" 4,
 *  and "2h" if the unit is minutes or seconds. False if there is no such guess. */
bool lk_number_guess(const char *text, const char *unit, double *value);
/** Why a text that looks like a number is refused, for messages: ", which is not finite" and the like, or "". */
const char *lk_number_why_not(const char *text);
