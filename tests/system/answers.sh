# How predict and score read lines and write answers: a program that writes a line and waits gets its answer at once,
# sentences may come in any form, and every word gets a tag.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
fail() { echo "$*" >&2 && exit 1; }
# make NAME KIND TASK FILE [prepare option ...]: a corpus, and a model of a few steps
make() {
  local name=$1 kind=$2 task=$3 file=$4
  shift 4
  "$LOCKSTEP" prepare "$kind" "$file" -o "$name.h5" "$@" >prepared.txt 2>&1 || fail "$name: $(cat prepared.txt)"
  echo "task: $task" >"$name.yaml"
  "$LOCKSTEP" train "$name.yaml" data.corpus="$name.h5" run.dir="$name" model.hidden=12 model.embedding=8 \
    train.batch=16 train.rate=0.02 train.steps=60 >trained.txt 2>&1 || fail "$name: $(tail -3 trained.txt)"
}
# start COMMAND...: a program that reads and writes pipes
start() {
  coproc program { exec "$@" 2>err.txt; }
  exec {to}>&"${program[1]}"- {from}<&"${program[0]}"- # the shell forgets its own as soon as the program has ended
  # shellcheck disable=SC2154 # coproc sets it
  id=$program_PID
}
# ask QUESTION: send a line and expect the answer within seconds, while the input stays open
ask() {
  printf '%b' "$1" >&"$to"
  IFS= read -r -t 30 answer <&"$from" || fail "no answer to '$1'"
}
# finish: close the program's input; the rest of its answers
finish() {
  exec {to}>&-
  rest=$(timeout 30 cat <&"$from")
  exec {from}<&-
  wait "$id" || fail "it ended with $?"
}

# A tagger that gives each word its own tag; a classifier, a translator and a language model for the same words.
awk 'BEGIN { srand(5); for (i = 0; i < 300; i++) { n = 1 + i % 5
  for (j = 0; j < n; j++) { w = substr("abcd", 1 + int(rand() * 4), 1); print w "\tT" w } print "" } }' >tags.tsv
awk 'NF { print $2 "\t" $1 }' tags.tsv >classes.tsv
awk 'NF { print $1 "\t" $2 }' tags.tsv >pairs.tsv
cut -f1 pairs.tsv >lines.txt
make tags label label tags.tsv
make class classify classify classes.tsv
make pairs pairs translate pairs.tsv
make lines text lm lines.txt

# ---- line by line ----
for launch in '' 'mpirun -n 2'; do
  # shellcheck disable=SC2086
  start $launch "$LOCKSTEP" predict tags/last.h5
  for word in a b c d; do
    ask "$word a\n"
    [ "$answer" = "T$word Ta" ] || fail "'$launch' '$word a': $answer"
  done
  ask '\n'
  [ "$answer" = '' ] || fail "an empty line: $answer"
  ask 'b\nc' # the second has not ended
  [ "$answer" = Tb ] || fail "b: $answer"
  ask ' d\n'
  [ "$answer" = 'Tc Td' ] || fail "c d: $answer"
  printf 'd c' >&"$to" # nor will this one
  finish
  [ "$rest" = 'Td Tc' ] || fail "a line without an end: $rest"
  # shellcheck disable=SC2086
  start $launch "$LOCKSTEP" score lines/last.h5
  for word in a b; do
    ask "$word\n"
    [ "$(cut -f2 <<<"$answer")" = 2 ] || fail "'$launch' score: $answer"
  done
  finish
  [ "$rest" = '' ] || fail "score: $rest"
done
start "$LOCKSTEP" predict pairs/last.h5
ask 'a\n'
finish

# The answers do not depend on how the input arrives: in how many writes, and of what size.
for _ in $(seq 20); do cat lines.txt; done >many.txt
"$LOCKSTEP" predict class/last.h5 <many.txt >from-file.txt
[ "$(wc -l <from-file.txt)" = "$(wc -l <many.txt)" ] || fail "$(wc -l <from-file.txt) answers"
# shellcheck disable=SC2002
cat many.txt | "$LOCKSTEP" predict class/last.h5 | cmp - from-file.txt
dd if=many.txt bs=7 2>/dev/null | mpirun -n 2 "$LOCKSTEP" predict class/last.h5 | cmp - from-file.txt
# The lines before a bad one are answered, wherever a block ends, and on any number of ranks.
{ head -1500 many.txt && printf 'a\xff\n' && cat many.txt; } >bad.txt
for launch in '' 'mpirun -n 2'; do
  # shellcheck disable=SC2086
  expect 65 'standard input:1501:2: not valid UTF-8' $launch "$LOCKSTEP" predict class/last.h5 <bad.txt
  head -1500 from-file.txt | cmp - out.txt
