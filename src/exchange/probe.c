/* The probe of every exported file: rows that are the same for every model of its kind, and the text of a probe. */
#include "probe.h"

#include <math.h>

#include "probe_rows_impl.h"

const char *const lk_probe_kinds[] = {"probabilities", "log_probabilities", "scores", NULL};

enum { ROWS = 4, STEPS = 6, WORDS = 9, LETTERS = 7, OUTPUTS = 40, TARGETS = 4 };
static const ptrdiff_t row_length[ROWS] = {4, 6, 1, 5}, target_length[ROWS] = {2, 1, TARGETS, 3};

/* ---- what is read ---- */

/* A number in [0, values) that looks like any, for time t of row i. */
static int32_t pick(int column, ptrdiff_t i, ptrdiff_t t, ptrdiff_t values) {
  const uint64_t mixed = (uint64_t)((column * ROWS + i) * STEPS + t + 1) * 0x9E3779B97F4A7C15u;
  return (int32_t)((mixed >> 33) % (uint64_t)values);
}

/* Number k of a frame, or of a further column of numbers: a fraction that any format holds exactly. */
static float number_of(int column, ptrdiff_t i, ptrdiff_t t, ptrdiff_t k) {
  return (float)pick(column + 3 * (int)k, i, t, 129) / 64 - 1;
}

static void fill_column(lk_probe *p, int c) {
  const lk_column_form *form = &p->form[c];
  const ptrdiff_t width = form->width, values = form->spelled ? WORDS : form->values;
  for (ptrdiff_t i = 0; i < ROWS; i++)
    for (ptrdiff_t t = 0; t < row_length[i]; t++) {
      const ptrdiff_t at = i * STEPS + t;
      if (values > 0) p->ids[c][at] = pick(c, i, t, values);
      for (ptrdiff_t k = 0; values == 0 && k < width; k++) p->number[c][at * width + k] = number_of(c, i, t, k);
    }
}

static void fill_targets(lk_probe *p) {
  for (ptrdiff_t i = 0; i < ROWS; i++) {
    p->ids[0][i * STEPS + row_length[i] - 1] = LK_EOS;
    p->target_length[i] = target_length[i];
    p->target[i * TARGETS] = LK_SOS;
    for (ptrdiff_t t = 1; t < target_length[i]; t++)
      p->target[i * TARGETS + t] = pick(1, i, t - 1, p->model->corpus->target.count);
  }
}

/* Words of 0 to LETTERS - 2 characters. */
static void fill_words(lk_probe *p) {
  const ptrdiff_t characters = p->model->corpus->character.count;
  int64_t at = 0;
  for (ptrdiff_t w = 0; w < WORDS; w++) {
    p->begin[w] = at;
    p->letter[at++] = LK_SOS;
    for (ptrdiff_t k = 0; k < w % (LETTERS - 1); k++) p->letter[at++] = pick(2, w, k, characters > 0 ? characters : 1);
    p->letter[at++] = LK_EOS;
  }
  p->begin[WORDS] = at;
}

static void fill(lk_probe *p) {
  for (ptrdiff_t i = 0; i < ROWS; i++) p->length[i] = row_length[i];
  for (int c = 0; c < p->columns; c++) fill_column(p, c);
  if (p->pairs) fill_targets(p);
  fill_words(p);
}

/* ---- the text ---- */

static const char *comma(ptrdiff_t i) { return i > 0 ? "," : ""; }

/* One value of a row; zeros where it is past. */
static lk_status print_value(const lk_probe *p, int c, ptrdiff_t i, ptrdiff_t t, lk_buffer *text) {
  const ptrdiff_t width = p->form[c].width, at = i * p->steps + t;
  if (!p->number[c]) return lk_buffer_printf(text, "%s%d", comma(t), p->ids[c][at]);
  LK_TRY(lk_buffer_printf(text, "%s[", comma(t)));
  for (ptrdiff_t k = 0; k < width; k++)
    LK_TRY(lk_buffer_printf(text, "%s%.9g", comma(k), (double)p->number[c][at * width + k]));
  return lk_buffer_printf(text, "]");
}

static lk_status print_column(const lk_probe *p, int c, lk_buffer *text) {
  LK_TRY(lk_buffer_printf(text, "\"%s\":[", p->form[c].name));
  for (ptrdiff_t i = 0; i < p->rows; i++) {
    LK_TRY(lk_buffer_printf(text, "%s[", comma(i)));
    for (ptrdiff_t t = 0; t < p->steps; t++) LK_TRY(print_value(p, c, i, t, text));
    LK_TRY(lk_buffer_printf(text, "]"));
  }
  return lk_buffer_printf(text, "],");
}

