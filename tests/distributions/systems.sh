# systems.sh - systems made for a test, each by debootstrap in a folder of its own; sourced by tests/distributions/run and
# tests/packages/run, after scripts/common.sh. The shell that sources it has
#   folder, logs   where the systems are, and what commands print; `folder` may be empty before start()
#   mirrors        addresses of packages that were given, an array; unverified: do not check their signatures
#   finish()       what to do at the end, also when interrupted
# shellcheck shell=bash
# shellcheck disable=SC2154 # root is of common.sh

child='' # the process in the namespaces

# suite_of DISTRIBUTION: the name that its archive has for it
suite_of() {
  case ${1%-mpich} in
    debian:12) echo bookworm ;;
    debian:13) echo trixie ;;
    debian:sid) echo sid ;;
    ubuntu:22.04) echo jammy ;;
    ubuntu:24.04) echo noble ;;
    *) return 1 ;;
  esac
}

has_suite() { wget -q --spider "${1%/}/dists/$2/Release"; }

# mirror_of SUITE: the first address that has it
mirror_of() {
  local address own
  # shellcheck disable=SC2016 # apt's own variable
  mapfile -t own < <(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | sort -u)
  for address in "${mirrors[@]}" "${own[@]}"; do
    if has_suite "$address" "$1"; then echo "${address%/}" && return; fi
  done
  return 1
}

# bootstrap DISTRIBUTION FOLDER: a system as its installer would leave it, and no more
bootstrap() {
  local suite mirror options=(--variant=minbase) components=main script=sid
  local keys=/usr/share/keyrings/ubuntu-archive-keyring.gpg
  suite=$(suite_of "$1")
  mirror=$(mirror_of "$suite") || { echo "no mirror at hand has $suite: name one with --mirror" && return 1; }
  case $1 in
    ubuntu:*)
      components=main,universe script=gutsy
      if [ -f "$keys" ]; then options+=(--keyring="$keys"); elif [ -n "$unverified" ]; then options+=(--no-check-gpg); fi
      ;;
    *) if [ -n "$unverified" ]; then options+=(--no-check-gpg); fi ;;
  esac
  script=/usr/share/debootstrap/scripts/$script
  if [ -e "${script%/*}/$suite" ]; then script=${script%/*}/$suite; fi
  debootstrap "${options[@]}" --components="$components" "$suite" "$2" "$mirror" "$script" || return
  if has_suite "$mirror" "$suite-updates"; then
    echo "deb $mirror $suite-updates ${components//,/ }" >>"$2/etc/apt/sources.list"
  fi
  cp /etc/resolv.conf /etc/hosts "$2/etc/"
  git clone -q --no-hardlinks "$root" "$2/root/lockstep"
}

mount_in() {
  mount -t proc proc "$1/proc" && mount --rbind /sys "$1/sys" && mount --bind /dev "$1/dev" &&
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts" && mount -t tmpfs tmpfs "$1/dev/shm"
}

unmount_in() {
  local mounted
  for mounted in proc sys dev; do
    if mountpoint -q "$1/$mounted"; then umount -R -l "$1/$mounted"; fi
  done
}

# inside SYSTEM WORD...: in an environment as a login has it
inside() {
  local system=$1 given=()
  shift
  for name in http_proxy https_proxy no_proxy DEBFULLNAME DEBEMAIL; do
    if [ -n "${!name:-}" ]; then given+=("$name=${!name}"); fi
  done
  env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb "${given[@]}" \
    ${mpi:+"LOCKSTEP_MPI=$mpi"} chroot "$system" "$@"
}

minutes() { awk -v s="$1" 'BEGIN { printf "%.1f min", s / 60 }'; }

# timed LOG COMMAND...: how long it took, or that it failed; what it printed goes to the log
timed() {
  local log=$1 start=$SECONDS
  shift
  if "$@" >"$log" 2>&1 </dev/null; then
    minutes $((SECONDS - start))
  else
    minutes $((SECONDS - start))
    echo ', FAILED'
    tail -n 30 "$log" >&2
    return 1
  fi
}

# start OPTION...: make the folder and the namespaces, and call this script there, with --within; finish() at the end
start() {
  local program code=0
  [ "$(id -u)" -eq 0 ] || die "only root can make systems"
  for program in debootstrap wget unshare git; do
    command -v $program >/dev/null || die "$program is not installed (apt-get install debootstrap wget util-linux git)"
  done
  if ! git -C "$root" diff --quiet HEAD; then echo "What is not committed yet is left out." >&2; fi
  mkdir -p "$logs" ${folder:+"$folder"}
  [ -n "$folder" ] || folder=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-systems.XXXXXX")
  folder=$(cd "$folder" && pwd)
  rm -f "$folder/table"
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$0" --within --folder "$folder" "$@" &
  child=$!
  wait "$child" || code=$?
  child=''
  return $code
}
