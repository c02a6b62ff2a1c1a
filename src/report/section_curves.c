/* section_curves.c - loss, metrics, rate, gradient and speed by step. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "scale.h"
#include "section_impl.h"

enum { HIGH = 280, LOW = 110, SMALL = 150 };
static const double log_from = 10; /* largest to least value from which a logarithmic axis shows more */

static lk_plot *make_plot(const lk_scope *scope, lk_status *status) {
  lk_plot *p = NULL;
  *status = lk_alloc(&p, 1, sizeof *p);
  if (p) *p = (lk_plot){.x_name = "step", .columns = scope->columns, .x_ticks = 5};
  return p;
}

static int colour_of(const lk_scope *scope, const lk_run *run) { return (int)(run - scope->run) % LK_PLOT_COLOURS; }

/* Where a run was resumed; SHORT where several runs share the plot. */
static void mark_starts(lk_plot *p, const lk_scope *scope, const lk_run *run, bool text) {
  for (int i = 1; i < run->starts; i++) {
    if (run->start[i].step > run->last_step) continue;
    lk_mark mark = {.kind = scope->runs > 1 ? LK_MARK_SHORT : LK_MARK_MOMENT,
                    .x = run->start[i].step,
                    .colour = colour_of(scope, run)};
    if (text) (void)snprintf(mark.text, sizeof mark.text, "resumed");
    lk_plot_mark(p, mark);
  }
}

/* The point of `metric` where the chosen metric was best. */
static void mark_best(lk_plot *p, const lk_scope *scope, const lk_run *run, const lk_run_metric *metric, int colour) {
  char value[32], step[32];
  const lk_run_metric *chosen = lk_run_chosen(run);
  const ptrdiff_t best = chosen ? lk_run_best(chosen) : -1;
  if (best < 0) return;
  for (ptrdiff_t i = 0; i < metric->valid.n; i++) {
    if (metric->valid.x[i] != chosen->valid.x[best]) continue;
    lk_mark mark = {.kind = LK_MARK_POINT,
                    .x = metric->valid.x[i],
                    .y = metric->valid.y[i],
                    .below = !lk_run_rises(metric->name),
                    .colour = colour};
    if (scope->runs == 1)
      (void)snprintf(mark.text, sizeof mark.text, metric == chosen ? "best %s, step %s" : "best model %s",
                     lk_number_short(value, mark.y, 4), lk_scale_text(step, mark.x, 1));
    lk_plot_mark(p, mark);
    return;
  }
}

static bool is_log(const lk_plot *p) {
  double low, high;
  return lk_plot_range(p, &low, &high) && low > 0 && high / low > log_from;
}

/* Training and validation of one run; *smooth is used until the plot is drawn. */
static lk_status add_loss(lk_plot *p, const lk_scope *scope, lk_run *run, lk_curve *smooth) {
  const lk_run_metric *valid = lk_run_find(run, "loss");
  const bool alone = scope->runs == 1, pale = !alone && valid;
  const int colour = colour_of(scope, run);
  LK_TRY(lk_curve_smooth(smooth, &run->train));
  const bool differs = smooth->n >= 24;
  if (alone && differs)
    lk_plot_add(p, (lk_series){.curve = &run->train, .line = LK_LINE_PALE, .name = NULL, .unlisted = true});
  lk_plot_add(p, (lk_series){.name = alone   ? "training"
                                     : valid ? NULL
                                             : run->name,
                             .curve = smooth,
                             .line = pale ? LK_LINE_PALE : LK_LINE_STRONG,
                             .colour = colour,
                             .unlisted = !alone});
  if (valid) {
    lk_plot_add(p, (lk_series){.name = alone ? "validation" : run->name,
                               .curve = &valid->valid,
                               .line = LK_LINE_DOTS,
                               .colour = alone ? 1 : colour});
    mark_best(p, scope, run, valid, alone ? 1 : colour);
  }
  mark_starts(p, scope, run, alone);
  return LK_OK;
}

static bool has_loss(const lk_scope *scope) {
  (void)scope;
  return true;
}

