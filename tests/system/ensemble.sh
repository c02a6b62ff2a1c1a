# Several models answer together: the mean of their probabilities, whatever the order of their outputs and the number of
# ranks; models that have nothing to average are refused in one line.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
fail() { echo "$*" >&2 && exit 1; }
# learn NAME TASK CORPUS KEY=VALUE...
learn() {
  local name=$1 task=$2 corpus=$3
  shift 3
  echo "task: $task" >"$name.yaml"
  "$LOCKSTEP" train "$name.yaml" data.corpus="$corpus" run.dir="$name" train.batch=16 train.rate=0.01 train.steps=60 \
    "$@" >"$name.txt" 2>&1 || fail "$name: $(tail -3 "$name.txt")"
}
# prepared NAME KIND FILE OPTION...
prepared() {
  local name=$1 kind=$2 file=$3
  shift 3
  "$LOCKSTEP" prepare "$kind" "$file" -o "$name.h5" "$@" >prepared.txt 2>&1 || fail "$name: $(cat prepared.txt)"
}
# together INPUT "OPTIONS" MODEL...: their answers in together.txt, the same on 1, 2 and 3 ranks
together() {
  local input=$1 options=$2
  shift 2
  # shellcheck disable=SC2086
  "$LOCKSTEP" predict "$@" $options <"$input" >together.txt
  for ranks in 2 3; do
    # shellcheck disable=SC2086
    mpirun -n "$ranks" "$LOCKSTEP" predict "$@" $options <"$input" | cmp - together.txt || fail "$* on $ranks ranks"
  done
}
# alike INPUT "OPTIONS" A B: a model twice, and with its copy whose outputs stand in another order: its own answers
alike() {
  local input=$1 options=$2 a=$3/last.h5 b=$4/last.h5
  # shellcheck disable=SC2086
  "$LOCKSTEP" predict "$a" $options <"$input" >alone.txt
  [ "$(sort -u alone.txt | wc -l)" -gt 2 ] || fail "$3 answers everything alike: $(sort -u alone.txt)"
  together "$input" "$options" "$a" "$a"
  cmp together.txt alone.txt || fail "$3 with itself"
  together "$input" "$options" "$a" "$b" "$a"
  cmp together.txt alone.txt || fail "$3 with $4"
  # shellcheck disable=SC2086
  "$LOCKSTEP" predict "$b" $options <"$input" >alone.txt # sums over labels in another order may round otherwise
  together "$input" "$options" "$b" "$a"
  cmp together.txt alone.txt || fail "$4 with $3"
}
# copied NAME TASK FROM CORPUS KEY=VALUE...: the weights of a model for a corpus that numbers labels and units otherwise
copied() {
  local name=$1 task=$2 from=$3 corpus=$4
  shift 4
  learn "$name" "$task" "$corpus" "$@" init.from="$from/last.h5" train.steps=1 train.rate=0
}
# differently A B: the corpora number their outputs otherwise
differently() {
  local vocab=$3
  "$LOCKSTEP" inspect "$1.h5" >a.txt && "$LOCKSTEP" inspect "$2.h5" >b.txt
  if cmp -s <(grep "$vocab" a.txt) <(grep "$vocab" b.txt); then fail "$1 and $2 have the same order of $vocab"; fi
}

# ---- classifiers of characters: two labels, so that the score of one tells the probability of both ----
awk 'BEGIN { srand(3); for (i = 0; i < 400; i++) { w = ""; n = 2 + int(rand() * 6); for (j = 0; j < n; j++)
  w = w substr("abcdefgh", 1 + int(rand() * 8), 1); print ((w ~ /[eh]/) ? "with" : "without") "\t" w } }' >all.tsv
head -300 all.tsv >train.tsv
tail -100 all.tsv >test.tsv
cut -f2 test.tsv >in.txt
echo >>in.txt
{ grep '^without' train.tsv && cat train.tsv && grep '^without' train.tsv; } >more.tsv # now the more frequent label
prepared class classify train.tsv --unit char --test test.tsv
prepared other classify more.tsv --unit char --test test.tsv
small=(model.hidden=12 model.embedding=8)
learn one classify class.h5 "${small[@]}"
learn two classify class.h5 model.hidden=20 model.embedding=6 model.cell=gru seed=2
copied turned classify one other.h5 "${small[@]}"
learn far classify other.h5 model.hidden=9 model.bidirectional=true seed=3
prepared byword classify train.tsv --unit word # each line is one unit, so that batches have another order
learn words classify byword.h5 "${small[@]}"
alike in.txt --scores one turned

