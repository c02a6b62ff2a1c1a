#!/bin/bash
# legw.sh TEXT TRAIN.conllu DEV.conllu [SEEDS [TIMES...]]      what larger batches cost in quality, with and without LEGW
#
# A character language model (LSTM 1x128, 3 epochs) and a tagger by words alone (BiLSTM 1x100, 4 epochs) are trained in
# batches of 8 and of TIMES as many (default 1 4 16 64) for the same epochs, with train.scaling: legw, and with the rate
# and warm-up of the smallest batch as they are; SEEDS (default 2) runs of each. Prints the best validation of each run:
# nats per character, accuracy. LOCKSTEP names the program; works in a folder of its own below the current one.
set -eu
[ $# -ge 3 ] || { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" && exit 64; }
text=$1 sentences=$2 dev=$3 seeds=${4:-2}
shift $(($# < 4 ? $# : 4))
[ $# -gt 0 ] || set -- 1 4 16 64
source=$(cd "$(dirname "$0")/../.." && pwd)
lockstep=${LOCKSTEP:-$source/build/lockstep}
folder=$(mktemp -d legw.XXXXXX)
trap 'rm -rf "$folder"' EXIT
"$lockstep" prepare text "$text" --unit char --stream --valid-fraction 0.1 -o "$folder/lm.h5" >/dev/null
"$lockstep" prepare label "$sentences" --valid "$dev" --digits 0 -o "$folder/pos.h5" >/dev/null
lm=(model.layers=1 model.hidden=128 model.embedding=64 model.dropout=0 train.unroll=50 train.epochs=3)
pos=(model.characters=none model.features= model.hidden=100 model.embedding=64 train.average=none train.epochs=4)

# best NAME CONFIG BATCH WAY SEED key=value...: the best validation
best() {
  local name=$1 config=$2 batch=$3 way=$4 seed=$5 run=$folder/run metric
  shift 5
  rm -rf "$run"
  metric=$("$lockstep" config "$source/configs/$config" | sed -n 's/^ *metric: *\([a-z]*\).*/\1/p')
  "$lockstep" train "$source/configs/$config" data.corpus="$folder/$name.h5" run.dir="$run" seed="$seed" train.rate=0.002 \
    train.warmup=50 train.batch="$batch" train.scaling="$way" train.scaling_batch=8 checkpoint.every=0 "$@" \
    2>"$folder/log.txt" || { cat "$folder/log.txt" >&2 && return 1; }
  grep '"kind":"valid"' "$run/metrics.jsonl" | sed "s/.*\"${metric:-loss}\":\([0-9.e+-]*\).*/\1/" | sort -g |
    if [ "${metric:-loss}" = loss ]; then head -1; else tail -1; fi
}
# figures WAY BATCH NAME CONFIG key=value...: of all seeds
figures() {
  local way=$1 batch=$2 name=$3 config=$4 seed
  shift 4
  for seed in $(seq "$seeds"); do printf ' %.4f' "$(best "$name" "$config" "$batch" "$way" "$seed" "$@")"; done
}
for times in "$@"; do
  for way in legw none; do
    printf 'batch %4d (x%d)  %s  lm%s  pos%s\n' $((8 * times)) "$times" "$way" \
      "$(figures "$way" $((8 * times)) lm lm-char.yaml "${lm[@]}")" \
      "$(figures "$way" $((8 * times)) pos label-pos.yaml "${pos[@]}")"
  done
done
