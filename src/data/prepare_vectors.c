/* prepare_vectors.c - word vectors: those of the training part's words, and with --vectors-all of others.
 *
 * Labelled and classified words are looked up as they are written, before folding, also those that the vocabulary maps
 * to <unk>; each has its row in the column `vectors`. Words of texts and pairs are looked up by the vocabulary. */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "prepare_vectors_impl.h"
#include "word_vectors.h"

/* The strings of the first rows, which no running word equals since words have no blanks at their ends. */
static const char *const first_rows[LK_VECTOR_FIRST] = {" no word", " no vector"};

typedef struct lk_job_vectors {
  bool own;                   /* false: they are those of --like */
  lk_vocab *wanted, *lowered; /* words of the training part, and in lower case */
  lk_vocab *kept;             /* in the order of their rows */
  float *values;              /* [kept, width] */
  size_t capacity;
  ptrdiff_t width;
  int32_t *row_of; /* [vocabulary of the sources], or NULL */
} lk_job_vectors;

static bool has_column(lk_corpus_kind kind) { return kind == LK_CORPUS_LABEL || kind == LK_CORPUS_CLASSIFY; }

lk_status lk_prepare_check_vectors(const lk_prepare *settings, lk_corpus_kind kind) {
  if (!settings->vectors)
    return settings->vectors_all ? LK_FAIL(LK_USAGE, "--vectors-all: say --vectors FILE too") : LK_OK;
  if (settings->like) return LK_FAIL(LK_USAGE, "--vectors: the vectors are those of --like %s", settings->like->path);
  if (kind == LK_CORPUS_FRAMES || settings->unit != LK_WORD)
    return LK_FAIL(LK_USAGE, "--vectors are of words: they are for text, classify, label and pairs with --unit word");
  if (settings->features == LK_MOST_FURTHER)
    return LK_FAIL(LK_USAGE, "--vectors are one more column: at most %d --feature", LK_MOST_FURTHER - 1);
  return LK_OK;
}

lk_status lk_job_vectors_begin(lk_job *job) {
  const lk_prepare *p = job->settings;
  if (!p->vectors && !(p->like && p->like->info->vectors.rows > 0)) return LK_OK;
  lk_job_vectors *v;
  LK_TRY(lk_alloc(&v, 1, sizeof *v));
  job->vectors = v;
  v->own = p->vectors != NULL;
  LK_TRY(lk_vocab_create(&v->wanted, false));
  if (!v->own) return lk_vocab_from(&v->kept, &p->like->info->vector_words, false);
  LK_TRY(lk_vocab_create(&v->lowered, false));
  LK_TRY(lk_vocab_create(&v->kept, false));
  for (int i = 0; i < LK_VECTOR_FIRST; i++) LK_TRY(lk_vocab_count(v->kept, first_rows[i], strlen(first_rows[i])));
  if (has_column(job->info.kind))
    job->info.column[job->info.columns++] = (lk_corpus_column){.name = LK_VECTORS_COLUMN, .width = 1};
  return LK_OK;
}

void lk_job_vectors_release(lk_job *job) {
  lk_job_vectors *v = job->vectors;
  if (v == NULL) return;
  lk_vocab_destroy(&v->wanted);
  lk_vocab_destroy(&v->lowered);
  lk_vocab_destroy(&v->kept);
  free(v->values);
  free(v->row_of);
  free(v);
  job->vectors = NULL;
}

lk_status lk_job_vectors_count(lk_job *job, const char *word, size_t size) {
  if (!job->vectors || !has_column(job->info.kind)) return LK_OK;
  LK_TRY(lk_word_lookup_fold(&job->lookup, word, size));
  return lk_vocab_count(job->vectors->wanted, job->lookup.folded.data, job->lookup.folded.size);
}

/* ---- the file ---- */

static lk_status begin(void *context, ptrdiff_t width) {
  lk_job_vectors *v = ((lk_job *)context)->vectors;
  const size_t first = (size_t)(LK_VECTOR_FIRST * width);
  v->width = width;
  LK_TRY(lk_grow(&v->values, &v->capacity, first, sizeof *v->values));
  memset(v->values, 0, first * sizeof *v->values);
  return LK_OK;
}

static bool wants(void *context, const char *word, size_t size) {
  lk_job *job = context;
  const lk_job_vectors *v = job->vectors;
  lk_prepare_vectors_report *report = &job->report.vectors;
  if (lk_vocab_find(v->kept, word, size, -1) >= 0) return report->repeated++, false;
  if (lk_vocab_find(v->wanted, word, size, -1) >= 0 || lk_vocab_find(v->lowered, word, size, -1) >= 0) return true;
  if (!job->settings->vectors_all) return false;
  if (report->unseen >= job->settings->vectors_limit) return report->over++, false;
  return report->unseen++, true;
}

