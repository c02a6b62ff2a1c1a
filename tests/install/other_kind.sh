# The same as library.sh for a library of the other kind than this build's: shared or static. Debian packages of the shared
# one, where this machine can make them: unpacked, what is in them works. (tests/packages/run installs them.)
# shellcheck shell=bash
if [ -n "${LOCKSTEP_SANITIZE:-}" ]; then exit 77; fi
# shellcheck source=tests/install/lib.sh
. "$LOCKSTEP_SOURCE/tests/install/lib.sh"

other=ON
if grep -q '^BUILD_SHARED_LIBS:BOOL=ON' "$LOCKSTEP_BUILD/CMakeCache.txt"; then other=OFF; fi
cmake -S "$LOCKSTEP_SOURCE" -B build -DBUILD_SHARED_LIBS=$other -DBUILD_TESTING=OFF \
  -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O1 -DCMAKE_CXX_FLAGS_DEBUG=-O1 \
  -DCMAKE_INSTALL_PREFIX="$PWD/prefix" >configure.txt # -O1, which compiles faster
cmake --build build --parallel 2 >build.txt
cmake --install build >install.txt
use_library "$PWD/prefix"

if [ "$other" = OFF ] || ! command -v cpack >/dev/null || ! command -v dpkg-shlibdeps >/dev/null; then exit 0; fi
cmake -S "$LOCKSTEP_SOURCE" -B build -DCMAKE_SKIP_RPATH=ON -DLOCKSTEP_MAINTAINER="A Test <test@example.org>" >configure.txt
cmake --build build --parallel 2 >build.txt
(cd build && cpack -G DEB && cpack -G TGZ) >cpack.txt 2>&1 || { cat cpack.txt && exit 1; }
for package in lockstep liblockstep0.1 liblockstep-dev; do dpkg -x build/"$package"_*.deb unpacked; done
dpkg-deb -f build/lockstep_*.deb Depends >depends.txt
for library in libhdf5 libopenblas libfyaml; do grep -q "$library" depends.txt; done
[ "$(dpkg-deb -f build/liblockstep-dev_*.deb Depends)" = "liblockstep0.1 (= $(dpkg-deb -f build/lockstep_*.deb Version))" ]
dpkg-deb -f build/liblockstep0.1_*.deb Depends | grep -q libhdf5

# every command has its page, the pages render, and the packages have copyright and changelog
usr=$PWD/unpacked/usr
LOCKSTEP=$usr/bin/lockstep
"$LOCKSTEP" --help | awk '/^Commands/ { on = 1; next } on && !NF { exit } on { print $1 }' >commands.txt
while read -r command; do
  gzip -t "$usr/share/man/man1/lockstep-$command.1.gz"
  if command -v man >/dev/null && command -v groff >/dev/null; then
    MANWIDTH=80 man --warnings -l "$usr/share/man/man1/lockstep-$command.1.gz" >page.txt 2>warnings.txt
    [ ! -s warnings.txt ] || { cat warnings.txt && exit 1; }
    grep -q "lockstep-$command" page.txt
  fi
done <commands.txt
for package in lockstep liblockstep0.1 liblockstep-dev; do
  [ -s "$usr/share/doc/$package/copyright" ] && gzip -t "$usr/share/doc/$package/changelog.Debian.gz"
done
[ -s "$usr/share/doc/lockstep/examples/lm-char.yaml" ] && [ -x "$usr/bin/lockstep-supervise" ]
tar -tzf build/lockstep-*.tar.gz | grep -q '/bin/lockstep$'

# programs built with the unpacked files run, and so does the program; lintian finds no error
build_with_pkg_config "$usr"
./predict run/best.h5 <lines.txt | diff - expected.txt
corpus_classify
mpirun -n 2 "$LOCKSTEP" train train.yaml run.dir=unpacked-run >run.txt 2>&1
same run/best.h5 unpacked-run/best.h5
if command -v lintian >/dev/null; then
  lintian --no-cfg --fail-on error build/*.deb >lintian.txt 2>&1 || { cat lintian.txt && exit 1; }
fi
