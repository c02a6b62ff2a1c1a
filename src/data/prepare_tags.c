/* prepare_tags.c - `prepare label --tags bioes`: tags of spans in the scheme of the files become BIOES (tag_scheme.h).
 *
 * The vocabulary has all four letters of each type, also those that training never has, so that what is read or printed
 * in the files' scheme has labels. A word without a label ends a span, as in the figures of spans. */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "log.h"
#include "prepare_impl.h"

/* Three labels in a row: what a label becomes depends on its neighbours. LK_NO_LABEL: none, or no word. */
typedef struct trio {
  int32_t before, here, after;
} trio;

struct lk_job_tags {
  lk_vocab *trios; /* those of the training part, as bytes, and how often each one is there */
  lk_tagset set;   /* form of the labels */
  lk_tag *tags;    /* of one sentence */
  size_t tags_capacity;
};

lk_status lk_job_tags_begin(lk_job *job) {
  if (!job->settings->bioes) return LK_OK;
  LK_TRY(lk_alloc(&job->respelt, 1, sizeof *job->respelt));
  LK_TRY(lk_vocab_create(&job->respelt->trios, false));
  if (!job->settings->like) return LK_OK;
  job->info.tags = job->settings->like->info->tags;
  return lk_tagset_create(&job->respelt->set, &job->settings->like->info->label, NULL);
}

void lk_job_tags_release(lk_job *job) {
  struct lk_job_tags *t = job->respelt;
  if (!t) return;
  lk_tagset_release(&t->set);
  lk_vocab_destroy(&t->trios);
  free(t->tags);
  free(t);
  job->respelt = NULL;
}

static int32_t label_of(const lk_job *job, ptrdiff_t word, ptrdiff_t words) {
  if (word == words || job->spans[word].tag_size == 0) return LK_NO_LABEL;
  return lk_vocab_find(job->labels, job->other.data + job->spans[word].tag_at, job->spans[word].tag_size, 0);
}

lk_status lk_job_tags_count(lk_job *job, ptrdiff_t words) {
  if (job->settings->like) return LK_OK;
  trio t = {LK_NO_LABEL, LK_NO_LABEL, label_of(job, 0, words)};
  for (ptrdiff_t i = 0; i < words; i++) {
    t = (trio){t.here, t.after, label_of(job, i + 1, words)};
    if (t.here != LK_NO_LABEL) LK_TRY(lk_vocab_count(job->respelt->trios, (const char *)&t, sizeof t));
  }
  return LK_OK;
}

/* The labels of trio `index`, and how often it was seen. */
static trio trio_of(const struct lk_job_tags *t, ptrdiff_t index, int64_t *times) {
  const lk_strings *all = lk_vocab_strings(t->trios);
  trio found;
  memcpy(&found, lk_strings_get(all, index), sizeof found);
  *times = all->number[index];
  return found;
}

static lk_tag tag_of(const struct lk_job_tags *t, int32_t label) {
  return label == LK_NO_LABEL ? (lk_tag){.prefix = 'O', .type = -1} : t->set.tag[label];
}

static lk_scheme scheme_of(const struct lk_job_tags *t) {
  lk_scheme_census census = {0};
  int64_t times;
  for (ptrdiff_t i = 0; i < lk_vocab_size(t->trios); i++) {
    const trio three = trio_of(t, i, &times);
    lk_scheme_count(&census, tag_of(t, three.before), tag_of(t, three.here), tag_of(t, three.after), times);
  }
  return lk_scheme_of(&census);
}

/* Write the letter of a tag into its label, capital or small as the one before. */
static void respell(const lk_tagset *set, char *label, size_t size, char prefix) {
  char *at = label + lk_tagset_letter(set, size);
  *at = *at >= 'a' && *at <= 'z' ? (char)(prefix - 'A' + 'a') : prefix;
}

/* Add a label, with the letter of `prefix` in place of its own, to a list; or count it in a vocabulary. */
static lk_status add(lk_vocab *vocab, int64_t times, lk_strings *strings, const lk_tagset *set, const lk_strings *old,
                     int32_t label, char prefix) {
  lk_buffer text = {0};
  lk_status status = lk_buffer_append(&text, lk_strings_get(old, label), lk_strings_size(old, label));
  if (status == LK_OK && prefix != 'O') respell(set, text.data, text.size, prefix);
  if (status == LK_OK)
    status = vocab ? lk_vocab_count_times(vocab, text.data, text.size, times)
                   : lk_strings_add(strings, text.data, text.size, 0);
  lk_buffer_release(&text);
  return status;
}

/* Four labels for each type, counted 0 times, and O if the files have it. */
static lk_status list_labels(const lk_tagset *set, const lk_strings *old, lk_strings *strings) {
  int32_t *of_type = NULL;
  lk_status status;
  LK_GO(lk_alloc(&of_type, (size_t)set->types.count + 1, sizeof *of_type));
  for (ptrdiff_t i = set->count - 1; i >= 0; i--) {
    if (set->tag[i].prefix == 'O') LK_GO(add(NULL, 0, strings, set, old, (int32_t)i, 'O'));
    if (set->tag[i].prefix != 'O') of_type[set->tag[i].type] = (int32_t)i;
  }
  for (ptrdiff_t type = 0; type < set->types.count; type++)
    for (const char *letter = "BIES"; *letter; letter++) LK_GO(add(NULL, 0, strings, set, old, of_type[type], *letter));
done:
  free(of_type);
  return status;
}

