# Killed anywhere and resumed on another number of ranks: the final weights are those of an undisturbed run.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
corpus_label

text="data.corpus=text.h5 model.hidden=24 model.embedding=12 train.batch=11 train.unroll=8 train.epochs=0 train.steps=220 checkpoint.every=7 eval.every=30"
label="data.corpus=label.h5 model.hidden=24 model.embedding=12 train.epochs=0 train.steps=150 checkpoint.every=7 eval.every=30"
sequences="model.output=crf model.characters=lstm train.average=ema"
# shellcheck disable=SC2086
{
  train 2 lm-char.yaml alone-text $text
  run_killed killed-text lm-char.yaml $text
  train 2 lm-char.yaml alone-recipe $text $recipe
  run_killed killed-recipe lm-char.yaml $text $recipe
  train 2 label-words.yaml alone-label $label
  run_killed killed-label label-words.yaml $label
  train 2 label-words.yaml alone-sequences $label $sequences
  run_killed killed-sequences label-words.yaml $label $sequences
}
for kind in text recipe label sequences; do
  same "alone-$kind/last.h5" "killed-$kind/last.h5"
  same "alone-$kind/best.h5" "killed-$kind/best.h5"
  # each step is logged once, with the same figures
  diff <(grep -oE '"(kind|step|loss)":[^,]*' "alone-$kind/metrics.jsonl") <(grep -oE '"(kind|step|loss)":[^,]*' "killed-$kind/metrics.jsonl")
done
# Killed between the last save and the test: the next start only runs the test; the one after it does nothing.
head -400 label.txt >label-test.txt
"$LOCKSTEP" prepare label label.txt --test label-test.txt --column word=0,tag=-1 --valid-fraction 0.1 -o tested.h5 >/dev/null
# Runs that end at the end of an epoch, at a step that saves, at another step, by patience, by time.
for end in train.steps={24,28,29} "train.rate=0 train.patience=2 eval.every=9 checkpoint.every=9" \
  "train.schedule=constant train.steps=0 train.minutes=0.03"; do
  rm -rf ended
  # shellcheck disable=SC2086
  train 2 label-words.yaml ended ${label/label.h5/tested.h5} $end
  rows=$(h5ls ended/last.h5/history/train/step | sed -n 's/.*Dataset {\([0-9]*\).*/\1/p')
  [ "$(grep -c '"kind":"train"' ended/metrics.jsonl)" = "$rows" ]
  cp ended/metrics.jsonl whole.jsonl
  [ "$(grep -c '"test"' whole.jsonl)" = 1 ]
  # with the best weights, and the log says so
  best=$(readlink ended/best.h5 | sed 's/.*step-0*//; s/[.]h5//')
  grep -q "\"kind\":\"test\",\"step\":$best," whole.jsonl
  grep -qE "^test  (best of )?step $best " ended.log
  grep -v '"test"' whole.jsonl >ended/metrics.jsonl
  # shellcheck disable=SC2086
  train 3 label-words.yaml ended ${label/label.h5/tested.h5} $end
  diff <(grep -oE '"(kind|step|loss)":[^,]*' whole.jsonl) <(grep -oE '"(kind|step|loss)":[^,]*' ended/metrics.jsonl)
  cp ended/metrics.jsonl whole.jsonl
  # shellcheck disable=SC2086
  train 3 label-words.yaml ended ${label/label.h5/tested.h5} $end
  cmp whole.jsonl ended/metrics.jsonl
  grep -q 'over already (.* at step [0-9]*)' ended.log
done

# Killed before the first checkpoint: each step is still logged once.
# shellcheck disable=SC2086
{
  early="${label/label.h5/tested.h5} checkpoint.every=0 eval.every=1000"
  train 2 label-words.yaml whole $early
  if LOCKSTEP_DEBUG=kill:rank=1,step=120 train 2 label-words.yaml early $early; then
    echo 'rank 1 was not killed' && exit 1
  fi
  train 3 label-words.yaml early $early
}
same whole/last.h5 early/last.h5
diff <(grep -oE '"(kind|step|loss)":[^,]*' whole/metrics.jsonl) <(grep -oE '"(kind|step|loss)":[^,]*' early/metrics.jsonl)
# no temporary files are left, also where their name has the number of a living process
touch "killed-text/checkpoints/.step-0000000221.h5.$(uname -n).$$-0.lockstep-tmp" "killed-text/.last.h5.$(uname -n).1-0.lockstep-tmp"
# shellcheck disable=SC2086
train 2 lm-char.yaml killed-text $text
[ -z "$(find . -name '*.tmp*' -o -name '.*tmp*' | head -1)" ]
