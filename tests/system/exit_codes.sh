# Every documented exit code, produced by a real failure, with its one line.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
config=$LOCKSTEP_SOURCE/configs/lm-char.yaml
small=(data.corpus=text.h5 model.hidden=16 model.embedding=8 train.batch=8 train.unroll=8 train.epochs=0 train.steps=5 eval.every=1000000 checkpoint.every=0)
# on R RUN key=value...: a small run; all its output goes to standard error
on() {
  local ranks=$1 run=$2
  shift 2
  mpirun -n "$ranks" "$LOCKSTEP" train "$config" "${small[@]}" run.dir="$run" "$@"
}
# until_step RUN STEPS: wait until the run has done that many
until_step() {
  for _ in $(seq 300); do
    if grep -qE "\"step\":$2[,}]" "$1/metrics.jsonl" 2>/dev/null; then return 0; fi
    sleep 0.1
  done
  echo "$1 did not come to step $2" && return 1
}

# 0 and 64
expect 0 'done at step 5: train.steps reached' on 2 complete train.steps=5
expect 64 'unknown key' on 2 usage train.stepz=5
expect 64 'only a checkpoint holds a configuration' "$LOCKSTEP" inspect -c text.h5
expect 64 '--confusion is for classifiers and taggers' "$LOCKSTEP" eval complete/last.h5 text.h5 --confusion
[ ! -e usage ]
expect 64 'data.corpus is not set' on 2 usage data.corpus=
[ ! -e usage ] # an empty folder is not left behind
expect 64 "LOCKSTEP_DEBUG: expected nan, flip" env LOCKSTEP_DEBUG=fly "$LOCKSTEP" train "$config" data.corpus=text.h5
expect 64 'command line: run.dir=: expected the path of a folder, found nothing' on 2 ''
# 64: mistakes that need no corpus to be found are reported by config and by train, with their place
wrong() {
  local pattern=$1
  shift
  expect 64 "$pattern" "$LOCKSTEP" config "$config" "$@"
  expect 64 "$pattern" "$LOCKSTEP" train "$config" "${small[@]}" run.dir=usage "$@"
}
wrong "command line: model.cell=lstn: expected elman, .*, found 'lstn' .did you mean 'lstm'" model.cell=lstn
wrong "command line: kernels=foo: expected auto, avx512bf16, avx512, avx2, portable, blas, amx or amx-model" kernels=foo
wrong "command line: train.precision=fp8: expected float32 or bf16" train.precision=fp8
wrong "command line: eval.metric=f1: expected loss, perplexity or bits_per_character" eval.metric=f1
for value in task=lmm model.{input,pool,attention,bridge}=foo train.{optimizer=adm,schedule=foo,spike=rollback} \
  parallel.{reduction=foo,shards=0,shards=rank,shards=1.5} model.bidirectional=true; do
  wrong "command line: $value: [^:]* " "$value"
done
wrong 'command line: model.weight_dropout=0.5: expected 0 with model.cell: mingru, which has no recurrent matrix' \
  model.weight_dropout=0.5 model.cell=mingru
wrong 'command line: model.tied=true: tied weights need' model.tied=true model.hidden=16 model.embedding=8
for value in model.bridge=copy model.attention=dot; do
  expect 64 "command line: $value: .*an encoder of one" "$LOCKSTEP" config "$LOCKSTEP_SOURCE/configs/translate-names.yaml" $value
done
sed 's/cell: .*/cell: grü/' "$config" >wrong.yaml
expect 64 "^lockstep: wrong.yaml:[0-9]*:9: model.cell: expected elman, .*, found 'grü'" "$LOCKSTEP" config wrong.yaml
"$LOCKSTEP" prepare text text.txt --unit char --stream -o unchecked.h5 >/dev/null
expect 64 "train.patience=2: goes by evaluations, and 'unchecked.h5' has no part for validation: .* --valid-fraction" \
  on 1 usage data.corpus=unchecked.h5 train.patience=2
expect 64 "train.schedule=plateau: goes by evaluations" on 1 usage data.corpus=unchecked.h5 train.schedule=plateau
corpus_label
expect 64 "eval.metric=f1: this corpus gives no f1: the label .* is not a span tag" "$LOCKSTEP" train "$LOCKSTEP_SOURCE/tests/system/label-spans.yaml" \
  data.corpus=label.h5 run.dir=tags eval.metric=f1
