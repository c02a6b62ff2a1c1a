# Patience counts evaluations in a row: an improvement resets it.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_classify
train 1 classify-names.yaml run data.corpus=classify.h5 model.hidden=8 model.embedding=4 train.batch=8 train.optimizer=sgd \
  train.rate=0.5 train.schedule=constant train.warmup=0 train.epochs=0 train.steps=4000 train.patience=4 eval.every=10 eval.metric=loss \
  checkpoint.every=0
# From the logged losses: where the run had to end, and how often an improvement came after evaluations without one.
awk -F'[:,]' '/"kind":"valid"/ {
    for (i = 1; i < NF; i++) { if ($i == "\"step\"") step = $(i + 1); if ($i == "\"loss\"") loss = $(i + 1) }
    last = step
    if (end) next
    if (n++ == 0 || loss < best) { best = loss; resets += bad > 0; bad = 0; next }
    if (++bad == 4) end = step
  }
  END {
    print "patience ends at step " end ", the run ended at " last "; " resets " times set back"
    exit !(end == last && resets >= 2)
  }' run/metrics.jsonl
grep -q 'done at step .*: validation has not improved for train.patience evaluations' run.log
