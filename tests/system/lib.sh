# shellcheck shell=bash
# Functions for all system tests. Sourced; the shell runs with -eu.

# Small corpora of every kind, made of the tree's own documents and a little arithmetic.
corpus_text() {
  cat "$LOCKSTEP_SOURCE"/{ARCHITECTURE,CONTRIBUTING}.md >text.txt
  "$LOCKSTEP" prepare text text.txt --unit char --stream --valid-fraction 0.1 -o text.h5 >/dev/null
}
corpus_lines() {
  grep . "$LOCKSTEP_SOURCE/ARCHITECTURE.md" >lines.txt
  "$LOCKSTEP" prepare text lines.txt --unit word --valid-fraction 0.1 -o lines.h5 >/dev/null
}
# One of each kind.
corpus_all() {
  corpus_text
  corpus_lines
  corpus_label
  corpus_classify
  corpus_pairs
}
# Tagging: a word's number is odd, even, or the one before it was odd ("after"). Lengths 1 to 30.
corpus_label() {
  awk 'BEGIN { srand(7); for (i = 0; i < 400; i++) { before = 0; for (n = 1 + int(30 * rand()); n; n--) {
    w = int(60 * rand()); print "w" w "\t" (before % 2 ? "after" : w % 2 ? "odd" : "even"); before = w } print "" } }' >label.txt
  "$LOCKSTEP" prepare label label.txt --column word=0,tag=-1 --valid-fraction 0.1 -o label.h5 >/dev/null
}
# Classification: words of three letters, labelled by the most frequent letter.
corpus_classify() {
  awk 'BEGIN { srand(3); for (i = 0; i < 500; i++) { a = b = c = 0; t = ""; for (n = 3 + int(20 * rand()); n; n--) {
    k = int(3 * rand()); t = t substr("abc", k + 1, 1); if (k == 0) a++; if (k == 1) b++; if (k == 2) c++ }
    print (a >= b && a >= c ? "A" : b >= c ? "B" : "C") "\t" t } }' >classify.tsv
  "$LOCKSTEP" prepare classify classify.tsv --unit char --valid-fraction 0.1 -o classify.h5 >/dev/null
}

# Translation: words in reverse order.
corpus_pairs() {
  awk 'BEGIN { srand(5); for (i = 0; i < 900; i++) { s = t = ""; for (n = 2 + int(7 * rand()); n; n--) {
    c = substr("abcdefghij", 1 + int(10 * rand()), 1); s = s (s ? " " : "") c; t = c (t ? " " : "") t } print s "\t" t } }' >pairs.tsv
  "$LOCKSTEP" prepare pairs pairs.tsv --unit word --valid-fraction 0.1 -o pairs.h5 >/dev/null
}

# Settings of published recipes for language models, each of which draws numbers of its own.
# shellcheck disable=SC2034
recipe="model.cell=lstm_capped train.lane_reset=0.2 model.weight_dropout=0.3 model.embedding_dropout=0.2"
recipe="$recipe train.ar=2 train.tar=1 train.unroll_random=true model.layers=2 model.widths=20,9"

# choices KEY: the values of a setting, as `config --describe` lists them
choices() {
  local found
  found=$("$LOCKSTEP" config --describe | awk -v key="$1" '$1 == key { here = 1; next }
    here && $1 == "choices:" && !n++ { sub(/^ *choices: */, ""); gsub(/,/, ""); print }')
  [ -n "$found" ] || { echo "config --describe lists no choices of $1" >&2; return 1; }
  echo "$found"
}

# config_of NAME: the file of a configuration that only tests have, or of a shipped one
config_of() {
  if [ -f "$LOCKSTEP_SOURCE/tests/system/$1" ]; then echo "$LOCKSTEP_SOURCE/tests/system/$1"; else echo "$LOCKSTEP_SOURCE/configs/$1"; fi
}
# python_with MODULE...: print the first Python at hand that has the modules, Debian's own included; 1 where none has.
python_with() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c "import $(IFS=,; echo "$*")" 2>/dev/null; then echo "$python" && return; fi
  done
  return 1
}
# train R CONFIG RUN [key=value ...]
train() {
  local ranks=$1 config=$2 run=$3
  shift 3
  mpirun -n "$ranks" "$LOCKSTEP" train "$(config_of "$config")" run.dir="$run" "$@" >"$run.log" 2>&1
}
# run_killed NAME CONFIG key=value...: start a run, kill all of it with SIGKILL after a while, resume it on another
# number of ranks, several times, then let it finish
run_killed() {
  local name=$1 config=$2 kills=0 ranks job newest='' pids
  shift 2
  for ranks in 2 3 1 4 2; do
    mpirun -n "$ranks" "$LOCKSTEP" train "$(config_of "$config")" run.dir="$PWD/$name" "$@" >>"$name.log" 2>&1 &
    job=$!
    for _ in $(seq 100); do
      # kill it once it has made new checkpoints
      if [ "$(find "$name/checkpoints" -name 'step-*.h5' 2>/dev/null | sort | tail -1)" != "$newest" ]; then break; fi
      kill -0 "$job" 2>/dev/null || break
      sleep 0.05
    done
    newest=$(find "$name/checkpoints" -name 'step-*.h5' 2>/dev/null | sort | tail -1)
    # the ranks first, as a rank that outlives mpirun could still write
    pids=$(pgrep -f "train .*run.dir=$PWD/$name" || true)
    # shellcheck disable=SC2086
    if [ -n "$pids" ]; then kill -KILL $pids 2>/dev/null && kills=$((kills + 1)); fi
    wait "$job" 2>/dev/null || true
  done
  train 3 "$config" "$name" "$@"
  echo "$name: $kills kills"
  [ "$kills" -ge 2 ]
}
# The SHA-256 of all weights of a checkpoint.
sha() { "$LOCKSTEP" inspect "$1" | sed -n 's/^sha256 *\([0-9a-f]\{64\}\).*/\1/p'; }
# same FILE_A FILE_B: the same weights.
same() {
  local a b
  a=$(sha "$1") b=$(sha "$2")
  [ "${#a}" -eq 64 ] || { echo "no digest of $1"; return 1; }
  [ "$a" = "$b" ] || { echo "$1 and $2 differ: $a, $b"; return 1; }
}
# expect CODE PATTERN COMMAND...: the command ends with that exit code and one line on standard error that matches.
expect() {
  local code=$1 pattern=$2 got=0
  shift 2
  "$@" >out.txt 2>err.txt || got=$?
  [ "$got" -eq "$code" ] || { echo "expected exit code $code, got $got: $*"; cat err.txt; return 1; }
  grep -qE -- "$pattern" err.txt || { echo "expected a line like '$pattern': $*"; cat err.txt; return 1; }
}