# average A B: what must come of two models, by their answers alone
average() {
  for model in "$@"; do "$LOCKSTEP" predict "$model/last.h5" --scores <in.txt >"$model.out"; done
  paste "$1.out" "$2.out" | awk -F'\t' 'NF < 4 { print ""; next }
    { p = exp($2); if ($1 != "with") p = 1 - p; q = exp($4); if ($3 != "with") q = 1 - q; p = (p + q) / 2
      if (p > .5) print "with\t" log(p); else print "without\t" log(1 - p) }' >expected.txt
}
for other in two far words; do
  average one "$other"
  together in.txt --scores one/last.h5 "$other/last.h5"
  paste expected.txt together.txt | awk -F'\t' 'NF >= 4 { n++; if ($1 != $3 || ($2 - $4) ^ 2 > 1e-9) { print; bad = 1 } }
    END { exit bad || n != 100 }' || fail "one and $other: not the average"
  if cmp -s together.txt one.out || cmp -s together.txt "$other.out"; then fail "one and $other: only one of them answers"; fi
done

# Evaluation measures what is predicted.
"$LOCKSTEP" eval one/last.h5 class.h5 >alone.txt 2>&1
"$LOCKSTEP" eval one/last.h5 one/last.h5 class.h5 2>&1 | grep -v seconds | cmp - <(grep -v seconds alone.txt) || fail "eval: one with itself"
"$LOCKSTEP" eval one/last.h5 two/last.h5 class.h5 --confusion >eval.txt
mpirun -n 3 "$LOCKSTEP" eval one/last.h5 two/last.h5 class.h5 --confusion | cmp - eval.txt || fail "eval on three ranks"
together in.txt --scores one/last.h5 two/last.h5
paste <(head -100 together.txt) test.tsv | awk -F'\t' -v name="$(tr '\n' ' ' <eval.txt)" '
  { p = exp($2); if ($1 != $3) p = 1 - p; loss -= log(p) / 100; right += ($1 == $3) / 100 }
  END { printf "%.4f %.4f\n", loss, right }' >expected.txt
awk '$1 == "loss" { l = $2 } $1 == "accuracy" { a = $2 } END { printf "%.4f %.4f\n", l, a }' eval.txt | cmp - expected.txt ||
  fail "eval: $(cat eval.txt), by the answers: $(cat expected.txt)"
"$LOCKSTEP" eval one/last.h5 two/last.h5 class.h5 --json | grep -qF '"model": ["one/last.h5", "two/last.h5"]'

# Models that read the lines in other units: a line that is empty for one of them is empty.
printf 'abe\n  \n\ncab' >mixed.txt
together mixed.txt --scores one/last.h5 words/last.h5
[ "$(wc -l <together.txt)" = 4 ] && [ "$(sed -n 2p together.txt)" = "" ] && [ "$(sed -n 3p together.txt)" = "" ]
[ "$(cut -f1 <together.txt | grep -c with)" = 2 ] || fail "units: $(cat together.txt)"

# ---- taggers: one reads the casing of words, too ----
awk 'BEGIN { srand(5); for (i = 0; i < 300; i++) { n = i < 60 ? 1 : 1 + int(rand() * 6); before = ""
  for (j = 0; j < n; j++) { w = substr("abcdABCD", 1 + int(rand() * 8), 1)
    print w "\t" (before ~ /[aA]/ ? "after" : w ~ /[a-d]/ ? "small" : "large"); before = w } print "" } }' >tags.tsv
{ cat tags.tsv && grep -h -A1 large tags.tsv | sed 's/^--$//' && echo; } >many.tsv
prepared tags label tags.tsv
prepared tags2 label many.tsv --feature casing
learn tagger label tags.h5 "${small[@]}"
copied retagger label tagger tags2.h5 "${small[@]}"
learn caser label tags2.h5 model.hidden=10 model.features=casing:embed:3 model.bidirectional=true
awk 'NF { line = line (line ? " " : "") $1; next } { print line; line = "" }' tags.tsv >in.txt
alike in.txt --scores tagger retagger
together in.txt --scores tagger/last.h5 caser/last.h5
for model in tagger caser; do
  "$LOCKSTEP" predict "$model/last.h5" --scores <in.txt >"$model.out"
done
for options in '--nbest 3' --marginals; do
  # shellcheck disable=SC2086
  "$LOCKSTEP" predict tagger/last.h5 $options <in.txt >alone.txt
  # shellcheck disable=SC2086
  "$LOCKSTEP" predict tagger/last.h5 retagger/last.h5 $options <in.txt | cmp - alone.txt || fail "$options: tagger"
done
"$LOCKSTEP" predict tagger/last.h5 caser/last.h5 --nbest 1 --scores <in.txt | cut -f2- | cmp - <(grep . together.txt) ||
  fail 'the best of N is not the best'
