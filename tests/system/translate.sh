# Translators: two tasks that are learned to perfection; answers that do not depend on ranks or on other lines, with the
# probabilities that score gives; the same weights on any number of ranks, and after kills.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
fail() { echo "$*" >&2 && exit 1; }
# corpus NAME UNIT: a corpus of all.tsv, with 300 lines for test and 300 for validation
corpus() {
  sort -u all.tsv | shuf --random-source=<(yes) >shuffled.tsv
  head -300 shuffled.tsv >"$1-test.tsv" && sed -n 301,600p shuffled.tsv >"$1-valid.tsv" && tail -n +601 shuffled.tsv >"$1.tsv"
  "$LOCKSTEP" prepare pairs "$1.tsv" --valid "$1-valid.tsv" --test "$1-test.tsv" --unit "$2" -o "$1.h5" >/dev/null
}
# figure NAME: a metric of what eval printed
figure() { awk -v name="$1" '$1 == name { print $2 }' evaluated.txt; }

# Words backwards.
awk 'BEGIN { srand(5); for (i = 0; i < 9000; i++) { s = t = ""; for (n = 2 + int(7 * rand()); n; n--) {
  c = substr("abcdefghij", 1 + int(10 * rand()), 1); s = s (s ? " " : "") c; t = c (t ? " " : "") t } print s "\t" t } }' >all.tsv
corpus backwards word
# Dates in various notations, into ISO 8601.
awk 'BEGIN { srand(6); split("January February March April May June July August September October November December", m, " ")
  for (i = 0; i < 9000; i++) { y = 1900 + int(150 * rand()); k = 1 + int(12 * rand()); d = 1 + int(28 * rand()); f = int(4 * rand())
  s = f == 0 ? d " " m[k] " " y : f == 1 ? m[k] " " d ", " y : f == 2 ? d "." k "." y : substr(m[k], 1, 3) " " d " " y
  printf "%s\t%04d-%02d-%02d\n", s, y, k, d } }' >all.tsv
corpus dates char

small="model.cell=lstm model.hidden=64 model.embedding=32 model.dropout=0 train.smoothing=0 train.batch=32 train.rate=0.004"
for name in backwards dates; do
  # shellcheck disable=SC2086
  train 2 translate-names.yaml $name data.corpus=$name.h5 $small train.epochs=4
  cut -f1 $name-test.tsv | mpirun -n 2 "$LOCKSTEP" predict $name/best.h5 --beam 4 >found.txt
  share=$(paste found.txt $name-test.tsv | awk -F'\t' '$1 == $3 { n++ } END { printf "%d\n", 1000 * n / NR }')
  echo "$name: $share of 1000 translations are right"
  [ "$share" -ge 990 ] || fail "fewer than 990"
done
echo "both learned and tried in $SECONDS seconds"

# The rest uses a net that has learned little, whose beam search differs from greedy search.
# shellcheck disable=SC2086
train 2 translate-names.yaml rough data.corpus=dates.h5 $small train.steps=150 eval.metric=loss
predict() { "$LOCKSTEP" predict rough/last.h5 "$@"; }
cut -f1 dates-test.tsv >in.txt
predict --beam 1 --scores <in.txt >greedy.txt
predict --beam 4 --scores <in.txt >beam.txt
[ "$(paste greedy.txt beam.txt | awk -F'\t' '$1 != $3' | wc -l)" -ge 30 ] || fail "the beam found nothing of its own"

# A beam of one is greedy search: the same texts as evaluation, which decodes greedily, with the same probabilities.
cut -f1 greedy.txt | paste in.txt - >greedy.tsv
"$LOCKSTEP" prepare pairs dates.tsv --test greedy.tsv --unit char -o greedy.h5 >/dev/null
mpirun -n 3 "$LOCKSTEP" eval rough/last.h5 greedy.h5 --split test >evaluated.txt 2>/dev/null
cat evaluated.txt
[ -n "$(figure bleu)" ] || fail "no metric of texts"
"$LOCKSTEP" inspect rough/best.h5 | grep -q '^best  *loss ' || fail "inspect: $("$LOCKSTEP" inspect rough/best.h5 | grep ^best)"
[ "$(figure exact_match),$(figure symbol_error_rate)" = 1.000000,0.000000 ] || fail "greedy search finds other answers"
awk -F'\t' -v loss="$(figure loss)" '{ sum -= $2; n += length($1) + 1 } END { d = sum / n - loss; exit !(d < 1e-5 && d > -1e-5) }' \
  greedy.txt || fail "the answers are less probable than they say"

