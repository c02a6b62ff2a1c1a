# The checkpoint writer fails, or is killed, at the n-th call of each kind, n = 1, 2, 3 ... until n exceeds the number
# of calls: afterwards the old or the new checkpoint is intact, the exit code is the documented one, and the next start
# leaves no temporary files.
# shellcheck shell=bash
if [ -n "${LOCKSTEP_SANITIZE:-}" ]; then exit 77; fi # the shim and the sanitizer both want to be malloc
writer=$LOCKSTEP_BUILD/tests/fault_writer
for step in 1 2 3; do
  "$writer" new $step
  if [ $step = 1 ]; then cp -a new start; fi
  cp new/checkpoints/step-000000000$step.h5 right-$step.h5
done

fail() {
  echo "$what: $1"
  cat err.txt
  find hurt | sort
  exit 1
}
# whole: every checkpoint has the contents of its step, and links point at existing files
whole() {
  local file step
  for file in hurt/checkpoints/step-*.h5; do
    step=${file#hurt/checkpoints/step-000000000}
    cmp -s "$file" "right-${step%.h5}.h5" || fail "$file is not whole"
  done
  cmp -s hurt/last.h5 right-1.h5 || cmp -s hurt/last.h5 right-2.h5 || fail "last.h5"
  cmp -s hurt/best.h5 right-1.h5 || cmp -s hurt/best.h5 right-2.h5 || fail "best.h5"
}
# one CALL MODE N: returns 1 where there are fewer than N calls
one() {
  local code=0
  what="$2 at $1 $3"
  rm -rf hurt marked && cp -a start hurt
  { FAULT_CALL=$1 FAULT_MODE=$2 FAULT_AT=$3 FAULT_UNDER=hurt FAULT_MARK=marked LD_PRELOAD=$LOCKSTEP_SHIM \
    timeout 20 "$writer" hurt 2 2>err.txt || code=$?; } 2>/dev/null # where the shell says that it was killed
  case $2/$1/$code in
    kill*/*/137 | fail/m*/70 | fail/m*/0) ;; # malloc and mmap: libraries may continue without
    fail/m*) fail "exit code $code" ;;
    fail/*/74 | fail/*/0) ;;
    *) [ ! -e marked ] || fail "exit code $code" ;;
  esac
  whole
  if [ ! -e marked ]; then
    [ "$code" -eq 0 ] && cmp -s hurt/last.h5 right-2.h5 && return 1
    fail "no fault, but exit code $code"
  fi
  if [ "$code" -eq 0 ]; then
    cmp -s hurt/last.h5 right-2.h5 || fail "said done and was not"
    succeeded=$((succeeded + 1))
  fi
  if [ "$2" = fail ] && [ -n "$(find hurt -name '.*lockstep-tmp')" ]; then fail "left its temporary file"; fi
  "$writer" hurt 3 2>err.txt || fail "cannot go on"
  [ -z "$(find hurt -name '.*')" ] || fail "left over"
  cmp -s hurt/last.h5 right-3.h5 || fail "went on wrongly"
  [ "$(find hurt/checkpoints -type f | wc -l)" -eq 2 ] || fail "kept too many"
}
cases=0
for call in open write fsync rename close malloc mmap; do
  for mode in fail kill killafter; do
    if [ $call$mode = mallockillafter ]; then continue; fi # as before the call
    n=0 succeeded=0
    while one $call $mode $((n + 1)); do n=$((n + 1)); done
    echo "$mode at $call: $n calls, in each the old or the new checkpoint whole ($succeeded times with exit code 0)"
    cases=$((cases + n))
    case $call in mmap) ;; *) [ $n -ge 1 ] ;; esac # the shim is heard; the program maps no memory itself
  done
done
echo "$cases faults, none with a loss"
