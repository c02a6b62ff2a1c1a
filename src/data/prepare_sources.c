/* prepare_sources.c - loads the input files and iterates over their records. */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "durable.h"
#include "log.h"
#include "work.h"
#include "prepare_impl.h"

static void warn_of_marks(lk_job *job, const lk_text_file *text) {
  const lk_text_marks *out = &text->left_out, *inner = &text->inner;
  job->report.marks += out->count;
  if (out->count > 0)
    LK_WARN(
        "%s:%td:1: a byte order mark that is not at the beginning of the file (%td in all): files that were joined? "
        "The marks are left out",
        text->name, out->line, out->count);
  if (inner->count > 0)
    LK_WARN(
        "%s:%td:%td: a byte order mark between two letters (%td in all): files that were joined without an end of line "
        "between them? It stays, as U+FEFF is also a character",
        text->name, inner->line, inner->column, inner->count);
}

static lk_status load_text(lk_job *job, lk_input_file *source, const char *path) {
  const lk_prepare *p = job->settings;
  source->loaded = true;
  LK_TRY(lk_text_file_load(&source->text, path, &job->spool));
  const bool words = p->unit == LK_WORD || (job->info.kind == LK_CORPUS_PAIRS && p->pairs.unit == LK_WORD);
  if (words && job->info.kind != LK_CORPUS_FRAMES) LK_TRY(lk_text_file_check_words(&source->text));
  source->name = source->text.name;
  source->bytes = source->text.size;
  memcpy(source->digest, source->text.digest, sizeof source->digest);
  warn_of_marks(job, &source->text);
  return LK_OK;
}

static lk_status load_source(lk_job *job, lk_input_file *source, const char *path, const char *targets) {
  if (job->info.kind == LK_CORPUS_FRAMES && lk_frames_h5_suits(path)) {
    if (job->settings->group.by)
      return LK_FAIL(LK_USAGE, "--group: %s is HDF5, where nothing names the subject of a row: give frames as text",
                     path);
    source->loaded = true;
    LK_TRY(lk_frames_h5_open(&source->h5, path, source->digest));
    source->name = lk_frames_h5_name(source->h5);
    source->bytes = lk_frames_h5_bytes(source->h5);
    return LK_OK;
  }
  LK_TRY(load_text(job, source, path));
  if (!targets) return LK_OK;
  LK_TRY(lk_alloc(&source->targets, 1, sizeof *source->targets));
  return load_text(job, source->targets, targets);
}

/* Two identical files: validation data would also be trained on, or data would count twice. */
static void warn_of_twins(const lk_job *job) {
  for (int i = 0; i < job->sources; i++)
    for (int k = 0; k < i; k++) {
      const lk_input_file *a = &job->source[k], *b = &job->source[i];
      if (strcmp(a->digest, b->digest) != 0) continue;
      if (a->targets && strcmp(a->targets->digest, b->targets->digest) != 0) continue;
      LK_WARN("%s (%s) and %s (%s) are the same, byte for byte", a->name, lk_split_names[a->part], b->name,
              lk_split_names[b->part]);
      return;
    }
}

lk_status lk_job_load(lk_job *job) {
  const lk_prepare *p = job->settings;
  int count = 0;
  for (int s = 0; s < LK_SPLITS; s++) count += lk_prepare_inputs(p, (lk_split)s);
  job->spool = (lk_spool){.fd = -1, .beside = p->output};
  lk_work_next("reading", NULL, 0);
  LK_TRY(lk_alloc(&job->source, (size_t)count, sizeof *job->source));
  for (int s = 0; s < LK_SPLITS; s++)
    for (int i = 0; i < lk_prepare_inputs(p, (lk_split)s); i++) {
      lk_input_file *source = &job->source[job->sources++];
      source->part = (lk_split)s;
      lk_work_at(0);
      source->goes_on = i + 1 < lk_prepare_inputs(p, (lk_split)s);
      LK_TRY(load_source(job, source, lk_prepare_input(p, (lk_split)s, i), lk_prepare_target(p, (lk_split)s, i)));
      job->report.bytes_read += source->bytes + (source->targets ? source->targets->bytes : 0);
    }
  warn_of_twins(job);
  return LK_OK;
}

