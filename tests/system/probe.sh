# A probe that was made elsewhere: import runs its rows, tells the largest difference, and writes no model that answers
# otherwise. The probes here are those of exported files, taken apart and put together in other ways.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_lines
corpus_classify
corpus_pairs
corpus_label
"$LOCKSTEP" prepare label label.txt --valid-fraction 0.1 --feature casing -o words.h5 >/dev/null

# made NAME CONFIG CORPUS key=value...: a small model as NAME.safetensors, its probe as NAME.json
made() {
  local name=$1 config=$2 corpus=$3
  shift 3
  "$LOCKSTEP" train "$(config_of "$config.yaml")" run.dir="run-$name" data.corpus="$corpus" model.embedding=6 model.hidden=6 \
    train.batch=8 train.epochs=0 train.steps=2 train.schedule=constant train.warmup=0 model.layers=1 "$@" >"$name.log" 2>&1 || {
    cat "$name.log" && exit 1
  }
  "$LOCKSTEP" export "run-$name/last.h5" -o "$name.safetensors" >/dev/null
  probe "$name" "$name.json" ''
}
# probe NAME TO CODE: the probe of NAME.safetensors after CODE has changed the object `p`; json.dump as PyTorch's users do
probe() {
  python3 - "$1.safetensors" "$2" "$3" <<'PY'
import json, math, struct, sys
data = open(sys.argv[1], "rb").read()
(size,) = struct.unpack("<Q", data[:8])
p = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["probe"])
x, y = p["inputs"], p["outputs"]
kind = next(iter(y))


def each(change):
    """Apply to all numbers of the outputs."""
    inside = lambda v: [inside(i) for i in v] if isinstance(v, list) else v if v is None else change(v)
    y[kind] = inside(y[kind])


exec(sys.argv[3])
json.dump(p, open(sys.argv[2], "w"))
PY
}
import() { "$LOCKSTEP" import "$1.safetensors" --probe "$2" -o x.h5 "${@:3}"; }
# agrees NAME CODE: such a probe is answered alike
agrees() {
  probe "$1" changed.json "$2"
  import "$1" changed.json >said
  grep -qE '^probe batch: the outputs differ by at most [0-9.e-]+ from those in changed.json$' said || { cat said && exit 1; }
  [ -e x.h5 ]
  rm x.h5
}
# refused NAME CODE MESSAGE [ARGUMENT...]: or not
refused() {
  probe "$1" changed.json "$2"
  expect 65 "^lockstep: .*changed.json: $3" import "$1" changed.json "${@:4}"
  [ ! -e x.h5 ]
}

made lm lm-word lines.h5
made tagger label-words words.h5 model.output=softmax model.characters=lstm model.features=casing
made crf label-words words.h5 model.output=crf model.characters=none model.features=
made classes classify-names classify.h5
made margins classify-names classify.h5 model.output=hinge
made pairs translate-g2p pairs.h5
for name in lm tagger crf classes margins pairs; do
  agrees "$name" ''
  import "$name" "$name.json" | grep -q "differ by at most 0 from those in $name.json"
done

# other ways to say it: rows of their own lengths, logarithms, what is padded, what is not read
agrees lm 'del x["lengths"]; x["source"] = [row[:n] for row, n in zip(x["source"], [4, 6, 1, 5])]'
agrees lm 'y["log_probabilities"] = y.pop(kind); kind = "log_probabilities"; each(math.log)'
agrees lm 'x["source"] = [row + [10**9] for row in x["source"]]; y[kind][0][5] = "anything"'
agrees lm 'each(lambda v: None)'
agrees lm 'x["source"] = x["source"][2:]; x["lengths"] = x["lengths"][2:]; y[kind] = y[kind][2:]'
agrees tagger 'n = x.pop("character_lengths"); x["characters"] = [[w[:k] for w, k in zip(*r)] for r in zip(x["characters"], n)]'
agrees crf 'x["casing"] = "not read"'
agrees margins 'y[kind] = [row[:1] for row in y[kind]]'
agrees classes 'each(lambda v: v + 0.00002)'

