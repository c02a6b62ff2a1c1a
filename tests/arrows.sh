#!/bin/bash
# arrows.sh [ROOT [BUILD]]  checks that the folders of src/ depend on each other as ARCHITECTURE.md draws it:
#   its picture is the table LOCKSTEP_SEES_* of scripts/cmake/library.cmake, by which the compiler finds headers;
#   every include is a header that the folder may see; a foreign header is included only where its library is wrapped;
#   no file is too long; and, where BUILD has object files, no two files of src/ need each other's symbols.
# arrows.sh --self-test     plants a violation of each kind in a small tree and fails where one is not noticed
set -eu -o pipefail

# Foreign header (a pattern): the only files that may include it.
read -r -d '' foreign <<'TABLE' || true
^mpi\.h$ ^src/comm/
^(hdf5|H5[A-Za-z]*|hdf5_hl)\.h$ ^src/store/
^(cblas|openblas_config|f77blas|lapacke)\.h$ ^src/math/
^libfyaml(\.h|/) ^src/base/config\.c$
^(unistr|uninorm|unicase|unictype|uniconv|unitypes|uniwidth|unigbrk|uniwbrk)\.h$ ^src/base/text\.c$
^jansson\.h$ ^src/(train/((metrics|starts)_file\.c|json_line(_impl)?\.[ch])$|report/|exchange/|cli/)
^(xxhash\.h|nettle/.*)$ ^src/store/digest\.c$
^zlib\.h$ ^src/(store/h5_chunk|data/gunzip|data/byte_stream)\.c$
^(protobuf-c/.*|[a-z_]+\.pb-c\.h)$ ^src/(exchange/onnx|train/tensorboard)[a-z_]*\.[ch]$
^archive(_entry)?\.h$ ^src/data/input\.c$
^sentencepiece_(processor|trainer)\.h$ ^src/data/sentencepiece\.cc$
TABLE

# One line for each folder, sorted: the folder, then the folders whose headers it may include, sorted.
sorted_rows() {
  while read -r row; do
    printf '%s' "${row%% *}"
    case $row in *' '*) printf ' %s' "$(tr ' ' '\n' <<<"${row#* }" | sort | paste -sd ' ')" ;; esac
    echo
  done | sort
}

