# How predict and score take their lines and put their answers: one by one where a program writes a line and waits, whatever
# form sentences come in, and as many tags as words.
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
# ask QUESTION: a line for the program, which waits, and its answer within seconds
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

# Tags: every word has its own. Classes, translations and lines of a language model for the same words.
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

# As much as there is at a time: the same answers, whoever writes the lines and however.
for _ in $(seq 20); do cat lines.txt; done >many.txt
"$LOCKSTEP" predict class/last.h5 <many.txt >from-file.txt
[ "$(wc -l <from-file.txt)" = "$(wc -l <many.txt)" ] || fail "$(wc -l <from-file.txt) answers"
# shellcheck disable=SC2002
cat many.txt | "$LOCKSTEP" predict class/last.h5 | cmp - from-file.txt
dd if=many.txt bs=7 2>/dev/null | mpirun -n 2 "$LOCKSTEP" predict class/last.h5 | cmp - from-file.txt
# What stands before a bad line is answered, wherever a block ends, and by any number of ranks.
{ head -1500 many.txt && printf 'a\xff\n' && cat many.txt; } >bad.txt
for launch in '' 'mpirun -n 2'; do
  # shellcheck disable=SC2086
  expect 65 'standard input:1501:2: not valid UTF-8' $launch "$LOCKSTEP" predict class/last.h5 <bad.txt
  head -1500 from-file.txt | cmp - out.txt
done
{ head -1200 pairs.tsv && echo 'no tab' && cat pairs.tsv; } >bad.txt
expect 65 'standard input:[0-9]*: expected a source, a tab' "$LOCKSTEP" score pairs/last.h5 <bad.txt
[ "$(wc -l <out.txt)" = "$(($(grep -n 'no tab' bad.txt | cut -d: -f1) - 1))" ] || fail "$(wc -l <out.txt) scores"
# A reader that goes away ends it quietly.
code=0
{ yes a | "$LOCKSTEP" predict class/last.h5 2>err.txt || echo $? >code.txt; } | head -1 >out.txt || code=$?
[ "$(cat out.txt code.txt err.txt) $code" = $'Ta\n141 0' ] || fail "head: $(cat out.txt code.txt err.txt)"
