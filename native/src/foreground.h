/* `run --foreground`: stays with the container: forwards signals, reaps, proxies its terminal. */
#ifndef SKIFF_FOREGROUND_H
#define SKIFF_FOREGROUND_H

#include "vm.h"

struct foreground {
  int signals; /* signalfd of all that can be blocked */
};

/* Before the launch, so that no signal is lost: blocks all, and becomes a subreaper if wanted. */
int foreground_begin(struct foreground *fg, int subreaper, struct err *e);
/* Until the container ends; tty: between vm->pty_master and the own stdio. Reports EXIT on report_fd. Gives the exit
 * status: the program's, or 128 + signal. */
int foreground_stay(struct foreground *fg, struct vm *vm, int tty, int report_fd);

#endif
