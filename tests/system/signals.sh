# Signals keep their meaning although libraries below MPI install handlers: a hangup ends a command, and a crash ends by
# its signal, both alone and as a rank.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"

# hung_up COMMAND...: it waits for input, and SIGHUP ends it
hung_up() {
  local job rank code=0
  rm -f input
  mkfifo input
  "$@" <input >/dev/null 2>err.txt &
  job=$!
  exec 9>input
  for _ in $(seq 100); do
    if rank=$(pgrep -f "^$LOCKSTEP prepare text - .*$PWD/never.h5"); then break; fi
    sleep 0.1
  done
  sleep 1
  kill -HUP "$rank"
  for _ in $(seq 100); do
    kill -0 "$rank" 2>/dev/null || break
    sleep 0.1
  done
  if kill -0 "$rank" 2>/dev/null; then echo "a hangup did not end: $*"; fi
  exec 9>&-
  wait "$job" || code=$?
  [ "$code" -ne 0 ] || { echo "exit code 0: $*" && return 1; }
  if grep -i 'trace' err.txt; then return 1; fi
}
hung_up "$LOCKSTEP" prepare text - --stream -o "$PWD/never.h5"
hung_up mpirun -n 1 "$LOCKSTEP" prepare text - --stream -o "$PWD/never.h5"
[ ! -e never.h5 ]
