# A learning rate that follows time has reached its end when the time is over, on any number of ranks, also after a
# kill.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
small=(data.corpus=text.h5 model.hidden=16 model.embedding=8 train.batch=8 train.unroll=8 train.rate=0.01 train.warmup=0 checkpoint.every=20
  eval.every=0)
# rates RUN: the rates of the first and the last window
rates() { grep '"kind":"train"' "$1/metrics.jsonl" | sed 's/.*"rate":\([^,}]*\).*/\1/' | sed -n '1p;$p' | paste -sd ' '; }
fell() { rates "$1" | awk '{ print; exit !(NF == 2 && $1 > 0.005 && $2 < 0.001) }'; }

# limited by minutes only; with many epochs too; killed and resumed
train 2 lm-char.yaml alone "${small[@]}" train.minutes=0.05 train.epochs=0
grep -q 'the learning rate goes by the time' alone.log
grep -q 'done at step [0-9]*: train.minutes are over' alone.log
fell alone
train 3 lm-char.yaml both "${small[@]}" train.minutes=0.05 train.epochs=1000000
fell both
if LOCKSTEP_DEBUG=kill:rank=1,step=130 train 2 lm-char.yaml killed "${small[@]}" train.minutes=0.08 train.epochs=0 \
  parallel.reduction=messages parallel.check_every=10; then echo 'rank 1 was not killed' && exit 1; fi
train 3 lm-char.yaml killed "${small[@]}" train.minutes=0.08 train.epochs=0 parallel.reduction=messages parallel.check_every=10
grep -q 'resuming from' killed.log
fell killed
# a schedule by steps without a time limit has not changed
train 2 lm-char.yaml steps "${small[@]}" train.epochs=0 train.steps=60
if grep 'goes by the time' steps.log; then exit 1; fi
train 1 lm-char.yaml again "${small[@]}" train.epochs=0 train.steps=60 train.minutes=1000 train.schedule_by=steps
same steps/last.h5 again/last.h5
