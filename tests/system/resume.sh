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
# nothing half-written is left over, nor what bears the number of a process that lives
touch "killed-text/checkpoints/.step-0000000221.h5.$(uname -n).$$-0.lockstep-tmp" "killed-text/.last.h5.$(uname -n).1-0.lockstep-tmp"
# shellcheck disable=SC2086
train 2 lm-char.yaml killed-text $text
[ -z "$(find . -name '*.tmp*' -o -name '.*tmp*' | head -1)" ]
