# lockstep doctor: says nothing wrong of this machine, and finds each fault that is planted here for real: an environment
# variable, a binding, a limit, a mount, a neighbour. tests/unit/test_doctor.c plants those that need another machine.
# shellcheck shell=bash
# shellcheck source=tests/system/lib.sh
. "$LOCKSTEP_SOURCE/tests/system/lib.sh"
fail() { echo "$*" >&2 && cat out.txt >&2 && exit 1; }
unset OMP_NUM_THREADS OPENBLAS_NUM_THREADS GOTO_NUM_THREADS MKL_NUM_THREADS
mkdir here
cpu=$(awk '/^Cpus_allowed_list/ { sub(/[-,].*/, "", $2); print $2 }' /proc/self/status)

# What may be true of a machine that runs tests: others use it, its disk is slow, its kernel old.
true_here='huge-pages|shared-memory|memory|quota|frequency|speed|sync|disk|folder|limits|binding|clock'
# examine COMMAND...: run it; the names of the checks that found something, sorted, into $found
examine() {
  local code=0
  "$@" >out.txt 2>err.txt || code=$?
  found=$(sed -n 's/^\([a-z0-9-]*\): .* -> .*/\1/p' out.txt | sort | paste -sd ' ')
  [ "$code" -eq "$([ -z "$found" ] && echo 0 || echo 78)" ] || { cat err.txt && fail "exit code $code: $*"; }
  if [ -n "$found" ]; then grep -q '^[0-9]* of [0-9]* checks found something to mend\.$' out.txt || fail "no summary: $*"; fi
}
# finds CHECK PATTERN: the last examination found it, with a line that matches
finds() {
  grep -qE "^$1: .*$2.* -> " out.txt || fail "expected $1 with '$2'"
}
# only CHECK...: it found nothing else, but for what it finds on this machine anyway
only() {
  local name
  for name in $found; do
    case " $* $anyway " in *" $name "*) ;; *) fail "$name was not planted" ;; esac
  done
}

# A sound machine. Noise is left out: others may use this one while tests run.
quiet=(doctor run.dir=here/run --skip noise)
examine "$LOCKSTEP" "${quiet[@]}" --all
mv out.txt all.txt
anyway=$found
examine mpirun -n 2 "$LOCKSTEP" "${quiet[@]}"
anyway="$anyway $found"
for name in $anyway; do
  [[ $name =~ ^($true_here)$ ]] || fail "$name: not planted, and no property of a machine"
done
[ -z "${anyway// /}" ] || echo "of this machine: $anyway"
[ -z "$(ls -A here)" ] || fail "it left a file in run.dir: $(ls -A here)"

# Five faults in one run: environment, limit of open files, a slow disk, another machine's /proc and /sys.
mkdir -p root/proc/self root/sys/kernel/mm/transparent_hugepage root/sys/fs/cgroup/job
echo 'always madvise [never]' >root/sys/kernel/mm/transparent_hugepage/enabled
printf 'MemTotal: 9999999 kB\nMemAvailable: 8888888 kB\n' >root/proc/meminfo
echo '0::/job' >root/proc/self/cgroup
echo 100000000 >root/sys/fs/cgroup/job/memory.max
echo '50000 100000' >root/sys/fs/cgroup/job/cpu.max
planted() (
  ulimit -n 100
  LOCKSTEP_TEST_ROOT=$PWD/root OMP_NUM_THREADS=4096 SLURM_NTASKS=2 "$LOCKSTEP" "${quiet[@]}"
)
examine planted
finds threads 'OMP_NUM_THREADS=4096'
finds launcher 'the job has 2 tasks by Slurm, and 1 rank was started'
finds limits 'limit of open files: 100, needed are 132'
finds huge-pages 'never'
finds memory 'until the limit of the control group'
finds quota 'the time of 0.5 cores'
only threads launcher limits huge-pages memory quota

# OpenBLAS computes for an old CPU; fsync takes long (a preloaded library).
if [ -z "$LOCKSTEP_SANITIZE" ] && [ -f "$LOCKSTEP_SHIM" ] && grep -q '^kernels: .*avx' all.txt; then
  examine env OPENBLAS_CORETYPE=Prescott LD_PRELOAD="$LOCKSTEP_SHIM" FAULT_CALL=fsync FAULT_MODE=slow FAULT_UNDER=here \
    "$LOCKSTEP" "${quiet[@]}" kernels=blas
  finds openblas 'OPENBLAS_CORETYPE=Prescott'
  finds sync 'is on the disk after [1-9][0-9.]* s'
  only openblas sync
fi

# Two ranks on one core; they take half of its time from each other, which is not called noise.
examine mpirun -n 2 taskset -c "$cpu" "$LOCKSTEP" doctor run.dir=here/run
case $(nproc --all) in
  1) finds binding '2 ranks on .*, which has 1 core' ;;
  *) finds binding "ranks 0 and 1 on .* are bound to core $cpu alone" ;;
esac
only binding

# A neighbour that computes on the same core.
taskset -c "$cpu" sh -c 'while :; do :; done' &
neighbour=$!
trap 'kill $neighbour 2>/dev/null || true' EXIT
examine taskset -c "$cpu" "$LOCKSTEP" doctor run.dir=here/run
kill "$neighbour"
wait "$neighbour" 2>/dev/null || true
finds noise 'others used up to [1-9][0-9]* % of the core'
only noise

