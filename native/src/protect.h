/* Keeps the helper's own file out of reach of containers. */
#ifndef SKIFF_PROTECT_H
#define SKIFF_PROTECT_H

#include "error.h"

/* Runs this program anew, with the same arguments, environment and fds, from a read-only view of its file. To be called
 * first in a process that will make containers.
 * Why (CVE-2019-5736): a container can make its program /proc/self/exe, by name or behind "#!". Exec then runs the
 * helper's own file, and a process beside it could open /proc/PID/exe and write into it. Behind a read-only mount or in
 * a sealed memory file that write fails.
 * Gives 0 when the file is protected already; does not come back from running anew; -1 where neither can be had. */
int protect_executable(char **argv, struct err *e);

#endif
