#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli_impl.h"
#include "clock.h"
#include "log.h"
#include "screen.h"
#include "watch_impl.h"

typedef struct arguments {
  const char *dir;
  bool once;
} arguments;

enum { ONCE = 'o' };

static const struct argp_option options[] = {
    {"once", ONCE, NULL, 0,
     "print one picture to standard output and end; as wide as the terminal, else $COLUMNS or 100", 0},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
    case ONCE:
      return a->once = true, 0;
    case ARGP_KEY_ARG:
      if (a->dir) return ARGP_ERR_UNKNOWN;
      return a->dir = text, 0;
    case ARGP_KEY_END:
      if (a->dir) return 0;
      return lk_cli_bad_option("lockstep watch: expected the folder of a run; 'lockstep watch --help' has an example");
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FOLDER",
    .doc =
        "Show how a run is going, from the files in its folder.\v"
        "Examples:\n  lockstep watch run\n"
        "  ssh -t cluster lockstep watch /scratch/run\n"
        "  lockstep watch run --once | mail -s run me\n\n"
        "FOLDER is the run.dir of the run, which may be on any host that shares the folder; in one that is empty, "
        "watch "
        "waits for a run. The picture is that of lockstep train, with a line that says whether the run goes on and "
        "when its last sign of "
        "life was (a run renews the file `owner` every five seconds). New messages of its log.txt appear above. It "
        "ends "
        "when the run is done; after an interruption it waits for the run to be resumed. Ctrl-C ends it, and not the "
        "run. Without a terminal it prints a plain line to standard output when something has changed, every ten "
        "seconds at most."};

static double wall_clock(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void print_message(void *context, const char *line) {
  (void)context;
  LK_INFO("%s", line);
}

/* Without the blanks behind the curve. */
static void print_row(const char *row) {
  size_t size = strlen(row);
  while (size > 0 && row[size - 1] == ' ') size--;
  printf("%.*s\n", (int)size, row);
}

static lk_status print_once(lk_watched *w) {
  static lk_picture picture;
  LK_TRY(lk_watched_look(w, NULL, NULL));
  const lk_live live = lk_watched_live(w, wall_clock());
  const lk_window window = lk_screen_window(STDOUT_FILENO);
  lk_live_draw(&live, &window, &picture);
  for (int i = 0; i < picture.rows; i++) print_row(picture.text[i]);
  return LK_OK;
}

/* Plain lines. */
typedef struct plain {
  char before[1024]; /* figures of the last one */
  lk_run_phase phase;
  double next; /* when another one may follow */
} plain;

/* A line where phase or figures differ from those before. */
static void print_plain(const lk_live *live, lk_run_phase phase, plain *p) {
  char line[sizeof p->before], figures[sizeof p->before];
  lk_live bare = *live;
  const double now = lk_clock_seconds();
  *bare.title = '\0';
  bare.left = -1;
  lk_live_plain(&bare, figures, sizeof figures);
  if (p->next > 0 && phase == p->phase && (now < p->next || strcmp(figures, p->before) == 0)) return;
  lk_live_plain(live, line, sizeof line);
  puts(line);
  (void)fflush(stdout);
  p->next = now + 10;
  p->phase = phase;
  memcpy(p->before, figures, sizeof figures);
}

static lk_status watch(lk_watched *w) {
  plain lines = {0};
  const bool terminal = lk_screen_begin();
  for (bool over = false; !over;) {
    LK_TRY(lk_watched_look(w, terminal ? print_message : NULL, NULL));
    const double now = wall_clock();
    const lk_live live = lk_watched_live(w, now);
    const lk_run_phase phase = lk_watched_phase(w, now);
    over = phase == LK_RUN_DONE;
    if (terminal && over) lk_log_progress_after(0, 0);
    if (terminal)
      lk_log_progress(10, &live);
    else
      print_plain(&live, phase, &lines);
    if (!over) (void)nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
  }
  lk_log_progress_end(false);
  return LK_OK;
}

lk_status lk_command_watch(int argc, char **argv, lk_comm *comm) {
  (void)comm;
  arguments a = {0};
  int help = 0;
  LK_TRY(lk_cli_parse(&argp, "lockstep watch", argc, argv, &a, &help));
  if (help) return LK_OK;
  lk_watched w = {.dir = a.dir};
  const lk_status status = a.once ? print_once(&w) : watch(&w);
  lk_watched_release(&w);
  return status;
}
