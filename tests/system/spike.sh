# A loss spike is handled as train.spike says, the same on any number of ranks and when the run is killed on the way; a
# skipped step does not count for Adam's bias corrections.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
small=(data.corpus=text.h5 model.hidden=16 model.embedding=8 train.batch=8 train.unroll=8 train.epochs=0 train.steps=45
  eval.every=15 checkpoint.every=5 train.spike_window=10)
# spiked FAULTS RANKS RUN key=value ...
spiked() {
  local faults=$1
  shift
  LOCKSTEP_DEBUG=$faults train "$1" lm-char.yaml "$2" "${small[@]}" "${@:3}"
}
said() { grep -q -- "$2" "$1.log" || { echo "$1: expected '$2'" && cat "$1.log" && return 1; }; }
# attribute FILE NAME: an integer of /state
attribute() { h5dump -a "/state/$2" "$1" | sed -n 's/.*(0): //p'; }

# The same for any R. "off" ignores the spike; the policies have results that differ from that and from each other.
spiked spike:rank=0,step=30 1 off train.spike=off
for ranks in 1 3; do
  spiked spike:rank=0,step=30 $ranks "skip-$ranks" train.spike=skip
  said "skip-$ranks" 'step 30: the loss .* is a spike, .*: the update is skipped on all ranks'
  same skip-1/last.h5 "skip-$ranks/last.h5"
  spiked spike:rank=0,step=30 $ranks "back-$ranks" 'train.spike=rollback 7'
  said "back-$ranks" 'step 30: the loss .* is a spike, .*: the run goes back 7 steps'
  same back-1/last.h5 "back-$ranks/last.h5"
done
[ "$(for run in off skip-1 back-1; do sha $run/last.h5; done | sort -u | wc -l)" -eq 3 ]
# 29 steps, back to 22, on to 45: batches 23 to 30 have no effect on the model
[ "$(attribute skip-1/last.h5 updates)" -eq 44 ]
[ "$(attribute back-1/last.h5 updates)" -eq 45 ]
[ "$(attribute back-1/last.h5 step)" -eq 45 ]
[ "$(attribute back-1/last.h5 rollbacks)" -eq 0 ]

# Killed before the spike, while steps are repeated, and after them; with checkpoints at other steps.
kills=0
for when in 29 22 34 ''; do
  spiked "spike:rank=0,step=30${when:+;kill:rank=0,step=$when}" 2 torn 'train.spike=rollback 7' || kills=$((kills + 1))
done
[ "$kills" -eq 3 ]
same back-1/last.h5 torn/last.h5
diff <(grep -oE '"(kind|step|loss)":[^,]*' back-1/metrics.jsonl) <(grep -oE '"(kind|step|loss)":[^,]*' torn/metrics.jsonl)
spiked spike:rank=0,step=30 1 seldom 'train.spike=rollback 7' checkpoint.every=0 checkpoint.minutes=0.001
same back-1/last.h5 seldom/last.h5
spiked spike:rank=0,step=30 1 never 'train.spike=rollback 7' checkpoint.every=0
same back-1/last.h5 never/last.h5

# One spike after the other: as often as train.max_skips allows.
faults='spike:rank=0,step=30;spike:rank=0,step=31;spike:rank=0,step=32'
spiked "$faults" 1 row-1 'train.spike=rollback 7'
spiked "$faults" 3 row-3 'train.spike=rollback 7'
said row-1 'step 16: the loss .* is a spike'
same row-1/last.h5 row-3/last.h5
config=$LOCKSTEP_SOURCE/configs/lm-char.yaml
for policy in skip 'rollback 7'; do
  expect 70 '3 steps in a row were not applied, the last for its loss' env "LOCKSTEP_DEBUG=$faults" mpirun -n 2 "$LOCKSTEP" \
    train "$config" "${small[@]}" run.dir="many-${policy% *}" "train.spike=$policy" train.max_skips=3
done
# train.spike set after the run began, with no checkpoint to go back to: the steps are skipped and counted.
train 1 lm-char.yaml late "${small[@]}" train.steps=29 checkpoint.keep=1 train.spike=skip
expect 70 'to go back to: the step is skipped' env "LOCKSTEP_DEBUG=$faults" "$LOCKSTEP" train "$config" "${small[@]}" run.dir=late \
  'train.spike=rollback 20' train.max_skips=3 checkpoint.keep=1
grep -q '3 steps in a row were not applied, the last for its loss' err.txt
# No checkpoints are made while steps are skipped, so that they do not displace good ones.
expect 70 '3 steps in a row had a gradient that is not finite' env 'LOCKSTEP_DEBUG=nan:rank=0,step=31;nan:rank=0,step=32;nan:rank=0,step=33' \
  "$LOCKSTEP" train "$config" "${small[@]}" run.dir=kept checkpoint.every=1 checkpoint.keep=2 eval.every=1000 train.max_skips=3
kept=$(cd kept/checkpoints && echo step-*)
[ "$kept" = 'step-0000000029.h5 step-0000000030.h5' ] || { echo "skipped steps were saved: $kept" && exit 1; }
expect 64 "train.spike=rollback: expected off, skip or rollback" "$LOCKSTEP" train "$config" data.corpus=text.h5 run.dir=bad train.spike=rollback

# Adam's first update changes nearly all weights by the rate, and none by more, whatever was skipped before it.
for steps in 1 2; do
  LOCKSTEP_DEBUG=nan:rank=0,step=1 train 2 lm-char.yaml adam-$steps "${small[@]}" train.optimizer=adam train.rate=0.01 \
    train.schedule=constant train.warmup=0 train.steps=$steps checkpoint.every=1
done
[ "$(attribute adam-2/last.h5 updates)" -eq 1 ]
dump() { h5dump -d /model/output/bias -y -w 1 -m %.9g "adam-$1/last.h5" | grep -E '^ *-?[0-9]'; }
paste <(dump 1) <(dump 2) | tr -d , | awk '{ d = $2 - $1; if (d < 0) d = -d; if (d > most) most = d } END {
  print "largest first update", most; exit !(NR > 5 && most > 0.00999 && most < 0.01001) }'
