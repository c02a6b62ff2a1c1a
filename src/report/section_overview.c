/* section_overview.c - the figures that people ask for first: as tiles of one run, as a table of several. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scale.h"
#include "section_impl.h"

static void tile(lk_html *h, const char *name, const char *value, const char *note) {
  lk_html_put(h, "<div><dt>%s</dt><dd>%s", name, value);
  if (*note) lk_html_put(h, "<small>%s</small>", note);
  lk_html_raw(h, "</dd></div>");
}

/* "best accuracy", its value, "at step 1,200". */
static void best_tile(lk_html *h, const lk_run *run) {
  char name[64], value[32], step[32], note[64];
  const lk_run_metric *chosen = lk_run_chosen(run);
  const ptrdiff_t best = chosen ? lk_run_best(chosen) : -1;
  if (best < 0) return;
  (void)snprintf(name, sizeof name, "Best %s", lk_metric_words(chosen->name));
  (void)snprintf(note, sizeof note, "validation, step %s", lk_scale_text(step, chosen->valid.x[best], 1));
  tile(h, name, lk_number_short(value, chosen->valid.y[best], 4), note);
  if (run->test_step < 0 || isnan(chosen->test)) return;
  (void)snprintf(name, sizeof name, "Test %s", lk_metric_words(chosen->name));
  tile(h, name, lk_number_short(value, chosen->test, 4), "of the best model");
}

static double largest_ranks(const lk_run *run) { return run->starts > 0 ? run->start[run->starts - 1].ranks : -1; }

static lk_status draw_tiles(lk_html *h, const lk_run *run) {
  lk_status status = LK_OK;
  char value[32], note[64] = "";
  lk_html_raw(h, "<dl class=\"tiles\">");
  best_tile(h, run);
  if (run->train.n > 0)
    tile(h, "Training loss", lk_number_short(value, run->train.y[run->train.n - 1], 4), "nats per unit, at the end");
  (void)snprintf(note, sizeof note, "%.4g epochs", run->epoch);
  tile(h, "Steps", lk_scale_text(value, run->last_step, 1), run->epoch > 0 ? note : "");
  if (run->trained_seconds > 0)
    tile(h, "Time in training", lk_duration(value, run->trained_seconds), "without evaluations");
  const double speed = lk_curve_median(&run->speed, &status);
  (void)snprintf(note, sizeof note, "median%s", "");
  const double ranks = largest_ranks(run);
  if (ranks > 0) (void)snprintf(note, sizeof note, ranks > 1 ? "median, %.0f ranks" : "median, %.0f rank", ranks);
  if (isfinite(speed)) tile(h, "Tokens per second", lk_number_short(value, speed, 3), note);
  if (run->has_model)
    tile(h, "Parameters", lk_scale_text(value, (double)lk_params_trainable(run->model.params), 1), "");
  lk_html_raw(h, "</dl>");
  return status;
}

static void cell(lk_html *h, bool known, const char *text) { lk_html_put(h, "<td>%s</td>", known ? text : "–"); }

static lk_status draw_row(lk_html *h, const lk_run *run, int colour) {
  lk_status status = LK_OK;
  char value[32];
  const lk_run_metric *chosen = lk_run_chosen(run);
  const ptrdiff_t best = chosen ? lk_run_best(chosen) : -1;
  const double speed = lk_curve_median(&run->speed, &status), ranks = largest_ranks(run);
  lk_html_put(h, "<tr><th scope=\"row\"><span class=\"key c%d\"><bdi>%s</bdi></span></th>", colour, run->name);
  lk_html_put(h, "<td class=\"text\">%s</td>", run->has_config ? run->config.task : "–");
  lk_html_put(h, "<td class=\"text\">%s</td>", chosen ? lk_metric_words(chosen->name) : "–");
  cell(h, best >= 0, best >= 0 ? lk_number_short(value, chosen->valid.y[best], 4) : "");
  cell(h, best >= 0, best >= 0 ? lk_scale_text(value, chosen->valid.x[best], 1) : "");
  cell(h, chosen && run->test_step >= 0 && isfinite(chosen->test),
       chosen ? lk_number_short(value, chosen->test, 4) : "");
  cell(h, true, lk_scale_text(value, run->last_step, 1));
  cell(h, run->trained_seconds > 0, lk_duration(value, run->trained_seconds));
  cell(h, isfinite(speed), lk_number_short(value, speed, 3));
  cell(h, ranks > 0, lk_scale_text(value, ranks, 1));
  lk_html_raw(h, "</tr>");
  return status;
}

static bool always(const lk_scope *scope) {
  (void)scope;
  return true;
}

static lk_status draw(lk_html *h, const lk_scope *scope) {
  if (scope->runs == 1) return draw_tiles(h, &scope->run[0]);
  lk_html_raw(
      h,
      "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">run</th><th scope=\"col\" class=\"text\">task</th>"
      "<th scope=\"col\" class=\"text\">metric</th><th scope=\"col\">best</th><th scope=\"col\">at step</th>"
      "<th scope=\"col\">test</th><th scope=\"col\">steps</th><th scope=\"col\">training</th>"
      "<th scope=\"col\">tokens/s</th><th scope=\"col\">ranks</th></tr></thead><tbody>");
  for (int i = 0; i < scope->runs; i++) LK_TRY(draw_row(h, &scope->run[i], i % LK_PLOT_COLOURS));
  lk_html_raw(h, "</tbody></table></div>");
  return LK_OK;
}

const lk_section lk_section_overview = {NULL, true, always, draw};
