# SIGKILL at random moments (starting, stepping, saving) of mpirun's process group, of all processes or of one random rank;
# each time the run resumes on a random number of ranks. In the end the weights are those of an undisturbed run, every
# checkpoint verifies, and no process is left.
#   kills.sh [COUNT [SEED [SECONDS]]]      default: 10 kills; after SECONDS it stops early
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
count=${1:-10}
RANDOM=${2:-1}
limit=${3:-1000000}
corpus_text
small=("$LOCKSTEP_SOURCE/configs/lm-char.yaml" data.corpus=text.h5 model.hidden=24 model.embedding=12 train.batch=11 train.unroll=8
  train.epochs=0 train.steps=1200 checkpoint.every=9 eval.every=500)
go() { mpirun -n "$1" "$LOCKSTEP" train "${small[@]}" run.dir="$2"; }
go 2 alone >alone.log 2>&1

session=
trap 'test -z "$session" || { pids=$(of_session); kill -KILL $pids 2>/dev/null; }' EXIT
of_session() { ps -o pid= -s "$session"; }
ranks_of_session() { ps -o pid=,comm= -s "$session" | awk '$2 == "lockstep" { print $1 }'; }
# gone: all processes of the session end by themselves within 20 seconds
gone() {
  for _ in $(seq 200); do
    if ps -o stat= -s "$session" | awk '!/Z/ { n++ } END { exit n > 0 }'; then return 0; fi
    sleep 0.1
  done
  echo "left over after kill $kills ($how):" && ps -o pid,ppid,pgid,stat,etime,args -s "$session" && exit 1
}
whole() {
  local file
  for file in torn/checkpoints/step-*.h5; do
    if [ ! -e "$file" ]; then continue; fi
    "$LOCKSTEP" verify "$file" >verify.txt 2>&1 || { cat verify.txt && exit 1; }
    verified=$((verified + 1))
  done
}
ended() {
  same alone/last.h5 torn/last.h5
  same alone/best.h5 torn/best.h5
  diff <(grep -oE '"(kind|step|loss)":[^,]*' alone/metrics.jsonl) <(grep -oE '"(kind|step|loss)":[^,]*' torn/metrics.jsonl)
  [ -z "$(find torn -name '.*' -o -name owner)" ] || { echo "left over" && find torn && exit 1; }
  runs=$((runs + 1))
  rm -rf torn
}
# kill_some: one of three ways to kill
kill_some() {
  local pids
  case $((RANDOM % 3)) in
    0)
      how=group
      kill -KILL -- "-$session"
      groups=$((groups + 1))
      ;;
    1)
      how=all
      # shellcheck disable=SC2046
      kill -KILL $(of_session)
      alls=$((alls + 1))
      ;;
    2)
      how=rank
      mapfile -t pids < <(ranks_of_session)
      if [ "${#pids[@]}" -eq 0 ]; then pids=("$session"); fi # no rank yet: mpirun
      kill -KILL "${pids[RANDOM % ${#pids[@]}]}"
      single=$((single + 1))
      ;;
  esac
}
# kill_saving: kill all processes when a temporary file appears
kill_saving() {
  local pids=() i
  mapfile -t pids < <(of_session)
  for ((i = 0; i < 20000; i++)); do
    if compgen -G 'torn/checkpoints/.step-*' >/dev/null; then break; fi
  done
  how=saving alls=$((alls + 1))
  kill -KILL "${pids[@]}"
}
kills=0 runs=0 verified=0 groups=0 alls=0 single=0 starting=0 stepping=0 saving=0
while [ "$kills" -lt "$count" ] && [ "$SECONDS" -lt "$limit" ]; do
  ranks=$((1 + RANDOM % 4))
  : >torn.log
  setsid mpirun -n "$ranks" "$LOCKSTEP" train "${small[@]}" run.dir=torn >torn.log 2>&1 &
  session=$!
  moment=$((RANDOM % 4))
  if [ $moment -eq 0 ]; then
    sleep "0.$(printf %03d $((RANDOM % 700)))" # while it starts
  else
    for _ in $(seq 200); do
      if grep -q 'the same bits' torn.log; then break; fi
      sleep 0.02
    done
    sleep "0.$(printf %03d $((RANDOM % 400)))"
  fi
  if [ $moment -eq 1 ]; then
    kill_saving 2>/dev/null || true
  elif [ -n "$(of_session)" ]; then
    kill_some 2>/dev/null || true
  fi
  code=0
  wait "$session" 2>/dev/null || code=$?
  gone
  if [ "$code" -eq 0 ]; then # it was through before
    ended
    continue
  fi
  case $code in 64 | 65 | 70 | 74 | 75 | 76) cat torn.log && exit 1 ;; esac
  kills=$((kills + 1))
  if [ -n "$(find torn -name '.step-*' -o -name '.last*' 2>/dev/null)" ]; then
    saving=$((saving + 1))
  elif grep -q 'the same bits' torn.log; then
    stepping=$((stepping + 1))
  else
    starting=$((starting + 1))
  fi
  whole
done
go $((1 + RANDOM % 4)) torn >torn.log 2>&1 || { cat torn.log && exit 1; }
ended
session=
echo "$kills kills ($groups of mpirun's group, $alls of all processes, $single of one rank; $starting while starting, $stepping" \
  "while stepping, $saving in the middle of a save), $runs runs ended with the weights of a run left alone, $verified checkpoints" \
  "verified, none unreadable, no process left over"
