# Models to safetensors and back: the same weights and answers for every kind of net, and the same file again; what a file
# or a user gets wrong is one line. What PyTorch makes of such files is in exchange_torch.sh.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
corpus_lines
corpus_classify
corpus_pairs
awk 'BEGIN { srand(5); for (w = 0; w < 60; w++) { printf "w%d", w; for (i = 0; i < 5; i++) printf " %.3f", rand(); print "" } }' >plain.vec
corpus_label
"$LOCKSTEP" prepare label label.txt --valid-fraction 0.1 --feature casing --vectors plain.vec -o words.h5 >/dev/null
awk 'BEGIN { srand(9); for (i = 0; i < 60; i++) { printf "c%d\t", i % 2; for (n = 1 + int(5 * rand()); n; n--)
  printf "%.3f,%.3f%s", rand() - i % 2, rand(), (n > 1 ? " " : "\n") } }' >frames.tsv
"$LOCKSTEP" prepare frames frames.tsv --valid-fraction 0.1 -o frames.h5 >/dev/null

# made NAME CONFIG CORPUS key=value...: a small model NAME.h5
made() {
  local name=$1 config=$2 corpus=$3
  shift 3
  "$LOCKSTEP" train "$(config_of "$config.yaml")" run.dir="run-$name" data.corpus="$corpus" model.embedding=6 model.hidden=7 \
    train.batch=8 train.epochs=0 train.steps=2 train.schedule=constant train.warmup=0 model.layers=1 "$@" >"$name.log" 2>&1 || {
    cat "$name.log" && exit 1
  }
  cp "$(readlink -f "run-$name/last.h5")" "$name.h5"
}
# back NAME INPUT COMMAND...: NAME.h5 to a file and back has the same weights and answers, and gives the same file
back() {
  local name=$1 input=$2
  shift 2
  "$LOCKSTEP" export "$name.h5" -o "$name.safetensors" >/dev/null
  "$LOCKSTEP" import "$name.safetensors" -o "$name-2.h5" >"$name.txt"
  grep -q '^probe batch: the outputs differ by at most 0 from' "$name.txt" || { cat "$name.txt" && exit 1; }
  same "$name.h5" "$name-2.h5"
  "$LOCKSTEP" export "$name-2.h5" -o "$name-2.safetensors" >/dev/null
  cmp "$name.safetensors" "$name-2.safetensors"
  [ "$(wc -l <"$name.txt")" -eq 2 ] || { echo "$name: more was said" && cat "$name.txt" && exit 1; }
  "$LOCKSTEP" "$1" "$name.h5" "${@:2}" <"$input" >answers 2>/dev/null
  "$LOCKSTEP" "$1" "$name-2.h5" "${@:2}" <"$input" 2>/dev/null | cmp - answers
  [ -s answers ]
}
head -3 lines.txt >some-lines
printf 'abcab\nccb\n' >some-classes
printf 'w1 w22 W3\nw9 zz\n' >some-words
printf 'a b c\nd\n' >some-pairs
printf '0.5,-1\n0.1,0.2 0.3,0.4\n' >some-frames

made m-lm lm-char text.h5 model.layers=2 model.input=embed model.tied=true model.hidden=6
back m-lm some-lines score
made m-onehot lm-char text.h5 model.input=onehot model.cell=gru model.recurrent_bias=false
back m-onehot some-lines score
made m-adaptive lm-word lines.h5 model.output=adaptive model.tied=false model.cell=mgu
back m-adaptive some-lines score
made m-widths lm-word lines.h5 model.layers=2 model.widths=8,6 model.tied=true model.cell=lstm_capped
back m-widths some-lines score
made m-classes classify-names classify.h5 model.cell=elman model.bidirectional=true model.layers=2
back m-classes some-classes predict --scores
made m-margins classify-names classify.h5 model.output=hinge
back m-margins some-classes predict
made m-crf label-words words.h5 model.output=crf model.bidirectional=true model.features=casing:embed:3 model.characters=lstm
back m-crf some-words predict --scores
made m-filters label-words words.h5 model.characters=cnn model.character_widths=2,3 model.vectors=added model.features=casing
back m-filters some-words predict --scores
made m-frozen label-words words.h5 model.vectors=frozen model.characters=none
back m-frozen some-words predict --scores
made m-tuned label-words words.h5 model.vectors=tuned model.characters=none
back m-tuned some-words predict --scores
made m-frames classify-frames frames.h5
back m-frames some-frames predict --scores
made m-pairs translate-g2p pairs.h5 model.bidirectional=true model.attention=additive model.input_feeding=true
back m-pairs some-pairs predict --scores
made m-shared translate-text pairs.h5 model.shared_embedding=false model.attention=dot model.bidirectional=false model.tied=true model.hidden=6
back m-shared some-pairs predict --scores

# its own names: PyTorch's modules
names() {
  python3 -c 'import json, struct, sys
data = open(sys.argv[1], "rb").read()
print(*sorted(json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])))' "$1"
}
[ "$(names m-classes.safetensors)" = "$(echo __metadata__ embedding.weight output.{bias,weight} \
  rnn.{bias_hh,bias_ih,weight_hh,weight_ih}_l{0,1}{,_reverse} | tr ' ' '\n' | LC_ALL=C sort | paste -sd ' ')" ]