# 64: settings that are fixed for a run cannot change; shards=auto is stored as the number of the first start
for value in model.hidden=32 model.cell=gru train.optimizer=sgd parallel.shards=4 eval.metric=perplexity; do
  was=$(sed -n "s/^  \($(cut -d= -f1 <<<"${value#*.}")\): //p" complete/config.yaml | head -1)
  expect 64 "$value: the run in 'complete' began with $was and cannot go on with ${value#*=}; set it back" on 1 complete "$value" train.steps=9
done
expect 0 'this run is over already' on 1 complete train.steps=5 parallel.shards=ranks
grep -q '^  shards: 8$' complete/config.yaml
expect 0 'done at step 2' on 3 follow train.steps=2 parallel.shards=ranks
grep -q '^  shards: 3$' follow/config.yaml
# 64: the ranks were started with different configurations
expect 64 'rank 1: .*train.steps is 4, and on rank 0 it is 3' mpirun -n 1 "$LOCKSTEP" train "$config" "${small[@]}" run.dir=mixed train.steps=3 : \
  -n 1 "$LOCKSTEP" train "$config" "${small[@]}" run.dir=mixed train.steps=4
cp "$LOCKSTEP" other && printf x >>other
expect 64 'rank 1 on .* runs lockstep .*: install the same build on all hosts' mpirun -n 1 "$LOCKSTEP" train "$config" "${small[@]}" run.dir=mixed : \
  -n 1 ./other train "$config" "${small[@]}" run.dir=mixed

# 65: a file with a flipped bit; a file of another kind
cp text.h5 damaged.h5
printf '\377' | dd of=damaged.h5 bs=1 seek=5000 conv=notrunc status=none
expect 65 'damaged' on 2 data data.corpus=damaged.h5
echo 'no corpus' >text.txt
expect 65 'text.txt is not a Lockstep file' on 2 data data.corpus=text.txt
expect 65 'damaged' "$LOCKSTEP" verify damaged.h5

# 65: where all checkpoints of a run are damaged it does not start over; the log has the end of each start
cp -a complete broken
for file in broken/checkpoints/step-*.h5; do printf '\377' | dd of="$file" bs=1 seek=5000 conv=notrunc status=none; done
cp broken/metrics.jsonl told
expect 65 'no checkpoint in broken/checkpoints is whole: .*step-0000000005.h5 is damaged.*choose another run.dir' on 2 broken train.steps=9
[ "$(wc -l <err.txt)" -ge 1 ] && cmp broken/metrics.jsonl told
grep -q ' done at step 5: train.steps reached$' complete/log.txt

# 70: one rank's copy of the weights differs; gradients that stay non-finite
expect 70 'step 6: the weights of rank 2 differ' env LOCKSTEP_DEBUG=flip:rank=2,step=6 mpirun -n 3 "$LOCKSTEP" train "$config" \
  "${small[@]}" run.dir=flip train.steps=20 parallel.check_every=3 parallel.reduction=messages
expect 70 '2 steps in a row had a gradient that is not finite .*; there is no checkpoint to resume from' env "LOCKSTEP_DEBUG=nan:rank=1,step=5;nan:rank=0,step=6" \
  mpirun -n 2 "$LOCKSTEP" train "$config" "${small[@]}" run.dir=nan train.steps=20 train.max_skips=2
grep -q ' error: .*2 steps in a row had a gradient that is not finite' nan/log.txt
expect 70 '; the last good checkpoint is nan-saved/last.h5' env "LOCKSTEP_DEBUG=nan:rank=1,step=5;nan:rank=0,step=6" \
  mpirun -n 2 "$LOCKSTEP" train "$config" "${small[@]}" run.dir=nan-saved train.steps=20 train.max_skips=2 checkpoint.every=2
# 74: a model that does not exist, with a suggestion
expect 74 'nan-saved/best.h5: that run has no best.h5, as nothing was validated: use nan-saved/last.h5' "$LOCKSTEP" inspect nan-saved/best.h5
expect 74 'nan-saved is a folder: expected a model, such as nan-saved/last.h5' "$LOCKSTEP" predict nan-saved
# --version prints the version of the build
"$LOCKSTEP" --version >out.txt
grep -q "^lockstep $(sed -n 's/^project(lockstep VERSION \([0-9.]*\).*/\1/p' "$LOCKSTEP_SOURCE/CMakeLists.txt")$" out.txt
# a single non-finite gradient is skipped on all ranks
expect 0 'step 5: the gradient is not finite; the update is skipped on all ranks' env LOCKSTEP_DEBUG=nan:rank=1,step=5 \
  mpirun -n 2 "$LOCKSTEP" train "$config" "${small[@]}" run.dir=skip train.steps=20
# and logged with shard and corpus rows, of that rank only, on one rank and on three too
[ "$(grep -c 'rank 1, shards 4 to 7: train/stream lane [4-7] of 8' err.txt)" -eq 4 ]
[ "$(grep -c 'rank [0-9], shard' err.txt)" -eq 4 ]
for rank in 0 2; do
  expect 0 'rank 2, shard 5: train/stream lane 5 of 8|rank 0, shards 0 to 1: train/stream lane [01] of 8' \
    env LOCKSTEP_DEBUG=nan:rank=$rank,step=5 mpirun -n 3 "$LOCKSTEP" train "$config" "${small[@]}" run.dir="skip-$rank" train.steps=6
  [ "$(grep -c "rank [0-9], shard" err.txt)" -eq "$(grep -c "rank $rank, shard" err.txt)" ]
done

# 74: the folder cannot be written
: >file
expect 74 'cannot make the folder file' on 2 file/run train.steps=5

# 74: the output goes to a full disk
for words in '--help' 'config --defaults' 'config --describe' 'inspect complete/last.h5'; do
  expect 74 '^lockstep: standard output: ' bash -c "'$LOCKSTEP' $words >/dev/full"
  [ "$(wc -l <err.txt)" -eq 1 ]
done

# 75: signals, to one rank of two; the job's time limit; the same command resumes
for signal in TERM INT USR1 HUP; do
  on 2 "stop-$signal" train.steps=1000000 >out.txt 2>err.txt &
  job=$!
  until_step "stop-$signal" 100
  [ -e "stop-$signal/owner" ]
  kill -"$signal" "$(sed -n 's/^pid //p' "stop-$signal/owner")"
  code=0
  wait "$job" || code=$?
  [ "$code" -eq 75 ] || { echo "SIG$signal ended with $code" && cat err.txt && exit 1; }
  grep -q 'stopped by a signal at step .* with the state saved' err.txt
  grep -q ' stopped by a signal at step .* with the state saved' "stop-$signal/log.txt"
  [ ! -e "stop-$signal/owner" ]
done
# SIGHUP that was ignored at the start stays ignored; a closed standard error does not end a run
(trap '' HUP && exec "$LOCKSTEP" train "$config" "${small[@]}" run.dir=nohup train.steps=1000000) 2>err.txt &
job=$!
until_step nohup 100
kill -HUP "$job"
sleep 1
kill -0 "$job" && kill -TERM "$job"
code=0
wait "$job" || code=$?
[ "$code" -eq 75 ]
(
  code=0
  "$LOCKSTEP" train "$config" "${small[@]}" run.dir=unread log.every=0 train.steps=300 2>&1 || code=$?
  echo "$code" >code
) | :
[ "$(cat code)" -eq 0 ]
step=$("$LOCKSTEP" inspect stop-INT/last.h5 | grep -oE 'step[^0-9]*[0-9]+' | grep -oE '[0-9]+' | head -1)
expect 0 "resuming from .*step-0*$step.h5" on 3 stop-INT train.steps=$((step + 3))
expect 75 "stopped before the job's time is over .* with the state saved" env SLURM_JOB_END_TIME=$(($(date +%s) + 12)) \
  mpirun -n 2 "$LOCKSTEP" train "$config" "${small[@]}" run.dir=limit train.steps=1000000
[ -e limit/last.h5 ]
# train.minutes ends a run like any other limit: 3 seconds here, with a checkpoint every second by checkpoint.minutes
expect 0 'done at step [0-9]*: train.minutes are over' on 2 minutes train.steps=100000000 train.minutes=0.05 checkpoint.minutes=0.016
[ "$(grep -c 'saved step' err.txt)" -ge 3 ]
"$LOCKSTEP" verify minutes/last.h5 >/dev/null

# 64: a second job in the same folder, with a message that names the first; the lock of a killed job is taken over
SLURM_JOB_ID=4711 on 2 owned train.steps=1000000 >out1.txt 2>err1.txt &
job=$!
until_step owned 100
owner=$(sed -n 's/^pid //p' owned/owner)
expect 64 "owned: the run is owned by process $owner on host $(uname -n) \(job 4711\)" on 1 owned train.steps=5
kill -KILL "$owner"
wait "$job" || true
[ -e owned/owner ]
expect 0 "taken over from process $owner .*which is gone" on 2 owned train.steps=5
[ ! -e owned/owner ]

# 76: a rank makes no progress, or was stopped
expect 76 "rank 1 on host .* is stuck in step 4, phase step: nothing has moved" env LOCKSTEP_DEBUG=stall:rank=1,step=4 \
  mpirun -n 3 "$LOCKSTEP" train "$config" "${small[@]}" run.dir=stuck train.steps=1000000 watchdog.seconds=3
[ "$(grep -c 'is stuck' err.txt)" -eq 1 ]
on 2 stopped train.steps=1000000 watchdog.seconds=8 >out.txt 2>err.txt &
job=$!
until_step stopped 100
kill -STOP "$(sed -n 's/^pid //p' stopped/owner)"
code=0
wait "$job" || code=$?
[ "$code" -eq 76 ] || { echo "a stopped rank ended with $code" && cat err.txt && exit 1; }
grep -q "rank 0 on host $(uname -n) is stuck in step [0-9]*, phase [a-z]*: its process does not run" err.txt
# a short stop does not end the job
on 2 paused train.steps=1000000 watchdog.seconds=20 >out.txt 2>err.txt &
job=$!
until_step paused 100
owner=$(sed -n 's/^pid //p' paused/owner)
kill -STOP "$owner"
sleep 5
kill -CONT "$owner"
sleep 1
kill -TERM "$owner"
code=0
wait "$job" || code=$?
[ "$code" -eq 75 ] || { echo "a paused rank ended with $code" && cat err.txt && exit 1; }
