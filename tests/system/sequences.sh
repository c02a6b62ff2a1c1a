# Taggers that choose labels together (model.output: crf): the scheme of the tags in predict and eval, the N best, their
# probabilities and those of words, the log-probability of given labels; what softmax taggers give of it.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
# sentences with spans of two types, some words without a label in "part.txt"
spans() {
  awk -v seed="$1" -v count="$2" 'BEGIN { srand(seed); for (i = 0; i < count; i++) { for (n = 3 + int(8 * rand()); n > 0; n--)
    if (rand() < 0.4) { t = rand() < 0.5 ? "x" : "y"; m = 1 + int(3 * rand())
      for (k = 0; k < m; k++) print (rand() < 0.7 ? t int(20 * rand()) : "w" int(40 * rand())) "\t" (k ? "I-" : "B-") t; n -= m }
    else print "w" int(40 * rand()) "\tO"; print "" } }'
}
spans 1 300 >train.txt
spans 2 80 >valid.txt
awk -F'\t' 'NF && NR % 5 == 0 { print $1 "\t_"; next } { print }' train.txt >part.txt
"$LOCKSTEP" prepare label train.txt --valid valid.txt --column word=0,tag=1 -o spans.h5 >/dev/null
"$LOCKSTEP" prepare label part.txt --valid valid.txt --column word=0,tag=1 --no-label _ -o part.h5 >/dev/null
small=(model.hidden=16 model.embedding=12 train.batch=16 train.epochs=0 train.patience=0 train.schedule=constant eval.every=5)
train 2 label-spans.yaml crf data.corpus=spans.h5 model.output=crf "${small[@]}" train.steps=10
train 2 label-spans.yaml softmax data.corpus=spans.h5 model.output=softmax "${small[@]}" train.steps=10
# partly labelled sentences: the same bits on any number of ranks and after a stop
train 1 label-spans.yaml part-1 data.corpus=part.h5 model.output=crf "${small[@]}" train.steps=10
train 3 label-spans.yaml part-3 data.corpus=part.h5 model.output=crf "${small[@]}" train.steps=6
train 2 label-spans.yaml part-3 data.corpus=part.h5 model.output=crf "${small[@]}" train.steps=10
same part-1/last.h5 part-3/last.h5

# faults of the scheme in sentences of a column of tags
faults() { awk -F'\t' '{ t = $NF; if (t ~ /^I-/ && before != "B-" substr(t, 3) && before != t) n++; before = t } END { print n + 0 }' "$1"; }
"$LOCKSTEP" predict crf/last.h5 --input columns <valid.txt >kept.txt
"$LOCKSTEP" predict crf/last.h5 --input columns --unconstrained <valid.txt >left.txt
[ "$(faults kept.txt)" = 0 ] || { echo "$(faults kept.txt) illegal tags" && exit 1; }
[ "$(faults left.txt)" -gt 0 ] || { echo 'without constraints nothing was illegal: the test shows nothing' && exit 1; }
# eval counts the same answers, with the same loss
for how in "" --unconstrained; do
  # shellcheck disable=SC2086
  "$LOCKSTEP" eval crf/last.h5 spans.h5 --json $how >"eval$how.json"
done
python3 - kept.txt left.txt <<'PYTHON'
import json, sys
evals = [json.load(open(f)) for f in ("eval.json", "eval--unconstrained.json")]
gold = [line.split("\t")[1].strip() for line in open("valid.txt") if line.strip()]
for name, found in zip(sys.argv[1:], evals):
    tags = [line.split("\t")[1].strip() for line in open(name) if line.strip()]
    assert abs(sum(a == b for a, b in zip(gold, tags)) / len(gold) - found["accuracy"]) < 1e-6, (name, found)
assert evals[0]["loss"] == evals[1]["loss"] and evals[0]["accuracy"] != evals[1]["accuracy"]
PYTHON

