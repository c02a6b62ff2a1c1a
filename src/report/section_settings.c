/* section_settings.c - the configuration of a run, and how the configurations of several differ. */
#include <stdlib.h>
#include <string.h>

#include "section_impl.h"

/* What every run has of its own. */
static bool is_place(const char *key) { return strcmp(key, "run.dir") == 0; }

/* The value of a key without the quotes of an empty text; *value is truncated first. */
static lk_status value_of(const lk_config *config, const char *key, lk_buffer *value) {
  lk_buffer_truncate(value, 0);
  LK_TRY(lk_config_value(config, key, value));
  if (strcmp(value->data, "\"\"") == 0) lk_buffer_truncate(value, 0);
  return LK_OK;
}

static lk_status draw_rows(lk_html *h, const lk_config *config, const lk_config *defaults, bool changed) {
  lk_status status = LK_OK;
  const char *key;
  lk_buffer value = {0}, initial = {0};
  for (ptrdiff_t i = 0; (key = lk_config_key_name(i)); i++) {
    LK_GO(value_of(config, key, &value));
    LK_GO(value_of(defaults, key, &initial));
    const bool differs = strcmp(value.data, initial.data) != 0;
    if (changed && !differs) continue;
    lk_html_raw(h, differs && !changed ? "<tr class=\"changed\">" : "<tr>");
    lk_html_put(h, "<th scope=\"row\">%s</th><td class=\"text\"><bdi>%s</bdi></td>", key, value.data);
    lk_html_put(h, "<td class=\"text quiet\">%s</td></tr>", *initial.data ? initial.data : "none");
  }
done:
  lk_buffer_release(&value);
  lk_buffer_release(&initial);
  return status;
}

static lk_status draw_table(lk_html *h, const lk_config *config, const lk_config *defaults, bool changed) {
  lk_html_raw(h,
              "<div class=\"scroll\"><table class=\"settings\"><thead><tr><th scope=\"col\">setting</th>"
              "<th scope=\"col\">value</th><th scope=\"col\">default</th></tr></thead><tbody>");
  LK_TRY(draw_rows(h, config, defaults, changed));
  lk_html_raw(h, "</tbody></table></div>");
  return LK_OK;
}

static bool always(const lk_scope *scope) {
  (void)scope;
  return true;
}

static lk_status draw(lk_html *h, const lk_scope *scope) {
  lk_config defaults = {0};
  const lk_run *run = scope->run;
  if (!run->has_config) return lk_section_missing(h, "Configuration", &run->why_config), LK_OK;
  lk_status status = lk_config_init(&defaults);
  if (status == LK_OK) {
    lk_html_raw(h, "<p>Settings that differ from their defaults:</p>");
    status = draw_table(h, &run->config, &defaults, true);
  }
  if (status == LK_OK) {
    lk_html_raw(h, "<details><summary>All settings</summary>");
    status = draw_table(h, &run->config, &defaults, false);
    lk_html_raw(h, "</details>");
  }
  lk_config_release(&defaults);
  return status;
}

/* The value of a key in every run: value [runs], "" where a run has no configuration. *differ: not all are equal. */
static lk_status compare(const lk_scope *scope, const char *key, lk_buffer *value, bool *differ) {
  const char *first = NULL;
  *differ = false;
  for (int i = 0; i < scope->runs; i++) {
    if (!scope->run[i].has_config) continue;
    LK_TRY(value_of(&scope->run[i].config, key, &value[i]));
    if (first && strcmp(first, value[i].data) != 0) *differ = true;
    if (!first) first = value[i].data;
  }
  return LK_OK;
}

static lk_status draw_differences(lk_html *h, const lk_scope *scope, lk_buffer *value) {
  const char *key;
  int rows = 0;
  for (ptrdiff_t i = 0; (key = lk_config_key_name(i)); i++) {
    bool differ;
    if (is_place(key)) continue;
    LK_TRY(compare(scope, key, value, &differ));
    if (!differ) continue;
    if (rows++ == 0) {
      lk_html_raw(h, "<div class=\"scroll\"><table class=\"settings\"><thead><tr><th scope=\"col\">setting</th>");
      for (int r = 0; r < scope->runs; r++)
        lk_html_put(h, "<th scope=\"col\"><span class=\"key c%d\"><bdi>%s</bdi></span></th>", r % LK_PLOT_COLOURS,
                    scope->run[r].name);
      lk_html_raw(h, "</tr></thead><tbody>");
    }
    lk_html_put(h, "<tr><th scope=\"row\">%s</th>", key);
    for (int r = 0; r < scope->runs; r++)
      lk_html_put(h, "<td class=\"text\"><bdi>%s</bdi></td>",
                  !scope->run[r].has_config ? "?"
                  : value[r].size > 0       ? value[r].data
                                            : "none");
    lk_html_raw(h, "</tr>");
  }
  lk_html_raw(h, rows > 0 ? "</tbody></table></div>" : "<p>The runs have the same settings.</p>");
  return LK_OK;
}

static bool several(const lk_scope *scope) { return scope->runs > 1; }

static lk_status differences(lk_html *h, const lk_scope *scope) {
  lk_buffer value[LK_REPORT_MOST] = {0};
  const lk_status status = draw_differences(h, scope, value);
  for (int i = 0; i < LK_REPORT_MOST; i++) lk_buffer_release(&value[i]);
  return status;
}

const lk_section lk_section_settings = {"Configuration", false, always, draw};
const lk_section lk_section_differences = {"What differs", true, several, differences};
