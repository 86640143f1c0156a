/* Frames of events: see report.h. */
#include "report.h"

#include <string.h>
#include <sys/socket.h>

#include "protocol.h"

static void put(struct report *r, uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; i++) r->bytes[r->length++] = (uint8_t)(value >> (8 * i));
}

static void begin(struct report *r, uint16_t type) {
  r->length = 4;
  put(r, type, 2);
  put(r, 0, 2);
  put(r, 0, 8);
}

static void end(struct report *r) {
  uint32_t length = r->length;
  r->length = 0;
  put(r, length - 4, 4);
  r->length = length;
}

void report_failed(struct report *r, const struct failure *f) {
  uint32_t detail = (uint32_t)strlen(f->err.detail);
  begin(r, EVT_FAILED);
  put(r, f->stream, 4);
  put(r, f->index, 4);
  put(r, f->code, 4);
  put(r, (uint32_t)f->err.number, 4);
  put(r, detail, 4);
  memcpy(r->bytes + r->length, f->err.detail, detail + 1);
  r->length += detail + 1;
  end(r);
}

void report_process(struct report *r, uint16_t type, pid_t pid, uint64_t starttime) {
  begin(r, type);
  put(r, (uint32_t)pid, 4);
  put(r, starttime, 8);
  end(r);
}

void report_exit(struct report *r, int status, uint64_t time_ns) {
  begin(r, EVT_EXIT);
  put(r, (uint32_t)status, 4);
  put(r, time_ns, 8);
  put(r, 0, 4);
  end(r);
}

int report_send(int fd, const struct report *r) {
  ssize_t sent;
  do {
    sent = send(fd, r->bytes, r->length, MSG_NOSIGNAL);
    if (sent < 0 && errno == ENOTSOCK) sent = write(fd, r->bytes, r->length);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -1 : 0;
}
