#include <stdio.h>

#include "cli_impl.h"
#include "durable.h"
#include "exchange.h"

typedef struct arguments {
  const char *model, *output, *format;
} arguments;

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "the file to write", 1},
    {"format", 'f', "safetensors|onnx", 0, "its format (default: by its name)", 1},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
    case 'o':
      return a->output = text, 0;
    case 'f':
      return a->format = text, 0;
    case ARGP_KEY_ARG:
      if (a->model) return lk_cli_bad_option("expected one model, found '%s' too", text);
      return a->model = text, 0;
    case ARGP_KEY_END:
      if (!a->model) return lk_cli_bad_option("lockstep export: expected a model: lockstep export MODEL.h5 -o FILE");
      return a->output ? 0 : lk_cli_bad_option("lockstep export: expected -o FILE, the file to write");
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "MODEL.h5 -o FILE",
    .doc =
        "Write a model as a file that other programs read.\v"
        "Example:\n  lockstep export run/best.h5 -o tagger.safetensors\n\n"
        "Formats, chosen by the name of the file:\n"
        "  .safetensors  names and layouts of PyTorch: nn.LSTM, nn.GRU and nn.RNN\n"
        "                load what begins with 'rnn.'\n"
        "  .onnx         the net itself as a graph of standard operators (opset 14),\n"
        "                for onnxruntime and others. Inputs and outputs have the batch\n"
        "                first; rows of any length, padded, with their lengths.\n"
        "                A language model takes and gives the states of its layers;\n"
        "                a translator becomes FILE.encoder.onnx and FILE.decoder.onnx,\n"
        "                one step of it; a crf gives scores and transitions\n\n"
        "The file's metadata hold the configuration, the vocabulary and all else that 'lockstep import' needs to make "
        "the same model of it again."};

lk_status lk_command_export(int argc, char **argv, lk_comm *comm) {
  (void)comm;
  int help = 0;
  arguments a = {0};
  lk_model model = {0};
  lk_strings written = {0};
  const lk_format *format = NULL;
  LK_TRY(lk_cli_parse(&argp, "lockstep export", argc, argv, &a, &help));
  if (help) return LK_OK;
  LK_TRY(lk_format_find(&format, a.format, a.output));
  LK_TRY(lk_model_open(&model, a.model));
  lk_durable_guard();
  const lk_status status = lk_export(&model, format, a.output, &written);
  for (ptrdiff_t i = 0; status == LK_OK && i < written.count; i++)
    printf("%s: %lld bytes, a model for the task %s with %td parameters, as %s\n", lk_strings_get(&written, i),
           (long long)written.number[i], model.config.task, lk_params_trainable(model.params), format->name);
  lk_strings_release(&written);
  lk_model_close(&model);
  return status;
}
