/* prepare_notes.c - looks up label ids, and collects findings that are reported as warnings, one line per kind, at
 * the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "prepare_impl.h"

/* Append "'label' at file:line:column". */
static lk_status note(lk_buffer *out, const lk_input_file *source, ptrdiff_t line, ptrdiff_t column, const char *text,
                      size_t size) {
  char quoted[256];
  (void)lk_quote(quoted, text, size);
  if (source->h5) return lk_buffer_printf(out, "%s at row %td of %s", quoted, line, source->name);
  return lk_buffer_printf(out, "%s at %s:%td:%td", quoted, source->name, line, column);
}

/* Note the first label that is not a span tag although most are: because of it no span metrics can be computed. */
static lk_status note_misfit(lk_job *job, const lk_input_file *source, ptrdiff_t line, ptrdiff_t column,
                             int32_t label) {
  lk_notes *notes = &job->notes;
  if (job->info.kind != LK_CORPUS_LABEL || notes->misfit.size > 0) return LK_OK;
  const lk_strings *labels = lk_vocab_strings(job->labels);
  if (notes->tags.count == 0) LK_TRY(lk_tagset_create(&notes->tags, labels, NULL));
  if (!lk_tagset_spoilt(&notes->tags) || notes->tags.tag[label].prefix != '\0') return LK_OK;
  return note(&notes->misfit, source, line, column, lk_strings_get(labels, label), lk_strings_size(labels, label));
}

/* Assign an id to a label that does not occur in training. */
static lk_status number_unseen(lk_job *job, const char *text, size_t size, int32_t *id) {
  lk_notes *notes = &job->notes;
  if (!notes->never) LK_TRY(lk_vocab_create(&notes->never, false));
  LK_TRY(lk_vocab_count(notes->never, text, size));
  LK_TRY(lk_job_tags_name(job, notes->never, text, size));
  *id =
      /* this vocabulary is never sorted: ids follow the order of first occurrence */
      LK_UNSEEN_LABEL - lk_vocab_find(notes->never, text, size, 0);
  return LK_OK;
}

lk_status lk_job_find_label(lk_job *job, const lk_input_file *source, lk_split split, ptrdiff_t line, ptrdiff_t column,
                            const char *text, size_t size, int32_t *id) {
  lk_notes *notes = &job->notes;
  char quoted[256];
  *id = lk_vocab_find(job->labels, text, size, LK_UNSEEN_LABEL);
  if (*id >= 0) {
    LK_TRY(note_misfit(job, source, line, column, *id));
    const bool begins = split == LK_TRAIN && notes->known[split]++ == 0;
    if (split != LK_TRAIN) notes->known[split]++;
    if (split != LK_TRAIN || lk_vocab_strings(job->labels)->number[*id] > 1 || notes->single.size > 0) return LK_OK;
    notes->single_begins = begins;
    return note(&notes->single, source, line, column, text, size);
  }
  if (split == LK_TRAIN) /* only possible with --like */
    return lk_input_file_fail(source, line, column,
                              "label %s, which %s never had, so that nothing can be trained on it: leave such rows out "
                              "(--no-label), or give the file as --valid or --test, where it counts as wrong",
                              lk_quote(quoted, text, size),
                              job->settings->like ? job->settings->like->path : "training");
  if (job->settings->unseen == LK_UNSEEN_ERROR)
    return lk_input_file_fail(source, line, column, "label %s, which does not occur in the training part",
                              lk_quote(quoted, text, size));
  LK_TRY(number_unseen(job, text, size, id));
  if (job->report.unseen[split]++ == 0) {
    LK_TRY(lk_vocab_create(&notes->unseen[split], false));
    LK_TRY(note(&notes->unseen_at[split], source, line, column, text, size));
  }
  return lk_vocab_count(notes->unseen[split], text, size);
}

static void tell_unseen(const lk_job *job) {
  const lk_notes *notes = &job->notes;
  lk_buffer parts = {0};
  for (int s = 0; s < LK_SPLITS; s++) {
    const ptrdiff_t unseen = job->report.unseen[s];
    if (unseen == 0) continue;
    const ptrdiff_t kinds = lk_vocab_size(notes->unseen[s]);
    if (lk_buffer_printf(&parts, "%s %td of %td in %s (%td different, the first %s)", parts.size > 0 ? "," : "", unseen,
                         unseen + notes->known[s], lk_split_names[s], kinds, notes->unseen_at[s].data) != LK_OK)
      lk_error_clear(); /* out of memory: no warning */
  }
  if (parts.size > 0)
    LK_WARN("labels that do not occur in training count as wrong (--unseen-labels error refuses them):%s", parts.data);
  for (int s = 0; s < LK_SPLITS; s++)
    if (job->report.unseen[s] > 0 && notes->known[s] == 0)
      LK_WARN("%s: none of its labels occurs in training, so no answer there can be right", lk_split_names[s]);
  lk_buffer_release(&parts);
}

