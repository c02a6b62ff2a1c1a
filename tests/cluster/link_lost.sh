# The rest of link.sh: under mpirun, and where the lost host has rank 0, which owns the run's folder.
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib.sh
. "$LOCKSTEP_SOURCE/tests/cluster/lib.sh"
need_cluster 3 full
undisturbed 600

lost lost-mpirun n2 mpirun "a host's plug out for good, mpirun"
lost lost-first n1 srun "the first host's plug out for good, srun"
