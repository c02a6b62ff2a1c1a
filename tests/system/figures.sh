# The metrics that eval prints are those that a script counts in predict's output: accuracy, classes, confusion, spans
# by type in every scheme; with labels that training does not have and words without a label; for any number of ranks.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
fail() { echo "$*" >&2 && exit 1; }
small="train.schedule=constant model.hidden=24 model.embedding=16 model.dropout=0 model.word_dropout=0 train.batch=16 train.rate=0.01"

# Sentences whose words mostly give the type away (p.. person, l.. place, n.. one that only the test has); spans of 1 to
# 4 words.
# tags SCHEME: letters for begin, inside, end, single, outside, and how letter and type are joined
sentences() { # SEED COUNT NEW
  awk -v seed="$1" -v count="$2" -v new="$3" 'BEGIN { srand(seed); for (i = 0; i < count; i++) {
    for (n = 3 + int(9 * rand()); n > 0;) {
      if (rand() < 0.55) { print "o" int(40 * rand()) "\t-\t-\t-"; n--; continue }
      k = rand(); type = k < new ? (rand() < 0.5 ? "NEW" : "ODD") : k < 0.5 ? "PER" : "LOC"
      size = 1 + int(4 * rand() * rand())
      for (j = 1; j <= size; j++) print (rand() < 0.9 ? tolower(substr(type, 1, 1)) : "x") int(8 * rand()) "\t" type "\t" j "\t" size
      n -= size } print "" } }'
}
write() { # LETTERS JOINT(before|behind|alone) SEPARATOR: from columns word, type, place in the span, its size
  awk -F '\t' -v letters="$1" -v joint="$2" -v separator="$3" 'NF == 0 { print; next }
    { letter = substr(letters, $2 == "-" ? 5 : $4 == 1 ? 4 : $3 == 1 ? 1 : $3 == $4 ? 3 : 2, 1)
      tag = $2 == "-" || joint == "alone" ? letter : joint == "before" ? letter separator $2 : $2 separator letter
      print $1 "\t" tag }'
}
sentences 1 400 0 >train.columns
sentences 2 60 0 >known.columns
sentences 3 60 0.3 >new.columns

# count FILE FOUND: what conlleval prints; words tagged _ are left out. counted.txt: the number of words, and of those
# with labels that training does not have. Spans follow the rules of conlleval.
count() {
  awk -v known="$(cut -f2 train.txt | sort -u | tr '\n' ' ')" '
    BEGIN { split(known, k, " "); for (i in k) seen[k[i]] = 1 }
    function cut_tag(tag, out) { # letter and type, whatever the way they are written
      if (length(tag) == 1) { out[1] = toupper(tag); out[2] = "_" }
      else if (substr(tag, 2, 1) ~ /[-_:\/]/) { out[1] = toupper(substr(tag, 1, 1)); out[2] = substr(tag, 3) }
      else { out[1] = toupper(substr(tag, length(tag))); out[2] = substr(tag, 1, length(tag) - 2) }
      if (out[1] == "M") out[1] = "I"; if (out[1] == "L") out[1] = "E"; if (out[1] ~ /[UW]/) out[1] = "S" }
    function chunks(tag, n, set, types,   i, p, before, type, start) {
      before = "O"; start = 0
      for (i = 1; i <= n + 1; i++) {
        if (i <= n) cut_tag(tag[i], p); else { p[1] = "O"; p[2] = "" }
        if (start && (p[1] ~ /[OBS]/ || before ~ /[ES]/ || p[2] != type)) { set[start "-" (i - 1) "-" type] = type; start = 0 }
        if (!start && p[1] != "O") { start = i; type = p[2] }
        before = p[1] } }
    function measure(   i, c, t) {
      delete gold; delete found
      for (i = 1; i <= n; i++) {
        if (g[i] == "_") { g[i] = f[i] = "O"; continue }
        words++; right += g[i] == f[i]; unseen += !(g[i] in seen) }
      chunks(g, n, gold); chunks(f, n, found)
      for (c in gold) { t = gold[c]; in_gold[t]++; all_gold++; types[t]; if (c in found) { hit[t]++; hits++ } }
      for (c in found) { in_found[found[c]]++; all_found++; types[found[c]] }
      n = 0 }
    function share(part, all) { return all ? 100 * part / all : 0 }
    NR == FNR { line[NR] = $0; next }
    { n = split($0, g, " "); split(line[FNR], f, " "); if (n) measure() }
    END {
      printf "processed %d tokens with %d phrases; found: %d phrases; correct: %d.\n", words, all_gold, all_found, hits
      printf "accuracy: %6.2f%%; precision: %6.2f%%; recall: %6.2f%%; FB1: %6.2f\n", share(right, words), share(hits, all_found),
        share(hits, all_gold), share(2 * hits, all_gold + all_found)
      for (t in types) printf "%17s: precision: %6.2f%%; recall: %6.2f%%; FB1: %6.2f  %d\n", t,
        share(hit[t], in_found[t]), share(hit[t], in_gold[t]), share(2 * hit[t], in_gold[t] + in_found[t]), in_found[t] | "LC_ALL=C sort"
      print words, unseen, in_gold["NEW"] + in_gold["ODD"] >"counted.txt" }' "$2" "$1"
}
# columns_to_lines FIELD FILE
to_lines() { awk -F '\t' -v field="$1" 'NF == 0 { print line; line = ""; next } { line = line (line == "" ? "" : " ") $field } END { if (line != "") print line }' "$2"; }

