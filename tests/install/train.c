/* mpirun -n R train CONFIG.yaml [KEY VALUE]...: train, or resume, on any number of ranks. */
#include <lockstep/lockstep.h>
#include <stdio.h>
#include <stdlib.h>

static int print(void *context, const lockstep_progress *p) {
  (void)context;
  if (p->rank == 0 && p->event != LOCKSTEP_STEP)
    printf("step %lld  epoch %.2f  loss %.4f  %s %.4f\n", (long long)p->step, p->epoch, p->loss, p->metric, p->value);
  return 0; /* another value stops the run with its state saved */
}

static lockstep_status train(lockstep_config *config, int argc, char **argv) {
  lockstep_train_options options = LOCKSTEP_TRAIN_OPTIONS;
  lockstep_status status = lockstep_config_read(config, argc > 1 ? argv[1] : "train.yaml");
  for (int i = 2; i + 1 < argc && status == LOCKSTEP_OK; i += 2)
    status = lockstep_config_set(config, argv[i], argv[i + 1]);
  options.progress = print;
  return status == LOCKSTEP_OK ? lockstep_train(config, &options) : status;
}

int main(int argc, char **argv) {
  lockstep_config *config = NULL;
  lockstep_status status = lockstep_mpi_init();
  if (status == LOCKSTEP_OK) status = lockstep_config_create(&config);
  if (status == LOCKSTEP_OK) status = train(config, argc, argv);
  if (status != LOCKSTEP_OK) fprintf(stderr, "train: %s\n", lockstep_error());
  lockstep_config_destroy(&config);
  lockstep_mpi_finalize();
  return lockstep_status_exit_code(status);
}
