# starts.jsonl: one line for each start with ranks, hosts and versions; what evaluations and the end say was used; half a
# line of a killed writer is left alone; and the weights do not depend on any of it.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_label
small=(data.corpus=label.h5 model.hidden=8 model.embedding=8 train.batch=32 train.schedule=constant parallel.shards=4)

# field NAME LINE: the number after "NAME":
field() { sed -n "s/.*\"$1\":\([0-9.e-]*\).*/\1/p" <<<"$2"; }

train 2 label-words.yaml run "${small[@]}" train.epochs=2
[ "$(grep -c '"kind":"start"' run/starts.jsonl)" -eq 1 ]
grep -q '"kind":"start".*"step":0,"version":"[0-9.]*","commit":"[0-9a-f]*","ranks":2,"hosts":{"[^"]*":2},"kernels":"[a-z0-9]*","mpi":"' run/starts.jsonl
grep -q "\"version\":\"$("$LOCKSTEP" --version | sed -n '1s/^lockstep \([0-9.]*\).*/\1/p')\"" run/starts.jsonl
[ "$(grep -c '"kind":"use"' run/starts.jsonl)" -eq 2 ] # an evaluation after each epoch
# what a rank will take, in the log and in bytes; hosts and the CPUs of their ranks
start=$(head -n 1 run/starts.jsonl)
for part in program corpus weights 'packed weights' gradients moments activations validation exchange checkpoint; do
  [ "$(field "$part" "${start##*'"plan"'}")" -ge 0 ]
done
[ "$(field weights "${start##*'"plan"'}")" -ge 1000 ]
grep -q '^memory: [0-9]* MB a rank: [0-9]* program' run.log
grep -q '^host [^:]*: 2 ranks on CPUs [0-9]' run.log
last=$(tail -n 1 run/starts.jsonl)
grep -q '"kind":"end".*"reason":"train.epochs reached"' <<<"$last"
[ "$(field steps "$last")" -eq "$(field step "$last")" ]
memory=${last##*'"memory":['}
[ "$(tr ',' '\n' <<<"${memory%%]*}" | awk '$1 > 1e6' | wc -l)" -eq 2 ]
for part in batch net sum update values pack evaluation; do
  awk -v x="$(field "$part" "$last")" 'BEGIN { exit !(x != "" && x >= 0 && x < 60) }'
done
awk -v x="$(field net "$last")" 'BEGIN { exit !(x > 0) }'

# gone on with, on another number of ranks, after a writer was killed in the middle of a line
printf '{"kind":"use","ti' >>run/starts.jsonl
cp -r run other
train 1 label-words.yaml run "${small[@]}" train.epochs=3
[ "$(grep -c '^{"kind":"start"' run/starts.jsonl)" -eq 2 ]
step=$(field step "$last")
grep -q "^{\"kind\":\"start\".*\"step\":$step,.*\"ranks\":1,\"hosts\":{\"[^\"]*\":1}" run/starts.jsonl
last=$(tail -n 1 run/starts.jsonl)
[ $((step + $(field steps "$last"))) -eq "$(field step "$last")" ]

# a run that begins anew forgets the starts of the old one; one that is over already adds nothing
cp run/starts.jsonl before
train 1 label-words.yaml run "${small[@]}" train.epochs=3
cmp before run/starts.jsonl
rm -r run/checkpoints run/*.h5
train 3 label-words.yaml run "${small[@]}" train.epochs=3
[ "$(grep -c '"kind":"start"' run/starts.jsonl)" -eq 1 ]
rm other/starts.jsonl
train 2 label-words.yaml other "${small[@]}" train.epochs=3
same run/last.h5 other/last.h5

# a run that begins draws its weights by the seed: without a step's change they are those of the seed
corpus_classify
for seed in 1 2; do
  "$LOCKSTEP" train "$(config_of classify-names.yaml)" data.corpus=classify.h5 run.dir="seed-$seed" seed=$seed train.rate=0 train.steps=1 \
    model.hidden=8 model.embedding=8 >"seed-$seed.log" 2>&1
done
if same seed-1/last.h5 seed-2/last.h5 >/dev/null; then echo 'two seeds begin with the same weights' && exit 1; fi