done
{ head -1200 pairs.tsv && echo 'no tab' && cat pairs.tsv; } >bad.txt
expect 65 'standard input:[0-9]*: expected a source, a tab' "$LOCKSTEP" score pairs/last.h5 <bad.txt
[ "$(wc -l <out.txt)" = "$(($(grep -n 'no tab' bad.txt | cut -d: -f1) - 1))" ] || fail "$(wc -l <out.txt) scores"
# A closed pipe at the output ends the command without a message.
code=0
{ yes a | "$LOCKSTEP" predict class/last.h5 2>err.txt || echo $? >code.txt; } | head -1 >out.txt || code=$?
[ "$(cat out.txt code.txt err.txt) $code" = $'Ta\n141 0' ] || fail "head: $(cat out.txt code.txt err.txt)"

# ---- sentences in all forms ----
# Words with spaces, no-break spaces, hashes and capitals inside; the tag identifies the word. Folded as in training.
nb=$'\xc2\xa0' # a no-break space, whatever the locale
# shellcheck disable=SC1112
words=(a "b b" "c${nb}c" '#d' É x7)
tags=(Ta Tb Tc Td Te Tf)
for i in $(seq 300); do
  for j in $(seq $((1 + i % 4))); do k=$(((i * 7 + j * j * 5) % 6)) && printf '%s\t%s\n' "${words[k]}" "${tags[k]}"; done
  echo
done >spaced.tsv
make spaced label label spaced.tsv --lower --digits 0
predict() { "$LOCKSTEP" predict spaced/last.h5 "$@"; }
# answers WANT OPTION...: `predict OPTION...` answers WANT for in.txt, on one rank and on two
answers() {
  local want=$1
  shift
  predict "$@" <in.txt >out.txt || fail "predict $*"
  printf '%b' "$want" | cmp - out.txt || fail "predict $*: $(cat -A out.txt)"
  mpirun -n 2 "$LOCKSTEP" predict spaced/last.h5 "$@" <in.txt | cmp - out.txt || fail "predict $* on two ranks"
}
printf 'a\tb b\tC%sc\t#d\na x7\n\n \t\nÉ\te\xcc\x81\tx5\nb b\n' "$nb" >in.txt
answers 'Ta\tTb\tTc\tTd\nTa Tf\n\n\nTe\tTe\tTf\n'"$(printf 'b b\n' | predict)"'\n'
printf 'b b\n\na\tx3\n' >in.txt
answers 'Tb\n\nTa\tTf\n' --input tabs
[ "$(printf 'b b a\n' | predict --input lines | wc -w)" = 3 ] || fail "blanks set words apart"
answers 'b b\tTb\n\na\tTa\nx3\tTf\n\n' --input tabs --output columns
answers '1\tb b\t_\tTb\t_\t_\t_\t_\t_\t_\n\n1\ta\t_\tTa\t_\t_\t_\t_\t_\t_\n2\tx3\t_\tTf\t_\t_\t_\t_\t_\t_\n\n' --input tabs --output conllu
printf '\xef\xbb\xbfa\nb b\nC%sC\n\n\n# text = b b\n#d\r\nB B' "$nb" >in.txt # no end, a mark in front, one CRLF
answers '\xef\xbb\xbfa\tTa\nb b\tTb\nC'"$nb"'C\tTc\n\n\n# text = b b\n#d\tTd\r\nB B\tTb' --input words
answers 'Ta\tTb\tTc\nTd\tTb\n' --input words --output tags
printf '# sent_id = 1\na\tN\t_\nb b\tN\tTx\n\n-DOCSTART-\tX\tO\n\n\xef\xbb\xbf# newdoc\n#d\tN\t\nx1\tN\tTa\n' >in.txt
answers '# sent_id = 1\na\tN\tTa\nb b\tN\tTb\n\n-DOCSTART-\tX\tO\n\n\xef\xbb\xbf# newdoc\n#d\tN\tTd\nx1\tN\tTf\n' --input columns
answers '# sent_id = 1\na\tTa\t_\nb b\tTb\tTx\n\n-DOCSTART-\tX\tO\n\n\xef\xbb\xbf# newdoc\n#d\tTd\t\nx1\tTf\tTa\n' --column tag=1
answers '# sent_id = 1\na\tN\t_\tTa\nb b\tN\tTx\tTb\n\n-DOCSTART-\tX\tO\n\n\xef\xbb\xbf# newdoc\n#d\tN\t\tTd\nx1\tN\tTa\tTf\n' --column word=0,tag=3
printf 'N  a\nN %s\n\nN x1 ' "c${nb}c" >in.txt # blanks set columns apart, but not those that do not break
answers 'N  a Ta\nN '"c${nb}c"' Tc\n\nN x1  Tf' --column word=1,tag=2
six=$'\t_\t_\t_\t_\t_\t_'
printf '%b' '# sent_id = 1\n1-2\tab b\t_\t_'"$six"'\n1\ta\ta\tX'"$six"'\n2\tb b\t_\t_'"$six"'\n2.1\tb\t_\tY'"$six"'\n\n# alone\n\n1\tx1\t_\t_'"$six"'\n' >in.txt
answers '# sent_id = 1\n1-2\tab b\t_\t_'"$six"'\n1\ta\ta\tTa'"$six"'\n2\tb b\t_\tTb'"$six"'\n2.1\tb\t_\tY'"$six"'\n\n# alone\n\n1\tx1\t_\tTf'"$six"'\n' --conllu
answers 'Ta\tTb\nTf\n' --input conllu --output tags
answers 'a\tTa\nb b\tTb\n\nx1\tTf\n\n' --conllu --output columns

