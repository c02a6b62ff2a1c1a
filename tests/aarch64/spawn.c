/* spawn.c - a preloaded library: programs that were started under qemu start others under it. The kernel alone cannot
 * run them where nobody registered qemu with binfmt_misc. LOCKSTEP_QEMU: the emulator; LOCKSTEP_SYSROOT: what its -L
 * says; LOCKSTEP_PROGRAM: what /proc/self/exe stands for. */
#include <dlfcn.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>

typedef int spawn(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
                  char *const[]);

int posix_spawn(pid_t *child, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[], char *const environment[]) {
  spawn *real;
  void *symbol = dlsym(RTLD_NEXT, "posix_spawn");
  memcpy(&real, &symbol, sizeof real);
  const char *qemu = getenv("LOCKSTEP_QEMU"), *program = getenv("LOCKSTEP_PROGRAM");
  char *to[64] = {(char *)qemu, "-L", getenv("LOCKSTEP_SYSROOT"),
                  strcmp(path, "/proc/self/exe") == 0 ? (char *)program : (char *)path};
  int n = 4;
  for (int i = 1; argv[0] && argv[i] && n < 63; i++) to[n++] = argv[i];
  return real(child, qemu, actions, attributes, to, environment);
}
