# Slurm: both launchers over TCP on three hosts, and a job that is requeued three times ends with the same bits.
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib.sh
. "$LOCKSTEP_SOURCE/tests/cluster/lib.sh"
need_cluster 3
undisturbed 1200

submit srun -N 3 -n 6 -- train.steps=100
await_state "$job" COMPLETED 150
grep -q '6 ranks in 3 groups' srun.log # windows within a host, messages between hosts
row 'srun --mpi=pmix, 6 ranks on 3 hosts' srun
same_bits srun 100

LOCKSTEP_LAUNCH=mpirun submit mpirun -N 3 -n 3 -- train.steps=100
await_state "$job" COMPLETED 150
row 'mpirun, 3 ranks on 3 hosts' mpirun
same_bits mpirun 100

submit again -N 3 -n 3 -- train.steps=1200
requeue_often again 3
await_state "$job" COMPLETED 150
row 'scontrol requeue, three times' again
[ "$(codes again)" = '75 75 75 0' ]
[ "$(field "$job" Restarts)" -eq 3 ]
same_bits again 1200
