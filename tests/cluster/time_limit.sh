# The time limit: by Slurm's signal ahead of it, or, where none is sent, by the run's own check of the clock. Either way
# the state is saved, the job is requeued and resumes; a cancelled job is not requeued.
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib.sh
. "$LOCKSTEP_SOURCE/tests/cluster/lib.sh"
need_cluster 3 full
corpus_text

# both at the same time, since Slurm counts in whole minutes
submit signal -N 1 -n 1 -t 1 --signal=B:USR1@10 -- train.steps=100000000
signal=$job
submit clock -N 2 -n 2 -t 1 --signal=B:URG@1 -- train.steps=100000000
clock=$job
went_on() { [ "$(grep -c '^resuming from' "$1.log")" -ge 1 ]; }
for run in signal clock; do
  await 120 "$run to go on" went_on $run
  grep -h '^lockstep' $run.log
done
grep -q 'stopped by a signal .* with the state saved' signal.log
grep -q "stopped before the job's time is over .* with the state saved" clock.log

# by now both run again: end one with scancel, the other with a signal to its ranks
await_state "$clock" RUNNING 30
slurm scancel "$signal" "$clock"
for job in $signal $clock; do await_state "$job" CANCELLED 60; done
sleep 8 # longer than a requeued job waits
for run in signal clock; do
  job=${!run}
  await_state "$job" CANCELLED 1
  row "time limit, told by the $run" $run
  [[ "$(codes $run)" == 75\ * ]]
done
# both have the weights of an undisturbed run at the same step
step=$(steps_of signal | comm -12 - <(steps_of clock) | tail -n 1)
[ "$((10#$step))" -gt 0 ]
same "signal/checkpoints/step-$step.h5" "clock/checkpoints/step-$step.h5"
undisturbed $((10#$step))
same "undisturbed/last.h5" "clock/checkpoints/step-$step.h5"
