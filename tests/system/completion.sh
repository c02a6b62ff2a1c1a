# Completion: every word that `lockstep complete` prints for commands, options and settings is accepted by the program; real
# bash, zsh and fish (those that are installed), given keys as a user types them, complete commands, options, settings,
# values and files. LOCKSTEP_COMPLETION=installed: the shells load what is installed by themselves, not the tree's scripts.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
fail() { echo "$*" >&2 && exit 1; }
scripts=$LOCKSTEP_SOURCE/scripts/completion

# words WORD...: what fits, without the meanings
words() { "$LOCKSTEP" complete -- "$@" | cut -f1; }
fits() { words "${@:2}" | grep -qxF -- "$1" || fail "no $1 at: ${*:2}"; }

# All commands, all settings with all their choices, all options of all commands.
"$LOCKSTEP" --help | awk '/^Commands/ { on = 1; next } on && !NF { exit } on { print $1 }' >commands.txt
diff commands.txt <(words '' | grep -v '^help$') || fail "the commands differ from those of --help"
diff <("$LOCKSTEP" config --describe | awk '/^  [a-z]/ { print $1 "=" }' | sort) \
  <(words train x.yaml '' | while read -r word; do case $word in *.) words train x.yaml "$word" ;; *) echo "$word" ;; esac; done | sort) ||
  fail "the settings differ from those of config --describe"
for key in model.cell train.schedule kernels; do
  diff <(choices "$key" | tr ' ' '\n' | sed "/^$/d; s/^/$key=/") <(words train x.yaml "$key=") || fail "choices of $key"
done
while read -r command; do
  "$LOCKSTEP" "$command" --help | sed -nE '/^Example/,/^$/d; s/^ {2,6}(-[^ ], )?(--[a-z][a-z-]*=?).*/\2/p' | sort -u >options.txt
  diff options.txt <(words "$command" -- | grep -vx -- --help | sort) || fail "options of $command"
done <commands.txt

fits prepare help pr
fits label prepare la
fits nets bench n
fits --unit=sentencepiece prepare text --unit=s
fits char prepare text --unit c
fits columns predict m.h5 --input col
fits model.hidden config --get model.h
fits model.tied=true train x.yaml model.tied=
gives() { [ "$(words "${@:2}")" = "$1" ] || fail "not '$1' at: ${*:2}"; }
gives ':files .yaml' train ''
gives ':files .h5' eval m.h5 ''
gives ':files .h5' train x.yaml data.corpus=
gives :folders train x.yaml run.dir=
gives '' nonsense ''
gives '' train x.yaml train.rate=
gives '' score --max-length ''
if words prepare label --str | grep .; then fail "an option of other kinds of corpus"; fi
expect 64 "expected '--' and the words" "$LOCKSTEP" complete
PMIX_RANK=0 PMIX_NAMESPACE=none PMI_RANK=0 words tra | grep -qx train || fail "completion starts MPI"

# What is typed, and the words that the shell then has. "TAB" stands for the key.
mkdir -p bin 'a folder' models
ln -sf "$LOCKSTEP" bin/lockstep
touch tiny.yaml models/tiny.h5 models/tiny.txt other.txt
cat >typed.txt <<'LINES'
lockstep traTAB|lockstep train
lockstep help genTAB|lockstep help generate
lockstep train tiTAB|lockstep train tiny.yaml
lockstep train tiny.yaml train.raTAB0.1|lockstep train tiny.yaml train.rate=0.1
lockstep train tiny.yaml train.schedule=cosTAB|lockstep train tiny.yaml train.schedule=cosine
lockstep train tiny.yaml moTABtiTABtTAB|lockstep train tiny.yaml model.tied=true
lockstep train tiny.yaml data.corpus=models/tiny.hTAB|lockstep train tiny.yaml data.corpus=models/tiny.h5
lockstep train tiny.yaml data.corpus=motiTAB|lockstep train tiny.yaml data.corpus=moti
lockstep inspect modTABtiTAB|lockstep inspect models/tiny.h5
lockstep eval models/tiny.h5 --spTABvTAB|lockstep eval models/tiny.h5 --split=valid
lockstep prepare claTABothTAB --uniTABchTAB|lockstep prepare classify other.txt --unit=char
lockstep train tiny.yaml run.dir=a\ foTABx|lockstep train tiny.yaml run.dir=a folder/x
lockstep inspect --nonsenseTAB|lockstep inspect --nonsense
LINES

# type_into SHELL...: start it in a terminal, type each line, and then, at its beginning, a command that writes the words
# into a file.
type_into() {
  local line n=0
  rm -f said.* finished
  {
    sleep 0.5
    while IFS='|' read -r line _; do
      n=$((n + 1))
      printf '%s\001say said.%d \005\n' "${line//TAB/$'\t'}" "$n"
    done <typed.txt
    printf 'touch finished\n'
    for _ in $(seq 300); do [ ! -e finished ] || break; sleep 0.1; done
    printf 'exit\n'
  } | TERM=vt100 PATH="$PWD/bin:$PATH" script -qec "$*" terminal.txt >/dev/null
}

# compare SHELL: the words with those expected
compare() {
  local expected n=0
  while IFS='|' read -r _ expected; do
    n=$((n + 1))
    [ "$(cat "said.$n" 2>/dev/null)" = "$expected" ] ||
      fail "$1: line $n of typed.txt: expected '$expected', found '$(cat "said.$n" 2>/dev/null || echo nothing)'"
  done <typed.txt
}

command -v script >/dev/null || exit 77
if [ "${LOCKSTEP_COMPLETION:-}" = installed ]; then
  load_bash='. /usr/share/bash-completion/bash_completion' load_zsh='' load_fish=''
else
  load_bash=". '$scripts/lockstep.bash'" load_zsh="fpath=('$scripts' \$fpath)" load_fish=$scripts/lockstep.fish
fi
cat >bashrc <<RC
$load_bash
say() { local out=\$1; shift; echo "\$*" >\$out; }
RC
type_into bash --noprofile --rcfile bashrc -i
compare bash

if command -v zsh >/dev/null; then
  mkdir -p zsh
  cat >zsh/.zshrc <<RC
$load_zsh
autoload -Uz compinit && compinit -u -D
bindkey -e
say() { local out=\$1; shift; echo "\$*" >\$out; }
RC
  ZDOTDIR=$PWD/zsh type_into zsh -d -i
  compare zsh
fi
if command -v fish >/dev/null; then
  cat >typed.txt <<'LINES'
lockstep tra|train
lockstep help gen|generate
lockstep train ti|tiny.yaml
lockstep train tiny.yaml train.ra|train.rate=
lockstep train tiny.yaml train.schedule=cos|train.schedule=cosine
lockstep train tiny.yaml data.corpus=models/tiny.h|data.corpus=models/tiny.h5
lockstep inspect models/|models/tiny.h5
lockstep eval models/tiny.h5 --split=v|--split=valid
lockstep prepare classify oth|other.txt
lockstep train tiny.yaml run.dir=mod|run.dir=models/
lockstep inspect --nonsense|
LINES
  mkdir -p home
  # shellcheck disable=SC2016 # fish expands it
  HOME=$PWD/home PATH="$PWD/bin:$PATH" fish ${load_fish:+--no-config} -c '
    test -z "$argv[1]"; or source $argv[1]
    while read -l -d "|" line expected
        set -l found (complete -C "$line" | string replace -r "\t.*" "")
        echo "$line|$found"
    end' "$load_fish" <typed.txt >fish.txt
  diff typed.txt fish.txt || fail "fish: expected the left side"
fi
