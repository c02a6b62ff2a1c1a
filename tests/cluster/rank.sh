# A rank is killed, under either launcher: the job ends, is requeued and ends with the same bits.
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib.sh
. "$LOCKSTEP_SOURCE/tests/cluster/lib.sh"
need_cluster 3 full
undisturbed 600

for launch in srun mpirun; do
  LOCKSTEP_LAUNCH=$launch submit rank-$launch -N 3 -n 3 -- train.steps=600 watchdog.seconds=8
  await_step rank-$launch 100 120
  # shellcheck disable=SC2016 # on that host
  "$cluster" on n2 sh -c 'kill -KILL $(ps -C lockstep -o pid=)'
  await_state "$job" COMPLETED 150
  row "a rank killed, $launch" rank-$launch
  [ "$(field "$job" Restarts)" -eq 1 ]
  same_bits rank-$launch 600
done
