# The splits of a corpus: stratified from a file sorted by class, the same seed on one rank and two, subjects that are
# in one split only, and one line for a mistake.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"

# rows FILE SPLIT: how many rows of each class (0, 1, ...) the split has, as "class rows" lines
rows() {
  for set in $(h5ls -r "$1" | sed -n "s,^\(/$2/len_[0-9]*\)/target .*,\1/target,p"); do
    h5dump -d "$set" -m %d "$1" | sed -n '/^ *DATA {/,/}/p' | grep -v '"' | grep -oE ': .*' | tr -cs '0-9\n' '\n'
  done | grep . | sort -n | uniq -c | awk '{ print $2, $1 }'
}

# 1000 rows sorted by class, 500, 300, 150, 40 and 10: every class is in every split, in proportion
awk 'BEGIN { split("500 300 150 40 10", n); for (c = 1; c <= 5; c++) for (i = 0; i < n[c]; i++)
  print "class" c "\tx" i % 7 " y" i }' >sorted.tsv
"$LOCKSTEP" prepare classify sorted.tsv --valid-fraction 0.1 --test-fraction 0.1 -o sorted.h5 >report.txt 2>err.txt
if grep -vF '<unk>' err.txt; then exit 1; fi
printf '0 400\n1 240\n2 120\n3 32\n4 8\n' | diff - <(rows sorted.h5 train)
for part in valid test; do printf '0 50\n1 30\n2 15\n3 4\n4 1\n' | diff - <(rows sorted.h5 $part); done
"$LOCKSTEP" inspect sorted.h5 | grep -qx 'parts        valid 0.1, test 0.1, alike in class'
# unstratified, as before, with a warning
"$LOCKSTEP" prepare classify sorted.tsv --valid-fraction 0.05 --in-order -o order.h5 >report.txt 2>err.txt
grep -q 'valid: none of its labels occurs in training' err.txt || { cat err.txt && exit 1; }
head -990 sorted.tsv | "$LOCKSTEP" prepare classify - --valid-fraction 0.1 --in-order -o order.h5 >report.txt 2>err.txt
grep -q "valid has no row of 2 of the 3 classes of train: 'class1' (500 in train), 'class2' (300 in train)" err.txt || { cat err.txt && exit 1; }
# frames too
sed 's/\t.*/\t1,2 3,4/' sorted.tsv >frames.tsv
"$LOCKSTEP" prepare frames frames.tsv --valid-fraction 0.1 -o frames.h5 >report.txt
printf '0 50\n1 30\n2 15\n3 4\n4 1\n' | diff - <(rows frames.h5 valid)

# the same seed gives the same file, another seed other rows, stratified too
for seed in 1 1 2; do "$LOCKSTEP" prepare classify sorted.tsv --valid-fraction 0.1 --shuffle $seed -o "s$seed.h5" >report.txt; done
mpirun -n 2 "$LOCKSTEP" prepare classify sorted.tsv --valid-fraction 0.1 --shuffle 1 -o again.h5 >report.txt
cmp s1.h5 again.h5
if cmp -s s1.h5 s2.h5; then echo 'the seed changes nothing' && exit 1; fi
printf '0 50\n1 30\n2 15\n3 4\n4 1\n' | diff - <(rows s2.h5 valid)

# 40 speakers, named in the last column up to the last _: none is in two splits, and the splits' sizes are about right
awk 'BEGIN { srand(5); for (i = 0; i < 2000; i++) { s = int(40 * rand() * rand());
  print (rand() < 0.3 ? "no" : "yes") "\tspoken" s "\tspk_" s "_" i } }' >spoken.tsv
"$LOCKSTEP" prepare classify spoken.tsv --group column=-1,upto=_ --valid-fraction 0.1 --test-fraction 0.2 -o spoken.h5 >report.txt
awk '/subjects/ { rows[$1] = $2 } END { exit !(rows["valid"] > 190 && rows["valid"] < 210 && rows["test"] > 390 && rows["test"] < 410) }' \
  report.txt || { cat report.txt && exit 1; }
# the text is the speaker's name, so all texts of validation and test are <unk>
[ "$(grep -c 'subjects' report.txt)" -eq 3 ]
[ "$(grep -cE '(valid|test) .* 100.00 %' report.txt)" -eq 2 ] || { cat report.txt && exit 1; }

# mistakes
prepare=("$LOCKSTEP" prepare)
expect 64 '^lockstep: --shuffle: expected a whole number' "${prepare[@]}" text sorted.tsv --valid-fraction 0.1 --shuffle x -o o.h5
expect 64 '^lockstep: --shuffle: one running text' "${prepare[@]}" text sorted.tsv --stream --valid-fraction 0.1 --shuffle 1 -o o.h5
expect 64 '^lockstep: --group says how rows are dealt' "${prepare[@]}" classify sorted.tsv --group 0 -o o.h5
for group in '' x column= column=x column=1x comment= line= column=1,upto= line=x,upto=y; do
  expect 64 '^lockstep: --group: expected column=N .N from -999 to 999., comment=KEY' "${prepare[@]}" label sorted.tsv --valid-fraction 0.1 \
    --group "$group" -o o.h5
done
expect 64 '^lockstep: --in-order cannot be combined with' "${prepare[@]}" classify sorted.tsv --valid-fraction 0.1 --in-order --shuffle 1 -o o.h5
expect 64 '^lockstep: --in-order is for classify and frames, not for text' "${prepare[@]}" text sorted.tsv --in-order -o o.h5
expect 65 'sorted.tsv:1:13: 2 columns, but the subject is column 2' "${prepare[@]}" classify sorted.tsv --valid-fraction 0.1 --group 2 -o o.h5
[ ! -e o.h5 ]
