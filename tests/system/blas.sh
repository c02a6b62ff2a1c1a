# kernels=blas: products by OpenBLAS. The bits differ from those of our kernels, but are the same on any number of ranks
# and after a resume.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_lines
corpus_label
corpus_classify
corpus_pairs
small="eval.every=4 model.hidden=20 model.embedding=12 train.batch=11"

# compare NAME CONFIG key=value...: the same on R = 1, 2, 3, and different from our kernels
compare() {
  local name=$1 config=$2 ranks
  shift 2
  for ranks in 1 2 3; do
    # shellcheck disable=SC2086
    train $ranks "$config" "$name-$ranks" kernels=blas train.steps=8 $small "$@"
    grep -q ' blas kernels' "$name-$ranks.log"
    same "$name-1/last.h5" "$name-$ranks/last.h5"
    diff <(grep -o '"loss":[^,]*' "$name-1/metrics.jsonl") <(grep -o '"loss":[^,]*' "$name-$ranks/metrics.jsonl")
  done
  # shellcheck disable=SC2086
  train 1 "$config" "$name-ours" train.steps=8 $small "$@"
  if same "$name-1/last.h5" "$name-ours/last.h5" >/dev/null; then echo 'kernels=blas changed nothing' && exit 1; fi
}
compare lm lm-line.yaml data.corpus=lines.h5
compare tied lm-line.yaml data.corpus=lines.h5 model.hidden=20 model.embedding=20 model.tied=true
compare translate translate-names.yaml data.corpus=pairs.h5
compare label label-words.yaml data.corpus=label.h5
compare classify classify-names.yaml data.corpus=classify.h5 model.cell=gru
grep -q "^OpenBLAS makes the products" label-1.log

# A run keeps its kernels: with auto it resumes with them, on another number of ranks, with the same result; a change
# from or to blas is refused.
settings="data.corpus=label.h5 train.schedule=constant $small"
# shellcheck disable=SC2086
{
  train 1 label-words.yaml whole kernels=blas train.steps=8 $settings
  train 2 label-words.yaml parts kernels=blas train.steps=5 $settings
  train 1 label-words.yaml parts train.steps=8 $settings
  same whole/last.h5 parts/last.h5
  expect 64 "kernels=portable: the run in 'parts' began with blas and cannot go on with portable" \
    "$LOCKSTEP" train "$LOCKSTEP_SOURCE/tests/system/label-words.yaml" run.dir=parts kernels=portable train.steps=9 $settings
  expect 64 "kernels=blas: the run in 'label-ours' began with other kernels and cannot go on with blas" \
    "$LOCKSTEP" train "$LOCKSTEP_SOURCE/tests/system/label-words.yaml" run.dir=label-ours kernels=blas train.steps=9 $settings
}

# eval prints the figures that training logged, on any number of ranks; predict's answers do not depend on other lines.
loss=$(grep -o '"loss":[^,}]*' label-1/metrics.jsonl | tail -1 | cut -d: -f2)
for ranks in 1 2; do
  mpirun -n $ranks "$LOCKSTEP" eval label-1/last.h5 label.h5 >eval-$ranks.txt 2>/dev/null
  mpirun -n $ranks "$LOCKSTEP" predict translate-1/last.h5 --scores < <(cut -f1 pairs.tsv | head -100) >predict-$ranks.txt
done
cmp eval-1.txt eval-2.txt
cmp predict-1.txt predict-2.txt
awk -v loss="$loss" '$1 == "loss" { d = $2 - loss; found = 1 } END { exit !(found && d < 1e-6 && d > -1e-6) }' eval-1.txt
cut -f1 pairs.tsv | head -100 | tac | "$LOCKSTEP" predict translate-1/last.h5 --scores | tac | cmp - predict-1.txt