static void say_loss(char *out, size_t size, const lk_scope *scope, const lk_plot *p) {
  int resumed = 0;
  for (int i = 0; i < scope->runs; i++) resumed += scope->run[i].starts > 1;
  (void)snprintf(out, size, "Nats per predicted unit%s. %s%s", p->log ? ", logarithmic axis" : "",
                 scope->runs > 1 ? "Strong: validation. Pale: training, smoothed."
                 : p->series[0].line == LK_LINE_PALE
                     ? "Training: the mean of each 100 steps, pale, and its course, strong."
                     : "Training: the mean of each 100 steps.",
                 resumed == 0      ? ""
                 : scope->runs > 1 ? " Short lines above: where a run was resumed."
                                   : " Dashed: where the run was resumed.");
}

static lk_status draw_loss(lk_html *h, const lk_scope *scope) {
  lk_status status = LK_OK;
  char caption[256];
  lk_curve *smooth = NULL;
  lk_plot *p = make_plot(scope, &status);
  if (status == LK_OK) status = lk_alloc(&smooth, (size_t)scope->runs, sizeof *smooth);
  for (int i = 0; i < scope->runs && status == LK_OK; i++) status = add_loss(p, scope, &scope->run[i], &smooth[i]);
  if (status == LK_OK) {
    p->title = "Training and validation loss by step";
    p->description =
        "The loss of training falls as the model learns; where that of validation rises again, it overfits.";
    p->height = HIGH;
    p->log = is_log(p);
    say_loss(caption, sizeof caption, scope, p);
    p->caption = caption;
    if (lk_plot_has_points(p))
      lk_plot_draw(h, p);
    else
      lk_html_raw(h, "<p class=\"missing\">Loss: metrics.jsonl has no line yet.</p>");
  }
  for (int i = 0; smooth && i < scope->runs; i++) lk_curve_release(&smooth[i]);
  free(smooth);
  free(p);
  return status;
}

/* A curve of every run. */
static lk_status draw_each(lk_html *h, const lk_scope *scope, lk_plot settings,
                           const lk_curve *(*of)(const lk_run *, const void *), const void *key) {
  lk_status status = LK_OK;
  lk_plot *p = make_plot(scope, &status);
  if (status != LK_OK) return status;
  settings.x_name = p->x_name, settings.columns = settings.small ? p->columns / 2 : p->columns;
  settings.x_ticks = settings.small ? 3 : p->x_ticks;
  *p = settings;
  for (int i = 0; i < scope->runs; i++) {
    const lk_curve *curve = of(&scope->run[i], key);
    if (!curve) continue;
    lk_plot_add(p, (lk_series){.name = scope->runs > 1 ? scope->run[i].name : NULL,
                               .curve = curve,
                               .line = LK_LINE_STRONG,
                               .colour = colour_of(scope, &scope->run[i])});
    mark_starts(p, scope, &scope->run[i], false);
  }
  p->log = p->log && is_log(p);
  if (lk_plot_has_points(p)) lk_plot_draw(h, p);
  free(p);
  return LK_OK;
}

static const lk_curve *rate_of(const lk_run *run, const void *key) { return (void)key, &run->rate; }
static const lk_curve *norm_of(const lk_run *run, const void *key) { return (void)key, &run->norm; }
static const lk_curve *speed_of(const lk_run *run, const void *key) { return (void)key, &run->speed; }

static bool has_training(const lk_scope *scope) {
  for (int i = 0; i < scope->runs; i++)
    if (scope->run[i].rate.n > 0) return true;
  return false;
}

static lk_status draw_rate(lk_html *h, const lk_scope *scope) {
  return draw_each(h, scope,
                   (lk_plot){.title = "Learning rate by step",
                             .description = "The rate that the schedule gave.",
                             .height = LOW,
                             .from_zero = true},
                   rate_of, NULL);
}

static lk_status draw_course(lk_html *h, const lk_scope *scope) {
  lk_html_raw(h, "<div class=\"pair\"><div><h3>Gradient norm</h3>");
  LK_TRY(draw_each(
      h, scope,
      (lk_plot){.title = "Norm of the gradient by step",
                .description = "The norm of the mean gradient of the last step of each line, before clipping.",
                .height = SMALL,
                .log = true,
                .small = true},
      norm_of, NULL));
  lk_html_raw(h, "</div><div><h3>Tokens per second</h3>");
  LK_TRY(draw_each(h, scope,
                   (lk_plot){.title = "Tokens per second by step",
                             .description = "Speed of training, without evaluations.",
                             .height = SMALL,
                             .from_zero = true,
                             .small = true},
                   speed_of, NULL));
  lk_html_raw(h, "</div></div>");
  return LK_OK;
}

