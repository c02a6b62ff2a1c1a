# shellcheck shell=bash
# Functions for the tests on a cluster. Sourced; the shell runs with -eu, in an empty folder.
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
cluster=$LOCKSTEP_SOURCE/tests/cluster/cluster
# a folder for each build, with a short path, as socket names are limited
LOCKSTEP_CLUSTER=/tmp/lockstep-cluster-$(cksum <<<"$LOCKSTEP_BUILD" | cut -d ' ' -f 1)
export LOCKSTEP_CLUSTER LOCKSTEP_CLUSTER_LIFE=600
unset "${!SLURM@}" # a test may itself run under somebody's Slurm

# need_cluster HOSTS [full]: "full" tests take minutes and run only where LOCKSTEP_CLUSTER_FULL is set.
need_cluster() {
  if [ "${2:-}" = full ] && [ -z "${LOCKSTEP_CLUSTER_FULL:-}" ]; then
    echo "takes minutes: set LOCKSTEP_CLUSTER_FULL=1"
    exit 77
  fi
  "$cluster" needs || exit 77
  trap 'cp -r "$LOCKSTEP_CLUSTER/log" slurm-logs || true; "$cluster" stop' EXIT
  "$cluster" start "${1:-3}"
}
slurm() { "$cluster" run "$@"; }

# The model of all these runs: small, with a checkpoint every 20 steps; any number of ranks up to 6.
model=("$LOCKSTEP_SOURCE/configs/lm-char.yaml" data.corpus=text.h5 model.hidden=32 model.embedding=8 train.batch=24
  train.unroll=16 train.epochs=0 train.schedule=constant eval.every=1000000 checkpoint.every=20 checkpoint.keep=1000
  parallel.shards=6)

# undisturbed STEPS: the run that all others are compared with, on this machine, outside Slurm. It keeps every checkpoint.
undisturbed() {
  corpus_text
  mpirun -n 2 "$LOCKSTEP" train "${model[@]}" run.dir=undisturbed train.steps="$1" >undisturbed.log 2>&1
}

# submit RUN [option of sbatch ...] -- [key=value ...]: sets $job; the job's output goes to RUN.log.
submit() {
  local run=$1 options=()
  shift
  while [ "$1" != -- ]; do options+=("$1") && shift; done
  shift
  job=$(slurm sbatch --parsable --output="$run.log" "${options[@]}" "$LOCKSTEP_SOURCE/scripts/lockstep.sbatch" \
    "${model[@]}" run.dir="$run" "$@")
}

# field JOB NAME: a field of `scontrol show job`.
field() { slurm scontrol show job -o "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1; }

# await SECONDS WHAT COMMAND...
await() {
  local tries=$(($1 * 5)) what=$2
  shift 2
  until "$@" 2>/dev/null; do
    [ $((tries -= 1)) -gt 0 ] || { echo "waited in vain for $what" && troubles && return 1; }
    sleep 0.2
  done
}
troubles() {
  slurm squeue
  tail -n 30 ./*.log
}
is_in() { [ "$(field "$1" JobState)" = "$2" ]; }
await_state() { await "$3" "job $1 to be $2" is_in "$1" "$2"; }

# await_step RUN STEP SECONDS: a checkpoint of that step or a later one.
has_step() {
  local newest
  newest=$(steps_of "$1" | tail -n 1)
  [ "$((10#${newest:-0}))" -ge "$2" ]
}
await_step() { await "$3" "step $2 of $1" has_step "$1" "$2"; }

# codes RUN: the exit codes of all starts of a job.
codes() { sed -n 's/^lockstep\.sbatch: .*ended with exit code \([0-9]*\).*/\1/p' "$1.log" | paste -sd ' '; }

# same_bits RUN STEP: the weights of a run's last checkpoint are those of the undisturbed run at that step.
same_bits() { same "$(printf 'undisturbed/checkpoints/step-%010d.h5' "$2")" "$1/last.h5"; }

# steps_of RUN: the steps of its checkpoints, from their names
steps_of() { find "$1/checkpoints" -name 'step-*.h5' | sed 's/.*step-//; s/\.h5//' | sort; }
newest() { steps_of "$1" | tail -n 1 | sed 's/^0*//'; }

# requeue JOB: with scontrol, and wait until it has left its hosts.
requeue() {
  slurm scontrol requeue "$1"
  await 60 "job $1 to leave" is_in "$1" PENDING
}

idle_hosts() { [ "$(slurm sinfo -h -t idle -p main -o %D)" = "$1" ]; }

# requeue_often RUN TIMES: each time after it resumed and made progress, whatever the speed of the machine.
requeue_often() {
  local at=0
  for _ in $(seq "$2"); do
    await_state "$job" RUNNING 120
    await_step "$1" $((at + 40)) 120
    requeue "$job"
    at=$(newest "$1")
  done
}

# row SCENARIO RUN: a line of the table of outcomes: Slurm's final state of the job, and the exit code of every start.
row() {
  printf '%4d s  %-44s %-9s %-5s codes %s\n' "$SECONDS" "$1" "$(field "$job" JobState)" "$(field "$job" ExitCode)" \
    "$(codes "$2")"
}

# lost RUN HOST LAUNCH TITLE: a job on n1 and n2 permanently loses the connection to one of them, and continues
# elsewhere.
lost() {
  LOCKSTEP_LAUNCH=$3 submit "$1" -N 2 -n 2 -- train.steps=600 watchdog.seconds=8
  await_step "$1" 100 120
  "$cluster" cut "$2"
  local pulled=$SECONDS
  await 120 "$1 to go on elsewhere" grep -q '^resuming from' "$1.log"
  echo "      $((SECONDS - pulled)) s from the cut to the resumption"
  await_state "$job" COMPLETED 150
  "$cluster" mend "$2"
  row "$4" "$1"
  same_bits "$1" 600
  await 60 "$2 to come back" idle_hosts 3
}
