/* Makes what an expected launch will need. */
#include "launcher-ready.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "shim.h"

#define OWN_NETWORK "/proc/self/ns/net"
#define KEPT_MS 250

int ready_make(struct ready *ready) {
  ready->until = monotonic_ms() + KEPT_MS;
  if (ready->net >= 0) return 0;
  if (ready->host < 0) ready->host = open(OWN_NETWORK, O_RDONLY | O_CLOEXEC);
  if (ready->host < 0 || unshare(CLONE_NEWNET) < 0) return 0;
  ready->net = open(OWN_NETWORK, O_RDONLY | O_CLOEXEC);
  return setns(ready->host, CLONE_NEWNET);
}

int ready_take(struct ready *ready) {
  int net = ready->net;
  ready->net = -1;
  return net;
}

int ready_timeout(struct ready *ready) {
  if (ready->net < 0) return -1;
  int64_t left = ready->until - monotonic_ms();
  if (left > 0) return (int)left;
  close(ready_take(ready));
  return -1;
}
