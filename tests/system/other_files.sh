# Ranks that find different files under one path, as on hosts that each have a copy. Rank r works in folder r, and paths
# through /proc/self/cwd look the same on all ranks.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
corpus_text
mkdir 0 1
head -c 20000 text.txt >less.txt
"$LOCKSTEP" prepare text less.txt --unit char --stream --valid-fraction 0.1 -o less.h5 >/dev/null
settings=(model.hidden=16 model.embedding=8 train.batch=8 train.unroll=8 train.steps=4 train.epochs=0)
train 1 lm-char.yaml one data.corpus=text.h5 "${settings[@]}" seed=1
train 1 lm-char.yaml two data.corpus=text.h5 "${settings[@]}" seed=2
cat >apart.sh <<'END'
cd "${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-0}}" && exec "$LOCKSTEP" "$@"
END
apart() { mpirun -n 2 bash "$PWD/apart.sh" "$@" </dev/null; }
# refused PATTERN COMMAND...: 65, and one line of the program that matches
refused() {
  expect 65 "$1" apart "${@:2}"
  [ "$(grep -c '^lockstep: ' err.txt)" -eq 1 ] || { cat err.txt && return 1; }
}
here=/proc/self/cwd
start=(train "$LOCKSTEP_SOURCE/configs/lm-char.yaml" data.corpus="$here/text.h5" run.dir="$PWD/run" "${settings[@]}")
other='rank 1 \(host .*\) finds another file there than rank 0 \(host .*\): digest [0-9a-f]{32}, not [0-9a-f]{32}'

# a rank with another corpus
cp text.h5 0/
cp less.h5 1/text.h5
cp one/last.h5 0/model.h5
cp one/last.h5 1/model.h5
refused "text.h5: $other" "${start[@]}"
[ ! -e run/last.h5 ]
refused "text.h5: $other" eval $here/model.h5 $here/text.h5
# a rank with another model
cp text.h5 1/text.h5
cp two/last.h5 1/model.h5
refused "model.h5: $other" eval $here/model.h5 $here/text.h5
cp less.h5 1/text.h5
refused "model.h5: $other" predict $here/model.h5
# copies of the same file count as the same
cp text.h5 1/text.h5
cp one/last.h5 1/model.h5
apart eval $here/model.h5 $here/text.h5 >two.txt
"$LOCKSTEP" eval one/last.h5 text.h5 >one.txt
cmp one.txt two.txt
apart "${start[@]}" >run.log 2>&1
grep -q "done at step 4" run.log

# a rank's copy that is damaged or missing
printf 'X' | dd of=1/text.h5 bs=1 seek=3000 conv=notrunc status=none
refused "rank 1: .*text.h5 is damaged" eval $here/model.h5 $here/text.h5
rm 1/text.h5
expect 74 "rank 1: cannot open .*text.h5: No such file" apart eval $here/model.h5 $here/text.h5
# rank 0's copy: no other rank opens its own before rank 0's was checked (its 74 would win over 65)
cp text.h5 0/
printf 'X' | dd of=0/text.h5 bs=1 seek=3000 conv=notrunc status=none
refused "lockstep: /proc.*text.h5 is damaged" eval $here/model.h5 $here/text.h5
rm -r run
refused "lockstep: /proc.*text.h5 is damaged" "${start[@]}"
