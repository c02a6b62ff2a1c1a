# The supervisor restarts runs that can resume, passes on other exit codes, and gives up where there is no progress.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
supervise=$LOCKSTEP_SOURCE/scripts/lockstep-supervise
export LOCKSTEP_SUPERVISE_PAUSE=0

# job CODES...: a command that records its n-th start and ends with the n-th code; "+" makes a checkpoint first
cat >job <<'EOF'
#!/bin/bash
if [ "$1" = config ]; then exec "$LOCKSTEP" "$@"; fi
run=here
n=$(($(cat starts 2>/dev/null || echo 0) + 1))
echo $n >starts
for word in "$@"; do case $word in run.dir=*) run=${word#run.dir=} ;; esac; done
code=$(sed -n "${n}p" codes)
case $code in +*) mkdir -p "$run/checkpoints" && : >"$run/checkpoints/step-000000000$n.h5" ;; esac
code=${code#+}
if [ "$code" = kill ]; then kill -KILL $$; fi
if [ "$code" = wait ]; then trap 'exit 75' TERM; while :; do sleep 0.1; done; fi
exit "$code"
EOF
chmod +x job
words=(run.dir=here)
# supervised CODE STARTS CODES...: the supervisor ends with CODE after so many starts
supervised() {
  local code=$1 starts=$2
  shift 2
  rm -rf starts here && printf '%s\n' "$@" >codes
  expect "$code" . "$supervise" ./job train "${words[@]}"
  [ "$(cat starts)" -eq "$starts" ] || { echo "$(cat starts) starts instead of $starts: $*" && return 1; }
}
supervised 0 4 75 +76 kill 0
supervised 75 3 75 75 75 0
supervised 137 5 +75 +75 kill kill kill 0    # progress at first, then three without
supervised 0 6 75 75 +75 75 75 0             # progress in between
supervised 74 2 75 74 0
# the run's folder named in a configuration file; a wrapper before the command
printf 'run:\n  dir: here\n' >named.yaml
words=(named.yaml train.rate=0.1)
supervised 0 5 +75 +75 +75 +75 0
supervised 75 3 75 75 75 0
for option in --help -h; do "$supervise" $option | grep -q '^The command is restarted'; done
# an exit code that is passed on gives no message
for code in 0 64 65 70; do
  rm -f starts && echo "$code" >codes
  got=0
  "$supervise" ./job run.dir=here || got=$?
  [ "$got" -eq "$code" ] && [ "$(cat starts)" -eq 1 ]
done
expect 64 . bash -c "$supervise >&2"
# SIGTERM reaches the command and ends the supervision
rm -f starts && echo wait >codes
"$supervise" ./job run.dir=here &
supervisor=$!
for _ in $(seq 50); do
  if [ -f starts ]; then break; fi
  sleep 0.1
done
sleep 0.5
kill -TERM "$supervisor"
code=0
wait "$supervisor" || code=$?
[ "$code" -eq 75 ] && [ "$(cat starts)" -eq 1 ]