# eval --beam measures predict --beam: all exact where predict's answers are the references, on any number of ranks;
# penalties matter; and greedy search, eval's default, finds fewer of them.
cut -f1 beam.txt | paste in.txt - >beam.tsv
predict --beam 4 --length-penalty 3 --coverage-penalty 0.5 <in.txt >ranked.txt
paste in.txt ranked.txt >ranked.tsv
for name in beam ranked; do "$LOCKSTEP" prepare pairs dates.tsv --test $name.tsv --unit char -o $name.h5 >/dev/null; done
for ranks in 1 2 3; do
  mpirun -n $ranks "$LOCKSTEP" eval rough/last.h5 beam.h5 --beam 4 >evaluated-$ranks.txt 2>/dev/null
  cmp evaluated-1.txt evaluated-$ranks.txt
done
cp evaluated-1.txt evaluated.txt
[ "$(figure exact_match),$(figure bleu)" = 1.000000,100.000000 ] || fail "eval --beam finds other answers"
"$LOCKSTEP" eval rough/last.h5 ranked.h5 --beam 4 --length-penalty 3 --coverage-penalty 0.5 --batch 7 >evaluated.txt
[ "$(figure exact_match)" = 1.000000 ] || fail "eval --length-penalty --coverage-penalty finds other answers"
"$LOCKSTEP" eval rough/last.h5 beam.h5 --beam 1 >one.txt
"$LOCKSTEP" eval rough/last.h5 beam.h5 >evaluated.txt
cmp one.txt evaluated.txt
awk -v found="$(figure exact_match)" 'BEGIN { exit !(found < 0.95) }' || fail "greedy search finds what the beam finds"
expect 64 "need a beam search: give --beam N" "$LOCKSTEP" eval rough/last.h5 beam.h5 --length-penalty 1
expect 64 "^lockstep: --beam: expected a whole number" "$LOCKSTEP" eval rough/last.h5 beam.h5 --beam 0

# The answers do not depend on the number of ranks or on other lines.
many="--beam 4 --nbest 4 --scores --length-penalty 1 --coverage-penalty 0.2"
for ranks in 1 2 3; do
  # shellcheck disable=SC2086
  mpirun -n $ranks "$LOCKSTEP" predict rough/last.h5 $many <in.txt >many-$ranks.txt
  cmp many-1.txt many-$ranks.txt
done
[ "$(wc -l <many-1.txt)" = 1200 ]
tac in.txt | predict --beam 4 --scores | tac | cmp - beam.txt
for part in 1 7; do # so many lines at a time
  sed -n 1,21p in.txt | split --lines $part --filter="'$LOCKSTEP' predict rough/last.h5 --beam 4 --scores" - | cmp - <(head -21 beam.txt)
done
for _ in 1 2 3 4; do cat in.txt; done | predict --beam 4 --scores | cmp - <(cat beam.txt beam.txt beam.txt beam.txt)

# An n-best list in order, whose first is the single answer, with the probabilities that score gives.
# shellcheck disable=SC2086
predict ${many/--nbest 4/} <in.txt | cmp - <(cut -f2- many-1.txt | awk 'NR % 4 == 1')
predict --beam 4 --nbest 4 --scores --length-penalty 0 <in.txt >many.txt
awk -F'\t' '$1 != int((NR + 3) / 4) || ($1 == line && $3 > before) { exit 1 } { line = $1; before = $3 }' many.txt
# The length penalty, log P / ((5 + units) / 6)^X, changes the order of targets of different lengths.
# shellcheck disable=SC2086
train 2 translate-names.yaml lengths data.corpus=backwards.h5 $small train.steps=60 eval.metric=loss
cut -f1 backwards-test.tsv | "$LOCKSTEP" predict lengths/last.h5 --beam 8 --nbest 8 --scores --length-penalty 1 >ranked.txt
awk -F'\t' '{ score = $3 * 6 / (5 + split($2, unit, " ") + 1) } $1 == line { moved += $3 > before; if (score > last + 1e-5) wrong++ }
  { line = $1; before = $3; last = score } END { print moved " out of order without a penalty, " wrong + 0 " with it"; exit wrong || moved < 20 }' \
  ranked.txt || fail "lists are not in the order of the length penalty"
