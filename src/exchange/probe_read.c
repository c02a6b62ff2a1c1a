/* A probe of unknown origin: its text becomes rows, each value checked, and its outputs are compared. */
#include <math.h>
#include <string.h>

#include "input_layer.h"
#include "json_impl.h"
#include "probe.h"
#include "probe_rows_impl.h"

enum { MOST_VALUES = 1 << 22, MOST_CELLS = 1 << 12 }; /* of the text; rows times steps */

typedef struct reader {
  lk_probe *p;
  const char *what;
  json_t *json;
  const json_t *inputs, *lengths;
} reader;

/* ---- values and their places ---- */

static lk_status bad_whole(const reader *r, const char *place, ptrdiff_t least, ptrdiff_t most) {
  return LK_FAIL(LK_DATA, "%s: %s: expected a whole number from %td to %td", r->what, place, least, most);
}

/* "inputs.source[2][5]"; numbers below 0 are left out. */
typedef char place_text[160];
static const char *place(place_text out, const char *name, ptrdiff_t i, ptrdiff_t t, ptrdiff_t k) {
  int used = snprintf(out, sizeof(place_text), "%.80s", name);
  const ptrdiff_t at[] = {i, t, k};
  for (int n = 0; n < 3 && at[n] >= 0; n++)
    used += snprintf(out + used, sizeof(place_text) - (size_t)used, "[%td]", at[n]);
  return out;
}

static bool is_whole(const json_t *value, ptrdiff_t least, ptrdiff_t most) {
  return json_is_integer(value) && json_integer_value(value) >= least && json_integer_value(value) <= most;
}

/* The list at a place, of `least` values or more. */
static lk_status list_at(const reader *r, const json_t *list, size_t least, const char *name, ptrdiff_t i,
                         ptrdiff_t t) {
  place_text text;
  if (!json_is_array(list)) return LK_FAIL(LK_DATA, "%s: %s: expected a list", r->what, place(text, name, i, t, -1));
  if (json_array_size(list) >= least) return LK_OK;
  return LK_FAIL(LK_DATA, "%s: %s: a list of %zu, expected %zu or more", r->what, place(text, name, i, t, -1),
                 json_array_size(list), least);
}

static const json_t *of_row(const json_t *rows, ptrdiff_t i) { return json_array_get(rows, (size_t)i); }

/* ---- rows and lengths ---- */

static const char *first_name(const reader *r) { return r->p->form[0].name; }

/* The length of row i, of which rows[i] is a list. */
static ptrdiff_t length_of(const reader *r, const json_t *rows, ptrdiff_t i) {
  return r->lengths ? (ptrdiff_t)json_integer_value(of_row(r->lengths, i))
                    : (ptrdiff_t)json_array_size(of_row(rows, i));
}

static lk_status check_length(const reader *r, const json_t *rows, ptrdiff_t i) {
  place_text text;
  const json_t *row = of_row(rows, i);
  LK_TRY(list_at(r, row, 1, first_name(r), i, -1));
  const ptrdiff_t size = (ptrdiff_t)json_array_size(row);
  if (r->lengths && !is_whole(of_row(r->lengths, i), 1, size))
    return bad_whole(r, place(text, "lengths", i, -1, -1), 1, size);
  return LK_OK;
}

static lk_status read_lengths(const reader *r, const json_t *rows, ptrdiff_t *steps) {
  const ptrdiff_t count = (ptrdiff_t)json_array_size(rows);
  *steps = 1;
  if (r->lengths) LK_TRY(list_at(r, r->lengths, (size_t)count, "lengths", -1, -1));
  for (ptrdiff_t i = 0; i < count; i++) {
    LK_TRY(check_length(r, rows, i));
    if (length_of(r, rows, i) > *steps) *steps = length_of(r, rows, i);
  }
  if (count <= MOST_CELLS && count * *steps <= MOST_CELLS) return LK_OK;
  return LK_FAIL(LK_DATA, "%s: %td row%s of up to %td steps: too much for a probe, expected at most %d positions",
                 r->what, count, lk_plural(count), *steps, MOST_CELLS);
}

/* ---- columns ---- */

static lk_status read_ids(const reader *r, const json_t *row, const char *name, ptrdiff_t i, ptrdiff_t length,
                          ptrdiff_t values, int32_t *to) {
  place_text text;
  LK_TRY(list_at(r, row, (size_t)length, name, i, -1));
  for (ptrdiff_t t = 0; t < length; t++) {
    if (!is_whole(of_row(row, t), 0, values - 1)) return bad_whole(r, place(text, name, i, t, -1), 0, values - 1);
    to[t] = (int32_t)json_integer_value(of_row(row, t));
  }
  return LK_OK;
}

