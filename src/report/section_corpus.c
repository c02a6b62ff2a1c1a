/* section_corpus.c - what the run learned from, and how much of it there is. */
#include <stdio.h>
#include <string.h>

#include "scale.h"
#include "section_impl.h"

static void row(lk_html *h, const char *name, const char *value) {
  lk_html_put(h, "<tr><th scope=\"row\">%s</th><td class=\"text\"><bdi>%s</bdi></td></tr>", name, value);
}

static void count(lk_html *h, const char *name, ptrdiff_t n) {
  char text[32];
  if (n > 0) row(h, name, lk_number_whole_text(text, (long long)n));
}

static void draw_parts(lk_html *h, const lk_corpus_info *info) {
  char a[32], b[32], text[96];
  for (int s = 0; s < LK_SPLITS; s++) {
    if (info->tokens[s] == 0) continue;
    (void)lk_number_whole_text(a, (long long)info->rows[s]);
    (void)lk_number_whole_text(b, (long long)info->tokens[s]);
    if (info->stream)
      (void)snprintf(text, sizeof text, "%s units of running text", b);
    else
      (void)snprintf(text, sizeof text, "%s sequences, %s units", a, b);
    row(h, lk_split_names[s], text);
  }
}

static void draw_info(lk_html *h, const lk_run *run) {
  const lk_corpus_info *info = run->model.corpus;
  char text[128];
  row(h, "file", run->model.config.data.corpus);
  row(h, "digest", info->digest);
  (void)snprintf(text, sizeof text, "%s, unit %s%s%s", lk_corpus_kind_names[info->kind], info->unit,
                 info->target_unit[0] ? ", of targets " : "", info->target_unit);
  row(h, "kind", text);
  count(h, "vocabulary", info->source.count);
  count(h, "target vocabulary", info->shared ? 0 : info->target.count);
  count(h, "labels", info->label.count);
  count(h, "numbers a frame", info->frames);
  if (info->split[0]) row(h, "parts", info->split);
  if (run->corpus) draw_parts(h, lk_corpus_about(run->corpus));
}

static bool always(const lk_scope *scope) {
  (void)scope;
  return true;
}

static lk_status draw(lk_html *h, const lk_scope *scope) {
  const lk_run *run = scope->run;
  if (!run->has_model) return lk_section_missing(h, "Corpus", &run->why_model), LK_OK;
  lk_html_raw(h, "<div class=\"scroll\"><table class=\"settings\"><tbody>");
  draw_info(h, run);
  lk_html_raw(h, "</tbody></table></div>");
  if (!run->corpus) lk_section_missing(h, "Sizes of its parts", &run->why_corpus);
  return LK_OK;
}

const lk_section lk_section_corpus = {"Corpus", false, always, draw};
