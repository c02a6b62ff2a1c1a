#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "cli_impl.h"
#include "durable.h"
#include "exchange.h"

typedef struct arguments {
  lk_import how;
  const char *format;
  lk_mapping *map;
  const char **setting;
  size_t map_capacity, setting_capacity;
} arguments;

static const double allowed = 1e-4; /* by --probe */

enum { CORPUS = 256, MAP, PROBE, TOLERANCE };

static const struct argp_option options[] = {
    {"output", 'o', "MODEL.h5", 0, "the model to write", 1},
    {"config", 'c', "CONFIG.yaml", 0, "configuration of the model (default: the one that 'lockstep export' wrote)", 1},
    {"corpus", CORPUS, "CORPUS.h5", 0,
     "corpus whose vocabulary, labels and numbering the model has (default: what 'lockstep export' wrote)", 1},
    {"map", MAP, "OURS=THEIRS", 0,
     "module or tensor OURS of the model is THEIRS in the file, as in --map rnn=encoder.lstm; may be given several "
     "times",
     1},
    {"probe", PROBE, "PROBE.json", 0,
     "inputs, and what the net answered where it was made: compare, and write no model if it answers otherwise", 1},
    {"tolerance", TOLERANCE, "X", 0,
     "largest difference that --probe allows, as a part of its largest output (default: 0.0001)", 1},
    {"format", 'f', "safetensors|onnx", 0, "format of the file (default: by its name)", 1},
    {0}};

static error_t take_map(arguments *a, char *text) {
  char *theirs = strchr(text, '=');
  if (theirs == NULL || theirs == text || theirs[1] == '\0')
    return lk_cli_bad_option("--map: expected OURS=THEIRS, found '%s'", text);
  if (lk_grow(&a->map, &a->map_capacity, (size_t)a->how.maps.count + 1, sizeof *a->map) != LK_OK) return ENOMEM;
  *theirs = '\0';
  a->map[a->how.maps.count++] = (lk_mapping){.ours = text, .theirs = theirs + 1};
  a->how.maps.item = a->map;
  return 0;
}

static error_t take_argument(arguments *a, const char *text) {
  if (!lk_cli_is_assignment(text)) {
    if (a->how.path) return lk_cli_bad_option("expected one file, found '%s' too", text);
    return a->how.path = text, 0;
  }
  if (lk_grow(&a->setting, &a->setting_capacity, (size_t)a->how.settings + 1, sizeof *a->setting) != LK_OK)
    return ENOMEM;
  a->setting[a->how.settings++] = text;
  a->how.setting = a->setting;
  return 0;
}

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
    case 'o':
      return a->how.output = text, 0;
    case 'c':
      return a->how.config = text, 0;
    case 'f':
      return a->format = text, 0;
    case CORPUS:
      return a->how.corpus = text, 0;
    case MAP:
      return take_map(a, text);
    case PROBE:
      return a->how.probe = text, 0;
    case TOLERANCE:
      return lk_cli_real("tolerance", text, 0, 1, "", &a->how.tolerance);
    case ARGP_KEY_ARG:
      return take_argument(a, text);
    case ARGP_KEY_END:
      if (!a->how.path) return lk_cli_bad_option("lockstep import: expected a file: lockstep import FILE -o MODEL.h5");
      if (a->how.tolerance >= 0 && !a->how.probe)
        return lk_cli_bad_option("lockstep import: --tolerance is for --probe: expected --probe PROBE.json");
      if (a->how.tolerance < 0) a->how.tolerance = allowed;
      return a->how.output ? 0 : lk_cli_bad_option("lockstep import: expected -o MODEL.h5, the model to write");
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FILE -o MODEL.h5 " LK_CLI_SETTINGS,
    .doc =
        "Make a model of a file that another program, or 'lockstep export', wrote.\v"
        "Examples:\n  lockstep import tagger.safetensors -o tagger.h5\n"
        "  lockstep import torch.safetensors --config net.yaml --corpus words.h5 \\\n"
        "    --map rnn=encoder.lstm -o model.h5\n\n"
        "A file of 'lockstep export' becomes the same model again. Another one needs --config, which says what net its "
        "tensors are of, and --corpus, whose vocabulary numbers the rows of its embedding and of its outputs.\n\n"
        "Tensors of PyTorch's modules are found by their last names and shapes: a module of the file stands for one of "
        "the model where it has the same tensors. Where several fit, --map says which. Numbers are stored as float32; "
        "F64, F16 and BF16 are converted, and reported.\n\n"
        "Whether it is the same net shows a probe: a few rows of ids and what PyTorch answered. Of a tagger, in "
        "PyTorch:\n"
        "  ids = torch.randint(4, words, (4, 6)); n = torch.tensor([6, 4, 5, 1])\n"
        "  with torch.no_grad(): p = net(ids, n).softmax(-1)\n"
        "  probe = {'inputs': {'source': ids.tolist(), 'lengths': n.tolist()},\n"
        "           'outputs': {'probabilities': p.tolist()}}\n"
        "  json.dump(probe, open('probe.json', 'w'))\n"
        "The outputs may also be 'log_probabilities', or 'scores' before the softmax; a classifier has one list for "
        "each "
        "row. Lists beyond the length of a row are not compared. Inputs are named as in an ONNX file of the model, and "
        "the metadata 'probe' of an exported file is an example.\n\n"
        "KEY=VALUE overrides a setting of the configuration."};

static void print(const arguments *a, const lk_imported *result) {
  printf("%s: %d tensor%s, %td parameter%s\n", a->how.output, result->tensors, lk_plural(result->tensors),
         result->numbers, lk_plural(result->numbers));
  for (int e = 0; e < LK_ELEMENT_COUNT; e++)
    if (e != LK_F32 && result->converted[e] > 0)
      printf("converted to float32: %d tensor%s of %s\n", result->converted[e], lk_plural(result->converted[e]),
             lk_element_name((lk_element)e));
  if (result->probed)
    printf("probe batch: the outputs differ by at most %.3g from those in %s\n", result->difference,
           a->how.probe ? a->how.probe : "the file");
  else
    puts("no probe batch in the file: what the model computes was not compared (--probe does)");
  if (result->notes.size > 0) fputs(result->notes.data, stdout);
}

lk_status lk_command_import(int argc, char **argv, lk_comm *comm) {
  (void)comm;
  int help = 0;
  arguments a = {.how.tolerance = -1};
  lk_imported result = {0};
  lk_status status;
  LK_GO(lk_cli_parse(&argp, "lockstep import", argc, argv, &a, &help));
  if (help) goto done;
  LK_GO(lk_format_find(&a.how.format, a.format, a.how.path));
  lk_durable_guard();
  LK_GO(lk_import_model(&a.how, &result));
  print(&a, &result);
done:
  lk_buffer_release(&result.notes);
  free(a.map);
  free(a.setting);
  return status;
}
