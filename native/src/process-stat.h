/* Fields of /proc/PID/stat (proc(5)): enough to know a process again and to see whether it has exec'ed. */
#ifndef SKIFF_PROCESS_STAT_H
#define SKIFF_PROCESS_STAT_H

#include <stdint.h>
#include <sys/types.h>

struct process_stat {
  uint64_t flags;     /* field 9, PF_ bits */
  uint64_t starttime; /* field 22, clock ticks since boot */
};

#define PROCESS_NOT_EXECED 0x40u /* PF_FORKNOEXEC */

/* proc: an fd of the proc file system's root. -1 with errno. */
int process_stat(int proc, pid_t pid, struct process_stat *out);

#endif
