#include "lockstep/corpus.h"

#include <stdlib.h>
#include <string.h>

#include "api_impl.h"
#include "arena.h"
#include "prepare.h"
#include "tokenizer.h"

struct lockstep_corpus {
  lk_corpus *corpus;
  const lk_corpus_info *info;
};

/* *out: the index of `text` among names[count], or as it was where text is NULL. */
static lk_status choose(const char *option, const char *text, const char *const *names, int count, int *out) {
  for (int i = 0; text && i < count; i++)
    if (strcmp(text, names[i]) == 0) return *out = i, LK_OK;
  return text ? LK_FAIL(LK_USAGE, "%s: unknown choice '%.64s'", option, text) : LK_OK;
}

static lk_status choose_unit(const char *option, const char *text, lk_unit *unit) {
  int index = (int)*unit;
  LK_TRY(choose(option, text, lk_unit_names, LK_UNITS, &index));
  *unit = (lk_unit)index;
  return LK_OK;
}

static lk_status read_units(const lockstep_corpus_options *o, lk_prepare *p) {
  LK_TRY(choose_unit("unit", o->unit, &p->unit));
  if (o->sentencepiece && !o->unit) p->unit = LK_PIECE;
  p->pairs.unit = p->unit;
  LK_TRY(choose_unit("target_unit", o->target_unit, &p->pairs.unit));
  p->pairs.model[LK_SOURCE] = o->sentencepiece;
  p->pairs.shared = o->shared_vocabulary != 0;
  p->stream = o->stream != 0;
  p->lower = o->lower != 0;
  p->vocabulary = p->pairs.vocabulary = (ptrdiff_t)o->vocabulary;
  if (o->min_count > 0) p->minimum = p->pairs.minimum = o->min_count;
  return LK_OK;
}

static lk_status read_rows(const lockstep_corpus_options *o, lk_prepare *p) {
  static const char *const long_names[] = {"error", "skip", "cut"};
  int too_long = (int)p->too_long;
  LK_TRY(choose("too_long", o->too_long, long_names, 3, &too_long));
  p->too_long = (lk_too_long)too_long;
  if (o->max_length > 0) p->max_length = (ptrdiff_t)o->max_length;
  if (o->skip_empty) p->empty = LK_EMPTY_SKIP;
  p->separator = o->separator;
  p->conllu = o->conllu != 0;
  if (o->has_columns) p->column_word = o->word_column, p->column_tag = o->tag_column;
  return LK_OK;
}

static lk_status check(const lockstep_corpus_options *o) {
  if (!(o->valid_fraction >= 0 && o->valid_fraction <= 0.999 && o->test_fraction >= 0 && o->test_fraction <= 0.999))
    return LK_FAIL(LK_USAGE, "valid_fraction, test_fraction: expected numbers from 0 to 0.999");
  if (o->vocabulary < 0 || o->vocabulary > INT32_MAX - LK_SPECIALS || o->min_count < 0 || o->min_count > INT32_MAX ||
      o->max_length < 0 || o->max_length > INT32_MAX - 2)
    return LK_FAIL(LK_USAGE, "vocabulary, min_count, max_length: expected whole numbers from 0 to 2147483643");
  return LK_OK;
}

static lk_status prepare(lk_prepare *p, const lockstep_corpus_options *o) {
  lk_prepare_like like = {0};
  lk_status status;
  LK_TRY(lk_prepare_check_kind(p->kind));
  LK_TRY(check(o));
  LK_TRY(read_units(o, p));
  LK_TRY(read_rows(o, p));
  p->input[LK_VALID] = o->valid, p->input[LK_TEST] = o->test;
  p->fraction[LK_VALID] = o->valid_fraction, p->fraction[LK_TEST] = o->test_fraction;
  p->shuffle = o->shuffle != 0, p->seed = o->seed;
  p->vectors = o->vectors, p->vectors_all = o->vectors_all != 0;
  if (o->like) {
    LK_GO(lk_prepare_like_open(&like, o->like));
    LK_GO(lk_prepare_take_like(p, &like));
  }
  LK_GO(lk_prepare_run(p, NULL));
done:
  if (o->like) lk_prepare_like_close(&like);
  return status;
}

lockstep_status lockstep_corpus_prepare(const char *kind, const char *text, const char *corpus,
                                        const lockstep_corpus_options *options) {
  LK_ENTER();
  lk_prepare p;
  lockstep_corpus_options o = LOCKSTEP_CORPUS_OPTIONS;
  lk_prepare_init(&p);
  p.kind = kind, p.input[LK_TRAIN] = text, p.output = corpus;
  lk_status status = lk_api_options(&o, sizeof o, options);
  if (status == LK_OK) status = prepare(&p, &o);
  return lk_api_leave(status);
}

lockstep_status lockstep_corpus_open(lockstep_corpus **corpus, const char *path) {
  LK_ENTER();
  lockstep_corpus *made = NULL;
  lk_status status = lk_alloc(&made, 1, sizeof *made);
  if (status == LK_OK) status = lk_corpus_open(&made->corpus, path, true);
  if (status == LK_OK) {
    made->info = lk_corpus_about(made->corpus);
    *corpus = made;
  } else {
    free(made);
  }
  return lk_api_leave(status);
}

void lockstep_corpus_close(lockstep_corpus **corpus) {
  if (*corpus == NULL || lk_api_enter() != LK_OK) return;
  lk_corpus_close(&(*corpus)->corpus);
  free(*corpus);
  *corpus = NULL;
  (void)lk_api_leave(LK_OK);
}

static bool has(const lockstep_corpus *corpus, lockstep_part part) {
  return (int)part >= 0 && (int)part < LK_SPLITS && corpus->info->tokens[part] > 0;
}

const char *lockstep_corpus_kind(const lockstep_corpus *corpus) { return lk_corpus_kind_names[corpus->info->kind]; }

int64_t lockstep_corpus_sequences(const lockstep_corpus *corpus, lockstep_part part) {
  if (!has(corpus, part)) return 0;
  return corpus->info->stream ? 1 : corpus->info->rows[part];
}

int64_t lockstep_corpus_units(const lockstep_corpus *corpus, lockstep_part part) {
  return has(corpus, part) ? corpus->info->tokens[part] : 0;
}

int64_t lockstep_corpus_vocabulary(const lockstep_corpus *corpus) { return corpus->info->source.count; }

int64_t lockstep_corpus_labels(const lockstep_corpus *corpus) { return corpus->info->label.count; }

const char *lockstep_corpus_label(const lockstep_corpus *corpus, int64_t i) {
  return lk_api_string(&corpus->info->label, i);
}

int64_t lockstep_corpus_frame(const lockstep_corpus *corpus) { return corpus->info->frames; }

const char *lockstep_corpus_digest(const lockstep_corpus *corpus) { return corpus->info->digest; }
