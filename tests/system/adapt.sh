# Dynamic evaluation and the neural cache: the same figures on any number of ranks, named in what is printed, the model's
# file unchanged; what does not go together is refused.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
corpus_lines
small=(model.hidden=20 model.embedding=12 train.batch=11 eval.every=0 train.steps=60 train.schedule=constant train.rate=0.01)
train 2 lm-char.yaml run data.corpus=text.h5 "${small[@]}"
train 2 lm-line.yaml lines data.corpus=lines.h5 "${small[@]}"
model=run/last.h5
cp $model before.h5

evaluate() { # RANKS OPTION...
  local ranks=$1
  shift
  mpirun -n "$ranks" "$LOCKSTEP" eval $model text.h5 --split valid "$@"
}
perplexity() { awk '$1 == "perplexity" { print $2 }' "$1"; }
evaluate 1 --batch 1 >plain.txt
if grep -E 'dynamic|cache' plain.txt; then echo 'named although it is off' && exit 1; fi
while read -r name options <&3; do
  # shellcheck disable=SC2086
  {
    evaluate 1 $options >"$name.txt"
    evaluate 1 $options --batch 3 >"$name-lanes.txt"
    for ranks in 2 3 4; do
      evaluate $ranks $options | diff "$name.txt" -
      evaluate $ranks $options --batch 3 | diff "$name-lanes.txt" -
    done
  }
  # it learns from this text, and lanes are texts of their own
  awk -v name="$name" -v plain="$(perplexity plain.txt)" -v learnt="$(perplexity "$name.txt")" -v lanes="$(perplexity "$name-lanes.txt")" \
    'BEGIN { print name, plain, learnt, lanes; exit !(learnt < 0.97 * plain && lanes != learnt) }'
done 3<<'CASES'
sgd --dynamic sgd --dynamic-segment 20
rms --dynamic rms --dynamic-segment 20 --dynamic-rate 0.0005
cache --cache 300
both --dynamic sgd --dynamic-segment 10 --cache 300 --cache-theta 0.4 --cache-weight 0.1
CASES
cmp $model before.h5
diff sgd.txt - <<TEXT
$(head -2 plain.txt)
dynamic	sgd
dynamic_rate	0.1
dynamic_decay	0.001
dynamic_segment	20
$(sed -n '3,$p' sgd.txt | grep -v '^dynamic')
TEXT
evaluate 1 --dynamic rms --cache 300 --json >found.json
python3 - <<'PYTHON'
import json
found = json.load(open("found.json"))
names = {k: v for k, v in found.items() if k.startswith(("dynamic", "cache"))}
assert names == {"dynamic": "rms", "dynamic_rate": 0.0002, "dynamic_decay": 0.001, "dynamic_epsilon": 1, "dynamic_segment": 5,
                 "cache": 300, "cache_theta": 0.5, "cache_weight": 0.2}, names
assert type(names["cache"]) is int and type(names["dynamic_segment"]) is int, names
PYTHON

# The corpus that rms measures may be another than the one that is evaluated.
"$LOCKSTEP" prepare text --test text.txt --like $model --stream -o test.h5 >/dev/null
expect 64 'this corpus has no /train: .*--dynamic-corpus FILE' "$LOCKSTEP" eval $model test.h5 --dynamic rms
evaluate 2 --dynamic rms >its.txt
evaluate 1 --dynamic rms --dynamic-corpus text.h5 | diff its.txt -

# score: a line is known once it was read; what was learned from it holds for the next, also from a pipe
printf 'the weights of the model\nthe weights of the model\n' >twice.txt
for options in '--dynamic sgd' '--cache 50' '--dynamic rms --dynamic-corpus text.h5'; do
  # shellcheck disable=SC2086
  "$LOCKSTEP" score $model $options <twice.txt >scores.txt 2>log.txt
  awk -F '\t' '{ p[NR] = $1 } END { exit !(NR == 2 && p[2] > p[1]) }' scores.txt
  grep -q "the model learns from the lines that it reads: .*${options%% *}" <(sed 's/  / --/' log.txt)
  # shellcheck disable=SC2086
  { cat twice.txt; sleep 0.2; head -1 twice.txt; } | "$LOCKSTEP" score $model $options 2>/dev/null | head -2 | diff scores.txt -
done
"$LOCKSTEP" score $model <twice.txt 2>log.txt | uniq | awk 'END { exit NR != 1 }'
[ ! -s log.txt ]
"$LOCKSTEP" score lines/last.h5 --cache 50 <twice.txt 2>/dev/null | awk -F '\t' '{ p[NR] = $1 } END { exit !(p[2] > p[1]) }'
cmp $model before.h5

expect 64 'need a running text, but lines.h5 holds separate lines' "$LOCKSTEP" eval lines/last.h5 lines.h5 --cache 50
expect 64 'expected sgd or rms, found .adam' "$LOCKSTEP" eval $model text.h5 --dynamic adam
expect 64 'need --dynamic sgd or --dynamic rms' "$LOCKSTEP" eval $model text.h5 --dynamic-rate 0.1
expect 64 'need --cache N' "$LOCKSTEP" score $model --cache-theta 0.1
expect 64 'are for --dynamic rms' "$LOCKSTEP" score $model --dynamic sgd --dynamic-corpus text.h5
expect 64 'and none was given: .*--dynamic-corpus FILE' "$LOCKSTEP" score $model --dynamic rms
expect 65 'dynamic evaluation has diverged after .* give a lower --dynamic-rate' "$LOCKSTEP" eval $model text.h5 --dynamic sgd --dynamic-rate 1000
corpus_classify
train 1 classify-names.yaml classes data.corpus=classify.h5 "${small[@]}"
expect 64 '--dynamic and --cache are for language models, and the model.s task is classify' "$LOCKSTEP" eval classes/last.h5 classify.h5 --cache 5
