# The Python programs that README.md prints run, and PyTorch's net answers what `predict` answers. Skipped without Debian's
# modules.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
python=$(python_with torch h5py pandas) || { echo "no PyTorch, h5py or pandas: scripts/setup --reference installs them" && exit 77; }
printf 'these\tA\nare\tB\nwords\tC\nof\tB\nmine\tA\n\n%.0s' 1 2 3 4 5 6 7 8 9 >words.txt
"$LOCKSTEP" prepare label words.txt --column word=0,tag=1 --valid-fraction 0.3 -o words.h5 >/dev/null 2>&1
"$LOCKSTEP" train "$(config_of label-words.yaml)" run.dir=run data.corpus=words.h5 model.embedding=5 model.hidden=7 train.epochs=0 \
  train.steps=20 train.rate=0.02 train.batch=4 eval.every=5 eval.metric=accuracy >run.log 2>&1 || { cat run.log && exit 1; }
"$LOCKSTEP" export run/best.h5 -o tagger.safetensors
awk '/^```python$/ { file = "program-" ++n ".py"; next } /^```$/ { file = "" } file { print > file }' "$LOCKSTEP_SOURCE/README.md"
[ "$(find . -name 'program-*.py' | wc -l)" -eq 3 ] || { echo "README.md has other programs" && exit 1; }
for n in 1 2 3; do
  OMP_NUM_THREADS=1 "$python" -W error::FutureWarning "program-$n.py" >"out-$n.txt" || { echo "program $n of README.md fails" && exit 1; }
done
echo 'these are words' | "$LOCKSTEP" predict run/best.h5 | cmp - out-1.txt
grep -qE "^len_[0-9]+ \([0-9]+, [0-9]+\) \['<sos>', 'these', 'are'.* \['A', 'B', 'C', 'B', 'A'\]$" out-2.txt
grep -qE '^[0-9]+ \(3, 14\)$' out-2.txt
[ "$(grep -cE '^[0-9]+ +[0-9]+ +[0-9.]+ +[0-9.]+$' out-3.txt)" -ge 4 ]
