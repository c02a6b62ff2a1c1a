#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"
#include "checkpoint.h"
#include "durable.h"

#define FOLDER    "checkpoints"
#define NAME_SIZE 64

/* Steps of the checkpoints in a folder, the newest first. */
typedef struct step_list {
  int64_t *steps;
  size_t count, capacity;
} step_list;

static void step_name(char out[NAME_SIZE], int64_t step) { snprintf(out, NAME_SIZE, "step-%010" PRId64 ".h5", step); }

lk_status lk_checkpoint_path(lk_buffer *path, const char *run_dir, int64_t step) {
  char name[NAME_SIZE];
  step_name(name, step);
  return lk_buffer_printf(path, "%s/" FOLDER "/%s", run_dir, name);
}

/* The step in a name made by step_name(); -1 for others. */
static int64_t step_of(const char *name) {
  char again[NAME_SIZE];
  int64_t step = -1;
  if (sscanf(name, "step-%18" SCNd64, &step) != 1 || step < 0) return -1;
  step_name(again, step);
  return strcmp(again, name) == 0 ? step : -1;
}

static int newest_first(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x < y) - (x > y);
}

/* None where the folder does not exist. */
static lk_status list_steps(const char *folder, step_list *list) {
  DIR *dir = opendir(folder);
  lk_status status = LK_OK;
  if (!dir) return errno == ENOENT ? LK_OK : LK_FAIL(LK_IO, "cannot read the folder %s: %s", folder, strerror(errno));
  for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
    const int64_t step = step_of(entry->d_name);
    if (step < 0) continue;
    LK_GO(lk_grow(&list->steps, &list->capacity, list->count + 1, sizeof *list->steps));
    list->steps[list->count++] = step;
  }
  if (list->count) qsort(list->steps, list->count, sizeof *list->steps, newest_first);
done:
  closedir(dir);
  return status;
}

/* Whether the checkpoint can be used; if not, a line with the reason is appended to `damaged`. *unread: it could not be
 * read now, but may be whole. LK_NEWER ends the search: a checkpoint of a newer version is not skipped like a damaged
 * one. */
static lk_status try_checkpoint(const char *path, bool *good, bool *unread, lk_buffer *damaged) {
  lk_checkpoint_file *file;
  const lk_status status = lk_checkpoint_open(&file, path);
  *good = status == LK_OK;
  lk_checkpoint_close(&file);
  if (status == LK_OK || (status != LK_DATA && status != LK_IO)) return status;
  if (status == LK_IO) *unread = true;
  char text[sizeof lk_error_get()->text];
  snprintf(text, sizeof text, "%s", lk_error_get()->text);
  lk_error_clear(); /* handled: the next older one is tried */
  return lk_buffer_printf(damaged, "%s\n", text);
}

/* The newest at or before step `most`. */
static lk_status newest_up_to(const char *run_dir, int64_t most, lk_buffer *path, lk_buffer *damaged) {
  lk_buffer folder = {0};
  step_list list = {0};
  lk_status status = LK_OK;
  bool good = false, unread = false;
  LK_GO(lk_buffer_printf(&folder, "%s/" FOLDER, run_dir));
  LK_GO(list_steps(folder.data, &list));
  for (size_t i = 0; i < list.count && !good; i++) {
    char name[NAME_SIZE];
    if (list.steps[i] > most) continue;
    step_name(name, list.steps[i]);
    lk_buffer_truncate(path, 0);
    LK_GO(lk_buffer_printf(path, "%s/%s", folder.data, name));
    LK_GO(try_checkpoint(path->data, &good, &unread, damaged));
  }
  if (!good && unread) /* do not begin anew, which would overwrite a checkpoint that may be whole */
    LK_GO(LK_FAIL(LK_IO, "no checkpoint in %s can be used, and not all could be read: %.*s", folder.data,
                  (int)strcspn(damaged->data, "\n"), damaged->data));
  if (!good) {
    lk_buffer_truncate(path, 0);
    LK_GO(lk_buffer_append(path, "", 0));
  }
done:
  lk_buffer_release(&folder);
  free(list.steps);
  return status;
}

lk_status lk_checkpoint_newest(const char *run_dir, lk_buffer *path, lk_buffer *damaged) {
  LK_TRY(newest_up_to(run_dir, INT64_MAX, path, damaged));
  if (path->size > 0 || damaged->size == 0) return LK_OK;
  return LK_FAIL(LK_DATA, "no checkpoint in %s/" FOLDER " is whole: %.*s; to begin anew choose another run.dir",
                 run_dir, (int)strcspn(damaged->data, "\n"), damaged->data);
}

/* The step that a link points at; -1: none. */
static int64_t linked_step(const char *link) {
  char target[512];
  const ssize_t size = readlink(link, target, sizeof target - 1);
  if (size < 0) return -1;
  target[size] = 0;
  const char *slash = strrchr(target, '/');
  return step_of(slash ? slash + 1 : target);
}

static lk_status remove_step(const char *folder, int64_t step) {
  char name[NAME_SIZE];
  lk_buffer path = {0};
  step_name(name, step);
  lk_status status = lk_buffer_printf(&path, "%s/%s", folder, name);
  if (status == LK_OK && unlink(path.data) && errno != ENOENT)
    status = LK_FAIL(LK_IO, "cannot remove %s: %s", path.data, strerror(errno));
  lk_buffer_release(&path);
  return status;
}

