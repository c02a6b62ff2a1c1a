/* prepare_files.c - checks the names of input and output files; the output must not be an input. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prepare_impl.h"

static bool is_stdin(const char *path) { return path && strcmp(path, "-") == 0; }

/* Compares device and inode, because the same file can be named in several ways. */
static lk_status check_distinct_files(const char *input, const char *output) {
  struct stat in, out;
  if (!input) return LK_OK;
  bool same = strcmp(input, output) == 0;
  if (stat(output, &out) == 0 && (is_stdin(input) ? fstat(STDIN_FILENO, &in) : stat(input, &in)) == 0)
    same = in.st_dev == out.st_dev && in.st_ino == out.st_ino;
  return same ? LK_FAIL(LK_USAGE, "%s is both input and output", output) : LK_OK;
}

static lk_status check_output(const char *path) {
  struct stat about;
  if (!path) return LK_FAIL(LK_USAGE, "no output file: -o OUT.h5");
  if (!*path) return LK_FAIL(LK_USAGE, "the name of the output file is empty: -o OUT.h5");
  if (stat(path, &about) == 0)
    return S_ISREG(about.st_mode) ? LK_OK
                                  : LK_FAIL(LK_USAGE, "cannot write %s: it is a %s", path,
                                            S_ISDIR(about.st_mode)    ? "folder"
                                            : S_ISFIFO(about.st_mode) ? "pipe"
                                                                      : "device");
  if (lstat(path, &about) == 0) return LK_FAIL(LK_USAGE, "cannot write %s: it is a link to nothing", path);
  return LK_OK; /* it does not exist yet: errors are reported when it is created */
}

int lk_prepare_inputs(const lk_prepare *p, lk_split part) {
  int count = p->input[part] != NULL;
  while (count > 0 && lk_prepare_input(p, part, count)) count++;
  return count;
}

const char *lk_prepare_input(const lk_prepare *p, lk_split part, int index) {
  if (index == 0) return p->input[part];
  return p->further[part] ? p->further[part][index - 1] : NULL;
}

const char *lk_prepare_target(const lk_prepare *p, lk_split part, int index) {
  if (index == 0) return p->pairs.target[part];
  return p->pairs.further[part] ? p->pairs.further[part][index - 1] : NULL;
}

static int count_targets(const lk_prepare *p, lk_split part) {
  int count = p->pairs.target[part] != NULL;
  while (count > 0 && lk_prepare_target(p, part, count)) count++;
  return count;
}

/* Whether sources and targets are in separate files, which must hold for all parts or for none. */
static bool in_two_files(const lk_prepare *p) {
  return p->pairs.target[LK_TRAIN] || (!p->input[LK_TRAIN] && (p->pairs.target[LK_VALID] || p->pairs.target[LK_TEST]));
}

static lk_status check_targets(const lk_prepare *p) {
  for (int s = 0; s < LK_SPLITS; s++) {
    const int sources = lk_prepare_inputs(p, (lk_split)s), targets = count_targets(p, (lk_split)s);
    if ((targets == 0) != (sources == 0 || !in_two_files(p)))
      return LK_FAIL(LK_USAGE, "%s: give a file of targets for every part or for none", lk_split_names[s]);
    if (targets > 0 && targets != sources)
      return LK_FAIL(LK_USAGE, "%s: %d file%s of sources, but %d of targets: one beside each, in the same order",
                     lk_split_names[s], sources, lk_plural(sources), targets);
  }
  return LK_OK;
}

lk_status lk_prepare_check_files(const lk_prepare *p) {
  int from_stdin = 0;
  const bool any = p->input[LK_TRAIN] || (p->like && (p->input[LK_VALID] || p->input[LK_TEST]));
  if (!any) return LK_FAIL(LK_USAGE, "no input file");
  if (p->like) LK_TRY(check_distinct_files(p->like->path, p->output));
  LK_TRY(check_output(p->output));
  LK_TRY(check_targets(p));
  for (int s = 0; s < LK_SPLITS; s++) {
    for (int i = 0; i < lk_prepare_inputs(p, (lk_split)s); i++) {
      const char *input = lk_prepare_input(p, (lk_split)s, i), *target = lk_prepare_target(p, (lk_split)s, i);
      LK_TRY(check_distinct_files(input, p->output));
      LK_TRY(check_distinct_files(target, p->output));
      from_stdin += is_stdin(input) + is_stdin(target);
    }
    if (!p->input[LK_TRAIN] && p->fraction[s] > 0)
      return LK_FAIL(LK_USAGE, "a fraction for %s: there is no training file to take it from", lk_split_names[s]);
    if (p->input[s] && p->fraction[s] > 0)
      return LK_FAIL(LK_USAGE, "%s comes either from a file or from a fraction of the training file, not both",
                     lk_split_names[s]);
  }
  for (int i = 0; i < 2; i++) LK_TRY(check_distinct_files(p->pairs.model[i], p->output));
  if (from_stdin > 1) return LK_FAIL(LK_USAGE, "standard input can be only one of the input files");
  return LK_OK;
}