# one word: each answer's score and marginal are the log and the mean of what the models give to its tag
for models in tagger caser 'tagger caser'; do
  # shellcheck disable=SC2046,SC2086
  "$LOCKSTEP" predict $(printf '%s/last.h5 ' $models) --nbest 3 --scores --marginals <in.txt | head -90 >"n-${models/ /-}.txt"
done
cat n-tagger.txt n-caser.txt n-tagger-caser.txt | awk -F'\t' '
  FNR <= 180 { sum[$1 " " $2] += exp($3); next }
  { n++; a = sum[$1 " " $2] / 2; if ((exp($3) - a) ^ 2 > 1e-10 || ($4 - a) ^ 2 > 1e-8) { print; bad = 1; exit } }
  END { exit bad || n != 90 }' || fail 'N best tags: not the average'
# the best tag of one word: at least half of what each gives it alone, and the score between the two where they agree
paste together.txt tagger.out caser.out | head -60 | awk -F'\t' '
  { n++; for (i = 3; i < 7; i += 2) if (exp($2) < exp($(i + 1)) / 2 - 1e-6) bad = 1
    if ($3 == $5 && exp($4) + exp($6) > 1) { same++; if ($1 != $3 || (exp($2) - (exp($4) + exp($6)) / 2) ^ 2 > 1e-10) bad = 1 }
    if (bad) { print; exit } } END { exit bad || n != 60 || same < 20 }' || fail "taggers: not the average"
"$LOCKSTEP" eval tagger/last.h5 tagger/last.h5 tags.h5 | cmp - <("$LOCKSTEP" eval tagger/last.h5 tags.h5) || fail "eval: tagger"

# Conditional random fields: scores are averaged. A sentence of one word with two labels has the mean of their log odds.
for name in tags many; do sed 's/after/small/' "$name.tsv" >"two$name.tsv"; done
prepared crf label twotags.tsv
prepared crf2 label twomany.tsv
learn chain label crf.h5 "${small[@]}" model.output=crf
copied rechain label chain crf2.h5 "${small[@]}" model.output=crf
learn other label crf.h5 model.hidden=9 model.output=crf model.cell=gru seed=4
alike in.txt --scores chain rechain
for models in chain/last.h5 'chain/last.h5 rechain/last.h5'; do
  # shellcheck disable=SC2086
  "$LOCKSTEP" predict $models --nbest 3 --scores --marginals <in.txt >"n-${models//\//-}.txt"
done
cmp n-chain*.txt || fail '--nbest: chain'
"$LOCKSTEP" predict chain/last.h5 other/last.h5 --nbest 1 --scores <in.txt | cut -f2- >one-of-n.txt
"$LOCKSTEP" predict chain/last.h5 other/last.h5 --scores <in.txt | grep . | cmp - one-of-n.txt || fail '--nbest: two chains'
for model in chain other; do "$LOCKSTEP" predict "$model/last.h5" --scores <in.txt >"$model.out"; done
together in.txt --scores chain/last.h5 other/last.h5
paste together.txt chain.out other.out | head -60 | awk -F'\t' '
  function odds(label, log_p) { return (label == "small" ? 1 : -1) * (log_p - log(1 - exp(log_p))) }
  { n++; d = odds($1, $2) - (odds($3, $4) + odds($5, $6)) / 2; if (d * d > 1e-6) { print; bad = 1; exit } }
  END { exit bad || n != 60 }' || fail "crf: not the mean of the scores"
"$LOCKSTEP" eval chain/last.h5 chain/last.h5 crf.h5 | cmp - <("$LOCKSTEP" eval chain/last.h5 crf.h5) || fail "eval: crf"
"$LOCKSTEP" eval chain/last.h5 other/last.h5 crf.h5 >eval.txt
mpirun -n 3 "$LOCKSTEP" eval chain/last.h5 other/last.h5 crf.h5 | cmp - eval.txt || fail "eval of crf on three ranks"
"$LOCKSTEP" eval chain/last.h5 crf.h5 | cmp -s - eval.txt && fail "eval: only one crf counts"

# ---- translators ----
corpus_pairs
{ cat pairs.tsv && awk '/j/ && /h/' pairs.tsv && awk '/j/' pairs.tsv; } >morepairs.tsv
prepared pairs2 pairs morepairs.tsv --unit word
head -20 pairs.tsv | cut -f1 >in.txt
echo >>in.txt
learn writer translate pairs.h5 "${small[@]}" train.steps=150
copied rewriter translate writer pairs2.h5 "${small[@]}"
learn second translate pairs.h5 model.hidden=14 model.cell=gru model.attention=additive seed=2 train.steps=150
alike in.txt '--beam 4 --nbest 3 --scores' writer rewriter
alike in.txt '--beam 2 --alignment --coverage-penalty 0.2' writer rewriter
together in.txt '--beam 3 --scores' writer/last.h5 second/last.h5 rewriter/last.h5
for model in writer second; do
  if "$LOCKSTEP" predict "$model/last.h5" --beam 3 --scores <in.txt | cmp -s - together.txt; then fail "$model alone answers"; fi
