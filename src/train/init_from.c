/* init_from.c - a run that starts from given weights (init.from).
 *
 * A tensor is copied where the model has one of the same name and shape. Those with a row (one-hot input: a column) for
 * each unit or label are copied row by row, matched by the text of the unit or label, since another corpus numbers them
 * differently. What has no match starts as in any run. Rank 0 does this, and the weights reach the other ranks as those
 * of a checkpoint do: the same bits on any number of ranks. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "trainer_impl.h"

enum { MOST_NAMES = 4 }; /* of each list that is logged */

/* Which texts number the rows of a tensor. */
typedef enum numbered { BY_NOTHING, BY_SOURCE, BY_TARGET, BY_LABEL, BY_CHARACTER, BY_VECTORS } numbered;

/* A net with the texts of its rows. */
typedef struct side {
  const lk_config *config;
  const lk_corpus_info *info;
  lk_params *params;
} side;

/* For the log: up to MOST_NAMES names, and how many there are in all. */
typedef struct list {
  lk_buffer text;
  int count;
} list;

typedef struct taking {
  side from, to;
  list rows, missing, unused;
  int whole;         /* tensors copied as a whole */
  ptrdiff_t matches; /* these, and copied rows of units and labels, special units not counted */
} taking;

static lk_status add(list *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static lk_status add(list *l, const char *format, ...) {
  char text[300];
  if (l->count++ >= MOST_NAMES) return LK_OK;
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return lk_buffer_printf(&l->text, "%s%s", l->count > 1 ? ", " : "", text);
}

static bool is(const char *name, const char *other) { return strcmp(name, other) == 0; }

static numbered outputs_of(const side *s) {
  switch (s->info->kind) {
    case LK_CORPUS_TEXT:
      return BY_SOURCE;
    case LK_CORPUS_PAIRS:
      return BY_TARGET;
    case LK_CORPUS_CLASSIFY:
    case LK_CORPUS_LABEL:
    case LK_CORPUS_FRAMES:
    case LK_CORPUS_KINDS:
      break;
  }
  return BY_LABEL;
}

enum { BOTH = 2 }; /* rows and columns are numbered alike */

/* Which texts number the tensor's rows, and along which axis. */
static numbered numbered_by(const side *s, const char *name, int *axis) {
  const bool onehot = s->info->frames == 0 && is(s->config->model.input, "onehot");
  *axis = 0;
  if (is(name, "embedding.weight")) return BY_SOURCE;
  if (is(name, "decoder.embedding.weight")) return BY_TARGET;
  if (is(name, "characters.embedding.weight")) return BY_CHARACTER;
  if (is(name, "vectors.weight")) return BY_VECTORS;
  if (is(name, "output.weight") || is(name, "output.bias")) return outputs_of(s);
  if (is(name, "output.start") || is(name, "output.end")) return outputs_of(s);
  *axis = BOTH;
  if (is(name, "output.transitions")) return outputs_of(s);
  *axis = 1;
  if (onehot && (is(name, "rnn.0.forward.weight_ih") || is(name, "rnn.0.backward.weight_ih"))) return BY_SOURCE;
  return BY_NOTHING;
}

/* Whether its columns stand for what model.characters, model.vectors and model.features name, behind the word, which differs. */
static bool reads_others(const taking *t, const char *name) {
  const lk_config_model *a = &t->to.config->model, *b = &t->from.config->model;
  return (is(name, "rnn.0.forward.weight_ih") || is(name, "rnn.0.backward.weight_ih")) &&
         (!is(a->features, b->features) || !is(a->characters, b->characters) || !is(a->vectors, b->vectors));
}

static const lk_strings *texts_of(const side *s, numbered by) {
  const lk_strings *texts[] = {[BY_SOURCE] = &s->info->source,
                               [BY_TARGET] = &s->info->target,
                               [BY_LABEL] = &s->info->label,
                               [BY_CHARACTER] = &s->info->character,
                               [BY_VECTORS] = &s->info->vector_words};
  return texts[by];
}

static int find(const lk_params *params, const char *name) {
  for (int i = 0; i < lk_params_tensors(params); i++)
    if (is(lk_params_at(params, i)->name, name)) return i;
  return -1;
}

static bool same_shape(const lk_param *a, const lk_param *b, int but) {
  bool same = a->dims == b->dims;
  for (int d = 0; same && d < a->dims; d++) same = d == but || but == BOTH || a->shape[d] == b->shape[d];
  return same;
}

static bool same_texts(const lk_strings *a, const lk_strings *b) {
  bool same = a->count == b->count;
  for (ptrdiff_t i = 0; same && i < a->count; i++) same = is(lk_strings_get(a, i), lk_strings_get(b, i));
  return same;
}

static void copy_row(const lk_param *to, lk_real *value, ptrdiff_t row, const lk_param *from, const lk_real *old,
                     ptrdiff_t old_row, int axis) {
  const ptrdiff_t columns = axis == 0 ? to->count / to->shape[0] : 1, rows = axis == 0 ? 1 : to->shape[0];
  for (ptrdiff_t r = 0; r < rows; r++)
    for (ptrdiff_t c = 0; c < columns; c++)
      if (axis == 0)
        value[row * columns + c] = old[old_row * columns + c];
      else
        value[r * to->shape[1] + row] = old[r * from->shape[1] + old_row];
}

/* Copy row `row` of the columns whose number in the old tensor is known: 0 or more. */
static void copy_known(const lk_param *to, lk_real *value, ptrdiff_t row, const lk_param *from, const lk_real *old,
                       const int32_t *found) {
  for (ptrdiff_t c = 0; c < to->shape[1]; c++)
    if (found[c] >= 0) value[row * to->shape[1] + c] = old[found[row] * from->shape[1] + found[c]];
}

/* Copy the rows whose text both have. */
static lk_status take_rows(taking *t, int to, int from, numbered by, int axis) {
  const lk_param *p = lk_params_at(t->to.params, to), *q = lk_params_at(t->from.params, from);
  const lk_strings *texts = texts_of(&t->to, by);
  const bool units = by != BY_LABEL && by != BY_VECTORS;
  const ptrdiff_t specials = by == BY_VECTORS ? LK_VECTOR_FIRST : units ? LK_SPECIALS : 0;
  const lk_real *values = lk_params_value(t->from.params, from);
  lk_vocab *old = NULL;
  int32_t *found = NULL;
  ptrdiff_t taken = 0;
  lk_status status;
  LK_GO(lk_alloc(&found, (size_t)texts->count + 1, sizeof *found));
  LK_GO(lk_vocab_from(&old, texts_of(&t->from, by), units));
  for (ptrdiff_t row = 0; row < texts->count; row++)
    found[row] = lk_vocab_find(old, lk_strings_get(texts, row), lk_strings_size(texts, row), -1);
  for (ptrdiff_t row = 0; row < texts->count; row++) {
    if (found[row] < 0) continue;
    if (axis == BOTH)
      copy_known(p, lk_params_value(t->to.params, to), row, q, values, found);
    else
      copy_row(p, lk_params_value(t->to.params, to), row, q, values, found[row], axis);
    taken++;
    t->matches += row >= specials;
  }
  LK_GO(add(&t->rows, "%s (%td of %td %s)", p->name, taken, texts->count,
            by == BY_LABEL       ? "labels"
            : by == BY_CHARACTER ? "characters"
            : by == BY_VECTORS   ? "words"
            : axis == 0          ? "units"
                                 : "units, its columns"));
done:
  lk_vocab_destroy(&old);
  free(found);
  return status;
}

/* Whether a tensor is of an adaptive softmax that has other outputs, or has them cut at other places. */
static bool cuts_others(const taking *t, const char *name) {
  const numbered by = outputs_of(&t->to);
  if (strncmp(name, "output.common.", 14) != 0 && strncmp(name, "output.tail.", 12) != 0) return false;
  return by != outputs_of(&t->from) || !same_texts(texts_of(&t->to, by), texts_of(&t->from, by)) ||
         !is(t->to.config->model.cutoffs, t->from.config->model.cutoffs);
}

static lk_status take_tensor(taking *t, int to) {
  const lk_param *p = lk_params_at(t->to.params, to), *q;
  int axis, old_axis;
  const int from = find(t->from.params, p->name);
  if (from < 0) return add(&t->missing, "%s (not there)", p->name);
  q = lk_params_at(t->from.params, from);
  const numbered by = numbered_by(&t->to, p->name, &axis), old = numbered_by(&t->from, p->name, &old_axis);
  if (by != old || reads_others(t, p->name) || cuts_others(t, p->name))
    return add(&t->missing, "%s (of other outputs or inputs)", p->name);
  if (!same_shape(p, q, by ? axis : -1)) return add(&t->missing, "%s (of another shape)", p->name);
  if (by && (!same_texts(texts_of(&t->to, by), texts_of(&t->from, by)) || !same_shape(p, q, -1)))
    return take_rows(t, to, from, by, axis);
  memcpy(lk_params_value(t->to.params, to), lk_params_value(t->from.params, from), (size_t)p->count * sizeof(lk_real));
  t->whole++;
  t->matches++;
  return LK_OK;
}

static lk_status take_all(taking *t) {
  for (int i = 0; i < lk_params_tensors(t->to.params); i++) LK_TRY(take_tensor(t, i));
  for (int i = 0; i < lk_params_tensors(t->from.params); i++) {
    const char *name = lk_params_at(t->from.params, i)->name;
    if (find(t->to.params, name) < 0) LK_TRY(add(&t->unused, "%s", name));
  }
  return LK_OK;
}

static void log_list(const char *what, const list *l) {
  if (l->count > MOST_NAMES)
    LK_INFO("init.from: %s: %s and %d more", what, l->text.data, l->count - MOST_NAMES);
  else if (l->count > 0)
    LK_INFO("init.from: %s: %s", what, l->text.data);
}

static void log_taken(const taking *t, const char *path, const char *digest) {
  LK_INFO("init.from: %s (digest %s): %d of %d tensors taken as they are", path, digest, t->whole,
          lk_params_tensors(t->to.params));
  log_list("taken row by row", &t->rows);
  log_list("not taken, these start as usual", &t->missing);
  log_list("there alone", &t->unused);
  if (!is(t->from.info->unit, t->to.info->unit))
    LK_WARN("init.from: units are of kind %s there, %s here: few of them will mean the same", t->from.info->unit,
            t->to.info->unit);
}

lk_status lk_trainer_init_from(lk_trainer *t) {
  const char *path = t->config->init.from;
  lk_model model = {0};
  lk_status status;
  taking taken = {.to = {t->config, t->info, t->params}};
  LK_GO(lk_model_open(&model, path));
  taken.from = (side){&model.config, model.corpus, model.params};
  LK_GO(take_all(&taken));
  if (taken.matches == 0)
    LK_GO(lk_config_error(
        t->config, "init.from",
        "nothing of '%s' fits this net: no tensor has its name and shape, no unit or label is the same", path));
  log_taken(&taken, path, lk_checkpoint_digest(model.file));
  LK_GO(lk_trainer_kernels(t)); /* opening the model selected its own kernels */
done:
  lk_model_close(&model);
  lk_buffer_release(&taken.rows.text);
  lk_buffer_release(&taken.missing.text);
  lk_buffer_release(&taken.unused.text);
  return status;
}