static void tell_singles(const lk_job *job) {
  const lk_strings *labels = lk_vocab_strings(job->labels);
  ptrdiff_t singles = 0;
  for (ptrdiff_t i = 0; i < labels->count; i++) singles += labels->number[i] == 1;
  if (singles == 0) return;
  char all[64] = "";
  if (singles > 1) snprintf(all, sizeof all, " (as do %td of %td labels)", singles, labels->count);
  if (job->notes.single_begins && 2 * singles <= labels->count)
    LK_WARN("label %s, the first of the training part, occurs only once%s: is that line a header?",
            job->notes.single.data, all);
  else
    LK_WARN("%td of %td labels %s only once in the training part; the first is %s", singles, labels->count,
            singles == 1 ? "occurs" : "occur", job->notes.single.data);
}

/* List up to three classes that occur in training but not in this part, for one warning per part. */
static lk_status list_lacking(const lk_job *job, lk_split part, lk_buffer *list, ptrdiff_t *count, ptrdiff_t *all) {
  const lk_strings *labels = lk_vocab_strings(job->labels);
  const uint8_t *borne = job->notes.borne;
  char quoted[256];
  *count = *all = 0;
  for (ptrdiff_t i = 0; i < labels->count; i++) {
    if (!(borne[i] & 1 << LK_TRAIN)) continue;
    ++*all;
    if (borne[i] & 1 << part || ++*count > 3) continue;
    LK_TRY(lk_buffer_printf(list, "%s %s (%lld in train)", *count > 1 ? "," : "",
                            lk_quote(quoted, lk_strings_get(labels, i), lk_strings_size(labels, i)),
                            (long long)labels->number[i]));
  }
  return LK_OK;
}

static void tell_lacking(const lk_job *job) {
  for (int s = LK_VALID; s < LK_SPLITS; s++) {
    lk_buffer list = {0};
    ptrdiff_t count, all;
    if (job->notes.known[s] == 0) continue; /* no rows, or already reported */
    if (list_lacking(job, (lk_split)s, &list, &count, &all) != LK_OK)
      lk_error_clear(); /* out of memory: no warning */
    else if (count > 0)
      LK_WARN("%s has no row of %td of the %td classes of train:%s%s", lk_split_names[s], count, all, list.data,
              count > 3 ? " ..." : "");
    lk_buffer_release(&list);
  }
}

static void tell_misfit(const lk_job *job) {
  const lk_tagset *tags = &job->notes.tags;
  if (job->notes.misfit.size > 0)
    LK_WARN(
        "%td of %td labels are span tags (B-TYPE, I-TYPE, O and the like), but not %s: there will be no figures of "
        "spans",
        tags->fits, tags->count, job->notes.misfit.data);
}

/* If no unit of the training part is <unk>, its embedding keeps its initial values, and the model's output for
 * unknown units is arbitrary. Warn if the other parts contain <unk>; without other parts, warn if units that occur
 * once make up at least 1 % of the text (Good-Turing: about this fraction of new text will be unknown). */
static void tell_unknown(const lk_job *job, const lk_strings *units, const ptrdiff_t unknown[LK_SPLITS],
                         const char *whose, const char *option) {
  const lk_prepare_report *r = &job->report;
  const bool alone = r->units[LK_VALID] + r->units[LK_TEST] == 0;
  int64_t all = 0, singles = 0, rarest = INT64_MAX;
  if (units->count <= LK_SPECIALS || units->number[LK_UNK] > 0) return;
  for (ptrdiff_t i = LK_SPECIALS; i < units->count; i++) {
    all += units->number[i];
    singles += units->number[i] == 1;
    if (units->number[i] < rarest) rarest = units->number[i];
  }
  if (unknown[LK_VALID] + unknown[LK_TEST] == 0 && (!alone || singles * 100 < all)) return;
  char others[96] = "";
  if (!alone) snprintf(others, sizeof others, " (valid and test have %td)", unknown[LK_VALID] + unknown[LK_TEST]);
  LK_WARN(
      "training has no <unk>%s, so a model learns nothing about unknown units%s: --%s %lld makes the rarest ones <unk>",
      whose, others, option, (long long)rarest + 1);
}

void lk_notes_tell(const lk_job *job) {
  if (job->format->labels) {
    tell_misfit(job);
    tell_unseen(job);
    if (!job->settings->like) tell_singles(job);
    if (job->notes.borne) tell_lacking(job);
  }
  /* the counts are those of the old data then */
  if (job->info.kind == LK_CORPUS_FRAMES || job->settings->like) return;
  const bool sides = job->targets != NULL;
  tell_unknown(job, lk_vocab_strings(job->vocab), job->report.unknown, sides ? " among the sources" : "", "min-count");
  if (sides)
    tell_unknown(job, lk_vocab_strings(job->targets), job->report.target_unknown, " among the targets",
                 "target-min-count");
}

void lk_notes_release(lk_notes *notes) {
  lk_vocab_destroy(&notes->never);
  for (int s = 0; s < LK_SPLITS; s++) {
    lk_vocab_destroy(&notes->unseen[s]);
    lk_buffer_release(&notes->unseen_at[s]);
  }
  lk_buffer_release(&notes->single);
  lk_buffer_release(&notes->misfit);
  lk_tagset_release(&notes->tags);
  free(notes->borne);
}
