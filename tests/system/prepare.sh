# `lockstep prepare`: what h5ls shows of the result, exit codes and places of mistakes, and that a failure leaves no
# files.
# shellcheck shell=bash

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# refused CODE WORDS COMMAND...: the command ends with this exit code, one line on standard error with WORDS, and no new
# file.
refused() {
  local code=$1 words=$2 got=0 before after
  shift 2
  before=$(ls -A)
  "$@" >../out.txt 2>../err.txt <"${INPUT:-/dev/null}" || got=$?
  after=$(ls -A)
  [ "$got" -eq "$code" ] || fail "exit code $got, expected $code: $* ($(cat ../err.txt))"
  grep -qF -- "$words" ../err.txt || fail "expected '$words', found '$(cat ../err.txt)': $*"
  [ "$(wc -l <../err.txt)" -eq 1 ] || fail "more than one line: $(cat ../err.txt)"
  [ "$before" = "$after" ] || fail "left behind by $*: $after"
}

# has FILE OBJECT WORDS: h5ls describes the object with these words.
has() {
  h5ls -r "$1" | grep -F -- "$2" | grep -qF -- "$3" || fail "$1: no $2 $3 in: $(h5ls -r "$1")"
}

mkdir work
cd work || exit 1
prepare=("$LOCKSTEP" prepare)

# One running text of characters: the last tenth of the characters is for validation.
for i in $(seq 100); do echo "line number $i of a running text"; done >text.txt
characters=$(wc -m <text.txt)
"${prepare[@]}" text text.txt --unit char --stream --valid-fraction 0.1 -o text.h5 >report.txt
has text.h5 /train/stream "{$((characters * 9 / 10))/Inf}"
has text.h5 /valid/stream "{$((characters - characters * 9 / 10))/Inf}"
grep -q "$((characters * 9 / 10)) units" report.txt
grep -q 'MB/s' report.txt

# Labelled lines, from standard input too, replacing an existing file.
printf 'en\tword\nfr\tmot\nen\tmorphology\n' >lines.tsv
"${prepare[@]}" classify lines.tsv --unit char --max-length 20 -o lines.h5 >/dev/null
has lines.h5 /train/len_0006/source '{2'
has lines.h5 /train/len_0012/source '{1'
has lines.h5 /vocab/label '{2'
"${prepare[@]}" classify - --unit char --max-length 5 --too-long cut -o lines.h5 <lines.tsv >report.txt
grep -q 'cut to 5: 1 sequence$' report.txt
has lines.h5 /train/len_0008/source '{1'
[ "$(h5ls -r lines.h5 | grep -c len_0012)" -eq 0 ] || fail 'the old corpus is still there'

# Spaces around a label are not part of it.
printf ' x\ta\nx\tb\nx  \ta\nnew york\tc\n' >blanks.tsv
"${prepare[@]}" classify blanks.tsv -o lines.h5 >report.txt
grep -q 'labels: 2$' report.txt || fail "blanks around labels: $(cat report.txt)"
printf 'w\tx \nv\t x\n' >blanks.conll
"${prepare[@]}" label blanks.conll -o lines.h5 | grep -q 'labels: 1$'
printf 'x \t1,2\n x\t1,3\n' >blanks.txt
"${prepare[@]}" frames blanks.txt -o lines.h5 | grep -q 'labels: 1$'

# Words and tags: .conllu with column names, plain columns with numbers.
printf '# a\n1-2\tdont\t_\t_\t_\t_\t_\t_\t_\t_\n1\tdo\t_\tAUX\t_\t_\t_\t_\t_\t_\n2\tnt\t_\tPART\t_\t_\t_\t_\t_\t_\n\n' >a.conllu
"${prepare[@]}" label a.conllu -o label.h5 >/dev/null
has label.h5 /train/len_0004/target '{1'
has label.h5 /vocab/label '{2'
printf 'EU NNP B-ORG\nrejects VBZ O\n' >b.conll
"${prepare[@]}" label b.conll --column word=0,tag=-1 -o label.h5 >/dev/null
h5dump -d /vocab/label label.h5 | grep -q 'B-ORG'

