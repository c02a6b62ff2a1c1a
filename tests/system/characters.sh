# Characters of words: stored by prepare, read by training, made again for words never seen; the same bits for any number
# of ranks and after a kill.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
# A word's tag follows from its ending, and whether it begins with a capital; most words of valid.txt are not in train.txt.
sentences() {
  awk -v seed="$1" -v n="$2" 'BEGIN { srand(seed); split("ing ed ly s", end); split("ger past adv plural", tag); for (; n; n--) {
    for (k = 1 + int(8 * rand()); k; k--) { e = 1 + int(4 * rand()); w = ""
      for (i = 1 + int(5 * rand()); i; i--) w = w substr("abcdefghijkmnopqrtuvwxz", 1 + int(23 * rand()), 1)
      name = rand() < 0.2; if (name) w = toupper(substr(w, 1, 1)) substr(w, 2)
      print w end[e] "\t" (name ? "name" : tag[e]) } print "" } }'
}
sentences 1 600 >train.txt
sentences 2 60 >valid.txt
"$LOCKSTEP" prepare label train.txt --valid valid.txt --lower --min-count 2 -o words.h5 >/dev/null
"$LOCKSTEP" prepare label train.txt --valid valid.txt --lower --min-count 2 --no-forms -o plain.h5 >/dev/null
h5ls -r words.h5 >listed
grep -q '^/train/len_0008/form ' listed
grep -q '^/vocab/character ' listed
grep -q '^/vocab/form ' listed
"$LOCKSTEP" verify words.h5 >/dev/null
"$LOCKSTEP" inspect words.h5 | grep -qE '^characters +[0-9]+: '
if h5ls -r plain.h5 | grep -qE 'form|character'; then echo '--no-forms stores forms' && exit 1; fi

small="data.corpus=words.h5 model.hidden=16 model.embedding=6 model.character_embedding=8 model.character_hidden=12 model.character_filters=20 train.batch=16 train.epochs=0 train.steps=300 model.dropout=0.1 model.input_dropout=0.1 train.rate=0.02 train.schedule=constant train.warmup=0 eval.metric=accuracy checkpoint.every=20 model.character_dropout=0.05"
nets=$(choices model.characters)
for net in $nets; do
  [ "$net" = none ] && continue
  # shellcheck disable=SC2086
  for ranks in 1 2 3; do train "$ranks" label-words.yaml "run-$ranks" $small model.characters="$net" model.character_widths=3,2; done
  same run-1/last.h5 run-2/last.h5
  same run-1/last.h5 run-3/last.h5
  # shellcheck disable=SC2086
  {
    rm -rf killed
    if LOCKSTEP_DEBUG=kill:rank=1,step=70 train 2 label-words.yaml killed $small model.characters="$net" model.character_widths=3,2; then
      echo 'rank 1 was not killed' && exit 1
    fi
    train 3 label-words.yaml killed $small model.characters="$net" model.character_widths=3,2
  }
  same run-1/last.h5 killed/last.h5
  # words never seen: as sentences, with TABs, and in columns
  [ "$(echo 'zzzzing zzzed zly zzzzs Zzzzed' | "$LOCKSTEP" predict run-1/best.h5 2>/dev/null)" = 'ger past adv plural name' ]
  [ "$(printf 'zzzzing\tzzzed\tzly\tzzzzs\tZzzzed\n' | "$LOCKSTEP" predict run-1/best.h5 2>/dev/null)" = $'ger\tpast\tadv\tplural\tname' ]
  cut -f1 valid.txt | "$LOCKSTEP" predict run-1/best.h5 --input words 2>/dev/null | cut -f2 >tags.txt
  # eval says what predict says
  right=$(cut -f2 valid.txt | paste - tags.txt | awk 'NF && $1 == $2 { n++ } NF { m++ } END { printf "%.4f", n / m }')
  evaluated=$("$LOCKSTEP" eval run-1/best.h5 words.h5 --split valid | awk '$1 == "accuracy" { printf "%.4f", $2 }')
  [ "$evaluated" = "$right" ] || { echo "eval has $evaluated right, predict $right"; exit 1; }
  awk -v right="$right" 'BEGIN { exit !(right > 0.95) }'
  # the model has the alphabet, and none of the words
  h5ls -r run-1/best.h5 >listed
  grep -q '^/vocab/character ' listed
  if grep -q '^/vocab/form' listed; then echo 'a model stores forms' && exit 1; fi
  rm -rf "kept-$net"
  mv run-1 "kept-$net"
  rm -rf run-*
done
# new data for the model has how its words are written, by the model's alphabet; data without it is refused
"$LOCKSTEP" prepare label valid.txt --like kept-gru/best.h5 -o like.h5 >/dev/null
"$LOCKSTEP" eval kept-gru/best.h5 like.h5 --split train >other
diff <(grep '^accuracy' other) <("$LOCKSTEP" eval kept-gru/best.h5 words.h5 --split valid | grep '^accuracy')
expect 65 'no column "form" as the model reads it' "$LOCKSTEP" eval kept-gru/best.h5 plain.h5
expect 64 'model.characters=cnn: cnn reads how words are written, which the corpus does not say' "$LOCKSTEP" train \
  "$LOCKSTEP_SOURCE/tests/system/label-words.yaml" data.corpus=plain.h5 run.dir=refused model.characters=cnn
expect 64 'expected at most 8 numbers from 1 to 15' "$LOCKSTEP" train "$LOCKSTEP_SOURCE/tests/system/label-words.yaml" \
  data.corpus=words.h5 run.dir=refused model.characters=cnn model.character_widths=3,x
