/* version_report.c - `lockstep --version [--json]`: what a bug report should name. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "choices.h"
#include "cli_impl.h"
#include "kernels.h"
#include "print_json_impl.h"
#include "version.h"

static void name_jansson(char text[LK_LIBRARY_TEXT]) {
  (void)snprintf(text, LK_LIBRARY_TEXT, "jansson %s", jansson_version_str());
}
LK_LIBRARY(name_jansson)

enum { LIBRARIES = 32 };

static int by_name(const void *a, const void *b) { return strcasecmp(a, b); }

static size_t list_libraries(char text[LIBRARIES][LK_LIBRARY_TEXT]) {
  size_t count = 0;
  while (count < LIBRARIES && lk_library_at(count, text[count])) count++;
  qsort(text, count, sizeof *text, by_name);
  return count;
}

/* The kernels that "auto" means here. */
static const char *automatic(void) {
  const char *advised = lk_kernels_advise();
  return strcmp(advised, "auto") == 0 ? lk_kernels_get()->name : advised;
}

/* Kernel i of those that this CPU has, or has not; NULL behind the last. */
static const char *kernel_at(bool here, size_t i) {
  lk_choice_at *at = lk_choices_of("kernels");
  for (size_t k = 0; at(k).name; k++)
    if (strcmp(at(k).name, "auto") != 0 && lk_kernels_supported(at(k).name) == here && i-- == 0) return at(k).name;
  return NULL;
}

/* "kernels avx2 (auto), portable, blas; not on this CPU: avx512" */
static void print_kernels(void) {
  const char *name;
  for (size_t i = 0; (name = kernel_at(true, i)); i++)
    printf("%s%s%s", i ? ", " : "kernels ", name, strcmp(name, automatic()) == 0 ? " (auto)" : "");
  for (size_t i = 0; (name = kernel_at(false, i)); i++) printf("%s%s", i ? ", " : "; not on this CPU: ", name);
  putchar('\n');
}

/* ---- JSON ---- */

static json_t *kernels_json(bool here) {
  const char *name;
  json_t *list = json_array();
  for (size_t i = 0; (name = kernel_at(here, i)); i++) json_array_append_new(list, json_string(name));
  return list;
}

/* Where the version begins in "Open MPI v4.1.4, ..."; NULL: it has none. */
static char *version_in(char *text) {
  for (char *at = strchr(text, ' '); at; at = strchr(at + 1, ' '))
    if (isdigit((unsigned char)at[1 + (at[1] == 'v')])) return at + 1;
  return NULL;
}

/* {"HDF5": "1.10.8", ...} */
static json_t *libraries_json(void) {
  char text[LIBRARIES][LK_LIBRARY_TEXT];
  const size_t count = list_libraries(text);
  json_t *libraries = json_object();
  for (size_t i = 0; i < count; i++) {
    char *version = version_in(text[i]);
    if (version) version[strcspn(version, " ,")] = '\0';
    text[i][version ? (size_t)(version - text[i]) - 1 : strcspn(text[i], " :")] = '\0';
    if (version && *version == 'v') version++;
    json_object_set_new(libraries, text[i], version ? json_string(version) : json_null());
  }
  return libraries;
}

static lk_status print_json(void) {
  json_t *root =
      json_pack("{s:s, s:o, s:s, s:o, s:o, s:o}", "version", lk_version(), "commit",
                *lk_commit() ? json_string(lk_commit()) : json_null(), "kernels", automatic(), "kernels_here",
                kernels_json(true), "kernels_missing", kernels_json(false), "libraries", libraries_json());
  return lk_cli_print_json(root, JSON_INDENT(1));
}

lk_status lk_cli_print_version(int argc, char **argv) {
  char text[LIBRARIES][LK_LIBRARY_TEXT];
  const bool json = argc > 0 && strcmp(argv[0], "--json") == 0;
  if (argc > json)
    return LK_FAIL(LK_USAGE, "lockstep --version: expected --json or nothing, found '%.60s'", argv[json]);
  if (json) return print_json();
  printf("lockstep %s\n", lk_version());
  if (*lk_commit())
    printf("commit %s\n", lk_commit());
  else
    puts("commit unknown: built without git, from an archive of the source");
  print_kernels();
  const size_t count = list_libraries(text);
  for (size_t i = 0; i < count; i++) puts(text[i]);
  return LK_OK;
}
