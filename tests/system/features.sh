# A feature of words: stored by prepare, read by training, made again by predict; the same bits for any number of ranks.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
# A word's tag follows from its casing alone; in the corpus all words are in small letters, and most are <unk>.
sentences() {
  awk -v seed="$1" -v n="$2" 'BEGIN { srand(seed); split("noun name org num", tag); for (; n; n--) {
    for (k = 1 + int(8 * rand()); k; k--) { c = 1 + int(4 * rand()); w = ""
      for (i = 0; i < 4; i++) w = w substr("abcdefgh", 1 + int(8 * rand()), 1)
      if (c == 2) w = toupper(substr(w, 1, 1)) substr(w, 2); if (c == 3) w = toupper(w); if (c == 4) w = int(1e6 * rand())
      print w "\t" tag[c] } print "" } }'
}
sentences 1 300 >train.txt
sentences 2 60 >valid.txt
"$LOCKSTEP" prepare label train.txt --valid valid.txt --lower --min-count 3 --feature casing -o cased.h5 >/dev/null
"$LOCKSTEP" prepare label train.txt --valid valid.txt --lower --min-count 3 -o plain.h5 >/dev/null
h5ls -r cased.h5 | grep -q '/vocab/casing .*{6}'

small="data.corpus=cased.h5 model.hidden=16 model.embedding=6 train.batch=16 train.epochs=0 train.steps=150 train.rate=0.02 train.schedule=constant train.warmup=0 eval.metric=accuracy checkpoint.every=20"
for features in casing casing:embed:3; do
  # shellcheck disable=SC2086
  for ranks in 1 2 3; do train "$ranks" label-words.yaml "run-$ranks" $small model.features="$features"; done
  same run-1/last.h5 run-2/last.h5
  same run-1/last.h5 run-3/last.h5
  # shellcheck disable=SC2086
  {
    rm -rf killed
    if LOCKSTEP_DEBUG=kill:rank=1,step=70 train 2 label-words.yaml killed $small model.features="$features"; then
      echo 'rank 1 was not killed' && exit 1
    fi
    train 3 label-words.yaml killed $small model.features="$features"
  }
  same run-1/last.h5 killed/last.h5
  # unknown words, as sentences, with TABs, and in columns
  [ "$(echo 'qqqq Qqqq QQQQ 777' | "$LOCKSTEP" predict run-1/best.h5 2>/dev/null)" = 'noun name org num' ]
  [ "$(printf 'qqqq\tQqqq\tQQQQ\t777\n' | "$LOCKSTEP" predict run-1/best.h5 2>/dev/null)" = $'noun\tname\torg\tnum' ]
  cut -f1 valid.txt | "$LOCKSTEP" predict run-1/best.h5 --input words 2>/dev/null | cut -f2 >tags.txt
  cut -f2 valid.txt | cmp - tags.txt
  mv run-1 "kept-${features##*:}"
  rm -rf run-*
done
# new data for the model has the column too; data without it is refused, and so is a run on it
"$LOCKSTEP" prepare label valid.txt --like kept-3/best.h5 -o like.h5 >/dev/null
"$LOCKSTEP" eval kept-3/best.h5 like.h5 | grep -qE '^accuracy\s+1'
expect 65 'no column "casing" as the model reads it' "$LOCKSTEP" eval kept-3/best.h5 plain.h5
expect 64 'model.features=casing: the corpus has no column .casing.' "$LOCKSTEP" train "$LOCKSTEP_SOURCE/tests/system/label-words.yaml" \
  data.corpus=plain.h5 run.dir=refused model.features=casing
expect 64 "unknown feature 'cases'" "$LOCKSTEP" prepare label train.txt --feature cases -o no.h5
expect 64 'computed from words' "$LOCKSTEP" prepare classify train.txt --unit char --feature casing -o no.h5
# a classifier's text has words too
awk -F'\t' 'NF { print $2 "\t" $1 }' train.txt >classes.tsv
"$LOCKSTEP" prepare classify classes.tsv --lower --min-count 3 --feature casing --valid-fraction 0.1 -o classes.h5 >/dev/null
train 2 classify-names.yaml classes data.corpus=classes.h5 model.features=casing model.hidden=8 model.embedding=4 train.epochs=12 train.batch=32 train.rate=0.02
[ "$(printf 'QQQQ\nqqqq\n42\nQqqq\n' | "$LOCKSTEP" predict classes/best.h5 2>/dev/null | paste -sd' ')" = 'org noun num name' ]
