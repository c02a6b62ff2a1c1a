#include "task_impl.h"

void lk_task_tags_as_filed(const lk_task *task, int32_t *label, ptrdiff_t n) {
  if (task->info->tags) lk_scheme_relabel(task->tag_labels, label, n, task->info->tags);
}

void lk_task_tags_as_trained(const lk_task *task, int32_t *label, ptrdiff_t n) {
  if (task->info->tags) lk_scheme_relabel(task->tag_labels, label, n, LK_SCHEME_BIOES);
}
