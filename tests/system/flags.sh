# Release flags: ours by default, without -DNDEBUG; the user's where -DCMAKE_C_FLAGS_RELEASE or CFLAGS gives some.
# shellcheck shell=bash
unset CFLAGS CXXFLAGS

# configure ARGUMENT...: a build folder, kept where one is there; flags: the command that compiles one source file.
configure() { cmake -S "$LOCKSTEP_SOURCE" -B build -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF "$@" >configure.txt 2>&1; }
flags() { sed -n 's/.*"command": "\(.*src\/base\/arena\.c\.o\) .*/ \1/p' build/compile_commands.json; }
fail() { echo "$1: $(flags)" && exit 1; }
has() { grep -q -- " $1 " <<<"$(flags)" || fail "$1 is missing"; }
lacks() { if grep -q -- " $1" <<<"$(flags)"; then fail "$1 should not be there"; fi; }

configure
has -O3 && has -g1 && lacks -DNDEBUG
configure # again, from the cache
has -O3 && lacks -DNDEBUG

rm -r build
configure -DCMAKE_C_FLAGS_RELEASE="-O2 -DNDEBUG -pipe"
has -O2 && has -DNDEBUG && has -pipe && lacks -O3 && lacks -g1
configure
has -O2 && lacks -O3

rm -r build
export CFLAGS="-O1 -g -pipe"
configure
has -O1 && has -g && has -pipe && lacks -O3 && lacks -g1
unset CFLAGS
configure
has -O1 && lacks -O3

rm -r build
CFLAGS=-pipe configure
has -O3 && has -g1 && has -pipe
