# A host loses its network: for three seconds, which the run survives, and permanently, which ends it in bounded time,
# and it continues elsewhere. The run's folder stays reachable, as with a separate storage network.
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib.sh
. "$LOCKSTEP_SOURCE/tests/cluster/lib.sh"
need_cluster 3 full
undisturbed 600

submit short -N 3 -n 3 -- train.steps=600
await_step short 100 120
"$cluster" cut n2
sleep 3
"$cluster" mend n2
await_state "$job" COMPLETED 150
row 'the plug of a host out for 3 seconds' short
[ "$(codes short)" = 0 ]
same_bits short 600

lost lost-srun n2 srun "a host's plug out for good, srun"
