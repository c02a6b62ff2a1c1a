# Models as graphs of ONNX: nets of each kind say the same there as here, for rows of different lengths, and come back bit
# for bit. They run in an interpreter of the operators in use (onnx_run.py), and in onnxruntime where npm can install it.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_label
corpus_classify
corpus_text
corpus_pairs
awk 'BEGIN { srand(4); for (w = 0; w < 40; w++) printf "w%d %.2f %.2f %.2f\n", w, rand(), rand(), rand() }' >vectors.txt
sed 's/w7/Ab-W7/; s/w1/W1/' label.txt >cased.txt
"$LOCKSTEP" prepare label cased.txt --valid-fraction 0.1 --lower --feature casing --vectors vectors.txt -o cased.h5 >/dev/null
sed 's/\t.*//; s/ *$/ w1 w2/' label.txt | paste -sd ' ' | fold -sw 60 >words.txt
"$LOCKSTEP" prepare text words.txt --unit word --valid-fraction 0.1 --vectors vectors.txt -o words.h5 >/dev/null
awk 'BEGIN { srand(8); for (i = 0; i < 60; i++) { printf "%s\t", i % 2 ? "up" : "down"; for (n = 1 + int(6 * rand()); n; n--)
  printf "%.2f,%.2f,%.2f%s", rand(), rand() - i % 2, rand(), (n > 1 ? " " : "\n") } }' >frames.txt
"$LOCKSTEP" prepare frames frames.txt --valid-fraction 0.1 -o frames.h5 >/dev/null

# model NAME CONFIG CORPUS key=value...: train a few steps from large weights, and export
names=()
model() {
  local name=$1 config=$2 corpus=$3
  shift 3
  "$LOCKSTEP" train "$(config_of "$config.yaml")" run.dir="$name" data.corpus="$corpus.h5" \
    model.hidden=7 model.embedding=5 model.output=softmax model.features= model.characters=none model.vectors=none \
    train.batch=40 train.steps=4 train.rate=0.1 train.optimizer=adam train.schedule=constant train.warmup=0 eval.every=100 "$@" >"$name.log" 2>&1 ||
    { cat "$name.log" && return 1; }
  "$LOCKSTEP" export "$name/last.h5" -o "$name.onnx"
  if [ -e "$name.onnx" ]; then names+=("$name.onnx"); else names+=("$name.encoder.onnx"); fi
  "$LOCKSTEP" import "${names[-1]}" -o back.h5 >/dev/null
  [ "$(sha "$name/last.h5")" = "$(sha back.h5)" ]
}
one=(model.layers=1 model.bidirectional=false)
both=(model.layers=2 model.bidirectional=true)
model lstm-1 label-words label "${one[@]}"
model lstm-2 label-words label "${both[@]}" model.output=crf
model gru-1 classify-names classify "${one[@]}" model.cell=gru model.pooling=last
model gru-2 label-words label "${both[@]}" model.cell=gru model.recurrent_bias=false
model elman-1 label-words label "${one[@]}" model.cell=elman model.recurrent_bias=false
model elman-2 classify-names classify "${both[@]}" model.cell=elman model.pooling=max
model mgu-2 classify-names classify "${both[@]}" model.cell=mgu model.pooling=mean
model onehot classify-names classify model.input=onehot "${both[@]}" model.pooling=last model.output=hinge
model frames classify-names frames model.layers=1 model.bidirectional=true
model features label-words cased "${one[@]}" model.features=casing model.characters=lstm model.vectors=added
model filters label-words cased model.features=casing:embed:3 model.characters=cnn model.character_widths=3,2,4 model.vectors=frozen
model tuned label-words cased model.characters=gru model.vectors=tuned
model lm lm-char text model.layers=2 model.widths=7,9
model lm-tied lm-char text model.layers=2 model.tied=true model.embedding=7 model.cell=gru
model lm-vectors lm-word words model.layers=1 model.cell=lstm model.vectors=frozen model.tied=false model.output=adaptive model.cutoffs=5,9,20,30
model additive translate-g2p pairs model.attention=additive
model general translate-g2p pairs model.attention=general model.input_feeding=false model.tied=true model.embedding=7
model dot translate-g2p pairs model.attention=dot model.bidirectional=false model.bridge=copy model.layers=2 model.cell=gru
model capped label-words label "${both[@]}" model.cell=lstm_capped
model capped-lm lm-char text model.layers=2 model.cell=lstm_capped model.recurrent_bias=false
model capped-pairs translate-g2p pairs model.cell=lstm_capped model.layers=1
model mingru label-words label "${both[@]}" model.cell=mingru
model mingru-lm lm-char text model.layers=2 model.cell=mingru
model mingru-pairs translate-g2p pairs model.cell=mingru model.layers=1
model none translate-g2p pairs model.attention=none model.cell=elman
python3 "$LOCKSTEP_SOURCE/tests/system/onnx_run.py" "${names[@]}"

# cells that are in no table are refused, and nothing is left behind
"$LOCKSTEP" train "$(config_of lm-char.yaml)" data.corpus=text.h5 run.dir=qrnn model.hidden=7 model.embedding=5 model.cell=qrnn train.epochs=0 train.steps=2 >qrnn.log 2>&1
expect 64 'model.cell is qrnn, a cell that no operator of ONNX computes: export to safetensors' "$LOCKSTEP" export qrnn/last.h5 -o qrnn.onnx
[ ! -e qrnn.onnx ]

# in onnxruntime; without npm or a registry that it can reach, what follows is skipped
modules=$LOCKSTEP_BUILD/npm/node_modules
if [ ! -d "$modules/onnxruntime-node" ] && command -v npm >/dev/null; then
  ONNXRUNTIME_NODE_INSTALL=skip timeout 120 npm install --no-audit --no-fund --prefix "$LOCKSTEP_BUILD/npm" onnxruntime-node@1 >npm.log 2>&1 || true
fi
if [ -d "$modules/onnxruntime-node" ]; then
  # the README's program
  # shellcheck disable=SC2016 # backticks of the README
  sed -n '/^```js$/,/^```$/p' "$LOCKSTEP_SOURCE/README.md" | sed '/^```/d' >readme.js
  cp lstm-1.onnx tagger.onnx
  NODE_PATH=$modules node readme.js | grep -qx '\[ 2, 3, 3 \]'
  NODE_PATH=$modules node "$LOCKSTEP_SOURCE/tests/system/onnx_run.js" "${names[@]}"
else
  echo "onnxruntime was skipped: npm cannot install onnxruntime-node here"
fi
