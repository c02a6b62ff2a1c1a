# common.sh - functions for the other scripts; sourced, never run.
# shellcheck shell=bash

# shellcheck disable=SC2034 # used by the scripts that source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cores=$(nproc 2>/dev/null || echo 1)

heading() { printf '\n== %s\n' "$*"; }

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# build_preset PRESET [argument of cmake --build ...]: configure and build; shows the compiler output only if it fails.
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

# mpi_settings [RANKS]: print NAME=VALUE lines: an environment in which `mpirun -n R` works as root, with fewer cores
# than ranks and in a container. Each MPI reads its own names only. The tests use this too.
mpi_settings() {
  printf '%s\n' OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none \
    OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_btl_base_warn_component_unused=0 # Open MPI 4
  printf '%s\n' PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe PRTE_MCA_hwloc_default_binding_policy=none \
    OMPI_MCA_smsc=^cma # from 5 on
  printf '%s\n' HYDRA_BINDING=none I_MPI_PIN=0 # MPICH, Intel MPI
  if [ "$cores" -lt "${1:-1}" ]; then
    printf '%s\n' OMPI_MCA_mpi_yield_when_idle=1 MPIR_CVAR_POLLS_BEFORE_YIELD=1 I_MPI_WAIT_MODE=1
  fi
  if [ "$(id -u)" -eq 0 ]; then printf '%s\n' OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
}

# mpi_environment [RANKS [BUILD]]: export these settings; put the mpirun of the MPI that BUILD uses first in PATH.
mpi_environment() {
  local line
  while read -r line; do export "${line?}"; done < <(mpi_settings "${1:-1}")
  if [ -x "${2:-}/launcher/mpirun" ]; then export PATH="$2/launcher:$PATH"; fi
}
