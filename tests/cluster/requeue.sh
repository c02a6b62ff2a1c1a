# Five requeues in a row are accepted as long as the run makes progress in between.
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib.sh
. "$LOCKSTEP_SOURCE/tests/cluster/lib.sh"
need_cluster 3 full
undisturbed 2000

submit five -N 3 -n 3 -- train.steps=2000
requeue_often five 5
await_state "$job" COMPLETED 150
row 'scontrol requeue, five times' five
[ "$(codes five)" = '75 75 75 75 75 0' ]
[ "$(field "$job" Restarts)" -eq 5 ]
same_bits five 2000
