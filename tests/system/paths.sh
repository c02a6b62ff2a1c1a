# Paths in configurations: with '=' in them, with "~", from another working directory.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
# ended CODE COMMAND...
ended() {
  local expected=$1 code=0
  shift
  "$@" >out.txt 2>err.txt || code=$?
  [ "$code" -eq "$expected" ] || { echo "$*: ended with $code" && cat err.txt && return 1; }
}
small=(model.hidden=8 model.embedding=8 train.batch=4 train.unroll=8 train.epochs=0 train.schedule=constant)

# '=' in the path of a configuration, also without a directory; what is neither a file nor a path is an assignment
mkdir -p 'runs/rate=0.1'
cp "$LOCKSTEP_SOURCE/configs/lm-char.yaml" 'runs/rate=0.1/c.yaml'
cp "$LOCKSTEP_SOURCE/configs/lm-char.yaml" 'rate=0.1.yaml'
for config in 'runs/rate=0.1/c.yaml' 'rate=0.1.yaml'; do
  ended 0 "$LOCKSTEP" config "$config" train.rate=0.5
  grep -q '^  rate: 0.5$' out.txt
  ended 0 "$LOCKSTEP" train "$config" data.corpus=text.h5 run.dir='run=1' train.steps=2 "${small[@]}"
done
[ -e 'run=1/last.h5' ]
ended 64 "$LOCKSTEP" train train.rate=0.5 data.corpus=text.h5
grep -q "expected a configuration file before 'train.rate=0.5'" err.txt
ended 74 "$LOCKSTEP" train 'runs/rate=0.2/c.yaml'
grep -q "cannot open 'runs/rate=0.2/c.yaml'\|cannot read 'runs/rate=0.2/c.yaml'" err.txt

ended 64 "$LOCKSTEP" train 'rate=0.1.yaml' --lr 0.5
grep -qF -- "--lr: settings are given as KEY=VALUE, without dashes: unknown key 'lr' (did you mean 'train.rate'?)" err.txt

# "~" is the home directory, which the shell does not expand after '='
mkdir home
export HOME=$PWD/home
ended 0 "$LOCKSTEP" train rate=0.1.yaml data.corpus=text.h5 'run.dir=~/run' train.steps=2 "${small[@]}"
[ -e home/run/last.h5 ] && [ ! -e '~' ]
[ "$("$LOCKSTEP" config rate=0.1.yaml 'run.dir=~/run' --get run.dir)" = "$HOME/run" ]
[ "$("$LOCKSTEP" config rate=0.1.yaml 'run.dir=./~run' --get run.dir)" = './~run' ]
[ "$("$LOCKSTEP" config rate=0.1.yaml 'run.dir=~root/run' --get run.dir)" = "$(getent passwd root | cut -d: -f6)/run" ]
ended 64 "$LOCKSTEP" config rate=0.1.yaml 'run.dir=~nobody-of-this-name/run'
grep -q "command line: run.dir=~nobody-of-this-name/run: no user is called 'nobody-of-this-name'" err.txt

# The config.yaml of a run names the same run and corpus from any working directory.
mkdir first second
(cd first && ended 0 "$LOCKSTEP" train ../rate=0.1.yaml data.corpus=../text.h5 run.dir=run train.steps=2 "${small[@]}")
grep -q "the run is in $PWD/first/run, its corpus is $PWD/first/../text.h5" first/err.txt
(cd second && ended 0 "$LOCKSTEP" train ../first/run/config.yaml train.steps=4)
grep -q 'resuming from' second/err.txt
[ ! -e second/run ]
# relative paths in a user's own file depend on the working directory: messages give the absolute path
(cd second && ended 74 "$LOCKSTEP" train ../rate=0.1.yaml data.corpus=text.h5)
grep -q "cannot open $PWD/second/text.h5: No such file or directory" second/err.txt
