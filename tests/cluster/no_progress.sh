# A job that fails before its first checkpoint each time gives up at the fourth start.
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib.sh
. "$LOCKSTEP_SOURCE/tests/cluster/lib.sh"
need_cluster 3 full
corpus_text

LOCKSTEP_DEBUG=kill:rank=1,step=4 submit nowhere -N 3 -n 3 -- train.steps=600 watchdog.seconds=5
await_state "$job" FAILED 240
row 'a rank dies before the first checkpoint' nowhere
grep 'three starts in a row without a newer checkpoint in nowhere: giving up' nowhere.log
[ "$(field "$job" ExitCode)" = 70:0 ]
[ "$(field "$job" Restarts)" -eq 3 ]
# no processes are left on the hosts
for host in n1 n2 n3; do [ -z "$("$cluster" on $host ps -C lockstep -o pid=)" ]; done
