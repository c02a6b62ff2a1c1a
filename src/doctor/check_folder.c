/* check_folder.c - checks of run.dir. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "doctor_impl.h"

/* Whether a list such as "rw,soft,vers=4.2" has the word. */
static bool has_option(const char *options, const char *word) {
  const size_t size = strlen(word);
  for (const char *at = options; *at; at += strcspn(at, ","), at += *at == ',')
    if (strcspn(at, ",") == size && strncmp(at, word, size) == 0) return true;
  return false;
}

static bool is_network(const char *type) {
  static const char *const types[] = {"nfs",  "nfs4", "lustre", "gpfs", "beegfs",
                                      "ceph", "cifs", "smb3",   "9p",   "fuse.sshfs"};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp(type, types[i]) == 0) return true;
  return false;
}

static const char *mend_of_error(int error) {
  switch (error) {
    case EROFS:
      return "choose another run.dir; the file system is mounted read-only";
    case EACCES:
    case EPERM:
      return "choose another run.dir, or let this user write there (chmod, chown)";
    case ENOSPC:
    case EDQUOT:
      return "remove files there ('df -h' and 'quota' show what is left), or choose another run.dir";
    case ENOTDIR:
      return "choose another run.dir; a part of this path is a file";
    default:
      return "choose a run.dir on another file system";
  }
}

void lk_check_folder(const lk_survey *survey, lk_finding *finding) {
  const lk_folder_facts *folder = &survey->folder;
  lk_measured(finding, "%s is on %s: a file is written, renamed and linked there", folder->path,
              folder->type[0] ? folder->type : "an unknown file system");
  if (folder->error) {
    lk_measured(finding, "cannot %s %s (%s): %s", folder->failed, folder->path,
                folder->type[0] ? folder->type : "unknown file system", strerror(folder->error));
    lk_wrong(finding, "a run writes its lock and its checkpoints there", "%s", mend_of_error(folder->error));
  } else if (has_option(folder->options, "soft") && strncmp(folder->type, "nfs", 3) == 0) {
    lk_measured(finding, "%s is on %s, mounted 'soft'", folder->path, folder->type);
    lk_wrong(finding, "a server that answers late makes writes fail, and checkpoints with them",
             "mount it with 'hard' (/etc/fstab)");
  } else if (strcmp(folder->type, "tmpfs") == 0 || strcmp(folder->type, "ramfs") == 0) {
    lk_measured(finding, "%s is on %s, which is memory", folder->path, folder->type);
    lk_wrong(finding, "its checkpoints are lost when the machine starts again, and take memory from the run",
             "run.dir=FOLDER on a disk");
  }
}

/* A checkpoint has weights and moments; the newest ones, the best one and the one that is being written. */
void lk_check_disk(const lk_survey *survey, lk_finding *finding) {
  const lk_folder_facts *folder = &survey->folder;
  const double need = fmax(0x1p30, 5 * 3 * sizeof(float) * survey->model.parameters);
  char left[32], wanted[32];
  if (isnan(folder->free)) {
    lk_not_known(finding, "the file system does not tell");
    return;
  }
  lk_measured(finding, "%s has %s free, %s should be", folder->path, lk_bytes_text(left, folder->free),
              lk_bytes_text(wanted, need));
  if (folder->free < need) {
    lk_wrong(finding, "a run whose disk is full goes on without newer checkpoints, or ends with 74",
             "remove files there, or choose another run.dir");
  } else if (folder->files < 1000) {
    lk_measured(finding, "%s has room for %.0f more files (inodes)", folder->path, folder->files);
    lk_wrong(finding, "a run cannot write checkpoints when there are none left", "remove files there ('df -i')");
  }
}

static const double slow_sync = 0.2; /* seconds; disks take up to 0.05, network file systems a little more */

void lk_check_sync(const lk_survey *survey, lk_finding *finding) {
  const lk_folder_facts *folder = &survey->folder;
  char text[32];
  if (isnan(folder->sync)) {
    lk_not_known(finding, "no file could be written");
    return;
  }
  lk_measured(finding, "a file of 4 KiB is on the disk after %s in %s (%s%s)", lk_seconds_text(text, folder->sync),
              folder->path, folder->type[0] ? folder->type : "unknown file system",
              is_network(folder->type) ? ", over a network" : "");
  if (folder->sync > slow_sync)
    lk_wrong(finding, "the end of a run, and a stop by a signal, wait for several of these",
             "choose a run.dir on another disk, or save less often: checkpoint.every");
}
