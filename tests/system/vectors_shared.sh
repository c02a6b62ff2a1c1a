# Vectors of words are in memory once a host: said by train, with the same bits as where each rank has its own, also where
# memory cannot be shared, on two hosts, and after a kill; eval and predict answer the same on any number of ranks.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
# 4,500 words of 256 numbers, 4.6 MB: less is not shared. The tag follows from the first number.
awk 'BEGIN { srand(3); for (w = 0; w < 4500; w++) { printf "w%d %d", w, w % 2
  for (i = 1; i < 256; i++) printf " %d", 9 * rand(); print "" } }' >large.vec
awk 'BEGIN { srand(4); for (s = 0; s < 60; s++) { for (k = 1 + int(5 * rand()); k; k--) { w = int(4500 * rand())
  print "w" w "\t" (w % 2 ? "odd" : "even") } print "" } }' >train.txt
"$LOCKSTEP" prepare label train.txt --valid-fraction 0.2 --vectors large.vec --vectors-all -o large.h5 >/dev/null
small=(data.corpus=large.h5 model.hidden=6 model.embedding=4 model.layers=1 train.batch=8 train.epochs=0 train.steps=6 checkpoint.every=2)
shares() { grep -q 'vectors of 4500 words, 256 numbers each: 4.6 MB that the ranks of a host share' "$1"; }
for use in frozen tuned; do
  train 1 label-words.yaml "$use-1" "${small[@]}" model.vectors=$use
  grep -q 'vectors of 4500 words, 256 numbers each: 4.6 MB in each rank' "$use-1.log"
  train 3 label-words.yaml "$use-3" "${small[@]}" model.vectors=$use
  shares "$use-3.log"
  same "$use-1/last.h5" "$use-3/last.h5"
done
train 2 label-words.yaml messages "${small[@]}" model.vectors=frozen parallel.reduction=messages
grep -q '4.6 MB in each rank' messages.log
LOCKSTEP_TEST_SHM=5e6 train 2 label-words.yaml full "${small[@]}" model.vectors=frozen # room for the gradients alone
grep -q '4.6 MB in each rank' full.log
LOCKSTEP_TEST_HOSTS=aba train 3 label-words.yaml hosts "${small[@]}" model.vectors=frozen
shares hosts.log
if LOCKSTEP_DEBUG=kill:rank=1,step=5 train 2 label-words.yaml killed "${small[@]}" model.vectors=frozen; then
  echo 'rank 1 was not killed' && exit 1
fi
train 2 label-words.yaml killed "${small[@]}" model.vectors=frozen
shares killed.log
for run in messages full hosts killed; do same frozen-1/last.h5 $run/last.h5; done
# a net that does not read them has no use for the memory
train 2 label-words.yaml unread "${small[@]}"
if grep -q 'vectors of' unread.log; then exit 1; fi
cut -f1 train.txt | paste -sd' ' | fold -sw 60 >lines.txt
"$LOCKSTEP" eval frozen-1/last.h5 large.h5 >eval.txt
"$LOCKSTEP" predict frozen-1/last.h5 <lines.txt >predict.txt
mpirun -n 3 "$LOCKSTEP" eval frozen-1/last.h5 large.h5 | diff eval.txt -
mpirun -n 3 "$LOCKSTEP" predict frozen-1/last.h5 <lines.txt | diff predict.txt -
