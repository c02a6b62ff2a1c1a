# Files with a flipped bit, or cut short, are refused: all 1,000 by the library, by the program with exit code 65, and a
# run falls back to the previous checkpoint with a warning.
#   flips.sh [COUNT [SEED]]
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
count=${1:-1000} seed=${2:-1}
corpus_lines
corpus_label
small=("$LOCKSTEP_SOURCE/configs/lm-line.yaml" data.corpus=lines.h5 model.hidden=24 model.embedding=16 train.batch=8 train.epochs=0
  train.steps=8 eval.every=1000 checkpoint.every=2)
go() { mpirun -n "$1" "$LOCKSTEP" train "${small[@]}" run.dir="$2"; }
go 2 alone >alone.log 2>&1
for file in alone/checkpoints/step-0000000008.h5 lines.h5 label.h5; do
  "$LOCKSTEP_BUILD/tests/fault_flips" "$file" "$count" "$seed"
done

# by the program: as an argument, and as a run's newest checkpoint
flip() { # FILE NUMBER: a bit that depends on the number
  local size at byte
  size=$(stat -c %s "$1")
  at=$(((size * ($2 - 1) / 25 + $2 * 7919) % size))
  byte=$(od -An -tu1 -j "$at" -N 1 "$1")
  # shellcheck disable=SC2059
  printf "\\x$(printf %02x $((byte ^ (1 << ($2 % 8)))))" | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}
refused=0
for i in $(seq 25); do
  for file in alone/checkpoints/step-0000000008.h5 lines.h5; do
    cp "$file" flipped.h5 && flip flipped.h5 "$i"
    if cmp "$file" flipped.h5; then echo 'no bit was flipped' && exit 1; fi
    expect 65 'flipped.h5' "$LOCKSTEP" verify flipped.h5
    [ "$(wc -l <err.txt)" -eq 1 ]
    refused=$((refused + 1))
  done
done
echo "lockstep verify: $refused of $refused refused with exit code 65"
expect 65 'flipped.h5' "$LOCKSTEP" train "${small[@]}" data.corpus=flipped.h5 run.dir=none
for i in 1 2 3 4; do
  rm -rf run && cp -a alone run
  flip run/checkpoints/step-0000000008.h5 "$i"
  if [ "$i" -eq 4 ]; then truncate -s 5000 run/checkpoints/step-0000000006.h5; fi
  expect 65 . "$LOCKSTEP" eval run/last.h5 lines.h5
  expect 0 "a damaged checkpoint is passed over: run/checkpoints/step-0000000008.h5" go $((1 + i % 3)) run
  if [ "$i" -eq 4 ]; then
    grep -q 'resuming from run/checkpoints/step-0000000004.h5' err.txt
  else
    grep -q 'resuming from run/checkpoints/step-0000000006.h5' err.txt
  fi
  same alone/last.h5 run/last.h5
done
echo "4 of 4 runs fell back and ended with the same weights"
