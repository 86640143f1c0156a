/* The resident child of the daemon: forks shims, performs batches, asks netlink. See "Launcher" in README.md. */
#ifndef SKIFF_LAUNCHER_H
#define SKIFF_LAUNCHER_H

#include <stddef.h>

/* Serves requests on fd 3, sends events on fd 4. title is the memory of argv and environ, title_size its length: shims
 * write their name there. Gives the exit status: 0 when fd 3 has closed. */
int launcher_main(char *title, size_t title_size);

#endif
