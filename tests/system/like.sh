# New data for an existing model: `prepare --like` makes a corpus for `eval` with the model's vocabulary and labels.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
prepare=("$LOCKSTEP" prepare)

# figure FILE: the loss that eval --json prints
figures() { "$LOCKSTEP" eval "$@" --json | grep -oE '"(split|loss|accuracy|units|sequences)": *[^,}]*'; }

# A classifier of lower-case letters: its own training lines, prepared again, give the figures of the first corpus.
awk 'BEGIN { srand(3); for (i = 0; i < 300; i++) { t = ""; a = 0; for (n = 3 + int(9 * rand()); n; n--) {
  k = int(3 * rand()); t = t substr("ABC", k + 1, 1) int(3 * rand()); a += k == 0 }
  print (a > 2 ? "many" : a ? "few" : "none") "\t" t } }' >a.tsv
"${prepare[@]}" classify a.tsv --unit char --lower --digits 0 -o a.h5 >report.txt 2>&1
small=(train.patience=0 train.schedule=constant model.hidden=8 model.embedding=4 model.layers=1 train.batch=16 train.steps=20 train.epochs=0 checkpoint.every=0)
train 1 classify-names.yaml run data.corpus=a.h5 "${small[@]}"
for like in run/last.h5 a.h5; do
  "${prepare[@]}" classify a.tsv --like $like -o again.h5 >report.txt 2>err.txt
  grep -q "vocabulary and labels of $like" report.txt
  [ ! -s err.txt ] || { cat err.txt && exit 1; }
  diff <(figures run/last.h5 a.h5 --split train) <(figures run/last.h5 again.h5 --split train)
  h5dump -d /vocab/source a.h5 | sed 1d | diff - <(h5dump -d /vocab/source again.h5 | sed 1d)
done
h5dump -a source again.h5 | grep -q 'like a.h5 [0-9a-f]'
# Fewer classes and letters, in another order: the model's numbers are kept. No training file is needed.
printf 'none\tb1\nmany\tAAAA9A\nmore\tzzz\n' >b.tsv
"${prepare[@]}" classify --like run/last.h5 --test b.tsv -o b.h5 >report.txt 2>err.txt
grep -q "1 of 3 in test (1 different, the first 'more' at b.tsv:3:1)" err.txt || { cat err.txt && exit 1; }
grep -q 'test .* 11 units *<unk> 27.27 %' report.txt || { cat report.txt && exit 1; }
"$LOCKSTEP" verify b.h5 >/dev/null
[ "$(figures run/last.h5 b.h5 | wc -l)" -ge 2 ]
mpirun -n 2 "$LOCKSTEP" eval run/last.h5 b.h5 >two.txt
"$LOCKSTEP" eval run/last.h5 b.h5 | diff - two.txt
# Such a corpus can be trained on: the net has the old one's size, so its weights can be continued.
train 1 classify-names.yaml more data.corpus=again.h5 "${small[@]}"
# A corpus without a training split cannot be trained on, and the message says so.
expect 65 '^lockstep: the corpus holds nothing in /train' "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/classify-names.yaml" data.corpus=b.h5 run.dir=none "${small[@]}"

# Mistakes
expect 65 "b.tsv:3:1: label 'more', which run/last.h5 never had" "${prepare[@]}" classify b.tsv --like run/last.h5 -o c.h5
"${prepare[@]}" classify b.tsv --like run/last.h5 --no-label more -o c.h5 >out.txt
expect 65 "label 'more', which does not occur in the training part" "${prepare[@]}" classify --test b.tsv --like a.h5 --unseen-labels error -o c2.h5
expect 64 '^lockstep: --like: run/last.h5 is of kind classify, not text' "${prepare[@]}" text a.tsv --like run/last.h5 -o c2.h5
for option in '--unit word' '--vocabulary 5' '--min-count 2' '--no-nfc' '--digits keep'; do
  # shellcheck disable=SC2086
  expect 64 "^lockstep: ${option%% *} contradicts --like run/last.h5" "${prepare[@]}" classify a.tsv --like run/last.h5 $option -o c2.h5
done
"${prepare[@]}" classify a.tsv --like run/last.h5 --unit char --lower --digits 0 -o c.h5 >out.txt
expect 64 'is both input and output' "${prepare[@]}" classify a.tsv --like a.h5 -o ./a.h5
expect 64 'expected an input file' "${prepare[@]}" classify --like a.h5 -o c2.h5
expect 64 'there is no training file to take it from' "${prepare[@]}" classify --like a.h5 --test b.tsv --valid-fraction 0.1 -o c2.h5
expect 65 'a.tsv is not a Lockstep file' "${prepare[@]}" classify --like a.tsv --test b.tsv -o c2.h5
[ ! -e c2.h5 ]

# The other kinds: preparing the same files again gives the same splits.
# again KIND FILE option...: prepare, prepare --like that, and compare h5dump's output for the training split
again() {
  local kind=$1 file=$2
  shift 2
  "${prepare[@]}" "$kind" "$file" "$@" -o first.h5 >report.txt 2>&1
  "${prepare[@]}" "$kind" "$file" --like first.h5 -o second.h5 >report.txt 2>&1 || { cat report.txt && return 1; }
  for part in /train /vocab; do h5dump -g $part first.h5 | sed 1d | diff - <(h5dump -g $part second.h5 | sed 1d); done
}
corpus_text
again text text.txt --unit char --stream
again text text.txt --unit word --min-count 2 --lower
corpus_label
again label label.txt --min-count 3
printf 'a b\tX\nb c\tY Z\nc a b\tX Z\n' >pairs.tsv
again pairs pairs.tsv --source-unit word --target-unit char --target-vocabulary 3
again pairs pairs.tsv --shared-vocabulary
printf 'x\t1,2 3,4\ny\t5,6\n' >frames.tsv
again frames frames.tsv
printf 'x\t1,2,3\n' >wide.tsv
expect 65 'wide.tsv:1:3: a frame of 3 numbers, expected 2 as in first.h5' "${prepare[@]}" frames wide.tsv --like first.h5 -o c2.h5
# Pairs in two files, for the test split only.
cut -f1 pairs.tsv >p.en && cut -f2 pairs.tsv >p.de
"${prepare[@]}" pairs pairs.tsv -o p.h5 >report.txt 2>&1
"${prepare[@]}" pairs --test p.en --test-target p.de --like p.h5 -o q.h5 >report.txt 2>&1
h5ls -r q.h5 | grep -q '/test/len_.*/references'