static lk_status read_numbers(const reader *r, const json_t *row, const char *name, ptrdiff_t i, ptrdiff_t width,
                              float *to) {
  place_text text;
  LK_TRY(list_at(r, row, (size_t)r->p->length[i], name, i, -1));
  for (ptrdiff_t t = 0; t < r->p->length[i]; t++) {
    LK_TRY(list_at(r, of_row(row, t), (size_t)width, name, i, t));
    for (ptrdiff_t k = 0; k < width; k++) {
      const json_t *value = of_row(of_row(row, t), k);
      to[t * width + k] = (float)json_number_value(value);
      if (!json_is_number(value) || !isfinite(to[t * width + k]))
        return LK_FAIL(LK_DATA, "%s: %s: expected a number", r->what, place(text, name, i, t, k));
    }
  }
  return LK_OK;
}

/* The word at time t of row i: <sos>, its characters, <eos>. *at: letters of the words before it. */
static lk_status read_word(const reader *r, const json_t *word, const json_t *size, ptrdiff_t i, ptrdiff_t t,
                           int64_t *at) {
  place_text text;
  ptrdiff_t count = (ptrdiff_t)json_array_size(word);
  const ptrdiff_t most = count < LK_SPELLING_LONGEST ? count : LK_SPELLING_LONGEST;
  LK_TRY(list_at(r, word, 2, "characters", i, t));
  if (size && !is_whole(size, 2, most)) return bad_whole(r, place(text, "character_lengths", i, t, -1), 2, most);
  if (size) count = (ptrdiff_t)json_integer_value(size);
  if (count > LK_SPELLING_LONGEST)
    return LK_FAIL(LK_DATA, "%s: %s: %td characters, expected at most %d", r->what, place(text, "characters", i, t, -1),
                   count, LK_SPELLING_LONGEST);
  for (ptrdiff_t k = 0; k < count; k++) {
    const ptrdiff_t characters = r->p->model->corpus->character.count;
    if (!is_whole(of_row(word, k), 0, characters - 1))
      return bad_whole(r, place(text, "characters", i, t, k), 0, characters - 1);
    r->p->letter[(*at)++] = (int32_t)json_integer_value(of_row(word, k));
  }
  return LK_OK;
}

static lk_status read_words(const reader *r, int c) {
  const json_t *words = json_object_get(r->inputs, "characters");
  const json_t *sizes = json_object_get(r->inputs, "character_lengths");
  lk_probe *p = r->p;
  int64_t at = 0;
  LK_TRY(list_at(r, words, (size_t)p->rows, "characters", -1, -1));
  if (sizes) LK_TRY(list_at(r, sizes, (size_t)p->rows, "character_lengths", -1, -1));
  for (ptrdiff_t n = 0; n < p->rows * p->steps; n++) {
    const ptrdiff_t i = n / p->steps, t = n % p->steps;
    p->ids[c][n] = (int32_t)n;
    if (t == 0) LK_TRY(list_at(r, of_row(words, i), (size_t)p->length[i], "characters", i, -1));
    if (t < p->length[i]) LK_TRY(read_word(r, of_row(of_row(words, i), t), of_row(of_row(sizes, i), t), i, t, &at));
    p->begin[n + 1] = at;
  }
  return LK_OK;
}

/* Whether the net reads a column: not all that a corpus has. */
static bool is_read(const lk_probe *p, int c) {
  const lk_model *model = p->model;
  const char *found = model->config.model.features, *name = p->form[c].name;
  if (c == 0) return true;
  if (p->form[c].spelled) return model->characters != NULL;
  if (p->form[c].vectors) return lk_input_vectors(&model->config) != LK_VECTORS_UNREAD;
  while (found && (found = strstr(found, name)) != NULL) {
    found += strlen(name);
    if (strchr(":, ", *found)) return true; /* or its end */
  }
  return false;
}

static lk_status read_column(const reader *r, int c) {
  const lk_column_form *form = &r->p->form[c];
  const json_t *rows = json_object_get(r->inputs, form->name);
  const ptrdiff_t steps = r->p->steps;
  if (form->spelled) return read_words(r, c);
  LK_TRY(list_at(r, rows, (size_t)r->p->rows, form->name, -1, -1));
  for (ptrdiff_t i = 0; i < r->p->rows; i++)
    if (form->values > 0)
      LK_TRY(read_ids(r, of_row(rows, i), form->name, i, r->p->length[i], form->values, r->p->ids[c] + i * steps));
    else
      LK_TRY(read_numbers(r, of_row(rows, i), form->name, i, form->width, r->p->number[c] + i * steps * form->width));
  return LK_OK;
}

