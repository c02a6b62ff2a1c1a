# Heads beside softmax: by margins, and over label sequences. Same bits on any number of ranks and after a stop; eval and
# predict answer, what a head cannot do is refused.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_label
corpus_classify
corpus_text
size=(model.hidden=20 model.embedding=12 train.batch=11 eval.every=5 train.steps=12 train.schedule=constant)
for case in label-pos:hinge classify-names:hinge label-pos:crf; do
  IFS=: read -r kind output <<<"$case"
  corpus=data.corpus=${kind%%-*}.h5
  small=(model.output="$output" "${size[@]}")
  train 1 "$kind.yaml" "$case-1" "$corpus" "${small[@]}"
  train 3 "$kind.yaml" "$case-3" "$corpus" "${small[@]}"
  same "$case-1/last.h5" "$case-3/last.h5"
  diff <(grep -o '"loss":[^,]*' "$case-1/metrics.jsonl") <(grep -o '"loss":[^,]*' "$case-3/metrics.jsonl")
  train 2 "$kind.yaml" "$case-half" "$corpus" "${small[@]}" train.steps=7
  train 3 "$kind.yaml" "$case-half" "$corpus" "${small[@]}"
  same "$case-1/last.h5" "$case-half/last.h5"
done
small=(model.output=hinge "${size[@]}")
# it learns: labels that follow from the words are found
"$LOCKSTEP" eval --json classify-names:hinge-1/last.h5 classify.h5 >before.json
train 2 classify-names.yaml learnt data.corpus=classify.h5 "${small[@]}" train.steps=150 train.rate=0.01
"$LOCKSTEP" eval --json learnt/last.h5 classify.h5 >after.json
python3 - <<'PYTHON'
import json
before, after = (json.load(open(f)) for f in ("before.json", "after.json"))
assert after["loss"] < before["loss"] and after["accuracy"] > before["accuracy"], (before, after)
PYTHON
printf 'some words\n\nhere\n' | "$LOCKSTEP" predict learnt/last.h5 >labels.txt
[ "$(wc -l <labels.txt)" = 3 ] && [ "$(sed -n 2p labels.txt)" = "" ] && [ -n "$(sed -n 3p labels.txt)" ]
scores() { echo some words | "$LOCKSTEP" predict --scores learnt/last.h5; }
expect 64 'gives no probabilities: predict without --scores' scores
# another head is another run; a language model needs probabilities
expect 64 'model.output=softmax: .* began with hinge' "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/classify-names.yaml" run.dir=learnt data.corpus=classify.h5 "${small[@]}" model.output=softmax
expect 64 'hinge gives no probabilities of single units, which a language model needs' "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/lm-char.yaml" run.dir=lm data.corpus=text.h5 model.output=hinge
expect 64 'crf is for a label for each word, and a classifier gives one a line' "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/classify-names.yaml" run.dir=sequence data.corpus=classify.h5 model.output=crf
