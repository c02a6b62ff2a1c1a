# The same bits for any number of ranks: every cell on a running text, a labeller with dropout, a classifier, lines.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
corpus_lines
corpus_label
corpus_classify

# compare NAME CONFIG key=value...: R = 2, 3, 4, 8 against R = 1
compare() {
  local name=$1 config=$2 ranks
  shift 2
  train 1 "$config" "$name-1" train.steps=12 "$@"
  for ranks in 2 3 4 8; do
    train "$ranks" "$config" "$name-$ranks" train.steps=12 "$@"
    same "$name-1/last.h5" "$name-$ranks/last.h5"
    # the figures of validation are the same too
    diff <(grep -oE '"(loss|largest_state)":[^,}]*' "$name-1/metrics.jsonl") \
      <(grep -oE '"(loss|largest_state)":[^,}]*' "$name-$ranks/metrics.jsonl")
  done
}
small="model.hidden=20 model.embedding=12 train.batch=11 eval.every=5"
cells=$(choices model.cell)
for cell in $cells; do
  # shellcheck disable=SC2086
  compare "$cell" lm-char.yaml data.corpus=text.h5 model.cell=$cell train.unroll=17 $small
done
averages=$(choices train.average)
for average in $averages; do # the rate rises until the loss does, which begins nt-asgd
  # shellcheck disable=SC2086
  compare "average-$average" lm-char.yaml data.corpus=text.h5 train.unroll=17 $small eval.every=2 train.average=$average \
    train.average_every=2 train.average_patience=1 train.optimizer=sgd train.schedule=constant train.rate=40 train.warmup=12
  [ "$average" = none ] || grep -q averaged_since "average-$average-8/metrics.jsonl"
done
# shellcheck disable=SC2086
{
  compare label label-words.yaml data.corpus=label.h5 $small
  compare variational label-words.yaml data.corpus=label.h5 model.variational=true model.cell=gru $small \
    train.clip_by=value train.clip=0.001 train.decay=1e-4 train.decay_of=embedding:0,recurrent:1e-3
  compare sequences label-words.yaml data.corpus=label.h5 model.output=crf model.characters=lstm train.average=ema $small
  compare classify classify-names.yaml data.corpus=classify.h5 $small
  compare tied lm-line.yaml data.corpus=lines.h5 model.hidden=20 model.embedding=20 model.tied=true train.batch=11 train.smoothing=0.1
  compare adaptive lm-char.yaml data.corpus=text.h5 train.unroll=17 $small model.output=adaptive model.cutoffs=12,30,50
  compare recipe lm-char.yaml data.corpus=text.h5 train.unroll=17 $small $recipe
  for net in $(choices model.characters); do # a text of words, and a labeller
    [ "$net" = none ] && continue
    compare "words-$net" lm-line.yaml data.corpus=lines.h5 model.characters=$net model.character_dropout=0.2 $small model.embedding=20 model.tied=true
    compare "label-$net" label-words.yaml data.corpus=label.h5 model.characters=$net model.character_widths=2,3 $small
  done
  compare onehot textbook-lm.yaml data.corpus=text.h5 model.hidden=20 train.batch=5
}
# and the weights do move: one step less gives other ones
train 2 lm-char.yaml less data.corpus=text.h5 model.cell=lstm train.unroll=17 train.steps=11 model.hidden=20 model.embedding=12 train.batch=11 eval.every=5
if same lstm-1/last.h5 less/last.h5 >/dev/null; then echo 'a step changed no weight' && exit 1; fi
# another seed or another number of shards is another run: the comparison can fail
train 2 lm-char.yaml other data.corpus=text.h5 model.cell=lstm train.unroll=17 train.steps=12 model.hidden=20 model.embedding=12 train.batch=11 seed=2
if same lstm-1/last.h5 other/last.h5 >/dev/null; then echo 'another seed gave the same weights' && exit 1; fi
