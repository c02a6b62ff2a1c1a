/* answers_impl.h - the answers that lockstep_model_predict() and lockstep_model_translate() return. */
#pragma once
#include "api_impl.h"
#include "decode.h"
#include "lockstep/model.h"

typedef struct lk_api_answer {
  size_t line, text; /* text: where it begins in the texts */
  double log_probability;
} lk_api_answer;

struct lockstep_answers {
  lk_buffer text; /* all texts, a NUL behind each */
  lk_api_answer *answer;
  size_t count, capacity;
};

/** Append one answer; `context` is the lockstep_answers. LK_MEMORY. */
LK_CHECKED lk_status lk_answers_add(void *context, const lk_answer *answer);
/** *to = made where status is LK_OK; else made (or NULL) is freed. */
void lk_answers_hand_over(lockstep_answers *made, lk_status status, lockstep_answers **to);