/* Remove all but the newest `keep` up to `step`, the best, and those back to the first that is at least `reach` steps
 * older, or back to the beginning. Files of later steps stay: the run was resumed from before them and will write them
 * anew. */
static lk_status prune(const char *folder, const char *best_link, int64_t step, int keep, int64_t reach) {
  step_list list = {0};
  lk_status status = LK_OK;
  const int64_t best = linked_step(best_link);
  bool reached = reach <= 0;
  int kept = 0;
  LK_GO(list_steps(folder, &list));
  for (size_t i = 0; i < list.count; i++) {
    const int64_t at = list.steps[i];
    if (at > step) continue;
    const bool needed = !reached;
    reached = reached || at <= (step > reach ? step - reach : 0);
    if (kept++ < keep || at == best || at == step || needed) continue;
    LK_GO(remove_step(folder, at));
  }
done:
  free(list.steps);
  return status;
}

/* Make <run_dir>/<link> point at checkpoints/<name>. */
static lk_status point(const char *run_dir, const char *link, const char *name) {
  char target[NAME_SIZE + sizeof FOLDER];
  lk_buffer path = {0};
  snprintf(target, sizeof target, FOLDER "/%s", name);
  lk_status status = lk_buffer_printf(&path, "%s/%s", run_dir, link);
  if (status == LK_OK) status = lk_durable_link(path.data, target);
  lk_buffer_release(&path);
  return status;
}

/* Point a link at a step's checkpoint, unless it does so already or the checkpoint does not exist. */
static lk_status mend(const char *run_dir, const char *link, int64_t step) {
  char name[NAME_SIZE];
  lk_buffer link_path = {0}, path = {0};
  lk_status status = LK_OK;
  step_name(name, step);
  LK_GO(lk_buffer_printf(&link_path, "%s/%s", run_dir, link));
  LK_GO(lk_buffer_printf(&path, "%s/" FOLDER "/%s", run_dir, name));
  if (linked_step(link_path.data) != step && access(path.data, F_OK) == 0) LK_GO(point(run_dir, link, name));
done:
  lk_buffer_release(&link_path);
  lk_buffer_release(&path);
  return status;
}

lk_status lk_checkpoint_relink(const char *run_dir, int64_t step, int64_t best_step) {
  LK_TRY(mend(run_dir, "last.h5", step));
  return best_step > 0 ? mend(run_dir, "best.h5", best_step) : LK_OK;
}

lk_status lk_checkpoint_clean(const char *run_dir) {
  lk_buffer folder = {0};
  lk_status status = lk_durable_clean(run_dir);
  if (status == LK_OK) status = lk_buffer_printf(&folder, "%s/" FOLDER, run_dir);
  if (status == LK_OK) status = lk_durable_clean(folder.data);
  lk_buffer_release(&folder);
  return status;
}

lk_status lk_checkpoint_store(const char *run_dir, int64_t step, int best, int keep, int64_t reach, const void *bytes,
                              size_t size) {
  lk_buffer folder = {0}, path = {0}, best_link = {0};
  lk_status status = LK_OK;
  char name[NAME_SIZE];
  LK_ASSERT(step >= 0);
  step_name(name, step);
  LK_GO(lk_buffer_printf(&folder, "%s/" FOLDER, run_dir));
  LK_GO(lk_buffer_printf(&path, "%s/%s", folder.data, name));
  LK_GO(lk_buffer_printf(&best_link, "%s/best.h5", run_dir));
  LK_GO(lk_durable_folder(folder.data));
  /* In this order every link always points at a whole file, and nothing is removed before its successor exists. */
  LK_GO(lk_durable_write(path.data, bytes, size));
  LK_GO(point(run_dir, "last.h5", name));
  if (best) LK_GO(point(run_dir, "best.h5", name));
  LK_GO(prune(folder.data, best_link.data, step, keep < 1 ? 1 : keep, reach));
done:
  lk_buffer_release(&folder);
  lk_buffer_release(&path);
  lk_buffer_release(&best_link);
  return status;
}

/* Newest first, so that a run that is killed meanwhile continues from the same checkpoint. */
static lk_status remove_after(const char *folder, int64_t step) {
  step_list list = {0};
  lk_status status = LK_OK;
  LK_GO(list_steps(folder, &list));
  for (size_t i = 0; i < list.count && list.steps[i] > step; i++) LK_GO(remove_step(folder, list.steps[i]));
done:
  free(list.steps);
  return status;
}

lk_status lk_checkpoint_rewind(const char *run_dir, int64_t step, lk_buffer *path, lk_buffer *damaged) {
  lk_buffer folder = {0}, best_link = {0};
  lk_status status = LK_OK;
  lk_buffer_truncate(path, 0);
  LK_GO(newest_up_to(run_dir, step, path, damaged));
  if (path->size == 0) goto done;
  LK_GO(lk_buffer_printf(&folder, "%s/" FOLDER, run_dir));
  LK_GO(lk_buffer_printf(&best_link, "%s/best.h5", run_dir));
  LK_GO(point(run_dir, "last.h5", strrchr(path->data, '/') + 1));
  if (linked_step(best_link.data) > step && unlink(best_link.data) && errno != ENOENT)
    LK_GO(LK_FAIL(LK_IO, "cannot remove %s: %s", best_link.data, strerror(errno)));
  LK_GO(remove_after(folder.data, step));
done:
  lk_buffer_release(&folder);
  lk_buffer_release(&best_link);
  return status;
}
