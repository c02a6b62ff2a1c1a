# Averages of the weights: evaluations, best.h5 and last.h5 have them, training goes on as without them, and nothing
# depends on kills, ranks, skipped steps or how often the run went back. What ranks and kinds have in common is in
# invariance.sh and choices.sh.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
# the rate rises until the loss does, which begins nt-asgd
small=(data.corpus=text.h5 model.hidden=20 model.embedding=12 train.batch=11 train.unroll=17 train.epochs=0 train.steps=24
  train.optimizer=sgd train.rate=40 train.warmup=12 train.schedule=constant eval.every=2 checkpoint.every=3
  train.average_decay=0.9 train.average_every=2 train.average_patience=1)
# averaged RANKS RUN KIND key=value ...
averaged() { train "$1" lm-char.yaml "$2" "${small[@]}" train.average="$3" "${@:4}"; }
figures() { grep -oE '"(kind|step|loss|averaged_since)":[^,}]*' "$1/metrics.jsonl"; }
# values FILE GROUP: all numbers of a group of tensors
values() { h5dump -g "$2" -y -w 1 -m %.9g "$1" | grep -E '^ *-?[0-9]'; }
has_training() { h5ls "$1" | grep -q "^training "; }

averaged 2 none none
if has_training none/last.h5; then echo "none has an average" && exit 1; fi
values none/last.h5 /model >weights.txt
[ "$(wc -l <weights.txt)" -gt 100 ]
kinds=$(choices train.average)
for kind in ${kinds//none/}; do
  averaged 2 "$kind" "$kind"
  # killed before and after averaging begins, and going on with other ranks
  kills=0
  for when in 5 15 ''; do
    LOCKSTEP_DEBUG=${when:+kill:rank=1,step=$when} averaged $((2 + kills)) "$kind-killed" "$kind" || kills=$((kills + 1))
  done
  [ "$kills" -eq 2 ]
  for file in last best; do same "$kind/$file.h5" "$kind-killed/$file.h5"; done
  diff <(figures "$kind") <(figures "$kind-killed")
  # training itself is as without an average
  values "$kind/last.h5" /training | diff -q - weights.txt
  if values "$kind/last.h5" /model | diff -q - weights.txt >/dev/null; then echo "$kind: no average" && exit 1; fi
  # the logged figures are those of the model in the file
  for file in last best; do
    step=$(readlink "$kind/$file.h5" | sed 's/.*step-0*//; s/[.]h5//')
    logged=$(sed -n "s/.*\"kind\":\"valid\",\"step\":$step,.*\"loss\":\([0-9.]*\),.*/\1/p" "$kind/metrics.jsonl")
    "$LOCKSTEP" eval "$kind/$file.h5" text.h5 --split valid | awk -v logged="$logged" '
      $1 == "loss" { n++; d = $2 - logged; if (d < 0) d = -d; if (d > 2e-6) bad = 1; print $2, logged } END { exit !n || bad }'
  done
  grep -q 'averaged since step [1-9]' "$kind.log"
  grep -qE '"kind":"valid".*"averaged_since":[1-9]' "$kind/metrics.jsonl"
  grep -qE 'the average of the weights begins' "$kind.log"
done
# nt-asgd begins after the first evaluation that is worse than the best but the last one before it
first=$(awk -F'[:,]' '/"kind":"valid"/ { for (i = 1; i < NF; i++) { if ($i == "\"step\"") step = $(i + 1); if ($i == "\"loss\"") loss = $(i + 1) }
    if (n > 1 && loss > best) { print step; exit }
    if (n++ == 1 || (n > 2 && before < best)) best = before
    before = loss }' nt-asgd/metrics.jsonl)
[ "$first" -gt 5 ] && [ "$first" -lt 22 ]
grep -qE "\"averaged_since\":$((first + 1))[,}]" nt-asgd/metrics.jsonl
grep -q "^step $first: validation no longer improves: the average of the weights begins with the next step" nt-asgd.log
[ "$(for kind in $kinds; do sha "$kind/last.h5"; done | sort -u | wc -l)" -eq "$(wc -w <<<"$kinds")" ]

# The same where ranks share no memory.
averaged 3 messages ema parallel.reduction=messages
same ema/last.h5 messages/last.h5
diff <(figures ema) <(figures messages)

# A skipped step takes no part; what a run that goes back undoes is out of the average too.
for ranks in 1 3; do
  LOCKSTEP_DEBUG=nan:rank=0,step=13 averaged "$ranks" "skip-$ranks" ema
  LOCKSTEP_DEBUG='spike:rank=0,step=17;kill:rank=0,step=20' averaged "$ranks" "back-$ranks" ema 'train.spike=rollback 7' \
    train.spike_window=5 train.spike_factor=50 && exit 1
  LOCKSTEP_DEBUG=spike:rank=0,step=17 averaged "$ranks" "back-$ranks" ema 'train.spike=rollback 7' train.spike_window=5 \
    train.spike_factor=50
  same skip-1/last.h5 "skip-$ranks/last.h5"
  same back-1/last.h5 "back-$ranks/last.h5"
done
grep -q 'goes back 7 steps' back-1/log.txt
count() { h5dump -d /state/average -s 1 -c 1 -y "$1" | grep -oE '^ *[0-9]+$' | tr -d ' '; }
[ "$(count ema/last.h5)" = 24 ]
"$LOCKSTEP" inspect ema/last.h5 | grep -qE '^weights +the average [(]ema[)] of 24, since step 1$'
if "$LOCKSTEP" inspect none/last.h5 | grep -q '^weights'; then echo 'none: an average' && exit 1; fi
[ "$(count skip-1/last.h5)" = 23 ]
[ "$(count back-1/last.h5)" = 24 ]

# A run may be given another average on the way: it begins anew. init.from takes the averaged weights.
averaged 2 later none train.steps=11
averaged 2 later swa
[ "$(count later/last.h5)" = 7 ]
averaged 2 later ema train.steps=26
[ "$(count later/last.h5)" = 2 ]
averaged 2 later none train.steps=28
if has_training later/last.h5; then echo "the average was kept" && exit 1; fi
averaged 2 from none init.from=ema/last.h5 train.rate=0 train.steps=1
same ema/last.h5 from/last.h5
# A run that ends before its average begins says so, once.
averaged 2 short swa train.average_every=30
[ "$(grep -c 'warning: train.average: at the end of the run there is no average (swa) yet' short.log)" -eq 1 ]
if has_training short/last.h5; then echo "there is an average" && exit 1; fi
if grep -q 'there is no average' swa.log none.log; then exit 1; fi
# The averages are as good as their definition on a run that wanders: better than the weights that they are made of.
best() { grep '"kind":"valid"' "$1/metrics.jsonl" | tail -1 | sed 's/.*"loss":\([0-9.]*\),.*/\1/'; }
echo "last loss of validation: none $(best none), ema $(best ema), swa $(best swa), nt-asgd $(best nt-asgd)"

"$LOCKSTEP" prepare text text.txt --unit char --stream -o alone.h5 >/dev/null
expect 64 'train.average=nt-asgd: goes by evaluations, and .* has no part for validation' "$LOCKSTEP" train \
  "$LOCKSTEP_SOURCE/configs/lm-char.yaml" data.corpus=alone.h5 run.dir=alone train.average=nt-asgd
