# Rows that are read ahead (data.memory) give the weights of a run that holds them all, on any number of ranks and after
# kills; memory that is too little is refused, and a corpus that is damaged meanwhile ends the run on all ranks.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"

# Lines of one to thirty words out of twenty, about 5 MB of rows.
awk 'BEGIN { srand(11); for (i = 0; i < 60000; i++) { n = 1 + int(30 * rand() * rand()); line = ""
  for (; n; n--) line = line (line ? " " : "") "w" int(20 * rand()); print line } }' >many.txt
"$LOCKSTEP" prepare text many.txt --valid-fraction 0.02 -o many.h5 >/dev/null
small=(data.corpus=many.h5 model.hidden=4 model.embedding=4 model.characters=cnn model.character_filters=2
  train.batch=1000 train.steps=70 train.shuffle_window=5
  train.schedule=constant train.epochs=0 parallel.shards=8 eval.every=50)
ahead='a thread reads those of coming steps'

train 1 lm-line.yaml all "${small[@]}"
grep -q 'rows of the corpus: all are in memory' all.log
# how words are written is read for characters alone
train 1 lm-line.yaml words "${small[@]}" model.characters=none train.steps=1
rows() { sed -n 's/.*all are in memory, about \([0-9.]*\) MB.*/\1/p' "$1.log"; }
awk -v words="$(rows words)" -v all="$(rows all)" 'BEGIN { exit !(words > 0 && words < 0.7 * all) }'
for ranks in 1 2 3; do
  memory=1500K
  [ "$ranks" -gt 1 ] || memory=3M
  train "$ranks" lm-line.yaml "ahead$ranks" "${small[@]}" data.memory=$memory
  grep -q "$ahead" "ahead$ranks.log" || { cat "ahead$ranks.log"; exit 1; }
  same all/last.h5 "ahead$ranks/last.h5"
done

# From a checkpoint in the middle of an epoch, with another amount of memory
train 2 lm-line.yaml again "${small[@]}" train.steps=33 data.memory=1500K
train 1 lm-line.yaml again "${small[@]}" data.memory=4M
grep -q "$ahead" again.log
same all/last.h5 again/last.h5

expect 64 "data.memory leaves [0-9]+ KiB for the rows of /train on a rank, but their plan takes [0-9]+ KiB .*expected [0-9]+K more" \
  "$LOCKSTEP" train "$(config_of lm-line.yaml)" run.dir=little "${small[@]}" data.memory=300K
for wrong in 0 -1M 20X 1MM M lots; do
  expect 64 'data.memory=.*: expected auto, or bytes with K, M, G or T' \
    "$LOCKSTEP" train "$(config_of lm-line.yaml)" run.dir=little "${small[@]}" data.memory=$wrong
done

# Cut while it is being trained on: one line, the exit code of a damaged file, and nobody waits.
mpirun -n 2 "$LOCKSTEP" train "$(config_of lm-line.yaml)" run.dir=cut "${small[@]}" data.memory=1500K train.steps=100000 \
  eval.every=0 >cut.log 2>cut.err &
job=$!
for _ in $(seq 600); do
  grep -q 'step 1' cut/log.txt 2>/dev/null && break
  sleep 0.1
done
truncate -s 100K many.h5
code=0
wait "$job" || code=$?
[ "$code" -eq 65 ] || { echo "a corpus that was cut: exit code $code"; cat cut.err cut.log; exit 1; }
grep -qE 'many.h5.* (was cut off|was changed) while it was being read' cut.err cut.log
