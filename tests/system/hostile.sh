# Hostile files, and files of the wrong kind, given to every command that reads one: exit code 65 (74 for input/output)
# and one line, within five seconds and 1 GiB (hostile_files.c measures), and no message of HDF5.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
files=$LOCKSTEP_BUILD/tests/hostile_files
corpus_text
corpus_label
train 1 lm-char.yaml run data.corpus=text.h5 model.hidden=16 model.embedding=8 train.batch=8 train.unroll=8 train.steps=2 \
  train.epochs=0
model=run/last.h5
echo "a line" >line.txt
seconds=5 mib=1024
if [ -n "${LOCKSTEP_SANITIZE:-}" ]; then seconds=60 mib=8192; fi

# refused CODES PATTERN COMMAND...: ends with one of the codes and one line that matches, within the limits.
failures=0
refused() {
  local codes=$1 pattern=$2 got=0
  shift 2
  "$files" run $seconds $mib "$@" <line.txt >out.txt 2>err.txt || got=$?
  if [[ " $codes " != *" $got "* ]] || [ "$(grep -c . err.txt)" -ne 1 ] || ! grep -qE -- "$pattern" err.txt ||
    grep -qE 'HDF5-DIAG|H5[A-Z][a-z_]*\(|#0[0-9][0-9]:' err.txt out.txt; then
    echo "expected one of $codes and one line like '$pattern', got $got: $*"
    cat err.txt
    failures=$((failures + 1))
  fi
}
# harmless COMMAND...: succeeds, within the limits.
harmless() {
  local got=0
  "$files" run $seconds $mib "$@" <line.txt >out.txt 2>err.txt || got=$?
  if [ $got -ne 0 ]; then
    echo "expected success, got $got: $*"
    cat err.txt
    failures=$((failures + 1))
  fi
}
train_on() { refused "$1" "$2" "$LOCKSTEP" train "$(config_of "$3")" data.corpus="$4" run.dir=hostile-run train.steps=3; }

# ---- made by hand, with a valid digest ----
mkdir stream labels lengths models vectors words rows
"$files" make text.h5 /train/stream stream
bucket=$(h5ls label.h5/train | sed -n 's/^\(len_[0-9]*\) .*/\1/p' | head -1)
"$files" make label.h5 "/train/$bucket/source" labels soft-circle huge-chunks type-real many-axes data-bomb \
  data-wild-numbers data-negative-numbers
"$files" make label.h5 "/train/$bucket/length" lengths huge-shape data-wild-numbers data-negative-numbers
awk 'BEGIN { for (i = 0; i < 50; i++) print "w" i, i / 7, -i, 0.5 }' >words.vec
"$LOCKSTEP" prepare label label.txt --column word=0,tag=-1 --valid-fraction 0.1 --vectors words.vec -o vectors.h5 >/dev/null
"$files" make vectors.h5 /vectors/values vectors huge-shape type-text many-axes data-bomb data-not-numbers
"$files" make vectors.h5 /vectors/words words soft-circle huge-shape type-real
"$files" make vectors.h5 "/train/$bucket/vectors" rows huge-shape data-wild-numbers data-negative-numbers
tensor=$(h5ls -r "$model" | sed -n 's,^\(/model/[^ ]*\) *Dataset.*,\1,p' | head -1)
"$files" make "$model" "$tensor" models external-link soft-link soft-circle hard-circle root-in-root external-storage \
  virtual-data huge-shape huge-chunks foreign-filter deep-groups type-compound type-list type-text type-reference \
  type-real many-axes no-terminator data-bomb format-no-heap text-no-heap text-huge-heap text-huge-text text-no-text
mkdir unread
"$files" make "$model" "$tensor" unread unread-references
for file in unread/*.h5; do harmless "$LOCKSTEP" score "$file"; done

# What no one reads of a file, such as references, does no harm.
for file in stream/unread-*.h5; do
  harmless "$LOCKSTEP" verify "$file"
  harmless "$LOCKSTEP" inspect "$file"
  rm "$file"
done
for file in stream/*.h5; do
  refused 65 "$file" "$LOCKSTEP" verify "$file"
  case $file in
    */data-*) refused 65 "$file" "$LOCKSTEP" eval "$model" "$file" --split train ;;
    *) refused 65 "$file" "$LOCKSTEP" inspect "$file" ;;
  esac
