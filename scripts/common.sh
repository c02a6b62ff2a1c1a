# common.sh - what the scripts share; sourced, never run.
# shellcheck shell=bash

# shellcheck disable=SC2034 # used by the scripts that source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cores=$(nproc 2>/dev/null || echo 1)

heading() { printf '\n== %s\n' "$*"; }

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# build_preset PRESET [argument of cmake --build ...]: configure and build; the compiler's output only where it failed.
build_preset() {
  local preset=$1 output
  shift
  cd "$root" || exit 1
  output=$(cmake --preset "$preset" 2>&1) || die "configuring failed:
$output"
  if ! output=$(cmake --build --preset "$preset" -j "$cores" "$@" 2>&1); then
    printf '%s\n' "$output" | grep -v '^\[[0-9/]*\] ' >&2
    die "building the preset $preset failed"
  fi
  printf '%s\n' "$output" | grep -A 3 'warning:' || true
}

# Environment in which plain `mpirun -n R` works: as root, with fewer cores than ranks, inside a container.
mpi_environment() {
  export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
  export OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_btl_base_warn_component_unused=0
  if [ "$cores" -lt "${1:-1}" ]; then export OMPI_MCA_mpi_yield_when_idle=1; fi
  if [ "$(id -u)" -eq 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
}
