# Input files of prepare: compressed (the same corpus, byte for byte, whatever the name), archives, other encodings,
# HDF5 under any name. What is refused gives 65 and one line, and leaves no file.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
mkdir plain
grep . "$LOCKSTEP_SOURCE/ARCHITECTURE.md" >plain/input
"$LOCKSTEP" prepare text plain/input --valid-fraction 0.1 -o plain.h5 >/dev/null
"$LOCKSTEP" prepare text - --valid-fraction 0.1 -o stdin.h5 <plain/input >/dev/null
tools=0
for tool in gzip xz bzip2 zstd; do
  command -v $tool >/dev/null || continue
  tools=$((tools + 1))
  mkdir $tool
  $tool -c plain/input >$tool/input
  "$LOCKSTEP" prepare text $tool/input --valid-fraction 0.1 -o new.h5 >/dev/null
  cmp plain.h5 new.h5
  "$LOCKSTEP" prepare text - --valid-fraction 0.1 -o new.h5 <$tool/input >/dev/null
  cmp stdin.h5 new.h5
  $tool -c plain/input | "$LOCKSTEP" prepare text - --valid-fraction 0.1 -o new.h5 >/dev/null
  cmp stdin.h5 new.h5
  rm new.h5
  head -c 700 $tool/input >$tool/cut
  expect 65 "$tool/cut: compressed with $tool, and " "$LOCKSTEP" prepare text $tool/cut -o new.h5
  [ ! -e new.h5 ]
  [ "$(grep -c . err.txt)" -eq 1 ]
done
[ "$tools" -ge 2 ]

# refused WORDS FILE [KIND]: as a file and through standard input, with one line
refused() {
  expect 65 "^lockstep: $2:?.*$1" "$LOCKSTEP" prepare "${3:-text}" "$2" -o new.h5
  expect 65 "^lockstep: <stdin>:?.*${1%%: *}" "$LOCKSTEP" prepare "${3:-text}" - -o new.h5 <"$2"
  [ ! -e new.h5 ]
  [ "$(grep -c . err.txt)" -eq 1 ]
}
tar cf some plain
refused "a tar archive, no text: unpack it first" some
gzip -c some >other
refused "a tar archive, no text: unpack it first" other
printf 'a\tol\xe9 na\xefve\nb\tx\n' >latin
refused "looks like ISO-8859-1: iconv -f ISO-8859-1 -t UTF-8" latin classify
if command -v iconv >/dev/null; then
  iconv -f UTF-8 -t UTF-16 plain/input >wide
  refused "the text is in UTF-16 .*: iconv -f UTF-16 -t UTF-8 wide" wide
  iconv -f UTF-8 -t UTF-16BE plain/input >wide
  refused "the text is in UTF-16BE .*: iconv -f UTF-16BE -t UTF-8 wide" wide label
  iconv -f UTF-16BE -t UTF-8 wide >again # what the line says
  cmp again plain/input
fi
cp plain.h5 some
refused "a corpus or a checkpoint of Lockstep, no text" some
tail -c +513 plain.h5 >some
refused "an HDF5 file, no text: only 'lockstep prepare frames' reads HDF5" some
refused "an HDF5 file, no text: only 'lockstep prepare frames' reads HDF5" some pairs

# the same through the standard input of predict
corpus_classify
train 1 classify-names.yaml run data.corpus=classify.h5 model.hidden=8 model.embedding=8 train.steps=3 train.epochs=0
cut -f2 classify.tsv | head -50 >lines.txt
"$LOCKSTEP" predict run/last.h5 <lines.txt >answers.txt
[ "$(grep -c . answers.txt)" -eq 50 ]
gzip -c lines.txt >lines.gz
"$LOCKSTEP" predict run/last.h5 <lines.gz | cmp - answers.txt
xz -c lines.txt | mpirun -n 2 "$LOCKSTEP" predict run/last.h5 | cmp - answers.txt
head -c 60 lines.gz >cut.gz
expect 65 "^lockstep: standard input: compressed with gzip, and cut off" "$LOCKSTEP" predict run/last.h5 <cut.gz
expect 65 "^lockstep: standard input: a tar archive, no text" "$LOCKSTEP" predict run/last.h5 <other
printf 'aab\nol\xe9 na\xefve\n' >latin
expect 65 "standard input:2:3: not valid UTF-8: byte 0xe9; the text looks like ISO-8859-1: put .iconv -f ISO-8859-1" \
  "$LOCKSTEP" predict run/last.h5 <latin
if command -v iconv >/dev/null; then
  iconv -f UTF-8 -t UTF-16 lines.txt >wide
  expect 65 "standard input: the text is in UTF-16 .*: put .iconv -f UTF-16 -t UTF-8. before it" "$LOCKSTEP" predict run/last.h5 <wide
fi

# a few KiB that decompress to a GiB
head -c 1G /dev/zero | gzip -1 >bomb
"$LOCKSTEP_BUILD/tests/hostile_files" run 20 1024 "$LOCKSTEP" prepare text bomb -o new.h5 2>err.txt && exit 1
grep -q "bomb: its .* bytes become more than .* MiB" err.txt
[ ! -e new.h5 ]