/* ---- pairs ---- */

static lk_status target_steps(const reader *r, ptrdiff_t rows, ptrdiff_t *steps) {
  const json_t *targets = json_object_get(r->json, "target");
  *steps = 0;
  if (!r->p->pairs) return LK_OK;
  LK_TRY(list_at(r, targets, (size_t)rows, "target", -1, -1));
  for (ptrdiff_t i = 0; i < rows; i++) {
    LK_TRY(list_at(r, of_row(targets, i), 1, "target", i, -1));
    const ptrdiff_t size = (ptrdiff_t)json_array_size(of_row(targets, i));
    if (size > *steps) *steps = size;
  }
  if (rows * *steps <= MOST_CELLS) return LK_OK;
  return LK_FAIL(LK_DATA, "%s: %td target%s of up to %td steps: too much for a probe, expected at most %d positions",
                 r->what, rows, lk_plural(rows), *steps, MOST_CELLS);
}

static lk_status read_pair(const reader *r, ptrdiff_t i) {
  lk_probe *p = r->p;
  const json_t *row = of_row(json_object_get(r->json, "target"), i);
  int32_t *target = p->target + i * p->target_steps;
  p->target_length[i] = (ptrdiff_t)json_array_size(row);
  LK_TRY(read_ids(r, row, "target", i, p->target_length[i], p->model->corpus->target.count, target));
  if (target[0] != LK_SOS)
    return LK_FAIL(LK_DATA, "%s: target[%td] begins with %d, expected %d, <sos>", r->what, i, target[0], LK_SOS);
  const int32_t last = p->ids[0][i * p->steps + p->length[i] - 1];
  if (last == LK_EOS) return LK_OK;
  return LK_FAIL(LK_DATA, "%s: source[%td] ends with %d, expected %d, <eos>", r->what, i, last, LK_EOS);
}

static lk_status read_inputs(reader *r) {
  lk_probe *p = r->p;
  r->inputs = json_object_get(r->json, "inputs");
  r->lengths = json_object_get(r->inputs, "lengths");
  const json_t *first = json_object_get(r->inputs, first_name(r));
  ptrdiff_t steps, targets;
  if (first == NULL)
    return LK_FAIL(LK_DATA, "%s: expected {\"inputs\": {\"%s\": ..., \"lengths\": ...}, \"outputs\": ...}", r->what,
                   first_name(r));
  LK_TRY(list_at(r, first, 1, first_name(r), -1, -1));
  const ptrdiff_t rows = (ptrdiff_t)json_array_size(first);
  LK_TRY(read_lengths(r, first, &steps));
  LK_TRY(target_steps(r, rows, &targets));
  LK_TRY(lk_probe_reserve(p, rows, steps, rows * steps, rows * steps * LK_SPELLING_LONGEST, targets));
  for (ptrdiff_t i = 0; i < rows; i++) p->length[i] = length_of(r, first, i);
  for (int c = 0; c < p->columns; c++)
    if (is_read(p, c)) LK_TRY(read_column(r, c));
  for (ptrdiff_t i = 0; i < rows && p->pairs; i++) LK_TRY(read_pair(r, i));
  return LK_OK;
}

/* ---- outputs ---- */

static bool has_times(const reader *r) { return lk_task_view(r->p->model->task) != LK_VIEW_CLASSIFY; }

/* How many answers row i has. */
static ptrdiff_t answers_of(const reader *r, ptrdiff_t i) {
  return !has_times(r) ? 1 : r->p->pairs ? r->p->target_length[i] : r->p->length[i];
}

static const json_t *answer_at(const reader *r, const json_t *told, ptrdiff_t i, ptrdiff_t t) {
  return has_times(r) ? of_row(of_row(told, i), t) : of_row(told, i);
}

