# Every cell, optimizer, schedule, ... that `config --describe` lists: a run that is killed and resumed on another
# number of ranks ends with the weights of an undisturbed run on one rank.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
corpus_classify
corpus_label
corpus_pairs
small="model.hidden=16 model.embedding=12 train.batch=7 train.epochs=0 train.steps=10 train.warmup=0 eval.every=4 checkpoint.every=3"

# one KEY VALUE CONFIG key=value...
one() {
  local key=$1 value=$2 config=$3 name=${1#*.}-$2
  shift 3
  # shellcheck disable=SC2086
  {
    train 1 "$config" "$name-alone" $small "$key=$value" "$@"
    if LOCKSTEP_DEBUG=kill:rank=1,step=8 train 2 "$config" "$name" $small "$key=$value" "$@"; then
      echo "$name was not killed" && exit 1
    fi
    train 3 "$config" "$name" $small "$key=$value" "$@"
  }
  grep -q 'resum' "$name.log" || { cat "$name.log"; exit 1; }
  same "$name-alone/last.h5" "$name/last.h5"
}
# each KEY CONFIG key=value...: with every value of KEY
each() {
  local key=$1 values value
  shift
  values=$(choices "$key")
  for value in $values; do one "$key" "$value" "$@"; done
}
each model.cell lm-char.yaml data.corpus=text.h5 train.unroll=9
each train.optimizer lm-char.yaml data.corpus=text.h5 train.unroll=9
each train.average lm-char.yaml data.corpus=text.h5 train.unroll=9 train.average_every=2
each train.clip_by lm-char.yaml data.corpus=text.h5 train.unroll=9 train.clip=0.01
each train.schedule lm-char.yaml data.corpus=text.h5 train.unroll=9
each train.scaling lm-char.yaml data.corpus=text.h5 train.unroll=9 train.scaling_batch=2 train.warmup=20
if same scaling-none-alone/last.h5 scaling-legw-alone/last.h5 >/dev/null; then echo 'legw changed no rate' && exit 1; fi
grep -q 'batch is 3.5 times train.scaling_batch' scaling-legw-alone.log
grep -q 'train.warmup: 20 steps, but the run ends after 10' scaling-legw-alone.log
each model.attention translate-names.yaml data.corpus=pairs.h5 model.bidirectional=false
each model.pooling classify-names.yaml data.corpus=classify.h5
outputs=$(choices model.output)
for output in $outputs; do
  if [ "$output" = adaptive ]; then # not for labels
    one model.output "$output" lm-char.yaml data.corpus=text.h5 train.unroll=9
  else
    one model.output "$output" label-words.yaml data.corpus=label.h5
  fi
done
# optimizers do differ, and do change the weights
# shellcheck disable=SC2086
train 1 lm-char.yaml less data.corpus=text.h5 train.unroll=9 $small train.optimizer=adadelta train.steps=9
if same optimizer-adadelta-alone/last.h5 less/last.h5 >/dev/null; then echo 'a step changed no weight' && exit 1; fi
if same optimizer-adam-alone/last.h5 optimizer-adadelta-alone/last.h5 >/dev/null; then echo 'optimizers do not differ' && exit 1; fi