names m-crf.safetensors | grep -q 'characters.rnn.weight_ih_l0_reverse crf.end_transitions crf.start_transitions crf.transitions'
names m-filters.safetensors | grep -q 'characters.conv.0.bias characters.conv.0.weight characters.conv.1.bias'
names m-adaptive.safetensors | grep -q 'output.tail.0.0.weight output.tail.0.1.weight .*rnn.0.forward.bias_hh'

# a configuration and settings of the user's own; a corpus for the vocabulary
"$LOCKSTEP" inspect --config m-classes.h5 >classes.yaml
"$LOCKSTEP" import m-classes.safetensors --config classes.yaml --corpus classify.h5 -o other.h5 >/dev/null
same m-classes.h5 other.h5
"$LOCKSTEP" import m-classes.safetensors train.rate=0.5 -o other.h5 >/dev/null
"$LOCKSTEP" inspect --config other.h5 | grep -q 'rate: 0.5$'

# mistakes
expect 64 'its name does not say the format: expected .safetensors' "$LOCKSTEP" export m-lm.h5 -o lm.bin
"$LOCKSTEP" export m-lm.h5 --format safetensors -o lm.bin >said
grep -qxE "lm.bin: $(stat -c %s lm.bin) bytes, a model for the task lm with [0-9]+ parameters, as safetensors" said || { cat said && exit 1; }
expect 64 '^lockstep: --format: expected one of safetensors' "$LOCKSTEP" import lm.bin --format torch -o x.h5
expect 65 "rnn.weight_ih_l0. \[28, 6\]: .rnn.weight_ih_l0. has the shape \[7, 6\], the configuration needs \[28, 6\]" "$LOCKSTEP" import m-classes.safetensors model.cell=lstm -o x.h5
expect 65 "the configuration has nothing for 'rnn.weight_ih_l1" "$LOCKSTEP" import m-classes.safetensors model.layers=1 -o x.h5
expect 65 "it has no tensor 'weight_ih_l2'" "$LOCKSTEP" import m-classes.safetensors model.layers=3 -o x.h5
expect 65 "no tensor is called 'transitions'.*--map" "$LOCKSTEP" import m-frozen.safetensors model.output=crf -o x.h5
expect 64 "has neither a tensor nor a module 'nothing'" "$LOCKSTEP" import m-classes.safetensors --map nothing=rnn -o x.h5
expect 65 'map rnn=output: it does not fit' "$LOCKSTEP" import m-classes.safetensors --map rnn=output -o x.h5
expect 65 'no safetensors file' "$LOCKSTEP" import label.txt --format safetensors -o x.h5
expect 74 'cannot open .: it is a folder' "$LOCKSTEP" import . --format safetensors -o x.h5
expect 74 'nowhere' "$LOCKSTEP" import m-lm.safetensors -o nowhere/x.h5
[ ! -e x.h5 ]

# headers that do not fit the file
headers() {
  python3 - "$1" <<'PY'
import json, struct, sys
made = {
    "overlap": ({"a": ["U8", [4], [0, 4]], "b": ["U8", [4], [2, 6]]}, 6),
    "gap": ({"a": ["U8", [4], [0, 4]], "b": ["U8", [4], [5, 9]]}, 9),
    "more": ({"a": ["U8", [4], [0, 4]]}, 9),
    "shape": ({"a": ["F32", [4], [0, 4]]}, 4),
    "huge": ({"a": ["F64", [2**61, 4], [0, 8]]}, 8),
    "dtype": ({"a": ["F128", [1], [0, 16]]}, 16),
}
header, size = made[sys.argv[1]]
text = json.dumps({name: dict(zip(("dtype", "shape", "data_offsets"), entry)) for name, entry in header.items()}).encode()
open(sys.argv[1] + ".safetensors", "wb").write(struct.pack("<Q", len(text)) + text + bytes(size))
PY
}
for case in overlap:'it overlaps another one' gap:'there is a gap before it' more:'4 bytes, but the file has 9' \
  shape:'its shape needs another number of bytes' huge:'larger than any file' dtype:'its dtype is not one'; do
  headers "${case%%:*}"
  expect 65 "${case#*:}" "$LOCKSTEP" import "${case%%:*}.safetensors" -o x.h5
done

# BIOES tags that are filed in another scheme stay what they are
printf 'a\tB-X\nb\tI-X\nc\tO\n\na\tB-X\nc\tO\n\nb\tB-Y\nc\tB-X\n' >spans.txt
"$LOCKSTEP" prepare label spans.txt --tags bioes -o spans.h5 >/dev/null 2>&1
made m-spans label-words spans.h5 model.output=crf
back m-spans some-words predict

# edited files: accepted or refused, within limits; thousands of them by hand (exchange_edits.py)
"$LOCKSTEP" export m-crf.h5 -o m-crf.onnx
for file in m-crf.safetensors m-crf.onnx; do
  python3 "$LOCKSTEP_SOURCE/tests/system/exchange_edits.py" "$LOCKSTEP" "$file" "${EDITS:-40}"
done
