# Killed anywhere and resumed on another number of ranks: the final weights are those of a run left alone.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
corpus_label

text="data.corpus=text.h5 model.hidden=24 model.embedding=12 train.batch=11 train.unroll=8 train.epochs=0 train.steps=220 checkpoint.every=7 eval.every=30"
label="data.corpus=label.h5 model.hidden=24 model.embedding=12 train.epochs=0 train.steps=150 checkpoint.every=7 eval.every=30"
# shellcheck disable=SC2086
{
  train 2 lm-char.yaml alone-text $text
  run_killed killed-text lm-char.yaml $text
  train 2 label-pos.yaml alone-label $label
  run_killed killed-label label-pos.yaml $label
}
for kind in text label; do
  same "alone-$kind/last.h5" "killed-$kind/last.h5"
  same "alone-$kind/best.h5" "killed-$kind/best.h5"
  # each step is told once, with the same figures
  diff <(grep -oE '"(kind|step|loss)":[^,]*' "alone-$kind/metrics.jsonl") <(grep -oE '"(kind|step|loss)":[^,]*' "killed-$kind/metrics.jsonl")
done
# Killed between its last save and its test: the next start has only that left to do; the one after it has nothing.
head -400 label.txt >label-test.txt
"$LOCKSTEP" prepare label label.txt --test label-test.txt --column word=0,tag=-1 --valid-fraction 0.1 -o tested.h5 >/dev/null
for steps in 24 28 29; do # the end of an epoch, a step that saves, neither
  rm -rf ended
  # shellcheck disable=SC2086
  train 2 label-pos.yaml ended ${label/label.h5/tested.h5} train.steps=$steps
  cp ended/metrics.jsonl whole.jsonl
  [ "$(grep -c '"test"' whole.jsonl)" = 1 ]
  grep -v '"test"' whole.jsonl >ended/metrics.jsonl
  train 3 label-pos.yaml ended ${label/label.h5/tested.h5} train.steps=$steps
  diff <(grep -oE '"(kind|step|loss)":[^,]*' whole.jsonl) <(grep -oE '"(kind|step|loss)":[^,]*' ended/metrics.jsonl)
  cp ended/metrics.jsonl whole.jsonl
  train 3 label-pos.yaml ended ${label/label.h5/tested.h5} train.steps=$steps
  cmp whole.jsonl ended/metrics.jsonl
  grep -q "over already (train.steps reached at step $steps)" ended.log
done
# nothing half-written is left over, nor what bears the number of a process that lives
touch "killed-text/checkpoints/.step-0000000221.h5.$(uname -n).$$-0.lockstep-tmp" "killed-text/.last.h5.$(uname -n).1-0.lockstep-tmp"
# shellcheck disable=SC2086
train 2 lm-char.yaml killed-text $text
[ -z "$(find . -name '*.tmp*' -o -name '.*tmp*' | head -1)" ]
