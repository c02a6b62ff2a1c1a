# What `cmake --install` puts down is complete: a program outside the tree compiles, links and runs against it, by
# pkg-config and by find_package(lockstep); the library exports the symbols that its headers declare and no other; the
# installed program starts.
# shellcheck shell=bash
if [ -n "${LOCKSTEP_SANITIZE:-}" ]; then exit 77; fi

cmake --install "$LOCKSTEP_BUILD" --prefix "$PWD/prefix" >install.txt
"$PWD/prefix/bin/lockstep" --help >help.txt
grep -q prepare help.txt
man=$(find prefix -path '*/man/man1/lockstep.1')
grep -q '^\.SS lockstep train' "$man"

cat >use.c <<'C'
#include <lockstep/lockstep.h>
#include <stdio.h>
int main(void) { return puts(lockstep_version()) < 0; }
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

PKG_CONFIG_PATH=$(dirname "$(find "$PWD/prefix" -name lockstep.pc)")
export PKG_CONFIG_PATH
read -r -a flags <<<"$(pkg-config --cflags --libs lockstep)"
cc use.c -o use "${flags[@]}"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir lockstep) ./use

# Exported symbols, without the versions of a shared library.
library=$(find "$PWD/prefix" -name 'liblockstep.*' | head -1)
dynamic=()
if [ "${library##*.}" != a ]; then dynamic=(-D); fi
nm "${dynamic[@]}" -g --defined-only "$library" | awk 'NF == 3 && $2 != "A" { print $3 }' | sed 's/@.*//' | sort >exported.txt
cc -E -P "-I$LOCKSTEP_SOURCE/include" "$LOCKSTEP_SOURCE/include/lockstep/lockstep.h" |
  grep -oE '\blockstep_[a-z_]+\(' | tr -d '(' | sort >declared.txt
[ -s declared.txt ]
diff declared.txt exported.txt