static lk_status take(void *context, const char *word, size_t size, const float *values) {
  lk_job_vectors *v = ((lk_job *)context)->vectors;
  const size_t row = (size_t)lk_vocab_size(v->kept), width = (size_t)v->width;
  LK_TRY(lk_vocab_count(v->kept, word, size));
  LK_TRY(lk_grow(&v->values, &v->capacity, (row + 1) * width, sizeof *v->values));
  memcpy(v->values + row * width, values, width * sizeof *values);
  return LK_OK;
}

/* The words in lower case, and of texts and pairs those of the vocabulary. */
static lk_status finish_wanted(lk_job *job) {
  lk_job_vectors *v = job->vectors;
  lk_buffer *folded = &job->lookup.other;
  if (!has_column(job->info.kind)) {
    lk_vocab_destroy(&v->wanted);
    LK_TRY(lk_vocab_from(&v->wanted, &job->info.source, true));
  }
  const lk_strings *words = lk_vocab_strings(v->wanted);
  for (ptrdiff_t i = 0; v->lowered && i < words->count; i++) {
    lk_buffer_truncate(folded, 0);
    LK_TRY(lk_utf8_fold(folded, lk_strings_get(words, i), lk_strings_size(words, i),
                        (lk_folding){.nfc = job->info.nfc, .lower = true}));
    LK_TRY(lk_vocab_count(v->lowered, folded->data, folded->size));
  }
  return LK_OK;
}

static lk_status read_file(lk_job *job) {
  const lk_vector_sink sink = {.context = job, .begin = begin, .wants = wants, .take = take};
  lk_vector_file about;
  LK_TRY(lk_vectors_load(job->settings->vectors, &sink, &about));
  job->report.vectors.rows = about.rows;
  job->report.vectors.unusable = about.unusable;
  if (lk_vocab_size(job->vectors->kept) > LK_VECTOR_FIRST) return LK_OK;
  return LK_FAIL(LK_DATA, "%s: none of its %lld words occurs in the training part", job->settings->vectors,
                 (long long)about.rows);
}

/* ---- what the corpus says of them ---- */

/* The row of each unit of the vocabulary. */
static lk_status number_sources(lk_job *job) {
  const lk_strings *units = &job->info.source;
  lk_vector_found how;
  LK_TRY(lk_alloc(&job->vectors->row_of, (size_t)units->count + 1, sizeof *job->vectors->row_of));
  for (ptrdiff_t i = 0; i < units->count; i++) {
    int32_t *row = &job->vectors->row_of[i];
    *row = i == LK_UNK ? LK_VECTOR_MISSING : LK_VECTOR_NONE;
    if (i >= LK_SPECIALS)
      LK_TRY(lk_vector_find(&job->lookup, lk_strings_get(units, i), lk_strings_size(units, i), row, &how));
  }
  return LK_OK;
}

/* Which words of the training part have a vector. */
static lk_status measure_coverage(lk_job *job) {
  lk_prepare_vectors_report *report = &job->report.vectors;
  const lk_strings *words = lk_vocab_strings(job->vectors->wanted);
  const ptrdiff_t first = has_column(job->info.kind) ? 0 : LK_SPECIALS;
  for (ptrdiff_t i = first; i < words->count; i++) {
    lk_vector_found how;
    int32_t row;
    LK_TRY(lk_vector_find(&job->lookup, lk_strings_get(words, i), lk_strings_size(words, i), &row, &how));
    report->types[how]++;
    report->words[how] += words->number[i];
  }
  return LK_OK;
}

static void describe(lk_job *job) {
  const lk_job_vectors *v = job->vectors;
  lk_corpus_info *info = &job->info;
  info->vector_words = *lk_vocab_strings(v->kept);
  info->vectors =
      (lk_vectors){.rows = lk_vocab_size(v->kept), .width = v->width, .values = v->values, .row_of = v->row_of};
  if (!v->own) {
    info->vectors = job->settings->like->info->vectors;
    if (v->row_of) info->vectors.row_of = v->row_of;
  }
  for (int c = 0; c < info->columns; c++)
    if (lk_column_borrows(&info->column[c])) info->column[c].values = info->vector_words;
  job->report.vectors.width = info->vectors.width;
  job->report.vectors.kept = info->vectors.rows - LK_VECTOR_FIRST;
}

lk_status lk_job_vectors_take(lk_job *job) {
  if (!job->vectors) return LK_OK;
  LK_TRY(finish_wanted(job));
  if (job->vectors->own) LK_TRY(read_file(job));
  job->lookup.vectors = job->vectors->kept;
  if (!has_column(job->info.kind)) LK_TRY(number_sources(job));
  LK_TRY(measure_coverage(job));
  describe(job);
  return LK_OK;
}
