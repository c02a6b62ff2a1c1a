# How MPI starts on one host: with the shared-memory transport only, and without a daemon where there is no launcher;
# settings of the user are kept. What is refused at the start, because ranks are alone or differ.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_classify
small=(data.corpus=classify.h5 model.hidden=8 model.embedding=8 train.batch=8)

if [ "$LOCKSTEP_MPI" = openmpi ]; then # the only one that is told something
  # tried LOG: the transports that Open MPI reports it tried
  tried() { sed -n 's/.*found loaded component \([a-z0-9]*\).*/\1/p' "$1" | sort -u | tr '\n' ' '; }
  export OMPI_MCA_pml_base_verbose=20
  train 2 classify-names.yaml two train.steps=2 "${small[@]}"
  OMPI_MCA_mtl=^psm2 train 2 classify-names.yaml chosen train.steps=2 "${small[@]}"
  "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/classify-names.yaml" run.dir=one train.steps=2 "${small[@]}" >one.log 2>&1
  echo "tried: $(tried two.log), by choice $(tried chosen.log), alone $(tried one.log)"
  [ "$(tried two.log)" = "ob1 " ]
  [ "$(tried one.log)" = "ob1 " ]
  [ "$(tried chosen.log)" != "ob1 " ] # Debian's has others too
  unset OMPI_MCA_pml_base_verbose
fi

"$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/classify-names.yaml" run.dir=long train.steps=0 train.epochs=1000 \
  train.patience=0 train.rate=1e-9 "${small[@]}" \
  >long.log 2>&1 &
job=$!
for _ in $(seq 200); do
  [ ! -s long/metrics.jsonl ] || break
  sleep 0.05
done
[ -s long/metrics.jsonl ]
children=$(pgrep -P "$job" || true)
kill -TERM "$job"
wait "$job" || [ $? -eq 75 ]
[ -z "$children" ] || { echo "it started $children"; false; }

# Ranks started by another MPI's mpirun would each be a run of one rank: refused, with one line from one of them.
other=PMI
if [ "$LOCKSTEP_MPI" = mpich ]; then other=OMPI_COMM_WORLD; fi
for rank in 0 1; do
  code=0
  env ${other}_SIZE=2 ${other}_RANK=$rank "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/classify-names.yaml" run.dir=none \
    "${small[@]}" 2>>err.txt || code=$?
  [ "$code" -eq 64 ]
done
[ "$(grep -c '^lockstep: 2 ranks were started that cannot reach each other: lockstep was built with ' err.txt)" -eq 1 ]
[ "$(wc -l <err.txt)" -eq 1 ] && [ ! -e none ]

# A step of srun whose tasks do not find each other: refused by every command, before anything is written. It has no PMI,
# and Open MPI 4 would end it with a page of its own.
step=(SLURM_JOB_ID=7 SLURM_JOBID=7 SLURM_NODELIST=n1 SLURM_NNODES=1 SLURM_NTASKS=2 SLURM_NODEID=0 SLURM_STEP_ID=0
  SLURM_STEPID=0 SLURM_STEP_NUM_TASKS=2)
alone=(train "$LOCKSTEP_SOURCE/configs/classify-names.yaml" "${small[@]}" train.steps=2)
line="^lockstep: srun of Slurm started 2 tasks, and MPI counts 1 rank in each: they do not find each other, .* srun --mpi=pmix lockstep"
# refused TASK ARGUMENT...: the first task says why, the others nothing
refused() {
  local task=$1 code=0
  shift
  env "${step[@]}" SLURM_PROCID="$task" "$LOCKSTEP" "$@" >out.txt 2>err.txt </dev/null || code=$?
  [ "$code" -eq 64 ] && [ ! -s out.txt ]
  if [ "$task" -eq 0 ]; then grep -q "$line" err.txt && [ "$(wc -l <err.txt)" -eq 1 ]; else [ ! -s err.txt ]; fi
}
"$LOCKSTEP" "${alone[@]}" run.dir=model >/dev/null 2>&1
for task in 0 1; do
  refused $task "${alone[@]}" run.dir=none
  refused $task eval model/last.h5 classify.h5
  refused $task predict model/last.h5
  refused $task prepare classify classify.tsv --unit char -o none.h5
  refused $task export model/last.h5 -o none.safetensors
  refused $task bench --quick