# One model for each scheme. Types that training does not have, and words without a label, are tested with the first.
while read -r name letters joint separator <&3; do
  write "$letters" "$joint" "$separator" <train.columns >train.txt
  write "$letters" "$joint" "$separator" <known.columns >known.txt
  "$LOCKSTEP" prepare label train.txt --test known.txt --column word=0,tag=1 -o "$name.h5" >/dev/null 2>&1
  # shellcheck disable=SC2086
  train 2 label-spans.yaml "$name" data.corpus="$name.h5" eval.metric=loss train.epochs=5 $small
  "$LOCKSTEP" eval "$name/last.h5" "$name.h5" >eval.txt 2>err.txt
  to_lines 1 known.txt | "$LOCKSTEP" predict "$name/last.h5" >found.txt
  to_lines 2 known.txt >gold.txt
  count gold.txt found.txt >expected.txt
  sed -n '/^processed/,$p' eval.txt | diff - expected.txt || fail "$name: spans"
  awk -v name="$name" '/^processed/ { print name ": " $0; exit !($8 > 20 && $10 > 20) }' expected.txt || fail "$name: hardly a span"
done 3<<'SCHEMES'
iob2 BIIBO before -
iob1 IIIIO before -
bioes BIESO before -
bilou BILUO before -
bmes BMESO before _
small bieso before -
behind BIIBO behind -
plain BIIBO alone -
bmes-plain BMESO alone -
SCHEMES

# Types that training does not have; every tenth word has no label.
write BIIBO before - <train.columns >train.txt
write BIIBO before - <new.columns | awk -F '\t' 'NF && NR % 10 == 0 { $2 = "_" } { print $1 (NF ? "\t" $2 : "") }' >new.txt
write BIIBO before - <known.columns | awk -F '\t' 'NF && NR % 7 == 0 { $2 = "_" } { print $1 (NF ? "\t" $2 : "") }' >valid.txt
head -60 new.txt >>valid.txt
"$LOCKSTEP" prepare label train.txt --valid valid.txt --test new.txt --column word=0,tag=1 --no-label _ -o new.h5 >/dev/null 2>&1
for ranks in 1 2 3; do
  # shellcheck disable=SC2086
  train $ranks label-spans.yaml new-$ranks data.corpus=new.h5 train.steps=90 eval.every=30 $small
  same new-1/last.h5 new-$ranks/last.h5
  diff <(grep '"valid"\|"test"' new-1/metrics.jsonl | grep -oE '"(loss|accuracy|f1|recall)":[^,]*') \
    <(grep '"valid"\|"test"' new-$ranks/metrics.jsonl | grep -oE '"(loss|accuracy|f1|recall)":[^,]*')
  [ "$(grep -c 'warning: /valid: .* words have labels that training never had: they count as wrong' new-$ranks.log)" = 1 ] || fail "not one warning"
  mpirun -n $ranks "$LOCKSTEP" eval new-1/last.h5 new.h5 --by class --confusion >eval-$ranks.txt 2>err.txt
  cmp eval-1.txt eval-$ranks.txt
  mpirun -n $ranks "$LOCKSTEP" eval new-1/last.h5 new.h5 --by class --confusion --json >json-$ranks.txt 2>err.txt
  cmp json-1.txt json-$ranks.txt
done
# shellcheck disable=SC2086
{ # stopped and gone on with: the same figures
  train 1 label-spans.yaml parts data.corpus=new.h5 train.steps=60 eval.every=30 $small
  train 3 label-spans.yaml parts data.corpus=new.h5 train.steps=90 eval.every=30 $small
}
diff <(grep '"valid"' new-1/metrics.jsonl | grep -oE '"(step|loss|accuracy|f1)":[^,]*') <(grep '"valid"' parts/metrics.jsonl | grep -oE '"(step|loss|accuracy|f1)":[^,]*')
to_lines 1 new.txt | "$LOCKSTEP" predict new-1/last.h5 >found.txt
to_lines 2 new.txt >gold.txt
count gold.txt found.txt >expected.txt
sed -n '/^processed/,/^$/p' eval-1.txt | sed '/^$/d' | diff - expected.txt || fail "unseen types"
read -r words unseen spans <counted.txt
cat expected.txt counted.txt
if [ "$unseen" -lt 20 ] || [ "$spans" -lt 10 ]; then fail "hardly a label that training never had"; fi
grep -qx "warning: /test: $unseen of $words words have labels that training never had: they count as wrong and are left out of the loss" err.txt ||
  fail "warning: $(cat err.txt)"