# Frames.
printf 'a\t1,2,3 4,5,6\nb\t7,8,9\n' >frames.tsv
"${prepare[@]}" frames frames.tsv -o frames.h5 >/dev/null
has frames.h5 /train/len_0004/frames '{2/Inf, 4, 3}'
# Pairs: in one file, and in two parallel files; alternative targets for the test split.
printf 'A B\tAH B\nC\tK\n' >train.tsv
printf 'A\tAH\tEY\n' >test.tsv
"${prepare[@]}" pairs train.tsv --test test.tsv -o pairs.h5 >report.txt
grep -q '1 alternative targets' report.txt
has pairs.h5 /train/len_0004/target '{2/Inf, 4}'
has pairs.h5 /train/len_0004/target_length '{2'
has pairs.h5 /test/len_0004/references '{1}'
"$LOCKSTEP" inspect pairs.h5 | grep -q 'kind         pairs, unit word, of the targets word$'
cut -f1 train.tsv >train.en
cut -f2 train.tsv >train.ph
"${prepare[@]}" pairs train.en --target train.ph --target-unit char --target-vocabulary 2 -o pairs.h5 >/dev/null
"$LOCKSTEP" inspect pairs.h5 | grep -q 'kind         pairs, unit word, of the targets char$'
has pairs.h5 /vocab/source '{7}'
has pairs.h5 /vocab/target '{6}'
"${prepare[@]}" pairs train.en --target train.ph --shared-vocabulary -o pairs.h5 >/dev/null
"$LOCKSTEP" inspect pairs.h5 | grep -q 'one vocabulary for both'
for file in text lines label frames pairs; do "$LOCKSTEP" verify $file.h5 >/dev/null; done
rm ./*.h5

# Bad data: 65, with the place.
printf 'good\nb\377d\n' >bad.txt
: >empty.txt
printf 'x\ta\nno tab\n' >bad.tsv
printf 'a\nb\nc\n' >three.en
printf 'a\t1,2\nb\t3,nan\n' >nan.tsv
printf 'a X\nb Y Z\n' >bad.conll
refused 65 'bad.txt:2:2: not valid UTF-8: byte 0xff' "${prepare[@]}" text bad.txt -o out.h5
refused 65 'text.txt:1:6: a sequence of 31 units, more than 5' \
  "${prepare[@]}" text text.txt --unit char --max-length 5 -o out.h5
refused 65 'empty.txt:1:1: the file is empty' "${prepare[@]}" text empty.txt -o out.h5
refused 65 'bad.tsv:2:7: 1 column, expected 2' "${prepare[@]}" classify bad.tsv -o out.h5
printf 'x\ta\n  \tb\n' >nolabel.tsv
refused 65 'nolabel.tsv:2:1: an empty label' "${prepare[@]}" classify nolabel.tsv -o out.h5
refused 65 'nan.tsv:2:5: found '"'nan'"', expected a finite number' "${prepare[@]}" frames nan.tsv -o out.h5
refused 65 'test.tsv:1:6: a second target, which only validation and test may have' \
  "${prepare[@]}" pairs test.tsv -o out.h5
refused 65 'train.ph:3:1: the file ends, but three.en goes on' \
  "${prepare[@]}" pairs three.en --target train.ph -o out.h5
{ printf 'a\nb c' && head -c 17000000 /dev/zero | tr '\0' d; } >long.txt
refused 65 'long.txt:2:3: a word of 16.2 MiB, more than 16 MiB' "${prepare[@]}" text long.txt -o out.h5
rm long.txt
if "$LOCKSTEP" prepare --help | grep -q sentencepiece; then
  got=$("${prepare[@]}" pairs train.tsv --sentencepiece text.txt -o out.h5 2>&1 || true)
  grep -qxE 'lockstep: text.txt: (not a SentencePiece model|this program was built without .*)' <<<"$got" || fail "$got"
fi
"${prepare[@]}" text text.txt --min-count 1000 -o few.h5 2>../err.txt >/dev/null
grep -q 'few.h5: every unit of a side is <unk>' ../err.txt && rm few.h5
refused 65 'bad.conll:2:5: 3 columns set apart by blanks, expected 2 as in line 1' "${prepare[@]}" label bad.conll -o out.h5
printf '# x = y\n1\tdog\td\tN\tNN\t_\t0\t_\t_\t_\n2\tran\tr\tV\tVBD\t_\t0\t_\t_\t_\n\n' >two.conllu
for tags in 'N V' 'NN VBD --column word=1,tag=4'; do
  read -r first second rest <<<"$tags"
  # shellcheck disable=SC2086
  "${prepare[@]}" label two.conllu $rest -o two.h5 >/dev/null
  "$LOCKSTEP" inspect two.h5 | grep -q "^labels .*'$first' '$second'" || fail "$("$LOCKSTEP" inspect two.h5)"
done
rm two.h5
printf 'y\tb\n' >other.tsv
"${prepare[@]}" classify lines.tsv --test other.tsv -o out.h5 2>../err.txt >/dev/null
grep -q "do not occur in training count as wrong .*: 1 of 1 in test (1 different, the first 'y' at other.tsv:1:1)" ../err.txt || fail "$(cat ../err.txt)"
"$LOCKSTEP" verify out.h5 >/dev/null && rm out.h5
INPUT=bad.txt refused 65 '<stdin>:2:2: not valid UTF-8' "${prepare[@]}" text - -o out.h5

# Mistakes on the command line: 64. A missing directory: 74.
refused 64 "unknown kind 'txt'" "${prepare[@]}" txt text.txt -o out.h5
refused 64 'expected a kind' "${prepare[@]}"
refused 64 "unknown kind 'text.txt'" "${prepare[@]}" text.txt -o out.h5
refused 64 'expected -o OUT.h5' "${prepare[@]}" text text.txt
refused 64 '--unit: expected word, char or sentencepiece, found' "${prepare[@]}" text text.txt --unit byte -o out.h5
refused 64 '--column: expected word=I,tag=J' "${prepare[@]}" label b.conll --column word=x -o out.h5
refused 64 '--conllu is for label, not for text' "${prepare[@]}" text text.txt --conllu -o out.h5
refused 64 '--stream is for text, not for classify' "${prepare[@]}" classify lines.tsv --stream -o out.h5
refused 64 '--target is for pairs, not for text' "${prepare[@]}" text text.txt --target train.ph -o out.h5
refused 64 '--shared-vocabulary is for pairs, not for text' "${prepare[@]}" text text.txt --shared-vocabulary -o out.h5
refused 64 '--unit is for text, classify, label and pairs, not for frames' \
  "${prepare[@]}" frames frames.tsv --unit char -o out.h5
refused 64 'give a file of targets for every part or for none' "${prepare[@]}" pairs train.en --target train.ph --test test.tsv -o out.h5
refused 64 '--stream takes no value' "${prepare[@]}" text text.txt --stream=yes -o out.h5
refused 64 '--target: expected a value (FILE)' "${prepare[@]}" text text.txt --target
refused 64 'did you mean --max-length' "${prepare[@]}" text text.txt --max-lenght 3 -o out.h5
# The output must be a file and none of the inputs, however its path is written: 64, and the input is unchanged.
cp lines.tsv safe.tsv
ln -s lines.tsv link.tsv
mkfifo pipe
mkdir folder
for same in lines.tsv ./lines.tsv "$PWD/lines.tsv" ../work/lines.tsv link.tsv; do
  refused 64 'is both input and output' "${prepare[@]}" classify lines.tsv -o "$same"
  refused 64 'is both input and output' "${prepare[@]}" classify train.tsv --valid lines.tsv -o "$same"
done
INPUT=lines.tsv refused 64 'is both input and output' "${prepare[@]}" classify - -o ./lines.tsv
refused 64 'is both input and output' "${prepare[@]}" pairs train.en --target train.ph -o ./train.ph
refused 64 'is both input and output' "${prepare[@]}" pairs train.tsv --sentencepiece safe.tsv -o ./safe.tsv
refused 64 'cannot write .: it is a folder' "${prepare[@]}" text text.txt -o .
refused 64 'cannot write folder/: it is a folder' "${prepare[@]}" text text.txt -o folder/
refused 64 'cannot write pipe: it is a pipe' "${prepare[@]}" text text.txt -o pipe
refused 64 'cannot write /dev/null: it is a device' "${prepare[@]}" text text.txt -o /dev/null
refused 64 'name of the output file is empty' "${prepare[@]}" text text.txt -o ''
cmp lines.tsv safe.tsv
# Where the output is a symbolic link its target is written.
: >folder/real.h5
ln -s folder/real.h5 link.h5
"${prepare[@]}" classify lines.tsv -o link.h5 >/dev/null
[ -L link.h5 ] || fail 'the link was replaced'
"$LOCKSTEP" verify folder/real.h5 >/dev/null
rm -r link.h5 folder

# verify with several files: one line for each; the exit code is that of the first bad one.
"${prepare[@]}" classify lines.tsv -o a.h5 >/dev/null
cp a.h5 b.h5
code=0
"$LOCKSTEP" verify a.h5 none.h5 text.txt b.h5 >../out.txt 2>../err.txt || code=$?
[ "$code" -eq 74 ] || fail "verify of several files: exit code $code"
[ "$(grep -c 'a valid corpus' ../out.txt)" -eq 2 ]
[ "$(grep -cE 'none.h5|text.txt is not a Lockstep file' ../err.txt)" -eq 2 ] && [ "$(wc -l <../err.txt)" -eq 2 ]
"$LOCKSTEP" inspect a.h5 b.h5 >../out.txt
[ "$(grep -c '^[ab].h5: a corpus' ../out.txt)" -eq 2 ]
# Under mpirun one rank does the work, and all end with the same code.
mpirun -n 2 "$LOCKSTEP" verify a.h5 b.h5 >../out.txt
[ "$(wc -l <../out.txt)" -eq 2 ] || fail "verify on two ranks: $(cat ../out.txt)"
mpirun -n 2 "$LOCKSTEP" prepare classify lines.tsv -o c.h5 >../out.txt
[ "$(grep -c 'a corpus of kind' ../out.txt)" -eq 1 ] || fail "prepare on two ranks: $(cat ../out.txt)"
cmp a.h5 c.h5
code=0
mpirun -n 2 "$LOCKSTEP" prepare text none.txt -o d.h5 2>../err.txt || code=$?
if [ "$code" -ne 74 ] || [ "$(grep -c none.txt ../err.txt)" -ne 1 ]; then fail "two ranks: $code, $(cat ../err.txt)"; fi

# A signal while it writes: no file is left.
awk 'BEGIN { for (i = 0; i < 3000000; i++) print "word" i % 5000, i }' >large.txt
for signal in TERM INT HUP; do
  # background jobs of a shell ignore SIGINT: env restores the default
  env --default-signal=INT "${prepare[@]}" text large.txt --stream -o large.h5 >/dev/null &
  job=$!
  for _ in $(seq 300); do
    if compgen -G '.large.h5.*' >/dev/null; then break; fi
    sleep 0.05
  done
  compgen -G '.large.h5.*' >/dev/null || fail 'it never began to write'
  kill -"$signal" $job
  code=0
  wait $job || code=$?
  [ "$code" -eq $((128 + $(kill -l $signal))) ] || fail "SIG$signal: exit code $code"
  if compgen -G '.large.h5.*' >/dev/null || [ -e large.h5 ]; then fail "SIG$signal left a file behind"; fi
done
rm ./*.h5 large.txt pipe

refused 74 'none/out.h5' "${prepare[@]}" text text.txt -o none/out.h5
refused 74 'none.txt' "${prepare[@]}" text none.txt -o out.h5

# Help, with an example for each kind.
"${prepare[@]}" --help >help.txt
for kind in text classify label pairs frames; do grep -q "lockstep prepare $kind" help.txt || fail "no example of $kind"; done
# Help for one kind: its own options and example only, wherever the kind is on the command line.
"${prepare[@]}" label --help >label.txt
"${prepare[@]}" --help label | cmp - label.txt
grep -q 'lockstep prepare \[OPTION...\] label FILE' label.txt
for word in --conllu --column --max-length 'prepare label'; do grep -q -- "$word" label.txt || fail "label --help: no $word"; done
for word in --stream --target sentencepiece= label: 'prepare text' 'prepare frames'; do
  if grep -q -- "$word" label.txt; then fail "label --help: $word"; fi
done