const lk_input_file *lk_job_first(const lk_job *job, lk_split part) {
  for (int i = 0; i < job->sources; i++)
    if (job->source[i].part == part) return &job->source[i];
  return NULL;
}

/* The part of a record of a training file once that has been decided; before, LK_TRAIN. */
static lk_split part_of(const lk_job *job, const lk_input_file *source, const lk_record *record) {
  const ptrdiff_t position = source->begin + source->position;
  if (job->dealt) return (lk_split)job->dealt[record->index];
  return position >= job->cut[1] ? LK_TEST : position >= job->cut[0] ? LK_VALID : LK_TRAIN;
}

/* Visit the records of one source; *index is the number of its first record within the part. */
static lk_status walk_source(lk_job *job, lk_input_file *source, ptrdiff_t *index, lk_visit *visit) {
  if (!source->h5) lk_reader_start(&source->reader, &source->text);
  lk_columns_restart(&source->columns);
  if (source->targets) lk_reader_start(&source->targets->reader, &source->targets->text);
  source->position = 0;
  LK_TRY(lk_job_group_start(job, source));
  for (bool more = true;; ++*index) {
    lk_record record = {.weight = 1, .index = *index};
    job->folded.size = 0;
    LK_TRY(job->format->next(job, source, &record, &more));
    if (!more) return LK_OK;
    lk_work_at(job->walked + (double)source->reader.at);
    const lk_split part = source->part == LK_TRAIN ? part_of(job, source, &record) : source->part;
    LK_TRY(visit(job, source, part, &record));
    source->position += record.weight;
  }
}

static const char *const writing[LK_SPLITS] = {"writing /train", "writing /valid", "writing /test"};

static void say_walk(const lk_job *job, lk_split part) {
  double all = 0;
  for (int i = 0; i < job->sources; i++)
    if (job->source[i].part == part) all += (double)job->source[i].text.size;
  lk_work_next(job->writer ? writing[part] : "counting units", NULL, all);
}

lk_status lk_job_walk(lk_job *job, lk_split part, lk_visit *visit) {
  ptrdiff_t begin = 0, index = 0;
  say_walk(job, part);
  job->walked = 0;
  for (int i = 0; i < job->sources; i++) {
    lk_input_file *source = &job->source[i];
    if (source->part != part) continue;
    source->begin = begin;
    LK_TRY(walk_source(job, source, &index, visit));
    job->walked += (double)source->text.size;
    begin += source->position;
  }
  job->weight[part] = begin;
  return LK_OK;
}

/* Append name and digest of an input. Folders are left out, so that the same files give the same corpus anywhere. */
static lk_status describe(lk_buffer *out, const char *what, const char *path, const char *digest) {
  const char *slash = strrchr(path, '/');
  return lk_buffer_printf(out, "%s%s %s %s", out->size > 0 ? "\n" : "", what, slash ? slash + 1 : path, digest);
}

lk_status lk_job_describe_sources(const lk_job *job, lk_buffer *out) {
  for (int i = 0; i < job->sources; i++) {
    const lk_input_file *source = &job->source[i], *targets = source->targets;
    LK_TRY(describe(out, lk_split_names[source->part], source->name, source->digest));
    if (targets) LK_TRY(describe(out, lk_split_names[source->part], targets->name, targets->digest));
  }
  const lk_prepare_like *like = job->settings->like;
  if (like) LK_TRY(describe(out, "like", like->path, like->digest));
  for (int i = 0; i < 2; i++)
    if (job->settings->pairs.model[i])
      LK_TRY(describe(out, "model", job->settings->pairs.model[i], job->model_digest[i]));
  return LK_OK;
}

static void release_text(lk_input_file *source) {
  lk_reader_release(&source->reader);
  lk_text_file_release(&source->text);
}

void lk_job_release_sources(lk_job *job) {
  for (int i = 0; i < job->sources; i++) {
    lk_input_file *source = &job->source[i];
    release_text(source);
    lk_frames_h5_close(&source->h5);
    lk_columns_release(&source->columns);
    if (source->targets) release_text(source->targets);
    free(source->targets);
  }
  free(job->source);
  if (job->spool.beside) lk_spool_close(&job->spool);
}