done
for file in labels/*.h5 lengths/*.h5 vectors/*.h5 words/*.h5 rows/*.h5; do refused 65 "$file" "$LOCKSTEP" verify "$file"; done
# not all of them: a training run takes a while to start
for name in external-link million-attributes data-bomb data-wild-numbers; do
  train_on 65 "stream/$name.h5" lm-char.yaml "stream/$name.h5"
done
train_on 65 "lengths/data-wild-numbers.h5.*length" label-words.yaml lengths/data-wild-numbers.h5
refused 65 "stream/soft-link.h5" "$LOCKSTEP" eval "$model" stream/soft-link.h5

refused 65 "rows/data-wild-numbers.h5" "$LOCKSTEP" train "$(config_of label-words.yaml)" data.corpus=rows/data-wild-numbers.h5 \
  run.dir=hostile-run train.steps=3 model.vectors=frozen
turn=0
commands=(inspect verify score generate predict)
for file in models/*.h5; do
  refused 65 "$file" "$LOCKSTEP" "${commands[turn++ % 5]}" "$file"
done
refused 65 models/huge-shape.h5 "$LOCKSTEP" eval models/huge-shape.h5 text.h5

# ---- metadata in an image of HDF5's cache, which HDF5 loads when it opens the file ----
"$files" image text.h5 image.h5
"$files" image "$model" image-model.h5
for command in verify inspect; do refused 65 "image.h5 is refused: its superblock is not one that" "$LOCKSTEP" $command image.h5; done
refused 65 "image-model.h5 is refused: its superblock" "$LOCKSTEP" predict image-model.h5
refused 65 "image.h5 is refused: its superblock" "$LOCKSTEP" eval "$model" image.h5
# hostile files of frames: code 0 or 65; the child that reads them may crash
"$files" frames frames.h5
"$LOCKSTEP" prepare frames frames.h5 -o new.h5 >out.txt
grep -q "train  *4 sequences  *40 frames" out.txt
cp frames.h5 frames.anything # known by its bytes, not by its name
"$LOCKSTEP" prepare frames frames.anything -o other.h5 >/dev/null
"$LOCKSTEP" prepare frames - -o other.h5 <frames.h5 >/dev/null
rm -f new.h5 other.h5
ends=
for seed in $(seq 40); do
  "$files" spoil frames.h5 spoiled.h5 "$seed"
  got=0
  "$files" run $seconds $mib "$LOCKSTEP" prepare frames spoiled.h5 -o new.h5 >out.txt 2>err.txt || got=$?
  case $got in
    0) [ ! -s err.txt ] ;;
    65) [ "$(grep -c . err.txt)" -eq 1 ] && [ ! -e new.h5 ] ;;
    *) false ;;
  esac || { echo "spoiled with seed $seed: $got" && cat err.txt && failures=$((failures + 1)); }
  ends="$ends $got"
  rm -f new.h5
done
[[ "$ends " == *" 65 "* ]]

# ---- environment variables of HDF5 have no effect ----
cp text.h5 locked.h5
chmod a-w locked.h5
for locking in TRUE FALSE BEST_EFFORT nonsense; do
  HDF5_USE_FILE_LOCKING=$locking "$LOCKSTEP" verify locked.h5 >/dev/null
  HDF5_USE_FILE_LOCKING=$locking flock -x locked.h5 "$LOCKSTEP" verify locked.h5 >/dev/null
done
export HDF5_PLUGIN_PATH=$PWD HDF5_USE_FILE_LOCKING=TRUE
refused 65 "filters are not shuffle, deflate and fletcher32" "$LOCKSTEP" verify stream/foreign-filter.h5
unset HDF5_PLUGIN_PATH HDF5_USE_FILE_LOCKING

# ---- of the wrong kind ----
: >empty.h5
head -c 3000 text.h5 >short.h5
tail -c +513 text.h5 >bare.h5 # HDF5, but without our user block
cp text.txt text-file.h5
{ printf "\377" && head -c 100000 /dev/urandom; } >noise.h5
mkfifo pipe.h5
mkdir folder.h5
declare -A wrong=([empty.h5]="65 empty.h5 is not a Lockstep file" [short.h5]="65 short.h5 is damaged: it has 3000 bytes"
  [bare.h5]="65 bare.h5 is not a Lockstep file: an HDF5 file without" [text-file.h5]="65 text-file.h5 is not a Lockstep file"
  [noise.h5]="65 noise.h5 is not a Lockstep file" [pipe.h5]="74 pipe.h5: it is not a regular file"
  [folder.h5]="74 folder.h5: it is a folder" [/dev/zero]="74 /dev/zero: it is not a regular file"
  [missing.h5]="74 missing.h5: No such file")
for file in "${!wrong[@]}"; do
  read -r code pattern <<<"${wrong[$file]}"
  for command in inspect verify score generate; do refused "$code" "$pattern" "$LOCKSTEP" $command "$file"; done
  case $((turn++ % 4)) in # these start MPI, which takes a while
    0) refused "$code" "$pattern" "$LOCKSTEP" eval "$model" "$file" ;;
    1) refused "$code" "$pattern" "$LOCKSTEP" eval "$file" text.h5 ;;
    2) refused "$code" "$pattern" "$LOCKSTEP" predict "$file" ;;
    3) train_on "$code" "$pattern" lm-char.yaml "$file" ;;
  esac
done
# a corpus where a model is expected, and the reverse
for command in score predict generate; do refused 65 "text.h5 is not a Lockstep checkpoint: it is a Lockstep corpus" "$LOCKSTEP" $command text.h5; done
refused 65 "text.h5 is not a Lockstep checkpoint" "$LOCKSTEP" eval text.h5 text.h5
refused 65 "$model is not a Lockstep corpus: it is a Lockstep checkpoint" "$LOCKSTEP" eval "$model" "$model"
train_on 65 "$model is not a Lockstep corpus: it is a Lockstep checkpoint" lm-char.yaml "$model"
refused 65 "label.h5: a corpus of kind 'label'" "$LOCKSTEP" eval "$model" label.h5
# text and configurations
for file in /dev/zero pipe.h5 folder.h5 missing.h5; do refused 74 "$file" "$LOCKSTEP" prepare text "$file" -o new.h5; done
for file in /dev/zero pipe.h5; do refused 74 "$file" "$LOCKSTEP" train "$file"; done
refused 65 "empty.h5:1:1: the file is empty" "$LOCKSTEP" prepare text empty.h5 -o new.h5
refused 65 "noise.h5:1:" "$LOCKSTEP" prepare text noise.h5 -o new.h5
for file in noise.h5 empty.h5 text-file.h5; do refused 65 "$file" "$LOCKSTEP" prepare frames "$file" -o new.h5; done
refused "64 65" "noise.h5" "$LOCKSTEP" train noise.h5
[ ! -e new.h5 ]
[ "$failures" -eq 0 ] || { echo "$failures failed" && exit 1; }

# a file without read permission, which root could read
if [ "$(id -u)" -ne 0 ]; then
  chmod 0 locked.h5
  refused 74 "locked.h5: Permission denied" "$LOCKSTEP" verify locked.h5
  [ "$failures" -eq 0 ]
fi
