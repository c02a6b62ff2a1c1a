# The installation is complete: a program outside the tree compiles, links and runs with it, by pkg-config and by
# find_package(lockstep); the installed program starts.
# shellcheck shell=bash
if [ -n "${LOCKSTEP_SANITIZE:-}" ]; then exit 77; fi

cmake --install "$LOCKSTEP_BUILD" --prefix "$PWD/prefix" >install.txt
"$PWD/prefix/bin/lockstep" --help >help.txt
grep -q prepare help.txt

cat >use.c <<'C'
#include <stdio.h>
const char *lk_status_words(int status);
int main(void) { return puts(lk_status_words(0)) < 0; }
C
mkdir package
cat >package/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.22)
project(use C)
find_package(lockstep 0.1 REQUIRED)
add_executable(use ../use.c)
target_link_libraries(use PRIVATE lockstep::lockstep)
CMAKE
cmake -S package -B package/build -DCMAKE_PREFIX_PATH="$PWD/prefix" >package.txt
cmake --build package/build >>package.txt
package/build/use

# lockstep.pc has the configured prefix; pkg-config gets the real one.
PKG_CONFIG_PATH=$(dirname "$(find prefix -name lockstep.pc)")
export PKG_CONFIG_PATH
libdir=$(dirname "$PKG_CONFIG_PATH")
read -r -a flags <<<"$(pkg-config --define-variable=includedir="$PWD/prefix/include" \
  --define-variable=libdir="$PWD/$libdir" --cflags --libs lockstep)"
cc use.c -o use "${flags[@]}"
LD_LIBRARY_PATH=$libdir ./use