/* Which numbers are told, and how many of each answer. */
static lk_status find_outputs(const reader *r, lk_probe_kind *kind, const json_t **told, ptrdiff_t *outputs) {
  const json_t *all = json_object_get(r->json, "outputs");
  const lk_head *head = lk_task_head(r->p->model->task);
  ptrdiff_t answers = 0;
  int k = 0;
  while (lk_probe_kinds[k] && !json_object_get(all, lk_probe_kinds[k])) k++;
  if (lk_probe_kinds[k] == NULL)
    return LK_FAIL(LK_DATA, "%s: outputs: expected \"probabilities\", \"log_probabilities\" or \"scores\"", r->what);
  if (k != LK_PROBE_SCORES && !lk_head_has_norms(head))
    return LK_FAIL(LK_DATA, "%s: outputs: expected \"scores\": this model computes no %s", r->what, lk_probe_kinds[k]);
  *kind = (lk_probe_kind)k;
  *told = json_object_get(all, lk_probe_kinds[k]);
  LK_TRY(list_at(r, *told, (size_t)r->p->rows, lk_probe_kinds[k], -1, -1));
  const json_t *first = answer_at(r, *told, 0, 0);
  LK_TRY(list_at(r, first, 1, lk_probe_kinds[k], 0, has_times(r) ? 0 : -1));
  *outputs = (ptrdiff_t)json_array_size(first);
  for (ptrdiff_t i = 0; i < r->p->rows; i++) answers += answers_of(r, i);
  if (answers <= 0) return LK_FAIL(LK_DATA, "%s: lengths: expected a row with an answer to compare", r->what);
  if (*outputs > MOST_VALUES / answers) /* a text that tells all of them would have been refused before */
    return LK_FAIL(LK_DATA, "%s: %s: %td answers of %td numbers are not there", r->what, lk_probe_kinds[k], answers,
                   *outputs);
  if (*outputs <= head->O) return LK_OK;
  return LK_FAIL(LK_DATA, "%s: %s: %td for each position, but the model has %td outputs", r->what, lk_probe_kinds[k],
                 *outputs, head->O);
}

static lk_status compare_one(const reader *r, const json_t *value, const char *at, float found, double *difference) {
  *difference = 0;
  if (!json_is_number(value) && !json_is_null(value)) return LK_FAIL(LK_DATA, "%s: %s: expected a number", r->what, at);
  const float told = (float)json_number_value(value); /* 9 digits of a float are that float again */
  if (json_is_number(value)) *difference = fabs((double)told - (double)found);
  if (isnan(*difference)) *difference = INFINITY;
  return LK_OK;
}

static lk_status compare_answer(const reader *r, const json_t *told, ptrdiff_t i, ptrdiff_t t,
                                lk_probe_difference *to) {
  const lk_probe *p = r->p;
  const json_t *list = answer_at(r, told, i, t);
  const ptrdiff_t time = has_times(r) ? t : -1;
  place_text text;
  LK_TRY(list_at(r, list, (size_t)p->outputs, to->kind, i, time));
  const float *found = p->score + lk_probe_unit(p, i, t) * p->outputs;
  for (ptrdiff_t o = 0; o < p->outputs; o++) {
    const json_t *value = of_row(list, o);
    double difference;
    const char *at = has_times(r) ? place(text, to->kind, i, t, o) : place(text, to->kind, i, o, -1);
    LK_TRY(compare_one(r, value, at, found[o], &difference));
    to->largest = fmax(to->largest, fabs(json_number_value(value)));
    if (difference <= to->most && to->row >= 0) continue;
    const double number = json_number_value(value);
    *to = (lk_probe_difference){difference, to->largest, to->kind, i, time, o, number, (double)found[o]};
  }
  return LK_OK;
}

static lk_status compare_outputs(const reader *r, lk_probe_difference *to) {
  lk_probe_kind kind = LK_PROBE_SCORES;
  const json_t *told = NULL;
  ptrdiff_t outputs = 0;
  LK_TRY(find_outputs(r, &kind, &told, &outputs));
  *to = (lk_probe_difference){.kind = lk_probe_kinds[kind], .row = -1};
  LK_TRY(lk_probe_answer(r->p, outputs, kind));
  for (ptrdiff_t i = 0; i < r->p->rows; i++) {
    if (has_times(r)) LK_TRY(list_at(r, of_row(told, i), (size_t)answers_of(r, i), to->kind, i, -1));
    for (ptrdiff_t t = 0; t < answers_of(r, i); t++) LK_TRY(compare_answer(r, told, i, t, to));
  }
  return LK_OK;
}

lk_status lk_probe_compare(lk_model *model, const char *text, size_t size, const char *what,
                           lk_probe_difference *difference) {
  lk_probe p;
  reader r = {.p = &p, .what = what};
  lk_status status;
  lk_probe_init(&p, model);
  LK_GO(lk_json_parse(&r.json, text, size, MOST_VALUES, what));
  LK_GO(read_inputs(&r));
  LK_GO(compare_outputs(&r, difference));
done:
  json_decref(r.json);
  lk_probe_release(&p);
  return status;
}
