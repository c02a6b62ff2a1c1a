# Models from ONNX: those that PyTorch's exporter made have the weights of its state_dict and say what PyTorch says; those
# that export wrote come back bit for bit; other files are refused in one line.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
nets=$LOCKSTEP_SOURCE/tests/reference/onnx
# the words a, b, c are ids 4 to 6; three labels
for words in a b c a; do printf '%s\tX\nb\tY\na\tZ\n\n' "$words"; done >words.txt
"$LOCKSTEP" prepare label words.txt --valid-fraction 0.25 -o words.h5 >/dev/null
"$LOCKSTEP" inspect words.h5 | grep -q '^vocabulary *7'
for net in lstm-1-1 lstm-2-2 gru-1-1 gru-2-2 rnn-1-2 rnn-2-1; do
  IFS=- read -r cell layers directions <<<"$net"
  [ "$cell" != rnn ] || cell=elman
  cat >"$net.yaml" <<YAML
task: label
data: {corpus: words.h5}
model: {cell: $cell, layers: $layers, bidirectional: $([ "$directions" = 2 ] && echo true || echo false), embedding: 3, hidden: 5, recurrent_bias: true, output: softmax}
YAML
  "$LOCKSTEP" import "$nets/$net.onnx" --config "$net.yaml" --corpus words.h5 -o "$net.h5" >said.txt
  grep -qx 'no probe batch in the file: what the model computes was not compared (--probe does)' said.txt
  "$LOCKSTEP" import "$nets/$net.safetensors" --config "$net.yaml" --corpus words.h5 -o dict.h5 >/dev/null
  [ "$(sha "$net.h5")" = "$(sha dict.h5)" ]
  "$LOCKSTEP" export "$net.h5" -o "$net.onnx"
  "$LOCKSTEP" import "$net.onnx" -o again.h5 >said.txt
  grep -qx 'probe batch: the outputs differ by at most 0 from those in the file' said.txt
  [ "$(sha "$net.h5")" = "$(sha again.h5)" ]
done
[ "$(printf 'a c b\n' | "$LOCKSTEP" predict lstm-2-2.h5 | wc -w)" = 3 ]
python3 - "$nets/outputs.json" <<'PYTHON'
import json, os, sys
sys.path.insert(0, os.environ["LOCKSTEP_SOURCE"] + "/tests/system")
sys.dont_write_bytecode = True
import onnx_run
wanted = json.load(open(sys.argv[1]))
ids = wanted.pop("ids")
for name, y in wanted.items():
    model = onnx_run.load(name + ".onnx")
    found = onnx_run.run(model, {"source": ids, "lengths": [len(row) for row in ids]})
    most = onnx_run.difference(found["log_probabilities"], y)
    print("%s: largest difference %.1e from PyTorch" % (name, most))
    assert most < 1e-5
PYTHON

# a net that the file does not have, and files that are none
import() { "$LOCKSTEP" import "$1" --config "${2:-gru-1-1}.yaml" --corpus words.h5 -o refused.h5; }
expect 65 'rnn.weight_ih_l0' import "$nets/gru-1-1.onnx" lstm-1-1
printf 'no model at all' >text.onnx
expect 65 'text.onnx: not an ONNX file, or a damaged one: it cannot be read as protobuf' import text.onnx
head -c 1500 "$nets/gru-1-1.onnx" >half.onnx
expect 65 'half.onnx: ' import half.onnx
: >empty.onnx
expect 65 'empty.onnx: not an ONNX file: it has no graph' import empty.onnx
mkdir folder.onnx
expect 74 'folder.onnx: it is a folder' import folder.onnx
[ ! -e refused.h5 ]