# The CMake table, and the picture: ` src/x   what it is   -> a, b`, where the arrow may stand on the next line.
cmake_rows() { sed -n 's/^set(LOCKSTEP_SEES_\([a-z_]*\) *\([^)]*\))$/\1 \2/p' scripts/cmake/library.cmake | sed 's/ *$//'; }
picture_rows() {
  awk '
    function finish() { gsub(/[, ]+/, " ", seen); if (name != "") print name " " seen; name = "" }
    /^```/ { finish(); block = !block; next }
    !block { next }
    match($0, /^ src\/[a-z_]+/) { finish(); name = substr($0, 6, RLENGTH - 5); seen = "" }
    name != "" && match($0, /-> .*/) { seen = substr($0, RSTART + 3) }' ARCHITECTURE.md | sed 's/ *$//; s/ nothing$//'
}

check_picture() {
  diff --label ARCHITECTURE.md --label scripts/cmake/library.cmake -u \
    <(picture_rows | sorted_rows) <(cmake_rows | sorted_rows) || { echo "the picture differs from the CMake table"; return 1; }
}

check_includes() {
  local files public=()
  if [ -d include ]; then public=(include); fi
  mapfile -t files < <(find src "${public[@]}" -name '*.[ch]' -o -name '*.cc' | LC_ALL=C sort)
  [ ${#files[@]} -gt 0 ] || { echo "no sources"; return 1; }
  awk -v table="$(cmake_rows)" -v foreign="$foreign" '
    function fail(text) { print text; failed = 1 }
    function folder(path, part) { split(path, part, "/"); return part[1] == "src" ? part[2] : "include" }
    function base(path) { sub(/.*\//, "", path); return path }
    function dir(path) { sub(/[^\/]*$/, "", path); return path }
    function check_length(path, lines, limit) {
      limit = path !~ /\.h$/ ? 600 : path ~ /_impl\.h$/ ? 250 : 150
      if (lines > limit) fail(path ": " lines " lines, the limit is " limit)
    }
    function add_header(path) {
      if (path ~ /^include\//) return
      if (base(path) in owner) fail(path ": " owner[base(path)] " has the same name")
      owner[base(path)] = path
    }
    # An include in quotes: a header beside the file, or one of a folder that the file may see.
    function check_quoted(at, path, name, here, there) {
      if (name ~ /^lockstep\//) {
        if (here != "include" && !((here, "include") in allowed)) fail(at "src/" here " may not include public headers")
        return
      }
      if (here == "include") { fail(at "a public header includes " name ", which is not public"); return }
      if (name ~ /\//) { fail(at "write the name of the header alone: " name); return }
      if (!(name in owner)) { fail(at "there is no header " name); return }
      there = folder(owner[name])
      if (there == here) return
      if (name ~ /_impl\.h$/) fail(at name " is private to src/" there)
      else if (!((here, there) in allowed)) fail(at here " -> " there " (" name ") is not an allowed arrow")
    }
    BEGIN {
      rows = split(table, row, "\n")
      for (i = 1; i <= rows; i++) {
        n = split(row[i], word, " ")
        known[word[1]] = 1
        for (j = 2; j <= n; j++) {
          allowed[word[1], word[j]] = 1
          if (!(word[j] in known) && word[j] != "include") fail("src/" word[1] " sees " word[j] ", which stands below it in the table")
        }
      }
      known["include"] = 1
      rules = split(foreign, row, "\n")
      for (i = 1; i <= rules; i++) { split(row[i], word, " "); pattern[i] = word[1]; includer[i] = word[2] }
      for (i = 1; i < ARGC; i++) if (ARGV[i] ~ /\.h$/) add_header(ARGV[i])
    }
    FNR == 1 { if (previous) check_length(previous, lines); previous = FILENAME; here = folder(FILENAME) }
    FNR == 1 && !(here in known) { fail(FILENAME ": src/" here " is not in the table of folders") }
    { lines = FNR }
    /^[ \t]*#[ \t]*include/ && match($0, /["<][^">]+[">]/) {
      name = substr($0, RSTART + 1, RLENGTH - 2)
      at = FILENAME ":" FNR ": "
      if (substr($0, RSTART, 1) == "\"") check_quoted(at, FILENAME, name, here)
      for (r = 1; r <= rules; r++)
        if (name ~ pattern[r] && FILENAME !~ includer[r]) fail(at name " belongs to " includer[r] " alone")
    }
    END { check_length(previous, lines); exit failed }' "${files[@]}"
}

# Object files of src/ that the last build made, those of the double twin left out: `object source`, a line each.
objects() {
  sed -n 's/.* -o \([^ ]*\.dir\/\(src\/[^ ]*\)\.o\) .*/\1 \2/p' "$1/compile_commands.json" | grep -v '/lockstep_double' | sort -u |
    while read -r object source; do
      if [ -f "$1/$object" ] && [ -f "$source" ]; then echo "$object $source"; fi
    done
}

# `user definer symbol`, for each symbol that one source defines and another needs.
symbol_uses() {
  local build=$1 list
  list=$(objects "$build")
  [ -n "$list" ] || return 0
  (cd "$build" && cut -d ' ' -f 1 <<<"$list" | xargs nm -A -P) | awk '
    { source = $1; sub(/:$/, "", source); sub(/.*\.dir\//, "", source); sub(/\.o$/, "", source) }
    $3 ~ /^[TDBRVWCGS]$/ { definer[$2] = source }
    $3 == "U" { needs[source, $2] = 1 }
    END {
      for (pair in needs) {
        split(pair, part, SUBSEP)
        if ((part[2] in definer) && definer[part[2]] != part[1]) print part[1], definer[part[2]], part[2]
      }
    }'
}

# Files that reach each other by the symbols they need are in one circle. Fails where there is one, with one symbol for
# each arrow in it.
check_circles() {
  symbol_uses "$1" | awk '
    function reach(from, file, to) {
      if ((from, file) in reached) return
      reached[from, file] = 1
      for (to = 1; to <= degree[file]; to++) reach(from, next_file[file, to])
    }
    function explain(circle, i, j, n, member) {
      n = split(circle, member, " ")
      for (i = 1; i <= n; i++)
        for (j = 1; j <= n; j++)
          if ((member[i], member[j]) in symbol) print "  " member[i] " needs " symbol[member[i], member[j]] " of " member[j]
    }
    {
      if (!(($1, $2) in symbol)) next_file[$1, ++degree[$1]] = $2
      symbol[$1, $2] = $3
      if (!($1 in seen)) file[++files] = $1
      seen[$1] = 1
    }
    END {
      if (!files) { print "no symbols of object files: circles were not looked for"; exit 0 }
      for (i = 1; i <= files; i++) reach(file[i], file[i])
      for (i = 1; i <= files; i++) {
        if (file[i] in done) continue
        circle = file[i]
        for (j = i + 1; j <= files; j++)
          if (((file[i], file[j]) in reached) && ((file[j], file[i]) in reached)) { circle = circle " " file[j]; done[file[j]] = 1 }
        if (circle !~ / /) continue
        print "these files need each other: " circle
        explain(circle)
        failed = 1
      }
      exit failed
    }'
}

check() {
  local build=${2:-} failed=0
  [ -z "$build" ] || build=$(cd "$build" && pwd)
  cd "$1"
  check_picture || failed=1
  check_includes || failed=1
  if [ -f "$build/compile_commands.json" ]; then check_circles "$build" || failed=1; fi
  return $failed
}

# A tree of four folders in which everything is as it should be.
plant_tree() {
  rm -rf "$tree"
  mkdir -p "$tree"/scripts/cmake "$tree"/include/lockstep "$tree"/src/{base,math,comm,train}
  printf 'set(LOCKSTEP_SEES_base)\nset(LOCKSTEP_SEES_math base)\nset(LOCKSTEP_SEES_comm base)\n' >"$tree/scripts/cmake/library.cmake"
  echo 'set(LOCKSTEP_SEES_train base math comm)' >>"$tree/scripts/cmake/library.cmake"
  printf '```\n src/train  trainer\n      -> math, comm, base\n src/comm  ranks -> base\n src/math  sums -> base\n' >"$tree/ARCHITECTURE.md"
  printf ' src/base  status  -> nothing\n```\n' >>"$tree/ARCHITECTURE.md"
  echo '#include <stddef.h>' | tee "$tree/src/base/status.h" "$tree/include/lockstep/errors.h" >/dev/null
  echo '#include "lockstep/errors.h"' >"$tree/include/lockstep/model.h"
  echo '#include "status.h"' | tee "$tree/src/base/status.c" "$tree/src/math/kernels.h" "$tree/src/math/math_impl.h" >/dev/null
  printf '#include "kernels.h"\n#include "math_impl.h"\n' >"$tree/src/math/kernels.c"
  printf '#include "status.h"\n#include <mpi.h>\n' >"$tree/src/comm/comm.c"
  echo '#include "kernels.h"' >"$tree/src/train/trainer.c"
}

