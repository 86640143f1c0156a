/* Frames of events (README.md, "Events"), built in place and written by one call. */
#ifndef SKIFF_REPORT_H
#define SKIFF_REPORT_H

#include "vm.h"

struct report {
  uint32_t length; /* of all the bytes, the frame's own length field included */
  uint8_t bytes[ERR_DETAIL + 64];
};

/* All with token 0, as nobody but the one reader is told. */
void report_failed(struct report *r, const struct failure *f);
/* type: EVT_CREATED or EVT_STARTED. */
void report_process(struct report *r, uint16_t type, pid_t pid, uint64_t starttime);
void report_exit(struct report *r, int status, uint64_t time_ns);
/* Sends the frame over a pipe, file or socket. -1 with errno; a reader that is gone raises no signal on sockets. */
int report_send(int fd, const struct report *r);

#endif
