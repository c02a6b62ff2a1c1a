#!/bin/bash
# arrows.sh [ROOT]      the house as the includes show it: fails on an arrow between folders that ARCHITECTURE.md does not
#                       allow, a foreign header outside its one includer, a file that grew too long
# arrows.sh --self-test plants each kind of violation in a small tree and fails where one goes unnoticed
set -eu

# Folder of src/: the folders it may include from.
read -r -d '' arrows <<'TABLE' || true
base
math base
comm base
store base
data base store comm
nn base math
task base math comm store data nn
train base math comm store data nn task
decode base math comm store data nn task
cli base math comm store data nn task train decode
TABLE

# Foreign header (a pattern): the only files that include it.
read -r -d '' foreign <<'TABLE' || true
^mpi\.h$ ^src/comm/
^(hdf5|H5[A-Za-z]*|hdf5_hl)\.h$ ^src/store/
^(cblas|openblas_config|f77blas|lapacke)\.h$ ^src/math/
^libfyaml(\.h|/) ^src/base/config\.c$
^(unistr|uninorm|unicase|unictype|uniconv|unitypes|uniwidth|unigbrk|uniwbrk)\.h$ ^src/base/text\.c$
^jansson\.h$ ^src/(train/metrics_file\.c$|cli/)
^(xxhash\.h|nettle/.*)$ ^src/store/digest\.c$
^zlib\.h$ ^src/(store/h5_chunk|data/gunzip)\.c$
^archive(_entry)?\.h$ ^src/data/input\.c$
^sentencepiece_(processor|trainer)\.h$ ^src/data/sentencepiece\.cc$
TABLE

# Headers that no source includes first, because they have no source of their own. All others belong to the folder
# whose source includes them first.
owners="real.h=base shards.h=base pack.h=base vector.h=math vector_math.h=math vector_square.h=math vector_fused.h=math tile.h=math"