# The column that the model was trained on, which need not be UPOS.
awk -F'\t' 'NF { print ++n "\t" $1 "\t_\tX\t" $2 "\t_\t_\t_\t_\t_"; next } { n = 0; print }' spaced.tsv >xpos.conllu
make xpos label label xpos.conllu --conllu --column tag=4
sed 's/\tT[a-f]\t/\t_\t/' xpos.conllu >in.txt
"$LOCKSTEP" predict xpos/last.h5 --conllu <in.txt | cmp - xpos.conllu
"$LOCKSTEP" predict xpos/last.h5 --conllu --column tag=3 <in.txt | sed 's/\tT[a-f]\t/\tX\t/' >filled.txt
cmp filled.txt in.txt

# One tag for each word, in difficult files; everything else is copied byte for byte.
for i in $(seq 400); do
  printf '# sent_id = %d\n# text = it\twas\n' "$i"
  for j in $(seq $((1 + i % 7))); do printf '%s\tTb\n' "${words[(i + j * 5) % 6]}"; done
  if ((i % 5 == 0)); then printf '%s \t\n#nothing here\n' "$nb"; else echo; fi
done >hard.txt
predict --input columns <hard.txt >out.txt
cut -f1 hard.txt | cmp - <(cut -f1 out.txt) || fail "words have changed"
[ "$(grep -c $'\tTb' hard.txt)" = "$(grep -cP '\tT[a-f]$' out.txt)" ] || fail "another number of tags"
grep -vP '\tT[a-f]$' out.txt | cmp - <(grep -v $'\tTb' hard.txt) || fail "other lines have changed"
[ "$(grep -P '\tT[a-f]$' out.txt | sort -u | wc -l)" = 6 ] || fail "tags by word: $(grep -P '\tT' out.txt | sort -u)"
mpirun -n 3 "$LOCKSTEP" predict spaced/last.h5 --input columns <hard.txt | cmp - out.txt

# A sentence is answered as soon as the blank line after it was read.
start mpirun -n 2 "$LOCKSTEP" predict spaced/last.h5 --input words
printf 'a\nb b\n' >&"$to"
ask '\n'
[ "$answer" = $'a\tTa' ] || fail "columns line by line: $answer"
IFS= read -r -t 30 answer <&"$from" || fail "no second word"
[ "$answer" = $'b b\tTb' ] || fail "the second word: $answer"
printf 'x1' >&"$to"
finish
[ "$rest" = $'\nx1\tTf' ] || fail "what was left: $rest"

refused() { # refused CODE PATTERN INPUT OPTION...
  local code=$1 pattern=$2
  printf '%b' "$3" >in.txt
  shift 3
  expect "$code" "$pattern" "$LOCKSTEP" predict spaced/last.h5 "$@" <in.txt
  [ "$(wc -l <err.txt)" = 1 ] || fail "more than one line: $(cat err.txt)"
}
refused 65 '^lockstep: standard input:2:1: looks like a row .*--input columns' 'a b\na\tTa\n'
refused 65 '^lockstep: standard input:1:1: looks like a row .*--input conllu' "1\\ta\\t_\\t_$six\\n"
refused 65 '^lockstep: standard input:2:3: an empty word' 'a\na\t\tb b\n'
refused 65 '^lockstep: standard input:1:3: an empty word' 'a\t' --input tabs --output columns
refused 65 '^lockstep: standard input:4:1: an empty word' 'a\tTa\n\na\tTa\n\tTa\n' --input columns
refused 65 '^lockstep: standard input:3:2: 1 column .*expected 2 as in line 1; --input words' 'a Ta\n\nb\n' --input columns
refused 65 '^lockstep: standard input:2:1: .*is the blank line' "1\\ta\\t_\\t_$six\\n1\\ta\\t_\\t_$six\\n" --conllu
refused 65 '^lockstep: standard input:3:2: not valid UTF-8' 'a\n\na\xff\n' --input words
[ "$(cat out.txt)" = $'a\tTa' ] || fail "before the mistake: $(cat out.txt)"
refused 65 '^lockstep: standard input:2:2: a carriage return' 'a\nb\rb\n' --input words
refused 64 '--scores needs --output tags' '' --conllu --scores
refused 64 '--column is for --input columns' '' --input lines --column tag=2
refused 64 'contradict each other' '' --conllu --input tabs
refused 64 'expected auto, lines' '' --input foo
refused 64 'both column 1' '' --column word=1,tag=1
refused 64 'from 2 .LEMMA. to 9' '' --output conllu --column tag=1
expect 64 'are for taggers' "$LOCKSTEP" predict class/last.h5 --input tabs </dev/null
# Tags that contain spaces are separated by TABs.
sed 's/\tT/\tT /' spaced.tsv >blanks.tsv
make blanks label label blanks.tsv
[ "$(printf 'a É\n' | "$LOCKSTEP" predict blanks/last.h5)" = $'T a\tT e' ] || fail "tags with blanks"
printf 'x7 N\n' >in.txt
expect 65 "the tag 'T f' contains a space" "$LOCKSTEP" predict blanks/last.h5 --input columns <in.txt

