/* section_sample.c - text that a language model writes. */
#include <string.h>

#include "clock.h"
#include "decode.h"
#include "section_impl.h"

enum { CHARACTERS = 600, WORDS = 120, LINES = 8 };

typedef struct written {
  lk_buffer text;
  double until;
  bool cut; /* the time was over */
} written;

static lk_status put(void *context, const char *text, size_t size) {
  written *w = context;
  if (lk_clock_seconds() > w->until) return w->cut = true, LK_STOPPED;
  return lk_buffer_append(&w->text, text, size);
}

static bool is_language_model(const lk_scope *scope) { return lk_run_is(scope->run, "lm"); }

static lk_status draw(lk_html *h, const lk_scope *scope) {
  lk_run *run = scope->run;
  if (!run->has_model) return lk_section_missing(h, "Sample", &run->why_model), LK_OK;
  written w = {.until = lk_clock_seconds() + scope->seconds};
  const bool stream = run->model.corpus->stream;
  const lk_generate how = {.prompt = "",
                           .temperature = 0.8,
                           .top_p = 1,
                           .length = lk_model_unit(&run->model) == LK_CHAR ? CHARACTERS : WORDS,
                           .seed = 1,
                           .count = stream ? 1 : LINES};
  lk_status status = lk_generate_text(&run->model, &how, put, &w);
  if (w.cut) lk_error_clear(), status = LK_OK;
  if (status == LK_OK)
    lk_html_put(h, "<p class=\"quiet\">Temperature 0.8, seed 1%s.</p><pre class=\"sample\" dir=\"auto\">%s</pre>",
                w.cut ? ", cut off where the time for it was over (--seconds)" : "", w.text.data ? w.text.data : "");
  lk_buffer_release(&w.text);
  return status;
}

const lk_section lk_section_sample = {"Sample", false, is_language_model, draw};
