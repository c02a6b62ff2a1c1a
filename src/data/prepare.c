#include "prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "clock.h"
#include "durable.h"
#include "log.h"
#include "prepare_columns_impl.h"
#include "prepare_vectors_impl.h"

#define LK_FORMAT_NAME(name)  #name,
#define LK_FORMAT_ENTRY(name) &lk_format_##name,
static const char *const format_names[] = {LK_FORMATS(LK_FORMAT_NAME)};
static const lk_format *const formats[] = {LK_FORMATS(LK_FORMAT_ENTRY)};
enum { FORMATS = sizeof formats / sizeof *formats };

void lk_prepare_init(lk_prepare *prepare) {
  *prepare = (lk_prepare){.unit = LK_WORD, .minimum = 1, .nfc = true, .max_length = 10000, .vectors_limit = 200000};
  prepare->column_word = prepare->column_tag = LK_COLUMN_DEFAULT;
  prepare->pairs.minimum = 1;
  prepare->forms = true;
}

static lk_status find_format(const char *kind, const lk_format **format) {
  for (size_t i = 0; i < FORMATS; i++) {
    if (strcmp(kind, format_names[i]) != 0) continue;
    *format = formats[i];
    return LK_OK;
  }
  const char *near = lk_nearest(kind, format_names, FORMATS);
  return LK_FAIL(LK_USAGE, "unknown kind '%s'%s%s: text, classify, label, pairs or frames", kind,
                 near ? ", did you mean " : "", near ? near : "");
}

lk_status lk_prepare_check_kind(const char *kind) {
  const lk_format *ignored;
  return find_format(kind, &ignored);
}

static lk_status check_figures(const lk_prepare *p) {
  for (int s = 0; s < LK_SPLITS; s++)
    if (!(p->fraction[s] >= 0 && p->fraction[s] < 1))
      return LK_FAIL(LK_USAGE, "%s fraction %g: from 0 to below 1", lk_split_names[s], p->fraction[s]);
  if (p->fraction[LK_VALID] + p->fraction[LK_TEST] >= 1)
    return LK_FAIL(LK_USAGE, "the fractions %g and %g leave nothing to train on", p->fraction[LK_VALID],
                   p->fraction[LK_TEST]);
  if (p->vocabulary < 0) return LK_FAIL(LK_USAGE, "a vocabulary of %td units: at least 1, or 0 for all", p->vocabulary);
  if (p->minimum < 1) return LK_FAIL(LK_USAGE, "a minimum count of %lld: at least 1", (long long)p->minimum);
  if (p->max_length < 1 || p->max_length > INT32_MAX - 2)
    return LK_FAIL(LK_USAGE, "a maximum length of %td units: from 1 to %d", p->max_length, INT32_MAX - 2);
  return LK_OK;
}

static lk_status check_no_pairs(const lk_prepare *p) {
  if (p->like) return LK_OK; /* the options were taken from an existing file, so they are consistent */
  if (p->unit == LK_PIECE || p->pairs.model[0] || p->pairs.model[1])
    return LK_FAIL(LK_USAGE, "SentencePiece is for pairs, not for %s", p->kind);
  if (p->pairs.target[LK_TRAIN]) return LK_FAIL(LK_USAGE, "a file of targets is for pairs, not for %s", p->kind);
  if (p->pairs.shared) return LK_FAIL(LK_USAGE, "a shared vocabulary is for pairs, not for %s", p->kind);
  return LK_OK;
}

static lk_status visit_count(lk_job *job, const lk_input_file *source, lk_split split, const lk_record *record) {
  return split == LK_TRAIN ? job->format->count(job, source, record) : LK_OK;
}

static lk_status visit_write(lk_job *job, const lk_input_file *source, lk_split split, const lk_record *record) {
  job->report.rows[split]++;
  return job->format->write(job, source, split, record);
}

static lk_status no_sequence(const lk_job *job, lk_split part) {
  return lk_input_file_fail(lk_job_first(job, part), 1, 1, "the file holds no sequence%s",
                            job->settings->no_labels > 0 ? " with a label" : "");
}

