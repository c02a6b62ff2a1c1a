# The gradient is limited as train.clip_by says: one step of plain gradient descent at rate 1, minus the weights before.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
small=(data.corpus=text.h5 model.hidden=20 model.embedding=12 train.batch=11 train.unroll=17 train.epochs=0 train.steps=1
  train.optimizer=sgd train.warmup=0 train.schedule=constant)
values() { h5dump -g /model -y -w 1 -m %.9g "$1/last.h5" | grep -E '^ *-?[0-9]' | tr -d ' ,'; }
train 1 lm-char.yaml before "${small[@]}" train.rate=0
values before >before.txt
# gradient WAY LIMIT: the norm of the gradient that was applied, its largest number, and how many numbers have that size
gradient() {
  train 3 lm-char.yaml "$1-$2" "${small[@]}" train.rate=1 train.clip_by="$1" train.clip="$2"
  train 1 lm-char.yaml "$1-$2-1" "${small[@]}" train.rate=1 train.clip_by="$1" train.clip="$2"
  same "$1-$2/last.h5" "$1-$2-1/last.h5" >&2
  values "$1-$2" | paste - before.txt | awk '{ d = $1 - $2; if (d < 0) d = -d; square += d * d; size[n++] = d; if (d > most) most = d }
    END { for (i = 0; i < n; i++) { at += size[i] > 0.999 * most; below += size[i] < 0.9 * most }
      printf "%.6g %.6g %d %d\n", sqrt(square), most, at, below }'
}
# near A B: within a thousandth
near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > 0.999 * b && a < 1.001 * b) }' || { echo "$1 is not $2" && return 1; }; }
read -r norm most _ <<<"$(gradient norm 0)"
echo "norm $norm, largest $most"
read -r clipped _ <<<"$(gradient norm 0.01)"
near "$clipped" 0.01
read -r long _ <<<"$(gradient norm 1000)"
near "$long" "$norm"
read -r down _ <<<"$(gradient normalize 0.01)"
near "$down" 0.01
read -r up _ <<<"$(gradient normalize 7)"
near "$up" 7
# a limit that some numbers exceed, of either sign, and others do not
limit=$(awk -v most="$most" 'BEGIN { printf "%.6g", most / 4 }')
read -r length cut at below <<<"$(gradient value "$limit")"
near "$cut" "$limit"
[ "$at" -gt 5 ] && [ "$below" -gt 1000 ]
awk -v a="$length" -v b="$norm" 'BEGIN { exit !(a < b) }'
same norm-0/last.h5 norm-1000/last.h5
