/* report.c - the table of sections, and the page around them. */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "clock.h"
#include "section_impl.h"
#include "style_impl.h"
#include "version.h"

static const lk_section *const sections[] = {
    &lk_section_overview,    &lk_section_loss,    &lk_section_rate,         &lk_section_metrics, &lk_section_course,
    &lk_section_differences, &lk_section_classes, &lk_section_translations, &lk_section_sample,  &lk_section_time,
    &lk_section_settings,    &lk_section_corpus,  &lk_section_starts,
};
enum { SECTIONS = sizeof sections / sizeof *sections };

static const char beginning[] =
    "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n"
    "<head><meta charset=\"utf-8\"/><meta name=\"generator\" content=\"lockstep report\"/>";

bool lk_report_is_one(const char *path) {
  char bytes[sizeof beginning] = "";
  FILE *file = fopen(path, "r");
  if (!file) return false;
  const size_t size = fread(bytes, 1, sizeof beginning - 1, file);
  fclose(file);
  return size == sizeof beginning - 1 && memcmp(bytes, beginning, size) == 0;
}

/* What the section wrote is taken back where it failed. */
static lk_status draw_section(lk_html *h, const lk_section *s, const lk_scope *scope, int level) {
  if (!s->fits(scope)) return LK_OK;
  lk_html_raw(h, "<section>");
  if (s->title) lk_html_put(h, "<h%d>%s</h%d>\n", level, s->title, level);
  const size_t before = h->out.size;
  const lk_status status = s->draw(h, scope);
  if (status == LK_MEMORY) return status;
  if (status != LK_OK) {
    lk_buffer_truncate(&h->out, before);
    lk_html_put(h, "<p class=\"missing\">%s: %s.</p>", s->title ? s->title : "Overview", lk_error_get()->text);
    lk_error_clear();
  }
  lk_html_raw(h, "</section>\n");
  return h->status;
}

static lk_status draw_sections(lk_html *h, const lk_scope *scope, bool together, int level) {
  for (int i = 0; i < SECTIONS; i++)
    if (sections[i]->together == together) LK_TRY(draw_section(h, sections[i], scope, level));
  return LK_OK;
}

/* A page of one run is read on; of several each can be unfolded. The model is open while its run is drawn. */
static lk_status draw_run(lk_html *h, const lk_report *report, lk_run *run, int runs) {
  const double seconds = report->seconds / runs;
  lk_status status = LK_OK;
  if (runs > 1) {
    lk_html_put(h, "<details class=\"run\" open=\"\"><summary><h2><bdi>%s</bdi></h2></summary>", run->name);
    lk_html_put(h, "<p class=\"quiet\"><bdi>%s</bdi></p>", run->whole_path ? run->whole_path : run->path);
    if (seconds > 0) status = lk_run_open_model(run, seconds * 2e8);
  }
  const lk_scope one = {.run = run, .runs = 1, .seconds = seconds, .columns = 400};
  if (status == LK_OK) status = draw_sections(h, &one, false, runs > 1 ? 3 : 2);
  if (runs > 1) lk_html_raw(h, "</details>");
  lk_run_close_model(run);
  return status;
}

static void begin_page(lk_html *h, const lk_run *run, int runs) {
  lk_html_raw(h, beginning);
  lk_html_raw(h,
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>"
              "<meta name=\"color-scheme\" content=\"light dark\"/>");
  lk_html_put(h, runs > 1 ? "<title>%s and %d more: training report</title>" : "<title>%s: training report</title>",
              run->name, runs - 1);
  lk_html_raw(h, "<style>");
  for (int i = 0; lk_report_style[i]; i++) lk_html_raw(h, lk_report_style[i]);
  lk_html_raw(h, "</style></head>\n<body><main><header>");
  if (runs > 1)
    lk_html_put(h, "<h1>%d runs compared</h1>", runs);
  else
    lk_html_put(h, "<h1><bdi>%s</bdi></h1><p class=\"quiet path\"><bdi>%s</bdi></p>", run->name,
                run->whole_path ? run->whole_path : run->path);
  lk_html_raw(h, "</header>\n");
}

static void end_page(lk_html *h, const lk_run *run, int runs) {
  char stamp[32];
  ptrdiff_t bad = 0;
  for (int i = 0; i < runs; i++) bad += run[i].bad_lines;
  lk_clock_stamp(stamp);
  lk_html_raw(h, "<footer>");
  if (bad > 0)
    lk_html_put(h, "<p>%td %s of metrics.jsonl and starts.jsonl could not be read and %s left out.</p>", bad,
                bad == 1 ? "line" : "lines", bad == 1 ? "is" : "are");
  lk_html_put(h, "<p>Made by lockstep %s%s%s, %s.</p></footer></main></body></html>\n", lk_version(),
              *lk_commit() ? ", commit " : "", lk_commit(), stamp);
}

static lk_status draw_page(lk_html *h, const lk_report *report, lk_run *run) {
  const int runs = report->runs;
  const lk_scope all = {.run = run, .runs = runs, .columns = runs > 3 ? 1200 / runs : 400};
  if (runs == 1 && report->seconds > 0) LK_TRY(lk_run_open_model(run, report->seconds * 2e8));
  begin_page(h, run, runs);
  LK_TRY(draw_sections(h, &all, true, 2));
  for (int i = 0; i < runs; i++) LK_TRY(draw_run(h, report, &run[i], runs));
  end_page(h, run, runs);
  return h->status;
}

lk_status lk_report_make(const lk_report *report, lk_buffer *out) {
  lk_status status = LK_OK;
  lk_html html = {.out = *out};
  lk_run *run = NULL;
  int opened = 0;
  LK_ASSERT(report->runs >= 1 && report->runs <= LK_REPORT_MOST);
  LK_GO(lk_alloc(&run, (size_t)report->runs, sizeof *run));
  for (; opened < report->runs; opened++) LK_GO(lk_run_open(&run[opened], report->path[opened]));
  LK_GO(draw_page(&html, report, run));
done:
  for (int i = 0; i < opened; i++) lk_run_close(&run[i]);
  free(run);
  *out = html.out;
  return status;
}
