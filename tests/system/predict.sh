# predict, score and generate with models trained here: the output agrees with eval and is in the order of the lines; a
# mistake gives one line with its place.
# shellcheck shell=bash
fail() { echo "$*" >&2 && exit 1; }
# expect CODE WORDS COMMAND...: this exit code, and one line on standard error with these words
expect() {
  local code=0 want=$1 words=$2
  shift 2
  "$@" >out.txt 2>err.txt || code=$?
  [ "$code" = "$want" ] || fail "$*: exit code $code, expected $want: $(cat err.txt)"
  if ! grep -qF -e "$words" err.txt; then fail "$*: '$(cat err.txt)' lacks '$words'"; fi
  [ "$(wc -l <err.txt)" = 1 ] || fail "$*: more than one line: $(cat err.txt)"
}
# train NAME TASK CORPUS KEY=VALUE...
train() {
  local name=$1 task=$2 corpus=$3
  shift 3
  echo "task: $task" >"$name.yaml"
  "$LOCKSTEP" train "$name.yaml" data.corpus="$corpus" run.dir="$name" model.hidden=24 model.embedding=12 \
    train.batch=16 train.rate=0.01 "$@" >"$name.txt" 2>&1 || fail "train $name: $(tail -3 "$name.txt")"
}
figure() { awk -v name="$2" '$1 == name { print $2 }' "$1"; }

# Words classified by whether they have an e in them.
awk 'BEGIN { srand(3); for (i = 0; i < 600; i++) { w = ""; n = 2 + int(rand() * 6); for (j = 0; j < n; j++)
  w = w substr("abcdefgh", 1 + int(rand() * 8), 1); print ((w ~ /e/) ? "with" : "without") "\t" w } }' >words.tsv
head -500 words.tsv >train.tsv
tail -100 words.tsv >test.tsv
"$LOCKSTEP" prepare classify train.tsv --test test.tsv --unit char -o words.h5 >prepare.txt 2>&1
train class classify words.h5 train.epochs=6 model.pooling=max
"$LOCKSTEP" eval class/last.h5 words.h5 --split test >eval.txt 2>&1
cut -f2 test.tsv >in.txt
"$LOCKSTEP" predict class/last.h5 <in.txt >out.txt
paste out.txt test.tsv | awk -F'\t' '$1 == $2 { n++ } END { printf "%.6f\n", n / NR }' >accuracy.txt
[ "$(cat accuracy.txt)" = "$(figure eval.txt accuracy)" ] || fail "predict: $(cat accuracy.txt), eval: $(cat eval.txt)"
awk '{ exit $1 < 0.8 }' accuracy.txt || fail "nothing was learnt: $(cat accuracy.txt)"
# each line alone, all together, and many more lines than a block: the same answers, bit for bit
"$LOCKSTEP" predict class/last.h5 --scores <in.txt >together.txt
head -5 in.txt | while read -r line; do echo "$line" | "$LOCKSTEP" predict class/last.h5 --scores; done >alone.txt
head -5 together.txt | cmp - alone.txt
for _ in $(seq 30); do cat in.txt; done | "$LOCKSTEP" predict class/last.h5 >many.txt
[ "$(wc -l <many.txt)" = 3000 ] && tail -100 many.txt | cmp - out.txt
printf 'abc\n\nabe' | "$LOCKSTEP" predict class/last.h5 >out.txt # an empty line, no newline at the end
[ "$(sed -n 2p out.txt)" = "" ] && [ "$(wc -l <out.txt)" = 3 ]
printf 'abc\nab\xff\n' >bad.txt
expect 65 "standard input:2:3: not valid UTF-8" "$LOCKSTEP" predict class/last.h5 <bad.txt
printf '\xef\xbb\xbf' | cat - in.txt | "$LOCKSTEP" predict class/last.h5 >out.txt # a byte order mark is no text
"$LOCKSTEP" predict class/last.h5 <in.txt | cmp - out.txt
printf 'abc\na\xc3\xa4\0b\n' >bad.txt
expect 65 "standard input:2:3: a NUL byte" "$LOCKSTEP" predict class/last.h5 <bad.txt
expect 64 "unexpected argument 'in.txt': lines are read from standard input" "$LOCKSTEP" predict class/last.h5 in.txt
expect 64 "unexpected argument 'in.txt': lines are read from standard input" "$LOCKSTEP" score class/last.h5 in.txt
expect 64 "unexpected argument 'x'" "$LOCKSTEP" generate class/last.h5 x
expect 65 "words.h5 is not a Lockstep checkpoint: it is a Lockstep corpus" "$LOCKSTEP" eval class/last.h5 words.h5 x
expect 64 "only a language model" "$LOCKSTEP" score class/last.h5 <in.txt
expect 64 "only a language model" "$LOCKSTEP" generate class/last.h5
expect 74 "nothere.h5" "$LOCKSTEP" predict nothere.h5 <in.txt
expect 64 "did you mean --scores" "$LOCKSTEP" predict class/last.h5 --score=1 --scorse <in.txt

