# Paths that a hostile file contains are never opened: no file but those given, no plugin, no lock. By strace.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
if [ -n "${LOCKSTEP_SANITIZE:-}" ]; then exit 77; fi
if ! strace -o /dev/null true 2>/dev/null; then echo "no strace, or it may not trace" && exit 77; fi
corpus_text
mkdir attacks
"$LOCKSTEP_BUILD/tests/hostile_files" make text.h5 /train/stream attacks external-link external-storage virtual-data \
  foreign-filter soft-link
export HDF5_PLUGIN_PATH=$PWD/plugins HDF5_USE_FILE_LOCKING=TRUE
mkdir plugins
echo 0123456789abcdef >secret.bin
cp text.h5 secret.h5

# trace COMMAND...: the paths that were opened, and locks, one on each line, without the program, its libraries and
# /proc.
trace() {
  strace -f -qq -e trace=open,openat,openat2,creat,execve,flock,fcntl -o trace.txt "$@" >out.txt 2>err.txt || true
  {
    grep -vE '= -1 E|<unfinished' trace.txt | sed -nE 's/^[0-9]+ +(open|openat|openat2|creat|execve)\([^"]*"([^"]*)".*/\2/p'
    grep -oE '[^"]*(secret|plugins)[^"]*' trace.txt || true # tried is as bad as done
    sed -nE 's/^.*(flock\(|F_(OFD_)?SETLK).*/a lock/p' trace.txt
  } | grep -vE '^/(etc|usr|lib|lib64|proc|sys|dev)/|^/dev/null$' | grep -vxF "$LOCKSTEP" | sort -u
}
for name in external-link external-storage virtual-data foreign-filter soft-link; do
  for command in verify inspect "eval attacks/$name.h5"; do
    # shellcheck disable=SC2086 # a command and its argument
    opened=$(trace "$LOCKSTEP" $command "attacks/$name.h5" | grep -v openmpi-sessions || true)
    [ "$command" != verify ] || [ "$opened" = "attacks/$name.h5" ] || { echo "$name, $command: opened $opened" && exit 1; }
    if grep -E 'secret|plugins|a lock' <<<"$opened"; then echo "$name, $command" && exit 1; fi
  done
done
# the child that checks files first opens nothing
trace "$LOCKSTEP" verify text.h5 >opened.txt
grep -qx text.h5 opened.txt
child=$(sed -nE 's/^([0-9]+) +execve\("\/proc\/self\/exe".*/\1/p' trace.txt | head -1)
[ -n "$child" ]
if sed -n "s/^$child  *//p" trace.txt | grep -vE '^(execve|\+\+\+)' | grep -v '= -1' |
  grep -vE '"/(etc|usr|lib|lib64|proc|sys|dev)/' | grep .; then
  echo "the child opened something" && exit 1
fi
