/* What a launch that is expected will need, made before it comes. See EXPECT in README.md. */
#ifndef SKIFF_LAUNCHER_READY_H
#define SKIFF_LAUNCHER_READY_H

#include <stdint.h>

/* A network namespace takes the kernel a millisecond, most of what a clone with new namespaces takes. It begins with what the
 * host's settings are when it is made, so it is not kept for long. */
struct ready {
  int host;      /* the launcher's own network namespace; -1: not opened yet */
  int net;       /* one nobody is in; -1: none */
  int64_t until; /* monotonic ms, when it is given up */
};

#define READY_NOTHING ((struct ready){.host = -1, .net = -1})

/* Makes it; one that is there is kept for longer. What the kernel refuses has no consequence (0); -1: the launcher is in a
 * network that is not its own, and must end. */
int ready_make(struct ready *ready);
/* For the next launch, which closes it if it has no use for it; -1: none. */
int ready_take(struct ready *ready);
/* ms until it has to be looked at again, for poll; -1: never. Gives up what nobody has taken in time. */
int ready_timeout(struct ready *ready);

#endif
