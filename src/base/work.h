/* work.h - progress of a command other than train, for whoever waits for it.
 *
 * A command says that it begins; the functions below it say what they are doing and how far they are, which nobody
 * hears in a program that uses the library. Nothing is shown for the first two seconds. Then a terminal has a bar, what
 * is being done and the time left, and a file or pipe gets a line a minute. The picture is erased when the work ends or
 * an error is printed, so results and messages stand where they always do. One piece of work at a time, of the process,
 * by one thread. Not collective. */
#pragma once

/** The command begins; ends. */
void lk_work_begin(void);
void lk_work_end(void);
/** It does this from now on, "reading": `all` units, 0: not known beforehand. unit: their name where a person wants to see
 *  their number, "lines"; or NULL. Both texts are kept as pointers. */
void lk_work_next(const char *what, const char *unit, double all);
/** So many units are done. Costs a comparison, and a look at the clock a thousand times in all; where `all` is not known
 *  each time. */
void lk_work_at(double done);
/** The next units, from `done` to `until`, will be done in one go, by functions that say with lk_work_part() which part of
 *  them is done, 0 to 1. */
void lk_work_span(double done, double until);
void lk_work_part(double part);
