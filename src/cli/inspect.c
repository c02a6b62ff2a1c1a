#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "average.h"
#include "cli_impl.h"
#include "checkpoint.h"
#include "model.h"
#include "work.h"

typedef struct arguments {
  lk_cli_files files;
  bool config;
} arguments;

static const struct argp_option options[] = {
    {"config", 'c', NULL, 0, "print only the configuration of a checkpoint, as YAML", 0}, {0}};

static error_t parse(int key, char *text, struct argp_state *state) {
  (void)text;
  arguments *a = state->input;
  if (key == 'c') return a->config = true, 0;
  return lk_cli_take_files(key, state, &a->files);
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FILE.h5...",
    .doc =
        "Show what corpus and model files contain.\v"
        "Example:\n  lockstep inspect run/last.h5\n\n"
        "Of a corpus: sizes, vocabulary, labels, splits. Of a model: its corpus, progress, "
        "tensors with their shapes, and the SHA-256 of all weights."};

lk_status lk_cli_format(const char *path, char format[64]) {
  lk_status status = LK_OK;
  lk_h5 *file = NULL;
  lk_buffer text = {0};
  LK_GO(lk_h5_open(&file, path, true));
  LK_GO(lk_h5_get_text(file, "/", "format", &text));
  snprintf(format, 64, "%s", text.data ? text.data : "");
  if (strcmp(format, "lockstep-corpus") != 0 && strcmp(format, "lockstep-checkpoint") != 0)
    LK_GO(LK_FAIL(LK_DATA, "%s: neither a Lockstep corpus nor a checkpoint: its format is '%s'", path, format));
done:
  lk_buffer_release(&text);
  lk_h5_close(&file);
  return status;
}

static void print_vocab(const char *name, const lk_strings *s, ptrdiff_t skip) {
  if (s->count == 0) return;
  printf("%-12s %td:", name, s->count);
  char quoted[256];
  for (ptrdiff_t i = skip; i < s->count && i < skip + 8; i++)
    printf(" %s", lk_quote(quoted, lk_strings_get(s, i), lk_strings_size(s, i)));
  puts(s->count > skip + 8 ? " ..." : "");
}

/* forms: the values of the column LK_FORMS; models have none. */
static void print_info(const lk_corpus_info *info, const lk_strings *forms) {
  const bool pairs = info->kind == LK_CORPUS_PAIRS;
  printf("kind         %s, unit %s%s%s%s%s\n", lk_corpus_kind_names[info->kind], info->unit,
         pairs ? ", of the targets " : "", info->target_unit, info->shared ? ", one vocabulary for both" : "",
         info->stream ? ", one running text" : "");
  if (info->frames > 0) printf("frames       of %td number%s\n", info->frames, lk_plural(info->frames));
  print_vocab("vocabulary", &info->source, LK_SPECIALS);
  print_vocab("target", &info->target, LK_SPECIALS);
  print_vocab("labels", &info->label, 0);
  if (info->tags) printf("tags         BIOES; those of the files are %s\n", lk_scheme_names[info->tags]);
  print_vocab("characters", &info->character, LK_SPECIALS);
  for (int c = 0; c < info->columns; c++) print_vocab(info->column[c].name, &info->column[c].values, 0);
  print_vocab(LK_FORMS, forms, 1);
  if (info->vectors.rows > 0)
    printf("vectors      %td word%s, %td number%s each%s\n", info->vectors.rows - LK_VECTOR_FIRST,
           lk_plural(info->vectors.rows - LK_VECTOR_FIRST), info->vectors.width, lk_plural(info->vectors.width),
           info->vectors.values ? "" : " (words only)");
  if (info->split[0]) printf("parts        %s\n", info->split);
}

