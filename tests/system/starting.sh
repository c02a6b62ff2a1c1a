# How MPI starts on one host: with the shared-memory transport only, and without a daemon where there is no launcher;
# settings of the user are kept.
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