# a model that answers otherwise is not written, and the place is named
refused lm 'y[kind][3][4][7] += 0.5' "probabilities\[3\]\[4\]\[7\] is 0\.5[0-9]* there and 0\.0[0-9]* from the imported model: expected a difference of at most .*--tolerance 0.0001"
refused classes 'y[kind][2][1] += 0.5' 'probabilities\[2\]\[1\] is '
refused classes 'each(lambda v: v + 0.0004)' 'probabilities'
probe classes changed.json 'each(lambda v: v + 0.0004)'
import classes changed.json --tolerance 0.01 >/dev/null
rm x.h5
refused pairs 'p["target"][0][1] += 1' 'probabilities\[0\]'
refused tagger 'x["characters"][0][0][1] ^= 1' 'probabilities\[0\]'
refused tagger 'x["casing"][0][0] ^= 1' 'probabilities\[0\]'

# what is no probe of this model
refused lm 'p = []' 'expected {"inputs": {"source"'
refused lm 'del p["inputs"]' 'expected {"inputs": {"source"'
refused lm 'del p["outputs"]' 'outputs: expected "probabilities", "log_probabilities" or "scores"'
refused lm 'x["source"] = []' 'source: a list of 0, expected 1 or more'
refused lm 'x["source"][1] = 5' 'source\[1\]: expected a list'
refused lm 'x["source"][1][3] = '"$("$LOCKSTEP" inspect lines.h5 | sed -n 's,^vocabulary *\([0-9]*\).*,\1,p')" 'source\[1\]\[3\]: expected a whole number from 0 to [0-9]*'
refused lm 'x["source"][1][3] = 2.5' 'source\[1\]\[3\]: expected a whole number'
refused lm 'x["source"][1][3] = 2**70' 'not JSON: byte [0-9]*: too big integer'
refused lm 'y[kind][0][0][0] = float("nan")' 'not JSON: byte [0-9]*: invalid token near .NaN.'
refused lm 'x["lengths"] = [4, 7, 1, 5]' 'lengths\[1\]: expected a whole number from 1 to 6'
refused lm 'x["lengths"] = [4, 6, 0, 5]' 'lengths\[2\]: expected a whole number from 1 to 6'
refused lm 'x["lengths"] = [4]' 'lengths: a list of 1, expected 4 or more'
refused lm 'x["source"] = [[4] * 5000]; x["lengths"] = [5000]' '1 row of up to 5000 steps: too much'
refused lm 'y[kind][1].pop()' 'probabilities\[1\]: a list of 5, expected 6 or more'
refused lm 'y[kind][1][2] = [0.5]' 'probabilities\[1\]\[2\]: a list of 1, expected 40 or more'
refused lm 'y[kind][1][2][3] = "much"' 'probabilities\[1\]\[2\]\[3\]: expected a number'
refused lm 'y[kind][0][0] = [0.1] * 5000' 'probabilities: 5000 for each position, but the model has'
refused margins 'y["probabilities"] = y.pop("scores")' 'outputs: expected "scores": this model computes no probabilities'
refused tagger 'del x["casing"]' 'casing: expected a list'
refused tagger 'del x["characters"]' 'characters: expected a list'
refused tagger 'x["characters"][0][1][0] = -1' 'characters\[0\]\[1\]\[0\]: expected a whole number from 0'
refused tagger 'x["character_lengths"][0][1] = 99' 'character_lengths\[0\]\[1\]: expected a whole number from 2 to 7'
refused pairs 'del p["target"]' 'target: expected a list'
refused pairs 'p["target"][0][0] = 5' 'target\[0\] begins with 5, expected [0-9]*, <sos>'
refused pairs 'x["source"][0][3] = 5' 'source\[0\] ends with 5, expected [0-9]*, <eos>'
refused crf 'x["lengths"] = {}' 'lengths: expected a list'
expect 74 "cannot read 'nowhere.json'" import lm nowhere.json
expect 64 'tolerance: expected a number from 0 to 1' import lm lm.json --tolerance 5
expect 64 'tolerance is for --probe' "$LOCKSTEP" import lm.safetensors --tolerance 0.1 -o x.h5
[ ! -e x.h5 ]

# as an editor on Windows writes it
{ printf '\357\273\277' && cat lm.json; } >mark.json
import lm mark.json | grep -q 'differ by at most .* from those in mark.json'
