# A run that starts from given weights (init.from): which tensors and rows are copied, the same on any number of ranks
# and after a kill; and the message where nothing fits.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
corpus_classify
tr -cs 'a-z\n' ' ' <text.txt >words.txt
"$LOCKSTEP" prepare text words.txt --stream --min-count 3 --valid-fraction 0.1 -o words.h5 >/dev/null 2>&1

small=(model.hidden=16 model.embedding=8 train.unroll=8 train.batch=8 train.epochs=0 eval.every=1000 checkpoint.every=0)
train 2 lm-char.yaml old data.corpus=text.h5 "${small[@]}" train.steps=30
# tensor FILE NAME: its values in row-major order, one on each line
tensor() { h5dump -d "/model/$2" -m %.9g "$1" | sed -n '/^ *DATA {/,/}/p' | grep -v '"' | grep -oE ': .*' | tr -cs '0-9.e+\n-' '\n' | grep .; }

# The same corpus, no step: all weights are the same.
train 1 lm-char.yaml copy data.corpus=text.h5 "${small[@]}" train.rate=0 train.steps=1 init.from=old/last.h5
same old/last.h5 copy/last.h5
total=$("$LOCKSTEP" inspect old/last.h5 | sed -n '/^tensors/,/^sha/p' | grep -c ' x \|^  ')
grep -q "init.from: old/last.h5 (digest [0-9a-f]*): $total of $total tensors taken as they are" copy/log.txt || { cat copy/log.txt && exit 1; }
grep -q '^  from: .*old/last.h5' copy/config.yaml

# Another corpus, with fewer and other words in another order: rows are matched by the word.
train 1 lm-char.yaml old-words data.corpus=words.h5 "${small[@]}" train.steps=9
head -c 6000 words.txt | sed 's/the/xthe/g; s/one/none/g' >other.txt
"$LOCKSTEP" prepare text other.txt --stream --valid-fraction 0.1 -o other.h5 >/dev/null 2>&1
for ranks in 1 2 3; do
  train $ranks lm-char.yaml "rows-$ranks" data.corpus=other.h5 "${small[@]}" train.steps=12 init.from=old-words/last.h5
done
same rows-1/last.h5 rows-2/last.h5
same rows-1/last.h5 rows-3/last.h5
# without shared memory too, where each rank has its own copy of the weights
train 2 lm-char.yaml rows-apart data.corpus=other.h5 "${small[@]}" train.steps=12 init.from=old-words/last.h5 parallel.reduction=messages
same rows-1/last.h5 rows-apart/last.h5
train 1 lm-char.yaml rows data.corpus=other.h5 "${small[@]}" train.rate=0 train.steps=1 init.from=old-words/last.h5
train 1 lm-char.yaml fresh data.corpus=other.h5 "${small[@]}" train.rate=0 train.steps=1
grep -q 'init.from: taken row by row: embedding.weight ([0-9]* of [0-9]* units), output.weight ([0-9]* of [0-9]* units), output.bias' rows/log.txt ||
  { cat rows/log.txt && exit 1; }
# units FILE: one unit on each line, as h5dump writes it, with its number from 0
units() { h5dump -d /vocab/source "$1" | sed -n '/^ *DATA {/,/}/p' | grep -oE '"(\\.|[^"])*"' | grep -v 'the id of a word' | nl -v0 -ba; }
units old-words/last.h5 >old-words.units
units rows/last.h5 >rows.units
for run in old-words rows fresh; do tensor $run/last.h5 embedding/weight >$run.values; done
[ "$(wc -l <old-words.values)" -eq $((8 * $(wc -l <old-words.units))) ]
# every row is the old model's where that has the word, else a freshly initialised one
awk -F'\t' 'FILENAME == "old-words.units" { number[$2] = $1 + 0 } FILENAME == "rows.units" { unit[$1 + 0] = $2 }
  FILENAME ~ /values/ { value[FILENAME, FNR - 1] = $0 }
  END { for (u in unit) { known = unit[u] in number; seen[known]++; for (k = 0; k < 8; k++) {
    want = known ? value["old-words.values", 8 * number[unit[u]] + k] : value["fresh.values", 8 * u + k]
    if (value["rows.values", 8 * u + k] != want) { print "row " u " of unit " unit[u] ": " value["rows.values", 8 * u + k] ", expected " want; exit 1 } } }
    exit !(seen[0] > 10 && seen[1] > 10) }' old-words.units rows.units old-words.values rows.values fresh.values
same_tensor() { diff <(tensor "$1" "$3") <(tensor "$2" "$3"); }
same_tensor old-words/last.h5 rows/last.h5 rnn/0/forward/weight_hh