/* The vocabulary of BIOES labels, counted over the training part. */
static lk_status count_bioes(const struct lk_job_tags *t, const lk_strings *old, lk_vocab **made) {
  lk_strings strings = {0};
  int64_t times;
  lk_status status;
  LK_GO(list_labels(&t->set, old, &strings));
  LK_GO(lk_vocab_from(made, &strings, false));
  for (ptrdiff_t i = 0; i < lk_vocab_size(t->trios); i++) {
    const trio three = trio_of(t, i, &times);
    lk_tag tags[3] = {tag_of(t, three.before), tag_of(t, three.here), tag_of(t, three.after)};
    lk_scheme_write(tags, 3, LK_SCHEME_BIOES);
    LK_GO(add(*made, times, NULL, &t->set, old, three.here, tags[1].prefix));
  }
done:
  lk_strings_release(&strings);
  return status;
}

/* Whether all letters are those that lk_scheme_write() knows: not M, L, U and W, which would come back as others. */
static bool has_known_letters(const lk_tagset *set, const lk_strings *labels) {
  for (ptrdiff_t i = 0; i < labels->count; i++)
    if (!strchr("BIESObieso", lk_strings_get(labels, i)[lk_tagset_letter(set, lk_strings_size(labels, i))]))
      return false;
  return true;
}

lk_status lk_job_tags_finish(lk_job *job) {
  struct lk_job_tags *t = job->respelt;
  if (job->settings->like) return LK_OK;
  const lk_strings *old = lk_vocab_strings(job->labels);
  lk_vocab *made = NULL;
  char quoted[256];
  LK_TRY(lk_tagset_create(&t->set, old, NULL));
  if (t->set.misfit >= 0)
    return LK_FAIL(LK_DATA, "--tags bioes: the label %s is no tag of a span (such as B-TYPE, I-TYPE, O)",
                   lk_quote(quoted, lk_strings_get(old, t->set.misfit), lk_strings_size(old, t->set.misfit)));
  if (!t->set.spans) return LK_FAIL(LK_DATA, "--tags bioes: the labels mark no spans (such as B-TYPE, I-TYPE, O)");
  if (has_known_letters(&t->set, old)) job->info.tags = scheme_of(t);
  if (job->info.tags == LK_SCHEME_AS_FILED) {
    LK_WARN("--tags bioes: the tags already say where spans begin and end, and stay as they are");
    lk_job_tags_release(job);
    return LK_OK;
  }
  const lk_status status = count_bioes(t, old, &made);
  if (status != LK_OK) {
    lk_vocab_destroy(&made);
    return status;
  }
  lk_vocab_destroy(&job->labels);
  job->labels = made;
  return LK_OK;
}

/* The tag of a label; its type is a number that only its neighbours in the sentence share. */
static lk_status read_tag(lk_job *job, const lk_input_file *source, ptrdiff_t i, lk_tag *tag) {
  const lk_labelled_word *span = &job->spans[i], *last = span - 1;
  const char *text = job->other.data, *type, *type_before;
  char quoted[256];
  size_t size, size_before;
  *tag = (lk_tag){.prefix = 'O', .type = -1};
  if (span->tag_size == 0) return LK_OK;
  tag->prefix = lk_tagset_cut(&job->respelt->set, text + span->tag_at, span->tag_size, &type, &size);
  if (tag->prefix == '\0')
    return lk_input_file_fail(source, span->line, span->tag_column, "the label %s is no tag of a span like the others",
                              lk_quote(quoted, text + span->tag_at, span->tag_size));
  if (tag->prefix == 'O') return LK_OK;
  tag->type = (int32_t)i;
  if (i == 0 || last->tag_size == 0 || tag[-1].type < 0) return LK_OK;
  (void)lk_tagset_cut(&job->respelt->set, text + last->tag_at, last->tag_size, &type_before, &size_before);
  if (size == size_before && memcmp(type, type_before, size) == 0) tag->type = tag[-1].type;
  return LK_OK;
}

lk_status lk_job_tags_name(const lk_job *job, lk_vocab *names, const char *text, size_t size) {
  const char *type;
  size_t type_size;
  lk_buffer label = {0};
  lk_status status = LK_OK;
  if (!job->respelt) return LK_OK;
  const lk_tagset *set = &job->respelt->set;
  if (lk_tagset_cut(set, text, size, &type, &type_size) == 'O') return LK_OK;
  LK_GO(lk_buffer_append(&label, text, size));
  for (const char *letter = "BIES"; *letter; letter++) {
    respell(set, label.data, size, *letter);
    LK_GO(lk_vocab_count(names, label.data, size));
  }
done:
  lk_buffer_release(&label);
  return status;
}

lk_status lk_job_tags_write(lk_job *job, const lk_input_file *source, ptrdiff_t words) {
  struct lk_job_tags *t = job->respelt;
  LK_TRY(lk_grow(&t->tags, &t->tags_capacity, (size_t)words + 1, sizeof *t->tags));
  for (ptrdiff_t i = 0; i < words; i++) LK_TRY(read_tag(job, source, i, &t->tags[i]));
  lk_scheme_write(t->tags, words, LK_SCHEME_BIOES);
  for (ptrdiff_t i = 0; i < words; i++) {
    const lk_labelled_word *span = &job->spans[i];
    if (t->tags[i].prefix != 'O') respell(&t->set, job->other.data + span->tag_at, span->tag_size, t->tags[i].prefix);
  }
  return LK_OK;
}
