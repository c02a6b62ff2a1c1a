# Heads beside softmax: by margins, over label sequences, adaptive. Same bits on any number of ranks and after a stop; eval
# and predict answer, what a head cannot do is refused.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_label
corpus_classify
corpus_text
size=(model.hidden=20 model.embedding=12 train.batch=11 eval.every=5 train.steps=12 train.schedule=constant)
corpus_pairs
ln -s text.h5 lm.h5
ln -s pairs.h5 translate.h5
for case in label-words:hinge classify-names:hinge label-words:crf lm-char:adaptive translate-g2p:adaptive; do
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
# Adaptive: what generate, score and beam search say agrees with the probabilities of eval
small=(model.output=adaptive "${size[@]}" train.steps=150 train.rate=0.01)
train 2 translate-g2p.yaml reversed data.corpus=pairs.h5 "${small[@]}" model.cutoffs=6,9
cut -f1 pairs.tsv | head -40 | "$LOCKSTEP" predict reversed/last.h5 --beam 3 --scores >beams.txt
paste <(cut -f1 pairs.tsv | head -40) <(cut -f1 beams.txt) | "$LOCKSTEP" score reversed/last.h5 | paste beams.txt - |
  awk -F '\t' '{ d = $2 - $3; if (d < 0) d = -d; if (d > 1e-4) { print; exit 1 } n++ } END { exit n != 40 }'
train 2 lm-char.yaml wrote data.corpus=text.h5 "${small[@]}" model.cutoffs=12,30
"$LOCKSTEP" generate wrote/last.h5 --length 60 --temperature 0 --prompt 'the ' >written.txt
[ "$(wc -c <written.txt)" -ge 60 ]
"$LOCKSTEP" eval wrote/last.h5 text.h5 --batch 1 --json >plain.json
"$LOCKSTEP" eval wrote/last.h5 text.h5 --cache 100 --cache-weight 0 --json >mixed.json
python3 - <<'PYTHON'
import json
plain, mixed = (json.load(open(f))["loss"] for f in ("plain.json", "mixed.json"))
assert abs(plain - mixed) < 1e-6 and plain < 3.5, (plain, mixed)
PYTHON
# its tensors suit no other vocabulary, also of the same size
tr abcdefgh hgfedcba <text.txt >other.txt
"$LOCKSTEP" prepare text other.txt --unit char --stream --valid-fraction 0.1 -o other.h5 >/dev/null
train 1 lm-char.yaml again data.corpus=text.h5 "${small[@]}" model.cutoffs=12,30 train.steps=1 init.from=wrote/last.h5
train 1 lm-char.yaml other data.corpus=other.h5 "${small[@]}" model.cutoffs=12,30 train.steps=1 init.from=wrote/last.h5
if grep 'of other outputs' again/log.txt; then exit 1; fi
grep -q 'output.common.weight (of other outputs or inputs), .*output.tail.0.output.weight' other/log.txt
lm() { "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/lm-char.yaml" run.dir=refused data.corpus=text.h5 model.output=adaptive "$@"; }
expect 64 'model.cutoffs=12,12: expected up to 4 rising whole numbers from 1 to [0-9]*, found .12,12.' lm model.cutoffs=12,12
expect 64 "found '12,x'" lm model.cutoffs=12,x
expect 64 "found '9999'" lm model.cutoffs=9999
expect 64 'model.tied=true: an adaptive softmax has no weight of the embedding.s shape' lm model.tied=true model.hidden=12 model.embedding=12
expect 64 'adaptive is for language models and translators' "$LOCKSTEP" train "$LOCKSTEP_SOURCE/tests/system/label-words.yaml" run.dir=refused data.corpus=label.h5 model.output=adaptive
