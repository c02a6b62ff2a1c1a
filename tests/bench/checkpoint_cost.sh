#!/bin/bash
# checkpoint_cost.sh [ROUNDS [EVERY [STEPS]]]      the time that checkpoints cost
#
# Two runs of a language model of an LSTM 2 x HIDDEN (default 256) with Adam: one saves every EVERY steps (default 50: ten
# times as often as checkpoint.every says by default), one never before its end; in turns, ROUNDS times. Compared are the
# seconds that STEPS steps (default 200; windows of 100 are logged) took, saving included; the save after the last is
# not among them. Prints each ratio, their median, and what a save cost. RANKS (default 2); LOCKSTEP names the program;
# works in a folder of its own below the current one, on the disk that is to be measured.
set -eu
rounds=${1:-3} every=${2:-50} steps=${3:-200}
source=$(cd "$(dirname "$0")/../.." && pwd)
lockstep=${LOCKSTEP:-$source/build/lockstep}
folder=$(mktemp -d checkpoint-cost.XXXXXX)
trap 'rm -rf "$folder"' EXIT
for _ in $(seq 40); do cat "$source"/*.md; done >"$folder/text.txt"
"$lockstep" prepare text "$folder/text.txt" --unit char --stream -o "$folder/text.h5" >/dev/null
# seconds_of EVERY: of all windows of 100 steps
seconds_of() {
  rm -rf "$folder/run"
  mpirun -n "${RANKS:-2}" "$lockstep" train "$source/configs/lm-char.yaml" data.corpus="$folder/text.h5" \
    run.dir="$folder/run" model.hidden="${HIDDEN:-256}" model.layers=2 train.batch=32 train.unroll=64 train.epochs=0 train.steps="$steps" \
    eval.every=1000000 checkpoint.every="$1" parallel.check_every=0 2>"$folder/log.txt" || { cat "$folder/log.txt" >&2 && exit 1; }
  grep '"kind":"train"' "$folder/run/metrics.jsonl" | sed 's/.*"seconds":\([0-9.e+-]*\).*/\1/' | awk '{ s += $1 } END { print s }'
}
for round in $(seq "$rounds"); do
  with=$(seconds_of "$every")
  saves=$(((steps - 1) / every))
  size=$(stat -Lc %s "$folder/run/last.h5")
  grep 'saved step' "$folder/log.txt" >>"$folder/saved.txt"
  without=$(seconds_of 0)
  awk -v a="$with" -v b="$without" -v n="$saves" -v r="$round" -v m="$size" \
    'BEGIN { printf "round %d: %.2f s with %d saves of %.1f MB, %.2f s without, %.3f s a save, ratio %.4f\n", r, a, n, m / 1e6, b, (a - b) / n, a / b }'
done | tee "$folder/rounds.txt"
sed 's/.*ratio //' "$folder/rounds.txt" | sort -n | awk '{ x[NR] = $1 } END {
  printf "saving every %d steps: median ratio %.4f\n", '"$every"', NR % 2 ? x[(NR + 1) / 2] : (x[NR / 2] + x[NR / 2 + 1]) / 2 }'
sed 's/.*step/step/' "$folder/saved.txt" | head -n 3
