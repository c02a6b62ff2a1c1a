# The same as library.sh for a library of the other kind than this build's: shared or static.
# shellcheck shell=bash
if [ -n "${LOCKSTEP_SANITIZE:-}" ]; then exit 77; fi
# shellcheck source=tests/install/lib.sh
. "$LOCKSTEP_SOURCE/tests/install/lib.sh"

other=ON
if grep -q '^BUILD_SHARED_LIBS:BOOL=ON' "$LOCKSTEP_BUILD/CMakeCache.txt"; then other=OFF; fi
cmake -S "$LOCKSTEP_SOURCE" -B build -DBUILD_SHARED_LIBS=$other -DBUILD_TESTING=OFF \
  -DCMAKE_INSTALL_PREFIX="$PWD/prefix" >configure.txt
cmake --build build --parallel 2 >build.txt
cmake --install build >install.txt
use_library "$PWD/prefix"
