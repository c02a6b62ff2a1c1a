# Files as users have them, from prepare to predict: comments, numbered columns, labels that training does not have,
# words without a label, empty sides, separators, digits, concatenated files. The same on any number of ranks.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
fail() {
  echo "FAILED: $*" >&2
  exit 1
}
# prepared WORDS COMMAND...: it succeeds, and its report has these words; err.txt has its warnings
prepared() {
  local words=$1
  shift
  "$LOCKSTEP" prepare "$@" -o out.h5 >report.txt 2>err.txt || fail "$*: $(cat err.txt)"
  grep -qF -- "$words" report.txt || fail "$*: no '$words' in $(cat report.txt)"
}
labels() { "$LOCKSTEP" inspect out.h5 | sed -n 's/^labels *//p'; }

# Universal NER as it is published: comments, five columns, the first of which numbers the words.
awk 'BEGIN { for (i = 1; i <= 60; i++) { print "# sent_id = s" i "\n# text = EU rejects it"
  print "1\tEU\tB-ORG\t-\tamy\n2\trejects\tO\t-\tamy\n3\tit\tO\t-\tamy\n" } }' >ner.iob2
expect 65 "ner.iob2:3:1: the first column numbers the words: say --conllu --column word=I,tag=J" \
  "$LOCKSTEP" prepare label ner.iob2 -o out.h5
prepared '60 sequences          180 units' label ner.iob2 --conllu --column word=1,tag=2
[ ! -s err.txt ] || fail "$(cat err.txt)"
prepared 'left out, comments: 120 lines' label ner.iob2 --column word=1,tag=2
labels | grep -qF "2: 'O' 'B-ORG'" || fail "$(labels)"
# .cupt: eleven columns; CoNLL-U by its name, the last column by number
printf '# global.columns = ID FORM\n1\tgo\tgo\tVERB\t_\t_\t0\t_\t_\t_\t1:VPC\n2\ton\ton\tADP\t_\t_\t1\t_\t_\t_\t1\n\n' >mwe.cupt
expect 65 "mwe.cupt:2:[0-9]+: 11 columns set apart by TABs, expected 10 .*--column word=I,tag=J" \
  "$LOCKSTEP" prepare label mwe.cupt -o out.h5
prepared 'labels: 2' label mwe.cupt --column tag=-1
labels | grep -q "'1:VPC'" || fail "$(labels)"
# Plain columns separated by spaces, from standard input: a hashtag and the word # are words, comments are not.
printf '# sent_id = 1\n# EU rejects\nEU N\n# N\n\n# newdoc\n#tag N\nit O\n' |
  "$LOCKSTEP" prepare label - -o out.h5 >report.txt 2>err.txt
grep -q 'left out, comments: 3 lines' report.txt || fail "$(cat report.txt)"
grep -q ' 2 sequences            4 units' report.txt || fail "$(cat report.txt)"

# A missing blank line between two sentences is reported with its place.
sed '4,$s/^$/#/' ner.iob2 >joined.iob2
expect 65 "joined.iob2:9:1: ID '1' again after 3: is the blank line between two sentences missing" \
  "$LOCKSTEP" prepare label joined.iob2 --conllu --column word=1,tag=2 -o out.h5
printf 'a X\rb Y\r' >mac.txt
expect 65 "mac.txt:1:4: a carriage return inside a line.*tr '.r' '.n'" "$LOCKSTEP" prepare label mac.txt -o out.h5
printf '\357\273\277x\ta\n' >one.tsv
cat one.tsv one.tsv >two.tsv
prepared 'labels: 1' classify two.tsv
grep -q 'two.tsv:2:1: a byte order mark' err.txt || fail "$(cat err.txt)"
[ "$(labels)" = "1: 'x'" ] || fail "$(labels)"

# Labels that training does not have: one warning, under mpirun too; they count as wrong, the same on any number of
# ranks.
corpus_label
awk 'BEGIN { for (i = 0; i < 40; i++) print "w" 2 * i "\teven\nw7\tnovel\n" }' >novel.txt
mpirun -n 2 "$LOCKSTEP" prepare label label.txt --valid novel.txt --test novel.txt -o novel.h5 >report.txt 2>err.txt
grep -q 'labels that do not occur in training count as wrong .*: 40 of 80 in valid (1 different, the first .novel. at novel.txt:2:4), 40 of 80 in test' \
  err.txt || fail "$(cat err.txt)"
[ "$(grep -c 'not occur in training' err.txt)" -eq 1 ] || fail "$(cat err.txt)"
"$LOCKSTEP" verify novel.h5 >/dev/null
expect 65 "novel.txt:2:4: label 'novel', which does not occur in the training part" \
  "$LOCKSTEP" prepare label label.txt --valid novel.txt --unseen-labels error -o out.h5
small='model.hidden=16 model.embedding=8 train.batch=11 train.steps=12 eval.every=5'
for ranks in 1 3; do
  # shellcheck disable=SC2086
  train $ranks label-words.yaml novel-$ranks data.corpus=novel.h5 $small
  "$LOCKSTEP" eval novel-$ranks/last.h5 novel.h5 >eval-$ranks.txt