# The N best, with probabilities: falling, adding up to at most 1, those of all sequences to 1; and score agrees.
printf 'x1 w2\n\ny4\n' >lines.txt
for model in crf softmax; do
  free=--unconstrained
  [ $model = crf ] || free=
  # shellcheck disable=SC2086
  "$LOCKSTEP" predict $model/last.h5 --nbest 100 --scores --marginals $free <lines.txt >all.txt
  "$LOCKSTEP" predict $model/last.h5 --scores <lines.txt >best.txt
  "$LOCKSTEP" predict $model/last.h5 --nbest 2 --scores <lines.txt >two.txt
  "$LOCKSTEP" predict $model/last.h5 --marginals <lines.txt >marginals.txt
  awk -F'\t' '{ split($2, tag, " "); split(($1 == 1 ? "x1 w2" : "y4"), word, " ")
    for (i = 1; i in tag; i++) printf "%s%s\t%s", (i > 1 ? "\t" : ""), word[i], tag[i]; print "" }' all.txt >given.txt
  "$LOCKSTEP" score $model/last.h5 --input tabs <given.txt >scores.txt
  awk -F'\t' '{ n = split($0, cell, "\t"); for (i = 1; i < n; i += 2) print cell[i] "\t" cell[i + 1]; print "" }' given.txt >columns.txt
  "$LOCKSTEP" score $model/last.h5 <columns.txt | diff - scores.txt
  python3 - <<'PYTHON'
import math
rows = [line.rstrip("\n").split("\t") for line in open("all.txt")]
assert [sum(r[0] == line for r in rows) for line in "123"] == [25, 0, 5], len(rows)
scores = [line.split("\t") for line in open("scores.txt")]
for line, words in (("1", 2), ("3", 1)):
    mine = [(r, s) for r, s in zip(rows, scores) if r[0] == line]
    p = [float(r[2]) for r, _ in mine]
    assert p == sorted(p, reverse=True) and abs(sum(map(math.exp, p)) - 1) < 1e-4, p
    for r, s in mine:
        assert abs(float(s[0]) - float(r[2])) < 1e-4 and int(s[1]) == words, (r, s)
    for at in range(words):  # a word's probability of a tag: the sum over the sequences that have it
        for r, _ in mine:
            want = sum(math.exp(float(q[2])) for q, _ in mine if q[1].split()[at] == r[1].split()[at])
            assert abs(want - float(r[3].split()[at])) < 2e-4, (r, want)
best, two, marginals = ([line.rstrip("\n").split("\t") for line in open(f)] for f in ("best.txt", "two.txt", "marginals.txt"))
assert best[1] == [""] and len(best) == 3 and [r[0] for r in two] == ["1", "1", "3", "3"], (best, two)
assert two[0][1:] == best[0] and two[2][1:] == best[2] and two[1][1] != two[0][1], (best, two)
assert marginals[0][0] == best[0][0] and len(marginals[0][1].split()) == 2, marginals
PYTHON
done
# any number of ranks, and sentences in columns
mpirun -n 3 "$LOCKSTEP" predict crf/last.h5 --nbest 3 --scores --input columns --output tags <valid.txt >ranks.txt
"$LOCKSTEP" predict crf/last.h5 --nbest 3 --scores --input columns --output tags <valid.txt | diff - ranks.txt
[ "$(cut -f1 ranks.txt | sort -u | wc -l)" = 80 ]

predict() { "$LOCKSTEP" predict "$@" <lines.txt; }
score() { printf '%b' "$2" | "$LOCKSTEP" score crf/last.h5 --input "$1"; }
expect 64 '--nbest needs --output tags' predict crf/last.h5 --nbest 2 --input columns
expect 64 '--unconstrained is for taggers of model.output: crf, and the model.s is softmax' predict softmax/last.h5 --unconstrained
[ "$(score tabs 'x1\tO\n\n \t \nw2\tO\n' | sed 's/..*/P/' | paste -sd,)" = 'P,,,P' ] # no words: an empty line
expect 65 "standard input:1: the model does not know the label .Q.; it has 5 labels" score tabs 'x1\tO\tw2\tQ\n'
expect 65 'standard input:2: expected words and labels in turn' score tabs 'x1\tO\nw2\n'
expect 65 "standard input:4: the sentence that begins here has the label .Q., which the model does not know" \
  score columns 'x1\tO\nx1\tO\n\nx1\tO\nx1\tQ\n\n'
expect 65 'standard input:1: there is no column of labels' score columns 'x1\nw2\n\n'
expect 64 'expected columns, conllu or tabs' score lines 'x1\tO\n'
