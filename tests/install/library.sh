# The installed library, static or shared as this build is: its symbols; short programs built by pkg-config and
# find_package(), as C and as C++, that train and predict; and what the headers promise (behaviour.c). The installed
# program starts, and its manual pages, scripts, configurations and documents are there.
# shellcheck shell=bash
if [ -n "${LOCKSTEP_SANITIZE:-}" ]; then exit 77; fi
# shellcheck source=tests/install/lib.sh
. "$LOCKSTEP_SOURCE/tests/install/lib.sh"

cmake --install "$LOCKSTEP_BUILD" --prefix "$PWD/prefix" >install.txt
"$PWD/prefix/bin/lockstep" --help >help.txt
grep -q prepare help.txt
man=$(dirname "$(find prefix -path '*/man/man1/lockstep.1')")
grep -q 'lockstep\\-train (1)' "$man/lockstep.1"
[ -s "$man/lockstep-train.1" ] && [ -s "$man/lockstep-supervise.1" ]
prefix/bin/lockstep-supervise --help | grep -q 'restart it when that helps'
[ -s prefix/share/lockstep/lockstep.sbatch ] && [ -s prefix/share/lockstep/configs/lm-char.yaml ]
[ -s "$(find prefix/share/doc -name README.md)" ]
use_library "$PWD/prefix"