static lk_status inspect_corpus(const char *path) {
  lk_corpus *corpus = NULL;
  lk_strings forms = {0};
  lk_status status;
  LK_GO(lk_corpus_open(&corpus, path, true));
  const lk_corpus_info *info = lk_corpus_about(corpus);
  for (int c = 0; c < info->columns; c++)
    if (info->column[c].forms) LK_GO(lk_corpus_forms(corpus, &forms));
  lk_work_end();
  printf("%s: a corpus\n", path);
  print_info(info, &forms);
  for (int s = 0; s < LK_SPLITS; s++) {
    if (info->tokens[s] == 0) continue;
    if (info->stream) {
      printf("%-12s %td unit%s\n", lk_split_names[s], info->tokens[s], lk_plural(info->tokens[s]));
      continue;
    }
    ptrdiff_t stored = 0;
    for (int b = 0; b < info->buckets[s]; b++) stored += info->bucket[s][b].rows * info->bucket[s][b].width;
    printf("%-12s %td sequence%s, %td unit%s, in %d bucket%s of %td stored position%s\n", lk_split_names[s],
           info->rows[s], lk_plural(info->rows[s]), info->tokens[s], lk_plural(info->tokens[s]), info->buckets[s],
           lk_plural(info->buckets[s]), stored, lk_plural(stored));
  }
  printf("digest       %s\n", info->digest);
done:
  lk_strings_release(&forms);
  lk_corpus_close(&corpus);
  return status;
}

static void print_tensors(const lk_tensor *tensors, int count) {
  puts("tensors");
  for (int i = 0; i < count; i++) {
    printf("  %-32s", tensors[i].name);
    for (int d = 0; d < tensors[i].dims; d++) printf("%s%td", d ? " x " : " ", tensors[i].shape[d]);
    printf("   %s\n", tensors[i].note ? tensors[i].note : "");
  }
}

static lk_status inspect_checkpoint(const char *path, bool config_only) {
  lk_status status = LK_OK;
  lk_model model = {0};
  lk_tensor *tensors = NULL;
  int count = 0;
  char sha[65];
  LK_GO(lk_model_open(&model, path));
  lk_work_end();
  if (config_only) {
    fputs(lk_checkpoint_config(model.file), stdout);
    goto done;
  }
  const lk_state *state = lk_checkpoint_state(model.file);
  LK_GO(lk_model_tensors(model.params, &tensors, &count));
  lk_checkpoint_sha256(tensors, count, lk_params_values(model.params), sha);
  printf("%s: a checkpoint of task %s\n", path, model.config.task);
  print_info(model.corpus, &(lk_strings){0});
  printf("progress     step %lld, epoch %lld, %lld units trained on, %.0f seconds\n", (long long)state->step,
         (long long)state->epoch, (long long)state->units, state->seconds);
  if (state->best_step > 0)
    printf("best         %s %.6f at step %lld\n", model.metric, state->best, (long long)state->best_step);
  printf("seed         %lld, %lld shard%s\n", (long long)state->seed, (long long)state->shards,
         lk_plural(state->shards));
  printf("parameters   %td\n", lk_params_trainable(model.params));
  if (lk_average_holds(state))
    printf("weights      the average (%s) of %.0f, since step %.0f\n", model.config.train.average,
           state->average[LK_AVERAGE_COUNT], state->average[LK_AVERAGE_BEGAN]);
  print_tensors(tensors, count);
  printf("sha256       %s  (all weights)\n", sha);
done:
  free(tensors);
  lk_model_close(&model);
  return status;
}

static lk_status inspect(const char *path, void *context) {
  const arguments *a = context;
  char format[64];
  lk_work_begin();
  lk_status status = lk_cli_format(path, format);
  if (status == LK_OK && strcmp(format, "lockstep-corpus") != 0)
    status = inspect_checkpoint(path, a->config);
  else if (status == LK_OK && a->config)
    status = LK_FAIL(LK_USAGE, "--config: %s is a corpus, and only a checkpoint holds a configuration", path);
  else if (status == LK_OK)
    status = inspect_corpus(path);
  lk_work_end();
  return status;
}

lk_status lk_command_inspect(int argc, char **argv, lk_comm *comm) {
  (void)comm;
  int help = 0;
  arguments a = {0};
  LK_TRY(lk_cli_parse(&argp, "lockstep inspect", argc, argv, &a, &help));
  return lk_cli_each_file(&a.files, inspect, &a);
}
