# Gradients and new weights of two bytes between hosts: bits of their own, the same for any number of ranks, hosts and
# parts, in every kind of net; killed and resumed on others; steps that are not finite are skipped alike.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
corpus_lines
corpus_label
corpus_pairs

figures() { grep -oE '"(loss|largest_state|accuracy|f1|bleu)":[^,}]*' "$1/metrics.jsonl"; }
loss() { grep -oE '"loss":[^,}]*' "$1/metrics.jsonl" | tail -1 | cut -d: -f2; }
# compare NAME CONFIG key=value...: several hosts against one rank; 8 shards
compare() {
  local name=$1 config=$2 way ranks hosts parts
  shift 2
  train 1 "$config" "$name" train.steps=8 parallel.wire=bf16 "$@"
  for way in '2 ab 1' '3 aba 2' '4 abcc 1'; do
    read -r ranks hosts parts <<<"$way"
    LOCKSTEP_TEST_HOSTS=$hosts train "$ranks" "$config" "$name-$hosts" train.steps=8 parallel.wire=bf16 \
      train.accumulate="$parts" "$@"
    same "$name/last.h5" "$name-$hosts/last.h5"
    diff <(figures "$name") <(figures "$name-$hosts")
  done
  train 1 "$config" "$name-whole" train.steps=8 "$@"
  if same "$name/last.h5" "$name-whole/last.h5" >/dev/null; then echo "$name: nothing was rounded" && exit 1; fi
  awk -v a="$(loss "$name")" -v b="$(loss "$name-whole")" 'BEGIN { d = a / b - 1; exit !(d > -0.02 && d < 0.02) }' ||
    { echo "$name: loss $(loss "$name"), without rounding $(loss "$name-whole")"; exit 1; }
}
small="model.hidden=20 model.embedding=12 train.batch=11 eval.every=3"
# shellcheck disable=SC2086
{
  compare recipe lm-char.yaml data.corpus=text.h5 train.unroll=17 $small $recipe
  compare average lm-char.yaml data.corpus=text.h5 train.unroll=17 $small train.average=ema model.output=adaptive \
    model.cutoffs=12,30,50
  compare rows lm-line.yaml data.corpus=lines.h5 $small train.optimizer=sgd train.rate=1
  compare tied lm-line.yaml data.corpus=lines.h5 $small model.embedding=20 model.tied=true
  compare label label-words.yaml data.corpus=label.h5 $small model.output=crf model.characters=lstm
  compare pairs translate-names.yaml data.corpus=pairs.h5 $small model.embedding=20
}
grep -q 'rounded to bfloat16' recipe-ab.log
grep -q 'rounded to bfloat16' recipe-whole.log && exit 1

# the weights that the shared ones follow are in every checkpoint, and evaluation is of the shared ones
h5ls -r recipe/last.h5 | grep -q '^/optimizer/master/rnn/0/forward/weight_hh .*{'
h5ls -r recipe-whole/last.h5 | grep -q '/master' && exit 1
values() { h5dump -g "$2" -y -w 1 -m %.9g "$1" | grep -E '^ *-?[0-9]' | tr -d ' ,'; }
paste <(values recipe/last.h5 /model) <(values recipe/last.h5 /optimizer/master) |
  awk '{ d = $1 - $2; d = d < 0 ? -d : d; if (d > 0) n++; if (d > most) most = d } END {
    print NR " weights, " n " apart, by " most " at most"; exit !(NR > 1000 && n > NR / 2 && most < 1e-4) }'

# a gradient that is not finite, a loss spike and kills on the way, and each start with other ranks and hosts
for optimizer in adam sgd; do
  read -ra events <<<"$small data.corpus=lines.h5 train.steps=12 checkpoint.every=2 train.spike_window=2"
  events+=('train.spike=rollback 2' parallel.wire=bf16 "train.optimizer=$optimizer")
  spoil='nan:rank=0,step=4;spike:rank=0,step=7'
  LOCKSTEP_DEBUG=$spoil train 1 lm-line.yaml "$optimizer-1" "${events[@]}"
  grep -q 'the gradient is not finite' "$optimizer-1.log"
  grep -q 'goes back 2 steps' "$optimizer-1.log"
  LOCKSTEP_TEST_HOSTS=abb LOCKSTEP_DEBUG="$spoil;kill:rank=1,step=6" train 3 lm-line.yaml "$optimizer-2" \
    train.accumulate=2 "${events[@]}" && exit 1
  LOCKSTEP_DEBUG="$spoil;kill:rank=0,step=10" train 1 lm-line.yaml "$optimizer-2" "${events[@]}" && exit 1
  LOCKSTEP_TEST_HOSTS=ab LOCKSTEP_DEBUG=$spoil train 2 lm-line.yaml "$optimizer-2" "${events[@]}"
  [ "$(grep -c 'resuming from' "$optimizer-2.log")" -ge 1 ]
  same "$optimizer-1/last.h5" "$optimizer-2/last.h5"
done

# a run that starts from a model follows its weights
read -ra from <<<"$small data.corpus=text.h5 train.steps=3 model.output=adaptive model.cutoffs=12,30,50 parallel.wire=bf16"
train 1 lm-char.yaml from init.from=average/last.h5 "${from[@]}"
LOCKSTEP_TEST_HOSTS=ab train 2 lm-char.yaml from-ab init.from=average/last.h5 "${from[@]}"
same from/last.h5 from-ab/last.h5

expect 64 'parallel.wire' "$LOCKSTEP" train "$(config_of lm-char.yaml)" data.corpus=text.h5 run.dir=none parallel.wire=fp16
[ ! -e none ]