expect 64 'contradicts --like' "$LOCKSTEP" prepare label valid.txt --like kept-gru/best.h5 --no-forms -o no.h5
# a model that does not read it is the same with and without it
tiny="model.hidden=8 model.embedding=4 train.steps=5"
# shellcheck disable=SC2086
{
  train 1 label-words.yaml with data.corpus=words.h5 $tiny
  train 2 label-words.yaml without data.corpus=plain.h5 $tiny
}
"$LOCKSTEP" inspect with/last.h5 | grep '^sha256' >with.sha
"$LOCKSTEP" inspect without/last.h5 | grep '^sha256' | cmp - with.sha

# classifiers, and language models of running text and of lines: words that they know by their characters alone
awk -F'\t' 'NF { print $2 "\t" $1 }' train.txt >classes.tsv
"$LOCKSTEP" prepare classify classes.tsv --lower --min-count 2 --valid-fraction 0.1 -o classes.h5 >/dev/null
train 2 classify-names.yaml classes data.corpus=classes.h5 model.characters=cnn model.hidden=8 model.embedding=4 train.epochs=12 train.batch=32 train.rate=0.02
[ "$(printf 'zzzzing\nZzzzs\nzzzed\nzly\n' | "$LOCKSTEP" predict classes/best.h5 2>/dev/null | paste -sd' ')" = 'ger name past adv' ]
# eval reads the columns of a running text in lanes, on any number of ranks
perplexity() { awk '$1 == "perplexity" { print $2 }'; }
learn_from_text() {
  local plain options learnt
  plain=$("$LOCKSTEP" eval lm-1/last.h5 text.h5 --batch 3 | perplexity)
  for options in "${nothing[@]}"; do
    # shellcheck disable=SC2086
    [ "$("$LOCKSTEP" eval lm-1/last.h5 text.h5 --batch 3 $options | perplexity)" = "$plain" ]
  done
  for options in '--dynamic sgd --dynamic-rate 0.5' '--dynamic rms --dynamic-rate 0.01' '--cache 100'; do
    # shellcheck disable=SC2086
    for ranks in 1 3; do mpirun -n $ranks "$LOCKSTEP" eval lm-1/last.h5 text.h5 --batch 3 $options >"eval-$ranks.txt"; done
    diff eval-1.txt eval-3.txt
    learnt=$(perplexity <eval-1.txt)
    awk -v name="$options" -v plain="$plain" -v learnt="$learnt" 'BEGIN { print name, plain, learnt; exit !(learnt < 0.99 * plain) }'
  done
}
for part in train valid; do cut -f1 $part.txt | awk 'NF { printf "%s ", $0 } !NF { print "" }' >"$part.lines"; done
for stream in '' --stream; do
  # shellcheck disable=SC2086
  "$LOCKSTEP" prepare text train.lines --valid valid.lines $stream --min-count 2 -o text.h5 >/dev/null
  "$LOCKSTEP" verify text.h5 >/dev/null
  for ranks in 1 2 3; do
    train "$ranks" lm-word.yaml "lm-$ranks" data.corpus=text.h5 model.characters=cnn model.tied=false model.hidden=12 \
      model.embedding=6 train.batch=4 train.unroll=7 train.steps=30 eval.batch=4
  done
  same lm-1/last.h5 lm-2/last.h5
  same lm-1/last.h5 lm-3/last.h5
  # the same <unk>, written in other ways
  printf 'abing zzzing abed\nabing zzzed abed\n' | "$LOCKSTEP" score lm-1/last.h5 2>/dev/null >scores
  [ "$(cut -f1 scores | sort -u | wc -l)" = 2 ]
  "$LOCKSTEP" generate lm-1/last.h5 --prompt 'zzzing' --length 5 --seed 1 2>/dev/null | grep -q '^zzzing'
  # read a line, or a segment, at a time, with nothing learned from it, they are what they are without
  nothing=('--cache 50 --cache-weight 0' '--dynamic sgd --dynamic-rate 0 --dynamic-decay 0')
  tail -3 valid.lines | cat - scores >some.lines
  "$LOCKSTEP" score lm-1/last.h5 <some.lines >plain.txt 2>/dev/null
  for options in "${nothing[@]}"; do
    # shellcheck disable=SC2086
    "$LOCKSTEP" score lm-1/last.h5 $options <some.lines 2>/dev/null | diff plain.txt -
  done
  # a word that came before is expected, by how it is written
  printf 'abing zzzing\nabing zzzing\n' >twice.lines
  for options in '--dynamic sgd --dynamic-rate 0.5' '--dynamic rms --dynamic-corpus text.h5 --dynamic-rate 0.01' '--cache 9'; do
    # shellcheck disable=SC2086
    "$LOCKSTEP" score lm-1/last.h5 $options <twice.lines 2>/dev/null | awk '{ p[NR] = $1 } END { exit !(NR == 2 && p[2] > p[1]) }'
  done
  [ -z "$stream" ] || learn_from_text
  if [ -z "$stream" ]; then # score says of the lines what eval says
    loss=$("$LOCKSTEP" score lm-1/last.h5 <valid.lines 2>/dev/null | awk '{ sum -= $1 } END { printf "%.2f", sum }')
    "$LOCKSTEP" eval lm-1/last.h5 text.h5 --split valid | awk -v loss="$loss" '{ value[$1] = $2 }
      END { all = value["loss"] * value["units"]; if (all < loss - 0.1 || all > loss + 0.1) { print all, loss; exit 1 } }'
  fi
  rm -rf lm-1 lm-2 lm-3
done