# A launcher of another MPI: each of its processes is alone, and the first says so, once. Few addresses (sanitizers need
# more of them than that).
other=PMI
if [ "$LOCKSTEP_MPI" = mpich ]; then other=OMPI_COMM_WORLD; fi
alone() (
  [ -n "$LOCKSTEP_SANITIZE" ] || ulimit -v 2000000
  env ${other}_SIZE=2 ${other}_RANK="$1" "$LOCKSTEP" "${quiet[@]}"
)
examine alone 0
finds launcher 'started 2 tasks, and MPI counts 1 rank'
[ -n "$LOCKSTEP_SANITIZE" ] || finds limits 'limit of address space: 1.9 GiB'
only launcher limits
alone 1 >out.txt 2>&1 || true
[ ! -s out.txt ] || fail "the second of two ranks that are alone prints too"

# Mounts of our own: /dev/shm too small for two ranks, a full disk, a read-only one.
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
  export anyway true_here
  unshare -m bash -eu <<SCRIPT
$(declare -f examine finds only fail)
quiet=(doctor --skip noise)
mkdir tiny full locked
mount -t tmpfs -o size=8m none /dev/shm
mount -t tmpfs -o size=64k none full
mount -t tmpfs -o ro none locked
cat /dev/zero >full/file 2>/dev/null || true
examine mpirun -n 2 "$LOCKSTEP" "\${quiet[@]}" run.dir=full/run
finds shared-memory '8.0 MiB, .* 48 MiB needed for 2 ranks'
finds folder 'cannot write a file in .*/full .tmpfs.: No space left'
finds disk '0.0 KiB free'
only shared-memory folder disk
examine "$LOCKSTEP" "\${quiet[@]}" run.dir=locked/run
finds folder 'Read-only file system'
only folder disk
SCRIPT
  # two names for this machine, and so messages between two hosts
  # shellcheck disable=SC2016
  examine mpirun -n 2 unshare --uts sh -c 'hostname host${OMPI_COMM_WORLD_RANK:-$PMI_RANK}; exec "$@"' sh "$LOCKSTEP" "${quiet[@]}" --all
  grep -q '^network: well: between host0 and host1 [1-9][0-9]* MB/s, and ' out.txt || fail "no network between two hosts"
  only
else
  echo "no mounts of our own: needs root"
fi

# JSON has every check, and the same findings.
OMP_NUM_THREADS=4096 "$LOCKSTEP" "${quiet[@]}" --json >out.txt || [ $? -eq 78 ]
[ "$(grep -c '"name": ' out.txt)" -eq "$(grep -cE '^[a-z0-9-]+: ' all.txt)" ] || fail "--json and --all have different checks"
found=$(awk -F'"' '/"name"/ { name = $4 } /"verdict": "wrong"/ { print name }' out.txt | sort | paste -sd ' ')
[[ " $found " == *" threads "* ]] || fail "--json has no threads"
only threads

# The corpus of a configuration, and one that does not suit it; a full disk behind the output.
corpus_lines 2>/dev/null
"$LOCKSTEP" doctor "$LOCKSTEP_SOURCE/configs/lm-line.yaml" "${quiet[@]:1}" data.corpus=lines.h5 --all >out.txt || [ $? -eq 78 ]
grep -q '^corpus: well: lines.h5: .* million parameters' out.txt || fail "no parameters"
examine "$LOCKSTEP" "${quiet[@]}" task=label data.corpus=lines.h5
finds corpus 'task=label: .* of kind label'
only corpus
if [ -c /dev/full ]; then
  code=0
  "$LOCKSTEP" "${quiet[@]}" >/dev/full 2>err.txt || code=$?
  { [ "$code" -eq 74 ] && grep -q 'standard output' err.txt; } || fail "output to a full disk: $code"
fi

# A signal while a file is written: it ends the program, and leaves no file.
if [ -f "$LOCKSTEP_SHIM" ] && [ -z "$LOCKSTEP_SANITIZE" ]; then
  env LD_PRELOAD="$LOCKSTEP_SHIM" FAULT_CALL=fsync FAULT_MODE=slow FAULT_UNDER=here "$LOCKSTEP" "${quiet[@]}" >/dev/null 2>&1 &
  job=$!
  for _ in $(seq 200); do
    if compgen -G 'here/.doctor.*' >/dev/null; then break; fi
    sleep 0.02
  done
  compgen -G 'here/.doctor.*' >/dev/null || fail "no file is written"
  kill -TERM "$job"
  code=0
  wait "$job" || code=$?
  [ "$code" -eq 143 ] || fail "a signal: exit code $code"
  [ -z "$(ls -A here)" ] || fail "a signal leaves $(ls -A here)"
fi

expect 64 "unknown check 'huge' .did you mean 'huge-pages'|unknown check 'huge'" "$LOCKSTEP" doctor --skip huge
expect 64 "kernels=avx9: expected auto" "$LOCKSTEP" doctor kernels=avx9
expect 74 'none.yaml' "$LOCKSTEP" doctor none.yaml
