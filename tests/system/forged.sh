# Checkpoints with a valid digest but impossible counters, configuration or numbers: 65 and one line from every command
# that reads them. One that a newer version wrote, which a run does not skip as it skips damaged ones.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
files=$LOCKSTEP_BUILD/tests/hostile_files
corpus_text
start=(data.corpus=text.h5 model.hidden=16 model.embedding=8 train.batch=8 train.unroll=8 train.epochs=0 checkpoint.every=2)
train 1 lm-char.yaml run "${start[@]}" train.steps=4
model=run/checkpoints/step-0000000004.h5
cp -r run whole
good=whole/checkpoints/step-0000000004.h5
go_on() { "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/lm-char.yaml" run.dir=run "${start[@]}" train.steps=6; }
# forged PATTERN COMMAND...: the command on forged.h5 ends with 65 and one line that matches
forged() {
  expect 65 "$1" "${@:2}"
  [ "$(grep -c . err.txt)" -eq 1 ] || { cat err.txt && return 1; }
}
# goes_on_from_2: with forged.h5 as the newest, the run falls back to the checkpoint before it
goes_on_from_2() {
  rm -rf run && cp -r whole run && cp forged.h5 $model
  go_on >again.log 2>&1
  grep -q "damaged checkpoint is passed over: .*$1" again.log || { cat again.log && return 1; }
  grep -q "resuming from .*step-0000000002" again.log
}

# ---- counters ----
for wrong in shards=5000 shards=0 step=-1 epoch=9007199254740993 step_in_epoch=-5 best_step=5 updates=5 seed=-1 \
  bad_evaluations=-1 units=-1 spike_count=-1 rollbacks=-2 seconds=nan best=inf loss_units=-1 loss_sum=inf spike_mean=nan; do
  name=${wrong%=*}
  "$files" set $good forged.h5 /state "$name" "${wrong#*=}"
  forged "attribute \"$name\" of /state is " "$LOCKSTEP" verify forged.h5
done
forged 'attribute "spike_mean" of /state is' "$LOCKSTEP" predict forged.h5
goes_on_from_2 'attribute "spike_mean" of /state is'
# within all bounds, but impossible with this corpus
"$files" set $good forged.h5 /state step_in_epoch 100000
"$LOCKSTEP" verify forged.h5
rm -rf run && cp -r whole run && cp forged.h5 $model
forged "step 100000 of epoch 0, but an epoch of this run has [0-9]+ steps" go_on
"$files" put $good forged.h5 /state/schedule 3 -1000
cp forged.h5 $model
forged "/state/schedule is not a possible state of a schedule" go_on
"$files" put $good forged.h5 /history/valid/step 0 1e300 2>/dev/null || "$files" put $good forged.h5 /history/train/step 0 1e300
cp forged.h5 $model
forged "/history/.* row 0: step 1e\+300" go_on
forged "/history/.* row 0: step 1e\+300" "$LOCKSTEP" verify forged.h5

# ---- numbers ----
"$files" put $good forged.h5 /model/output/weight 7 nan
forged "/model/output/weight holds NaN \(its number 7\)" "$LOCKSTEP" verify forged.h5
cp forged.h5 $model
forged "/model/output/weight holds NaN" go_on
"$files" put $good forged.h5 /vocab/source_count 5 -3
forged "/vocab/source_count row 5: -3" "$LOCKSTEP" inspect forged.h5

# ---- the configuration in it ----
"$LOCKSTEP" inspect --config $good >config.yaml
for wrong in 'hidden: -5' 'hidden: 99999999999999999999' 'layers: 1000000' 'cell: transformer' 'dropout: nan' 'tied: maybe' 'colour: red'; do
  sed "s/^  ${wrong%%:*}: .*/  $wrong/; s/^model:/model:\n  colour: red/" config.yaml >wrong.yaml
  if [ "${wrong%%:*}" != colour ]; then sed -i '/colour: red/d' wrong.yaml; fi
  cmp -s config.yaml wrong.yaml && { echo "nothing changed: $wrong" && exit 1; }
  "$files" text $good forged.h5 /config "$(cat wrong.yaml)"
  forged "forged.h5:[0-9]+:[0-9]+: .*${wrong%%:*}" "$LOCKSTEP" verify forged.h5
done
# within bounds, but the file's tensors are of another net
sed "s/^  hidden: .*/  hidden: 16384/" config.yaml >wrong.yaml
"$files" text $good forged.h5 /config "$(cat wrong.yaml)"
forged "the model needs" "$LOCKSTEP" verify forged.h5
for text in '%' '{' ': : :' '[1, 2]' 'model: 5'; do
  "$files" text $good forged.h5 /config "$text"
  forged "forged.h5" "$LOCKSTEP" verify forged.h5
done

# ---- written by a newer version ----
"$files" set $good forged.h5 / version 4
newer='was written by a newer version of Lockstep \(format 4; this program reads up to 3\)'
for command in verify inspect predict score generate; do forged "forged.h5 $newer" "$LOCKSTEP" $command forged.h5; done
forged "forged.h5 $newer" "$LOCKSTEP" eval forged.h5 text.h5
rm -rf run && cp -r whole run && cp forged.h5 $model
forged "step-0000000004.h5 $newer" go_on
[ "$(find run/checkpoints -name 'step-*' | wc -l)" -eq 2 ]
cmp forged.h5 $model
"$files" set text.h5 newer.h5 / version 9
forged "newer.h5 was written by a newer version of Lockstep \(format 9; this program reads up to 1\)" "$LOCKSTEP" verify newer.h5
forged "newer.h5 was written by a newer version" "$LOCKSTEP" eval whole/checkpoints/step-0000000002.h5 newer.h5