# Frames: the class is the sign of the first number.
awk 'BEGIN { srand(4); for (i = 0; i < 200; i++) { s = rand() < .5 ? 1 : -1; printf "%s\t", (s > 0 ? "up" : "down")
  for (j = 0; j <= i % 4; j++) printf "%s%.3f,%.3f", j ? " " : "", s + rand() / 2, rand(); print "" } }' >frames.tsv
"$LOCKSTEP" prepare frames frames.tsv -o frames.h5 >prepare.txt 2>&1
train frames classify frames.h5 train.epochs=4
printf '1,0.5 1.2,0.1\n\n-1,0.5\n' | "$LOCKSTEP" predict frames/last.h5 >out.txt
printf 'up\n\ndown\n' | cmp - out.txt
printf '1,1\n1,1 1,x\n' >bad.txt
expect 65 "standard input:2:7: " "$LOCKSTEP" predict frames/last.h5 <bad.txt

# A tagger whose tags are the words.
awk 'BEGIN { srand(5); for (i = 0; i < 200; i++) { n = 1 + i % 5
  for (j = 0; j < n; j++) { w = substr("abcd", 1 + int(rand() * 4), 1); print w "\tT" w } print "" } }' >tags.tsv
"$LOCKSTEP" prepare label tags.tsv -o tags.h5 >prepare.txt 2>&1
train tags label tags.h5 train.epochs=8 model.bidirectional=true
printf 'a b\nd  c a\n\nb\n' | "$LOCKSTEP" predict tags/last.h5 >out.txt
printf 'Ta Tb\nTd Tc Ta\n\nTb\n' | cmp - out.txt

printf '<eos>\n' | "$LOCKSTEP" predict tags/last.h5 --scores >out.txt # a word like any other that is not known
printf 'unheard\n' | "$LOCKSTEP" predict tags/last.h5 --scores | cmp - out.txt

# A translator that has hardly been trained: an empty line has no score; targets use the target vocabulary.
awk '{ print $0 "\tx" NR % 3 }' in.txt >pairs.tsv
sed 's/x2$/x3/' pairs.tsv >others.tsv
for name in pairs others; do "$LOCKSTEP" prepare pairs $name.tsv --unit word -o $name.h5 >prepare.txt 2>&1; done
train pairs translate pairs.h5 train.steps=3
sed -n '1p;3p' pairs.tsv | "$LOCKSTEP" score pairs/last.h5 >out.txt
sed -n '1s/$/\n/p;3p' pairs.tsv | "$LOCKSTEP" score pairs/last.h5 >spaced.txt
[ "$(sed -n 2p spaced.txt)" = "" ] && [ "$(wc -l <spaced.txt)" = 3 ] && sed 2d spaced.txt | cmp - out.txt
expect 65 "others.h5: its target vocabulary is not the one" "$LOCKSTEP" eval pairs/last.h5 others.h5

# A language model of lines: the scores add up to eval's loss.
awk 'BEGIN { srand(6); for (i = 0; i < 300; i++) { printf "the"; n = 1 + int(rand() * 5)
  for (j = 0; j < n; j++) printf " w%d", rand() * 9; print " end" } }' >lines.txt
