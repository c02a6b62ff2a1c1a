#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli_impl.h"
#include "durable.h"
#include "report.h"

enum { OPTION_OUTPUT = 'o', OPTION_SECONDS = 256 };

typedef struct arguments {
  lk_cli_files runs;
  const char *output;
  double seconds;
} arguments;

static const struct argp_option options[] = {
    {"output", OPTION_OUTPUT, "FILE", 0, "the page to write; a report that is there is replaced", 0},
    {"seconds", OPTION_SECONDS, "X", 0,
     "time for evaluating the models, translating and generating, of all runs together (default 0.5); what is over "
     "then "
     "is left out, and the page says so. 0: only what the runs have recorded",
     0},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
    case OPTION_OUTPUT:
      return a->output = text, 0;
    case OPTION_SECONDS:
      return lk_cli_real("seconds", text, 0, 86400, "seconds", &a->seconds);
    case ARGP_KEY_NO_ARGS:
      return lk_cli_bad_option(
          "lockstep report: expected the folder of a run; 'lockstep report --help' has an example");
    case ARGP_KEY_END:
      if (!a->output) return lk_cli_bad_option("lockstep report: expected -o FILE, the page to write");
      if (a->runs.count > LK_REPORT_MOST)
        return lk_cli_bad_option("lockstep report: %d runs, and a page holds at most %d", a->runs.count,
                                 LK_REPORT_MOST);
      return 0;
    default:
      return lk_cli_take_files(key, state, &a->runs);
  }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "RUN [RUN ...] -o FILE.html",
    .doc =
        "Write a page (HTML) that shows what happened in a run: curves, classes or translations, times, hosts, "
        "settings.\v"
        "Examples:\n  lockstep report run -o report.html\n"
        "  lockstep report seed1 seed2 wide -o compared.html\n\n"
        "RUN is the folder of a run (run.dir), which may still be going on. Several runs are drawn on the same axes, "
        "with a "
        "table of the settings in which they differ.\n\n"
        "The page is one file without scripts that loads nothing, so it can be mailed. It has loss, metrics, learning "
        "rate, "
        "gradient norm and speed by step; of the best model the confusion matrix and figures by class (classifiers, "
        "taggers), translations with attention maps, or a sample; where the time of a step went, memory, hosts and "
        "versions; configuration and corpus."};

/* A slip of the hand must not cost a model or a corpus. */
static lk_status check_output(const char *path) {
  struct stat facts;
  if (stat(path, &facts) != 0) return LK_OK; /* writing tells what is wrong */
  if (S_ISDIR(facts.st_mode)) return LK_FAIL(LK_USAGE, "-o %s: it is a folder; name the file", path);
  if (!S_ISREG(facts.st_mode) || (facts.st_size > 0 && !lk_report_is_one(path)))
    return LK_FAIL(LK_USAGE, "-o %s: it exists and is no report; remove it first, or choose another name", path);
  return LK_OK;
}

lk_status lk_command_report(int argc, char **argv, lk_comm *comm) {
  (void)comm;
  lk_status status = LK_OK;
  int help = 0;
  arguments a = {.seconds = 0.5};
  lk_buffer page = {0};
  LK_GO(lk_cli_parse(&argp, "lockstep report", argc, argv, &a, &help));
  if (help) goto done;
  LK_GO(check_output(a.output));
  LK_GO(lk_report_make(
      &(lk_report){.path = (const char *const *)a.runs.path, .runs = a.runs.count, .seconds = a.seconds}, &page));
  lk_durable_guard();
  LK_GO(lk_durable_write(a.output, page.data, page.size));
  printf("%s: %zu bytes, a page about %s", a.output, page.size, a.runs.path[0]);
  for (int i = 1; i < a.runs.count; i++) printf("%s%s", i + 1 < a.runs.count ? ", " : " and ", a.runs.path[i]);
  putchar('\n');
done:
  lk_buffer_release(&page);
  return status;
}
