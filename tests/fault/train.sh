# A training run fails, or is killed, at the n-th call of each kind on its folder, n = 1, 2, 3 ... until n exceeds the
# number of calls: every checkpoint verifies, the exit code is a documented one with one line, nothing hangs, and the
# next start ends with the weights of an undisturbed run and leaves no temporary files.
#   train.sh [--long]   every call of each kind; without it every fourth open and close, and every 151st allocation
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
if [ -n "${LOCKSTEP_SANITIZE:-}" ]; then exit 77; fi # the shim and the sanitizer both want to be malloc
few=4 seldom=151
if [ "${1:-}" = --long ]; then few=1 seldom=1; fi
grep . "$LOCKSTEP_SOURCE/CONTRIBUTING.md" | head -40 >lines.txt
"$LOCKSTEP" prepare text lines.txt --unit word -o lines.h5 >/dev/null
small=("$LOCKSTEP_SOURCE/configs/lm-line.yaml" data.corpus=lines.h5 model.hidden=8 model.embedding=8 train.batch=8 train.epochs=0
  train.steps=4 train.patience=0 checkpoint.every=1 checkpoint.keep=2 log.every=1000)
go() { "$LOCKSTEP" train "${small[@]}" run.dir="$1" "${@:2}"; }
go alone 2>/dev/null
go start train.steps=3 2>/dev/null

fail() {
  echo "$what: $1"
  cat err.txt
  find hurt | sort
  exit 1
}
# one CALL MODE N [RANKS]: returns 1 where there are fewer than N calls
one() {
  local code=0 file run=(env "LD_PRELOAD=$LOCKSTEP_SHIM" "$LOCKSTEP" train "${small[@]}" run.dir="$PWD/hurt")
  what="$2 at $1 $3"
  rm -rf hurt marked && cp -a start hurt
  if [ "${4:-1}" -gt 1 ]; then
    run=(mpirun -n 1 "${run[@]}" : -n 1 "$LOCKSTEP" train "${small[@]}" run.dir="$PWD/hurt")
  fi
  { FAULT_CALL=$1 FAULT_MODE=$2 FAULT_AT=$3 FAULT_UNDER=/hurt FAULT_MARK=$PWD/marked \
    timeout 60 "${run[@]}" >out.txt 2>err.txt || code=$?; } 2>/dev/null
  # the child that checks files cannot create the mark: it reports a bad file, or too little memory
  if [ ! -e marked ] && ! grep -q 'no checkpoint in .* is whole\|out of memory' err.txt; then
    [ "$code" -eq 0 ] && same alone/last.h5 hurt/last.h5 && return 1
    fail "no fault, but exit code $code"
  fi
  case $2/$1/$code in
    fail/malloc/65) [ ! -e marked ] || fail "exit code 65" ;; # in that child
    kill*/*/137 | fail/malloc/70 | fail/malloc/0) ;;
    fail/malloc/*) fail "exit code $code" ;;
    fail/*/74 | fail/*/0) ;;
    *) fail "exit code $code" ;;
  esac
  codes+=("$code")
  case $code in 70 | 74) [ "$(grep -c '^lockstep: ' err.txt)" -eq 1 ] || fail "not one line" ;; esac
  for file in hurt/checkpoints/step-*.h5 hurt/last.h5; do
    "$LOCKSTEP" verify "$file" >verify.txt 2>&1 || fail "$(cat verify.txt)"
  done
  go hurt 2>again.txt || fail "cannot go on: $(cat again.txt)"
  same alone/last.h5 hurt/last.h5 || fail "other weights"
  [ -z "$(find hurt -name '.*' -o -name owner)" ] || fail "left over"
}
total=0
# all CALL MODE [STRIDE [RANKS]]
all() {
  local n=1 cases=0
  codes=()
  while one "$1" "$2" $n "${4:-1}"; do n=$((n + ${3:-1})) cases=$((cases + 1)); done
  echo "$2 at $1${4:+ on $4 ranks}: $cases runs; exit codes:$(printf '%s\n' "${codes[@]}" | sort -n | uniq -c | awk '{ print " " $1 " x " $2 }' | paste -sd,)"
  total=$((total + cases))
  [ "$cases" -ge 2 ] # the shim is heard
}
for call in write fsync rename; do all $call fail; done
for call in write rename; do all $call kill; done
for call in open close; do all $call fail $few; done
if [ $few -eq 1 ]; then
  for call in open fsync close; do all $call kill; done
fi
all malloc fail $seldom
all write fail 3 2
echo "$total faults, none with a loss"
