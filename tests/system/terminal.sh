# What a person at a terminal sees: pictures that fit the window, also under mpirun, and plain lines everywhere else.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
command -v script >/dev/null || { echo "there is no script(1)"; exit 77; }
awk 'BEGIN { srand(1); for (i = 0; i < 200; i++) { print "aaaaa"; t = ""; for (k = 0; k < 30; k++) t = t int(10 * rand()); print t } }' >lines.txt
"$LOCKSTEP" prepare text lines.txt --unit char --valid-fraction 0.1 -o lines.h5 >prepare.txt 2>&1

# On a terminal: a picture that fits the window, in the characters and colours that the terminal has.
export TERM=xterm LC_ALL=C.UTF-8
unset NO_COLOR
# screen COLUMNS ROWS COMMAND: what the command writes to a terminal of that size, into screen.txt
screen() {
  rm -rf run
  script -qec "stty cols $1 rows $2; $3" /dev/null </dev/null >screen.txt 2>&1
}
settings="$LOCKSTEP_SOURCE/configs/lm-char.yaml data.corpus=lines.h5 run.dir=run model.hidden=16 model.embedding=8 train.batch=8"
settings="$settings train.epochs=200 train.schedule=constant eval.every=90 parallel.shards=2"
escape=$(printf '\033')
# pictures ROWS: the screen shows pictures of so many rows, erased by the next ones, the last one of a run that is over
pictures() {
  grep -q "$escape\[${1}A$escape\[J" screen.txt
  grep -q '100%' screen.txt
  if grep -q "$escape\[?" screen.txt; then return 1; fi # no mode of the terminal is changed: nothing is to be restored
}
screen 120 40 "'$LOCKSTEP' train $settings"
pictures 10
grep -q '━.*100%' screen.txt
LC_ALL=C grep -q $'┤.*\xe2[\xa0-\xa3]' screen.txt # braille
grep -q "• *$escape\[0m validation" screen.txt
grep -q "best valid [0-9.]*  [0-9]* tokens/s" screen.txt
screen 80 24 "'$LOCKSTEP' train $settings train.epochs=100"
pictures 1
if grep -q '┤' screen.txt; then exit 1; fi
screen 120 30 "NO_COLOR=1 LC_ALL=C '$LOCKSTEP' train $settings"
pictures 7
grep -q '\[####*\] 100%' screen.txt
if LC_ALL=C grep -q "[^ -~[:cntrl:]]" screen.txt; then exit 1; fi
if grep -q "$escape\[[0-9]*m" screen.txt; then exit 1; fi
# Under mpirun standard error is a pipe, but the person sits before mpirun's terminal.
screen 120 30 "mpirun -n 2 '$LOCKSTEP' train $settings"
pictures '[17]'
grep -qE '(^|J)valid  step 90 ' screen.txt
settings="$settings train.epochs=1"
# Plain lines: in a file, in a file of mpirun's, in the background, without cursor movements.
for command in "TERM=dumb '$LOCKSTEP' train $settings" "'$LOCKSTEP' train $settings 2>log" \
  "mpirun -n 2 '$LOCKSTEP' train $settings 2>&1 | cat" "set -m; '$LOCKSTEP' train $settings & wait"; do
  : >log
  screen 120 30 "$command"
  cat screen.txt log >all.txt
  grep -q '^step 1/' all.txt || { echo "no plain line: $command"; exit 1; }
  if grep -q "$escape" all.txt; then echo "an escape sequence: $command" && exit 1; fi
done

# Other commands: after two seconds, on standard error alone, erased at the end. The input comes slowly, through a pipe.
mv run model
slow="(head -50 lines.txt; sleep 8; head -50 lines.txt) | '$LOCKSTEP' score model/last.h5"
screen 80 24 "$slow >answers.txt"
grep -q "answering  [0-9]* lines .*lines/s" screen.txt
grep -q "$escape\[1A$escape\[J" screen.txt
[ "$(wc -l <answers.txt)" -eq 100 ]
if grep -q "$escape" answers.txt; then exit 1; fi
screen 80 24 "$slow" # the answers themselves are on the terminal
if grep -q answering screen.txt; then exit 1; fi
