# Pre-emption: an urgent job takes the hosts; the training job is requeued and ends with the same bits.
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib.sh
. "$LOCKSTEP_SOURCE/tests/cluster/lib.sh"
need_cluster 3 full
undisturbed 600

# preempted RUN PARTITION: a job that leaves one core of each host free is pre-empted by one that needs all
preempted() {
  submit "$1" -N 3 -n 3 -p "$2" -- train.steps=600
  await_step "$1" 100 120
  urgent=$(slurm sbatch --parsable -p urgent -N 3 --ntasks-per-node=2 -o urgent.log --wrap 'hostname; sleep 3')
  await_state "$urgent" COMPLETED 150
  await_state "$job" COMPLETED 120
  row "pre-empted, partition $2" "$1"
  [ "$(field "$job" Restarts)" -eq 1 ]
  same_bits "$1" 600
}
preempted plain main
preempted polite polite