done
"$LOCKSTEP" eval writer/last.h5 pairs.h5 --beam 3 >alone.txt
"$LOCKSTEP" eval writer/last.h5 writer/last.h5 pairs.h5 --beam 3 | cmp - alone.txt || fail "eval: translator"
"$LOCKSTEP" eval writer/last.h5 pairs.h5 >alone.txt
"$LOCKSTEP" eval writer/last.h5 writer/last.h5 pairs.h5 | cmp - alone.txt || fail "eval: translator, greedily"
"$LOCKSTEP" eval writer/last.h5 second/last.h5 pairs.h5 --split train --beam 3 >eval.txt
mpirun -n 3 "$LOCKSTEP" eval writer/last.h5 second/last.h5 pairs.h5 --split train --beam 3 | cmp - eval.txt || fail "eval on three ranks"

# ---- what cannot answer together ----
sed 's/\t.*/\tx/' pairs.tsv >short.tsv
tr -d ' ' <pairs.tsv >dense.tsv
sed 's/^without/never/' train.tsv >labels.tsv
prepared labels classify labels.tsv --unit char
{ cat train.tsv && printf 'neither\tabc\nneither\tabd\n'; } >three.tsv
prepared three classify three.tsv --unit char
prepared chars pairs dense.tsv --unit char
prepared short pairs short.tsv --unit word
printf 'a b\nb c\n' >text.txt
prepared text text text.txt
learn never classify labels.h5 "${small[@]}" train.steps=2
learn neither classify three.h5 "${small[@]}" train.steps=2
learn margin classify class.h5 "${small[@]}" train.steps=2 model.output=hinge
learn letters translate chars.h5 "${small[@]}" train.steps=2
learn brief translate short.h5 "${small[@]}" train.steps=2
learn lines lm text.h5 "${small[@]}" train.steps=2
# refused PATTERN MODEL... [OPTION...]
refused() {
  local pattern=$1
  shift
  expect 64 "$pattern" "$LOCKSTEP" predict "$@" </dev/null
  [ "$(wc -l <err.txt)" = 1 ] || fail "more than one line: $(cat err.txt)"
}
refused 'tagger/last.h5: its task is label, but the first model.s is classify' one/last.h5 tagger/last.h5
refused "never/last.h5: it has no label 'without', which the first model has" one/last.h5 never/last.h5
refused "neither/last.h5: it has the label 'neither', which the first model has not" one/last.h5 two/last.h5 neither/last.h5
refused 'margin/last.h5: model.output is hinge, but softmax in the first model' one/last.h5 margin/last.h5
refused 'margin/last.h5: models with model.output: hinge have no probabilities' margin/last.h5 margin/last.h5
refused 'caser/last.h5: model.output is softmax, but crf in the first model' chain/last.h5 caser/last.h5
refused 'lines/last.h5: language models do not answer together' lines/last.h5 lines/last.h5
refused 'letters/last.h5: units of its targets are char, but word in the first model' writer/last.h5 letters/last.h5
refused "brief/last.h5: it has no unit '.', which the first model has" writer/last.h5 brief/last.h5
refused "unexpected argument 'in.txt': lines are read from standard input" one/last.h5 in.txt
expect 64 'lines/last.h5: language models do not answer together' "$LOCKSTEP" eval lines/last.h5 lines/last.h5 text.h5
expect 65 'class.h5: its source vocabulary is not the one' "$LOCKSTEP" eval one/last.h5 turned/last.h5 class.h5
expect 74 'nothere.h5' mpirun -n 2 "$LOCKSTEP" predict one/last.h5 nothere.h5 </dev/null
sed 's/ \(.*\)\t/\1\t/' pairs.tsv >joined.tsv # sources of one word
prepared joined pairs joined.tsv --source-unit char --target-unit word
learn spelt translate joined.h5 "${small[@]}" train.steps=2
expect 64 'alignment needs models that cut a source into the same units' \
  "$LOCKSTEP" predict writer/last.h5 spelt/last.h5 --alignment <in.txt
printf 'a b c\n' | "$LOCKSTEP" predict writer/last.h5 spelt/last.h5 --scores >out.txt
[ "$(wc -l <out.txt)" = 1 ] || fail "sources in other units: $(cat out.txt)"
