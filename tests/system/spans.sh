# Span F1 on real entities: eval's figure is what the rules of conlleval give for the predictions.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
data=${LOCKSTEP_DATA:-}/wnut17
if [ ! -d "$data" ]; then echo "LOCKSTEP_DATA has no wnut17" && exit 77; fi
"$LOCKSTEP" prepare label "$data/wnut17train.conll" --test "$data/emerging.test.annotated" --column word=0,tag=-1 -o ner.h5 >prepare.txt
train 2 label-spans.yaml run data.corpus=ner.h5 train.epochs=3 model.hidden=40 model.dropout=0 model.word_dropout=0 train.rate=0.005
"$LOCKSTEP" eval run/last.h5 ner.h5 --split test >eval.txt

awk -F '\t' 'NF >= 2 { line = line (line == "" ? "" : " ") $1; next } line != "" { print line; line = "" } END { if (line != "") print line }' \
  "$data/emerging.test.annotated" >words.txt
awk -F '\t' 'NF >= 2 { line = line (line == "" ? "" : " ") $NF; next } line != "" { print line; line = "" } END { if (line != "") print line }' \
  "$data/emerging.test.annotated" | tr -d '\r' >gold.txt
"$LOCKSTEP" predict run/last.h5 <words.txt >found.txt
[ "$(wc -l <gold.txt)" -eq "$(wc -l <found.txt)" ]

# conlleval: a chunk ends before B or O or another type, begins at B, after O, or with another type
paste -d '\n' gold.txt found.txt | awk '
  function chunks(line, set,   n, tag, i, prefix, type, before, start) {
    n = split(line, tag, " ")
    before = ""
    for (i = 1; i <= n + 1; i++) {
      prefix = i > n ? "O" : substr(tag[i], 1, 1); type = i > n || prefix == "O" ? "" : substr(tag[i], 3)
      if (before != "" && (prefix != "I" || type != before)) { set[start ":" (i - 1) ":" before] = 1; before = "" }
      if (type != "" && before == "") { start = i; before = type }
    }
  }
  NR % 2 { delete gold; chunks($0, gold); next }
  { delete found; chunks($0, found)
    for (c in gold) g++
    for (c in found) { f++; if (c in gold) hit++ } }
  END { p = hit / f; r = hit / g; printf "precision %.6f\nrecall %.6f\nf1 %.6f\n", p, r, 2 * p * r / (p + r) }' >conll.txt
grep -E '^(precision|recall|f1)' eval.txt | tr '\t' ' ' >ours.txt
cat ours.txt
diff ours.txt conll.txt
grep -qE '^f1 0\.0*[1-9]' ours.txt