/* The characters of the words of a spelled column, and how many each has. */
static lk_status print_words(const lk_probe *p, int c, lk_buffer *text) {
  for (int lengths = 0; lengths < 2; lengths++) {
    LK_TRY(lk_buffer_printf(text, "\"%s\":[", lengths ? "character_lengths" : "characters"));
    for (ptrdiff_t n = 0; n < p->rows * p->steps; n++) {
      const ptrdiff_t i = n / p->steps, t = n % p->steps;
      const bool past = t >= p->length[i];
      const int64_t *word = &p->begin[p->ids[c][n]];
      const int64_t size = past ? 0 : word[1] - word[0];
      LK_TRY(lk_buffer_printf(text, "%s", t > 0 ? "," : i > 0 ? "],[" : "["));
      if (lengths) LK_TRY(lk_buffer_printf(text, "%lld", (long long)size));
      for (ptrdiff_t k = 0; !lengths && k < LETTERS; k++)
        LK_TRY(lk_buffer_printf(text, "%s%d", k > 0 ? "," : "[", k < size ? p->letter[word[0] + k] : 0));
      if (!lengths) LK_TRY(lk_buffer_printf(text, "]"));
    }
    LK_TRY(lk_buffer_printf(text, "]],"));
  }
  return LK_OK;
}

static lk_status print_inputs(const lk_probe *p, lk_buffer *text) {
  LK_TRY(lk_buffer_printf(text, "{\"inputs\":{"));
  for (int c = 0; c < p->columns; c++) LK_TRY(p->form[c].spelled ? print_words(p, c, text) : print_column(p, c, text));
  LK_TRY(lk_buffer_printf(text, "\"lengths\":["));
  for (ptrdiff_t i = 0; i < p->rows; i++) LK_TRY(lk_buffer_printf(text, "%s%td", comma(i), p->length[i]));
  LK_TRY(lk_buffer_printf(text, "]},"));
  if (!p->pairs) return LK_OK;
  LK_TRY(lk_buffer_printf(text, "\"target\":["));
  for (ptrdiff_t i = 0; i < p->rows; i++) {
    LK_TRY(lk_buffer_printf(text, "%s[", comma(i)));
    for (ptrdiff_t t = 0; t < p->target_length[i]; t++)
      LK_TRY(lk_buffer_printf(text, "%s%d", comma(t), p->target[i * p->target_steps + t]));
    LK_TRY(lk_buffer_printf(text, "]"));
  }
  return lk_buffer_printf(text, "],");
}

/* A unit's outputs; unit -1: there is none. */
static lk_status print_unit(const lk_probe *p, ptrdiff_t unit, lk_buffer *text) {
  for (ptrdiff_t o = 0; o < p->outputs; o++) {
    LK_TRY(lk_buffer_printf(text, "%s", o > 0 ? "," : "["));
    const float score = unit < 0 ? NAN : p->score[unit * p->outputs + o]; /* JSON has no NaN */
    LK_TRY(isfinite(score) ? lk_buffer_printf(text, "%.9g", (double)score) : lk_buffer_printf(text, "null"));
  }
  return lk_buffer_printf(text, "]");
}

static lk_status print_outputs(const lk_probe *p, lk_probe_kind kind, lk_buffer *text) {
  const bool one = lk_task_view(p->model->task) == LK_VIEW_CLASSIFY;
  LK_TRY(lk_buffer_printf(text, "\"outputs\":{\"%s\":[", lk_probe_kinds[kind]));
  for (ptrdiff_t i = 0; i < p->rows; i++) {
    LK_TRY(lk_buffer_printf(text, "%s%s", comma(i), one ? "" : "["));
    for (ptrdiff_t t = 0; t < (one ? 1 : p->batch.pack.T); t++) {
      LK_TRY(lk_buffer_printf(text, "%s", comma(t)));
      LK_TRY(print_unit(p, lk_probe_unit(p, i, t), text));
    }
    LK_TRY(lk_buffer_printf(text, "%s", one ? "" : "]"));
  }
  return lk_buffer_printf(text, "]}}");
}

lk_status lk_probe_run(lk_model *model, lk_buffer *text) {
  const lk_head *head = lk_task_head(model->task);
  const lk_probe_kind kind = lk_head_has_norms(head) ? LK_PROBE_PROBABILITIES : LK_PROBE_SCORES;
  lk_probe p;
  lk_status status;
  lk_probe_init(&p, model);
  LK_GO(lk_probe_reserve(&p, ROWS, STEPS, WORDS, WORDS * LETTERS, TARGETS));
  fill(&p);
  LK_GO(lk_probe_answer(&p, head->O < OUTPUTS ? head->O : OUTPUTS, kind));
  LK_GO(print_inputs(&p, text));
  LK_GO(print_outputs(&p, kind, text));
done:
  lk_probe_release(&p);
  return status;
}
