#!/bin/bash
# installed.sh    in a system without Lockstep, as root: install the packages of /packages and use them as people do. The
# tree beside this script has the tests and programs that are built there; nothing of the tree itself is built.
set -eu -o pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/../../scripts/common.sh"
export DEBIAN_FRONTEND=noninteractive LOCKSTEP_SOURCE=$root LOCKSTEP=/usr/bin/lockstep
add() { apt-get install -y -qq "$@" >/dev/null || die "apt-get install $*"; }
mkdir -p /tmp/use && cd /tmp/use

heading "The package alone, without what it recommends: one process"
apt-get update -qq
add --no-install-recommends /packages/lockstep_*.deb
lockstep --version
printf 'A\tabc\nB\tcba\n%.0s' $(seq 50) >few.tsv
lockstep prepare classify few.tsv --unit char --valid-fraction 0.1 -o few.h5 >/dev/null
lockstep train /usr/share/lockstep/configs/classify-names.yaml data.corpus=few.h5 run.dir=alone train.steps=20 >/dev/null 2>&1
lockstep verify alone/best.h5

heading "With what it recommends"
apt-get install -y -qq --install-recommends --reinstall /packages/lockstep_*.deb >/dev/null
apt-get install -y -qq "$(dpkg-deb -f /packages/lockstep_*.deb Recommends | cut -d, -f1)" >/dev/null
mpi_environment 2
mpirun -n 2 lockstep train /usr/share/lockstep/configs/classify-names.yaml data.corpus=few.h5 run.dir=two train.steps=20 >/dev/null 2>&1
[ "$(lockstep inspect alone/best.h5 | grep sha256)" = "$(lockstep inspect two/best.h5 | grep sha256)" ] || die "two ranks: other bits"
lockstep-supervise mpirun -n 2 lockstep train two/config.yaml run.dir=two train.steps=30 >/dev/null 2>&1
printf 'abc\ncba\n' | lockstep predict two/best.h5
ls /usr/share/doc/lockstep/examples/lm-char.yaml /usr/share/doc/lockstep/README.md /usr/share/lockstep/lockstep.sbatch
if lockstep --help | grep -q '^  doctor '; then
  lockstep doctor || [ $? -eq 78 ] # something to mend, such as a busy machine
fi

heading "Manual pages"
add man-db groff
for page in lockstep lockstep-supervise $(lockstep --help | awk '/^Commands/ { on = 1; next } on && !NF { exit } on { print "lockstep-" $1 }'); do
  MANWIDTH=80 man --warnings "$page" >page.txt 2>warnings.txt || die "man $page: $(cat warnings.txt)"
  [ ! -s warnings.txt ] || die "man $page: $(cat warnings.txt)"
  printf '%6d lines  %s\n' "$(wc -l <page.txt)" "$page"
done
lexgrog /usr/share/man/man1/lockstep*.gz

heading "Completion in bash, zsh and fish, as they find it themselves"
add bash-completion zsh fish bsdextrautils bsdutils
mkdir -p /tmp/use/completion
(cd /tmp/use/completion && LOCKSTEP_COMPLETION=installed bash -eu "$root/tests/system/completion.sh")

heading "Programs that use the library, built with pkg-config and CMake"
add /packages/liblockstep*.deb gcc g++ libc6-dev pkg-config cmake make
mkdir -p /tmp/use/library
(cd /tmp/use/library && bash -eu -c '. "$LOCKSTEP_SOURCE/tests/install/lib.sh" && use_library /usr')

heading "Removal"
apt-get remove -y -qq lockstep 'liblockstep*' >/dev/null
if find /usr -path "$root" -prune -o -iname '*lockstep*' -print | grep .; then die "that is left"; fi

heading "The archive, in a folder of its own"
mkdir -p /opt/lockstep
tar -xzf /packages/lockstep-*.tar.gz -C /opt/lockstep --strip-components=1
/opt/lockstep/bin/lockstep --version | head -3
PATH=/opt/lockstep/bin:$PATH
printf 'abc\n' | lockstep predict two/best.h5
man -w lockstep-train
heading "All of it works"
