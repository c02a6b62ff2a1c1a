# Event files (log.tensorboard), read by a reader of our own as TensorBoard reads them: the same curves as metrics.jsonl,
# also of runs that were killed, went back, or ended on a full disk; and a model's bits do not depend on them.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
command -v python3 >/dev/null || { echo "skipped: there is no python3" && exit 77; }
corpus_text
# compare RUN FILES: the curves of so many files are those of metrics.jsonl
compare() {
  python3 "$LOCKSTEP_SOURCE/tests/system/read_events.py" "$1" "$1/metrics.jsonl" | tee read.txt
  [ "$(grep -c '^a file' read.txt)" -eq "$2" ]
}
small=(data.corpus=text.h5 model.hidden=16 model.embedding=8 train.batch=8 train.unroll=8 train.epochs=0 train.steps=250
  eval.every=60 checkpoint.every=30)

# Off by default; the weights are the same with it.
train 1 lm-char.yaml without "${small[@]}"
[ -z "$(find without -name '*tfevents*')" ]
small+=(log.tensorboard=true)
train 2 lm-char.yaml whole "${small[@]}"
same without/last.h5 whole/last.h5
compare whole 1
grep -q '^a file starts at step 0: ' read.txt
train 1 lm-char.yaml whole "${small[@]}" # over already: nothing new
compare whole 1
# Killed three times and resumed, also before the first checkpoint, and from one before events that were written.
for step in 20 140 215; do
  if LOCKSTEP_DEBUG=kill:rank=0,step=$step train 1 lm-char.yaml killed "${small[@]}"; then exit 1; fi
done
train 3 lm-char.yaml killed "${small[@]}"
same whole/last.h5 killed/last.h5
compare killed 3 # the first start recorded nothing
# at the steps after checkpoints, the last of which may have been on its way
sed -n 's/.*starts at step \([0-9]*\):.*/\1/p' read.txt | tail -n +2 | while read -r step; do [ $((step % 30)) -eq 1 ]; done
# It goes back: a new file within the same start.
LOCKSTEP_DEBUG=spike:rank=0,step=230 train 2 lm-char.yaml back "${small[@]}" 'train.spike=rollback 50' train.spike_window=10
compare back 2
grep -qE '^a file starts at step (181|151): ' read.txt
# Extended: what is there stays.
train 1 lm-char.yaml whole "${small[@]}" train.steps=310
compare whole 2
grep -q '^a file starts at step 251: ' read.txt
# Metrics of a tagger, and a test.
corpus_label
"$LOCKSTEP" prepare label label.txt --test label.txt --column word=0,tag=-1 --valid-fraction 0.1 -o tested.h5 >/dev/null
train 2 label-words.yaml tags data.corpus=tested.h5 model.hidden=8 model.embedding=8 train.epochs=0 train.steps=30 eval.every=10 log.tensorboard=true
compare tags 1
# A folder that cannot be written to ends a run as with metrics.jsonl.
if [ "$(id -u)" -ne 0 ]; then
  train 1 lm-char.yaml read-only "${small[@]}" train.steps=10
  chmod a-w read-only
  expect 74 "cannot write read-only/" "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/lm-char.yaml" run.dir=read-only "${small[@]}"
  chmod u+w read-only
fi