# One-hot input: columns of the input weights are matched by the word.
onehot=("${small[@]}" model.input=onehot model.bidirectional=false)
train 1 lm-char.yaml old-hot data.corpus=words.h5 "${onehot[@]}" train.steps=9
train 1 lm-char.yaml hot data.corpus=other.h5 "${onehot[@]}" train.rate=0 train.steps=1 init.from=old-hot/last.h5
grep -q 'rnn.0.forward.weight_ih ([0-9]* of [0-9]* units, its columns)' hot/log.txt || { cat hot/log.txt && exit 1; }
# column FILE UNITS WORD: the input weights of a word
column() {
  local of
  of=$(awk -F'\t' -v word="\"$3\"" '$2 == word { print $1 + 0 }' "$2")
  tensor "$1" rnn/0/forward/weight_ih | awk -v n="$(wc -l <"$2")" -v of="$of" '(NR - 1) % n == of'
}
for word in ranks and; do
  [ "$(column hot/last.h5 rows.units $word | wc -l)" -eq 64 ]
  diff <(column old-hot/last.h5 old-words.units $word) <(column hot/last.h5 rows.units $word)
done

# Killed before its first save, and between two saves: the same result as undisturbed. The model may be deleted once the
# run has begun.
cp old/last.h5 given.h5
steps=(data.corpus=other.h5 "${small[@]}" train.steps=40 checkpoint.every=10 init.from=given.h5)
train 2 lm-char.yaml alone "${steps[@]}"
train 3 lm-char.yaml killed "${steps[@]}" train.steps=20
rm given.h5
train 1 lm-char.yaml killed "${steps[@]}"
same alone/last.h5 killed/last.h5
[ "$(grep -c 'init.from: given.h5' killed/log.txt)" -eq 1 ]
run() { "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/lm-char.yaml" run.dir="$1" "${@:2}"; }
expect 64 "init.from=old/last.h5: the run in 'killed' began with given.h5 and cannot go on with old/last.h5" \
  run killed "${steps[@]}" init.from=old/last.h5
expect 64 "init.from=: the run in 'killed' began with given.h5 and cannot go on with nothing" run killed "${steps[@]}" init.from=

# Another task: a classifier takes the embedding and layers of a language model; its output layer is new.
"$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/classify-names.yaml" data.corpus=classify.h5 run.dir=class model.cell=lstm model.layers=2 \
  model.bidirectional=false model.hidden=16 model.embedding=8 train.epochs=0 train.steps=3 init.from=old/last.h5 2>err.txt
grep -q 'init.from: not taken, these start as usual: output.weight (of other outputs or inputs)' class/log.txt || { cat class/log.txt && exit 1; }
# A classifier with one more class takes the rows of the old classes.
{ head -300 classify.tsv && printf 'D\td\nD\tdd\n'; } >more.tsv
"$LOCKSTEP" prepare classify more.tsv --unit char -o more.h5 >/dev/null 2>&1
"$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/classify-names.yaml" data.corpus=more.h5 run.dir=more model.cell=lstm model.layers=2 \
  model.bidirectional=false model.hidden=16 model.embedding=8 train.epochs=0 train.steps=3 train.patience=0 train.schedule=constant \
  init.from=class/last.h5 2>err.txt
grep -q 'output.weight (3 of 4 labels), output.bias (3 of 4 labels)' more/log.txt || { cat more/log.txt && exit 1; }

# A tagger with one more label, and the others in another order, takes scores of steps by both labels.
printf 'a\tX\nb\tY\nc\tX\n\na\tX\n\n' >xy.txt
printf 'a\tY\nb\tY\nc\tZ\n\nb\tY\na\tX\n\n' >yzx.txt
for name in xy yzx; do
  "$LOCKSTEP" prepare label $name.txt --column word=0,tag=1 -o $name.h5 >/dev/null 2>&1
  "$LOCKSTEP" train "$LOCKSTEP_SOURCE/tests/system/label-words.yaml" data.corpus=$name.h5 run.dir=tags-$name model.output=crf model.hidden=8 \
    model.embedding=4 train.epochs=0 train.steps=1 train.patience=0 train.schedule=constant train.rate=1e-30 train.batch=2 parallel.shards=2 \
    "${from[@]}" 2>err.txt
  from=(init.from=tags-xy/last.h5)
done
grep -q 'output.transitions (2 of 3 labels)' tags-yzx/log.txt || { cat tags-yzx/log.txt && exit 1; }
python3 - <(tensor tags-xy/last.h5 output/transitions) <(tensor tags-yzx/last.h5 output/transitions) <<'PYTHON'
import sys
old, new = ([float(x) for x in open(f)] for f in sys.argv[1:])
# X is label 0 of 2 in one, Y label 0 and X label 1 of 3 in the other (by frequency)
assert old[0 * 2 + 1] == new[1 * 3 + 0] and old[1 * 2 + 0] == new[0 * 3 + 1] and old[0] == new[1 * 3 + 1], (old, new)
PYTHON

# Nothing fits; the file is no model; there is no file.
expect 64 "init.from=old/last.h5: nothing of 'old/last.h5' fits this net" "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/classify-names.yaml" \
  data.corpus=classify.h5 run.dir=none model.hidden=12 model.embedding=6 train.steps=3 init.from=old/last.h5
expect 65 'text.h5 is not a Lockstep checkpoint: it is a Lockstep corpus' run none data.corpus=text.h5 "${small[@]}" train.steps=3 init.from=text.h5
expect 74 'gone.h5' run none data.corpus=text.h5 "${small[@]}" train.steps=3 init.from=gone.h5
