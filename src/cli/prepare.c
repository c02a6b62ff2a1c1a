#include "prepare.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "durable.h"
#include "log.h"
#include "prepare_options_impl.h"
#include "tokenizer.h"
#include "work.h"

static lk_status check(const lk_prepare_arguments *a) {
  const lk_prepare *p = &a->prepare;
  const bool parts = p->input[LK_VALID] || p->input[LK_TEST];
  char list[64];
  lk_prepare_name_kinds(list, LK_KIND_ALL, " or ");
  if (!p->kind) return LK_FAIL(LK_USAGE, "lockstep prepare: expected a kind (%s) and an input file", list);
  LK_TRY(lk_prepare_check_kind(p->kind));
  if (!p->input[LK_TRAIN] && !(a->like_path && parts))
    return LK_FAIL(LK_USAGE, "lockstep prepare %s: expected an input file, or - for standard input", p->kind);
  if (!p->output) return LK_FAIL(LK_USAGE, "lockstep prepare %s: expected -o OUT.h5", p->kind);
  return LK_OK;
}

static bool ends_with(const char *text, const char *end) {
  const size_t size = strlen(text), tail = strlen(end);
  return size >= tail && strcmp(text + size - tail, end) == 0;
}

/* By its file name: CoNLL-U, and formats that add columns to it. */
static bool is_conllu(const char *path) {
  return ends_with(path, ".conllu") || ends_with(path, ".conllup") || ends_with(path, ".cupt");
}

static void print_split(const lk_prepare *p, const lk_prepare_report *r, lk_split split) {
  if (r->units[split] == 0) return;
  printf("  %-5s ", lk_split_names[split]);
  if (p->stream)
    printf("%12td units", r->units[split]);
  else
    printf("%10td sequences %12td %s", r->rows[split], r->units[split], r->frames > 0 ? "frames" : "units");
  if (r->frames == 0) printf("   <unk> %.2f %%", 100.0 * (double)r->unknown[split] / (double)r->units[split]);
  if (r->target_units[split] > 0)
    printf("   targets %12td units   <unk> %.2f %%", r->target_units[split],
           100.0 * (double)r->target_unknown[split] / (double)r->target_units[split]);
  if (r->groups[split] > 0) printf("   %td subjects", r->groups[split]);
  if (r->further[split] > 0) printf("   %td alternative targets", r->further[split]);
  putchar('\n');
}

static void print_found(const char *what, const int64_t counts[3]) {
  const int64_t all = counts[0] + counts[1] + counts[2];
  const double share = all > 0 ? 100.0 / (double)all : 0;
  if (all == 0) return;
  printf("    of %lld %s: as they are %lld (%.1f %%), in lower case %lld (%.1f %%), not found %lld (%.1f %%)\n",
         (long long)all, what, (long long)counts[0], share * (double)counts[0], (long long)counts[1],
         share * (double)counts[1], (long long)counts[2], share * (double)counts[2]);
}

static void print_vectors(const lk_prepare *p, const lk_prepare_vectors_report *v) {
  if (v->width == 0) return;
  printf("  vectors: %lld word%s", (long long)v->kept, lk_plural(v->kept));
  if (p->vectors) printf(" kept of %lld in %s", (long long)v->rows, p->vectors);
  printf(", %td number%s each", v->width, lk_plural(v->width));
  if (v->unseen > 0) printf("; %lld of the words do not occur in the training part", (long long)v->unseen);
  putchar('\n');
  print_found("different words", v->types);
  print_found("running words", v->words);
  if (v->repeated > 0)
    LK_WARN("%s: %lld row%s of words that it already had: the first one counts", p->vectors, (long long)v->repeated,
            lk_plural(v->repeated));
  if (v->unusable > 0)
    LK_WARN("%s: %lld row%s left out, whose word is not valid UTF-8 or longer than 255 bytes", p->vectors,
            (long long)v->unusable, lk_plural(v->unusable));
  if (v->over > 0)
    LK_WARN("%s: %lld more word%s left out, beyond --vectors-limit %td", p->vectors, (long long)v->over,
            lk_plural(v->over), p->vectors_limit);
}

static const char *const unit_words[LK_UNITS] = {"word", "char", "piece"};

