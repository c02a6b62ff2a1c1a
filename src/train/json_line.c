/* json_line.c - files of one JSON object a line, to which a run appends. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_line_impl.h"

/* A writer that was killed may have left half a line. */
static bool ends_in_a_line(FILE *file) {
  const bool ends = fseek(file, -1, SEEK_END) != 0 || fgetc(file) == '\n';
  return fseek(file, 0, SEEK_END) == 0 && ends; /* between reading and writing */
}

lk_status lk_json_append(const char *path, const json_t *line, int digits, bool anew) {
  lk_status status = LK_OK;
  FILE *file = NULL;
  char *text = NULL;
  if (!line || !(text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION((size_t)digits))))
    LK_GO(LK_FAIL(LK_MEMORY, "out of memory for a line of %s", path));
  file = fopen(path, anew ? "w" : "a+");
  if (!file || fprintf(file, "%s%s\n", anew || ends_in_a_line(file) ? "" : "\n", text) < 0 || fflush(file) != 0)
    LK_GO(LK_FAIL(LK_IO, "cannot write %s: %s", path, strerror(errno)));
done:
  if (file && fclose(file) != 0 && status == LK_OK)
    status = LK_FAIL(LK_IO, "cannot write %s: %s", path, strerror(errno));
  free(text);
  return status;
}
