# A training step allocates nothing: a run of twenty more steps makes the same number of allocations, for every task.
# All steps are in one epoch, as its end writes a row of metrics.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
if [ -n "${LOCKSTEP_SANITIZE:-}" ]; then exit 77; fi # the shim and the sanitizer both want to be malloc
corpus_text
corpus_lines
corpus_label
corpus_classify
awk -F'\t' '{ r = ""; for (i = length($2); i; i--) r = r substr($2, i, 1); print $2 "\t" r }' classify.tsv >pairs.tsv
"$LOCKSTEP" prepare pairs pairs.tsv --unit char --valid-fraction 0.1 -o pairs.h5 >/dev/null

# calls KIND RANKS STEPS CONFIG key=value...: the number of calls of each rank, largest first
calls() {
  local kind=$1 ranks=$2 steps=$3 config=$4
  shift 4
  rm -rf run counts
  FAULT_CALL=$kind FAULT_MODE=count FAULT_MARK=$PWD/counts mpirun -n "$ranks" env "LD_PRELOAD=$LOCKSTEP_SHIM" "$LOCKSTEP" \
    train "$(config_of "$config")" run.dir=run train.steps="$steps" checkpoint.every=0 eval.every=1000 "$@" \
    >log 2>&1 || { cat log >&2; return 1; }
  grep -q "^done at step $steps:" log && sort -rn counts
}
# steady CONFIG key=value...
steady() {
  local kind ranks few many
  for kind in malloc mmap; do
    ranks=$([ $kind = malloc ] && echo 2 || echo 1)
    few=$(calls $kind "$ranks" 5 "$@") || exit
    many=$(calls $kind "$ranks" 25 "$@") || exit
    echo "$1, $kind, $ranks ranks: ${few//$'\n'/ }, ${many//$'\n'/ }"
    [ "$few" = "$many" ]
    [ "${few%%$'\n'*}" -ge 3 ] # the shim is heard
  done
}
small="model.hidden=20 model.embedding=12 train.batch=2 parallel.shards=2"
# shellcheck disable=SC2086
{
  steady lm-char.yaml data.corpus=text.h5 train.unroll=17 $small
  steady lm-line.yaml data.corpus=lines.h5 $small
  steady label-words.yaml data.corpus=label.h5 $small
  steady classify-names.yaml data.corpus=classify.h5 $small
  steady translate-names.yaml data.corpus=pairs.h5 $small
}