/* Functions of the loss and of exact matches are left out, unless the run chose its best model by one. */
static bool is_shown(const lk_run *run, const lk_run_metric *m) {
  const lk_run_metric *chosen = lk_run_chosen(run);
  if (m->valid.n == 0 || strcmp(m->name, "loss") == 0) return false;
  if (chosen && strcmp(chosen->name, m->name) == 0) return true;
  return strcmp(m->name, "perplexity") != 0 && strcmp(m->name, "bits_per_character") != 0 &&
         strcmp(m->name, "sequence_error_rate") != 0;
}

/* Metrics that are shown of any run: names [LK_RUN_METRICS], the chosen one of the first run first; how many. */
static int list_metrics(const lk_scope *scope, const char *names[LK_RUN_METRICS]) {
  int n = 0;
  for (int pass = 0; pass < 2; pass++)
    for (int r = 0; r < scope->runs; r++)
      for (int i = 0; i < scope->run[r].metrics && n < LK_RUN_METRICS; i++) {
        const lk_run_metric *m = &scope->run[r].metric[i];
        bool known = !is_shown(&scope->run[r], m) || (pass == 0 && m != lk_run_chosen(&scope->run[r]));
        for (int k = 0; k < n; k++) known = known || strcmp(names[k], m->name) == 0;
        if (!known) names[n++] = m->name;
      }
  return n;
}

static bool has_metrics(const lk_scope *scope) {
  const char *names[LK_RUN_METRICS];
  return list_metrics(scope, names) > 0;
}

static lk_status draw_metric(lk_html *h, const lk_scope *scope, const char *name, bool small) {
  lk_status status = LK_OK;
  char title[96];
  (void)snprintf(title, sizeof title, "Validation: %s by step", lk_metric_words(name));
  lk_plot *p = make_plot(scope, &status);
  if (status != LK_OK) return status;
  p->title = title;
  p->description = lk_run_rises(name) ? "Larger is better." : "Smaller is better.";
  p->height = small ? SMALL : HIGH;
  p->small = small;
  if (small) p->x_ticks = 3, p->columns /= 2;
  for (int i = 0; i < scope->runs; i++) {
    const lk_run_metric *m = lk_run_find(&scope->run[i], name);
    const int colour = scope->runs == 1 ? 1 : colour_of(scope, &scope->run[i]);
    if (!m) continue;
    lk_plot_add(p, (lk_series){.name = scope->runs > 1 ? scope->run[i].name : NULL,
                               .curve = &m->valid,
                               .line = LK_LINE_DOTS,
                               .colour = colour});
    if (!small) mark_best(p, scope, &scope->run[i], m, colour);
    mark_starts(p, scope, &scope->run[i], false);
  }
  lk_plot_draw(h, p);
  free(p);
  return LK_OK;
}

static void heading(lk_html *h, const char *name) {
  lk_html_put(h, strcmp(name, "chrf") == 0 ? "<h3>%s</h3>" : "<h3 class=\"capital\">%s</h3>", lk_metric_words(name));
}

static lk_status draw_metrics(lk_html *h, const lk_scope *scope) {
  const char *names[LK_RUN_METRICS];
  const int n = list_metrics(scope, names);
  if (n == 0) return LK_OK;
  const lk_run_metric *chosen = lk_run_chosen(&scope->run[0]);
  const bool large = chosen && strcmp(chosen->name, names[0]) == 0; /* not where the best goes by the loss */
  if (large) {
    heading(h, names[0]);
    LK_TRY(draw_metric(h, scope, names[0], false));
  }
  lk_html_raw(h, "<div class=\"pair\">");
  for (int i = large; i < n; i++) {
    lk_html_raw(h, "<div>");
    heading(h, names[i]);
    LK_TRY(draw_metric(h, scope, names[i], true));
    lk_html_raw(h, "</div>");
  }
  lk_html_raw(h, "</div>");
  return LK_OK;
}

const lk_section lk_section_loss = {"Loss", true, has_loss, draw_loss};
const lk_section lk_section_rate = {"Learning rate", true, has_training, draw_rate};
const lk_section lk_section_course = {"Gradient and speed", true, has_training, draw_course};
const lk_section lk_section_metrics = {"Validation", true, has_metrics, draw_metrics};