[ "$(awk '$1 == "units" || $1 == "unseen" { printf "%s ", $2 }' eval-1.txt)" = "$words $unseen " ] || fail "units: $(head -3 eval-1.txt)"
head -1 json-1.txt | grep -qF "\"unseen\": $unseen," || fail "json"

# Classes of a tagger, counted in predict's output; words without a label are left out.
pairs() { # GOLD FOUND: gold, found, how often
  paste -d '\n' "$1" "$2" | awk 'NR % 2 { n = split($0, g, " "); next }
    { split($0, f, " "); for (i = 1; i <= n; i++) if (g[i] != "_") c[g[i] "\t" f[i]]++ }
    END { for (p in c) print p "\t" c[p] }' | LC_ALL=C sort
}
pairs gold.txt found.txt >pairs.txt
awk -F '\t' '{ gold[$1] += $3; found[$2] += $3; if ($1 == $2) right[$1] = $3; all[$1]; all[$2] }
  END { for (c in all) printf "%.6f %.6f %.6f %d %s\n", found[c] ? right[c] / found[c] : 0, gold[c] ? right[c] / gold[c] : 0,
    2 * right[c] / (gold[c] + found[c]), gold[c], c }' pairs.txt | LC_ALL=C sort -k5 >expected.txt
sed -n '/precision .* class$/,/^$/p' eval-1.txt | sed '1d;/^$/d' | awk '{ print $1, $2, $3, $4, $5 }' | diff - expected.txt || fail "--by class"
# The matrix has names at both edges: turn it back into pairs.
sed -n '/^confusion/,$p' eval-1.txt | awk 'NR == 2 { n = split($0, name, " "); next } NR > 2 { for (j = 1; j <= n; j++)
  if ($(j + 1) > 0) print $1 "\t" name[j] "\t" $(j + 1) }' | LC_ALL=C sort | diff - pairs.txt || fail "--confusion"
grep -oE '"matrix": .*' json-1.txt | tr -d '[]{},"' | cut -d: -f2 | wc -w | grep -qx "$(($(wc -l <expected.txt) ** 2))" || fail "json: matrix"

# Long names: the columns are numbered then and stay aligned. More than 40 classes: a list of mistakes.
awk 'BEGIN { srand(5); for (i = 0; i < 400; i++) { k = int(3 * rand()); print (k == 0 ? "a class with a name of many words" : k == 1 ? "B" : "ç") "\t" substr("xyz", k + 1, 1) " " int(9 * rand()) } }' >long.tsv
awk 'BEGIN { srand(6); for (i = 0; i < 600; i++) { k = int(60 * rand()); print "c" k "\tw" (rand() < 0.7 ? k : int(60 * rand())) } }' >many.tsv
tail -100 long.tsv | sed 's/^ç/never seen/' >long-test.tsv
tail -300 many.tsv >many-test.tsv
for name in long many; do
  head -300 $name.tsv >$name-train.tsv
  "$LOCKSTEP" prepare classify $name-train.tsv --test $name-test.tsv -o $name.h5 >/dev/null 2>&1
  # shellcheck disable=SC2086
  train 2 classify-names.yaml $name data.corpus=$name.h5 train.epochs=3 train.patience=0 ${small/model.word_dropout=0/}
  mpirun -n 3 "$LOCKSTEP" eval $name/last.h5 $name.h5 --confusion >$name.txt 2>/dev/null
  cut -f2 $name-test.tsv | "$LOCKSTEP" predict $name/last.h5 >found.txt
  cut -f1 $name-test.tsv | paste - found.txt >$name-pairs.txt
  awk -F '\t' '{ gold[$1]++; found[$2]++; right[$1] += $1 == $2; hits += $1 == $2; all[$1]; all[$2] }
    END { for (c in all) { f += 2 * right[c] / (gold[c] + found[c]); n++ }; printf "accuracy\t%.6f\nmacro_f1\t%.6f\n", hits / NR, f / n }' $name-pairs.txt |
    diff <(grep -E '^(accuracy|macro_f1)' $name.txt) - || fail "$name: accuracy, macro_f1"
