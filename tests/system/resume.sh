# Killed anywhere and resumed on another number of ranks: the final weights are those of a run left alone.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
corpus_label

# run_killed NAME CONFIG key=value...: start on R ranks, SIGKILL all of it after a while, go on with another R, to the end
run_killed() {
  local name=$1 config=$2 kills=0 ranks job
  shift 2
  for ranks in 2 3 1 4 2; do
    mpirun -n "$ranks" "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/$config" run.dir="$PWD/$name" "$@" >>"$name.log" 2>&1 &
    job=$!
    for _ in $(seq 100); do
      # killed once it has made checkpoints beyond those of the last round
      if [ "$(find "$name/checkpoints" -name 'step-*.h5' 2>/dev/null | sort | tail -1)" != "${newest:-}" ]; then break; fi
      kill -0 "$job" 2>/dev/null || break
      sleep 0.05
    done
    newest=$(find "$name/checkpoints" -name 'step-*.h5' 2>/dev/null | sort | tail -1)
    # the ranks first: a rank that outlives mpirun might still write
    pids=$(pgrep -f "train .*run.dir=$PWD/$name" || true)
    # shellcheck disable=SC2086
    if [ -n "$pids" ]; then kill -KILL $pids 2>/dev/null && kills=$((kills + 1)); fi
    wait "$job" 2>/dev/null || true
  done
  train 3 "$config" "$name" "$@"
  echo "$name: $kills kills"
  [ "$kills" -ge 2 ]
}

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
