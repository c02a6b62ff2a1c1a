/* section_time.c - where the time of a step went, and the memory and hosts of each start. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scale.h"
#include "section_impl.h"

/* Parts of a step in words; others, which a later version may have, by their name. */
static const char *part_words(const char *name) {
  static const char *const words[][2] = {{"batch", "build the batch"},
                                         {"net", "forward, loss and backward"},
                                         {"sum", "sum of gradients over ranks, waiting included"},
                                         {"update", "optimizer"},
                                         {"values", "new weights to all ranks"},
                                         {"pack", "pack weights for the kernels"}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(name, words[i][0]) == 0) return words[i][1];
  return name;
}

static bool is_beside_steps(const char *name) { return strcmp(name, "evaluation") == 0 || strcmp(name, "save") == 0; }

/* The last start that has recorded its use. */
static const lk_run_start *last_use(const lk_run *run) {
  for (int i = run->starts - 1; i >= 0; i--)
    if (run->start[i].parts > 0 && run->start[i].steps > 0) return &run->start[i];
  return NULL;
}

static void draw_part(lk_html *h, const char *name, double seconds, double steps, double all) {
  char text[32];
  const double share = all > 0 ? 100 * seconds / all : 0;
  lk_html_put(h, "<tr><th scope=\"row\">%s</th><td>%s ms</td><td>%.1f %%</td>", part_words(name),
              lk_number_short(text, 1000 * seconds / steps, 3), share);
  lk_html_put(
      h,
      "<td class=\"bar\"><svg width=\"100%%\" height=\"10\" aria-hidden=\"true\"><rect class=\"c0\" width=\"%.2f%%\" "
      "height=\"10\" rx=\"1\"/></svg></td></tr>",
      share);
}

static void draw_split(lk_html *h, const lk_run_start *s) {
  double all = 0, beside[2] = {0};
  char text[2][32];
  for (int i = 0; i < s->parts; i++)
    if (is_beside_steps(s->part[i]))
      beside[*s->part[i] == 's'] += s->seconds[i];
    else
      all += s->seconds[i];
  lk_html_raw(h,
              "<div class=\"scroll\"><table class=\"parts\"><thead><tr><th scope=\"col\">part of a step</th>"
              "<th scope=\"col\">mean</th><th scope=\"col\">share</th><th scope=\"col\" "
              "class=\"bar\"></th></tr></thead><tbody>");
  for (int i = 0; i < s->parts; i++)
    if (!is_beside_steps(s->part[i])) draw_part(h, s->part[i], s->seconds[i], s->steps, all);
  lk_html_raw(h, "</tbody></table></div>");
  lk_html_put(h, "<p class=\"quiet\">Rank 0, the last start: %s steps in %s. ", lk_scale_text(text[0], s->steps, 1),
              lk_duration(text[1], all));
  lk_html_put(h, "Evaluations took %s, saves held training up for %s.</p>", lk_duration(text[0], beside[0]),
              lk_duration(text[1], beside[1]));
}

static bool always(const lk_scope *scope) {
  (void)scope;
  return true;
}

static lk_status draw(lk_html *h, const lk_scope *scope) {
  const lk_run_start *s = last_use(scope->run);
  if (s)
    draw_split(h, s);
  else
    lk_html_raw(h,
                "<p class=\"missing\">Parts of a step: starts.jsonl has none yet; training records them at each "
                "evaluation and at its end.</p>");
  return LK_OK;
}

static void draw_hosts(lk_html *h, const lk_run_start *s) {
  enum { MOST = 8 };
  for (ptrdiff_t i = 0; i < s->hosts.count && i < MOST; i++) {
    lk_html_put(h, "%s<bdi>%s</bdi>", i > 0 ? ", " : "", lk_strings_get(&s->hosts, i));
    if (s->hosts.count > 1) lk_html_put(h, " × %lld", (long long)s->hosts.number[i]);
  }
  if (s->hosts.count > MOST) lk_html_put(h, " and %td more", s->hosts.count - MOST);
}

/* "2026-11-30T03:21:32Z" as people write it. */
static const char *moment(char out[32], const char *time) {
  if (strlen(time) != 20 || time[10] != 'T') return (void)snprintf(out, 32, "%s", time), out;
  (void)snprintf(out, 32, "%.10s %.5s UTC", time, time + 11);
  return out;
}

/* One row a start. */
static void draw_row(lk_html *h, const lk_run_start *s, bool last) {
  char text[32];
  lk_html_put(h, "<tr><td class=\"text\">%s</td>", moment(text, s->time));
  lk_html_put(h, "<td>%s</td>", lk_scale_text(text, s->step, 1));
  lk_html_put(h, "<td>%s</td>", s->last_step >= 0 ? lk_scale_text(text, s->last_step, 1) : "–");
  lk_html_put(h, "<td>%s</td><td class=\"text\">", s->ranks > 0 ? lk_scale_text(text, s->ranks, 1) : "–");
  draw_hosts(h, s);
  lk_html_put(h, "</td><td>%s", s->memory > 0 ? lk_bytes(text, s->memory) : "–");
  lk_html_put(h, "</td><td class=\"text\">%s", s->version);
  if (s->commit[0]) lk_html_put(h, " <code>%s</code>", s->commit);
  lk_html_put(h, "</td><td class=\"text\">%s</td><td class=\"text\">%s</td></tr>", s->kernels,
              s->end[0] ? s->end
              : last    ? "no end recorded: it goes on, or was killed"
                        : "killed, or lost its host");
}

static lk_status draw_starts(lk_html *h, const lk_scope *scope) {
  enum { MOST = 60 };
  const lk_run *run = scope->run;
  if (run->starts == 0) {
    lk_html_raw(h,
                "<p class=\"missing\">Hosts, memory and versions: starts.jsonl is not there; the run was made by an "
                "earlier version.</p>");
    return LK_OK;
  }
  lk_html_raw(h,
              "<div class=\"scroll\"><table><thead><tr><th scope=\"col\" class=\"text\">started</th><th "
              "scope=\"col\">from step</th>"
              "<th scope=\"col\">to step</th><th scope=\"col\">ranks</th><th scope=\"col\" class=\"text\">hosts</th>"
              "<th scope=\"col\">memory</th><th scope=\"col\" class=\"text\">version, commit</th><th scope=\"col\" "
              "class=\"text\">kernels</th>"
              "<th scope=\"col\" class=\"text\">end</th></tr></thead><tbody>");
  for (int i = run->starts > MOST ? run->starts - MOST : 0; i < run->starts; i++)
    draw_row(h, &run->start[i], i == run->starts - 1);
  lk_html_raw(h, "</tbody></table></div>");
  lk_html_raw(h,
              "<p class=\"quiet\">Memory: the most that the ranks of a start have used, added up; memory that ranks "
              "of a host share counts once for each.");
  if (run->starts > MOST) lk_html_put(h, " The last %d of %d starts.", MOST, run->starts);
  lk_html_raw(h, "</p>");
  return LK_OK;
}

const lk_section lk_section_time = {"Time of a step", false, always, draw};
const lk_section lk_section_starts = {"Starts, hosts and memory", false, always, draw_starts};
