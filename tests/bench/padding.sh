#!/bin/bash
# padding.sh [ROUNDS]      the cost of sequences of unequal length
# Trains the tagger of tests/system/label-words.yaml on ud-english-ewt as it is and on the same words cut into sentences of one
# length, in turn, and prints real tokens per second and their ratio, medians over the rounds.
# LOCKSTEP=program, LOCKSTEP_DATA=folder with ud-english-ewt/, RANKS (2)
set -eu
rounds=${1:-5} ranks=${RANKS:-2} config=$(cd "$(dirname "$0")/../.." && pwd)/tests/system/label-words.yaml
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
grep -P '^\d+\t' "$LOCKSTEP_DATA/ud-english-ewt/en_ewt-ud-train.conllu" | cut -f 2,4 | tr ' ' '_' |
  awk '{ print } NR % 16 == 0 { print "" }' >"$work/even.txt"
"$LOCKSTEP" prepare label "$LOCKSTEP_DATA/ud-english-ewt/en_ewt-ud-train.conllu" -o "$work/uneven.h5" >/dev/null
"$LOCKSTEP" prepare label "$work/even.txt" --column word=0,tag=1 -o "$work/even.h5" >/dev/null

# tokens per second over steps 101 to 300
rate() {
  rm -rf "$work/run"
  mpirun -n "$ranks" "$LOCKSTEP" train "$config" data.corpus="$work/$1.h5" run.dir="$work/run" train.steps=300 checkpoint.every=0 \
    >/dev/null 2>&1
  grep '"train"' "$work/run/metrics.jsonl" | sed '1d; s/.*"tokens":\([0-9]*\),"seconds":\([0-9.]*\).*/\1 \2/' |
    awk '{ t += $1; s += $2 } END { printf "%.0f\n", t / s }'
}
for _ in $(seq "$rounds"); do
  uneven=$(rate uneven) even=$(rate even)
  awk -v a="$uneven" -v b="$even" 'BEGIN { printf "%.3f  real lengths %d tokens/s, one length %d tokens/s\n", a / b, a, b }'
done | sort -n | awk '{ print; r[NR] = $1 } END { print "median ratio " r[int((NR + 1) / 2)] " over " NR " rounds" }'
