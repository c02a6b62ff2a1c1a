#include "answers_impl.h"

#include <stdlib.h>

#include "arena.h"

lk_status lk_answers_add(void *context, const lk_answer *answer) {
  lockstep_answers *answers = context;
  LK_TRY(lk_grow(&answers->answer, &answers->capacity, answers->count + 1, sizeof *answers->answer));
  const lk_api_answer added = {(size_t)answer->line, answers->text.size, answer->log_probability};
  if (answer->size > 0) LK_TRY(lk_buffer_append(&answers->text, answer->text, answer->size));
  LK_TRY(lk_buffer_append(&answers->text, "", 1));
  answers->answer[answers->count++] = added;
  return LK_OK;
}

static void discard(lockstep_answers *answers) {
  if (answers == NULL) return;
  lk_buffer_release(&answers->text);
  free(answers->answer);
  free(answers);
}

void lk_answers_hand_over(lockstep_answers *made, lk_status status, lockstep_answers **to) {
  if (status == LK_OK)
    *to = made;
  else
    discard(made);
}

size_t lockstep_answers_count(const lockstep_answers *answers) { return answers->count; }

size_t lockstep_answers_line(const lockstep_answers *answers, size_t i) {
  return i < answers->count ? answers->answer[i].line : 0;
}

const char *lockstep_answers_text(const lockstep_answers *answers, size_t i) {
  return i < answers->count ? answers->text.data + answers->answer[i].text : NULL;
}

double lockstep_answers_log_probability(const lockstep_answers *answers, size_t i) {
  return i < answers->count ? answers->answer[i].log_probability : 0;
}

void lockstep_answers_destroy(lockstep_answers **answers) {
  discard(*answers);
  *answers = NULL;
}
