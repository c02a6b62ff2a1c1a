# The progress line: figures from the first step on, a loss that is a mean, and never "0s left".
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
# batches have one length each: some have only "aaaaa", some random digits
awk 'BEGIN { srand(1); for (i = 0; i < 200; i++) { print "aaaaa"; t = ""; for (k = 0; k < 30; k++) t = t int(10 * rand()); print t } }' >lines.txt
"$LOCKSTEP" prepare text lines.txt --unit char --valid-fraction 0.1 -o lines.h5 >prepare.txt 2>&1

# watched RANKS [SETTING...]: check every progress line of the run; with a limit of steps or epochs all show the last
# step
watched() {
  local ranks=$1
  shift
  rm -rf run
  mpirun -n "$ranks" "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/lm-char.yaml" data.corpus=lines.h5 model.hidden=16 \
    model.embedding=8 train.batch=8 train.epochs=3 train.schedule=constant log.every=0.000001 checkpoint.every=0 \
    parallel.shards=2 "$@" >out.txt 2>&1
  grep '^step ' out.txt >steps.txt
  [ "$(wc -l <steps.txt)" -gt 100 ]
  if grep -vE '^step [0-9]+/[0-9]+  epoch [0-9.]+  loss [0-9.]+  [1-9][0-9]* tokens/s  rate [0-9.e+-]+  ([1-9][0-9]*s left|[0-9]+m [0-9]+s left|nearly done)$' steps.txt; then return 1; fi
  [ "$(tail -n 1 steps.txt | grep -c 'nearly done$')" -eq 1 ]
}
watched 1
# The losses of batches differ widely; the line shows a mean of 20 or more steps, which changes little from step to
# step.
awk '{if (NR > 30 && ($6 > 1.2 * last || $6 < last / 1.2)) exit 1; last = $6}' steps.txt
watched 2 eval.every=7
# A run limited by time only shows the time left.
rm -rf run
"$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/lm-char.yaml" data.corpus=lines.h5 model.hidden=16 model.embedding=8 \
  train.batch=8 train.epochs=0 train.steps=0 train.minutes=0.05 train.schedule=constant log.every=0.1 >out.txt 2>&1
grep -qE '^step [0-9]+  epoch .*  [23]s left$' out.txt
