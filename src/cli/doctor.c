#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_impl.h"
#include "config.h"
#include "corpus_ranks.h"
#include "doctor.h"
#include "params.h"
#include "print_json_impl.h"
#include "task.h"
#include "text.h"
#include "trainer.h"

enum { MOST_CHECKS = 64, OPTION_ALL = 'a', OPTION_JSON = 'j', OPTION_SKIP = 's', OPTION_VERBOSE = 'v' };

typedef struct arguments {
  bool all, json, skip[MOST_CHECKS];
  lk_cli_words words;
} arguments;

static const struct argp_option options[] = {
    {"all", OPTION_ALL, NULL, 0, "also print what is well, and what could not be measured", 0},
    {"verbose", OPTION_VERBOSE, NULL, 0, "the same as --all", 0},
    {"skip", OPTION_SKIP, "CHECK", 0, "leave out this check; may be given several times", 0},
    {"json", OPTION_JSON, NULL, 0, "print one JSON object with all checks", 0},
    {0}};

static int skip(arguments *a, const char *text) {
  const char *names[MOST_CHECKS];
  char quoted[256];
  size_t count;
  const lk_check *checks = lk_doctor_checks(&count);
  for (size_t i = 0; i < count; i++) {
    names[i] = checks[i].name;
    if (strcmp(text, names[i]) == 0) return a->skip[i] = true, 0;
  }
  const char *near = lk_nearest(text, names, count);
  lk_quote(quoted, text, strlen(text));
  if (near) return lk_cli_bad_option("lockstep doctor: unknown check %s (did you mean '%s'?)", quoted, near);
  return lk_cli_bad_option("lockstep doctor: unknown check %s; 'lockstep doctor --all' lists them", quoted);
}

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
    case OPTION_ALL:
    case OPTION_VERBOSE:
      a->all = true;
      return 0;
    case OPTION_JSON:
      a->json = true;
      return 0;
    case OPTION_SKIP:
      return skip(a, text);
    default:
      return lk_cli_take_words(key, state, &a->words);
  }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "[CONFIG.yaml] " LK_CLI_SETTINGS,
    .doc =
        "Find what makes this machine or cluster slow or unsafe for training.\v"
        "Examples:\n  lockstep doctor\n  mpirun -n 2 lockstep doctor configs/lm-char.yaml run.dir=/scratch/run\n"
        "  srun lockstep doctor --json --skip noise\n\n"
        "Start it as the training run will be started: under the same launcher, with as many ranks, the same "
        "environment, run.dir and kernels. It takes a few seconds and changes nothing; the corpus is read once, and in "
        "run.dir, or the nearest folder above it that exists, it writes a small file and removes it again.\n\n"
        "Each line names a check, what was measured, why it matters, and behind the arrow the line that mends it: a "
        "command, or a setting. The exit code is 0 where all is well, and 78 where something is to be mended. --json "
        "prints an object with an array 'checks'; each has name, verdict (well, wrong or unknown), fact, why and "
        "mend."};

static lk_status count_parameters(double *parameters, const lk_config *config, const lk_corpus *corpus) {
  lk_params *params = NULL;
  lk_task *task = NULL;
  lk_status status = LK_OK;
  LK_GO(lk_params_create(&params));
  LK_GO(lk_task_create(&task, config, lk_corpus_about(corpus), params));
  *parameters = (double)lk_params_count(params);
done:
  lk_task_destroy(&task);
  lk_params_destroy(&params);
  return status;
}

/* Open the corpus as a run does. What goes wrong is a fact, and the same on all ranks.      Collective. */
static void look_at_model(lk_model_facts *model, const lk_config *config, lk_comm *comm) {
  lk_corpus *corpus = NULL;
  if (config->data.corpus[0] == '\0') return;
  (void)snprintf(model->corpus, sizeof model->corpus, "%s", config->data.corpus);
  lk_status status = lk_corpus_open_ranks(&corpus, comm, config->data.corpus);
  if (status == LK_OK) status = lk_comm_agree(comm, count_parameters(&model->parameters, config, corpus));
  if (status != LK_OK) (void)snprintf(model->problem, sizeof model->problem, "%.511s", lk_error_get()->text);
  lk_error_clear();
  lk_corpus_close(&corpus);
}