check() {
  cd "$1"
  local files
  mapfile -t files < <(find src include -name '*.[ch]' -o -name '*.cc' | LC_ALL=C sort)
  [ ${#files[@]} -gt 0 ] || { echo "no sources in $1" && return 1; }
  awk -v arrows="$arrows" -v foreign="$foreign" -v owners="$owners" '
    function fail(text) { print text; failed = 1 }
    function folder(path, part) { split(path, part, "/"); return part[1] == "src" ? part[2] : "" }
    function base(path) { sub(/.*\//, "", path); return path }
    function length_ok(path, lines) {
      limit = path ~ /^include\// ? 150 : 600
      if (lines > limit) fail(path ": " lines " lines, the limit is " limit)
    }
    BEGIN {
      rows = split(arrows, row, "\n")
      for (i = 1; i <= rows; i++) {
        n = split(row[i], word, " ")
        known[word[1]] = allowed[word[1], word[1]] = 1
        for (j = 2; j <= n; j++) allowed[word[1], word[j]] = 1
      }
      rules = split(foreign, row, "\n")
      for (i = 1; i <= rules; i++) { split(row[i], word, " "); pattern[i] = word[1]; includer[i] = word[2] }
      n = split(owners, row, " ")
      for (i = 1; i <= n; i++) { split(row[i], word, "="); owner[word[1]] = word[2] }
    }
    FNR == 1 { if (previous) length_ok(previous, lines); previous = FILENAME; first = 1 }
    { lines = FNR }
    /^[ \t]*#[ \t]*include/ && match($0, /["<][^">]+[">]/) {
      name = substr($0, RSTART + 1, RLENGTH - 2)
      count++; from[count] = FILENAME; line[count] = FNR; to[count] = name; quoted[count] = substr($0, RSTART, 1) == "\""
      if (first && FILENAME ~ /\.c$/ && FILENAME !~ /^src\/cli\// && name ~ /^lockstep\// && !(base(name) in owner)) {
        stem = base(FILENAME); sub(/\.c$/, ".h", stem)
        if (stem == base(name)) owner[stem] = folder(FILENAME)
        else if (!(base(name) in guess)) guess[base(name)] = folder(FILENAME)
      }
      first = 0
    }
    END {
      length_ok(previous, lines)
      for (name in guess) if (!(name in owner)) owner[name] = guess[name]
      for (i = 1; i <= count; i++) {
        at = from[i] ":" line[i] ": "
        here = folder(from[i])
        if (here == "") here = owner[base(from[i])]
        else if (!(here in known)) fail(at "src/" here " is not in the list of folders")
        if (to[i] ~ /^lockstep\//) {
          there = owner[base(to[i])]
          if (there == "") fail(at "nobody owns " to[i] ": no source includes it first")
          else if (here == "") fail(at "nobody owns this header: no source includes it first")
          else if (!((here, there) in allowed)) fail(at here " -> " there " (" to[i] ") is not an allowed arrow")
        } else if (quoted[i] && to[i] ~ /\//) {
          split(to[i], part, "/")
          if (part[1] != here && !(part[1] == "isa")) fail(at "private header of another folder: " to[i])
        }
        for (r = 1; r <= rules; r++)
          if (to[i] ~ pattern[r] && from[i] !~ includer[r]) fail(at to[i] " belongs to " includer[r] " alone")
      }
      exit failed
    }' "${files[@]}"
}

# plant FILE TEXT MESSAGE: the little tree with TEXT in FILE must fail with MESSAGE.
plant() {
  local output
  build_tree
  mkdir -p "$(dirname "$tree/$1")"
  printf '%b\n' "$2" >>"$tree/$1"
  if output=$(check "$tree"); then
    echo "not noticed: $2 in $1" && exit 1
  fi
  grep -qF -- "$3" <<<"$output" || { echo "wrong message for $2 in $1: $output" && exit 1; }
}

build_tree() {
  rm -rf "$tree"
  mkdir -p "$tree"/include/lockstep "$tree"/src/{base,math,comm,train}
  echo '#include <stddef.h>' >"$tree/include/lockstep/status.h"
  echo '#include "lockstep/status.h"' | tee "$tree/src/base/status.c" "$tree/include/lockstep/kernels.h" >/dev/null
  echo '#include "lockstep/kernels.h"' | tee "$tree/src/math/kernels.c" >/dev/null
  printf '#include "lockstep/status.h"\n#include <mpi.h>\n' >"$tree/src/comm/comm.c"
  printf '#include "lockstep/trainer.h"\n#include "lockstep/kernels.h"\n' >"$tree/src/train/trainer.c"
  echo '#include "lockstep/kernels.h"' >"$tree/include/lockstep/trainer.h"
}

self_test() {
  tree=$(mktemp -d)
  trap 'rm -rf "$tree"' EXIT
  build_tree
  check "$tree" || { echo "the clean tree fails" && exit 1; }
  plant src/base/status.c '#include "lockstep/kernels.h"' 'base -> math'
  plant src/math/kernels.c '#  include "lockstep/trainer.h"' 'math -> train'
  plant include/lockstep/status.h '#include "lockstep/kernels.h"' 'base -> math'
  plant src/base/status.c '#include "lockstep/orphan.h"' 'nobody owns'
  plant src/base/status.c '#include "math/isa_impl.h"' 'private header'
  plant src/train/a.cc '#include <mpi.h>' 'mpi.h belongs to'
  plant src/extra/a.c '#include <stddef.h>' 'not in the list'
  for header in mpi.h hdf5.h cblas.h libfyaml.h unistr.h jansson.h xxhash.h nettle/sha2.h zlib.h archive.h sentencepiece_processor.h; do
    plant src/train/trainer.c "#include <$header>" "$header belongs to"
    plant include/lockstep/status.h "#include <$header>" "$header belongs to"
  done
  plant include/lockstep/status.h "$(printf '\\n%.0s' {1..150})" 'the limit is 150'
  plant src/base/status.c "$(printf '\\n%.0s' {1..600})" 'the limit is 600'
  echo "every planted violation was noticed"
}

case ${1:-} in
  --self-test) self_test ;;
  *) check "${1:-$(dirname "$0")/..}" && echo "the includes agree with the list of arrows" ;;
esac