static lk_status finish(lk_job *job) {
  if (job->weight[LK_TRAIN] == 0 && lk_job_first(job, LK_TRAIN)) return no_sequence(job, LK_TRAIN);
  LK_TRY(lk_vocab_finish(job->vocab, job->settings->vocabulary, job->settings->minimum));
  if (job->respelt) LK_TRY(lk_job_tags_finish(job));
  LK_TRY(lk_vocab_finish(job->labels, 0, job->respelt ? 0 : 1));
  if (job->targets)
    LK_TRY(lk_vocab_finish(job->targets, job->settings->pairs.vocabulary, job->settings->pairs.minimum));
  if (job->settings->like) LK_TRY(lk_job_finish_like(job));
  LK_TRY(lk_job_columns_finish(job));
  if (job->info.frames == 0) job->info.source = *lk_vocab_strings(job->vocab);
  if (job->format->labels) job->info.label = *lk_vocab_strings(job->labels);
  if (job->info.kind == LK_CORPUS_PAIRS) job->info.target = *lk_vocab_strings(job->targets ? job->targets : job->vocab);
  if (job->format->labels && job->info.kind != LK_CORPUS_LABEL)
    LK_TRY(lk_alloc(&job->notes.borne, (size_t)job->info.label.count + 1, sizeof *job->notes.borne));
  job->report.vocabulary = job->info.source.count;
  job->report.target_vocabulary = job->info.target.count;
  job->report.labels = job->info.label.count;
  job->report.tags = job->info.tags;
  job->report.frames = job->info.frames;
  return LK_OK;
}

static lk_status check_parts(const lk_job *job) {
  for (int s = 0; s < LK_SPLITS; s++) {
    const lk_input_file *source = lk_job_first(job, (lk_split)s);
    const bool wanted = source || job->settings->fraction[s] > 0 || (s == LK_TRAIN && !job->settings->like);
    if (!wanted || job->report.rows[s] > 0) continue;
    if (source && s != LK_TRAIN) return no_sequence(job, (lk_split)s);
    return lk_input_file_fail(lk_job_first(job, LK_TRAIN), 1, 1, "the file holds too little to leave anything for %s",
                              lk_split_names[s]);
  }
  return LK_OK;
}

static lk_status write_all(lk_job *job) {
  lk_status status;
  lk_buffer sources = {0}, deal = {0};
  LK_GO(lk_job_describe_sources(job, &sources));
  LK_GO(lk_job_describe_deal(job, &deal));
  if (deal.size > 0) (void)snprintf(job->info.split, sizeof job->info.split, "%s", deal.data);
  LK_GO(lk_corpus_create(&job->writer, job->settings->output, &job->info, sources.data));
  for (int s = 0; s < LK_SPLITS; s++) LK_GO(lk_job_walk(job, (lk_split)s, visit_write));
  LK_GO(lk_job_flush(job));
  LK_GO(check_parts(job));
  if (job->notes.never) LK_GO(lk_corpus_name_unseen(job->writer, lk_vocab_strings(job->notes.never)));
  if (job->lookup.forms) LK_GO(lk_corpus_name_forms(job->writer, lk_vocab_strings(job->lookup.forms)));
  LK_GO(lk_corpus_commit(job->writer));
done:
  lk_buffer_release(&sources);
  lk_buffer_release(&deal);
  return status;
}

/* Compute the share of <pad> from the written file. */
static lk_status measure_padding(lk_job *job) {
  lk_corpus *corpus = NULL;
  double stored = 0;
  if (job->info.stream) return LK_OK;
  LK_TRY(lk_corpus_open(&corpus, job->settings->output, false));
  const lk_corpus_info *info = lk_corpus_about(corpus);
  for (int s = 0; s < LK_SPLITS; s++)
    for (int k = 0; k < info->buckets[s]; k++)
      stored +=
          (double)info->bucket[s][k].rows *
          (double)(info->bucket[s][k].width + (info->kind == LK_CORPUS_PAIRS ? info->bucket[s][k].target_width : 0));
  job->report.padding = stored > 0 ? 1.0 - (double)job->positions / stored : 0.0;
  lk_corpus_close(&corpus);
  return LK_OK;
}