static const char *verdict_name(lk_verdict verdict) {
  return verdict == LK_WELL ? "well" : verdict == LK_WRONG ? "wrong" : "unknown";
}

static void print_finding(const lk_check *check, const lk_finding *f, const arguments *a) {
  if (f->verdict == LK_WRONG)
    printf("%s: %s; %s -> %s\n", check->name, f->fact, f->why, f->mend);
  else if (a->all)
    printf("%s: %s: %s\n", check->name, f->verdict == LK_WELL ? "well" : "not known", f->fact);
}

static int print_lines(const lk_survey *survey, const arguments *a) {
  size_t count;
  const lk_check *checks = lk_doctor_checks(&count);
  int made = 0, wrong = 0;
  for (size_t i = 0; i < count; i++) {
    lk_finding finding = {0};
    if (a->skip[i]) continue;
    checks[i].judge(survey, &finding);
    print_finding(&checks[i], &finding, a);
    made++, wrong += finding.verdict == LK_WRONG;
  }
  if (wrong)
    printf("%d of %d checks found something to mend.\n", wrong, made);
  else
    printf("All is well: %d checks.\n", made);
  return wrong;
}

/* The number of checks that found something; -1: out of memory. */
static int print_json(const lk_survey *survey, const arguments *a) {
  size_t count;
  const lk_check *checks = lk_doctor_checks(&count);
  json_t *rows = json_array(),
         *root = json_pack("{s:s, s:i, s:o}", "version", LK_VERSION, "ranks", survey->size, "checks", rows);
  int wrong = 0;
  for (size_t i = 0; root && i < count; i++) {
    lk_finding f = {0};
    if (a->skip[i]) continue;
    checks[i].judge(survey, &f);
    wrong += f.verdict == LK_WRONG;
    json_array_append_new(
        rows, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", checks[i].name, "about", checks[i].about, "verdict",
                        verdict_name(f.verdict), "fact", f.fact, "why", f.why, "mend", f.mend));
  }
  if (root) json_object_set_new(root, "wrong", json_integer(wrong));
  return lk_cli_print_json(root, JSON_INDENT(1)) == LK_OK ? wrong : -1;
}

/* All ranks judge alike; one of them prints. Of ranks that another MPI's launcher started each is the only one of its
 * world, and the first of them by the launcher's count prints. */
static lk_status judge(const lk_survey *survey, const arguments *a, const lk_comm *comm) {
  int wrong = 0;
  if (lk_comm_rank(comm) == 0 && lk_comm_started_first())
    wrong = a->json ? print_json(survey, a) : print_lines(survey, a);
  if (wrong < 0) return LK_MEMORY;
  return wrong > 0 ? LK_UNWELL : LK_OK;
}

lk_status lk_command_doctor(int argc, char **argv, lk_comm *comm) {
  lk_status status = LK_OK;
  int help = 0;
  arguments a = {0};
  lk_config config = {0};
  lk_survey survey = {0};
  lk_model_facts model = {0};
  lk_doctor_spec spec;
  const char *root = getenv("LOCKSTEP_TEST_ROOT");
  LK_TRY(lk_cli_parse(&argp, "lockstep doctor", argc, argv, &a, &help));
  if (help) return LK_OK;
  LK_GO(lk_comm_agree(comm, lk_cli_read_config(&config, &a.words, comm)));
  LK_GO(lk_train_check(&config));
  look_at_model(&model, &config, comm);
  spec =
      (lk_doctor_spec){.root = root ? root : "", .run_dir = config.run.dir, .kernels = config.kernels, .model = &model};
  LK_GO(lk_doctor_measure(&survey, comm, &spec));
  status = lk_comm_agree(comm, judge(&survey, &a, comm));
done:
  lk_doctor_release(&survey);
  lk_config_release(&config);
  return status;
}
