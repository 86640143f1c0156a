/* The shims a launcher has started. See LAUNCH and PROCEED in README.md. */
#ifndef SKIFF_LAUNCHER_SHIMS_H
#define SKIFF_LAUNCHER_SHIMS_H

#include <sys/types.h>

#include "frame.h"
#include "plan.h"

/* Those that have not been seen to end; all zero is an empty table. */
struct shim_table {
  struct buffer entries;
};

/* What a shim takes along from the launcher, and what it gives back of it. */
struct shim_home {
  char *title; /* the memory of argv and the environment */
  size_t title_size;
  int event_fd;
  void (*forget_others)(void *context);
  void (*free_request)(void *context); /* when record and plan are no longer read */
  void *context;
};

/* Forks a shim for the body of a LAUNCH; its socket takes connections from then on. Gives 0 and its pid, or an errno. */
int shims_launch(struct shim_table *table, const struct shim_home *home, struct reader body, pid_t *pid);
/* The word a shim with the flag WAITS is waiting for. No shim of that token, or none that waits: nothing. */
void shims_proceed(struct shim_table *table, uint64_t token, int goes_on);
/* One has ended. -1: it was no shim. */
int shims_forget(struct shim_table *table, pid_t pid, uint64_t *token);

#endif