# ---- units that the model does not know ----
# warned WORDS COMMAND...: one line on standard error with these words; the answers are the same as without it
warned() {
  local expected=$1
  shift
  "$@" <in.txt >out.txt 2>err.txt || fail "$*: $(cat err.txt)"
  if [ "$expected" = none ]; then
    [ ! -s err.txt ] || fail "$*: $(cat err.txt)"
  else
    grep -qF -e "$expected" err.txt || fail "$*: '$(cat err.txt)' lacks '$expected'"
    [ "$(wc -l <err.txt)" = 1 ] || fail "$*: more than one line: $(cat err.txt)"
  fi
}
awk '{ print toupper($0) }' pairs.tsv >capitals.tsv
cut -f1 capitals.tsv >capitals.txt
make capitals pairs translate capitals.tsv
make large text lm capitals.txt
head -30 lines.txt >in.txt
for launch in '' 'mpirun -n 2'; do
  # shellcheck disable=SC2086
  warned "100.0 % of the units are unknown to the model (30 of 30, all units of 30 lines); the model's vocabulary has capital letters only" \
    $launch "$LOCKSTEP" predict capitals/last.h5
  [ "$(wc -l <out.txt)" = 30 ] || fail "a warning takes answers"
done
warned "the model's vocabulary has capital letters only" "$LOCKSTEP" score large/last.h5
warned "100.0 % of the units are unknown to the model (2 of 2, all units of 1 line); the model's vocabulary has capital" \
  "$LOCKSTEP" generate large/last.h5 --prompt 'a b' --length 2
warned none "$LOCKSTEP" generate large/last.h5 --prompt 'A B' --length 2
warned none "$LOCKSTEP" generate large/last.h5 --length 2
warned none "$LOCKSTEP" predict class/last.h5
{ cat in.txt in.txt && echo 'a e'; } >more.txt && mv more.txt in.txt # 1 of 62, which is no line of its own
warned none "$LOCKSTEP" predict tags/last.h5
printf 'a b\nab\na b c d a b c d a b c d\n' >in.txt
warned '(1 of 15, all units of 1 line); its vocabulary has single letters' "$LOCKSTEP" score lines/last.h5
printf 'a <unk>\n<unk>\n' >in.txt # put there by somebody who knew
warned none "$LOCKSTEP" score lines/last.h5
printf 'a\tQ\nÉ\tq\n' >in.txt
warned '50.0 % of the units are unknown to the model (2 of 4)' "$LOCKSTEP" predict spaced/last.h5

# ---- long lines ----
# A translator attends to the whole source for each unit of its answer, so the length is limited, and the limit is
# named.
seq 1001 | sed 's/.*/a/' | paste -sd' ' >long.txt
{ echo a && cat long.txt; } >in.txt
expect 65 'standard input:2: a source of 1001 units, more than --max-length, now 1000; .*learnt from 1 at most' \
  "$LOCKSTEP" predict pairs/last.h5 <in.txt
[ "$(wc -l <out.txt)" = 1 ] || fail "what stands before it"
"$LOCKSTEP" predict pairs/last.h5 --beam 1 --max-length 1001 <in.txt | wc -l | grep -qx 2
paste <(echo a) long.txt >in.txt
expect 65 'standard input:1: a target of 1001 units' "$LOCKSTEP" score pairs/last.h5 <in.txt
"$LOCKSTEP" score pairs/last.h5 --max-length 2000 <in.txt >/dev/null
expect 64 'for translators' "$LOCKSTEP" predict class/last.h5 --max-length 5 </dev/null
expect 64 'for translators' "$LOCKSTEP" score lines/last.h5 --max-length 5 </dev/null
"$LOCKSTEP" predict tags/last.h5 <long.txt | wc -w | grep -qx 1001