done
same novel-1/last.h5 novel-3/last.h5
cmp eval-1.txt eval-3.txt
"$LOCKSTEP" predict novel-1/last.h5 <<<"w0 w7" >predicted.txt
awk '$1 == "accuracy" { if ($2 > 0.5 + 1e-9) exit 1; found = 1 } END { exit !found }' eval-1.txt || fail "$(cat eval-1.txt)"

# Words without a label are left out of the loss: half of the words here, with the same bits on any number of ranks.
awk 'NF { $2 = NR % 2 ? "_" : $2 } { print $1 (NF ? "\t" $2 : "") }' label.txt >half.txt
prepared 'labels: 3' label half.txt --no-label _ --valid-fraction 0.1
for ranks in 1 2 3; do
  # shellcheck disable=SC2086
  train $ranks label-words.yaml half-$ranks data.corpus=out.h5 $small
done
same half-1/last.h5 half-2/last.h5
same half-1/last.h5 half-3/last.h5
prepared 'labels: 4' label half.txt --valid-fraction 0.1

# Empty words, labels and sides: an error, or left out and counted.
printf 'x\ta\n\302\240\t\343\200\200\nx\t \nx\tb\n' >empty.tsv
expect 65 'empty.tsv:3:3: an empty text; --empty skip leaves out what is empty' "$LOCKSTEP" prepare classify empty.tsv -o out.h5
prepared 'left out, empty: 1 sequence' classify empty.tsv --empty skip
expect 65 'empty.tsv:3:3: an empty target; --empty skip' "$LOCKSTEP" prepare pairs empty.tsv -o out.h5
prepared 'left out, empty: 1 sequence' pairs empty.tsv --empty skip
expect 64 '--empty: expected error or skip, found' "$LOCKSTEP" prepare text empty.tsv --empty cut -o out.h5

# The separator after a label.
printf '__label__x one two\n__label__y two\n__label__x one\n__label__y two two\n' >fast.txt
prepared 'labels: 2' classify fast.txt --separator blank
[ "$(labels)" = "2: '__label__x' '__label__y'" ] || fail "$(labels)"
printf 'a b ||| c\nd ||| e f\n' >bar.txt
prepared ' 3 units' pairs bar.txt --separator ' ||| '
expect 65 'bar.txt:1:10: 1 column, expected 2: source, .;., target' "$LOCKSTEP" prepare pairs bar.txt --separator ';' -o out.h5
expect 64 '--separator: expected tab, blank or a text' "$LOCKSTEP" prepare pairs bar.txt --separator '' -o out.h5
printf 'label\ttext\nx\ta\nx\tb\ny\tc\ny\td\n' >header.tsv
prepared 'labels: 3' classify header.tsv
grep -q "label 'label' at header.tsv:1:1, the first of the training part, occurs only once: is that line a header?" err.txt ||
  fail "$(cat err.txt)"

# Digits: predict folds them as prepare did; the checkpoint says how.
awk 'BEGIN { for (i = 1900; i < 2000; i++) print "year\tin " i "\nweek\tin " i % 53 }' >dates.tsv
prepared 'vocabulary: 8 words' classify dates.tsv --digits 0 --valid-fraction 0.1
# shellcheck disable=SC2086
train 2 classify-names.yaml digits data.corpus=out.h5 $small train.steps=40 train.rate=0.05
rm out.h5
printf 'in 1950\nin 7777\nin ٣٤٥٦\nin 12\nin 99\n' | "$LOCKSTEP" predict digits/last.h5 2>err.txt | cut -f 1 >predicted.txt
[ "$(tr '\n' ' ' <predicted.txt)" = 'year year year week week ' ] || fail "$(cat predicted.txt err.txt)"

# <unk>: a warning where the other splits have units that training does not have.
printf 'a b\na b\n' >train.txt
printf 'a c\n' >valid.txt
prepared 'vocabulary: 6' text train.txt --valid valid.txt
grep -q 'training has no <unk>.*valid and test have 1.*--min-count 3' err.txt || fail "$(cat err.txt)"
printf 'b a\n' >valid.txt
prepared 'vocabulary: 6' text train.txt --valid valid.txt
[ ! -s err.txt ] || fail "$(cat err.txt)"

# Real files: the numbers of sentences of wnut17 (with hashtags) and UD are right.
data=${LOCKSTEP_DATA:-}
if [ -d "$data/wnut17" ] && [ -d "$data/ud-english-ewt" ]; then
  prepared '3394 sequences        62730 units' label "$data/wnut17/wnut17train.conll"
  if grep -q comments report.txt; then fail "$(cat report.txt)"; fi
  prepared '12544 sequences       204577 units' label "$data/ud-english-ewt/en_ewt-ud-train.conllu"
  prepared 'labels: ' label "$data/ud-english-ewt/en_ewt-ud-train.conllu" --column tag=5
  labels | grep -q "'_'" || fail "$(labels)"
fi