done
sed -n '/^confusion/,$p' long.txt
awk -F '\t' '$1 != $2 { c[$1 "\t" $2]++ } END { for (p in c) print p "\t" c[p] }' many-pairs.txt | LC_ALL=C sort -t "$(printf '\t')" -k3,3nr -k1,2 >expected.txt
sed -n '/^confusion of/,$p' many.txt | sed 1d | LC_ALL=C sort -t "$(printf '\t')" -k3,3nr -k1,2 | diff - expected.txt || fail "--confusion of many classes"
sed -n '/^confusion of/,$p' many.txt | sed 1d | cut -f3 | sort -nrc || fail "the most frequent mistakes come first"
[ "$(sed -n '/^confusion/,$p' long.txt | sed -n '3,$p' | cut -c1-20 | awk '{ print NF }' | sort -u | wc -l)" = 1 ] || fail "long names move the columns"
awk -F '\t' '$1 == "a class with a name of many words" && $2 == $1 { a++ } $1 == "never seen" && $2 == "B" { b++ } END { print a + 0; print b + 0 }' long-pairs.txt >expected.txt
sed -n '/^confusion/,$p' long.txt | awk '/a class with a name of many words$/ { print $3 } /never seen$/ { print $2 }' | diff - expected.txt || fail "the matrix of long names"

# Names in wide characters, which take two columns each, are aligned too: every line is as wide as the first.
awk 'BEGIN { srand(8); for (i = 0; i < 200; i++) { k = int(3 * rand()); print (k == 0 ? "人名" : k == 1 ? "地名" : "c") "\t" substr("xyz", k + 1, 1) } }' >wide.tsv
"$LOCKSTEP" prepare classify wide.tsv --test wide.tsv -o wide.h5 >/dev/null 2>&1
train 1 classify-names.yaml wide data.corpus=wide.h5 train.steps=3 train.patience=0 model.hidden=8
"$LOCKSTEP" eval wide/last.h5 wide.h5 --confusion | sed -n '/^confusion/,$p' | sed 1d >matrix.txt
cat matrix.txt
[ "$(sed 's/人/xx/g;s/地/xx/g;s/名/xx/g' matrix.txt | awk '{ print length($0) }' | sort -u | wc -l)" = 1 ] || fail "wide names move the columns"

# A tag that fits no scheme is named: prepare gives its line, eval and train its row.
awk -F '\t' 'NR == 30 && NF { $2 = "NOUN" } { print $1 (NF ? "\t" $2 : "") }' train.txt >spoilt.txt
[ -n "$(sed -n 30p train.txt)" ] || fail "line 30 is blank"
"$LOCKSTEP" prepare label spoilt.txt --valid known.txt --column word=0,tag=1 -o spoilt.h5 >/dev/null 2>err.txt
grep -q "labels are span tags .*, but not 'NOUN' at spoilt.txt:30:" err.txt || fail "prepare: $(cat err.txt)"
expect 64 "this corpus gives no f1: the label 'NOUN' \(first at train/len_[0-9]* row [0-9]*, word [0-9]*\) is not a span tag" \
  "$LOCKSTEP" train "$LOCKSTEP_SOURCE/tests/system/label-spans.yaml" data.corpus=spoilt.h5 run.dir=spoilt eval.metric=f1
# shellcheck disable=SC2086
train 1 label-spans.yaml spoilt data.corpus=spoilt.h5 eval.metric=accuracy train.steps=2 $small
"$LOCKSTEP" eval spoilt/last.h5 spoilt.h5 >eval.txt 2>err.txt
grep -q "^warning: spans are not evaluated: the label 'NOUN' (first at train/len_" err.txt || fail "eval: $(cat err.txt)"
if grep -q '^f1\|^processed' eval.txt; then fail "figures of spans: $(cat eval.txt)"; fi

# All labels are ones that training does not have: no loss, and nothing is correct.
printf 'o1\tB-NEW\no2\tI-NEW\n' >nothing.txt
"$LOCKSTEP" prepare label train.txt --test nothing.txt --column word=0,tag=1 -o nothing.h5 >/dev/null 2>&1
"$LOCKSTEP" eval new-1/last.h5 nothing.h5 >eval.txt 2>/dev/null || fail "eval refuses a part of unseen labels"
grep -qxF $'loss\t-' eval.txt || fail "a loss of nothing: $(cat eval.txt)"
grep -qxF $'accuracy\t0.000000' eval.txt || fail "accuracy: $(cat eval.txt)"

expect 64 "--by: expected class" "$LOCKSTEP" eval new-1/last.h5 new.h5 --by word
expect 64 "--beam is for translators" "$LOCKSTEP" eval new-1/last.h5 new.h5 --beam 4