head -250 lines.txt >train.txt
tail -50 lines.txt >test.txt
"$LOCKSTEP" prepare text train.txt --test test.txt -o lines.h5 >prepare.txt 2>&1
train lines lm lines.h5 train.epochs=4
"$LOCKSTEP" eval lines/last.h5 lines.h5 --split test >eval.txt 2>&1
"$LOCKSTEP" score lines/last.h5 <test.txt >score.txt
[ "$(wc -l <score.txt)" = 50 ]
awk -v loss="$(figure eval.txt loss)" -v units="$(figure eval.txt units)" '
  { sum -= $1; n += $2; p = exp(-$1 / $2); if ((p - $3) ^ 2 > 1e-6 * p * p) exit 1 }
  END { if (n != units || (sum / n - loss) ^ 2 > 1e-10) exit 1 }' score.txt || fail "score is not eval: $(cat eval.txt)"
"$LOCKSTEP" generate lines/last.h5 --count 5 --seed 3 --length 20 >out.txt
[ "$(wc -l <out.txt)" = 5 ]
"$LOCKSTEP" generate lines/last.h5 --count 5 --seed 3 --length 20 | cmp - out.txt
grep -c '^the' out.txt >/dev/null || fail "no line begins as all lines do: $(cat out.txt)"
if grep -q '<' out.txt; then fail "a special came out: $(cat out.txt)"; fi
"$LOCKSTEP" generate lines/last.h5 --prompt 'the w1' --temperature 0 >greedy.txt
"$LOCKSTEP" generate lines/last.h5 --prompt 'the w1' --top-k 1 --seed 9 | cmp - greedy.txt
grep -q '^the w1' greedy.txt
expect 64 "--top-p" "$LOCKSTEP" generate lines/last.h5 --top-p 1.5

# A running text of characters, whose reader closes the pipe: no message.
"$LOCKSTEP" prepare text lines.txt --unit char --stream -o stream.h5 >prepare.txt 2>&1
train stream lm stream.h5 train.steps=30 train.unroll=20
units=$(wc -m <lines.txt)
code=0
{ "$LOCKSTEP" generate stream/last.h5 --length 1000000 2>err.txt || echo $? >code.txt; } | head -c 50 >out.txt || code=$?
[ "$(wc -c <out.txt)" = 50 ] && [ ! -s err.txt ] && [ "$(cat code.txt)" = 141 ] && [ "$code" = 0 ]
expect 65 "lines.h5: sequences, one a line, but the model was trained on one running text" "$LOCKSTEP" eval stream/last.h5 lines.h5
expect 65 "stream.h5: one running text, but the model was trained on sequences" "$LOCKSTEP" eval lines/last.h5 stream.h5
"$LOCKSTEP" eval stream/last.h5 stream.h5 --batch 7 >out.txt
[ "$(grep -c '^lanes.7$' out.txt)" = 1 ] && grep -qE '^largest_state.[0-9.]+$' out.txt
"$LOCKSTEP" eval stream/last.h5 stream.h5 --batch 7 --json | grep -q '"lanes": 7, "largest_state": [0-9]'
expect 64 "train/stream has $units units, too few for 100000 lanes: eval.batch (or eval --batch) can be $((units - 1)) at most" \
  "$LOCKSTEP" eval stream/last.h5 stream.h5 --batch 100000
expect 74 "standard input: Bad file descriptor" "$LOCKSTEP" score stream/last.h5 <&-
expect 74 "standard input: Bad file descriptor" "$LOCKSTEP" predict class/last.h5 <&-
expect 64 "-l: expected a value (N)" "$LOCKSTEP" generate stream/last.h5 -l
expect 64 "unknown option -z" "$LOCKSTEP" generate stream/last.h5 -z
expect 64 "did you mean --beam" "$LOCKSTEP" predict class/last.h5 --baem 3
[ "$("$LOCKSTEP" generate stream/last.h5 --length 40 --prompt 'the w' | wc -m)" -ge 45 ]
"$LOCKSTEP" score --help | grep -q perplexity

# Lines in the format of the training file, with labels, are refused as input.
head -1 test.tsv >labelled.tsv
expect 65 'tab: expected the text alone (cut -f2- takes it from labelled lines)' "$LOCKSTEP" predict class/last.h5 <labelled.tsv
