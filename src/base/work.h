/* work.h - progress of a command other than train, for whoever waits for it.
 *
 * A command announces its work, and the functions that it calls report what they are doing and how far they are; in a
 * program that uses the library nobody listens. Nothing is shown for the first two seconds. Then a terminal shows a
 * bar, what is being done and the time left, and a file or pipe gets a line a minute. The picture is erased when the
 * work ends or an error is printed, so results and messages stand where they always do. A process has one piece of work
 * at a time, reported by one thread. Not collective. */
#pragma once

/** The work of a command begins, and ends. */
void lk_work_begin(void);
void lk_work_end(void);
/** From now on the command does `what`, "reading", for `all` units (0: not known). unit: their name, "lines", if a
 *  person wants to see their number; or NULL. Both texts are kept as pointers. */
void lk_work_next(const char *what, const char *unit, double all);
/** `done` units are done. A call costs a comparison, and a look at the clock for each 1000th part of `all`; if `all` is
 *  not known, for each call. */
void lk_work_at(double done);
/** The next units, from `done` to `until`, will be done by functions that report with lk_work_part() which part of
 *  them, 0 to 1, is done. */
void lk_work_span(double done, double until);
void lk_work_part(double part);