static void print_report(const lk_prepare *p, const lk_prepare_report *r) {
  printf("%s: a corpus of kind %s\n", p->output, p->kind);
  for (int s = 0; s < LK_SPLITS; s++) print_split(p, r, (lk_split)s);
  if (r->frames > 0) printf("  numbers in a frame: %td\n", r->frames);
  if (r->vocabulary > 0)
    printf("  vocabulary: %td %ss, including <pad> <sos> <eos> <unk>\n", r->vocabulary, unit_words[p->unit]);
  if (r->target_vocabulary > 0 && !p->pairs.shared)
    printf("  vocabulary of the targets: %td %ss\n", r->target_vocabulary, unit_words[p->pairs.unit]);
  print_vectors(p, &r->vectors);
  if (p->like) printf("  vocabulary and labels of %s\n", p->like->path);
  if (r->labels > 0) printf("  labels: %td", r->labels);
  if (r->tags) printf(", BIOES tags; those of the files are %s", lk_scheme_names[r->tags]);
  if (r->labels > 0) putchar('\n');
  if (r->skipped > 0)
    printf("  left out, longer than %td: %td sequence%s\n", p->max_length, r->skipped, lk_plural(r->skipped));
  if (r->empty > 0) printf("  left out, empty: %td sequence%s\n", r->empty, lk_plural(r->empty));
  if (r->unlabelled > 0)
    printf("  left out, without a label: %td sequence%s\n", r->unlabelled, lk_plural(r->unlabelled));
  if (r->comments > 0) printf("  left out, comments: %td line%s\n", r->comments, lk_plural(r->comments));
  if (r->cut > 0) printf("  cut to %td: %td sequence%s\n", p->max_length, r->cut, lk_plural(r->cut));
  if (!p->stream) printf("  padding: %.1f %% of the stored positions\n", 100.0 * r->padding);
  const double megabytes = (double)r->bytes_read / 1e6;
  printf("  %.1f MB in %.2f seconds, %.1f MB/s\n", megabytes, r->seconds, megabytes / r->seconds);
}

/* Open the model or corpus of --like and take its vocabulary and its text settings. */
static lk_status take_like(lk_prepare_arguments *a) {
  if (!a->like_path) return LK_OK;
  LK_TRY(lk_prepare_like_open(&a->like, a->like_path));
  LK_TRY(lk_prepare_check_like(a));
  return lk_prepare_take_like(&a->prepare, &a->like);
}

static const char *first_input(const lk_prepare *p) {
  return p->input[LK_TRAIN] ? p->input[LK_TRAIN] : p->input[LK_VALID] ? p->input[LK_VALID] : p->input[LK_TEST];
}

/* Check the options, set those that follow from others, and prepare the corpus. */
static lk_status prepare(lk_prepare_arguments *a) {
  lk_prepare_report report = {0};
  lk_prepare *p = &a->prepare;
  LK_TRY(check(a));
  LK_TRY(lk_prepare_check_options(a));
  if (p->pairs.model[LK_SOURCE] && !a->unit[0]) p->unit = LK_PIECE;
  if ((p->pairs.model[LK_SOURCE] || p->pairs.model[LK_TARGET]) && !a->unit[1]) p->pairs.unit = LK_PIECE;
  if (strcmp(p->kind, "label") == 0 && is_conllu(first_input(p))) p->conllu = true;
  LK_TRY(take_like(a));
  lk_durable_guard();
  lk_work_begin();
  const lk_status status = lk_prepare_run(p, &report);
  lk_work_end();
  LK_TRY(status);
  print_report(p, &report);
  if (p->like) return LK_OK;
  if (report.vocabulary == LK_SPECIALS || report.target_vocabulary == LK_SPECIALS)
    LK_WARN("%s: all units are <unk>, so there is nothing to learn; lower --min-count", p->output);
  if (report.labels == 1) LK_WARN("%s: there is only one label, so there is nothing to learn", p->output);
  return LK_OK;
}

lk_status lk_command_prepare(int argc, char **argv, lk_comm *comm) {
  (void)comm;
  lk_prepare_arguments a = {0};
  int help = 0;
  /* Keep freed memory: large buffers are allocated again and again, and page faults would cost a third of the time. */
  (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
  (void)mallopt(M_TRIM_THRESHOLD, INT32_MAX);
  lk_prepare_init(&a.prepare);
  lk_status status = lk_prepare_parse(argc, argv, &a, &help);
  if (status == LK_OK && !help) status = prepare(&a);
  lk_prepare_release(&a);
  return status;
}
