/* Mutated shim records, hellos and control frames, in this process: the sanitizers judge, and every frame that is taken
 * for a command is answered. Usage: fuzz-frames [INPUTS [SEED]]. */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "check.h"
#include "mutate.h"
#include "shim.h"

static uint8_t bytes[8192];
static struct shim shim;

static void record_once(struct mutator *m) {
  struct writer w = {.at = bytes, .end = bytes + sizeof bytes};
  put_u32(&w, 3);
  put_string(&w, "id");
  put_string(&w, "/run/folder");
  put_string(&w, "/log/file");
  put_u64(&w, 1000);
  put_u32(&w, 2);
  put_string(&w, ",\"attrs\":{}");
  put_u64(&w, 0);
  put_string(&w, "/cgroup");
  put_u32(&w, 1);
  size_t length = (size_t)(w.at - bytes);
  mutate_bytes(m, bytes, &length);
  /* At the very end of an allocation, so that one byte too many is seen. */
  uint8_t *exact = malloc(length ? length : 1);
  memcpy(exact, bytes, length);
  struct reader r = {.at = exact, .end = exact + length};
  struct shim_record record;
  if (shim_record_read(&r, &record) == 0)
    EXPECT(strlen(record.id) + strlen(record.run_dir) + strlen(record.log_path) + record.log_attrs.length < length);
  free(exact);
}

static void reset_shim(void) {
  for (int i = 0; i < CONNECTION_MAX; i++) shim.connections[i].fd = -1;
  shim.listen_fd = shim.signal_fd = shim.run_fd = shim.stdin_fd = shim.terminal_fd = shim.log.fd = shim.events.fd = -1;
  for (int i = 0; i < 2; i++) shim.out[i].fd = -1;
  shim.out[0].number = 1;
  shim.out[1].number = 2;
  shim.state = SHIM_RUNNING;
}

static size_t make_talk(unsigned which) {
  struct writer w = {.at = bytes, .end = bytes + sizeof bytes};
  put_u32(&w, HELLO_MAGIC);
  unsigned kind = which & 1 ? CONN_CONTROL : which & 32 ? CONN_ATTACH_MARKED : CONN_ATTACH;
  put_u16(&w, (uint16_t)(kind == CONN_CONTROL ? kind : kind | (which & 0x1f) << 8));
  put_u16(&w, 0);
  for (uint16_t type = 1; type <= 8; type++) {
    uint32_t arguments = type == CTL_SIGNAL ? 1 : type == CTL_RESIZE ? 2 : 0;
    put_u32(&w, 8 + 4 * arguments);
    put_u16(&w, type);
    put_u16(&w, 0);
    put_u32(&w, type);
    for (uint32_t i = 0; i < arguments; i++) put_u32(&w, 0);
  }
  return (size_t)(w.at - bytes);
}

/* A whole conversation in pieces of random sizes, with output for attached clients in between. */
static void talk_once(struct mutator *m, unsigned which) {
  int ends[2];
  size_t length = make_talk(which);
  if (which % 8 != 0) mutate_bytes(m, bytes, &length);
  EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  struct connection *c = &shim.connections[random_below(m, CONNECTION_MAX)];
  memset(c, 0, sizeof *c);
  c->fd = ends[0];
  c->events.fd = -1;
  for (size_t at = 0; at < length && c->fd >= 0;) {
    size_t size = 1 + random_below(m, 40);
    if (size > length - at) size = length - at;
    if (send(ends[1], bytes + at, size, MSG_NOSIGNAL) < 0) break;
    at += size;
    int fd;
    short wanted = client_interest(&shim, c, &fd);
    client_ready(&shim, c, (short)(wanted & POLLIN ? POLLIN : POLLOUT));
    if (attach_room(&shim, &shim.out[0]) >= size) attach_output(&shim, &shim.out[0], (const char *)bytes, size);
    clients_settle(&shim);
  }
  close(ends[1]);
  if (c->fd >= 0) client_ready(&shim, c, POLLIN | POLLHUP);
  clients_settle(&shim);
  client_drop(&shim, c);
}

int main(int argc, char **argv) {
  long inputs = argc > 1 ? atol(argv[1]) : 200000;
  struct mutator m = {.state = argc > 2 ? (uint64_t)atoll(argv[2]) : 1};
  reset_shim();
  for (long i = 0; i < inputs; i++) {
    record_once(&m);
    if (i % 4 == 0) talk_once(&m, (unsigned)i / 4);
  }
  printf("ok: fuzz-frames, %ld inputs\n", inputs);
  return 0;
}