# expect MESSAGE WHAT [BUILD]: the tree must fail with MESSAGE.
expect() {
  local output
  if output=$(check "$tree" "${3:-}" 2>&1); then echo "not noticed: $2" && exit 1; fi
  grep -qF -- "$1" <<<"$output" || { echo "wrong message for $2: $output" && exit 1; }
}

# plant FILE TEXT MESSAGE: a clean tree with the lines TEXT added to FILE must fail with MESSAGE.
plant() {
  plant_tree
  mkdir -p "$(dirname "$tree/$1")"
  printf '%b\n' "$2" >>"$tree/$1"
  expect "$3" "$2 in $1"
}

# Two files that need each other, and a third that needs one of them, compiled as CMake would.
plant_circle() {
  plant_tree
  local file build=$tree/build
  mkdir -p "$build/x.dir/src/math"
  echo 'void ping(void); void pong(void) { ping(); }' >"$tree/src/math/pong.c"
  echo 'void pong(void); void ping(void) { pong(); }' >"$tree/src/math/ping.c"
  echo 'void ping(void); void user(void) { ping(); }' >"$tree/src/math/user.c"
  for file in ping pong user; do
    "${CC:-cc}" -c "$tree/src/math/$file.c" -o "$build/x.dir/src/math/$file.c.o"
    echo "  \"command\": \"cc -o x.dir/src/math/$file.c.o -c src/math/$file.c\"," >>"$build/compile_commands.json"
  done
  expect "these files need each other: src/math/ping.c src/math/pong.c" "a circle of two files" "$build"
  if check "$tree" "$build" | grep -q 'user.c'; then echo "a file outside the circle is named" && exit 1; fi
}

self_test() {
  local header
  tree=$(mktemp -d)
  trap 'rm -rf "$tree"' EXIT
  plant_tree
  (check "$tree") || { echo "the clean tree fails" && exit 1; }
  plant src/base/status.c '#include "kernels.h"' 'base -> math'
  plant src/base/status.h '#  include "kernels.h"' 'base -> math'
  plant src/train/trainer.c '#include "math_impl.h"' 'math_impl.h is private to src/math'
  plant src/base/status.c '#include "orphan.h"' 'there is no header orphan.h'
  plant src/math/kernels.c '#include "base/status.h"' 'the header alone'
  plant src/base/status.c '#include "lockstep/errors.h"' 'may not include public headers'
  plant include/lockstep/errors.h '#include "status.h"' 'which is not public'
  plant src/train/kernels.h '#include <stddef.h>' 'has the same name'
  plant src/train/a.cc '#include <mpi.h>' 'mpi.h belongs to'
  plant src/extra/a.c '#include <stddef.h>' 'not in the table'
  plant scripts/cmake/library.cmake 'set(LOCKSTEP_SEES_store base)' 'the picture differs'
  plant scripts/cmake/library.cmake 'set(LOCKSTEP_SEES_store base task)\nset(LOCKSTEP_SEES_task base)' 'which stands below it'
  # shellcheck disable=SC2016
  plant ARCHITECTURE.md '```\n src/store  files -> base\n```' 'the picture differs'
  for header in mpi.h hdf5.h cblas.h libfyaml.h unistr.h jansson.h xxhash.h nettle/sha2.h zlib.h archive.h protobuf-c/protobuf-c.h sentencepiece_processor.h; do
    plant src/train/trainer.c "#include <$header>" "$header belongs to"
    plant include/lockstep/errors.h "#include <$header>" "$header belongs to"
  done
  plant src/base/status.h "$(printf '\\n%.0s' {1..150})" 'the limit is 150'
  plant src/math/math_impl.h "$(printf '\\n%.0s' {1..250})" 'the limit is 250'
  plant src/base/status.c "$(printf '\\n%.0s' {1..600})" 'the limit is 600'
  plant_circle
  echo "every planted violation was noticed"
}

case ${1:-} in
  --self-test) self_test ;;
  *) check "${1:-$(dirname "$0")/..}" "${2:-}" && echo "picture, CMake table and includes agree" ;;
esac
