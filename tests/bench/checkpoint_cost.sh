#!/bin/bash
# checkpoint_cost.sh [ROUNDS [EVERY [STEPS]]]      what saving costs training
#
# Two runs of a language model of an LSTM 2 x 512, 4.4 million parameters with Adam's moments, 53 MB a checkpoint: one saves
# every EVERY steps, one never before its end; in turns, ROUNDS times. Compared are the seconds that STEPS steps took, saving
# included. Prints each ratio and the median. RANKS (default 2); LOCKSTEP names the program; works in a folder of its own
# below the current one, on the disk that is to be measured.
set -eu
rounds=${1:-3} every=${2:-100} steps=${3:-300}
source=$(cd "$(dirname "$0")/../.." && pwd)
lockstep=${LOCKSTEP:-$source/build/lockstep}
folder=$(mktemp -d checkpoint-cost.XXXXXX)
trap 'rm -rf "$folder"' EXIT
for _ in $(seq 40); do cat "$source"/*.md; done >"$folder/text.txt"
"$lockstep" prepare text "$folder/text.txt" --unit char --stream -o "$folder/text.h5" >/dev/null
# seconds_of EVERY: of all windows of 100 steps
seconds_of() {
  rm -rf "$folder/run"
  mpirun --oversubscribe -n "${RANKS:-2}" "$lockstep" train "$source/configs/lm-char.yaml" data.corpus="$folder/text.h5" \
    run.dir="$folder/run" model.hidden=512 model.layers=2 train.batch=32 train.unroll=64 train.epochs=0 train.steps="$steps" \
    eval.every=1000000 checkpoint.every="$1" parallel.check_every=0 2>"$folder/log.txt" || { cat "$folder/log.txt" >&2 && exit 1; }
  grep '"kind":"train"' "$folder/run/metrics.jsonl" | sed 's/.*"seconds":\([0-9.e+-]*\).*/\1/' | awk '{ s += $1 } END { print s }'
}
for round in $(seq "$rounds"); do
  with=$(seconds_of "$every")
  saves=$(grep -c 'saved step' "$folder/log.txt")
  grep 'saved step' "$folder/log.txt" | head -n 2 >&2
  without=$(seconds_of 0)
  awk -v a="$with" -v b="$without" -v n="$saves" -v r="$round" \
    'BEGIN { printf "round %d: %.2f s with %d saves, %.2f s without, ratio %.4f\n", r, a, n, b, a / b }'
done | tee "$folder/rounds.txt"
sed 's/.*ratio //' "$folder/rounds.txt" | sort -n | awk '{ x[NR] = $1 } END {
  printf "saving every %d steps: median ratio %.4f\n", '"$every"', NR % 2 ? x[(NR + 1) / 2] : (x[NR / 2] + x[NR / 2 + 1]) / 2 }'
