# The installed library, static or shared as this build is: its symbols; short programs built by pkg-config and
# find_package(), as C and as C++, that train and predict; and what the headers promise (behaviour.c). The installed
# program starts and has its manual page.
# shellcheck shell=bash
if [ -n "${LOCKSTEP_SANITIZE:-}" ]; then exit 77; fi
# shellcheck source=tests/install/lib.sh
. "$LOCKSTEP_SOURCE/tests/install/lib.sh"

cmake --install "$LOCKSTEP_BUILD" --prefix "$PWD/prefix" >install.txt
"$PWD/prefix/bin/lockstep" --help >help.txt
grep -q prepare help.txt
man=$(find prefix -path '*/man/man1/lockstep.1')
grep -q '^\.SS lockstep train' "$man"
use_library "$PWD/prefix"