done
[ ! -e none ] && [ ! -e none.h5 ] && [ ! -e none.safetensors ]
code=0
env "${step[@]}" SLURM_PROCID=0 "$LOCKSTEP" doctor run.dir=none --skip noise >out.txt 2>&1 || code=$?
[ "$code" -eq 78 ]
grep -q '^launcher: srun of Slurm started 2 tasks, and MPI counts 1 rank; .* -> srun --mpi=pmix' out.txt
# PMIx alone tells no size; its second process knows at least that it is not the only one
if [ "$LOCKSTEP_MPI" = openmpi ]; then
  expect 64 'started by a launcher of PMIx' env PMIX_RANK=1 "$LOCKSTEP" "${alone[@]}" run.dir=none
fi
[ ! -e none ]

# One process is meant in a shell of salloc, in a batch script, in an interactive step, as srun's only task, and where
# mpirun starts one within a step; srun --mpi=pmi2 is srun, though its variables are those of MPICH's mpirun.
salloc=(SLURM_JOB_ID=7 SLURM_JOBID=7 SLURM_NODELIST=n1 SLURM_NNODES=1 SLURM_NTASKS=8)
here=(SLURM_NODEID=0 SLURM_PROCID=0 SLURM_LOCALID=0)
# single NAME COMMAND...: it trains
single() {
  local run=single-$1
  shift
  "$@" "${alone[@]}" run.dir="$run" >"$run.log" 2>&1 || { cat "$run.log" && return 1; }
  grep -q '^1 rank, ' "$run.log"
}
single salloc env "${salloc[@]}" "$LOCKSTEP"
single batch env "${salloc[@]}" "${here[@]}" "$LOCKSTEP"
single interactive env "${salloc[@]}" "${here[@]}" SLURM_STEP_ID=4294967290 SLURM_STEP_NUM_TASKS=1 "$LOCKSTEP"
single task env "${salloc[@]}" "${here[@]}" SLURM_NTASKS=1 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=1 "$LOCKSTEP"
single nested env SLURM_STEP_NUM_TASKS=8 SLURM_PROCID=3 mpirun -n 1 "$LOCKSTEP"
if [ "$LOCKSTEP_MPI" = openmpi ]; then
  expect 64 '^lockstep: srun of Slurm started 2 tasks' env PMI_SIZE=2 PMI_RANK=0 SLURM_STEP_NUM_TASKS=2 SLURM_PROCID=0 \
    "$LOCKSTEP" "${alone[@]}" run.dir=none
fi

# Ranks that differ: other settings (the first that differs, and both values), another program, another OpenBLAS.
# differ PATTERN ARGUMENTS_OF_RANK_1...: both arrays are commands with their arguments
differ() {
  local pattern=$1
  shift
  expect 64 "^lockstep: $pattern" mpirun -n 1 "$LOCKSTEP" "${alone[@]}" run.dir=none "${extra[@]}" : -n 1 "$@"
  [ ! -e none ]
}
extra=()
differ 'rank 1: on host .* train.rate is 0.5, and on rank 0 it is [0-9.]*: give all ranks the same arguments' \
  "$LOCKSTEP" "${alone[@]}" run.dir=none train.clip=0.25 train.rate=0.5
cp "$LOCKSTEP" other
echo >>other
differ 'rank 1 on .* runs lockstep [0-9.]* .*.file [0-9a-f]*., rank 0 on .* lockstep .*install the same build' \
  ./other "${alone[@]}" run.dir=none
expect 64 'install the same build' mpirun -n 1 "$LOCKSTEP" eval model/last.h5 classify.h5 : \
  -n 1 ./other eval model/last.h5 classify.h5
extra=(kernels=blas)
if [ -z "$LOCKSTEP_SANITIZE" ] && [ "$("$LOCKSTEP" --version | grep -c DYNAMIC_ARCH)" -gt 0 ] && grep -q avx2 /proc/cpuinfo; then
  differ 'OpenBLAS makes the products, with other bits on rank 1 on .*: export OPENBLAS_CORETYPE' \
    env OPENBLAS_CORETYPE=Nehalem "$LOCKSTEP" "${alone[@]}" run.dir=none kernels=blas
fi
