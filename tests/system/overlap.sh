# Gradients and new weights that hosts send each other while they compute: the bits of one rank in every kind of net, with
# parallel.overlap and without, also where steps are not finite, batches unread, runs killed and resumed on other ranks.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_all
paste lines.txt lines.txt >copies.tsv # with so many words that sections end where the head begins
"$LOCKSTEP" prepare pairs copies.tsv --unit word --valid-fraction 0.1 -o copies.h5 >/dev/null
export LOCKSTEP_TEST_SECTIONS=1 # sections as small as they can be: small nets have several, too

figures() { grep -oE '"(loss|largest_state|accuracy|f1|bleu)":[^,}]*' "$1/metrics.jsonl"; }
sent='hosts send each other gradients and new weights in [0-9]* sections'
# compare NAME CONFIG key=value...: several hosts against one rank; "late": new weights arrive only when they are waited for
compare() {
  local name=$1 config=$2 way ranks hosts overlap late run
  shift 2
  train 1 "$config" "$name" train.steps=6 "$@"
  if grep -q "$sent" "$name.log"; then echo "$name: nothing is sent there" && exit 1; fi
  for way in '2 ab true late' '2 ab false' '3 aba true' '4 abcc true late' '4 aabb true'; do
    read -r ranks hosts overlap late <<<"$way"
    run=$name-$hosts-$overlap
    if [ "$late" ]; then export LOCKSTEP_TEST_LATE=1; else unset LOCKSTEP_TEST_LATE; fi
    LOCKSTEP_TEST_HOSTS=$hosts train "$ranks" "$config" "$run" train.steps=6 parallel.overlap="$overlap" "$@"
    same "$name/last.h5" "$run/last.h5"
    diff <(figures "$name") <(figures "$run")
    if [ "$overlap" != "$(grep -q "$sent" "$run.log" && echo true || echo false)" ]; then
      echo "$run: sections where there should be none, or none" && exit 1
    fi
  done
}
small="model.hidden=40 model.embedding=28 train.batch=11 eval.every=3"
# shellcheck disable=SC2086
{
  compare text lm-char.yaml data.corpus=text.h5 train.unroll=17 $small train.average=ema model.output=adaptive \
    model.cutoffs=12,30,50
  compare recipe lm-char.yaml data.corpus=text.h5 train.unroll=17 $small $recipe
  compare rows lm-line.yaml data.corpus=lines.h5 $small train.optimizer=sgd train.rate=1 parallel.check_every=1
  compare tied lm-line.yaml data.corpus=lines.h5 $small model.embedding=40 model.tied=true
  compare label label-words.yaml data.corpus=label.h5 $small model.output=crf model.characters=lstm
  compare classify classify-names.yaml data.corpus=classify.h5 $small train.clip_by=value train.clip=0.001
  compare pairs translate-names.yaml data.corpus=pairs.h5 $small
  compare sampled translate-names.yaml data.corpus=copies.h5 $small train.sampling=1 train.rate=0.05
  compare shared translate-names.yaml data.corpus=pairs.h5 $small model.cell=gru parallel.wire=bf16
}

export LOCKSTEP_TEST_LATE=1
# a gradient that is not finite, a loss spike and kills on the way, and each start with other ranks and hosts
read -ra events <<<"$small data.corpus=lines.h5 train.steps=12 checkpoint.every=2 train.spike_window=2"
events+=('train.spike=rollback 2')
spoil='nan:rank=0,step=4;spike:rank=0,step=7'
LOCKSTEP_DEBUG=$spoil train 1 lm-line.yaml events-1 "${events[@]}"
grep -q 'the gradient is not finite' events-1.log
LOCKSTEP_TEST_HOSTS=abb LOCKSTEP_DEBUG="$spoil;kill:rank=1,step=6" train 3 lm-line.yaml events-2 "${events[@]}" && exit 1
grep -q "$sent" events-2.log
grep -q 'the gradient is not finite' events-2.log
LOCKSTEP_DEBUG="$spoil;kill:rank=0,step=10" train 1 lm-line.yaml events-2 "${events[@]}" && exit 1
LOCKSTEP_TEST_HOSTS=ab LOCKSTEP_DEBUG=$spoil train 2 lm-line.yaml events-2 "${events[@]}"
same events-1/last.h5 events-2/last.h5

# a batch in parts: its gradients are sent when they are added, new weights travel as ever
train 1 lm-line.yaml parts-1 "${events[@]}" train.steps=7
LOCKSTEP_TEST_HOSTS=ab train 2 lm-line.yaml parts-2 "${events[@]}" train.steps=7 train.accumulate=4
grep -q "$sent" parts-2.log
same parts-1/last.h5 parts-2/last.h5