for found in many.txt many-1.txt; do
  awk -F'\t' 'NR == FNR { source[FNR] = $0; next } { print source[$1] "\t" $2 }' in.txt $found | "$LOCKSTEP" score rough/last.h5 |
    paste - $found | awk -F'\t' '{ d = $1 - $NF; if (d > 1e-4 || d < -1e-4) exit 1 }' || fail "scores of pairs are not those of the beam"
done

# Attention: one JSON object for each line, whose rows sum to one.
printf 'May 3, 1950\n\n3.5.1950\n' | predict --alignment >aligned.txt
[ "$(wc -l <aligned.txt)" = 2 ]
number='0\.[0-9]{4}|1\.0000'
grep -qxE '\{"line": 1, "source": \["M", "a", "y", " ", "3", ",", " ", "1", "9", "5", "0"\], "target": \[("[-0-9]"(, )?)+\], "text": "[-0-9]+", "log_probability": -[0-9.]+, "weights": \[(\[(('"$number"')(, )?){12}\](, )?)+\]\}' aligned.txt ||
  fail "alignment: $(cat aligned.txt)"
sed -n 's/.*"line": 3.*"weights": //p' aligned.txt | tr ']' '\n' | awk 'gsub(/[^0-9. ]/, "") && NF { rows++; sum = 0
  for (i = 1; i <= NF; i++) sum += $i; if (NF != 9 || sum < 0.999 || sum > 1.001) exit 1 } END { exit rows < 2 }' || fail "weights"

[ "$(printf '3.5.1950\n\n4.5.1950\n' | predict | sed -n 2p)" = "" ]
expect 65 "standard input:2: expected a source, a tab" "$LOCKSTEP" score rough/last.h5 <<<$'May\t5\nMay'
expect 65 "standard input:1:6: a second tab" "$LOCKSTEP" score rough/last.h5 <<<$'May\t5\t6'
expect 65 "standard input:1: an empty source" "$LOCKSTEP" score rough/last.h5 <<<$'\tMay'
expect 65 "standard input:2:4: a tab" "$LOCKSTEP" predict rough/last.h5 <<<$'May\nMay\t5'
expect 64 "^lockstep: --nbest" "$LOCKSTEP" predict rough/last.h5 --beam 2 --nbest 3 <in.txt
expect 64 "^lockstep: --beam: expected a whole number" "$LOCKSTEP" predict rough/last.h5 --beam 0 <in.txt
expect 64 "eval.metric=blue: .*bleu.*, found 'blue'" "$LOCKSTEP" train "$LOCKSTEP_SOURCE/configs/translate-names.yaml" data.corpus=dates.h5 \
  run.dir=none eval.metric=blue

# The same bits on any number of ranks, and after several kills.
tiny="data.corpus=backwards.h5 model.hidden=20 model.embedding=20 model.tied=true train.batch=11 train.sampling=0.3 eval.metric=bleu"
for ranks in 1 2 4 8; do
  # shellcheck disable=SC2086
  train $ranks translate-g2p.yaml r$ranks $tiny eval.every=5 train.steps=12
  same r1/last.h5 r$ranks/last.h5
  diff <(grep -oE '"(loss|bleu)":[^,]*' r1/metrics.jsonl) <(grep -oE '"(loss|bleu)":[^,]*' r$ranks/metrics.jsonl)
done
# shellcheck disable=SC2086
train 1 translate-g2p.yaml unsampled ${tiny/sampling=0.3/sampling=0} eval.every=5 train.steps=12
if same r1/last.h5 unsampled/last.h5 >/dev/null; then fail "train.sampling changed nothing"; fi
tiny="$tiny train.epochs=0 train.steps=120 checkpoint.every=7 eval.every=30"
# shellcheck disable=SC2086
{
  train 2 translate-g2p.yaml alone $tiny
  run_killed killed translate-g2p.yaml $tiny
}
same alone/last.h5 killed/last.h5
same alone/best.h5 killed/best.h5
diff <(grep -oE '"(kind|step|loss|bleu)":[^,]*' alone/metrics.jsonl) <(grep -oE '"(kind|step|loss|bleu)":[^,]*' killed/metrics.jsonl)
