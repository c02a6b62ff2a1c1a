/* checks.c - the table of checks. */
#include "doctor_impl.h"

static const lk_check checks[] = {
    {"launcher", "every rank that was started belongs to one job", lk_check_launcher},
    {"program", "all ranks run the same program", lk_check_program},
    {"mpi", "the MPI library is the one that the program was compiled for", lk_check_mpi},
    {"hdf5", "the HDF5 library is the one that the program was compiled for", lk_check_hdf5},
    {"corpus", "all ranks read the same corpus, and the configuration suits it", lk_check_corpus},
    {"kernels", "the instruction set that the kernels use", lk_check_kernels},
    {"openblas", "OpenBLAS knows this CPU, where it makes the products", lk_check_openblas},
    {"binding", "every rank has a core of its own", lk_check_binding},
    {"quota", "the control group leaves each rank a core's time", lk_check_quota},
    {"threads", "libraries start no more threads than there are cores", lk_check_threads},
    {"frequency", "the cores run at full frequency", lk_check_frequency},
    {"noise", "no other process uses the cores", lk_check_noise},
    {"speed", "all ranks compute equally fast", lk_check_speed},
    {"memory", "enough memory is free", lk_check_memory},
    {"limits", "limits of the shell (ulimit)", lk_check_limits},
    {"huge-pages", "memory that ranks share has huge pages", lk_check_huge_pages},
    {"shared-memory", "/dev/shm has room for what ranks share", lk_check_shared_memory},
    {"folder", "run.dir can be written, renamed and linked in", lk_check_folder},
    {"disk", "space for checkpoints", lk_check_disk},
    {"sync", "how long a small file takes to be on the disk", lk_check_sync},
    {"clock", "clocks are fine enough, and those of the hosts agree", lk_check_clock},
    {"network", "latency and bandwidth between hosts", lk_check_network},
};

const lk_check *lk_doctor_checks(size_t *count) {
  *count = sizeof checks / sizeof *checks;
  return checks;
}
