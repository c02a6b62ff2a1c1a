# The same bits in any number of parts, on any number of ranks, for every task; resumed with another number of them.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_all

figures() { grep -oE '"(loss|largest_state|accuracy|f1|bleu)":[^,}]*' "$1/metrics.jsonl"; }
# equal NAME: this run has the weights of NAME-1-1, and its figures of validation
equal() {
  same "${1%%-*}-1-1/last.h5" "$1/last.h5"
  diff <(figures "${1%%-*}-1-1") <(figures "$1")
}
# compare NAME CONFIG key=value...: parts and ranks against one of each. 8 shards: of 3 ranks one has but 2
compare() {
  local name=$1 config=$2 way
  shift 2
  train 1 "$config" "$name-1-1" train.steps=6 "$@"
  for way in '1 8' '2 4' '3 2'; do
    train "${way% *}" "$config" "$name-${way/ /-}" train.steps=6 train.accumulate="${way#* }" "$@"
    equal "$name-${way/ /-}"
  done
}
small="model.hidden=20 model.embedding=12 train.batch=11 eval.every=3 eval.batch=9"
# shellcheck disable=SC2086
{
  compare recipe lm-char.yaml data.corpus=text.h5 train.unroll=17 $small $recipe
  compare adaptive lm-char.yaml data.corpus=text.h5 train.unroll=17 $small model.output=adaptive \
    model.cutoffs=12,30,50 train.average=ema
  compare tied lm-line.yaml data.corpus=lines.h5 $small model.embedding=20 model.tied=true train.smoothing=0.1
  compare rows lm-line.yaml data.corpus=lines.h5 $small train.optimizer=sgd train.clip_by=value train.clip=0.001 \
    parallel.reduction=messages
  compare label label-words.yaml data.corpus=label.h5 $small model.output=crf model.characters=lstm model.variational=true
  compare classify classify-names.yaml data.corpus=classify.h5 $small
  compare pairs translate-names.yaml data.corpus=pairs.h5 $small model.embedding=20 eval.metric=bleu
}

# a gradient that is not finite, a loss spike and a kill on the way, and each start with other parts
read -ra events <<<"$small data.corpus=text.h5 train.unroll=17 train.steps=12 checkpoint.every=2 train.spike_window=2"
events+=('train.spike=rollback 2')
spoil='nan:rank=0,step=4;spike:rank=0,step=7'
LOCKSTEP_DEBUG=$spoil train 1 lm-char.yaml events-1-1 "${events[@]}"
grep -q 'the gradient is not finite' events-1-1.log
grep -q 'goes back 2 steps' events-1-1.log
LOCKSTEP_DEBUG="$spoil;kill:rank=0,step=9" train 1 lm-char.yaml events-2 train.accumulate=4 "${events[@]}" && exit 1
LOCKSTEP_DEBUG=$spoil train 2 lm-char.yaml events-2 train.accumulate=2 "${events[@]}"
grep -q 'resuming from' events-2.log
same events-1-1/last.h5 events-2/last.h5

# less memory: 4,096 rows, of training and of evaluation
memory() { grep -oE '"memory":\[[0-9]+' "$1/starts.jsonl" | tail -1 | grep -oE '[0-9]+$'; }
large="data.corpus=text.h5 model.hidden=96 model.embedding=32 train.batch=64 train.unroll=64 eval.batch=64 train.steps=1"
# shellcheck disable=SC2086
{
  train 1 lm-char.yaml whole $large
  train 1 lm-char.yaml parts $large train.accumulate=8
}
same whole/last.h5 parts/last.h5
echo "memory: $(memory whole) bytes, in 8 parts $(memory parts)"
if [ -z "${LOCKSTEP_SANITIZE:-}" ]; then # sanitizers keep freed memory
  [ $(($(memory whole) - $(memory parts))) -gt 10000000 ]
fi

# more parts than shards: refused with the setting, warned of where only a rank has fewer
expect 64 'train.accumulate=9: 9 parts of a batch that has 8 shards' "$LOCKSTEP" train "$(config_of lm-char.yaml)" \
  data.corpus=text.h5 run.dir=none train.accumulate=9
expect 64 'train.accumulate=2: 2 parts of a batch that has 1 shard:' "$LOCKSTEP" train "$(config_of lm-char.yaml)" \
  data.corpus=text.h5 run.dir=none train.accumulate=2 parallel.shards=ranks
[ ! -e none ]
grep -q 'in 4 parts' pairs-2-4.log
grep -q 'but only 2 on a rank' recipe-3-2.log && exit 1
train 3 lm-char.yaml few data.corpus=text.h5 train.steps=1 train.accumulate=4
grep -q '4 parts of a batch, but only 2 on a rank that has 2 of the 8 shards' few.log
