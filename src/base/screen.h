/* screen.h - the terminal that shows the picture of live.h below the program's lines.
 *
 * It is standard error where that is a terminal. Under mpirun standard error is a pipe to mpirun, which copies it to its
 * own standard error: where that is a terminal the picture is drawn on it, and lines still go through the pipe. The
 * launcher is found among this process's ancestors, in /proc, so a batch job, `2>log` and `2>&1 | tee log` after mpirun
 * all give plain lines. Nothing is drawn where TERM is unset or "dumb", nor while another process group is in the
 * foreground (`&`, Ctrl-Z). NO_COLOR leaves the colours out.
 *
 * The cursor is not hidden and waits at the start of the line below the picture. So there is nothing to restore: after
 * any signal, SIGKILL too, a shell's prompt or another process's message begins on a line of its own.
 *
 * Nothing waits for the terminal until lk_screen_wait(): what a suspended output (Ctrl-S) does not take is kept.
 * One per process; the caller (log.c) holds a lock. Every function: Not collective. */
#pragma once
#include "live.h"

/** Find out anew where standard error goes; returns whether there is a terminal to draw on. */
bool lk_screen_begin(void);
/** The window behind a descriptor. Where it is no terminal: $COLUMNS or 100 columns, 24 rows, no colour. */
lk_window lk_screen_window(int fd);
/** Whether a picture can be drawn now; fills the window's properties. */
bool lk_screen_ready(lk_window *window);
/** Draw it in place of the one before. */
void lk_screen_show(const lk_picture *picture);
/** Write a line, with its newline, above `picture`, the one that is shown. True: the picture was erased, and should not
 *  be drawn again before mpirun has copied the line. */
bool lk_screen_line(const char *text, size_t size, const lk_picture *picture);
/** Forget the picture: erase it, or leave it and bring it up to date with `last`, the last one to be shown. */
void lk_screen_end(bool erase, const lk_picture *last);
/** Wait until the terminal has taken everything: before others write to it, and at the end of the program. */
void lk_screen_wait(void);

/* ---- for tests ---- */

/** Whether the first of LC_ALL, LC_CTYPE and LANG that is set and not empty names UTF-8. */
bool lk_screen_utf8(const char *const values[3]);
