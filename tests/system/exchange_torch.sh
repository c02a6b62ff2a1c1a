# Nets of PyTorch and of Lockstep compute the same: exported ones are loaded by load_state_dict(strict), ones that PyTorch
# made are imported, and both answer a padded batch of sequences of different lengths. Skipped without PyTorch.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
python=$(python_with torch) || { echo "no PyTorch: scripts/setup --reference installs it" && exit 77; }
exchange() { OMP_NUM_THREADS=1 "$python" "$LOCKSTEP_SOURCE/tests/reference/exchange.py" "$@"; }
corpus_label

files=()
for cell in lstm gru elman; do
  for net in 1:false:true 2:true:false 1:true:true 2:false:false; do
    IFS=: read -r layers both biases <<<"$net"
    name=$cell-$layers-$both
    "$LOCKSTEP" train "$(config_of label-words.yaml)" run.dir="run-$name" data.corpus=label.h5 model.cell="$cell" \
      model.layers="$layers" model.bidirectional="$both" model.recurrent_bias="$biases" model.embedding=5 model.hidden=9 \
      model.characters=none model.features= train.batch=30 train.epochs=0 train.steps=3 train.rate=0.05 >"$name.log" 2>&1 ||
      { cat "$name.log" && exit 1; }
    "$LOCKSTEP" export "run-$name/last.h5" -o "$name.safetensors"
    files+=("$name.safetensors")
  done
done
exchange check "${files[@]}"

# made NAME LIKE: a net of PyTorch's by the configuration of LIKE, imported
made() {
  "$LOCKSTEP" inspect --config "run-$2/last.h5" >"$2.yaml"
  exchange make "$2.safetensors" "$1.safetensors"
  "$LOCKSTEP" import "$1.safetensors" --config "$2.yaml" --corpus label.h5 -o "$1.h5" >"$1.txt"
  grep -q "^left out: 'steps.taken' \[3\]$" "$1.txt" || { cat "$1.txt" && exit 1; }
  "$LOCKSTEP" export "$1.h5" -o "$1-back.safetensors"
  exchange made "$1.safetensors" "$1-back.safetensors"
  # and what PyTorch says of rows of its own is what decides
  exchange probe "$1.safetensors" "$2.safetensors" "$1.json"
  "$LOCKSTEP" import "$1.safetensors" --config "$2.yaml" --corpus label.h5 --probe "$1.json" -o probed.h5 >"$1.txt"
  grep "^probe batch: the outputs differ by at most [0-9.e-]* from those in $1.json$" "$1.txt" || { cat "$1.txt" && exit 1; }
  same "$1.h5" probed.h5
}
made plain lstm-2-true
made double gru-1-true
grep -q '^converted to float32: 11 tensors of F64$' double.txt || { cat double.txt && exit 1; }
made half elman-1-true
made brain lstm-1-false
grep -q 'tensors of BF16$' brain.txt

# the second bias is added to the first, except where a gate of a GRU keeps it apart
exchange make gru-2-true.safetensors apart.safetensors
"$LOCKSTEP" inspect --config run-gru-2-true/last.h5 >apart.yaml
import=("$LOCKSTEP" import apart.safetensors --config apart.yaml --corpus label.h5 -o x.h5)
expect 64 "not zero for the gate n of a GRU: expected model.recurrent_bias: true" "${import[@]}" model.recurrent_bias=false
made added lstm-2-false
# two that fit, and which
"$python" - <<'PY'
import sys
sys.path.insert(0, __import__("os").environ["LOCKSTEP_SOURCE"] + "/tests/reference")
import exchange
tensors = exchange.read("plain.safetensors")[0]
tensors.update({name.replace("fc.", "other."): -tensor for name, tensor in tensors.items() if name.startswith("fc.")})
exchange.write("two.safetensors", tensors)
PY
two=("$LOCKSTEP" import two.safetensors --config lstm-2-true.yaml --corpus label.h5 -o two.h5)
expect 65 "2 modules fit 'output', 'fc' and others: --map output=fc says which" "${two[@]}"
"${two[@]}" --map output=fc >/dev/null
same two.h5 plain.h5
"${two[@]}" --map output=other >/dev/null
if same two.h5 plain.h5 >/dev/null; then exit 1; fi
"${two[@]}" --map output=fc --probe plain.json >/dev/null
expect 65 'plain.json: probabilities.* there and .* from the imported model' "${two[@]}" --map output=other --probe plain.json
expect 65 'does not say what model it is: give its configuration, with --config' "$LOCKSTEP" import two.safetensors -o x.h5
expect 65 'has no vocabulary: give a corpus that has it, with --corpus' "$LOCKSTEP" import two.safetensors --config lstm-2-true.yaml -o x.h5
expect 65 'nothing fits .embedding.weight. .*[0-9], 6\]' "${two[@]}" model.embedding=6
