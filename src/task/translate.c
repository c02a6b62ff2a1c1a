/* translate.c - translating a unit at a time, and the greedy search that evaluation uses. */
#include "translate.h"

#include <string.h>

#include "translator_impl.h"

lk_status lk_translate_reserve(lk_task *task, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T, ptrdiff_t most) {
  if (most > B) B = most;
  if (most > N) N = most;
  return lk_task_reserve_steps(task, B, N, T);
}

static lk_translator *translator_of(const lk_task *task) { return task->state; }

void lk_translate_by(lk_task *task, const lk_writer *writer) { translator_of(task)->writer = writer; }

ptrdiff_t lk_translate_width(const lk_task *task) { return lk_decoder_carry_size(&translator_of(task)->decoder); }

ptrdiff_t lk_translate_limit(ptrdiff_t length) { return 2 * length + 20; }

int32_t lk_translate_best(const lk_real *scores, ptrdiff_t V) {
  int32_t best = LK_EOS;
  for (int32_t id = LK_EOS + 1; id < V; id++)
    if (lk_translate_writes(id) && scores[id] > scores[best]) best = id;
  return best;
}

void lk_translate_read(lk_task *task, const lk_params *params, const lk_pack *sources, const lk_inputs *in) {
  LK_ASSERT(sources->B <= task->B && sources->N <= task->N && sources->T <= task->T);
  lk_net_ready(task, params);
  lk_encoder_forward(&task->encoder, params, sources, in, (lk_mode){0}, NULL);
  lk_decoder_read(lk_decoder_of(task), params, &task->encoder, sources);
}

void lk_translate_step(lk_task *task, const lk_params *params, ptrdiff_t n, const int32_t *ids, const int32_t *source,
                       const lk_real *carry, lk_real *next) {
  lk_translator *t = translator_of(task);
  LK_ASSERT(n <= t->most && task->packed);
  t->step.shard_seq[0] = 0;
  t->step.shard_seq[1] = n;
  for (ptrdiff_t i = 0; i < n; i++) {
    t->step.length[i] = 1;
    t->step.id[i] = (uint32_t)i;
  }
  lk_pack_fill(&t->step);
  const lk_decoder_input in = {.pack = &t->step, .ids = ids, .source = source, .carry = carry};
  lk_decoder_forward(&t->decoder, params, &in, (lk_mode){0});
  lk_decoder_carry(&t->decoder, &t->step, next);
  task->units = (lk_units){.pack = &t->step, .n = n};
  task->units.x = lk_decoder_output(&t->decoder, &task->units.ldx);
  t->source = source;
}

const lk_real *lk_translate_weights(const lk_task *task, ptrdiff_t i, ptrdiff_t *n) {
  const lk_translator *t = translator_of(task);
  const lk_attention *a = &t->decoder.attention;
  *n = 0;
  if (a->kind == LK_ATTENTION_NONE) return NULL;
  *n = a->length[t->source[i]];
  return a->weights + i * a->lda;
}

/* Write a unit for each of n hypotheses; those that go on are moved to the front, and their number is returned. */
static ptrdiff_t write_units(lk_task *task, const lk_params *params, const lk_pack *sources, ptrdiff_t n, int32_t *out,
                             ptrdiff_t room, int32_t *length) {
  lk_translator *t = task->state;
  const ptrdiff_t width = lk_translate_width(task);
  ptrdiff_t left = 0;
  lk_next next;
  for (ptrdiff_t first = 0; first < n; first += next.n) {
    next = lk_head_next(&task->head, params, &task->units, first);
    for (ptrdiff_t i = first; i < first + next.n; i++) {
      const int32_t b = t->of[i], id = lk_translate_best(next.score + (i - first) * next.ld, task->V);
      out[b * room + length[b]++] = id;
      if (id == LK_EOS || length[b] == lk_translate_limit(sources->length[b])) continue;
      memmove(t->states + left * width, t->states + i * width, (size_t)width * sizeof *t->states);
      t->of[left] = b;
      t->ids[left++] = id;
    }
  }
  return left;
}

void lk_translate_greedy(lk_task *task, const lk_params *params, const lk_pack *sources, int32_t *out, ptrdiff_t room,
                         int32_t *length) {
  lk_translator *t = task->state;
  LK_ASSERT(sources->B <= t->most && lk_translate_limit(sources->T) <= room);
  for (int32_t b = 0; b < sources->B; b++) {
    t->of[b] = b;
    t->ids[b] = LK_SOS;
    length[b] = 0;
  }
  const lk_real *carry = NULL;
  for (ptrdiff_t n = sources->B; n > 0; carry = t->states) {
    lk_translate_step(task, params, n, t->ids, t->of, carry, t->states);
    n = write_units(task, params, sources, n, out, room, length);
  }
}
