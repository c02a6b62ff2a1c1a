# lockstep watch: a run that has not begun, goes on, is killed, resumed and done; on a terminal, in a file and with --once.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_lines
export TERM=xterm LC_ALL=C.UTF-8 NO_COLOR=1
unset COLUMNS
settings="data.corpus=lines.h5 model.hidden=8 model.embedding=8 train.batch=16 train.epochs=9 train.schedule=constant eval.every=30 log.every=0.1"

once() { "$LOCKSTEP" watch run --once; }
expect 74 "^lockstep: run: No such file or directory; to wait for a run that has not begun, make its folder$" once
expect 74 "^lockstep: run: No such file or directory" timeout 20 "$LOCKSTEP" watch run
mkdir run
[ "$(once)" = "run: no run has begun yet" ]
expect 64 "lines.h5: expected the folder of a run" "$LOCKSTEP" watch lines.h5 --once
expect 64 "expected the folder of a run" "$LOCKSTEP" watch
mkdir "$(printf 'e\033[2J')"
[ "$("$LOCKSTEP" watch "$(printf 'e\033[2J')" --once)" = "e?[2J: no run has begun yet" ]

# Two watchers that are there before the run, one in a file and one on a terminal.
"$LOCKSTEP" watch run >plain.txt 2>&1 &
plain=$!
live=''
if command -v script >/dev/null; then
  script -qec "stty cols 110 rows 30; exec '$LOCKSTEP' watch run" /dev/null </dev/null >screen.txt 2>&1 &
  live=$!
fi
sleep 0.5
# shellcheck disable=SC2086
if LOCKSTEP_DEBUG=kill:rank=0,step=100 train 1 lm-line.yaml run $settings; then exit 1; fi

# The lock of a killed run stays: at first it looks alive.
once >picture.txt
head -1 picture.txt | grep -qE '^run: running, last sign of life [0-9]+s ago$'
grep -q '┤' picture.txt
grep -qE ' step [0-9]+/[0-9]+ .* best valid [0-9.]+ .* (left|done)$' picture.txt
touch -d '200 seconds ago' run/owner run/log.txt run/metrics.jsonl
once | head -1 | grep -qE '^run: no sign of life for 3m 2[0-9]s: killed'
if once | tail -1 | grep -q left; then exit 1; fi
# Lines that are no JSON, and half a line of a writer, say nothing.
once | tail -n +2 >before.txt
printf 'x\n[1]\n{"kind":"train","step":1e9' >>run/metrics.jsonl
touch -d '200 seconds ago' run/metrics.jsonl
once | tail -n +2 | cmp - before.txt
for columns in 20 40 80 120; do
  COLUMNS=$columns once >picture.txt
  if grep -nE ".{$columns}" picture.txt; then exit 1; fi
  [ "$(wc -l <picture.txt)" -eq $((columns < 100 ? 2 : 8)) ]
done
LC_ALL=C COLUMNS=120 once >picture.txt
if LC_ALL=C grep -n '[^ -~]' picture.txt; then exit 1; fi

# A line that comes in two halves counts once it is whole.
printf '\n{"kind":"train","step":100,"epoch":7,"loss":' >>run/metrics.jsonl
sleep 1
echo '77.5}' >>run/metrics.jsonl
sleep 1
once | grep -q 'loss 77.5000'
[ -z "$live" ] || grep -q 'loss 77.5000' screen.txt

# Resumed, metrics.jsonl is another file, without that line. All watchers end when the run is done, and the last picture is that of --once.
# shellcheck disable=SC2086
train 1 lm-line.yaml run $settings
wait "$plain"
tail -1 plain.txt | grep -qE '^run: done at step [0-9]+: train.epochs reached'
head -1 plain.txt | grep -q '^run: no run has begun yet$'
if grep -q "$(printf '\033')" plain.txt; then exit 1; fi
[ -n "$live" ] || { echo "the terminal was not tested: there is no script(1)"; exit 0; }
wait "$live"
grep -q 'resuming from' screen.txt # messages of the log appear above
COLUMNS=110 once | tail -n +2 >expected.txt
[ "$(wc -l <expected.txt)" -eq 7 ]
tail -7 screen.txt | tr -d '\r' | sed 's/ *$//' | cmp - expected.txt

# Where time is the nearer limit, the share is that of time, as in train.
# shellcheck disable=SC2086
if LOCKSTEP_DEBUG=kill:rank=0,step=100 train 1 lm-line.yaml short $settings train.epochs=100000 train.minutes=0.5; then exit 1; fi
sleep 2
touch short/owner
"$LOCKSTEP" watch short --once | tail -1 | grep -qE '^\S+ +[1-9][0-9]?%  step 1?[0-9]+/'

# Ctrl-C ends it, and leaves no mode of the terminal behind.
rm run/log.txt
timeout -s INT 1 script -qec "stty cols 100 rows 30; exec '$LOCKSTEP' watch run" /dev/null </dev/null >screen.txt 2>&1 || true
grep -q '^run: ended' screen.txt
if grep -q "$(printf '\033')\[?" screen.txt; then exit 1; fi
