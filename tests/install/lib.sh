# shellcheck shell=bash
# Functions of the tests that use the library as it is installed. Sourced; the shell runs with -eu.
programs=$LOCKSTEP_SOURCE/tests/install
warnings=(-Wall -Wextra -Werror -pedantic)

# Where a driver of OpenCL is installed, hwloc of Open MPI loads it, and LLVM in it handles signals: not the library.
export HWLOC_COMPONENTS=-opencl

# check_symbols PREFIX: the library defines the symbols that its headers declare, and no other for other programs.
check_symbols() {
  local library dynamic=()
  library=$(find "$1" -name 'liblockstep.*' | head -1)
  if [ "${library##*.}" != a ]; then dynamic=(-D); fi
  nm "${dynamic[@]}" -g --defined-only "$library" | awk 'NF == 3 { print $3 }' | sort >exported.txt
  cc -E -P "-I$1/include" - <<<'#include <lockstep/lockstep.h>' |
    grep -oE '\blockstep_[a-z_]+\(' | tr -d '(' | sort >declared.txt
  [ -s declared.txt ]
  diff declared.txt exported.txt
}

# build_with_pkg_config PREFIX: predict, train and behaviour as C, predict++ and train++ as C++.
build_with_pkg_config() {
  local flags program
  PKG_CONFIG_PATH=$(dirname "$(find "$1" -name lockstep.pc)")
  export PKG_CONFIG_PATH
  read -r -a flags <<<"$(pkg-config --cflags --libs lockstep)"
  LD_LIBRARY_PATH=$(pkg-config --variable=libdir lockstep)
  export LD_LIBRARY_PATH
  for program in predict train behaviour; do
    cc -std=gnu11 "${warnings[@]}" "$programs/$program.c" -o "$program" "${flags[@]}" -lpthread
  done
  for program in predict train; do
    c++ -std=c++17 "${warnings[@]}" -x c++ "$programs/$program.c" -x none -o "$program++" "${flags[@]}"
  done
}

# build_with_cmake PREFIX: package/build/{predict,train} and, as C++, {predict,train}++.
build_with_cmake() {
  mkdir -p package
  cat >package/CMakeLists.txt <<CMAKE
cmake_minimum_required(VERSION 3.22)
project(use C CXX)
find_package(lockstep 0.1 REQUIRED)
foreach(program predict train)
  configure_file($programs/\${program}.c \${program}.cc COPYONLY)
  add_executable(\${program} $programs/\${program}.c)
  add_executable(\${program}++ \${CMAKE_CURRENT_BINARY_DIR}/\${program}.cc)
  target_link_libraries(\${program} PRIVATE lockstep::lockstep)
  target_link_libraries(\${program}++ PRIVATE lockstep::lockstep)
endforeach()
CMAKE
  cmake -S package -B package/build -DCMAKE_PREFIX_PATH="$1" >package.txt
  cmake --build package/build >>package.txt
}

# run_programs FOLDER SUFFIX RANKS: train and predict give what the program `lockstep` gives, and print nothing else.
run_programs() {
  local run=run-$3$2
  mpirun -n "$3" "$1/train$2" train.yaml run.dir "$run" >train.txt 2>train.err
  [ "$("$LOCKSTEP" inspect "$run/best.h5" | grep sha256)" = "$("$LOCKSTEP" inspect run/best.h5 | grep sha256)" ]
  grep -c '^step .* accuracy 0\.[0-9]*$' train.txt >count.txt
  [ "$(cat count.txt)" = 4 ]
  "$1/predict$2" "$run/best.h5" <lines.txt >answers.txt 2>predict.err
  diff answers.txt expected.txt
  [ ! -s train.err ] && [ ! -s predict.err ]
  rm -r "$run"
}

# use_library PREFIX: all of the above.
use_library() {
  # shellcheck source=tests/system/lib.sh
  . "$LOCKSTEP_SOURCE/tests/system/lib.sh"
  check_symbols "$1"
  build_with_pkg_config "$1"
  build_with_cmake "$1"

  corpus_classify && corpus_pairs && corpus_text
  cut -f2 classify.tsv | head -20 >lines.txt && echo >>lines.txt
  cat >train.yaml <<'YAML'
task: classify
data: {corpus: classify.h5}
model: {hidden: 16, embedding: 8}
train: {steps: 80, batch: 32, epochs: 0}
eval: {every: 20, metric: accuracy}
YAML
  "$LOCKSTEP" train train.yaml run.dir=run >run.txt 2>&1
  "$LOCKSTEP" predict run/best.h5 --scores <lines.txt | awk -F'\t' '{ printf "%s\t%.4f\n", $1, $2 }' >expected.txt
  run_programs . '' 1
  run_programs . ++ 2
  run_programs package/build '' 2
  run_programs package/build ++ 1

  # predict says what it was given, and ends with an error
  if printf 'ab\xff\n' | ./predict run/best.h5 >answers.txt 2>predict.err; then exit 1; fi
  grep -q 'lines:1:3' predict.err
  if ./train missing.yaml >train.txt 2>train.err; then exit 1; fi
  grep -q "^train: .*missing.yaml" train.err

  if [ -e "$LD_LIBRARY_PATH/liblockstep.so" ]; then
    cc -std=gnu11 "${warnings[@]}" "$programs/load.c" -o load "-I$1/include" -ldl
    ./load "$LD_LIBRARY_PATH/liblockstep.so" "$1/bin/lockstep" run/best.h5
  fi

  rm text.h5 pairs.h5 classify.h5 # behaviour makes its own
  ./behaviour >behaviour.txt 2>&1 || { cat behaviour.txt && exit 1; }
  [ ! -s behaviour.txt ]
}