static lk_status run(lk_job *job) {
  LK_TRY(lk_job_load(job));
  if (job->format->begin) LK_TRY(job->format->begin(job));
  LK_TRY(lk_job_columns_begin(job));
  LK_TRY(lk_job_vectors_begin(job));
  LK_TRY(lk_vocab_create(&job->vocab, true));
  LK_TRY(lk_vocab_create(&job->labels, false));
  LK_TRY(lk_job_deal(job));
  LK_TRY(lk_job_walk(job, LK_TRAIN, visit_count));
  LK_TRY(finish(job));
  LK_TRY(lk_job_vectors_take(job));
  LK_TRY(write_all(job));
  LK_TRY(measure_padding(job));
  lk_notes_tell(job);
  return LK_OK;
}

static void release(lk_job *job) {
  lk_corpus_discard(&job->writer);
  lk_vocab_destroy(&job->vocab);
  lk_vocab_destroy(&job->labels);
  lk_vocab_destroy(&job->targets);
  lk_vocab_destroy(&job->characters);
  lk_word_lookup_release(&job->lookup);
  if (job->pieces[1] != job->pieces[0]) lk_pieces_destroy(&job->pieces[1]);
  lk_pieces_destroy(&job->pieces[0]);
  for (int c = 0; c < job->info.columns; c++) {
    if (!lk_column_borrows(&job->info.column[c])) lk_strings_release(&job->info.column[c].values);
    free(job->column[c]);
  }
  lk_buffer_release(&job->info.source_model); /* the other members of info are borrowed */
  lk_buffer_release(&job->info.target_model);
  lk_job_vectors_release(job);
  lk_job_tags_release(job);
  lk_job_release_sources(job);
  lk_notes_release(&job->notes);
  lk_buffer_release(&job->group);
  lk_buffer_release(&job->line);
  lk_buffer_release(&job->folded);
  lk_buffer_release(&job->other);
  lk_buffer_release(&job->references);
  lk_buffer_release(&job->raw);
  free(job->spans);
  free(job->ids);
  free(job->tags);
  free(job->frames);
  free(job->dealt);
}

lk_status lk_prepare_run(const lk_prepare *prepare, lk_prepare_report *report) {
  const double start = lk_clock_seconds();
  const lk_format *format = NULL;
  LK_TRY(find_format(prepare->kind, &format));
  LK_TRY(lk_prepare_check_files(prepare));
  LK_TRY(check_figures(prepare));
  LK_TRY(lk_prepare_check_deal(prepare, format->kind));
  if (format->kind != LK_CORPUS_PAIRS) LK_TRY(check_no_pairs(prepare));
  LK_TRY(lk_prepare_check_columns(prepare, format->kind));
  LK_TRY(lk_prepare_check_vectors(prepare, format->kind));
  LK_TRY(format->check(prepare));
  lk_job *job = NULL;
  LK_TRY(lk_alloc(&job, 1, sizeof *job));
  /* A file is written by renaming another one over it: if the output is a link, replace the file it points to. */
  char *output = realpath(prepare->output, NULL);
  lk_prepare settings = *prepare;
  if (output) settings.output = output;
  lk_prepare_add_forms(&settings, format->kind);
  job->settings = &settings;
  job->format = format;
  job->info.kind = format->kind;
  job->info.stream = prepare->stream;
  if (prepare->conllu && prepare->column_word != LK_COLUMN_DEFAULT) job->info.conllu_word = 1000 + prepare->column_word;
  if (prepare->conllu && prepare->column_tag != LK_COLUMN_DEFAULT) job->info.conllu_tag = 1000 + prepare->column_tag;
  job->info.lower = prepare->lower;
  job->info.nfc = prepare->nfc;
  job->info.digits = prepare->digits;
  if (prepare->like) job->info.frames = prepare->like->info->frames;
  const char *unit = format->kind == LK_CORPUS_FRAMES ? "frame" : lk_unit_names[prepare->unit];
  memcpy(job->info.unit, unit, strlen(unit) + 1);
  lk_status status = run(job);
  job->report.seconds = lk_clock_seconds() - start;
  if (status == LK_OK && report) *report = job->report;
  release(job);
  free(job);
  free(output);
  return status;
}
