# A host loses power, with and without rank 0 on it: the job continues on other hosts.
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib.sh
. "$LOCKSTEP_SOURCE/tests/cluster/lib.sh"
need_cluster 3 full
undisturbed 600

# crash RUN HOST
crash() {
  submit "$1" -N 2 -n 2 -- train.steps=600 watchdog.seconds=8
  await_step "$1" 100 120
  "$cluster" crash "$2"
  local crashed=$SECONDS
  await 120 "$1 to go on elsewhere" grep -q '^resuming from' "$1.log"
  echo "      $((SECONDS - crashed)) s from the crash to the resumption"
  await_state "$job" COMPLETED 150
  row "$3" "$1"
  same_bits "$1" 600
  "$cluster" boot "$2"
  await 60 "$2 to come back" idle_hosts 3
}
crash second n2 'a host loses power'
crash first n1 'the first host loses power'
grep 'taken over from process' first.log
